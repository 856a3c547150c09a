//! `peregrine sim dataset`: labelled pictures to train and test detectors with.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use peregrine_sim::batch::seeds;
use peregrine_sim::dataset::{CLASSES, DatasetSpec, write};
use serde_json::json;

use crate::error::Result;

#[derive(Debug, Args)]
pub struct SimDataset {
    /// Seeds: 1..100 (both included), 7, or 1,5,9. Test a network with others than it was trained with.
    #[arg(long, value_name = "SEEDS")]
    pub seeds: String,
    /// The folder that gets images/ and annotations.json (COCO's format).
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Pictures of each world.
    #[arg(long, default_value_t = 10)]
    pub per_seed: usize,
    /// The world: stage (all classes at random, in changing light), a built-in world or an SDF file.
    #[arg(long, default_value = "stage", value_name = "NAME|FILE.sdf")]
    pub world: String,
    /// Width, pixels.
    #[arg(long, default_value_t = 640)]
    pub width: u32,
    /// Height, pixels.
    #[arg(long, default_value_t = 480)]
    pub height: u32,
    /// Horizontal field of view, radians.
    #[arg(long, default_value_t = 1.2)]
    pub hfov: f64,
    /// Changes what people, vehicles and drones of the stage look like.
    #[arg(long, default_value_t = 0)]
    pub looks: u32,
    /// Quality of the JPEG files, 1 to 100.
    #[arg(long, default_value_t = 92)]
    pub quality: u8,
    /// Threads that draw; all cores when absent. The pictures do not depend on it.
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(super) fn dataset(args: &SimDataset) -> Result {
    let spec = DatasetSpec {
        world: args.world.clone(),
        seeds: seeds(&args.seeds)?,
        per_seed: args.per_seed,
        width: args.width,
        height: args.height,
        hfov: args.hfov,
        looks: args.looks,
        quality: args.quality,
        threads: args.threads,
    };
    let shown = !args.json && std::io::stderr().is_terminal();
    let summary = write(&spec, &args.out, |done, all| {
        if shown && (done % 10 == 0 || done == all) {
            let end = if done == all { "\n" } else { "" };
            eprint!("\r{done} of {all} pictures{end}");
            let _ = std::io::stderr().flush();
        }
    })?;
    let boxes: serde_json::Map<_, _> =
        CLASSES.iter().zip(summary.boxes).map(|(class, n)| ((*class).to_owned(), json!(n))).collect();
    if args.json {
        println!(
            "{:#}",
            json!({"out": args.out, "pictures": summary.pictures, "boxes": boxes, "ignored": summary.ignored})
        );
        return Ok(());
    }
    let counts: Vec<String> = CLASSES.iter().zip(summary.boxes).map(|(c, n)| format!("{n} {c}")).collect();
    println!(
        "{} pictures in {}\n  boxes    {}\n  ignored  {} (hidden, tiny or far)",
        summary.pictures,
        args.out.display(),
        counts.join(", "),
        summary.ignored
    );
    Ok(())
}
