//! An engine that takes its time: built on a thread of its own while another one answers.

use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use crate::backend::{EngineCache, engine_key};
use crate::{Detector, Error, LoadOptions, Result};

/// How far a build has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Since its beginning.
    pub elapsed: Duration,
    /// How long the same engine took the last time, if it was ever built here: then it lies on the disk and is soon there.
    pub before: Option<Duration>,
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let elapsed = self.elapsed.as_secs();
        match self.before {
            Some(before) => {
                write!(f, "loading for {elapsed} s an engine that took {} s to build", before.as_secs())
            }
            None => write!(f, "building an engine for {elapsed} s; the first time it may take minutes"),
        }
    }
}

/// A detector on its way. Dropping it lets the build end by itself, and its engine stays in the cache.
#[derive(Debug)]
pub struct Building {
    began: Instant,
    before: Option<Duration>,
    answer: Receiver<Result<Box<Detector>>>,
    over: bool,
}

impl Building {
    /// Starts to load `options` on a thread of its own. The thread gives way to all others of the process where the system
    /// lets it.
    ///
    /// # Errors
    /// `PG-0425` when no thread can be had. What goes wrong with the engine comes by [`Building::poll`].
    pub fn start(options: LoadOptions) -> Result<Self> {
        let cache = options.engine_cache.clone().or_else(EngineCache::of_user);
        let key = engine_key(&options);
        let before = cache.zip(key).and_then(|(cache, key)| cache.built(&key));
        let (send, answer) = channel();
        let failed = |error: std::io::Error| Error::Backend {
            backend: "the engine",
            action: "build",
            model: format!("{:?}", options.model),
            detail: format!("no thread: {error}"),
        };
        let wanted = options.clone();
        std::thread::Builder::new()
            .name("engine build".into())
            .spawn(move || {
                // Who asked may be gone: then nobody hears of it.
                let _ = send.send(Detector::load(&wanted).map(Box::new));
            })
            .map_err(failed)?;
        Ok(Self { began: Instant::now(), before, answer, over: false })
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        Progress { elapsed: self.began.elapsed(), before: self.before }
    }

    /// The detector, or why there is none, once; `None` before and after. Never waits.
    pub fn poll(&mut self) -> Option<Result<Detector>> {
        if self.over {
            return None;
        }
        let answer = match self.answer.try_recv() {
            Ok(answer) => answer.map(|detector| *detector),
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err(Error::Backend {
                backend: "the engine",
                action: "build",
                model: "the model".to_owned(),
                detail: "its thread ended without an answer: it panicked".to_owned(),
            }),
        };
        self.over = true;
        Some(answer)
    }
}
