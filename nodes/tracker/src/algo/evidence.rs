//! How much speaks for a thing being there: a sequential test over all pictures that could have shown it.
//!
//! A weak detector sees people in trees, in picture after picture, and a place in odom that nobody stands at closes a way that is
//! open. So a place is told only of things for which the evidence has come together: the log of the odds that the
//! detections of a thing give rather than those of a false alarm, summed over pictures, as in Wald's sequential
//! probability ratio test (Annals of Mathematical Statistics, 1945) and the track scores of Sittler (1964). It grows with
//! every sure detection by how much its score exceeds the one that speaks for neither, and falls with weaker ones, with
//! pictures that do not show the thing, with places that jump, and with a size that nothing of its kind has.

use super::classes::Kind;

/// The most that one picture says for a thing, nats: pictures of one place are not independent of each other.
const MOST: f64 = 1.5;
/// The most that one picture says against it, nats.
const LEAST: f64 = -1.5;
/// What a picture says that does not show it, nats.
const MISSED: f64 = -0.35;
/// What a size says that nothing of its kind has, nats.
const ODD_SIZE: f64 = -1.5;
/// What a depth says that is not where the thing should be, nats.
const ODD_PLACE: f64 = -0.7;
/// Evidence is not gathered beyond these: what was seen for a minute may be gone within a second.
const BOUNDS: (f64, f64) = (-4.0, 6.0);
/// A thing that was believed is believed on down to this share of what was needed.
const KEEP: f64 = 0.25;

/// The evidence for one thing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Evidence {
    nats: f64,
    believed: bool,
}

/// What one picture shows of a thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight {
    /// Score of the detection, 0 to 1.
    pub score: f64,
    /// What it is said to be.
    pub kind: Kind,
    /// Extent across and up, metres; `None` without a depth.
    pub extent: Option<[f64; 2]>,
    /// False when its depth puts it where the thing cannot be.
    pub in_place: bool,
}

impl Evidence {
    /// Takes in what a picture shows; a score of `even` speaks for neither, `needed` (nats) is believed.
    pub fn see(&mut self, sight: &Sight, even: f64, needed: f64) {
        let odds = |score: f64| {
            let p = score.clamp(1e-3, 1.0 - 1e-3);
            (p / (1.0 - p)).ln()
        };
        let mut says = (odds(sight.score) - odds(even)).clamp(LEAST, MOST);
        if !sight.in_place {
            says = says.min(ODD_PLACE);
        }
        if sight.extent.is_some_and(|extent| !plausible(sight.kind, extent)) {
            says = says.min(ODD_SIZE);
        }
        self.add(says, needed);
    }

    /// A picture does not show it.
    pub fn miss(&mut self, needed: f64) {
        self.add(MISSED, needed);
    }

    fn add(&mut self, says: f64, needed: f64) {
        self.nats = (self.nats + says).clamp(BOUNDS.0, BOUNDS.1.max(needed));
        let enough = if self.believed { KEEP * needed } else { needed };
        self.believed = needed <= 0.0 || self.nats >= enough;
    }

    /// True when the evidence is enough to act on.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.believed
    }

    /// The sum, nats.
    #[must_use]
    pub fn nats(&self) -> f64 {
        self.nats
    }
}

/// Whether something of this kind can show an extent of `across` by `up` metres: a part of it may be hidden, but nothing is
/// larger than it is.
fn plausible(kind: Kind, [across, up]: [f64; 2]) -> bool {
    // Smallest part that is told apart, and largest across and up.
    let (least, most_across, most_up) = match kind {
        Kind::Person => (0.12, 2.0, 2.6),
        Kind::Vehicle => (0.25, 25.0, 5.5),
        Kind::Aerial => (0.04, 15.0, 8.0),
        Kind::Wire | Kind::Other => return true,
    };
    across.max(up) >= 2.0 * least && across.min(up) >= 0.5 * least && across <= most_across && up <= most_up
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: Sight = Sight { score: 0.8, kind: Kind::Person, extent: Some([0.5, 1.7]), in_place: true };

    fn after(sights: impl IntoIterator<Item = Option<Sight>>) -> Evidence {
        let mut evidence = Evidence::default();
        for sight in sights {
            match sight {
                Some(sight) => evidence.see(&sight, 0.6, 2.0),
                None => evidence.miss(2.0),
            }
        }
        evidence
    }

    #[test]
    fn a_sure_thing_counts_after_a_few_pictures_and_a_weak_one_never() {
        assert!(!after([Some(PERSON); 2]).is_enough());
        assert!(after([Some(PERSON); 3]).is_enough());
        assert!(after([Some(Sight { score: 0.95, ..PERSON }); 2]).is_enough());
        assert!(!after([Some(Sight { score: 1.0, ..PERSON })]).is_enough(), "one picture is never enough");
        let mut asked_for_none = Evidence::default();
        asked_for_none.see(&Sight { score: 0.1, ..PERSON }, 0.6, 0.0);
        assert!(asked_for_none.is_enough());
        assert!(!after([Some(Sight { score: 0.55, ..PERSON }); 500]).is_enough());
        // Sure now and then, weak or unseen in between.
        let flicker = [Some(PERSON), None, Some(Sight { score: 0.4, ..PERSON }), None];
        assert!(!after(flicker.into_iter().cycle().take(400)).is_enough());
    }

    #[test]
    fn what_is_believed_is_not_given_up_at_once_nor_kept_for_ever() {
        let mut evidence = after([Some(PERSON); 8]);
        for _ in 0..3 {
            evidence.miss(2.0);
        }
        assert!(evidence.is_enough(), "{evidence:?}");
        for _ in 0..30 {
            evidence.see(&Sight { score: 0.5, ..PERSON }, 0.6, 2.0);
        }
        assert!(!evidence.is_enough());
    }

    #[test]
    fn sizes_and_places_that_cannot_be_speak_against_it() {
        let sure = Sight { score: 0.9, ..PERSON };
        assert!(!after([Some(Sight { extent: Some([1.0, 6.0]), ..sure }); 50]).is_enough(), "a tree");
        assert!(!after([Some(Sight { extent: Some([0.05, 0.1]), ..sure }); 50]).is_enough(), "a leaf");
        assert!(!after([Some(Sight { in_place: false, ..sure }); 50]).is_enough());
        assert!(
            after([Some(Sight { kind: Kind::Vehicle, extent: Some([4.5, 1.6]), ..sure }); 3]).is_enough()
        );
        assert!(after([Some(Sight { kind: Kind::Other, extent: Some([9.0, 9.0]), ..sure }); 3]).is_enough());
        assert!(
            after([Some(Sight { extent: None, ..sure }); 3]).is_enough(),
            "no depth says nothing of size"
        );
    }

    #[test]
    fn nonsense_stays_within_bounds() {
        for score in [f64::NEG_INFINITY, -1.0, 0.0, 1.0, 2.0, f64::INFINITY] {
            let evidence = after([Some(Sight { score, extent: Some([f64::NAN; 2]), ..PERSON }); 100]);
            assert!(evidence.nats().is_finite() && !evidence.is_enough(), "{score}");
        }
    }
}
