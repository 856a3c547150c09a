//! What a simulator tells a flight controller of one moment, and what it gets back.

use nalgebra::{UnitQuaternion, Vector3};

/// Sensors and truth of one moment; ENU world, FLU body, SI units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Readings {
    /// Simulated time, nanoseconds since the start.
    pub time_ns: i64,
    /// Specific force as the accelerometer shows it, m/s2, body: (0, 0, +g) at rest.
    pub force: Vector3<f64>,
    /// Angular velocity as the gyroscope shows it, rad/s, body.
    pub rates: Vector3<f64>,
    /// Magnetic field, tesla, body; `None` when the magnetometer has nothing new.
    pub field: Option<Vector3<f64>>,
    /// Static pressure, pascals; `None` when the barometer has nothing new.
    pub pressure: Option<f64>,
    /// What the satellite receiver has new.
    pub fix: Option<Fix>,
    /// The truth.
    pub truth: Truth,
}

/// A reading of the satellite receiver.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// Degrees, north is positive.
    pub latitude_deg: f64,
    /// Degrees, east is positive.
    pub longitude_deg: f64,
    /// Metres.
    pub altitude: f64,
    /// m/s, east north up.
    pub velocity: Vector3<f64>,
    /// Deviation of the position, metres: level and vertical.
    pub deviation: [f64; 2],
}

/// The true state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truth {
    /// From the place where the flight began, metres, world.
    pub position: Vector3<f64>,
    /// m/s, world.
    pub velocity: Vector3<f64>,
    /// Body to world.
    pub attitude: UnitQuaternion<f64>,
    /// rad/s, body.
    pub rates: Vector3<f64>,
    /// Specific force, m/s2, body.
    pub force: Vector3<f64>,
    /// Latitude (degrees), longitude (degrees), altitude (metres).
    pub geodetic: [f64; 3],
    /// Speed through the air, m/s.
    pub airspeed: f64,
}

/// Most channels that either autopilot has.
pub const CHANNELS: usize = 32;

/// What the motors shall do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motors {
    /// By channel, 0 to 1; 0 where the autopilot has no such channel.
    pub throttle: [f64; CHANNELS],
    /// Whether motors may turn.
    pub armed: bool,
}

impl Default for Motors {
    /// All off.
    fn default() -> Self {
        Self { throttle: [0.0; CHANNELS], armed: false }
    }
}
