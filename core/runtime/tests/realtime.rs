//! Real time: lanes are threads, order is kept, a simulator is paced, a stop stops.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

extern crate peregrine_core as peregrine;

use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue, StopReason};
use peregrine_msgs::std_msgs::UInt32;

struct Source {
    out: Publisher<UInt32>,
    next: u32,
}
impl Node for Source {
    const NAME: &'static str = "source";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(1), |source: &mut Self, ctx: &Context| {
            if source.next < 200 {
                source.next += 1;
                source.out.send(ctx, UInt32 { data: source.next })?;
            }
            Ok(())
        })?;
        Ok(Self { out: setup.publish("value", Qos::KeepLast(1000))?, next: 0 })
    }
}

struct Relay(Publisher<UInt32>);
impl Node for Relay {
    const NAME: &'static str = "relay";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe("value", Qos::KeepLast(1000), |relay: &mut Self, ctx: &Context, m: &UInt32| {
            relay.0.send(ctx, m.clone())
        })?;
        Ok(Self(setup.publish("relayed", Qos::KeepLast(1000))?))
    }
}

struct Sink(Arc<Mutex<Vec<u32>>>);
impl Node for Sink {
    const NAME: &'static str = "sink";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe("relayed", Qos::KeepLast(1000), |sink: &mut Self, ctx: &Context, m: &UInt32| {
            sink.0.lock().unwrap().push(m.data);
            if m.data == 200 {
                ctx.shutdown("all there");
            }
            Ok(())
        })?;
        Ok(Self(setup.extension().unwrap()))
    }
}

fn relay(lanes: [&str; 3]) {
    let got = Arc::new(Mutex::new(Vec::<u32>::new()));
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.extend(got.clone());
    let factories = [NodeFactory::of::<Source>(), NodeFactory::of::<Relay>(), NodeFactory::of::<Sink>()];
    for (factory, lane) in factories.into_iter().zip(lanes) {
        let lane = ParamValue::String(lane.into());
        app.add(factory, NodeSpec::new(factory.kind).with_param("peregrine.lane", lane)).unwrap();
    }
    let report = app.run().unwrap();
    assert_eq!(report.reason, StopReason::Asked("all there".into()));
    assert_eq!(*got.lock().unwrap(), (1..=200).collect::<Vec<_>>());
    assert!(report.topics.iter().all(|t| t.dropped == 0));
}

#[test]
fn messages_keep_their_order_across_lanes() {
    relay(["a", "b", "c"]);
}

#[test]
fn nodes_of_one_lane_are_fused() {
    relay(["a", "a", "a"]);
}

struct Pacer(i64);
impl Node for Pacer {
    const NAME: &'static str = "pacer";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.drive_clock(|pacer: &mut Self, _: &Context| {
            pacer.0 += 1;
            Ok(if pacer.0 > 20 { Advance::Finished } else { Advance::To(Time(pacer.0 * 10_000_000)) })
        })?;
        Ok(Self(0))
    }
}

#[test]
fn a_simulator_is_held_to_the_wall_clock() {
    let start = std::time::Instant::now();
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 2.0, use_sim_time: false });
    app.add(NodeFactory::of::<Pacer>(), NodeSpec::new("pacer")).unwrap();
    let report = app.run().unwrap();
    assert_eq!(report.time, Time(200_000_000));
    // 0.2 s of simulated time at factor 2 can never take less than 0.1 s; how much more is the machine's affair.
    assert!(start.elapsed() >= Duration::from_millis(95), "{:?}", start.elapsed());
}

/// Sends ten times as much as [`Slow`] can serve.
struct Flood(Publisher<UInt32>);
impl Node for Flood {
    const NAME: &'static str = "flood";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(2), |flood: &mut Self, ctx: &Context| {
            flood.0.send(ctx, UInt32 { data: 1 })
        })?;
        Ok(Self(setup.publish("flood", Qos::KeepLast(1))?))
    }
}

struct Slow {
    served: u32,
    ticks: u32,
}
impl Node for Slow {
    const NAME: &'static str = "slow";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe("flood", Qos::KeepLast(1), |slow: &mut Self, ctx: &Context, _: &UInt32| {
            std::thread::sleep(Duration::from_millis(20));
            slow.served += 1;
            if slow.served >= 200 {
                ctx.fail(format!("{} ticks while 200 messages were served", slow.ticks));
            }
            Ok(())
        })?;
        setup.timer(Duration::from_millis(100), |slow: &mut Self, ctx: &Context| {
            slow.ticks += 1;
            if slow.ticks == 5 {
                ctx.shutdown("the timer runs");
            }
            Ok(())
        })?;
        Ok(Self { served: 0, ticks: 0 })
    }
}

#[test]
fn a_node_that_gets_more_than_it_can_serve_still_runs_its_timers() {
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.add(NodeFactory::of::<Flood>(), NodeSpec::new("flood")).unwrap();
    app.add(NodeFactory::of::<Slow>(), NodeSpec::new("slow")).unwrap();
    assert_eq!(app.run().unwrap().reason, StopReason::Asked("the timer runs".into()));
}
