//! The degradation ladder: when the machine is too hot, too slow or low on power, the next rung down is taken (a smaller
//! input, a smaller model, a lower rate), and back up only when all has been well for a while. Every step is announced by
//! whoever holds the ladder; it only decides.
//!
//! Invariant: before a step up lies at least the settling time, and a step up needs margins that a step down does not
//! (hysteresis), so that the ladder cannot swing on one threshold. A lower rung says nothing of how a higher one would fare: a step
//! up may prove wrong. It is then taken back at once, and each that proves wrong doubles the time before the next.
//!
//! A sensor that falls silent is no good news: for a step up it counts as it was when it was heard last, for a step down not at all.

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
    /// The hottest of the zones that are not read any more, as it was when it was read last, degrees Celsius.
    pub silent_c: Option<f64>,
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
    /// How long all must be well before a step up, up to [`MOST_WAITS`] times as long after steps up that proved wrong; also the
    /// least time between two steps, but before the one that takes such a step back.
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

/// How many times `settle` a step up waits at most.
pub const MOST_WAITS: u32 = 16;

/// The ladder. Times are nanoseconds of any clock; one that jumps back, as when a recording begins anew, begins the waiting anew.
#[derive(Clone, Debug)]
pub struct Ladder {
    rungs: Vec<Rung>,
    options: LadderOptions,
    at: usize,
    /// What was heard last of each.
    heard: Load,
    /// The time that was handed in last.
    now: Option<i64>,
    /// The last step was one up.
    went_up: bool,
    /// Times `settle` before the next step up.
    waits: u32,
    last_step: Option<i64>,
    bad_since: Option<i64>,
    good_since: Option<i64>,
}

impl Ladder {
    /// On the first rung. A ladder without rungs never changes.
    pub fn new(rungs: Vec<Rung>, options: LadderOptions) -> Self {
        let (last_step, bad_since, good_since) = (None, None, None);
        let (heard, now) = (Load::default(), None);
        Self { rungs, options, at: 0, heard, now, went_up: false, waits: 1, last_step, bad_since, good_since }
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
        if self.now.replace(now_ns).is_some_and(|before| now_ns < before) {
            self.last_step = self.last_step.map(|_| now_ns);
            (self.bad_since, self.good_since) = (None, None);
        }
        let number = |value: Option<f64>| value.filter(|value| value.is_finite());
        let load = &Load {
            temperature_c: number(load.temperature_c),
            silent_c: number(load.silent_c),
            age_ms: number(load.age_ms),
            battery: number(load.battery),
        };
        let complaint = self.complaint(load);
        self.heard = Load {
            temperature_c: load.temperature_c.or(self.heard.temperature_c),
            silent_c: load.silent_c,
            age_ms: load.age_ms.or(self.heard.age_ms),
            battery: load.battery.or(self.heard.battery),
        };
        let well = complaint.is_none() && self.is_well();
        let since = |mark: &mut Option<i64>, holds: bool| {
            *mark = if holds { Some(mark.unwrap_or(now_ns)) } else { None };
            mark.map_or(0, |start| now_ns.saturating_sub(start))
        };
        let bad_for = since(&mut self.bad_since, complaint.is_some());
        let good_for = since(&mut self.good_since, well);
        let ns = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let settle = ns(self.options.settle);
        let since_step = self.last_step.map_or(i64::MAX, |at| now_ns.saturating_sub(at));
        if let Some(reason) = complaint.filter(|_| bad_for >= ns(self.options.patience)) {
            if self.at + 1 == self.rungs.len() || self.rungs.is_empty() {
                return None;
            }
            if self.went_up {
                // One that went well for long has not proved wrong: the world has changed.
                let wrong = since_step < settle.saturating_mul(2);
                self.waits = if wrong { (2 * self.waits).min(MOST_WAITS) } else { 1 };
            } else if since_step < settle {
                return None;
            }
            return Some(self.step(now_ns, self.at + 1, reason));
        }
        let wait = settle.saturating_mul(i64::from(self.waits));
        if well && self.at > 0 && good_for >= wait && since_step >= settle {
            return Some(self.step(now_ns, self.at - 1, "all has been well for a while".to_owned()));
        }
        None
    }

    fn step(&mut self, now_ns: i64, to: usize, reason: String) -> Change {
        let change = Change { from: self.at, to, reason };
        self.went_up = to < self.at;
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

    /// By what was heard last; what was never heard says nothing.
    fn is_well(&self) -> bool {
        let (o, heard) = (&self.options, &self.heard);
        heard.temperature_c.is_none_or(|t| t < o.cool_c)
            && heard.silent_c.is_none_or(|t| t < o.cool_c)
            && heard.age_ms.is_none_or(|age| age < o.young_ms)
            && heard.battery.is_none_or(|battery| battery > o.charged)
    }

    /// Whether a zone that is not read any more, at this temperature when it was, holds a step up back.
    pub fn holds_back(&self, silent_c: f64) -> bool {
        silent_c >= self.options.cool_c
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

    /// The own model is too slow whenever it runs, the next one never is: a lower rung that cures all says nothing of the upper one.
    #[test]
    fn a_step_up_that_proves_wrong_is_taken_back_at_once_and_tried_ever_more_seldom() {
        let mut ladder = ladder();
        let (mut steps, mut old) = (Vec::new(), 0);
        for second in 0..600 {
            let age = if ladder.position() == 0 { 300.0 } else { 60.0 };
            old += i32::from(age > 200.0);
            let load = Load { age_ms: Some(age), ..Load::default() };
            if let Some(change) = ladder.update(second * SECOND, &load) {
                steps.push((second, change.to));
            }
        }
        let first = [(2, 1), (23, 0), (26, 1), (67, 0), (70, 1), (151, 0), (154, 1), (315, 0), (318, 1)];
        assert_eq!(steps, first);
        assert!(old < 20, "{old} of 600 s too old");
        // What is cured for good goes up as fast as ever.
        let well = Load { age_ms: Some(60.0), ..Load::default() };
        let mut cured =
            (600..2000).filter_map(|second| Some((second, ladder.update(second * SECOND, &well)?)));
        let (up, _) = cured.next().unwrap();
        assert_eq!((up, cured.next()), (639, None));
        let bad = Load { age_ms: Some(300.0), ..Load::default() };
        let down = (2000..2100).find_map(|second| ladder.update(second * SECOND, &bad).map(|_| second));
        let up = (2003..2100).find_map(|second| ladder.update(second * SECOND, &well).map(|_| second));
        assert_eq!((down, up), (Some(2002), Some(2023)), "the world had changed, the step was not wrong");
    }

    /// Hot, and then nothing: a dead sensor has not cooled. A part that was switched off cool does not hold it up.
    #[test]
    fn a_sensor_that_falls_silent_is_no_reason_to_step_up() {
        let last = |bad: Load, then: Load| {
            let mut ladder = ladder();
            (0..5).for_each(|second| drop(ladder.update(second * SECOND, &bad)));
            assert_eq!(ladder.position(), 1);
            (5..1000).for_each(|second| drop(ladder.update(second * SECOND, &then)));
            ladder.position()
        };
        let none = Load::default();
        let low = Load { battery: Some(0.1), ..none };
        let old = Load { age_ms: Some(300.0), ..none };
        for bad in [hot(90.0), low, old] {
            assert_eq!(last(bad, none), 1, "{bad:?}");
            let nan = Some(f64::NAN);
            assert_eq!(last(bad, Load { temperature_c: nan, silent_c: nan, age_ms: nan, battery: nan }), 1);
        }
        // Another zone is still read, and cool: the hot one is silent.
        let silent = |c: f64| Load { silent_c: Some(c), ..hot(50.0) };
        assert_eq!((last(hot(90.0), silent(90.0)), last(hot(90.0), silent(60.0))), (1, 0));
        assert_eq!(last(hot(90.0), hot(50.0)), 0);
        // No step down on what is not heard any more.
        assert_eq!(last(low, Load { silent_c: Some(120.0), ..none }), 1);
        assert!(ladder().holds_back(75.0) && !ladder().holds_back(74.0));
    }

    #[test]
    fn a_clock_that_begins_anew_does_not_hold_it_up() {
        let mut ladder = ladder();
        for second in 0..1003 {
            ladder.update(second * SECOND, &hot(if second < 1000 { 60.0 } else { 90.0 }));
        }
        assert_eq!(ladder.position(), 1);
        let mut steps = Vec::new();
        for second in 0..60 {
            steps.extend(ladder.update(second * SECOND, &hot(90.0)).map(|change| (second, change.to)));
        }
        assert_eq!(steps, [(20, 2)]);
    }

    #[test]
    fn no_ladder_no_step() {
        let mut none = Ladder::new(Vec::new(), LadderOptions::default());
        assert!(none.update(0, &hot(150.0)).is_none() && none.update(9 * SECOND, &hot(150.0)).is_none());
        assert!(none.rung().is_none());
    }
}
