//! Manifests for networks that come without one: families recognised by the names and shapes of their inputs and
//! outputs. Anything that fits no family exactly is refused, not guessed.

use crate::manifest::{
    Align, BackendName, Colour, Decoder, DecoderKind, Element, Fit, Input, Layout, LetterboxRule, Licence,
    Manifest, Task,
};
use crate::onnx::{Port, Ports};

const STRIDES: [usize; 3] = [8, 16, 32];
/// The longest side of an input we believe, network pixels.
const LONGEST_INPUT: usize = 4096;
const FASTESTDET_STRIDE: usize = 16;
/// ImageNet's means and deviations, blue first, as NanoDet's training used them.
const NANODET_MEAN: [f32; 3] = [103.53, 116.28, 123.675];
const NANODET_STD: [f32; 3] = [57.375, 57.12, 58.395];

/// A manifest for a bare ONNX file and the number of its classes, if a family is recognised.
pub(crate) fn recognise(name: &str, file: &str, sha256: &str, ports: &Ports) -> Option<(Manifest, usize)> {
    let [input] = ports.inputs.as_slice() else { return None };
    let [Some(1), Some(3), Some(height), Some(width)] = input.shape[..] else { return None };
    if input.element != 1 || width > LONGEST_INPUT || height > LONGEST_INPUT {
        return None;
    }
    let size = (width, height);
    let found = yolox(size, ports).or_else(|| yolov8(size, ports)).or_else(|| fastestdet(size, ports));
    let (kind, classes) = found.or_else(|| nanodet(size, ports))?;
    let nanodet = matches!(kind.kind, DecoderKind::NanoDet);
    let (mean, std, pad) = match kind.kind {
        DecoderKind::NanoDet => (NANODET_MEAN, NANODET_STD, 0),
        DecoderKind::Yolox => ([0.0; 3], [1.0; 3], 114),
        DecoderKind::YoloV8 => ([0.0; 3], [255.0; 3], 114),
        _ => ([0.0; 3], [255.0; 3], 0),
    };
    let yolov8 = kind.kind == DecoderKind::YoloV8;
    let fit = if kind.kind == DecoderKind::FastestDet { Fit::Stretch } else { Fit::Letterbox };
    let manifest = Manifest {
        name: name.to_owned(),
        file: file.to_owned(),
        sha256: sha256.to_owned(),
        task: Task::Detection,
        backends: vec![BackendName::Ort, BackendName::Tract],
        score_threshold: if nanodet { 0.35 } else { 0.3 },
        nms_iou: 0.6,
        max_detections: 100,
        labels: Vec::new(),
        labels_file: None,
        labels_sha256: None,
        input: Input {
            name: input.name.clone(),
            width,
            height,
            layout: Layout::Nchw,
            element: Element::F32,
            colour: if yolov8 { Colour::Rgb } else { Colour::Bgr },
            scale: 1.0,
            mean,
            std,
            max_batch: 1,
            letterbox: LetterboxRule { fit, align: if yolov8 { Align::Center } else { Align::TopLeft }, pad },
        },
        decoder: kind,
        licence: Licence { spdx: "LicenseRef-unknown".to_owned(), notices: Vec::new() },
        origin: "a network without a manifest, recognised by its inputs and outputs".to_owned(),
        budget: None,
        runtime: None,
        measured: Vec::new(),
        golden: None,
        reference: None,
    };
    Some((manifest, classes))
}

fn cells((width, height): (usize, usize), stride: usize) -> usize {
    width.div_ceil(stride) * height.div_ceil(stride)
}

/// One output of rows `[x, y, w, h, objectness, classes...]` over the grids of three strides.
fn yolox(size: (usize, usize), ports: &Ports) -> Option<(Decoder, usize)> {
    let [output] = ports.outputs.as_slice() else { return None };
    let [Some(1), Some(rows), Some(row)] = output.shape[..] else { return None };
    let total: usize = STRIDES.iter().map(|stride| cells(size, *stride)).sum();
    let classes = row.checked_sub(5).filter(|classes| *classes > 0)?;
    // Rows with side distributions are NanoDet's; 80 classes and 8 bins per side make 112.
    (rows == total && row != 112).then(|| (decoder(DecoderKind::Yolox, &STRIDES, &[output], None), classes))
}

/// One output of planes `[cx, cy, w, h, classes...]` over the cells of three strides.
fn yolov8(size: (usize, usize), ports: &Ports) -> Option<(Decoder, usize)> {
    let [output] = ports.outputs.as_slice() else { return None };
    let [Some(1), Some(planes), Some(columns)] = output.shape[..] else { return None };
    let total: usize = STRIDES.iter().map(|stride| cells(size, *stride)).sum();
    let classes = planes.checked_sub(4).filter(|classes| *classes > 0)?;
    (columns == total).then(|| (decoder(DecoderKind::YoloV8, &STRIDES, &[output], None), classes))
}

/// One output of planes over the grid of one stride.
fn fastestdet(size: (usize, usize), ports: &Ports) -> Option<(Decoder, usize)> {
    let [output] = ports.outputs.as_slice() else { return None };
    let [Some(1), Some(planes), Some(rows), Some(columns)] = output.shape[..] else { return None };
    let fits = (columns, rows) == (size.0.div_ceil(FASTESTDET_STRIDE), size.1.div_ceil(FASTESTDET_STRIDE));
    let classes = planes.checked_sub(5).filter(|classes| *classes > 0)?;
    fits.then(|| (decoder(DecoderKind::FastestDet, &[FASTESTDET_STRIDE], &[output], None), classes))
}

/// Outputs `cls_8`, `cls_16`, ... and `dis_8`, `dis_16`, ... of as many cells as each stride has.
fn nanodet(size: (usize, usize), ports: &Ports) -> Option<(Decoder, usize)> {
    let find = |prefix: &str, stride: usize| {
        let port = ports.outputs.iter().find(|port| port.name == format!("{prefix}_{stride}"))?;
        let [Some(1), rows, Some(row)] = port.shape[..] else { return None };
        rows.is_none_or(|rows| rows == cells(size, stride)).then_some((port, row))
    };
    let strides: Vec<usize> = [4, 8, 16, 32, 64]
        .into_iter()
        .filter(|s| ports.outputs.iter().any(|p| p.name == format!("cls_{s}")))
        .collect();
    if strides.is_empty() || ports.outputs.len() != 2 * strides.len() {
        return None;
    }
    let scores: Vec<(&Port, usize)> = strides.iter().map(|s| find("cls", *s)).collect::<Option<_>>()?;
    let sides: Vec<(&Port, usize)> = strides.iter().map(|s| find("dis", *s)).collect::<Option<_>>()?;
    let (classes, row) = (scores[0].1, sides[0].1);
    let alike = scores.iter().all(|s| s.1 == classes) && sides.iter().all(|s| s.1 == row);
    if !alike || row % 4 != 0 || row < 8 {
        return None;
    }
    let outputs: Vec<&Port> = scores.iter().chain(&sides).map(|(port, _)| *port).collect();
    Some((decoder(DecoderKind::NanoDet, &strides, &outputs, Some(row / 4 - 1)), classes))
}

fn decoder(kind: DecoderKind, strides: &[usize], outputs: &[&Port], reg_max: Option<usize>) -> Decoder {
    Decoder {
        kind,
        strides: strides.to_vec(),
        outputs: outputs.iter().map(|port| port.name.clone()).collect(),
        rows: None,
        box_order: None,
        relative: None,
        first_class: None,
        logits: None,
        reg_max,
        cell_offset: None,
    }
}
