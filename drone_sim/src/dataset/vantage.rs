//! Where pictures are taken from: looking at a thing of each class in turn, from near and far, from all sides, as a
//! multicopter that leans and climbs would.

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use peregrine_render::{Camera, look_at};

use super::{CLASSES, cast};
use crate::contact::clearance;
use crate::rng::Stream;
use crate::scenario::{Thing, World};

/// The lens keeps away from things by this much, metres.
const ROOM: f64 = 0.35;
/// How often a place is sought before the picture is taken from high up.
const TRIES: usize = 60;

pub(super) struct Vantage<'a> {
    world: &'a World,
    cast: [Vec<&'a Thing>; CLASSES.len()],
    stream: Stream,
    drawn: u64,
    taken: usize,
}

impl<'a> Vantage<'a> {
    pub fn new(world: &'a World, stream: Stream) -> Self {
        Self { world, cast: cast(world), stream, drawn: 0, taken: 0 }
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        self.drawn += 1;
        low + (high - low) * self.stream.unit(self.drawn)
    }

    /// What is looked at: where it is, and how high.
    fn subject(&mut self) -> Point3<f64> {
        let turn = self.taken;
        self.taken += 1;
        // Each sixth picture looks anywhere, so that pictures without anything are known too.
        let class = turn % (CLASSES.len() + 1);
        let count = self.cast.get(class).map_or(0, Vec::len);
        if count == 0 {
            let (x, y, z) = (self.between(-20.0, 20.0), self.between(-20.0, 20.0), self.between(0.5, 3.0));
            return nalgebra::center(&self.world.start, &self.world.goal) + Vector3::new(x, y, z);
        }
        let which = (self.between(0.0, count as f64) as usize).min(count - 1);
        let at = self.cast[class][which].pose.translation.vector;
        // What stands on the ground is looked at above its foot.
        let lift = if at.z < 0.05 { self.between(0.4, 2.2) } else { 0.0 };
        Point3::from(at + Vector3::z() * lift)
    }

    /// The optical frame of the next picture.
    pub fn next(&mut self, camera: &Camera) -> Isometry3<f64> {
        let subject = self.subject();
        let mut eye = subject + Vector3::new(0.1, 0.0, 12.0);
        for _ in 0..TRIES {
            // As many from 2 to 4 m as from 4 to 8 m.
            let away = 1.8 * 2.0_f64.powf(self.between(0.0, 3.8));
            let around = self.between(0.0, std::f64::consts::TAU);
            let height = 0.6 * 2.0_f64.powf(self.between(0.0, 3.3));
            let at = Point3::new(subject.x + away * around.cos(), subject.y + away * around.sin(), height);
            if clearance(&self.world.solids, &at, ROOM).distance > 0.0 {
                eye = at;
                break;
            }
        }
        let level = look_at(eye, subject);
        // The subject may stand anywhere in the picture, and the vehicle may lean.
        let wide = (f64::from(camera.width) / 2.0 / camera.fx).atan();
        let tall = (f64::from(camera.height) / 2.0 / camera.fy).atan();
        let yaw = self.between(-0.85, 0.85) * wide;
        let pitch = self.between(-0.7, 0.7) * tall;
        let roll = self.between(-0.25, 0.25) * self.between(0.0, 1.0);
        let turn = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), yaw)
            * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), pitch)
            * UnitQuaternion::from_axis_angle(&Vector3::z_axis(), roll);
        level * turn
    }
}
