//! What Gazebo's own integration tests assert, asserted here: the facts and figures of `gz-sim/test/integration` and
//! `gz-sensors/test/integration`, each test named after its file and case, on worlds of our own that set up the same.
//!
//! Where ours is not the same, it is said at the test. What they assert over gz-transport alone (names, scoped frames) is in
//! `tests/gz.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};
use std::sync::{Arc, Mutex};

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::actuator_msgs::Actuators;
use peregrine_msgs::geometry_msgs::Twist;
use peregrine_msgs::nav_msgs::Odometry as OdometryMsg;
use peregrine_msgs::sensor_msgs::{LaserScan, PointCloud2};
use peregrine_render::Renderer;
use peregrine_sim::flight::{Axes, Flight, Rules};
use peregrine_sim::node::DroneSim;
use peregrine_sim::outfit::Outfit;
use peregrine_sim::physics::{
    Battery, BatterySpec, Command, Motor, Rotors, STEP_S, State, Vehicle, Wing, dynamics, rk4,
};
use peregrine_sim::scenario::{World, from_sdf};
use peregrine_sim::sdf::Loader;
use peregrine_sim::sensors::noise::stream;
use peregrine_sim::sensors::spec::{
    AirPressureSpec, AltimeterSpec, CameraSpec, Earth, ImuSpec, NavSatSpec, NoiseSpec, OrientationReference,
};
use peregrine_sim::sensors::{
    AirPressure, Altimeter, DepthEye, Lidar, Magnetometer, Mount, MountedImu, NavSat, Rate, SensorKind,
};

const MS: i64 = 1_000_000;

fn world(inside: &str) -> World {
    let text = format!("<sdf version='1.6'><world name='w'>{inside}</world></sdf>");
    from_sdf(Loader::without_files().load_str(&text, "t").unwrap(), "w", 900.0, 3.0).unwrap()
}

const GROUND: &str =
    "<model name='ground'><static>1</static><link name='l'><collision name='c'><geometry><plane/></geometry>
    </collision></link></model>";

/// A vehicle that falls from 3 m in a gravity of that many m/s2 with its rotors off, for so many milliseconds.
fn fallen(gravity: f64, ms: i64) -> Flight {
    let w = world(&format!("<gravity>0 0 -{gravity}</gravity>{GROUND}"));
    let mut flight = Flight::new(Arc::new(w), Vehicle::x3(), Rules::default()).unwrap();
    flight.cut_motors();
    flight.advance(ms * MS).unwrap();
    flight
}

/// Obeys one command for `ms`, as a client that publishes it once is obeyed.
fn obey(flight: &mut Flight, velocity: Vector3<f64>, yaw_rate: f64, ms: i64) {
    let end = flight.time_ns() + ms * MS;
    while flight.time_ns() < end {
        let now = flight.time_ns();
        flight.command(Command { velocity, yaw_rate, steady: false }, Axes::Heading, now);
        flight.advance((now + 100 * MS).min(end)).unwrap();
    }
}

/// multicopter.cc, CommandedMotorSpeed: half a second after 100 rad/s were commanded each rotor turns at that, within 0.01 rad/s.
#[test]
fn multicopter_commanded_motor_speed() {
    let mut flight = Flight::new(Arc::new(world("")), Vehicle::x3(), Rules::default()).unwrap();
    flight.advance(100 * MS).unwrap();
    flight.command_rotors(&[100.0; 4]);
    flight.advance(600 * MS).unwrap();
    let rotors = flight.quad().state().rotors;
    assert!(rotors.len() == 4 && rotors.iter().all(|w| (w - 100.0).abs() < 1e-2), "{rotors:?}");
}

/// multicopter.cc, MulticopterVelocityControl: two seconds after each command the body's velocity and rates are those commanded,
/// within 0.01.
#[test]
fn multicopter_velocity_control() {
    let mut flight = Flight::new(Arc::new(world("")), Vehicle::x3(), Rules::default()).unwrap();
    for ([x, y, z], turn) in [
        ([0.0, 0.0, 0.2], 0.0),
        ([0.1, 0.0, 0.0], 0.0),
        ([0.1, 0.0, 0.2], 0.0),
        ([0.0, 0.0, 0.0], 0.05),
        ([0.1, 0.0, 0.2], 0.05),
    ] {
        let velocity = Vector3::new(x, y, z);
        obey(&mut flight, velocity, turn, 2000);
        let state = flight.quad().state();
        let body = state.rotation().inverse() * state.velocity;
        assert!((body - velocity).amax() < 1e-2, "{velocity:?} {turn}: {body:?}");
        assert!((state.rates - Vector3::z() * turn).amax() < 1e-2, "{velocity:?} {turn}: {:?}", state.rates);
    }
}

/// multicopter.cc, ModelAndVelocityControlInteraction: the rotors of an X3 that hovers turn at 650 rad/s, within 50.
#[test]
fn multicopter_hovers_at_the_rotor_speed_that_was_found() {
    let mut flight = Flight::new(Arc::new(world("")), Vehicle::x3(), Rules::default()).unwrap();
    obey(&mut flight, Vector3::zeros(), 0.0, 200);
    let rotors = flight.quad().state().rotors;
    assert!(rotors.iter().all(|w| (w - 650.0).abs() < 50.0), "{rotors:?}");
}

/// An X3 in SDF with that beside its rotors.
fn x3(inside: &str) -> String {
    let mut parts = String::new();
    let at = [(0.13, -0.22, "ccw"), (-0.13, 0.2, "ccw"), (0.13, 0.22, "cw"), (-0.13, -0.2, "cw")];
    for (i, (x, y, turn)) in at.iter().enumerate() {
        parts += &format!(
            "<link name='rotor_{i}'><pose>{x} {y} 0.023 0 0 0</pose><inertial><mass>0.005</mass><inertia><ixx>9.75e-07</ixx>
             <iyy>4.17e-05</iyy><izz>4.26e-05</izz></inertia></inertial></link>
             <joint name='rotor_{i}_joint' type='revolute'><parent>base_link</parent><child>rotor_{i}</child><axis/></joint>
             <plugin filename='gz-sim-multicopter-motor-model-system' name='gz::sim::systems::MulticopterMotorModel'>
             <robotNamespace>X3</robotNamespace><jointName>rotor_{i}_joint</jointName><linkName>rotor_{i}</linkName>
             <turningDirection>{turn}</turningDirection><timeConstantUp>0.0125</timeConstantUp>
             <timeConstantDown>0.025</timeConstantDown><maxRotVelocity>800.0</maxRotVelocity>
             <motorConstant>8.54858e-06</motorConstant><momentConstant>0.016</momentConstant>
             <commandSubTopic>gazebo/command/motor_speed</commandSubTopic><motorNumber>{i}</motorNumber>
             <rotorDragCoefficient>8.06428e-05</rotorDragCoefficient>
             <rollingMomentCoefficient>1e-06</rollingMomentCoefficient></plugin>"
        );
    }
    format!(
        "<model name='X3'><pose>0 0 3 0 0 0</pose><link name='base_link'><inertial><mass>1.5</mass><inertia><ixx>0.0347563</ixx>
         <iyy>0.07</iyy><izz>0.0977</izz></inertia></inertial></link>{parts}{inside}</model>"
    )
}

const CONTROL: &str = "<plugin filename='gz-sim-multicopter-control-system' name='gz::sim::systems::MulticopterVelocityControl'>
    <robotNamespace>X3</robotNamespace><commandSubTopic>gazebo/command/twist</commandSubTopic>
    <enableSubTopic>enable</enableSubTopic><comLinkName>base_link</comLinkName><velocityGain>2.7 2.7 2.7</velocityGain>
    <attitudeGain>2 3 0.15</attitudeGain><angularRateGain>0.4 0.52 0.18</angularRateGain></plugin>";

/// What a client of the node heard.
#[derive(Default)]
struct Heard {
    heights: Vec<f64>,
    truth: Option<OdometryMsg>,
    odometry: Vec<OdometryMsg>,
    scan: Option<LaserScan>,
    points: Option<PointCloud2>,
}

/// Commands a climb and, with every odometry, rotor speeds.
struct Client {
    heard: Arc<Mutex<Heard>>,
    twist: Publisher<Twist>,
    rotors: Publisher<Actuators>,
    orders: Orders,
}

#[derive(Params)]
struct Orders {
    /// m/s; -100 for no such order.
    #[param(default = -100.0)]
    climb: f64,
    /// m/s, with the climb.
    #[param(default = 0.0)]
    forward: f64,
    /// m/s, with the climb.
    #[param(default = 0.0)]
    left: f64,
    /// rad/s, with the climb.
    #[param(default = 0.0)]
    turn: f64,
    /// rad/s of the rotors; negative for none.
    #[param(default = -1.0)]
    speed: f64,
}

impl Node for Client {
    const NAME: &'static str = "client";
    type Params = Orders;

    fn configure(setup: &mut Setup<Self>, orders: Orders) -> Result<Self> {
        setup.subscribe("odom", Qos::Sensor, |n, ctx, m: &OdometryMsg| {
            {
                let mut heard = n.heard.lock().unwrap();
                heard.heights.push(m.pose.pose.position.z);
                heard.truth = Some(m.clone());
            }
            if n.orders.speed >= 0.0 {
                n.rotors.send(ctx, Actuators { velocity: vec![n.orders.speed; 4], ..Default::default() })?;
            }
            if n.orders.climb > -100.0 {
                let mut twist = Twist::default();
                (twist.linear.x, twist.linear.y) = (n.orders.forward, n.orders.left);
                (twist.linear.z, twist.angular.z) = (n.orders.climb, n.orders.turn);
                n.twist.send(ctx, twist)?;
            }
            Ok(())
        })?;
        setup.subscribe("/model/X3/odometry", Qos::Sensor, |n, _, m: &OdometryMsg| {
            n.heard.lock().unwrap().odometry.push(m.clone());
            Ok(())
        })?;
        setup.subscribe("/lidar", Qos::Sensor, |n, _, m: &LaserScan| {
            n.heard.lock().unwrap().scan = Some(m.clone());
            Ok(())
        })?;
        setup.subscribe("/lidar/points", Qos::Sensor, |n, _, m: &PointCloud2| {
            n.heard.lock().unwrap().points = Some(m.clone());
            Ok(())
        })?;
        Ok(Self {
            heard: setup.extension::<Mutex<Heard>>().unwrap_or_default(),
            twist: setup.publish("/X3/gazebo/command/twist", Qos::Reliable)?,
            rotors: setup.publish("/X3/gazebo/command/motor_speed", Qos::Reliable)?,
            orders,
        })
    }
}

fn run(inside: &str, seconds: f64, orders: &[(&str, f64)]) -> Heard {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.sdf");
    let text = format!("<sdf version='1.6'><world name='w'>{GROUND}{inside}</world></sdf>");
    std::fs::write(&file, text).unwrap();
    let heard = Arc::new(Mutex::new(Heard::default()));
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.extend(Arc::clone(&heard));
    let mut spec = NodeSpec::new("drone_sim")
        .with_param("world", ParamValue::String(file.display().to_string()))
        .with_param("time_limit", ParamValue::Double(seconds));
    for (key, value) in [("camera.rate", "0"), ("depth.rate", "0"), ("goal_ends", "false")] {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    app.add(NodeFactory::of::<DroneSim>(), spec).unwrap();
    let mut client = NodeSpec::new("client");
    for (key, value) in orders {
        client = client.with_param(key, ParamValue::Double(*value));
    }
    app.add(NodeFactory::of::<Client>(), client).unwrap();
    app.run().unwrap();
    std::mem::take(&mut *heard.lock().unwrap())
}

/// multicopter.cc, ModelAndVelocityControlInteraction: rotor speeds that are commanded beside the velocity controller are ignored;
/// without that plugin they are obeyed.
#[test]
fn multicopter_motor_commands_are_ignored_under_velocity_control() {
    let held = run(&x3(CONTROL), 1.0, &[("climb", 0.0), ("speed", 60.0)]);
    let last = *held.heights.last().unwrap();
    assert!((last - 3.0).abs() < 0.1, "{last}");
    let fell = run(&x3(""), 1.0, &[("speed", 60.0)]);
    assert!(*fell.heights.last().unwrap() < 1.0, "{:?}", fell.heights.last());
}

/// multicopter.cc, MulticopterVelocityControlNestedModel: with a payload, a model inside the model, it rises in every tenth of a
/// second after it is told to climb. (That it is 5 m up after one second holds of the motors of that test's world alone.)
#[test]
fn multicopter_takes_off_with_a_nested_payload() {
    let payload = "<model name='payload'><pose>0 0 -0.1 0 0 0</pose><link name='box'><inertial><mass>0.2</mass><inertia><ixx>1e-3</ixx>
        <iyy>1e-3</iyy><izz>1e-3</izz></inertia></inertial></link></model>
        <joint name='holds' type='fixed'><parent>base_link</parent><child>payload::box</child></joint>";
    let heard = run(&x3(&format!("{CONTROL}{payload}")), 1.2, &[("climb", 5.0)]);
    // A hundred a second; the order is there after the first.
    let tenths: Vec<f64> = heard.heights.iter().skip(20).step_by(10).copied().collect();
    assert!(tenths.len() >= 10 && tenths.windows(2).all(|w| w[0] < w[1]), "{tenths:?}");
}

/// odometry_publisher.cc, Movement3d: fifty messages a second, exactly; three seconds after a velocity in three dimensions and a turn
/// were commanded the twist is that, within 0.1, and the pose the vehicle's, within 0.01.
#[test]
fn odometry_publisher_movement_3d() {
    let odometry =
        "<plugin filename='gz-sim-odometry-publisher-system' name='gz::sim::systems::OdometryPublisher'>
        <dimensions>3</dimensions></plugin>";
    let orders = [("forward", 0.5), ("left", 0.3), ("climb", 1.5), ("turn", 0.2)];
    let heard = run(&x3(&format!("{CONTROL}{odometry}")), 3.0, &orders);
    let stamps: Vec<i64> = heard.odometry.iter().map(|m| Time::from_msg(&m.header.stamp).0).collect();
    assert_eq!(stamps, (0..=150).map(|k| k * 20 * MS).collect::<Vec<_>>());
    let (last, truth) = (heard.odometry.last().unwrap(), heard.truth.unwrap());
    let (v, w) = (&last.twist.twist.linear, &last.twist.twist.angular);
    for (found, expected) in [(v.x, 0.5), (v.y, 0.3), (v.z, 1.5), (w.x, 0.0), (w.y, 0.0), (w.z, 0.2)] {
        assert!((found - expected).abs() < 0.1, "{last:?}");
    }
    let (p, q) = (&last.pose.pose, &truth.pose.pose);
    let off = [
        p.position.x - q.position.x,
        p.position.y - q.position.y,
        p.position.z - q.position.z,
        p.orientation.x - q.orientation.x,
        p.orientation.y - q.orientation.y,
        p.orientation.z - q.orientation.z,
    ];
    assert!(off.iter().all(|d| d.abs() < 1e-2), "{off:?}");
}

/// wind_effects.cc, WindEnabledInModel and WindEnabledInLink: either lets the wind act, and without either it does not.
#[test]
fn wind_effects_enabled_in_model_or_link() {
    let effects = "<plugin filename='gz-sim-wind-effects-system' name='gz::sim::systems::WindEffects'>
        <force_approximation_scaling_factor>1</force_approximation_scaling_factor></plugin>";
    let response = |vehicle: String| {
        Outfit::of(&world(&format!("{effects}{vehicle}")), "").unwrap().vehicle.wind_response
    };
    assert_eq!(response(x3("<enable_wind>true</enable_wind>")), 1.0);
    let link = x3("").replacen(
        "<link name='base_link'>",
        "<link name='base_link'><enable_wind>true</enable_wind>",
        1,
    );
    assert_eq!(response(link), 1.0);
    assert_eq!(response(x3("")), 0.0);
}

/// air_pressure_system.cc: 101325 Pa at sea level, and a variance of 0.
#[test]
fn air_pressure_system() {
    let mut sensor = AirPressure::new(&AirPressureSpec::default(), 1, 1);
    assert_eq!((sensor.read(0.0, 0, 0.1), sensor.variance()), (101_325.0, 0.0));
}

/// altimeter_system.cc, ModelFalling: heights count from the start and fall, at 30 Hz so many readings as time says; on the ground
/// the velocity is 0 within 1 mm/s.
#[test]
fn altimeter_system_model_falling() {
    let mut sensor = Altimeter::new(&AltimeterSpec::default(), 3.0, 1, 1);
    let mut read = |flight: &Flight| {
        let state = flight.quad().state();
        sensor.read(state.position.z, state.velocity.z, 0, 0.0)
    };
    let (first, last) = (read(&fallen(9.8, 34)), read(&fallen(9.8, 100)));
    assert!(first.position > last.position && last.position < 0.0, "{first:?} {last:?}");
    assert!(first.velocity > last.velocity && last.velocity < 0.0, "{first:?} {last:?}");
    let rests = read(&fallen(9.8, 4000));
    // Our X3 lies on a sphere of 0.25 m.
    assert!((rests.position + 2.75).abs() < 1e-2 && rests.velocity.abs() < 1e-3, "{rests:?}");
    for (ms, expected) in [(100, 4), (1100, 34)] {
        let mut rate = Rate::new(30.0);
        let readings = (0..=ms).filter(|k| rate.fire(k * MS).is_some()).count();
        assert_eq!(readings, expected, "{ms} ms");
    }
}

/// magnetometer_system.cc, RotatedMagnetometer: the world's field in the sensor's axes, within 1e-4.
#[test]
fn magnetometer_system_rotated() {
    let field = Vector3::new(0.94, 0.76, -0.12);
    let mut sensor = Magnetometer::new(&[NoiseSpec::default(); 3], field, 1, 1);
    for turn in [[0.0, 0.0, 0.0], [0.0, 0.0, FRAC_PI_2], [0.7, -0.4, 2.0]] {
        let attitude = UnitQuaternion::from_euler_angles(turn[0], turn[1], turn[2]);
        let read = sensor.read(&attitude, 0, 0.1);
        assert!((read - attitude.inverse() * field).amax() < 1e-4, "{read:?}");
    }
}

/// imu_system.cc, ModelFalling: nothing is felt in free fall in a gravity of 5 m/s2, and on the ground its opposite, within 1e-4.
#[test]
fn imu_system_model_falling() {
    let felt = |ms: i64| {
        let flight = fallen(5.0, ms);
        let sample = flight.sample(ms * MS);
        let mut imu = MountedImu::new(&ImuSpec::default(), UnitQuaternion::identity(), 0.0, 1, 1);
        let gravity = sample.state.rotation().inverse() * Vector3::new(0.0, 0.0, -5.0);
        (imu.read(&sample, 0, 1e-3).specific_force, gravity)
    };
    for ms in [400, 401] {
        let (force, _) = felt(ms);
        assert!(force.amax() < 1e-4, "{ms} ms: {force:?}");
    }
    for ms in [6000, 6001] {
        let (force, gravity) = felt(ms);
        assert!((force + gravity).amax() < 1e-4, "{ms} ms: {force:?} {gravity:?}");
    }
}

/// imu_system.cc, NamedFrames and NamedFramesWithHeading: attitudes of a body that looks west (yaw of pi), within 0.01; with a
/// heading of 90 degrees they are turned by it. A custom frame is not read, and is listed.
#[test]
fn imu_system_named_frames() {
    let told = |reference, heading: f64| {
        let mut imu = MountedImu::new(
            &ImuSpec { reference, ..ImuSpec::default() },
            UnitQuaternion::identity(),
            heading.to_radians(),
            1,
            1,
        );
        let state = State::at(Point3::origin(), PI, 0.0);
        let sample = peregrine_sim::physics::Sample { state, specific_force: Vector3::zeros() };
        let q = imu.read(&sample, 0, 1e-3).attitude;
        [q.i, q.j, q.k, q.w]
    };
    // A quaternion and its negative are one attitude.
    let same = |a: [f64; 4], b: [f64; 4]| {
        let off = |sign: f64| a.iter().zip(&b).map(|(a, b)| (a - sign * b).abs()).fold(0.0, f64::max);
        off(1.0).min(off(-1.0)) < 1e-2
    };
    use OrientationReference::{Enu, Ned, Nwu, Start};
    for (reference, heading, expected) in [
        (Start, 0.0, [0.0, 0.0, 0.0, 1.0]),
        (Enu, 0.0, [0.0, 0.0, 1.0, 0.0]),
        (Ned, 0.0, [-0.707, 0.707, 0.0, 0.0]),
        (Nwu, 0.0, [0.0, 0.0, 0.707, 0.707]),
        (Start, 90.0, [0.0, 0.0, 0.0, 1.0]),
        (Enu, 90.0, [0.0, 0.0, 0.707, 0.707]),
        (Ned, 90.0, [-1.0, 0.0, 0.0, 0.0]),
        (Nwu, 90.0, [0.0, 0.0, 0.0, 1.0]),
    ] {
        let q = told(reference, heading);
        assert!(same(q, expected), "{reference:?} at {heading}: {q:?} {expected:?}");
    }
}

/// navsat_system.cc, ModelFalling: it falls over the world's origin at 22.9 degrees south and 43.2 west: latitude and longitude stay,
/// and altitude and velocity upwards are below zero.
#[test]
fn navsat_system_model_falling() {
    let earth = Earth { latitude_deg: -22.9, longitude_deg: -43.2, ..Earth::default() };
    let mut sensor = NavSat::new(&NavSatSpec::default(), &earth, 1, 1);
    let fall = 0.5 * 9.8 * 0.3 * 0.3;
    let read = sensor.read(&Point3::new(0.0, 0.0, -fall), &Vector3::new(0.0, 0.0, -9.8 * 0.3), 0, 0.1);
    assert!(
        (read.latitude_deg + 22.9).abs() < 1e-12 && (read.longitude_deg + 43.2).abs() < 1e-12,
        "{read:?}"
    );
    assert!((read.velocity.x, read.velocity.y) == (0.0, 0.0), "{read:?}");
    assert!(read.altitude < 0.0 && read.velocity.z < 0.0 && (read.altitude + fall).abs() < 1e-6, "{read:?}");
}

/// lift_drag_system.cc, VerifyVerticalForce: a blade of 10 m2 with a dihedral of 0.1 rad at 0.2 m/s lifts
/// cla a0 q S cos(dihedral), within 1e-4 N, and not nothing.
#[test]
fn lift_drag_system_vertical_force() {
    let (a0, cla, dihedral, rho, area, v) = (0.1, 4.0, 0.1_f64, 1.2041, 10.0, -0.2);
    let roll = UnitQuaternion::from_euler_angles(dihedral, 0.0, 0.0);
    let wing = Wing {
        centre: Vector3::zeros(),
        forward: roll * Vector3::new(-1.0, 0.0, 0.0),
        upward: roll * Vector3::z(),
        area,
        air_density: rho,
        a0,
        slopes: [cla, 0.0, 0.0],
        stall: 0.5,
        stalled: [0.0; 3],
        radial_symmetry: false,
    };
    let (force, _) = wing.wrench(&Vector3::new(v, 0.0, 0.0), &Vector3::zeros());
    let expected = cla * a0 * 0.5 * rho * v * v * area * dihedral.cos();
    assert!((force.z - expected).abs() < 1e-4 && force.z > 0.0, "{} {expected}", force.z);
}

/// wind_effects.cc, WindForce: the acceleration of a body in wind falls in each step while its velocity nears the wind's. (Ours blows
/// at once: `time_for_rise` is listed.)
#[test]
fn wind_effects_wind_force() {
    let still = |m: &Motor| Motor { thrust_constant: 0.0, rotor_drag: 0.0, rolling_moment: 0.0, ..*m };
    let body = Vehicle { wind_response: 1.0, ..Vehicle::x500().with_motors(still) };
    let (wind, none, rest) = (Vector3::new(1.0, 0.0, 1.0), Vector3::zeros(), Rotors::repeat(4, 0.0));
    let mut state = State::at(Point3::origin(), 0.0, 0.0);
    let mut last = f64::INFINITY;
    for step in 0..6000 {
        let slope = dynamics::slope(&body, &state, &rest, &none, &wind);
        let size = slope.velocity.norm();
        if step >= 3000 {
            assert!(last - size > 1e-6, "{step}: {last} {size}");
        }
        last = size;
        state = rk4::step(&state, STEP_S, |s| dynamics::slope(&body, s, &rest, &none, &wind));
    }
    // Switched off, it goes on as it is.
    let before = state.velocity;
    let calm = Vehicle { wind_response: 0.0, ..body };
    for _ in 0..1000 {
        state = rk4::step(&state, STEP_S, |s| dynamics::slope(&calm, s, &rest, &none, &wind));
    }
    assert!((state.velocity - before).norm() < 1e-6);
}

/// battery_plugin.cc, SingleBattery, SingleBatteryMultipleConsumers and the start of PowerDrainTopic: after 100 steps the charge is
/// below 1 and above 0; with a greater load it is lower; before anything starts it is 1.
#[test]
fn battery_plugin_charge() {
    let vehicle = Vehicle::x3();
    let left = |load: f64, rotors: f64, waits: bool| {
        let spec = BatterySpec {
            capacity: 1.2009,
            full: 12.694,
            empty: 12.694 - 3.1424,
            resistance: 0.061523,
            efficiency: f64::INFINITY,
            idle: load,
            smoothing: 1.9499,
            waits,
        };
        let mut battery = Battery::new(spec);
        (0..100).for_each(|_| battery.step(&vehicle, &Rotors::repeat(4, rotors), STEP_S));
        battery.charge()
    };
    let (single, more, before) = (left(6.6, 100.0, true), left(506.6, 100.0, true), left(6.6, 0.0, true));
    assert!(single < 1.0 && single > 0.0 && more < single && before == 1.0, "{single} {more} {before}");
    assert!(left(6.6, 0.0, false) < 1.0, "start_draining");
}

fn boxed(name: &str, at: [f64; 3], inside: &str) -> String {
    let geometry = "<geometry><box><size>1 1 1</size></box></geometry>";
    format!(
        "<model name='{name}'><static>1</static><pose>{} {} {} 0 0 0</pose><link name='l'><collision name='c'>{geometry}</collision>
         <visual name='v'>{geometry}{inside}</visual></link></model>",
        at[0], at[1], at[2]
    )
}

/// A model that carries a lidar, as those tests write it.
fn lidar(pose: &str, horizontal: (u32, f64), vertical: (u32, f64), range: (f64, f64)) -> String {
    let axis = |(samples, half): (u32, f64)| {
        format!(
            "<samples>{samples}</samples><resolution>1</resolution><min_angle>-{half}</min_angle><max_angle>{half}</max_angle>"
        )
    };
    format!(
        "<model name='m1'><static>1</static><link name='link1'><sensor name='s' type='gpu_lidar'><pose>{pose}</pose>
         <topic>lidar</topic><update_rate>30</update_rate><ray><scan><horizontal>{}</horizontal><vertical>{}</vertical></scan>
         <range><min>{}</min><max>{}</max><resolution>0.01</resolution></range></ray><always_on>1</always_on></sensor></link>
         </model>",
        axis(horizontal),
        axis(vertical),
        range.0,
        range.1
    )
}

/// The ranges that the lidar of a world shows.
fn scan(inside: &str) -> Vec<f32> {
    let world = world(inside);
    let model = world.sdf.as_ref().unwrap().models.iter().find(|m| m.name == "m1").unwrap();
    let (link, sensor) = (&model.links[0], &model.links[0].sensors[0]);
    let SensorKind::Lidar(spec) = &sensor.kind else { panic!("{sensor:?}") };
    Lidar::new(spec, 1, 1).scan(&world.solids, &(link.pose * sensor.pose), 0).to_vec()
}

fn near(a: f32, b: f64, tolerance: f64) -> bool {
    (f64::from(a) - b).abs() < tolerance
}

/// gz-sim gpu_lidar.cc, GpuLidarBox: 0.45 m to a box, and nothing at both ends.
#[test]
fn gpu_lidar_box() {
    let sensor = lidar("0.05 0 0.5 0 0 0", (640, 1.396263), (1, 0.0), (0.08, 10.0));
    let ranges = scan(&(sensor + &boxed("b", [1.0, 0.0, 0.5], "")));
    assert_eq!(ranges.len(), 640);
    assert!(near(ranges[320], 0.45, 1e-4), "{}", ranges[320]);
    assert!(ranges[0] == f32::INFINITY && ranges[639] == f32::INFINITY);
}

/// gz-sensors gpu_lidar_sensor.cc, CreateGpuLidar, TestThreeBoxes and the second half of VerticalLidar: +inf wherever nothing is in
/// range; 2.5 m ahead, 4.5 m to the right, and nothing to the left, where a box is out of range; a sensor that lies on its side
/// sees what is ahead alone.
#[test]
fn gpu_lidar_three_boxes() {
    let level = lidar("0 0 0.1 0 0 0", (320, FRAC_PI_2), (1, 0.0), (0.1, 10.0));
    let rolled = lidar("0 0 0.1 1.5707963267948966 0 0", (320, FRAC_PI_2), (1, 0.0), (0.1, 10.0));
    let boxes = boxed("a", [3.0, 0.0, 0.5], "")
        + &boxed("b", [0.0, -5.0, 0.5], "")
        + &boxed("c", [0.0, 11.0, 0.5], "");
    let first = scan(&format!("{level}{boxes}"));
    assert!(near(first[0], 4.5, 1.1e-4) && near(first[160], 2.5, 1e-4), "{} {}", first[0], first[160]);
    assert_eq!(first[319], f32::INFINITY);
    let second = scan(&format!("{rolled}{boxes}"));
    assert!(near(second[160], 2.5, 1e-4), "{}", second[160]);
    assert!(second[0] == f32::INFINITY && second[319] == f32::INFINITY);
    let far = boxed("a", [11.0, 0.0, 0.0], "") + &boxed("b", [0.0, -11.0, 0.0], "");
    for sensor in [&level, &rolled] {
        assert!(scan(&format!("{sensor}{far}")).iter().all(|r| *r == f32::INFINITY));
        assert!(scan(sensor).iter().all(|r| *r == f32::INFINITY));
    }
}

/// gz-sensors gpu_lidar_sensor.cc, VerticalLidar: each of four planes meets the box at d / cos(elevation), within 1 mm.
#[test]
fn gpu_lidar_vertical() {
    let sensor = lidar("0.25 0 0.5 0 0 0", (640, FRAC_PI_2), (4, FRAC_PI_4), (0.08, 10.0));
    let ranges = scan(&(sensor + &boxed("b", [1.0, 0.0, 0.5], "")));
    for row in 0..4 {
        let elevation = -FRAC_PI_4 + FRAC_PI_2 / 3.0 * row as f64;
        let (first, middle) = (row * 640, row * 640 + 320);
        assert!(near(ranges[middle], 0.25 / elevation.cos(), 1e-3), "{row}: {}", ranges[middle]);
        assert!(ranges[first] == f32::INFINITY && ranges[first + 639] == f32::INFINITY, "{row}");
    }
}

/// gz-sensors gpu_lidar_sensor.cc, DetectBox: the messages, and 123 back from a box with that `laser_retro`.
#[test]
fn gpu_lidar_detect_box_messages() {
    let sensor = lidar("0 0 0.1 0 0 0", (320, FRAC_PI_2), (1, 0.0), (0.08, 10.0));
    let shiny = boxed("b", [1.0, 0.0, 0.5], "<laser_retro>123</laser_retro>");
    let heard = run(&format!("{sensor}{shiny}"), 0.2, &[]);
    let scan = heard.scan.unwrap();
    assert!(near(scan.ranges[160], 0.5, 1e-4) && near(scan.intensities[160], 123.0, 1e-1), "{scan:?}");
    assert!(scan.ranges[0] == f32::INFINITY && scan.intensities[0] == 0.0);
    assert_eq!(scan.ranges.len(), 320);
    for (found, expected) in [
        (scan.angle_min, -FRAC_PI_2),
        (scan.angle_max, FRAC_PI_2),
        (scan.angle_increment, PI / 320.0),
        (scan.range_min, 0.08),
        (scan.range_max, 10.0),
    ] {
        assert!(near(found, expected, 1e-4), "{found} {expected}");
    }
    let points = heard.points.unwrap();
    let names: Vec<&str> = points.fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["x", "y", "z", "intensity", "ring"]);
    assert_eq!((points.height, points.width, points.point_step), (1, 320, 32));
    assert_eq!((points.row_step, points.data.len()), (32 * 320, 32 * 320));
    assert!(!points.is_bigendian && !points.is_dense);
    let at = |k: usize| f32::from_le_bytes(points.data[160 * 32 + k..160 * 32 + k + 4].try_into().unwrap());
    assert!(near(at(0), 0.5, 1e-4) && near(at(16), 123.0, 1e-1), "{} {}", at(0), at(16));
}

/// The depths that a camera of `spec` at the origin sees of a box at that distance.
fn depths(spec: &CameraSpec, at: f64) -> Vec<f32> {
    let world = world(&boxed("b", [at, 0.0, 0.0], ""));
    let eye = DepthEye::new(spec, stream(1, 1, 1)).unwrap();
    let mut metres = vec![0.0; (spec.width * spec.height) as usize];
    let optical = Mount::default().optical_in_world(&Isometry3::identity());
    eye.fill(&mut Renderer::new(1).unwrap(), &world.scene, &optical, 0, &mut metres).unwrap();
    metres
}

/// gz-sim depth_camera.cc, DepthCameraBox, and gz-sensors depth_camera.cc, ImagesWithBuiltinSDF: distance to a box within 1e-4 m in
/// the middle, +inf beside it; -inf nearer than the near plane and +inf beyond the far one; a box that fills the picture has one
/// depth, within 1e-6.
#[test]
fn depth_camera_box() {
    let spec =
        CameraSpec { width: 256, height: 256, hfov: 1.05, near: 0.1, far: 10.0, ..CameraSpec::default() };
    let (middle, left, right) = (128 * 256 + 127, 128 * 256, 128 * 256 + 255);
    for (at, expected) in [(2.95, 2.45), (3.0, 2.5)] {
        let seen = depths(&spec, at);
        assert!(near(seen[middle], expected, 1e-4), "{at}: {}", seen[middle]);
        assert!(seen[left] == f32::INFINITY && seen[right] == f32::INFINITY, "{at}");
    }
    assert_eq!(depths(&spec, 0.5 + 0.1 * 0.5)[middle], f32::NEG_INFINITY);
    assert_eq!(depths(&spec, 0.5 + 10.0 * 1.5)[middle], f32::INFINITY);
    let full = depths(&spec, 0.5 + 0.2);
    assert!(full.iter().all(|z| near(*z, 0.2, 1e-6)), "{:?}", full.iter().find(|z| !near(**z, 0.2, 1e-6)));
}
