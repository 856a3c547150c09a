//! How well the tracker tracks: HOTA, MOTA and IDF1 on scenes that drone_sim renders, beside another ByteTrack, and how far
//! places and velocities are off. The figures are printed; the bounds below them are what must not be lost again.
//!
//! `cargo test --release -p peregrine-tests --test tracking -- --nocapture` prints the table of nodes/tracker/README.md.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod metrics;
mod scenes;

use metrics::{Frame, Score, score};
use peregrine_core::{ParamMap, Params};
use peregrine_tracker::algo::camera::{Intrinsics, Pose};
use peregrine_tracker::algo::depth::{DepthImage, DepthStore};
use peregrine_tracker::algo::found::Found;
use peregrine_tracker::algo::rect::Rect;
use peregrine_tracker::algo::report::{seen, thing};
use peregrine_tracker::algo::tracker::Tracker;
use peregrine_tracker::params::TrackerParams;
use scenes::{Scene, Shot, colour_intrinsics, depth_intrinsics, mount, shoot};
use serde_json::Value;
use trackforge::trackers::byte_track::ByteTrack;

#[derive(Clone, Copy, PartialEq)]
enum Given {
    /// Depth and odometry.
    Everything,
    /// Boxes alone.
    Boxes,
}

/// Errors of place and velocity, medians and 90th percentiles over all confirmed things.
#[derive(Debug, Default)]
struct Errors {
    place: Vec<f64>,
    velocity: Vec<f64>,
}

impl Errors {
    fn at(list: &[f64], share: f64) -> f64 {
        let mut sorted = list.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted.get((sorted.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN)
    }
}

fn ours(scene: &Scene, shots: &[Shot], given: Given) -> (Vec<Frame>, Errors) {
    let params = TrackerParams::from_map("/tracker", "tracker", &ParamMap::default()).unwrap();
    let mut classes = params.classes().unwrap();
    let mut tracker = Tracker::new(params.config().unwrap());
    let read =
        |c: peregrine_render::Camera| Intrinsics::new(c.fx, c.fy, c.cx, c.cy, c.width, c.height).unwrap();
    let colour = read(colour_intrinsics());
    let mut depths = DepthStore::default();
    depths.set_intrinsics(read(depth_intrinsics()));
    let camera: Pose = mount().optical_in_body();
    let mut errors = Errors::default();
    let mut frames = Vec::new();
    for shot in shots {
        let mut found: Vec<Found> = shot
            .found
            .iter()
            .filter_map(|(label, score, rect)| {
                Found::checked(colour.to_tangents(rect), *score, classes.number(label))
            })
            .collect();
        let mut pose = None;
        if given == Given::Everything {
            let bytes: Vec<u8> = shot.depth.iter().flat_map(|z| z.to_le_bytes()).collect();
            depths.push(shot.stamp, &DepthImage::new(320, 240, 1280, "32FC1", &bytes).unwrap());
            assert!(depths.overlay(shot.stamp, 1, &colour, |_| Some(Pose::identity())));
            depths.measure(&mut found);
            pose = Some((shot.body * camera, 0));
        }
        tracker.update(shot.stamp, pose, &found, &classes);
        let told: Vec<(u64, Rect)> = tracker
            .tracks()
            .iter()
            .filter_map(seen)
            .map(|s| (u64::from(s.id), colour.to_pixels(&s.rect)))
            .collect();
        let t = shot.stamp as f64 * 1e-9;
        for told in tracker.tracks().iter().filter_map(|t| thing(t, &classes, shot.stamp, 0.0)) {
            let near = |n: &usize| (scene.actors[*n].at(t) - told.centre).norm();
            let nearest = (0..scene.actors.len()).min_by(|a, b| near(a).total_cmp(&near(b))).unwrap();
            let step = 0.05;
            let velocity = (scene.actors[nearest].at(t) - scene.actors[nearest].at(t - step)) / step;
            errors.place.push(near(&nearest));
            // Of a thing just met nothing is known yet.
            if tracker.tracks().iter().any(|k| k.id == told.id && k.hits >= 8) {
                errors.velocity.push((velocity - told.velocity).norm());
            }
        }
        frames.push(Frame { truth: truth(shot), told });
    }
    (frames, errors)
}

/// trackforge's ByteTrack with its paper's thresholds; each class by itself, as ByteTrack is meant to be used.
fn theirs(shots: &[Shot], rate: f64) -> Vec<Frame> {
    let labels = ["person", "bird"];
    let mut trackers = labels.map(|_| ByteTrack::new(0.5, (2.0 * rate) as usize, 0.8, 0.5));
    let mut frames = Vec::new();
    for shot in shots {
        let mut told = Vec::new();
        for (class, tracker) in trackers.iter_mut().enumerate() {
            let corner = |r: &Rect| [r.x - r.w / 2.0, r.y - r.h / 2.0, r.w, r.h].map(|v| v as f32);
            let mine = shot.found.iter().filter(|f| f.0 == labels[class]);
            let boxes = mine.map(|(_, score, r)| (corner(r), *score as f32, class as i64)).collect();
            for track in tracker.update(boxes) {
                let [left, top, w, h] = track.tlwh.map(f64::from);
                let rect = Rect { x: left + w / 2.0, y: top + h / 2.0, w, h };
                told.push((track.track_id * 2 + class as u64, rect));
            }
        }
        frames.push(Frame { truth: truth(shot), told });
    }
    frames
}

fn truth(shot: &Shot) -> Vec<(u64, Rect)> {
    shot.truth.iter().map(|(object, _, rect)| (*object, *rect)).collect()
}

fn line(scene: &str, who: &str, s: &Score) {
    println!(
        "| {scene} | {who} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {} | {} | {} |",
        s.hota, s.deta, s.assa, s.mota, s.idf1, s.switches, s.false_positives, s.misses
    );
}

#[test]
fn rendered_scenes() {
    println!(
        "| scene | tracker | HOTA | DetA | AssA | MOTA | IDF1 | switches | false | missed |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    let mut wrong = Vec::new();
    for scene in scenes::all() {
        let shots = shoot(&scene);
        let (frames, errors) = ours(&scene, &shots, Given::Everything);
        let full = score(&frames);
        let boxes = score(&ours(&scene, &shots, Given::Boxes).0);
        let peer = score(&theirs(&shots, scene.rate));
        line(scene.name, "peregrine", &full);
        line(scene.name, "peregrine, boxes alone", &boxes);
        line(scene.name, "trackforge ByteTrack", &peer);
        let (p, v) = (&errors.place, &errors.velocity);
        println!(
            "{}: {} truths; place off by {:.2} m (90 %: {:.2}), velocity by {:.2} m/s (90 %: {:.2})",
            scene.name,
            full.truths,
            Errors::at(p, 0.5),
            Errors::at(p, 0.9),
            Errors::at(v, 0.5),
            Errors::at(v, 0.9)
        );
        assert!(full.truths > 300, "{}", full.truths);
        if full.hota <= peer.hota || full.idf1 <= peer.idf1 {
            wrong.push(format!("{}: {full:?} against {peer:?}", scene.name));
        }
        if Errors::at(p, 0.5) > 0.3 || Errors::at(v, 0.5) > 0.6 {
            wrong.push(format!("{}: places or velocities", scene.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn metrics_are_those_of_trackeval() {
    let golden: Value = serde_json::from_str(include_str!("golden.json")).unwrap();
    let rows = |list: &Value| -> Vec<(u64, Rect)> {
        let row = |r: &Value| {
            let n = |i: usize| r[i].as_f64().unwrap();
            (r[0].as_u64().unwrap(), Rect { x: n(1), y: n(2), w: n(3), h: n(4) })
        };
        list.as_array().unwrap().iter().map(row).collect()
    };
    for (n, case) in golden.as_array().unwrap().iter().enumerate() {
        let frames: Vec<Frame> = case["frames"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| Frame { truth: rows(&f["truth"]), told: rows(&f["told"]) })
            .collect();
        let s = score(&frames);
        let figures = [
            ("hota", s.hota),
            ("deta", s.deta),
            ("assa", s.assa),
            ("mota", s.mota),
            ("idf1", s.idf1),
            ("switches", s.switches as f64),
            ("false_positives", s.false_positives as f64),
            ("misses", s.misses as f64),
        ];
        for (name, value) in figures {
            let expected = case["scores"][name].as_f64().unwrap();
            assert!(
                (value - expected).abs() < 1e-9,
                "case {n}: {name} is {value}, TrackEval says {expected}"
            );
        }
    }
}
