//! Odometry from its parts, for autopilots that tell no ODOMETRY: LOCAL_POSITION_NED with ATTITUDE_QUATERNION.
//!
//! Each position is joined with the attitude of nearly the same moment; without one it is not told.

use mavlink::dialects::common::{ATTITUDE_QUATERNION_DATA, LOCAL_POSITION_NED_DATA};

use super::axes::{self, World};
use super::odometry::Odometry;

/// Farther apart than this they are of two moments, milliseconds.
const TOGETHER: u32 = 60;

/// The last attitude, until its position comes.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    attitude: Option<ATTITUDE_QUATERNION_DATA>,
}

impl Parts {
    /// Takes in an attitude.
    pub fn attitude(&mut self, m: &ATTITUDE_QUATERNION_DATA) {
        self.attitude = Some(m.clone());
    }

    /// Takes in a position: odometry, when the attitude of its time is known and all numbers are there.
    #[must_use]
    pub fn position(&self, m: &LOCAL_POSITION_NED_DATA) -> Option<Odometry> {
        let a = self.attitude.as_ref().filter(|a| a.time_boot_ms.abs_diff(m.time_boot_ms) <= TOGETHER)?;
        let wide = |v: [f32; 3]| v.map(f64::from);
        let theirs = Odometry::checked(
            wide([m.x, m.y, m.z]),
            // q1 is w.
            [a.q2, a.q3, a.q4, a.q1].map(f64::from),
            wide([m.vx, m.vy, m.vz]),
            wide([a.rollspeed, a.pitchspeed, a.yawspeed]),
        )?;
        let world = World::Ned;
        Some(Odometry {
            position: world.vector(&theirs.position),
            attitude: world.attitude(&theirs.attitude),
            velocity: axes::body(&(theirs.attitude.inverse() * theirs.velocity)),
            rate: axes::body(&theirs.rate),
            pose_covariance: None,
            twist_covariance: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 north, 20 east, 5 up, looking east, flying north-east.
    fn some() -> (ATTITUDE_QUATERNION_DATA, LOCAL_POSITION_NED_DATA) {
        let h = std::f32::consts::FRAC_1_SQRT_2;
        let attitude = ATTITUDE_QUATERNION_DATA {
            time_boot_ms: 1000,
            q1: h,
            q4: h,
            rollspeed: 0.1,
            pitchspeed: 0.2,
            yawspeed: 0.3,
            ..Default::default()
        };
        let position = LOCAL_POSITION_NED_DATA {
            time_boot_ms: 1020,
            x: 10.0,
            y: 20.0,
            z: -5.0,
            vx: 1.0,
            vy: 2.0,
            vz: 0.5,
        };
        (attitude, position)
    }

    #[test]
    fn both_parts_become_odometry_in_the_axes_of_ros() {
        let (attitude, position) = some();
        let mut parts = Parts::default();
        assert!(parts.position(&position).is_none(), "no attitude yet");
        parts.attitude(&attitude);
        let o = parts.position(&position).unwrap();
        assert_eq!(o.position.as_slice(), [20.0, 10.0, 5.0]);
        // East is ahead, north is left.
        let v = o.velocity;
        assert!((v.x - 2.0).abs() < 1e-6 && (v.y - 1.0).abs() < 1e-6 && (v.z + 0.5).abs() < 1e-6, "{v:?}");
        assert!(o.attitude.angle() < 1e-6, "looks along odom's x");
        assert!((o.rate.y + 0.2).abs() < 1e-6 && (o.rate.z + 0.3).abs() < 1e-6);
    }

    #[test]
    fn parts_of_two_moments_and_nonsense_are_none() {
        let (attitude, position) = some();
        let mut parts = Parts::default();
        parts.attitude(&attitude);
        assert!(
            parts.position(&LOCAL_POSITION_NED_DATA { time_boot_ms: 1200, ..position.clone() }).is_none()
        );
        assert!(parts.position(&LOCAL_POSITION_NED_DATA { vx: f32::NAN, ..position.clone() }).is_none());
        parts.attitude(&ATTITUDE_QUATERNION_DATA { q1: 0.0, q4: 0.0, ..attitude });
        assert!(parts.position(&position).is_none());
    }
}
