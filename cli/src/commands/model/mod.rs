//! `peregrine model ...`: look at, measure, shrink, sign and explain detection models.

pub mod args;
mod bench;
mod eval;
mod explain;
mod keys;
mod push;
mod quantize;
mod show;

use peregrine_models::{Detector, LoadOptions, ModelSource, Trust};

use crate::error::Result;

pub fn run(command: &args::Model) -> Result {
    use args::Model;
    match command {
        Model::List { json } => show::list(*json),
        Model::Show { model } => show::show(model),
        Model::Verify(args) => show::verify(args),
        Model::Eval(args) => eval::run(args),
        Model::Bench(args) => bench::run(args),
        Model::Explain(args) => explain::run(args),
        Model::Quantize(args) => quantize::run(args),
        Model::Sign { manifest, key } => keys::sign(manifest, key),
        Model::Push(args) => push::run(args),
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

/// A share with three digits, or a dash.
fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}
