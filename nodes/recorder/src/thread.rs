//! The writing thread: whoever records hands bytes over and goes on.
//!
//! Invariant: memory is bounded. The queue holds at most so many bytes (one larger message is let in when it is
//! empty); then [`Full`] decides between waiting, which lockstep simulation wants, and dropping, which a robot wants.
//! Every drop is counted, and the first error of the disk is kept and returned to every later call.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    algo::bag::{Bag, BagSummary, Topic},
    error::{RecorderError, Result},
};

/// When nothing arrives for this long, what is there goes to the disk.
const IDLE_FLUSH: Duration = Duration::from_secs(1);

/// What happens to a message that finds the queue full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The sender waits: nothing is lost, the flight slows down.
    Wait,
    /// The message is dropped and counted.
    Drop,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on its way to the disk.
    Queued,
    /// The queue was full; so many have been dropped by now, this one included.
    Dropped(u64),
}

#[derive(Debug)]
struct Item {
    topic: Arc<Topic>,
    log_ns: i64,
    publish_ns: i64,
    cdr: Vec<u8>,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    closed: bool,
    dropped: u64,
    error: Option<RecorderError>,
    /// Empty buffers to be filled again: no allocation per message once they have grown.
    spare: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Something came, or the end.
    filled: Condvar,
    /// Room was made, or the writer is gone.
    emptied: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is consistent between any two of its operations, so a panic elsewhere does not spoil it.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bag that is written by a thread of its own.
#[derive(Debug)]
pub struct BagThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<BagSummary>>>,
    capacity: usize,
    full: Full,
}

impl BagThread {
    /// Starts the thread. `capacity` is in bytes. `open` makes the bag on the new thread.
    ///
    /// # Errors
    /// What `open` returns, or [`RecorderError::Thread`] if there can be no thread.
    pub fn start(
        open: impl FnOnce() -> Result<Bag> + Send + 'static,
        capacity: usize,
        full: Full,
    ) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let (opened, result) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                // Whatever ends this thread, nobody must wait for room in its queue any more.
                let _gone = Gone(Arc::clone(&shared));
                match open() {
                    Ok(bag) => {
                        let _ = opened.send(Ok(()));
                        write(&shared, bag)
                    }
                    Err(error) => {
                        let _ = opened.send(Err(error.clone()));
                        Err(error)
                    }
                }
            }
        });
        let thread = thread.map_err(|error| RecorderError::Thread { reason: error.to_string() })?;
        result
            .recv()
            .map_err(|_| RecorderError::Thread { reason: "it never opened the bag".to_owned() })??;
        Ok(Self { shared, thread: Some(thread), capacity, full })
    }

    /// Hands a message over; times in nanoseconds as for [`Bag::write`].
    ///
    /// # Errors
    /// The first error of the writing thread, now and at every later call.
    pub fn push(&self, topic: &Arc<Topic>, log_ns: i64, publish_ns: i64, cdr: &[u8]) -> Result<Outcome> {
        let mut queue = self.shared.lock();
        loop {
            if let Some(error) = &queue.error {
                return Err(error.clone());
            }
            if queue.items.is_empty() || queue.bytes + cdr.len() <= self.capacity {
                break;
            }
            if self.full == Full::Drop {
                queue.dropped += 1;
                return Ok(Outcome::Dropped(queue.dropped));
            }
            queue = self.shared.emptied.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        let mut buffer = queue.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(cdr);
        queue.bytes += cdr.len();
        queue.items.push_back(Item { topic: Arc::clone(topic), log_ns, publish_ns, cdr: buffer });
        drop(queue);
        self.shared.filled.notify_one();
        Ok(Outcome::Queued)
    }

    /// Messages dropped so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.lock().dropped
    }

    /// Writes what is queued, completes the bag and ends the thread.
    ///
    /// # Errors
    /// The first error of the writing thread.
    pub fn finish(mut self) -> Result<BagSummary> {
        self.close()
            .unwrap_or_else(|| Err(RecorderError::Thread { reason: "it was finished twice".to_owned() }))
    }

    fn close(&mut self) -> Option<Result<BagSummary>> {
        let thread = self.thread.take()?;
        self.shared.lock().closed = true;
        self.shared.filled.notify_one();
        let panicked = |_| Err(RecorderError::Thread { reason: "it panicked".to_owned() });
        Some(thread.join().unwrap_or_else(panicked))
    }
}

impl Drop for BagThread {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.close() {
            tracing::error!("{error}");
        }
    }
}

/// Wakes everybody who waits for room when the writing thread ends.
struct Gone(Arc<Shared>);

impl Drop for Gone {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.error.get_or_insert(RecorderError::Thread { reason: "it is gone".to_owned() });
        drop(queue);
        self.0.emptied.notify_all();
    }
}

fn write(shared: &Shared, mut bag: Bag) -> Result<BagSummary> {
    match write_all(shared, &mut bag) {
        Ok(()) => bag.finish(),
        Err(error) => {
            let mut queue = shared.lock();
            queue.error = Some(error.clone());
            queue.items = VecDeque::new();
            drop(queue);
            shared.emptied.notify_all();
            // Its own error would only repeat this one.
            let _ = bag.finish();
            Err(error)
        }
    }
}

fn write_all(shared: &Shared, bag: &mut Bag) -> Result<()> {
    let mut dirty = false;
    loop {
        let item = {
            let mut queue = shared.lock();
            loop {
                if let Some(item) = queue.items.pop_front() {
                    queue.bytes -= item.cdr.len();
                    break Some(item);
                }
                if queue.closed {
                    return Ok(());
                }
                let (waited, timeout) =
                    shared.filled.wait_timeout(queue, IDLE_FLUSH).unwrap_or_else(PoisonError::into_inner);
                queue = waited;
                if timeout.timed_out() && dirty && queue.items.is_empty() {
                    break None;
                }
            }
        };
        let Some(item) = item else {
            bag.flush()?;
            dirty = false;
            continue;
        };
        shared.emptied.notify_all();
        let topic = bag.topic(&item.topic)?;
        bag.write(topic, item.log_ns, item.publish_ns, &item.cdr)?;
        dirty = true;
        let mut queue = shared.lock();
        if queue.spare.len() < 16 {
            queue.spare.push(item.cdr);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;
    use crate::algo::bag::BagOptions;

    fn topic() -> Arc<Topic> {
        Arc::new(Topic {
            name: "/a".into(),
            type_name: "std_msgs/msg/String".into(),
            type_hash: String::new(),
            definition: "string data\n".into(),
            reliable: true,
            transient_local: false,
        })
    }

    #[test]
    fn a_full_disk_is_one_clear_error_for_everybody() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bag");
        let open = move || {
            let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
            Bag::on(&path, full, BagOptions { chunk_bytes: 1000, ..BagOptions::default() })
        };
        // The first bytes of a file are its magic number: opening fails already.
        let error = BagThread::start(open, 1 << 20, Full::Wait).err().unwrap();
        assert!(matches!(error, RecorderError::DiskFull { .. }), "{error}");
        assert!(error.to_string().starts_with("PG-0803 the disk is full while writing"), "{error}");
    }

    #[test]
    fn a_disk_that_fills_up_ends_the_waiting_and_is_returned() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bag");
        let open = {
            let path = path.clone();
            move || {
                let mut bag = Bag::create(&path, BagOptions { chunk_bytes: 1000, ..BagOptions::default() })?;
                bag.break_at(5000);
                Ok(bag)
            }
        };
        let thread = BagThread::start(open, 2000, Full::Wait).unwrap();
        let error = loop {
            if let Err(error) = thread.push(&topic(), 1, 1, &[7; 400]) {
                break error;
            }
        };
        assert!(
            matches!(error, RecorderError::DiskFull { written, .. } if written > 1000 && written <= 5000),
            "{error}"
        );
        assert_eq!(thread.finish().unwrap_err(), error);
        // What was whole can be read, and the metadata is there.
        assert!(path.join("metadata.yaml").exists());
        let recovered = crate::recover(&path.join("bag_0.mcap"), &directory.path().join("again")).unwrap();
        assert!(recovered.messages >= 4, "{recovered:?}");
    }

    #[test]
    fn dropping_is_counted_and_waiting_loses_nothing() {
        for full in [Full::Drop, Full::Wait] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("bag");
            let (release, wait) = std::sync::mpsc::channel::<()>();
            let open = move || {
                let mut bag = Bag::create(&path, BagOptions::default())?;
                bag.before_write(move || {
                    let _ = wait.recv();
                });
                Ok(bag)
            };
            let thread = BagThread::start(open, 1000, full).unwrap();
            let mut dropped = 0;
            for i in 0..20 {
                if full == Full::Wait && i == 3 {
                    for _ in 0..40 {
                        let _ = release.send(());
                    }
                }
                if let Outcome::Dropped(count) = thread.push(&topic(), i, i, &[0; 400]).unwrap() {
                    dropped = count;
                }
            }
            drop(release);
            assert_eq!(thread.dropped(), dropped);
            let summary = thread.finish().unwrap();
            assert_eq!(summary.messages + dropped, 20);
            assert_eq!(dropped > 0, full == Full::Drop);
        }
    }

    #[test]
    fn a_bag_that_exists_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let error =
            BagThread::start(move || Bag::create(&path, BagOptions::default()), 1, Full::Wait).err().unwrap();
        assert!(error.to_string().starts_with("PG-0801"), "{error}");
    }
}
