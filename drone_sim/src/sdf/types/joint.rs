//! What holds links together.

use std::fmt;

use nalgebra::{Isometry3, Vector3};

use crate::sensors::spec::SensorSpec;

/// A joint.
#[derive(Debug, Clone, PartialEq)]
pub struct Joint {
    /// Its name.
    pub name: String,
    /// How it moves.
    pub kind: JointKind,
    /// Parent frame or link, `world` too.
    pub parent: String,
    /// Child frame or link.
    pub child: String,
    /// Its frame.
    pub pose: Isometry3<f64>,
    /// `<axis>`; its direction is in the joint's frame.
    pub axis: Option<JointAxis>,
    /// `<axis2>` of universal, revolute2 and gearbox joints.
    pub axis2: Option<JointAxis>,
    /// Of a screw joint, metres per turn (`screw_thread_pitch`) or as written (`thread_pitch`).
    pub thread_pitch: f64,
    /// Of a gearbox.
    pub gearbox_ratio: f64,
    /// What it senses.
    pub sensors: Vec<SensorSpec>,
}

/// `type` of a joint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum JointKind {
    Ball,
    Continuous,
    Fixed,
    Gearbox,
    Prismatic,
    Revolute,
    Revolute2,
    Screw,
    Universal,
}

impl JointKind {
    const NAMES: [(Self, &'static str); 9] = [
        (Self::Ball, "ball"),
        (Self::Continuous, "continuous"),
        (Self::Fixed, "fixed"),
        (Self::Gearbox, "gearbox"),
        (Self::Prismatic, "prismatic"),
        (Self::Revolute, "revolute"),
        (Self::Revolute2, "revolute2"),
        (Self::Screw, "screw"),
        (Self::Universal, "universal"),
    ];

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        Self::NAMES.iter().find(|(_, n)| *n == name).map(|(kind, _)| *kind)
    }

    /// As SDF writes it.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

impl fmt::Display for JointKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An axis of motion.
#[derive(Debug, Clone, PartialEq)]
pub struct JointAxis {
    /// Unit vector.
    pub xyz: Vector3<f64>,
    /// Lowest position, rad or m.
    pub lower: f64,
    /// Highest position, rad or m.
    pub upper: f64,
    /// Largest torque or force, N m or N; infinite where the file sets no bound.
    pub effort: f64,
    /// Largest speed, rad/s or m/s; infinite where the file sets no bound.
    pub velocity: f64,
    /// N m s/rad or N s/m.
    pub damping: f64,
    /// N m or N.
    pub friction: f64,
    /// Position at which the spring rests, rad or m.
    pub spring_reference: f64,
    /// N m/rad or N/m.
    pub spring_stiffness: f64,
}

impl Default for JointAxis {
    fn default() -> Self {
        Self {
            xyz: Vector3::z(),
            lower: -1e16,
            upper: 1e16,
            effort: f64::INFINITY,
            velocity: f64::INFINITY,
            damping: 0.0,
            friction: 0.0,
            spring_reference: 0.0,
            spring_stiffness: 0.0,
        }
    }
}
