//! Within one process: what a frame costs that is handed over as an `Arc`, by the usual channels.
//!
//! The channels carry the stamp and an `Arc` of pixels that nobody writes: they are spared the pool of buffers that a real
//! camera would need.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering, fence};

use crossbeam::queue::ArrayQueue;
use rustix::thread::futex;
use tokio::sync::broadcast;

use super::super::clock;
use super::super::drive::Sender;
use super::super::job::{Job, Measured, Outcome};
use super::super::record::Recorder;
use super::super::stamp::{self, LEAST};
use super::within;

/// Messages under way at most.
const DEPTH: usize = 2;

#[derive(Clone)]
struct Message {
    head: [u8; LEAST],
    _pixels: Arc<Vec<u8>>,
}

/// Hands over messages by `put`, which says whether there was room.
struct Channel<F> {
    pixels: Arc<Vec<u8>>,
    put: F,
}

impl<F: FnMut(Message) -> bool> Sender for Channel<F> {
    fn send(&mut self, fill: &mut dyn FnMut(&mut [u8])) -> Outcome<bool> {
        let mut message = Message { head: [0; LEAST], _pixels: self.pixels.clone() };
        fill(&mut message.head);
        Ok((self.put)(message))
    }
}

fn channel<F: FnMut(Message) -> bool>(job: &Job, put: F) -> Channel<F> {
    Channel { pixels: Arc::new(vec![1; job.size.bytes()]), put }
}

fn note(recorder: &mut Recorder, message: &Message) {
    let now = clock::now();
    if let Some(stamp) = stamp::read(&message.head) {
        recorder.note(now, stamp);
    }
}

/// flume, bounded; a message that finds it full is lost.
pub(in super::super) fn flume(job: &Job) -> Outcome<Measured> {
    let (sender, receiver) = flume::bounded::<Message>(DEPTH);
    within(job, &mut channel(job, |message| sender.try_send(message).is_ok()), move |mut recorder| {
        while !recorder.is_over() {
            if let Ok(message) = receiver.recv() {
                note(&mut recorder, &message);
            }
        }
        recorder
    })
}

/// crossbeam's `ArrayQueue`, the newest pushing out the oldest, and a bare futex.
pub(in super::super) fn array_queue(job: &Job) -> Outcome<Measured> {
    struct Shared {
        queue: ArrayQueue<Message>,
        /// 1 while the reader sleeps.
        sleeps: AtomicU32,
    }
    let shared = Arc::new(Shared { queue: ArrayQueue::new(DEPTH), sleeps: AtomicU32::new(0) });
    let ours = shared.clone();
    let put = move |message| {
        drop(ours.queue.force_push(message));
        fence(Ordering::SeqCst);
        if ours.sleeps.swap(0, Ordering::Relaxed) == 1 {
            let _ = futex::wake(&ours.sleeps, futex::Flags::PRIVATE, 1);
        }
        true
    };
    within(job, &mut channel(job, put), move |mut recorder| {
        while !recorder.is_over() {
            if let Some(message) = shared.queue.pop() {
                note(&mut recorder, &message);
                continue;
            }
            shared.sleeps.store(1, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            if shared.queue.is_empty() {
                let _ = futex::wait(&shared.sleeps, futex::Flags::PRIVATE, 1, None);
            }
        }
        recorder
    })
}

/// tokio's broadcast channel, read by a plain thread.
pub(in super::super) fn tokio_thread(job: &Job) -> Outcome<Measured> {
    let (sender, mut receiver) = broadcast::channel::<Message>(DEPTH);
    within(job, &mut channel(job, |message| sender.send(message).is_ok()), move |mut recorder| {
        while !recorder.is_over() {
            match receiver.blocking_recv() {
                Ok(message) => note(&mut recorder, &message),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => break,
            }
        }
        recorder
    })
}

/// tokio's broadcast channel, read by a task of a runtime with two workers.
pub(in super::super) fn tokio_task(job: &Job) -> Outcome<Measured> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let (sender, mut receiver) = broadcast::channel::<Message>(DEPTH);
    within(job, &mut channel(job, |message| sender.send(message).is_ok()), move |recorder| {
        let task = runtime.spawn(async move {
            let mut recorder = recorder;
            while !recorder.is_over() {
                match receiver.recv().await {
                    Ok(message) => note(&mut recorder, &message),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => break,
                }
            }
            recorder
        });
        runtime.block_on(task).unwrap_or_else(|_| Recorder::new())
    })
}
