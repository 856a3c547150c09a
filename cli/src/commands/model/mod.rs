//! `peregrine model ...`: look at, measure, shrink, sign, explain and send detection models.

pub mod args;
mod bench;
mod eval;
mod explain;
mod hosts;
mod keys;
mod push;
mod quantize;
mod reference;
mod rollout;
mod show;

use std::path::Path;

use peregrine_models::manifest::with_section;
use peregrine_models::{Detector, LoadOptions, Manifest, ModelSource, Trust, trust};

use crate::error::{Error, Result};

pub fn run(command: &args::Model) -> Result {
    use args::Model;
    match command {
        Model::List { json, hosts: None } => show::list(*json),
        Model::List { json, hosts: Some(hosts) } => show::hosts(hosts, *json),
        Model::Show { model } => show::show(model),
        Model::Verify(args) => show::verify(args),
        Model::Eval(args) => eval::run(args),
        Model::Reference(args) => reference::run(args),
        Model::Bench(args) => bench::run(args),
        Model::Explain(args) => explain::run(args),
        Model::Quantize(args) => quantize::run(args),
        Model::Sign { manifest, key } => keys::sign(manifest, key),
        Model::Push(args) => push::run(args),
        Model::Pull(args) => push::pull(args),
        Model::Add(args) => push::add(args),
        Model::Rollout(args) => rollout::run(args),
        Model::Keys(command) => keys::run(command),
    }
}

/// These commands study a model, they fly nothing on it: a signature is not asked for.
fn load(args: &args::Load, score: Option<f32>) -> Result<Detector> {
    Ok(Detector::load(&LoadOptions {
        backend: args.backend.parse()?,
        provider: args.provider.clone(),
        threads: args.threads,
        score_threshold: score,
        trust: Trust::AllowUnsigned,
        ..LoadOptions::new(ModelSource::parse(&args.model))
    })?)
}

/// Writes `section` into the manifest at `path`, which otherwise stays as its author wrote it, and says so.
fn write_section(path: &Path, name: &str, section: &str) -> Result {
    let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
    let new = with_section(&text, name, section);
    Manifest::parse(&new, &path.display().to_string())?;
    std::fs::write(path, new).map_err(Error::file("write", path))?;
    println!("wrote [{name}] into {}", path.display());
    if trust::signature_path(path).is_file() {
        println!("its signature does not fit any more: sign it again with `peregrine model sign`");
    }
    Ok(())
}

/// A share with three digits, or a dash.
fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}
