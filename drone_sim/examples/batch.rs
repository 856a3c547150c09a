//! Flies many seeds without cameras and writes a row for each; started again, it goes on where it stopped.
//!
//! `cargo run --release -p peregrine-sim --example batch -- 1..1000 flights.csv [WORLD] [hover|straight|slide]`

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use peregrine_sim::SimError;
use peregrine_sim::batch::{BatchSpec, Rows, Truthful, run, seeds};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [range, out, rest @ ..] = words.as_slice() else {
        return Err("usage: batch SEEDS OUT.csv [WORLD] [hover|straight|slide]".into());
    };
    let mut spec = BatchSpec::default();
    if let Some(world) = rest.first() {
        spec.world.clone_from(world);
    }
    if let Some(name) = rest.get(1) {
        spec.pilot = Truthful::by_name(name).ok_or("pilots are hover, straight and slide")?;
    }
    let all = seeds(range)?;
    let mut rows = Rows::open(Path::new(out), &spec, &all)?;
    let left = &all[rows.done()..];
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (start, mut flown, mut simulated) = (Instant::now(), 0, 0.0);
    let bar = std::io::stderr().is_terminal();
    run::<SimError>(&spec, left, threads, &AtomicBool::new(false), |row| {
        rows.add(&row)?;
        flown += 1;
        simulated += row.seconds;
        if bar {
            let done = all.len() - left.len() + flown;
            let cells = done * 40 / all.len();
            let factor = simulated / start.elapsed().as_secs_f64();
            eprint!("\r[{:40}] {done}/{} {factor:.0}x real time ", "#".repeat(cells), all.len());
            let _ = std::io::stderr().flush();
        }
        Ok(())
    })?;
    let wall = start.elapsed().as_secs_f64();
    eprintln!(
        "\n{flown} flights, {simulated:.0} s simulated in {wall:.1} s: {:.0}x real time",
        simulated / wall.max(1e-9)
    );
    Ok(())
}
