//! Flies many seeded Poisson forests and prints what came of it, with Wilson 95 % intervals.
//!
//! `cargo run --release -p peregrine-avoidance --example forest -- [RUNS] [SPEED] [DENSITY] [nominal|mismatched] [FIRST_SEED]`
//!
//! Timings are those of the whole planner per 320 x 240 depth image, on the core that runs it.

#[path = "../tests/support/mod.rs"]
mod support;

use peregrine_avoidance::algo::config::Config;
use peregrine_avoidance::algo::geometry::Vec3;
use support::flight::{Flight, Outcome, Truth};
use support::world::World;

fn wilson(successes: usize, runs: usize) -> (f64, f64) {
    let (n, z) = (runs as f64, 1.96_f64);
    let p = successes as f64 / n;
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    ((middle - half) / (1.0 + z * z / n), (middle + half) / (1.0 + z * z / n))
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: f64| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let (runs, speed, density) = (number(0, 200.0) as usize, number(1, 4.0), number(2, 0.04));
    let mismatched = args.get(3).is_some_and(|a| a == "mismatched");
    let first = number(4, 1.0) as u64;
    let show = args.get(5).is_some();
    let mut outcomes: Vec<(u64, Outcome)> = Vec::new();
    for seed in first..first + runs as u64 {
        let world = World::forest(seed, density, 60.0, 20.0, 0.3);
        let truth = if mismatched { Truth::mismatched(seed) } else { Truth::NOMINAL };
        let config = Config { cruise_speed: speed, max_speed: speed.max(6.0), ..Config::default() };
        let mut flight = Flight::new(world, truth, config, Vec3::new(0.0, 0.0, 2.0), 0.0, seed);
        flight.run(Vec3::new(60.0, 0.0, 2.0), 120.0);
        let outcome = flight.outcome.clone();
        if show {
            for (t, p, v, s) in outcome.track.iter().step_by(3) {
                println!(
                    "{t:7.2} ({:6.2} {:6.2} {:5.2}) cmd ({:5.2} {:5.2} {:5.2}) {s:?}",
                    p.x, p.y, p.z, v.x, v.y, v.z
                );
            }
        }
        if !outcome.reached || outcome.collided || outcome.clearance < 0.1 {
            println!(
                "seed {seed}: reached {} collided {} clearance {:.3} after {:.1} s at ({:.1} {:.1} {:.1}) in {:?}",
                outcome.reached,
                outcome.collided,
                outcome.clearance,
                outcome.seconds,
                outcome.position.x,
                outcome.position.y,
                outcome.position.z,
                outcome.last_state
            );
        }
        outcomes.push((seed, outcome));
    }
    let all = || outcomes.iter().map(|(_, o)| o);
    let reached = all().filter(|o| o.reached && !o.collided).count();
    let collided = all().filter(|o| o.collided).count();
    let (low, high) = wilson(reached, runs);
    let worst = all().map(|o| o.clearance).fold(f64::INFINITY, f64::min);
    let speed = all().filter(|o| o.reached).map(Outcome::mean_speed).sum::<f64>() / reached.max(1) as f64;
    let slowest = all().filter(|o| o.reached).map(Outcome::mean_speed).fold(f64::INFINITY, f64::min);
    let mut cycles: Vec<u64> = all().flat_map(|o| o.cycle_ns.iter().copied()).collect();
    cycles.sort_unstable();
    let at = |q: f64| cycles[((cycles.len() - 1) as f64 * q) as usize] as f64 / 1e6;
    println!(
        "runs {runs} reached {reached} ({:.2} % [{:.2}, {:.2}]) collisions {collided} clearance_min {worst:.3} m \
         mean_speed {speed:.2} m/s slowest {slowest:.2} m/s",
        100.0 * reached as f64 / runs as f64,
        100.0 * low,
        100.0 * high
    );
    println!(
        "cycle ms: p50 {:.3} p90 {:.3} p99 {:.3} max {:.3} ({} cycles)",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
        cycles.len()
    );
}
