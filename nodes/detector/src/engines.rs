//! The models of the node: the one that can be replaced while it runs, and the smaller ones of the ladder's lower rungs.
//! All are loaded before the first frame, so that a step of the ladder costs nothing.

use peregrine_models::update::Live;
use peregrine_models::watch::Rung;
use peregrine_models::{Detection, Detector, ImageRef, LoadOptions, ModelSource, Result};

/// All of them.
#[derive(Debug)]
pub struct Engines {
    /// The node's own.
    pub live: Live,
    smaller: Vec<(String, Detector)>,
    /// Which of the smaller ones runs; `None`: the own one.
    chosen: Option<usize>,
}

impl Engines {
    /// Loads what the rungs name.
    ///
    /// # Errors
    /// As [`Detector::load`].
    pub fn new(live: Live, rungs: &[Rung], load: &LoadOptions) -> Result<Self> {
        let mut smaller: Vec<(String, Detector)> = Vec::new();
        for rung in rungs.iter().filter(|rung| !rung.model.is_empty()) {
            if smaller.iter().all(|(name, _)| *name != rung.model) {
                let options = LoadOptions { model: ModelSource::parse(&rung.model), ..load.clone() };
                smaller.push((rung.model.clone(), Detector::load(&options)?));
            }
        }
        Ok(Self { live, smaller, chosen: None })
    }

    /// Runs what a rung names from the next frame on.
    pub fn choose(&mut self, rung: &Rung) {
        self.chosen = self.smaller.iter().position(|(name, _)| *name == rung.model);
    }

    /// From the next frame on, this is the lowest score of a detection; `None`: what each model's manifest says.
    pub fn set_score_threshold(&mut self, score: Option<f32>) {
        self.live.set_score_threshold(score);
        self.smaller.iter_mut().for_each(|(_, detector)| detector.set_score_threshold(score));
    }

    /// The one that answers.
    pub fn current(&self) -> &Detector {
        let smaller = self.chosen.and_then(|chosen| self.smaller.get(chosen));
        smaller.map_or(self.live.current(), |(_, detector)| detector)
    }

    /// Answers ([`Engines::found`]); how long it took by `clock` (nanoseconds), in milliseconds.
    ///
    /// # Errors
    /// As [`Detector::detect`].
    pub fn detect(
        &mut self,
        image: &ImageRef<'_>,
        clock: &mut dyn FnMut() -> u64,
        drift: Option<f64>,
    ) -> Result<f64> {
        let times = match self.chosen.and_then(|chosen| self.smaller.get_mut(chosen)) {
            // An update rests meanwhile: the two would not be held against each other fairly.
            Some((_, detector)) => detector.detect_timed(image, clock)?.1,
            None => self.live.detect(image, clock, drift)?,
        };
        Ok((times.preprocess_ns + times.inference_ns + times.postprocess_ns) as f64 / 1e6)
    }

    /// What was found on the last image.
    pub fn found(&self) -> &[Detection] {
        match self.chosen.and_then(|chosen| self.smaller.get(chosen)) {
            Some((_, detector)) => detector.found(),
            None => self.live.found(),
        }
    }
}
