//! The equations of motion of a rigid multicopter of any number of rotors.
//!
//! Each rotor of speed w gives, as Gazebo's MulticopterMotorModel has it: thrust kf w^2, falling linearly to nothing
//! at 25 m/s of air along its axis; reaction torque km times thrust against its spin; drag and rolling moment
//! proportional to w and to the air speed across its axis. Rotor speeds follow their command with a first-order lag
//! that differs up and down.

use nalgebra::{Quaternion, Vector3};

use super::rotors::Rotors;
use super::state::State;
use super::vehicle::{Rotor, Vehicle};

/// Force and torque of rotors, wings and wind on the body, N and N m, body FLU, at the centre of mass.
pub fn wrench(vehicle: &Vehicle, state: &State, wind: &Vector3<f64>) -> (Vector3<f64>, Vector3<f64>) {
    let to_body = state.rotation().inverse();
    let air = to_body * (state.velocity - wind);
    let mut sum = (Vector3::zeros(), Vector3::zeros());
    let through = Through { air, rates: state.rates, no_thrust_speed: vehicle.no_thrust_speed };
    // Most vehicles have four: of a loop over a known number compilers make straight code.
    match (vehicle.rotors.first_chunk::<4>(), state.rotors.as_slice().first_chunk::<4>()) {
        (Some(four), Some(speeds)) if vehicle.rotors.len() == 4 => {
            for (rotor, speed) in four.iter().zip(speeds) {
                through.push(rotor, *speed, &mut sum);
            }
        }
        _ => {
            for (rotor, speed) in vehicle.rotors.iter().zip(&state.rotors) {
                through.push(rotor, *speed, &mut sum);
            }
        }
    }
    let (mut force, mut torque) = sum;
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

/// What rotors move through.
struct Through {
    /// Velocity through the air and angular velocity, body.
    air: Vector3<f64>,
    rates: Vector3<f64>,
    no_thrust_speed: f64,
}

impl Through {
    /// Adds a rotor's force and torque at this speed, rad/s.
    #[inline(always)]
    fn push(&self, rotor: &Rotor, speed: f64, (force, torque): &mut (Vector3<f64>, Vector3<f64>)) {
        let through = self.air + self.rates.cross(&rotor.position);
        let motor = &rotor.motor;
        if rotor.is_upright() {
            let lost = (1.0 - through.z.abs() / self.no_thrust_speed).clamp(0.0, 1.0);
            let thrust = motor.thrust_constant * speed * speed.abs() * lost;
            let across = Vector3::new(through.x, through.y, 0.0) * speed.abs();
            let push = Vector3::new(0.0, 0.0, thrust) - across * motor.rotor_drag;
            *force += push;
            *torque += rotor.position.cross(&push) - across * motor.rolling_moment;
            torque.z -= rotor.spin * motor.moment_constant * thrust;
            return;
        }
        let along = through.dot(&rotor.axis);
        let lost = (1.0 - along.abs() / self.no_thrust_speed).clamp(0.0, 1.0);
        let thrust = *rotor.axis * (motor.thrust_constant * speed * speed.abs() * lost);
        let across = (through - *rotor.axis * along) * speed.abs();
        let push = thrust - across * motor.rotor_drag;
        *force += push;
        *torque += rotor.position.cross(&push) - across * motor.rolling_moment;
        *torque -= thrust * (rotor.spin * motor.moment_constant);
    }
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
        rotors: followed(vehicle, &state.rotors, command),
    }
}

/// How fast rotors go after their commands, rad/s2.
fn followed(vehicle: &Vehicle, speeds: &Rotors, command: &Rotors) -> Rotors {
    let mut out = *speeds;
    for ((speed, wanted), rotor) in out.iter_mut().zip(command).zip(&vehicle.rotors) {
        let behind = wanted - *speed;
        *speed = behind / if behind > 0.0 { rotor.motor.tau_up } else { rotor.motor.tau_down };
    }
    out
}
