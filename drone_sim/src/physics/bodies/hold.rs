//! Joints between bodies.

use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use rapier3d_f64::dynamics::{
    GenericJoint, GenericJointBuilder, JointAxesMask, JointAxis, MotorModel, Multibody,
};

use super::form::pose;
use crate::physics::joints::{Freedom, Law};

/// How a body hangs on another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hold {
    /// What it leaves free; `None` for a ball joint.
    pub freedom: Option<Freedom>,
    /// Limits, damping, friction, spring.
    pub law: Law,
    /// The joint's frame in the one body.
    pub parent: Isometry3<f64>,
    /// The same frame in the other, as both are now.
    pub child: Isometry3<f64>,
}

/// A limit beyond this is none, as files write it: radians or metres.
const ENDLESS: f64 = 1e6;
/// Damping that stands for "does not slip", for dry friction of joints that are held by impulses.
const GRIP: f64 = 1e6;

impl Hold {
    /// The axis that it leaves free, and its direction in the joint's frame.
    fn axis(&self) -> Option<(JointAxis, Vector3<f64>)> {
        match self.freedom? {
            Freedom::Turn(along) => Some((JointAxis::AngX, along)),
            Freedom::Slide(along) => Some((JointAxis::LinX, along)),
            Freedom::Fixed => None,
        }
    }

    /// In the solver's words, where x is its axis; without what acts in it but the limits.
    pub(super) fn joint(&self) -> GenericJoint {
        let locked = match self.freedom {
            Some(Freedom::Turn(_)) => JointAxesMask::LOCKED_REVOLUTE_AXES,
            Some(Freedom::Slide(_)) => JointAxesMask::LOCKED_PRISMATIC_AXES,
            Some(Freedom::Fixed) => JointAxesMask::LOCKED_FIXED_AXES,
            None => JointAxesMask::LOCKED_SPHERICAL_AXES,
        };
        let along = self.axis().map_or_else(Vector3::x, |(_, along)| along);
        let turn = UnitQuaternion::rotation_between(&Vector3::x(), &along)
            .unwrap_or_else(|| UnitQuaternion::from_axis_angle(&Vector3::z_axis(), std::f64::consts::PI));
        let frame = |own: &Isometry3<f64>| pose(&(own * turn));
        let joint = GenericJointBuilder::new(locked)
            .local_frame1(frame(&self.parent))
            .local_frame2(frame(&self.child))
            // As in Gazebo, where what a joint joins does not collide.
            .contacts_enabled(false);
        let Some((axis, _)) = self.axis() else { return joint.build() };
        let (lower, upper) = (self.law.lower, self.law.upper);
        if lower > -ENDLESS || upper < ENDLESS {
            return joint.limits(axis, [lower.max(-ENDLESS), upper.min(ENDLESS)]).build();
        }
        joint.build()
    }

    /// Lets what acts in the joint act, in joint coordinates.
    pub(super) fn act(&self, body: &mut Multibody, link: usize) {
        let Some(link) = body.link_mut(link) else { return };
        let first = link.assembly_id();
        let Some((axis, _)) = self.axis() else {
            // The solver would damp a ball joint by itself.
            let free = if self.freedom.is_none() { 3 } else { 0 };
            body.damping_mut().rows_mut(first, free).fill(0.0);
            return;
        };
        if self.law.stiffness > 0.0 {
            link.joint.set_spring(axis as usize, self.law.stiffness, self.law.reference);
        }
        body.damping_mut()[first] = self.law.damping;
        body.frictions_mut()[first] = self.law.friction;
    }

    /// The joint with what acts in it, for one that closes a loop: of a spring, friction and damping the first that there is.
    pub(super) fn closing(&self) -> GenericJoint {
        let (mut joint, law) = (self.joint(), &self.law);
        let Some((axis, _)) = self.axis() else { return joint };
        joint.set_motor_model(axis, MotorModel::ForceBased);
        if law.stiffness > 0.0 {
            joint.set_motor_position(axis, law.reference, law.stiffness, law.damping);
        } else if law.friction > 0.0 {
            joint.set_motor_velocity(axis, 0.0, GRIP);
            joint.set_motor_max_force(axis, law.friction);
        } else if law.damping > 0.0 {
            joint.set_motor_velocity(axis, 0.0, law.damping);
        }
        joint
    }
}
