//! Whether the values of a manifest can be meant.

use super::{DecoderKind, Element, Golden, Manifest, Reference, line_of};
use crate::{Error, Result};

/// The longest side of an input we believe, network pixels.
const LONGEST_INPUT: usize = 4096;

/// The largest batch we believe.
const MOST_IMAGES: usize = 16;

struct Checker<'a> {
    text: &'a str,
    name: &'a str,
}

impl Checker<'_> {
    fn need(
        &self,
        holds: bool,
        section: &str,
        key: &'static str,
        value: impl std::fmt::Debug,
        reason: &'static str,
        remedy: &'static str,
    ) -> Result<()> {
        if holds {
            return Ok(());
        }
        Err(Error::ManifestValue {
            manifest: self.name.to_owned(),
            line: line_of(self.text, section, key),
            key,
            value: format!("{value:?}"),
            reason,
            remedy,
        })
    }
}

pub(super) fn check(m: &Manifest, text: &str, name: &str) -> Result<()> {
    let c = Checker { text, name };
    let unit = |v: f32| (0.0..=1.0).contains(&v);
    c.need(!m.name.trim().is_empty(), "", "name", &m.name, "which is empty", "give the model a name")?;
    c.need(
        is_beside(&m.file),
        "",
        "file",
        &m.file,
        "not a file beside the manifest",
        "give a plain relative path",
    )?;
    if let Some(file) = &m.labels_file {
        c.need(
            is_beside(file),
            "",
            "labels_file",
            file,
            "not a file beside the manifest",
            "give a relative path",
        )?;
    }
    for notice in &m.licence.notices {
        let remedy = "give a relative path";
        c.need(is_beside(notice), "licence", "notices", notice, "not a file beside the manifest", remedy)?;
    }
    let hex = m.sha256.len() == 64 && m.sha256.bytes().all(|b| b.is_ascii_hexdigit());
    c.need(
        hex,
        "",
        "sha256",
        &m.sha256,
        "not a SHA-256",
        "write the 64 hexadecimal digits `sha256sum` prints",
    )?;
    c.need(
        unit(m.score_threshold),
        "",
        "score_threshold",
        m.score_threshold,
        "out of range",
        "write 0 to 1",
    )?;
    c.need(unit(m.nms_iou), "", "nms_iou", m.nms_iou, "out of range", "write 0 to 1")?;
    let some = (1..=10_000).contains(&m.max_detections);
    c.need(some, "", "max_detections", m.max_detections, "out of range", "write 1 to 10000")?;
    let one_source = m.labels.is_empty() == m.labels_file.is_some();
    c.need(
        one_source,
        "",
        "labels",
        m.labels.len(),
        "and exactly one source is needed",
        "give labels or labels_file",
    )?;
    if let Some(sum) = &m.labels_sha256 {
        let holds = sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()) && m.labels_file.is_some();
        let remedy = "write the 64 hexadecimal digits `sha256sum` prints, or leave it out";
        c.need(holds, "", "labels_sha256", sum, "no SHA-256 of a labels file", remedy)?;
    }
    input(m, &c)?;
    let some = (1..=MOST_IMAGES).contains(&m.input.max_batch);
    c.need(some, "input", "max_batch", m.input.max_batch, "out of range", "write 1 to 16")?;
    decoder(m, &c)?;
    costs(m, &c)?;
    if let Some(golden) = &m.golden {
        check_golden(golden, m.decoder.outputs.len(), &c)?;
    }
    m.reference.as_ref().map_or(Ok(()), |reference| check_reference(reference, &c))
}

fn costs(m: &Manifest, c: &Checker<'_>) -> Result<()> {
    if let Some(budget) = &m.budget {
        for (key, value) in [("latency_ms", budget.latency_ms), ("memory_mb", budget.memory_mb)] {
            let holds = value.is_finite() && value > 0.0;
            c.need(holds, "budget", key, value, "no budget", "write a positive number")?;
        }
    }
    if let Some(version) = m.runtime.as_ref().and_then(|runtime| runtime.onnxruntime.as_ref()) {
        let holds = parse_version(version).is_some();
        c.need(holds, "runtime", "onnxruntime", version, "no version", "write e.g. \"1.18\"")?;
    }
    Ok(())
}

/// Numbers of a version.
pub(crate) fn parse_version(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

fn check_golden(golden: &Golden, outputs: usize, c: &Checker<'_>) -> Result<()> {
    let holds = golden.tolerance > 0.0 && golden.tolerance <= 1.0;
    c.need(holds, "golden", "tolerance", golden.tolerance, "out of range", "write above 0 up to 1")?;
    let finite =
        |list: &Vec<f32>| !list.is_empty() && list.len() <= 4096 && list.iter().all(|v| v.is_finite());
    let holds = golden.outputs.len() == outputs && golden.outputs.iter().all(finite);
    let remedy = "let `peregrine model verify --write-golden` write it";
    c.need(holds, "golden", "outputs", golden.outputs.len(), "not one list of values per output", remedy)
}

fn check_reference(reference: &Reference, c: &Checker<'_>) -> Result<()> {
    let lists = [
        ("scores", &reference.scores, Some(10)),
        ("classes", &reference.classes, None),
        ("brightness", &reference.brightness, Some(10)),
        ("sharpness", &reference.sharpness, Some(8)),
    ];
    for (key, list, length) in lists {
        let holds = length.is_none_or(|length| list.len() == length)
            && list.len() <= 10_000
            && list.iter().all(|share| (0.0..=1.0).contains(share));
        c.need(
            holds,
            "reference",
            key,
            list,
            "no list of shares of that length",
            "write shares from 0 to 1",
        )?;
    }
    Ok(())
}

fn input(m: &Manifest, c: &Checker<'_>) -> Result<()> {
    let i = &m.input;
    c.need(!i.name.is_empty(), "input", "name", &i.name, "which is empty", "name the graph's input tensor")?;
    for (key, side) in [("width", i.width), ("height", i.height)] {
        let holds = (1..=LONGEST_INPUT).contains(&side);
        c.need(
            holds,
            "input",
            key,
            side,
            "out of range",
            "write the side of the input in pixels, 1 to 4096",
        )?;
    }
    c.need(i.scale.is_finite() && i.scale != 0.0, "input", "scale", i.scale, "no scale", "write e.g. 1.0")?;
    let holds = i.mean.iter().all(|v| v.is_finite());
    c.need(holds, "input", "mean", i.mean, "not finite", "write three numbers")?;
    let holds = i.std.iter().all(|v| v.is_finite() && *v > 0.0);
    c.need(holds, "input", "std", i.std, "not positive", "write three positive numbers")?;
    let plain = i.scale == 1.0 && i.mean == [0.0; 3] && i.std == [1.0; 3];
    let holds = i.element == Element::F32 || plain;
    c.need(
        holds,
        "input",
        "element",
        i.element,
        "but scale, mean or std are given",
        "leave them out or write f32",
    )
}

fn decoder(m: &Manifest, c: &Checker<'_>) -> Result<()> {
    use DecoderKind::{CenterNet, Detr, FastestDet, NanoDet, Ssd, YoloV8, Yolox};
    let (d, s) = (&m.decoder, "decoder");
    let gridless = matches!(d.kind, Ssd | Detr);
    if gridless {
        c.need(d.strides.is_empty(), s, "strides", &d.strides, "but this head has no grid", "leave it out")?;
    } else {
        let holds = !d.strides.is_empty() && d.strides.iter().all(|stride| (1..=1024).contains(stride));
        c.need(holds, s, "strides", &d.strides, "which are no strides", "write e.g. [8, 16, 32]")?;
    }
    // A wider grid than this is a typing error, and the memory for it would be taken before anyone noticed.
    let cells: usize =
        d.strides.iter().map(|t| m.input.width.div_ceil(*t) * m.input.height.div_ceil(*t)).sum();
    let holds = cells <= 1 << 20;
    c.need(holds, s, "strides", &d.strides, "too fine for the input", "write the strides of the network")?;
    if matches!(d.kind, FastestDet | CenterNet) {
        let holds = d.strides.len() == 1;
        c.need(holds, s, "strides", &d.strides, "but this head has one grid", "write one stride")?;
    }
    let count = d.outputs.len();
    let (holds, hint) = match d.kind {
        NanoDet => (
            count == 1 || count == 2 * d.strides.len(),
            "name the class outputs of every stride, then the distance outputs; or one output",
        ),
        Yolox | FastestDet | YoloV8 => (count == 1, "name the one output"),
        CenterNet => (count == 2 || count == 3, "name heat map, size, and offset if there is one"),
        Ssd => (count == 1 || count == 3, "name boxes, scores, classes; or one output"),
        Detr => (count == 1 || count == 2, "name class scores, boxes; or one output"),
    };
    c.need(holds, s, "outputs", &d.outputs, "not the number needed", hint)?;
    let distinct =
        d.outputs.iter().enumerate().all(|(i, name)| !name.is_empty() && !d.outputs[..i].contains(name));
    c.need(distinct, s, "outputs", &d.outputs, "with an empty or double name", "name each output once")?;
    if d.kind == NanoDet {
        let holds = d.reg_max.is_some_and(|r| (1..=64).contains(&r));
        let hint = "write bins per side less one, 1 to 64";
        c.need(holds, s, "reg_max", d.reg_max, "and NanoDet needs it", hint)?;
        let holds = d.cell_offset.is_none_or(|o| (0.0..=1.0).contains(&o));
        c.need(holds, s, "cell_offset", d.cell_offset, "out of range", "write 0 to 1")?;
    } else {
        let (reason, hint) = ("which only NanoDet has", "leave it out");
        c.need(d.reg_max.is_none(), s, "reg_max", d.reg_max, reason, hint)?;
        c.need(d.cell_offset.is_none(), s, "cell_offset", d.cell_offset, reason, hint)?;
    }
    if gridless {
        let holds = d.rows.is_some_and(|rows| (1..=100_000).contains(&rows));
        c.need(holds, s, "rows", d.rows, "and this head needs it", "write how many rows its outputs have")?;
    } else {
        c.need(d.rows.is_none(), s, "rows", d.rows, "which only ssd and detr have", "leave it out")?;
        let hint = "leave it out";
        c.need(d.relative.is_none(), s, "relative", d.relative, "which only ssd and detr have", hint)?;
    }
    if d.kind != Ssd {
        let (reason, hint) = ("which only ssd has", "leave it out");
        c.need(d.box_order.is_none(), s, "box_order", d.box_order, reason, hint)?;
        c.need(d.first_class.is_none(), s, "first_class", d.first_class, reason, hint)?;
    }
    let holds = d.logits.is_none() || matches!(d.kind, CenterNet | Detr);
    c.need(holds, s, "logits", d.logits, "which only centernet and detr have", "leave it out")
}

/// Whether a path stays beside (or below) the manifest: a manifest from elsewhere must not point into our disk.
fn is_beside(path: &str) -> bool {
    use std::path::{Component, Path};
    !path.is_empty()
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
