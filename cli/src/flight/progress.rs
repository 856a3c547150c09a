//! One line of progress on the terminal, a few times a second.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_millis(250);
/// Without a terminal (a log file) lines are rarer.
const PERIOD_IN_LOG: Duration = Duration::from_secs(2);

/// The line.
#[derive(Debug)]
pub struct Progress {
    wanted: bool,
    terminal: bool,
    start: Instant,
    shown: Option<Instant>,
    latency_ms: Option<f64>,
}

impl Progress {
    /// A line, if it is `wanted`.
    pub fn new(wanted: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { wanted, terminal, start: Instant::now(), shown: None, latency_ms: None }
    }

    /// Takes note of the newest command's age.
    pub fn photon_to_command(&mut self, topic: &str, ages_ms: &BTreeMap<String, Vec<f64>>) {
        if topic == "/cmd_vel" {
            self.latency_ms = ages_ms.get(topic).and_then(|ages| ages.last().copied()).or(self.latency_ms);
        }
    }

    /// Shows the line when it is due: simulated seconds, position (m, ENU), detections so far, metres to the nearest
    /// obstacle.
    pub fn show(&mut self, t: f64, at: [f64; 3], detections: usize, clearance: Option<f64>) {
        let now = Instant::now();
        let period = if self.terminal { PERIOD } else { PERIOD_IN_LOG };
        if !self.wanted || self.shown.is_some_and(|shown| now - shown < period) {
            return;
        }
        self.shown = Some(now);
        let factor = t / (now - self.start).as_secs_f64().max(1e-3);
        let nearest = clearance.map_or_else(|| "-".into(), |m| format!("{m:.1} m"));
        let latency = self.latency_ms.map_or_else(|| "-".into(), |ms| format!("{ms:.1} ms"));
        let line = format!(
            "{t:5.1} s  at ({:5.1}, {:5.1}, {:4.1})  {factor:4.1}x real time  {detections} detections  \
             nearest {nearest}  photon to command {latency}",
            at[0], at[1], at[2]
        );
        let (before, after) = if self.terminal { ("\r\x1b[2K", "") } else { ("", "\n") };
        // A closed terminal is no reason to stop flying.
        let _ = write!(std::io::stderr(), "{before}{line}{after}");
    }

    /// Leaves the line behind.
    pub fn end(&mut self) {
        if self.wanted && self.terminal && self.shown.is_some() {
            let _ = writeln!(std::io::stderr());
        }
    }
}
