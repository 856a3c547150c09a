//! `model reference`: what is to be expected in the field.

use peregrine_models::eval::{Dataset, reference};
use peregrine_models::manifest::Reference;
use peregrine_models::{Detector, ModelSource};
use serde_json::json;

use super::args;
use super::eval::progress;
use crate::error::{Error, Result};

pub fn run(args: &args::Reference) -> Result {
    let source = ModelSource::parse(&args.load.model);
    let toml = match &source {
        ModelSource::Path(path) if path.extension().is_some_and(|end| end == "toml") => Some(path),
        _ => None,
    };
    if args.write && toml.is_none() {
        return Err(Error::Argument {
            what: "model",
            value: args.load.model.clone(),
            why: "a reference is written into a manifest of your own: give its path (.toml)".into(),
        });
    }
    // With the score threshold of the manifest: what is below it is not published, and not watched.
    let mut detector = super::load(&args.load, None)?;
    eprintln!("{}", detector.backend_report());
    let photos = Dataset::photos(&args.data)?;
    let folder = || args.data.file_name().unwrap_or(args.data.as_os_str()).to_string_lossy().into_owned();
    let name = args.name.clone().unwrap_or_else(folder);
    let found = reference(&mut detector, &photos, &name, &mut progress)?;
    if args.json {
        println!("{:#}", json!({"model": detector.manifest().name, "reference": found}));
    } else {
        print(&detector, &found);
    }
    match (args.write, toml) {
        (true, Some(path)) => super::write_section(path, "reference", &found.to_section()),
        _ => Ok(()),
    }
}

fn print(detector: &Detector, found: &Reference) {
    println!(
        "{} on {} ({} images): {} detections from score {} on",
        detector.manifest().name,
        found.data,
        found.images,
        found.detections,
        detector.score_threshold()
    );
    let steps = |shares: &[f32]| shares.iter().map(|s| format!("{:>6.3}", s)).collect::<String>();
    println!("scores     {}", steps(&found.scores));
    println!("brightness {}", steps(&found.brightness));
    println!("sharpness  {}", steps(&found.sharpness));
    let mut classes: Vec<_> = found.classes.iter().zip(detector.labels()).collect();
    classes.sort_by(|a, b| b.0.total_cmp(a.0));
    let most = classes.iter().take_while(|(share, _)| **share > 0.0).take(10);
    let most: Vec<_> = most.map(|(share, label)| format!("{label} {share:.3}")).collect();
    println!("classes    {}", most.join(", "));
}
