//! Greedy suppression of boxes that show the same thing, class by class.

use super::Candidate;

/// Candidates beyond this many, best first, are not looked at: real images give a few hundred, and the work grows with
/// their square.
pub const MOST_CANDIDATES: usize = 3000;

/// Keeps the best candidates in descending order of score, at most `limit`; one that overlaps a better one of its
/// class by more than `iou` is dropped. Ties go to the earlier candidate, so the result is repeatable.
pub fn suppress(candidates: &mut Vec<Candidate>, iou: f32, limit: usize) {
    if candidates.len() > MOST_CANDIDATES {
        candidates.select_nth_unstable_by(MOST_CANDIDATES - 1, order);
        candidates.truncate(MOST_CANDIDATES);
    }
    // No allocation: an unstable sort over a total order.
    candidates.sort_unstable_by(order);
    let mut kept = 0;
    for index in 0..candidates.len() {
        if kept == limit {
            break;
        }
        let candidate = candidates[index];
        let covered = candidates[..kept]
            .iter()
            .any(|better| better.label == candidate.label && overlap(better, &candidate) > iou);
        if !covered {
            candidates[kept] = candidate;
            kept += 1;
        }
    }
    candidates.truncate(kept);
}

/// Best first; equal scores by class and place, which no two candidates of one image share.
fn order(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    b.score
        .total_cmp(&a.score)
        .then_with(|| a.label.cmp(&b.label))
        .then_with(|| a.x0.total_cmp(&b.x0))
        .then_with(|| a.y0.total_cmp(&b.y0))
        .then_with(|| a.x1.total_cmp(&b.x1))
        .then_with(|| a.y1.total_cmp(&b.y1))
}

/// Intersection over union, 0 to 1.
pub fn overlap(a: &Candidate, b: &Candidate) -> f32 {
    let width = (a.x1.min(b.x1) - a.x0.max(b.x0)).max(0.0);
    let height = (a.y1.min(b.y1) - a.y0.max(b.y0)).max(0.0);
    let both = width * height;
    let union = (a.x1 - a.x0) * (a.y1 - a.y0) + (b.x1 - b.x0) * (b.y1 - b.y0) - both;
    if union > 0.0 { both / union } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(label: usize, score: f32, x0: f32) -> Candidate {
        Candidate { label, score, x0, y0: 0.0, x1: x0 + 10.0, y1: 10.0 }
    }

    #[test]
    fn one_box_per_thing_and_class() {
        let mut all = vec![
            candidate(0, 0.5, 1.0),
            candidate(1, 0.6, 1.0),
            candidate(0, 0.9, 0.0),
            candidate(0, 0.4, 30.0),
        ];
        suppress(&mut all, 0.6, 100);
        let scores: Vec<f32> = all.iter().map(|c| c.score).collect();
        assert_eq!(scores, [0.9, 0.6, 0.4]);
        assert!((overlap(&candidate(0, 1.0, 0.0), &candidate(0, 1.0, 5.0)) - 1.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn the_limit_keeps_the_best() {
        let mut all: Vec<_> =
            (0..5000).map(|i| candidate(0, (i % 997) as f32 / 997.0, i as f32 * 20.0)).collect();
        suppress(&mut all, 0.6, 3);
        assert_eq!(all.len(), 3);
        assert!(all.iter().all(|c| c.score > 0.998));
    }
}
