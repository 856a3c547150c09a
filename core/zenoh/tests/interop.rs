//! Our nodes among peers over Zenoh that we did not write: pyzeros, zenoh-ros2-sdk, hiroz, and eclipse-zenoh itself, all through
//! an eclipse-zenoh router, as ROS 2 nodes meet at rmw_zenohd; and DDS nodes through zenoh-bridge-ros2dds.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

// The name under which derive(Params) looks for the runtime.
extern crate peregrine_core as peregrine;

#[path = "interop/hiroz.rs"]
mod hiroz;
#[path = "interop/ros2dds.rs"]
mod ros2dds;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use peregrine_core::prelude::*;
use peregrine_core::{App, Mode, NodeFactory, NodeSpec, ParamValue, Stop, StopReason};
use peregrine_msgs::Message;
use peregrine_msgs::geometry_msgs::TwistStamped;
use peregrine_msgs::rcl_interfaces::{GetParametersRequest, GetParametersResponse, Log};
use peregrine_msgs::std_msgs;
use peregrine_msgs::std_srvs::{SetBool, SetBoolRequest, SetBoolResponse};
use peregrine_msgs::{cdr, registry};
use peregrine_zenoh::keys::{Endpoint, Kind, NodeName, WireQos, data_key, dds_name};
use peregrine_zenoh::{Distro, Inspector, Link, LinkOptions, carry};
use serde_json::{Value, json};

/// The Python of the tests, or `None` after saying that `test` is skipped.
fn python(test: &str) -> Option<PathBuf> {
    let python = std::env::var_os("PEREGRINE_TEST_PYTHON").map(PathBuf::from).filter(|path| path.is_file());
    if python.is_none() {
        println!("SKIP {test}: PEREGRINE_TEST_PYTHON names no Python (`cargo xtask test` makes one)");
    }
    python
}

/// A program of tests/peers, or `None` after saying that `test` is skipped.
fn built_peer(test: &str, name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PEREGRINE_PEERS").map(PathBuf::from).unwrap_or_default();
    let program = folder.join(name);
    if !program.is_file() {
        println!(
            "SKIP {test}: PEREGRINE_PEERS names no folder with {name} (`cargo xtask test` builds it from tests/peers)"
        );
        return None;
    }
    Some(program)
}

/// The programs in Python.
fn peers() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers")
}

/// What our node has seen of the other side.
#[derive(Debug, Default, Clone, PartialEq)]
struct Seen {
    text: Option<String>,
    latched: Option<String>,
    switched: Option<(bool, String)>,
    /// Speed forward and the second it is of.
    twist: Option<(f64, i32)>,
    /// Width, height, frame, and whether the pixels are those of the peers: 7 times their place.
    image: Option<(u32, u32, String, bool)>,
}

/// Parameters of the node under test.
#[derive(Params)]
struct Config {
    /// What it says.
    #[param(default = "hello", live)]
    greeting: String,
    /// Width of its pictures, pixels.
    #[param(default = 64, range = 16..=640)]
    size: u32,
}

struct Talker {
    config: Config,
    seen: Arc<Mutex<Seen>>,
    text: Publisher<std_msgs::String>,
    twist: Publisher<TwistStamped>,
    latched: Publisher<std_msgs::String>,
    image: FramePublisher,
    switch: Client<SetBool>,
    ticks: u32,
}

impl Node for Talker {
    const NAME: &'static str = "talker";
    type Params = Config;

    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        setup.timer(Duration::from_millis(50), Self::tick)?;
        setup.subscribe("/theirs/text", Qos::Reliable, |node: &mut Self, _, m: &std_msgs::String| {
            node.seen.lock().unwrap().text = Some(m.data.clone());
            Ok(())
        })?;
        setup.subscribe("/theirs/latched", Qos::Latched, |node: &mut Self, _, m: &std_msgs::String| {
            node.seen.lock().unwrap().latched = Some(m.data.clone());
            Ok(())
        })?;
        setup.subscribe("/theirs/twist", Qos::Reliable, |node: &mut Self, _, m: &TwistStamped| {
            node.seen.lock().unwrap().twist = Some((m.twist.linear.x, m.header.stamp.sec));
            Ok(())
        })?;
        setup.subscribe_frames(
            "/theirs/image",
            FramePolicy::Latest,
            |node: &mut Self, _, frame: &Frame| {
                let right = frame.bytes().iter().enumerate().all(|(i, byte)| *byte == (i * 7) as u8);
                let seen = (frame.width(), frame.height(), frame.frame_id().to_owned(), right);
                node.seen.lock().unwrap().image = Some(seen);
                Ok(())
            },
        )?;
        for topic in ["/theirs/lossy", "/theirs/odd"] {
            setup.subscribe(topic, Qos::Reliable, |_: &mut Self, _, _: &std_msgs::String| Ok(()))?;
        }
        setup.service::<SetBool>("switch", |_, _, request| {
            Ok(SetBoolResponse { success: request.data, message: "from peregrine".into() })
        })?;
        let slots = FrameSlots { slots: 4, bytes: 640 * 480 * 3 };
        Ok(Self {
            config,
            seen: setup.extension().expect("the test lends it"),
            text: setup.publish("text", Qos::Reliable)?,
            twist: setup.publish("twist", Qos::Reliable)?,
            latched: setup.publish("/ours_latched", Qos::Latched)?,
            image: setup.publish_frames("image", slots)?,
            switch: setup.client::<SetBool>("/theirs/switch", |node, _, _, outcome| {
                if let Ok(response) = outcome {
                    node.seen.lock().unwrap().switched = Some((response.success, response.message.clone()));
                }
                Ok(())
            })?,
            ticks: 0,
        })
    }

    fn activate(&mut self, ctx: &Context) -> Result {
        for data in ["replaced", "kept by peregrine"] {
            self.latched.send(ctx, std_msgs::String { data: data.into() })?;
        }
        Ok(())
    }

    fn reconfigure(&mut self, _: &Context, config: Config) -> Result {
        self.config = config;
        Ok(())
    }
}

impl Talker {
    fn tick(&mut self, ctx: &Context) -> Result {
        self.ticks += 1;
        if self.ticks.is_multiple_of(10) && self.seen.lock().unwrap().switched.is_none() {
            self.switch.call(ctx, SetBoolRequest { data: true });
        }
        self.text.send(ctx, std_msgs::String { data: self.config.greeting.clone() })?;
        let mut twist = TwistStamped::default();
        twist.header.frame_id = "base_link".into();
        twist.twist.linear.x = 0.25;
        self.twist.send(ctx, twist)?;
        let (width, height) = (self.config.size, self.config.size / 4 * 3);
        let spec = peregrine_core::ImageSpec {
            width,
            height,
            encoding: Encoding::Rgb8,
            step: width * 3,
            frame_id: "camera_optical",
        };
        if let Some(mut loan) = self.image.loan(&spec)? {
            loan.bytes_mut().iter_mut().enumerate().for_each(|(i, byte)| *byte = (i % 251) as u8);
            self.image.send(ctx, loan)?;
        }
        Ok(())
    }
}

/// A program that is stopped by closing its stdin, and reaped.
struct Program {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(python: &std::path::Path, script: &str, args: &[&str]) -> Self {
        let mut command = Command::new(python);
        command.arg(peers().join(script)).args(args).env("PYTHONDONTWRITEBYTECODE", "1");
        Self::spawn(&mut command)
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self, what: &str) -> String {
        match self.lines.next() {
            Some(line) => line.unwrap(),
            None => panic!("{what}: the peer ended with {:?}; its words are above", self.child.wait()),
        }
    }

    /// Tells a peer that obeys lines of JSON.
    fn tell(&mut self, command: &Value) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{command}").unwrap();
    }

    /// The peer's report; lines that libraries print before it are passed over.
    fn report(&mut self, what: &str) -> Value {
        loop {
            if let Ok(Value::Object(found)) = serde_json::from_str(&self.line(what)) {
                return Value::Object(found);
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One world at a time: the log behind /rosout is the process's, and peers in Python are slow when they share the CPUs.
static ALONE: Mutex<()> = Mutex::new(());

/// A router and our nodes, stopped when dropped.
struct World {
    port: u16,
    seen: Arc<Mutex<Seen>>,
    stop: Stop,
    running: Option<JoinHandle<()>>,
    inspector: Inspector,
    python: PathBuf,
    _router: Program,
    // Last, so that the next world begins when this one is gone.
    _alone: MutexGuard<'static, ()>,
}

impl World {
    fn new(test: &str, distro: Distro) -> Option<Self> {
        let python = python(test)?;
        let router = |port: u16| Program::start(&python, "router.py", &[&port.to_string()]);
        Some(Self::meet(&python, router, 64, |options| options.distro = distro))
    }

    /// Our nodes, meeting others at what `router` starts; the pictures are `size` pixels wide.
    fn meet(
        python: &std::path::Path,
        router: impl FnOnce(u16) -> Program,
        size: i64,
        choose: impl FnOnce(&mut LinkOptions),
    ) -> Self {
        let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut router = router(port);
        assert_eq!(router.line("the router"), "ready");
        let mut options = LinkOptions::new(port, false);
        choose(&mut options);
        let open = || Link::open(&options).unwrap().expect("the router listens");
        let link = Arc::new(open());
        let seen = Arc::<Mutex<Seen>>::default();
        let mode = Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false };
        let mut app = App::new(mode);
        app.extend(seen.clone());
        app.serve_ros().unwrap();
        let spec = NodeSpec::new("talker").with_param("size", ParamValue::Integer(size));
        let spec = NodeSpec { namespace: Some("/ours".into()), ..spec };
        app.add(NodeFactory::of::<Talker>(), spec).unwrap();
        carry(&mut app, &link).unwrap();
        let stop = app.stop_handle();
        let running = std::thread::spawn(move || {
            app.run().unwrap();
            link.close();
        });
        let inspector = Inspector::new(open());
        // Peers that come later than what is latched are to be later than that.
        seen_in_time("our node", || {
            let endpoints = inspector.endpoints(Duration::from_secs(2)).unwrap();
            endpoints.iter().any(|endpoint| endpoint.name == "/ours_latched").then_some(())
        });
        Self {
            port,
            seen,
            stop,
            running: Some(running),
            inspector,
            python: python.to_owned(),
            _router: router,
            _alone: alone,
        }
    }

    fn peer(&self, script: &str, args: &[&str]) -> Program {
        let port = self.port.to_string();
        Program::start(&self.python, script, &[&[port.as_str()], args].concat())
    }

    /// Waits until our node has seen what `wanted` says.
    fn until(&self, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let seen = self.seen.lock().unwrap().clone();
            if wanted(&seen) {
                return seen;
            }
            assert!(Instant::now() < end, "{what} did not come in 30 s: {seen:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.ask(StopReason::Asked("the test is over".into()));
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}

/// Asks until there is an answer: discovery brings one name after the other.
fn seen_in_time<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "{what} did not come in 20 s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Topics, an image, services, parameters, type description and lifecycle, each side with the other.
#[test]
fn pyzeros_is_a_peer() {
    let Some(world) = World::new("pyzeros_is_a_peer", Distro::Jazzy) else { return };
    let mut peer = world.peer("peer_pyzeros.py", &[]);
    let found = peer.report("pyzeros");
    assert_eq!(found["text"], "hello");
    let sum: u32 = (0..300_u32).map(|i| i % 251).sum();
    assert_eq!(found["image"], json!([64, 48, "rgb8", 64 * 48 * 3, sum]));
    assert_eq!(found["gids_match"], true, "the id beside a message is that of its token");
    assert_eq!(found["switched"], json!([true, "from peregrine"]));
    assert_eq!(found["listed"], json!(["greeting", "size", "use_sim_time"]));
    assert_eq!(found["before"], json!([[4, "hello", 0], [2, "", 64], [0, "", 0]]));
    assert_eq!(
        found["described"],
        json!([["greeting", false, "What it says."], ["size", true, "Width of its pictures, pixels."]])
    );
    assert_eq!(found["good"], json!([true, ""]));
    assert_eq!(found["fixed"][0], false);
    assert!(found["fixed"][1].as_str().unwrap().contains("PG-0218"), "{}", found["fixed"]);
    assert_eq!(found["changed"], "set by pyzeros");
    assert_eq!(found["described_type"], json!([true, "std_msgs/msg/String", 17, "string data\n"]));
    assert_eq!(found["states"], json!(["active", true, "inactive"]));
    let tokens: Vec<&str> = found["tokens"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for part in ["/NN/%/%ours/talker", "/SS/%/%ours/talker/%ours%switch/", "/MP/%/%ours/talker/%rosout/"] {
        assert!(tokens.iter().any(|token| token.contains(part)), "{part} is not among {tokens:#?}");
    }
    assert!(!tokens.iter().any(|token| token.contains("_zenoh")), "the transport is nobody: {tokens:#?}");
    let seen = world.until("pyzeros's message and answer", |s| s.text.is_some() && s.switched.is_some());
    assert_eq!(seen.text.as_deref(), Some("hello from pyzeros"));
    assert_eq!(seen.switched, Some((true, "from pyzeros".into())));
}

#[test]
fn zenoh_ros2_sdk_is_a_peer() {
    let Some(world) = World::new("zenoh_ros2_sdk_is_a_peer", Distro::Jazzy) else { return };
    let mut peer = world.peer("peer_sdk.py", &[]);
    let found = peer.report("zenoh-ros2-sdk");
    assert_eq!(found["text"], "hello");
    assert_eq!(found["latched"], json!(["kept by peregrine"]));
    assert_eq!(found["switched"], json!([true, "from peregrine"]));
    assert_eq!(found["topics"]["/ours/image"], json!(["sensor_msgs/msg/Image"]), "{}", found["topics"]);
    assert_eq!(found["topics"]["/theirs/text"], json!(["std_msgs/msg/String"]));
    let seen = world.until("the message and the answer", |s| s.text.is_some() && s.switched.is_some());
    assert_eq!(seen.text.as_deref(), Some("hello from zenoh-ros2-sdk"));
    assert_eq!(seen.switched, Some((true, "from zenoh-ros2-sdk".into())));
}

/// What rmw_zenoh does for transient local, done by eclipse-zenoh: late joiners on both sides get the last message.
#[test]
fn late_joiners_get_what_is_latched() {
    let Some(world) = World::new("late_joiners_get_what_is_latched", Distro::Kilted) else { return };
    let string = |topic: &str| data_key(0, topic, std_msgs::String::TYPE_NAME, std_msgs::String::TYPE_HASH);
    let mut peer = world.peer("latched.py", &[&string("/ours_latched"), &string("/theirs/latched")]);
    let seen = world.until("the peer's latched message", |seen| seen.latched.is_some());
    assert_eq!(seen.latched.as_deref(), Some("kept by eclipse-zenoh"));
    assert_eq!(peer.report("eclipse-zenoh")["seen"], json!([["kept by peregrine", 2]]));
    // And our own late joiner: `peregrine topic echo` looks so.
    let entry = seen_in_time("the topic in the graph", || {
        let topics = world.inspector.topics(Duration::from_secs(2)).unwrap();
        topics.into_iter().find(|topic| topic.name == "/ours_latched")
    });
    assert!(entry.latched);
    let update = world.inspector.stream(&entry).unwrap().next(Duration::from_secs(10)).unwrap();
    assert_eq!(cdr::from_slice::<std_msgs::String>(&update.payload).unwrap().data, "kept by peregrine");
}

/// Humble's peers have no hashes: keys and tokens say so, and everything else is alike.
#[test]
fn humble_has_no_hashes() {
    let Some(world) = World::new("humble_has_no_hashes", Distro::Humble) else { return };
    let theirs = data_key(0, "/theirs/latched", std_msgs::String::TYPE_NAME, "TypeHashNotSupported");
    let ours = data_key(0, "/ours_latched", std_msgs::String::TYPE_NAME, "TypeHashNotSupported");
    let mut peer = world.peer("latched.py", &[&ours, &theirs]);
    assert_eq!(peer.report("eclipse-zenoh")["seen"], json!([["kept by peregrine", 2]]));
    world.until("the peer's latched message", |seen| seen.latched.is_some());
}

/// Tokens, QoS strings and data keys of two peers, byte for byte.
#[test]
fn keys_and_tokens_are_those_of_two_peers() {
    let Some(python) = python("keys_and_tokens_are_those_of_two_peers") else { return };
    let messages =
        registry::all().iter().map(|t| (t.type_name, t.type_hash, [Kind::Publisher, Kind::Subscription]));
    let services = registry::all_services();
    let services = services.iter().map(|s| (s.type_name, s.type_hash, [Kind::Service, Kind::Client]));
    let mut asked = tempfile::tempfile().unwrap();
    let mut ours = Vec::new();
    for (i, (type_name, hash, kinds)) in messages.chain(services).enumerate() {
        let (reliable, latched) = (i % 2 == 0, i % 3 == 0);
        let depth = [1, 5, 10, 1000][i % 4];
        let (namespace, name) = [("/", "/image_raw"), ("/front/left", "/front/left/camera/info")][i % 2];
        let kind = kinds[i / 4 % 2];
        let endpoint = Endpoint {
            node: NodeName {
                domain: 7,
                session: "a1b2c3d4".into(),
                node_id: 3,
                enclave: "/".into(),
                namespace: namespace.into(),
                node: "camera_1".into(),
            },
            entity_id: 12,
            kind,
            name: name.into(),
            type_name: type_name.into(),
            hash: hash.into(),
            qos: WireQos { reliable, transient_local: latched, depth: Some(depth) }.encode(),
        };
        let code = ["MP", "MS", "SS", "SC"][kind as usize];
        let line = json!({"kind": code, "domain": 7, "session": "a1b2c3d4", "node_id": 3, "entity_id": 12,
            "namespace": namespace, "node": "camera_1", "name": name, "dds": dds_name(type_name), "hash": hash,
            "reliable": reliable, "latched": latched, "depth": depth});
        std::io::Write::write_all(&mut asked, format!("{line}\n").as_bytes()).unwrap();
        ours.push(endpoint);
    }
    std::io::Seek::rewind(&mut asked).unwrap();
    let output = Command::new(python)
        .arg(peers().join("keys.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(asked)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), ours.len());
    assert!(ours.len() > 150);
    for (ours, theirs) in ours.iter().zip(&answers) {
        let key = data_key(7, &ours.name, &ours.type_name, &ours.hash);
        for (peer, theirs) in ["pyzeros", "zenoh-ros2-sdk"].iter().zip(theirs.as_array().unwrap()) {
            assert_eq!(theirs, &json!([ours.token(), key]), "{peer}");
        }
        assert_eq!(&Endpoint::parse(theirs[0][0].as_str().unwrap()).unwrap(), ours);
    }
}

/// What `peregrine` itself looks with: nodes, services, calls, and the log on /rosout.
#[test]
fn the_graph_is_seen_and_services_are_called() {
    let Some(world) = World::new("the_graph_is_seen_and_services_are_called", Distro::Jazzy) else { return };
    let inspector = &world.inspector;
    let patience = Duration::from_secs(10);
    let get = registry::find_service("rcl_interfaces/srv/GetParameters").unwrap();
    let request = cdr::to_vec(&GetParametersRequest { names: vec!["size".into()] });
    let end = Instant::now() + patience;
    let answer = loop {
        match inspector.call("/ours/talker/get_parameters", get, request.clone(), Duration::from_secs(1)) {
            Ok(answer) => break answer,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
    };
    let answer: GetParametersResponse = cdr::from_slice(&answer).unwrap();
    assert_eq!(answer.values[0].integer_value, 64);
    let nodes =
        seen_in_time("the talker", || inspector.nodes(patience).ok().filter(|nodes| !nodes.is_empty()));
    assert_eq!(nodes, ["/ours/talker"]);
    let services = seen_in_time("the talker's 13 services", || {
        let mut services = inspector.services(patience).unwrap();
        services.retain(|service| service.node == "/ours/talker");
        (services.len() >= 13).then_some(services)
    });
    assert_eq!(services.len(), 13, "{services:#?}");
    let switch = registry::find_service("std_srvs/srv/SetBool").unwrap();
    let error = inspector.call("/nobody", switch, Vec::new(), Duration::from_millis(300)).unwrap_err();
    assert!(error.to_string().contains("PG-1207"), "{error}");
    // Bytes that are no request are refused in words.
    let error = inspector.call("/ours/switch", switch, vec![0, 1, 0, 0], patience).unwrap_err().to_string();
    assert!(error.contains("PG-1208") && error.contains("PG-0212"), "{error}");

    peregrine_core::record_log(peregrine_core::LogRecord {
        level: tracing::Level::WARN,
        node: Some("/ours/talker".into()),
        text: "something is odd".into(),
        file: String::new(),
        module: String::new(),
        line: 0,
    });
    std::thread::sleep(Duration::from_millis(200));
    let topics = inspector.topics(patience).unwrap();
    let rosout = topics.iter().find(|topic| topic.name == "/rosout").unwrap();
    assert_eq!((rosout.latched, rosout.publishers.as_slice()), (true, &["/ours/talker".to_owned()][..]));
    // A late reader: the record was published before it came.
    let stream = inspector.stream(rosout).unwrap();
    let end = Instant::now() + patience;
    loop {
        assert!(Instant::now() < end, "the record is not on /rosout");
        let Some(update) = stream.next(Duration::from_secs(1)) else { continue };
        let log: Log = cdr::from_slice(&update.payload).unwrap();
        if log.msg == "something is odd" {
            assert_eq!((log.level, log.name.as_str()), (Log::WARN, "ours.talker"));
            break;
        }
    }
}
