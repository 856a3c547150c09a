//! A detector over a dataset.

use std::time::Instant;

use super::dataset::Dataset;
use super::score::{Found, Scores, Truth, iou, score};
use crate::{Detection, Detector, Result};

/// Detections below this score are not looked at: average precision needs the unsure ones too.
pub const SCORE_THRESHOLD: f32 = 0.01;

/// What a detector made of one photo.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PhotoResult {
    /// The true boxes.
    pub truths: Vec<Truth>,
    /// What was found, best first.
    pub found: Vec<Found>,
    /// Mean luma, 0 to 255.
    pub brightness: f64,
    /// Variance of the Laplacian.
    pub sharpness: f64,
    /// Time of the inference alone, nanoseconds of the wall.
    pub inference_ns: u64,
}

/// What a detector made of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Average precision.
    pub scores: Scores,
    /// Photo by photo, in the order of the dataset.
    pub photos: Vec<PhotoResult>,
}

impl Evaluation {
    /// Median time of an inference, milliseconds.
    pub fn median_inference_ms(&self) -> f64 {
        let mut times: Vec<u64> = self.photos.iter().map(|photo| photo.inference_ns).collect();
        times.sort_unstable();
        times.get(times.len() / 2).map_or(0.0, |ns| *ns as f64 / 1e6)
    }
}

/// Runs `detector` over `data`. Load it with [`SCORE_THRESHOLD`]. `progress` gets (photos done, photos in all).
///
/// # Errors
/// `PG-0471` for a photo that cannot be read, `PG-0425` when the engine fails.
pub fn evaluate(
    detector: &mut Detector,
    data: &Dataset,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Evaluation> {
    let mut photos = Vec::with_capacity(data.items.len());
    let clock = Instant::now();
    for (image, item) in data.items.iter().enumerate() {
        let (photo, boxes) = Dataset::open(item)?;
        let truths = boxes.iter().map(|b| Truth {
            image,
            class: b.class,
            bbox: b.bbox,
            area: b.area.unwrap_or(b.bbox[2] * b.bbox[3]),
            crowd: b.crowd,
        });
        let truths = truths.collect();
        let mut now = || u64::try_from(clock.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let (detections, times) = detector.detect_timed(&photo.view(), &mut now)?;
        let found = detections.iter().map(|d| found(image, d)).collect();
        photos.push(PhotoResult {
            truths,
            found,
            brightness: photo.brightness(),
            sharpness: photo.sharpness(),
            inference_ns: times.inference_ns,
        });
        progress(image + 1, data.items.len());
    }
    let truths: Vec<Truth> = photos.iter().flat_map(|p| p.truths.iter().copied()).collect();
    let found: Vec<Found> = photos.iter().flat_map(|p| p.found.iter().copied()).collect();
    let scores = score(detector.labels().len(), &truths, &found);
    Ok(Evaluation { scores, photos })
}

fn found(image: usize, d: &Detection) -> Found {
    let bbox = [d.x, d.y, d.width, d.height].map(f64::from);
    Found { image, class: d.label_index, score: f64::from(d.score), bbox }
}

/// How far two detectors say the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Share of the boxes of both that have a twin on the other side, 0 to 1; 1 when neither found anything.
    pub share: f64,
    /// Boxes of both together.
    pub boxes: usize,
    /// Mean IoU of the twins; 1 when there are none.
    pub iou: f64,
    /// Mean difference of the twins' scores.
    pub score_gap: f64,
}

/// Compares what two detectors found on the same photos, boxes at or above `min_score` on either side. A box has one twin at
/// most: of the same class, with an IoU of 0.5 or more, and scored at least half of `min_score`, for what lies about the
/// threshold was seen all the same. Pairs are made by IoU, best first.
pub fn agreement(a: &[PhotoResult], b: &[PhotoResult], min_score: f64) -> Agreement {
    let (mut boxes, mut twins, mut pairs) = (0usize, 0usize, 0usize);
    let (mut overlap, mut gap) = (0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        boxes += a.found.iter().chain(&b.found).filter(|f| f.score >= min_score).count();
        let mut possible = Vec::new();
        for (i, one) in a.found.iter().enumerate() {
            for (j, other) in b.found.iter().enumerate() {
                let seen =
                    one.score.max(other.score) >= min_score && one.score.min(other.score) >= 0.5 * min_score;
                let shared = if one.class == other.class && seen { iou(&one.bbox, &other.bbox) } else { 0.0 };
                if shared >= 0.5 {
                    possible.push((shared, i, j));
                }
            }
        }
        possible.sort_by(|x, y| y.0.total_cmp(&x.0));
        let (mut of_a, mut of_b) = (vec![false; a.found.len()], vec![false; b.found.len()]);
        for (shared, i, j) in possible {
            if of_a[i] || of_b[j] {
                continue;
            }
            (of_a[i], of_b[j]) = (true, true);
            let (one, other) = (a.found[i].score, b.found[j].score);
            twins += usize::from(one >= min_score) + usize::from(other >= min_score);
            pairs += 1;
            overlap += shared;
            gap += (one - other).abs();
        }
    }
    let per = |sum: f64, count: usize, none: f64| if count == 0 { none } else { sum / count as f64 };
    Agreement {
        share: per(twins as f64, boxes, 1.0),
        boxes,
        iou: per(overlap, pairs, 1.0),
        score_gap: per(gap, pairs, 0.0),
    }
}
