//! What quantizing came to, and whether it may be kept.

use super::ranges::Method;
use crate::eval::{Agreement, Scores};
use crate::{Error, Manifest, Result};

/// A network measured on labelled photos.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Average precision.
    pub scores: Scores,
    /// Median of the inference alone on this machine, milliseconds.
    pub latency_ms: f64,
    /// Size of the file, bytes.
    pub bytes: usize,
}

impl Measurement {
    /// Average precision; 0 when there was nothing to find.
    pub fn ap(&self) -> f64 {
        self.scores.ap.unwrap_or(0.0)
    }
}

/// One step of the search.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Layers left in fp32, most sensitive first.
    pub kept: usize,
    /// Average precision on the photos of the search.
    pub ap: f64,
    /// Median inference, milliseconds.
    pub latency_ms: f64,
}

/// The quantized network, not yet judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The ONNX file.
    pub weights: Vec<u8>,
    /// Its manifest, with the measured accuracy.
    pub manifest: Manifest,
    /// The network as it came.
    pub before: Measurement,
    /// Quantized.
    pub after: Measurement,
    /// How far both say the same.
    pub agreement: Agreement,
    /// How the ranges were chosen.
    pub method: Method,
    /// Layers with weights in all.
    pub layers: usize,
    /// Names of those left in fp32.
    pub kept: Vec<String>,
    /// Loss of fidelity when one layer alone is in int8, most sensitive first.
    pub sensitivity: Vec<(String, f64)>,
    /// Every candidate that was measured.
    pub candidates: Vec<Candidate>,
    /// Photos the verdict rests on, none of which was seen before.
    pub photos: usize,
    /// The allowed drop.
    pub max_drop: f64,
}

impl Outcome {
    /// Average precision lost; negative when it gained.
    pub fn drop(&self) -> f64 {
        self.before.ap() - self.after.ap()
    }

    /// How many times faster than before, on this machine.
    pub fn speedup(&self) -> f64 {
        self.before.latency_ms / self.after.latency_ms
    }

    /// The gate.
    ///
    /// # Errors
    /// `PG-0481` when the drop is larger than allowed.
    pub fn judge(&self) -> Result<()> {
        if self.drop() <= self.max_drop {
            return Ok(());
        }
        Err(Error::AccuracyDrop {
            model: self.manifest.name.clone(),
            before: self.before.ap(),
            after: self.after.ap(),
            drop: self.drop(),
            allowed: self.max_drop,
        })
    }
}
