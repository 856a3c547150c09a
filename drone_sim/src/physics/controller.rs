//! Velocity to attitude to body rates to torques.
//!
//! The role of Gazebo's MulticopterVelocityControl. Each loop asks the next for a change as fast as the vehicle can
//! brake again: near the goal proportional, far from it along the square root of the distance (the braking
//! parabola), so that large steps do not overshoot. The velocity loop looks ahead by the attitude's lag using the
//! acceleration that the rotors give now. Rotor drag is known and fed forward.

use nalgebra::{UnitQuaternion, Vector3};

use super::dynamics;
use super::mixer::Mixer;
use super::rotors::Rotors;
use super::state::State;
use super::vehicle::Vehicle;
use crate::checkpoint::{Stateful, Tape};

/// Pull towards the height to hold, 1/s.
const HEIGHT_GAIN: f64 = 1.5;

/// What the vehicle shall do.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Command {
    /// Velocity, m/s, in the heading frame: x forward and y left in the horizontal plane, z up.
    pub velocity: Vector3<f64>,
    /// Yaw rate, rad/s, counter-clockwise from above.
    pub yaw_rate: f64,
    /// Whether the velocity's direction stays the same in the world while the vehicle turns.
    pub steady: bool,
}

/// The controller of one vehicle.
#[derive(Debug, Clone)]
pub struct Controller {
    /// Velocity gain, 1/s.
    pub velocity_gain: f64,
    /// How far ahead velocity is foreseen, seconds.
    pub lookahead: f64,
    /// Highest horizontal acceleration asked for, m/s2.
    pub max_acceleration: f64,
    /// Highest vertical acceleration asked for, m/s2.
    pub max_climb_acceleration: f64,
    /// Highest tilt asked for, radians.
    pub max_tilt: f64,
    /// Highest yaw rate obeyed, rad/s.
    pub max_yaw_rate: f64,
    /// Attitude gain, 1/s, roll, pitch, yaw.
    pub attitude_gain: Vector3<f64>,
    /// Rate gain, 1/s.
    pub rate_gain: Vector3<f64>,
    /// Angular acceleration that braking relies on, rad/s2.
    authority: Vector3<f64>,
    /// Heading to hold, radians; none before the first step.
    heading: Option<f64>,
    /// Height to hold, metres: the integral of the commanded climb; none before the first step.
    height: Option<f64>,
    mixer: Mixer,
}

impl Controller {
    /// A controller tuned from the vehicle's own figures. `None` if its rotors cannot steer it.
    pub fn new(vehicle: &Vehicle, gravity: f64) -> Option<Self> {
        let mixer = Mixer::new(vehicle)?;
        // Torque that is left at hover when one side speeds up and the other slows down by as much.
        let hover = mixer.carrying(vehicle.mass * gravity);
        let mut torque = Vector3::zeros();
        for (rotor, hover) in vehicle.rotors.iter().zip(&hover).filter(|(rotor, _)| rotor.carries()) {
            let spare = (rotor.motor.max_thrust() - hover) * rotor.axis.z;
            torque.x += rotor.position.y.abs() * spare;
            torque.y += rotor.position.x.abs() * spare;
            torque.z += rotor.motor.moment_constant * spare;
        }
        let authority = torque.component_div(&vehicle.inertia) * 0.6;
        // How long a tilt of half a radian takes at that authority decides how fast the outer loop may be.
        let lag = (2.0 * (0.5 / authority.x.min(authority.y)).sqrt()).clamp(0.1, 0.6);
        // Horizontal acceleration at full thrust with the weight still carried; steering needs its share.
        let reach = ((vehicle.max_thrust() / vehicle.mass).powi(2) - gravity * gravity).max(1.0).sqrt();
        Some(Self {
            velocity_gain: (1.7 / lag).min(7.0),
            lookahead: 0.5 * lag,
            max_acceleration: (0.45 * reach).min(7.0),
            max_climb_acceleration: 4.0,
            max_tilt: 0.65,
            max_yaw_rate: 2.5,
            attitude_gain: Vector3::new(11.0, 11.0, 4.0),
            rate_gain: Vector3::new(24.0, 24.0, 10.0),
            authority,
            heading: None,
            height: None,
            mixer,
        })
    }

    /// Asks for no more acceleration than this, m/s2: the smaller of x and y in the horizontal plane, z upwards and downwards. Never for
    /// less than a tenth of a m/s2, with which it could not hold a place.
    pub fn limit_acceleration(&mut self, most: &Vector3<f64>) {
        let most = most.map(|m| if m.is_nan() { f64::INFINITY } else { m.max(0.1) });
        self.max_acceleration = self.max_acceleration.min(most.x.min(most.y));
        self.max_climb_acceleration = self.max_climb_acceleration.min(most.z);
    }

    /// Forgets the heading and the height to hold.
    pub fn forget(&mut self) {
        (self.heading, self.height) = (None, None);
    }

    /// Rotor speeds to command, rad/s. `dt` is the time since the last call, seconds; `gravity` in m/s2 (world).
    pub fn update(
        &mut self,
        vehicle: &Vehicle,
        state: &State,
        command: &Command,
        gravity: &Vector3<f64>,
        wind: &Vector3<f64>,
        dt: f64,
    ) -> Rotors {
        let yaw = state.yaw();
        let yaw_rate = command.yaw_rate.clamp(-self.max_yaw_rate, self.max_yaw_rate);
        // The heading to hold may run ahead only as far as the vehicle can be expected to catch up.
        let ahead = wrap(self.heading.unwrap_or(yaw) + yaw_rate * dt - yaw).clamp(-0.4, 0.4);
        self.heading = Some(wrap(yaw + ahead));

        let above = (self.height.unwrap_or(state.position.z) + command.velocity.z * dt - state.position.z)
            .clamp(-0.5, 0.5);
        self.height = Some(state.position.z + above);
        let mut command = *command;
        command.velocity.z += HEIGHT_GAIN * above;
        let wanted = self.acceleration(vehicle, state, &command, yaw, gravity, wind) - gravity;
        let attitude = self.attitude(&wanted, yaw + ahead);
        let up = state.rotation() * Vector3::z();
        // Weight is carried whatever the tilt of the moment; what that costs sideways the next updates see.
        let thrust = (vehicle.mass * wanted.z / up.z.max(0.5)).max(0.0);

        let mut error = (state.rotation().inverse() * attitude).into_inner();
        if error.w < 0.0 {
            error = -error;
        }
        let error = error.imag() * 2.0;
        let mut rates = Vector3::from_fn(|i, _| brakable(error[i], self.attitude_gain[i], self.authority[i]));
        rates += state.rotation().inverse() * Vector3::new(0.0, 0.0, yaw_rate);
        let turn = (rates - state.rates).component_mul(&self.rate_gain);
        let momentum = vehicle.momentum(&state.rates);
        let torque = vehicle.momentum(&turn) + state.rates.cross(&momentum);
        self.mixer.rotor_speeds(thrust, &torque)
    }

    /// Acceleration to strive for, world, without gravity.
    fn acceleration(
        &self,
        vehicle: &Vehicle,
        state: &State,
        command: &Command,
        yaw: f64,
        gravity: &Vector3<f64>,
        wind: &Vector3<f64>,
    ) -> Vector3<f64> {
        let heading = UnitQuaternion::from_euler_angles(0.0, 0.0, yaw);
        let goal = heading * command.velocity;
        let (force, _) = dynamics::wrench(vehicle, state, wind);
        let now = state.rotation() * force / vehicle.mass + gravity;
        let mut wanted = goal - state.velocity;
        // A velocity that turns with the heading is itself an acceleration.
        let rate =
            if command.steady { 0.0 } else { command.yaw_rate.clamp(-self.max_yaw_rate, self.max_yaw_rate) };
        let turning = Vector3::z().cross(&goal) * rate;
        wanted.x -= (now.x - turning.x) * self.lookahead;
        wanted.y -= (now.y - turning.y) * self.lookahead;
        wanted = wanted * self.velocity_gain + turning;
        let level = wanted.x.hypot(wanted.y);
        if level > self.max_acceleration {
            let shorter = self.max_acceleration / level;
            wanted.x *= shorter;
            wanted.y *= shorter;
        }
        wanted.z = wanted.z.clamp(-self.max_climb_acceleration, self.max_climb_acceleration);
        // What the rotors' drag takes is given on top.
        let lift = Vector3::new(
            0.0,
            0.0,
            vehicle.rotors.iter().zip(state.rotors.iter()).fold(0.0, |sum, (rotor, w)| {
                let thrust = rotor.motor.thrust_constant * w * w;
                sum + if rotor.is_upright() { thrust } else { thrust * rotor.axis.z }
            }),
        );
        let lost = state.rotation() * (force - lift) / vehicle.mass;
        wanted - Vector3::new(lost.x, lost.y, 0.0)
    }

    /// The attitude whose z axis points along `push`, tilted no more than allowed, heading `yaw`.
    fn attitude(&self, push: &Vector3<f64>, yaw: f64) -> UnitQuaternion<f64> {
        let mut push = *push;
        push.z = push.z.max(1.0);
        let level = push.x.hypot(push.y);
        let most = push.z * self.max_tilt.tan();
        if level > most {
            push.x *= most / level;
            push.y *= most / level;
        }
        let heading = UnitQuaternion::from_euler_angles(0.0, 0.0, yaw);
        let tilt =
            UnitQuaternion::rotation_between(&Vector3::z(), &push).unwrap_or_else(UnitQuaternion::identity);
        tilt * heading
    }
}

/// A rate towards an error of zero: `gain * error`, but never more than can be braked with `authority`.
fn brakable(error: f64, gain: f64, authority: f64) -> f64 {
    let linear = authority / (gain * gain);
    if error.abs() <= linear {
        return gain * error;
    }
    (2.0 * authority * (error.abs() - linear / 2.0)).sqrt().copysign(error)
}

/// The same angle within plus or minus pi.
fn wrap(angle: f64) -> f64 {
    let turn = std::f64::consts::TAU;
    angle - turn * (angle / turn).round()
}

impl Stateful for Command {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        tape.vector(&mut self.velocity);
        tape.f64(&mut self.yaw_rate);
        tape.bool(&mut self.steady);
    }
}

impl Stateful for Controller {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        tape.option(&mut self.heading, || 0.0, Tape::f64);
        tape.option(&mut self.height, || 0.0, Tape::f64);
    }
}
