//! Heads without a grid: rows of boxes. SSD and its like (TensorFlow's detection API, YOLOv10) suppress in the graph and
//! give boxes, scores and class numbers; the children of DETR that score each class by a sigmoid (RT-DETR, Zhao et al. 2023,
//! arXiv:2304.08069; D-FINE) give class scores and boxes per query.

use super::{Candidate, best, sigmoid};
use crate::manifest::BoxOrder;

/// What a manifest says of such a head, and the input's sides in pixels.
pub(super) struct Rows {
    pub count: usize,
    pub classes: usize,
    pub order: BoxOrder,
    pub first_class: usize,
    pub logits: bool,
    /// Factors from the head's units to network pixels, along x and y.
    pub scale: (f32, f32),
}

/// Outputs boxes [rows, 4], scores [rows], classes [rows]; or one of rows [x0, y0, x1, y1, score, class].
pub(super) fn ssd(rows: &Rows, outputs: &[&[f32]], threshold: f32, out: &mut Vec<Candidate>) {
    for index in 0..rows.count {
        let row = match outputs {
            [boxes, scores, classes] => (|| {
                let four = boxes.get(index * 4..index * 4 + 4)?;
                Some((four, *scores.get(index)?, *classes.get(index)?))
            })(),
            [joint] => joint.get(index * 6..index * 6 + 6).map(|row| (&row[..4], row[4], row[5])),
            _ => None,
        };
        let Some((four, score, class)) = row else { return };
        // Class numbers come as floats; unused rows have none, or a score of 0.
        let label = class.round() - rows.first_class as f32;
        if !(score >= threshold && score > 0.0 && label >= 0.0 && label < rows.classes as f32) {
            continue;
        }
        let [x0, y0, x1, y1] = match rows.order {
            BoxOrder::Xyxy => [four[0], four[1], four[2], four[3]],
            BoxOrder::Yxyx => [four[1], four[0], four[3], four[2]],
        };
        let (sx, sy) = rows.scale;
        let label = label as usize;
        out.push(Candidate { label, score, x0: x0 * sx, y0: y0 * sy, x1: x1 * sx, y1: y1 * sy });
    }
}

/// Outputs class scores [rows, classes], boxes [rows, 4] as centre and size; or one of rows [cx, cy, w, h, classes...].
pub(super) fn detr(rows: &Rows, outputs: &[&[f32]], threshold: f32, out: &mut Vec<Candidate>) {
    let classes = rows.classes;
    for index in 0..rows.count {
        let row = match outputs {
            [scores, boxes] => {
                let scores = scores.get(index * classes..(index + 1) * classes);
                scores.zip(boxes.get(index * 4..index * 4 + 4))
            }
            [joint] => joint
                .get(index * (4 + classes)..(index + 1) * (4 + classes))
                .map(|row| (&row[4..], &row[..4])),
            _ => None,
        };
        let Some((scores, four)) = row else { return };
        let (label, score) = if rows.logits {
            // Negative logits are below one half and still count: no shortcut through the peak above 0.
            let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            (scores.iter().position(|s| *s == most).unwrap_or_default(), sigmoid(most))
        } else {
            best(scores)
        };
        if !(score >= threshold && score > 0.0) {
            continue;
        }
        let (sx, sy) = rows.scale;
        let (x, y, half_width, half_height) =
            (four[0] * sx, four[1] * sy, four[2] * sx / 2.0, four[3] * sy / 2.0);
        out.push(Candidate {
            label,
            score,
            x0: x - half_width,
            y0: y - half_height,
            x1: x + half_width,
            y1: y + half_height,
        });
    }
}
