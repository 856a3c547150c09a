//! One bus, looked at once.

use std::fmt;

use peregrine_frame::{Onlooker, Policy, ReaderStats, monotonic_ns};
use serde::Serialize;

/// What the shared memory of a bus shows.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct BusView {
    pub topic: String,
    pub message_type: String,
    /// The publisher's process, and what it calls itself.
    pub pid: u32,
    pub publisher: String,
    pub slots: usize,
    pub slot_bytes: usize,
    /// Slots by what they are used for; a slot in the ring can be held too.
    pub in_ring: usize,
    pub loaned: usize,
    pub held: usize,
    pub free: usize,
    pub present_slots: usize,
    /// Memory that the slots take, and address space.
    pub resident_bytes: usize,
    pub mapped_bytes: usize,
    pub huge_pages: bool,
    pub keep: usize,
    pub published: u64,
    pub failed_loans: u64,
    pub lossless_timeouts: u64,
    pub newest: Option<Newest>,
    pub readers: Vec<ReaderView>,
}

/// The newest frame.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Newest {
    pub sequence: u64,
    pub width: u32,
    pub height: u32,
    pub encoding: String,
    /// The whole message as CDR.
    pub bytes: u32,
    /// Since it was published, ns.
    pub age_ns: u64,
}

/// One reader.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ReaderView {
    pub row: usize,
    pub pid: u32,
    /// The program's name; empty when the process is gone.
    pub program: String,
    pub policy: String,
    pub holds: u32,
    pub may_hold: usize,
    pub missed: u64,
    /// Frames between the newest and the one that it wants next.
    pub behind: u64,
    pub sleeping: bool,
    pub stalled: bool,
}

/// The name of a process; empty when it is gone.
fn program(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

impl BusView {
    pub fn of(bus: &Onlooker, pid: u32) -> Self {
        let (stats, slots) = (bus.stats(), bus.slots());
        let count = |of: &dyn Fn(&peregrine_frame::SlotView) -> bool| slots.iter().filter(|s| of(s)).count();
        let newest = bus.newest().map(|meta| Newest {
            sequence: meta.sequence,
            width: meta.width,
            height: meta.height,
            encoding: peregrine_frame::Encoding::from_u32(meta.encoding)
                .map_or_else(|| "message".to_owned(), |e| e.as_str().to_owned()),
            bytes: meta.cdr_len,
            age_ns: monotonic_ns().saturating_sub(meta.publish_mono_ns),
        });
        let label = bus.label();
        Self {
            topic: bus.topic().to_owned(),
            message_type: bus.message_type().to_owned(),
            pid,
            publisher: if label.is_empty() { program(pid) } else { label.to_owned() },
            slots: slots.len(),
            slot_bytes: stats.slot_bytes,
            in_ring: count(&|s| s.in_ring.is_some()),
            loaned: count(&|s| s.loaned),
            held: count(&|s| !s.held_by.is_empty()),
            free: count(&|s| s.in_ring.is_none() && !s.loaned && s.held_by.is_empty()),
            present_slots: bus.present_slots(),
            resident_bytes: bus.resident_bytes(),
            mapped_bytes: bus.mapped_bytes(),
            huge_pages: stats.huge_pages,
            keep: stats.keep,
            published: stats.published,
            failed_loans: stats.failed_loans,
            lossless_timeouts: stats.lossless_timeouts,
            newest,
            readers: bus.readers().iter().map(|reader| ReaderView::of(reader, stats.published)).collect(),
        }
    }

    /// What is not as it should be.
    pub fn complaints(&self) -> Vec<String> {
        let mut all = Vec::new();
        if self.failed_loans > 0 {
            all.push(format!(
                "{} frames found no free slot and were lost: readers hold too many, or the bus has too few slots",
                self.failed_loans
            ));
        }
        for reader in &self.readers {
            let who = format!("reader {} (process {})", reader.row, reader.pid);
            if reader.program.is_empty() {
                all.push(format!("{who} is dead; its slots are given back as soon as its publisher runs"));
            }
            if reader.stalled {
                all.push(format!(
                    "{who} is lossless but takes nothing: the publisher gave up waiting for it"
                ));
            }
            if reader.holds as usize >= reader.may_hold && reader.behind > 0 {
                all.push(format!(
                    "{who} holds all the frames it may: it gets no new ones until it drops one"
                ));
            }
        }
        all
    }
}

impl ReaderView {
    fn of(reader: &ReaderStats, published: u64) -> Self {
        Self {
            row: reader.row,
            pid: reader.pid,
            program: program(reader.pid),
            policy: match reader.policy {
                Policy::Latest => "latest".into(),
                Policy::KeepLast(k) => format!("keep last {k}"),
                Policy::Lossless { wait } => format!("lossless, waited for {} ms", wait.as_millis()),
            },
            holds: reader.held.count_ones(),
            may_hold: reader.pins,
            missed: reader.dropped,
            behind: (published + 1).saturating_sub(reader.next),
            sleeping: reader.sleeping,
            stalled: reader.stalled,
        }
    }
}

/// Bytes as people read them.
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        b if b >= 1_000_000 => format!("{:.1} MB", b as f64 / 1e6),
        b => format!("{:.1} kB", b as f64 / 1e3),
    }
}

impl fmt::Display for BusView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  [{}]  process {} ({})", self.topic, self.message_type, self.pid, self.publisher)?;
        let huge = if self.huge_pages { ", huge pages" } else { "" };
        writeln!(
            f,
            "  slots     {} of up to {}: {} in the ring, {} loaned, {} held, {} free; {} of memory, {} mapped{huge}",
            self.slots,
            size(self.slot_bytes),
            self.in_ring,
            self.loaned,
            self.held,
            self.free,
            size(self.resident_bytes),
            size(self.mapped_bytes)
        )?;
        write!(f, "  frames    {} published", self.published)?;
        if let Some(n) = &self.newest {
            let age = n.age_ns as f64 / 1e6;
            // A message of another type than an image has no width.
            if n.width == 0 {
                write!(f, ", the newest of {}, {age:.1} ms ago", size(n.bytes as usize))?;
            } else {
                write!(f, ", the newest {}x{} {}, {age:.1} ms ago", n.width, n.height, n.encoding)?;
            }
        }
        write!(f, "; {} without a slot, {} waits in vain", self.failed_loans, self.lossless_timeouts)?;
        for r in &self.readers {
            let who = if r.program.is_empty() { "gone" } else { &r.program };
            let state = if r.stalled {
                "stalled"
            } else if r.sleeping {
                "sleeps"
            } else {
                "works"
            };
            write!(
                f,
                "\n  reader {:<2} process {} ({who}): {}, holds {} of {}, {} missed, {} behind, {state}",
                r.row, r.pid, r.policy, r.holds, r.may_hold, r.missed, r.behind
            )?;
        }
        if self.readers.is_empty() {
            write!(f, "\n  no reader")?;
        }
        Ok(())
    }
}
