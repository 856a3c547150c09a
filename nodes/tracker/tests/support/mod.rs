//! A small world without pictures: things in odom, a camera that flies, and what a detector would say of it.
#![allow(dead_code, clippy::unwrap_used, reason = "every test takes what it needs")]

use nalgebra::{Point3, UnitQuaternion, Vector3};
use peregrine_tracker::algo::camera::{Pose, mount};
use peregrine_tracker::algo::classes::Classes;
use peregrine_tracker::algo::config::Config;
use peregrine_tracker::algo::found::Found;
use peregrine_tracker::algo::rect::Rect;
use peregrine_tracker::algo::track::{Life, Track};
use peregrine_tracker::params::TrackerParams;

pub const SECOND: i64 = 1_000_000_000;

pub fn params() -> TrackerParams {
    use peregrine::Params;
    TrackerParams::from_map("/tracker", "tracker", &peregrine::ParamMap::default()).unwrap()
}

pub fn config() -> Config {
    params().config().unwrap()
}

/// splitmix64; every number is a function of its place.
pub fn noise(seed: u64, n: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(n.wrapping_mul(0xBF58_476D_1CE4_E5B9));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0
}

#[derive(Clone, Copy)]
pub struct Thing {
    pub start: Point3<f64>,
    pub velocity: Vector3<f64>,
    pub size: f64,
    pub label: &'static str,
}

impl Thing {
    pub fn at(&self, t: f64) -> Point3<f64> {
        self.start + self.velocity * t
    }
}

/// The body at `t`: flies forward, swings its nose.
pub fn body(t: f64) -> Pose {
    let turn = UnitQuaternion::from_euler_angles(
        0.05 * (3.0 * t).sin(),
        0.03 * (2.0 * t).cos(),
        0.25 * (1.5 * t).sin(),
    );
    Pose::from_parts(Vector3::new(1.5 * t, 0.3 * t.sin(), 2.0).into(), turn)
}

pub fn camera(t: f64) -> Pose {
    body(t) * mount("camera_pose", &[0.12, 0.0, 0.03, 0.0, 0.0, 0.0]).unwrap()
}

/// The detection of `thing` at `t`, or `None` when it is out of sight.
pub fn detect(thing: &Thing, t: f64, classes: &mut Classes, jitter: f64, seed: u64) -> Option<Found> {
    let seen = camera(t).inverse() * thing.at(t);
    if seen.z < 0.5 || seen.z > 40.0 || (seen.x / seen.z).abs() > 0.68 || (seen.y / seen.z).abs() > 0.5 {
        return None;
    }
    let side = thing.size / seen.z;
    let shake = |n: u64| jitter * side * noise(seed, n);
    let rect = Rect {
        x: seen.x / seen.z + shake(0),
        y: seen.y / seen.z + shake(1),
        w: side * (1.0 + jitter * noise(seed, 2)),
        h: side * (1.0 + jitter * noise(seed, 3)),
    };
    let mut found = Found::checked(rect, 0.8, classes.number(thing.label))?;
    found.depth = Some(seen.z - thing.size / 2.0 + 0.02 * noise(seed, 4));
    Some(found)
}

pub fn crowd(count: usize) -> Vec<Thing> {
    (0..count)
        .map(|n| {
            let i = n as u64;
            Thing {
                start: Point3::new(8.0 + 20.0 * noise(1, i).abs(), 8.0 * noise(2, i), 2.0 + noise(3, i)),
                velocity: Vector3::new(noise(4, i), noise(5, i), 0.0),
                size: 0.8,
                label: if n % 2 == 0 { "person" } else { "car" },
            }
        })
        .collect()
}

pub fn confirmed(tracks: &[Track]) -> Vec<&Track> {
    tracks.iter().filter(|t| t.life == Life::Confirmed).collect()
}
