//! YOLOv8, YOLOv9 and YOLO11 heads as their exporters write them: planes [cx, cy, w, h, classes...] over the cells of all
//! grids, boxes in network pixels, classes after the sigmoid, no objectness.

use super::Candidate;

/// (Compiled twice on x86-64, as the rows of the pre-processing: the same bits.)
#[multiversion::multiversion(targets("x86_64+avx2"))]
pub(super) fn decode(cells: usize, values: &[f32], classes: usize, threshold: f32, out: &mut Vec<Candidate>) {
    if cells == 0 || values.len() < (4 + classes) * cells {
        return;
    }
    let plane = |number: usize| &values[number * cells..][..cells];
    // Plane by plane over a part of the cells that stays in the first-level cache.
    const PART: usize = 1024;
    let (mut most, mut label) = ([0f32; PART], [0u32; PART]);
    for start in (0..cells).step_by(PART) {
        let count = PART.min(cells - start);
        let (most, label) = (&mut most[..count], &mut label[..count]);
        most.fill(0.0);
        label.fill(0);
        for class in 0..classes {
            let scores = &plane(4 + class)[start..][..count];
            for ((most, label), score) in most.iter_mut().zip(label.iter_mut()).zip(scores) {
                let better = *score > *most;
                *most = if better { *score } else { *most };
                *label = if better { class as u32 } else { *label };
            }
        }
        for (index, (score, label)) in most.iter().zip(label.iter()).enumerate() {
            if !(*score >= threshold && *score > 0.0) {
                continue;
            }
            let at = start + index;
            let (x, y) = (plane(0)[at], plane(1)[at]);
            let (half_width, half_height) = (plane(2)[at] / 2.0, plane(3)[at] / 2.0);
            out.push(Candidate {
                label: *label as usize,
                score: *score,
                x0: x - half_width,
                y0: y - half_height,
                x1: x + half_width,
                y1: y + half_height,
            });
        }
    }
}
