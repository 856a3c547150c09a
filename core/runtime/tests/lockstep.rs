//! Lockstep: the same bytes for any number of threads, latencies in simulated time, panics contained.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

extern crate peregrine_core as peregrine;

use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, NodeState, ParamValue, RunReport, StopReason};
use peregrine_msgs::std_msgs::{Float64, UInt32};

const FRAME: usize = 64 * 48;

/// Publishes a picture every 10 ms of simulated time, for 50 steps.
struct World {
    step: i64,
    images: FramePublisher,
    height: Publisher<Float64>,
    command: f64,
}

impl Node for World {
    const NAME: &'static str = "world";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe("command", Qos::Reliable, |world: &mut Self, _: &Context, m: &Float64| {
            world.command += m.data;
            Ok(())
        })?;
        setup.drive_clock(Self::step)?;
        Ok(Self {
            step: 0,
            images: setup.publish_frames("image", FrameSlots { slots: 6, bytes: FRAME })?,
            height: setup.publish("height", Qos::Sensor)?,
            command: 0.0,
        })
    }
}

impl World {
    fn step(&mut self, ctx: &Context) -> Result<Advance> {
        self.step += 1;
        if self.step > 50 {
            return Ok(Advance::Finished);
        }
        let now = Time(self.step * 10_000_000);
        let spec =
            ImageSpec { width: 64, height: 48, encoding: Encoding::Mono8, step: 64, frame_id: "camera" };
        if let Some(mut loan) = self.images.loan(&spec)? {
            let shade = (self.step as f64 * 3.0 + self.command) as u8;
            loan.bytes_mut().iter_mut().enumerate().for_each(|(i, b)| *b = shade.wrapping_add(i as u8));
            loan.set_stamp(now.0);
            self.images.send(ctx, loan)?;
        }
        self.height.send(ctx, Float64 { data: self.command })?;
        Ok(Advance::To(now))
    }
}

/// Answers each picture with its mean shade; `slow` says how much wall time it wastes.
struct Eye {
    out: Publisher<Float64>,
    seen: Publisher<UInt32>,
    count: u32,
    slow_ms: i64,
}

#[derive(Params)]
struct EyeParams {
    /// Wall time wasted for each picture, ms.
    #[param(default = 0, range = 0..=100)]
    slow_ms: i64,
}

impl Node for Eye {
    const NAME: &'static str = "eye";
    type Params = EyeParams;
    fn configure(setup: &mut Setup<Self>, params: EyeParams) -> Result<Self> {
        setup.subscribe_frames("image", FramePolicy::Latest, Self::on_image)?;
        setup.timer(Duration::from_millis(35), Self::on_tick)?;
        Ok(Self {
            out: setup.publish("command", Qos::Reliable)?,
            seen: setup.publish("~/seen", Qos::Reliable)?,
            count: 0,
            slow_ms: params.slow_ms,
        })
    }
}

impl Eye {
    fn on_image(&mut self, ctx: &Context, frame: &Frame) -> Result {
        std::thread::sleep(Duration::from_millis(self.slow_ms as u64));
        self.count += 1;
        let sum: u64 = frame.bytes().iter().map(|b| u64::from(*b)).sum();
        assert_eq!(frame.bytes().len(), FRAME);
        self.out.send(ctx, Float64 { data: sum as f64 / FRAME as f64 / 100.0 })
    }
    fn on_tick(&mut self, ctx: &Context) -> Result {
        self.seen.send(ctx, UInt32 { data: self.count })
    }
}

fn fly(threads: usize, slow_ms: i64, latency_ms: i64) -> RunReport {
    let mut app = App::new(Mode::Lockstep { threads });
    app.log_topics(true);
    app.add(NodeFactory::of::<World>(), NodeSpec::new("world")).unwrap();
    for name in ["left", "right"] {
        let spec = NodeSpec::new("eye")
            .with_name(name)
            .with_param("slow_ms", ParamValue::Integer(slow_ms))
            .with_param("peregrine.sim_latency_ms", ParamValue::Integer(latency_ms));
        app.add(NodeFactory::of::<Eye>(), spec).unwrap();
    }
    app.run().unwrap()
}

fn callbacks(report: &RunReport, node: &str) -> u64 {
    report.nodes.iter().find(|n| &*n.name == node).unwrap().callbacks
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let one = fly(1, 0, 0);
    assert_eq!(one.reason, StopReason::Finished);
    assert_eq!(one.time, Time(500_000_000));
    assert_eq!(one.topics.iter().find(|t| t.name == "/image").unwrap().published, 50);
    assert_eq!(one.failed_loans, 0);
    for (threads, slow) in [(1, 0), (2, 0), (2, 1), (4, 1)] {
        assert_eq!(
            fly(threads, slow, 0).topic_log_sha256,
            one.topic_log_sha256,
            "{threads} threads, {slow} ms"
        );
    }
}

#[test]
fn latency_is_simulated_and_does_not_depend_on_the_wall() {
    let quick = fly(1, 0, 25);
    for (threads, slow) in [(1, 0), (2, 2), (3, 0)] {
        assert_eq!(fly(threads, slow, 25).topic_log_sha256, quick.topic_log_sha256, "{threads} threads");
    }
    assert_ne!(fly(1, 0, 0).topic_log_sha256, quick.topic_log_sha256);
    // A picture comes every 10 ms and takes 25: every third is seen, and the last one after the end; the rest are counted.
    let frames = callbacks(&quick, "/left") - 1 - 14 - 1;
    assert_eq!(frames, 18);
    let dropped = quick.topics.iter().find(|t| t.name == "/image").unwrap().dropped;
    assert_eq!(dropped, 2 * (50 - 18));
}

struct Bomb;
impl Node for Bomb {
    const NAME: &'static str = "bomb";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe("height", Qos::Sensor, |_: &mut Self, _: &Context, _: &Float64| {
            panic!("tick, tick")
        })?;
        Ok(Self)
    }
}

#[test]
fn a_panic_stops_its_node_alone() {
    let mut app = App::new(Mode::Lockstep { threads: 2 });
    app.add(NodeFactory::of::<World>(), NodeSpec::new("world")).unwrap();
    app.add(NodeFactory::of::<Bomb>(), NodeSpec::new("bomb")).unwrap();
    app.add(NodeFactory::of::<Eye>(), NodeSpec::new("eye")).unwrap();
    let report = app.run().unwrap();
    let bomb = report.nodes.iter().find(|n| n.kind == "bomb").unwrap();
    assert_eq!(bomb.state, NodeState::Failed);
    assert_eq!((bomb.callbacks, bomb.errors), (2, 1));
    assert!(bomb.last_error.as_ref().unwrap().contains("tick, tick"));
    assert_eq!(report.reason, StopReason::Finished);
    assert!(callbacks(&report, "/eye") > 50);
}

/// Lends its list to whoever listens to everything.
struct Listener(Arc<Mutex<Vec<(String, i64, usize)>>>);
impl Node for Listener {
    const NAME: &'static str = "listener";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_all(|listener: &mut Self, _: &Context, any: &AnyMessage<'_>| {
            let origin = any.origin().map_or(-1, |o| o.capture.0);
            listener.0.lock().unwrap().push((any.topic().to_owned(), origin, any.cdr().len()));
            Ok(())
        })?;
        Ok(Self(setup.extension().unwrap()))
    }
}

#[test]
fn a_listener_hears_all_topics_and_knows_the_photon() {
    let heard = Arc::new(Mutex::new(Vec::<(String, i64, usize)>::new()));
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.extend(heard.clone());
    for (factory, kind) in [
        (NodeFactory::of::<World>(), "world"),
        (NodeFactory::of::<Listener>(), "listener"),
        (NodeFactory::of::<Eye>(), "eye"),
    ] {
        app.add(factory, NodeSpec::new(kind)).unwrap();
    }
    app.run().unwrap();
    let heard = heard.lock().unwrap();
    let of = |topic: &str| heard.iter().filter(|h| h.0 == topic).collect::<Vec<_>>();
    assert_eq!(of("/image").len(), 50);
    assert!(of("/image").iter().all(|h| h.2 > FRAME));
    assert_eq!(of("/height").len(), 50);
    // The command inherits the capture time of the picture it answers.
    assert_eq!(
        of("/command").iter().map(|h| h.1).collect::<Vec<_>>(),
        (1..=50).map(|i| i * 10_000_000).collect::<Vec<_>>()
    );
}
