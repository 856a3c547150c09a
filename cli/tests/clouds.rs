//! Two nodes of one launch file, in two processes, exchange point clouds in slots with no setting. The test is its own
//! program: it links the `peregrine` command with the two nodes, as a user's crate does, and is started again by the
//! launcher for each node.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::Duration;

use common::{Running, stderr, stdout, until};
use peregrine::prelude::*;
use peregrine_msgs::builtin_interfaces;
use peregrine_msgs::sensor_msgs::PointCloud2;
use serde_json::Value;

const LAUNCH: &str = "<launch>
  <node pkg='mine' exec='cloud_source' name='lidar'/>
  <node pkg='mine' exec='cloud_sink' name='mapper'><param name='file' value='$(dirname)/seen'/></node>
</launch>";

const PORT: &str = "17470";

/// Bytes of points: every fourth cloud is small.
fn points(number: i32) -> usize {
    if number % 4 == 0 { 500 } else { 300_000 }
}

struct CloudSource(Publisher<PointCloud2>, i32);

impl Node for CloudSource {
    const NAME: &'static str = "cloud_source";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(10), |node: &mut Self, ctx: &Context| {
            node.1 += 1;
            let mut cloud = PointCloud2 { data: vec![3; points(node.1)], ..PointCloud2::default() };
            cloud.header.stamp = builtin_interfaces::Time { sec: node.1, nanosec: 0 };
            node.0.send(ctx, cloud)
        })?;
        Ok(Self(setup.publish("/cloud", Qos::Reliable)?, 0))
    }
}

export_node!(CloudSource);

mod sink {
    use super::*;

    #[derive(Params)]
    pub struct Config {
        /// Where to write what was seen.
        #[param(default = "")]
        file: String,
    }

    struct CloudSink(std::fs::File);

    impl Node for CloudSink {
        const NAME: &'static str = "cloud_sink";
        type Params = Config;
        fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
            setup.subscribe(
                "/cloud",
                Qos::KeepLast(1000),
                |node: &mut Self, _: &Context, m: &PointCloud2| {
                    assert!(m.data.len() == points(m.header.stamp.sec) && m.data.iter().all(|b| *b == 3));
                    writeln!(node.0, "{}", m.header.stamp.sec).map_err(Error::node)
                },
            )?;
            Ok(Self(std::fs::File::create(config.file).map_err(Error::node)?))
        }
    }

    export_node!(CloudSink);
}

/// This program, as the command.
fn this(dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("PEREGRINE_ZENOH_PORT", PORT).env("XDG_RUNTIME_DIR", dir).env_remove("ROS_DOMAIN_ID");
    command
}

fn ask(dir: &Path, args: &[&str]) -> Output {
    this(dir).args(args).output().unwrap()
}

fn json(dir: &Path, args: &[&str]) -> Value {
    let output = ask(dir, args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

fn seen(file: &PathBuf) -> Vec<i32> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    // The last line may be half written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| line.parse().unwrap()).collect()
}

fn clouds_pass_between_processes_in_slots() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, file) = (dir.path(), dir.path().join("seen"));
    let launch = dir.join("clouds.launch.xml");
    std::fs::write(&launch, LAUNCH).unwrap();
    let mut command = this(dir);
    command.arg("launch").arg(&launch).args(["--processes", "several"]).stdout(Stdio::null());
    let running = Running(command.spawn().unwrap());
    until("two hundred clouds", || (seen(&file).len() > 200).then_some(()));

    let frames = json(dir, &["doctor", "frames", "--json"]);
    let bus = frames["buses"].as_array().unwrap().iter().find(|bus| bus["topic"] == "/cloud").unwrap();
    assert_eq!(
        (&bus["message_type"], &bus["publisher"]),
        (&"sensor_msgs/msg/PointCloud2".into(), &"/lidar".into())
    );
    assert!(bus["published"].as_u64() > Some(100) && bus["failed_loans"] == 0, "{bus}");
    let reader = &bus["readers"][0];
    assert!(reader["pid"] != bus["pid"] && reader["policy"] == "lossless, waited for 100 ms", "{bus}");
    assert_eq!((&reader["missed"], bus["readers"].as_array().unwrap().len()), (&0.into(), 1), "{bus}");
    assert!(bus["newest"]["bytes"].as_u64() > Some(500), "{bus}");
    assert!((1..20_000_000).contains(&bus["resident_bytes"].as_u64().unwrap()), "{bus}");
    // The subscription is in the graph, though Zenoh carries nothing for it. Discovery brings one name after the other.
    let text = until("the subscription in the graph", || {
        Some(stdout(&ask(dir, &["topic", "info", "/cloud"])))
            .filter(|text| text.contains("subscriptions: 1\n  /mapper"))
    });
    assert!(text.contains("on the frame bus of this host: yes") && text.contains("the newest of "), "{text}");

    let hz = json(dir, &["topic", "hz", "/cloud", "--duration", "1", "--json"]);
    assert!(hz["over"] == "the frame bus" && hz["messages"].as_u64() > Some(10), "{hz}");
    let bw = json(dir, &["topic", "bw", "/cloud", "--over", "bus", "--duration", "0.5", "--json"]);
    assert!(bw["message_bytes"]["max"].as_f64() > Some(300_000.0), "{bw}");
    assert!(bw["message_bytes"]["max"].as_f64() < Some(301_000.0), "{bw}");
    let delay = json(dir, &["topic", "delay", "/cloud", "--duration", "0.5", "--json"]);
    assert!(delay["since_publication_ms"]["p50"].as_f64() < Some(1000.0), "{delay}");
    // Who listens over Zenoh still hears it.
    let echo = stdout(&ask(dir, &["topic", "hz", "/cloud", "--over", "zenoh", "--duration", "1", "--json"]));
    let echo: Value = serde_json::from_str(&echo).unwrap();
    assert!(echo["over"] == "Zenoh" && echo["messages"].as_u64() > Some(10), "{echo}");

    drop(running);
    let seen = seen(&file);
    assert!(seen.windows(2).all(|pair| pair[0] + 1 == pair[1]), "each once and in order: {seen:?}");
}

/// No harness, for the program must also be the command; what it prints is what one would.
fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|word| ["launch", "topic", "doctor"].contains(&word.as_str())) {
        return peregrine::main();
    }
    println!("\nrunning 1 test");
    let passed = std::panic::catch_unwind(clouds_pass_between_processes_in_slots).is_ok();
    let (word, result) =
        if passed { ("ok", "ok. 1 passed; 0 failed") } else { ("FAILED", "FAILED. 0 passed; 1 failed") };
    println!("test clouds_pass_between_processes_in_slots ... {word}");
    println!("\ntest result: {result}; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n");
    if passed { ExitCode::SUCCESS } else { ExitCode::from(101) }
}
