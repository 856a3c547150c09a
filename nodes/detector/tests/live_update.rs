//! An update of a running node: a camera at 100 Hz, models that are pushed into the store while it flies, every frame
//! answered once and in order.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use common::{bundle, camera, lent, model, shoot, text};
use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue, StopReason};
use peregrine_detector::DetectorNode;
use peregrine_models::update::{Bundle, Store, offer};
use peregrine_msgs::diagnostic_msgs::DiagnosticArray;
use peregrine_msgs::vision_msgs::{Detection2DArray, LabelInfo};

struct Plan {
    store: PathBuf,
    /// What is pushed, one after the other, each when the one before is settled.
    pushes: Vec<Bundle>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    sent: Vec<i64>,
    answers: Vec<(i64, f64)>,
    /// How often the classes had been told by each answer, and so far.
    told: Vec<usize>,
    labels: usize,
    steps: Vec<(u8, String)>,
}

/// Sends a frame every 10 ms once the last one was answered: one that is lost would be waited for in vain.
struct Pilot {
    plan: Arc<Plan>,
    images: FramePublisher,
    pushed: usize,
    ticks: u32,
}

impl Node for Pilot {
    const NAME: &'static str = "pilot";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(10), Self::tick)?;
        setup.subscribe(
            "detections",
            Qos::KeepLast(100),
            |pilot: &mut Self, _: &Context, m: &Detection2DArray| {
                let score = m.detections.first().map_or(0.0, |d| d.results[0].hypothesis.score);
                let mut seen = pilot.plan.seen.lock().unwrap();
                seen.answers.push((m.header.stamp.to_nanos(), score));
                let labels = seen.labels;
                seen.told.push(labels);
                Ok(())
            },
        )?;
        setup.subscribe("label_info", Qos::Latched, |pilot: &mut Self, _: &Context, _: &LabelInfo| {
            pilot.plan.seen.lock().unwrap().labels += 1;
            Ok(())
        })?;
        setup.subscribe("/diagnostics", Qos::KeepLast(100), Self::on_diagnostics)?;
        Ok(Self { plan: lent(setup), images: camera(setup)?, pushed: 0, ticks: 0 })
    }
}

impl Pilot {
    fn tick(&mut self, ctx: &Context) -> Result {
        self.ticks += 1;
        if self.ticks == 20 {
            self.push(ctx);
        }
        if self.ticks > 6000 {
            ctx.fail("a minute is over and the updates are not");
        }
        let mut seen = self.plan.seen.lock().unwrap();
        let now = ctx.now();
        if seen.answers.len() == seen.sent.len() && shoot(&mut self.images, ctx, now)? {
            seen.sent.push(now.0);
        }
        Ok(())
    }

    fn push(&mut self, ctx: &Context) {
        match self.plan.pushes.get(self.pushed) {
            Some(next) => drop(offer(&self.plan.store, next).unwrap()),
            None => ctx.shutdown("all is settled"),
        }
        self.pushed += 1;
    }

    fn on_diagnostics(&mut self, ctx: &Context, message: &DiagnosticArray) -> Result {
        for status in message.status.iter().filter(|status| status.name.ends_with("model update")) {
            let settled = ["kept", "rolled back", "v"].iter().any(|word| {
                status.message.starts_with(word) && (*word != "v" || status.message.contains("is refused"))
            });
            self.plan.seen.lock().unwrap().steps.push((status.level, status.message.clone()));
            if settled {
                self.push(ctx);
            }
        }
        Ok(())
    }
}

#[test]
fn models_are_replaced_and_rolled_back_and_no_frame_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    std::fs::create_dir(&store).unwrap();
    let own = model(folder.path(), "v1", 0.9, 20.0, "");
    // Finds the same as v1, a little less sure: to be kept.
    let good = bundle(&model(folder.path(), "v2", 0.8, 20.0, ""));
    // Finds something else: never gets out of the shadow.
    let blind = bundle(&model(folder.path(), "v3", 0.7, 50.0, ""));
    // Finds the same, but was measured to be surer than it is: is swapped in, drifts, goes.
    let reference = "[reference]\nscores = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]\nclasses = [1, 0]\n\
                     brightness = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]\nsharpness = [1, 0, 0, 0, 0, 0, 0, 0]\n";
    let reference =
        reference.replace("0,", "0.0,").replace("1,", "1.0,").replace("0]", "0.0]").replace("1]", "1.0]");
    let drifting = bundle(&model(folder.path(), "v4", 0.6, 20.0, &reference));
    // One that was rolled back comes again.
    let again = blind.clone();
    let ids = [good.id().to_owned(), blind.id().to_owned(), drifting.id().to_owned()];
    let plan = Arc::new(Plan {
        store: store.clone(),
        pushes: vec![good, blind, drifting, again],
        seen: Mutex::default(),
    });
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.extend(plan.clone());
    app.add(NodeFactory::of::<Pilot>(), NodeSpec::new("pilot")).unwrap();
    let detector = NodeSpec::new("detector")
        .with_param("model", text(&own))
        .with_param("backend", text("tract"))
        .with_param("allow_unsigned", ParamValue::Bool(true))
        .with_param("store", text(&store))
        .with_param("shadow_images", ParamValue::Integer(40))
        .with_param("watch_images", ParamValue::Integer(80))
        // Networks of microseconds: their times are chance.
        .with_param("slowdown", ParamValue::Double(100.0));
    app.add(NodeFactory::of::<DetectorNode>(), detector).unwrap();
    let report = app.run().unwrap();
    let seen = plan.seen.lock().unwrap();
    assert_eq!(report.reason, StopReason::Asked("all is settled".into()), "{:#?}", seen.steps);
    assert!(report.nodes.iter().all(|node| node.errors == 0), "{:?}", report.nodes);

    let answered: Vec<i64> = seen.answers.iter().map(|(stamp, _)| *stamp).collect();
    assert_eq!(answered, seen.sent[..answered.len()], "every frame once and in order");
    assert!(seen.sent.len() - answered.len() <= 1, "the last one may be on its way");
    let mut scores: Vec<u32> = seen.answers.iter().map(|(_, score)| (100.0 * score).round() as u32).collect();
    // Whose classes they are is told before the first answer of each.
    for at in (1..scores.len()).filter(|at| scores[*at] != scores[at - 1]) {
        assert!(
            seen.told[at] > seen.told[at - 1],
            "{} after {}: {:?}",
            scores[at],
            scores[at - 1],
            seen.told
        );
    }
    scores.dedup();
    assert_eq!(scores, [90, 80, 60, 80], "v1, v2, v4 on trial, v2 again");

    let expected = [
        (0, "v2 was found"),
        (0, "signature: NOT SIGNED, allowed on demand"),
        (0, "staged in slot A"),
        (0, "self-test passed: v2 on tract"),
        (0, "v2 runs in the shadow"),
        (0, "swapped: v2"),
        (0, "kept"),
        (0, "v3 was found"),
        (0, "signature"),
        (0, "staged in slot B"),
        (0, "self-test passed: v3"),
        (0, "v3 runs in the shadow"),
        (1, "rolled back: only 0 % of the boxes agree"),
        (0, "v4 was found"),
        (0, "signature"),
        (0, "staged in slot B"),
        (0, "self-test passed: v4"),
        (0, "v4 runs in the shadow"),
        (0, "swapped: v4"),
        (1, "rolled back: what it finds has drifted"),
        (0, "v3 was found"),
        (0, "signature"),
        (1, "v3 is refused: PG-1904"),
    ];
    assert_eq!(seen.steps.len(), expected.len(), "{:#?}", seen.steps);
    for ((level, step), (expected_level, words)) in seen.steps.iter().zip(expected) {
        assert!(*level == expected_level && step.starts_with(words), "{level} {step}: {words}");
    }
    // What starts next is the one that was kept.
    let store = Store::open(&store).unwrap();
    let active = std::fs::read(store.manifest(store.state().active.unwrap())).unwrap();
    assert_eq!(peregrine_models::sha256(&active), ids[0]);
    assert_eq!(store.state().bad, ids[1..]);
    assert!(store.state().trial.is_none());
}
