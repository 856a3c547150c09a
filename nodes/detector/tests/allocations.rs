//! Zero allocations per frame in the nodes once warm: from the frame in its slot to the boxes at their reader. What the engine
//! allocates within its run is its own and taken off: it is measured beforehand, on the same network and as many images.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use common::network::bright_model;
use common::{SIDE, lent, text};
use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_counting::{all, own};
use peregrine_detector::{CamerasNode, DetectorNode};
use peregrine_models::backend::library::{Places, is_usable};
use peregrine_models::{
    BackendChoice, BatchDetector, ImageRef, LoadOptions, ModelSource, PixelFormat, Trust,
};
use peregrine_msgs::diagnostic_msgs::DiagnosticArray;
use peregrine_msgs::std_msgs::Float64;
use peregrine_msgs::vision_msgs::Detection2DArray;

#[global_allocator]
static ALLOCATOR: peregrine_counting::Counting = peregrine_counting::Counting;

const NAMES: [&str; 3] = ["front", "left", "down"];
/// Rounds that warm everything up, and that are looked at.
const WARM: usize = 60;
const LOOKED_AT: usize = 300;

/// How the world asks, and what it saw.
struct Plan {
    /// Topics of images.
    images: Vec<String>,
    /// Topics of boxes, as many.
    boxes: Vec<String>,
    /// What is published last for a round, if that is not boxes.
    last: Option<String>,
    watch: &'static str,
    count: fn() -> u64,
    /// For each round: what was allocated, and how many reports had come before its end.
    seen: Mutex<Vec<(u64, u64)>>,
}

/// Sends one frame of each camera, and the next when all are answered.
struct World {
    plan: Arc<Plan>,
    images: Vec<FramePublisher>,
    owed: usize,
    before: Option<u64>,
    reports: u64,
    rounds: usize,
    found: usize,
}

impl Node for World {
    const NAME: &'static str = "world";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let plan: Arc<Plan> = lent(setup);
        for topic in &plan.boxes {
            setup.subscribe(
                topic,
                Qos::KeepLast(10),
                |world: &mut Self, _: &Context, m: &Detection2DArray| {
                    world.found += m.detections.len();
                    world.owed -= usize::from(world.plan.last.is_none());
                    Ok(())
                },
            )?;
        }
        if let Some(last) = &plan.last {
            setup.subscribe(last, Qos::KeepLast(10), |world: &mut Self, _: &Context, _: &Float64| {
                world.owed = 0;
                Ok(())
            })?;
        }
        setup.subscribe(
            plan.watch,
            Qos::KeepLast(10),
            |world: &mut Self, _: &Context, _: &DiagnosticArray| {
                world.reports += 1;
                Ok(())
            },
        )?;
        setup.timer(Duration::from_millis(1), Self::tick)?;
        let slots = FrameSlots { slots: 8, bytes: (3 * SIDE * SIDE) as usize };
        let images = plan.images.iter().map(|topic| setup.publish_frames(topic, slots));
        let images = images.collect::<Result<_>>()?;
        plan.seen.lock().unwrap().reserve(WARM + LOOKED_AT);
        Ok(Self { images, plan, owed: 0, before: None, reports: 0, rounds: 0, found: 0 })
    }
}

impl World {
    fn tick(&mut self, ctx: &Context) -> Result {
        if self.owed > 0 {
            return Ok(());
        }
        let now = (self.plan.count)();
        if let Some(before) = self.before {
            self.plan.seen.lock().unwrap().push((now - before, self.reports));
        }
        if self.rounds == WARM + LOOKED_AT {
            assert_eq!(self.found, self.rounds * self.images.len(), "each frame shows one thing");
            ctx.shutdown("counted");
            return Ok(());
        }
        self.rounds += 1;
        self.owed = self.images.len();
        self.before = Some((self.plan.count)());
        for (index, images) in self.images.iter_mut().enumerate() {
            let spec = ImageSpec::packed(SIDE, SIDE, Encoding::Rgb8, "camera_optical");
            let mut loan = images.loan(&spec)?.unwrap();
            loan.bytes_mut().fill(60 + 60 * index as u8);
            loan.set_stamp(ctx.now().0);
            images.send(ctx, loan)?;
        }
        Ok(())
    }
}

/// An engine that can be had here.
struct Found {
    choice: BackendChoice,
    name: &'static str,
    library: Option<PathBuf>,
}

fn engines() -> Vec<Found> {
    let mut found = vec![Found { choice: BackendChoice::Tract, name: "tract", library: None }];
    let library = Places::from_environment().candidates().into_iter().find(|path| is_usable(path));
    match library {
        Some(path) => found.push(Found { choice: BackendChoice::Ort, name: "ort", library: Some(path) }),
        None => {
            println!("SKIP with ONNX Runtime: no library (run `cargo xtask test`, or set ORT_DYLIB_PATH)")
        }
    }
    found
}

/// Allocations within one run of the engine on so many images.
fn of_the_engine(model: &Path, engine: &Found, images: usize) -> u64 {
    let options = LoadOptions {
        backend: engine.choice,
        ort_library: engine.library.clone(),
        trust: Trust::AllowUnsigned,
        ..LoadOptions::new(ModelSource::Path(model.to_owned()))
    };
    let mut detector = BatchDetector::load(&options, images).unwrap();
    let bytes = vec![90; (3 * SIDE * SIDE) as usize];
    let all = vec![ImageRef::packed(&bytes, SIDE as usize, SIDE as usize, PixelFormat::Rgb8); images];
    let mut counts = (0..20).map(|_| {
        let (mut at, mut calls) = ([0; 4], 0);
        let mut clock = || {
            at[calls] = own();
            calls += 1;
            0
        };
        detector.detect(&all, &mut clock).unwrap();
        at[2] - at[1]
    });
    let last = counts.by_ref().skip(10).collect::<Vec<_>>();
    assert!(last.iter().all(|count| *count == last[0]), "it allocates alike for like images: {last:?}");
    last[0]
}

fn count<N: Node>(spec: NodeSpec, lanes: [&str; 2], engine: &Found, plan: Plan) -> Vec<u64> {
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    let plan = Arc::new(plan);
    app.extend(plan.clone());
    let on = |spec: NodeSpec, lane: &str| spec.with_param("peregrine.lane", ParamValue::String(lane.into()));
    let mut spec = on(spec, lanes[1])
        .with_param("backend", ParamValue::String(engine.name.into()))
        .with_param("allow_unsigned", ParamValue::Bool(true));
    if let Some(library) = &engine.library {
        spec = spec.with_param("ort_library", text(library));
    }
    app.add(NodeFactory::of::<World>(), on(NodeSpec::new("world"), lanes[0])).unwrap();
    app.add(NodeFactory::of::<N>(), spec).unwrap();
    app.run().unwrap();
    let seen = plan.seen.lock().unwrap().clone();
    assert!(seen[0].0 > seen[WARM].0, "the first frame does allocate: the counter counts");
    // A report makes words, once a second. It may have begun in the round before the one it is seen in.
    let quiet = (WARM..seen.len() - 2).filter(|round| seen[round - 1].1 == seen[round + 2].1);
    quiet.map(|round| seen[round].0).collect()
}

// One test in this file, or another's allocations would be counted.
#[test]
fn a_frame_costs_the_nodes_no_allocation() {
    let folder = tempfile::tempdir().unwrap();
    let model = bright_model(folder.path(), SIDE as usize, None, 3);
    for engine in engines() {
        let expected = of_the_engine(&model, &engine, NAMES.len());
        // One lane: its own thread is all that works. Two: every thread of the process is counted.
        for (lanes, counter) in [(["a", "a"], own as fn() -> u64), (["a", "b"], all)] {
            let plan = Plan {
                images: NAMES.map(|name| format!("{name}/image_raw")).to_vec(),
                boxes: NAMES.map(|name| format!("{name}/detections")).to_vec(),
                last: Some(format!("{}/age_ms", NAMES[2])),
                watch: "detector_cameras/watch",
                count: counter,
                seen: Mutex::default(),
            };
            let cameras = NAMES.map(str::to_owned).to_vec();
            let spec = NodeSpec::new("detector_cameras")
                .with_param("model", text(&model))
                .with_param("wait_ms", ParamValue::Double(1000.0))
                .with_param("cameras", ParamValue::StringArray(cameras));
            let seen = count::<CamerasNode>(spec, lanes, &engine, plan);
            assert!(seen.len() > LOOKED_AT / 2, "{} quiet rounds", seen.len());
            let odd: Vec<_> = seen.iter().filter(|count| **count != expected).collect();
            assert!(
                odd.is_empty(),
                "three cameras on {}, lanes {lanes:?}: {expected} of the engine, {odd:?}",
                engine.name
            );
        }
        let expected = of_the_engine(&model, &engine, 1);
        let plan = Plan {
            images: vec!["image_raw".into()],
            boxes: vec!["detections".into()],
            last: None,
            watch: "detector/watch",
            count: own,
            seen: Mutex::default(),
        };
        let spec = NodeSpec::new("detector").with_param("model", text(&model));
        let seen = count::<DetectorNode>(spec, ["a", "a"], &engine, plan);
        assert!(seen.len() > LOOKED_AT / 2, "{} quiet rounds", seen.len());
        let odd: Vec<_> = seen.iter().filter(|count| **count != expected).collect();
        assert!(odd.is_empty(), "one camera on {}: {expected} of the engine, {odd:?}", engine.name);
    }
}
