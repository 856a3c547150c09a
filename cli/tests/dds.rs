//! `peregrine run` on DDS, as a user starts it, seen by rclpy. Built and started by `cargo xtask dds`, for it wants an
//! installed ROS 2.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Running, stderr, stdout};

/// What rclpy saw within so many seconds of a camera, and what the camera said; `None` without rclpy.
fn look(test: &str, exported: bool, seconds: &str) -> Option<(String, String)> {
    let Some(venv) = std::env::var_os("PEREGRINE_ROS_VENV") else {
        println!("SKIP {test}: PEREGRINE_ROS_VENV names no virtual environment with rclpy");
        return None;
    };
    let domain = (100 + (std::process::id() + u32::from(exported)) % 100).to_string();
    let alone = [("ROS_DOMAIN_ID", domain.as_str()), ("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")];
    let runtime = tempfile::tempdir().unwrap();
    let mut camera = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    camera.args([
        "run",
        "camera",
        "--ros-args",
        "-r",
        "__ns:=/front",
        "-p",
        "width:=320",
        "-p",
        "height:=240",
    ]);
    if exported {
        camera.env("PEREGRINE_EXPORT", "/front/*");
    }
    camera.envs(alone).env("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp").env("XDG_RUNTIME_DIR", runtime.path());
    let mut camera = camera.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = camera.stderr.take().unwrap();
    let running = Running(camera);

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/look.py");
    let mut look = Command::new(Path::new(&venv).join("bin/python"));
    // The wheels' own interpreter needs no help to find itself.
    let look = look.arg(script).arg(seconds).envs(alone).env_remove("LD_PRELOAD").output().unwrap();
    drop(running);
    let mut text = String::new();
    said.read_to_string(&mut text).unwrap();
    assert!(look.status.success(), "{}", stderr(&look));
    Some((stdout(&look).trim().to_owned(), text))
}

/// Pictures stay on the host over DDS as over Zenoh, and who asks for them is told.
#[test]
fn no_picture_leaves_over_dds_unless_it_is_exported() {
    let test = "no_picture_leaves_over_dds_unless_it_is_exported";
    let Some((seen, text)) = look(test, false, "5") else { return };
    assert_eq!(seen, "True 0 320");
    assert_eq!(
        text.matches("PG-2115: another process reads the pictures of '/front/image_raw'").count(),
        1,
        "{text}"
    );
}

#[test]
fn a_stock_node_is_started_on_dds() {
    let Some((seen, text)) = look("a_stock_node_is_started_on_dds", true, "20") else { return };
    assert_eq!(seen, "True 320 320", "{text}");
    // It also asked for the images reliably, which a camera does not offer: over DDS silence, here a warning.
    assert!(text.contains("PG-2113: '/look' wants '/front/image_raw' reliably"), "{text}");
    assert_eq!(text.matches("PG-").count(), 1, "once, and nothing else is wrong: {text}");
}
