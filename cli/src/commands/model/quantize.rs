//! `model quantize`: an int8 network, or none.

use std::path::Path;

use peregrine_models::eval::Dataset;
use peregrine_models::quantize::{Measurement, Method, Options, Outcome, Validation, quantize};
use peregrine_models::{BackendName, Detector, LoadOptions, Model, ModelSource, Trust};
use serde_json::json;

use super::args::Quantize;
use super::share;
use crate::commands::setup;
use crate::error::{Error, Result};

pub fn run(args: &Quantize) -> Result {
    let source = ModelSource::parse(&args.model);
    let model = Model::read(&source, BackendName::Ort)?;
    let val = Dataset::read(&args.val, &model.labels)?;
    let calibration = Dataset::photos(&args.calib)?;
    let sets = match &args.held_out {
        Some(folder) => Validation { search: val, held_out: Dataset::read(folder, &model.labels)? },
        None => Validation::split(&val)?,
    };
    // Asked here, for the search takes minutes.
    if sets.truths() == 0 {
        let (model, photos) = (model.manifest.name.clone(), sets.held_out.items.len());
        return Err(peregrine_models::Error::NothingToLose {
            model,
            photos,
            before: 0.0,
            allowed: args.max_drop,
        }
        .into());
    }
    // Nothing else is needed besides this program.
    if !args.no_install {
        setup::provide()?;
    }
    let options = Options {
        calibration,
        method: args.method.as_ref().and_then(|name| Method::ALL.into_iter().find(|m| m.as_str() == name)),
        calibration_photos: args.calib_photos,
        sensitivity_photos: args.sensitivity_photos.into(),
        search_photos: args.search_photos,
        max_drop: args.max_drop,
        seven_bits: args.seven_bits,
        threads: args.threads,
        ..Options::default()
    };
    let outcome = quantize(&source, &sets, &options, &mut |line| eprintln!("{line}"))?;
    let verdict = outcome.judge();
    if args.json {
        println!("{:#}", as_json(&outcome, verdict.is_ok()));
    } else {
        print(&outcome, &model.labels);
    }
    verdict?;
    write(&args.out, &outcome)?;
    // The licence's notices travel with the weights.
    if let ModelSource::Path(path) = &source {
        copy_notices(path.parent().unwrap_or(Path::new("")), &args.out, &outcome.manifest.licence.notices)?;
    }
    Ok(())
}

/// In the model's own folder they are where they belong already.
fn copy_notices(from: &Path, to: &Path, notices: &[String]) -> Result {
    for notice in notices {
        let (source, target) = (from.join(notice), to.join(notice));
        let here = source.canonicalize().ok();
        if !source.is_file() || here == target.canonicalize().ok() {
            continue;
        }
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        }
        // Read whole first: a copy empties its target before it reads, and a link may lead back to the source.
        let text = std::fs::read(&source).map_err(Error::file("read", &source))?;
        std::fs::write(&target, text).map_err(Error::file("write", &target))?;
    }
    Ok(())
}

/// The network, then its manifest with golden values: a manifest is never there without what it names.
fn write(folder: &Path, outcome: &Outcome) -> Result {
    std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    let weights = folder.join(&outcome.manifest.file);
    let manifest = folder.join(format!("{}.toml", outcome.manifest.name));
    std::fs::write(&weights, &outcome.weights).map_err(Error::file("write", &weights))?;
    let mut finished = outcome.manifest.clone();
    std::fs::write(&manifest, finished.to_toml()?).map_err(Error::file("write", &manifest))?;
    let options = LoadOptions {
        backend: peregrine_models::BackendChoice::Ort,
        trust: Trust::AllowUnsigned,
        ..LoadOptions::new(ModelSource::Path(manifest.clone()))
    };
    finished.golden = Some(Detector::load(&options)?.golden()?);
    std::fs::write(&manifest, finished.to_toml()?).map_err(Error::file("write", &manifest))?;
    eprintln!("wrote {} and {}", weights.display(), manifest.display());
    Ok(())
}

fn print(outcome: &Outcome, labels: &[std::sync::Arc<str>]) {
    let (a, b) = (&outcome.before, &outcome.after);
    println!("\n{:<20}{:>10}{:>10}{:>10}", format!("{} held out", outcome.photos), "fp32", "int8", "change");
    let row = |name: &str, a: Option<f64>, b: Option<f64>| {
        let change = a.zip(b).map_or("-".to_owned(), |(a, b)| format!("{:+.3}", b - a));
        println!("{name:<20}{:>10}{:>10}{change:>10}", share(a), share(b));
    };
    row("AP", a.scores.ap, b.scores.ap);
    row("AP50", a.scores.ap50, b.scores.ap50);
    row("AP75", a.scores.ap75, b.scores.ap75);
    row("AP small", a.scores.small, b.scores.small);
    row("AP medium", a.scores.medium, b.scores.medium);
    row("AP large", a.scores.large, b.scores.large);
    let ratio = |name: &str, a: f64, b: f64, unit: &str| {
        println!("{name:<20}{a:>10.2}{b:>10.2}{:>10}  {unit}", format!("{:.2}x", a / b));
    };
    ratio("inference", a.latency_ms, b.latency_ms, "ms, median on this machine");
    ratio("size", a.bytes as f64 / 1e6, b.bytes as f64 / 1e6, "MB");
    if let Some(interval) = outcome.interval {
        println!(
            "{:<20}{:>30.4}  AP; by other photos of this kind {:.4} to {:.4} (90 % of {} true boxes drawn anew)",
            "loss",
            outcome.drop(),
            interval.low,
            interval.high,
            interval.truths
        );
    }
    if let Some(doubt) = outcome.doubt() {
        println!("WARNING: {doubt}");
    }
    if outcome.judged > 1 {
        println!(
            "candidate {} is the first that holds on these photos: its loss is a little more than they say",
            outcome.judged
        );
    }
    let twins = &outcome.agreement;
    println!(
        "{:<20}{:>30.1}  % of {} boxes are found by both; mean IoU of the twins {:.3}, of scores {:.3} apart",
        "agreement",
        100.0 * twins.share,
        twins.boxes,
        twins.iou,
        twins.score_gap
    );
    println!(
        "calibration by {}; {} of {} layers stay in fp32:",
        outcome.method.as_str(),
        outcome.kept.len(),
        outcome.layers
    );
    for name in &outcome.kept {
        println!("  {name}");
    }
    println!("\n{:<20}{:>10}{:>10}{:>10}{:>10}", "class", "truths", "fp32", "int8", "change");
    for c in &a.scores.classes {
        let other = b.scores.classes.iter().find(|o| o.class == c.class).map_or(0.0, |o| o.ap);
        let label = labels.get(c.class).map_or("?", |label| &**label);
        println!("{label:<20}{:>10}{:>10.3}{other:>10.3}{:>+10.3}", c.truths, c.ap, other - c.ap);
    }
}

fn as_json(outcome: &Outcome, accepted: bool) -> serde_json::Value {
    let side = |m: &Measurement| {
        let class = |c: &peregrine_models::eval::ClassScore| json!({"class": c.class, "truths": c.truths, "ap": c.ap});
        let classes: Vec<_> = m.scores.classes.iter().map(class).collect();
        json!({"classes": classes, "ap": m.scores.ap, "ap50": m.scores.ap50, "ap75": m.scores.ap75,
        "small": m.scores.small, "medium": m.scores.medium, "large": m.scores.large,
        "latency_ms": m.latency_ms, "bytes": m.bytes})
    };
    let candidates: Vec<_> = outcome
        .candidates
        .iter()
        .map(|c| json!({"fp32_layers": c.kept, "ap": c.ap, "latency_ms": c.latency_ms}))
        .collect();
    let sensitivity: Vec<_> =
        outcome.sensitivity.iter().map(|(name, loss)| json!({"layer": name, "loss": loss})).collect();
    json!({"model": outcome.manifest.name, "accepted": accepted, "photos": outcome.photos,
        "judged": outcome.judged, "truths": outcome.interval.map(|i| i.truths),
        "drop_low": outcome.interval.map(|i| i.low), "drop_high": outcome.interval.map(|i| i.high), "doubt": outcome.doubt(),
        "before": side(&outcome.before), "after": side(&outcome.after), "drop": outcome.drop(),
        "max_drop": outcome.max_drop, "speedup": outcome.speedup(), "agreement": outcome.agreement.share, "agreement_boxes": outcome.agreement.boxes,
        "agreement_iou": outcome.agreement.iou, "agreement_score_gap": outcome.agreement.score_gap,
        "method": outcome.method.as_str(), "layers": outcome.layers, "kept": outcome.kept,
        "candidates": candidates, "sensitivity": sensitivity})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_copied_and_those_of_the_same_folder_keep_their_text() {
        let folder = tempfile::tempdir().unwrap();
        let (own, other) = (folder.path().join("own"), folder.path().join("other"));
        std::fs::create_dir_all(own.join("LICENSES")).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        std::fs::write(own.join("LICENSES/MIT.txt"), "as is").unwrap();
        let notices = ["LICENSES/MIT.txt".to_owned(), "gone.txt".to_owned()];
        let read = |folder: &Path| std::fs::read_to_string(folder.join("LICENSES/MIT.txt")).unwrap();
        copy_notices(&own, &folder.path().join("other/../own"), &notices).unwrap();
        assert_eq!(read(&own), "as is");
        copy_notices(&own, &other, &notices).unwrap();
        assert_eq!((read(&own), read(&other)), ("as is".into(), "as is".into()));
        // A hard link is the same file under a name of its own.
        let linked = folder.path().join("linked/LICENSES");
        std::fs::create_dir_all(&linked).unwrap();
        std::fs::hard_link(own.join("LICENSES/MIT.txt"), linked.join("MIT.txt")).unwrap();
        copy_notices(&own, &folder.path().join("linked"), &notices).unwrap();
        assert_eq!(read(&own), "as is");
    }
}
