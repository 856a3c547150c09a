//! The simulator beside MuJoCo and PyBullet, on one scene of two hundred primitives: pictures, lidar, steps, batches.
//!
//! Every run asks each party in turn, so that a busy moment of the machine hits all of them; what is compared is CPU time
//! on one thread, the median over the runs, ratios being taken within each run.

mod peer;
mod python;
mod scene;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use peregrine_render::{Camera, Renderer, Targets};
use peregrine_sim::SimError;
use peregrine_sim::batch::{self, BatchSpec};
use peregrine_sim::flight::{Flight, Rules};
use peregrine_sim::physics::Vehicle;
use peregrine_sim::sensors::Lidar;
use serde_json::{Map, Value, json};

use peer::Peer;

/// Options of `sim`.
#[derive(clap::Args)]
pub struct Options {
    /// Print JSON only.
    #[arg(long)]
    json: bool,
    /// Runs; the result is their median.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Pictures per run.
    #[arg(long, default_value_t = 20)]
    frames: usize,
    /// Flights of the batch; 0 leaves it out.
    #[arg(long, default_value_t = 100)]
    flights: u64,
    /// Threads of the batch.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Object counts of the curve, e.g. 1000,10000,100000; none leaves it out.
    #[arg(long, value_delimiter = ',')]
    curve: Vec<u64>,
    /// Without the peers.
    #[arg(long)]
    alone: bool,
    /// A Python with mujoco and pybullet; else PEREGRINE_SIM_PYTHON, else one is made in .venv/bench-sim.
    #[arg(long)]
    python: Option<PathBuf>,
}

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
const OBJECTS: u64 = 200;
const STEPS: u64 = 4000;

/// What can go wrong here: peers, files, the simulator; told to a person.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// CPU time of all threads of this process, milliseconds: what renders on other threads counts too.
fn cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn camera() -> Outcome<Camera> {
    Ok(Camera::from_hfov(WIDTH, HEIGHT, 85.0_f64.to_radians())?)
}

struct Eyes {
    renderer: Renderer,
    rgb: Vec<u8>,
    depth: Vec<f32>,
}

impl Eyes {
    fn new(mut renderer: Renderer) -> Outcome<Self> {
        let mut settings = renderer.settings();
        settings.antialias = false;
        renderer.set_settings(settings)?;
        let n = (WIDTH * HEIGHT) as usize;
        Ok(Self { renderer, rgb: vec![0; n * 3], depth: vec![0.0; n] })
    }

    /// CPU milliseconds per picture of colour and depth, textures, light and shadow on.
    fn shoot(&mut self, stage: &scene::Stage, poses: &[scene::Pose]) -> Outcome<f64> {
        let (camera, start) = (camera()?, cpu_ms());
        for pose in poses {
            let targets = Targets { rgb: Some(&mut self.rgb), depth: Some(&mut self.depth), object: None };
            self.renderer.render(&stage.world.scene, &camera, pose, targets)?;
        }
        Ok((cpu_ms() - start) / poses.len() as f64)
    }
}

impl Eyes {
    /// Objects in a picture, in the mean.
    fn seen(&mut self, stage: &scene::Stage, poses: &[scene::Pose]) -> Outcome<f64> {
        let camera = camera()?;
        let mut objects = vec![0; (WIDTH * HEIGHT) as usize];
        let mut sum = 0;
        for pose in poses {
            let targets = Targets { object: Some(&mut objects), ..Targets::default() };
            self.renderer.render(&stage.world.scene, &camera, pose, targets)?;
            sum += objects.iter().filter(|o| **o != 0).collect::<BTreeSet<_>>().len();
        }
        Ok(sum as f64 / poses.len() as f64)
    }
}

fn scan(lidar: &mut Lidar, stage: &scene::Stage, poses: &[scene::Pose]) -> f64 {
    let start = cpu_ms();
    for (i, pose) in poses.iter().enumerate() {
        std::hint::black_box(lidar.scan(&stage.world.solids, pose, i as i64));
    }
    (cpu_ms() - start) / poses.len() as f64
}

/// One step of 1 ms: controller, motors, rigid body, contacts with all bodies.
fn step(stage: &scene::Stage) -> Outcome<f64> {
    let mut flight = Flight::new(Arc::clone(&stage.world), Vehicle::x500(), Rules::default())?;
    let start = cpu_ms();
    flight.advance(STEPS as i64 * 1_000_000)?;
    Ok((cpu_ms() - start) / STEPS as f64)
}

/// Runs the benchmark and prints it.
pub fn run(options: &Options) -> Outcome<()> {
    if options.runs == 0 || options.frames == 0 {
        return Err("--runs and --frames must be at least 1".into());
    }
    let stage = scene::Stage::new(OBJECTS)?;
    let (poses, scans) = (scene::poses(options.frames, true), scene::poses(options.frames, false));
    let spec = scene::lidar();
    let mut lidar = Lidar::new(&spec, 1, 1);
    let rays: Vec<[f64; 3]> = (0..lidar.readings().len()).map(|i| lidar.direction(i)).collect();
    let mut notes = Vec::new();
    let mut peers = Vec::new();
    for name in if options.alone { &[][..] } else { &["mujoco", "pybullet"] } {
        let started = python::interpreter(options.python.as_deref())
            .and_then(|python| Peer::start(name, &python, &stage, camera()?));
        match started {
            Ok(peer) => {
                notes.push(format!("{name} {}", peer.version));
                peers.push(peer);
            }
            Err(cause) => notes.push(format!("not measured: {name}: {cause}")),
        }
    }
    let mut eyes = Eyes::new(Renderer::new(1)?)?;
    let mut gpu = match Renderer::on_gpu() {
        Ok(renderer) => {
            notes.push(format!("wgpu on {}", renderer.device()));
            Some(Eyes::new(renderer)?)
        }
        Err(cause) => {
            notes.push(format!("not measured: wgpu: {cause}"));
            None
        }
    };
    let mut table: Map<String, Value> = Map::new();
    let mut note = |name: String, run: usize, value: f64| {
        // The first run warms caches, tables and shaders.
        if run > 0 {
            let list = table.entry(name).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(json!(value));
            }
        }
    };
    for run in 0..=options.runs {
        note("rgbd.ours".into(), run, eyes.shoot(&stage, &poses)?);
        if let Some(gpu) = &mut gpu {
            note("rgbd.wgpu".into(), run, gpu.shoot(&stage, &poses)?);
        }
        note("lidar.ours".into(), run, scan(&mut lidar, &stage, &scans));
        note("step.ours".into(), run, step(&stage)?);
        for peer in &mut peers {
            let asks = [
                ("rgbd", json!({"do": "rgbd", "poses": scene::as_json(&poses)})),
                (
                    "lidar",
                    json!({"do": "lidar", "poses": scene::as_json(&scans), "directions": rays, "reach": spec.max_range}),
                ),
                ("step", json!({"do": "step", "count": STEPS})),
            ];
            for (what, ask) in asks {
                if peer.name == "pybullet" && what == "lidar" {
                    continue;
                }
                match peer.ask(&ask) {
                    Ok(answer) => {
                        if let Some(ms) = answer["cpu_ms"].as_f64() {
                            note(format!("{what}.{}", peer.name), run, ms);
                        }
                        if what == "lidar" && run == 0 {
                            lidar.scan(&stage.world.solids, &scans[0], 0);
                            notes.push(agreement(&answer["ranges"], lidar.readings()));
                        }
                    }
                    Err(cause) if run == 0 => {
                        notes.push(format!("not measured: {what} of {}: {cause}", peer.name));
                    }
                    Err(_) => {}
                }
            }
        }
    }
    let batch = if options.flights > 0 { Some(fly(options)?) } else { None };
    let curve = curve(options, &mut eyes)?;
    print(options, &table, batch, curve, &notes)
}

/// How many rays of the first scan give the same range.
fn agreement(theirs: &Value, ours: &[f32]) -> String {
    let theirs: Vec<f64> = theirs.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    let same = theirs.iter().zip(ours).filter(|(t, o)| {
        if o.is_infinite() { **t < 0.0 || **t > 29.9 } else { (**t - f64::from(**o)).abs() < 1e-3 }
    });
    format!("lidar: {} of {} rays end within 1 mm of MuJoCo's", same.count(), ours.len())
}

fn fly(options: &Options) -> Outcome<Value> {
    let spec = BatchSpec::default();
    let seeds: Vec<u64> = (1..=options.flights).collect();
    let (start, cpu) = (Instant::now(), cpu_ms() / 1e3);
    let (mut seconds, mut reached) = (0.0, 0);
    batch::run::<SimError>(&spec, &seeds, options.threads, &AtomicBool::new(false), |row| {
        seconds += row.seconds;
        reached += u64::from(row.outcome == "reached");
        Ok(())
    })?;
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_ms() / 1e3 - cpu);
    Ok(json!({
        "flights": options.flights, "threads": options.threads, "reached": reached, "sim_seconds": seconds,
        "wall_seconds": wall, "cpu_seconds": cpu,
        "real_time_factor": seconds / wall, "sim_seconds_per_cpu_second": seconds / cpu.max(0.01),
    }))
}

/// What pictures and scans cost with more and more objects at one density, and how many are seen.
fn curve(options: &Options, eyes: &mut Eyes) -> Outcome<Vec<Value>> {
    let mut rows = Vec::new();
    for &count in &options.curve {
        let stage = scene::Stage::new(count)?;
        let (poses, scans) = (scene::poses(options.frames, true), scene::poses(options.frames, false));
        eyes.shoot(&stage, &poses)?;
        let mut lidar = Lidar::new(&scene::lidar(), 1, 1);
        scan(&mut lidar, &stage, &scans);
        let mut rgbd: Vec<f64> = Vec::new();
        for _ in 0..options.runs {
            rgbd.push(eyes.shoot(&stage, &poses)?);
        }
        let lidar: Vec<f64> = (0..options.runs).map(|_| scan(&mut lidar, &stage, &scans)).collect();
        rows.push(json!({
            "objects": count, "seen": eyes.seen(&stage, &poses)?,
            "rgbd_ms": median(&json!(rgbd)), "lidar_ms": median(&json!(lidar)),
        }));
    }
    Ok(rows)
}

fn median(values: &Value) -> Option<f64> {
    let mut values: Vec<f64> = values.as_array()?.iter().filter_map(Value::as_f64).collect();
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 {
        return None;
    }
    Some(if n % 2 == 1 { values[n / 2] } else { (values[n / 2 - 1] + values[n / 2]) / 2.0 })
}

/// The median over the runs of one party's time over another's.
fn ratio(table: &Map<String, Value>, a: &str, b: &str) -> Option<f64> {
    let (a, b) = (table.get(a)?.as_array()?, table.get(b)?.as_array()?);
    let each: Vec<Value> =
        a.iter().zip(b).filter_map(|(a, b)| Some(json!(a.as_f64()? / b.as_f64()?))).collect();
    median(&json!(each))
}

fn print(
    options: &Options,
    table: &Map<String, Value>,
    batch: Option<Value>,
    curve: Vec<Value>,
    notes: &[String],
) -> Outcome<()> {
    let ms: Map<String, Value> =
        table.iter().map(|(name, runs)| (name.clone(), json!(median(runs)))).collect();
    let factor = batch.as_ref().map(|b| b["real_time_factor"].clone());
    let result = json!({
        "scene": {"objects": OBJECTS, "image": format!("{WIDTH}x{HEIGHT}"), "lidar": "360x16"},
        "runs": options.runs,
        "notes": notes,
        "cpu_ms": ms,
        "batch": batch,
        "curve": curve,
        "ratios": {
            "rgbd_cpu_vs_mujoco": ratio(table, "rgbd.ours", "rgbd.mujoco"),
            "rgbd_cpu_vs_pybullet": ratio(table, "rgbd.ours", "rgbd.pybullet"),
            "rgbd_cpu_vs_wgpu": ratio(table, "rgbd.ours", "rgbd.wgpu"),
            "lidar_cpu_vs_mujoco": ratio(table, "lidar.ours", "lidar.mujoco"),
            "step_cpu_vs_mujoco": ratio(table, "step.ours", "step.mujoco"),
            "batch100_real_time_factor": factor,
        },
    });
    if options.json {
        println!("{}", serde_json::to_string_pretty(&result)?);
        return Ok(());
    }
    for line in notes {
        println!("{line}");
    }
    for (name, value) in &ms {
        println!("{name:<16}{:>12.4} ms of CPU", value.as_f64().unwrap_or(f64::NAN));
    }
    for key in ["batch", "curve", "ratios"] {
        println!("{key}: {}", result[key]);
    }
    Ok(())
}
