//! CenterNet heads (Zhou et al. 2019, arXiv:1904.07850): a heat map per class whose local peaks (largest of their 3 x 3
//! neighbours) are the objects, a size and, mostly, an offset of the centre, all in units of the stride.

use super::{Candidate, Grid, sigmoid};

pub(super) struct Maps<'a> {
    pub heat: &'a [f32],
    pub size: &'a [f32],
    /// Empty: centres lie at the corner of their cell.
    pub offset: &'a [f32],
    pub logits: bool,
}

pub(super) fn decode(grid: &Grid, maps: &Maps<'_>, classes: usize, threshold: f32, out: &mut Vec<Candidate>) {
    let cells = grid.cells();
    let offset_fits = maps.offset.is_empty() || maps.offset.len() >= 2 * cells;
    if maps.heat.len() < classes * cells || maps.size.len() < 2 * cells || !offset_fits {
        return;
    }
    // A raw value this high is needed: the sigmoid rises, so peaks are found without it.
    let least = if maps.logits { logit(threshold) } else { threshold };
    for label in 0..classes {
        let heat = &maps.heat[label * cells..][..cells];
        for (index, value) in heat.iter().enumerate() {
            if !(*value >= least && is_peak(grid, heat, index)) {
                continue;
            }
            let score = if maps.logits { sigmoid(*value) } else { *value };
            if !(score >= threshold && score > 0.0) {
                continue;
            }
            let shift = |axis: usize| maps.offset.get(axis * cells + index).copied().unwrap_or(0.0);
            let (column, line) = grid.cell(index);
            let (x, y) = ((column + shift(0)) * grid.stride, (line + shift(1)) * grid.stride);
            let half = |axis: usize| maps.size[axis * cells + index] * grid.stride / 2.0;
            let (half_width, half_height) = (half(0), half(1));
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
}

/// Whether no neighbour is higher. Of equal neighbours each is a peak, as with max-pooling.
fn is_peak(grid: &Grid, heat: &[f32], index: usize) -> bool {
    let (column, row) = (index % grid.columns, index / grid.columns);
    let rows = row.saturating_sub(1)..(row + 2).min(grid.rows);
    rows.flat_map(|y| (column.saturating_sub(1)..(column + 2).min(grid.columns)).map(move |x| (x, y)))
        .all(|(x, y)| heat[y * grid.columns + x] <= heat[index])
}

fn logit(share: f32) -> f32 {
    if share <= 0.0 { f32::NEG_INFINITY } else { (share / (1.0 - share)).ln() }
}
