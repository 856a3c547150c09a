//! The thread that takes what comes in: messages, requests and answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use peregrine_core::Context;

use crate::error::{Error, Result};
use crate::input::Inlet;
use crate::rcl::{Bytes, Client, Context as Domain, Guard, Node, Service, Subscription, WaitSet, Waited};
use crate::services::{Caller, Server};

/// How often calls that wait are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Messages of one reader, or requests of one service, that are taken before the others have their turn.
const TURN: usize = 16;
/// How long the thread rests after a failure, so that one that lasts does not fill the log.
const REST: Duration = Duration::from_secs(1);

/// What comes in.
pub(crate) struct Incoming {
    pub inlets: Vec<Inlet>,
    pub servers: Vec<Server>,
    pub callers: Vec<Arc<Caller>>,
    pub ctx: Context,
}

/// A thread of the transport; it ends, and is waited for, when this is dropped.
pub(crate) struct Worker {
    stop: Arc<AtomicBool>,
    guard: Arc<Guard>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Runs `turn` again and again, until the end.
    pub fn start(
        name: &'static str,
        guard: Arc<Guard>,
        mut turn: impl FnMut(&Guard) -> Result + Send + 'static,
    ) -> Result<Self> {
        let stop = Arc::<AtomicBool>::default();
        let (stopped, bell) = (stop.clone(), guard.clone());
        let body = move || {
            while !stopped.load(Ordering::Acquire) {
                if let Err(error) = turn(&bell) {
                    tracing::warn!("{error}");
                    std::thread::park_timeout(REST);
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(body)
            .map_err(|source| Error::Thread { name, source })?;
        Ok(Self { stop, guard, thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.guard.wake();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// Takes what comes in, on a thread of its own.
pub(crate) fn spin(domain: &Arc<Domain>, guard: Arc<Guard>, mut incoming: Incoming) -> Result<Worker> {
    let subscriptions: Vec<Arc<Subscription>> =
        incoming.inlets.iter().flat_map(Inlet::readers).cloned().collect();
    let services: Vec<Arc<Service>> = incoming.servers.iter().map(|server| server.service.clone()).collect();
    let clients: Vec<Arc<Client>> = incoming.callers.iter().map(|caller| caller.client.clone()).collect();
    let mut set = WaitSet::new(domain, subscriptions.len(), services.len(), clients.len())?;
    let mut bytes = Bytes::new()?;
    let mut waits = false;
    Worker::start("dds-in", guard, move |guard| {
        let waited = Waited {
            subscriptions: &subscriptions,
            services: &services,
            clients: &clients,
            guard,
            graph: None::<&Node>,
        };
        set.wait(&waited, waits.then_some(LOOK))?;
        incoming.take(&set, &mut bytes);
        let now = Instant::now();
        // Every one of them is to have its turn.
        waits = incoming.callers.iter().filter(|caller| caller.tick(now)).count() > 0;
        Ok(())
    })
}

impl Incoming {
    fn take(&mut self, set: &WaitSet, bytes: &mut Bytes) {
        let mut place = 0;
        for inlet in &mut self.inlets {
            for rank in 0..inlet.readers().len() {
                if set.has_message(place) {
                    turn(|| inlet.take(rank, bytes));
                }
                place += 1;
            }
        }
        for (place, server) in self.servers.iter().enumerate() {
            if set.has_request(place) {
                turn(|| server.take(&self.ctx));
            }
        }
        for (place, caller) in self.callers.iter().enumerate() {
            if set.has_answer(place) {
                turn(|| caller.take());
            }
        }
    }
}

/// Takes until there is no more, or others are due.
fn turn(mut take: impl FnMut() -> Result<bool>) {
    for _ in 0..TURN {
        match take() {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                tracing::warn!("{error}");
                break;
            }
        }
    }
}
