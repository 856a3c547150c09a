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
        self.text.send(ctx, Text { data: format!("text {}", self.count) })?;
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
