//! The socket that PX4 connects to.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::Lockstep;
use crate::error::{HilError, Result};
use crate::readings::Readings;
use crate::{SLICE, Wait, slices};

const WHO: &str = "PX4";

/// How long is waited for what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// For PX4 to connect, seconds.
    pub connect: f64,
    /// For the answer to a step, seconds.
    pub answer: f64,
    /// Whether an answer is waited for from the first step on. PX4 itself answers only once it has started, for which it needs time
    /// to pass.
    pub strict: bool,
    /// Until PX4 has started: how long each step waits for the first answer, seconds. Its real-time pace.
    pub pace: f64,
}

impl Default for Settings {
    /// One minute to connect, ten seconds to answer, steps of 250 Hz.
    fn default() -> Self {
        Self { connect: 60.0, answer: 10.0, strict: false, pace: 0.004 }
    }
}

/// The simulator's side.
#[derive(Debug)]
pub struct Link {
    listener: TcpListener,
    address: String,
    settings: Settings,
    peer: Option<TcpStream>,
    lockstep: Lockstep,
    out: Vec<u8>,
    /// When the last step was told, simulated seconds.
    at: f64,
    told_free: bool,
}

impl Link {
    /// Listens on `ADDRESS:PORT`.
    ///
    /// # Errors
    /// PG-2401 when that cannot be.
    pub fn listen(address: &str, settings: Settings) -> Result<Self> {
        let fail = |cause| HilError::Listen { address: address.to_owned(), who: WHO, cause };
        let listener = TcpListener::bind(address).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        Ok(Self {
            listener,
            address: address.to_owned(),
            settings,
            peer: None,
            lockstep: Lockstep::default(),
            out: Vec::with_capacity(1024),
            at: 0.0,
            told_free: false,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The state of the protocol.
    #[must_use]
    pub fn lockstep(&self) -> &Lockstep {
        &self.lockstep
    }

    /// Waits until PX4 is there; false if the caller left before.
    ///
    /// # Errors
    /// PG-2402 if it does not come, PG-2406.
    pub fn connect(&mut self, leave: impl Fn() -> bool) -> Result<bool> {
        let fail = |cause| HilError::Socket { who: WHO, cause };
        let mut slice = 0;
        while self.peer.is_none() {
            match self.listener.accept() {
                Ok((stream, from)) => {
                    stream.set_nonblocking(false).map_err(fail)?;
                    stream.set_nodelay(true).map_err(fail)?;
                    // Who does not read shall not hold us for ever.
                    stream.set_write_timeout(Some(self.limit())).map_err(fail)?;
                    tracing::info!("PX4 has connected from {from}");
                    self.peer = Some(stream);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if leave() {
                        return Ok(false);
                    }
                    if slice >= slices(self.settings.connect) {
                        return Err(HilError::Absent {
                            who: WHO,
                            address: self.address.clone(),
                            seconds: self.settings.connect,
                            start: "PX4_SYS_AUTOSTART=10016 (or another model of simulator_mavlink) build/px4_sitl_default/bin/px4",
                        });
                    }
                    slice += 1;
                    std::thread::sleep(SLICE);
                }
                Err(error) => return Err(fail(error)),
            }
        }
        Ok(true)
    }

    fn limit(&self) -> Duration {
        Duration::from_secs_f64(self.settings.answer.clamp(0.05, 86_400.0))
    }

    /// Tells a step.
    ///
    /// # Errors
    /// PG-2403 if PX4 is gone.
    pub fn tell(&mut self, readings: &Readings) -> Result<()> {
        self.at = readings.time_ns as f64 * 1e-9;
        self.out.clear();
        self.lockstep.tell(readings, &mut self.out);
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        let gone = |at, cause: std::io::Error| HilError::Gone { who: WHO, at, cause: format!(": {cause}") };
        if let Some(peer) = &mut self.peer {
            peer.write_all(&self.out).map_err(|cause| gone(self.at, cause))?;
        }
        self.out.clear();
        Ok(())
    }

    /// Waits for the answer to what was told last. Before PX4 has started, not longer than a step's pace, and then the motors are
    /// off.
    ///
    /// # Errors
    /// PG-2403 if it is gone, PG-2404 if it does not answer.
    pub fn wait(&mut self, leave: impl Fn() -> bool) -> Result<Wait> {
        let mut slice = 0;
        loop {
            if let Some(motors) = self.lockstep.answer() {
                self.tell_free();
                return Ok(Some(motors));
            }
            let starting = !self.settings.strict && !self.lockstep.has_started();
            if starting && slice > 0 {
                return Ok(Some(self.lockstep.motors()));
            }
            if leave() {
                return Ok(None);
            }
            if slice > slices(self.settings.answer) {
                return Err(HilError::Silent {
                    who: WHO,
                    at: self.at,
                    seconds: self.settings.answer,
                    seen: self.seen(),
                });
            }
            let pace = Duration::from_secs_f64(self.settings.pace.clamp(1e-3, 1.0));
            if !self.receive(if starting { pace } else { SLICE })? {
                slice += 1;
            }
        }
    }

    /// Takes in what is there, or comes within `patience`; false if nothing came.
    fn receive(&mut self, patience: Duration) -> Result<bool> {
        let at = self.at;
        let Some(peer) = &mut self.peer else {
            std::thread::sleep(patience);
            return Ok(false);
        };
        let mut buffer = [0; 2048];
        peer.set_read_timeout(Some(patience)).map_err(|cause| HilError::Socket { who: WHO, cause })?;
        match peer.read(&mut buffer) {
            Ok(0) => Err(HilError::Gone { who: WHO, at, cause: String::new() }),
            Ok(n) => {
                self.lockstep.feed(&buffer[..n], &mut self.out);
                if !self.out.is_empty() {
                    self.flush()?;
                }
                Ok(true)
            }
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                Ok(false)
            }
            Err(e) => Err(HilError::Gone { who: WHO, at, cause: format!(": {e}") }),
        }
    }

    fn seen(&self) -> String {
        let (c, b) = (self.lockstep.counts(), self.lockstep.bytes());
        format!(
            " ({} MAVLink frames and {} bytes of garbage came, {} answers to earlier steps, {} with numbers that are none, {} \
             payloads that cannot be)",
            b.frames, b.garbage_bytes, c.late, c.not_finite, b.bad_payloads
        )
    }

    fn tell_free(&mut self) {
        if let Some(flags) = self.lockstep.without_lockstep().filter(|_| !self.told_free) {
            self.told_free = true;
            tracing::warn!("{}", HilError::NoLockstep { flags });
        }
    }
}
