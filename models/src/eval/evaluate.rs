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

/// Share of boxes at or above `min_score` of either side that have a twin of the same class with IoU 0.5 or more on the
/// other: 1 when two detectors say the same. 1 when neither found anything.
pub fn agreement(a: &[PhotoResult], b: &[PhotoResult], min_score: f64) -> f64 {
    let (mut all, mut twins) = (0usize, 0usize);
    for (a, b) in a.iter().zip(b) {
        for (one, other) in [(&a.found, &b.found), (&b.found, &a.found)] {
            for found in one.iter().filter(|f| f.score >= min_score) {
                all += 1;
                // The twin may score a little below: the question is whether the thing was seen.
                let seen = other.iter().any(|o| {
                    o.class == found.class && o.score >= 0.5 * min_score && iou(&o.bbox, &found.bbox) >= 0.5
                });
                twins += usize::from(seen);
            }
        }
    }
    if all == 0 { 1.0 } else { twins as f64 / all as f64 }
}
