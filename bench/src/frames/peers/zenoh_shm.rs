//! Zenoh with explicit shared memory: the publisher allocates from a POSIX pool, the reader maps it.
//!
//! Peer to peer over a Unix stream socket, express (no batching), congestion control Drop, the reader's stamp taken in its
//! callback: what makes Zenoh fastest.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zenoh::pubsub::Publisher;
use zenoh::qos::CongestionControl;
use zenoh::shm::{GarbageCollect, PosixShmProviderBackend, ShmProvider, ShmProviderBuilder};
use zenoh::{Config, Session, Wait};

use super::super::drive::Sender;
use super::super::job::{Job, Outcome};
use super::super::record::Recorder;
use super::Ready;

/// Frames that the pool has room for.
const POOL: usize = 8;

/// Its errors are not `Sized` errors of the standard library's kind once boxed.
fn plain(error: impl std::fmt::Display) -> Box<dyn std::error::Error> {
    error.to_string().into()
}

fn session(job: &Job, publishes: bool) -> Outcome<Session> {
    let endpoint = format!("[\"unixsock-stream/{}\"]", job.folder.join("zenoh").display());
    let mut config = Config::default();
    for (key, value) in [
        ("mode", "\"peer\""),
        ("listen/endpoints", if publishes { &endpoint } else { "[]" }),
        ("connect/endpoints", if publishes { "[]" } else { &endpoint }),
        ("scouting/multicast/enabled", "false"),
        ("transport/shared_memory/enabled", "true"),
        ("transport/shared_memory/mode", "\"init\""),
    ] {
        config.insert_json5(key, value).map_err(plain)?;
    }
    zenoh::open(config).wait().map_err(plain)
}

struct Camera {
    provider: ShmProvider<PosixShmProviderBackend>,
    publisher: Publisher<'static>,
    bytes: usize,
    _session: Session,
}

pub(in super::super) fn publish(job: &Job) -> Outcome<Box<dyn Sender>> {
    let session = session(job, true)?;
    let publisher = session
        .declare_publisher(job.topic.clone())
        .congestion_control(CongestionControl::Drop)
        .express(true)
        .wait()
        .map_err(plain)?;
    let bytes = job.size.bytes();
    let provider =
        ShmProviderBuilder::default_backend(bytes.next_multiple_of(4096) * POOL).wait().map_err(plain)?;
    Ok(Box::new(Camera { provider, publisher, bytes, _session: session }))
}

impl Sender for Camera {
    fn send(&mut self, fill: &mut dyn FnMut(&mut [u8])) -> Outcome<bool> {
        let Ok(mut buffer) = self.provider.alloc(self.bytes).with_policy::<GarbageCollect>().wait() else {
            return Ok(false);
        };
        fill(&mut buffer);
        self.publisher.put(buffer).wait().map_err(plain)?;
        Ok(true)
    }
}

pub(in super::super) fn read(job: &Job, recorder: Recorder, ready: Ready<'_>) -> Outcome<Recorder> {
    let session = session(job, false)?;
    let recorder = Arc::new(Mutex::new(recorder));
    let (over, is_over) = std::sync::mpsc::channel();
    let notebook = recorder.clone();
    let subscriber = session
        .declare_subscriber(job.topic.clone())
        .callback(move |sample| {
            let mut notebook = notebook.lock().unwrap_or_else(PoisonError::into_inner);
            // Anything but shared memory would be another benchmark: it is not noted.
            if let Some(bytes) = sample.payload().as_shm() {
                notebook.frame(bytes);
            }
            if notebook.is_over() {
                let _ = over.send(());
            }
        })
        .wait()
        .map_err(plain)?;
    ready()?;
    is_over.recv_timeout(Duration::from_secs(60))?;
    subscriber.undeclare().wait().map_err(plain)?;
    session.close().wait().map_err(plain)?;
    let mut recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::replace(&mut recorder, Recorder::new()))
}
