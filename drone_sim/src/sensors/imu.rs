//! The inertial measurement unit.

use nalgebra::{UnitQuaternion, Vector3};

use crate::physics::Sample;
use crate::rng::Stream;

/// White noise of an IMU; zero for a perfect one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImuNoise {
    /// Deviation of each axis of the accelerometer, m/s2.
    pub accelerometer: f64,
    /// Deviation of each axis of the gyroscope, rad/s.
    pub gyroscope: f64,
}

impl Default for ImuNoise {
    /// The magnitude of a small MEMS sensor at 200 Hz.
    fn default() -> Self {
        Self { accelerometer: 0.05, gyroscope: 0.003 }
    }
}

/// One reading, body FLU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImuReading {
    /// Acceleration without gravity, m/s2: (0, 0, +g) at rest.
    pub specific_force: Vector3<f64>,
    /// Angular velocity, rad/s.
    pub rates: Vector3<f64>,
    /// True attitude, body to world.
    pub attitude: UnitQuaternion<f64>,
}

/// An IMU at the centre of mass.
#[derive(Debug, Clone, Copy)]
pub struct Imu {
    /// Its noise.
    pub noise: ImuNoise,
    force: Stream,
    rates: Stream,
}

impl Imu {
    /// The IMU of a seed; `id` tells several apart.
    pub fn new(noise: ImuNoise, seed: u64, id: u64) -> Self {
        Self { noise, force: Stream::new(seed, 2 * id), rates: Stream::new(seed, 2 * id + 1) }
    }

    /// Reading number `index`.
    pub fn read(&self, truth: &Sample, index: i64) -> ImuReading {
        let index = index as u64;
        ImuReading {
            specific_force: truth.specific_force + self.force.normal3(index) * self.noise.accelerometer,
            rates: truth.state.rates + self.rates.normal3(index) * self.noise.gyroscope,
            attitude: truth.state.rotation(),
        }
    }
}
