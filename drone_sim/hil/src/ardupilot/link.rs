//! The socket that SITL sends to.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};

use super::{Frames, Pulses, ServoPacket, Turn, json};
use crate::error::{HilError, Result, name};
use crate::readings::Readings;
use crate::{SLICE, Wait, slices};

const WHO: &str = "ArduPilot";
/// Datagrams that are no servo packets, told one by one before they are only counted.
const TOLD: u64 = 5;

/// How long is waited for what, and what pulses mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// For the first packet, seconds.
    pub connect: f64,
    /// For the next packet, seconds.
    pub answer: f64,
    /// Pulse widths of no and full throttle.
    pub pulses: Pulses,
}

impl Default for Settings {
    /// One minute, ten seconds, 1000 to 2000 us.
    fn default() -> Self {
        Self { connect: 60.0, answer: 10.0, pulses: Pulses::default() }
    }
}

/// The simulator's side.
#[derive(Debug)]
pub struct Link {
    socket: UdpSocket,
    address: String,
    settings: Settings,
    peer: Option<SocketAddr>,
    frames: Frames,
    /// The last answer, in case it was lost.
    line: Vec<u8>,
    at: f64,
    refused: u64,
}

impl Link {
    /// Listens on `ADDRESS:PORT`.
    ///
    /// # Errors
    /// PG-2401 when that cannot be.
    pub fn listen(address: &str, settings: Settings) -> Result<Self> {
        let fail = |cause| HilError::Listen { address: address.to_owned(), who: WHO, cause };
        let socket = UdpSocket::bind(address).map_err(fail)?;
        socket.set_read_timeout(Some(SLICE)).map_err(fail)?;
        Ok(Self {
            socket,
            address: address.to_owned(),
            settings,
            peer: None,
            frames: Frames::default(),
            line: Vec::with_capacity(512),
            at: 0.0,
            refused: 0,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The frames so far.
    #[must_use]
    pub fn frames(&self) -> &Frames {
        &self.frames
    }

    /// Answers the packet that was waited for last.
    ///
    /// # Errors
    /// PG-2406 if the system refuses to send.
    pub fn tell(&mut self, readings: &Readings) -> Result<()> {
        self.at = readings.time_ns as f64 * 1e-9;
        self.line.clear();
        json::write(readings, &mut self.line);
        self.send()
    }

    fn send(&self) -> Result<()> {
        let Some(peer) = self.peer else { return Ok(()) };
        match self.socket.send_to(&self.line, peer) {
            // Nobody listens there any more: that it does not ask again will be noticed by the waiting.
            Err(e) if e.kind() == ErrorKind::ConnectionRefused => Ok(()),
            Err(cause) => Err(HilError::Socket { who: WHO, cause }),
            Ok(_) => Ok(()),
        }
    }

    /// Waits for a packet that asks for a step; [`Frames::due_ns`] then says how far it goes.
    ///
    /// # Errors
    /// PG-2402 if none ever comes, PG-2404 if no more come.
    pub fn wait(&mut self, leave: impl Fn() -> bool) -> Result<Wait> {
        let mut slice = 0;
        let mut buffer = [0; 256];
        loop {
            if leave() {
                return Ok(None);
            }
            match self.socket.recv_from(&mut buffer) {
                Ok((n, from)) => {
                    if let Some(packet) = self.read(&buffer[..n], from)? {
                        return Ok(Some(self.settings.pulses.motors(&packet)));
                    }
                }
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::WouldBlock
                            | ErrorKind::TimedOut
                            | ErrorKind::Interrupted
                            | ErrorKind::ConnectionRefused
                    ) =>
                {
                    slice += 1;
                }
                Err(cause) => return Err(HilError::Socket { who: WHO, cause }),
            }
            match self.peer {
                None if slice > slices(self.settings.connect) => return Err(self.absent()),
                Some(_) if slice > slices(self.settings.answer) => return Err(self.silent()),
                _ => {}
            }
        }
    }

    fn absent(&self) -> HilError {
        HilError::Absent {
            who: WHO,
            address: self.address.clone(),
            seconds: self.settings.connect,
            start: "sim_vehicle.py -v ArduCopter -f quad --model JSON:127.0.0.1",
        }
    }

    fn silent(&self) -> HilError {
        let seen = format!(
            " (the last packet came from {}; {} datagrams were no servo packets)",
            name(self.peer),
            self.refused
        );
        HilError::Silent { who: WHO, at: self.at, seconds: self.settings.answer, seen }
    }

    /// The packet, if it asks for a step.
    fn read(&mut self, bytes: &[u8], from: SocketAddr) -> Result<Option<ServoPacket>> {
        let packet = match ServoPacket::decode(bytes) {
            Ok(packet) => packet,
            Err(reason) => {
                self.refused += 1;
                if self.refused <= TOLD {
                    let error = HilError::Packet { length: bytes.len(), from: from.to_string(), reason };
                    tracing::warn!("{error}");
                }
                return Ok(None);
            }
        };
        // One autopilot flies; SITL that began anew may send from another port.
        if self.peer.is_some_and(|peer| peer.ip() != from.ip()) {
            self.refused += 1;
            return Ok(None);
        }
        if self.peer.is_none() {
            tracing::info!("ArduPilot has come from {from}, {} steps a second", packet.frame_rate);
        }
        self.peer = Some(from);
        match self.frames.take(&packet) {
            Turn::Again => {
                self.send()?;
                Ok(None)
            }
            Turn::Restarted => {
                tracing::warn!("ArduPilot began anew at {} s of simulated time; the flight goes on", self.at);
                Ok(Some(packet))
            }
            Turn::Step => Ok(Some(packet)),
        }
    }
}
