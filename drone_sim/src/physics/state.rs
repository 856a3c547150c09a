//! The vehicle's state as a point of a vector space, which is what an integrator wants.

use nalgebra::{Isometry3, Point3, Quaternion, UnitQuaternion, Vector3};

use super::rotors::Rotors;
use crate::checkpoint::{Stateful, Tape};

/// Position to rotor speeds; also their rates of change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State {
    /// Centre of mass, metres, world ENU.
    pub position: Vector3<f64>,
    /// Its velocity, m/s, world ENU.
    pub velocity: Vector3<f64>,
    /// Body FLU to world; of unit length after each step.
    pub attitude: Quaternion<f64>,
    /// Angular velocity, rad/s, body FLU.
    pub rates: Vector3<f64>,
    /// Rotor speeds, rad/s.
    pub rotors: Rotors,
}

impl State {
    /// At rest, level, heading `yaw` (radians from east, counter-clockwise), four rotors at `rotor_speed` rad/s.
    pub fn at(position: Point3<f64>, yaw: f64, rotor_speed: f64) -> Self {
        Self {
            position: position.coords,
            velocity: Vector3::zeros(),
            attitude: UnitQuaternion::from_euler_angles(0.0, 0.0, yaw).into_inner(),
            rates: Vector3::zeros(),
            rotors: Rotors::repeat(4, rotor_speed),
        }
    }

    /// The same with these rotor speeds, rad/s.
    #[must_use]
    pub fn with_rotors(mut self, rotors: Rotors) -> Self {
        self.rotors = rotors;
        self
    }

    /// `self + slope * t`.
    #[must_use]
    pub fn plus(&self, slope: &Self, t: f64) -> Self {
        let mut out = *self;
        out.add(slope, t);
        out
    }

    /// Adds `slope * t`.
    #[inline]
    pub fn add(&mut self, slope: &Self, t: f64) {
        self.position += slope.position * t;
        self.velocity += slope.velocity * t;
        self.attitude += slope.attitude * t;
        self.rates += slope.rates * t;
        self.rotors.add(&slope.rotors, t);
    }

    /// With the attitude back on the unit sphere.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        self.attitude = self.attitude.normalize();
        self
    }

    /// Body to world.
    pub fn rotation(&self) -> UnitQuaternion<f64> {
        UnitQuaternion::new_normalize(self.attitude)
    }

    /// Pose of the body in the world.
    pub fn pose(&self) -> Isometry3<f64> {
        Isometry3::from_parts(self.position.into(), self.rotation())
    }

    /// The same body as seen at another of its points, `offset` metres (body FLU) from this one: its place and its velocity.
    #[must_use]
    pub fn seen_at(mut self, offset: &Vector3<f64>) -> Self {
        if *offset != Vector3::zeros() {
            let turn = self.rotation();
            self.position += turn * offset;
            self.velocity += turn * self.rates.cross(offset);
        }
        self
    }

    /// Heading: the angle of the body's x axis in the horizontal plane, radians from east, counter-clockwise.
    pub fn yaw(&self) -> f64 {
        let x = self.rotation() * Vector3::x();
        x.y.atan2(x.x)
    }

    /// True if every number is finite.
    pub fn is_finite(&self) -> bool {
        let all = |v: &[f64]| v.iter().all(|x| x.is_finite());
        all(self.position.as_slice())
            && all(self.velocity.as_slice())
            && all(self.attitude.coords.as_slice())
            && all(self.rates.as_slice())
            && all(self.rotors.as_slice())
    }

    /// The exact bits of all its numbers (thirteen, and one for each rotor), for comparing runs.
    pub fn bits(&self) -> Vec<u64> {
        let parts = [self.position.as_slice(), self.velocity.as_slice(), self.attitude.coords.as_slice()];
        let rest = [self.rates.as_slice(), self.rotors.as_slice()];
        parts.into_iter().chain(rest).flatten().map(|x| x.to_bits()).collect()
    }
}

impl Stateful for State {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        tape.vector(&mut self.position);
        tape.vector(&mut self.velocity);
        tape.quaternion(&mut self.attitude);
        tape.vector(&mut self.rates);
        self.rotors.go_over(tape);
        if !self.is_finite() {
            tape.blame("the vehicle's state is not finite");
        }
    }
}
