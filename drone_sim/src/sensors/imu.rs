//! The inertial measurement unit.

use nalgebra::{UnitQuaternion, Vector3};

use super::noise::{Noise, stream};
use super::spec::ImuSpec;
use crate::checkpoint::{Stateful, Tape};
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

/// The IMU of an SDF file: noise and walking bias on each axis, turned as it is mounted. It measures as if it sat in the centre
/// of mass: what its distance from there adds to the acceleration is left out.
#[derive(Debug, Clone)]
pub struct MountedImu {
    turn: UnitQuaternion<f64>,
    rates: [Noise; 3],
    force: [Noise; 3],
}

impl MountedImu {
    /// The IMU of a specification; `turn` is its frame in the body.
    pub fn new(spec: &ImuSpec, turn: UnitQuaternion<f64>, seed: u64, id: u64) -> Self {
        let noise = |specs: [super::spec::NoiseSpec; 3], first: u64| {
            std::array::from_fn(|k| Noise::new(specs[k], stream(seed, id, first + k as u64)))
        };
        Self { turn, rates: noise(spec.angular_velocity, 0), force: noise(spec.linear_acceleration, 3) }
    }

    /// Deviations of rates (rad/s) and forces (m/s2), the first axis of each.
    pub fn deviations(&self) -> ImuNoise {
        ImuNoise { accelerometer: self.force[0].spec().stddev, gyroscope: self.rates[0].spec().stddev }
    }

    /// Reading number `index`, `dt` seconds after the one before.
    pub fn read(&mut self, truth: &Sample, index: i64, dt: f64) -> ImuReading {
        let back = self.turn.inverse();
        let (force, rates) = (back * truth.specific_force, back * truth.state.rates);
        ImuReading {
            specific_force: Vector3::from_fn(|k, _| self.force[k].apply(force[k], index as u64, dt)),
            rates: Vector3::from_fn(|k, _| self.rates[k].apply(rates[k], index as u64, dt)),
            attitude: truth.state.rotation() * self.turn,
        }
    }
}

impl Stateful for MountedImu {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.rates.iter_mut().chain(&mut self.force).for_each(|n| n.go_over(tape));
    }
}
