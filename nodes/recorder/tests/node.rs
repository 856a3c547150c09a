//! The node in an application: what was published is in the bag, message for message.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{collections::BTreeMap, path::Path, process::Command};

use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue, prelude::*};
use peregrine_msgs::{geometry_msgs::TwistStamped, std_msgs::String as Text};
use peregrine_recorder::RecorderNode;

/// Publishes ten of everything, then ends the flight.
struct Source {
    count: u32,
    text: Publisher<Text>,
    twist: Publisher<TwistStamped>,
    images: FramePublisher,
}

impl Node for Source {
    const NAME: &'static str = "source";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(100), Self::tick)?;
        Ok(Self {
            count: 0,
            text: setup.publish("text", Qos::Latched)?,
            twist: setup.publish("cmd_vel", Qos::Sensor)?,
            images: setup.publish_frames("image_raw", FrameSlots { slots: 8, bytes: 12 })?,
        })
    }
}

impl Source {
    fn tick(&mut self, ctx: &Context) -> Result {
        self.count += 1;
        if self.count > 10 {
            ctx.shutdown("done");
            return Ok(());
        }
        let padding = std::env::var("PADDING").map_or(0, |text| text.parse().unwrap());
        self.text.send(ctx, Text { data: format!("text {}{}", self.count, " ".repeat(padding)) })?;
        let mut twist = TwistStamped::default();
        twist.twist.linear.x = f64::from(self.count);
        self.twist.send(ctx, twist)?;
        let spec = ImageSpec { width: 2, height: 2, encoding: Encoding::Rgb8, step: 6, frame_id: "eye" };
        if let Some(mut loan) = self.images.loan(&spec)? {
            loan.bytes_mut().fill(self.count as u8);
            loan.set_stamp(ctx.now().0);
            self.images.send(ctx, loan)?;
        }
        Ok(())
    }
}

fn fly(path: &Path, params: &[(&str, ParamValue)]) -> std::result::Result<(), String> {
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    let mut recorder = NodeSpec::new("recorder");
    recorder = recorder.with_param("path", ParamValue::String(path.to_string_lossy().into_owned()));
    for (name, value) in params {
        recorder = recorder.with_param(name, value.clone());
    }
    app.add(NodeFactory::of::<RecorderNode>(), recorder).map_err(|error| error.to_string())?;
    app.add(NodeFactory::of::<Source>(), NodeSpec::new("source")).map_err(|error| error.to_string())?;
    app.run().map(drop).map_err(|error| error.to_string())
}

fn counts(file: &Path) -> BTreeMap<String, usize> {
    let bytes = std::fs::read(file).unwrap();
    let mut counts = BTreeMap::new();
    for message in mcap::MessageStream::new(&bytes).unwrap() {
        *counts.entry(message.unwrap().channel.topic.clone()).or_insert(0) += 1;
    }
    counts
}

#[test]
fn everything_published_is_recorded_and_decodes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flight");
    fly(&path, &[]).unwrap();
    let counts = counts(&path.join("flight_0.mcap"));
    for topic in ["/text", "/cmd_vel", "/image_raw"] {
        assert_eq!(counts.get(topic), Some(&10), "{topic} in {counts:?}");
    }
    let Some(python) = std::env::var_os("PEREGRINE_TEST_PYTHON") else {
        println!(
            "SKIP everything_published_is_recorded_and_decodes (rosbags): PEREGRINE_TEST_PYTHON is not set"
        );
        return;
    };
    let code = "import sys; from pathlib import Path; from rosbags.highlevel import AnyReader\n\
        with AnyReader([Path(sys.argv[1])]) as r:\n for c, t, raw in r.messages():\n  m = r.deserialize(raw, c.msgtype)\n  \
        print(c.topic, t, getattr(m, 'data', None) is not None and (m.data if isinstance(m.data, str) else bytes(m.data).hex()) or \
        (hasattr(m, 'twist') and m.twist.linear.x))";
    let output = Command::new(python).args(["-c", code]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    for number in 1..=10 {
        let stamp = number * 100_000_000;
        for line in [
            format!("/text {stamp} text {number}"),
            format!("/cmd_vel {stamp} {number}.0"),
            format!("/image_raw {stamp} {}", format!("{number:02x}").repeat(12)),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}

#[test]
fn selection_and_mistakes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flight");
    let list =
        |items: &[&str]| ParamValue::StringArray(items.iter().map(|item| (*item).to_owned()).collect());
    fly(&path, &[("images", ParamValue::Bool(false)), ("exclude", list(&["cmd_*"]))]).unwrap();
    let counts = counts(&path.join("flight_0.mcap"));
    assert_eq!(counts.get("/text"), Some(&10));
    assert!(!counts.contains_key("/cmd_vel") && !counts.contains_key("/image_raw"), "{counts:?}");

    let error = fly(&path, &[]).unwrap_err();
    assert!(error.contains("PG-0801"), "{error}");
    let error =
        fly(&directory.path().join("x"), &[("when_full", ParamValue::String("cry".into()))]).unwrap_err();
    assert!(error.contains("PG-0809"), "{error}");
}

/// On a file system of 64 KiB, in a mount namespace of its own, where the kernel allows one.
#[test]
fn a_full_disk_stops_the_flight_with_one_error() {
    const NAME: &str = "a_full_disk_stops_the_flight_with_one_error";
    if let Some(small) = std::env::var_os("SMALL_DISK") {
        let path = Path::new(&small).join("flight");
        println!("ANSWER {:?}", fly(&path, &[("flush_seconds", ParamValue::Double(0.1))]));
        let recovered =
            peregrine_recorder::recover(&path.join("flight_0.mcap"), &std::env::temp_dir().join("again"));
        println!("RECOVERED {}", recovered.unwrap().messages);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (small, exe) = (directory.path().join("small"), std::env::current_exe().unwrap());
    std::fs::create_dir(&small).unwrap();
    let script = "mount -t tmpfs -o size=64k none \"$SMALL_DISK\" && exec \"$0\" --exact --nocapture \"$1\"";
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(exe)
        .arg(NAME)
        .env("SMALL_DISK", &small)
        .env("TMPDIR", directory.path())
        .env("PADDING", "20000")
        .output();
    let text =
        output.map(|output| String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned());
    match text {
        Ok(text) if text.contains("ANSWER") => {
            let answer = text.lines().find(|line| line.contains("ANSWER")).unwrap();
            assert!(answer.contains("Err(") && answer.contains("PG-0803 the disk is full"), "{text}");
            let recovered = text.lines().find_map(|line| line.strip_prefix("RECOVERED ")).unwrap();
            assert!(recovered.parse::<u64>().unwrap() > 0, "{text}");
        }
        Ok(text) => println!("SKIP {NAME}: no mount namespace of its own: {}", text.trim()),
        Err(error) => println!("SKIP {NAME}: unshare: {error}"),
    }
}
