//! The degradation ladder: when the machine is too hot, too slow or low on power, the next rung down is taken (a smaller
//! input, a smaller model, a lower rate), and back up only when all has been well for a while. Every step is announced by
//! whoever holds the ladder; it only decides.
//!
//! Invariant: between two steps lies at least the settling time, and a step up needs margins that a step down does not
//! (hysteresis), so that the ladder cannot swing on one threshold.

use std::time::Duration;

/// One way of running, best first in a ladder.
#[derive(Clone, Debug, PartialEq)]
pub struct Rung {
    /// What reports call it, e.g. `nanodet_g_320 at 10 Hz`.
    pub name: String,
    /// The model.
    pub model: String,
    /// Highest rate, Hz; `None`: as fast as frames come.
    pub rate_hz: Option<f64>,
}

/// How the machine is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Hottest zone, degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Age of results when they are published, milliseconds.
    pub age_ms: Option<f64>,
    /// Battery, 0 to 1.
    pub battery: Option<f64>,
}

/// Limits of a ladder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LadderOptions {
    /// Step down above this, degrees Celsius.
    pub hot_c: f64,
    /// Step up only below this.
    pub cool_c: f64,
    /// Step down when results are older than this, milliseconds.
    pub old_ms: f64,
    /// Step up only when they are younger than this.
    pub young_ms: f64,
    /// Step down below this battery, 0 to 1.
    pub low: f64,
    /// Step up only above this.
    pub charged: f64,
    /// How long a limit must be broken before a step down.
    pub patience: Duration,
    /// How long all must be well before a step up; also the least time between two steps.
    pub settle: Duration,
}

impl Default for LadderOptions {
    fn default() -> Self {
        Self {
            hot_c: 85.0,
            cool_c: 75.0,
            old_ms: 200.0,
            young_ms: 80.0,
            low: 0.15,
            charged: 0.25,
            patience: Duration::from_secs(2),
            settle: Duration::from_secs(20),
        }
    }
}

/// A step that was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The rung left.
    pub from: usize,
    /// The rung taken.
    pub to: usize,
    /// Why, in words.
    pub reason: String,
}

/// The ladder. Times are nanoseconds of any clock that does not run backwards.
#[derive(Clone, Debug)]
pub struct Ladder {
    rungs: Vec<Rung>,
    options: LadderOptions,
    at: usize,
    last_step: Option<i64>,
    bad_since: Option<i64>,
    good_since: Option<i64>,
}

impl Ladder {
    /// On the first rung. A ladder without rungs never changes.
    pub fn new(rungs: Vec<Rung>, options: LadderOptions) -> Self {
        Self { rungs, options, at: 0, last_step: None, bad_since: None, good_since: None }
    }

    /// From now on other limits hold; where the ladder stands does not change.
    pub fn set_options(&mut self, options: LadderOptions) {
        self.options = options;
    }

    /// The rung in use.
    pub fn rung(&self) -> Option<&Rung> {
        self.rungs.get(self.at)
    }

    /// Its number, 0 the best.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Hands in how the machine is at `now_ns`; a step may follow.
    pub fn update(&mut self, now_ns: i64, load: &Load) -> Option<Change> {
        let complaint = self.complaint(load);
        let well = complaint.is_none() && self.is_well(load);
        let since = |mark: &mut Option<i64>, holds: bool| {
            *mark = if holds { Some(mark.unwrap_or(now_ns)) } else { None };
            mark.map_or(0, |start| now_ns.saturating_sub(start))
        };
        let bad_for = since(&mut self.bad_since, complaint.is_some());
        let good_for = since(&mut self.good_since, well);
        let ns = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let settled = self.last_step.is_none_or(|at| now_ns.saturating_sub(at) >= ns(self.options.settle));
        if !settled {
            return None;
        }
        if let Some(reason) = complaint.filter(|_| bad_for >= ns(self.options.patience)) {
            return (self.at + 1 < self.rungs.len()).then(|| self.step(now_ns, self.at + 1, reason));
        }
        if well && self.at > 0 && good_for >= ns(self.options.settle) {
            return Some(self.step(now_ns, self.at - 1, "all has been well for a while".to_owned()));
        }
        None
    }

    fn step(&mut self, now_ns: i64, to: usize, reason: String) -> Change {
        let change = Change { from: self.at, to, reason };
        self.at = to;
        self.last_step = Some(now_ns);
        (self.bad_since, self.good_since) = (None, None);
        change
    }

    fn complaint(&self, load: &Load) -> Option<String> {
        let o = &self.options;
        if let Some(t) = load.temperature_c.filter(|t| *t > o.hot_c) {
            return Some(format!("{t:.0} C is hotter than {:.0} C", o.hot_c));
        }
        if let Some(age) = load.age_ms.filter(|age| *age > o.old_ms) {
            return Some(format!("results are {age:.0} ms old, more than {:.0} ms", o.old_ms));
        }
        let low = load.battery.filter(|battery| *battery < o.low)?;
        Some(format!("the battery is at {:.0} %, below {:.0} %", 100.0 * low, 100.0 * o.low))
    }

    fn is_well(&self, load: &Load) -> bool {
        let o = &self.options;
        load.temperature_c.is_none_or(|t| t < o.cool_c)
            && load.age_ms.is_none_or(|age| age < o.young_ms)
            && load.battery.is_none_or(|battery| battery > o.charged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn ladder() -> Ladder {
        let rung = |name: &str| Rung { name: name.into(), model: name.into(), rate_hz: None };
        Ladder::new(["416", "320", "320 at 5 Hz"].map(rung).into(), LadderOptions::default())
    }

    fn hot(t: f64) -> Load {
        Load { temperature_c: Some(t), ..Load::default() }
    }

    #[test]
    fn heat_steps_down_and_only_real_cooling_steps_up() {
        let mut ladder = ladder();
        let mut steps = Vec::new();
        // Ten minutes: hot for three, then between the limits for three, then cool.
        for second in 0..600 {
            let t = match second {
                0..180 => 90.0,
                180..360 => 80.0,
                _ => 60.0,
            };
            if let Some(change) = ladder.update(second * SECOND, &hot(t)) {
                steps.push((second, change.from, change.to));
            }
        }
        assert_eq!(steps, [(2, 0, 1), (22, 1, 2), (380, 2, 1), (401, 1, 0)]);
    }

    #[test]
    fn a_spike_is_no_reason() {
        let mut ladder = ladder();
        for second in 0..100 {
            let t = if second % 3 == 0 { 99.0 } else { 60.0 };
            assert_eq!(ladder.update(second * SECOND, &hot(t)), None);
        }
    }

    #[test]
    fn age_and_battery_count_and_the_reason_says_which() {
        let mut ladder = ladder();
        let old = Load { age_ms: Some(300.0), battery: Some(0.9), ..Load::default() };
        assert_eq!(ladder.update(0, &old), None);
        let change = ladder.update(3 * SECOND, &old).unwrap();
        assert!(change.reason.contains("300 ms"), "{}", change.reason);
        let low = Load { age_ms: Some(10.0), battery: Some(0.1), ..Load::default() };
        ladder.update(30 * SECOND, &low);
        assert!(ladder.update(33 * SECOND, &low).unwrap().reason.contains("10 %"));
        assert_eq!(ladder.position(), 2);
        ladder.update(60 * SECOND, &low);
        assert_eq!(ladder.update(99 * SECOND, &low), None, "there is no lower rung");
    }

    #[test]
    fn no_ladder_no_step() {
        let mut none = Ladder::new(Vec::new(), LadderOptions::default());
        assert!(none.update(0, &hot(150.0)).is_none() && none.update(9 * SECOND, &hot(150.0)).is_none());
        assert!(none.rung().is_none());
    }
}
