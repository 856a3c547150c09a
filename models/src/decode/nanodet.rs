//! NanoDet and PicoDet heads: class scores after the sigmoid, and for each side (left, top, right, bottom) logits over
//! the distances 0, 1, ... in units of the stride, whose expectation is the distance (Li et al. 2020, Generalized
//! Focal Loss, arXiv:2006.04388).

use super::{Candidate, Grid, best};

pub(super) struct Head {
    pub classes: usize,
    pub bins: usize,
    /// Where in its cell a point lies, in units of the stride.
    pub offset: f32,
}

/// (Compiled twice on x86-64, as the rows of the pre-processing: the same bits.)
#[multiversion::multiversion(targets("x86_64+avx2"))]
pub(super) fn decode(
    grid: &Grid,
    scores: &[f32],
    sides: &[f32],
    head: &Head,
    threshold: f32,
    out: &mut Vec<Candidate>,
) {
    let rows = scores.chunks_exact(head.classes).zip(sides.chunks_exact(4 * head.bins));
    for (index, (scores, sides)) in rows.enumerate() {
        cell(grid, index, scores, sides, head, threshold, out);
    }
}

/// The same where each row holds the classes and then the sides.
pub(super) fn decode_joint(grid: &Grid, rows: &[f32], head: &Head, threshold: f32, out: &mut Vec<Candidate>) {
    for (index, row) in rows.chunks_exact(head.classes + 4 * head.bins).enumerate() {
        let (scores, sides) = row.split_at(head.classes);
        cell(grid, index, scores, sides, head, threshold, out);
    }
}

#[inline(always)]
fn cell(
    grid: &Grid,
    index: usize,
    scores: &[f32],
    sides: &[f32],
    head: &Head,
    threshold: f32,
    out: &mut Vec<Candidate>,
) {
    // Only the peak is needed to dismiss a cell, and nearly all are dismissed.
    let peak = super::peak(scores);
    if !(peak >= threshold && peak > 0.0) {
        return;
    }
    let (label, score) = best(scores);
    let (column, line) = grid.cell(index);
    let (x, y) = ((column + head.offset) * grid.stride, (line + head.offset) * grid.stride);
    let mut distances = [0.0; 4];
    for (distance, logits) in distances.iter_mut().zip(sides.chunks_exact(head.bins)) {
        *distance = expectation(logits) * grid.stride;
    }
    let [left, top, right, bottom] = distances;
    out.push(Candidate { label, score, x0: x - left, y0: y - top, x1: x + right, y1: y + bottom });
}

/// Sum of i * softmax(logits)[i].
fn expectation(logits: &[f32]) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut total, mut weighted) = (0.0, 0.0);
    for (bin, logit) in logits.iter().enumerate() {
        let weight = (logit - most).exp();
        total += weight;
        weighted += weight * bin as f32;
    }
    weighted / total
}
