//! Nodes of one lane: called one after the other, never inside each other, and nobody is kept waiting for ever.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

extern crate peregrine_core as peregrine;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue, RunReport, StopReason};
use peregrine_msgs::std_msgs::UInt32;

/// What the nodes of a test note.
#[derive(Default)]
struct Notes {
    inside: AtomicBool,
    nested: AtomicBool,
    ticks: AtomicU32,
    all: Mutex<Vec<i64>>,
    latest: Mutex<Vec<i64>>,
}

fn run(notes: &Arc<Notes>, nodes: &[(NodeFactory, &str)]) -> RunReport {
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.extend(notes.clone());
    for (factory, lane) in nodes {
        let lane = ParamValue::String((*lane).into());
        app.add(*factory, NodeSpec::new(factory.kind).with_param("peregrine.lane", lane)).unwrap();
    }
    app.run().unwrap()
}

const BURSTS: i64 = 20;

/// Publishes three frames in each callback.
struct Camera {
    out: FramePublisher,
    notes: Arc<Notes>,
    next: i64,
}
impl Node for Camera {
    const NAME: &'static str = "camera";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(2), Self::shoot)?;
        let out = setup.publish_frames("image", FrameSlots { slots: 16, bytes: 64 })?;
        Ok(Self { out, notes: setup.extension().unwrap(), next: 0 })
    }
}
impl Camera {
    fn shoot(&mut self, ctx: &Context) -> Result {
        if self.next == 3 * BURSTS {
            ctx.shutdown("all sent");
            return Ok(());
        }
        self.notes.inside.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            self.next += 1;
            let mut loan = self.out.loan(&ImageSpec::packed(8, 8, Encoding::Mono8, "camera"))?.unwrap();
            loan.set_stamp(self.next);
            self.out.send(ctx, loan)?;
        }
        self.notes.inside.store(false, Ordering::SeqCst);
        Ok(())
    }
}

struct KeepsAll(Arc<Notes>);
impl Node for KeepsAll {
    const NAME: &'static str = "keeps_all";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_frames("image", FramePolicy::KeepLast(3), |node: &mut Self, _, frame: &Frame| {
            node.0.nested.fetch_or(node.0.inside.load(Ordering::SeqCst), Ordering::SeqCst);
            node.0.all.lock().unwrap().push(frame.stamp_ns());
            Ok(())
        })?;
        Ok(Self(setup.extension().unwrap()))
    }
}

struct KeepsLatest(Arc<Notes>);
impl Node for KeepsLatest {
    const NAME: &'static str = "keeps_latest";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_frames("image", FramePolicy::Latest, |node: &mut Self, _, frame: &Frame| {
            node.0.nested.fetch_or(node.0.inside.load(Ordering::SeqCst), Ordering::SeqCst);
            node.0.latest.lock().unwrap().push(frame.stamp_ns());
            Ok(())
        })?;
        Ok(Self(setup.extension().unwrap()))
    }
}

#[test]
fn a_fused_reader_gets_what_its_policy_says_after_the_callback() {
    let notes = Arc::<Notes>::default();
    let report = run(
        &notes,
        &[
            (NodeFactory::of::<Camera>(), "a"),
            (NodeFactory::of::<KeepsAll>(), "a"),
            (NodeFactory::of::<KeepsLatest>(), "a"),
        ],
    );
    assert!(!notes.nested.load(Ordering::SeqCst), "a callback ran inside another one");
    assert_eq!(*notes.all.lock().unwrap(), (1..=3 * BURSTS).collect::<Vec<_>>());
    assert_eq!(*notes.latest.lock().unwrap(), (1..=BURSTS).map(|burst| 3 * burst).collect::<Vec<_>>());
    let image = report.topics.iter().find(|t| t.name == "/image").unwrap();
    assert_eq!(image.published, 3 * BURSTS as u64);
    assert_eq!(image.dropped, 2 * BURSTS as u64);
}

/// Two nodes that answer each other at once, for ever.
struct Ping(Publisher<UInt32>);
impl Node for Ping {
    const NAME: &'static str = "ping";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe("pong", Qos::Reliable, |ping: &mut Self, ctx: &Context, m: &UInt32| {
            ping.0.send(ctx, m.clone())
        })?;
        Ok(Self(setup.publish("ping", Qos::Reliable)?))
    }
    fn activate(&mut self, ctx: &Context) -> Result {
        self.0.send(ctx, UInt32 { data: 1 })
    }
}

struct Pong(Publisher<UInt32>);
impl Node for Pong {
    const NAME: &'static str = "pong";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe("ping", Qos::Reliable, |pong: &mut Self, ctx: &Context, m: &UInt32| {
            pong.0.send(ctx, m.clone())
        })?;
        Ok(Self(setup.publish("pong", Qos::Reliable)?))
    }
}

/// Ticks on the lane of its choice and tells [`Judge`].
struct Ticker(Publisher<UInt32>);
impl Node for Ticker {
    const NAME: &'static str = "ticker";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(2), |ticker: &mut Self, ctx: &Context| {
            ticker.0.send(ctx, UInt32 { data: 7 })
        })?;
        Ok(Self(setup.publish("tick", Qos::Reliable)?))
    }
}

/// Ends the test once it has heard ten ticks and ticked ten times itself.
struct Judge(Arc<Notes>, u32);
impl Node for Judge {
    const NAME: &'static str = "judge";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe("tick", Qos::Reliable, |judge: &mut Self, _, _: &UInt32| {
            judge.0.ticks.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })?;
        setup.timer(Duration::from_millis(2), |judge: &mut Self, ctx: &Context| {
            judge.1 += 1;
            if judge.1 >= 10 && judge.0.ticks.load(Ordering::Relaxed) >= 10 {
                ctx.shutdown("nobody starved");
            }
            Ok(())
        })?;
        Ok(Self(setup.extension().unwrap(), 0))
    }
}

#[test]
fn nodes_that_answer_each_other_for_ever_starve_neither_timers_nor_other_lanes_nor_the_stop() {
    for ticker in ["a", "b"] {
        let nodes = [
            (NodeFactory::of::<Ping>(), "a"),
            (NodeFactory::of::<Pong>(), "a"),
            (NodeFactory::of::<Ticker>(), ticker),
            (NodeFactory::of::<Judge>(), "a"),
        ];
        let report = run(&Arc::default(), &nodes);
        assert_eq!(report.reason, StopReason::Asked("nobody starved".into()));
    }
}

/// Panics at the third tick.
struct Fragile(u32);
impl Node for Fragile {
    const NAME: &'static str = "fragile";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe("tick", Qos::Reliable, |fragile: &mut Self, _, _: &UInt32| {
            fragile.0 += 1;
            assert!(fragile.0 < 3, "the third tick was one too many");
            Ok(())
        })?;
        Ok(Self(0))
    }
}

#[test]
fn a_panic_between_fused_nodes_hurts_nobody_else() {
    let nodes = [
        (NodeFactory::of::<Ticker>(), "a"),
        (NodeFactory::of::<Fragile>(), "a"),
        (NodeFactory::of::<Judge>(), "a"),
    ];
    let report = run(&Arc::default(), &nodes);
    assert_eq!(report.reason, StopReason::Asked("nobody starved".into()));
    let fragile = report.nodes.iter().find(|n| &*n.name == "/fragile").unwrap();
    // Its activation and three ticks: none after the panic.
    assert_eq!((fragile.callbacks, fragile.errors), (4, 1));
}

struct Idle;
impl Node for Idle {
    const NAME: &'static str = "idle";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe("tick", Qos::Reliable, |_: &mut Self, _, _: &UInt32| Ok(()))?;
        Ok(Self)
    }
}

#[test]
fn lanes_that_sleep_without_a_limit_hear_the_stop() {
    for pause in [0, 1, 30] {
        let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
        for name in ["one", "two", "three"] {
            app.add(NodeFactory::of::<Idle>(), NodeSpec::new("idle").with_name(name)).unwrap();
        }
        let stop = app.stop_handle();
        let asker = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(pause));
            stop.ask(StopReason::Asked("enough".into()));
        });
        assert_eq!(app.run().unwrap().reason, StopReason::Asked("enough".into()));
        asker.join().unwrap();
    }
}
