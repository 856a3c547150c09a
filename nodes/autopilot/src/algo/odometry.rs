//! Odometry as MAVLink's ODOMETRY, both ways.

use mavlink::dialects::common::{MavEstimatorType, MavFrame, ODOMETRY_DATA};
use nalgebra::{Quaternion, UnitQuaternion, Vector3};

use super::axes::{self, Covariance, World};

/// A pose and a twist in ROS's axes: the pose in odom, the twist in base_link.
#[derive(Debug, Clone, PartialEq)]
pub struct Odometry {
    /// Metres.
    pub position: Vector3<f64>,
    /// Body to odom.
    pub attitude: UnitQuaternion<f64>,
    /// m/s, body.
    pub velocity: Vector3<f64>,
    /// rad/s, body.
    pub rate: Vector3<f64>,
    /// Of position and rotation; `None` when not known.
    pub pose_covariance: Option<Covariance>,
    /// Of velocity and rate; `None` when not known.
    pub twist_covariance: Option<Covariance>,
}

impl Odometry {
    /// `None` when a number is missing or the quaternion is no rotation.
    #[must_use]
    pub fn checked(
        position: [f64; 3],
        [x, y, z, w]: [f64; 4],
        velocity: [f64; 3],
        rate: [f64; 3],
    ) -> Option<Self> {
        let norm = x.hypot(y).hypot(z.hypot(w));
        let finite = position.iter().chain(&velocity).chain(&rate).all(|v| v.is_finite());
        (finite && (0.9..1.1).contains(&norm)).then(|| Self {
            position: position.into(),
            attitude: UnitQuaternion::from_quaternion(Quaternion::new(w, x, y, z)),
            velocity: velocity.into(),
            rate: rate.into(),
            pose_covariance: None,
            twist_covariance: None,
        })
    }
}

/// A covariance as ROS writes it: 36 numbers row by row, all zero when it is not known.
#[must_use]
pub fn ros_covariance(numbers: &[f64; 36]) -> Option<Covariance> {
    let known = numbers.iter().any(|v| *v != 0.0) && numbers.iter().all(|v| v.is_finite());
    known.then(|| Covariance::from_row_slice(numbers))
}

/// For the estimator of the autopilot: `world` says what odom is to its local frame.
#[must_use]
pub fn to_mavlink(odometry: &Odometry, world: World, time_us: u64, resets: u8) -> ODOMETRY_DATA {
    let frame_id = match world {
        World::Ned => MavFrame::MAV_FRAME_LOCAL_NED,
        World::Frd => MavFrame::MAV_FRAME_LOCAL_FRD,
    };
    let p = world.vector(&odometry.position);
    let q = world.attitude(&odometry.attitude);
    let (v, r) = (axes::body(&odometry.velocity), axes::body(&odometry.rate));
    ODOMETRY_DATA {
        time_usec: time_us,
        frame_id,
        child_frame_id: MavFrame::MAV_FRAME_BODY_FRD,
        x: p.x as f32,
        y: p.y as f32,
        z: p.z as f32,
        q: [q.w as f32, q.i as f32, q.j as f32, q.k as f32],
        vx: v.x as f32,
        vy: v.y as f32,
        vz: v.z as f32,
        rollspeed: r.x as f32,
        pitchspeed: r.y as f32,
        yawspeed: r.z as f32,
        pose_covariance: triangle(odometry.pose_covariance.map(|c| world.pose_covariance(&c))),
        velocity_covariance: triangle(odometry.twist_covariance.map(|c| axes::twist_covariance(&c))),
        reset_counter: resets,
        estimator_type: MavEstimatorType::MAV_ESTIMATOR_TYPE_VIO,
        quality: 0,
    }
}

/// What the autopilot says. `None` when a number is missing, or for frames that are neither local nor the body's.
#[must_use]
pub fn from_mavlink(m: &ODOMETRY_DATA) -> Option<(Odometry, World)> {
    let world = match m.frame_id {
        MavFrame::MAV_FRAME_LOCAL_NED => World::Ned,
        MavFrame::MAV_FRAME_LOCAL_FRD => World::Frd,
        _ => return None,
    };
    let wide = |v: [f32; 3]| v.map(f64::from);
    let [w, x, y, z] = m.q.map(f64::from);
    let theirs = Odometry::checked(
        wide([m.x, m.y, m.z]),
        [x, y, z, w],
        wide([m.vx, m.vy, m.vz]),
        wide([m.rollspeed, m.pitchspeed, m.yawspeed]),
    )?;
    let velocity = match m.child_frame_id {
        MavFrame::MAV_FRAME_BODY_FRD => axes::body(&theirs.velocity),
        // PX4 may also tell the velocity in the local frame.
        MavFrame::MAV_FRAME_LOCAL_NED | MavFrame::MAV_FRAME_LOCAL_FRD if m.child_frame_id == m.frame_id => {
            axes::body(&(theirs.attitude.inverse() * theirs.velocity))
        }
        _ => return None,
    };
    let told = Odometry {
        position: world.vector(&theirs.position),
        attitude: world.attitude(&theirs.attitude),
        velocity,
        rate: axes::body(&theirs.rate),
        pose_covariance: square(&m.pose_covariance).map(|c| world.pose_covariance(&c)),
        // Of a velocity in the local frame the covariance is in that frame too: better none than one in wrong axes.
        twist_covariance: square(&m.velocity_covariance)
            .filter(|_| m.child_frame_id == MavFrame::MAV_FRAME_BODY_FRD)
            .map(|c| axes::twist_covariance(&c)),
    };
    Some((told, world))
}

/// The upper right triangle, row by row; NaN first when it is not known.
fn triangle(covariance: Option<Covariance>) -> [f32; 21] {
    let mut told = [0.0; 21];
    let Some(c) = covariance else {
        told[0] = f32::NAN;
        return told;
    };
    let places = (0..6).flat_map(|row| (row..6).map(move |column| (row, column)));
    for (slot, place) in told.iter_mut().zip(places) {
        *slot = c[place] as f32;
    }
    told
}

fn square(triangle: &[f32; 21]) -> Option<Covariance> {
    if triangle.iter().any(|v| !v.is_finite()) || triangle.iter().all(|v| *v == 0.0) {
        return None;
    }
    let mut c = Covariance::zeros();
    let places = (0..6).flat_map(|row| (row..6).map(move |column| (row, column)));
    for (value, (row, column)) in triangle.iter().zip(places) {
        c[(row, column)] = f64::from(*value);
        c[(column, row)] = f64::from(*value);
    }
    Some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Odometry {
        let q = UnitQuaternion::from_euler_angles(0.1, -0.2, 0.6);
        let mut o =
            Odometry::checked([1.0, 2.0, 3.0], [q.i, q.j, q.k, q.w], [4.0, 5.0, 6.0], [0.1, 0.2, 0.3])
                .unwrap();
        o.pose_covariance = Some(Covariance::from_fn(|r, c| if r == c { 1.0 + r as f64 } else { 0.25 }));
        o.twist_covariance = Some(Covariance::from_diagonal_element(0.5));
        o
    }

    #[test]
    fn there_and_back_is_the_same() {
        for world in [World::Ned, World::Frd] {
            let message = to_mavlink(&some(), world, 1, 0);
            let (back, frame) = from_mavlink(&message).unwrap();
            assert_eq!(frame, world);
            assert!(
                (back.position - some().position).norm() < 1e-6
                    && (back.velocity - some().velocity).norm() < 1e-6
            );
            assert!(
                back.attitude.angle_to(&some().attitude) < 1e-6 && (back.rate - some().rate).norm() < 1e-6
            );
            assert!((back.pose_covariance.unwrap() - some().pose_covariance.unwrap()).norm() < 1e-6);
            assert!((back.twist_covariance.unwrap() - some().twist_covariance.unwrap()).norm() < 1e-6);
        }
    }

    #[test]
    fn numbers_by_hand() {
        let m = to_mavlink(&some(), World::Ned, 9, 2);
        assert_eq!((m.x, m.y, m.z, m.vx, m.vy, m.vz), (2.0, 1.0, -3.0, 4.0, -5.0, -6.0));
        assert_eq!((m.rollspeed, m.pitchspeed, m.yawspeed), (0.1, -0.2, -0.3));
        // The first row: north with north, east, down, and the rotations.
        assert_eq!(m.pose_covariance[..6], [2.0, 0.25, -0.25, 0.25, 0.25, -0.25]);
        assert_eq!((m.time_usec, m.reset_counter), (9, 2));
        let unknown = Odometry { pose_covariance: None, ..some() };
        assert!(to_mavlink(&unknown, World::Frd, 0, 0).pose_covariance[0].is_nan());
    }

    #[test]
    fn a_velocity_in_the_local_frame_is_turned_into_the_body() {
        let mut m = to_mavlink(&some(), World::Ned, 0, 0);
        let body = Vector3::new(4.0, -5.0, -6.0);
        let local = World::Ned.attitude(&some().attitude) * body;
        (m.vx, m.vy, m.vz) = (local.x as f32, local.y as f32, local.z as f32);
        m.child_frame_id = MavFrame::MAV_FRAME_LOCAL_NED;
        let (told, _) = from_mavlink(&m).unwrap();
        assert!((told.velocity - some().velocity).norm() < 1e-5 && told.twist_covariance.is_none());
    }

    #[test]
    fn nonsense_is_none() {
        let good = to_mavlink(&some(), World::Ned, 0, 0);
        assert!(from_mavlink(&ODOMETRY_DATA { x: f32::NAN, ..good.clone() }).is_none());
        assert!(from_mavlink(&ODOMETRY_DATA { q: [0.0; 4], ..good.clone() }).is_none());
        assert!(
            from_mavlink(&ODOMETRY_DATA { frame_id: MavFrame::MAV_FRAME_GLOBAL, ..good.clone() }).is_none()
        );
        assert!(
            from_mavlink(&ODOMETRY_DATA { child_frame_id: MavFrame::MAV_FRAME_GLOBAL, ..good.clone() })
                .is_none()
        );
        let nan = ODOMETRY_DATA { pose_covariance: [f32::NAN; 21], ..good };
        assert!(from_mavlink(&nan).unwrap().0.pose_covariance.is_none());
        assert_eq!(ros_covariance(&[0.0; 36]), None);
        assert_eq!(ros_covariance(&[f64::NAN; 36]), None);
        assert!(ros_covariance(&[1.0; 36]).is_some());
    }
}
