//! A court with no way out but over its hedge.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use peregrine_avoidance::algo::geometry::Vec3;
use peregrine_avoidance::algo::state::State;
use peregrine_suites::flight::{Outcome, fly};
use peregrine_suites::suite::{Course, Suite};
use peregrine_suites::world::{Shape, World};

/// A hedge of `top` metres around a court of 12 x 10 m; the goal is outside.
fn court(top: f64, ceiling: f64) -> World {
    let mut world = World::new(Vec3::new(0.0, 0.0, 1.5), Vec3::new(20.0, 0.0, 1.5));
    world.wall((-2.0, -5.0), (10.0, -5.0));
    world.wall((10.0, -5.0), (10.0, 5.0));
    world.wall((10.0, 5.0), (-2.0, 5.0));
    world.wall((-2.0, 5.0), (-2.0, -5.0));
    for shape in &mut world.shapes {
        if let Shape::Block { center, half, .. } = shape {
            (center.z, half.z) = (0.5 * top, 0.5 * top);
        }
    }
    world.altitude = (0.8, ceiling);
    world.timeout = 90.0;
    world
}

/// Flights.
const SEEDS: u64 = 8;

fn flown(world: &World, seed: u64) -> Outcome {
    let course = Course::new(Suite::Dense, Some(3.0), None).unwrap();
    let mut setup = course.setup(world);
    setup.record = true;
    fly(world, &setup, seed).unwrap()
}

#[test]
fn most_hedges_are_flown_over_and_none_is_touched() {
    let mut out = 0;
    for seed in 1..=SEEDS {
        let outcome = flown(&court(2.4, 6.0), seed);
        let highest = outcome.track.iter().map(|m| m.position.z).fold(0.0, f64::max);
        assert!(!outcome.collided && highest < 6.1, "seed {seed}: {:?} {highest}", outcome.clearance);
        assert!(!outcome.success || highest > 2.6, "seed {seed}: {highest}");
        out += u64::from(outcome.success);
    }
    eprintln!("{out} of {SEEDS}");
    assert!(3 * out >= 2 * SEEDS, "{out} of {SEEDS}");
}

#[test]
fn under_a_low_fence_it_stays_and_says_so() {
    let outcome = flown(&court(2.4, 2.3), 1);
    let highest = outcome.track.iter().map(|m| m.position.z).fold(0.0, f64::max);
    assert!(!outcome.success && !outcome.collided && outcome.stuck, "{:?}", outcome.last);
    assert!(highest < 2.45, "{highest}");
    assert!(matches!(outcome.last, State::Stuck | State::Hover(_) | State::Scanning | State::Avoiding));
}
