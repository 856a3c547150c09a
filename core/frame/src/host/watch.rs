//! A reader's side of the handshake: publishers of one topic are found, asked, and lost.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::SubscribeOptions;
use super::folder::{Entry, Folder, hash};
use super::socket;
use super::wire::{Answer, Grant, Hello, MAX_PACKET, Request};
use crate::control::{CONTROL_BYTES, ControlRef};
use crate::futex;
use crate::protocol::Owner;
use crate::shared::{Place, Shape, Shared, Waker};
use crate::slots::Slots;
use crate::{Error, Policy, Reader, Result, memfd};

/// What a subscriber is told by the service thread.
pub(super) enum News {
    /// A publisher let the reader in.
    Attached { owner: Owner, label: String, reader: Reader },
    /// A publisher refused.
    Refused { owner: Owner, why: String },
    /// Something else went wrong.
    Trouble(String),
}

/// What the service thread and a subscriber share.
pub(super) struct Watch {
    pub id: u64,
    pub folder: Arc<Folder>,
    pub domain: u32,
    pub topic: String,
    pub message_type: String,
    pub policy: Policy,
    pub pins: usize,
    /// Publishers of this process are left out.
    pub skip_own: bool,
    pub tool: bool,
    /// Goes up whenever there is news or a publisher is gone; a futex of this process.
    pub version: AtomicU32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    news: Vec<News>,
    /// The buses whose bell the subscriber may sleep on.
    bells: Vec<Arc<Shared>>,
    waker: Option<Waker>,
    /// Publishers whose refusal was told, not to tell it four times a second.
    refused: Vec<Owner>,
}

/// A publisher that was asked.
pub(super) struct Peer {
    pub fd: OwnedFd,
    name: String,
    owner: Owner,
    /// The bus, once it let the reader in.
    bus: Option<Arc<Shared>>,
}

impl Watch {
    pub(super) fn new(folder: Arc<Folder>, domain: u32, topic: &str, options: &SubscribeOptions) -> Watch {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Watch {
            id: u64::from(NEXT.fetch_add(1, Ordering::Relaxed)),
            folder,
            domain,
            topic: topic.to_owned(),
            message_type: options.message_type.clone(),
            policy: options.policy,
            pins: options.pins,
            skip_own: options.skip_own,
            tool: options.tool,
            version: AtomicU32::new(0),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_waker(&self, waker: Option<Waker>) {
        self.state().waker = waker;
    }

    /// What happened since it was last asked.
    pub(super) fn news(&self) -> Vec<News> {
        std::mem::take(&mut self.state().news)
    }

    /// The subscriber sleeps on that bus no more.
    pub(super) fn forget(&self, bus: &Arc<Shared>) {
        self.state().bells.retain(|b| !Arc::ptr_eq(b, bus));
    }

    pub(super) fn complain(&self, trouble: String) {
        self.tell(News::Trouble(trouble));
    }

    fn tell(&self, news: News) {
        self.state().news.push(news);
        self.changed();
    }

    /// Gets the subscriber up, wherever it sleeps.
    fn changed(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
        futex::wake(&self.version, false);
        let (bells, waker) = {
            let state = self.state();
            (state.bells.clone(), state.waker.clone())
        };
        bells.iter().for_each(|bus| bus.alarm());
        if let Some(waker) = waker {
            waker();
        }
    }

    /// Asks the publishers in the folder that were not asked yet. False if one should be asked again later.
    pub(super) fn look(&self, peers: &mut Vec<Peer>) -> bool {
        let mut done = true;
        let topic = hash(&self.topic);
        let me = crate::process::own();
        for (name, entry) in self.folder.entries() {
            let own = (entry.owner.pid, entry.owner.start_time) == (me.pid, me.start_time);
            if entry.topic != topic || own && self.skip_own || peers.iter().any(|p| p.name == name) {
                continue;
            }
            match self.ask(&name) {
                Ok(fd) => peers.push(Peer { fd, name, owner: entry.owner, bus: None }),
                Err(rustix::io::Errno::CONNREFUSED) => remove_stale(&self.folder, &name, entry),
                Err(rustix::io::Errno::NOENT) => {}
                Err(_) => done = false,
            }
        }
        done
    }

    fn ask(&self, name: &str) -> rustix::io::Result<OwnedFd> {
        let fd = socket::reach(&self.folder.address(name)?)?;
        if !socket::is_own_user(&fd) {
            return Err(rustix::io::Errno::PERM);
        }
        let hello = Hello {
            domain: self.domain,
            topic: self.topic.clone(),
            message_type: self.message_type.clone(),
            request: Request::Read { policy: self.policy, pins: self.pins, tool: self.tool },
        };
        socket::send(&fd, &hello.encode(), &[])?;
        Ok(fd)
    }

    fn adopt(&self, grant: &Grant, fds: Vec<OwnedFd>, link: OwnedFd) -> Result<Reader> {
        let shared = Arc::new(adopt(&self.topic, grant, fds)?);
        let place = Place { row: grant.row, next: grant.next.max(1), pins: self.pins };
        self.state().bells.push(Arc::clone(&shared));
        Ok(Reader::at(shared, self.policy, &place, Some(link)))
    }
}

/// Maps what a publisher granted.
pub(super) fn adopt(topic: &str, grant: &Grant, fds: Vec<OwnedFd>) -> Result<Shared> {
    let bad = |why| Error::Handshake { what: "a publisher's answer", why };
    let [control, frames] = <[OwnedFd; 2]>::try_from(fds).map_err(|_| bad("came without its memory"))?;
    if grant.control != CONTROL_BYTES as u64 {
        return Err(bad("is of another layout"));
    }
    let stride = usize::try_from(grant.stride).map_err(|_| bad("is too large"))?;
    let bytes = stride.checked_mul(grant.slots).ok_or_else(|| bad("is too large"))?;
    let control = ControlRef::mapped(memfd::adopt(&control, CONTROL_BYTES, true)?)?;
    let slots = Slots::foreign(memfd::adopt(&frames, bytes, false)?, stride, grant.slots, grant.present)?;
    let shape = Shape { keep: grant.keep, count: grant.count, max_readers: grant.max_readers };
    let mut shared = Shared::new(topic, shape, control, slots);
    shared.huge = grant.huge;
    shared.source = grant.source;
    shared.label.clone_from(&grant.label);
    Ok(shared)
}

/// Removes the socket of a process that is dead.
pub(super) fn remove_stale(folder: &Folder, name: &str, entry: Entry) {
    if !crate::process::lives(entry.owner.pid, entry.owner.start_time) {
        folder.remove(name);
    }
}

impl Peer {
    pub(super) fn is_attached(&self) -> bool {
        self.bus.is_some()
    }

    /// Reads what the publisher sent. False when the connection is over.
    pub(super) fn hear(&mut self, watch: &Watch) -> bool {
        let mut packet = [0u8; MAX_PACKET];
        match (socket::receive(&self.fd, &mut packet), &self.bus) {
            (Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR), _) => true,
            (Ok((n @ 1.., fds)), None) => self.answered(watch, &packet[..n], fds),
            (_, None) => false,
            (_, Some(bus)) => {
                // The publisher is gone, unless it was the reader who hung up.
                if !bus.closed.swap(true, Ordering::AcqRel) {
                    watch.changed();
                }
                watch.forget(bus);
                false
            }
        }
    }

    fn answered(&mut self, watch: &Watch, packet: &[u8], fds: Vec<OwnedFd>) -> bool {
        let owner = self.owner;
        let reader = match Answer::decode(packet) {
            Ok(Answer::Granted(grant)) => self
                .fd
                .try_clone()
                .map_err(|e| e.to_string())
                .and_then(|link| watch.adopt(&grant, fds, link).map_err(|e| e.to_string()))
                .map(|reader| (reader, grant.label)),
            Ok(Answer::Refused(why)) => Err(why),
            Err(error) => Err(error.to_string()),
        };
        match reader {
            Ok((reader, label)) => {
                self.bus = Some(Arc::clone(reader.shared()));
                watch.state().refused.retain(|o| *o != owner);
                watch.tell(News::Attached { owner, label, reader });
                true
            }
            Err(why) => {
                let known = {
                    let mut state = watch.state();
                    let known = state.refused.contains(&owner);
                    if !known {
                        state.refused.push(owner);
                    }
                    known
                };
                if !known {
                    watch.tell(News::Refused { owner, why });
                }
                false
            }
        }
    }
}
