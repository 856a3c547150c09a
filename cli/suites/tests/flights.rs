//! Whole flights: what a scanner adds where a camera alone does not see what is beside and behind the vehicle.

use peregrine_suites::flight::fly;
use peregrine_suites::suite::{Course, Sensors, Suite, add_scanner};

/// Mazes and a spiral that the camera alone gave up (docs/avoidance.md).
const GIVEN_UP: [u64; 3] = [220, 236, 243];

#[test]
fn with_a_scanner_it_leaves_mazes_that_the_camera_alone_gave_up() {
    let course = Course::new(Suite::Maze, None, None).unwrap();
    assert_eq!(course.suite.sensors(), Sensors::DepthAndScan);
    for seed in GIVEN_UP {
        let world = course.world(seed);
        let mut setup = course.setup(&world);
        add_scanner(&mut setup);
        let outcome = fly(&world, &setup, seed).unwrap();
        assert!(outcome.success && outcome.clearance > 0.0, "seed {seed}: {outcome:?}");
    }
}

#[test]
fn a_scanner_that_falls_silent_stops_the_vehicle() {
    let course = Course::new(Suite::Maze, None, None).unwrap();
    let mut world = course.world(0);
    world.timeout = 15.0;
    let mut setup = course.setup(&world);
    add_scanner(&mut setup);
    // The planner is told of it, and it never says anything.
    setup.laser = None;
    let outcome = fly(&world, &setup, 0).unwrap();
    assert!(!outcome.success && !outcome.collided && outcome.length < 1.0, "{outcome:?}");
}
