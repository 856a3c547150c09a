//! Sensors of motion and place: barometer, altimeter, compass, IMU, satellites.

use std::f64::consts::{FRAC_PI_2, PI};

use nalgebra::{Point3, UnitQuaternion, Vector3};
use peregrine_sim::flight::Flight;
use peregrine_sim::physics::{Sample, State};
use peregrine_sim::sensors::spec::{
    AirPressureSpec, AltimeterSpec, Earth, ImuSpec, NavSatSpec, NoiseSpec, OrientationReference,
};
use peregrine_sim::sensors::{AirPressure, Altimeter, Magnetometer, MountedImu, NavSat, Rate};

use super::{MS, fallen};

/// air_pressure_system.cc: 101325 Pa at sea level, and a variance of 0.
#[test]
fn air_pressure_system() {
    let mut sensor = AirPressure::new(&AirPressureSpec::default(), 1, 1);
    assert_eq!((sensor.read(0.0, 0, 0.1), sensor.variance()), (101_325.0, 0.0));
}

/// altimeter_system.cc, ModelFalling: heights count from the start and fall, at 30 Hz so many readings as time says; on the ground
/// the velocity is 0 within 1 mm/s.
#[test]
fn altimeter_system_model_falling() {
    let mut sensor = Altimeter::new(&AltimeterSpec::default(), 3.0, 1, 1);
    let mut read = |flight: &Flight| {
        let state = flight.quad().state();
        sensor.read(state.position.z, state.velocity.z, 0, 0.0)
    };
    let (first, last) = (read(&fallen(9.8, 34)), read(&fallen(9.8, 100)));
    assert!(first.position > last.position && last.position < 0.0, "{first:?} {last:?}");
    assert!(first.velocity > last.velocity && last.velocity < 0.0, "{first:?} {last:?}");
    let rests = read(&fallen(9.8, 4000));
    // Our X3 lies on a sphere of 0.25 m.
    assert!((rests.position + 2.75).abs() < 1e-2 && rests.velocity.abs() < 1e-3, "{rests:?}");
    for (ms, expected) in [(100, 4), (1100, 34)] {
        let mut rate = Rate::new(30.0);
        let readings = (0..=ms).filter(|k| rate.fire(k * MS).is_some()).count();
        assert_eq!(readings, expected, "{ms} ms");
    }
}

/// magnetometer_system.cc, RotatedMagnetometer: the world's field in the sensor's axes, within 1e-4.
#[test]
fn magnetometer_system_rotated() {
    let field = Vector3::new(0.94, 0.76, -0.12);
    let mut sensor = Magnetometer::new(&[NoiseSpec::default(); 3], field, 1, 1);
    for turn in [[0.0, 0.0, 0.0], [0.0, 0.0, FRAC_PI_2], [0.7, -0.4, 2.0]] {
        let attitude = UnitQuaternion::from_euler_angles(turn[0], turn[1], turn[2]);
        let read = sensor.read(&attitude, 0, 0.1);
        assert!((read - attitude.inverse() * field).amax() < 1e-4, "{read:?}");
    }
}

/// imu_system.cc, ModelFalling: nothing is felt in free fall in a gravity of 5 m/s2, and on the ground its opposite, within 1e-4.
#[test]
fn imu_system_model_falling() {
    let felt = |ms: i64| {
        let flight = fallen(5.0, ms);
        let sample = flight.sample(ms * MS);
        let mut imu = MountedImu::new(&ImuSpec::default(), UnitQuaternion::identity(), 0.0, 1, 1);
        let gravity = sample.state.rotation().inverse() * Vector3::new(0.0, 0.0, -5.0);
        (imu.read(&sample, 0, 1e-3).specific_force, gravity)
    };
    for ms in [400, 401] {
        let (force, _) = felt(ms);
        assert!(force.amax() < 1e-4, "{ms} ms: {force:?}");
    }
    for ms in [6000, 6001] {
        let (force, gravity) = felt(ms);
        assert!((force + gravity).amax() < 1e-4, "{ms} ms: {force:?} {gravity:?}");
    }
}

/// imu_system.cc, NamedFrames and NamedFramesWithHeading: attitudes of a body that looks west (yaw of pi), within 0.01; with a
/// heading of 90 degrees they are turned by it. A custom frame is not read, and is listed.
#[test]
fn imu_system_named_frames() {
    let told = |reference, heading: f64| {
        let mut imu = MountedImu::new(
            &ImuSpec { reference, ..ImuSpec::default() },
            UnitQuaternion::identity(),
            heading.to_radians(),
            1,
            1,
        );
        let state = State::at(Point3::origin(), PI, 0.0);
        let sample = Sample { state, specific_force: Vector3::zeros() };
        let q = imu.read(&sample, 0, 1e-3).attitude;
        [q.i, q.j, q.k, q.w]
    };
    // A quaternion and its negative are one attitude.
    let same = |a: [f64; 4], b: [f64; 4]| {
        let off = |sign: f64| a.iter().zip(&b).map(|(a, b)| (a - sign * b).abs()).fold(0.0, f64::max);
        off(1.0).min(off(-1.0)) < 1e-2
    };
    use OrientationReference::{Enu, Ned, Nwu, Start};
    for (reference, heading, expected) in [
        (Start, 0.0, [0.0, 0.0, 0.0, 1.0]),
        (Enu, 0.0, [0.0, 0.0, 1.0, 0.0]),
        (Ned, 0.0, [-0.707, 0.707, 0.0, 0.0]),
        (Nwu, 0.0, [0.0, 0.0, 0.707, 0.707]),
        (Start, 90.0, [0.0, 0.0, 0.0, 1.0]),
        (Enu, 90.0, [0.0, 0.0, 0.707, 0.707]),
        (Ned, 90.0, [-1.0, 0.0, 0.0, 0.0]),
        (Nwu, 90.0, [0.0, 0.0, 0.0, 1.0]),
    ] {
        let q = told(reference, heading);
        assert!(same(q, expected), "{reference:?} at {heading}: {q:?} {expected:?}");
    }
}

/// navsat_system.cc, ModelFalling: it falls over the world's origin at 22.9 degrees south and 43.2 west: latitude and longitude stay,
/// and altitude and velocity upwards are below zero.
#[test]
fn navsat_system_model_falling() {
    let earth = Earth { latitude_deg: -22.9, longitude_deg: -43.2, ..Earth::default() };
    let mut sensor = NavSat::new(&NavSatSpec::default(), &earth, 1, 1);
    let fall = 0.5 * 9.8 * 0.3 * 0.3;
    let read = sensor.read(&Point3::new(0.0, 0.0, -fall), &Vector3::new(0.0, 0.0, -9.8 * 0.3), 0, 0.1);
    assert!(
        (read.latitude_deg + 22.9).abs() < 1e-12 && (read.longitude_deg + 43.2).abs() < 1e-12,
        "{read:?}"
    );
    assert!((read.velocity.x, read.velocity.y) == (0.0, 0.0), "{read:?}");
    assert!(read.altitude < 0.0 && read.velocity.z < 0.0 && (read.altitude + fall).abs() < 1e-6, "{read:?}");
}
