//! Several cameras through one inference: each is answered on its own topics, with the age of every result, and one that
//! falls silent holds nobody up.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use common::network::bright_model;
use common::{SIDE, lent, text};
use peregrine::prelude::*;
use peregrine::{Advance, App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_detector::CamerasNode;
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus};
use peregrine_msgs::std_msgs::Float64;
use peregrine_msgs::vision_msgs::Detection2DArray;

const NAMES: [&str; 3] = ["front", "left", "down"];
const LEVELS: [u8; 3] = [60, 140, 240];

/// Scores (percent) and ages (ms) of one camera, stamps in between (ms).
#[derive(Default, Clone)]
struct Seen {
    scores: Vec<u32>,
    stamps: Vec<i64>,
    ages: Vec<f64>,
}

#[derive(Default)]
struct All {
    cameras: [Seen; 3],
    watch: Option<DiagnosticStatus>,
}

type Shared = Arc<Mutex<All>>;

/// Three cameras at 20 Hz; after two seconds the last one is silent.
struct World {
    images: Vec<FramePublisher>,
    frame: i64,
}

impl Node for World {
    const NAME: &'static str = "world";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let seen: Shared = lent(setup);
        for (index, name) in NAMES.into_iter().enumerate() {
            let (a, b) = (seen.clone(), seen.clone());
            let topic = format!("{name}/detections");
            setup.subscribe(
                &topic,
                Qos::KeepLast(100),
                move |_: &mut Self, _: &Context, m: &Detection2DArray| {
                    let score = m.detections.first().map_or(0.0, |d| d.results[0].hypothesis.score);
                    let mut all = a.lock().unwrap();
                    assert_eq!(m.header.frame_id, NAMES[index]);
                    all.cameras[index].scores.push((100.0 * score).round() as u32);
                    let stamp =
                        i64::from(m.header.stamp.sec) * 1000 + i64::from(m.header.stamp.nanosec) / 1_000_000;
                    all.cameras[index].stamps.push(stamp);
                    Ok(())
                },
            )?;
            let topic = format!("{name}/age_ms");
            setup.subscribe(&topic, Qos::KeepLast(100), move |_: &mut Self, _: &Context, m: &Float64| {
                b.lock().unwrap().cameras[index].ages.push(m.data);
                Ok(())
            })?;
        }
        setup.subscribe(
            "detector_cameras/watch",
            Qos::KeepLast(100),
            move |_: &mut Self, _: &Context, m: &DiagnosticArray| {
                seen.lock().unwrap().watch = m.status.first().cloned();
                Ok(())
            },
        )?;
        setup.drive_clock(Self::step)?;
        let slots = FrameSlots { slots: 6, bytes: (3 * SIDE * SIDE) as usize };
        let images = NAMES.map(|name| setup.publish_frames(&format!("{name}/image_raw"), slots));
        Ok(Self { images: images.into_iter().collect::<Result<_>>()?, frame: 0 })
    }
}

impl World {
    fn step(&mut self, ctx: &Context) -> Result<Advance> {
        let now = Time(self.frame * 50_000_000);
        let cameras = if self.frame < 40 { 3 } else { 2 };
        for (index, images) in self.images.iter_mut().enumerate().take(cameras) {
            let spec = ImageSpec::packed(SIDE, SIDE, Encoding::Rgb8, NAMES[index]);
            let Some(mut loan) = images.loan(&spec)? else { continue };
            loan.bytes_mut().fill(LEVELS[index]);
            loan.set_stamp(now.0 - 5_000_000);
            images.send(ctx, loan)?;
        }
        self.frame += 1;
        let next = Time(self.frame * 50_000_000);
        Ok(if self.frame > 80 { Advance::Finished } else { Advance::To(next) })
    }
}

fn spec(model: impl AsRef<Path>, cameras: &[&str]) -> NodeSpec {
    let cameras = cameras.iter().map(|name| (*name).to_owned()).collect();
    NodeSpec::new("detector_cameras")
        .with_param("model", text(model))
        .with_param("backend", text("tract"))
        .with_param("allow_unsigned", ParamValue::Bool(true))
        .with_param("cameras", ParamValue::StringArray(cameras))
}

fn fly(max_batch: usize, threads: usize) -> (Option<String>, Shared) {
    let folder = tempfile::tempdir().unwrap();
    let seen = Shared::default();
    let mut app = App::new(Mode::Lockstep { threads });
    app.log_topics(true).extend(seen.clone());
    app.add(NodeFactory::of::<World>(), NodeSpec::new("world")).unwrap();
    app.add(
        NodeFactory::of::<CamerasNode>(),
        spec(bright_model(folder.path(), SIDE as usize, None, max_batch), &NAMES),
    )
    .unwrap();
    (app.run().unwrap().topic_log_sha256, seen)
}

fn value(status: &DiagnosticStatus, key: &str) -> f64 {
    let found = status.values.iter().find(|v| v.key == key);
    found.unwrap_or_else(|| panic!("{key}: {status:?}")).value.parse().unwrap()
}

#[test]
fn each_camera_is_answered_on_its_own_topics() {
    let (hash, seen) = fly(3, 1);
    assert!(hash.is_some() && hash == fly(3, 2).0, "the same bytes");
    let all = seen.lock().unwrap();
    let expected = LEVELS.map(|level| (90.0 * f64::from(level) / 255.0).round() as u32);
    for (index, camera) in all.cameras.iter().enumerate() {
        let count = if index == 2 { 40 } else { 81 };
        assert!(
            (count - 2..=count).contains(&camera.scores.len()),
            "{}: {}",
            NAMES[index],
            camera.scores.len()
        );
        // Nobody gets another's answer.
        assert!(camera.scores.iter().all(|s| *s == expected[index]), "{}: {:?}", NAMES[index], camera.scores);
        assert_eq!(camera.ages.len(), camera.scores.len(), "every result has an age");
        assert!(camera.stamps.is_sorted());
    }
    // What is sent arrives when the clock has gone on by a step. While all deliver, nobody waits; when one has fallen silent,
    // the others do not wait for it longer than a step.
    let ages = &all.cameras[0].ages;
    assert!(ages[..38].iter().all(|age| (*age - 55.0).abs() < 1e-6), "{ages:?}");
    assert!(ages.iter().all(|age| (5.0..=105.0).contains(age)), "{ages:?}");
    // Each camera is watched by itself.
    let watch = all.watch.as_ref().unwrap();
    for (name, level) in NAMES.iter().zip(LEVELS) {
        let brightness = value(watch, &format!("{name}: brightness"));
        assert!((brightness - f64::from(level)).abs() < 1.0, "{name}: {brightness}");
        assert!(value(watch, &format!("{name}: sharpness")) < 1.0);
        let shares = watch.values.iter().find(|v| v.key == format!("{name}: histogram_scores"));
        let shares: Vec<f64> = shares.unwrap().value.split(' ').map(|share| share.parse().unwrap()).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 0.01, "{shares:?}");
    }
}

#[test]
fn more_cameras_than_the_network_takes_are_answered_in_turns() {
    let (_, seen) = fly(2, 1);
    let all = seen.lock().unwrap();
    for camera in &all.cameras[..2] {
        assert!(camera.scores.len() > 70, "{}", camera.scores.len());
    }
    assert!(all.cameras[2].scores.len() >= 36, "{}", all.cameras[2].scores.len());
    assert!(value(all.watch.as_ref().unwrap(), "images per inference") <= 2.0);
}

/// Hears what is complained about; two minutes pass.
struct Minutes {
    now: i64,
}

impl Node for Minutes {
    const NAME: &'static str = "minutes";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let heard: Arc<Mutex<Vec<i64>>> = lent(setup);
        setup.subscribe(
            "/diagnostics",
            Qos::KeepLast(10),
            move |_: &mut Self, ctx: &Context, m: &DiagnosticArray| {
                if m.status
                    .iter()
                    .any(|s| s.name.ends_with("model signature") && s.message.contains("NOT SIGNED"))
                {
                    heard.lock().unwrap().push(ctx.now().0 / 1_000_000_000);
                }
                Ok(())
            },
        )?;
        setup.drive_clock(|node: &mut Self, _: &Context| {
            node.now += 500_000_000;
            Ok(if node.now > 130_000_000_000 { Advance::Finished } else { Advance::To(Time(node.now)) })
        })?;
        Ok(Self { now: 0 })
    }
}

#[test]
fn an_unsigned_model_is_complained_about_every_minute() {
    let folder = tempfile::tempdir().unwrap();
    let heard = Arc::<Mutex<Vec<i64>>>::default();
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.extend(heard.clone());
    app.add(NodeFactory::of::<Minutes>(), NodeSpec::new("minutes")).unwrap();
    let model = bright_model(folder.path(), SIDE as usize, None, 3);
    app.add(NodeFactory::of::<CamerasNode>(), spec(model, &NAMES)).unwrap();
    app.run().unwrap();
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert!(heard[0] <= 2 && heard.windows(2).all(|pair| pair[1] - pair[0] == 60), "{heard:?}");
}

/// A model whose manifest says what it finds when all is well: in the light that the second camera has.
fn referenced(folder: &Path) -> PathBuf {
    let model = bright_model(folder, SIDE as usize, None, 3);
    let mut manifest = std::fs::read_to_string(&model).unwrap();
    let shares = |bins: usize, full: usize| {
        let all: Vec<String> =
            (0..bins).map(|bin| if bin == full { "1.0" } else { "0.0" }.to_owned()).collect();
        all.join(", ")
    };
    let bins = peregrine_models::watch::Watch::new(2, 0.05, 100.0).reference();
    manifest.push_str(&format!(
        "[reference]\ndata = \"made up\"\nimages = 1000\ndetections = 1000\nscores = [{}]\nclasses = [1.0, 0.0]\n\
         brightness = [{}]\nsharpness = [{}]\n",
        shares(bins.scores.len(), 0),
        shares(bins.brightness.len(), bins.brightness.len() * 140 / 256),
        shares(bins.sharpness.len(), 0),
    ));
    std::fs::write(&model, manifest).unwrap();
    model
}

fn watched(node: NodeSpec) -> DiagnosticStatus {
    let seen = Shared::default();
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.extend(seen.clone());
    app.add(NodeFactory::of::<World>(), NodeSpec::new("world")).unwrap();
    app.add(NodeFactory::of::<CamerasNode>(), node).unwrap();
    app.run().unwrap();
    let all = seen.lock().unwrap();
    all.watch.clone().unwrap()
}

/// What is found is counted as the reference counted it, whatever lowest score is set: else a signed model would warn for ever.
#[test]
fn a_lowest_score_that_is_set_is_no_drift() {
    let folder = tempfile::tempdir().unwrap();
    let model = referenced(folder.path());
    let text = std::fs::read_to_string(&model).unwrap();
    let told = |watch: &DiagnosticStatus| watch.values.iter().any(|v| v.key == "left: drift_scores_psi");
    assert!(told(&watched(spec(&model, &NAMES))));
    // Below the manifest's, nothing of which is found here; above it, which cuts off what the reference counted.
    for (own, set) in [("0.9", 0.05), ("0.05", 0.2)] {
        std::fs::write(&model, text.replace("score_threshold = 0.05", &format!("score_threshold = {own}")))
            .unwrap();
        let watch = watched(spec(&model, &NAMES).with_param("min_score", ParamValue::Double(set)));
        assert!(
            !told(&watch) && watch.values.iter().any(|v| v.key == "left: drift_brightness_psi"),
            "{watch:?}"
        );
    }
}

#[test]
fn a_camera_that_sees_another_world_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let watch = &watched(spec(referenced(folder.path()), &NAMES));
    assert!(value(watch, "left: drift_brightness_psi") < 0.1, "{watch:?}");
    assert!(value(watch, "front: drift_brightness_psi") > 0.25, "{watch:?}");
    assert_eq!(watch.level, DiagnosticStatus::WARN);
    assert!(watch.message.starts_with("camera front: what it sees is not"), "{}", watch.message);
}

#[test]
fn lists_of_cameras_that_cannot_be_are_refused() {
    for cameras in [&[][..], &["front", "front"], &[""]] {
        let mut app = App::new(Mode::Lockstep { threads: 1 });
        let added = app.add(NodeFactory::of::<CamerasNode>(), spec("nanodet_g_320_w8", cameras)).map(|_| ());
        let error = added.unwrap_err().to_string();
        assert!(error.contains("PG-0605"), "{error}");
    }
}
