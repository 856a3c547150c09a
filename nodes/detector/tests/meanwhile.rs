//! An engine that is built while another one answers: frames are answered all the time, and what became of it is told.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use common::{bundle, camera, lent, model, shoot, text};
use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_detector::DetectorNode;
use peregrine_models::backend::library::{Places, is_usable};
use peregrine_models::update::{Bundle, offer};
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus};
use peregrine_msgs::vision_msgs::Detection2DArray;

#[derive(Default)]
struct Seen {
    engine: Vec<DiagnosticStatus>,
    status: Vec<String>,
    updates: Vec<String>,
    results: usize,
    /// Offered to the store once the engine is there.
    push: Option<(PathBuf, Bundle)>,
    /// An update is expected.
    waits: bool,
}

type Shared = Arc<Mutex<Seen>>;

/// Frames at 50 Hz until the engine's fate has been told, and a little longer.
struct World {
    seen: Shared,
    images: FramePublisher,
    after: u32,
    ticks: u32,
}

impl Node for World {
    const NAME: &'static str = "world";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let seen: Shared = lent(setup);
        let (a, b, c) = (seen.clone(), seen.clone(), seen.clone());
        setup.subscribe(
            "/diagnostics",
            Qos::KeepLast(100),
            move |_: &mut Self, _: &Context, m: &DiagnosticArray| {
                let engine = m.status.iter().filter(|status| status.name.ends_with(": engine"));
                let update = m.status.iter().filter(|status| status.name.ends_with(": model update"));
                let mut seen = a.lock().unwrap();
                seen.engine.extend(engine.cloned());
                seen.updates.extend(update.map(|status| status.message.clone()));
                Ok(())
            },
        )?;
        setup.subscribe(
            "detector/status",
            Qos::Latched,
            move |_: &mut Self, _: &Context, m: &DiagnosticArray| {
                b.lock().unwrap().status.extend(m.status.iter().map(|status| status.message.clone()));
                Ok(())
            },
        )?;
        setup.subscribe(
            "detections",
            Qos::KeepLast(100),
            move |_: &mut Self, _: &Context, _: &Detection2DArray| {
                c.lock().unwrap().results += 1;
                Ok(())
            },
        )?;
        setup.timer(Duration::from_millis(20), Self::tick)?;
        Ok(Self { seen, images: camera(setup)?, after: 0, ticks: 0 })
    }
}

impl World {
    fn tick(&mut self, ctx: &Context) -> Result {
        self.ticks += 1;
        let last = self.seen.lock().unwrap().engine.last().map(|s| s.message.clone());
        let mut seen = self.seen.lock().unwrap();
        if last.is_some_and(|text| text.starts_with("it stays") || text.starts_with("from now on")) {
            match seen.push.take() {
                Some((store, next)) => drop(offer(&store, &next).unwrap()),
                // One that was pushed is waited for.
                None => {
                    let kept = seen.updates.iter().any(|step| step.starts_with("kept"));
                    self.after += u32::from(kept || !seen.waits);
                }
            }
        }
        drop(seen);
        if self.after > 20 || self.ticks > 3000 {
            ctx.shutdown("enough was seen");
        }
        shoot(&mut self.images, ctx, ctx.now()).map(drop)
    }
}

fn library(test: &str) -> Option<PathBuf> {
    let all = Places::from_environment();
    let found = Places { env: all.env, cache: all.cache, ..Places::default() }.candidates();
    let usable = found.into_iter().find(|path| is_usable(path));
    if usable.is_none() {
        println!("SKIP {test}: no ONNX Runtime library (run `cargo xtask test`, or set ORT_DYLIB_PATH)");
    }
    usable
}

fn spec(folder: &tempfile::TempDir, library: PathBuf, provider: &str) -> NodeSpec {
    NodeSpec::new("detector")
        .with_param("model", text(model(folder.path(), "one", 0.9, 20.0, "")))
        .with_param("provider", text(provider))
        .with_param("meanwhile", text("tract"))
        .with_param("allow_unsigned", ParamValue::Bool(true))
        .with_param("ort_library", text(library))
}

fn run(detector: NodeSpec) -> Shared {
    run_with(detector, Seen::default())
}

fn run_with(detector: NodeSpec, seen: Seen) -> Shared {
    let seen: Shared = Arc::new(Mutex::new(seen));
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.extend(seen.clone());
    app.add(NodeFactory::of::<World>(), NodeSpec::new("world")).unwrap();
    app.add(NodeFactory::of::<DetectorNode>(), detector).unwrap();
    app.run().unwrap();
    seen
}

#[test]
fn the_new_engine_takes_over_between_two_frames() {
    let Some(library) = library("the_new_engine_takes_over_between_two_frames") else { return };
    let folder = tempfile::tempdir().unwrap();
    let seen = run(spec(&folder, library, "cpu"));
    let seen = seen.lock().unwrap();
    let last = seen.engine.last().unwrap();
    assert!(last.level == DiagnosticStatus::OK && last.message.contains("ONNX Runtime"), "{last:?}");
    let [first, then] = seen.status.as_slice() else { panic!("{:?}", seen.status) };
    assert!(first.contains("on tract") && then.contains("ONNX Runtime"), "{first} {then}");
    assert!(seen.results > 20, "{}", seen.results);
}

#[test]
fn an_engine_that_cannot_be_had_is_told_and_the_old_one_stays() {
    let test = "an_engine_that_cannot_be_had_is_told_and_the_old_one_stays";
    let Some(library) = library(test) else { return };
    if peregrine_models::backend::available_providers(Some(&library)).contains(&"tensorrt") {
        println!("SKIP {test}: hardware: this ONNX Runtime has TensorRT");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let seen = run(spec(&folder, library, "tensorrt"));
    let seen = seen.lock().unwrap();
    let last = seen.engine.last().unwrap();
    assert_eq!(last.level, DiagnosticStatus::ERROR);
    assert!(last.message.contains("stays with one on tract") && last.message.contains("PG-0424"), "{last:?}");
    assert_eq!(seen.status.len(), 1, "{:?}", seen.status);
    assert!(seen.results > 20, "{}", seen.results);
}

/// Neither is waited for: the engine takes over from what answered meanwhile, and the next model of the store is loaded on it.
#[test]
fn a_store_does_not_wait_for_an_engine() {
    let Some(library) = library("a_store_does_not_wait_for_an_engine") else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    std::fs::create_dir(&store).unwrap();
    let next = bundle(&model(folder.path(), "two", 0.8, 20.0, ""));
    let detector = spec(&folder, library, "cpu")
        .with_param("store", text(&store))
        .with_param("shadow_images", ParamValue::Integer(30))
        .with_param("watch_images", ParamValue::Integer(30))
        // Networks of microseconds: their times are chance.
        .with_param("slowdown", ParamValue::Double(100.0));
    let seen = run_with(detector, Seen { push: Some((store, next)), waits: true, ..Seen::default() });
    let seen = seen.lock().unwrap();
    let [first, then, last] = seen.status.as_slice() else { panic!("{:?} {:?}", seen.status, seen.updates) };
    assert!(first.starts_with("one on tract") && then.starts_with("one on ONNX Runtime"), "{first} {then}");
    assert!(last.starts_with("two on ONNX Runtime"), "{last}");
    assert!(
        seen.updates.iter().any(|step| step.contains("self-test passed: two on ONNX Runtime")),
        "{:?}",
        seen.updates
    );
}
