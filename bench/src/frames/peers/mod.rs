//! The subjects: ours and the peers. One file each.

pub(super) mod channels;
pub(super) mod fused;
pub(super) mod iceoryx;
pub(super) mod ours;
pub(super) mod zenoh_shm;

use super::drive::{self, Sender};
use super::job::{Job, Measured, Outcome};
use super::record::Recorder;

/// Says that a reader is connected.
pub(super) type Ready<'a> = &'a dyn Fn() -> Outcome;

/// Publishes on this thread and reads on another one of the same process.
pub(super) fn within(
    job: &Job,
    sender: &mut dyn Sender,
    read: impl FnOnce(Recorder) -> Recorder + Send + 'static,
) -> Outcome<Measured> {
    let reader = std::thread::Builder::new().name("reader".into()).spawn(|| read(Recorder::new()))?;
    let published = drive::drive(job, sender)?;
    while !reader.is_finished() {
        drive::over(sender)?;
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let recorder = reader.join().map_err(|_| "the reader panicked")?;
    // One process: what both spent is counted at the publisher.
    let read = super::job::Read { cpu_ns: 0, allocations: 0, ..recorder.finish() };
    Ok(Measured { published, read: vec![read] })
}
