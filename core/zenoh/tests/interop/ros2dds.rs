//! Nodes on DDS, behind zenoh-bridge-ros2dds (tests/peers): our nodes with the keys that it has, rclpy on Fast DDS, and a
//! node with services as rmw_cyclonedds has them.

use std::sync::OnceLock;

use peregrine_zenoh::KeyForm;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::*;

/// Loopback alone, without multicast: Cyclone DDS would look for an interface that can do it.
const CYCLONE: &str = "<CycloneDDS><Domain><General><Interfaces><NetworkInterface name='lo'/></Interfaces>\
    <AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex>\
    <MaxAutoParticipantIndex>32</MaxAutoParticipantIndex><Peers><Peer address='127.0.0.1'/></Peers></Discovery></Domain></CycloneDDS>";

/// A program on DDS.
fn on_dds(program: &std::path::Path, domain: u16) -> Command {
    let mut command = Command::new(program);
    command
        .env("ROS_DISTRO", "jazzy")
        .env("ROS_DOMAIN_ID", domain.to_string())
        .env("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        .env("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Our nodes and a bridge, with the domain on the bridge's other side.
fn world(test: &str) -> Option<(World, u16)> {
    let bridge = built_peer(test, "ros2dds-bridge")?;
    let python = python(test)?;
    let mut domain = 0;
    let router = |port: u16| {
        // Another one for each run: the domains of a host are everybody's.
        domain = port % 100 + 1;
        let mut command = on_dds(&bridge, domain);
        command.args([port.to_string(), domain.to_string()]).env("CYCLONEDDS_URI", CYCLONE);
        Program::spawn(&mut command)
    };
    let world = World::meet(&python, router, 640, |options| options.keys = KeyForm::Ros2Dds);
    Some((world, domain))
}

#[test]
fn rclpy_on_fast_dds_is_a_peer_behind_a_bridge() {
    let test = "rclpy_on_fast_dds_is_a_peer_behind_a_bridge";
    let Some(venv) = std::env::var_os("PEREGRINE_ROS_VENV").map(PathBuf::from) else {
        println!(
            "SKIP {test}: PEREGRINE_ROS_VENV names no virtual environment with rclpy (`cargo xtask test` makes one)"
        );
        return;
    };
    let warnings = Warnings::listen();
    let Some((world, domain)) = world(test) else { return };
    let mut command = on_dds(&venv.join("bin/python"), domain);
    let mut rclpy = Program::spawn(command.arg(peers().join("dds_rclpy.py")));
    let found = rclpy.report("rclpy");
    assert_eq!((&found["text"], &found["twist"]), (&json!("hello"), &json!([0.25, "base_link"])));
    assert_eq!(found["latched"], json!(["kept by peregrine"]), "it came late");
    let sum: u64 = (0..1000_u64).map(|i| (i % 251 + 1) * (i % 251)).sum();
    assert_eq!(found["image"], json!([640, 480, 1920, "rgb8", "camera_optical", 640 * 480 * 3, sum]));
    let seen = world.until("rclpy's messages", |seen| {
        seen.text.is_some() && seen.latched.is_some() && seen.twist.is_some() && seen.image.is_some()
    });
    assert_eq!(
        (seen.text.as_deref(), seen.latched.as_deref()),
        (Some("hello from rclpy"), Some("kept by rclpy"))
    );
    assert_eq!((seen.twist, seen.image), (Some((0.5, 7)), Some((640, 480, "their_camera".into(), true))));

    let rclpy_node = "/theirs/dds_peer";
    let patience = Duration::from_secs(5);
    let topics = seen_in_time("the graph behind the bridge", || {
        let topics = world.inspector.topics(patience).unwrap();
        let text = topics.iter().find(|topic| topic.name == "/theirs/text")?;
        text.publishers.contains(&rclpy_node.to_owned()).then_some(topics)
    });
    let topic = |name: &str| {
        topics.iter().find(|topic| topic.name == name).unwrap_or_else(|| panic!("{name}: {topics:#?}"))
    };
    assert_eq!(topic("/theirs/text").subscriptions, ["/ours/talker"]);
    assert_eq!(topic("/theirs/text").hash, std_msgs::String::TYPE_HASH, "the bridge hands rclpy's hash on");
    assert_eq!(
        (topic("/ours/text").publishers.as_slice(), topic("/ours/text").subscriptions.as_slice()),
        (&["/ours/talker".to_owned()][..], &[rclpy_node.to_owned()][..])
    );
    assert!(topic("/theirs/latched").latched && !topic("/theirs/image").latched);
    let nodes = world.inspector.nodes(patience).unwrap();
    assert!(["/ours/talker", rclpy_node].iter().all(|name| nodes.contains(&(*name).to_owned())), "{nodes:?}");

    // And as `peregrine topic echo` reads them; late for the latched one.
    for name in ["/theirs/twist", "/theirs/latched"] {
        let entry = topic(name);
        let stream = world.inspector.stream(entry).unwrap();
        let update = stream.next(Duration::from_secs(10)).unwrap_or_else(|| panic!("{name}"));
        let json = (registry::find(&entry.type_name).unwrap().to_json)(&update.payload).unwrap();
        if entry.latched {
            assert_eq!(json["data"], "kept by rclpy");
        } else {
            assert_eq!(
                (&json["twist"]["linear"]["x"], &json["header"]["frame_id"]),
                (&json!(0.5), &json!("base_link"))
            );
        }
    }
    // The bridge heard of our String first and tells of no other type, but of the hash of what rclpy has.
    for (code, topic) in [("PG-1213", "/theirs/lossy"), ("PG-1212", "/theirs/odd")] {
        seen_in_time(code, || warnings.has(code, topic).then_some(()));
    }
}

#[test]
fn services_pass_the_bridge_to_cyclone_dds() {
    let Some((world, domain)) = world("services_pass_the_bridge_to_cyclone_dds") else { return };
    let mut command = on_dds(&world.python, domain);
    command.arg(peers().join("dds_services.py")).arg(domain.to_string()).env("CYCLONEDDS_URI", CYCLONE);
    let mut peer = Program::spawn(&mut command);
    let found = peer.report("the node on Cyclone DDS");
    assert_eq!(found["switched"], json!([true, "from peregrine"]));
    assert_eq!(found["listed"], json!(["greeting", "size", "use_sim_time"]));
    assert_eq!(found["before"], json!(["hello", 640]));
    assert_eq!(found["good"], json!([true, ""]));
    assert_eq!(found["fixed"][0], false);
    assert!(found["fixed"][1].as_str().unwrap().contains("PG-0218"), "{}", found["fixed"]);
    assert_eq!(found["after"], "set over DDS");
    let seen = world.until("the answer of the node on Cyclone DDS", |seen| seen.switched.is_some());
    assert_eq!(seen.switched, Some((true, "from Cyclone DDS".into())));
    // And from outside of any node, as `peregrine service call` does.
    let patience = Duration::from_secs(10);
    let found = seen_in_time("the service in the graph", || {
        let services = world.inspector.services(patience).unwrap();
        services.into_iter().find(|service| service.name == "/theirs/switch")
    });
    assert_eq!(
        (found.type_name.as_str(), found.node.as_str()),
        ("std_srvs/srv/SetBool", "/theirs/dds_services")
    );
    let switch = registry::find_service("std_srvs/srv/SetBool").unwrap();
    let request = cdr::to_vec(&SetBoolRequest { data: false });
    let answer = world.inspector.call("/theirs/switch", switch, request, patience).unwrap();
    let answer: SetBoolResponse = cdr::from_slice(&answer).unwrap();
    assert_eq!((answer.success, answer.message.as_str()), (false, "from Cyclone DDS"));
}

/// Whoever speaks the other form of keys is named, with what to set.
#[test]
fn two_forms_of_keys_exchange_nothing_and_say_so() {
    let warnings = Warnings::listen();
    let Some((world, _)) = world("two_forms_of_keys_exchange_nothing_and_say_so") else { return };
    let link = Link::open(&LinkOptions::new(world.port, false)).unwrap().unwrap();
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    let link = Arc::new(link);
    app.extend(Arc::<Mutex<Seen>>::default());
    app.serve_ros().unwrap();
    let spec = NodeSpec { namespace: Some("/other".into()), ..NodeSpec::new("talker") };
    app.add(NodeFactory::of::<Talker>(), spec).unwrap();
    carry(&mut app, &link).unwrap();
    let stop = app.stop_handle();
    let running = std::thread::spawn(move || app.run().unwrap());
    // The one here hears of ours or of the bridge, ours of the one here.
    for remedy in ["PEREGRINE_ZENOH_KEYS=ros2dds", "node '/other/talker'"] {
        seen_in_time(remedy, || warnings.has("PG-1216", remedy).then_some(()));
    }
    let inspector = Inspector::new((*link).clone());
    let nodes = seen_in_time("the node here", || {
        inspector.nodes(Duration::from_secs(2)).ok().filter(|nodes| !nodes.is_empty())
    });
    assert_eq!(nodes, ["/other/talker"], "nodes that cannot be reached are not shown");
    stop.ask(StopReason::Asked("the test is over".into()));
    running.join().unwrap();
    link.close();
}

/// The process's warnings, from now on.
struct Warnings;

static HEARD: OnceLock<Mutex<Vec<String>>> = OnceLock::new();

impl Warnings {
    fn listen() -> Self {
        if HEARD.set(Mutex::default()).is_ok() {
            tracing::subscriber::set_global_default(Ear).unwrap();
        }
        Self
    }

    fn has(&self, code: &str, part: &str) -> bool {
        let heard = HEARD.get().unwrap().lock().unwrap();
        heard.iter().any(|text| text.contains(code) && text.contains(part))
    }
}

struct Ear;

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        eprintln!("{}", text.0);
        if let Some(heard) = HEARD.get() {
            heard.lock().unwrap().push(text.0);
        }
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
