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

/// A shell's background job ignores SIGINT; whoever sends it all the same means it, for the launch and for its nodes.
#[test]
fn a_launch_in_the_background_takes_sigint() {
    let (port, dir) = ("17460", tempfile::tempdir().unwrap());
    let file = dir.path().join("cameras.launch.xml");
    std::fs::write(&file, LAUNCH).unwrap();
    let (said, like) = (tempfile::NamedTempFile::new().unwrap(), peregrine_at(port));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "trap '' INT; exec \"$@\"", "sh"]).arg(like.get_program());
    shell.args(["launch", file.to_str().unwrap(), "--processes", "several"]);
    shell.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env_remove("ROS_DOMAIN_ID").stdout(Stdio::null()).stderr(said.reopen().unwrap());
    let mut running = Running(shell.spawn().unwrap());
    until("both nodes", || {
        let output = peregrine_at(port).args(["node", "running"]).output().unwrap();
        Some(stdout(&output)).filter(|text| text.contains("/camera\n") && text.contains("/relay\n"))
    });
    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = running.0.wait().unwrap();
    let said = std::fs::read_to_string(said.path()).unwrap();
    assert!(status.success() && !said.contains("sending SIGTERM"), "{status}: {said}");
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
    assert_eq!(
        kinds,
        ["drone_sim", "camera", "depth_camera", "detector", "tracker", "avoidance", "safety_filter"]
    );
}

/// As for ros2 launch; without an installed package the files inside of the program are meant.
#[test]
fn a_launch_file_is_named_by_its_package() {
    let plan = run(&["launch", "peregrine", "demo.launch.yaml", "--plan", "seed:=7"]);
    let plan: serde_json::Value = serde_json::from_str(&stdout(&plan)).unwrap();
    assert!(
        plan["nodes"][0]["params"].as_array().unwrap().contains(&serde_json::json!(["seed", 7])),
        "{plan}"
    );
    let arguments = stdout(&run(&["launch", "peregrine", "demo.launch.xml", "--show-args"]));
    assert!(
        arguments.contains("use_composition = true") && arguments.contains("namespace = /"),
        "{arguments}"
    );
    let said = stderr(&run(&["launch", "peregrin", "demo.launch.xml"]));
    assert!(said.contains("PG-1301") && said.contains("did you mean 'peregrine'"), "{said}");
    let said = stderr(&run(&["launch", "peregrine", "dmeo.launch.xml"]));
    assert!(said.contains("no such file"), "{said}");
}

#[test]
fn nodes_and_their_parameters_are_described() {
    let nodes = stdout(&run(&["node", "list"]));
    for kind in ["autopilot", "avoidance", "camera", "detector", "drone_sim", "recorder", "tracker"] {
        assert!(nodes.contains(kind), "{nodes}");
    }
    let params = stdout(&run(&["param", "describe", "detector"]));
    assert!(params.contains("min_score: double = -1.0, -1.0 to 1.0"), "{params}");
}

/// Every node's params.yaml, as it is installed with the package, names parameters that there are, and marks those that can
/// be set while the node runs.
#[test]
fn parameter_files_of_nodes_are_true() {
    let files = [
        "autopilot",
        "avoidance",
        "camera",
        "detector",
        "exporter",
        "model_store",
        "px4",
        "recorder",
        "safety_filter",
        "tracker",
    ];
    for file in files {
        let text = std::fs::read_to_string(root().join(format!("launch/params/{file}.yaml"))).unwrap();
        let mut kind = String::new();
        let mut described = std::collections::BTreeMap::new();
        let mut seen = 0;
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("/**/") {
                kind = name.trim_end_matches(':').to_owned();
                let said = stdout(&run(&["param", "describe", &kind]));
                let fields = said.lines().filter(|line| !line.starts_with(' '));
                described = fields
                    .map(|line| {
                        let live = line.ends_with("can be set while it runs");
                        (line.split(':').next().unwrap().to_owned(), live)
                    })
                    .collect();
            }
            let entry = line.strip_prefix("    ").map(|entry| entry.strip_prefix("# ").unwrap_or(entry));
            let Some((name, rest)) = entry.and_then(|entry| entry.split_once(": ")) else { continue };
            let plain =
                name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.".contains(c));
            if !plain {
                continue;
            }
            let live = described.get(name).unwrap_or_else(|| panic!("{kind} has no parameter '{name}'"));
            assert_eq!(
                rest.contains("(live)") || rest.contains("can be set while it plays"),
                *live,
                "{kind}: {name}"
            );
            seen += 1;
        }
        assert!(seen >= described.len(), "{file}: {seen} of {}", described.len());
    }
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
