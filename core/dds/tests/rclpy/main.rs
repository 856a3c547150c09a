//! rclpy, as it comes in wheels, beside one of our processes on DDS: topics both ways, parameters, lifecycle, log, graph.
//!
//! `cargo xtask dds` builds and starts this for each distribution, with the environment that the wheels want. One process
//! of ours and one of rclpy meet once; then each check looks at what both have seen. No harness, for the domain must be
//! in the environment before there is a second thread; what is printed is what one would print.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

extern crate peregrine_core as peregrine;

mod nodes;
mod quiet;
mod seen;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue, StopReason};
use peregrine_dds::{Link, carry};
use serde_json::Value;

use nodes::{Asker, Heard, Listener, Talker};
use seen::Seen;

/// Of every image, pixels.
const SIZE: (u32, u32) = (640, 480);

/// Our process: stock nodes, and three that count.
fn app(link: &Arc<Link>, heard: &Arc<Heard>) -> App {
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.serve_ros().unwrap();
    app.extend(heard.clone());
    let camera = NodeSpec { namespace: Some("/front".into()), ..NodeSpec::new("camera") };
    let camera = camera.with_param("width", ParamValue::Integer(SIZE.0.into()));
    app.add(peregrine_camera::PEREGRINE_NODE, camera).unwrap();
    app.add(peregrine_tracker::PEREGRINE_NODE, NodeSpec::new("tracker")).unwrap();
    app.add(NodeFactory::of::<Talker>(), NodeSpec::new("talker")).unwrap();
    app.add(NodeFactory::of::<Listener>(), NodeSpec::new("listener")).unwrap();
    app.add(NodeFactory::of::<Asker>(), NodeSpec::new("asker")).unwrap();
    carry(&mut app, link).unwrap();
    app
}

/// Runs both and returns what they have seen.
fn meet(venv: &Path) -> Seen {
    let heard = Arc::<Heard>::default();
    let link = Arc::new(Link::open(None).unwrap());
    let app = app(&link, &heard);
    let stop = app.stop_handle();
    let ours = std::thread::spawn(move || app.run().unwrap());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/peer.py");
    // The wheels' own interpreter needs no help to find itself.
    let mut peer = Command::new(venv.join("bin/python"));
    let peer = peer.arg(script).env_remove("LD_PRELOAD").stdout(Stdio::piped()).spawn().unwrap();
    let output = peer.wait_with_output().unwrap();
    stop.ask(StopReason::Asked("the peer has ended".into()));
    let report = ours.join().expect("our process goes on until it is asked to stop");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "the peer failed: {text}");
    let told: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap();
    Seen { told, heard, report }
}

/// What every rclpy of this machine is kept to.
fn alone() {
    let domain = (100 + std::process::id() % 100).to_string();
    let own = [
        ("ROS_DOMAIN_ID", domain.as_str()),
        ("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST"),
        ("PEREGRINE_EXPORT", "*"),
    ];
    for (name, value) in own {
        // SAFETY: `main` is the only thread.
        unsafe { std::env::set_var(name, value) };
    }
}

fn main() -> ExitCode {
    let Some(venv) = std::env::var_os("PEREGRINE_ROS_VENV").map(PathBuf::from) else {
        println!("SKIP dds: PEREGRINE_ROS_VENV names no virtual environment with rclpy");
        return ExitCode::SUCCESS;
    };
    alone();
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    let begun = std::time::Instant::now();
    let all = seen::CHECKS.len() + 1;
    println!("\nrunning {all} tests");
    let mut failed = 0;
    let mut test = |name: &str, check: &dyn Fn()| {
        let passed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    };
    test("frames_cost_no_allocation", &quiet::frames_cost_no_allocation);
    let seen = meet(&venv);
    seen::CHECKS.iter().for_each(|(name, check)| test(name, &|| check(&seen)));
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; finished in {:.2}s\n",
        all - failed,
        begun.elapsed().as_secs_f64()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(101) }
}

/// 30 Hz.
const PERIOD: Duration = Duration::from_nanos(33_333_333);
