//! An engine that is built while another one answers: frames are answered all the time, and what became of it is told.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use common::{camera, lent, model, shoot, text};
use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_detector::DetectorNode;
use peregrine_models::backend::library::{Places, is_usable};
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus};
use peregrine_msgs::vision_msgs::Detection2DArray;

#[derive(Default)]
struct Seen {
    engine: Vec<DiagnosticStatus>,
    status: Vec<String>,
    results: usize,
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
                a.lock().unwrap().engine.extend(engine.cloned());
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
        if last.is_some_and(|text| text.starts_with("it stays") || text.starts_with("from now on")) {
            self.after += 1;
        }
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
    let seen = Shared::default();
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

#[test]
fn a_store_and_an_engine_on_its_way_exclude_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let detector = spec(&folder, PathBuf::new(), "tensorrt").with_param("store", text(folder.path()));
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    let error = app.add(NodeFactory::of::<DetectorNode>(), detector).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("PG-0604") && error.contains("tract"), "{error}");
}
