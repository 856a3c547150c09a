//! Pictures that wait until it is known what is in them, and what was found lately.
//!
//! Invariant: a picture is given out only together with what was found in exactly that picture, by stamp and camera. One of which
//! nothing is heard, or is heard too late, is withheld whole and counted.

use std::collections::VecDeque;

use super::{Picture, Spot};

/// Pictures that wait at most: a detector that is slower than that has its frames dropped anyway.
const MOST: usize = 4;

/// What was found at one moment, and is to be hidden.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The picture's stamp, ns.
    pub stamp_ns: i64,
    /// The picture's camera: two cameras that are triggered together give equal stamps.
    pub frame_id: String,
    /// What is to be hidden.
    pub spots: Vec<Spot>,
}

/// The pictures.
#[derive(Debug)]
pub struct Waiting {
    pictures: VecDeque<Picture>,
    spare: Vec<Picture>,
    /// What was found lately, oldest first: somebody whom the detector misses for a frame is still hidden where he was.
    lately: VecDeque<Found>,
    hold_ns: i64,
    most_age_ns: i64,
    withheld: u64,
    others: u64,
}

impl Waiting {
    /// Boxes are kept for `hold_ns`; a picture older than `most_age_ns` is not given out any more.
    pub fn new(hold_ns: i64, most_age_ns: i64) -> Self {
        Self {
            pictures: VecDeque::new(),
            spare: Vec::new(),
            lately: VecDeque::new(),
            hold_ns,
            most_age_ns,
            withheld: 0,
            others: 0,
        }
    }

    /// How often something was found in a picture of that moment that is of another camera.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// Withholds what waits, and forgets what was found.
    pub fn drop_all(&mut self) {
        self.withheld += self.pictures.len() as u64;
        self.spare.extend(self.pictures.drain(..));
        self.lately.clear();
    }

    /// Pictures withheld so far.
    pub fn withheld(&self) -> u64 {
        self.withheld
    }

    /// Memory for the next picture.
    pub fn blank(&mut self) -> Picture {
        self.spare.pop().unwrap_or_default()
    }

    /// A picture has been read into it; the oldest of too many is withheld.
    pub fn add(&mut self, picture: Picture) {
        self.pictures.push_back(picture);
        while self.pictures.len() > MOST {
            let oldest = self.pictures.pop_front();
            self.withheld += 1;
            self.spare.extend(oldest);
        }
    }

    /// Gives memory back.
    pub fn done(&mut self, picture: Picture) {
        self.spare.push(picture);
    }

    /// What was found in the picture of that stamp and camera: it, if it waits and is young enough, with all that is to be hidden in it.
    /// Pictures before it are withheld.
    pub fn take(&mut self, found: Found, now_ns: i64) -> Option<(Picture, Vec<Spot>)> {
        let stamp = found.stamp_ns;
        // After a jump of the clock what is remembered is of another time.
        self.lately.retain(|old| (0..=self.hold_ns).contains(&(stamp - old.stamp_ns)));
        let is_it = |picture: &Picture| picture.stamp_ns == stamp && picture.frame_id == found.frame_id;
        let at = self.pictures.iter().position(is_it);
        if at.is_none() && self.pictures.iter().any(|picture| picture.stamp_ns == stamp) {
            self.others += 1;
            return None;
        }
        let mut spots = found.spots.clone();
        spots.extend(self.lately.iter().flat_map(|old| &old.spots));
        self.lately.push_back(found);
        for _ in 0..at? {
            self.withheld += 1;
            self.spare.extend(self.pictures.pop_front());
        }
        let picture = self.pictures.pop_front()?;
        if now_ns.saturating_sub(stamp) > self.most_age_ns {
            self.withheld += 1;
            self.spare.push(picture);
            return None;
        }
        Some((picture, spots))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(stamp_ns: i64) -> Picture {
        Picture { stamp_ns, ..Picture::default() }
    }

    fn found(stamp_ns: i64, boxes: usize) -> Found {
        let spot = Spot::new((stamp_ns as f64, 0.0), (1.0, 1.0), ["person"]);
        Found { stamp_ns, frame_id: String::new(), spots: vec![spot; boxes] }
    }

    #[test]
    fn a_picture_leaves_only_with_what_was_found_in_it() {
        let mut waiting = Waiting::new(100, 1000);
        assert!(waiting.take(found(10, 1), 20).is_none(), "no picture");
        for stamp in [20, 30, 40] {
            waiting.add(at(stamp));
        }
        // The detector left out the first one.
        let (picture, _) = waiting.take(found(30, 0), 50).unwrap();
        assert_eq!((picture.stamp_ns, waiting.withheld()), (30, 1));
        assert!(waiting.take(found(30, 0), 50).is_none(), "it left already");
        assert!(
            waiting.take(found(35, 0), 50).is_none(),
            "another picture's findings are none of this one's"
        );
        assert!(waiting.take(found(40, 0), 5000).is_none(), "too late");
        assert_eq!(waiting.withheld(), 2);
        for stamp in 100..110 {
            waiting.add(at(stamp));
        }
        assert_eq!(waiting.withheld(), 8, "of ten pictures four wait");
    }

    #[test]
    fn what_another_camera_sees_at_the_same_moment_is_no_reason_to_give_out() {
        let mut waiting = Waiting::new(100, 1000);
        waiting.add(Picture { frame_id: "left".into(), ..at(20) });
        let of = |camera: &str| Found { frame_id: camera.into(), ..found(20, 1) };
        assert!(waiting.take(of("right"), 20).is_none());
        assert_eq!(waiting.others(), 1);
        assert_eq!(waiting.take(of("left"), 20).unwrap().1.len(), 1, "and nothing of the other one's");
        waiting.add(at(30));
        waiting.drop_all();
        assert!(waiting.take(found(30, 0), 30).is_none());
        assert_eq!(waiting.withheld(), 1);
    }

    #[test]
    fn who_is_missed_for_a_frame_is_hidden_where_he_was() {
        let mut waiting = Waiting::new(100, 1000);
        for (stamp, boxes, hidden) in [(10, 2, 2), (60, 0, 2), (109, 1, 3), (111, 0, 1), (300, 0, 0)] {
            waiting.add(at(stamp));
            let (picture, regions) = waiting.take(found(stamp, boxes), stamp).unwrap();
            assert_eq!((picture.stamp_ns, regions.len()), (stamp, hidden));
            waiting.done(picture);
        }
        // The clock jumps back, as when a bag is played again.
        waiting.add(at(20));
        assert_eq!(waiting.take(found(20, 1), 20).unwrap().1.len(), 1);
    }
}
