//! Bags written by `rosbags`, played by the program, and heard by readers that we did not write.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Running, peregrine_at, root, run, stderr, stdout};
use serde_json::{Value, json};

fn python(test: &str) -> Option<PathBuf> {
    let python = std::env::var_os("PEREGRINE_TEST_PYTHON").map(PathBuf::from).filter(|path| path.is_file());
    if python.is_none() {
        println!("SKIP {test}: PEREGRINE_TEST_PYTHON names no Python (`cargo xtask test` makes one)");
    }
    python
}

fn peer(name: &str) -> PathBuf {
    root().join("cli/tests/peers").join(name)
}

/// The bags, or `None` where there is no Python.
fn bags(test: &str) -> Option<(PathBuf, tempfile::TempDir)> {
    let python = python(test)?;
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(&python).arg(peer("write_bag.py")).arg(home.path()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    Some((python, home))
}

/// Plays the bag to a reader; what the reader heard, and what the player said.
fn play(python: &Path, port: &str, bag: &Path, more: &[&str]) -> (Value, String) {
    let mut reader = Command::new(python);
    reader.arg(peer("hear_bag.py")).arg(port).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut reader = Running(reader.spawn().unwrap());
    let mut lines = BufReader::new(reader.0.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let mut player = peregrine_at(port);
    player.args(["bag", "play"]).arg(bag).args(["--delay", "3"]).args(more);
    let output = player.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let heard = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    drop(reader.0.stdin.take());
    assert!(reader.0.wait().unwrap().success());
    (heard, stderr(&output))
}

#[test]
fn every_message_of_a_bag_by_rosbags_reaches_a_reader_in_order() {
    let Some((python, home)) = bags("every_message_of_a_bag_by_rosbags_reaches_a_reader_in_order") else {
        return;
    };
    // As it was recorded; with chunks in zstd, twice as fast.
    for (bag, rate) in [("plain", "1"), ("packed", "2")] {
        let (heard, said) = play(&python, "17468", &home.path().join(bag), &["--rate", rate]);
        let texts: Vec<String> = (0..40).map(|number| format!("hello {number}")).collect();
        assert_eq!(heard["/chatter"], json!(texts), "{bag}");
        let images: Vec<Value> =
            (0..20).map(|n| json!([n, "camera_optical", 64, 48, "rgb8", 48 * 64 * 3, n])).collect();
        assert_eq!(heard["/camera/image_raw"], json!(images), "{bag}");
        let infos: Vec<Value> = (0..20).map(|n| json!([n, 100.0 + f64::from(n), "plumb_bob"])).collect();
        assert_eq!(heard["/camera/camera_info"], json!(infos), "{bag}");
        // It offers what was offered when it was recorded: a late joiner gets what is latched.
        assert_eq!(heard["late"], json!(["robot 0"]), "{bag}");
        assert!(
            said.contains("PG-0816") && said.contains("'/mood'") && said.contains("robot_msgs/msg/Mood"),
            "{said}"
        );
    }
}

#[test]
fn other_bags_by_rosbags_are_read_or_refused_with_the_way_out() {
    let Some((_, home)) = bags("other_bags_by_rosbags_are_read_or_refused_with_the_way_out") else { return };
    let of = |name: &str| home.path().join(name).display().to_string();
    for name in ["plain", "old", "packed"] {
        let said = stdout(&run(&["bag", "info", &of(name), "--json"]));
        let info: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(info["messages"], 84, "{name}");
        assert_eq!(info["duration_s"], 1.95, "{name}");
        let topics = info["topics"].as_array().unwrap();
        let topic = |wanted: &str| topics.iter().find(|topic| topic["name"] == wanted).unwrap();
        assert_eq!(
            (&topic("/robot/name")["latched"], &topic("/chatter")["latched"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(
            (&topic("/camera/image_raw")["reliable"], &topic("/camera/image_raw")["messages"]),
            (&json!(false), &json!(20))
        );
    }
    let text = stdout(&run(&["bag", "info", &of("plain")]));
    assert!(text.contains("84 messages in 1.950 s") && text.contains("[robot_msgs/msg/Mood]"), "{text}");
    for (name, code, remedy) in
        [("sqlite", "PG-0811", "--dst-storage mcap"), ("files", "PG-0813", "rosbags-convert")]
    {
        let output = run(&["bag", "play", &of(name), "--delay", "0"]);
        let said = stderr(&output);
        assert!(!output.status.success() && said.contains(code) && said.contains(remedy), "{name}: {said}");
    }
}

/// A key is made, a bag is sealed for it, looked into and opened; without the key it is neither.
#[test]
fn a_sealed_bag_is_opened_with_its_key_alone() {
    use peregrine_recorder::{Bag, BagOptions, Topic};
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("fleet.key");
    let made = run(&["bag", "keygen", key.to_str().unwrap()]);
    let public = stdout(&made).trim().to_owned();
    assert!(public.starts_with("age1"), "{}", stderr(&made));
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&key).unwrap());
    assert_eq!(mode & 0o777, 0o600, "for nobody else to read");
    assert!(
        stderr(&run(&["bag", "keygen", key.to_str().unwrap()])).contains("PG-1302"),
        "an existing key stays"
    );
    let path = dir.path().join("flight");
    let options = BagOptions { recipients: vec![public.parse().unwrap()], ..BagOptions::default() };
    let mut bag = Bag::create(&path, options).unwrap();
    let topic = Topic {
        name: "/chatter".into(),
        type_name: "std_msgs/msg/String".into(),
        type_hash: String::new(),
        definition: "string data\n".into(),
        reliable: true,
        transient_local: false,
    };
    let id = bag.topic(&topic).unwrap();
    bag.write(id, 1, 1, &[0, 1, 0, 0, 3, 0, 0, 0, b'h', b'i', 0]).unwrap();
    bag.finish().unwrap();
    let (path, key) = (path.to_str().unwrap(), key.to_str().unwrap());
    assert!(stderr(&run(&["bag", "info", path])).contains("PG-0821"));
    let info = run(&["bag", "info", path, "--identity", key]);
    assert!(stdout(&info).contains("/chatter"), "{}", stderr(&info));
    let plain = dir.path().join("plain");
    let opened = run(&["bag", "decrypt", path, plain.to_str().unwrap(), "--identity", key]);
    assert!(opened.status.success(), "{}", stderr(&opened));
    assert!(stdout(&run(&["bag", "info", plain.to_str().unwrap()])).contains("/chatter"));
}
