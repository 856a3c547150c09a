//! Courts with no level way out: over the hedge, through its low gap, under the beam, or not at all.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use peregrine_avoidance::algo::state::State;
use peregrine_suites::flight::{Outcome, fly};
use peregrine_suites::suite::{Course, Suite};
use peregrine_suites::world::World;
use peregrine_suites::worlds::court::Court;

fn flown(world: &World, seed: u64) -> Outcome {
    let course = Course::new(Suite::Dense, Some(3.0), None).unwrap();
    let mut setup = course.setup(world);
    setup.record = true;
    let outcome = fly(world, &setup, seed).unwrap();
    assert!(!outcome.collided, "seed {seed}: {:?}", outcome.position);
    outcome
}

/// Lowest and highest place of a flight, metres.
fn heights(outcome: &Outcome) -> (f64, f64) {
    let z = outcome.track.iter().map(|m| m.position.z);
    z.fold((f64::INFINITY, 0.0), |(low, high), z| (low.min(z), high.max(z)))
}

#[test]
fn hedges_are_flown_over_and_none_is_touched() {
    const SEEDS: u64 = 5;
    let world = Court::Hedge.world();
    let mut out = 0;
    for seed in 1..=SEEDS {
        let outcome = flown(&world, seed);
        let (_, highest) = heights(&outcome);
        assert!(!outcome.success || (2.6..4.5).contains(&highest), "seed {seed}: {highest}");
        out += u64::from(outcome.success);
    }
    assert!(out + 1 >= SEEDS, "{out} of {SEEDS}");
}

#[test]
fn under_a_low_fence_it_leaves_by_the_low_gap() {
    const SEEDS: u64 = 3;
    let world = Court::GapBeside.world();
    let mut out = 0;
    for seed in 1..=SEEDS {
        let outcome = flown(&world, seed);
        let (_, highest) = heights(&outcome);
        assert!(highest < 2.8, "seed {seed}: {highest}");
        out += u64::from(outcome.success);
    }
    assert!(out + 1 >= SEEDS, "{out} of {SEEDS}");
}

#[test]
fn it_passes_under_a_beam() {
    const SEEDS: u64 = 2;
    for seed in 1..=SEEDS {
        let outcome = flown(&Court::Beam.world(), seed);
        let (lowest, _) = heights(&outcome);
        assert!(outcome.success && (0.7..1.8).contains(&lowest), "seed {seed}: {lowest} {outcome:?}");
    }
}

#[test]
fn in_a_roofed_room_it_stays_and_says_so() {
    let mut world = Court::Roofed.world();
    world.timeout = 60.0;
    let outcome = flown(&world, 1);
    let (_, highest) = heights(&outcome);
    assert!(!outcome.success && outcome.stuck && highest < 2.6, "{highest} {:?}", outcome.last);
}

#[test]
fn under_a_low_fence_it_stays_and_says_so() {
    let mut world = Court::Hedge.world();
    world.altitude.1 = 2.3;
    world.timeout = 60.0;
    let outcome = flown(&world, 1);
    let (_, highest) = heights(&outcome);
    assert!(!outcome.success && outcome.stuck, "{:?}", outcome.last);
    assert!(highest < 2.45, "{highest}");
    assert!(matches!(outcome.last, State::Stuck | State::Hover(_) | State::Scanning | State::Avoiding));
}
