//! The part of an update that takes its time, on a thread of its own: looking for a candidate, verifying and staging it,
//! its self-test, its runs in the shadow, and every write to the store. The lane that detects never waits for it.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::live::Steps;
use super::store::{Against, Before, Slot, Store};
use super::trial::{Sample, twins};
use super::{Bundle, LARGEST_MANIFEST, begun, inbox, read_at_most, revert};
use crate::model::sha256;
use crate::watch::memory_mb;
use crate::{Detection, Detector, ImageRef, LoadOptions, Manifest, ModelSource, PixelFormat, Result, trust};

/// One step of an update, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whether it is one towards the new model: false for a refusal or a way back.
    pub good: bool,
    /// In words.
    pub text: String,
}

/// An image on its way to the shadow and back.
#[derive(Debug)]
pub(super) struct Shot {
    pub bytes: Vec<u8>,
    pub width: usize,
    pub height: usize,
    pub step: usize,
    pub pixel: PixelFormat,
    /// What the old model found, and how long it took.
    pub found: Vec<Detection>,
    pub old_ms: f64,
}

/// From the lane.
pub(super) enum Order {
    /// Run the candidate on this.
    Image(Box<Shot>),
    /// It may take over; what it is held against.
    HandOver(Against),
    /// It has proven itself; the old one is not needed any more.
    Keep(Option<Box<Detector>>),
    /// It has not, this is why; and it is not needed any more, if it had taken over.
    Back(String, Option<Box<Detector>>),
    /// The lowest score of a detection from now on.
    Score(Option<f32>),
    /// Models are loaded so from now on; its model is not looked at.
    Load(Box<LoadOptions>),
}

/// To the lane.
pub(super) enum Event {
    Step(Step),
    /// A candidate waits for images; what its manifest allows it of memory, MiB.
    Shadow(Option<f64>),
    /// What came of one.
    Seen(Sample, Box<Shot>),
    /// The candidate, to run from the next image on, and where it lies.
    Here(Box<Detector>, ModelSource),
    /// There is no candidate any more.
    Gone,
    /// The model on watch is to be given up; why.
    GiveUp(String),
    /// The model before the present one, to run from the next image on, and where it lies.
    Before(Box<Detector>, ModelSource),
}

pub(super) struct Worker {
    pub store: Store,
    pub inbox: PathBuf,
    /// Whether the inbox is the store's own: a model that is settled is then cleared away.
    pub own_inbox: bool,
    /// How models are loaded; its model is replaced.
    pub load: LoadOptions,
    pub poll: Duration,
    pub orders: Receiver<Order>,
    pub events: Sender<Event>,
    /// The manifest that was looked at last, by its hash.
    pub seen: Option<String>,
    pub candidate: Option<(Slot, Box<Detector>)>,
    /// Memory of the process before the candidate was loaded, MiB.
    pub memory_mb: Option<f64>,
    /// A model runs that is not proven.
    pub on_trial: bool,
    /// What is tried now was tried against a model that is given up meanwhile: it is no fault of its own, and it is tried anew.
    pub anew: bool,
    /// Called before every step: tests cut the power there.
    pub step: Steps,
}

impl Worker {
    /// Until the lane is gone.
    pub fn run(mut self) {
        loop {
            match self.orders.recv_timeout(self.poll) {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {
                    self.heed();
                    if self.candidate.is_none() && !self.on_trial {
                        self.look();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn send(&self, event: Event) {
        // The lane ends first: then there is nobody to tell.
        let _ = self.events.send(event);
    }

    fn say(&self, good: bool, text: String) {
        self.send(Event::Step(Step { good, text }));
    }

    /// Sees to a request to give a model up ([`super::transfer`]).
    fn heed(&mut self) {
        let Some(id) = revert::asked(self.store.root()) else { return };
        let is = |slot: Option<Slot>| {
            let text = slot.and_then(|slot| std::fs::read(self.store.manifest(slot)).ok());
            text.is_some_and(|text| sha256(&text) == id)
        };
        let state = self.store.state();
        let (active, trial, before) =
            (is(state.active), is(state.trial), is(state.previous.and_then(Before::slot)));
        let candidate = is(self.candidate.as_ref().map(|(slot, _)| *slot));
        let reason = "its rollout was stopped";
        if self.on_trial && trial {
            // The lane has to let go of it first; the request stays until then.
            return self.send(Event::GiveUp(reason.to_owned()));
        }
        if candidate {
            self.give_up(reason);
            self.send(Event::Gone);
        } else if active && self.on_trial {
            // The lane runs another one by now, which has to leave first; the request stays until then.
            self.anew = true;
            return self.send(Event::GiveUp("the model before it was given up".to_owned()));
        } else if active {
            if self.candidate.take().is_some() {
                begun::settled(self.store.root());
                self.seen = None;
                self.send(Event::Gone);
            }
            match self.go_back() {
                Ok((before, source)) => {
                    self.say(false, format!("rolled back: {reason}; {} runs again", before.manifest().name));
                    self.send(Event::Before(before, source));
                }
                Err(error) => self.say(false, format!("it cannot be rolled back: {error}")),
            }
        } else if before && let Err(error) = self.store.forget_previous() {
            self.say(false, format!("the store cannot be written: {error}"));
        }
        revert::settled(self.store.root());
    }

    /// The model before the active one, loaded and tested before the active one is given up.
    fn go_back(&mut self) -> Result<(Box<Detector>, ModelSource)> {
        let before = self.store.state().previous.ok_or(crate::Error::NothingBefore)?;
        let model = match before.slot() {
            Some(slot) => ModelSource::Path(self.store.manifest(slot)),
            None => self.load.model.clone(),
        };
        (self.step)("load the model before");
        let detector = Detector::load(&LoadOptions { model: model.clone(), ..self.load.clone() })?;
        self.store.revert()?;
        Ok((Box::new(detector), model))
    }

    fn look(&mut self) {
        let Some(manifest) = inbox::waiting(&self.inbox) else {
            // Whoever takes a stick out and puts it in again wants another try.
            self.seen = None;
            return;
        };
        // What lies on a stick is a stranger's: not a byte more than a manifest may have.
        let text = match read_at_most(&manifest, LARGEST_MANIFEST as u64) {
            Ok(text) => text,
            // It may be on its way there or be taken away just now: it is looked at again.
            Err(crate::Error::File { .. }) => return,
            Err(error) => {
                let what = error.to_string();
                if self.seen.as_ref() != Some(&what) {
                    self.say(false, format!("a model is refused: {what}"));
                }
                self.seen = Some(what);
                return;
            }
        };
        let id = sha256(&text);
        if self.seen.as_ref() == Some(&id) {
            return;
        }
        self.seen = Some(id.clone());
        let running = self.store.state().active.map(|slot| self.store.manifest(slot));
        if running.and_then(|path| std::fs::read(path).ok()).is_some_and(|own| sha256(&own) == id) {
            return self.clear();
        }
        let name = Manifest::parse(&String::from_utf8_lossy(&text), "candidate")
            .map_or_else(|_| "a model".to_owned(), |manifest| manifest.name);
        self.say(true, format!("{name} was found ({})", &id[..12]));
        match self.prepare(&manifest, &text) {
            Ok(candidate) => {
                self.say(true, format!("self-test passed: {}", candidate.1.backend_report()));
                let budget = candidate.1.manifest().budget.as_ref().map(|budget| f64::from(budget.memory_mb));
                self.candidate = Some(candidate);
                self.say(true, format!("{name} runs in the shadow"));
                self.send(Event::Shadow(budget));
            }
            Err(error) => {
                begun::settled(self.store.root());
                self.clear();
                self.say(false, format!("{name} is refused: {error}"));
            }
        }
    }

    /// Verify, stage, self-test.
    fn prepare(&mut self, manifest: &std::path::Path, text: &[u8]) -> Result<(Slot, Box<Detector>)> {
        // Asked here so that of a stranger nothing but a manifest and a signature of their length is read, nothing that they name,
        // and nothing is written; and again of the bytes that were written.
        (self.step)("verify");
        let standing = trust::standing(manifest, text, &self.load.trust)?;
        self.say(true, format!("signature: {}", standing.describe()));
        begun::begin(self.store.root(), &sha256(text))?;
        let bundle = Bundle::read(manifest)?;
        let slot = self.store.stage(&bundle)?;
        self.say(true, format!("staged in slot {slot:?}"));
        (self.step)("self-test");
        self.memory_mb = memory_mb();
        let options =
            LoadOptions { model: ModelSource::Path(self.store.manifest(slot)), ..self.load.clone() };
        Ok((slot, Box::new(Detector::load(&options)?)))
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Image(shot) => self.shadow(shot),
            Order::HandOver(against) => self.hand_over(against),
            Order::Score(score) => {
                self.load.score_threshold = score;
                if let Some((_, candidate)) = &mut self.candidate {
                    candidate.set_score_threshold(score);
                }
            }
            Order::Load(load) => {
                let (model, score_threshold) = (self.load.model.clone(), self.load.score_threshold);
                self.load = LoadOptions { model, score_threshold, ..*load };
            }
            Order::Keep(old) => {
                drop(old);
                (self.on_trial, self.anew) = (false, false);
                (self.step)("keep");
                let kept = self.store.commit();
                self.clear();
                match kept {
                    Ok(()) => self.say(true, "kept: it starts from now on".to_owned()),
                    Err(error) => self.say(false, format!("it cannot be kept beyond this run: {error}")),
                }
            }
            Order::Back(reason, new) => {
                drop(new);
                self.on_trial = false;
                if std::mem::take(&mut self.anew) {
                    return self.put_back(&reason);
                }
                self.give_up(&reason);
            }
        }
    }

    fn shadow(&mut self, shot: Box<Shot>) {
        let Some((_, candidate)) = &mut self.candidate else {
            // Given up meanwhile: the image's memory goes home for the next one.
            return self.send(Event::Seen(Sample::default(), shot));
        };
        (self.step)("an image in the shadow");
        let image = ImageRef {
            data: &shot.bytes,
            width: shot.width,
            height: shot.height,
            step: shot.step,
            pixel: shot.pixel,
        };
        let start = Instant::now();
        let mut sample = Sample { old_ms: Some(shot.old_ms), ..Sample::default() };
        if let Ok(found) = candidate.detect(&image) {
            sample.new_ms = Some(1e3 * start.elapsed().as_secs_f64());
            sample.boxes = (found.len() + shot.found.len()) as u64;
            sample.twins = twins(found, &shot.found);
            sample.found = found.len() as u64;
        }
        sample.memory_mb = memory_mb().zip(self.memory_mb).map(|(now, before)| now - before);
        self.send(Event::Seen(sample, shot));
    }

    fn hand_over(&mut self, against: Against) {
        let Some((slot, candidate)) = self.candidate.take() else { return self.send(Event::Gone) };
        (self.step)("hand over");
        // A start from now on is one with the trial, and counts as one begun.
        match self.store.begin_watch(slot, Some(against)).and_then(|()| self.store.boot()) {
            Ok(_) => {
                begun::settled(self.store.root());
                self.on_trial = true;
                let place = ModelSource::Path(self.store.manifest(slot));
                self.send(Event::Here(candidate, place));
            }
            Err(error) => {
                self.say(false, format!("the store cannot be written, the old model stays: {error}"));
                self.send(Event::Gone);
            }
        }
    }

    /// Ends a trial without a verdict: the model is looked at again if it still waits.
    fn put_back(&mut self, reason: &str) {
        (self.step)("put back");
        self.seen = None;
        match self.store.cancel() {
            Ok(()) => self.say(false, format!("its watch ends: {reason}")),
            Err(error) => self.say(false, format!("the store cannot be written: {error}")),
        }
    }

    /// Remembers the candidate as bad.
    fn give_up(&mut self, reason: &str) {
        begun::settled(self.store.root());
        (self.step)("give up");
        let marked = match self.candidate.take() {
            Some((slot, _)) => self.store.reject(slot),
            None => self.store.rollback(),
        };
        self.clear();
        self.say(false, format!("rolled back: {reason}"));
        if let Err(error) = marked {
            self.say(false, format!("the store cannot be written: {error}"));
        }
    }

    /// Clears the settled model away, unless another one has taken its place.
    fn clear(&mut self) {
        let waits =
            inbox::waiting(&self.inbox).and_then(|path| read_at_most(&path, LARGEST_MANIFEST as u64).ok());
        let settled = self.own_inbox && waits.is_some_and(|text| self.seen == Some(sha256(&text)));
        (self.step)("clear the inbox");
        // What cannot be cleared is not looked at again.
        if settled && std::fs::remove_dir_all(self.inbox.join(inbox::INCOMING)).is_ok() {
            self.seen = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    use super::*;
    use crate::{BackendChoice, Trust};

    /// A model that is only ever named.
    fn bundle(name: &str) -> Bundle {
        let weights = name.as_bytes().to_vec();
        let manifest = format!(
            "name = \"{name}\"\nfile = \"net.onnx\"\nsha256 = \"{}\"\ntask = \"detection\"\norigin = \"made up\"\n\
             labels = [\"person\"]\n[input]\nname = \"x\"\nwidth = 64\nheight = 64\ncolour = \"rgb\"\n[decoder]\n\
             kind = \"yolov8\"\nstrides = [8]\noutputs = [\"y\"]\n[licence]\nspdx = \"CC0-1.0\"\n",
            sha256(&weights)
        );
        Bundle::new(vec![("manifest.toml".into(), manifest.into_bytes()), ("net.onnx".into(), weights)])
            .unwrap()
    }

    /// Of a robot with a model of its own on which A was kept and B is on watch.
    fn worker(root: &Path) -> (Worker, Receiver<Event>, [Bundle; 2]) {
        let (a, b) = (bundle("a"), bundle("b"));
        let mut store = Store::open(root).unwrap();
        let slot = store.stage(&a).unwrap();
        store.begin_trial(slot).unwrap();
        store.commit().unwrap();
        let slot = store.stage(&b).unwrap();
        store.begin_trial(slot).unwrap();
        let (_, orders) = channel();
        let (events, told) = channel();
        let own = LoadOptions {
            backend: BackendChoice::Tract,
            trust: Trust::AllowUnsigned,
            ..LoadOptions::new("nanodet_g_320_w8")
        };
        let worker = Worker {
            store,
            inbox: root.to_owned(),
            own_inbox: true,
            load: own,
            poll: Duration::from_millis(1),
            orders,
            events,
            seen: None,
            candidate: None,
            memory_mb: None,
            on_trial: true,
            anew: false,
            step: Arc::new(|_| {}),
        };
        (worker, told, [a, b])
    }

    #[test]
    fn to_give_up_the_model_before_the_one_on_watch_ends_the_watch_first() {
        let root = tempfile::tempdir().unwrap();
        let (mut worker, told, [a, b]) = worker(root.path());
        std::fs::write(root.path().join("revert"), a.id()).unwrap();
        worker.heed();
        assert!(matches!(told.try_recv(), Ok(Event::GiveUp(_))) && told.try_recv().is_err());
        assert_eq!(revert::asked(root.path()).as_deref(), Some(a.id()), "the request stays");
        assert!(worker.store.state().trial.is_some() && worker.store.state().active.is_some());
        // The lane has let go of B, which has done nothing wrong.
        worker.obey(Order::Back("the model before it was given up".to_owned(), None));
        worker.heed();
        let events: Vec<Event> = told.try_iter().collect();
        assert!(events.iter().any(|event| matches!(event, Event::Before(..))), "{}", events.len());
        let state = worker.store.state();
        assert_eq!((state.active, state.trial, revert::asked(root.path())), (None, None, None));
        assert_eq!(state.bad, [a.id()], "and not {}", b.id());
    }

    #[test]
    fn what_was_given_up_is_no_way_back_either() {
        let root = tempfile::tempdir().unwrap();
        let (mut worker, _told, [a, _]) = worker(root.path());
        worker.obey(Order::Keep(None));
        std::fs::write(root.path().join("revert"), a.id()).unwrap();
        worker.heed();
        let state = worker.store.state();
        assert_eq!(
            (state.previous, state.bad.as_slice()),
            (Some(Before::Configured), &[a.id().to_owned()][..])
        );
        assert!(state.active.is_some() && revert::asked(root.path()).is_none());
    }

    #[test]
    fn a_manifest_without_an_end_is_refused_and_told_once() {
        let root = tempfile::tempdir().unwrap();
        let (mut worker, told, _) = worker(root.path());
        std::fs::create_dir(root.path().join("incoming")).unwrap();
        let file = std::fs::File::create(root.path().join("incoming/manifest.toml")).unwrap();
        file.set_len(20 << 30).unwrap();
        worker.look();
        worker.look();
        let said: Vec<Event> = told.try_iter().collect();
        let [Event::Step(step)] = said.as_slice() else { panic!("{} events", said.len()) };
        assert!(!step.good && step.text.contains("PG-1901"), "{step:?}");
    }
}
