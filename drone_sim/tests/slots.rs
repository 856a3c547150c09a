//! In lockstep no picture is left out, however long a reader holds on to what it got.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use peregrine::prelude::*;
use peregrine::{App, Frame, Mode, NodeFactory, NodeSpec, ParamValue, RunReport};
use peregrine_sim::node::DroneSim;

/// What a reader holds and has seen.
#[derive(Default)]
struct Hands {
    /// Whether it holds on.
    greedy: AtomicBool,
    held: Mutex<Vec<Frame>>,
    stamps: Mutex<Vec<i64>>,
}

struct Keeper(Arc<Hands>);

#[derive(Params)]
struct NoParams {}

impl Node for Keeper {
    const NAME: &'static str = "keeper";
    type Params = NoParams;

    fn configure(setup: &mut Setup<Self>, _: NoParams) -> Result<Self> {
        setup.subscribe_frames("sim/depth/image", FramePolicy::KeepLast(2), |n, _, frame| {
            n.0.stamps.lock().unwrap().push(frame.stamp().0);
            if n.0.greedy.load(Ordering::SeqCst) {
                n.0.held.lock().unwrap().push(frame.clone());
            }
            Ok(())
        })?;
        Ok(Self(setup.extension::<Hands>().unwrap_or_default()))
    }
}

fn fly(hands: &Arc<Hands>, patience: &str) -> Result<RunReport, String> {
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.log_topics(true).extend(Arc::clone(hands));
    let mut spec = NodeSpec::new("drone_sim");
    for (key, value) in [
        ("world", "empty"),
        ("camera.rate", "0"),
        ("depth.width", "32"),
        ("depth.height", "24"),
        ("time_limit", "2"),
        ("slot_patience", patience),
    ] {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    app.add(NodeFactory::of::<DroneSim>(), spec).unwrap();
    app.add(NodeFactory::of::<Keeper>(), NodeSpec::new("keeper")).unwrap();
    app.run().map_err(|error| error.to_string())
}

#[test]
fn time_waits_for_a_reader_that_holds_every_slot() {
    let modest = Arc::new(Hands::default());
    let free = fly(&modest, "60").unwrap();
    let greedy = Arc::new(Hands { greedy: true.into(), ..Hands::default() });
    let over = Arc::new(AtomicBool::new(false));
    let release = {
        let (greedy, over) = (greedy.clone(), over.clone());
        std::thread::spawn(move || {
            let mut most = 0;
            while !over.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(100));
                let mut held = greedy.held.lock().unwrap();
                most = most.max(held.len());
                held.clear();
            }
            most
        })
    };
    let waited = fly(&greedy, "60");
    over.store(true, Ordering::SeqCst);
    let most = release.join().unwrap();
    let waited = waited.unwrap();
    // 30 a second for two seconds, the first at 0 and the last at the end.
    let expected: Vec<i64> = (0..=60).map(|k| k * 1_000_000_000 / 30).collect();
    assert_eq!(*greedy.stamps.lock().unwrap(), expected);
    assert!(most >= 4, "it held {most} at once, so that time had to wait");
    assert_eq!((free.failed_loans, waited.failed_loans), (0, 0));
    assert_eq!(free.topic_log_sha256, waited.topic_log_sha256, "waiting leaves no trace");
}

#[test]
fn a_reader_that_never_lets_go_ends_the_run_by_name() {
    let greedy = Arc::new(Hands { greedy: true.into(), ..Hands::default() });
    let error = fly(&greedy, "0.3").unwrap_err();
    assert!(error.contains("PG-1046") && error.contains("sim/depth/image"), "{error}");
    // What it has was not taken back.
    let (held, stamps) = (greedy.held.lock().unwrap(), greedy.stamps.lock().unwrap());
    assert!(held.len() == stamps.len() && held.len() >= 4, "{} {}", held.len(), stamps.len());
}
