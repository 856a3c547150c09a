//! What the way from a 1080p frame to boxes costs on top of the bare ONNX Runtime call of the same model.
//!
//! Every round calls each subject once, in turn, so that a busy moment of the machine hits all of them. A run is the
//! median over its rounds; what is printed is the median over the runs, ratios being taken within each run.

mod frames;
mod node;
mod opencv;
mod subjects;

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};

use subjects::Subject;

/// Options of `detect`.
#[derive(clap::Args)]
pub struct Options {
    /// Print JSON only.
    #[arg(long)]
    json: bool,
    /// Runs; the result is their median.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Rounds per run.
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    /// Threads within one inference.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// A model to measure instead of the default one (name or path).
    #[arg(long, default_value = "nanodet_g")]
    model: String,
    /// The ONNX Runtime library; else searched for as the detector does.
    #[arg(long)]
    ort_library: Option<PathBuf>,
    /// A Python that has cv2 and numpy; else .venv/opencv, which `cargo xtask bench-python` makes.
    #[arg(long)]
    python: Option<PathBuf>,
    /// The CPU that everything runs on; else the last one. A core that has idled is slow for its first milliseconds, so
    /// that a subject which wakes another thread would pay for the machine's sleep and not for its own work.
    #[arg(long, conflicts_with = "spread")]
    cpu: Option<usize>,
    /// Run on all CPUs, as the system places the threads.
    #[arg(long)]
    spread: bool,
}

/// Nanoseconds since the first call.
pub(crate) fn now(origin: &Instant) -> u64 {
    u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Runs the benchmark and prints it.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.runs == 0 || options.rounds == 0 {
        return Err("--runs and --rounds must be at least 1".into());
    }
    let placed = place(options)?;
    let (mut subjects, mut report) = subjects::all(options)?;
    report.push(placed);
    let origin = Instant::now();
    let mut runs: Vec<Vec<[f64; 4]>> = Vec::new();
    for run in 0..=options.runs {
        let mut samples: Vec<Vec<[u64; 4]>> = vec![Vec::new(); subjects.len()];
        for _ in 0..options.rounds {
            for (subject, samples) in subjects.iter_mut().zip(&mut samples) {
                let start = now(&origin);
                let mut times = (subject.call)()?;
                if times[0] == 0 {
                    times[0] = now(&origin) - start;
                }
                samples.push(times);
            }
        }
        // The first run warms caches, tables and clocks.
        if run > 0 {
            runs.push(samples.into_iter().map(medians).collect());
        }
    }
    let index = |name: &str| subjects.iter().position(|subject| subject.name == name);
    let over_runs = |of: &dyn Fn(&[[f64; 4]]) -> f64| median(runs.iter().map(|run| of(run)).collect());
    let ratio = |a: &str, b: &str| -> Option<f64> {
        let (a, b) = (index(a)?, index(b)?);
        Some(over_runs(&|run| run[a][0] / run[b][0]))
    };
    let stage_ratio = |a: &str, stage: usize, b: &str| -> Option<f64> {
        let (a, b) = (index(a)?, index(b)?);
        Some(over_runs(&|run| run[a][stage] / run[b][0]))
    };
    let mut table = serde_json::Map::new();
    for (i, subject) in subjects.iter().enumerate() {
        table.insert(subject.name.to_owned(), row(subject, &|stage| over_runs(&|run| run[i][stage])));
    }
    let result = json!({
        "frame": "1920x1080",
        "runs": options.runs,
        "rounds": options.rounds,
        "threads": options.threads,
        "report": report,
        "ms": table,
        "ratios": {
            "node_vs_bare_ort": ratio("node", "bare_ort"),
            "node_nv12_vs_bare_ort": ratio("node_nv12", "bare_ort"),
            "node_one_lane_vs_bare_ort": ratio("node_one_lane", "bare_ort"),
            "woken_vs_bare_ort": ratio("bare_ort_woken", "bare_ort"),
            "detector_vs_bare_ort": ratio("detector_rgb", "bare_ort"),
            "int8_vs_fp32": ratio("bare_ort", "bare_ort_fp32"),
            "preprocess_vs_opencv": stage_ratio("detector_nv12", 1, "opencv_nv12"),
            "preprocess_rgb_vs_opencv": stage_ratio("detector_rgb", 1, "opencv_rgb"),
        },
    });
    if options.json {
        println!("{}", serde_json::to_string_pretty(&result)?);
    } else {
        print_table(&result, &report);
    }
    Ok(())
}

/// Pins this thread, and with it all that it will start, and says where.
fn place(options: &Options) -> Result<String, Box<dyn Error>> {
    if options.spread || options.threads > 1 {
        return Ok("threads on all CPUs".to_owned());
    }
    let allowed = rustix::thread::sched_getaffinity(None)?;
    let last = (0..rustix::thread::CpuSet::MAX_CPU).rev().find(|cpu| allowed.is_set(*cpu));
    let cpu = options.cpu.or(last).ok_or("this process may run on no CPU")?;
    if cpu >= rustix::thread::CpuSet::MAX_CPU || !allowed.is_set(cpu) {
        return Err(format!("--cpu {cpu}: this process may not run there").into());
    }
    let mut one = rustix::thread::CpuSet::new();
    one.set(cpu);
    rustix::thread::sched_setaffinity(None, &one)?;
    Ok(format!("everything on CPU {cpu} (--spread: all of them)"))
}

fn row(subject: &Subject, stage: &dyn Fn(usize) -> f64) -> Value {
    if subject.staged {
        json!({"whole": stage(0), "preprocess": stage(1), "inference": stage(2), "postprocess": stage(3)})
    } else {
        json!({"whole": stage(0)})
    }
}

/// Nanosecond samples to their median, in milliseconds, column by column.
fn medians(samples: Vec<[u64; 4]>) -> [f64; 4] {
    [0, 1, 2, 3].map(|column| median(samples.iter().map(|sample| sample[column] as f64 / 1e6).collect()))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

fn print_table(result: &Value, report: &[String]) {
    for line in report {
        println!("{line}");
    }
    println!(
        "{:<18}{:>10}{:>12}{:>12}{:>13}   (ms, medians)",
        "", "whole", "preprocess", "inference", "postprocess"
    );
    let cell = |value: &Value| value.as_f64().map_or("-".to_owned(), |ms| format!("{ms:.3}"));
    for (name, row) in result["ms"].as_object().into_iter().flatten() {
        let [whole, pre, infer, post] =
            ["whole", "preprocess", "inference", "postprocess"].map(|stage| cell(&row[stage]));
        println!("{name:<18}{whole:>10}{pre:>12}{infer:>12}{post:>13}");
    }
    for (name, value) in result["ratios"].as_object().into_iter().flatten() {
        println!("{name}: {}", value.as_f64().map_or(value.to_string(), |ratio| format!("{ratio:.3}")));
    }
}
