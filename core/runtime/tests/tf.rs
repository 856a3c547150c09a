//! tf against closed forms: circles, screws and chains whose transforms are known exactly.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::f64::consts::{FRAC_PI_2, TAU};
use std::time::Duration;

use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use peregrine_core::Time;
use peregrine_core::tf::{TfBuffer, TfError, Transform, from_msg, to_msg};
use peregrine_msgs::geometry_msgs;

fn at(seconds: f64) -> Time {
    Time::from_secs_f64(seconds)
}

fn turn(yaw: f64) -> UnitQuaternion<f64> {
    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw)
}

fn pose(x: f64, y: f64, yaw: f64) -> Transform {
    Isometry3::from_parts(Translation3::new(x, y, 0.0), turn(yaw))
}

fn near(a: &Transform, b: &Transform) -> bool {
    (a.translation.vector - b.translation.vector).norm() < 1e-9 && a.rotation.angle_to(&b.rotation) < 1e-9
}

/// A robot that drives forward at 2 m/s and turns at 0.3 rad/s: between samples tf interpolates each part by itself, so a
/// constant speed on a line and a constant rate are exact at any time.
#[test]
fn constant_speeds_are_interpolated_exactly() {
    let mut buffer = TfBuffer::default();
    let truth = |t: f64| pose(2.0 * t, -t, 0.3 * t);
    for i in 0..=50 {
        let t = f64::from(i) * 0.1;
        buffer.set("odom", "base_link", at(t + 1.0), truth(t), false).unwrap();
    }
    for i in 0..500 {
        let t = f64::from(i) * 0.01;
        let found = buffer.lookup("odom", "base_link", at(t + 1.0)).unwrap();
        assert!(near(&found, &truth(t)), "{t}: {found} is not {}", truth(t));
        let back = buffer.lookup("base_link", "odom", at(t + 1.0)).unwrap();
        assert!(near(&back, &truth(t).inverse()), "{t}");
    }
}

/// map -> odom -> base_link -> camera with a static end, and the sum of the chain at once.
#[test]
fn chains_are_products() {
    let mut buffer = TfBuffer::default();
    let camera = Isometry3::from_parts(
        Translation3::new(0.1, 0.0, 0.3),
        UnitQuaternion::from_euler_angles(-FRAC_PI_2, 0.0, -FRAC_PI_2),
    );
    buffer.set("base_link", "camera", Time::ZERO, camera, true).unwrap();
    buffer.set("base_link", "gps", Time::ZERO, pose(-1.0, 0.0, 0.0), true).unwrap();
    for i in 1..=4 {
        let t = f64::from(i);
        buffer.set("map", "odom", at(t), pose(10.0, t, FRAC_PI_2), false).unwrap();
        buffer.set("odom", "base_link", at(t), pose(t, 0.0, 0.1 * t), false).unwrap();
    }
    let expected = pose(10.0, 2.5, FRAC_PI_2) * pose(2.5, 0.0, 0.25) * camera;
    assert!(near(&buffer.lookup("map", "camera", at(2.5)).unwrap(), &expected));
    assert!(near(&buffer.lookup("/map", "/camera", at(2.5)).unwrap(), &expected), "tf1's slashes");
    // Between branches of the tree, and when all of the way is static, at any time.
    let across = pose(1.0, 0.0, 0.0) * camera;
    for time in [Time::ZERO, at(-5.0), at(1e6)] {
        assert!(near(&buffer.lookup("gps", "camera", time).unwrap(), &across));
    }
    // A point straight ahead of the optical frame lies ahead of the body (REP-103).
    let ahead = buffer.lookup("base_link", "camera", Time::ZERO).unwrap() * Point3::new(0.0, 0.0, 5.0);
    assert!((ahead - Point3::new(5.1, 0.0, 0.3)).norm() < 1e-9, "{ahead}");
}

/// A tree of an obstacle seen at one time, asked for at another, through a fixed frame.
#[test]
fn time_travel_goes_through_the_fixed_frame() {
    let mut buffer = TfBuffer::default();
    for i in 0..=8 {
        let t = f64::from(i) * 0.5;
        let yaw = TAU * t / 4.0;
        // A circle of 3 m about the origin, once in 4 s, looking along the tangent.
        let circle = pose(3.0 * yaw.cos(), 3.0 * yaw.sin(), yaw + FRAC_PI_2);
        buffer.set("odom", "base_link", at(t + 1.0), circle, false).unwrap();
    }
    // A quarter of a circle later (1 s), what was 0 m ahead lies on the old position.
    let moved = buffer.lookup_full("base_link", at(2.0), "base_link", at(1.0), "odom").unwrap();
    let (then, now) = (pose(3.0, 0.0, FRAC_PI_2), pose(0.0, 3.0, TAU / 2.0));
    assert!(near(&moved, &(now.inverse() * then)));
}

#[test]
fn time_zero_is_the_latest_that_all_of_the_way_has() {
    let mut buffer = TfBuffer::default();
    for t in 1..=5 {
        buffer.set("map", "odom", at(f64::from(t)), pose(0.0, f64::from(t), 0.0), false).unwrap();
    }
    for t in 1..=3 {
        buffer.set("odom", "base", at(f64::from(t)), pose(f64::from(t), 0.0, 0.0), false).unwrap();
    }
    assert_eq!(buffer.latest("map", "base").unwrap(), at(3.0));
    assert!(near(&buffer.lookup("map", "base", Time::ZERO).unwrap(), &pose(3.0, 3.0, 0.0)));
    assert!(near(&buffer.lookup("base", "base", at(99.0)).unwrap(), &Transform::identity()));
}

#[test]
fn what_is_not_known_is_said() {
    let mut buffer = TfBuffer::new(Duration::from_secs(2));
    for t in 1..=5 {
        buffer.set("odom", "base_link", at(f64::from(t)), pose(f64::from(t), 0.0, 0.0), false).unwrap();
    }
    buffer.set("island", "palm", at(1.0), Transform::identity(), true).unwrap();
    // What is older than two seconds before the newest is gone.
    let error = buffer.lookup("odom", "base_link", at(2.0)).unwrap_err();
    let expected = TfError::Extrapolation {
        frame: "base_link".into(),
        asked_ns: 2_000_000_000,
        earliest_ns: 3_000_000_000,
        latest_ns: 5_000_000_000,
    };
    assert_eq!(error, expected);
    assert!(buffer.lookup("odom", "base_link", at(5.1)).unwrap_err().to_string().contains("PG-0232"));
    let error = buffer.lookup("odom", "base_lnik", at(4.0)).unwrap_err().to_string();
    assert!(error.contains("PG-0230") && error.contains("did you mean 'base_link'"), "{error}");
    assert!(matches!(buffer.lookup("odom", "palm", at(4.0)), Err(TfError::NotConnected { .. })));
    for (parent, child) in [("a", "a"), ("", "a"), ("base_link", "odom")] {
        let error = buffer.set(parent, child, at(1.0), Transform::identity(), false).unwrap_err();
        assert!(error.to_string().contains("PG-0233"), "{error}");
    }
}

#[test]
fn late_and_double_stamps_and_a_clock_set_back() {
    let mut buffer = TfBuffer::default();
    buffer.set("o", "b", at(1.0), pose(1.0, 0.0, 0.0), false).unwrap();
    buffer.set("o", "b", at(3.0), pose(3.0, 0.0, 0.0), false).unwrap();
    // A late one takes its place; a second of the same time changes nothing.
    buffer.set("o", "b", at(2.0), pose(7.0, 0.0, 0.0), false).unwrap();
    buffer.set("o", "b", at(2.0), pose(8.0, 0.0, 0.0), false).unwrap();
    assert!(near(&buffer.lookup("o", "b", at(2.0)).unwrap(), &pose(7.0, 0.0, 0.0)));
    assert!(near(&buffer.lookup("o", "b", at(1.5)).unwrap(), &pose(4.0, 0.0, 0.0)));
    buffer.set("b", "s", at(9.0), pose(1.0, 1.0, 0.0), true).unwrap();
    buffer.clear();
    assert!(buffer.lookup("o", "b", Time::ZERO).is_err());
    assert!(buffer.lookup("b", "s", at(0.1)).is_ok(), "static transforms outlive a clock set back");
}

#[test]
fn a_frame_may_change_its_parent() {
    let mut buffer = TfBuffer::default();
    buffer.set("world", "hand", at(0.5), Transform::identity(), true).unwrap();
    buffer.set("world", "cup", at(1.0), pose(1.0, 0.0, 0.0), false).unwrap();
    buffer.set("hand", "cup", at(2.0), pose(0.1, 0.0, 0.0), false).unwrap();
    assert!(near(&buffer.lookup("world", "cup", at(1.5)).unwrap(), &pose(1.0, 0.0, 0.0)));
    assert!(near(&buffer.lookup("world", "cup", at(2.0)).unwrap(), &pose(0.1, 0.0, 0.0)));
}

#[test]
fn messages_come_back_and_nonsense_is_refused() {
    let transform = Isometry3::from_parts(Translation3::new(1.0, -2.0, 3.0), turn(0.7));
    assert!(near(&from_msg(&to_msg(&transform)).unwrap(), &transform));
    let mut bad = to_msg(&transform);
    bad.rotation = geometry_msgs::Quaternion { x: 0.0, y: 0.0, z: 0.0, w: 0.0 };
    assert!(from_msg(&bad).is_none());
    bad = to_msg(&transform);
    bad.translation.x = f64::NAN;
    assert!(from_msg(&bad).is_none());
}
