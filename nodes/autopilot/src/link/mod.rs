//! Links to an autopilot: UDP, TCP, serial. Nothing here ever waits: a lane that also flies must not.
//!
//! A link is opened again and again until it is there, and again when it breaks. A frame is written whole or not at all:
//! when the system takes only its beginning, the rest goes first next time, and until then other frames are dropped and
//! counted. Old commands are not queued.

mod address;
mod open;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, TryRecvError};

pub use address::Address;

use crate::error::AutopilotError;
use open::{Opened, Opening};

/// Read at once at the most.
const CHUNK: usize = 4096;
/// Chunks in one poll at the most: a flood must not hold up the lane.
const CHUNKS: usize = 16;
/// A peer of datagrams that was not heard for so long may be another's turn, nanoseconds.
const PEER_LOST: i64 = 3_000_000_000;

/// What a link came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkCounts {
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Frames dropped because the link was down, or did not take them.
    pub dropped_out: u64,
    /// Datagrams of others while the peer is there: not read.
    pub strangers: u64,
    /// Times that the link came up.
    pub opened: u64,
    /// Times that it broke.
    pub broken: u64,
}

/// What changed in a poll.
#[derive(Debug)]
pub enum Change {
    /// The link is there.
    Up,
    /// It broke, or did not open.
    Down(AutopilotError),
}

#[derive(Debug)]
enum State {
    /// Not there; tried again at this time.
    Down { retry_at: i64 },
    /// A thread is opening it: names are looked up and connections made where nobody waits for them.
    Opening(Receiver<std::io::Result<Opened>>),
    /// A datagram socket, whom it talks to, and when that one was last heard.
    Udp { socket: UdpSocket, peer: Option<SocketAddr>, heard: Option<i64> },
    /// Waits for somebody to connect.
    Listening(TcpListener),
    /// A stream, and the listener that it came from, if any.
    Tcp { stream: TcpStream, listener: Option<TcpListener> },
    /// A serial port.
    Serial(std::fs::File),
}

/// A link.
#[derive(Debug)]
pub struct Link {
    address: Address,
    retry: i64,
    state: State,
    /// The rest of a frame of which the system took the beginning.
    rest: Vec<u8>,
    chunk: Vec<u8>,
    counts: LinkCounts,
    /// The same fault is told once.
    told: bool,
}

impl Link {
    /// A link that is not yet open; it opens at the first poll. `retry` is nanoseconds between attempts.
    #[must_use]
    pub fn new(address: Address, retry: i64) -> Self {
        Self {
            address,
            retry,
            state: State::Down { retry_at: i64::MIN },
            rest: Vec::new(),
            chunk: vec![0; CHUNK],
            counts: LinkCounts::default(),
            told: false,
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> LinkCounts {
        self.counts
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The port that a listening or datagram socket has, for tests that ask for port 0.
    #[must_use]
    pub fn local_port(&self) -> Option<u16> {
        let address = match &self.state {
            State::Udp { socket, .. } => socket.local_addr(),
            State::Listening(listener) | State::Tcp { listener: Some(listener), .. } => listener.local_addr(),
            _ => return None,
        };
        address.ok().map(|a| a.port())
    }

    /// Whether there is somebody to send to.
    #[must_use]
    pub fn is_up(&self) -> bool {
        match &self.state {
            State::Udp { peer, .. } => peer.is_some(),
            State::Tcp { .. } | State::Serial(_) => true,
            State::Down { .. } | State::Opening(_) | State::Listening(_) => false,
        }
    }

    /// Opens what is closed and reads what has come. `receive` gets the bytes and says whether there was a frame in them
    /// that can be believed: only such a sender of datagrams becomes the peer.
    ///
    /// The peer stays the peer while it is heard. A ground station or another vehicle that speaks to the same port would
    /// otherwise take the setpoints away, and its odometry would be believed.
    pub fn poll(&mut self, now: i64, mut receive: impl FnMut(&[u8]) -> bool) -> Option<Change> {
        if let Some(change) = self.open(now) {
            return Some(change);
        }
        for _ in 0..CHUNKS {
            let read = match &mut self.state {
                State::Udp { socket, peer, heard } => match socket.recv_from(&mut self.chunk) {
                    Ok((length, from)) => {
                        self.counts.bytes_in += length as u64;
                        // Also after the clock was set back.
                        let there = heard.is_some_and(|at| (0..PEER_LOST).contains(&now.saturating_sub(at)));
                        if there && *peer != Some(from) {
                            self.counts.strangers += 1;
                            continue;
                        }
                        if !receive(&self.chunk[..length]) {
                            continue;
                        }
                        *heard = Some(now);
                        if *peer != Some(from) {
                            let first = peer.is_none();
                            *peer = Some(from);
                            if first {
                                self.counts.opened += 1;
                                self.told = false;
                                return Some(Change::Up);
                            }
                        }
                        continue;
                    }
                    // On loopback a datagram to nobody comes back as "refused": the peer is not there yet.
                    Err(e)
                        if matches!(e.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset) =>
                    {
                        continue;
                    }
                    Err(e) => Err(e),
                },
                State::Tcp { stream, .. } => stream.read(&mut self.chunk),
                State::Serial(file) => file.read(&mut self.chunk),
                State::Down { .. } | State::Opening(_) | State::Listening(_) => return None,
            };
            match read {
                Ok(0) => return Some(self.broke(now, "the other end closed it".into())),
                Ok(length) => {
                    self.counts.bytes_in += length as u64;
                    receive(&self.chunk[..length]);
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return None,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Some(self.broke(now, e.to_string())),
            }
        }
        None
    }

    /// Sends a whole frame, or drops and counts it. True when the system took it.
    pub fn send(&mut self, now: i64, frame: &[u8]) -> (bool, Option<Change>) {
        let sent = match &mut self.state {
            State::Udp { socket, peer: Some(peer), .. } => match socket.send_to(frame, *peer) {
                Ok(_) => Ok(true),
                // A datagram that was not taken is gone; the socket is as good as before.
                Err(_) => Ok(false),
            },
            State::Tcp { stream, .. } => push(stream, &mut self.rest, frame),
            State::Serial(file) => push(file, &mut self.rest, frame),
            _ => Ok(false),
        };
        match sent {
            Ok(true) => {
                self.counts.bytes_out += frame.len() as u64;
                (true, None)
            }
            Ok(false) => {
                self.counts.dropped_out += 1;
                (false, None)
            }
            Err(e) => {
                self.counts.dropped_out += 1;
                let change = self.broke(now, e.to_string());
                (false, Some(change))
            }
        }
    }

    /// One step towards an open link.
    fn open(&mut self, now: i64) -> Option<Change> {
        match &mut self.state {
            State::Down { retry_at } => {
                // Also after the clock was set back.
                if now >= *retry_at || retry_at.saturating_sub(now) > self.retry {
                    self.state = State::Opening(Opening::start(&self.address));
                }
                None
            }
            State::Opening(result) => {
                let opened = match result.try_recv() {
                    Ok(opened) => opened,
                    Err(TryRecvError::Empty) => return None,
                    Err(TryRecvError::Disconnected) => Err(std::io::Error::other("the opening thread ended")),
                };
                match opened {
                    Ok(opened) => self.opened(opened),
                    Err(source) => {
                        self.state = State::Down { retry_at: now.saturating_add(self.retry) };
                        let link = self.address.to_string();
                        let error = AutopilotError::Open {
                            link,
                            source,
                            remedy: self.address.remedy(),
                            retry_s: self.retry as f64 * 1e-9,
                        };
                        self.tell(Change::Down(error))
                    }
                }
            }
            State::Listening(listener) => match listener.accept() {
                Ok((stream, _)) => {
                    let ready = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
                    let listener = listener.try_clone().ok();
                    if ready.is_err() {
                        return None;
                    }
                    self.state = State::Tcp { stream, listener };
                    self.counts.opened += 1;
                    self.told = false;
                    Some(Change::Up)
                }
                Err(_) => None,
            },
            _ => None,
        }
    }

    fn opened(&mut self, opened: Opened) -> Option<Change> {
        self.rest.clear();
        let (state, up) = match opened {
            Opened::Udp(socket, peer) => {
                let up = peer.is_some();
                (State::Udp { socket, peer, heard: None }, up)
            }
            Opened::Listener(listener) => (State::Listening(listener), false),
            Opened::Tcp(stream) => (State::Tcp { stream, listener: None }, true),
            Opened::Serial(file) => (State::Serial(file), true),
        };
        self.state = state;
        if !up {
            return None;
        }
        self.counts.opened += 1;
        self.told = false;
        Some(Change::Up)
    }

    fn broke(&mut self, now: i64, why: String) -> Change {
        self.counts.broken += 1;
        self.rest.clear();
        let down = State::Down { retry_at: now.saturating_add(self.retry) };
        self.state = match std::mem::replace(&mut self.state, down) {
            // Whoever connected is gone; the next may come.
            State::Tcp { listener: Some(listener), .. } => State::Listening(listener),
            _ => State::Down { retry_at: now.saturating_add(self.retry) },
        };
        let retry_s = self.retry as f64 * 1e-9;
        Change::Down(AutopilotError::Broke { link: self.address.to_string(), why, retry_s })
    }

    fn tell(&mut self, change: Change) -> Option<Change> {
        let first = !self.told;
        self.told = true;
        first.then_some(change)
    }
}

/// Writes a frame whole, or nothing of it, but for the rest that the system did not take of its end.
fn push(stream: &mut impl Write, rest: &mut Vec<u8>, frame: &[u8]) -> std::io::Result<bool> {
    if !rest.is_empty() {
        let written = write_some(stream, rest)?;
        rest.drain(..written);
        if !rest.is_empty() {
            return Ok(false);
        }
    }
    let written = write_some(stream, frame)?;
    if written == 0 {
        return Ok(false);
    }
    rest.extend_from_slice(&frame[written..]);
    Ok(true)
}

fn write_some(stream: &mut impl Write, bytes: &[u8]) -> std::io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => written += n,
            Err(e) if e.kind() == ErrorKind::WouldBlock => break,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes and then no more until it is given room again.
    struct Narrow {
        taken: Vec<u8>,
        room: usize,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.room == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let n = bytes.len().min(self.room);
            self.room -= n;
            self.taken.extend_from_slice(&bytes[..n]);
            Ok(n)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn frames_arrive_whole_or_not_at_all() {
        let mut pipe = Narrow { taken: Vec::new(), room: 6 };
        let mut rest = Vec::new();
        assert!(push(&mut pipe, &mut rest, b"aaaa").unwrap());
        assert!(push(&mut pipe, &mut rest, b"bbbb").unwrap());
        assert!(!push(&mut pipe, &mut rest, b"cccc").unwrap(), "no room: dropped");
        pipe.room = 1;
        assert!(!push(&mut pipe, &mut rest, b"dddd").unwrap(), "room for a part of the rest only");
        pipe.room = 100;
        assert!(push(&mut pipe, &mut rest, b"eeee").unwrap());
        assert_eq!(pipe.taken, b"aaaabbbbeeee");
    }
}
