//! The inertial measurement unit.

use std::f64::consts::{FRAC_PI_2, PI};

use nalgebra::{Quaternion, UnitQuaternion, Vector3};

use super::noise::{Noise, stream};
use super::spec::{ImuSpec, OrientationReference};
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
    /// True attitude: body to world, or to what the IMU of a file tells it against.
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
    /// From the frame it tells its attitude in to the world; none until the first reading, which is then that frame.
    reference: Option<UnitQuaternion<f64>>,
    rates: [Noise; 3],
    force: [Noise; 3],
}

/// A frame of the Earth, seen in a world whose x axis stands `heading` radians from east, counter-clockwise. The heading enters as it
/// does in Gazebo, which turns the axes by it.
fn axes_of(reference: OrientationReference, heading: f64) -> Option<UnitQuaternion<f64>> {
    let [roll, yaw] = match reference {
        OrientationReference::Start => return None,
        OrientationReference::Enu => [0.0, 0.0],
        OrientationReference::Ned => [PI, FRAC_PI_2],
        OrientationReference::Nwu => [0.0, FRAC_PI_2],
    };
    let about_up = UnitQuaternion::from_euler_angles(0.0, 0.0, heading);
    Some(about_up * UnitQuaternion::from_euler_angles(roll, 0.0, yaw))
}

impl MountedImu {
    /// The IMU of a specification; `turn` is its frame in the body, `heading` the world's (radians, see [`super::Earth`]).
    pub fn new(spec: &ImuSpec, turn: UnitQuaternion<f64>, heading: f64, seed: u64, id: u64) -> Self {
        let noise = |specs: [super::spec::NoiseSpec; 3], first: u64| {
            std::array::from_fn(|k| Noise::new(specs[k], stream(seed, id, first + k as u64)))
        };
        let (rates, force) = (noise(spec.angular_velocity, 0), noise(spec.linear_acceleration, 3));
        Self { turn, reference: axes_of(spec.reference, heading), rates, force }
    }

    /// Deviations of rates (rad/s) and forces (m/s2), the first axis of each.
    pub fn deviations(&self) -> ImuNoise {
        ImuNoise { accelerometer: self.force[0].spec().stddev, gyroscope: self.rates[0].spec().stddev }
    }

    /// Reading number `index`, `dt` seconds after the one before.
    pub fn read(&mut self, truth: &Sample, index: i64, dt: f64) -> ImuReading {
        let back = self.turn.inverse();
        let (force, rates) = (back * truth.specific_force, back * truth.state.rates);
        let attitude = truth.state.rotation() * self.turn;
        let reference = *self.reference.get_or_insert(attitude);
        ImuReading {
            specific_force: Vector3::from_fn(|k, _| self.force[k].apply(force[k], index as u64, dt)),
            rates: Vector3::from_fn(|k, _| self.rates[k].apply(rates[k], index as u64, dt)),
            attitude: reference.inverse() * attitude,
        }
    }
}

impl Stateful for MountedImu {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        let mut reference = self.reference.map(UnitQuaternion::into_inner);
        tape.option(&mut reference, Quaternion::identity, Tape::quaternion);
        self.reference = reference.map(UnitQuaternion::new_unchecked);
        self.rates.iter_mut().chain(&mut self.force).for_each(|n| n.go_over(tape));
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Point3;

    use super::*;
    use crate::physics::State;

    /// Attitude of a body at `yaw` radians that began at 0.4, as an IMU tells it against `reference` in a world of that heading.
    fn told(reference: OrientationReference, heading: f64, yaw: f64) -> UnitQuaternion<f64> {
        let spec = ImuSpec { reference, ..ImuSpec::default() };
        let mut imu = MountedImu::new(&spec, UnitQuaternion::identity(), heading, 1, 1);
        let at =
            |yaw| Sample { state: State::at(Point3::origin(), yaw, 0.0), specific_force: Vector3::zeros() };
        imu.read(&at(0.4), 0, 0.0);
        imu.read(&at(yaw), 1, 0.01).attitude
    }

    /// The values are those that Gazebo's documentation of the tag gives for a sensor along the world's axes.
    #[test]
    fn attitudes_are_told_against_what_the_file_asks_for() {
        let about = UnitQuaternion::from_euler_angles;
        let same = |a: UnitQuaternion<f64>, b: UnitQuaternion<f64>| a.angle_to(&b) < 1e-12;
        assert!(same(told(OrientationReference::Start, 0.0, 1.0), about(0.0, 0.0, 0.6)));
        assert!(same(told(OrientationReference::Enu, 0.0, 1.0), about(0.0, 0.0, 1.0)));
        assert!(same(told(OrientationReference::Enu, 0.3, 1.0), about(0.0, 0.0, 0.7)));
        // Looking north and lying on its back, it would be along north, east, down.
        assert!(same(told(OrientationReference::Ned, 0.0, FRAC_PI_2), about(PI, 0.0, 0.0)));
        assert!(same(told(OrientationReference::Nwu, 0.0, FRAC_PI_2), UnitQuaternion::identity()));
    }
}
