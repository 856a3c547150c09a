//! An engine that takes its time: built on a thread of its own while another one answers.

use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use crate::backend::{EngineCache, engine_key};
use crate::{Detector, Error, LoadOptions, Result};

/// How far a build has come. No provider says so itself (TensorRT's monitor is not handed on by ONNX Runtime): it is reckoned from
/// how long builds took here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Since its beginning.
    pub elapsed: Duration,
    /// How long the same engine took the last time, if it was ever built here: then it lies on the disk and is soon there.
    pub before: Option<Duration>,
    /// How long it will take, as others of the same provider did ([`EngineCache::expected`]); `None` where none was built yet,
    /// or where this one is only loaded.
    pub expected: Option<Duration>,
}

impl Progress {
    /// The share that is probably done, 0 to .99; it stays there when the build takes longer than expected.
    pub fn share(&self) -> Option<f64> {
        let expected = self.expected.filter(|expected| !expected.is_zero())?;
        Some((self.elapsed.as_secs_f64() / expected.as_secs_f64()).min(0.99))
    }
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let elapsed = self.elapsed.as_secs();
        if let Some(before) = self.before {
            return write!(f, "loading for {elapsed} s an engine that took {} s to build", before.as_secs());
        }
        match self.expected.zip(self.share()) {
            Some((expected, share)) => write!(
                f,
                "building an engine for {elapsed} s, {:.0} % of the {} s that one took here before",
                100.0 * share,
                expected.as_secs()
            ),
            None => write!(f, "building an engine for {elapsed} s; the first time it may take minutes"),
        }
    }
}

/// A detector on its way. Dropping it lets the build end by itself, and its engine stays in the cache.
#[derive(Debug)]
pub struct Building {
    began: Instant,
    before: Option<Duration>,
    expected: Option<Duration>,
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
        let (before, expected) = match cache.zip(key) {
            Some((cache, key)) => match cache.built(&key) {
                None => (None, cache.expected(&key)),
                before => (before, None),
            },
            None => (None, None),
        };
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
        Ok(Self { began: Instant::now(), before, expected, answer, over: false })
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        Progress { elapsed: self.began.elapsed(), before: self.before, expected: self.expected }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_said_as_far_as_it_is_known() {
        let seconds = Duration::from_secs;
        let said = |elapsed, before, expected| {
            let progress = Progress { elapsed: seconds(elapsed), before, expected };
            (progress.to_string(), progress.share())
        };
        let (text, share) = said(30, None, Some(seconds(120)));
        assert_eq!(text, "building an engine for 30 s, 25 % of the 120 s that one took here before");
        assert_eq!(share, Some(0.25));
        assert_eq!(said(500, None, Some(seconds(120))).1, Some(0.99), "it takes longer than it did");
        for expected in [None, Some(Duration::ZERO)] {
            let (text, share) = said(9, None, expected);
            assert!(text.contains("for 9 s; the first time") && share.is_none(), "{text}");
        }
        let (text, _) = said(1, Some(seconds(77)), None);
        assert!(text.starts_with("loading for 1 s") && text.contains("77 s"), "{text}");
    }
}
