//! A flight that is set down and taken up says on every topic what it would have said without, to the byte.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{AnyMessage, App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::geometry_msgs::{Twist, TwistStamped};
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_sim::node::DroneSim;

/// A hash of every message after `from`, by topic, and how many there were.
#[derive(Default)]
struct Log {
    from: i64,
    topics: BTreeMap<String, (u64, usize)>,
}

/// Answers what it hears with a velocity that depends on it alone; writes down everything.
struct Pilot {
    log: Arc<Mutex<Log>>,
    command: Publisher<TwistStamped>,
    rover: Publisher<Twist>,
}

#[derive(Params)]
struct NoParams {}

impl Pilot {
    fn note(&self, ctx: &Context, topic: &str, bytes: &[u8]) {
        let mut log = self.log.lock().unwrap();
        if ctx.now().0 <= log.from {
            return;
        }
        let (hash, count) = log.topics.entry(topic.to_owned()).or_default();
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(*hash);
        hasher.write_i64(ctx.now().0);
        hasher.write(bytes);
        (*hash, *count) = (hasher.finish(), *count + 1);
    }
}

impl Node for Pilot {
    const NAME: &'static str = "pilot";
    type Params = NoParams;

    fn configure(setup: &mut Setup<Self>, _: NoParams) -> Result<Self> {
        setup.subscribe_all(|n: &mut Self, ctx, m: &AnyMessage<'_>| {
            n.note(ctx, m.topic(), &m.cdr());
            Ok(())
        })?;
        setup.subscribe("odom", Qos::Sensor, |n: &mut Self, ctx, m: &Odometry| {
            let p = &m.pose.pose.position;
            let mut command = TwistStamped { header: m.header.clone(), ..Default::default() };
            command.twist.linear.x = 3.0 + (p.x * 0.7).sin();
            command.twist.linear.y = (p.x - 2.0 * p.y).cos();
            command.twist.angular.z = 0.3 * (p.y + p.z).sin();
            let mut order = Twist::default();
            (order.linear.x, order.angular.z) = (1.0 + p.x.sin(), p.y.cos());
            n.rover.send(ctx, order)?;
            n.command.send(ctx, command)
        })?;
        let log = setup.extension::<Mutex<Log>>().unwrap_or_default();
        let rover = setup.publish("/model/rover/cmd_vel", Qos::Reliable)?;
        Ok(Self { log, command: setup.publish("cmd_vel", Qos::Reliable)?, rover })
    }
}

const PARAMS: [(&str, &str); 16] = [
    ("camera.rate", "5"),
    ("depth.rate", "12"),
    ("world", "forest"),
    ("seed", "11"),
    ("camera.width", "96"),
    ("camera.height", "72"),
    ("camera.noise", "0.01"),
    ("depth.width", "64"),
    ("depth.height", "48"),
    ("depth.noise", "0.003"),
    ("wind.x", "2.0"),
    ("wind.turbulence", "12.0"),
    ("time_limit", "1.3"),
    (
        "sensors",
        "lidar, navsat, air_pressure, magnetometer, altimeter, contact, rgbd, segmentation, boundingbox, range, battery",
    ),
    ("odom.rate", "50"),
    ("imu.rate", "170"),
];

fn spec(params: &[(&str, &str)]) -> NodeSpec {
    let mut spec = NodeSpec::new("drone_sim");
    for (key, value) in PARAMS.iter().chain(params) {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    spec
}

fn fly(threads: usize, from: i64, params: &[(&str, &str)]) -> BTreeMap<String, (u64, usize)> {
    let log = Arc::new(Mutex::new(Log { from, ..Log::default() }));
    let mut app = App::new(Mode::Lockstep { threads });
    app.extend(Arc::clone(&log));
    app.add(NodeFactory::of::<DroneSim>(), spec(params)).unwrap();
    app.add(NodeFactory::of::<Pilot>(), NodeSpec::new("pilot")).unwrap();
    let report = app.run().unwrap();
    assert_eq!(report.nodes.iter().map(|n| n.errors).sum::<u64>(), 0, "{:?}", report.nodes);
    std::mem::take(&mut log.lock().unwrap().topics)
}

/// The moment at which the file was made, from its header: after magic, version, parameters and world.
fn moment(file: &Path) -> i64 {
    peregrine_sim::checkpoint::Checkpoint::read(file).unwrap().time_ns
}

#[test]
fn every_topic_says_after_a_checkpoint_what_it_would_have_said_without() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.ckpt");
    let name = file.display().to_string();
    let set_down = [("checkpoint.file", name.as_str()), ("checkpoint.at", "0.6345")];
    // The second time the moment is known; that it is set down changes nothing.
    fly(1, 0, &set_down);
    let at = moment(&file);
    assert!((634_500_000..660_000_000).contains(&at), "{at}");
    let straight = fly(1, at, &[]);
    assert!(straight.len() > 25, "{:?}", straight.keys());
    assert!(straight.values().map(|(_, n)| n).sum::<usize>() > 400, "{straight:?}");
    for threads in [1, 2] {
        let resumed = fly(threads, at, &[("restore", &name)]);
        for (topic, told) in &straight {
            assert_eq!(resumed.get(topic), Some(told), "{topic}, {threads} threads");
        }
        assert_eq!(resumed.len(), straight.len());
    }
    // Set down again by who was taken up: the same file, later.
    let later = folder.path().join("b.ckpt").display().to_string();
    let direct = folder.path().join("c.ckpt").display().to_string();
    fly(
        1,
        at,
        &[("restore", &name), ("checkpoint.file", &later), ("checkpoint.at", "0.9"), ("time_limit", "0.95")],
    );
    fly(2, at, &[("checkpoint.file", &direct), ("checkpoint.at", "0.9"), ("time_limit", "0.95")]);
    assert_eq!(std::fs::read(&later).unwrap(), std::fs::read(&direct).unwrap());
}

#[test]
fn what_is_no_checkpoint_of_this_flight_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.ckpt");
    let name = file.display().to_string();
    fly(1, 0, &[("checkpoint.file", &name), ("checkpoint.at", "0.05"), ("time_limit", "0.1")]);
    let refused = |params: &[(&str, &str)]| {
        let mut app = App::new(Mode::Lockstep { threads: 1 });
        app.add(NodeFactory::of::<DroneSim>(), spec(params)).map(|_| ()).unwrap_err().to_string()
    };
    let other = refused(&[("restore", &name), ("seed", "12")]);
    assert!(other.contains("PG-1042") && other.contains("seed: 11, not seed: 12"), "{other}");
    let whole = std::fs::read(&file).unwrap();
    for (bytes, why) in [
        (whole[..whole.len() / 2].to_vec(), "checksum"),
        (b"PK\x03\x04 some other file".to_vec(), "no checkpoint"),
        (
            [b"PEREGSIM\x01\0\0\0".as_slice(), &whole[12..]].concat(),
            "it is of version 1, this program reads 3",
        ),
        (Vec::new(), "too short"),
    ] {
        let broken = folder.path().join("broken").display().to_string();
        std::fs::write(&broken, bytes).unwrap();
        let error = refused(&[("restore", &broken)]);
        assert!(error.contains("PG-1042") && error.contains(why), "{error}");
    }
    assert!(refused(&[("restore", "/nowhere/a.ckpt")]).contains("PG-1001"));
    let px4 = refused(&[("restore", &name), ("autopilot.kind", "px4"), ("autopilot.address", "127.0.0.1:0")]);
    assert!(px4.contains("no checkpoint holds"), "{px4}");
}

/// A door that swings, a rover that drives and a person who walks: where they are brought follows from their state alone.
#[test]
fn doors_rovers_and_people_go_on_where_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let (world, file) = (folder.path().join("yard.sdf"), folder.path().join("a.ckpt"));
    let body = |name: &str, pose: &str, size: &str| {
        format!(
            "<link name='{name}'><pose>{pose}</pose><inertial><mass>2</mass></inertial><collision name='c'><geometry><box><size>{size}
             </size></box></geometry></collision><visual name='v'><geometry><box><size>{size}</size></box></geometry></visual></link>"
        )
    };
    let joint = |name: &str, parent: &str, child: &str, more: &str| {
        format!(
            "<joint name='{name}' type='revolute'><parent>{parent}</parent><child>{child}</child><axis><xyz>0 0 1</xyz>{more}</axis>
             </joint>"
        )
    };
    let spring =
        "<dynamics><spring_reference>1</spring_reference><spring_stiffness>9</spring_stiffness></dynamics>";
    let text = format!(
        "<sdf version='1.9'><world name='yard'><include><uri>model://ground_plane</uri></include>
         <model name='door'><pose>4 0 2 0 0 0.3</pose><link name='post'/>{}{}</model>
         <model name='rover'><pose>3 -2 0 0 0 0.7</pose>{}{}{}{}{}<plugin filename='gz-sim-diff-drive-system'
         name='gz::sim::systems::DiffDrive'><left_joint>l</left_joint><right_joint>r</right_joint></plugin></model>
         <actor name='walker'><script><trajectory id='0' type='walk'><waypoint><time>0</time><pose>5 2 1 0 0 0</pose></waypoint>
         <waypoint><time>3</time><pose>4 -2 1 0 0 1.5</pose></waypoint></trajectory></script></actor></world></sdf>",
        body("leaf", "0 0.5 0 0 0 0", "0.1 1 1.5"),
        joint("hinge", "post", "leaf", spring),
        body("chassis", "0 0 0.2 0 0 0", "0.6 0.4 0.2"),
        body("left", "0 0.25 0.1 0 0 0", "0.2 0.05 0.2"),
        body("right", "0 -0.25 0.1 0 0 0", "0.2 0.05 0.2"),
        joint("l", "chassis", "left", ""),
        joint("r", "chassis", "right", ""),
    );
    std::fs::write(&world, text).unwrap();
    let (world, name) = (world.display().to_string(), file.display().to_string());
    let few = [("world", world.as_str()), ("sensors", "lidar, segmentation"), ("time_limit", "1.2")];
    let with = |more: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        few.iter().chain(more).map(|(key, value)| (*key, (*value).to_owned())).collect()
    };
    let go = |threads, from, params: Vec<(&'static str, String)>| {
        let params: Vec<(&str, &str)> = params.iter().map(|(key, value)| (*key, value.as_str())).collect();
        fly(threads, from, &params)
    };
    go(1, 0, with(&[("checkpoint.file", &name), ("checkpoint.at", "0.64")]));
    let at = moment(&file);
    // The answers to the odometry of that moment have come, and wait: the rover's order among them.
    assert_eq!(at, 640_000_000);
    let straight = go(1, at, with(&[]));
    assert!(straight.contains_key("/model/rover/odometry"), "{:?}", straight.keys());
    assert_eq!(go(2, at, with(&[("restore", &name)])), straight);
}

/// A heap that collapses, a board that the vehicle flies into and a person who walks through: set down while all of it moves.
#[test]
fn bodies_go_on_where_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let (world, file) = (folder.path().join("yard.sdf"), folder.path().join("a.ckpt"));
    let body = |name: &str, pose: &str, geometry: &str| {
        format!(
            "<model name='{name}'><pose>{pose}</pose><link name='l'><inertial><mass>0.4</mass><inertia><ixx>0.005</ixx><iyy>0.005</iyy>
             <izz>0.005</izz></inertia></inertial><collision name='c'><geometry>{geometry}</geometry><surface><bounce>
             <restitution_coefficient>0.7</restitution_coefficient></bounce></surface></collision><visual name='v'><geometry>{geometry}
             </geometry></visual></link></model>"
        )
    };
    // A board that floats in the way.
    let board = body("board", "1.6 0 1.5 0 0 0", "<box><size>0.2 4 2</size></box>");
    let mut bodies = board.replace("<link name='l'>", "<link name='l'><gravity>0</gravity>")
        + "<frame name='start'><pose>0 0 1.5 0 0 0</pose></frame>";
    for i in 0..8 {
        let geometry = match i % 3 {
            0 => "<box><size>0.3 0.3 0.3</size></box>",
            1 => "<cylinder><radius>0.15</radius><length>0.3</length></cylinder>",
            _ => "<ellipsoid><radii>0.15 0.2 0.1</radii></ellipsoid>",
        };
        let pose = format!(
            "3 {} {} 0.2 {} 0",
            0.1 * f64::from(i % 2),
            0.2 + 0.33 * f64::from(i),
            0.1 * f64::from(i)
        );
        bodies += &body(&format!("b{i}"), &pose, geometry);
    }
    let text = format!(
        "<sdf version='1.9'><world name='yard'><include><uri>model://ground_plane</uri></include>{bodies}
         <actor name='walker'><script><trajectory id='0' type='walk'><waypoint><time>0</time><pose>3 2 1 0 0 0</pose></waypoint>
         <waypoint><time>2</time><pose>3 -2 1 0 0 1.5</pose></waypoint></trajectory></script></actor></world></sdf>"
    );
    std::fs::write(&world, text).unwrap();
    let (world, name) = (world.display().to_string(), file.display().to_string());
    let few = [("world", world.as_str()), ("sensors", "lidar, segmentation, contact"), ("time_limit", "1.2")];
    let go = |threads, from, more: &[(&str, &str)]| {
        let params: Vec<(&str, &str)> = few.iter().chain(more).copied().collect();
        fly(threads, from, &params)
    };
    go(1, 0, &[("checkpoint.file", &name), ("checkpoint.at", "0.731")]);
    let at = moment(&file);
    let straight = go(2, at, &[]);
    assert!(
        straight.keys().any(|topic| topic.ends_with("contact")),
        "it hits the board: {:?}",
        straight.keys()
    );
    for threads in [1, 2] {
        assert_eq!(go(threads, at, &[("restore", &name)]), straight, "{threads} threads");
    }
}
