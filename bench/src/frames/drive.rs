//! The publisher's side of a job, the same for every subject.

use super::clock::{cpu, now, sleep_until};
use super::job::{Job, Outcome, Published};
use super::stamp::{self, Phase};
use peregrine_counting::all as allocations;

/// Something that publishes frames.
pub(super) trait Sender {
    /// Gets memory for one frame, hands it to `fill`, and publishes it. False when no memory was to be had.
    fn send(&mut self, fill: &mut dyn FnMut(&mut [u8])) -> Outcome<bool>;
}

/// Frames before the window: caches, page tables and connections get warm.
const WARM_FRAMES: u64 = 10;
/// The same, when frames come as fast as they can, ns.
const WARM_FLOOD_NS: u64 = 50_000_000;
/// What is still under way when the last frame was sent may settle so long, ns.
const SETTLE_NS: u64 = 50_000_000;

struct Driver<'a> {
    sender: &'a mut dyn Sender,
    sequence: u64,
    failed: u64,
    period_ns: Option<u64>,
    due: u64,
}

impl Driver<'_> {
    fn one(&mut self, phase: Phase) -> Outcome {
        if let Some(period) = self.period_ns {
            self.due += period;
            sleep_until(self.due);
        }
        let sequence = self.sequence + 1;
        if self.sender.send(&mut |bytes| stamp::write(bytes, sequence, phase))? {
            self.sequence = sequence;
        } else {
            self.failed += 1;
        }
        Ok(())
    }
}

/// Warms up, publishes through the window, and says what that cost. `over` marks the window's end to the readers, and
/// is to be called until they have heard it.
pub(super) fn drive(job: &Job, sender: &mut dyn Sender) -> Outcome<Published> {
    let period_ns = job.hz.map(|hz| (1e9 / hz) as u64);
    let mut driver = Driver { sender, sequence: 0, failed: 0, period_ns, due: now() };
    match job.hz {
        Some(_) => (0..WARM_FRAMES).try_for_each(|_| driver.one(Phase::Warm))?,
        None => {
            let end = now() + WARM_FLOOD_NS;
            while now() < end {
                driver.one(Phase::Warm)?;
            }
        }
    }
    let (first, failed, start) = (driver.sequence, driver.failed, now());
    let (cpu_before, allocations_before) = (cpu(), allocations());
    let end = start + (job.seconds * 1e9) as u64;
    match job.hz {
        Some(hz) => {
            for _ in 0..(job.seconds * hz).round() as u64 {
                driver.one(Phase::Measured)?;
            }
        }
        None => {
            while now() < end {
                driver.one(Phase::Measured)?;
            }
        }
    }
    let window_ns = now() - start;
    sleep_until(now() + SETTLE_NS);
    Ok(Published {
        frames: driver.sequence - first,
        failed_loans: driver.failed - failed,
        cpu_ns: cpu() - cpu_before,
        allocations: allocations() - allocations_before,
        window_ns,
    })
}

/// Tells the readers that the window is over. Called again and again until they have heard it.
pub(super) fn over(sender: &mut dyn Sender) -> Outcome {
    sender.send(&mut |bytes| stamp::write(bytes, u64::MAX, Phase::Over))?;
    Ok(())
}
