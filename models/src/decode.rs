//! From the network's outputs to boxes in network pixels. One file per family of heads, all pure functions.

use crate::manifest::{Decoder, DecoderKind, Manifest};

mod centernet;
mod fastestdet;
mod nanodet;
pub mod nms;
mod queries;
mod yolov8;
mod yolox;

/// A box before suppression, corners in network pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Class, an index into the labels.
    pub label: usize,
    /// 0 to 1.
    pub score: f32,
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

/// The shape every output must have for a head of this kind with `classes` classes; `None` stands for "any".
pub fn expected_shapes(manifest: &Manifest, classes: usize) -> Vec<Vec<usize>> {
    let d = &manifest.decoder;
    let (width, height) = (manifest.input.width, manifest.input.height);
    let cells = |stride: &usize| width.div_ceil(*stride) * height.div_ceil(*stride);
    match d.kind {
        DecoderKind::Yolox => vec![vec![1, d.strides.iter().map(cells).sum(), 5 + classes]],
        DecoderKind::FastestDet => {
            let stride = d.strides[0];
            vec![vec![1, 5 + classes, height.div_ceil(stride), width.div_ceil(stride)]]
        }
        DecoderKind::NanoDet if d.outputs.len() == 1 => {
            vec![vec![1, d.strides.iter().map(cells).sum(), classes + 4 * bins(d)]]
        }
        DecoderKind::NanoDet => {
            let scores = d.strides.iter().map(|stride| vec![1, cells(stride), classes]);
            let sides = d.strides.iter().map(|stride| vec![1, cells(stride), 4 * bins(d)]);
            scores.chain(sides).collect()
        }
        DecoderKind::YoloV8 => vec![vec![1, 4 + classes, d.strides.iter().map(cells).sum()]],
        DecoderKind::CenterNet => {
            let (rows, columns) = (height.div_ceil(d.strides[0]), width.div_ceil(d.strides[0]));
            let planes = [classes, 2, 2].into_iter().take(d.outputs.len());
            planes.map(|planes| vec![1, planes, rows, columns]).collect()
        }
        DecoderKind::Ssd if d.outputs.len() == 1 => vec![vec![1, rows(d), 6]],
        DecoderKind::Ssd => vec![vec![1, rows(d), 4], vec![1, rows(d)], vec![1, rows(d)]],
        DecoderKind::Detr if d.outputs.len() == 1 => vec![vec![1, rows(d), 4 + classes]],
        DecoderKind::Detr => vec![vec![1, rows(d), classes], vec![1, rows(d), 4]],
    }
}

/// Number of classes that the shape of the first output implies, if the shape can be one of this head at all.
pub fn classes_of(decoder: &Decoder, first_output: &[usize]) -> Option<usize> {
    let row = match decoder.kind {
        DecoderKind::Yolox => first_output.get(2)?.checked_sub(5)?,
        DecoderKind::FastestDet => first_output.get(1)?.checked_sub(5)?,
        DecoderKind::NanoDet if decoder.outputs.len() == 1 => {
            first_output.get(2)?.checked_sub(4 * bins(decoder))?
        }
        DecoderKind::NanoDet => *first_output.get(2)?,
        DecoderKind::YoloV8 => first_output.get(1)?.checked_sub(4)?,
        DecoderKind::CenterNet => *first_output.get(1)?,
        // Class numbers say nothing of how many there are.
        DecoderKind::Ssd => return None,
        DecoderKind::Detr if decoder.outputs.len() == 1 => first_output.get(2)?.checked_sub(4)?,
        DecoderKind::Detr => *first_output.get(2)?,
    };
    (row > 0).then_some(row)
}

fn rows(decoder: &Decoder) -> usize {
    decoder.rows.unwrap_or_default()
}

fn bins(decoder: &Decoder) -> usize {
    decoder.reg_max.unwrap_or_default() + 1
}

/// Appends every cell whose best class scores at least `threshold` to `candidates`.
///
/// `outputs` are in the order of the manifest with the shapes of [`expected_shapes`]; longer or shorter slices give
/// fewer candidates, never a panic. Values that are not finite give no candidate.
pub fn decode(
    manifest: &Manifest,
    classes: usize,
    outputs: &[&[f32]],
    threshold: f32,
    candidates: &mut Vec<Candidate>,
) {
    let d = &manifest.decoder;
    let (width, height) = (manifest.input.width, manifest.input.height);
    let grids = d.strides.iter().map(|s| Grid {
        stride: *s as f32,
        columns: width.div_ceil(*s),
        rows: height.div_ceil(*s),
    });
    let cells = |stride: &usize| width.div_ceil(*stride) * height.div_ceil(*stride);
    let query_rows = || {
        let relative = d.relative.unwrap_or(matches!(d.kind, DecoderKind::Detr));
        queries::Rows {
            count: rows(d),
            classes,
            order: d.box_order.unwrap_or_default(),
            first_class: d.first_class.unwrap_or_default(),
            logits: d.logits.unwrap_or(false),
            scale: if relative { (width as f32, height as f32) } else { (1.0, 1.0) },
        }
    };
    match d.kind {
        DecoderKind::Yolox => {
            let mut rest = outputs.first().copied().unwrap_or_default();
            for grid in grids {
                let part = take(&mut rest, grid.cells() * (5 + classes));
                yolox::decode(&grid, part, classes, threshold, candidates);
            }
        }
        DecoderKind::FastestDet => {
            for (grid, output) in grids.zip(outputs) {
                fastestdet::decode(&grid, output, classes, threshold, candidates);
            }
        }
        DecoderKind::NanoDet => {
            let head = nanodet::Head { classes, bins: bins(d), offset: d.cell_offset.unwrap_or(0.5) };
            if let [both] = outputs {
                let mut rest = *both;
                for grid in grids {
                    let part = take(&mut rest, grid.cells() * (classes + 4 * head.bins));
                    nanodet::decode_joint(&grid, part, &head, threshold, candidates);
                }
            } else {
                let (scores, sides) = outputs.split_at(outputs.len() / 2);
                for ((grid, scores), sides) in grids.zip(scores).zip(sides) {
                    nanodet::decode(&grid, scores, sides, &head, threshold, candidates);
                }
            }
        }
        DecoderKind::YoloV8 => {
            let values = outputs.first().copied().unwrap_or_default();
            yolov8::decode(d.strides.iter().map(cells).sum(), values, classes, threshold, candidates);
        }
        DecoderKind::CenterNet => {
            let map = |index: usize| outputs.get(index).copied().unwrap_or_default();
            let logits = d.logits.unwrap_or(false);
            let maps = centernet::Maps { heat: map(0), size: map(1), offset: map(2), logits };
            for grid in grids.take(1) {
                centernet::decode(&grid, &maps, classes, threshold, candidates);
            }
        }
        DecoderKind::Ssd => queries::ssd(&query_rows(), outputs, threshold, candidates),
        DecoderKind::Detr => queries::detr(&query_rows(), outputs, threshold, candidates),
    }
    let (width, height) = (manifest.input.width as f32, manifest.input.height as f32);
    candidates.retain_mut(|c| {
        (c.x0, c.x1) = (c.x0.clamp(0.0, width), c.x1.clamp(0.0, width));
        (c.y0, c.y1) = (c.y0.clamp(0.0, height), c.y1.clamp(0.0, height));
        c.score.is_finite() && c.x1 > c.x0 && c.y1 > c.y0
    });
}

/// One output grid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    /// Network pixels per cell.
    stride: f32,
    columns: usize,
    rows: usize,
}

impl Grid {
    fn cells(&self) -> usize {
        self.columns * self.rows
    }

    /// Column and row of the cell with this index, row by row.
    fn cell(&self, index: usize) -> (f32, f32) {
        ((index % self.columns) as f32, (index / self.columns) as f32)
    }
}

/// The best class of a row and its score. Rows are short (80); whole-vector maxima first, then the index.
#[inline(always)]
fn best(scores: &[f32]) -> (usize, f32) {
    let most = peak(scores);
    (scores.iter().position(|score| *score == most).unwrap_or_default(), most)
}

/// The largest value; 0 for none or if none is positive. Eight lanes, so that the compiler uses vectors.
#[inline(always)]
fn peak(values: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let chunks = values.chunks_exact(8);
    let mut most =
        chunks.remainder().iter().fold(0.0f32, |most, value| if *value > most { *value } else { most });
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    for lane in lanes {
        most = most.max(lane);
    }
    most
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn take<'a>(rest: &mut &'a [f32], length: usize) -> &'a [f32] {
    let (part, after) = rest.split_at(length.min(rest.len()));
    *rest = after;
    part
}
