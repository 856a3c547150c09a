//! Gazebo's own tools and library talk with ours, both ways.
//!
//! Needs Debian's `ignition-transport-cli` and `libignition-transport-dev`; says SKIP by name where they are missing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use peregrine_gz::msgs::core::{Boolean, Clock, StringMsg, Time};
use peregrine_gz::msgs::geometry::{Twist, Vector3d};
use peregrine_gz::msgs::sensing::{Image, PixelFormatType};
use peregrine_gz::{Flavour, GzNode, Options};

fn node(partition: &str) -> GzNode {
    // A partition of our own, so that tests that run side by side do not meet.
    let partition = format!("{partition}_{}", std::process::id());
    GzNode::new(Options { flavour: Flavour::Ignition, ..Options::loopback(&partition) }).unwrap()
}

/// `ign topic` or `ign service`: the program behind the command, which needs no link.
fn tool(which: &str) -> Option<PathBuf> {
    let path = PathBuf::from(format!("/usr/libexec/ignition/transport11/ign-transport-{which}"));
    path.is_file().then_some(path)
}

fn ign(which: &str, partition: &str, args: &[&str]) -> Child {
    Command::new(tool(which).unwrap())
        .args(args)
        .env("IGN_IP", "127.0.0.1")
        .env("IGN_PARTITION", partition)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the tool prints; it is ended after a while if it does not end by itself.
fn output(mut child: Child, limit: Duration) -> String {
    // Read all along: a tool that has filled a pipe waits for ever.
    let (out, err) = (drain(child.stdout.take().unwrap()), drain(child.stderr.take().unwrap()));
    let end = Instant::now() + limit;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait().unwrap();
    let text = |all: Vec<u8>| String::from_utf8_lossy(&all).into_owned();
    text(out.join().unwrap()) + &text(err.join().unwrap())
}

fn drain(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        from.read_to_end(&mut all).unwrap();
        all
    })
}

/// One test at a time: the tools give up after seconds, and one of the tests compiles C++.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn image() -> Image {
    let data: Vec<u8> = (0..640 * 480 * 3_usize).map(|i| (i * 7) as u8).collect();
    let pixel_format_type = PixelFormatType::RgbInt8 as i32;
    Image { width: 640, height: 480, step: 1920, data, pixel_format_type, ..Default::default() }
}

#[test]
fn ign_topic_lists_describes_shows_and_publishes() {
    let _alone = alone();
    if tool("topic").is_none() {
        println!(
            "SKIP ign_topic_lists_describes_shows_and_publishes: ignition-transport-cli is not installed"
        );
        return;
    }
    let node = node("topic");
    let partition = node.options().partition.clone();
    let clock = node.advertise::<Clock>("/clock").unwrap();
    let pictures = node.advertise::<Image>("/world/w/image").unwrap();
    let (heard, hears) = mpsc::channel();
    node.subscribe("/model/x3/cmd_vel", move |twist: Twist| drop(heard.send(twist))).unwrap();

    let list = output(ign("topic", &partition, &["-l"]), Duration::from_secs(20));
    assert!(list.contains("/clock") && list.contains("/world/w/image"), "{list}");
    let info = output(ign("topic", &partition, &["-i", "-t", "/clock"]), Duration::from_secs(20));
    assert!(info.contains("ignition.msgs.Clock") && info.contains("tcp://127.0.0.1:"), "{info}");

    assert!(!clock.has_listeners());
    let echo = ign("topic", &partition, &["-e", "-t", "/clock", "-n", "1"]);
    wait_for("ign topic -e", || clock.has_listeners().then_some(()));
    let ticking = std::thread::spawn(move || {
        for _ in 0..100 {
            clock.publish(&Clock { sim: Some(Time { sec: 42, nsec: 7 }), ..Default::default() });
            std::thread::sleep(Duration::from_millis(50));
        }
        clock
    });
    let shown = output(echo, Duration::from_secs(20));
    assert!(shown.contains("sec: 42") && shown.contains("nsec: 7"), "{shown}");
    let clock = ticking.join().unwrap();
    wait_for("the end of ign topic -e", || (!clock.has_listeners()).then_some(()));

    // Pictures of a megabyte arrive whole.
    let echo = ign("topic", &partition, &["-e", "-t", "/world/w/image", "-n", "1"]);
    wait_for("ign topic -e", || pictures.has_listeners().then_some(()));
    let sending = std::thread::spawn(move || {
        for _ in 0..20 {
            pictures.publish(&image());
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let shown = output(echo, Duration::from_secs(30));
    assert!(shown.contains("width: 640") && shown.len() > 1_000_000, "{} bytes", shown.len());
    sending.join().unwrap();

    let args = ["-t", "/model/x3/cmd_vel", "-m", "ignition.msgs.Twist", "-p", "linear: {x: 1.5, z: -2}"];
    // The tool says its word once, and gives a subscriber it has not met 3 s at most: a loaded machine needs several tries.
    let twist = (0..20).find_map(|_| {
        output(ign("topic", &partition, &args), Duration::from_secs(10));
        hears.recv_timeout(Duration::from_secs(1)).ok()
    });
    let twist = twist.expect("what `ign topic -p` said in twenty tries");
    assert_eq!(twist.linear, Some(Vector3d { x: 1.5, z: -2.0, ..Default::default() }));
}

#[test]
fn ign_service_lists_describes_and_calls() {
    let _alone = alone();
    if tool("service").is_none() {
        println!("SKIP ign_service_lists_describes_and_calls: ignition-transport-cli is not installed");
        return;
    }
    let node = node("service");
    let partition = node.options().partition.clone();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    node.advertise_service("/world/w/say", move |request: StringMsg| {
        seen.lock().unwrap().push(request.data.clone());
        (request.data != "no").then_some(Boolean { header: None, data: true })
    })
    .unwrap();
    let list = output(ign("service", &partition, &["-l"]), Duration::from_secs(20));
    assert!(list.contains("/world/w/say"), "{list}");
    let info = output(ign("service", &partition, &["-i", "-s", "/world/w/say"]), Duration::from_secs(20));
    assert!(info.contains("ignition.msgs.StringMsg") && info.contains("ignition.msgs.Boolean"), "{info}");
    let call = |text: &str| {
        let types = ["--reqtype", "ignition.msgs.StringMsg", "--reptype", "ignition.msgs.Boolean"];
        let request = format!("data: \"{text}\"");
        let rest = ["--timeout", "10000", "--req", &request];
        let args = [&["-s", "/world/w/say"][..], &types, &rest].concat();
        output(ign("service", &partition, &args), Duration::from_secs(20))
    };
    let yes = call("yes");
    assert!(yes.contains("data: true"), "{yes}");
    let no = call("no");
    assert!(no.contains("failed"), "{no}");
    assert_eq!(*asked.lock().unwrap(), ["yes", "no"]);
}

/// A client written in C++ on Gazebo's library: pictures and calls in both directions.
#[test]
fn a_program_on_gazebos_library_exchanges_pictures_and_calls() {
    let _alone = alone();
    let flags = Command::new("pkg-config")
        .args(["--cflags", "--libs", "ignition-transport11", "ignition-msgs8"])
        .output();
    let flags = match flags {
        Ok(out) if out.status.success() => String::from_utf8_lossy(&out.stdout).into_owned(),
        _ => {
            println!(
                "SKIP a_program_on_gazebos_library_exchanges_pictures_and_calls: libignition-transport-dev is not installed"
            );
            return;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("peer");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stock/peer.cc");
    let mut compile = Command::new("c++");
    compile.args(["-std=c++17", "-O0", source, "-o"]).arg(&program).args(flags.split_whitespace());
    let out = compile.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));

    let node = node("peer");
    let mut peer = Command::new(&program)
        .arg("60")
        .env("IGN_IP", "127.0.0.1")
        .env("IGN_PARTITION", &node.options().partition)
        .spawn()
        .unwrap();
    let (heard, hears) = mpsc::channel();
    let images = heard.clone();
    node.subscribe("/peer/image", move |i: Image| drop(images.send(format!("picture {}", i == image()))))
        .unwrap();
    node.subscribe("/sum", move |s: StringMsg| drop(heard.send(s.data))).unwrap();
    let pictures = node.advertise::<Image>("/image").unwrap();
    let sum: u64 = image().data.iter().map(|x| u64::from(*x)).sum();
    let expected = format!("640x480 921600 {sum}");
    let (mut theirs, mut ours) = (false, false);
    wait_for("pictures both ways", || {
        pictures.publish(&image());
        while let Ok(text) = hears.recv_timeout(Duration::from_millis(50)) {
            assert!(text == "picture true" || text == expected, "{text}");
            theirs |= text == "picture true";
            ours |= text == expected;
        }
        (theirs && ours).then_some(())
    });
    let ask = |text: &str| {
        let request = StringMsg { header: None, data: text.into() };
        node.request::<StringMsg, StringMsg>("/peer/shout", &request, Duration::from_secs(20))
    };
    assert_eq!(ask("hello").unwrap().data, "hello!");
    let refused = ask("").unwrap_err().to_string();
    assert!(refused.starts_with("PG-1607"), "{refused}");
    // Services that reply to nobody, both ways.
    let (kept, keeps) = mpsc::channel();
    node.advertise_one_way("/ours/keep", move |text: StringMsg| drop(kept.send(text.data))).unwrap();
    let word = StringMsg { header: None, data: "word".into() };
    node.request_one_way("/peer/keep", &word, Duration::from_secs(20)).unwrap();
    assert_eq!(keeps.recv_timeout(Duration::from_secs(20)).unwrap(), "word");
    let names: Vec<String> = node.topics().unwrap().into_iter().map(|t| t.name).collect();
    assert!(names.contains(&"/peer/image".to_string()), "{names:?}");
    assert!(node.services().unwrap().iter().any(|s| s.name == "/peer/shout"));
    peer.kill().unwrap();
    peer.wait().unwrap();
    let gone =
        node.request::<StringMsg, StringMsg>("/nobody", &StringMsg::default(), Duration::from_millis(300));
    assert!(gone.unwrap_err().to_string().starts_with("PG-1605"));
}
