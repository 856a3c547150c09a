//! What avoidance costs: a 640 x 480 depth image to a command, in flight, on one core; its stages; and the safety filter.
//!
//! The images are those of closed-loop flights through a Poisson forest, rendered at full resolution with noise. Only the
//! planner's call is timed. The stages are run again on the same images, one by one; what they do not explain is
//! the search for a certified command.

use std::error::Error;
use std::time::Instant;

use peregrine_avoidance::algo::depth::{Lattice, Pooled};
use peregrine_avoidance::algo::geometry::Vec3;
use peregrine_avoidance::algo::guidance::Guidance;
use peregrine_avoidance::algo::view::{RangeView, StampTable};
use peregrine_avoidance::algo::voxels::Voxels;
use peregrine_safety_filter::algo::filter::{Ages, Filter, Limits};
use peregrine_safety_filter::algo::ingest::{self, Depth, Pinhole};
use peregrine_safety_filter::algo::shell::Shell;
use peregrine_safety_filter::algo::vector::Turn;
use peregrine_suites::flight;
use peregrine_suites::suite::{Course, Suite};
use peregrine_suites::worlds::court::Court;
use serde_json::json;

/// Cycles of a flight that are not counted: caches, branch predictors and buffers warm up.
const WARM_UP: usize = 30;

/// Options of `avoid`.
#[derive(clap::Args)]
pub struct Options {
    /// Print JSON only.
    #[arg(long)]
    json: bool,
    /// Flights, of seeds 1 and up; about 400 cycles each.
    #[arg(long, default_value_t = 5)]
    flights: u64,
    /// Set speed, m/s.
    #[arg(long, default_value_t = 5.0)]
    speed: f64,
}

/// A clock that counts in cycles of the time stamp counter where there is one, and in nanoseconds.
struct Lap {
    time: Instant,
    tsc: u64,
}

impl Lap {
    fn start() -> Self {
        Self { time: Instant::now(), tsc: tsc() }
    }

    fn stop(&self) -> (f64, f64) {
        let ticks = tsc().wrapping_sub(self.tsc);
        (self.time.elapsed().as_nanos() as f64 * 1e-6, ticks as f64)
    }
}

#[cfg(target_arch = "x86_64")]
fn tsc() -> u64 {
    // SAFETY: every x86-64 has the instruction; it reads a counter and touches nothing.
    #[allow(unused_unsafe, reason = "safe in newer toolchains")]
    unsafe {
        core::arch::x86_64::_rdtsc()
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn tsc() -> u64 {
    0
}

/// Milliseconds and cycles of one stage, sample by sample.
#[derive(Default)]
struct Samples(Vec<(f64, f64)>);

impl Samples {
    fn quantile(&self, q: f64) -> (f64, f64) {
        let at = |of: fn(&(f64, f64)) -> f64| {
            let mut all: Vec<f64> = self.0.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all.get(((all.len().max(1) - 1) as f64 * q).round() as usize).copied().unwrap_or(f64::NAN)
        };
        (at(|s| s.0), at(|s| s.1))
    }
}

const STAGES: [&str; 10] = [
    "digest",
    "pool",
    "inflate_full",
    "inflate_creep",
    "guidance_observe",
    "guidance_propose",
    "filter_ingest",
    "filter_judge",
    "filter",
    "voxels_observe",
];
/// The whole filter among the stages: a picture taken in, and a command judged by it.
const FILTER: usize = 8;

/// Runs the benchmark and prints it.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let course = Course::new(Suite::Poisson25, Some(options.speed), None)?;
    let mut cycle = Samples::default();
    let mut stages: [Samples; STAGES.len()] = Default::default();
    let mut allocations = 0_u64;
    for seed in 1..=options.flights.max(1) {
        let world = course.world(seed);
        let mut setup = course.setup(&world);
        setup.rays = 640;
        let mut bench = Stages::new(&setup)?;
        let mut count = 0;
        flight::fly_with(&world, &setup, seed, |planner, now, stamp, image, body| {
            let before = peregrine_counting::all();
            let lap = Lap::start();
            let command = planner.on_depth(now, stamp, image);
            let took = lap.stop();
            let allocated = peregrine_counting::all() - before;
            count += 1;
            if count > WARM_UP {
                cycle.0.push(took);
                allocations += allocated;
                bench.run(image, body, world.goal, stamp, &mut stages);
            }
            command
        })
        .ok_or("the planner refuses these settings")?;
    }
    let court = court(options.flights)?;
    let cycles = cycle.0.len();
    let (p50, p99) = (cycle.quantile(0.5), cycle.quantile(0.99));
    let table: serde_json::Map<String, serde_json::Value> = STAGES
        .iter()
        .zip(&stages)
        .map(|(name, s)| {
            let (half, high) = (s.quantile(0.5), s.quantile(0.99));
            let row = json!({"p50_ms": round(half.0), "p99_ms": round(high.0), "p50_cycles": half.1.round()});
            ((*name).to_owned(), row)
        })
        .collect();
    let result = json!({
        "frame": "640x480 32FC1",
        "cycles": cycles,
        "cycle_p50_ms": round(p50.0),
        "cycle_p90_ms": round(cycle.quantile(0.9).0),
        "cycle_p99_ms": round(p99.0),
        "cycle_p50_cycles": p50.1.round(),
        "court_p50_ms": round(court.quantile(0.5).0),
        "court_p99_ms": round(court.quantile(0.99).0),
        "filter_p50_ms": round(stages[FILTER].quantile(0.5).0),
        "filter_p99_ms": round(stages[FILTER].quantile(0.99).0),
        "allocations_per_cycle": allocations as f64 / cycles.max(1) as f64,
        "stages": table,
    });
    if options.json {
        println!("{result:#}");
    } else {
        println!("depth 640x480 to command, {cycles} cycles: p50 {:.3} ms, p99 {:.3} ms", p50.0, p99.0);
        for (name, s) in STAGES.iter().zip(&stages) {
            let (half, high) = (s.quantile(0.5), s.quantile(0.99));
            println!("  {name:<18} p50 {:.4} ms  p99 {:.4} ms  {:>9.0} cycles", half.0, high.0, half.1);
        }
        let (half, high) = (court.quantile(0.5), court.quantile(0.99));
        println!("in a court left over its hedge: p50 {:.3} ms, p99 {:.3} ms", half.0, high.0);
        println!("allocations per cycle: {}", allocations as f64 / cycles.max(1) as f64);
    }
    Ok(())
}

/// Cycles of flights out of a court over its hedge: near walls, and ways looked for in three dimensions.
fn court(flights: u64) -> Result<Samples, Box<dyn Error>> {
    let course = Course::new(Suite::Dense, Some(3.0), None)?;
    let world = Court::Hedge.world();
    let mut cycle = Samples::default();
    for seed in 1..=flights.clamp(1, 3) {
        let mut setup = course.setup(&world);
        setup.rays = 640;
        let mut count = 0;
        flight::fly_with(&world, &setup, seed, |planner, now, stamp, image, _| {
            let lap = Lap::start();
            let command = planner.on_depth(now, stamp, image);
            count += 1;
            if count > WARM_UP {
                cycle.0.push(lap.stop());
            }
            command
        })
        .ok_or("the planner refuses these settings")?;
    }
    Ok(cycle)
}

fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// The parts of a cycle, each with buffers of its own.
struct Stages {
    lattice: Lattice,
    tables: [StampTable; 2],
    pooled: Pooled,
    views: [RangeView; 2],
    guidance: Guidance,
    voxels: Voxels,
    depth_error: f32,
    far: f64,
    mount: peregrine_avoidance::algo::geometry::Pose,
    min_valid: f64,
    shell: Shell,
    filter: Filter,
    camera: Pinhole,
    count: u32,
}

impl Stages {
    fn new(setup: &flight::Setup) -> Result<Self, Box<dyn Error>> {
        let c = &setup.config;
        let camera =
            peregrine_suites::camera::Camera::new(setup.rays, setup.far as f32).ok_or("no such camera")?;
        let k = camera.intrinsics;
        let lattice = Lattice::new(k, c.view_columns);
        Ok(Self {
            tables: c.grown_radii().map(|r| StampTable::new(&lattice, r, c.depth_error, c.max_range)),
            lattice,
            pooled: Pooled::default(),
            views: Default::default(),
            guidance: Guidance::new(c.guidance_cell, c.body_radius, c.grown_radius()),
            voxels: Voxels::new(),
            depth_error: c.depth_error as f32,
            far: c.max_range,
            mount: c.camera_in_body,
            min_valid: c.min_valid_fraction,
            shell: Shell::new(2.0),
            filter: Filter {
                limits: Limits {
                    radius: c.body_radius + 0.05,
                    deceleration: c.brake_deceleration,
                    reaction: c.velocity_lag,
                    near: 0.3,
                    max_speed: 15.0,
                    blind_speed: 15.0,
                    fence: ([-1e3; 3], [1e3; 3]),
                    fresh: 0.1,
                    stale: 0.3,
                },
            },
            camera: Pinhole { k: [k.fx, k.fy, k.cx, k.cy], size: (k.width, k.height) },
            count: 0,
        })
    }

    fn run(
        &mut self,
        image: &peregrine_avoidance::algo::depth::DepthImage<'_>,
        body: &peregrine_avoidance::algo::geometry::Pose,
        goal: Vec3,
        stamp: i64,
        out: &mut [Samples; STAGES.len()],
    ) {
        let mut timed = |stage: usize, work: &mut dyn FnMut()| {
            let lap = Lap::start();
            work();
            out[stage].0.push(lap.stop());
        };
        let eye = body.then(&self.mount);
        timed(0, &mut || {
            std::hint::black_box(image.digest());
        });
        timed(1, &mut || self.pooled.fill(image, &self.lattice, self.min_valid));
        timed(2, &mut || self.views[0].fill(&self.pooled, &self.lattice, &self.tables[0], &[]));
        timed(3, &mut || {
            self.views[1].fill(&self.pooled, &self.lattice, &self.tables[1], &[]);
            self.views[1].keep_depths(&self.pooled, self.depth_error);
        });
        timed(4, &mut || self.guidance.observe(&self.pooled, &self.lattice, &eye, body.position, self.far));
        self.count += 1;
        if self.count.is_multiple_of(5) {
            timed(5, &mut || {
                std::hint::black_box(self.guidance.propose(body.position, goal));
            });
        }
        timed(9, &mut || self.voxels.observe(&self.pooled, &self.lattice, &eye, body.position, self.far));
        let turn = Turn(eye.rotation.rows());
        let p = eye.position;
        let depth = Depth { size: self.camera.size, step: image.step, metres: true, bytes: image.bytes };
        timed(6, &mut || {
            let eye = [p.x, p.y, p.z];
            ingest::depth(&mut self.shell, &depth, &self.camera, eye, &turn, self.far);
            self.shell.end(stamp, eye, ingest::shows(&depth, &self.camera, eye, &turn));
        });
        let ages = Ages {
            command: Some(0.0),
            sensors: Some(0.0),
            odometry: Some(0.0),
            battery_speed: f64::INFINITY,
            blocked: false,
        };
        let at = [body.position.x, body.position.y, body.position.z];
        timed(7, &mut || {
            std::hint::black_box(self.filter.judge([5.0, 0.5, 0.0], at, &self.shell, &ages, stamp));
        });
        if let (Some(taken), Some(judged)) = (out[6].0.last(), out[7].0.last()) {
            let whole = (taken.0 + judged.0, taken.1 + judged.1);
            out[FILTER].0.push(whole);
        }
    }
}
