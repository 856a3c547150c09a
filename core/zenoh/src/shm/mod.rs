//! Large messages to peers of this host, through memory that both map: Zenoh's POSIX segments, which every peer with its
//! `shared-memory` feature can read. Zenoh itself sees to it that others get the same bytes over the network.

mod pool;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use zenoh::sample::SampleKind;
use zenoh::session::ZenohId;
use zenoh::{Session, Wait};

use crate::error::{Result, zenoh as failed};

pub(crate) use pool::Pool;

/// Where a configuration says whether shared memory is used at all.
pub(crate) const ENABLED: &str = "transport/shared_memory/enabled";
/// Where it says whether Zenoh puts large payloads there of its own accord.
pub(crate) const IMPLICIT: &str = "transport/shared_memory/transport_optimization/enabled";

/// What went to peers of this host in memory that they share, since the session was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SharedMemoryCounts {
    /// Messages written into shared memory.
    pub lent: u64,
    /// Large messages that went over the network because readers held all pieces of their topic.
    pub held_back: u64,
    /// Pieces taken back from readers that had died, or been stopped, with them.
    pub taken_back: u64,
    /// Connected peers that can read shared memory.
    pub peers: usize,
}

/// What the topics of a session have in common.
#[derive(Debug, Default)]
pub(crate) struct SharedMemory {
    able: Mutex<BTreeSet<ZenohId>>,
    peers: AtomicUsize,
    lent: AtomicU64,
    held_back: AtomicU64,
    taken_back: AtomicU64,
    /// The system refused a piece, and that has been said.
    has_refused: AtomicBool,
}

impl SharedMemory {
    /// Keeps count of the session's peers that can read shared memory: those on this host whose own is not switched off.
    pub fn watch(session: &Session) -> Result<Arc<Self>> {
        let shared = Arc::<Self>::default();
        let told = shared.clone();
        session
            .info()
            .transport_events_listener()
            .history(true)
            .callback(move |event| {
                if event.transport().is_shm() {
                    told.note(*event.transport().zid(), event.kind() == SampleKind::Put);
                }
            })
            .background()
            .wait()
            .map_err(failed("watch the connections of", "its session"))?;
        Ok(shared)
    }

    fn note(&self, peer: ZenohId, came: bool) {
        let mut able = self.able.lock().unwrap_or_else(PoisonError::into_inner);
        if came {
            able.insert(peer);
        } else {
            able.remove(&peer);
        }
        self.peers.store(able.len(), Ordering::Relaxed);
    }

    pub fn counts(&self) -> SharedMemoryCounts {
        SharedMemoryCounts {
            lent: self.lent.load(Ordering::Relaxed),
            held_back: self.held_back.load(Ordering::Relaxed),
            taken_back: self.taken_back.load(Ordering::Relaxed),
            peers: self.peers.load(Ordering::Relaxed),
        }
    }
}

/// Whether a session could not be opened because this system has no shared memory to give.
pub(crate) fn is_the_cause(error: &zenoh::Error) -> bool {
    error.to_string().to_lowercase().contains("shm")
}

/// Says that it cannot be had.
pub(crate) fn say_refused(error: Option<impl std::fmt::Display>) {
    let error = error.map(|error| error.to_string()).unwrap_or_default();
    tracing::warn!(
        "PG-1220: shared memory for Zenoh peers cannot be had: {error}; large messages go to them over the network, which \
         takes ten times as long: give the process a writable /dev/shm with room, and a limit of locked memory (`ulimit -l`) \
         above a few of its largest messages"
    );
}
