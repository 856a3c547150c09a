//! What a detection rests on: the photo is covered bit by bit, and where the score falls, the network was looking
//! (occlusion sensitivity, Zeiler and Fergus 2014, arXiv:1311.2901).

use crate::eval::{Photo, SCORE_THRESHOLD, iou};
use crate::{Detection, Detector, Result};

/// How much of a detection's score each part of the photo carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Saliency {
    /// The detection that was explained.
    pub detection: Detection,
    /// Parts along x and y.
    pub columns: usize,
    /// Parts along y.
    pub rows: usize,
    /// Share of the score lost when the part is covered, row by row, 0 (none) to 1 (all).
    pub loss: Vec<f32>,
}

impl Saliency {
    /// The loss at a point of the photo, both from 0 to 1: bilinear between the middles of the parts.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let along = |share: f32, count: usize| {
            let place = (share * count as f32 - 0.5).clamp(0.0, (count - 1) as f32);
            (place as usize, (place as usize + 1).min(count - 1), place.fract())
        };
        let ((x0, x1, fx), (y0, y1, fy)) = (along(x, self.columns), along(y, self.rows));
        let value = |x: usize, y: usize| self.loss[y * self.columns + x];
        let row = |y: usize| value(x0, y) * (1.0 - fx) + value(x1, y) * fx;
        row(y0) * (1.0 - fy) + row(y1) * fy
    }
}

/// Explains the best detection on a photo, or the best of `class`. `None`: nothing was found. `parts` is the number of
/// parts along the longer side, 4 to 64; each is covered with mid grey together with half of its neighbours, one run of
/// the network per part. `progress` gets (parts done, parts in all).
///
/// # Errors
/// As [`Detector::detect`].
pub fn explain(
    detector: &mut Detector,
    photo: &Photo,
    class: Option<usize>,
    parts: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Option<Saliency>> {
    let first = detector.detect(&photo.view())?.iter().find(|d| class.is_none_or(|c| c == d.label_index));
    let Some(detection) = first.cloned() else { return Ok(None) };
    // What falls from just above the threshold to just below it has not lost all of its score.
    let asked = detector.score_threshold();
    detector.set_score_threshold(Some(asked.min(SCORE_THRESHOLD)));
    let map = cover(detector, photo, &detection, parts, progress);
    detector.set_score_threshold(Some(asked));
    map.map(Some)
}

/// Covers part after part.
fn cover(
    detector: &mut Detector,
    photo: &Photo,
    detection: &Detection,
    parts: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Saliency> {
    let parts = parts.clamp(4, 64);
    let part = photo.width.max(photo.height).div_ceil(parts).max(1);
    let (columns, rows) = (photo.width.div_ceil(part), photo.height.div_ceil(part));
    let mut covered = photo.clone();
    let mut loss = Vec::with_capacity(columns * rows);
    for index in 0..columns * rows {
        let (left, top) = (index % columns * part, index / columns * part);
        let around =
            |from: usize, most: usize| from.saturating_sub(part / 2)..(from + part + part / 2).min(most);
        let (xs, ys) = (around(left, photo.width), around(top, photo.height));
        for y in ys.clone() {
            covered.rgb[3 * (y * photo.width + xs.start)..3 * (y * photo.width + xs.end)].fill(127);
        }
        let best = same(detector.detect(&covered.view())?, detection);
        loss.push((1.0 - best / detection.score).clamp(0.0, 1.0));
        for y in ys {
            let range = 3 * (y * photo.width + xs.start)..3 * (y * photo.width + xs.end);
            covered.rgb[range.clone()].copy_from_slice(&photo.rgb[range]);
        }
        progress(index + 1, columns * rows);
    }
    Ok(Saliency { detection: detection.clone(), columns, rows, loss })
}

/// The best score of the same thing: the class, at about the place.
fn same(found: &[Detection], wanted: &Detection) -> f32 {
    let bbox = |d: &Detection| [d.x, d.y, d.width, d.height].map(f64::from);
    found
        .iter()
        .filter(|d| d.label_index == wanted.label_index && iou(&bbox(d), &bbox(wanted)) >= 0.3)
        .map(|d| d.score)
        .fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_smooth_between_the_middles_of_parts() {
        let detection = Detection {
            label_index: 0,
            label: "x".into(),
            score: 0.5,
            x: 0.0,
            y: 0.0,
            width: 1.0,
            height: 1.0,
        };
        let map = Saliency { detection, columns: 2, rows: 1, loss: vec![0.0, 1.0] };
        assert_eq!(
            (map.at(0.0, 0.5), map.at(0.25, 0.0), map.at(0.75, 1.0), map.at(1.0, 1.0)),
            (0.0, 0.0, 1.0, 1.0)
        );
        assert!((map.at(0.5, 0.5) - 0.5).abs() < 1e-6);
    }
}
