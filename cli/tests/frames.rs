//! The frame bus as `peregrine topic` and `peregrine doctor` show it, with a publisher in a process of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Running, peregrine, peregrine_at, stderr, stdout, until};
use peregrine_frame::{BusConfig, Encoding, Host, ImageSpec, Policy, PublishOptions};
use serde_json::Value;

const LAUNCH: &str = "<launch>
  <node pkg='peregrine' exec='camera' name='camera'>
    <param name='source' value='pattern'/> <param name='rate_hz' value='50.0'/>
    <param name='width' value='320'/> <param name='height' value='240'/>
  </node>
</launch>";

fn ask(dir: &Path, port: &str, args: &[&str]) -> Output {
    peregrine_at(port).env("XDG_RUNTIME_DIR", dir).args(args).output().unwrap()
}

fn json(dir: &Path, port: &str, args: &[&str]) -> Option<Value> {
    let output = ask(dir, port, args);
    output.status.success().then(|| serde_json::from_str(&stdout(&output)).unwrap())
}

/// A camera of this process, which is another one than the command's; it shoots until it is dropped.
struct Camera {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Camera {
    fn start(dir: &Path, topic: &str) -> Self {
        let host = Host::at(dir.join("peregrine"), 0).unwrap();
        let config = BusConfig { slots: 12, slot_bytes: 320 * 240 * 3, keep: 2, max_readers: 4 };
        let options = PublishOptions { config, label: "/camera".into(), ..PublishOptions::default() };
        let mut writer = host.publish_with(topic, &options).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let spec = ImageSpec::packed(320, 240, Encoding::Rgb8, "camera");
                if let Some(mut loan) = writer.loan(&spec).unwrap() {
                    // Exposure takes its time: capture and publication are told apart.
                    std::thread::sleep(Duration::from_millis(10));
                    loan.set_stamp(1_000_000_000);
                    writer.publish(loan).unwrap();
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

#[test]
fn frames_of_another_process_are_watched_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let _camera = Camera::start(dir, "/image_raw");
    let watch = |args: &[&str]| json(dir, "17463", &[&["topic"], args, &["--json"]].concat()).unwrap();

    let hz = watch(&["hz", "/image_raw", "--duration", "1"]);
    assert_eq!(hz["over"], "the frame bus");
    assert!(hz["messages"].as_u64() > Some(3) && hz["hz"].as_f64() > Some(1.0), "{hz}");
    assert!(hz["hz"].as_f64() < Some(110.0) && hz["period_ms"]["mean"].as_f64() > Some(9.0), "{hz}");

    let bw = watch(&["bw", "image_raw", "--duration", "0.5"]);
    let bytes = bw["message_bytes"]["min"].as_f64().unwrap();
    assert!((320.0 * 240.0 * 3.0..320.0 * 240.0 * 3.0 + 400.0).contains(&bytes), "{bw}");

    let delay = watch(&["delay", "/image_raw", "--over", "bus", "--duration", "0.5"]);
    let of = |what: &str| delay[what]["p50"].as_f64().unwrap();
    assert!(of("since_capture_ms") >= of("since_publication_ms") + 9.9, "{delay}");
    assert!(of("since_publication_ms") > 0.0, "{delay}");

    // Nobody is on Zenoh's port; the bus alone says this much.
    let info = json(dir, "17463", &["topic", "info", "/image_raw", "--json"]).unwrap();
    assert_eq!(info["types"], serde_json::json!(["sensor_msgs/msg/Image"]));
    let bus = &info["buses"][0];
    assert_eq!((&bus["newest"]["width"], &bus["newest"]["encoding"]), (&320.into(), &"rgb8".into()));
    assert_eq!((&bus["pid"], &bus["publisher"]), (&std::process::id().into(), &"/camera".into()));
    let text = stdout(&ask(dir, "17463", &["topic", "info", "/image_raw"]));
    assert!(text.contains("on the frame bus of this host: yes") && text.contains("320x240 rgb8"), "{text}");

    let elsewhere = ask(dir, "17463", &["topic", "hz", "/other", "--over", "bus"]);
    assert!(stderr(&elsewhere).contains("PG-1309"), "{}", stderr(&elsewhere));
}

#[test]
fn topics_of_the_graph_are_watched_over_zenoh() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let file = dir.join("camera.launch.xml");
    std::fs::write(&file, LAUNCH).unwrap();
    let mut command = peregrine_at("17464");
    command.env("XDG_RUNTIME_DIR", dir).arg("launch").arg(&file);
    let _camera = Running(command.stdout(std::process::Stdio::null()).spawn().unwrap());

    let info = until("the topic in the graph", || {
        json(dir, "17464", &["topic", "info", "/image_raw", "--json"])
            .filter(|info| info["publishers"][0]["node"] == "/camera")
    });
    assert_eq!(info["publishers"][0]["qos"], "best effort, volatile, keep last 5");
    let wrong = ask(dir, "17464", &["topic", "info", "/image_rav"]);
    assert!(stderr(&wrong).contains("did you mean '/image_raw'"), "{}", stderr(&wrong));

    let over_zenoh = ["/image_raw", "--over", "zenoh", "--duration", "1", "--json"];
    let delay = until("pictures over Zenoh", || {
        json(dir, "17464", &[&["topic", "delay"], &over_zenoh[..]].concat())
            .filter(|delay| delay["messages"].as_u64() > Some(2))
    });
    // One clock, the system's: a picture is taken, published, and only then it comes.
    let of = |what: &str| delay[what]["p50"].as_f64().unwrap();
    assert!(
        of("since_capture_ms") >= of("since_publication_ms") && of("since_publication_ms") > 0.0,
        "{delay}"
    );
    let bw = json(dir, "17464", &[&["topic", "bw"], &over_zenoh[..]].concat()).unwrap();
    assert_eq!(bw["over"], "Zenoh");
    assert!(bw["message_bytes"]["max"].as_f64() > Some(320.0 * 240.0 * 3.0), "{bw}");

    let whole: Value = serde_json::from_str(&stdout(&ask(dir, "17464", &["doctor", "--json"]))).unwrap();
    let says = |what: &str| {
        let finding = whole.as_array().unwrap().iter().find(|f| f["what"] == what);
        finding.unwrap_or_else(|| panic!("nothing about {what}: {whole}"))["says"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(says("Zenoh").contains("topics at loopback port 17464"), "{whole}");
    assert!(says("frame bus").contains(" buses with "), "{whole}");
    assert!(says("runtime folder").contains(dir.to_str().unwrap()), "{whole}");
}

/// A reader that holds frames shows up with its process; one that was killed does not for long; a publisher that was
/// killed leaves an entry that `--clean` removes.
#[test]
fn the_doctor_sees_readers_and_the_dead() {
    let dir = tempfile::tempdir().unwrap();
    let ask = |args: &[&str]| -> Value {
        let mut command = peregrine();
        let output = command.env("XDG_RUNTIME_DIR", dir.path()).args(args).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_str(&stdout(&output)).unwrap()
    };
    let host = Host::at(dir.path().join("peregrine"), 0).unwrap();
    let config = BusConfig { slots: 12, slot_bytes: 64 * 48 * 3, keep: 2, max_readers: 4 };
    let mut camera = host.publish("/front", config).unwrap();
    let mut viewer = host.subscribe("/front", Policy::KeepLast(2)).unwrap();
    assert!(viewer.wait_attached(Duration::from_secs(10)));
    let mut held = Vec::new();
    for _ in 0..3 {
        let loan = camera.loan(&ImageSpec::packed(64, 48, Encoding::Rgb8, "front")).unwrap().unwrap();
        camera.publish(loan).unwrap();
        held.extend(viewer.take().ok().flatten());
    }
    let seen = ask(&["doctor", "frames", "--json"]);
    let bus = &seen["buses"][0];
    assert_eq!((&bus["topic"], &bus["published"]), (&"/front".into(), &3.into()), "{seen}");
    let reader = &bus["readers"][0];
    assert_eq!(reader["pid"], std::process::id());
    assert_eq!(
        (&reader["policy"], &reader["holds"], &reader["may_hold"]),
        (&"keep last 2".into(), &2.into(), &2.into())
    );
    assert_eq!((&bus["held"], &reader["behind"]), (&2.into(), &1.into()), "{bus}");

    let text = peregrine().env("XDG_RUNTIME_DIR", dir.path()).args(["doctor", "frames"]).output().unwrap();
    let text = stdout(&text);
    assert!(text.contains("/front") && text.contains("holds all the frames it may"), "{text}");

    drop((held, viewer));
    until("the reader's row to be given back", || {
        (ask(&["doctor", "frames", "--json"])["buses"][0]["readers"] == serde_json::json!([])).then_some(())
    });
    drop(camera);
    assert_eq!(ask(&["doctor", "frames", "--json"])["buses"], serde_json::json!([]));

    // A publisher that is killed cannot withdraw its entry.
    let mut dead = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let name = format!("{:016x}.{}.1.0.sock", 7, dead.id());
    let socket = std::os::unix::net::UnixListener::bind(host.folder().join(name)).unwrap();
    dead.kill().unwrap();
    dead.wait().unwrap();
    drop(socket);
    let others = ask(&["doctor", "frames", "--json"])["others"].clone();
    assert!(others[0]["state"].as_str().unwrap().contains("is dead"), "{others}");
    assert_eq!(ask(&["doctor", "frames", "--json", "--clean"])["cleared"], 1);
    assert_eq!(ask(&["doctor", "frames", "--json"])["others"], serde_json::json!([]));
}

#[test]
fn codes_are_explained() {
    let known = peregrine().args(["doctor", "PG-0103"]).output().unwrap();
    assert!(stdout(&known).contains("slots but needs") && known.status.success(), "{}", stdout(&known));
    let unknown = peregrine().args(["doctor", "PG-9999"]).output().unwrap();
    assert!(!unknown.status.success() && stderr(&unknown).contains("PG-1316"), "{}", stderr(&unknown));
    let all = stdout(&peregrine().args(["doctor", "codes"]).output().unwrap());
    assert!(all.lines().any(|line| line.starts_with("PG-0214")), "{all}");
}
