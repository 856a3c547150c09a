//! `cargo run --release -p peregrine-suites --example cycle -- [FLIGHTS]`
//!
//! What a command costs, from a depth image of 640 x 480 on: in Poisson forests, and in a court that is left over its hedge, where ways
//! are looked for in three dimensions too. (`peregrine-bench -- avoid` says more, and takes long to build.)

use std::time::Instant;

use peregrine_suites::flight::fly_with;
use peregrine_suites::suite::{Course, Suite};
use peregrine_suites::world::World;
use peregrine_suites::worlds::court::Court;

/// Cycles left out at the start of a flight.
const WARM_UP: usize = 30;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let flights = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(3_u64);
    let forest = Course::new(Suite::Poisson25, Some(5.0), None)?;
    let court = Course::new(Suite::Dense, Some(3.0), None)?;
    measure("forest", &forest, flights, |seed| forest.world(seed))?;
    measure("court", &court, flights, |_| Court::Hedge.world())
}

fn measure(
    name: &str,
    course: &Course,
    flights: u64,
    world: impl Fn(u64) -> World,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut all: Vec<f64> = Vec::new();
    for seed in 1..=flights {
        let world = world(seed);
        let mut setup = course.setup(&world);
        setup.rays = 640;
        let mut count = 0;
        fly_with(&world, &setup, seed, |planner, now, stamp, image, _| {
            let before = Instant::now();
            let command = planner.on_depth(now, stamp, image);
            count += 1;
            if count > WARM_UP {
                all.push(before.elapsed().as_secs_f64() * 1e3);
            }
            command
        })
        .ok_or("settings")?;
    }
    all.sort_by(f64::total_cmp);
    let at = |q: f64| all.get(((all.len().max(1) - 1) as f64 * q) as usize).copied().unwrap_or(f64::NAN);
    let mean = all.iter().sum::<f64>() / all.len().max(1) as f64;
    println!(
        "{name}: {} cycles, mean {mean:.3} ms, p50 {:.3}, p99 {:.3}, most {:.3}",
        all.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    Ok(())
}
