//! The manifest: what must be known about a network to run it, in one TOML file beside the weights.
//!
//! Invariant: a [`Manifest`] that [`Manifest::parse`] gives out is consistent in itself (sizes, strides, outputs and
//! labels fit each other). Whether the weights fit it is checked when they are loaded.

use serde::{Deserialize, Serialize};

use crate::suggest::suggest;
use crate::{Error, Result};

mod check;
mod edit;

pub(crate) use check::parse_version;
pub use edit::with_section;

/// Everything needed to run one detection network, and where it comes from.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the model: what `--model` and reports say.
    pub name: String,
    /// The ONNX file, relative to the manifest.
    pub file: String,
    /// SHA-256 of that file, 64 hexadecimal digits.
    pub sha256: String,
    /// What the network does.
    pub task: Task,
    /// Backends this variant is meant for; empty: all.
    #[serde(default)]
    pub backends: Vec<BackendName>,
    /// Lowest score of a detection unless the caller says otherwise, 0 to 1.
    #[serde(default = "default_score_threshold")]
    pub score_threshold: f32,
    /// Two boxes of one class that overlap by more than this (intersection over union) are one thing, 0 to 1.
    #[serde(default = "default_nms_iou")]
    pub nms_iou: f32,
    /// Most detections per image, best first.
    #[serde(default = "default_max_detections")]
    pub max_detections: usize,
    /// Names of the classes in the order of the network; or `labels_file`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// A text file beside the manifest with one label per line; or `labels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_file: Option<String>,
    /// SHA-256 of `labels_file`; a signed manifest must have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_sha256: Option<String>,
    /// Where the weights come from and how they were made, in words.
    pub origin: String,
    /// The input tensor.
    pub input: Input,
    /// How the outputs become boxes.
    pub decoder: Decoder,
    /// Under which terms the weights may be used.
    pub licence: Licence,
    /// What it may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// What it needs to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Runtime>,
    /// Measured accuracy and on what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Measured>,
    /// What it answers to the test pattern, compared at every load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub golden: Option<Golden>,
    /// What it sees when all is well, to notice drift by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

/// What a model may cost. Watched in the field, not enforced.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// One image, from frame to boxes, milliseconds.
    pub latency_ms: f32,
    /// Memory of the whole process that grows by loading it, mebibytes.
    pub memory_mb: f32,
}

/// What a model needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// Oldest ONNX Runtime that will do, as in `1.18`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onnxruntime: Option<String>,
}

/// What the outputs hold when the network is given the test pattern: a library that lists a provider and lacks its
/// kernels, or a damaged driver, gives something else.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Largest difference, as a share of the root mean square of the values.
    pub tolerance: f32,
    /// In the order of the decoder's outputs: values at fixed places.
    pub outputs: Vec<Vec<f32>>,
}

/// Distributions on photos like those the model was measured on.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// On which photos, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data: String,
    /// How many images are behind the shares of brightness and sharpness; 0: not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub images: u64,
    /// How many detections are behind the shares of scores and classes; 0: not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub detections: u64,
    /// Shares of detections by score, from the threshold to 1 in ten steps.
    pub scores: Vec<f32>,
    /// Shares of detections by class, in the order of the labels.
    pub classes: Vec<f32>,
    /// Shares of images by brightness, 0 to 255 in ten steps.
    pub brightness: Vec<f32>,
    /// Shares of images by sharpness: below 10, 30, 100, 300, 1000, 3000, 10000, and above.
    pub sharpness: Vec<f32>,
}

/// What a network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Task {
    /// Axis-aligned boxes with classes.
    Detection,
}

/// The engines a network can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BackendName {
    /// ONNX Runtime, loaded at run time.
    Ort,
    /// tract, compiled in.
    Tract,
}

/// The input tensor.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Name of the tensor in the graph.
    pub name: String,
    /// Width in network pixels.
    pub width: usize,
    /// Height in network pixels.
    pub height: usize,
    /// Order of the dimensions.
    #[serde(default)]
    pub layout: Layout,
    /// Type of the elements.
    #[serde(default)]
    pub element: Element,
    /// Order of the colour planes.
    pub colour: Colour,
    /// The tensor holds `(pixel * scale - mean) / std`, pixels being 0 to 255.
    #[serde(default = "one")]
    pub scale: f32,
    /// Per plane, in the order of `colour`, in scaled units.
    #[serde(default)]
    pub mean: [f32; 3],
    /// Per plane, in the order of `colour`, in scaled units.
    #[serde(default = "ones")]
    pub std: [f32; 3],
    /// Most images of one inference, 1 to 16: the network's first dimension, or less where that is left open.
    #[serde(default = "one_image", skip_serializing_if = "is_one")]
    pub max_batch: usize,
    /// How the image is fitted into the input.
    #[serde(default)]
    pub letterbox: LetterboxRule,
}

fn one_image() -> usize {
    1
}

fn is_one(count: &usize) -> bool {
    *count == 1
}

/// Order of the input's dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Layout {
    /// Batch, planes, rows, columns.
    #[default]
    Nchw,
    /// Batch, rows, columns, planes.
    Nhwc,
}

/// Type of the input's elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Element {
    /// 32 bit floating point.
    #[default]
    F32,
    /// Bytes: the network normalises by itself; `scale`, `mean` and `std` must be left out.
    U8,
}

/// Order of the input's colour planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colour {
    /// Blue, green, red.
    Bgr,
    /// Red, green, blue.
    Rgb,
}

/// How a source image is fitted into the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LetterboxRule {
    /// Whether the aspect ratio is kept.
    #[serde(default)]
    pub fit: Fit,
    /// Where the image lies when it is kept.
    #[serde(default)]
    pub align: Align,
    /// What fills the rest, as a pixel value 0 to 255 before normalisation.
    #[serde(default)]
    pub pad: u8,
}

/// Whether the aspect ratio of the image is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// Kept: the image is scaled until it just fits, the rest is padded.
    #[default]
    Letterbox,
    /// Not kept: the image fills the input.
    Stretch,
}

/// Where a letterboxed image lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Align {
    /// In the top left corner; padding right or below.
    #[default]
    TopLeft,
    /// In the middle; padding on both sides.
    Center,
}

/// How the outputs become boxes.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Decoder {
    /// Family of the head.
    pub kind: DecoderKind,
    /// Network pixels per cell of each output grid, finest first; none for SSD and DETR.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strides: Vec<usize>,
    /// Names of the outputs. YOLOX, YOLOv8, FastestDet: the one output. NanoDet: the class scores of each stride, then
    /// the side distributions of each stride; or the one output that holds both side by side. CenterNet: heat map, size,
    /// and offset if it has one. SSD: boxes, scores, classes; or the one output of rows x0, y0, x1, y1, score, class.
    /// DETR: class scores, boxes; or the one output of rows cx, cy, w, h, classes.
    pub outputs: Vec<String>,
    /// SSD and DETR: how many rows the outputs have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// SSD: order of a box's four numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub box_order: Option<BoxOrder>,
    /// SSD and DETR: whether boxes are shares of the input's sides (else network pixels).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<bool>,
    /// SSD: the number of the first label, 1 where 0 means background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_class: Option<usize>,
    /// CenterNet and DETR: whether scores still have to go through the sigmoid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logits: Option<bool>,
    /// NanoDet: largest distance in units of the stride; a side has `reg_max + 1` bins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reg_max: Option<usize>,
    /// NanoDet: where in its cell a point lies, in units of the stride: 0.5 (NanoDet, PicoDet) or 0 (NanoDet-Plus).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell_offset: Option<f32>,
}

/// Families of detection heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DecoderKind {
    /// Centre, log size, objectness, classes: one row per cell.
    Yolox,
    /// NanoDet and PicoDet: classes, and a distribution over distances for each side (DFL).
    NanoDet,
    /// FastestDet: one grid of objectness, tanh centre, sigmoid size, softmax classes.
    FastestDet,
    /// YOLOv8, YOLOv9, YOLO11: boxes in network pixels and classes, planes first.
    YoloV8,
    /// CenterNet: peaks of a heat map, size and offset.
    CenterNet,
    /// SSD and others that suppress in the graph: boxes, scores, class numbers.
    Ssd,
    /// RT-DETR, D-FINE: a set of queries, classes and boxes each; scores by a sigmoid of each class, as in Deformable DETR (the first
    /// DETR's softmax with a class for nothing is another head). Such networks suppress doubles by themselves; `nms_iou`
    /// counts all the same, so write 1.0 where people may overlap more than by its default.
    Detr,
}

/// Order of a box's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BoxOrder {
    /// Left, top, right, bottom.
    #[default]
    Xyxy,
    /// Top, left, bottom, right, as TensorFlow writes them.
    Yxyx,
}

/// Under which terms the weights may be used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// SPDX expression.
    pub spdx: String,
    /// Files with the notices, relative to the manifest.
    #[serde(default)]
    pub notices: Vec<String>,
}

/// One measurement of accuracy.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// On which photos.
    pub data: String,
    /// With which engine.
    pub backend: String,
    /// COCO average precision over IoU 0.50 to 0.95.
    pub ap: f32,
    /// COCO average precision at IoU 0.50.
    pub ap50: f32,
}

fn default_score_threshold() -> f32 {
    0.35
}
fn default_nms_iou() -> f32 {
    0.6
}
fn default_max_detections() -> usize {
    100
}
fn is_zero(count: &u64) -> bool {
    *count == 0
}
fn one() -> f32 {
    1.0
}
fn ones() -> [f32; 3] {
    [1.0; 3]
}

impl Manifest {
    /// Reads a manifest from TOML. `name` is how messages call it, usually its path.
    ///
    /// Takes any text: it gives a consistent manifest or an error that names the line to mend. (The fuzz target calls
    /// exactly this.)
    ///
    /// # Errors
    /// `PG-0402` for what is not TOML or lacks a key, `PG-0403` for unknown keys, `PG-0404` for absurd values.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text).map_err(|error| explain(&error, text, name))?;
        check::check(&manifest, text, name)?;
        Ok(manifest)
    }

    /// Dimensions of the input tensor, in the order of its layout.
    pub fn input_shape(&self) -> [usize; 4] {
        match self.input.layout {
            Layout::Nchw => [1, 3, self.input.height, self.input.width],
            Layout::Nhwc => [1, self.input.height, self.input.width, 3],
        }
    }

    /// As TOML, which [`Manifest::parse`] reads back.
    ///
    /// # Errors
    /// `PG-0402` for values TOML cannot write.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::ManifestSyntax {
            manifest: self.name.clone(),
            line: 1,
            message: error.to_string(),
        })
    }

    /// Number of elements of the input tensor.
    pub fn input_len(&self) -> usize {
        3 * self.input.width * self.input.height
    }
}

/// The line, from 1, on which a key of a section stands; of the section or of the file if the key is missing.
pub(crate) fn line_of(text: &str, section: &str, key: &str) -> usize {
    let (mut current, mut fallback) = ("", 1);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(inner) = line.strip_prefix('[').filter(|_| !line.contains('=')) {
            current = inner.trim_start_matches('[').split(']').next().unwrap_or_default().trim();
            if current == section {
                fallback = index + 1;
            }
        }
        let is_key = line.split_once('=').is_some_and(|(left, _)| left.trim() == key);
        if current == section && is_key {
            return index + 1;
        }
    }
    fallback
}

/// Turns what the TOML reader says into an error with a line and, for unknown names, the nearest known one.
fn explain(error: &toml::de::Error, text: &str, name: &str) -> Error {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
    let message = error.message().trim();
    let manifest = name.to_owned();
    // serde says: unknown field `a`, expected one of `b`, `c` (or: expected `b`); the same for variants.
    for (opening, what) in [("unknown field `", "key"), ("unknown variant `", "value")] {
        let Some((found, rest)) = message.strip_prefix(opening).and_then(|rest| rest.split_once('`')) else {
            continue;
        };
        let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        return Error::ManifestUnknown {
            manifest,
            line,
            what,
            found: found.to_owned(),
            suggestion: suggest(found, known.iter().copied()),
            known: known.join(", "),
        };
    }
    Error::ManifestSyntax { manifest, line, message: message.replace('\n', "; ") }
}
