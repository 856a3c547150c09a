//! Gazebo's plugins on the vehicle and on other models, through the node: battery, wind, wings, doors, wheels.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::geometry_msgs::Twist;
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_msgs::sensor_msgs::{BatteryState, LaserScan};
use peregrine_msgs::std_msgs::Bool;
use peregrine_sim::node::DroneSim;

/// A quadrotor of 1 kg, and whatever else.
fn world(outside: &str, inside: &str) -> String {
    let mut parts = String::new();
    for (i, (x, y, turn)) in
        [(0.2, -0.2, "ccw"), (-0.2, 0.2, "ccw"), (0.2, 0.2, "cw"), (-0.2, -0.2, "cw")].iter().enumerate()
    {
        parts += &format!(
            "<link name='r{i}'><pose>{x} {y} 0.02 0 0 0</pose><inertial><mass>0.01</mass><inertia><ixx>1e-6</ixx>
             <iyy>1e-6</iyy><izz>1e-6</izz></inertia></inertial></link>
             <plugin filename='gz-sim-multicopter-motor-model-system' name='gz::sim::systems::MulticopterMotorModel'>
             <robotNamespace>quad</robotNamespace><jointName>j{i}</jointName><linkName>r{i}</linkName>
             <turningDirection>{turn}</turningDirection><maxRotVelocity>900</maxRotVelocity>
             <motorConstant>7e-06</motorConstant><momentConstant>0.018</momentConstant>
             <commandSubTopic>command/motor_speed</commandSubTopic><motorNumber>{i}</motorNumber></plugin>"
        );
    }
    format!(
        "<sdf version='1.9'><world name='yard'>{outside}
         <include><uri>model://ground_plane</uri></include>
         <model name='quad'><pose>0 0 3 0 0 0</pose><link name='body'><inertial><mass>0.96</mass><inertia><ixx>0.01</ixx>
         <iyy>0.01</iyy><izz>0.02</izz></inertia></inertial></link>{parts}{inside}</model></world></sdf>"
    )
}

#[derive(Default)]
struct Log {
    last: BTreeMap<&'static str, Odometry>,
    battery: Vec<(f64, BatteryState)>,
    scans: Vec<(f64, f32)>,
}

/// Listens, and gives orders at times of a script: `SECONDS TOPIC X [Z]`.
struct Client {
    log: Arc<Mutex<Log>>,
    script: Vec<(f64, String, f64, f64)>,
    quad: Publisher<Twist>,
    rover: Publisher<Twist>,
    enable: Publisher<Bool>,
}

#[derive(Params)]
struct Script {
    /// What to order, and when.
    #[param(default = Vec::<String>::new())]
    script: Vec<String>,
}

impl Node for Client {
    const NAME: &'static str = "client";
    type Params = Script;

    fn configure(setup: &mut Setup<Self>, params: Script) -> Result<Self> {
        for (topic, name) in [("odom", "odom"), ("/model/rover/odometry", "rover"), ("/rover/flat", "flat")] {
            setup.subscribe(topic, Qos::Sensor, move |n: &mut Self, ctx, m: &Odometry| {
                n.log.lock().unwrap().last.insert(name, m.clone());
                if name == "odom" { n.play(ctx) } else { Ok(()) }
            })?;
        }
        setup.subscribe(
            "/model/quad/battery/cells/state",
            Qos::Sensor,
            |n: &mut Self, _, m: &BatteryState| {
                let at = Time::from_msg(&m.header.stamp).as_secs_f64();
                n.log.lock().unwrap().battery.push((at, m.clone()));
                Ok(())
            },
        )?;
        setup.subscribe("scan", Qos::Sensor, |n: &mut Self, _, m: &LaserScan| {
            let at = Time::from_msg(&m.header.stamp).as_secs_f64();
            // Straight ahead.
            n.log.lock().unwrap().scans.push((at, m.ranges[m.ranges.len() / 2]));
            Ok(())
        })?;
        let read = |line: &String| {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |k: usize| words.get(k).map_or(0.0, |w| w.parse().unwrap());
            (number(0), words[1].to_owned(), number(2), number(3))
        };
        Ok(Self {
            log: setup.extension::<Mutex<Log>>().unwrap_or_default(),
            script: params.script.iter().map(read).collect(),
            quad: setup.publish("/model/quad/cmd_vel", Qos::Reliable)?,
            rover: setup.publish("/model/rover/cmd_vel", Qos::Reliable)?,
            enable: setup.publish("/model/quad/enable", Qos::Reliable)?,
        })
    }
}

impl Client {
    fn play(&mut self, ctx: &Context) -> Result {
        while self.script.first().is_some_and(|(at, ..)| *at <= ctx.now().as_secs_f64()) {
            let (_, topic, x, z) = self.script.remove(0);
            let mut twist = Twist::default();
            (twist.linear.x, twist.angular.z) = (x, z);
            match topic.as_str() {
                "quad" => self.quad.send(ctx, twist)?,
                "rover" => self.rover.send(ctx, twist)?,
                _ => self.enable.send(ctx, Bool { data: x != 0.0 })?,
            }
        }
        Ok(())
    }
}

fn fly(sdf: &str, seconds: f64, script: &[&str], params: &[(&str, &str)]) -> Log {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("yard.sdf");
    std::fs::write(&file, sdf).unwrap();
    let log = Arc::new(Mutex::new(Log::default()));
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.extend(Arc::clone(&log));
    let mut spec = NodeSpec::new("drone_sim")
        .with_param("world", ParamValue::String(file.display().to_string()))
        .with_param("time_limit", ParamValue::Double(seconds));
    for (key, value) in
        [("camera.rate", "0"), ("depth.rate", "0"), ("goal_distance", "900")].iter().chain(params)
    {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    app.add(NodeFactory::of::<DroneSim>(), spec).unwrap();
    let lines = ParamValue::StringArray(script.iter().map(|l| (*l).to_owned()).collect());
    app.add(NodeFactory::of::<Client>(), NodeSpec::new("client").with_param("script", lines)).unwrap();
    app.run().unwrap();
    std::mem::take(&mut *log.lock().unwrap())
}

fn x(log: &Log, name: &str) -> f64 {
    log.last[name].pose.pose.position.x
}

/// LinearBatteryPlugin: I = P / V, voltage on the line between the coefficients, less what the resistance takes.
#[test]
fn the_battery_of_the_file_empties_by_its_own_figures() {
    let plugin = "<plugin filename='gz-sim-linearbatteryplugin-system' name='gz::sim::systems::LinearBatteryPlugin'>
        <battery_name>cells</battery_name><voltage>12.592</voltage>
        <open_circuit_voltage_constant_coef>12.694</open_circuit_voltage_constant_coef>
        <open_circuit_voltage_linear_coef>-3.1424</open_circuit_voltage_linear_coef><initial_charge>0.01</initial_charge>
        <capacity>0.0125</capacity><resistance>0.061523</resistance><smooth_current_tau>0.4</smooth_current_tau>
        <power_load>60</power_load></plugin>";
    let log = fly(&world("", plugin), 4.0, &[], &[]);
    assert_eq!(log.battery.len(), 41, "ten a second");
    let (first, last) = (&log.battery[0].1, &log.battery[40].1);
    assert!((first.percentage - 0.8).abs() < 1e-3 && (first.capacity - 0.0125).abs() < 1e-6, "{first:?}");
    // The same, by hand, in steps of a tenth of a millisecond.
    let (mut q, mut i, mut v) = (0.01_f64, 0.0_f64, 0.0);
    for _ in 0..40_000 {
        let open = 12.694 - 3.1424 * (1.0 - q / 0.0125);
        let asked = (open - (open * open - 4.0 * 0.061523 * 60.0_f64).sqrt()) / (2.0 * 0.061523);
        i += (asked - i) * 1e-4 / 0.4;
        v = open - 0.061523 * i;
        q -= i * 1e-4 / 3600.0;
    }
    assert!(
        (f64::from(last.voltage) - v).abs() < 2e-3 && (f64::from(-last.current) - i).abs() < 2e-3,
        "{last:?} {v} {i}"
    );
    assert!((f64::from(last.percentage) - q / 0.0125).abs() < 1e-3, "{last:?} {q}");
}

/// The wind of the file blows; WindEffects pushes the body if the model lets it, in proportion to its mass.
#[test]
fn the_wind_of_the_file_blows_and_pushes_who_lets_it() {
    let wind = "<wind><linear_velocity>4 0 0</linear_velocity></wind>";
    let effects = "<plugin filename='gz-sim-wind-effects-system' name='gz::sim::systems::WindEffects'>
        <force_approximation_scaling_factor>1</force_approximation_scaling_factor></plugin>";
    // Rotors at rest: it falls from 3 m, and what moves it sideways is the wind.
    let drift = |outside: &str, inside: &str| {
        let log = fly(&world(outside, inside), 0.5, &["0 enable 0"], &[("sensors", "battery")]);
        x(&log, "odom")
    };
    let still = drift("", "");
    let rotors = drift(wind, "<enable_wind>true</enable_wind>");
    let pushed = drift(&format!("{wind}{effects}"), "<enable_wind>true</enable_wind>");
    let refused = drift(&format!("{wind}{effects}"), "");
    assert!(still.abs() < 1e-3, "{still}");
    assert!(rotors > still && (refused - rotors).abs() < 1e-9, "{rotors} {refused}");
    // It holds its place against it, so only that it is pushed harder is told here; the law is dynamics' own test.
    assert!(pushed > 2.0 * rotors, "{pushed} {rotors}");
}

fn z(log: &Log) -> f64 {
    log.last["odom"].pose.pose.position.z
}

/// As Gazebo's controller: the rotors stop, and what comes meanwhile counts once it is enabled again.
#[test]
fn orders_count_only_while_enabled() {
    let log = fly(&world("", ""), 3.0, &["0 enable 0", "0.1 quad 3"], &[]);
    assert!(x(&log, "odom").abs() < 0.05 && z(&log) < 0.5, "{} {}", x(&log, "odom"), z(&log));
    let log = fly(&world("", ""), 3.0, &["0 enable 0", "0.1 quad 3", "0.3 enable 1"], &[]);
    assert!(x(&log, "odom") > 3.0 && z(&log) > 1.0, "{} {}", x(&log, "odom"), z(&log));
    // Who is enabled again without a new command goes on falling.
    let log = fly(&world("", ""), 2.0, &["0 quad 3", "0.5 enable 0", "0.6 enable 1"], &[]);
    assert!(z(&log) < 0.5, "{}", z(&log));
}

/// `start: rest` is how Gazebo's models begin; which of them obey velocities depends on what they bring.
#[test]
fn a_vehicle_at_rest_waits_for_its_first_command() {
    const CONTROL: &str = "<plugin filename='gz-sim-multicopter-control-system' name='gz::sim::systems::MulticopterVelocityControl'>
        <robotNamespace>model/quad</robotNamespace><commandSubTopic>cmd_vel</commandSubTopic></plugin>";
    let rest = &[("start", "rest")];
    let log = fly(&world("", CONTROL), 1.5, &[], rest);
    assert!(z(&log) < 0.5, "it fell: {}", z(&log));
    let log = fly(&world("", CONTROL), 3.0, &["0.2 quad 2"], rest);
    assert!(x(&log, "odom") > 2.0 && z(&log) > 1.0, "{} {}", x(&log, "odom"), z(&log));
    // With motors alone it stands on its feet on the ground, and obeys rotor speeds alone.
    let log = fly(&world("", ""), 1.5, &["0.2 quad 2"], rest);
    assert!(x(&log, "odom").abs() < 0.01 && z(&log) < 0.5, "{} {}", x(&log, "odom"), z(&log));
    // Without gz it hovers, unless it is told to rest.
    assert!(z(&fly(&world("", CONTROL), 1.5, &[], &[])) > 2.5);
}

/// A wing that pushes upwards in flight: seen in the rotors' work, not in the way flown.
#[test]
fn a_wing_of_the_file_carries() {
    let wing = "<plugin filename='gz-sim-lift-drag-system' name='gz::sim::systems::LiftDrag'><link_name>body</link_name>
        <a0>0.3</a0><cla>3</cla><cda>0.1</cda><cma>0</cma><alpha_stall>0.9</alpha_stall><area>0.2</area><air_density>1.2</air_density>
        <cp>0 0 0</cp><forward>1 0 0</forward><upward>0 0 1</upward></plugin>";
    let fast = &["0 quad 6"];
    let (with, without) = (fly(&world("", wing), 3.0, fast, &[]), fly(&world("", ""), 3.0, fast, &[]));
    // Lift of 0.5 rho v^2 S cl, some 4 N of 9.8 at 6 m/s, makes it climb against its own wish.
    let height = |log: &Log| log.last["odom"].pose.pose.position.z;
    assert!(height(&with) > height(&without) + 0.02, "{} {}", height(&with), height(&without));
}

/// A door in the beam of a lidar: it closes by its spring within half a period, and a lidar sees it come.
#[test]
fn a_door_swings_where_a_lidar_sees_it() {
    let door = "<model name='door'><pose>3 -0.5 0 0 0 0</pose><link name='post'/><link name='leaf'><pose>0 0 3 0 0 0</pose>
        <inertial><pose>0 0.5 0 0 0 0</pose><mass>6</mass><inertia><ixx>0.5</ixx><iyy>0.5</iyy><izz>0.5</izz></inertia></inertial>
        <collision name='c'><pose>0 0.5 0 0 0 0</pose><geometry><box><size>0.05 1 2</size></box></geometry></collision>
        <visual name='v'><pose>0 0.5 0 0 0 0</pose><geometry><box><size>0.05 1 2</size></box></geometry></visual></link>
        <joint name='ground' type='fixed'><parent>world</parent><child>post</child></joint>
        <joint name='hinge' type='revolute'><parent>post</parent><child>leaf</child><axis><xyz>0 0 1</xyz>
        <limit><lower>-1.5707963</lower><upper>1.5707963</upper></limit>
        <dynamics><spring_reference>-1.5707963</spring_reference><spring_stiffness>20</spring_stiffness></dynamics></axis></joint></model>";
    let log = fly(&world(door, ""), 2.0, &[], &[("sensors", "lidar")]);
    let seen = |from: f64, to: f64| -> Vec<f32> {
        log.scans.iter().filter(|(t, _)| (from..to).contains(t)).map(|(_, r)| *r).collect()
    };
    // Closed before the vehicle at first, 2.975 m ahead; a quarter of a turn later it is out of the way.
    assert!((log.scans[0].1 - 2.975).abs() < 0.1, "{:?}", log.scans);
    let quarter = std::f64::consts::FRAC_PI_2 * (2.0_f64 / 20.0).sqrt();
    let open = seen(quarter - 0.15, quarter + 0.1);
    assert!(open.iter().any(|r| r.is_infinite()), "{:?}", log.scans);
}

#[test]
fn a_rover_drives_by_gazebos_topics() {
    let wheel = |name: &str, y: f64| {
        format!(
            "<link name='{name}'><pose>0 {y} 0.1 -1.5707963 0 0</pose><inertial><mass>0.5</mass></inertial>
             <collision name='c'><geometry><cylinder><radius>0.1</radius><length>0.05</length></cylinder></geometry></collision></link>
             <joint name='{name}_joint' type='revolute'><parent>chassis</parent><child>{name}</child><axis><xyz>0 0 1</xyz></axis></joint>"
        )
    };
    let rover = format!(
        "<model name='rover'><pose>5 5 0 0 0 0</pose><link name='chassis'><pose>0 0 0.2 0 0 0</pose><collision name='c'>
         <geometry><box><size>0.6 0.4 0.2</size></box></geometry></collision></link>{}{}
         <plugin filename='gz-sim-diff-drive-system' name='gz::sim::systems::DiffDrive'><left_joint>left_joint</left_joint>
         <right_joint>right_joint</right_joint><wheel_separation>0.5</wheel_separation><wheel_radius>0.1</wheel_radius>
         <max_linear_acceleration>1</max_linear_acceleration><min_linear_acceleration>-1</min_linear_acceleration>
         <odom_publish_frequency>20</odom_publish_frequency></plugin>
         <plugin filename='gz-sim-odometry-publisher-system' name='gz::sim::systems::OdometryPublisher'>
         <odom_topic>rover/flat</odom_topic></plugin></model>",
        wheel("left", 0.25),
        wheel("right", -0.25)
    );
    let log = fly(&world(&rover, ""), 4.0, &["0 rover 1"], &[]);
    let told = &log.last["rover"];
    // Half a metre while it speeds up, then 1 m/s.
    assert!((told.pose.pose.position.x - 3.5).abs() < 0.03 && told.twist.twist.linear.x == 1.0, "{told:?}");
    assert_eq!(
        (told.header.frame_id.as_str(), told.child_frame_id.as_str()),
        ("rover/odom", "rover/chassis")
    );
    // OdometryPublisher, flat by default: where it is in the world, and how fast by the way it went.
    let flat = &log.last["flat"];
    assert!((flat.pose.pose.position.x - 8.5).abs() < 0.05 && flat.pose.pose.position.z == 0.0, "{flat:?}");
    assert!((flat.twist.twist.linear.x - 1.0).abs() < 1e-6, "{flat:?}");
    assert_eq!(
        (flat.header.frame_id.as_str(), flat.child_frame_id.as_str()),
        ("rover/odom", "rover/base_footprint")
    );
    let log = fly(&world(&rover, ""), 4.0, &["0 rover 0 0.5"], &[]);
    let turned = &log.last["rover"].pose.pose.orientation;
    assert!((2.0 * turned.z.atan2(turned.w) - 2.0).abs() < 0.02, "{turned:?}");
}
