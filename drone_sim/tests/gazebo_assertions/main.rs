//! What Gazebo's own integration tests assert, asserted here: the facts and figures of `gz-sim/test/integration` and
//! `gz-sensors/test/integration`, each test named after its file and case, on worlds of our own that set up the same.
//!
//! Where ours is not the same, it is said at the test. What they assert over gz-transport alone (names, scoped frames) is in
//! `tests/gz.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod forces;
mod motion;
mod rays;

use std::sync::{Arc, Mutex};

use nalgebra::Vector3;
use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::actuator_msgs::Actuators;
use peregrine_msgs::geometry_msgs::Twist;
use peregrine_msgs::nav_msgs::Odometry as OdometryMsg;
use peregrine_msgs::sensor_msgs::{LaserScan, PointCloud2};
use peregrine_sim::flight::{Axes, Flight, Rules};
use peregrine_sim::node::DroneSim;
use peregrine_sim::physics::{Command, Vehicle};
use peregrine_sim::scenario::{World, from_sdf};
use peregrine_sim::sdf::Loader;

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
