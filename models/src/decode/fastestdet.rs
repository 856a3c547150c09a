//! FastestDet heads (github.com/dog-qiuqiu/FastestDet): planes [objectness, dx, dy, w, h, classes...] over one grid.
//! Objectness after the sigmoid, classes after the softmax; centre = (tanh(d) + cell) / cells, size = sigmoid, both as
//! a share of the input; score = objectness^0.6 * class^0.4.

use super::{Candidate, Grid, sigmoid};

pub(super) fn decode(grid: &Grid, values: &[f32], classes: usize, threshold: f32, out: &mut Vec<Candidate>) {
    let cells = grid.cells();
    if values.len() < (5 + classes) * cells {
        return;
    }
    let plane = |number: usize| &values[number * cells..(number + 1) * cells];
    for index in 0..cells {
        let objectness = plane(0)[index];
        // The class share is at most 1, so the score is at most objectness^0.6.
        if !(objectness > 0.0 && objectness.powf(0.6) >= threshold) {
            continue;
        }
        let (mut label, mut most) = (0, 0.0);
        for class in 0..classes {
            let share = plane(5 + class)[index];
            if share > most {
                (label, most) = (class, share);
            }
        }
        let score = objectness.powf(0.6) * most.powf(0.4);
        if !(score >= threshold && score > 0.0) {
            continue;
        }
        let (column, line) = grid.cell(index);
        let (width, height) = (grid.columns as f32 * grid.stride, grid.rows as f32 * grid.stride);
        let (x, y) =
            ((plane(1)[index].tanh() + column) * grid.stride, (plane(2)[index].tanh() + line) * grid.stride);
        let (half_width, half_height) =
            (sigmoid(plane(3)[index]) * width / 2.0, sigmoid(plane(4)[index]) * height / 2.0);
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
