//! Once warm, a sweep and a judgement allocate nothing.

use peregrine_safety_filter::algo::filter::{Ages, Filter, Limits};
use peregrine_safety_filter::algo::ingest::{Depth, Dome, Pinhole, Scan, depth, points, scan, shows, sweeps};
use peregrine_safety_filter::algo::shell::Shell;
use peregrine_safety_filter::algo::vector::Turn;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

#[test]
fn a_warm_cycle_allocates_nothing() {
    let limits = Limits {
        radius: 0.4,
        deceleration: 4.0,
        reaction: 0.25,
        near: 1.0,
        max_speed: 8.0,
        blind_speed: 0.5,
        fence: ([-50.0; 3], [50.0; 3]),
        fresh: 0.1,
        stale: 0.3,
    };
    let (filter, mut shell) = (Filter { limits }, Shell::new(2.0));
    let bytes = 3.0_f32.to_le_bytes().repeat(640 * 480);
    let image = Depth { size: (640, 480), step: 2560, metres: true, bytes: &bytes };
    let camera = Pinhole { k: [337.0, 337.0, 319.5, 239.5], size: (640, 480) };
    let optical = Turn([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]);
    let ranges = [3.0_f32; 360];
    let rays = Scan { ranges: &ranges, first: 0.0, step: 1_f64.to_radians(), limits: (0.1, 20.0) };
    let dome = Dome { elevation: (-0.3, 0.3), silence_is_free: true };
    let cloud: Vec<[f32; 3]> = (0..500).map(|i| [3.0, 0.01 * i as f32 - 2.5, 0.2]).collect();
    let ages = Ages {
        command: Some(0.0),
        sensors: Some(0.0),
        odometry: Some(0.0),
        battery_speed: 9.0,
        blocked: false,
    };
    // The least of some rounds: the harness's own thread allocates too, now and then.
    let rounds = (0..5).map(|_| {
        let region = Region::new(COUNTING);
        let mut slowed = 0;
        for i in 0..20 {
            let eye = [0.01 * i as f64, 0.0, 0.0];
            depth(&mut shell, &image, &camera, eye, &optical, 12.0);
            shell.end(i, eye, shows(&image, &camera, eye, &optical));
            scan(&mut shell, &rays, eye, &Turn::NONE, 12.0);
            shell.end(i, eye, sweeps(&rays, eye, &Turn::NONE));
            points(&mut shell, cloud.iter().copied(), &dome, eye, &Turn::NONE, 12.0);
            shell.end_unordered(i, eye);
            slowed += u32::from(filter.judge([6.0, 1.0, 0.0], [0.0; 3], &shell, &ages, i).cause.is_some());
        }
        assert_eq!(slowed, 20);
        let change = region.change();
        change.allocations + change.reallocations
    });
    assert_eq!(rounds.min(), Some(0));
}
