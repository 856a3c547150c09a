//! What clients tell the vehicle.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nalgebra::Vector3;
use peregrine_gz::GzNode;
use peregrine_gz::msgs::core::Boolean;
use peregrine_gz::msgs::geometry::Twist;
use peregrine_gz::msgs::sensing::Actuators;

use crate::checkpoint::{Stateful, Tape};
use crate::error::Result;
use crate::sdf::types::{Known, SdfModel};

/// A velocity command in the heading frame: x forward, y left, z up, m/s; yaw rate about z, rad/s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Velocity {
    /// Velocity.
    pub linear: Vector3<f64>,
    /// Yaw rate.
    pub yaw_rate: f64,
}

/// Commands that wait for the next step, whichever transport they came by.
#[derive(Debug)]
pub struct Inbox {
    velocity: Option<Velocity>,
    /// A command stands until the next one, as Gazebo's controller has it.
    standing: Option<Velocity>,
    rotors: Option<Vec<f64>>,
    enabled: bool,
    /// The rotors are to stop.
    stop: bool,
    /// It was said that a velocity was no velocity.
    told: bool,
}

impl Default for Inbox {
    fn default() -> Self {
        Self { velocity: None, standing: None, rotors: None, enabled: true, stop: false, told: false }
    }
}

impl Inbox {
    /// A velocity; what is not finite is left out, and said the first time.
    pub fn put_velocity(&mut self, velocity: Velocity) {
        if velocity.linear.iter().all(|x| x.is_finite()) && velocity.yaw_rate.is_finite() {
            self.velocity = Some(velocity);
        } else if !std::mem::replace(&mut self.told, true) {
            tracing::warn!(
                "PG-1044 {velocity:?} of a client is not finite and not obeyed; the last command stands"
            );
        }
    }

    /// Whether velocities are obeyed. As Gazebo's controller has it, the rotors stop when they are no longer, and it takes a new
    /// velocity to start them.
    pub fn enable(&mut self, enabled: bool) {
        self.stop = !enabled && (self.enabled || self.stop);
        self.enabled = enabled;
    }

    /// Whether the rotors are to stop now. Says so once, and forgets the velocities of before.
    pub fn take_stop(&mut self) -> bool {
        let stop = std::mem::take(&mut self.stop);
        if stop {
            self.clear();
        }
        stop
    }

    /// Rotor speeds by actuator number, rad/s.
    pub fn put_rotors(&mut self, speeds: Vec<f64>) {
        self.rotors = Some(speeds);
    }

    /// The command that holds now; `None` until the first one, and while commands are not obeyed.
    pub fn take_velocity(&mut self) -> Option<Velocity> {
        if let Some(velocity) = self.velocity.take() {
            self.standing = Some(velocity);
        }
        self.standing.filter(|_| self.enabled)
    }

    /// The rotor speeds that came since the last call.
    pub fn take_rotors(&mut self) -> Option<Vec<f64>> {
        self.rotors.take()
    }

    /// A command by another way came: what stood is over.
    pub fn clear(&mut self) {
        (self.velocity, self.standing) = (None, None);
    }
}

/// The topics on which Gazebo's multicopters take orders, and what the numbers of rotor speeds mean.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderTopics {
    /// Velocities: `/model/M/cmd_vel`, and where the model's own MulticopterVelocityControl listens.
    pub velocity: Vec<String>,
    /// Whether they are obeyed.
    pub enable: Vec<String>,
    /// Rotor speeds.
    pub rotors: String,
    /// Actuator number of each of the vehicle's rotors.
    pub numbers: Vec<usize>,
    /// The fastest that the model's own MulticopterVelocityControl lets it go along each axis, m/s, and turn, rad/s.
    pub fastest: (Vector3<f64>, f64),
    /// Whether the model has a MulticopterVelocityControl, to which its rotors belong: rotor speeds are not obeyed.
    pub controlled: bool,
}

impl OrderTopics {
    /// Of a vehicle called `craft`; `model` is what the world's file says of it.
    pub fn of(craft: &str, model: Option<&SdfModel>) -> Self {
        let join = |namespace: &str, topic: &str| {
            // Gazebo takes the model's name where a plugin gives no namespace, as PX4's x500 does not.
            let namespace = if namespace.trim().is_empty() { craft } else { namespace };
            let parts = [namespace.trim_matches('/'), topic.trim_matches('/')];
            parts.iter().filter(|p| !p.is_empty()).fold(String::new(), |all, p| all + "/" + p)
        };
        let mut out = Self {
            velocity: vec![format!("/model/{craft}/cmd_vel")],
            enable: vec![format!("/model/{craft}/enable")],
            rotors: format!("/{craft}/command/motor_speed"),
            numbers: vec![0, 1, 2, 3],
            fastest: (Vector3::repeat(f64::INFINITY), f64::INFINITY),
            controlled: false,
        };
        let mut numbers = Vec::new();
        for plugin in model.into_iter().flat_map(|m| &m.plugins) {
            match &plugin.known {
                Some(Known::MulticopterVelocityControl(control)) => {
                    out.velocity.push(join(&control.namespace, &control.command_topic));
                    out.enable.push(join(&control.namespace, &control.enable_topic));
                    out.controlled = true;
                    out.fastest = (control.max_linear_velocity.abs(), control.max_angular_velocity.z.abs());
                }
                Some(Known::MulticopterMotorModel(motor)) => {
                    out.rotors = join(&motor.namespace, &motor.command_topic);
                    numbers.push(motor.number as usize);
                }
                _ => {}
            }
        }
        numbers.sort_unstable();
        if !numbers.is_empty() {
            out.numbers = numbers;
        }
        out.velocity.dedup();
        out.enable.dedup();
        out
    }

    /// A velocity, kept within what the model allows.
    pub fn bounded(&self, velocity: Velocity) -> Velocity {
        let (linear, turn) = &self.fastest;
        Velocity {
            linear: velocity.linear.zip_map(linear, |v, most| v.clamp(-most, most)),
            yaw_rate: velocity.yaw_rate.clamp(-turn, *turn),
        }
    }

    /// The speeds of the vehicle's rotors out of a command; `None` if it lacks some or holds what is no speed.
    pub fn speeds(&self, command: &[f64]) -> Option<Vec<f64>> {
        let speed = |n: &usize| command.get(*n).copied().unwrap_or(f64::NAN);
        let speeds: Vec<f64> = self.numbers.iter().map(speed).collect();
        speeds.iter().all(|s| s.is_finite()).then_some(speeds)
    }
}

/// Listens on a vehicle's topics.
pub(super) fn listen(node: &GzNode, topics: &OrderTopics, inbox: &Arc<Mutex<Inbox>>) -> Result<()> {
    for topic in &topics.velocity {
        let to = inbox.clone();
        node.subscribe(topic, move |twist: Twist| {
            let (linear, angular) = (twist.linear.unwrap_or_default(), twist.angular.unwrap_or_default());
            let linear = Vector3::new(linear.x, linear.y, linear.z);
            lock(&to).put_velocity(Velocity { linear, yaw_rate: angular.z });
        })?;
    }
    for topic in &topics.enable {
        let to = inbox.clone();
        node.subscribe(topic, move |enable: Boolean| lock(&to).enable(enable.data))?;
    }
    let to = inbox.clone();
    node.subscribe(&topics.rotors, move |actuators: Actuators| lock(&to).put_rotors(actuators.velocity))?;
    Ok(())
}

/// What waits.
pub fn lock(inbox: &Mutex<Inbox>) -> MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stateful for Velocity {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        tape.vector(&mut self.linear);
        tape.f64(&mut self.yaw_rate);
    }
}

impl Stateful for Inbox {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        let still = || Velocity { linear: Vector3::zeros(), yaw_rate: 0.0 };
        for velocity in [&mut self.velocity, &mut self.standing] {
            tape.option(velocity, still, |tape, v| v.go_over(tape));
        }
        tape.option(&mut self.rotors, Vec::new, |tape, all| tape.list(all, || 0.0, Tape::f64));
        tape.bool(&mut self.enabled);
        tape.bool(&mut self.stop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_stands_until_the_next_and_while_enabled() {
        let mut inbox = Inbox::default();
        assert_eq!(inbox.take_velocity(), None);
        let fast = Velocity { linear: Vector3::x(), yaw_rate: 0.0 };
        inbox.put_velocity(fast);
        assert_eq!((inbox.take_velocity(), inbox.take_velocity()), (Some(fast), Some(fast)));
        inbox.enable(false);
        assert_eq!(inbox.take_velocity(), None);
    }

    #[test]
    fn who_is_no_longer_enabled_stops_once_and_waits_for_a_new_command() {
        let (fast, slow) = (Vector3::x() * 3.0, Vector3::x());
        let [fast, slow] = [fast, slow].map(|linear| Velocity { linear, yaw_rate: 0.0 });
        let mut inbox = Inbox::default();
        inbox.put_velocity(fast);
        inbox.enable(false);
        inbox.enable(false);
        assert_eq!((inbox.take_stop(), inbox.take_stop()), (true, false));
        inbox.enable(false);
        inbox.enable(true);
        assert_eq!((inbox.take_stop(), inbox.take_velocity()), (false, None), "it was stopped already");
        // What comes meanwhile counts once it is enabled again.
        inbox.enable(false);
        assert!(inbox.take_stop());
        inbox.put_velocity(slow);
        assert_eq!(inbox.take_velocity(), None);
        inbox.enable(true);
        assert_eq!((inbox.take_stop(), inbox.take_velocity()), (false, Some(slow)));
        // Between two steps nobody sees it.
        inbox.enable(false);
        inbox.enable(true);
        assert_eq!((inbox.take_stop(), inbox.take_velocity()), (false, Some(slow)));
    }

    #[test]
    fn a_model_says_how_fast_it_may_go() {
        let topics =
            OrderTopics { fastest: (Vector3::new(1.0, 2.0, 3.0), 0.5), ..OrderTopics::of("x3", None) };
        let fast = Velocity { linear: Vector3::new(-4.0, 1.5, 9.0), yaw_rate: -2.0 };
        let bounded = topics.bounded(fast);
        assert_eq!((bounded.linear, bounded.yaw_rate), (Vector3::new(-1.0, 1.5, 3.0), -0.5));
        assert_eq!(OrderTopics::of("x3", None).bounded(fast), fast);
    }

    #[test]
    fn rotor_speeds_go_by_their_numbers() {
        let topics = OrderTopics { numbers: vec![2, 3, 0, 1], ..OrderTopics::of("x3", None) };
        assert_eq!(topics.rotors, "/x3/command/motor_speed");
        assert_eq!(topics.speeds(&[1.0, 2.0, 3.0, 4.0, 5.0]), Some(vec![3.0, 4.0, 1.0, 2.0]));
        assert_eq!(topics.speeds(&[1.0, 2.0, 3.0]), None);
        assert_eq!(topics.speeds(&[1.0, 2.0, 3.0, f64::NAN]), None);
    }
}
