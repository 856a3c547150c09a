//! Looking at the buses of a host without taking part in any.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use super::folder::{Entry, Folder};
use super::wire::{Answer, Hello, MAX_PACKET, Request};
use super::{socket, watch};
use crate::bus::ReaderStats;
use crate::protocol::SLOTS;
use crate::shared::Shared;
use crate::{BusStats, FrameMeta};

/// One entry of the folder.
#[derive(Debug)]
#[non_exhaustive]
pub struct Found {
    /// Its socket.
    pub path: PathBuf,
    /// The publisher's process.
    pub pid: u32,
    /// When that process started, clock ticks since boot.
    pub start_time: u64,
    /// What became of the question.
    pub state: FoundState,
}

/// See [`Found`].
#[derive(Debug)]
#[non_exhaustive]
pub enum FoundState {
    /// It answered.
    Live(Box<Onlooker>),
    /// Its process lives and does not answer: it is stopped, or very busy.
    Silent,
    /// Its process is dead; [`Host::clear_stale`](super::Host::clear_stale) removes it.
    Stale,
    /// It answered something else, or cannot be asked; why.
    Unreadable(String),
}

/// A bus of another process, to look at as often as one likes.
pub struct Onlooker {
    shared: Shared,
    message_type: String,
    label: String,
    resident: usize,
    // Its end tells the publisher; until then the memory stays.
    _link: OwnedFd,
}

/// One slot of a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlotView {
    /// Its index.
    pub slot: usize,
    /// The frame in it, if that can still be taken.
    pub in_ring: Option<u64>,
    /// The publisher writes it.
    pub loaned: bool,
    /// Rows of the readers that hold it.
    pub held_by: Vec<usize>,
}

impl Onlooker {
    /// The topic.
    pub fn topic(&self) -> &str {
        &self.shared.name
    }

    /// Type of its messages.
    pub fn message_type(&self) -> &str {
        &self.message_type
    }

    /// Who publishes, in the publisher's own words.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Bytes that the bus has mapped; those of slots that were never needed take no memory.
    pub fn mapped_bytes(&self) -> usize {
        self.shared.slots.stride() * self.shared.slots.count()
    }

    /// Bytes of memory that its slots took when it was found.
    pub fn resident_bytes(&self) -> usize {
        self.resident
    }

    /// Slots that are present in memory.
    pub fn present_slots(&self) -> usize {
        self.shared.slots.present()
    }

    /// Its counters.
    pub fn stats(&self) -> BusStats {
        BusStats::of(&self.shared)
    }

    /// Its readers.
    pub fn readers(&self) -> Vec<ReaderStats> {
        self.shared.control.rows().map(|row| ReaderStats::of(&row)).collect()
    }

    /// Description of the newest frame, if there is one and it stayed in place while it was read.
    pub fn newest(&self) -> Option<FrameMeta> {
        let newest = || self.shared.control.cells(self.shared.keep).max();
        let (sequence, slot) = newest()?;
        if slot >= self.shared.slots.count() {
            return None;
        }
        let meta = self.shared.slots.peek(slot);
        // The copy lies between two looks at the ring: as long as the frame is in it nobody writes the slot.
        fence(Ordering::Acquire);
        let still = self.shared.control.cells(self.shared.keep).any(|cell| cell == (sequence, slot));
        (still && meta.sequence == sequence).then_some(meta)
    }

    /// All slots.
    pub fn slots(&self) -> Vec<SlotView> {
        let cells: Vec<_> = self.shared.control.cells(self.shared.keep).collect();
        let loaned = self.shared.control.tally.0.loaned.load(Ordering::Relaxed);
        let rows: Vec<_> = self.shared.control.rows().collect();
        (0..self.shared.slots.count().min(SLOTS))
            .map(|slot| SlotView {
                slot,
                in_ring: cells.iter().find(|(_, s)| *s == slot).map(|(sequence, _)| *sequence),
                loaned: loaned & (1 << slot) != 0,
                held_by: rows.iter().filter(|r| r.held & (1 << slot) != 0).map(|r| r.row).collect(),
            })
            .collect()
    }
}

impl std::fmt::Debug for Onlooker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Onlooker")
            .field("topic", &self.topic())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

pub(super) fn inspect(folder: &Folder, domain: u32, timeout: Duration) -> Vec<Found> {
    let deadline = Instant::now() + timeout;
    // All are asked before the first is waited for.
    let asked: Vec<_> =
        folder.entries().into_iter().map(|(name, entry)| (ask(folder, domain, &name), name, entry)).collect();
    asked
        .into_iter()
        .map(|(link, name, entry)| Found {
            path: folder.path().join(&name),
            pid: entry.owner.pid,
            start_time: entry.owner.start_time,
            state: match link {
                Ok(link) => listen(link, deadline),
                Err(_) if !lives(entry) => FoundState::Stale,
                Err(rustix::io::Errno::AGAIN) => FoundState::Silent,
                Err(error) => FoundState::Unreadable(error.to_string()),
            },
        })
        .collect()
}

fn lives(entry: Entry) -> bool {
    crate::process::lives(entry.owner.pid, entry.owner.start_time)
}

fn ask(folder: &Folder, domain: u32, name: &str) -> rustix::io::Result<OwnedFd> {
    let link = socket::reach(&folder.address(name)?)?;
    if !socket::is_own_user(&link) {
        return Err(rustix::io::Errno::PERM);
    }
    let hello = Hello { domain, topic: String::new(), message_type: String::new(), request: Request::Look };
    socket::send(&link, &hello.encode(), &[])?;
    Ok(link)
}

fn listen(link: OwnedFd, deadline: Instant) -> FoundState {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = rustix::time::Timespec::try_from(left).ok();
    let answered = poll(&mut [PollFd::from_borrowed_fd(link.as_fd(), PollFlags::IN)], left.as_ref());
    if !matches!(answered, Ok(1..)) {
        return FoundState::Silent;
    }
    let mut packet = [0u8; MAX_PACKET];
    match socket::receive(&link, &mut packet) {
        Ok((n @ 1.., fds)) => match Answer::decode(&packet[..n]) {
            Ok(Answer::Granted(grant)) => {
                let resident = fds.get(1).map_or(0, resident);
                match watch::adopt(&grant.topic, &grant, fds) {
                    Ok(shared) => FoundState::Live(Box::new(Onlooker {
                        shared,
                        message_type: grant.message_type,
                        label: grant.label,
                        resident,
                        _link: link,
                    })),
                    Err(error) => FoundState::Unreadable(error.to_string()),
                }
            }
            Ok(Answer::Refused(why)) => FoundState::Unreadable(why),
            Err(error) => FoundState::Unreadable(error.to_string()),
        },
        Ok(_) => FoundState::Unreadable("it hung up".into()),
        Err(error) => FoundState::Unreadable(error.to_string()),
    }
}

/// Memory behind a file, bytes: holes count for nothing. The system counts in blocks of 512.
fn resident(fd: &OwnedFd) -> usize {
    let blocks = rustix::fs::fstat(fd).ok().and_then(|stat| usize::try_from(stat.st_blocks).ok());
    blocks.map_or(0, |blocks| blocks.saturating_mul(512))
}
