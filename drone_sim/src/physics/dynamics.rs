//! The equations of motion of a rigid multicopter of any number of rotors.
//!
//! Each rotor of speed w gives, as Gazebo's MulticopterMotorModel has it: thrust kf w^2, falling linearly to nothing
//! at 25 m/s of air along its axis; reaction torque km times thrust against its spin; drag and rolling moment
//! proportional to w and to the air speed across its axis. Rotor speeds follow their command with a first-order lag
//! that differs up and down.

use nalgebra::{Quaternion, Vector3};

use super::rotors::Rotors;
use super::state::State;
use super::vehicle::Vehicle;

/// Force and torque of rotors, wings and wind on the body, N and N m, body FLU, at the centre of mass.
pub fn wrench(vehicle: &Vehicle, state: &State, wind: &Vector3<f64>) -> (Vector3<f64>, Vector3<f64>) {
    let to_body = state.rotation().inverse();
    let air = to_body * (state.velocity - wind);
    let mut force = Vector3::zeros();
    let mut torque = Vector3::zeros();
    for (rotor, speed) in vehicle.rotors.iter().zip(state.rotors.iter()) {
        let through = air + state.rates.cross(&rotor.position);
        let motor = &rotor.motor;
        if rotor.is_upright() {
            let lost = (1.0 - through.z.abs() / vehicle.no_thrust_speed).clamp(0.0, 1.0);
            let thrust = motor.thrust_constant * speed * speed.abs() * lost;
            let across = Vector3::new(through.x, through.y, 0.0) * speed.abs();
            let push = Vector3::new(0.0, 0.0, thrust) - across * motor.rotor_drag;
            force += push;
            torque += rotor.position.cross(&push) - across * motor.rolling_moment;
            torque.z -= rotor.spin * motor.moment_constant * thrust;
            continue;
        }
        let along = through.dot(&rotor.axis);
        let lost = (1.0 - along.abs() / vehicle.no_thrust_speed).clamp(0.0, 1.0);
        let thrust = *rotor.axis * (motor.thrust_constant * speed * speed.abs() * lost);
        let across = (through - *rotor.axis * along) * speed.abs();
        let push = thrust - across * motor.rotor_drag;
        force += push;
        torque += rotor.position.cross(&push) - across * motor.rolling_moment;
        torque -= thrust * (rotor.spin * motor.moment_constant);
    }
    for wing in &vehicle.wings {
        let (push, turn) = wing.wrench(&air, &state.rates);
        force += push;
        torque += turn;
    }
    if vehicle.wind_response > 0.0 {
        force -= air * (vehicle.wind_response * vehicle.mass);
    }
    (force, torque)
}

/// The state's rate of change under rotor commands (rad/s), gravity (m/s2, world) and wind (m/s, world).
pub fn slope(
    vehicle: &Vehicle,
    state: &State,
    command: &Rotors,
    gravity: &Vector3<f64>,
    wind: &Vector3<f64>,
) -> State {
    let (force, torque) = wrench(vehicle, state, wind);
    let momentum = vehicle.momentum(&state.rates);
    let spin = Quaternion::from_imag(state.rates);
    State {
        position: state.velocity,
        velocity: state.rotation() * force / vehicle.mass + gravity,
        attitude: state.attitude * spin * 0.5,
        rates: vehicle.spin_up(&(torque - state.rates.cross(&momentum))),
        rotors: Rotors::from_fn(state.rotors.len(), |i| {
            let (motor, behind) = (&vehicle.rotors[i].motor, command[i] - state.rotors[i]);
            behind / if behind > 0.0 { motor.tau_up } else { motor.tau_down }
        }),
    }
}
