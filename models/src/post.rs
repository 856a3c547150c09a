//! The way back from tensors to boxes in the image's own pixels.

use std::sync::Arc;

use crate::decode::{self, Candidate, nms};
use crate::letterbox::Letterbox;
use crate::{Detection, Manifest};

/// The buffers of the way back from tensors to boxes.
#[derive(Default)]
pub(crate) struct Post {
    candidates: Vec<Candidate>,
    /// Best first.
    pub detections: Vec<Detection>,
}

impl Post {
    /// Decodes, suppresses, and puts what is left into the image of this size.
    pub fn run(
        &mut self,
        manifest: &Manifest,
        labels: &[Arc<str>],
        outputs: &[&[f32]],
        threshold: f32,
        place: &Letterbox,
        (width, height): (usize, usize),
    ) {
        self.candidates.clear();
        self.detections.clear();
        decode::decode(manifest, labels.len(), outputs, threshold, &mut self.candidates);
        nms::suppress(&mut self.candidates, manifest.nms_iou, manifest.max_detections);
        let (most_x, most_y) = (width as f32, height as f32);
        for candidate in &self.candidates {
            let (x0, y0) = place.to_source(candidate.x0, candidate.y0);
            let (x1, y1) = place.to_source(candidate.x1, candidate.y1);
            let (x0, x1) = (x0.clamp(0.0, most_x), x1.clamp(0.0, most_x));
            let (y0, y1) = (y0.clamp(0.0, most_y), y1.clamp(0.0, most_y));
            // Boxes that lie in the padding alone show nothing.
            let Some(label) = labels.get(candidate.label).filter(|_| x1 > x0 && y1 > y0) else { continue };
            self.detections.push(Detection {
                label_index: candidate.label,
                label: Arc::clone(label),
                score: candidate.score,
                x: x0,
                y: y0,
                width: x1 - x0,
                height: y1 - y0,
            });
        }
    }
}
