//! YOLOX heads (Ge et al. 2021, arXiv:2107.08430): per cell [dx, dy, log w, log h, objectness, classes...], centre and
//! size in units of the stride, objectness and classes after the sigmoid.

use super::{Candidate, Grid, best};

pub(super) fn decode(grid: &Grid, values: &[f32], classes: usize, threshold: f32, out: &mut Vec<Candidate>) {
    for (index, row) in values.chunks_exact(5 + classes).enumerate() {
        // A class cannot score more than its objectness: most cells end here.
        if !(row[4] >= threshold && row[4] > 0.0) {
            continue;
        }
        let (label, class_score) = best(&row[5..]);
        let score = row[4] * class_score;
        if !(score >= threshold && score > 0.0) {
            continue;
        }
        let (column, line) = grid.cell(index);
        let (x, y) = ((row[0] + column) * grid.stride, (row[1] + line) * grid.stride);
        let (half_width, half_height) = (row[2].exp() * grid.stride / 2.0, row[3].exp() * grid.stride / 2.0);
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
