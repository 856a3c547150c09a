//! How a vehicle begins.

use crate::error::{Result, SimError};
use crate::scenario::World;
use crate::sdf::types::{Known, SdfModel};

use super::Config;

/// What the vehicle does before its first command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// It hovers at the start.
    Hover,
    /// Its rotors rest, as those of Gazebo's velocity controller do: it stays where it stands, or falls. The first velocity, or rotor
    /// speeds, set it in motion.
    Rest,
    /// It stands on its feet, and only rotor speeds set it in motion, as of a model of Gazebo's that brings motors and no velocity
    /// controller.
    Stand,
}

/// The words of the parameter `start`.
const AUTO: &str = "auto";

impl Start {
    /// Of the parameters, in that world. A vehicle that Gazebo's clients are to command begins as it would in Gazebo.
    pub fn of(config: &Config, world: &World) -> Result<Self> {
        let own = world.craft.as_deref().filter(|_| config.vehicle.is_empty());
        let stops = config.on_collision == "stop";
        match config.start.as_str() {
            AUTO if config.gz && !stops => Ok(own.map_or(Self::Hover, at_rest)),
            AUTO | "hover" => Ok(Self::Hover),
            // The ground is touched, and that would be the end.
            "rest" if stops => Err(bad("rest", "which touches the ground; use on_collision: continue")),
            "rest" => Ok(own.map_or(Self::Rest, at_rest)),
            other => Err(bad(other, "which is unknown; use auto, hover or rest")),
        }
    }

    /// The parameter `start` as a checkpoint must share it: what it comes to, where it follows from others.
    pub fn identity(config: &Config) -> String {
        match config.start.as_str() {
            AUTO if config.gz => format!("{AUTO} with gz"),
            AUTO => "hover".to_string(),
            other => other.to_string(),
        }
    }
}

fn at_rest(model: &SdfModel) -> Start {
    let controlled = |m: &SdfModel| {
        m.plugins.iter().any(|p| matches!(p.known, Some(Known::MulticopterVelocityControl(_))))
    };
    if controlled(model) || model.models.iter().any(controlled) { Start::Rest } else { Start::Stand }
}

fn bad(value: &str, reason: &str) -> SimError {
    SimError::Parameter { name: "start", value: format!("\"{value}\""), reason: reason.to_string() }
}
