//! A flight controller outside: PX4 or ArduPilot commands the rotors, in lockstep with the simulated time.
//!
//! Invariant: time passes a moment that was told only after its answer. [`Autopilot::obey`] comes before each step and waits;
//! [`Autopilot::next_ns`] bounds the step; [`Autopilot::tell`] comes after it. What is drawn in between is drawn while the flight
//! controller computes.
//!
//! The protocols are the crate `hil/`; here is what the vehicle senses, and which channel turns which rotor.

mod instruments;
pub(crate) mod settings;

use peregrine_hil::{Motors, ardupilot, px4};

use crate::error::{Result, SimError};
use crate::flight::Flight;
use crate::physics::{Rotors, Sample, Vehicle};
use crate::sensors::Rate;

pub use instruments::Instruments;
pub use settings::{Kind, Output, Settings};

enum Link {
    Px4(Box<px4::Link>, Rate),
    ArduPilot(Box<ardupilot::Link>),
}

/// The flight controller of one flight.
pub struct Autopilot {
    link: Link,
    settings: Settings,
    instruments: Instruments,
    /// Whether an answer is still to come before time may pass.
    waits: bool,
}

impl std::fmt::Debug for Autopilot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Autopilot({:?})", self.settings.kind)
    }
}

impl Autopilot {
    /// Listens for the flight controller of a flight that stands.
    ///
    /// # Errors
    /// PG-1021 if it does not say a channel for each rotor of the vehicle; PG-1040 when it cannot listen.
    pub fn listen(mut settings: Settings, flight: &Flight, seed: u64) -> Result<Self> {
        settings.assign(flight.quad().vehicle().rotors.len())?;
        let instruments = Instruments::new(&settings, flight, seed);
        let (connect, answer) = (settings.connect_timeout, settings.timeout);
        let address = settings.address();
        let link = match settings.kind {
            Kind::Px4 => {
                let pace = 1.0 / settings.rate;
                let told = px4::Settings { connect, answer, strict: settings.strict, pace };
                Link::Px4(Box::new(px4::Link::listen(&address, told)?), Rate::new(settings.rate))
            }
            Kind::ArduPilot => {
                let pulses = settings.pulses;
                let told = ardupilot::Settings { connect, answer, pulses };
                Link::ArduPilot(Box::new(ardupilot::Link::listen(&address, told)?))
            }
        };
        tracing::info!("waiting for {} on {address}", settings.kind);
        // PX4 is told the first moment before it says anything, ArduPilot speaks first.
        let waits = settings.kind == Kind::ArduPilot;
        Ok(Self { link, settings, instruments, waits })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// PG-1040 with what the system says.
    pub fn address(&self) -> Result<std::net::SocketAddr> {
        let address = match &self.link {
            Link::Px4(link, _) => link.address(),
            Link::ArduPilot(link) => link.address(),
        };
        address
            .map_err(|cause| peregrine_hil::HilError::Socket { who: self.settings.kind.name(), cause }.into())
    }

    /// Before a step: waits for what is still to be answered, and lets the rotors obey. False when `leave` said so.
    ///
    /// # Errors
    /// PG-1040 when the flight controller does not come, goes, or does not answer.
    pub fn obey(&mut self, flight: &mut Flight, leave: impl Fn() -> bool + Copy) -> Result<bool> {
        let wait = match &mut self.link {
            Link::Px4(link, _) => {
                if !link.connect(leave)? {
                    return Ok(false);
                }
                if !self.waits {
                    return Ok(true);
                }
                link.wait(leave)?
            }
            Link::ArduPilot(link) => {
                if !self.waits {
                    return Ok(true);
                }
                link.wait(leave)?
            }
        };
        let Some(motors) = wait else { return Ok(false) };
        self.waits = false;
        let speeds = self.speeds(&motors, flight.quad().vehicle());
        flight.command_rotors(speeds.as_slice());
        Ok(true)
    }

    /// The next moment that the flight controller is to be told of, nanoseconds.
    pub fn next_ns(&self) -> i64 {
        match &self.link {
            Link::Px4(_, rate) => rate.next_ns().unwrap_or(i64::MAX),
            Link::ArduPilot(link) => link.frames().due_ns(),
        }
    }

    /// After a step to `now` (nanoseconds): tells the moment, if it is one to be told.
    ///
    /// # Errors
    /// PG-1040 when the flight controller is gone.
    pub fn tell(&mut self, now: i64, flight: &Flight, sample: &Sample) -> Result<()> {
        match &mut self.link {
            Link::Px4(link, rate) => {
                if rate.fire(now).is_none() {
                    return Ok(());
                }
                link.tell(&self.instruments.read(now, flight, sample))?;
            }
            Link::ArduPilot(link) => {
                if self.waits || link.frames().due_ns() > now {
                    return Ok(());
                }
                link.tell(&self.instruments.read(now, flight, sample))?;
            }
        }
        self.waits = true;
        Ok(())
    }

    /// Rotor speeds, rad/s, of what the motors shall do.
    fn speeds(&self, motors: &Motors, vehicle: &Vehicle) -> Rotors {
        Rotors::from_fn(vehicle.rotors.len(), |rotor| {
            let most = vehicle.rotors[rotor].motor.max_speed;
            let least = self.settings.min_speed.min(most);
            let throttle = self.settings.motors.get(rotor).map_or(0.0, |channel| motors.throttle[*channel]);
            match (motors.armed, self.settings.output) {
                (false, _) => 0.0,
                (true, Output::Speed) => least + (most - least) * throttle,
                (true, Output::Thrust) => (most * throttle.sqrt()).max(least),
            }
        })
    }
}

impl From<peregrine_hil::HilError> for SimError {
    fn from(error: peregrine_hil::HilError) -> Self {
        Self::Autopilot(Box::new(error))
    }
}
