//! Once warm, a picture costs no allocation: not its depth, not its odometry, not its tracks.

mod support;

use peregrine_tracker::algo::camera::Intrinsics;
use peregrine_tracker::algo::depth::{DepthImage, DepthStore};
use peregrine_tracker::algo::history::History;
use peregrine_tracker::algo::report::{Seen, Thing, seen, thing};
use peregrine_tracker::algo::tracker::{Tracker, Verdict};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::{SECOND, body, camera, config, crowd, detect, params};

#[global_allocator]
static COUNTING: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

#[test]
fn a_warm_picture_allocates_nothing() {
    let world = crowd(40);
    let mut classes = params().classes().unwrap();
    let mut tracker = Tracker::new(config());
    let (mut history, mut depths) = (History::default(), DepthStore::default());
    depths.set_intrinsics(Intrinsics::new(168.0, 168.0, 159.5, 119.5, 320, 240).unwrap());
    let colour = Intrinsics::new(468.0, 468.0, 319.5, 239.5, 640, 480).unwrap();
    let bytes = 7.5_f32.to_le_bytes().repeat(320 * 240);
    let (mut found, mut things, mut boxes) = (Vec::new(), Vec::<Thing>::new(), Vec::<Seen>::new());
    let mut most = 0;
    for picture in 0..300_i64 {
        // The scene comes back every five seconds, so that no frame of the counted part is richer than all before it.
        let t = (picture % 100) as f64 * 0.05;
        let stamp = picture * SECOND / 20;
        found.clear();
        let seed = picture as u64 % 100 * 1000;
        let dropped = |n: usize| (n as i64 * 7 + picture) % 11 == 0;
        found.extend(
            world
                .iter()
                .enumerate()
                .filter(|(n, _)| !dropped(*n))
                .filter_map(|(n, thing)| detect(thing, t, &mut classes, 0.03, seed + n as u64)),
        );
        let mut seen_by_depth = found.clone();
        let image = DepthImage::new(320, 240, 1280, "32FC1", &bytes).unwrap();
        let region = Region::new(COUNTING);
        history.push(stamp, body(t));
        depths.push(stamp, &image);
        let now = history.at(stamp).unwrap();
        let config = tracker.config();
        let relative =
            |at: i64| Some((now * config.camera).inverse() * history.at(at)? * config.depth_camera);
        assert!(depths.overlay(stamp, 1_000_000, &colour, relative));
        depths.measure(&mut seen_by_depth);
        assert_eq!(tracker.update(stamp, Some((camera(t), 0)), &found, &classes), Verdict::Taken);
        things.clear();
        things.extend(tracker.tracks().iter().filter_map(|t| thing(t, &classes, stamp, 0.5)));
        boxes.clear();
        boxes.extend(tracker.tracks().iter().filter_map(seen));
        let change = region.change();
        if picture >= 200 {
            assert_eq!(change.allocations + change.reallocations, 0, "in picture {picture}");
        }
        most = most.max(things.len());
    }
    assert!(most > 15, "{most} things at the most");
}
