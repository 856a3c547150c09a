//! Subscriptions that are closed while slots of this host bring all that there is: a publisher that nobody remote listens
//! to makes no copy for the network.
//!
//! Invariant: a topic's subscription is closed only while slots bring everything that each of its publishers sends, as far
//! as publishers are known by their tokens; and it is opened as soon as one is not. One publisher elsewhere is enough to
//! keep it open: what publishers of this host then send twice is told apart by its number. The tokens of our own
//! subscriptions stay what they are, for the graph does not change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use peregrine_core::Source;

use crate::error::{Error, Result};
use crate::input::{Inlet, Input};

/// A topic with its subscription, while that is open.
pub(crate) type Gate = (Inlet, Option<Input>);

/// What the thread is told.
enum Told {
    /// Look again.
    Look,
    End,
}

/// Remote publishers by data key, as their tokens tell.
pub(crate) struct Publishers {
    known: Mutex<BTreeMap<String, BTreeSet<Source>>>,
    bell: Sender<Told>,
}

impl Publishers {
    /// One came to a key, or went.
    pub fn note(&self, key: String, gid: Source, came: bool) {
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let of_key = known.entry(key.clone()).or_default();
            if came {
                of_key.insert(gid);
            } else {
                of_key.remove(&gid);
            }
            if of_key.is_empty() {
                known.remove(&key);
            }
        }
        // The thread is gone only while the transport ends.
        let _ = self.bell.send(Told::Look);
    }

    fn of(&self, key: &str) -> BTreeSet<Source> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned().unwrap_or_default()
    }
}

/// The thread that opens and closes: not one of Zenoh's, for there nothing may be declared.
pub(crate) struct Gates {
    publishers: Arc<Publishers>,
    thread: Option<JoinHandle<()>>,
}

impl Gates {
    /// Minds `gates`, which are open.
    pub fn start(gates: Vec<Gate>) -> Result<Self> {
        let (bell, told) = channel();
        let publishers = Arc::new(Publishers { known: Mutex::default(), bell });
        for (inlet, _) in &gates {
            let publishers = publishers.clone();
            inlet.topic.on_slots_changed(Arc::new(move || {
                let _ = publishers.bell.send(Told::Look);
            }));
        }
        let known = publishers.clone();
        let thread = std::thread::Builder::new()
            .name("zenoh-gates".into())
            .spawn(move || mind(gates, &known, &told))
            .map_err(|source| Error::Thread { source })?;
        Ok(Self { publishers, thread: Some(thread) })
    }

    /// The list of remote publishers, for whoever watches the graph.
    pub fn publishers(&self) -> Arc<Publishers> {
        self.publishers.clone()
    }
}

impl Drop for Gates {
    fn drop(&mut self) {
        let _ = self.publishers.bell.send(Told::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn mind(mut gates: Vec<Gate>, publishers: &Publishers, told: &Receiver<Told>) {
    while let Ok(first) = told.recv() {
        // One look for all that was said meanwhile.
        if matches!(first, Told::End) || told.try_iter().any(|next| matches!(next, Told::End)) {
            return;
        }
        for (inlet, input) in &mut gates {
            let served = inlet.topic.is_served_by_slots(&publishers.of(&inlet.key));
            if served && input.take().is_some() {
                tracing::debug!(
                    topic = inlet.topic.name(),
                    "slots bring it: the Zenoh subscription is closed"
                );
            } else if !served && input.is_none() {
                tracing::debug!(topic = inlet.topic.name(), "the Zenoh subscription is open again");
                match inlet.open() {
                    Ok(open) => *input = Some(open),
                    Err(error) => tracing::warn!("{error}"),
                }
            }
        }
    }
}
