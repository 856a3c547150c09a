//! The ROS 2 package as colcon builds and installs it: found by ROS's own index, started from where it was installed.
//!
//! colcon and cargo-ament-build are the real ones (`.venv/colcon`), and so is ament_index_python (of the ROS 2 wheels). The
//! `ros2` command comes in no package that this could be installed from: what it does with an installed package is done here
//! in its place, and said so.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{Running, peregrine_at, root, stderr, stdout, until};

const NODES: [&str; 14] = [
    "autopilot",
    "avoidance",
    "camera",
    "detector",
    "detector_cameras",
    "drone_sim",
    "exporter",
    "gz_bridge",
    "model_store",
    "player",
    "px4",
    "recorder",
    "safety_filter",
    "tracker",
];

/// What `ros2 pkg prefix`, `ros2 run` and `ros2 launch` ask the index; the last list is of the executables that ros2 run offers:
/// files below lib/PACKAGE that may be executed.
const INDEX: &str = "
import json, os
from ament_index_python.packages import (
    get_package_prefix, get_package_share_directory, get_packages_with_prefixes)
prefix = get_package_prefix('peregrine')
home = os.path.join(prefix, 'lib', 'peregrine')
files = [os.path.join(base, name) for base, _, names in os.walk(home) for name in names]
runs = sorted(os.path.relpath(f, home) for f in files if os.path.isfile(f) and os.access(f, os.X_OK))
print(json.dumps([prefix, get_package_share_directory('peregrine'), runs, sorted(get_packages_with_prefixes())]))
";

fn variable(test: &str, name: &str) -> Option<PathBuf> {
    let found = std::env::var_os(name).filter(|value| Path::new(value).is_dir()).map(PathBuf::from);
    if found.is_none() {
        println!("SKIP {test}: {name} names no virtual environment (`cargo xtask test` makes one)");
    }
    found
}

fn checked(output: Output) -> String {
    assert!(output.status.success(), "{}\n{}", stdout(&output), stderr(&output));
    stdout(&output)
}

/// Runs a program with a terminal: without one colcon-cargo 0.2.0 loses what `cargo metadata` says in a line of more than 64 KiB,
/// which this workspace needs.
const IN_TERMINAL: &str = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/// `colcon build` in a workspace whose build folder is this build's target folder, with this build's features: what the tests
/// were compiled into is what is installed, and nothing is compiled twice.
fn colcon_build(colcon: &Path, workspace: &Path) {
    let exe = Path::new(env!("CARGO_BIN_EXE_peregrine"));
    let profile = exe.parent().unwrap();
    std::fs::create_dir_all(workspace.join("build")).unwrap();
    std::os::unix::fs::symlink(profile.parent().unwrap(), workspace.join("build/peregrine")).unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new(colcon.join("bin/python"));
    command.args(["-c", IN_TERMINAL]).arg(colcon.join("bin/colcon"));
    command.args(["--log-base", "log", "build", "--base-paths"]).arg(root()).arg("--cargo-args");
    // A program of a workspace and its tests share the features of all; alone it would be another program. The blank keeps
    // colcon from taking the word for one of its own.
    command.args(["--locked", "--offline", "--workspace", "--bin=peregrine", " --test=installed"]);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    command.current_dir(workspace).env("PATH", format!("{}:{path}", colcon.join("bin").display()));
    // cargo tells its children about the crate under test; the one that colcon starts is not about that.
    let ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST");
    for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    let said = checked(command.stdin(Stdio::null()).output().unwrap());
    // One package, and not the two dozen crates that it is made of.
    assert_eq!(said.matches("Starting >>> ").count(), 1, "{said}");
    assert!(said.contains("Finished <<< peregrine ["), "{said}");
}

#[test]
fn a_colcon_workspace_installs_what_ros_2_starts() {
    let test = "a_colcon_workspace_installs_what_ros_2_starts";
    let Some(colcon) = variable(test, "PEREGRINE_COLCON") else { return };
    let Some(ros) = variable(test, "PEREGRINE_ROS_VENV") else { return };
    let workspace = tempfile::tempdir().unwrap();
    colcon_build(&colcon, workspace.path());

    // What a user sources leads ROS to the package.
    let mut shell = Command::new("sh");
    shell.args(["-c", ". install/local_setup.sh && printf %s \"$AMENT_PREFIX_PATH\""]);
    let prefixes = checked(shell.current_dir(&workspace).env_remove("AMENT_PREFIX_PATH").output().unwrap());
    let prefix = PathBuf::from(&prefixes);
    assert!(prefix.ends_with("install/peregrine"), "{prefixes}");

    let mut python = Command::new(ros.join("bin/python"));
    let said = checked(python.args(["-c", INDEX]).env("AMENT_PREFIX_PATH", &prefixes).output().unwrap());
    let found: (PathBuf, PathBuf, Vec<String>, Vec<String>) = serde_json::from_str(&said).unwrap();
    let (home, share, executables, packages) = found;
    assert_eq!((home.as_path(), packages.as_slice()), (prefix.as_path(), &["peregrine".to_owned()][..]));
    let mut expected: Vec<&str> =
        NODES.into_iter().chain(["component_container", "component_container_mt", "peregrine"]).collect();
    expected.sort_unstable();
    assert_eq!(executables, expected);
    let kinds = stdout(&common::run(&["node", "list"]));
    assert_eq!(
        kinds.lines().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(),
        NODES,
        "a kind without its executable"
    );
    for file in [
        "package.xml",
        "launch/demo.launch.py",
        "launch/demo.launch.xml",
        "launch/demo.launch.yaml",
        "params/demo.yaml",
        "params/camera.yaml",
        "models/nanodet_g_416_int8.toml",
        "models/nanodet_g_416_int8.onnx",
        "worlds/wall.sdf",
    ] {
        assert!(share.join(file).metadata().is_ok_and(|file| file.len() > 0), "{file}");
    }

    a_node_is_started_as_ros2_run_does(&prefix, &share);
    launch_files_are_found_in_the_package(&prefix, &prefixes);
    the_demo_runs_in_processes_of_its_own(&prefix, &prefixes);
}

/// An installed program with the environment of the one under test.
fn installed(prefix: &Path, name: &str, port: &str) -> Command {
    let mut command = Command::new(prefix.join("lib/peregrine").join(name));
    let like = peregrine_at(port);
    for (name, value) in like.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdout(Stdio::null());
    command
}

fn ask(port: &str, args: &[&str]) -> Option<String> {
    let output = peregrine_at(port).args(args).output().unwrap();
    output.status.success().then(|| stdout(&output))
}

/// `ros2 run PACKAGE EXECUTABLE ARGS` and a Node of ros2 launch start lib/PACKAGE/EXECUTABLE so.
fn a_node_is_started_as_ros2_run_does(prefix: &Path, share: &Path) {
    let port = "17465";
    let mut command = installed(prefix, "camera", port);
    command.args(["--ros-args", "-r", "__ns:=/front", "-r", "image_raw:=image"]);
    command.args(["-p", "rate_hz:=20.0", "--params-file"]).arg(share.join("params/camera.yaml"));
    let mut running = Running(command.spawn().unwrap());
    until("the node", || ask(port, &["node", "running"]).filter(|text| text == "/front/camera\n"));
    assert_eq!(ask(port, &["param", "get", "/front/camera", "rate_hz"]).unwrap(), "20.0\n");
    assert_eq!(ask(port, &["param", "get", "/front/camera", "frame_id"]).unwrap(), "\"camera_optical\"\n");
    let image =
        until("an image", || ask(port, &["topic", "echo", "/front/image", "--count", "1", "--compact"]));
    assert!(image.contains("\"rgb8\""), "{}", &image[..200.min(image.len())]);
    // The signal reaches the node, not a shell before it.
    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert!(running.0.wait().unwrap().success());
}

/// `ros2 launch PACKAGE FILE` without ROS.
fn launch_files_are_found_in_the_package(prefix: &Path, prefixes: &str) {
    let plan = |args: &[&str]| {
        let mut command = installed(prefix, "peregrine", "17466");
        command
            .arg("launch")
            .args(args)
            .arg("--plan")
            .env("AMENT_PREFIX_PATH", prefixes)
            .stdout(Stdio::piped());
        let text = checked(command.output().unwrap());
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    for file in ["demo.launch.xml", "demo.launch.yaml"] {
        let plan = plan(&["peregrine", file, "namespace:=/uav1", "seed:=7"]);
        let camera = plan["nodes"].as_array().unwrap().iter().find(|node| node["name"] == "camera").unwrap();
        assert_eq!(camera["namespace"], "/uav1");
        // $(find-pkg-share peregrine) is the installed one, and not the one inside of the program.
        let params = camera["params_files"][0].as_str().unwrap();
        assert_eq!(Path::new(params), prefix.join("share/peregrine/params/demo.yaml"));
    }
    let mut command = installed(prefix, "peregrine", "17466");
    command.args(["launch", "peregrine", "demo.launch.py"]).env("AMENT_PREFIX_PATH", prefixes);
    let said = stderr(&command.output().unwrap());
    assert!(said.contains("PG-1117") && said.contains("ros2 launch"), "{said}");
    let mut command = installed(prefix, "peregrine", "17466");
    let said = stderr(&command.args(["launch", "peregrin", "demo.launch.xml"]).output().unwrap());
    assert!(said.contains("did you mean 'peregrine'"), "{said}");
}

/// The whole demo, a process for each node, in a namespace, from the installed files, with parameters of the user's own:
/// simulator, cameras, detector and avoidance find each other, and the vehicle is commanded.
fn the_demo_runs_in_processes_of_its_own(prefix: &Path, prefixes: &str) {
    let port = "17467";
    let (folder, shipped) = (tempfile::tempdir().unwrap(), prefix.join("share/peregrine/params/demo.yaml"));
    // A flight that is longer than this test.
    let far = "goal_distance: 1500.0\n    time_limit: 600.0\n    camera.rate: 2.0";
    let text = std::fs::read_to_string(shipped).unwrap().replacen("camera.rate: 5.0", far, 1);
    assert!(text.contains(far));
    let params = folder.path().join("far.yaml");
    std::fs::write(&params, text).unwrap();
    let mut command = installed(prefix, "peregrine", port);
    command.args(["launch", "peregrine", "demo.launch.xml", "use_composition:=false", "namespace:=/uav1"]);
    command.args(["backend:=tract", &format!("params_file:={}", params.display())]);
    let _running = Running(command.env("AMENT_PREFIX_PATH", prefixes).spawn().unwrap());
    // Each is there, and follows /clock, but for the simulator, whose clock it is.
    for node in ["drone_sim", "camera", "depth_camera", "detector", "tracker", "avoidance", "safety_filter"] {
        let name = format!("/uav1/{node}");
        let told = until(&name, || ask(port, &["param", "get", &name, "use_sim_time"]));
        assert_eq!(told, format!("{}\n", node != "drone_sim"), "{node}");
    }
    until("a command for the vehicle", || {
        ask(port, &["topic", "echo", "/uav1/cmd_vel", "--count", "1", "--compact"])
    });
}
