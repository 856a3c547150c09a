//! Once warm, a cycle allocates nothing.

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

#[test]
fn a_warm_cycle_allocates_nothing() {
    let world = World::forest(3, 0.04, 60.0, 20.0, 0.3);
    let mut f = Flight::new(world, Truth::NOMINAL, Config::default(), Vec3::new(0.0, 0.0, 2.0), 0.0, 3);
    let goal = Vec3::new(60.0, 0.0, 2.0);
    f.run(goal, 3.0);
    let mut counted = 0;
    for frame in 0..240 {
        f.render();
        let (now, odometry) = (f.now(), f.odometry());
        let k = f.camera.k;
        let image = DepthImage::new(k.width, k.height, k.width * 4, "32FC1", &f.camera.bytes).unwrap();
        let region = Region::new(COUNTING);
        f.planner.on_odometry(now, Some(odometry));
        let person = MarginBox { x_min: -0.1, x_max: 0.1, y_min: -0.2, y_max: 0.2, extra: 0.4 };
        f.planner.on_detections(now, std::iter::once(person));
        let command = f.planner.on_depth(now, now, &image);
        let _ = f.planner.on_watchdog(now);
        let change = region.change();
        counted += change.allocations + change.reallocations;
        assert_eq!(change.allocations + change.reallocations, 0, "in cycle {frame}");
        f.obey(&command);
        f.fly(FRAME);
    }
    println!("allocations in 240 cycles: {counted}");
    assert!(f.position.x > 10.0);
}
