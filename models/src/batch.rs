//! Images of several cameras through one inference.

use std::sync::Arc;

use crate::backend::{self, Backend, Engine};
use crate::detector::{Opened, open};
use crate::manifest::{BackendName, Golden};
use crate::post::Post;
use crate::preprocess::Preprocessor;
use crate::{
    Detection, Error, ImageRef, Letterbox, LoadOptions, Manifest, Model, Result, StageTimes, Standing,
};

/// A loaded model that takes several images at once: as many as the manifest's `max_batch`. Images of any sizes and formats
/// may go together; each is answered as if it were alone. Reuses its buffers: what [`BatchDetector::found`] gives is valid
/// until the next call.
pub struct BatchDetector {
    manifest: Arc<Manifest>,
    labels: Arc<[Arc<str>]>,
    standing: Standing,
    backend: Box<dyn Backend>,
    report: String,
    threshold: f32,
    /// For each size of batch, one for each of its places: the padding of a tensor is written once for a shape.
    preprocessors: Vec<Vec<Preprocessor>>,
    places: Vec<Letterbox>,
    posts: Vec<Post>,
}

impl std::fmt::Debug for BatchDetector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchDetector")
            .field("model", &self.manifest.name)
            .field("backend", &self.report)
            .finish()
    }
}

impl BatchDetector {
    /// Loads a model for at most `images` at once, and runs one real inference of every size.
    ///
    /// # Errors
    /// Everything `PG-04xx` but the image errors.
    pub fn load(options: &LoadOptions, images: usize) -> Result<Self> {
        let Opened { model, standing, backend, reason } = open(options)?;
        let about = |most: usize| format!(", {most} images at once{reason}");
        Self::start(model, standing, backend, options, images, &about)
    }

    /// The same with a model at hand. `about` ends the report, from the most images of one call.
    pub(crate) fn start(
        model: Model,
        standing: Standing,
        name: BackendName,
        options: &LoadOptions,
        images: usize,
        about: &dyn Fn(usize) -> String,
    ) -> Result<Self> {
        let batch = images.clamp(1, model.manifest.input.max_batch);
        let backend = backend::load(&model, name, &Engine::new(options, batch))?;
        let most = backend.sizes().last().copied().unwrap_or(1);
        let mut report = format!("{} on {}{}", model.manifest.name, backend.describe(), about(most));
        if standing != Standing::Embedded {
            report.push_str(&format!("; {}", standing.describe()));
        }
        let preprocessor = || Preprocessor::new(&model.manifest.input);
        let of_size = |size: &usize| (0..*size).map(|_| preprocessor()).collect();
        Ok(Self {
            preprocessors: backend.sizes().iter().map(of_size).collect(),
            places: Vec::with_capacity(most),
            posts: (0..most).map(|_| Post::default()).collect(),
            threshold: options.score_threshold.unwrap_or(model.manifest.score_threshold),
            manifest: model.manifest,
            labels: model.labels,
            standing,
            backend,
            report,
        })
    }

    /// Most images of one call.
    pub fn capacity(&self) -> usize {
        self.posts.len()
    }

    /// Finds what the images show: [`BatchDetector::found`] has the answers, in their order. `images` beyond the capacity are
    /// left out; `clock` gives nanoseconds from any origin.
    ///
    /// # Errors
    /// `PG-0440` for an image whose bytes do not hold what its header says; `PG-0425` if the engine fails, `PG-0426` if what it
    /// gives is no number.
    pub fn detect(&mut self, images: &[ImageRef<'_>], clock: &mut dyn FnMut() -> u64) -> Result<StageTimes> {
        let images = &images[..images.len().min(self.capacity())];
        let start = clock();
        self.places.clear();
        self.posts.iter_mut().for_each(|post| post.detections.clear());
        if images.is_empty() {
            return Ok(StageTimes::default());
        }
        self.backend.select(images.len());
        let sizes = self.backend.sizes();
        let size = sizes.iter().position(|size| *size >= images.len()).unwrap_or(0);
        for (index, image) in images.iter().enumerate() {
            let preprocessor = &mut self.preprocessors[size][index];
            self.places.push(preprocessor.run_again(image, self.backend.input(index)?)?);
        }
        let filled = clock();
        self.backend.run()?;
        let inferred = clock();
        let Self { backend, posts, places, manifest, labels, threshold, .. } = self;
        let mut spoilt = None;
        for (index, ((image, place), post)) in
            images.iter().zip(places.iter()).zip(posts.iter_mut()).enumerate()
        {
            backend.outputs(index, &mut |outputs| {
                spoilt = spoilt.or(backend::not_finite(outputs));
                post.run(manifest, labels, outputs, *threshold, place, (image.width, image.height));
            })?;
        }
        // Cells that are no number are no boxes: silence would be taken for an empty scene.
        if let Some(output) = spoilt {
            posts.iter_mut().for_each(|post| post.detections.clear());
            return Err(Error::NotFinite {
                what: "an inference",
                model: manifest.name.clone(),
                backend: backend.describe(),
                output: manifest.decoder.outputs.get(output).cloned().unwrap_or_default(),
            });
        }
        Ok(StageTimes {
            preprocess_ns: filled.saturating_sub(start),
            inference_ns: inferred.saturating_sub(filled),
            postprocess_ns: clock().saturating_sub(inferred),
        })
    }

    /// What an image of the last call showed, best first; nothing for one that was not in it.
    pub fn found(&self, image: usize) -> &[Detection] {
        self.posts.get(image).map_or(&[], |post| &post.detections)
    }

    /// What the network answers to the test pattern, see [`crate::Detector::golden`].
    pub(crate) fn golden(&mut self) -> Result<Golden> {
        let model = Model {
            manifest: Arc::clone(&self.manifest),
            labels: Arc::clone(&self.labels),
            weights: (&[][..]).into(),
            stored_int8: false,
            batch: None,
            origin: self.manifest.name.clone(),
            signed: None,
        };
        let golden = backend::golden(self.backend.as_mut(), &model)?;
        // The pattern lies where the padding was.
        self.preprocessors.iter_mut().flatten().for_each(Preprocessor::forget);
        Ok(golden)
    }

    #[cfg(test)]
    pub(crate) fn replace_engine(&mut self, backend: Box<dyn Backend>) {
        self.backend = backend;
    }

    /// Names of the classes, in the order of the network.
    pub fn labels(&self) -> &[Arc<str>] {
        &self.labels
    }

    /// The manifest of the loaded variant.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What is known of the model's origin.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Model, engine, sizes and threads: one line callers must say aloud.
    pub fn backend_report(&self) -> &str {
        &self.report
    }

    /// Lowest score of a detection, 0 to 1.
    pub fn score_threshold(&self) -> f32 {
        self.threshold
    }

    /// From the next images on, this is the lowest score of a detection, 0 to 1; `None`: what the manifest says.
    pub fn set_score_threshold(&mut self, score: Option<f32>) {
        let score = score.filter(|score| score.is_finite()).map(|score| score.clamp(0.0, 1.0));
        self.threshold = score.unwrap_or(self.manifest.score_threshold);
    }
}
