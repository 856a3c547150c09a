//! A velocity command as SET_POSITION_TARGET_LOCAL_NED.

use mavlink::dialects::common::{MavFrame, PositionTargetTypemask, SET_POSITION_TARGET_LOCAL_NED_DATA};
use nalgebra::Vector3;

use super::axes;

/// In which axes a velocity is given, by the header's frame_id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axes {
    /// Level, x along the heading, y left, z up.
    Heading,
    /// East, north, up.
    World,
}

impl Axes {
    /// The axes that a frame_id names: `base_link` or none is the heading, `odom`, `map`, `world` the world.
    #[must_use]
    pub fn of(frame_id: &str) -> Option<Self> {
        match frame_id.trim_start_matches('/') {
            "" | "base_link" | "base_footprint" | "base_stabilized" => Some(Self::Heading),
            "odom" | "map" | "world" => Some(Self::World),
            _ => None,
        }
    }
}

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// System.
    pub system: u8,
    /// Component.
    pub component: u8,
}

impl Target {
    /// Whether what a system and component say is said by whom commands are for. A companion computer of the same system
    /// may speak of its own odometry, which is not the autopilot's estimate.
    #[must_use]
    pub fn speaks(&self, system: u32, component: u8) -> bool {
        system == u32::from(self.system) && (component == self.component || component == AUTOPILOT)
    }
}

/// MAV_COMP_ID_AUTOPILOT1.
const AUTOPILOT: u8 = 1;

/// The message for a velocity, m/s, and a rate of turn about up, rad/s. `boot_ms` is milliseconds since this node began.
///
/// In the heading's axes the frame is MAV_FRAME_BODY_NED, which PX4 and ArduPilot turn by the heading alone, never by
/// roll and pitch; `world` says what the autopilot's local frame is to odom.
#[must_use]
#[expect(deprecated, reason = "PX4 and ArduPilot take BODY_NED; its successor BODY_FRD is not taken by PX4")]
pub fn velocity_setpoint(
    velocity: &Vector3<f64>,
    yaw_rate: f64,
    axes_of: Axes,
    world: axes::World,
    to: Target,
    boot_ms: u32,
) -> SET_POSITION_TARGET_LOCAL_NED_DATA {
    let (v, coordinate_frame) = match axes_of {
        Axes::Heading => (axes::body(velocity), MavFrame::MAV_FRAME_BODY_NED),
        Axes::World => (world.vector(velocity), MavFrame::MAV_FRAME_LOCAL_NED),
    };
    use PositionTargetTypemask as Ignore;
    let type_mask = Ignore::POSITION_TARGET_TYPEMASK_X_IGNORE
        | Ignore::POSITION_TARGET_TYPEMASK_Y_IGNORE
        | Ignore::POSITION_TARGET_TYPEMASK_Z_IGNORE
        | Ignore::POSITION_TARGET_TYPEMASK_AX_IGNORE
        | Ignore::POSITION_TARGET_TYPEMASK_AY_IGNORE
        | Ignore::POSITION_TARGET_TYPEMASK_AZ_IGNORE
        | Ignore::POSITION_TARGET_TYPEMASK_YAW_IGNORE;
    SET_POSITION_TARGET_LOCAL_NED_DATA {
        time_boot_ms: boot_ms,
        target_system: to.system,
        target_component: to.component,
        coordinate_frame,
        type_mask,
        vx: v.x as f32,
        vy: v.y as f32,
        vz: v.z as f32,
        yaw_rate: axes::yaw_rate(yaw_rate) as f32,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: Target = Target { system: 3, component: 4 };

    #[test]
    #[expect(deprecated, reason = "as above")]
    fn forward_left_up_becomes_forward_right_down() {
        let v = Vector3::new(1.0, 2.0, 3.0);
        let m = velocity_setpoint(&v, 0.5, Axes::Heading, axes::World::Ned, TO, 7);
        assert_eq!((m.vx, m.vy, m.vz, m.yaw_rate), (1.0, -2.0, -3.0, -0.5));
        assert_eq!((m.coordinate_frame, m.type_mask.bits()), (MavFrame::MAV_FRAME_BODY_NED, 1479));
        assert_eq!((m.target_system, m.target_component, m.time_boot_ms), (3, 4, 7));
    }

    #[test]
    fn east_north_up_becomes_north_east_down() {
        let v = Vector3::new(1.0, 2.0, 3.0);
        let m = velocity_setpoint(&v, 0.0, Axes::World, axes::World::Ned, TO, 0);
        assert_eq!((m.vx, m.vy, m.vz, m.coordinate_frame), (2.0, 1.0, -3.0, MavFrame::MAV_FRAME_LOCAL_NED));
        let m = velocity_setpoint(&v, 0.0, Axes::World, axes::World::Frd, TO, 0);
        assert_eq!((m.vx, m.vy, m.vz), (1.0, -2.0, -3.0));
    }

    #[test]
    fn the_autopilot_speaks_for_the_vehicle_and_its_companions_do_not() {
        assert!(TO.speaks(3, 4) && TO.speaks(3, 1));
        assert!(!TO.speaks(3, 197) && !TO.speaks(2, 1) && !TO.speaks(259, 4));
        let all = Target { system: 3, component: 0 };
        assert!(all.speaks(3, 1) && !all.speaks(3, 197));
    }

    #[test]
    fn frames_are_known_by_name() {
        assert_eq!(
            ["", "base_link", "/odom", "map"].map(Axes::of),
            [Axes::Heading, Axes::Heading, Axes::World, Axes::World].map(Some)
        );
        assert_eq!(Axes::of("camera"), None);
    }
}
