//! A publisher's side: the socket that readers come to, and the answers that they get.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::folder::{Entry, Folder};
use super::service::{self, Command};
use super::socket;
use super::wire::{Answer, Grant, Hello, Request};
use crate::control::{CONTROL_BYTES, ControlRef};
use crate::memfd::{self, Kind, Memory};
use crate::protocol::{Owner, SLOTS};
use crate::shared::{Place, Shared};
use crate::slots::Slots;
use crate::{BusConfig, Error, Result, Writer};

/// How a bus for other processes is made.
#[derive(Debug, Clone, Default)]
pub struct PublishOptions {
    /// Its size. Slots beyond those that its readers need are not touched, and cost no memory until then.
    pub config: BusConfig,
    /// Type of its messages; `sensor_msgs/msg/Image` if empty.
    pub message_type: String,
    /// Who publishes, for people: a node's name.
    pub label: String,
    /// Lay the slots in huge pages: reserved ones (`vm.nr_hugepages`) if there are enough, else transparent ones if the
    /// system grants them to shared memory. [`BusStats::huge_pages`](crate::BusStats::huge_pages) says what became of it.
    pub huge_pages: bool,
    /// Who publishes, for programs: an id that the same publisher has elsewhere, on a network say. Zeros for none.
    pub source: [u8; 16],
    /// Slots are made present by their first use, and no sooner: for a bus whose slots are far larger than most of its
    /// frames, or that mostly forwards.
    pub lazy: bool,
}

/// Type of a bus that does not say.
pub(super) const IMAGE: &str = "sensor_msgs/msg/Image";

/// What the service thread needs to answer readers.
pub(super) struct Outlet {
    pub id: u64,
    pub shared: Arc<Shared>,
    domain: u32,
    message_type: String,
    control: OwnedFd,
    frames: OwnedFd,
}

/// The way to a bus; withdrawn when dropped.
pub(crate) struct Publication {
    id: u64,
    folder: Arc<Folder>,
    name: String,
}

impl Outlet {
    /// The answer to a reader of this user, and its row if it gets one.
    pub(super) fn answer(&self, packet: &[u8], pid: u32) -> (Answer, Option<Place>) {
        match self.place(packet, pid) {
            Err(why) => (Answer::Refused(why.to_string()), None),
            Ok(place) => {
                let s = &self.shared;
                let grant = Grant {
                    topic: s.name.clone(),
                    message_type: self.message_type.clone(),
                    label: s.label.clone(),
                    source: s.source,
                    keep: s.keep,
                    count: s.count,
                    slots: s.slots.count(),
                    max_readers: s.max_readers,
                    stride: s.slots.stride() as u64,
                    control: CONTROL_BYTES as u64,
                    present: s.slots.present(),
                    huge: s.huge,
                    row: place.as_ref().map_or(0, |p| p.row),
                    next: place.as_ref().map_or(0, |p| p.next),
                };
                (Answer::Granted(grant), place)
            }
        }
    }

    fn place(&self, packet: &[u8], pid: u32) -> Result<Option<Place>> {
        let hello = Hello::decode(packet)?;
        let bus = || self.shared.name.clone();
        let Request::Read { policy, pins, tool } = hello.request else { return Ok(None) };
        if hello.topic != self.shared.name || hello.domain != self.domain {
            return Err(Error::TopicName {
                topic: hello.topic,
                why: "its publisher says that it is another topic",
            });
        }
        if !hello.message_type.is_empty() && hello.message_type != self.message_type {
            let has = self.message_type.clone();
            return Err(Error::TypeMismatch { bus: bus(), has, wants: hello.message_type });
        }
        let start_time = crate::process::start_time(pid).unwrap_or(0);
        self.shared.admit(policy, pins, Owner { pid, start_time, remote: true }, tool).map(Some)
    }

    /// The descriptors that go with a grant.
    pub(super) fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.control.as_fd(), self.frames.as_fd()]
    }
}

pub(super) fn publish(
    folder: &Arc<Folder>,
    domain: u32,
    topic: &str,
    options: &PublishOptions,
) -> Result<Writer> {
    super::check_topic(topic)?;
    let config = &options.config;
    config.check(topic)?;
    let stride = Slots::stride_of(config.slot_bytes)?;
    // One more than the readers may count on: a tool that looks in must not take a robot's last slot.
    let count = (config.slots + 1).min(SLOTS);
    let bytes = stride.checked_mul(count).ok_or(Error::OutOfMemory { bytes: usize::MAX })?;
    // The names are for /proc/PID/maps, where people look for memory.
    let control = memfd::create(&format!("peregrine-control:{topic}"), CONTROL_BYTES, Kind::Control)?;
    let kind = Kind::Frames { huge: options.huge_pages };
    let frames = memfd::create(&format!("peregrine-frames:{topic}"), bytes, kind)?;
    let Memory { fd: frames_fd, region, huge } = frames;
    if options.huge_pages && !huge {
        region.prefer_huge_pages();
    }
    control.region.populate(0, CONTROL_BYTES);
    let slots = Slots::own(region, stride, count, 0)?;
    if !options.lazy {
        slots.prefault(BusConfig::slots_for(config.keep, 1, crate::DEFAULT_PINS));
    }
    let mut shared = Shared::new(topic, config.shape(), ControlRef::mapped(control.region)?, slots);
    shared.huge = huge;
    shared.source = options.source;
    shared.label.clone_from(&options.label);
    shared.lazy = options.lazy;
    let shared = Arc::new(shared);
    let message_type =
        if options.message_type.is_empty() { IMAGE.to_owned() } else { options.message_type.clone() };
    let outlet = Outlet {
        id: shared.id,
        shared: Arc::clone(&shared),
        domain,
        message_type,
        control: control.fd,
        frames: frames_fd,
    };
    let publication = announce(folder, topic, outlet)?;
    Ok(Writer::new(shared, Some(publication)))
}

/// Puts the socket where readers look. It takes connections before it has its name, so that nobody finds it deaf.
fn announce(folder: &Arc<Folder>, topic: &str, outlet: Outlet) -> Result<Publication> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let failed = |action| {
        move |e: rustix::io::Errno| Error::System {
            bus: topic.to_owned(),
            action,
            source_text: e.to_string(),
        }
    };
    let name = Entry::name(topic, crate::process::own(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let fresh = format!("{name}.new");
    let address = folder.address(&fresh).map_err(failed("name a socket"))?;
    let listener = socket::serve(&address).map_err(failed("open a socket"))?;
    let publication = Publication { id: outlet.id, folder: Arc::clone(folder), name };
    service::tell(Command::Publish(listener, Arc::new(outlet)))?;
    publication.folder.rename(&fresh, &publication.name).map_err(failed("name a socket"))?;
    Ok(publication)
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.folder.remove(&self.name);
        // It answered when the bus was made, so it answers now.
        let _ = service::tell(Command::Withdraw(self.id));
    }
}
