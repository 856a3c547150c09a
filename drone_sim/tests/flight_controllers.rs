//! Flight controllers outside: a PX4 played with pymavlink and an ArduPilot played in Python take off and hover; the same played
//! PX4 flies RotorPy's own bridge.
//!
//! Needs the Pythons of `PEREGRINE_TEST_PYTHON` (pymavlink) and `PEREGRINE_SIM_PYTHON` (rotorpy); says SKIP without.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::io::Read;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue, RunReport};
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_sim::node::DroneSim;

fn python(test: &str, variable: &str) -> Option<PathBuf> {
    let found = std::env::var_os(variable).map(PathBuf::from).filter(|p| p.is_file());
    if found.is_none() {
        println!("SKIP {test}: {variable} names no Python (`cargo xtask test` makes one)");
    }
    found
}

fn oracle(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(script)
}

fn start(python: &Path, script: &str, words: &[String]) -> Child {
    let mut command = Command::new(python);
    command.arg(oracle(script)).args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What the script printed: numbers by name, lists as numbered names.
fn answer(mut child: Child) -> BTreeMap<String, f64> {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(child.wait().unwrap().success(), "{text}{errors}");
    let line = text.lines().next_back().unwrap_or_default();
    // Flat enough for a small reader: {"a": 1, "b": [1, 2], "c": {"d": 3}}.
    let (mut out, mut key, mut place, mut in_list) = (BTreeMap::new(), String::new(), 0, false);
    let mut rest = line;
    while let Some(at) =
        rest.find(|c: char| c == '"' || c == '[' || c == ']' || c == '-' || c.is_ascii_digit())
    {
        rest = &rest[at..];
        match rest.as_bytes()[0] {
            b'"' => {
                let end = rest[1..].find('"').unwrap();
                key = rest[1..=end].to_owned();
                rest = &rest[end + 2..];
            }
            b'[' => (in_list, place, rest) = (true, 0, &rest[1..]),
            b']' => (in_list, rest) = (false, &rest[1..]),
            _ => {
                let end = rest.find([',', ']', '}']).unwrap();
                let name = if in_list { format!("{key}.{place}") } else { key.clone() };
                out.insert(name, rest[..end].trim().parse().unwrap());
                (place, rest) = (place + 1, &rest[end..]);
            }
        }
    }
    out
}

#[derive(Default)]
struct Track(Vec<(f64, f64)>);

struct Watcher {
    track: Arc<Mutex<Track>>,
}

#[derive(Params)]
struct NoParams {}

impl Node for Watcher {
    const NAME: &'static str = "watcher";
    type Params = NoParams;

    fn configure(setup: &mut Setup<Self>, _: NoParams) -> Result<Self> {
        setup.subscribe("sim/state", Qos::Sensor, |n: &mut Self, _, m: &Odometry| {
            let at = Time::from_msg(&m.header.stamp).as_secs_f64();
            n.track.lock().unwrap().0.push((at, m.pose.pose.position.z));
            Ok(())
        })?;
        Ok(Self { track: setup.extension::<Mutex<Track>>().unwrap_or_default() })
    }
}

/// Runs the simulator with these parameters until it ends.
fn fly(params: &[(&str, String)]) -> (RunReport, Vec<(f64, f64)>) {
    let (report, track) = run(params);
    (report.unwrap(), track)
}

fn run(params: &[(&str, String)]) -> (Result<RunReport, peregrine::Error>, Vec<(f64, f64)>) {
    let track = Arc::new(Mutex::new(Track::default()));
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.log_topics(true).extend(Arc::clone(&track));
    let mut spec = NodeSpec::new("drone_sim");
    let quiet = [("world", "empty"), ("camera.rate", "0"), ("depth.rate", "0"), ("goal_distance", "500")];
    let quiet = quiet.map(|(key, value)| (key, value.to_owned()));
    for (key, value) in quiet.iter().chain(params) {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    app.add(NodeFactory::of::<DroneSim>(), spec).unwrap();
    app.add(NodeFactory::of::<Watcher>(), NodeSpec::new("watcher")).unwrap();
    let report = app.run();
    let track = std::mem::take(&mut *track.lock().unwrap());
    (report, track.0)
}

fn free_tcp() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn free_udp() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn px4(port: u16, seconds: f64) -> Vec<(&'static str, String)> {
    vec![
        ("autopilot.kind", "px4".into()),
        ("autopilot.address", format!("127.0.0.1:{port}")),
        ("autopilot.strict", "true".into()),
        ("time_limit", format!("{seconds:?}")),
    ]
}

#[test]
fn a_px4_takes_off_and_hovers_by_its_sensors_in_lockstep() {
    let test = "a_px4_takes_off_and_hovers_by_its_sensors_in_lockstep";
    let Some(python) = python(test, "PEREGRINE_TEST_PYTHON") else { return };
    let flown = |seconds: f64| {
        let port = free_tcp();
        let peer = start(&python, "px4_peer.py", &[port.to_string(), "5".into()]);
        let (report, track) = fly(&px4(port, seconds));
        (report.topic_log_sha256.clone().unwrap(), track, answer(peer))
    };
    let (_, track, told) = flown(8.0);
    // 250 a second from 0 to 8 s, the last one included; it slept in between, and no step was longer for it.
    assert_eq!((told["sensor"], told["step_us.0"], told["step_us.1"]), (2001.0, 4000.0, 4000.0), "{told:?}");
    assert_eq!((told["garbage"], told["ack"], told["heartbeat"]), (0.0, 1.0, 9.0), "{told:?}");
    assert_eq!((told["gps"], told["baro"], told["mag"]), (81.0, 401.0, 801.0), "{told:?}");
    // Asked for every 8 ms, but for what came before the wish.
    assert!((1001.0..1010.0).contains(&told["state"]), "{told:?}");
    // At rest the accelerometer shows gravity, forward right down.
    assert!(told["rest.0"].abs() < 0.02 && told["rest.1"].abs() < 0.02, "{told:?}");
    assert!((told["rest.2"] + 9.8).abs() < 0.02, "{told:?}");
    assert!(told["height.0"] > 4.5 && told["height.1"] < 5.5 && told["off"] < 1.0, "{told:?}");
    assert!(told["tilt"] < 0.3 && told["heading_error"] < 0.1, "{told:?}");
    let (first, last) = (track[0].1, track.last().unwrap().1);
    assert!((0.25..0.29).contains(&first) && (last - first - 5.0).abs() < 0.5, "{first} {last}");
    // A flight controller that repeats makes a flight that repeats, to the byte.
    assert_eq!(flown(2.0).0, flown(2.0).0);
}

#[test]
fn the_same_px4_flies_rotorpys_own_bridge_to_the_same_heights() {
    let test = "the_same_px4_flies_rotorpys_own_bridge_to_the_same_heights";
    let Some(plain) = python(test, "PEREGRINE_TEST_PYTHON") else { return };
    let Some(rotorpy) = python(test, "PEREGRINE_SIM_PYTHON") else { return };
    let peer = |port: u16| start(&plain, "px4_peer.py", &[port.to_string(), "1.5".into(), "truth".into()]);
    let port = free_tcp();
    let theirs = start(&rotorpy, "rotorpy_px4.py", &[port.to_string(), "4.5".into()]);
    let by_theirs = answer(peer(port));
    assert!(theirs.wait_with_output().unwrap().status.success());
    let port = free_tcp();
    let ours = peer(port);
    fly(&px4(port, 4.5));
    let by_ours = answer(ours);
    for k in 0..5 {
        let (a, b) = (by_theirs[&format!("height_at.{k}")], by_ours[&format!("height_at.{k}")]);
        // RotorPy's thrust does not fall with the climb, so it climbs some 0.2 m/s faster; both stop at the same height.
        assert!((a - b).abs() < 0.15, "{k}: RotorPy {a}, ours {b}");
    }
    assert!((by_ours["height_at.4"] - 1.5).abs() < 0.1, "{by_ours:?}");
}

#[test]
fn an_ardupilot_hovers_over_json_at_its_own_rate() {
    let test = "an_ardupilot_hovers_over_json_at_its_own_rate";
    let Some(python) = python(test, "PEREGRINE_TEST_PYTHON") else { return };
    for (rate, channels, seconds) in [(400, 16, 8.0), (1200, 32, 2.0)] {
        let port = free_udp();
        let words =
            [port.to_string(), "4".into(), rate.to_string(), channels.to_string(), format!("{seconds:?}")];
        let peer = start(&python, "ardupilot_peer.py", &words);
        let (_, track) = fly(&[
            ("autopilot.kind", "ardupilot".into()),
            ("autopilot.address", format!("127.0.0.1:{port}")),
            ("autopilot.timeout", "1.0".into()),
            ("time_limit", format!("{seconds:?}")),
        ]);
        let told = answer(peer);
        let step = 1.0 / f64::from(rate);
        assert!((told["step.0"] - step).abs() < 2e-9 && (told["step.1"] - step).abs() < 2e-9, "{told:?}");
        assert!((told["rest.2"] + 9.8).abs() < 0.02 && told["again"] == 1.0, "{told:?}");
        let last = track.last().unwrap().1 - track[0].1;
        if seconds > 5.0 {
            assert!(told["height.0"] > 3.8 && told["height.1"] < 4.2 && told["off"] < 0.3, "{told:?}");
            assert!((last - 4.0).abs() < 0.2, "{last}");
        } else {
            assert!(last > 1.0 && told["tilt"] < 0.1, "{last} {told:?}");
        }
    }
}

/// The error that ended the simulator.
fn fault(params: &[(&str, String)]) -> String {
    run(params).0.unwrap_err().to_string()
}

#[test]
fn dead_silent_and_absent_flight_controllers_are_told_apart() {
    let with = |port: u16, more: &[(&'static str, &str)]| {
        let mut params = px4(port, 5.0);
        params.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        params
    };
    let absent = fault(&with(free_tcp(), &[("autopilot.connect_timeout", "0.2")]));
    assert!(absent.contains("PG-2402") && absent.contains("Start it"), "{absent}");
    let port = free_tcp();
    let connect = move || loop {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            return stream;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    let dead = std::thread::spawn(move || drop(connect()));
    let gone = fault(&with(port, &[]));
    assert!(gone.contains("PG-2403"), "{gone}");
    dead.join().unwrap();
    let mute = std::thread::spawn(move || {
        let mut stream = connect();
        std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut sink = Vec::new();
        let _ = stream.read_to_end(&mut sink);
    });
    let silent = fault(&with(port, &[("autopilot.timeout", "0.2")]));
    assert!(silent.contains("PG-2404") && silent.contains("18 bytes of garbage"), "{silent}");
    mute.join().unwrap();
    let held = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    let mut spec = NodeSpec::new("drone_sim");
    for (key, value) in px4(port, 1.0) {
        spec = spec.with_param(key, ParamValue::from_text(&value));
    }
    let refused = app.add(NodeFactory::of::<DroneSim>(), spec).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("PG-2401"), "{refused}");
    drop(held);
    let params =
        [("autopilot.kind", "ardupilot".to_owned()), ("autopilot.connect_timeout", "0.2".to_owned())];
    let address = [("autopilot.address", format!("127.0.0.1:{}", free_udp()))];
    let absent = fault(&[params.as_slice(), &address].concat());
    assert!(absent.contains("PG-2402") && absent.contains("sim_vehicle.py"), "{absent}");
}

#[test]
fn wrong_settings_are_refused_by_name() {
    for (key, value, part) in [
        ("autopilot.kind", "betaflight", "px4 or ardupilot"),
        ("autopilot.motors", "[0, 1, 2]", "one channel for each of the vehicle's 4 rotors"),
        ("autopilot.motors", "[0, 1, 2, 40]", "channels from 0 to 31"),
        ("autopilot.output", "torque", "speed or thrust"),
        ("autopilot.pulses", "[2000, 1000]", "larger pulse"),
        ("autopilot.home", "[147.0, 8.0, 0.0]", "latitude"),
        ("autopilot.address", "nowhere", "PG-2401"),
    ] {
        let mut app = App::new(Mode::Lockstep { threads: 1 });
        let mut spec = NodeSpec::new("drone_sim");
        for (key, value) in [("autopilot.kind", "px4"), ("autopilot.address", "127.0.0.1:0"), (key, value)] {
            spec = spec.with_param(key, ParamValue::from_text(value));
        }
        let error = app.add(NodeFactory::of::<DroneSim>(), spec).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(part), "{key}: {error}");
    }
}
