//! Four feet to stand on: what a vehicle that begins on the ground, with its rotors at rest, needs.
//!
//! Each foot is a point that what it presses into pushes back, by a spring, a damper and friction. The forces are part of the
//! equations of motion, so an accelerometer of a vehicle that stands shows gravity, as a flight controller expects. The ground
//! under a foot is taken as a plane for the length of a step.

use nalgebra::{Point3, Vector3};

use super::state::State;
use super::vehicle::Vehicle;

/// Natural frequency of the vehicle on its feet, rad/s.
const FREQUENCY: f64 = 60.0;
/// Share of critical damping.
const DAMPING: f64 = 0.7;
/// Coefficient of friction.
const FRICTION: f64 = 0.7;
/// Slip at which friction is whole, m/s. Below it grows linearly, so a loaded foot creeps.
const SLIP: f64 = 0.05;

/// The ground under a foot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ground {
    /// A point of it, world.
    pub point: Vector3<f64>,
    /// Its normal, towards the foot.
    pub normal: Vector3<f64>,
}

/// The feet of one vehicle.
#[derive(Debug, Clone, PartialEq)]
pub struct Gear {
    feet: [Vector3<f64>; 4],
    ground: [Option<Ground>; 4],
    stiffness: f64,
    damping: f64,
    grip: f64,
}

impl Gear {
    /// Feet under the rotors of a vehicle, `height` metres under its centre of mass; of one that has not four rotors that carry, at the
    /// corners of a square that reaches as far as its rotors.
    pub fn under(vehicle: &Vehicle, height: f64) -> Self {
        let carriers = vehicle.carriers().map(|r| r.position.xy());
        let reach = carriers.clone().map(|p| p.norm()).fold(0.05, f64::max) * std::f64::consts::FRAC_1_SQRT_2;
        let corners = [(1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (-1.0, -1.0)];
        let mut feet = corners.map(|(x, y)| Vector3::new(x * reach, y * reach, -height));
        if carriers.clone().count() == 4 {
            feet.iter_mut().zip(carriers).for_each(|(foot, p)| *foot = Vector3::new(p.x, p.y, -height));
        }
        // A light vehicle tips before it lifts: what counts is the smaller of mass and inertia per foot.
        let arm = feet.iter().map(|f| f.x.hypot(f.y)).fold(0.05, f64::max);
        let mass = (vehicle.mass / 4.0).min(vehicle.inertia.min() / (4.0 * arm * arm) * 3.0);
        Self {
            feet,
            ground: [None; 4],
            stiffness: mass * FREQUENCY * FREQUENCY,
            damping: 2.0 * DAMPING * mass * FREQUENCY,
            // Friction may not turn a foot round within a step.
            grip: 0.5 * mass * 1e3,
        }
    }

    /// How far under the centre of mass a vehicle's feet end, metres, when it weighs `weight` newtons on them.
    pub fn standing_height(&self, weight: f64) -> f64 {
        -self.feet[0].z - weight / (4.0 * self.stiffness)
    }

    /// Looks at the ground under each foot; `under` is asked for the ground at a foot of the world, and told the centre of mass, from
    /// which the free side of a surface is the near one.
    pub fn look(&mut self, state: &State, under: impl Fn(&Point3<f64>, &Point3<f64>) -> Option<Ground>) {
        let (turn, centre) = (state.rotation(), Point3::from(state.position));
        for (foot, ground) in self.feet.iter().zip(&mut self.ground) {
            *ground = under(&Point3::from(state.position + turn * foot), &centre);
        }
    }

    /// Whether any foot presses.
    pub fn touches(&self, state: &State) -> bool {
        let turn = state.rotation();
        self.feet.iter().zip(&self.ground).any(|(foot, ground)| {
            ground.is_some_and(|g| g.normal.dot(&(g.point - state.position - turn * foot)) > 0.0)
        })
    }

    /// Force (world) and torque (body) on the vehicle, N and N m.
    pub fn wrench(&self, state: &State) -> (Vector3<f64>, Vector3<f64>) {
        let turn = state.rotation();
        let (mut force, mut torque) = (Vector3::zeros(), Vector3::zeros());
        for (foot, ground) in self.feet.iter().zip(&self.ground) {
            let Some(ground) = ground else { continue };
            let depth = ground.normal.dot(&(ground.point - state.position - turn * foot));
            if depth <= 0.0 {
                continue;
            }
            let velocity = state.velocity + turn * state.rates.cross(foot);
            let rise = velocity.dot(&ground.normal);
            let press = (self.stiffness * depth - self.damping * rise).max(0.0);
            let slip = velocity - ground.normal * rise;
            let drag = (FRICTION * press / slip.norm().max(SLIP)).min(self.grip);
            let push = ground.normal * press - slip * drag;
            force += push;
            torque += foot.cross(&(turn.inverse() * push));
        }
        (force, torque)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Quadrotor, STEP_NS};
    use super::*;

    fn flat(p: &Point3<f64>, _: &Point3<f64>) -> Option<Ground> {
        Some(Ground { point: Vector3::new(p.x, p.y, 0.0), normal: Vector3::z() })
    }

    fn standing(vehicle: Vehicle) -> Quadrotor {
        let gravity = Vector3::new(0.0, 0.0, -9.8);
        let gear = Gear::under(&vehicle, 0.28);
        Quadrotor::standing(vehicle, Point3::new(1.0, 2.0, 0.3), 0.5, gravity, gear).unwrap()
    }

    /// From 2 cm above the ground to rest: level, weight on the feet, and an accelerometer that shows gravity.
    #[test]
    fn it_comes_to_rest_and_feels_its_weight() {
        for vehicle in [Vehicle::x500(), Vehicle::x3()] {
            let mut quad = standing(vehicle);
            while quad.time_ns() < 2_000_000_000 {
                quad.look_down(flat);
                quad.step();
            }
            let sample = quad.sample(STEP_NS / 2);
            let weight = quad.vehicle().mass * 9.8;
            let height = quad.gear().unwrap().standing_height(weight);
            let state = sample.state;
            assert!((state.position.z - height).abs() < 1e-4, "{} {height}", state.position.z);
            assert!(state.velocity.norm() < 1e-3 && state.rates.norm() < 1e-3, "{state:?}");
            assert!((state.yaw() - 0.5).abs() < 1e-3 && (state.rotation() * Vector3::z()).z > 0.999_99);
            assert!((sample.specific_force - Vector3::new(0.0, 0.0, 9.8)).norm() < 0.02, "{sample:?}");
        }
    }

    /// Coulomb: on a slope that is flatter than the friction it stays, on a steeper one it slides with g (sin - mu cos).
    #[test]
    fn friction_holds_on_a_gentle_slope_and_not_on_a_steep_one() {
        for (angle, slides) in [(0.3_f64, false), (0.9, true)] {
            let normal = Vector3::new(angle.sin(), 0.0, angle.cos());
            let plane = move |p: &Point3<f64>, _: &Point3<f64>| {
                Some(Ground { point: p.coords - normal * p.coords.dot(&normal), normal })
            };
            let mut quad = standing(Vehicle::x500());
            let mut state = *quad.state();
            state.attitude = nalgebra::UnitQuaternion::from_euler_angles(0.0, angle, 0.0).into_inner();
            state.position = normal * 0.275;
            quad.set_state(state);
            while quad.time_ns() < 1_000_000_000 {
                quad.look_down(plane);
                quad.step();
            }
            let speed = quad.state().velocity.norm();
            let expected = if slides { 9.8 * (angle.sin() - FRICTION * angle.cos()) } else { 0.0 };
            assert!((speed - expected).abs() < 0.3, "{angle}: {speed} {expected}");
        }
    }
}
