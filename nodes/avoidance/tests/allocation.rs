//! Once warm, a cycle allocates nothing.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use peregrine_avoidance::algo::config::Config;
use peregrine_avoidance::algo::depth::DepthImage;
use peregrine_avoidance::algo::geometry::Vec3;
use peregrine_avoidance::algo::margins::MarginBox;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::flight::{FRAME, Flight, Truth};
use support::world::World;

#[global_allocator]
static COUNTING: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// Flies `cycles` of them, with a person ahead or without.
fn fly(f: &mut Flight, cycles: u32, people: usize) {
    for frame in 0..cycles {
        f.render();
        let (now, odometry) = (f.now(), f.odometry());
        let k = f.camera.k;
        let image = DepthImage::new(k.width, k.height, k.width * 4, "32FC1", &f.camera.bytes).unwrap();
        let region = Region::new(COUNTING);
        f.planner.on_odometry(now, Some(odometry));
        let person = MarginBox { x_min: -0.1, x_max: 0.1, y_min: -0.2, y_max: 0.2, extra: 0.4 };
        f.planner.on_detections(now, std::iter::repeat_n(person, people));
        let command = f.planner.on_depth(now, now, &image);
        let _ = f.planner.on_watchdog(now);
        let change = region.change();
        assert_eq!(change.allocations + change.reallocations, 0, "in cycle {frame}");
        f.obey(&command);
        f.fly(FRAME);
    }
}

#[test]
fn a_warm_cycle_allocates_nothing() {
    let world = World::forest(3, 0.04, 60.0, 20.0, 0.3);
    let mut f = Flight::new(world, Truth::NOMINAL, Config::default(), Vec3::new(0.0, 0.0, 2.0), 0.0, 3);
    f.run(Vec3::new(60.0, 0.0, 2.0), 3.0);
    fly(&mut f, 240, 1);
    assert!(f.position.x > 10.0);
    // Nor does one in which a way over a hedge is looked for, and flown. (Not a test of its own: the counter counts for all threads.)
    let mut court = World::default();
    for (from, to) in [((-2.0, -5.0), (10.0, -5.0)), ((10.0, -5.0), (10.0, 5.0)), ((10.0, 5.0), (-2.0, 5.0))]
    {
        court.wall(from, to);
    }
    court.wall((-2.0, 5.0), (-2.0, -5.0));
    court.cylinders.iter_mut().for_each(|c| c.top = 2.4);
    let config = Config { cruise_speed: 3.0, ..Config::default() };
    let mut f = Flight::new(court, Truth::NOMINAL, config, Vec3::new(0.0, 0.0, 1.5), 0.0, 3);
    f.run(Vec3::new(20.0, 0.0, 1.5), 1.0);
    fly(&mut f, 900, 0);
    assert!(f.planner.rises() > 0 && f.position.x > 12.0, "{} {:?}", f.planner.rises(), f.position);
}
