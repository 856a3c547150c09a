//! rclpy reads our bytes and writes the same ones back. Needs a virtual environment with the ROS 2 wheels.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail that way

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use peregrine_msgs::registry;

#[test]
fn rclpy_agrees() {
    let Some(venv) = std::env::var_os("PEREGRINE_ROS_VENV") else {
        println!("SKIP rclpy_agrees: PEREGRINE_ROS_VENV names no virtual environment with rclpy");
        return;
    };
    let library = common::definitions();
    let mut sent = Vec::new();
    for structure in library.values().filter(|s| !s.fields.is_empty()) {
        let name = structure.name.full();
        let support = registry::find(&name).unwrap();
        for seed in 100..110 {
            let value = common::Random(seed).value(&library, structure);
            sent.push((name.clone(), (support.from_json)(&value).unwrap(), value));
        }
    }
    let mut input = tempfile::tempfile().unwrap();
    for (name, bytes, _) in &sent {
        writeln!(input, "{name} {}", common::hex(bytes)).unwrap();
    }
    std::io::Seek::rewind(&mut input).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/live_rclpy.py");
    let output = Command::new(Path::new(&venv).join("bin/python"))
        .arg(script)
        .stdin(Stdio::from(input))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = text.lines().collect();
    assert_eq!(answers.len(), sent.len());
    let mut compared = 0;
    for ((name, bytes, value), answer) in sent.iter().zip(answers) {
        if answer == "absent" {
            assert!(
                [
                    "vision_msgs/",
                    "tf2_msgs/",
                    "composition_interfaces/",
                    "std_srvs/",
                    "actuator_msgs/",
                    "gps_msgs/",
                    "ros_gz_interfaces/",
                    "trajectory_msgs/",
                    "peregrine_msgs/",
                    "px4_msgs/"
                ]
                .iter()
                .any(|package| name.starts_with(package)),
                "{name} is not installed"
            );
            continue;
        }
        let mut answer = common::unhex(answer);
        assert!(answer.len() >= bytes.len(), "{name} {value}: {}", common::hex(&answer));
        let reread = (registry::find(name).unwrap().to_json)(&answer).unwrap();
        assert_eq!(&reread, value, "{name}");
        common::clear_padding(&library, &common::type_name(name), value, &mut answer);
        assert_eq!(common::hex(bytes), common::hex(&answer[..bytes.len()]), "{name}");
        compared += 1;
    }
    println!("rclpy read and wrote {compared} messages alike");
    assert!(compared > 1000);
}
