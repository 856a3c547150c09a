//! What clients tell the vehicle.

use std::sync::{Arc, Mutex, PoisonError};

use nalgebra::Vector3;
use peregrine_gz::GzNode;
use peregrine_gz::msgs::core::Boolean;
use peregrine_gz::msgs::geometry::Twist;

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

/// Commands that wait for the next step.
#[derive(Debug)]
pub struct Inbox {
    velocity: Option<Velocity>,
    /// A command stands until the next one, as Gazebo's controller has it.
    standing: Option<Velocity>,
    enabled: bool,
}

impl Default for Inbox {
    fn default() -> Self {
        Self { velocity: None, standing: None, enabled: true }
    }
}

impl Inbox {
    /// The command that holds now; `None` until the first one, and while commands are not obeyed.
    pub fn take_velocity(&mut self) -> Option<Velocity> {
        if let Some(velocity) = self.velocity.take() {
            self.standing = Some(velocity);
        }
        self.standing.filter(|_| self.enabled)
    }
}

/// Listens on `/model/M/cmd_vel` and `/model/M/enable`, and where the model's own controller would.
pub(super) fn listen(
    node: &GzNode,
    craft: &str,
    model: Option<&SdfModel>,
    inbox: &Arc<Mutex<Inbox>>,
) -> Result<()> {
    let mut commands = vec![format!("/model/{craft}/cmd_vel")];
    let mut enables = vec![format!("/model/{craft}/enable")];
    for plugin in model.into_iter().flat_map(|m| &m.plugins) {
        if let Some(Known::MulticopterVelocityControl(control)) = &plugin.known {
            let name = |topic: &str| {
                let parts = [control.namespace.trim_matches('/'), topic.trim_matches('/')];
                parts.iter().filter(|p| !p.is_empty()).fold(String::new(), |all, p| all + "/" + p)
            };
            commands.push(name(&control.command_topic));
            enables.push(name(&control.enable_topic));
        }
    }
    commands.dedup();
    enables.dedup();
    for topic in commands {
        let to = inbox.clone();
        node.subscribe(&topic, move |twist: Twist| {
            let (linear, angular) = (twist.linear.unwrap_or_default(), twist.angular.unwrap_or_default());
            let linear = Vector3::new(linear.x, linear.y, linear.z);
            if linear.iter().all(|x| x.is_finite()) && angular.z.is_finite() {
                let velocity = Velocity { linear, yaw_rate: angular.z };
                to.lock().unwrap_or_else(PoisonError::into_inner).velocity = Some(velocity);
            }
        })?;
    }
    for topic in enables {
        let to = inbox.clone();
        node.subscribe(&topic, move |enable: Boolean| {
            to.lock().unwrap_or_else(PoisonError::into_inner).enabled = enable.data;
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_stands_until_the_next_and_while_enabled() {
        let mut inbox = Inbox::default();
        assert_eq!(inbox.take_velocity(), None);
        let fast = Velocity { linear: Vector3::x(), yaw_rate: 0.0 };
        inbox.velocity = Some(fast);
        assert_eq!((inbox.take_velocity(), inbox.take_velocity()), (Some(fast), Some(fast)));
        inbox.enabled = false;
        assert_eq!(inbox.take_velocity(), None);
    }
}
