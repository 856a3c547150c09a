//! Static quantization with an accuracy gate: fp32 in, int8 out, or nothing if too much accuracy would go.
//!
//! Default settings silently destroy some networks (YOLOX-nano here: AP .341 to .085), so nothing is taken on trust: the
//! ranges come from photos, the sensitivity of every layer is measured, layers stay in fp32 until the drop holds on
//! labelled photos, and a result that drops more than allowed is refused. What decides is never what was chosen by: the
//! ranges come from one set, the choice of layers from a second, the verdict from a third that neither has seen.

mod blocks;
mod gate;
mod graph;
mod ranges;
mod rewrite;
mod search;
mod sets;

use std::path::PathBuf;

pub use gate::{Candidate, Measurement, Outcome};
pub use ranges::Method;
pub use search::quantize;
pub use sets::Validation;

/// Reads a graph as the quantizer does and finds its layers, for the fuzz target.
pub(crate) fn inspect(bytes: &[u8]) -> crate::Result<()> {
    let network = graph::Network::parse(bytes, "fuzz.onnx")?;
    let blocks = blocks::find(&network);
    let _ = blocks::nodes_of(&network, blocks.iter());
    Ok(())
}

/// How to quantize.
#[derive(Clone, Debug)]
pub struct Options {
    /// Photos to calibrate with; no labels needed. At most [`Options::calibration_photos`] of them are used.
    pub calibration: Vec<PathBuf>,
    /// Method of calibration; `None` tries all and takes the most faithful.
    pub method: Option<Method>,
    /// Most photos for calibration.
    pub calibration_photos: usize,
    /// Photos for the sensitivity of each layer.
    pub sensitivity_photos: usize,
    /// Most photos for the candidates of the search; the verdict is always on all that were held out.
    pub search_photos: usize,
    /// Largest allowed drop of average precision, 0 to 1.
    pub max_drop: f64,
    /// Weights of seven bits, for x86 processors without VNNI, whose 8 bit products saturate.
    pub seven_bits: bool,
    /// Threads within one inference.
    pub threads: usize,
    /// The ONNX Runtime library; `None`: searched for.
    pub ort_library: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            calibration: Vec::new(),
            method: None,
            calibration_photos: 64,
            sensitivity_photos: 6,
            search_photos: 64,
            max_drop: 0.01,
            seven_bits: false,
            threads: 1,
            ort_library: None,
        }
    }
}
