//! One thread for each process that answers readers, finds publishers, and hears when either dies. It sleeps in `poll`
//! unless somebody comes or goes; no frame ever passes through it.
//!
//! Invariant: a row is given back when its connection ends, and no sooner. The kernel ends the connections of a process
//! that dies, `kill -9` included, after its last instruction; a reader that lives ends its own when it holds no frame
//! any more. So nobody reads a slot through a row that was given back, and no row outlives its reader.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify;

use super::publication::Outlet;
use super::socket;
use super::watch::{Peer, Watch};
use super::wire::MAX_PACKET;
use crate::shared::Place;
use crate::{Error, Result};

/// What the service is told.
pub(super) enum Command {
    Publish(OwnedFd, Arc<Outlet>),
    Withdraw(u64),
    Watch(Arc<Watch>),
    Unwatch(u64),
}

/// How long until a publisher is asked again that refused, or had no time.
const AGAIN: Duration = Duration::from_millis(250);

struct Service {
    commands: Mutex<Vec<Command>>,
    bell: OwnedFd,
}

/// Hands a command to the service, which is started by the first.
pub(super) fn tell(command: Command) -> Result {
    static SERVICE: OnceLock<std::result::Result<Arc<Service>, String>> = OnceLock::new();
    let failed = |source_text: String| Error::System {
        bus: "(all of this process)".into(),
        action: "start the thread that answers readers",
        source_text,
    };
    let service =
        SERVICE.get_or_init(|| start().map_err(|e| e.to_string())).as_ref().map_err(|e| failed(e.clone()))?;
    service.commands.lock().unwrap_or_else(PoisonError::into_inner).push(command);
    rustix::io::write(&service.bell, &1u64.to_ne_bytes()).map_err(|e| failed(e.to_string()))?;
    Ok(())
}

fn start() -> std::io::Result<Arc<Service>> {
    let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let service = Arc::new(Service { commands: Mutex::default(), bell });
    let notify = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
    let desk = Desk {
        service: Arc::clone(&service),
        notify,
        outlets: Vec::new(),
        guests: Vec::new(),
        watches: Vec::new(),
        again: None,
    };
    std::thread::Builder::new().name("frame-service".into()).spawn(move || desk.run())?;
    Ok(service)
}

/// A reader's connection.
struct Guest {
    fd: OwnedFd,
    outlet: Arc<Outlet>,
    place: Option<Place>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(place) = &self.place {
            self.outlet.shared.dismiss(place);
        }
    }
}

struct Desk {
    service: Arc<Service>,
    notify: OwnedFd,
    outlets: Vec<(OwnedFd, Arc<Outlet>)>,
    guests: Vec<Guest>,
    watches: Vec<(Arc<Watch>, Vec<Peer>)>,
    /// When to look for publishers again without being told.
    again: Option<Instant>,
}

impl Desk {
    fn run(mut self) {
        loop {
            let ready = self.sleep();
            let mut ready = ready.into_iter();
            let mut next = || ready.next().unwrap_or(false);
            let (told, noticed) = (next(), next());
            let callers: Vec<bool> = self.outlets.iter().map(|_| next()).collect();
            let guests: Vec<bool> = self.guests.iter().map(|_| next()).collect();
            let peers: Vec<Vec<bool>> =
                self.watches.iter().map(|(_, peers)| peers.iter().map(|_| next()).collect()).collect();

            self.hear_peers(&peers);
            self.hear_guests(&guests);
            self.welcome(&callers);
            let due = self.again.is_some_and(|at| at <= Instant::now());
            if noticed {
                self.read_notices();
            }
            if told {
                self.obey();
            }
            if noticed || told || due {
                self.look_around();
            }
        }
    }

    /// Sleeps until something happens. Which descriptors have news, in the order of `run`.
    fn sleep(&self) -> Vec<bool> {
        let wants = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds = vec![wants(self.service.bell.as_fd()), wants(self.notify.as_fd())];
        fds.extend(self.outlets.iter().map(|(fd, _)| wants(fd.as_fd())));
        fds.extend(self.guests.iter().map(|g| wants(g.fd.as_fd())));
        fds.extend(self.watches.iter().flat_map(|(_, peers)| peers).map(|p| wants(p.fd.as_fd())));
        let left = self.again.map(|at| at.saturating_duration_since(Instant::now()));
        let left = left.and_then(|d| rustix::time::Timespec::try_from(d).ok());
        match poll(&mut fds, left.as_ref()) {
            Ok(_) => fds.iter().map(|fd| !fd.revents().is_empty()).collect(),
            Err(_) => vec![false; fds.len()],
        }
    }

    fn read_notices(&self) {
        // Whatever it says: the folders are read anew.
        let mut buffer = [0u8; 4096];
        while rustix::io::read(&self.notify, &mut buffer).is_ok_and(|n| n > 0) {}
    }

    fn obey(&mut self) {
        let mut count = [0u8; 8];
        let _ = rustix::io::read(&self.service.bell, &mut count);
        let commands =
            std::mem::take(&mut *self.service.commands.lock().unwrap_or_else(PoisonError::into_inner));
        for command in commands {
            match command {
                Command::Publish(listener, outlet) => self.outlets.push((listener, outlet)),
                Command::Withdraw(id) => {
                    self.outlets.retain(|(_, outlet)| outlet.id != id);
                    self.guests.retain(|guest| guest.outlet.id != id);
                }
                Command::Watch(watch) => {
                    let flags = inotify::WatchFlags::MOVED_TO | inotify::WatchFlags::ONLYDIR;
                    if let Err(error) = inotify::add_watch(&self.notify, watch.folder.path(), flags) {
                        watch.complain(format!("publishers that come later will not be noticed: {error}"));
                    }
                    self.watches.push((watch, Vec::new()));
                }
                Command::Unwatch(id) => self.watches.retain(|(watch, _)| watch.id != id),
            }
        }
    }

    /// Lets callers in, if they are of this user.
    fn welcome(&mut self, ready: &[bool]) {
        for ((listener, outlet), _) in self.outlets.iter().zip(ready).filter(|(_, ready)| **ready) {
            while let Ok(fd) = socket::accept(listener) {
                // The folder keeps others out already; a descriptor that was handed on would not.
                if socket::is_own_user(&fd) {
                    self.guests.push(Guest { fd, outlet: Arc::clone(outlet), place: None });
                }
            }
        }
    }

    fn hear_guests(&mut self, ready: &[bool]) {
        let mut ready = ready.iter();
        self.guests.retain_mut(|guest| !ready.next().copied().unwrap_or(false) || guest.hear());
    }

    fn hear_peers(&mut self, ready: &[Vec<bool>]) {
        for ((watch, peers), ready) in self.watches.iter_mut().zip(ready) {
            let mut ready = ready.iter();
            peers.retain_mut(|peer| {
                let keep = !ready.next().copied().unwrap_or(false) || peer.hear(watch);
                if !keep && !peer.is_attached() {
                    self.again = Some(Instant::now() + AGAIN);
                }
                keep
            });
        }
    }

    /// Asks every publisher that is not asked yet.
    fn look_around(&mut self) {
        self.again = None;
        for (watch, peers) in &mut self.watches {
            if !watch.look(peers) {
                self.again = Some(Instant::now() + AGAIN);
            }
        }
    }
}

impl Guest {
    /// False when the connection is over.
    fn hear(&mut self) -> bool {
        let mut packet = [0u8; MAX_PACKET];
        match socket::receive(&self.fd, &mut packet) {
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => true,
            Ok((n @ 1.., _))
                if self.place.is_none() && !self.outlet.shared.closed.load(Ordering::Acquire) =>
            {
                let pid = socket::peer(&self.fd).map_or(0, |(_, pid)| pid);
                let (answer, place) = self.outlet.answer(&packet[..n], pid);
                self.place = place;
                let granted = matches!(answer, super::wire::Answer::Granted(_));
                let fds = self.outlet.descriptors();
                let fds = if granted { &fds[..] } else { &[] };
                socket::send(&self.fd, &answer.encode(), fds).is_ok() && granted
            }
            // The end, or somebody who does not know how to behave.
            _ => false,
        }
    }
}
