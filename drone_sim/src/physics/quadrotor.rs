//! A vehicle on a grid of 1 ms steps.
//!
//! Invariant: the trajectory depends on the commands and the step count alone. Looking at the vehicle between two
//! steps ([`Quadrotor::sample`]) integrates a copy, so that the times at which sensors look change nothing.

use nalgebra::{Point3, Vector3, Vector4};

use super::controller::{Command, Controller};
use super::state::State;
use super::vehicle::Vehicle;
use super::{dynamics, rk4};
use crate::error::{Result, SimError};

/// Length of a physics step, nanoseconds.
pub const STEP_NS: i64 = 1_000_000;
/// Length of a physics step, seconds.
pub const STEP_S: f64 = 1e-3;

/// The vehicle at an instant, as sensors see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// State.
    pub state: State,
    /// Acceleration without gravity, m/s2, body FLU: what an ideal accelerometer shows.
    pub specific_force: Vector3<f64>,
}

/// A vehicle with its controller and its clock.
#[derive(Debug, Clone)]
pub struct Quadrotor {
    vehicle: Vehicle,
    controller: Controller,
    gravity: Vector3<f64>,
    /// Wind, m/s, world ENU.
    pub wind: Vector3<f64>,
    state: State,
    command: Command,
    rotor_command: Vector4<f64>,
    /// The controller is out of the loop.
    off: bool,
    steps: i64,
}

impl Quadrotor {
    /// A vehicle that hovers at `position` heading `yaw` (radians) in `gravity` (m/s2, world).
    ///
    /// # Errors
    /// PG-1021 if the vehicle cannot hover there.
    pub fn hovering(
        vehicle: Vehicle,
        position: Point3<f64>,
        yaw: f64,
        gravity: Vector3<f64>,
    ) -> Result<Self> {
        let weight = gravity.norm();
        let speed = vehicle.hover_speed(weight);
        let fail = |reason: &str| SimError::Parameter {
            name: "vehicle",
            value: format!("{} at gravity {weight} m/s2", vehicle.name),
            reason: reason.to_string(),
        };
        if speed > 0.95 * vehicle.max_speed {
            return Err(fail("which its rotors cannot carry; use less gravity or a stronger vehicle"));
        }
        let Some(controller) = Controller::new(&vehicle, weight) else {
            return Err(fail("whose rotors cannot steer all axes"));
        };
        let state = State::at(position, yaw, speed);
        let (wind, command) = (Vector3::zeros(), Command::default());
        let rotor_command = state.rotors;
        Ok(Self { vehicle, controller, gravity, wind, state, command, rotor_command, off: false, steps: 0 })
    }

    /// Sets what the vehicle shall do from the next step on.
    pub fn set_command(&mut self, command: Command) {
        self.command = command;
    }

    /// Takes the controller out of the loop and sets what the rotors are to turn at, rad/s, as a flight controller of
    /// someone else does; within what the vehicle can.
    pub fn set_rotor_command(&mut self, speeds: Vector4<f64>) {
        self.off = true;
        self.rotor_command = speeds.map(|w| w.clamp(0.0, self.vehicle.max_speed));
    }

    /// Puts the controller back; it holds the heading and height it finds.
    pub fn release_rotors(&mut self) {
        self.off = false;
        self.controller.forget();
    }

    /// One step of 1 ms.
    pub fn step(&mut self) {
        let (vehicle, gravity, wind) = (&self.vehicle, &self.gravity, &self.wind);
        if !self.off {
            self.rotor_command =
                self.controller.update(vehicle, &self.state, &self.command, gravity, wind, STEP_S);
        }
        let command = self.rotor_command;
        self.state = rk4::step(&self.state, STEP_S, |s| dynamics::slope(vehicle, s, &command, gravity, wind));
        self.steps += 1;
    }

    /// Time of the state, nanoseconds since the start.
    pub fn time_ns(&self) -> i64 {
        self.steps * STEP_NS
    }

    /// The state at the last step.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Replaces the state, as a contact does.
    pub fn set_state(&mut self, state: State) {
        self.state = state;
    }

    /// What it is made of.
    pub fn vehicle(&self) -> &Vehicle {
        &self.vehicle
    }

    /// The controller, whose limits may be changed.
    pub fn controller_mut(&mut self) -> &mut Controller {
        &mut self.controller
    }

    /// The vehicle `after_ns` (0 to one step) past its last step.
    pub fn sample(&self, after_ns: i64) -> Sample {
        let (vehicle, command, gravity, wind) =
            (&self.vehicle, &self.rotor_command, &self.gravity, &self.wind);
        let mut state = self.state;
        if after_ns > 0 {
            state = rk4::step(&state, after_ns as f64 * 1e-9, |s| {
                dynamics::slope(vehicle, s, command, gravity, wind)
            });
        }
        let (force, _) = dynamics::wrench(vehicle, &state, wind);
        Sample { state, specific_force: force / vehicle.mass }
    }
}
