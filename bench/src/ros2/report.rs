//! What came of all rounds, for people and as JSON.

use serde_json::{Value, json};

use super::ratios;
use super::subjects::Subject;
use crate::frames::job::{Outcome, Read};
use crate::frames::load;
use crate::frames::results::{median, quantile};

/// One measurement.
#[derive(Debug, Clone, Default)]
pub(super) struct Measured {
    pub published: u64,
    /// Of the one reader; empty if there is none.
    pub read: Read,
    /// Median of the publisher's thread for one picture, us; NaN if it is not known.
    pub thread_us: f64,
}

impl Measured {
    pub fn p50_us(&self) -> f64 {
        quantile(&self.read.latencies_ns, 0.5) / 1e3
    }
}

#[derive(Debug)]
pub(super) struct Row {
    pub name: &'static str,
    pub rounds: Vec<Measured>,
}

impl Row {
    pub fn p50_us(&self) -> f64 {
        median(self.rounds.iter().map(Measured::p50_us))
    }

    fn p99_us(&self) -> f64 {
        // A round is too short for a 99th percentile of its own.
        let all = self.rounds.iter().flat_map(|round| round.read.latencies_ns.iter().copied());
        let mut all: Vec<u64> = all.collect();
        all.sort_unstable();
        quantile(&all, 0.99) / 1e3
    }

    fn sum(&self, of: impl Fn(&Measured) -> u64) -> u64 {
        self.rounds.iter().map(of).sum()
    }

    fn lost(&self) -> u64 {
        self.sum(|round| round.published.saturating_sub(round.read.frames))
    }

    fn thread_us(&self) -> Vec<f64> {
        self.rounds.iter().map(|round| round.thread_us).collect()
    }

    fn json(&self) -> Value {
        let rounds: Vec<f64> = self.rounds.iter().map(Measured::p50_us).collect();
        json!({
            "subject": self.name, "p50_us": self.p50_us(), "p50_us_of_rounds": rounds, "p99_us": self.p99_us(),
            "published": self.sum(|round| round.published), "lost": self.lost(),
            "of_wrong_size": self.sum(|round| round.read.torn), "thread_us_of_rounds": self.thread_us(),
        })
    }
}

pub(super) struct Report {
    pub rows: Vec<Row>,
    /// Small messages beside pictures.
    pub small: Vec<Row>,
    seconds: f64,
    rounds: usize,
    load_before: String,
}

impl Report {
    pub fn new(rounds: usize, seconds: f64, subjects: &[Subject], small: &[(&'static str, &str)]) -> Self {
        let row = |name| Row { name, rounds: Vec::new() };
        Self {
            rows: subjects.iter().map(|subject| row(subject.name)).collect(),
            small: small.iter().map(|(name, _)| row(name)).collect(),
            seconds,
            rounds,
            load_before: load(),
        }
    }

    pub fn print(mut self, as_json: bool) -> Outcome {
        self.rows.retain(|row| !row.rounds.is_empty());
        let ratios = ratios::all(&self.rows);
        if as_json {
            let result = json!({
                "rounds": self.rounds, "seconds": self.seconds, "load_before": self.load_before, "load_after": load(),
                "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
                "small_messages": self.small.iter().map(Row::json).collect::<Vec<_>>(),
                "ratios": ratios,
            });
            println!("{}", serde_json::to_string_pretty(&result)?);
            return Ok(());
        }
        eprint!("\r\x1b[K");
        println!(
            "{} rounds of {} s; load {} before, {} after",
            self.rounds,
            self.seconds,
            self.load_before,
            load()
        );
        println!("\n1080p RGB at 30 Hz");
        Self::table(&self.rows);
        println!("\na small message at 100 Hz, to a bare Zenoh session");
        Self::table(&self.small);
        println!();
        for (name, value) in ratios {
            let value = match value {
                Value::String(text) => text,
                value => value.as_f64().map_or("not measured".to_owned(), |value| format!("{value:.3}")),
            };
            println!("{name}: {value}");
        }
        Ok(())
    }

    fn table(rows: &[Row]) {
        println!(
            "  {:<52}{:>10}{:>10}{:>7}   publisher's thread, us, by round",
            "", "p50 us", "p99 us", "lost"
        );
        for row in rows {
            let thread: Vec<String> = row.thread_us().iter().map(|us| format!("{us:.1}")).collect();
            let wrong = row.sum(|round| round.read.torn);
            let wrong = if wrong > 0 { format!("  {wrong} OF WRONG SIZE") } else { String::new() };
            println!(
                "  {:<52}{:>10.1}{:>10.1}{:>7}   {}{wrong}",
                row.name,
                row.p50_us(),
                row.p99_us(),
                if row.p50_us().is_finite() { row.lost() } else { 0 },
                thread.join("  ")
            );
        }
    }
}
