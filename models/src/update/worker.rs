//! The part of an update that takes its time, on a thread of its own: looking for a candidate, verifying and staging it,
//! its self-test, its runs in the shadow, and every write to the store. The lane that detects never waits for it.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::live::Steps;
use super::store::{Slot, Store};
use super::trial::{Sample, twins};
use super::{Bundle, inbox, revert};
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
    /// It may take over.
    HandOver,
    /// It has proven itself; the old one is not needed any more.
    Keep(Option<Box<Detector>>),
    /// It has not, this is why; and it is not needed any more, if it had taken over.
    Back(String, Option<Box<Detector>>),
    /// The lowest score of a detection from now on.
    Score(Option<f32>),
}

/// To the lane.
pub(super) enum Event {
    Step(Step),
    /// A candidate waits for images; what its manifest allows it of memory, MiB.
    Shadow(Option<f64>),
    /// What came of one.
    Seen(Sample, Box<Shot>),
    /// The candidate, to run from the next image on.
    Here(Box<Detector>),
    /// There is no candidate any more.
    Gone,
    /// The model on watch is to be given up; why.
    GiveUp(String),
    /// The model before the present one, to run from the next image on.
    Before(Box<Detector>),
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
        let (active, trial) = (is(self.store.state().active), is(self.store.state().trial));
        let candidate = is(self.candidate.as_ref().map(|(slot, _)| *slot));
        let reason = "its rollout was stopped";
        if self.on_trial && trial {
            // The lane has to let go of it first; the request stays until then.
            return self.send(Event::GiveUp(reason.to_owned()));
        }
        if candidate {
            self.give_up(reason);
            self.send(Event::Gone);
        } else if active {
            match self.go_back() {
                Ok(before) => {
                    self.say(false, format!("rolled back: {reason}; {} runs again", before.manifest().name));
                    self.send(Event::Before(before));
                }
                Err(error) => self.say(false, format!("it cannot be rolled back: {error}")),
            }
        }
        revert::settled(self.store.root());
    }

    /// The model before the active one, loaded and tested before the active one is given up.
    fn go_back(&mut self) -> Result<Box<Detector>> {
        let before = self.store.state().previous.ok_or(crate::Error::NothingBefore)?;
        let model = match before.slot() {
            Some(slot) => ModelSource::Path(self.store.manifest(slot)),
            None => self.load.model.clone(),
        };
        (self.step)("load the model before");
        let detector = Detector::load(&LoadOptions { model, ..self.load.clone() })?;
        self.store.revert()?;
        Ok(Box::new(detector))
    }

    fn look(&mut self) {
        let Some(manifest) = inbox::waiting(&self.inbox) else {
            // Whoever takes a stick out and puts it in again wants another try.
            self.seen = None;
            return;
        };
        let Ok(text) = std::fs::read(&manifest) else { return };
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
                self.clear();
                self.say(false, format!("{name} is refused: {error}"));
            }
        }
    }

    /// Verify, stage, self-test.
    fn prepare(&mut self, manifest: &std::path::Path, text: &[u8]) -> Result<(Slot, Box<Detector>)> {
        // Asked here so that nothing a stranger's manifest names is read or written, and again of the bytes that were
        // written.
        (self.step)("verify");
        let standing = trust::standing(manifest, text, &self.load.trust)?;
        self.say(true, format!("signature: {}", standing.describe()));
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
            Order::HandOver => self.hand_over(),
            Order::Score(score) => {
                self.load.score_threshold = score;
                if let Some((_, candidate)) = &mut self.candidate {
                    candidate.set_score_threshold(score);
                }
            }
            Order::Keep(old) => {
                drop(old);
                self.on_trial = false;
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
        }
        sample.memory_mb = memory_mb().zip(self.memory_mb).map(|(now, before)| now - before);
        self.send(Event::Seen(sample, shot));
    }

    fn hand_over(&mut self) {
        let Some((slot, candidate)) = self.candidate.take() else { return self.send(Event::Gone) };
        (self.step)("hand over");
        // A start from now on is one with the trial, and counts as one begun.
        match self.store.begin_trial(slot).and_then(|()| self.store.boot()) {
            Ok(_) => {
                self.on_trial = true;
                self.send(Event::Here(candidate));
            }
            Err(error) => {
                self.say(false, format!("the store cannot be written, the old model stays: {error}"));
                self.send(Event::Gone);
            }
        }
    }

    /// Remembers the candidate as bad.
    fn give_up(&mut self, reason: &str) {
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
        let waits = inbox::waiting(&self.inbox).and_then(|path| std::fs::read(path).ok());
        let settled = self.own_inbox && waits.is_some_and(|text| self.seen == Some(sha256(&text)));
        (self.step)("clear the inbox");
        // What cannot be cleared is not looked at again.
        if settled && std::fs::remove_dir_all(self.inbox.join(inbox::INCOMING)).is_ok() {
            self.seen = None;
        }
    }
}
