//! `model bench`: the time per image, per provider and number of threads.

use std::time::Instant;

use peregrine_models::backend::available_providers;
use peregrine_models::manifest::Budget;
use peregrine_models::watch::memory_mb;
use peregrine_models::{Detector, ImageRef, LoadOptions, ModelSource, PixelFormat, Trust};
use serde_json::json;

use super::args::Bench;
use crate::error::{Error, Result};

/// Before these rounds count, caches and clocks settle.
const WARM_UP: usize = 5;

struct Row {
    provider: String,
    threads: usize,
    /// Whole image, and inference alone: p50, p99, milliseconds.
    whole: (f64, f64),
    inference: (f64, f64),
    report: String,
    /// Memory of the process above what it was before anything was loaded, MiB. (Of the second row on it may hold what the ones before
    /// have left.)
    memory_mb: Option<f64>,
    budget: Option<Budget>,
}

impl Row {
    /// In what it is over its budget, in words; empty where it is not, or has none.
    fn over(&self) -> Vec<String> {
        let Some(budget) = &self.budget else { return Vec::new() };
        let over = |what: f64, most: f32, unit: &str| {
            (what > f64::from(most)).then(|| format!("over its budget of {most} {unit}"))
        };
        let memory = self.memory_mb.and_then(|mb| over(mb, budget.memory_mb, "MB"));
        over(self.whole.0, budget.latency_ms, "ms").into_iter().chain(memory).collect()
    }
}

pub fn run(args: &Bench) -> Result {
    if args.rounds == 0 {
        return Err(Error::Argument {
            what: "--rounds",
            value: "0".into(),
            why: "at least one image is needed".into(),
        });
    }
    let asked = !args.providers.is_empty();
    let providers: Vec<String> = match asked {
        true => args.providers.clone(),
        false => available_providers(None).into_iter().chain(["tract"]).map(str::to_owned).collect(),
    };
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let mut threads = if args.threads.is_empty() { vec![1, cpus] } else { args.threads.clone() };
    threads.dedup();
    let mut rows = Vec::new();
    let before = memory_mb();
    for provider in &providers {
        for threads in threads.iter().copied().filter(|t| provider != "tract" || *t == threads[0]) {
            match measure(args, provider, threads, before) {
                Ok(row) => rows.push(row),
                // One that was merely found may fail here; one that was asked for may not.
                Err(error) if !asked => eprintln!("not measured: {provider}: {error}"),
                Err(error) => return Err(error),
            }
        }
    }
    if args.json {
        let row = |r: &Row| {
            json!({"provider": r.provider, "threads": r.threads, "p50_ms": r.whole.0, "p99_ms": r.whole.1,
            "inference_p50_ms": r.inference.0, "inference_p99_ms": r.inference.1, "engine": r.report,
            "memory_mb": r.memory_mb, "budget_ms": r.budget.as_ref().map(|b| b.latency_ms),
            "budget_mb": r.budget.as_ref().map(|b| b.memory_mb), "over": r.over()})
        };
        println!(
            "{:#}",
            json!({"frame": "1280x720 rgb8", "rounds": args.rounds,
            "rows": rows.iter().map(row).collect::<Vec<_>>()})
        );
        return Ok(());
    }
    println!("{} of 1280x720 RGB, {} images each, milliseconds", args.model, args.rounds);
    println!(
        "{:<12}{:>8}{:>10}{:>10}{:>16}{:>16}{:>8}",
        "provider", "threads", "p50", "p99", "inference p50", "inference p99", "MB"
    );
    for r in &rows {
        let verdict: String = r.over().iter().map(|over| format!("   {over}")).collect();
        let memory = r.memory_mb.map_or_else(|| "-".to_owned(), |mb| format!("{mb:.0}"));
        println!(
            "{:<12}{:>8}{:>10.2}{:>10.2}{:>16.2}{:>16.2}{memory:>8}{verdict}",
            r.provider, r.threads, r.whole.0, r.whole.1, r.inference.0, r.inference.1
        );
    }
    for r in &rows {
        eprintln!("{}: {}", r.provider, r.report);
    }
    Ok(())
}

fn measure(args: &Bench, provider: &str, threads: usize, before: Option<f64>) -> Result<Row> {
    let mut detector = Detector::load(&LoadOptions {
        provider: provider.to_owned(),
        threads,
        backend: if provider == "tract" {
            peregrine_models::BackendChoice::Tract
        } else {
            peregrine_models::BackendChoice::Ort
        },
        trust: Trust::AllowUnsigned,
        ..LoadOptions::new(ModelSource::parse(&args.model))
    })?;
    let frame: Vec<u8> =
        (0..1280 * 720 * 3_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 27) as u8 * 5).collect();
    let image = ImageRef::packed(&frame, 1280, 720, PixelFormat::Rgb8);
    let origin = Instant::now();
    let mut clock = || u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let (mut whole, mut inference) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + args.rounds {
        let (_, times) = detector.detect_timed(&image, &mut clock)?;
        if round >= WARM_UP {
            whole.push(times.preprocess_ns + times.inference_ns + times.postprocess_ns);
            inference.push(times.inference_ns);
        }
    }
    let budget = detector.manifest().budget.clone();
    Ok(Row {
        provider: provider.to_owned(),
        threads,
        whole: quantiles(whole),
        inference: quantiles(inference),
        report: detector.backend_report().to_owned(),
        memory_mb: memory_mb().zip(before).map(|(now, before)| now - before),
        budget,
    })
}

/// p50 and p99, milliseconds.
fn quantiles(mut nanoseconds: Vec<u64>) -> (f64, f64) {
    nanoseconds.sort_unstable();
    let at = |share: f64| {
        let index = ((nanoseconds.len() as f64 * share).ceil() as usize).clamp(1, nanoseconds.len()) - 1;
        nanoseconds[index] as f64 / 1e6
    };
    (at(0.5), at(0.99))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_its_budget_is_said_in_both_units() {
        let row = |ms: f64, mb: Option<f64>, budget: Option<Budget>| Row {
            provider: "cpu".into(),
            threads: 1,
            whole: (ms, ms),
            inference: (ms, ms),
            report: String::new(),
            memory_mb: mb,
            budget,
        };
        let budget = Some(Budget { latency_ms: 20.0, memory_mb: 100.0 });
        assert!(row(1e3, Some(1e3), None).over().is_empty());
        assert!(row(20.0, Some(100.0), budget.clone()).over().is_empty());
        assert!(row(1.0, None, budget.clone()).over().is_empty());
        assert_eq!(row(21.0, Some(1.0), budget.clone()).over(), ["over its budget of 20 ms"]);
        let both = row(21.0, Some(101.0), budget).over();
        assert_eq!(both, ["over its budget of 20 ms", "over its budget of 100 MB"]);
    }
}
