//! Conveniences on `vision_msgs`.

use crate::vision_msgs::{Detection2D, Detection2DArray, ObjectHypothesis};

impl Detection2D {
    /// The hypothesis with the highest score (unitless, 0 to 1); the first of equals. `None` when there is none
    /// with a score that is a number.
    #[must_use]
    pub fn best_hypothesis(&self) -> Option<&ObjectHypothesis> {
        let mut best: Option<&ObjectHypothesis> = None;
        for hypothesis in self.results.iter().map(|r| &r.hypothesis) {
            let better = best.map_or(!hypothesis.score.is_nan(), |b| hypothesis.score > b.score);
            if better {
                best = Some(hypothesis);
            }
        }
        best
    }
}

impl Detection2DArray {
    /// The best hypothesis of each detection that has one.
    pub fn best_hypotheses(&self) -> impl Iterator<Item = &ObjectHypothesis> {
        self.detections.iter().filter_map(Detection2D::best_hypothesis)
    }
}
