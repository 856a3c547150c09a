//! A numbered thing, and its life: tentative, confirmed, lost, gone.

use super::classes::Label;
use super::evidence::Evidence;
use super::found::Found;
use super::image_filter::ImageFilter;
use super::space_filter::SpaceFilter;

/// Labels remembered per track: what the detector called it, by weight.
const VOTES: usize = 4;
/// Share of a new measurement in the smoothed extent.
const EXTENT_SHARE: f64 = 0.3;

/// Where a track stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Seen, but not often enough to count. Gone with the first miss.
    Tentative,
    /// Seen in the last picture.
    Confirmed,
    /// Not seen in the last picture.
    Lost,
}

/// One thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Its number, from 1; 0 while tentative. Never given twice.
    pub id: u32,
    /// Where it stands.
    pub life: Life,
    /// Pictures in which it was seen.
    pub hits: u32,
    /// Stamp of the last picture that showed it, nanoseconds.
    pub seen: i64,
    /// Score of the last detection, 0 to 1.
    pub score: f64,
    /// What speaks for it.
    pub evidence: Evidence,
    /// Its box in the picture.
    pub image: ImageFilter,
    /// Its place and velocity, once it had a depth.
    pub space: Option<SpaceFilter>,
    /// Depth along the optical axis when it was last measured, metres; carried along with the camera.
    pub depth: Option<f64>,
    /// Extent across and along the line of sight over ground, and upwards, metres; smoothed.
    pub extent: [f64; 2],
    votes: [(Label, f64); VOTES],
}

impl Track {
    /// A track from its first detection at `stamp`.
    #[must_use]
    pub fn new(found: &Found, stamp: i64) -> Self {
        let mut votes = [(found.label, 0.0); VOTES];
        votes[0].1 = found.score;
        Self {
            id: 0,
            life: Life::Tentative,
            hits: 1,
            seen: stamp,
            score: found.score,
            evidence: Evidence::default(),
            image: ImageFilter::new(&found.rect),
            space: None,
            depth: None,
            extent: [0.0; 2],
            votes,
        }
    }

    /// Takes in the detection that showed it at `stamp`.
    pub fn see(&mut self, found: &Found, stamp: i64) {
        self.image.update(&found.rect);
        self.hits = self.hits.saturating_add(1);
        self.seen = stamp;
        self.score = found.score;
        self.vote(found.label, found.score);
    }

    /// Smooths the extent: across and up, metres.
    pub fn measure_extent(&mut self, across: f64, up: f64) {
        let first = self.extent == [0.0; 2];
        for (kept, new) in self.extent.iter_mut().zip([across, up]) {
            *kept = if first { new } else { *kept + EXTENT_SHARE * (new - *kept) };
        }
    }

    /// What the detector called it most, by scores.
    #[must_use]
    pub fn label(&self) -> Label {
        let mut best = self.votes[0];
        for vote in self.votes {
            if vote.1 > best.1 {
                best = vote;
            }
        }
        best.0
    }

    fn vote(&mut self, label: Label, score: f64) {
        // Old votes fade, so that a first error does not stay for ever.
        self.votes.iter_mut().for_each(|vote| vote.1 *= 0.98);
        if let Some(vote) = self.votes.iter_mut().find(|vote| vote.0 == label && vote.1 > 0.0) {
            vote.1 += score;
            return;
        }
        // The weakest makes room.
        let mut weakest = 0;
        for (at, vote) in self.votes.iter().enumerate() {
            if vote.1 < self.votes[weakest].1 {
                weakest = at;
            }
        }
        self.votes[weakest] = (label, score);
    }

    /// Seconds since it was seen, at `stamp`.
    #[must_use]
    pub fn age(&self, stamp: i64) -> f64 {
        stamp.saturating_sub(self.seen).max(0) as f64 * 1e-9
    }

    /// True while all its numbers are numbers.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.image.is_sound() && self.space.as_ref().is_none_or(SpaceFilter::is_sound)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rect::Rect;
    use super::*;

    fn found(label: u16, score: f64) -> Found {
        Found::checked(Rect { x: 0.0, y: 0.0, w: 0.1, h: 0.1 }, score, Label(label)).unwrap()
    }

    #[test]
    fn the_label_is_what_it_was_called_most() {
        let mut track = Track::new(&found(1, 0.9), 0);
        for n in 0..3 {
            track.see(&found(2, 0.6), n);
        }
        assert_eq!(track.label(), Label(2));
        for n in 0..20 {
            track.see(&found(3 + n, 0.1), i64::from(n));
        }
        assert_eq!(track.label(), Label(2));
    }

    #[test]
    fn extents_are_smoothed_and_ages_never_negative() {
        let mut track = Track::new(&found(1, 0.9), 1_000_000_000);
        track.measure_extent(1.0, 2.0);
        assert_eq!(track.extent, [1.0, 2.0]);
        track.measure_extent(2.0, 2.0);
        assert_eq!(track.extent, [1.3, 2.0]);
        assert_eq!((track.age(3_000_000_000), track.age(0), track.age(i64::MIN)), (2.0, 0.0, 0.0));
    }
}
