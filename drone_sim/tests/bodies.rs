//! Things of an SDF file that nothing holds: they fall, rest, are hit and pushed, and every sensor sees it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::{Arc, Mutex};

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::geometry_msgs::Twist;
use peregrine_msgs::ros_gz_interfaces::Contacts;
use peregrine_render::Renderer;
use peregrine_sim::flight::{Axes, Flight, Rules};
use peregrine_sim::node::DroneSim;
use peregrine_sim::physics::{Command, Vehicle};
use peregrine_sim::rng::Stream;
use peregrine_sim::scenario::{ForestSpec, World, build, from_sdf};
use peregrine_sim::sdf::Loader;
use peregrine_sim::sensors::spec::{LidarSpec, ScanAxis};
use peregrine_sim::sensors::{DepthCamera, Lidar, Mount};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: hands every call on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that ends has no counter any more.
        let _ = COUNT.try_with(|n| n.set(n.get() + 1));
        // SAFETY: the caller keeps GlobalAlloc's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

const SECOND: i64 = 1_000_000_000;

/// A link with a shape to touch and to see, of mass m and the moments of a ball of that size.
fn link(name: &str, pose: &str, geometry: &str, mass: f64, more: &str) -> String {
    let moment = 0.4 * mass * 0.04;
    let shape = format!("<geometry>{geometry}</geometry>");
    format!(
        "<link name='{name}'><pose>{pose}</pose><inertial><mass>{mass}</mass><inertia><ixx>{moment}</ixx><iyy>{moment}</iyy>
         <izz>{moment}</izz></inertia></inertial><collision name='c'>{shape}<surface><friction><ode><mu>0.5</mu><mu2>0.5</mu2></ode>
         </friction></surface></collision><visual name='v'>{shape}</visual>{more}</link>"
    )
}

fn boxed(size: f64) -> String {
    format!("<box><size>{size} {size} {size}</size></box>")
}

fn model(name: &str, pose: &str, inside: &str) -> String {
    format!("<model name='{name}'><pose>{pose}</pose>{inside}</model>")
}

fn world(inside: &str) -> World {
    let text = format!(
        "<sdf version='1.9'><world name='yard'><include><uri>model://ground_plane</uri></include>{inside}</world></sdf>"
    );
    let loaded = Loader::without_files().load_str(&text, "yard").unwrap();
    from_sdf(loaded, "yard", 60.0, 1.0).unwrap()
}

fn flight(world: World) -> Flight {
    Flight::new(Arc::new(world), Vehicle::x500(), Rules::default()).unwrap()
}

fn pose(flight: &Flight, name: &str) -> Isometry3<f64> {
    let world = flight.world();
    world.thing(world.find(name).unwrap()).unwrap().pose
}

fn place(flight: &Flight, name: &str) -> Vector3<f64> {
    pose(flight, name).translation.vector
}

fn velocity(flight: &Flight, name: &str) -> Vector3<f64> {
    let world = flight.world();
    world.loose.as_ref().unwrap().velocity(world.find(name).unwrap()).unwrap()[0]
}

#[test]
fn what_is_free_falls_and_what_is_not_stands() {
    let crate_ = model("crate", "9 0 2 0 0 0", &link("l", "0 0 0.1 0 0 0", &boxed(0.4), 3.0, ""));
    let shelf = model(
        "shelf",
        "9 3 1 0 0 0",
        &("<static>1</static>".to_string() + &link("l", "0 0 0 0 0 0", &boxed(0.4), 3.0, "")),
    );
    let on_it = model("on_it", "9 3 2 0 0 0", &link("l", "0 0 0 0 0 0", &boxed(0.2), 1.0, ""));
    let floats =
        model("floats", "9 -3 2 0 0 0", &link("l", "0 0 0 0 0 0", &boxed(0.2), 1.0, "<gravity>0</gravity>"));
    let pegged = model(
        "pegged",
        "9 -6 2 0 0 0",
        &link("l", "0 0 0 0 0 0", &boxed(0.2), 1.0, "<kinematic>1</kinematic>"),
    );
    let two =
        link("a", "0 0 0 0 0 0", &boxed(0.2), 1.0, "") + &link("b", "0 0.5 1 0 0 0", &boxed(0.2), 1.0, "");
    let pair = model("pair", "9 6 1 0 0 0", &two);
    let weld = "<joint name='j' type='fixed'><parent>a</parent><child>b</child></joint>";
    let welded = model("welded", "14 6 1 0 0 0", &(two.clone() + weld));
    let hung = "<joint name='k' type='fixed'><parent>world</parent><child>a</child></joint>";
    let hung = model("hung", "19 6 1 0 0 0", &(two.clone() + weld + hung));
    let light = model("light", "9 9 1 0 0 0", &link("l", "0 0 0 0 0 0", &boxed(0.2), 0.0, ""));
    let world = world(&[crate_, shelf, on_it, floats, pegged, pair, welded, hung, light].concat());
    let warnings = &world.report.as_ref().unwrap().warnings;
    assert!(
        warnings.iter().any(|w| w.contains("light") && w.contains("0 kg") && w.contains("stands still")),
        "{warnings:?}"
    );
    let mut flight = flight(world);
    flight.advance(500_000_000).unwrap();
    // Half a second: 1.225 m.
    assert!((place(&flight, "crate").z - (2.0 - 1.225)).abs() < 3e-3, "{}", place(&flight, "crate"));
    flight.advance(4 * SECOND).unwrap();
    let heights = [
        ("crate", 0.1),
        ("shelf", 1.0),
        ("on_it", 1.3),
        ("floats", 2.0),
        ("pegged", 2.0),
        ("pair", 0.1),
        ("pair::b", 0.1),
        ("hung", 1.0),
        ("light", 1.0),
    ];
    for (name, right) in heights {
        assert!((place(&flight, name).z - right).abs() < 1e-3, "{name}: {}", place(&flight, name));
    }
    // The welded pair tips over as one.
    let tipped = pose(&flight, "welded");
    let b = tipped * Point3::new(0.0, 0.5, 1.0);
    // Both boxes on an edge: the line between them lies at a slope of 2 in one of them.
    let edge = 0.1 * 3.0 / 5.0_f64.sqrt();
    assert!((b.z - edge).abs() < 2e-3 && (tipped.translation.z - edge).abs() < 2e-3, "{tipped:?}");
    assert_eq!(flight.world().loose.as_ref().unwrap().awake(), 0, "all sleep");
}

/// 2 kg at some 3 m/s into a ball of 1 kg that floats: they go on as momentum has it, and the flight knows whom it met.
#[test]
fn a_vehicle_moves_what_it_flies_into_and_feels_it() {
    let ball = "<sphere><radius>0.2</radius></sphere>";
    let mut flight = flight(world(&model(
        "ball",
        "3 0 1 0 0 0",
        &link("l", "0 0 0 0 0 0", ball, 1.0, "<gravity>0</gravity>"),
    )));
    let mass = flight.quad().vehicle().mass;
    let ahead = Command { velocity: Vector3::new(3.0, 0.0, 0.0), ..Command::default() };
    let mut before = 0.0;
    while flight.contacts().episodes() == 0 {
        let now = flight.time_ns();
        before = flight.quad().state().velocity.x;
        flight.command(ahead, Axes::Heading, now);
        flight.advance(now + 1_000_000).unwrap();
        assert!(now < 4 * SECOND, "it never gets there");
    }
    let (after, hit) = (flight.quad().state().velocity.x, velocity(&flight, "ball").x);
    assert!(before > 2.0 && after < before - 0.5, "{before} {after}");
    assert!((mass * (before - after) - hit).abs() < 0.03 * hit, "{} {hit}", mass * (before - after));
    let world = flight.world();
    assert_eq!(world.thing(flight.contacts().last_object()).unwrap().name, "ball");
    let gap = (place(&flight, "ball") - flight.quad().state().position).norm() - 0.45;
    assert!(gap.abs() < 5e-3, "{gap}");
    // A light box on the ground is pushed aside by who flies low.
    assert!(flight.least_clearance() < 0.01);
}

#[test]
fn a_vehicle_without_rotors_rests_on_a_box_that_feels_its_weight() {
    let pad = link("l", "0 0 0 0 0 0", "<box><size>1 1 0.2</size></box>", 4.0, "");
    let mut flight = flight(world(&model("pad", "0 0 0.1 0 0 0", &pad)));
    flight.advance(100_000_000).unwrap();
    flight.cut_motors();
    flight.advance(4 * SECOND).unwrap();
    let at = flight.quad().state().position;
    assert!((at.z - 0.45).abs() < 2e-3 && at.xy().norm() < 0.2, "{at}");
    assert!((place(&flight, "pad") - Vector3::new(0.0, 0.0, 0.1)).norm() < 2e-3, "{}", place(&flight, "pad"));
    assert_eq!(flight.contacts().episodes(), 1);
}

/// A rover that drives, a door that swings and a person who walks push what is in their way.
#[test]
fn who_moves_by_itself_pushes() {
    let joint = |name: &str, parent: &str, child: &str, more: &str| {
        format!(
            "<joint name='{name}' type='revolute'><parent>{parent}</parent><child>{child}</child><axis><xyz>0 0 1</xyz>{more}</axis>
             </joint>"
        )
    };
    let rover = [
        link("chassis", "0 0 0.25 0 0 0", "<box><size>0.6 0.4 0.3</size></box>", 5.0, ""),
        link("left", "0 0.25 0.1 0 0 0", "<sphere><radius>0.1</radius></sphere>", 0.5, ""),
        link("right", "0 -0.25 0.1 0 0 0", "<sphere><radius>0.1</radius></sphere>", 0.5, ""),
        joint("l", "chassis", "left", ""),
        joint("r", "chassis", "right", ""),
        "<plugin filename='gz-sim-diff-drive-system' name='gz::sim::systems::DiffDrive'><left_joint>l</left_joint><right_joint>r
         </right_joint><wheel_separation>0.5</wheel_separation><wheel_radius>0.1</wheel_radius></plugin>".to_string(),
    ];
    let spring = "<dynamics><spring_reference>1.5</spring_reference><spring_stiffness>20</spring_stiffness><damping>4</damping></dynamics>";
    let door = "<link name='post'/>".to_string()
        + &link("leaf", "0 0.5 0.6 0 0 0", "<box><size>0.1 1 1</size></box>", 3.0, "")
        + &joint("hinge", "post", "leaf", spring);
    let person = "<actor name='walker'><script><loop>0</loop><trajectory id='0' type='walk' tension='1'><waypoint><time>0</time>
        <pose>5 -8 1 0 0 0</pose></waypoint><waypoint><time>4</time><pose>9 -8 1 0 0 0</pose></waypoint></trajectory></script></actor>";
    let thing = |name: &str, pose: &str| model(name, pose, &link("l", "0 0 0 0 0 0", &boxed(0.4), 1.0, ""));
    let all = [
        model("rover", "5 4 0 0 0 0", &rover.concat()),
        thing("before_rover", "6 4 0.2 0 0 0"),
        model("door", "5 0 0 0 0 0", &door),
        // The leaf swings towards -x.
        thing("behind_door", "4.6 0.6 0.2 0 0 0"),
        person.to_string(),
        thing("before_walker", "6.5 -8 0.2 0 0 0"),
    ];
    let mut flight = flight(world(&all.concat()));
    let report = flight.world().report.as_ref().unwrap();
    assert!(!report.warnings.iter().any(|w| w.contains("stands still")), "{:?}", report.warnings);
    let names = ["before_rover", "behind_door", "before_walker"];
    let before = names.map(|name| place(&flight, name));
    assert!(flight.command_drive("rover", 1.0, 0.0));
    flight.advance(4 * SECOND).unwrap();
    let ways: Vec<Vector3<f64>> =
        names.iter().zip(before).map(|(name, from)| place(&flight, name) - from).collect();
    // 4 m driven at 1 m/s, the box was half a metre ahead of the bumper.
    let rover = place(&flight, "rover").x;
    assert!((place(&flight, "before_rover").x - rover - 0.5).abs() < 0.03, "{rover} {}", ways[0]);
    assert!(ways[0].x > 2.0 && ways[0].y.abs() < 0.5, "{}", ways[0]);
    assert!(ways[1].x < -0.1, "{}", ways[1]);
    assert!(ways[2].x > 1.5, "{}", ways[2]);
}

/// Wheels on axles, a base that nothing holds: it settles on its wheels and rolls when pushed; no plugin drives it.
#[test]
fn a_cart_without_a_drive_rolls_when_it_is_pushed() {
    let mut cart = link("chassis", "0 0 0.2 0 0 0", "<box><size>0.6 0.4 0.2</size></box>", 4.0, "");
    for (i, (x, y)) in [(0.2, 0.25), (0.2, -0.25), (-0.2, 0.25), (-0.2, -0.25)].iter().enumerate() {
        cart += &link(
            &format!("w{i}"),
            &format!("{x} {y} 0.1 0 0 0"),
            "<sphere><radius>0.1</radius></sphere>",
            0.5,
            "",
        );
        cart += &format!(
            "<joint name='j{i}' type='revolute'><parent>chassis</parent><child>w{i}</child><axis><xyz>0 1 0</xyz></axis></joint>"
        );
    }
    let world = world(&model("cart", "6 0 0.3 0 0 0", &cart));
    assert!(
        world.mechanisms.is_empty() && world.report.as_ref().unwrap().is_complete(),
        "{:?}",
        world.report
    );
    let mut flight = flight(world);
    flight.advance(2 * SECOND).unwrap();
    assert!(place(&flight, "cart").z.abs() < 2e-3 && (place(&flight, "cart::w0").z - 0.1).abs() < 2e-3);
    flight.edit_world(|w| {
        let objects: Vec<u32> = w.free_objects().collect();
        assert_eq!(objects.len(), 5);
        let loose = w.loose.as_mut().unwrap();
        assert!(objects.iter().all(|o| loose.launch(*o, &Vector3::new(0.8, 0.0, 0.0), &Vector3::zeros())));
    });
    flight.advance(4 * SECOND).unwrap();
    let (cart, wheel) = (place(&flight, "cart"), place(&flight, "cart::w0"));
    assert!(cart.x > 7.0 && cart.y.abs() < 0.02 && cart.z.abs() < 2e-3, "{cart}");
    assert!((wheel - cart - Vector3::new(0.2, 0.25, 0.1)).norm() < 2e-3, "{wheel} {cart}");
    assert!(velocity(&flight, "cart").x > 0.5, "nothing brakes it");
}

#[test]
fn pictures_depth_and_lidar_see_it_where_it_is() {
    let text = model("block", "5 0 4 0 0 0", &link("l", "0 0 0 0 0 0", &boxed(1.0), 3.0, ""));
    let mut flight = flight(world(&text));
    let axis =
        |samples, angle: f64| ScanAxis { samples, resolution: 1.0, min_angle: -angle, max_angle: angle };
    let spec = LidarSpec {
        horizontal: axis(3, 0.1),
        vertical: axis(1, 0.0),
        max_range: 30.0,
        ..LidarSpec::default()
    };
    let mut lidar = Lidar::new(&spec, 1, 1);
    let mount = Mount { position: Vector3::zeros(), pitch: 0.0 };
    let camera = DepthCamera::new(32, 24, 1.2, 20.0, mount, 0.0, Stream::new(1, 1)).unwrap();
    let mut renderer = Renderer::new(1).unwrap();
    let here = Isometry3::translation(0.0, 0.0, 1.0);
    let mut look = |flight: &Flight| {
        let seen = lidar.scan(&flight.world().solids, &here, 0)[1];
        let mut depth = vec![0.0; 32 * 24];
        camera.fill(&mut renderer, &flight.world().scene, &here, 0, &mut depth).unwrap();
        (seen, depth[12 * 32 + 16])
    };
    let (ranges, depth) = look(&flight);
    assert!(ranges.is_infinite() && depth > 5.0, "{ranges} {depth}");
    // From 4 m to where its lower edge passes the height of the eyes, half a metre below its middle.
    let fall = |z: f64| ((2.0 * (4.0 - z) / 9.8).sqrt() * 1e9) as i64;
    flight.advance(fall(1.6)).unwrap();
    assert!(look(&flight).0.is_infinite());
    flight.advance(fall(1.4)).unwrap();
    let (ranges, depth) = look(&flight);
    assert!((ranges - 4.5).abs() < 0.01 && (depth - 4.5).abs() < 0.01, "{ranges} {depth}");
    let world = flight.world();
    let shown = world.scene.instances_of(world.find("block").unwrap());
    assert_eq!(world.scene.instance(shown[0]).unwrap().pose, pose(&flight, "block"));
    assert!(flight.clearance().distance < 4.3);
}

#[test]
fn it_does_not_matter_in_what_portions_time_passes() {
    let text = model("block", "0.3 0.1 2 0.4 0.2 0", &link("l", "0 0 0 0 0 0", &boxed(0.3), 0.3, ""));
    let (mut whole, mut parts) = (flight(world(&text)), flight(world(&text)));
    whole.advance(2 * SECOND).unwrap();
    (1..=400).for_each(|k| parts.advance(k * 5_000_000).unwrap());
    assert_eq!(pose(&whole, "block"), pose(&parts, "block"));
    assert_eq!(whole.quad().state().bits(), parts.quad().state().bits());
    assert!(whole.contacts().episodes() > 0, "it falls onto the vehicle");
}

#[test]
fn things_come_are_moved_and_go() {
    let mut flight = flight(build("empty", &ForestSpec::default()).unwrap());
    flight.advance(SECOND).unwrap();
    assert!(flight.world().loose.is_none());
    let load = |name: &str, z: f64| {
        let text = model(name, &format!("8 0 {z} 0 0 0"), &link("l", "0 0 0 0 0 0", &boxed(0.4), 1.0, ""));
        Loader::without_files().load_str(&format!("<sdf version='1.9'>{text}</sdf>"), "t").unwrap()
    };
    for (name, z) in [("lower", 0.2), ("upper", 1.0)] {
        flight.edit_world(|w| w.insert(load(name, z), None, None, false)).unwrap();
    }
    flight.advance(4 * SECOND).unwrap();
    assert!((place(&flight, "upper").z - 0.6).abs() < 1e-3, "{}", place(&flight, "upper"));
    assert_eq!(flight.world().loose.as_ref().unwrap().awake(), 0);
    // Whoever loses what it stands on falls, asleep or not.
    flight.edit_world(|w| w.remove_thing("lower")).unwrap();
    flight.advance(6 * SECOND).unwrap();
    assert!((place(&flight, "upper").z - 0.2).abs() < 1e-3, "{}", place(&flight, "upper"));
    let up = Isometry3::from_parts(Vector3::new(-8.0, 2.0, 5.0).into(), UnitQuaternion::identity());
    flight.edit_world(|w| w.move_thing("upper", &up)).unwrap();
    assert_eq!(pose(&flight, "upper"), up);
    flight.advance(6 * SECOND + 500_000_000).unwrap();
    assert!((place(&flight, "upper").z - (5.0 - 1.225)).abs() < 5e-3, "{}", place(&flight, "upper"));
    // What stands and is moved by a client stands elsewhere for bodies too.
    let wall = "<static>1</static>".to_string()
        + &link("l", "0 0 0 0 0 0", "<box><size>1 1 1</size></box>", 1.0, "");
    let text = format!("<sdf version='1.9'>{}</sdf>", model("block", "50 0 0.5 0 0 0", &wall));
    let loaded = Loader::without_files().load_str(&text, "t").unwrap();
    flight
        .edit_world(|w| w.insert(loaded, None, Some(Isometry3::translation(-8.0, 2.0, 0.5)), false))
        .unwrap();
    flight.advance(10 * SECOND).unwrap();
    assert!((place(&flight, "upper").z - 1.2).abs() < 2e-3, "{}", place(&flight, "upper"));
}

#[test]
fn what_falls_out_of_the_world_is_left() {
    let text = model("stone", "5 0 2 0 0 0", &link("l", "0 0 0 0 0 0", &boxed(0.4), 3.0, ""));
    let text = format!("<sdf version='1.9'><world name='void'>{text}</world></sdf>");
    let loaded = Loader::without_files().load_str(&text, "void").unwrap();
    let mut flight = flight(from_sdf(loaded, "void", 600.0, 1.0).unwrap());
    flight.edit_world(|w| w.move_thing("stone", &Isometry3::translation(0.0, 0.0, -9_990.0))).unwrap();
    flight.advance(4 * SECOND).unwrap();
    assert!(place(&flight, "stone").z > -10_001.0);
    assert_eq!(flight.world().loose.as_ref().unwrap().awake(), 0);
}

/// Neither a world without bodies nor one where all rest pays for them.
#[test]
fn who_rests_costs_no_allocation() {
    let mut forest = flight(build("forest", &ForestSpec::default()).unwrap());
    let stack: String = (0..5)
        .map(|i| {
            model(
                &format!("b{i}"),
                &format!("20 0 {} 0 0 0", 0.2 + 0.4 * f64::from(i)),
                &link("l", "0 0 0 0 0 0", &boxed(0.4), 1.0, ""),
            )
        })
        .collect();
    let mut piled = flight(world(&stack));
    for f in [&mut forest, &mut piled] {
        f.advance(3 * SECOND).unwrap();
        let count = allocations(|| f.advance(3 * SECOND + 200_000_000).unwrap());
        assert_eq!(count, 0, "in 200 steps");
    }
}

/// Hears the contact sensor, and pushes the vehicle ahead.
struct Feeler {
    heard: Arc<Mutex<Vec<String>>>,
    order: Publisher<Twist>,
}

#[derive(Params)]
struct NoParams {}

impl Node for Feeler {
    const NAME: &'static str = "feeler";
    type Params = NoParams;

    fn configure(setup: &mut Setup<Self>, _: NoParams) -> Result<Self> {
        setup.subscribe("contact", Qos::Sensor, |n: &mut Self, ctx, m: &Contacts| {
            n.heard.lock().unwrap().extend(m.contacts.iter().map(|c| c.collision2.name.clone()));
            n.order.send(ctx, Twist::default())
        })?;
        let heard = setup.extension::<Mutex<Vec<String>>>().unwrap_or_default();
        Ok(Self { heard, order: setup.publish("feeler/order", Qos::Reliable)? })
    }
}

#[test]
fn the_contact_sensor_feels_what_falls_on_the_vehicle() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("yard.sdf");
    let text = format!(
        "<sdf version='1.9'><world name='yard'><include><uri>model://ground_plane</uri></include>{}</world></sdf>",
        model("parcel", "0 0 3 0 0 0", &link("l", "0 0 0 0 0 0", &boxed(0.3), 0.2, ""))
    );
    std::fs::write(&file, text).unwrap();
    let heard = Arc::new(Mutex::new(Vec::<String>::new()));
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.extend(Arc::clone(&heard));
    let mut spec = NodeSpec::new("drone_sim");
    let name = file.display().to_string();
    for (key, value) in [
        ("world", name.as_str()),
        ("sensors", "contact"),
        ("time_limit", "2.0"),
        ("camera.rate", "0"),
        ("depth.rate", "0"),
    ] {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    app.add(NodeFactory::of::<DroneSim>(), spec).unwrap();
    app.add(NodeFactory::of::<Feeler>(), NodeSpec::new("feeler")).unwrap();
    let report = app.run().unwrap();
    assert_eq!(report.nodes.iter().map(|n| n.errors).sum::<u64>(), 0);
    let heard = heard.lock().unwrap();
    assert!(heard.iter().any(|name| name == "parcel"), "{heard:?}");
}
