//! What a frame's way from one node to the next costs, ours beside the peers'.
//!
//! Every round measures each subject once, in turn, so that a busy moment of the machine hits all of them. The publisher
//! writes `CLOCK_MONOTONIC` into the payload just before it publishes; the reader reads the clock first of all. Each
//! subject runs in processes of its own, children of this program. A figure is the median over the rounds of each round's
//! median; ratios are taken within each round.

mod child;
pub(crate) mod clock;
mod copper;
mod drive;
pub(crate) mod job;
mod kills;
mod peers;
pub(crate) mod python;
mod ratios;
mod record;
pub(crate) mod results;
pub(crate) mod spawn;
mod stamp;
mod subjects;
mod table;

use std::error::Error;

use serde_json::json;

use job::{CAMERA_HZ, Job, Size};
use ratios::{FAN_OUT, WARM_HZ};
use results::{Cell, Row};

/// Options of `frames`.
#[derive(clap::Args)]
pub struct Options {
    /// Print JSON only.
    #[arg(long)]
    json: bool,
    /// Rounds; the result is their median.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Length of one measurement at 30 Hz, s.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Only what the ratios need, and shorter.
    #[arg(long)]
    quick: bool,
    /// Measure dora and rclpy on Fast DDS too; installs their wheels into .venv/bench.
    #[arg(long)]
    with_python: bool,
    /// Measure copper-rs too; builds bench/copper (Rust 1.95 or newer, about a hundred crates).
    #[arg(long)]
    with_copper: bool,
    /// Measure only subjects whose name contains this.
    #[arg(long)]
    only: Option<String>,
}

/// A child of the benchmark; started by the benchmark itself.
#[derive(clap::Args)]
pub struct ChildOptions {
    part: String,
    job: String,
}

/// Plays a child's part.
pub fn run_child(options: &ChildOptions) -> Result<(), Box<dyn Error>> {
    child::run(serde_json::from_str(&options.part)?, &serde_json::from_str(&options.job)?)
}

fn plan(options: &Options) -> Vec<Cell> {
    let mut cells = Vec::new();
    for hz in [Some(CAMERA_HZ), None] {
        for size in [Size::VGA, Size::FULL_HD, Size::UHD] {
            cells.extend(subjects::across().map(|s| Cell { subject: s.name, size, hz, readers: 1 }));
            if options.with_python && hz.is_some() {
                cells.extend(subjects::pythons().map(|s| Cell { subject: s.name, size, hz, readers: 1 }));
            }
        }
        let size = Size::FULL_HD;
        if hz.is_some() {
            cells.extend(subjects::across().map(|s| Cell { subject: s.name, size, hz, readers: FAN_OUT }));
        }
        cells.extend(subjects::threads().map(|s| Cell { subject: s.name, size, hz, readers: 1 }));
    }
    // At the camera's rate all caches are cold, at 1 kHz they are warmer; one frame after the other, they are hot.
    for hz in [Some(CAMERA_HZ), Some(WARM_HZ), None] {
        let size = Size::FULL_HD;
        let fused = subjects::fused(options.with_copper);
        cells.extend(fused.map(|subject| Cell { subject, size, hz, readers: 1 }));
    }
    cells.retain(|cell| {
        let fused = subjects::fused(true).any(|subject| subject == cell.subject);
        let asked = options.only.as_deref().is_none_or(|only| cell.subject.contains(only));
        asked && (fused || !options.quick || ratios::needs(cell.subject, cell.size, cell.hz, cell.readers))
    });
    cells
}

/// Runs the benchmark and prints it.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.rounds == 0 || !(0.1..=60.0).contains(&options.seconds) {
        return Err("--rounds must be at least 1, --seconds between 0.1 and 60".into());
    }
    if options.with_python {
        python::install()?;
    }
    if options.with_copper {
        copper::build()?;
    }
    let folder = tempfile::tempdir()?;
    let seconds = if options.quick { options.seconds.min(1.0) } else { options.seconds };
    let mut rows: Vec<Row> = plan(options).into_iter().map(|cell| Row { cell, rounds: Vec::new() }).collect();
    let load_before = load();
    for round in 0..options.rounds {
        for (index, row) in rows.iter_mut().enumerate() {
            // A peer that failed once is not waited for again.
            if round > 0 && row.rounds.is_empty() {
                continue;
            }
            let cell = &row.cell;
            if !options.json {
                eprint!("\r\x1b[Kround {} of {}: {}", round + 1, options.rounds, cell.subject);
            }
            let folder = folder.path().join(format!("{round}-{index}"));
            std::fs::create_dir(&folder)?;
            let seconds = match cell.hz {
                Some(CAMERA_HZ) => seconds,
                _ => (seconds / 4.0).clamp(0.2, 1.0),
            };
            let job = Job {
                subject: cell.subject.into(),
                size: cell.size,
                hz: cell.hz,
                seconds,
                readers: cell.readers,
                topic: format!("bench/frames/{}/{round}/{index}", std::process::id()),
                folder,
            };
            match spawn::measure(&job) {
                Ok(measured) => row.rounds.push(measured),
                // Wheels and middleware of others can fail in ways that are theirs: that ends no run of ours.
                Err(error) if subjects::is_guest(cell.subject) => {
                    eprintln!("\nnot measured: {} at {}: {error}", cell.subject, cell.size.label());
                }
                Err(error) => return Err(error),
            }
        }
    }
    if !options.json {
        eprint!("\r\x1b[K");
    }
    rows.retain(|row| !row.rounds.is_empty());
    let left_out: Vec<_> = subjects::left_out(options.with_python, options.with_copper).collect();
    let survived = if options.only.is_none() { Some(kills::run(folder.path())?) } else { None };
    let ratios = ratios::all(&rows, survived.as_ref());
    if options.json {
        let result = json!({
            "rounds": options.rounds, "seconds": seconds, "load_before": load_before, "load_after": load(),
            "rows": table::json(&rows), "kills": survived, "ratios": ratios,
            "left_out": left_out.iter().map(|(subject, _)| subject).collect::<Vec<_>>(),
        });
        println!("{}", serde_json::to_string_pretty(&result)?);
        return Ok(());
    }
    println!("{} rounds of {seconds} s; load {load_before} before, {} after", options.rounds, load());
    table::print(&rows);
    if let Some(s) = survived {
        println!(
            "\n{} readers killed that held frames, {} frames published meanwhile: {} failed loans, {} more afterwards",
            s.kills, s.published, s.failed_meanwhile, s.failed_afterwards
        );
    }
    for (subject, switch) in left_out {
        println!("not measured: {subject} ({switch})");
    }
    println!();
    for (name, value) in ratios {
        println!(
            "{name}: {}",
            value.as_f64().map_or("not measured".to_owned(), |ratio| format!("{ratio:.3}"))
        );
    }
    Ok(())
}

/// How busy the machine is: the load averages over 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
