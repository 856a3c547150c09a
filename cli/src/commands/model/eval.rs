//! `model eval`: average precision on labelled photos.

use std::io::{IsTerminal, Write};

use peregrine_models::Detector;
use peregrine_models::eval::{Dataset, Evaluation, SCORE_THRESHOLD, evaluate};
use serde_json::{Value, json};

use super::args::Eval;
use super::{load, share};
use crate::error::Result;

pub fn run(args: &Eval) -> Result {
    let mut detector = load(&args.load, Some(SCORE_THRESHOLD))?;
    eprintln!("{}", detector.backend_report());
    let data = Dataset::read(&args.data, detector.labels())?;
    let data = args.limit.map_or(data.clone(), |limit| data.thinned(limit));
    let evaluation = evaluate(&mut detector, &data, &mut progress)?;
    if args.json {
        println!("{:#}", as_json(&detector, &data, &evaluation));
    } else {
        print(&detector, &data, &evaluation);
    }
    Ok(())
}

/// A line that counts, on terminals alone.
pub(super) fn progress(done: usize, all: usize) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        let end = if done == all { "\n" } else { "" };
        let _ = write!(err, "\r{done} of {all}{end}");
        let _ = err.flush();
    }
}

fn as_json(detector: &Detector, data: &Dataset, evaluation: &Evaluation) -> Value {
    let s = &evaluation.scores;
    let classes: Vec<_> = s
        .classes
        .iter()
        .map(|c| json!({"label": &*detector.labels()[c.class], "truths": c.truths, "ap": c.ap, "ap50": c.ap50}))
        .collect();
    json!({"model": detector.manifest().name, "engine": detector.backend_report(), "data": data.name,
        "photos": data.items.len(), "ap": s.ap, "ap50": s.ap50, "ap75": s.ap75,
        "small": s.small, "medium": s.medium, "large": s.large,
        "inference_ms_p50": evaluation.median_inference_ms(), "classes": classes})
}

fn print(detector: &Detector, data: &Dataset, evaluation: &Evaluation) {
    let s = &evaluation.scores;
    println!("{} on {} photos of {}", detector.manifest().name, data.items.len(), data.name);
    println!("AP {}   AP50 {}   AP75 {}", share(s.ap), share(s.ap50), share(s.ap75));
    println!("small {}   medium {}   large {}", share(s.small), share(s.medium), share(s.large));
    println!("inference {:.1} ms (median)\n", evaluation.median_inference_ms());
    println!("{:<18}{:>7}{:>8}{:>8}", "class", "truths", "AP", "AP50");
    for c in &s.classes {
        println!("{:<18}{:>7}{:>8.3}{:>8.3}", &*detector.labels()[c.class], c.truths, c.ap, c.ap50);
    }
}
