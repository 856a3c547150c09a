//! What Gazebo's clients see and order, through a client of our own on the same transport.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use nalgebra::Isometry3;
use peregrine_gz::msgs::core::{Boolean, Clock, Empty, Entity, StringMsg, Time};
use peregrine_gz::msgs::geometry::{Pose, PoseV, Twist, Vector3d};
use peregrine_gz::msgs::scene::{Scene, geometry};
use peregrine_gz::msgs::sensing::Actuators;
use peregrine_gz::msgs::serialized::{SerializedStepMap, component_type};
use peregrine_gz::msgs::world::{EntityFactory, WorldControl, WorldStatistics, entity_factory};
use peregrine_gz::{GzNode, Options};
use peregrine_sim::control::Change;
use peregrine_sim::flight::{Flight, Rules};
use peregrine_sim::gz::{GzSide, Inbox, OrderTopics, apply, lock};
use peregrine_sim::physics::{STEP_NS, Vehicle};
use peregrine_sim::scenario::{ForestSpec, build, from_sdf};
use peregrine_sim::sdf::Loader;

const POST: &str =
    "<sdf version='1.9'><model name='post'><pose>5 0 1 0 0 0</pose><link name='l'><collision name='c'>
    <geometry><sphere><radius>0.5</radius></sphere></geometry></collision></link></model></sdf>";

fn options(name: &str) -> Options {
    Options::loopback(&format!("sim_{name}_{}", std::process::id()))
}

/// The side of the x500, and what waits in its inbox.
fn open(flight: &Flight, name: &str) -> (GzSide, Arc<Mutex<Inbox>>) {
    let (orders, inbox) = (OrderTopics::of("x500", None), Arc::default());
    (GzSide::open(flight.world(), "x500", options(name), &orders, &inbox).unwrap(), inbox)
}

fn flight() -> Flight {
    let world = Arc::new(build("empty", &ForestSpec::default()).unwrap());
    Flight::new(world, Vehicle::x500(), Rules::default()).unwrap()
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn order(client: &GzNode, control: WorldControl) {
    let yes: Boolean = client.request("/world/empty/control", &control, Duration::from_secs(20)).unwrap();
    assert!(yes.data);
}

#[test]
fn clients_see_the_clock_statistics_and_poses() {
    let mut flight = flight();
    let (mut side, _) = open(&flight, "see");
    let client = GzNode::new(options("see")).unwrap();
    let (heard, hears) = mpsc::channel();
    let to = heard.clone();
    client
        .subscribe("/world/empty/clock", move |c: Clock| drop(to.send(format!("clock {:?}", c.sim))))
        .unwrap();
    let to = heard.clone();
    client
        .subscribe("/world/empty/stats", move |s: WorldStatistics| {
            drop(to.send(format!("stats {}", s.iterations)))
        })
        .unwrap();
    let to = heard;
    client
        .subscribe("/world/empty/dynamic_pose/info", move |p: PoseV| {
            drop(to.send(format!("pose {}", p.pose[0].name)))
        })
        .unwrap();
    let mut seen = std::collections::BTreeSet::new();
    let mut now = 0;
    wait_for("all three", || {
        now += 20 * STEP_NS;
        flight.advance(now).unwrap();
        let pose = Isometry3::identity();
        side.after_step(now, flight.world(), &pose);
        seen.extend(hears.try_iter().map(|text| text.split(' ').next().unwrap().to_string()));
        (seen.len() == 3).then_some(())
    });
    // Discovery brings one name after the other.
    for name in ["/clock", "/world/empty/pose/info", "/world/empty/scene/info", "/model/x500/odometry"] {
        wait_for(name, || client.topics().unwrap().iter().any(|topic| topic.name == name).then_some(()));
    }
    let create = "/world/empty/create";
    wait_for(create, || client.services().unwrap().iter().any(|s| s.name == create).then_some(()));
}

#[test]
fn clients_pause_and_step_to_the_millisecond() {
    let (side, _) = open(&flight(), "step");
    let client = GzNode::new(options("step")).unwrap();
    order(&client, WorldControl { pause: true, ..Default::default() });
    let control = side.control().clone();
    assert!(control.is_paused());
    order(&client, WorldControl { pause: true, multi_step: 250, ..Default::default() });
    let permit = control.gate(7 * STEP_NS, STEP_NS, || false);
    assert_eq!(permit.until, Some(257 * STEP_NS));
    let until = Time { sec: 2, nsec: 500_000_000 };
    order(&client, WorldControl { run_to_sim_time: Some(until), ..Default::default() });
    assert_eq!(control.gate(257 * STEP_NS, STEP_NS, || false).until, Some(2_500_000_000));
    order(&client, WorldControl { pause: false, ..Default::default() });
    assert_eq!(control.gate(300 * STEP_NS, STEP_NS, || false).until, None);
    // Steps without a pause are none: the world runs on, as Gazebo's does.
    order(&client, WorldControl { multi_step: 100, ..Default::default() });
    assert_eq!(control.gate(310 * STEP_NS, STEP_NS, || false).until, None);
}

#[test]
fn clients_see_where_a_paused_world_stands_though_they_come_late() {
    let mut flight = flight();
    let (mut side, _) = open(&flight, "stand");
    let control = side.control().clone();
    let pose = Isometry3::translation(1.0, 2.0, 3.0);
    control.pause(true);
    side.before_gate(0, flight.world(), &pose);
    control.step(3);
    let until = control.gate(0, STEP_NS, || false).until.unwrap();
    assert_eq!(until, 3 * STEP_NS);
    flight.advance(until).unwrap();
    side.after_step(until, flight.world(), &pose);
    side.before_gate(until, flight.world(), &pose);

    let client = GzNode::new(options("stand")).unwrap();
    let (heard, hears) = mpsc::channel();
    client.subscribe("/world/empty/stats", move |s: WorldStatistics| drop(heard.send(s))).unwrap();
    let (placed, places) = mpsc::channel();
    client.subscribe("/world/empty/dynamic_pose/info", move |p: PoseV| drop(placed.send(p))).unwrap();
    let (mut stats, mut place) = (None, None);
    wait_for("statistics and a pose", || {
        // What the simulator does at the gate.
        let permit = control.gate(until, STEP_NS, || side.is_due());
        assert_eq!(permit.until, Some(until));
        side.before_gate(until, flight.world(), &pose);
        stats = hears.try_iter().last().or(stats.take());
        place = places.try_iter().last().or(place.take());
        (stats.is_some() && place.is_some()).then_some(())
    });
    let (stats, place) = (stats.unwrap(), place.unwrap());
    assert!(stats.paused && stats.iterations == 3, "{stats:?}");
    assert_eq!(place.pose[0].position.as_ref().unwrap().x, 1.0);
}

#[test]
fn clients_create_move_and_remove_models_and_the_vehicle_obeys() {
    let mut flight = flight();
    let (mut side, inbox) = open(&flight, "edit");
    let client = GzNode::new(options("edit")).unwrap();
    let limit = Duration::from_secs(20);
    let ask = |service: &str, yes: Boolean| assert!(yes.data, "{service}");
    let changes = |flight: &mut Flight, side: &mut GzSide| {
        let changes = side.control().gate(0, STEP_NS, || true).changes;
        let count = changes.len();
        changes.into_iter().for_each(|change: Change| apply(flight, "x500", change));
        side.world_changed(flight.world());
        count
    };
    let factory = EntityFactory { from: Some(entity_factory::From::Sdf(POST.into())), ..Default::default() };
    ask("create", client.request("/world/empty/create", &factory, limit).unwrap());
    assert_eq!(changes(&mut flight, &mut side), 1);
    let scene: Scene = client.request("/world/empty/scene/info", &Empty::default(), limit).unwrap();
    let names: Vec<&str> = scene.model.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["x500", "post", "ground_plane"]);
    let there = flight.clearance().distance;
    assert!((there - 4.3).abs() < 0.7, "{there}");

    let to = |name: &str, x: f64, z: f64| Pose {
        name: name.into(),
        position: Some(Vector3d { x, z, ..Default::default() }),
        ..Default::default()
    };
    ask("set_pose", client.request("/world/empty/set_pose", &to("post", 20.0, 2.0), limit).unwrap());
    ask("set_pose", client.request("/world/empty/set_pose", &to("x500", 1.0, 5.0), limit).unwrap());
    let nobody: Boolean = client.request("/world/empty/set_pose", &to("nobody", 0.0, 0.0), limit).unwrap();
    assert!(!nobody.data);
    assert_eq!(changes(&mut flight, &mut side), 2);
    assert_eq!(flight.quad().state().position.x, 1.0);
    assert!(flight.clearance().distance > 17.0);

    ask(
        "remove",
        client
            .request("/world/empty/remove", &Entity { name: "post".into(), ..Default::default() }, limit)
            .unwrap(),
    );
    changes(&mut flight, &mut side);
    assert!(flight.clearance().distance.is_infinite());

    // The vehicle is no model to be taken away, and its name no other's.
    let vehicle = Entity { name: "x500".into(), ..Default::default() };
    let no: Boolean = client.request("/world/empty/remove", &vehicle, limit).unwrap();
    assert!(!no.data);
    let named = EntityFactory { name: "x500".into(), allow_renaming: true, ..factory.clone() };
    ask("create", client.request("/world/empty/create", &named, limit).unwrap());
    ask(
        "create",
        client
            .request("/world/empty/create", &EntityFactory { allow_renaming: false, ..named }, limit)
            .unwrap(),
    );
    assert_eq!(changes(&mut flight, &mut side), 2);
    let names: Vec<&str> =
        flight.world().things.iter().map(|t| t.name.as_str()).filter(|n| !n.is_empty()).collect();
    assert_eq!(names, ["x500_1"], "the second was refused");

    let cmd_vel = client.advertise::<Twist>("/model/x500/cmd_vel").unwrap();
    let velocity = wait_for("the command", || {
        let linear = Some(Vector3d { x: 2.0, ..Default::default() });
        cmd_vel.publish(&Twist { linear, ..Default::default() });
        lock(&inbox).take_velocity()
    });
    assert_eq!((velocity.linear.x, velocity.yaw_rate), (2.0, 0.0));
    let enable = client.advertise::<Boolean>("/model/x500/enable").unwrap();
    wait_for("the end of obedience", || {
        enable.publish(&Boolean { header: None, data: false });
        lock(&inbox).take_velocity().is_none().then_some(())
    });
    let motors = client.advertise::<Actuators>("/x500/command/motor_speed").unwrap();
    let rotors = wait_for("rotor speeds", || {
        motors.publish(&Actuators { velocity: vec![500.0, 501.0, 502.0, 503.0], ..Default::default() });
        lock(&inbox).take_rotors()
    });
    assert_eq!(rotors, [500.0, 501.0, 502.0, 503.0]);
}

/// Clients draw what they are told: meshes by their files, outlines, the ground, and models that came later.
#[test]
fn the_scene_and_the_state_hold_whatever_is_to_be_seen() {
    const WALL: &str = "<model name='wall'><pose>4 0 0 0 0 0</pose><static>1</static><link name='l'><visual name='v'><geometry>
        <polyline><height>2</height><point>0 0</point><point>3 0</point><point>3 1</point><point>0 1</point></polyline></geometry>
        </visual></link></model>";
    let text = format!(
        "<sdf version='1.9'><world name='yard'><model name='floor'><static>1</static><link name='l'><visual name='v'><geometry>
         <plane><normal>0 0 1</normal><size>10 10</size></plane></geometry></visual></link></model>{WALL}</world></sdf>"
    );
    let loaded = Loader::without_files().load_str(&text, "yard").unwrap();
    let mut world = from_sdf(loaded, "yard", 60.0, 2.0).unwrap();
    let later = Loader::without_files().load_str(&format!("<sdf version='1.9'>{WALL}</sdf>"), "t").unwrap();
    world.insert(later, Some("later"), None, false).unwrap();
    let scene = peregrine_sim::gz::describe(&world, "x500");
    let names: Vec<&str> = scene.model.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["x500", "wall", "later", "floor"]);
    for name in ["wall", "later"] {
        let model = scene.model.iter().find(|m| m.name == name).unwrap();
        assert_eq!(model.pose.as_ref().unwrap().position.as_ref().unwrap().x, 4.0);
        let visual = &model.link[0].visual[0];
        let geometry = visual.geometry.as_ref().unwrap();
        assert_eq!((visual.name.as_str(), geometry.r#type), ("v", geometry::Type::Polyline as i32));
        assert_eq!((geometry.polyline[0].height, geometry.polyline[0].point.len()), (2.0, 4));
    }
    let floor = scene.model[3].link[0].visual[0].geometry.as_ref().unwrap();
    assert_eq!((floor.r#type, scene.model[3].is_static), (geometry::Type::Plane as i32, true));

    // And to whoever asks for the state; the ground is neither moved nor removed.
    let mut flight = Flight::new(Arc::new(world), Vehicle::x500(), Rules::default()).unwrap();
    let (mut side, _) = open(&flight, "whatever");
    side.after_step(0, flight.world(), &Isometry3::identity());
    let client = GzNode::new(options("whatever")).unwrap();
    let limit = Duration::from_secs(20);
    let state = |client: &GzNode| {
        let step: SerializedStepMap = client.request("/world/yard/state", &Empty::default(), limit).unwrap();
        step.state.unwrap()
    };
    let kind = component_type("gz_sim_components.Geometry") as i64;
    assert_eq!(state(&client).entities.values().filter(|e| e.components.contains_key(&kind)).count(), 3);
    let floor = Entity { name: "floor".into(), ..Default::default() };
    let no: Boolean = client.request("/world/yard/remove", &floor, limit).unwrap();
    assert!(!no.data);

    // Who moves a thing changes where it is told to be, not the scene.
    let (told, scenes) = mpsc::channel();
    client.subscribe("/world/yard/scene/info", move |s: Scene| drop(told.send(s))).unwrap();
    let to = Isometry3::translation(7.0, 0.0, 0.0);
    apply(&mut flight, "x500", Change::SetPose { name: "wall".into(), pose: to });
    side.things_moved(flight.world(), vec!["wall".into()]);
    side.after_step(20 * STEP_NS, flight.world(), &Isometry3::identity());
    let pose = component_type("gz_sim_components.Pose") as i64;
    let id = u64::from(scene.model[1].id);
    let text = state(&client).entities[&id].components[&pose].component.clone();
    assert_eq!(String::from_utf8(text).unwrap(), "7 0 0 0 0 0");
    let now: Scene = client.request("/world/yard/scene/info", &Empty::default(), limit).unwrap();
    assert_eq!(now.model[1].pose.as_ref().unwrap().position.as_ref().unwrap().x, 7.0);
    assert!(scenes.try_recv().is_err(), "the scene was told again");
}

/// Who is taken up goes on with the world as it is, and does not tell again what was due before; steps are those of the file.
#[test]
fn a_world_that_is_taken_up_is_seen_as_it_is() {
    const SLOW: &str = "<sdf version='1.9'><world name='slow'><physics type='ode'><max_step_size>0.004</max_step_size></physics>
        </world></sdf>";
    let loaded = Loader::without_files().load_str(SLOW, "slow").unwrap();
    let world = Arc::new(from_sdf(loaded, "slow", 60.0, 2.0).unwrap());
    let mut flight = Flight::new(world, Vehicle::x500(), Rules::default()).unwrap();
    let (mut side, _) = open(&flight, "resume");
    assert_eq!(side.step_ns(), 4 * STEP_NS);
    let client = GzNode::new(options("resume")).unwrap();
    let change = Change::Create { sdf: POST.into(), name: None, pose: None, rename: false };
    apply(&mut flight, "x500", change);
    let later = 10_000 * STEP_NS;
    side.resume(later, flight.world());
    let limit = Duration::from_secs(20);
    let scene: Scene = client.request("/world/slow/scene/info", &Empty::default(), limit).unwrap();
    assert!(scene.model.iter().any(|m| m.name == "post"), "{scene:?}");
    let (told, hears) = mpsc::channel();
    client.subscribe("/world/slow/stats", move |s: WorldStatistics| drop(told.send(s))).unwrap();
    let mut now = later;
    let stats = wait_for("statistics", || {
        now += 25 * 4 * STEP_NS;
        side.after_step(now, flight.world(), &Isometry3::identity());
        hears.try_iter().next()
    });
    let at = stats.sim_time.unwrap();
    let ns = at.sec * 1_000_000_000 + i64::from(at.nsec);
    assert!(ns > later && stats.iterations as i64 == ns / (4 * STEP_NS), "{ns} {}", stats.iterations);
    assert_eq!(stats.step_size.unwrap().nsec, 4_000_000);
}

/// A link that hangs by a joint is told by its own name, in the frame of its model, as it swings; and its model is no longer static.
#[test]
fn links_that_hang_by_joints_are_among_the_poses_and_in_the_state() {
    const DOOR: &str = "<sdf version='1.9'><world name='yard'><model name='door'><pose>4 1 0 0 0 1</pose><link name='post'/>
        <link name='leaf'><pose>0 0 1 0 0 0</pose><inertial><pose>0.4 0 0 0 0 0</pose><mass>5</mass></inertial><collision name='c'>
        <geometry><box><size>0.8 0.05 2</size></box></geometry></collision></link>
        <joint name='hinge' type='revolute'><parent>post</parent><child>leaf</child><axis><xyz>0 0 1</xyz><dynamics>
        <spring_reference>1.2</spring_reference><spring_stiffness>6</spring_stiffness></dynamics></axis></joint></model></world></sdf>";
    let loaded = Loader::without_files().load_str(DOOR, "door").unwrap();
    let world = Arc::new(from_sdf(loaded, "yard", 60.0, 2.0).unwrap());
    let mut flight = Flight::new(world, Vehicle::x500(), Rules::default()).unwrap();
    let (mut side, _) = open(&flight, "door");
    let client = GzNode::new(options("door")).unwrap();
    let (told, poses) = mpsc::channel();
    client.subscribe("/world/yard/dynamic_pose/info", move |p: PoseV| drop(told.send(p))).unwrap();
    let mut now = 0;
    let leaf = wait_for("the leaf, half open", || {
        now += 20 * STEP_NS;
        flight.advance(now).unwrap();
        side.after_step(now, flight.world(), &Isometry3::identity());
        let all = poses.try_iter().flat_map(|p| p.pose).filter(|p| p.name == "leaf");
        all.into_iter().find(|p| p.orientation.as_ref().is_some_and(|q| q.z > 0.4))
    });
    let at = leaf.position.unwrap();
    assert_eq!((at.x, at.y, at.z), (0.0, 0.0, 1.0), "in the frame of its model");
    let scene: Scene =
        client.request("/world/yard/scene/info", &Empty::default(), Duration::from_secs(20)).unwrap();
    let door = scene.model.iter().find(|m| m.name == "door").unwrap();
    assert!(!door.is_static && door.link.iter().any(|l| l.name == "leaf" && l.id == leaf.id));
    let step: SerializedStepMap =
        client.request("/world/yard/state", &Empty::default(), Duration::from_secs(20)).unwrap();
    // As Gazebo's window asks: the state goes to a service of the client's own.
    let (came, comes) = std::sync::mpsc::channel();
    client.advertise_one_way("/window/state", move |step: SerializedStepMap| drop(came.send(step))).unwrap();
    let window = StringMsg { header: None, data: "/window/state".into() };
    client.request_one_way("/world/yard/state_async", &window, Duration::from_secs(20)).unwrap();
    let sent = wait_for("the state", || {
        now += 20 * STEP_NS;
        side.after_step(now, flight.world(), &Isometry3::identity());
        comes.try_recv().ok()
    });
    let state = step.state.unwrap();
    assert!(sent.state.unwrap().entities.keys().eq(state.entities.keys()));
    let component = |entity: u32, name: &str| {
        let number = component_type(&format!("gz_sim_components.{name}")) as i64;
        String::from_utf8(state.entities[&u64::from(entity)].components[&number].component.clone()).unwrap()
    };
    assert_eq!(
        (component(leaf.id, "Name").as_str(), component(leaf.id, "ParentEntity")),
        ("leaf", door.id.to_string())
    );
    let yaw: f64 = component(leaf.id, "Pose").split(' ').next_back().unwrap().parse().unwrap();
    assert!(yaw > 0.5, "{yaw}");
}

/// What falls is told as a model, a link that is apart from its model by its own name in the model's frame; neither is static.
#[test]
fn what_falls_is_among_the_poses() {
    let link = |name: &str, pose: &str| {
        format!(
            "<link name='{name}'><pose>{pose}</pose><collision name='c'><geometry><box><size>0.2 0.2 0.2</size></box></geometry>
             </collision></link>"
        )
    };
    let text = format!(
        "<sdf version='1.9'><world name='yard'><include><uri>model://ground_plane</uri></include>
         <model name='pair'><pose>5 1 3 0 0 0</pose>{}{}</model></world></sdf>",
        link("low", "0 0 0 0 0 0"),
        link("high", "0 1 1 0 0 0")
    );
    let loaded = Loader::without_files().load_str(&text, "yard").unwrap();
    let world = Arc::new(from_sdf(loaded, "yard", 60.0, 2.0).unwrap());
    let mut flight = Flight::new(world, Vehicle::x500(), Rules::default()).unwrap();
    let (mut side, _) = open(&flight, "fall");
    let client = GzNode::new(options("fall")).unwrap();
    let (told, poses) = mpsc::channel();
    for topic in ["/world/yard/dynamic_pose/info", "/world/yard/pose/info"] {
        let told = told.clone();
        client.subscribe(topic, move |p: PoseV| drop(told.send((topic, p)))).unwrap();
    }
    let mut now = 0;
    let mut seen = std::collections::BTreeMap::new();
    wait_for("both at rest, on both topics", || {
        now += 20 * STEP_NS;
        flight.advance(now).unwrap();
        side.after_step(now, flight.world(), &Isometry3::identity());
        for (topic, p) in poses.try_iter().flat_map(|(topic, p)| p.pose.into_iter().map(move |p| (topic, p)))
        {
            seen.insert((topic, p.name.clone()), p.position.map_or(9.0, |at| at.z));
        }
        let at_rest = |topic, name: &str, z: f64| {
            seen.get(&(topic, name.to_string())).is_some_and(|told: &f64| (told - z).abs() < 1e-2)
        };
        // Both lie at 0.1 m: the one that is apart at 0 in the frame of its model.
        let both = |topic| at_rest(topic, "pair", 0.1) && at_rest(topic, "high", 0.0);
        (both("/world/yard/dynamic_pose/info") && both("/world/yard/pose/info")).then_some(())
    });
    let scene: Scene =
        client.request("/world/yard/scene/info", &Empty::default(), Duration::from_secs(20)).unwrap();
    let pair = scene.model.iter().find(|m| m.name == "pair").unwrap();
    assert!(!pair.is_static && pair.link.len() == 2);
}
