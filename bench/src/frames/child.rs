//! A child of the benchmark: this same program, told by one line of JSON what to be.
//!
//! It says `ready` on a line, publishers wait for `go`, and the result is a line of JSON. A publisher goes on saying
//! that the window is over until its standard input is closed.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::job::{Job, Outcome, Part};
use super::record::Recorder;
use super::subjects::{self, Way};
use super::{drive, kills};

/// Plays its part and ends.
pub(super) fn run(part: Part, job: &Job) -> Outcome {
    let way = subjects::find(&job.subject).ok_or_else(|| format!("no subject {}", job.subject))?.way;
    match (part, way) {
        (Part::Publisher, Way::Across { publish, .. }) => {
            let mut sender = publish(job)?;
            say("ready")?;
            let closed = hear_go()?;
            tell(&drive::drive(job, &mut *sender)?)?;
            while !closed.load(Ordering::Relaxed) {
                drive::over(&mut *sender)?;
                std::thread::sleep(Duration::from_millis(10));
            }
            Ok(())
        }
        (Part::Reader, Way::Across { read, .. }) => {
            tell(&read(job, Recorder::new(), &|| say("ready"))?.finish())
        }
        (Part::Whole, Way::Within(run)) => {
            say("ready")?;
            tell(&run(job)?)
        }
        (Part::Holder, _) => kills::hold(job),
        (Part::Survivor, _) => kills::survive(job),
        _ => Err(format!("{part:?} is no part of {}", job.subject).into()),
    }
}

pub(super) fn say(line: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

pub(super) fn tell(result: &impl Serialize) -> Outcome {
    say(&serde_json::to_string(result)?)
}

/// Waits for `go`. What it returns turns true when standard input is closed.
pub(super) fn hear_go() -> Outcome<Arc<AtomicBool>> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if line.trim() != "go" {
        return Err("the parent is gone".into());
    }
    let closed = Arc::new(AtomicBool::new(false));
    let heard = closed.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().lock().read_line(&mut String::new());
        heard.store(true, Ordering::Relaxed);
    });
    Ok(closed)
}
