//! Between px4_msgs and what the rest of the crate speaks. Axes are turned by [`crate::algo::axes`].

use nalgebra::{Matrix3, Vector3};
use peregrine_msgs::px4_msgs::{
    BatteryStatus, ObstacleDistance, OffboardControlMode, TrajectorySetpoint, VehicleCommand, VehicleOdometry,
};

use crate::algo::axes::{self, Covariance, World};
use crate::algo::battery::Battery;
use crate::algo::obstacles::{Scan, obstacle_distance};
use crate::algo::odometry::Odometry;
use crate::algo::setpoint::Axes;

/// PX4's main mode "offboard" in VEHICLE_CMD_DO_SET_MODE.
const MAIN_MODE_OFFBOARD: f32 = 6.0;
/// "param2 is a mode of PX4's own."
const CUSTOM_MODE: f32 = 1.0;

/// "Velocities are commanded, and nothing else": PX4's proof of life.
#[must_use]
pub fn velocity_mode(time_us: u64) -> OffboardControlMode {
    OffboardControlMode { timestamp: time_us, velocity: true, ..Default::default() }
}

/// A velocity (m/s, in the axes given) and a rate of turn about up (rad/s) in PX4's local frame. A velocity in the
/// heading's axes needs `heading`: the vehicle's yaw in PX4's frame, radians about down; `None` without it.
#[must_use]
pub fn setpoint(
    velocity: &Vector3<f64>,
    yaw_rate: f64,
    axes_of: Axes,
    world: World,
    heading: Option<f64>,
    time_us: u64,
) -> Option<TrajectorySetpoint> {
    let v = match axes_of {
        Axes::World => world.vector(velocity),
        Axes::Heading => axes::level(&axes::body(velocity), heading?),
    };
    let unused = [f32::NAN; 3];
    Some(TrajectorySetpoint {
        timestamp: time_us,
        position: unused,
        velocity: [v.x as f32, v.y as f32, v.z as f32],
        acceleration: unused,
        jerk: unused,
        yaw: f32::NAN,
        yawspeed: axes::yaw_rate(yaw_rate) as f32,
    })
}

/// The scan as 72 sectors; `None` when its own numbers make no sense.
#[must_use]
pub fn obstacles(scan: &Scan<'_>, time_us: u64) -> Option<ObstacleDistance> {
    let told = obstacle_distance(scan, time_us)?;
    Some(ObstacleDistance {
        timestamp: time_us,
        frame: ObstacleDistance::MAV_FRAME_BODY_FRD,
        sensor_type: ObstacleDistance::MAV_DISTANCE_SENSOR_LASER,
        distances: told.distances,
        increment: told.increment_f,
        min_distance: told.min_distance,
        max_distance: told.max_distance,
        angle_offset: told.angle_offset,
    })
}

/// Asks for the offboard mode. There is no function here that arms.
#[must_use]
pub fn take_over(target_system: u8, time_us: u64) -> VehicleCommand {
    VehicleCommand {
        timestamp: time_us,
        param1: CUSTOM_MODE,
        param2: MAIN_MODE_OFFBOARD,
        command: u32::from(VehicleCommand::VEHICLE_CMD_DO_SET_MODE),
        target_system,
        target_component: 1,
        source_system: target_system,
        source_component: 1,
        from_external: true,
        ..Default::default()
    }
}

/// PX4's odometry in ROS's axes, and what its frame is; `None` when a number is missing, or for frames that are not known.
#[must_use]
pub fn read_odometry(m: &VehicleOdometry) -> Option<(Odometry, World)> {
    let world = match m.pose_frame {
        VehicleOdometry::POSE_FRAME_NED => World::Ned,
        VehicleOdometry::POSE_FRAME_FRD => World::Frd,
        _ => return None,
    };
    let wide = |v: [f32; 3]| v.map(f64::from);
    let [w, x, y, z] = m.q.map(f64::from);
    let theirs =
        Odometry::checked(wide(m.position), [x, y, z, w], wide(m.velocity), wide(m.angular_velocity))?;
    let turn = theirs.attitude.to_rotation_matrix();
    let local = match m.velocity_frame {
        VehicleOdometry::VELOCITY_FRAME_BODY_FRD => false,
        VehicleOdometry::VELOCITY_FRAME_NED if world == World::Ned => true,
        VehicleOdometry::VELOCITY_FRAME_FRD if world == World::Frd => true,
        _ => return None,
    };
    let velocity = if local { turn.inverse() * theirs.velocity } else { theirs.velocity };
    let diagonal = |v: [f32; 3]| {
        let known = v.iter().all(|v| v.is_finite() && *v >= 0.0) && v.iter().any(|v| *v > 0.0);
        known.then(|| Matrix3::from_diagonal(&Vector3::from(wide(v))))
    };
    // PX4 tells the attitude's variance in the body's axes, ROS wants it in the world's.
    let angles = diagonal(m.orientation_variance).map(|c| turn * c * turn.inverse());
    let speeds = diagonal(m.velocity_variance).map(|c| if local { turn.inverse() * c * turn } else { c });
    Some((
        Odometry {
            position: world.vector(&theirs.position),
            attitude: world.attitude(&theirs.attitude),
            velocity: axes::body(&velocity),
            rate: axes::body(&theirs.rate),
            pose_covariance: blocks(diagonal(m.position_variance), angles).map(|c| world.pose_covariance(&c)),
            twist_covariance: blocks(speeds, Some(Matrix3::zeros())).map(|c| axes::twist_covariance(&c)),
        },
        world,
    ))
}

fn blocks(first: Option<Matrix3<f64>>, second: Option<Matrix3<f64>>) -> Option<Covariance> {
    let mut both = Covariance::zeros();
    both.fixed_view_mut::<3, 3>(0, 0).copy_from(&first?);
    both.fixed_view_mut::<3, 3>(3, 3).copy_from(&second?);
    Some(both)
}

/// Odometry of ours for PX4's estimator.
#[must_use]
pub fn write_odometry(o: &Odometry, world: World, time_us: u64, taken_us: u64) -> VehicleOdometry {
    let narrow = |v: Vector3<f64>| [v.x as f32, v.y as f32, v.z as f32];
    let q = world.attitude(&o.attitude);
    let variances = |c: Option<Covariance>, at: usize| {
        c.map_or([f32::NAN; 3], |c| [0, 1, 2].map(|i| c[(at + i, at + i)] as f32))
    };
    let pose = o.pose_covariance.map(|c| world.pose_covariance(&c));
    let twist = o.twist_covariance.map(|c| axes::twist_covariance(&c));
    VehicleOdometry {
        timestamp: time_us,
        timestamp_sample: taken_us,
        pose_frame: match world {
            World::Ned => VehicleOdometry::POSE_FRAME_NED,
            World::Frd => VehicleOdometry::POSE_FRAME_FRD,
        },
        position: narrow(world.vector(&o.position)),
        q: [q.w as f32, q.i as f32, q.j as f32, q.k as f32],
        velocity_frame: VehicleOdometry::VELOCITY_FRAME_BODY_FRD,
        velocity: narrow(axes::body(&o.velocity)),
        angular_velocity: narrow(axes::body(&o.rate)),
        position_variance: variances(pose, 0),
        orientation_variance: variances(pose, 3),
        velocity_variance: variances(twist, 0),
        reset_counter: 0,
        quality: 0,
    }
}

/// The battery; `None` when nothing is known of it.
#[must_use]
pub fn battery(m: &BatteryStatus) -> Option<Battery> {
    let known = |v: f32, there: bool| if v.is_finite() && there { v } else { f32::NAN };
    let told = Battery {
        voltage: known(m.voltage_v, m.voltage_v > 0.0),
        // PX4 counts what leaves the battery, ROS what enters it.
        current: known(-m.current_a, m.current_a >= 0.0),
        percentage: known(m.remaining, (0.0..=1.0).contains(&m.remaining)),
    };
    (m.connected && [told.voltage, told.percentage].iter().any(|v| v.is_finite())).then_some(told)
}

/// The vehicle's yaw in PX4's frame, radians about down from north or forward.
#[must_use]
pub fn heading(o: &Odometry, world: World) -> f64 {
    world.attitude(&o.attitude).euler_angles().2
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::UnitQuaternion;
    use std::f64::consts::FRAC_PI_2;

    #[test]
    fn a_setpoint_in_the_headings_axes_is_turned_by_the_heading() {
        // Looking east (NED heading 90 degrees): forward is east, left is north, up is minus down.
        let v = Vector3::new(2.0, 1.0, 0.5);
        let s = setpoint(&v, 0.3, Axes::Heading, World::Ned, Some(FRAC_PI_2), 7).unwrap();
        let near = |a: [f32; 3], b: [f32; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(s.velocity, [1.0, 2.0, -0.5]), "{:?}", s.velocity);
        assert!((s.yawspeed + 0.3).abs() < 1e-6 && s.yaw.is_nan() && s.timestamp == 7);
        assert!(s.position.iter().chain(&s.acceleration).all(|v| v.is_nan()), "velocity alone is commanded");
        assert!(setpoint(&v, 0.0, Axes::Heading, World::Ned, None, 0).is_none(), "nobody knows the heading");
        // In the world's axes: 2 east, 1 north, 0.5 up.
        let s = setpoint(&v, 0.0, Axes::World, World::Ned, None, 0).unwrap();
        assert!(near(s.velocity, [1.0, 2.0, -0.5]), "{:?}", s.velocity);
    }

    #[test]
    fn odometry_goes_and_comes_back() {
        let mut o =
            Odometry::checked([1.0, 2.0, 3.0], [0.0, 0.0, 0.0, 1.0], [0.5, -0.2, 0.1], [0.1, 0.2, 0.3])
                .unwrap();
        o.attitude = UnitQuaternion::from_euler_angles(0.1, -0.2, 0.7);
        for world in [World::Ned, World::Frd] {
            let sent = write_odometry(&o, world, 5, 4);
            let (back, frame) = read_odometry(&sent).unwrap();
            assert_eq!(frame, world);
            assert!((back.position - o.position).norm() < 1e-5 && back.attitude.angle_to(&o.attitude) < 1e-5);
            assert!((back.velocity - o.velocity).norm() < 1e-5 && (back.rate - o.rate).norm() < 1e-5);
            assert!(back.pose_covariance.is_none(), "not known is not zero");
            // The same velocity, told in the local frame.
            let turn = world.attitude(&o.attitude);
            let v = turn * axes::body(&o.velocity);
            let frame = match world {
                World::Ned => VehicleOdometry::VELOCITY_FRAME_NED,
                World::Frd => VehicleOdometry::VELOCITY_FRAME_FRD,
            };
            let local = VehicleOdometry {
                velocity_frame: frame,
                velocity: [v.x as f32, v.y as f32, v.z as f32],
                ..sent
            };
            assert!((read_odometry(&local).unwrap().0.velocity - o.velocity).norm() < 1e-5);
        }
        let sent = write_odometry(&o, World::Ned, 0, 0);
        for bad in [
            VehicleOdometry { pose_frame: VehicleOdometry::POSE_FRAME_UNKNOWN, ..sent.clone() },
            VehicleOdometry { velocity_frame: VehicleOdometry::VELOCITY_FRAME_UNKNOWN, ..sent.clone() },
            VehicleOdometry { velocity_frame: VehicleOdometry::VELOCITY_FRAME_FRD, ..sent.clone() },
            VehicleOdometry { q: [f32::NAN; 4], ..sent.clone() },
            VehicleOdometry { position: [f32::NAN, 0.0, 0.0], ..sent },
        ] {
            assert!(read_odometry(&bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn variances_are_turned_with_their_axes() {
        // Level, looking north in NED: the body's axes are the world's.
        let base = VehicleOdometry {
            pose_frame: VehicleOdometry::POSE_FRAME_NED,
            velocity_frame: VehicleOdometry::VELOCITY_FRAME_NED,
            q: [1.0, 0.0, 0.0, 0.0],
            position_variance: [4.0, 1.0, 9.0],
            orientation_variance: [0.2, 0.1, 0.3],
            velocity_variance: [0.4, 0.5, 0.6],
            ..Default::default()
        };
        let (o, _) = read_odometry(&base).unwrap();
        let c = o.pose_covariance.unwrap();
        // North 4 and east 1 become y 4 and x 1.
        assert!(
            (c[(0, 0)] - 1.0).abs() < 1e-6
                && (c[(1, 1)] - 4.0).abs() < 1e-6
                && (c[(2, 2)] - 9.0).abs() < 1e-6
        );
        assert!((c[(3, 3)] - 0.1).abs() < 1e-6 && (c[(4, 4)] - 0.2).abs() < 1e-6, "{c}");
        let t = o.twist_covariance.unwrap();
        assert!((t[(0, 0)] - 0.4).abs() < 1e-6 && (t[(1, 1)] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn to_take_over_is_a_mode_and_never_an_arming() {
        let c = take_over(3, 9);
        assert_eq!((c.command, c.param1, c.param2, c.target_system), (176, 1.0, 6.0, 3));
        assert_ne!(c.command, u32::from(VehicleCommand::VEHICLE_CMD_COMPONENT_ARM_DISARM));
    }

    #[test]
    fn a_battery_and_what_is_not_known_of_it() {
        let m = BatteryStatus {
            connected: true,
            voltage_v: 15.2,
            current_a: 12.5,
            remaining: 0.15,
            ..Default::default()
        };
        let b = battery(&m).unwrap();
        assert_eq!((b.voltage, b.current, b.percentage), (15.2, -12.5, 0.15));
        let b = battery(&BatteryStatus { current_a: -1.0, remaining: -1.0, ..m.clone() }).unwrap();
        assert!(b.current.is_nan() && b.percentage.is_nan() && b.voltage == 15.2);
        assert_eq!(battery(&BatteryStatus { connected: false, ..m.clone() }), None);
        assert_eq!(battery(&BatteryStatus { voltage_v: 0.0, remaining: f32::NAN, ..m }), None);
    }

    #[test]
    fn obstacles_are_those_of_mavlink() {
        let scan = Scan {
            angle_min: -0.02,
            angle_increment: 0.02,
            range_min: 0.2,
            range_max: 10.0,
            ranges: &[5.0, 2.999, 7.0],
        };
        let told = obstacles(&scan, 3).unwrap();
        assert_eq!((told.distances[0], told.distances[1], told.max_distance), (299, u16::MAX, 1000));
        assert_eq!((told.frame, told.increment, told.timestamp), (12, 5.0, 3));
    }
}
