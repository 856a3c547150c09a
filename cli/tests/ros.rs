//! Running nodes as ROS 2 sees them, through the command line: parameters, lifecycle, components, and what is said of slips.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::process::Stdio;

use common::{Running, peregrine_at, stderr, stdout, until};
use serde_json::Value;

/// Starts a program that others can reach at `port`; its warnings go to a file.
fn start(port: &str, args: &[&str]) -> (Running, tempfile::NamedTempFile) {
    let said = tempfile::NamedTempFile::new().unwrap();
    let child =
        peregrine_at(port).args(args).stdout(Stdio::null()).stderr(said.reopen().unwrap()).spawn().unwrap();
    (Running(child), said)
}

fn ask(port: &str, args: &[&str]) -> Result<String, String> {
    let output = peregrine_at(port).args(args).output().unwrap();
    if output.status.success() { Ok(stdout(&output)) } else { Err(stderr(&output)) }
}

#[test]
fn a_running_node_is_a_ros_2_node() {
    let port = "17463";
    let args = "run camera -p source:=pattern -p rate_hz:=20.0 --ros-args -r __ns:=/front -r imag_raw:=x --log-level WARN";
    let (_running, said) = start(port, &args.split(' ').collect::<Vec<_>>());
    until("the node", || ask(port, &["node", "running"]).ok().filter(|text| text == "/front/camera\n"));
    let said = std::fs::read_to_string(said.path()).unwrap();
    assert!(
        said.contains("PG-0219: remap 'imag_raw:=x'") && said.contains("did you mean 'image_raw'"),
        "{said}"
    );

    let parameters = ask(port, &["param", "list", "/front/camera"]).unwrap();
    assert!(
        parameters.contains("source: \"pattern\"") && parameters.contains("use_sim_time: false"),
        "{parameters}"
    );
    assert_eq!(ask(port, &["param", "get", "front/camera", "rate_hz"]).unwrap(), "20.0\n");
    let refused = ask(port, &["param", "set", "/front/camera", "source", "elsewhere"]).unwrap_err();
    assert!(refused.contains("PG-0218"), "{refused}");

    let state = || ask(port, &["lifecycle", "get", "/front/camera"]).unwrap();
    assert_eq!(state(), "active\n");
    ask(port, &["lifecycle", "set", "/front/camera", "deactivate"]).unwrap();
    assert_eq!(state(), "inactive\n");
    assert!(ask(port, &["lifecycle", "set", "/front/camera", "deactivate"]).is_err());
    ask(port, &["lifecycle", "set", "/front/camera", "activate"]).unwrap();
    assert_eq!(state(), "active\n");

    // JPEG for thin links, under the name that image_transport gives it, made because somebody reads it.
    let compressed = ["topic", "echo", "/front/image_raw/compressed", "--count", "1", "--compact"];
    let picture: Value = serde_json::from_str(&until("a JPEG", || ask(port, &compressed).ok())).unwrap();
    assert_eq!(
        (&picture["format"], &picture["header"]["frame_id"]),
        (&"rgb8; jpeg compressed bgr8".into(), &"camera_optical".into())
    );
    // Long arrays are shown by their beginning: a JPEG's (that one shows the picture is tested where it is made).
    let beginning: Vec<_> = picture["data"].as_array().unwrap().iter().take(3).collect();
    assert_eq!(beginning, [255, 216, 255]);
    ask(port, &["param", "set", "/front/camera", "jpeg_quality", "0"]).unwrap();

    let services = ask(port, &["service", "list"]).unwrap();
    assert!(services.contains("/front/camera/get_type_description"), "{services}");
    let error = ask(port, &["service", "call", "/front/camera/get_stat"]).unwrap_err();
    assert!(error.contains("did you mean '/front/camera/get_state'"), "{error}");
}

#[test]
fn components_come_and_go() {
    let port = "17464";
    let (_running, _said) = start(port, &["container", "--namespace", "/robot"]);
    let call = |service: &str, request: &str| {
        let name = format!("/robot/ComponentManager/_container/{service}");
        ask(port, &["service", "call", &name, request])
            .map(|text| serde_json::from_str::<Value>(&text).unwrap())
    };
    until("the container", || call("list_nodes", "{}").ok());
    let source = r#"[{"name": "source", "value": {"type": 4, "string_value": "pattern"}}]"#;
    let load = |plugin: &str, name: &str| {
        let request =
            format!(r#"{{"plugin_name": "{plugin}", "node_name": "{name}", "parameters": {source}}}"#);
        call("load_node", &request).unwrap()
    };
    let loaded = load("peregrine::Camera", "left");
    assert_eq!((&loaded["success"], &loaded["full_node_name"]), (&true.into(), &"/left".into()), "{loaded}");
    let again = load("camera", "left");
    assert!(again["error_message"].as_str().unwrap().contains("PG-0208"), "{again}");
    let unknown = load("peregrine::Camra", "x");
    assert!(unknown["error_message"].as_str().unwrap().contains("PG-0205"), "{unknown}");
    assert_eq!(call("list_nodes", "{}").unwrap()["full_node_names"], serde_json::json!(["/left"]));
    until("the component in the graph", || {
        ask(port, &["node", "running"]).ok().filter(|text| text.contains("/left\n"))
    });

    let unload = format!(r#"{{"unique_id": {}}}"#, loaded["unique_id"]);
    assert_eq!(call("unload_node", &unload).unwrap()["success"], true);
    let gone = call("unload_node", &unload).unwrap();
    assert!(gone["error_message"].as_str().unwrap().contains("PG-1311"), "{gone}");
    until("the component gone", || {
        ask(port, &["node", "running"]).ok().filter(|text| !text.contains("/left"))
    });
}

/// A goal, and a list of words, for a planner that runs: as docs/nodes.md and docs/autopilot.md say it, without ROS.
#[test]
fn a_message_is_published_by_hand() {
    let port = "17476";
    let avoidance = ["run", "avoidance", "-p", "class_margins:=[person=0.4]", "-p", "sensors:=[depth]"];
    let (_running, _said) = start(port, &avoidance);
    let goal = "{header: {frame_id: odom, stamp: now}, pose: {position: {x: 20, z: 2.5}}}";
    let publish = ["topic", "pub", "/goal", "geometry_msgs/msg/PoseStamped", goal, "--latched"];
    let once: Vec<&str> = publish.into_iter().chain(["--once", "--wait", "60"]).collect();
    assert!(ask(port, &once).unwrap().contains("somebody reads it"));

    // Held: whoever comes later gets it, with the time at which it left.
    let (_holding, _) = start(port, &publish);
    let echo = ["topic", "echo", "/goal", "--count", "1", "--compact"];
    let got: Value = serde_json::from_str(&until("the goal", || ask(port, &echo).ok())).unwrap();
    assert_eq!(got["pose"]["position"], serde_json::json!({ "x": 20.0, "y": 0.0, "z": 2.5 }));
    assert!(got["header"]["stamp"]["sec"].as_i64().unwrap() > 1_700_000_000, "{got}");

    let lonely = ["topic", "pub", "/gaol", "geometry_msgs/msg/PoseStamped", goal, "--once", "--wait", "0.5"];
    let refused = ask(port, &lonely).unwrap_err();
    assert!(refused.contains("PG-1301") && refused.contains("nobody reads"), "{refused}");

    let margins = ["param", "set", "/avoidance", "class_margins", "[person=0.5, car=0.2]"];
    ask(port, &margins).unwrap();
    let read = ask(port, &["param", "get", "/avoidance", "class_margins"]).unwrap();
    assert_eq!(read, "[\"person=0.5\",\"car=0.2\"]\n");
}
