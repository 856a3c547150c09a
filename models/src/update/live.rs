//! A detector whose model can be replaced while it runs.
//!
//! Invariant: every image gets its answer from exactly one whole model, in time: loading, shadow runs and disk are the
//! worker's ([`super::worker`]), models change hands between two images, and an image on which a new model fails is given
//! to the old one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::store::{Boot, Store};
use super::trial::{Limits, Sample, Trial, Verdict};
use super::worker::{Event, Order, Shot, Step, Worker};
use crate::{Detection, Detector, Error, ImageRef, LoadOptions, ModelSource, Result, StageTimes};

/// Where models come from, and what is asked of them.
#[derive(Clone, Debug)]
pub struct UpdateOptions {
    /// The store.
    pub store: PathBuf,
    /// The folder whose `incoming/` is looked at; `None`: the store itself.
    pub inbox: Option<PathBuf>,
    /// How models are loaded. Its model is the one to run while the store is empty.
    pub load: LoadOptions,
    /// What is asked of a new model.
    pub limits: Limits,
    /// How often the inbox is looked at.
    pub poll: Duration,
}

/// Is told each step of an update before it is taken, on whichever thread takes it: for tests that cut the power there.
pub type Steps = Arc<dyn Fn(&'static str) + Send + Sync>;

enum Phase {
    Quiet,
    Shadow(Trial),
    /// The worker was asked for the new model.
    Awaited(Trial),
    Watch(Trial),
}

/// The detector.
pub struct Live {
    current: Detector,
    /// Where the proven one lies; `None` where that is nobody's matter.
    proven: Option<ModelSource>,
    /// While the current one is on trial.
    previous: Option<Box<Detector>>,
    /// Where the one on trial lies.
    tried: Option<ModelSource>,
    /// The last image was answered by the previous one.
    by_previous: bool,
    phase: Phase,
    limits: Limits,
    link: Option<Link>,
    steps: Vec<Step>,
    changes: u64,
    /// A lowest score that was set since the start, for models that come later.
    score: Option<Option<f32>>,
    step: Steps,
}

struct Link {
    orders: Option<Sender<Order>>,
    events: Receiver<Event>,
    /// At hand while the worker has no image.
    shot: Option<Box<Shot>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("current", &self.current)
            .field("phase", &self.phase())
            .finish_non_exhaustive()
    }
}

impl Live {
    /// One model that stays.
    pub fn fixed(detector: Detector) -> Self {
        Self {
            current: detector,
            proven: None,
            previous: None,
            tried: None,
            by_previous: false,
            phase: Phase::Quiet,
            limits: Limits::default(),
            link: None,
            steps: Vec::new(),
            changes: 0,
            score: None,
            step: Arc::new(|_| {}),
        }
    }

    /// From the next image on, this is the lowest score of a detection, 0 to 1, whichever model answers; `None`: what its
    /// manifest says.
    pub fn set_score_threshold(&mut self, score: Option<f32>) {
        self.score = Some(score);
        self.current.set_score_threshold(score);
        if let Some(previous) = &mut self.previous {
            previous.set_score_threshold(score);
        }
        self.order(Order::Score(score));
    }

    /// Where the model lies that is proven and answers; `None` while one is on trial, or where nothing is ever replaced.
    pub fn proven(&self) -> Option<&ModelSource> {
        self.proven.as_ref().filter(|_| matches!(self.phase, Phase::Quiet))
    }

    /// Another engine of the present model, from the next image on; models that come later are loaded as `load` says. Ask
    /// [`Live::proven`] first whether it still is the present one.
    pub fn raise(&mut self, mut engine: Detector, load: &LoadOptions) {
        if let Some(score) = self.score {
            engine.set_score_threshold(score);
        }
        self.current = engine;
        self.order(Order::Load(Box::new(load.clone())));
    }

    /// The proven model of a store, and nothing else: nothing is written, nothing replaced. For runs that must repeat.
    ///
    /// # Errors
    /// As [`Detector::load`] and [`Store::open`].
    pub fn settled(options: &UpdateOptions) -> Result<Self> {
        let store = Store::open(&options.store)?;
        let mut load = options.load.clone();
        if let Some(slot) = store.state().active {
            load.model = ModelSource::Path(store.manifest(slot));
        }
        Detector::load(&load).map(Self::fixed)
    }

    /// What the store says must run, with a worker that looks for better models.
    ///
    /// # Errors
    /// `PG-0401` for the store (one whose state cannot be read is left alone, and the configured model runs), `PG-1918` when another detector has it; as [`Detector::load`] when neither the store's model nor the one of the options
    /// can be loaded.
    pub fn open(options: &UpdateOptions) -> Result<Self> {
        Self::open_stepwise(options, Arc::new(|_| {}))
    }

    /// The same, with `step` being told every step of every update.
    ///
    /// # Errors
    /// As [`Live::open`].
    pub fn open_stepwise(options: &UpdateOptions, step: Steps) -> Result<Self> {
        let on_disk = step.clone();
        let mut store = match Store::open_stepwise(&options.store, Box::new(move |what| on_disk(what))) {
            // Which slot is proven is not known, and guessed neither here nor by whoever pushes the next model.
            Err(error @ Error::StoreState { .. }) => {
                let text = format!("the configured model runs and nothing is replaced: {error}");
                let steps = vec![Step { good: false, text }];
                let proven = Some(options.load.model.clone());
                return Ok(Self { proven, steps, ..Self::fixed(Detector::load(&options.load)?) });
            }
            store => store?,
        };
        store.hold()?;
        let mut steps = Vec::new();
        let with = |path: PathBuf| LoadOptions { model: ModelSource::Path(path), ..options.load.clone() };
        let mut resumed = None;
        let begun = store.state().trial;
        let boot = store.boot()?;
        if begun.is_some() && store.state().trial.is_none() {
            let text =
                "rolled back at the start: the starts before did not get as far as keeping it".to_owned();
            steps.push(Step { good: false, text });
        }
        let active = match boot {
            Boot::Embedded => None,
            Boot::Active(path) => Some(path),
            Boot::Trial(path, active) => {
                match Detector::load(&with(path)) {
                    Ok(new) => resumed = Some(new),
                    Err(error) => {
                        store.rollback()?;
                        steps.push(Step { good: false, text: format!("rolled back at the start: {error}") });
                    }
                }
                active
            }
        };
        let configured = || -> Result<(Detector, ModelSource)> {
            Ok((Detector::load(&options.load)?, options.load.model.clone()))
        };
        let (detector, source) = match active.map(|path| (Detector::load(&with(path.clone())), path)) {
            Some((Ok(detector), path)) => (detector, ModelSource::Path(path)),
            None => configured()?,
            Some((Err(error), _)) => {
                let text = format!("the store's model does not load, the configured one runs: {error}");
                steps.push(Step { good: false, text });
                configured()?
            }
        };
        let on_trial = resumed.is_some();
        let (proven, limits) = (Some(source), options.limits);
        let mut live = Self { proven, limits, steps, step: step.clone(), ..Self::fixed(detector) };
        if let Some(new) = resumed {
            live.steps.push(Step { good: true, text: format!("{} is watched again", new.manifest().name) });
            live.previous = Some(Box::new(std::mem::replace(&mut live.current, new)));
            live.tried = store.state().trial.map(|slot| ModelSource::Path(store.manifest(slot)));
            let against = store.state().against.unwrap_or_default();
            live.phase = Phase::Watch(Trial::resumed(options.limits, against));
        }
        live.link = Some(Link::start(store, options, on_trial, step)?);
        Ok(live)
    }

    /// How far what the present model finds has drifted at worst ([`crate::watch::Drift::found`]), and of how many windows of the
    /// watch's length: what a new one is held against.
    pub fn old_drift(&mut self, worst: f64, windows: u64) {
        if let Phase::Shadow(trial) | Phase::Awaited(trial) = &mut self.phase {
            trial.old_drift(worst, windows);
        }
    }

    /// The fewest boxes per image that the present model found in one window; 0 where too few windows are known.
    pub fn old_found(&mut self, fewest: f64) {
        if let Phase::Shadow(trial) | Phase::Awaited(trial) = &mut self.phase {
            trial.old_found(fewest);
        }
    }

    /// Finds what the image shows; [`Live::found`] gives it. `drift` is how far what was found since the swap has drifted, if
    /// that is known; it counts at the end of the watch alone.
    ///
    /// # Errors
    /// `PG-0440` for an image whose bytes do not hold what its header says: no model is to blame. Otherwise as
    /// [`Detector::detect`], if no model at hand can answer.
    pub fn detect(
        &mut self,
        image: &ImageRef<'_>,
        clock: &mut dyn FnMut() -> u64,
        drift: Option<f64>,
    ) -> Result<StageTimes> {
        self.attend();
        image.check()?;
        self.by_previous = false;
        let answer = self.current.detect_timed(image, clock).map(|(_, times)| times);
        let ms =
            answer.as_ref().ok().map(|t| (t.preprocess_ns + t.inference_ns + t.postprocess_ns) as f64 / 1e6);
        if let Phase::Watch(trial) = &mut self.phase {
            (self.step)("an image on watch");
            let found = if answer.is_ok() { self.current.found().len() as u64 } else { 0 };
            let verdict = trial.add(&Sample { new_ms: ms, drift, found, ..Sample::default() });
            return self.judge(verdict, answer, image, clock);
        }
        let times = answer?;
        self.offer(image, ms.unwrap_or_default());
        Ok(times)
    }

    /// What the last image showed, best first.
    pub fn found(&self) -> &[Detection] {
        match &self.previous {
            Some(previous) if self.by_previous => previous.found(),
            _ => self.current.found(),
        }
    }

    /// Takes what the worker has to say; to be called now and then while no images come.
    pub fn attend(&mut self) {
        while let Some(event) = self.link.as_ref().and_then(|link| link.events.try_recv().ok()) {
            match event {
                Event::Step(step) => self.steps.push(step),
                Event::Shadow(budget) => {
                    let limits = Limits { memory_mb: self.limits.memory_mb.or(budget), ..self.limits };
                    self.phase = Phase::Shadow(Trial::new(limits));
                }
                Event::Gone => self.phase = Phase::Quiet,
                Event::Seen(sample, shot) => self.seen(&sample, shot),
                Event::Here(new, place) => self.swap(*new, place),
                Event::GiveUp(reason) => self.give_up(reason),
                Event::Before(before, place) => self.go_back(*before, place),
            }
        }
    }

    /// The steps since this was last asked.
    pub fn steps(&mut self) -> std::vec::Drain<'_, Step> {
        self.steps.drain(..)
    }

    /// The model that answers now.
    pub fn current(&self) -> &Detector {
        &self.current
    }

    /// How often the model has changed.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// What the update is at, in a word.
    pub fn phase(&self) -> &'static str {
        match &self.phase {
            Phase::Quiet => "none",
            Phase::Shadow(_) | Phase::Awaited(_) => "shadow",
            Phase::Watch(_) => "watch",
        }
    }

    fn order(&self, order: Order) {
        if let Some(orders) = self.link.as_ref().and_then(|link| link.orders.as_ref()) {
            // A worker that is gone takes no orders: the present model runs on.
            let _ = orders.send(order);
        }
    }

    fn seen(&mut self, sample: &Sample, shot: Box<Shot>) {
        if let Some(link) = &mut self.link {
            link.shot = Some(shot);
        }
        let Phase::Shadow(trial) = &mut self.phase else { return };
        let lacked = trial.lacks_boxes();
        let verdict = trial.add(sample);
        if !lacked && trial.lacks_boxes() {
            let text = format!(
                "the shadow goes on: {} boxes of both models were seen, {} are needed to tell whether they find the same",
                trial.boxes(),
                self.limits.shadow_boxes
            );
            self.steps.push(Step { good: true, text });
        }
        match verdict {
            Verdict::Swap => {
                let against = trial.against();
                self.phase = Phase::Awaited(trial.clone());
                self.order(Order::HandOver(against));
            }
            Verdict::Back(reason) => {
                self.phase = Phase::Quiet;
                self.order(Order::Back(reason, None));
            }
            _ => {}
        }
    }

    fn swap(&mut self, mut new: Detector, place: ModelSource) {
        if let Some(score) = self.score {
            new.set_score_threshold(score);
        }
        let Phase::Awaited(trial) = &self.phase else { return };
        (self.step)("swap");
        self.phase = Phase::Watch(trial.clone());
        self.tried = Some(place);
        let text = format!("swapped: {} answers from this image on and is watched", new.manifest().name);
        self.steps.push(Step { good: true, text });
        self.previous = Some(Box::new(std::mem::replace(&mut self.current, new)));
        self.changes += 1;
    }

    /// Lets go of the model on watch.
    fn give_up(&mut self, reason: String) {
        // One that is no longer on watch is active by now, and asked for again.
        let Phase::Watch(_) = self.phase else { return };
        (self.step)("back to the old model");
        self.phase = Phase::Quiet;
        let new = self.previous.take().map(|old| Box::new(std::mem::replace(&mut self.current, *old)));
        self.changes += 1;
        self.order(Order::Back(reason, new));
    }

    /// The model before the present one answers again.
    fn go_back(&mut self, mut before: Detector, place: ModelSource) {
        (self.step)("the model before answers");
        if let Some(score) = self.score {
            before.set_score_threshold(score);
        }
        (self.current, self.proven) = (before, Some(place));
        self.changes += 1;
    }

    /// After the swap: what became of an image, and of the trial.
    fn judge(
        &mut self,
        verdict: Verdict,
        answer: Result<StageTimes>,
        image: &ImageRef<'_>,
        clock: &mut dyn FnMut() -> u64,
    ) -> Result<StageTimes> {
        match verdict {
            Verdict::Keep => {
                self.phase = Phase::Quiet;
                self.proven = self.tried.take();
                let old = self.previous.take();
                self.order(Order::Keep(old));
            }
            Verdict::Back(reason) => {
                (self.step)("back to the old model");
                self.phase = Phase::Quiet;
                let new =
                    self.previous.take().map(|old| Box::new(std::mem::replace(&mut self.current, *old)));
                self.changes += 1;
                self.order(Order::Back(reason, new));
                // The image that showed the fault is answered by the model that is trusted.
                return self.current.detect_timed(image, clock).map(|(_, times)| times);
            }
            _ => {}
        }
        match (answer, &mut self.previous) {
            (Err(_), Some(previous)) => {
                self.by_previous = true;
                previous.detect_timed(image, clock).map(|(_, times)| times)
            }
            (answer, _) => answer,
        }
    }

    /// Gives the image to the shadow, if it waits for one.
    fn offer(&mut self, image: &ImageRef<'_>, old_ms: f64) {
        let (Phase::Shadow(trial), Some(link)) = (&self.phase, &mut self.link) else { return };
        // In an empty hall the shadow costs nothing more.
        if trial.lacks_boxes() && self.current.found().is_empty() {
            return;
        }
        let Some(mut shot) = link.shot.take() else { return };
        shot.bytes.clear();
        shot.bytes.extend_from_slice(image.data);
        (shot.width, shot.height, shot.step, shot.pixel) =
            (image.width, image.height, image.step, image.pixel);
        shot.found.clear();
        shot.found.extend_from_slice(self.current.found());
        shot.old_ms = old_ms;
        self.order(Order::Image(shot));
    }
}

impl Link {
    fn start(store: Store, options: &UpdateOptions, on_trial: bool, step: Steps) -> Result<Self> {
        let (orders, taken) = channel();
        let (told, events) = channel();
        let worker = Worker {
            store,
            own_inbox: options.inbox.is_none(),
            inbox: options.inbox.clone().unwrap_or_else(|| options.store.clone()),
            load: options.load.clone(),
            poll: options.poll,
            orders: taken,
            events: told,
            seen: None,
            candidate: None,
            memory_mb: None,
            on_trial,
            anew: false,
            step,
        };
        let thread = std::thread::Builder::new()
            .name("model update".to_owned())
            .spawn(move || worker.run())
            .map_err(super::store::failed("start a thread for", &options.store))?;
        let shot = Shot {
            bytes: Vec::new(),
            width: 0,
            height: 0,
            step: 0,
            pixel: crate::PixelFormat::Rgb8,
            found: Vec::new(),
            old_ms: 0.0,
        };
        Ok(Self { orders: Some(orders), events, shot: Some(Box::new(shot)), thread: Some(thread) })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A worker that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::store::Against;
    use super::*;
    use crate::{BackendChoice, PixelFormat};

    fn detector() -> Detector {
        let options = LoadOptions { backend: BackendChoice::Tract, ..LoadOptions::new("nanodet_g_320_w8") };
        Detector::load(&options).unwrap()
    }

    fn watched(errors: f64) -> Live {
        let limits = Limits { errors, ..Limits::default() };
        let mut live = Live::fixed(detector());
        live.previous = Some(Box::new(std::mem::replace(&mut live.current, detector())));
        live.current.break_engine();
        live.phase = Phase::Watch(Trial::resumed(limits, Against::default()));
        live
    }

    #[test]
    fn an_image_on_which_the_new_model_fails_is_answered_by_the_old_one() {
        let data = vec![90; 3 * 64 * 48];
        let image = ImageRef::packed(&data, 64, 48, PixelFormat::Rgb8);
        let mut live = watched(1.0);
        live.detect(&image, &mut || 0, None).unwrap();
        assert!(live.by_previous && live.phase() == "watch");
        // More failures than are allowed: the old one is back, and has answered this image too.
        let mut live = watched(0.0);
        live.detect(&image, &mut || 0, None).unwrap();
        assert!(!live.by_previous && live.previous.is_none());
        assert_eq!((live.phase(), live.changes()), ("none", 1));
        live.detect(&image, &mut || 0, None).unwrap();
    }

    #[test]
    fn an_image_that_lies_about_itself_is_not_held_against_the_new_model() {
        let mut live = watched(0.0);
        let error = live.detect(&ImageRef::packed(&[0; 10], 64, 48, PixelFormat::Rgb8), &mut || 0, None);
        assert!(error.unwrap_err().to_string().starts_with("PG-0440") && live.phase() == "watch");
    }
}
