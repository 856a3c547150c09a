//! Nodes in one process and in several from the same file; topics seen from outside; a node of one's own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::process::Stdio;

use common::{Running, peregrine_at, root, run, stderr, stdout, until};

const LAUNCH: &str = "<launch>
  <node_container pkg='peregrine' exec='component_container' name='cameras'>
    <composable_node pkg='peregrine' plugin='camera' name='camera'>
      <param name='source' value='pattern'/> <param name='rate_hz' value='20.0'/>
      <param name='width' value='320'/> <param name='height' value='240'/>
      <remap from='image_raw' to='raw'/>
    </composable_node>
    <composable_node pkg='peregrine' plugin='camera' name='relay'>
      <param name='source' value='topic'/>
      <remap from='image_in' to='raw'/>
      <remap from='image_raw' to='seen'/>
      <remap from='camera_info' to='seen_info'/>
    </composable_node>
  </node_container>
</launch>";

fn launched(port: &str, more: &[&str]) -> (tempfile::TempDir, Running) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cameras.launch.xml");
    std::fs::write(&file, LAUNCH).unwrap();
    let child = peregrine_at(port)
        .arg("launch")
        .arg(&file)
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    (dir, Running(child))
}

fn topic(port: &str, args: &[&str]) -> Option<String> {
    let output = peregrine_at(port).arg("topic").args(args).output().unwrap();
    output.status.success().then(|| stdout(&output))
}

fn seen_through(port: &str) {
    let list = until("both topics in the list", || {
        topic(port, &["list"]).filter(|list| list.contains("/raw ") && list.contains("/seen "))
    });
    assert!(list.contains("[sensor_msgs/msg/Image]"), "{list}");
    let echo =
        until("an image from the relay", || topic(port, &["echo", "/seen", "--count", "1", "--compact"]));
    let image: serde_json::Value = serde_json::from_str(echo.trim()).unwrap();
    assert_eq!((image["width"].as_u64(), image["height"].as_u64()), (Some(320), Some(240)));
    assert_eq!(image["encoding"], "rgb8");
    let hz = until("a rate", || {
        topic(port, &["hz", "/seen", "--duration", "3", "--json"])
            .map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap())
            .filter(|hz| hz["messages"].as_u64() > Some(5))
    });
    assert_eq!(hz["topic"], "/seen");
}

#[test]
fn one_process_is_seen_from_outside() {
    let (_dir, _running) = launched("17461", &[]);
    seen_through("17461");
}

#[test]
fn the_same_file_runs_in_several_processes() {
    let (_dir, _running) = launched("17462", &["--processes", "several"]);
    seen_through("17462");
}

#[test]
fn lockstep_across_processes_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cameras.launch.xml");
    std::fs::write(&file, LAUNCH).unwrap();
    let output = run(&["launch", file.to_str().unwrap(), "--processes", "several", "--lockstep"]);
    assert!(stderr(&output).contains("PG-1305"), "{}", stderr(&output));
}

#[test]
fn the_demo_is_its_launch_file() {
    let output =
        run(&["launch", root().join("launch/launch/demo.launch.xml").to_str().unwrap(), "--plan", "seed:=7"]);
    let plan: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let kinds: Vec<&str> =
        plan["nodes"].as_array().unwrap().iter().filter_map(|n| n["name"].as_str()).collect();
    assert_eq!(kinds, ["drone_sim", "camera", "depth_camera", "detector", "tracker", "avoidance"]);
}

#[test]
fn nodes_and_their_parameters_are_described() {
    let nodes = stdout(&run(&["node", "list"]));
    for kind in ["autopilot", "avoidance", "camera", "detector", "drone_sim", "recorder", "tracker"] {
        assert!(nodes.contains(kind), "{nodes}");
    }
    let params = stdout(&run(&["param", "describe", "detector"]));
    assert!(params.contains("min_score: double") && params.contains("in -1.0..=1.0"), "{params}");
}

/// The node that `peregrine new` writes is the example of this crate, word for word; the example flies the demo with the
/// launch file that `peregrine new` writes, and what the node publishes is in the bag. (That the crate also builds
/// outside of the repository is `cargo xtask newcomer`: it compiles everything once more.)
#[test]
fn a_node_of_ones_own_is_composed_into_the_demo() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("sign_counter");
    let made = run(&["new", "sign_counter", "--dir", home.to_str().unwrap()]);
    assert!(made.status.success(), "{}", stderr(&made));
    let example = root().join("cli/examples/sign_counter");
    for (written, kept) in [("src/node.rs", "node.rs"), ("src/main.rs", "main.rs")] {
        let written = std::fs::read_to_string(home.join(written)).unwrap();
        assert_eq!(written, std::fs::read_to_string(example.join(kept)).unwrap(), "{kept}");
    }
    let node = std::fs::read_to_string(home.join("src/node.rs")).unwrap();
    assert!(node.lines().count() <= 45, "about 30 lines were promised");
    let exe = std::path::Path::new(env!("CARGO_BIN_EXE_peregrine"));
    let output = std::process::Command::new(exe.parent().unwrap().join("examples/sign_counter"))
        .args(["demo", "--json", "--no-report", "--isolated", "--launch"])
        .arg(home.join("launch/demo.launch.xml"))
        .args(["--seed", "6", "--record", "--out"])
        .arg(dir.path().join("out"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let metadata = find(&dir.path().join("out"), "metadata.yaml").expect("a bag");
    let metadata = std::fs::read_to_string(metadata).unwrap();
    assert!(metadata.contains("/count") && metadata.contains("std_msgs/msg/UInt32"), "{metadata}");
}

fn find(dir: &std::path::Path, name: &str) -> Option<std::path::PathBuf> {
    std::fs::read_dir(dir).ok()?.filter_map(Result::ok).find_map(|entry| {
        let path = entry.path();
        if path.is_dir() { find(&path, name) } else { (entry.file_name() == name).then_some(path) }
    })
}
