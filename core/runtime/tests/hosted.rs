//! Frames between two processes, each an application that knows nothing of the other.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

extern crate peregrine_core as peregrine;

use std::process::{Command, Stdio};

use peregrine::prelude::*;
use peregrine::{App, FrameHost, Mode, NodeFactory, NodeSpec};

struct Camera {
    images: FramePublisher,
    number: i64,
}

impl Node for Camera {
    const NAME: &'static str = "camera";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(2), Self::shoot)?;
        Ok(Self {
            images: setup.publish_frames("image", FrameSlots { slots: 8, bytes: 64 * 64 })?,
            number: 0,
        })
    }
}

impl Camera {
    fn shoot(&mut self, ctx: &Context) -> Result {
        let spec = ImageSpec::packed(64, 64, Encoding::Mono8, "camera");
        let Some(mut loan) = self.images.loan(&spec)? else { return Ok(()) };
        self.number += 1;
        loan.bytes_mut().fill((self.number & 0xff) as u8);
        loan.set_stamp(self.number);
        self.images.send(ctx, loan)
    }
}

/// Forwards what it reads: to a reader elsewhere the bytes must come all the same.
struct Relay(FramePublisher);

impl Node for Relay {
    const NAME: &'static str = "relay";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_frames(
            "raw",
            FramePolicy::Latest,
            |relay: &mut Self, ctx: &Context, frame: &Frame| relay.0.forward(ctx, frame).map(drop),
        )?;
        // As the camera node does it: its own slots are stand-ins.
        Ok(Self(setup.publish_frames("image", FrameSlots { slots: 8, bytes: 64 })?))
    }
}

fn run(name: &str, relayed: bool) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("peregrine-hosted-{name}-{}", std::process::id()));
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.share_frames(FrameHost::at(&folder, 0).unwrap());
    let camera = NodeSpec::new("camera");
    let camera = if relayed { camera.with_remap("image", "raw") } else { camera };
    app.add(NodeFactory::of::<Camera>(), camera).unwrap();
    if relayed {
        app.add(NodeFactory::of::<Relay>(), NodeSpec::new("relay")).unwrap();
    }
    let stop = app.stop_handle();
    let viewer = Command::new(env!("CARGO_BIN_EXE_core-peer"))
        .args([folder.as_os_str(), "50".as_ref()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::thread::spawn(move || {
        let output = viewer.wait_with_output().unwrap();
        stop.ask(peregrine::StopReason::Asked("the viewer has seen enough".into()));
        output
    });
    let report = app.run().unwrap();
    assert_eq!(report.failed_loans, 0);
    let output = output.join().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn check(lines: &[String], topic: &str) {
    let frames: Vec<&String> = lines.iter().filter(|l| l.starts_with("frame ")).collect();
    assert_eq!(frames.len(), 50, "{lines:?}");
    let numbers: Vec<u64> = frames.iter().map(|l| l.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    // Read in place: where the publisher wrote them, and read-only.
    let place = format!("in r--s /memfd:peregrine-frames:{topic}");
    assert!(frames.iter().all(|l| l.contains("whole true") && l.ends_with(&place)), "{lines:?}");
    let missed = numbers[49] - numbers[0] + 1 - 50;
    assert_eq!(lines.last().unwrap(), &format!("done: published 50 dropped {missed}"));
}

#[test]
fn two_processes_share_frames_by_themselves() {
    check(&run("plain", false), "/image");
}

#[test]
fn a_forwarded_frame_reaches_another_process_too() {
    check(&run("relay", true), "/image");
}
