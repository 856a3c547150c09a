//! The node between a ROS node and Gazebo's own `ign topic`, both ways: what one says the other hears.
//!
//! Needs Debian's `ignition-transport-cli`; says SKIP by name where it is missing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue, StopReason};
use peregrine_gz::msgs::core::Boolean;
use peregrine_gz::msgs::world::WorldControl;
use peregrine_gz::{Flavour, GzNode, Options};
use peregrine_gz_bridge::GzBridge;
use peregrine_msgs::geometry_msgs::Twist;
use peregrine_msgs::ros_gz_interfaces::{ControlWorld, ControlWorldRequest, ControlWorldResponse};
use peregrine_msgs::std_msgs::String as StringMsg;

const TOOL: &str = "/usr/libexec/ignition/transport11/ign-transport-topic";

#[derive(Default)]
struct Heard {
    words: Vec<String>,
    twists: Vec<f64>,
}

/// Says something ten times a second, and writes down what it hears.
struct Ros {
    heard: Arc<Mutex<Heard>>,
    say: Publisher<StringMsg>,
}

#[derive(Params)]
struct NoParams {}

impl Node for Ros {
    const NAME: &'static str = "ros";
    type Params = NoParams;

    fn configure(setup: &mut Setup<Self>, _: NoParams) -> Result<Self> {
        setup.subscribe("chat/from_gz", Qos::Reliable, |n: &mut Self, _, m: &StringMsg| {
            n.heard.lock().unwrap().words.push(m.data.clone());
            Ok(())
        })?;
        setup.subscribe("cmd", Qos::Reliable, |n: &mut Self, _, m: &Twist| {
            n.heard.lock().unwrap().twists.push(m.linear.x);
            Ok(())
        })?;
        setup.timer(Duration::from_millis(100), |n: &mut Self, ctx| {
            n.say.send(ctx, StringMsg { data: "from a ROS node".into() })
        })?;
        Ok(Self {
            heard: setup.extension::<Mutex<Heard>>().unwrap_or_default(),
            say: setup.publish("chat/to_gz", Qos::Reliable)?,
        })
    }
}

fn spec(partition: &str) -> NodeSpec {
    let bridges = [
        "/gz/chat:/chat/from_gz@std_msgs/msg/String[gz.msgs.StringMsg",
        "/ros/chat:/chat/to_gz@std_msgs/msg/String]gz.msgs.StringMsg",
        "/model/x3/cmd_vel:/cmd@geometry_msgs/msg/Twist@ignition.msgs.Twist",
    ];
    NodeSpec::new("gz_bridge")
        .with_param("bridges", ParamValue::StringArray(bridges.map(str::to_owned).to_vec()))
        .with_param("partition", ParamValue::String(partition.to_owned()))
        .with_param("ip", ParamValue::String("127.0.0.1".into()))
        .with_param("messages", ParamValue::String("ignition".into()))
}

#[test]
fn what_gazebos_tool_says_ros_hears_and_the_other_way() {
    if !std::path::Path::new(TOOL).is_file() {
        println!(
            "SKIP what_gazebos_tool_says_ros_hears_and_the_other_way: ignition-transport-cli is not installed"
        );
        return;
    }
    let partition = format!("bridge_{}", std::process::id());
    let heard = Arc::new(Mutex::new(Heard::default()));
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.extend(Arc::clone(&heard));
    app.add(NodeFactory::of::<GzBridge>(), spec(&partition)).unwrap();
    app.add(NodeFactory::of::<Ros>(), NodeSpec::new("ros")).unwrap();
    let stop = app.stop_handle();
    let running = std::thread::spawn(move || app.run().map(|_| ()));
    let ign = |args: &[&str]| {
        let mut command = Command::new(TOOL);
        command.args(args).env("IGN_IP", "127.0.0.1").env("IGN_PARTITION", &partition);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).output().unwrap()
    };
    let end = Instant::now() + Duration::from_secs(40);
    // The tool publishes once and goes; it may be too quick for a subscriber that it has only just met.
    while heard.lock().unwrap().words.is_empty() || heard.lock().unwrap().twists.is_empty() {
        assert!(Instant::now() < end, "ROS heard nothing of Gazebo's tool");
        ign(&["-t", "/gz/chat", "-m", "ignition.msgs.StringMsg", "-p", "data: \"from Gazebo's tool\""]);
        ign(&["-t", "/model/x3/cmd_vel", "-m", "ignition.msgs.Twist", "-p", "linear: {x: 2.5}"]);
    }
    let out = ign(&["-e", "-n", "1", "-t", "/ros/chat"]);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let info = ign(&["-i", "-t", "/ros/chat"]);
    stop.ask(StopReason::Asked("the test has heard enough".into()));
    running.join().unwrap().unwrap();
    let heard = heard.lock().unwrap();
    assert!(heard.words.iter().all(|w| w == "from Gazebo's tool"), "{:?}", heard.words);
    assert!(heard.twists.iter().all(|x| *x == 2.5), "{:?}", heard.twists);
    assert!(text.contains("data: \"from a ROS node\""), "{text}");
    assert!(String::from_utf8_lossy(&info.stdout).contains("ignition.msgs.StringMsg"), "{info:?}");
}

#[test]
fn wrong_addresses_and_names_are_refused() {
    for (key, value, code) in [("ip", "home", "PG-1804"), ("messages", "fortress", "PG-1805")] {
        let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
        let spec = spec("refused").with_param(key, ParamValue::String(value.into()));
        let error = app.add(NodeFactory::of::<GzBridge>(), spec).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(code), "{error}");
    }
}

/// Asks for five steps ten times a second, and writes down the answers.
struct Asker {
    answers: Arc<Mutex<Vec<bool>>>,
    client: Client<ControlWorld>,
}

impl Node for Asker {
    const NAME: &'static str = "asker";
    type Params = NoParams;

    fn configure(setup: &mut Setup<Self>, _: NoParams) -> Result<Self> {
        setup.timer(Duration::from_millis(100), |n: &mut Self, ctx| {
            let mut request = ControlWorldRequest::default();
            (request.world_control.pause, request.world_control.multi_step) = (true, 5);
            n.client.call(ctx, request);
            Ok(())
        })?;
        Ok(Self {
            answers: setup.extension::<Mutex<Vec<bool>>>().unwrap_or_default(),
            client: setup.client("/control", Self::on_answer)?,
        })
    }
}

impl Asker {
    fn on_answer(
        &mut self,
        _: &Context,
        _: i64,
        answer: Result<&ControlWorldResponse, &CallError>,
    ) -> peregrine::Result {
        self.answers.lock().unwrap().extend(answer.map(|a| a.success).ok());
        Ok(())
    }
}

#[test]
fn ros_asks_a_service_and_gazebo_answers() {
    let partition = format!("bridge_service_{}", std::process::id());
    let options = Options { flavour: Flavour::Ignition, ..Options::loopback(&partition) };
    let gazebo = GzNode::new(options).unwrap();
    let orders = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&orders);
    gazebo
        .advertise_service("/world/w/control", move |order: WorldControl| {
            to.lock().unwrap().push((order.pause, order.multi_step, order.run_to_sim_time.is_some()));
            Some(Boolean { header: None, data: true })
        })
        .unwrap();
    let answers = Arc::new(Mutex::new(Vec::<bool>::new()));
    let mut app = App::new(Mode::Realtime { threads: 2, factor: 1.0, use_sim_time: false });
    app.extend(Arc::clone(&answers));
    let service = "/world/w/control:/control@ros_gz_interfaces/srv/ControlWorld".to_owned();
    let spec = spec(&partition).with_param("bridges", ParamValue::StringArray(vec![service]));
    app.add(NodeFactory::of::<GzBridge>(), spec).unwrap();
    app.add(NodeFactory::of::<Asker>(), NodeSpec::new("asker")).unwrap();
    let stop = app.stop_handle();
    let running = std::thread::spawn(move || app.run().map(|_| ()));
    let end = Instant::now() + Duration::from_secs(30);
    while !answers.lock().unwrap().contains(&true) {
        assert!(Instant::now() < end, "no answer: {:?}", answers.lock().unwrap());
        std::thread::sleep(Duration::from_millis(20));
    }
    stop.ask(StopReason::Asked("the test has heard enough".into()));
    running.join().unwrap().unwrap();
    assert!(orders.lock().unwrap().iter().all(|order| *order == (true, 5, false)), "{orders:?}");
}
