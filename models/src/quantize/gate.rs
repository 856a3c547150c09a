//! What quantizing came to, and whether it may be kept.

use super::ranges::Method;
use crate::eval::{Agreement, Interval, Scores};
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
    /// How many candidates these photos have judged: of several the first that holds was taken.
    pub judged: usize,
    /// Within what the loss lies, as far as so many photos can tell; `None` where they show nothing.
    pub interval: Option<Interval>,
    /// The allowed drop.
    pub max_drop: f64,
}

/// Fewer true boxes than this make a verdict that is mostly chance.
const FEW_TRUTHS: usize = 200;

impl Outcome {
    /// Average precision lost; negative when it gained.
    pub fn drop(&self) -> f64 {
        self.before.ap() - self.after.ap()
    }

    /// How many times faster than before, on this machine.
    pub fn speedup(&self) -> f64 {
        self.before.latency_ms / self.after.latency_ms
    }

    /// Whether no more was lost than is allowed.
    pub fn holds(&self) -> bool {
        self.drop() <= self.max_drop
    }

    /// Why the verdict is not to be relied on, for people; `None` where there are photos enough.
    pub fn doubt(&self) -> Option<String> {
        let truths = self.interval.map_or(0, |interval| interval.truths);
        if truths < FEW_TRUTHS {
            return Some(format!(
                "{truths} true boxes are few: the verdict is mostly chance; give {FEW_TRUTHS} or more (--val, --held-out)"
            ));
        }
        let high = self.interval.map_or(0.0, |interval| interval.high);
        let text = || {
            format!(
                "the loss may be {high:.4} and {} is allowed: with other photos the verdict may be another; give more",
                self.max_drop
            )
        };
        (self.holds() && high > self.max_drop).then(text)
    }

    /// The gate.
    ///
    /// # Errors
    /// `PG-0483` when the fp32 network finds so little that a destroyed one would pass, `PG-0481` when the drop is larger than
    /// allowed.
    pub fn judge(&self) -> Result<()> {
        let (before, after) = (self.before.ap(), self.after.ap());
        // Half of what is there must be more than may go: else whatever comes passes.
        if self.before.scores.ap.is_none() || before <= 2.0 * self.max_drop {
            return Err(Error::NothingToLose {
                model: self.manifest.name.clone(),
                photos: self.photos,
                before,
                allowed: self.max_drop,
            });
        }
        if self.holds() {
            return Ok(());
        }
        Err(Error::AccuracyDrop {
            model: self.manifest.name.clone(),
            before,
            after,
            drop: self.drop(),
            allowed: self.max_drop,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(before: Option<f64>, after: Option<f64>, max_drop: f64) -> Outcome {
        let measured =
            |ap| Measurement { scores: Scores { ap, ..Scores::default() }, latency_ms: 1.0, bytes: 1 };
        let text = include_str!("../../weights/drone_sim_320_int8.toml");
        Outcome {
            weights: Vec::new(),
            manifest: Manifest::parse(text, "minimal").unwrap(),
            before: measured(before),
            after: measured(after),
            agreement: Agreement { share: 1.0, boxes: 0, iou: 1.0, score_gap: 0.0 },
            method: Method::MinMax,
            layers: 1,
            kept: Vec::new(),
            sensitivity: Vec::new(),
            candidates: Vec::new(),
            photos: 9,
            judged: 1,
            interval: None,
            max_drop,
        }
    }

    #[test]
    fn where_nothing_is_found_nothing_passes() {
        let code = |before, after, most| outcome(before, after, most).judge().map_err(|error| error.code());
        assert_eq!(code(Some(0.3), Some(0.295), 0.01), Ok(()));
        assert_eq!(code(Some(0.3), Some(0.28), 0.01), Err("PG-0481".into()));
        // No true box, labels of another model, colours that are swapped: a destroyed network would lose nothing.
        for before in [None, Some(0.0), Some(0.004), Some(0.02)] {
            assert_eq!(code(before, before, 0.01), Err("PG-0483".into()), "{before:?}");
        }
        let said = outcome(None, None, 0.01).judge().unwrap_err().to_string();
        assert!(said.contains("9 photos") && said.contains("--val"), "{said}");
        // What gains is kept; more than all is never there.
        assert_eq!(code(Some(0.3), Some(0.31), 0.0), Ok(()));
        assert_eq!(code(Some(0.3), Some(0.3), -1.0), Err("PG-0481".into()));
        assert_eq!(code(Some(0.0), Some(0.0), -1.0), Err("PG-0481".into()));
    }

    #[test]
    fn few_photos_are_said_to_be_few() {
        let with = |truths, high, max_drop| {
            let interval = Some(Interval { low: -0.01, high, truths });
            Outcome { interval, ..outcome(Some(0.3), Some(0.298), max_drop) }.doubt()
        };
        assert!(outcome(Some(0.3), Some(0.3), 0.01).doubt().unwrap().starts_with("0 true boxes"));
        assert!(with(199, 0.0, 0.01).unwrap().contains("mostly chance"));
        assert!(with(2000, 0.02, 0.01).unwrap().contains("may be 0.0200"));
        assert_eq!(with(2000, 0.009, 0.01), None);
        // Refused all the same.
        assert_eq!(with(2000, 0.02, 0.001), None);
    }
}
