//! A vehicle on a grid of 1 ms steps.
//!
//! Invariant: the trajectory depends on the commands and the step count alone. Looking at the vehicle between two
//! steps ([`Quadrotor::sample`]) integrates a copy, so that the times at which sensors look change nothing.

use nalgebra::{Point3, Vector3};

use super::controller::{Command, Controller};
use super::gear::{Gear, Ground};
use super::rotors::Rotors;
use super::state::State;
use super::vehicle::Vehicle;
use super::{dynamics, rk4};
use crate::checkpoint::{Stateful, Tape};
use crate::error::{Result, SimError};

/// Length of a physics step, nanoseconds.
pub const STEP_NS: i64 = 1_000_000;
/// Length of a physics step, seconds.
pub const STEP_S: f64 = 1e-3;

/// The vehicle at an instant, as sensors see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// State; place and velocity are those of the vehicle's frame, whose centre of mass lies at [`Vehicle::centre`].
    pub state: State,
    /// Acceleration of the centre of mass without gravity, m/s2, body FLU: what an ideal accelerometer there shows.
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
    rotor_command: Rotors,
    /// The controller is out of the loop.
    off: bool,
    /// What it stands on; without, the ground is the caller's matter.
    gear: Option<Gear>,
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
        let fail = |reason: String| SimError::Parameter {
            name: "vehicle",
            value: format!("{} at gravity {weight} m/s2", vehicle.name),
            reason,
        };
        let rotors = super::hover::speeds(&vehicle, weight).map_err(fail)?;
        let Some(controller) = Controller::new(&vehicle, weight) else {
            return Err(fail(super::hover::UNSTEERED.to_string()));
        };
        let state = State::at(position, yaw, 0.0).with_rotors(rotors);
        let (wind, command) = (Vector3::zeros(), Command::default());
        let rotor_command = state.rotors;
        Ok(Self {
            vehicle,
            controller,
            gravity,
            wind,
            state,
            command,
            rotor_command,
            off: false,
            gear: None,
            steps: 0,
        })
    }

    /// A vehicle at `position` heading `yaw` (radians) whose rotors stand still, on its feet or about to be: for a flight controller
    /// outside.
    ///
    /// # Errors
    /// PG-1021 if the vehicle cannot hover there.
    pub fn standing(
        vehicle: Vehicle,
        position: Point3<f64>,
        yaw: f64,
        gravity: Vector3<f64>,
        gear: Gear,
    ) -> Result<Self> {
        let mut quad = Self::hovering(vehicle, position, yaw, gravity)?;
        let rest = Rotors::repeat(quad.vehicle.rotors.len(), 0.0);
        quad.state = State::at(position, yaw, 0.0).with_rotors(rest);
        quad.set_rotor_command(&[]);
        quad.gear = Some(gear);
        Ok(quad)
    }

    /// Looks at what is under the feet, if it has any: `under` is asked as in [`Gear::look`].
    pub fn look_down(&mut self, under: impl Fn(&Point3<f64>, &Point3<f64>) -> Option<Ground>) {
        if let Some(gear) = &mut self.gear {
            gear.look(&self.state, under);
        }
    }

    /// Its feet.
    pub fn gear(&self) -> Option<&Gear> {
        self.gear.as_ref()
    }

    /// Sets what the vehicle shall do from the next step on.
    pub fn set_command(&mut self, command: Command) {
        self.command = command;
    }

    /// Takes the controller out of the loop and sets what the rotors are to turn at, rad/s, as a flight controller of
    /// someone else does; within what the vehicle can. Rotors without a speed stop.
    pub fn set_rotor_command(&mut self, speeds: &[f64]) {
        self.off = true;
        let most = self.vehicle.max_speeds();
        let asked = |i: usize| speeds.get(i).copied().unwrap_or(0.0);
        self.rotor_command = Rotors::from_fn(most.len(), |i| asked(i).clamp(0.0, most[i]));
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
        let gear = self.gear.as_ref();
        self.state = rk4::step(&self.state, STEP_S, |s| slope(vehicle, s, &command, gravity, wind, gear));
        self.steps += 1;
    }

    /// Time of the state, nanoseconds since the start.
    pub fn time_ns(&self) -> i64 {
        self.steps * STEP_NS
    }

    /// The state of the centre of mass at the last step.
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
        let (mut state, gear) = (self.state, self.gear.as_ref());
        if after_ns > 0 {
            state = rk4::step(&state, after_ns as f64 * 1e-9, |s| {
                slope(vehicle, s, command, gravity, wind, gear)
            });
        }
        let (mut force, _) = dynamics::wrench(vehicle, &state, wind);
        if let Some(gear) = gear {
            force += state.rotation().inverse() * gear.wrench(&state).0;
        }
        Sample { state: state.seen_at(&-vehicle.centre), specific_force: force / vehicle.mass }
    }
}

/// The equations of motion, with what the feet feel.
fn slope(
    vehicle: &Vehicle,
    state: &State,
    command: &Rotors,
    gravity: &Vector3<f64>,
    wind: &Vector3<f64>,
    gear: Option<&Gear>,
) -> State {
    let mut slope = dynamics::slope(vehicle, state, command, gravity, wind);
    if let Some(gear) = gear {
        let (force, torque) = gear.wrench(state);
        slope.velocity += force / vehicle.mass;
        slope.rates += vehicle.spin_up(&torque);
    }
    slope
}

/// The longest flight that a checkpoint may tell of: some 31 years.
const MOST_STEPS: i64 = 1_000_000_000_000;

impl Stateful for Quadrotor {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        tape.vector(&mut self.wind);
        self.state.go_over(tape);
        self.command.go_over(tape);
        self.rotor_command.go_over(tape);
        tape.bool(&mut self.off);
        tape.i64(&mut self.steps, 0..=MOST_STEPS);
        self.controller.go_over(tape);
    }
}
