//! Tracks of things that are known, and what becomes of them when inputs go wrong.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::{Point3, Vector3};
use peregrine_tracker::algo::classes::Classes;
use peregrine_tracker::algo::found::Found;
use peregrine_tracker::algo::rect::Rect;
use peregrine_tracker::algo::report::thing;
use peregrine_tracker::algo::track::Life;
use peregrine_tracker::algo::tracker::{Tracker, Verdict};
use support::{SECOND, Thing, camera, config, confirmed, crowd, detect, noise, params};

const RATE: i64 = 10;

fn classes() -> Classes {
    params().classes().unwrap()
}

/// Tracks `world` for `pictures` at 10 Hz; who was found where decides which number belongs to which thing.
fn follow(
    world: &[Thing],
    pictures: i64,
    compensate: bool,
) -> (Tracker, Classes, BTreeMap<usize, BTreeSet<u32>>) {
    let (mut tracker, mut classes) = (Tracker::new(config()), classes());
    let mut numbers = BTreeMap::<usize, BTreeSet<u32>>::new();
    for picture in 0..pictures {
        let t = picture as f64 / RATE as f64;
        let mut found = Vec::new();
        let mut whose = Vec::new();
        for (n, thing) in world.iter().enumerate() {
            if let Some(mut f) = detect(thing, t, &mut classes, 0.03, (picture * 1000 + n as i64) as u64) {
                if !compensate {
                    f.depth = None;
                }
                found.push(f);
                whose.push(n);
            }
        }
        let pose = compensate.then(|| (camera(t), 0));
        tracker.update(picture * SECOND / RATE, pose, &found, &classes);
        for track in confirmed(tracker.tracks()) {
            let near = |f: &Found| (f.rect.x - track.image.rect().x).hypot(f.rect.y - track.image.rect().y);
            let best = (0..found.len()).min_by(|a, b| near(&found[*a]).total_cmp(&near(&found[*b]))).unwrap();
            if near(&found[best]) < 0.3 * found[best].rect.w {
                numbers.entry(whose[best]).or_default().insert(track.id);
            }
        }
    }
    (tracker, classes, numbers)
}

fn lane(label: &'static str, y: f64, v: f64) -> Thing {
    Thing { start: Point3::new(14.0, y, 2.0), velocity: Vector3::new(0.5, v, 0.0), size: 0.9, label }
}

#[test]
fn each_thing_keeps_one_number_though_the_camera_swings() {
    let world = [
        lane("person", -3.0, 0.3),
        lane("person", 0.0, 0.0),
        lane("person", 3.0, -0.3),
        lane("car", 5.0, 0.0),
    ];
    let (tracker, _, numbers) = follow(&world, 40, true);
    assert_eq!(numbers.len(), 4);
    assert!(numbers.values().all(|ids| ids.len() == 1), "{numbers:?}");
    assert_eq!(confirmed(tracker.tracks()).len(), 4);
}

#[test]
fn two_that_cross_keep_their_numbers_because_they_are_not_at_one_place() {
    // They meet in the picture at 2 s; one walks four metres behind the other.
    let near = Thing {
        start: Point3::new(12.0, -2.0, 2.0),
        velocity: Vector3::new(1.5, 1.0, 0.0),
        size: 0.9,
        label: "person",
    };
    let far = Thing { start: Point3::new(16.0, 2.5, 2.0), velocity: Vector3::new(1.5, -1.25, 0.0), ..near };
    let (_, _, numbers) = follow(&[near, far], 40, true);
    assert!(numbers.len() == 2 && numbers.values().all(|ids| ids.len() == 1), "{numbers:?}");
}

#[test]
fn places_and_velocities_are_those_of_the_things() {
    let world = [lane("person", -2.0, 0.8), lane("car", 3.0, 0.0)];
    let (tracker, classes, _) = follow(&world, 40, true);
    let t = 3.9;
    let mut seen = 0;
    for track in confirmed(tracker.tracks()) {
        let told = thing(track, &classes, tracker.stamp().unwrap(), 0.5).unwrap();
        let truth = world.iter().find(|w| w.label == classes.name(told.label)).unwrap();
        assert!((told.centre - truth.at(t)).norm() < 0.25, "{told:?} against {}", truth.at(t));
        assert!((told.velocity - truth.velocity).norm() < 0.35, "{told:?} against {}", truth.velocity);
        let margin = if truth.label == "person" { 0.4 } else { 0.3 };
        assert!(told.size.min() > truth.size * 0.9 + 2.0 * margin, "margins only ever add: {}", told.size);
        assert!(
            (told.size.x - told.size.y).abs() < 1e-9
                && told.size.max() < truth.size * 1.1 + 2.0 * margin + 0.1
        );
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[test]
fn without_depth_and_odometry_the_picture_alone_is_tracked() {
    let still = Thing { velocity: Vector3::new(1.5, 0.0, 0.0), ..lane("person", 0.0, 0.0) };
    let (tracker, classes, numbers) = follow(&[still], 30, false);
    assert_eq!(numbers.get(&0).map(BTreeSet::len), Some(1), "{numbers:?}");
    assert!(tracker.tracks().iter().all(|t| thing(t, &classes, tracker.stamp().unwrap(), 0.5).is_none()));
    assert_eq!(tracker.counts().without_pose, 30);
}

#[test]
fn a_thing_unseen_coasts_is_found_again_and_ends() {
    let world = [lane("person", -1.0, 0.4)];
    let (mut tracker, mut classes) = (Tracker::new(config()), classes());
    let mut feed = |tracker: &mut Tracker, picture: i64, visible: bool| {
        let t = picture as f64 / RATE as f64;
        let found: Vec<Found> =
            world.iter().filter(|_| visible).filter_map(|w| detect(w, t, &mut classes, 0.0, 1)).collect();
        tracker.update(picture * SECOND / RATE, Some((camera(t), 0)), &found, &classes);
        let told =
            tracker.tracks().iter().filter_map(|t| thing(t, &classes, picture * SECOND / RATE, 0.5)).next();
        (told, world[0].at(t))
    };
    for picture in 0..20 {
        feed(&mut tracker, picture, true);
    }
    let (seen, _) = feed(&mut tracker, 20, true);
    let id = seen.unwrap().id;
    let mut last = seen.unwrap().covariance.trace();
    for picture in 21..=25 {
        let (told, truth) = feed(&mut tracker, picture, false);
        let told = told.unwrap();
        assert!(
            told.id == id
                && told.covariance.trace() > last
                && (told.age - (picture - 20) as f64 * 0.1).abs() < 1e-9
        );
        assert!((told.centre - truth).norm() < 0.5, "{} against {truth}", told.centre);
        last = told.covariance.trace();
    }
    assert!(feed(&mut tracker, 26, false).0.is_none(), "it coasts no longer than it says");
    assert_eq!(tracker.tracks()[0].life, Life::Lost);
    for picture in 27..35 {
        feed(&mut tracker, picture, false);
    }
    assert_eq!(feed(&mut tracker, 35, true).0.unwrap().id, id, "found again at its place after 1.5 s");
    for picture in 36..57 {
        feed(&mut tracker, picture, false);
    }
    assert!(tracker.tracks().is_empty());
    let again: Vec<_> = (60..64).map(|picture| feed(&mut tracker, picture, true).0).collect();
    assert!(again[..2].iter().all(Option::is_none), "two pictures are no evidence yet");
    assert!(again[3].unwrap().id > id, "a number is never given twice");
}

#[test]
fn one_flash_is_nothing() {
    let (mut tracker, mut classes) = (Tracker::new(config()), classes());
    let flash = detect(&lane("bird", 0.0, 0.0), 0.0, &mut classes, 0.0, 1).unwrap();
    tracker.update(0, Some((camera(0.0), 0)), &[flash], &classes);
    assert_eq!((tracker.tracks().len(), tracker.tracks()[0].id), (1, 0));
    tracker.update(SECOND / 10, Some((camera(0.1), 0)), &[], &classes);
    assert!(tracker.tracks().is_empty());
}

/// One box at `depth`, in picture after picture of a camera that hovers; how often it was told in odom.
fn told_of(label: &str, score: f64, side: f64, depth: impl Fn(i64) -> f64) -> usize {
    let (mut tracker, mut classes) = (Tracker::new(config()), classes());
    let label = classes.number(label);
    let told = |picture: i64| {
        let z = depth(picture);
        let rect = Rect { x: 0.0, y: 0.0, w: 0.4 * side / z, h: side / z };
        let found = Found { depth: Some(z), ..Found::checked(rect, score, label).unwrap() };
        let stamp = picture * SECOND / 5;
        tracker.update(stamp, Some((camera(0.0), 0)), &[found], &classes);
        tracker.tracks().iter().filter(|t| thing(t, &classes, stamp, 0.5).is_some()).count()
    };
    (0..100).map(told).sum()
}

#[test]
fn weak_evidence_has_no_place() {
    assert!(told_of("person", 0.8, 1.7, |_| 6.0) > 95, "a person who stands there");
    assert_eq!(told_of("person", 0.55, 1.7, |_| 6.0), 0, "never more than a guess");
    assert_eq!(told_of("person", 0.9, 5.0, |_| 6.0), 0, "a person of five metres is a tree");
    assert_eq!(told_of("car", 0.9, 0.1, |_| 3.0), 0, "a car of ten centimetres is a leaf");
    // What jumps to and fro between a bush and what lies behind it is neither.
    assert!(told_of("person", 0.8, 1.7, |n| if n % 2 == 0 { 4.0 } else { 12.0 }) < 20);
}

#[test]
fn an_unsure_detection_carries_on_but_begins_nothing() {
    let (mut tracker, mut classes) = (Tracker::new(config()), classes());
    let sure = detect(&lane("person", 0.0, 0.0), 0.0, &mut classes, 0.0, 1).unwrap();
    let unsure = Found { score: 0.2, ..sure };
    tracker.update(0, None, &[unsure], &classes);
    assert!(tracker.tracks().is_empty());
    for n in 1..4 {
        tracker.update(n * SECOND / 10, None, &[sure], &classes);
    }
    let id = tracker.tracks()[0].id;
    for n in 4..20 {
        tracker.update(n * SECOND / 10, None, &[unsure], &classes);
        assert_eq!(confirmed(tracker.tracks())[0].id, id);
    }
}

#[test]
fn clocks_that_go_back() {
    let (mut tracker, mut classes) = (Tracker::new(config()), classes());
    let found = [detect(&lane("person", 0.0, 0.0), 0.0, &mut classes, 0.0, 1).unwrap()];
    let mut at = |stamp: i64| tracker.update(stamp, None, &found, &classes);
    assert_eq!([at(50 * SECOND), at(51 * SECOND)], [Verdict::Taken; 2]);
    assert_eq!([at(51 * SECOND), at(51 * SECOND - 1), at(50 * SECOND + 1)], [Verdict::Late; 3]);
    assert_eq!(at(10 * SECOND), Verdict::Reset);
    assert_eq!(
        [at(11 * SECOND), at(i64::MAX), at(i64::MIN), at(0)],
        [Verdict::Taken, Verdict::Taken, Verdict::Reset, Verdict::Taken]
    );
    assert_eq!((tracker.counts().late, tracker.counts().resets), (3, 2));
}

#[test]
fn a_jump_of_odometry_forgets_places_but_not_pictures() {
    let (mut tracker, mut classes) = (Tracker::new(config()), classes());
    let found = [detect(&lane("person", 0.0, 0.0), 0.0, &mut classes, 0.0, 1).unwrap()];
    for n in 0..5 {
        tracker.update(n * SECOND / 10, Some((camera(0.0), 0)), &found, &classes);
    }
    let (id, before) = (tracker.tracks()[0].id, tracker.tracks()[0].space.clone().unwrap().position());
    let moved = nalgebra::Isometry3::translation(100.0, 0.0, 0.0) * camera(0.0);
    tracker.update(SECOND / 2, Some((moved, 1)), &found, &classes);
    let track = &tracker.tracks()[0];
    let space = track.space.clone().unwrap();
    assert_eq!(track.id, id);
    assert!(
        (space.position() - before - Vector3::new(100.0, 0.0, 0.0)).norm() < 1e-6
            && space.velocity().norm() < 1e-9
    );
}

#[test]
fn empty_pictures_and_thousands_of_boxes() {
    let (mut tracker, mut classes) = (Tracker::new(config()), classes());
    for n in 0..10 {
        assert_eq!(tracker.update(n, None, &[], &classes), Verdict::Taken);
    }
    let label = classes.number("person");
    for n in 10..16_i64 {
        // All over each other, and more than are taken.
        let found: Vec<Found> = (0..5000_u64)
            .map(|i| {
                let (x, y) = (0.6 * noise(1, i), 0.4 * noise(2, i));
                let rect = Rect { x, y, w: 0.3, h: 0.3 };
                Found { depth: Some(5.0), ..Found::checked(rect, noise(3, i).abs(), label).unwrap() }
            })
            .collect();
        tracker.update(n * SECOND / 10, Some((camera(0.0), 0)), &found, &classes);
        assert!(tracker.tracks().len() <= config().max_tracks);
    }
    assert!(tracker.counts().crowded >= 6 * 3000);
    assert!(!confirmed(tracker.tracks()).is_empty());
}

#[test]
fn extreme_numbers_do_no_harm() {
    let (mut tracker, mut classes) = (Tracker::new(config()), classes());
    let label = classes.number("drone");
    let values = [1e-12, 1e-3, 1.0, 9e3];
    let mut stamp = 0;
    for round in 0..200_u64 {
        let pick = |n: u64| values[(noise(round, n).abs() * 4.0) as usize % 4];
        let found: Vec<Found> = (0..8)
            .filter_map(|i| {
                let rect = Rect {
                    x: pick(i) * noise(round, i + 50),
                    y: pick(i + 10),
                    w: pick(i + 20),
                    h: pick(i + 30),
                };
                let depth = (noise(round, i + 60) > 0.0).then(|| pick(i + 40));
                Found::checked(rect, noise(round, i + 70).abs(), label).map(|f| Found { depth, ..f })
            })
            .collect();
        stamp += [1, 1000, SECOND / 10, 40 * SECOND][(noise(round, 90).abs() * 4.0) as usize % 4];
        let pose = (noise(round, 91) > -0.5).then(|| (camera(round as f64), round / 50));
        tracker.update(stamp, pose, &found, &classes);
        for track in tracker.tracks() {
            assert!(track.is_sound());
            if let Some(t) = thing(track, &classes, stamp, 0.5) {
                assert!(t.centre.iter().chain(t.velocity.iter()).chain(t.size.iter()).all(|v| v.is_finite()));
                assert!(t.size.min() >= 1.2, "a drone keeps 0.6 m on each side: {}", t.size);
            }
        }
    }
    assert!(tracker.counts().pictures == 200);
}

#[test]
fn the_same_input_gives_the_same_tracks_to_the_bit() {
    let world = crowd(30);
    let (a, _, _) = follow(&world, 30, true);
    let (b, _, _) = follow(&world, 30, true);
    assert_eq!(a.tracks(), b.tracks());
    assert!(a.tracks().len() > 5);
}
