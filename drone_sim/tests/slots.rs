//! In lockstep no picture is left out, whatever readers hold on to.
//!
//! A topic has slots for all that the readers found at the start may hold, so that those of this process cannot take the last one; here
//! four of them hold all that they may.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Frame, Mode, NodeFactory, NodeSpec, ParamValue, RunReport};
use peregrine_sim::node::DroneSim;

const KEEPERS: usize = 4;
/// Pictures that each keeps: its pins, less what its queue takes.
const EACH: usize = 10;

/// What readers hold and have seen.
#[derive(Default)]
struct Hands {
    /// Whether they hold on.
    greedy: AtomicBool,
    held: Mutex<BTreeMap<i64, Vec<Frame>>>,
    stamps: Mutex<Vec<i64>>,
}

impl Hands {
    fn count(&self) -> usize {
        self.held.lock().unwrap().values().map(Vec::len).sum()
    }
}

/// Keeps the first of every fourth block of pictures.
struct Keeper {
    hands: Arc<Hands>,
    number: i64,
    _out: FramePublisher,
}

#[derive(Params)]
struct Which {
    /// Which block it keeps.
    #[param(default = 0)]
    number: i64,
}

impl Node for Keeper {
    const NAME: &'static str = "keeper";
    type Params = Which;

    fn configure(setup: &mut Setup<Self>, which: Which) -> Result<Self> {
        setup.subscribe_frames("sim/depth/image", FramePolicy::KeepLast(1), |n, _, frame| {
            let block = frame.stamp().0 / (EACH as i64 * 10_000_000) % KEEPERS as i64;
            if n.hands.greedy.load(Ordering::SeqCst) && block == n.number {
                let mut held = n.hands.held.lock().unwrap();
                let own = held.entry(n.number).or_default();
                if own.len() < EACH {
                    own.push(frame.clone());
                }
            }
            Ok(())
        })?;
        let slots = FrameSlots { slots: 4, bytes: 64 };
        Ok(Self {
            hands: setup.extension::<Hands>().unwrap_or_default(),
            number: which.number,
            _out: setup.publish_frames(&format!("kept_{}", which.number), slots)?,
        })
    }
}

/// Sees every picture and keeps none.
struct Witness(Arc<Hands>);

#[derive(Params)]
struct NoParams {}

impl Node for Witness {
    const NAME: &'static str = "witness";
    type Params = NoParams;

    fn configure(setup: &mut Setup<Self>, _: NoParams) -> Result<Self> {
        setup.subscribe_frames("sim/depth/image", FramePolicy::KeepLast(2), |n, _, frame| {
            n.0.stamps.lock().unwrap().push(frame.stamp().0);
            Ok(())
        })?;
        Ok(Self(setup.extension::<Hands>().unwrap_or_default()))
    }
}

fn fly(hands: &Arc<Hands>) -> RunReport {
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.log_topics(true).extend(Arc::clone(hands));
    let mut spec = NodeSpec::new("drone_sim");
    for (key, value) in [
        ("world", "empty"),
        ("camera.rate", "0"),
        ("depth.rate", "100"),
        ("depth.width", "32"),
        ("depth.height", "24"),
        ("time_limit", "2"),
    ] {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    app.add(NodeFactory::of::<DroneSim>(), spec).unwrap();
    for number in 0..KEEPERS {
        let spec = NodeSpec::new("keeper").with_name(&format!("keeper_{number}"));
        let spec = spec.with_param("number", ParamValue::Integer(number as i64));
        app.add(NodeFactory::of::<Keeper>(), spec).unwrap();
    }
    app.add(NodeFactory::of::<Witness>(), NodeSpec::new("witness")).unwrap();
    app.run().unwrap()
}

#[test]
fn readers_that_hold_all_they_may_cost_nobody_a_picture() {
    let modest = Arc::new(Hands::default());
    let free = fly(&modest);
    let greedy = Arc::new(Hands { greedy: true.into(), ..Hands::default() });
    let held = fly(&greedy);
    let expected: Vec<i64> = (0..=200).map(|k| k * 10_000_000).collect();
    assert_eq!(*greedy.stamps.lock().unwrap(), expected);
    assert!(greedy.count() > 3 * EACH, "{} are held", greedy.count());
    assert_eq!((free.failed_loans, held.failed_loans), (0, 0));
    assert_eq!(free.topic_log_sha256, held.topic_log_sha256, "what is held leaves no trace");
}
