//! What is set of a flight controller outside.

use std::fmt;

use nalgebra::Vector3;
use peregrine_hil::ardupilot::{self, Pulses};
use peregrine_hil::px4;

use crate::error::{Result, SimError};
use crate::sensors::Earth;

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PX4: MAVLink over TCP.
    Px4,
    /// ArduPilot: JSON over UDP.
    ArduPilot,
}

impl Kind {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Px4 => "PX4",
            Self::ArduPilot => "ArduPilot",
        }
    }

    /// By its name in parameters; `None` for the empty one.
    ///
    /// # Errors
    /// PG-1021 for another name.
    pub fn by_name(name: &str) -> Result<Option<Self>> {
        match name {
            "" => Ok(None),
            "px4" => Ok(Some(Self::Px4)),
            "ardupilot" => Ok(Some(Self::ArduPilot)),
            other => {
                Err(bad("autopilot.kind", format!("\"{other}\""), "which is unknown; use px4 or ardupilot"))
            }
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a throttle of 0 to 1 is proportional to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// The rotor's speed, as electronic speed controllers of hobby drones have it and PX4's Gazebo models.
    Speed,
    /// The rotor's thrust.
    Thrust,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Which one.
    pub kind: Kind,
    /// Where it is listened for, `ADDRESS:PORT`; empty for its own port on loopback.
    pub at: String,
    /// PX4: steps a second, Hz.
    pub rate: f64,
    /// For an answer, seconds.
    pub timeout: f64,
    /// For it to come, seconds.
    pub connect_timeout: f64,
    /// PX4: whether the first step is waited for too.
    pub strict: bool,
    /// Channel of each rotor, from 0; none for as many as there are rotors, in their order.
    pub motors: Vec<usize>,
    /// What throttle means.
    pub output: Output,
    /// Speed of an armed rotor at no throttle, rad/s.
    pub min_speed: f64,
    /// ArduPilot: pulses of no and full throttle.
    pub pulses: Pulses,
    /// Latitude, longitude (degrees), altitude (metres) of the world's origin where the world says nothing of it.
    pub home: [f64; 3],
}

impl Settings {
    /// The address to listen on.
    pub fn address(&self) -> String {
        match self.kind {
            _ if !self.at.is_empty() => self.at.clone(),
            Kind::Px4 => format!("127.0.0.1:{}", px4::PORT),
            Kind::ArduPilot => format!("127.0.0.1:{}", ardupilot::PORT),
        }
    }

    /// Where on Earth a world lies that does not say so itself.
    pub fn earth(&self) -> Earth {
        let [latitude_deg, longitude_deg, elevation] = self.home;
        // Zurich's, where PX4 begins by default: 47.6 uT, 63.4 degrees down, 3.3 degrees east of north (World Magnetic Model 2025).
        let (strength, down, east) = (47.6e-6, 63.4_f64.to_radians(), 3.3_f64.to_radians());
        let level = strength * down.cos();
        let magnetic_field = Vector3::new(level * east.sin(), level * east.cos(), -strength * down.sin());
        Earth { latitude_deg, longitude_deg, elevation, magnetic_field, ..Earth::default() }
    }

    /// Channels of the rotors out of numbers.
    ///
    /// # Errors
    /// PG-1021 if they are not channels that exist.
    pub fn channels(numbers: &[i64]) -> Result<Vec<usize>> {
        let channel = |n: &i64| usize::try_from(*n).ok().filter(|n| *n < CHANNELS);
        let all: Option<Vec<usize>> = numbers.iter().map(channel).collect();
        all.ok_or_else(|| {
            let value = format!("{numbers:?}");
            bad("autopilot.motors", value, "which is not channels from 0 to 31, one for each rotor")
        })
    }

    /// Gives each of `rotors` rotors its channel: as it is set, or in their order where nothing is.
    ///
    /// # Errors
    /// PG-1021 if more or fewer are set.
    pub(super) fn assign(&mut self, rotors: usize) -> Result<()> {
        if self.motors.is_empty() {
            self.motors = (0..rotors).collect();
        }
        if self.motors.len() == rotors {
            return Ok(());
        }
        let reason = format!("which is not one channel for each of the vehicle's {rotors} rotors");
        Err(bad("autopilot.motors", format!("{:?}", self.motors), &reason))
    }
}

/// Channels that the protocols have at most.
const CHANNELS: usize = 32;

pub(crate) fn bad(name: &'static str, value: String, reason: &str) -> SimError {
    SimError::Parameter { name, value, reason: reason.to_string() }
}
