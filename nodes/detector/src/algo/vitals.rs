//! How the detector fares: what it sees, what it finds, how old and how slow its results are.
//!
//! Invariant: a frame adds numbers to memory that is there already; words are made once a second. What is measured with the
//! wall clock is handed in as an `Option`, and left out of a simulation that must repeat.

use peregrine_models::watch::{Drift, Level, Look, MachineState, Recent, Watch, total};
use peregrine_models::{Detection, Detector, Standing};
use peregrine_msgs::diagnostic_msgs::KeyValue;

/// Values behind a quantile: some ten seconds of a camera.
const WINDOW: usize = 256;
/// Detections and images a histogram remembers.
pub const MEMORY: f64 = 2000.0;
/// An age beyond this, milliseconds, is that of another clock.
const ABSURD_MS: f64 = 60_000.0;

/// Numbers of one model in the field.
#[derive(Debug)]
pub struct Vitals {
    watch: Watch,
    drift: Drift,
    /// The reference is the user's own. That of an embedded model is of photos that no robot sees: a warning that never ends
    /// would be no warning.
    own_reference: bool,
    look: Look,
    latency: Recent,
    age: Recent,
    /// Since the ladder last asked.
    fresh: Recent,
    median_ms: Option<f64>,
    results: u64,
    skipped: u64,
    failures: u64,
    foreign_stamps: u64,
}

/// What the rest of the node knows, for a report.
#[derive(Debug, Default)]
pub struct Around<'a> {
    /// The model.
    pub model: &'a str,
    /// The rung of the ladder in use.
    pub rung: Option<&'a str>,
    /// `none`, `shadow` or `watch`.
    pub update: &'a str,
    /// Temperatures, power, memory.
    pub machine: MachineState,
    /// Battery, 0 to 1.
    pub battery: Option<f64>,
}

impl Vitals {
    /// For a model; counts begin at zero.
    pub fn new(model: &Detector) -> Self {
        Self {
            watch: Watch::new(model.labels().len(), model.score_threshold(), MEMORY),
            drift: Drift::default(),
            own_reference: false,
            look: Look::default(),
            latency: Recent::new(WINDOW),
            age: Recent::new(WINDOW),
            fresh: Recent::new(WINDOW),
            median_ms: None,
            results: 0,
            skipped: 0,
            failures: 0,
            foreign_stamps: 0,
        }
    }

    /// Another model answers from now on: what it finds is counted anew, how the machine fares is not.
    pub fn change_model(&mut self, model: &Detector) {
        self.watch = Watch::new(model.labels().len(), model.score_threshold(), MEMORY);
        self.drift = Drift::default();
        self.latency.clear();
    }

    /// One result: how its image looks, what was found, its age when it is published (node clock), how long it took.
    pub fn saw(&mut self, look: Look, found: &[Detection], age_ms: f64, took_ms: Option<f64>) {
        self.results += 1;
        self.look = look;
        self.watch.image(look.brightness, look.sharpness);
        self.watch.saw(found);
        if age_ms.abs() < ABSURD_MS {
            self.age.add(age_ms);
            self.fresh.add(age_ms);
        } else {
            self.foreign_stamps += 1;
        }
        if let Some(ms) = took_ms {
            self.latency.add(ms);
        }
    }

    /// A frame was left out for the ladder's rate.
    pub fn skip(&mut self) {
        self.skipped += 1;
    }

    /// A frame got no answer.
    pub fn fail(&mut self) {
        self.failures += 1;
    }

    /// Against the manifest's reference, if it has one.
    pub fn update_drift(&mut self, model: &Detector) -> Drift {
        self.own_reference = *model.standing() != Standing::Embedded;
        self.drift = model.manifest().reference.as_ref().map_or_else(Drift::default, |r| self.watch.drift(r));
        self.drift
    }

    /// Median age of the results since this was last asked, milliseconds; the former one when there were none.
    pub fn median_age(&mut self) -> Option<f64> {
        if let Some([median]) = self.fresh.quantiles([0.5]) {
            self.median_ms = Some(median);
            self.fresh.clear();
        }
        self.median_ms
    }

    /// After a step of the ladder what was before says nothing about the new way of running.
    pub fn forget_ages(&mut self) {
        self.age.clear();
        self.fresh.clear();
        self.latency.clear();
        self.median_ms = None;
    }

    /// Everything, by name. Units stand in the names; unknown things are left out.
    pub fn report(&mut self, around: &Around<'_>) -> Vec<KeyValue> {
        let mut values = Vec::with_capacity(32);
        let mut add = |key: &str, value: String| values.push(KeyValue { key: key.into(), value });
        add("model", around.model.to_owned());
        add("update", around.update.to_owned());
        if let Some(rung) = around.rung {
            add("rung", rung.to_owned());
        }
        let counts =
            [("results", self.results), ("skipped by the ladder", self.skipped), ("failures", self.failures)];
        counts.into_iter().for_each(|(key, count)| add(key, count.to_string()));
        if self.foreign_stamps > 0 {
            add("stamps of another clock", self.foreign_stamps.to_string());
        }
        let ms = [("age", self.age.quantiles([0.5, 0.99])), ("latency", self.latency.quantiles([0.5, 0.99]))];
        for (what, quantiles) in ms {
            let Some([p50, p99]) = quantiles else { continue };
            add(&format!("{what}_p50_ms"), format!("{p50:.2}"));
            add(&format!("{what}_p99_ms"), format!("{p99:.2}"));
        }
        if self.results > 0 {
            add("brightness", format!("{:.1}", self.look.brightness));
            add("sharpness", format!("{:.1}", self.look.sharpness));
        }
        for (what, psi) in drifts(&self.drift) {
            psi.into_iter().for_each(|psi| add(&format!("drift_{what}_psi"), format!("{psi:.3}")));
        }
        let machine = &around.machine;
        if let Some(zone) = &machine.zone {
            add("temperature_c", format!("{:.1}", zone.celsius));
            add("hottest_zone", zone.name.clone());
        }
        if let Some(watts) = total(&machine.rails) {
            add("power_w", format!("{watts:.2}"));
        }
        machine
            .rails
            .iter()
            .for_each(|rail| add(&format!("power_{}_w", rail.name), format!("{:.2}", rail.watts)));
        machine.memory_mb.into_iter().for_each(|mb| add("memory_mb", format!("{mb:.0}")));
        machine.gpu_percent.into_iter().for_each(|percent| add("gpu_percent", percent.to_string()));
        around.battery.into_iter().for_each(|battery| add("battery", format!("{battery:.2}")));
        histograms(&self.watch)
            .into_iter()
            .for_each(|(what, shares)| add(&format!("histogram_{what}"), shares));
        values
    }

    /// What people should look at, worst first; `None` when all is well.
    pub fn complaint(&self) -> Option<String> {
        if self.own_reference { drifted(&self.drift) } else { None }
    }
}

/// Every index by name.
pub fn drifts(drift: &Drift) -> [(&'static str, Option<f64>); 4] {
    [
        ("scores", drift.scores),
        ("classes", drift.classes),
        ("brightness", drift.brightness),
        ("sharpness", drift.sharpness),
    ]
}

/// The shares of every histogram, as text.
pub fn histograms(watch: &Watch) -> [(&'static str, String); 4] {
    let seen = watch.reference();
    let text =
        |shares: &[f32]| shares.iter().map(|share| format!("{share:.3}")).collect::<Vec<_>>().join(" ");
    [
        ("scores", text(&seen.scores)),
        ("classes", text(&seen.classes)),
        ("brightness", text(&seen.brightness)),
        ("sharpness", text(&seen.sharpness)),
    ]
}

/// What has drifted so far that people should know, if anything.
pub fn drifted(drift: &Drift) -> Option<String> {
    let far = |psi: &f64| Level::of(*psi) == Level::Drifted;
    let named = drifts(drift).into_iter().filter_map(|(what, psi)| Some((what, psi.filter(far)?)));
    let named: Vec<String> = named.map(|(what, psi)| format!("{what} (PSI {psi:.2})")).collect();
    (!named.is_empty()).then(|| format!("what it sees is not what it was measured on: {}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use peregrine_models::{BackendChoice, LoadOptions};

    fn detector() -> Detector {
        let options = LoadOptions { backend: BackendChoice::Tract, ..LoadOptions::new("nanodet_g_320_w8") };
        Detector::load(&options).unwrap()
    }

    #[test]
    fn what_the_clock_measures_is_reported_only_when_it_is_handed_in() {
        let mut vitals = Vitals::new(&detector());
        let keys = |vitals: &mut Vitals| {
            let around = Around { model: "m", update: "none", ..Around::default() };
            vitals.report(&around).into_iter().map(|value| (value.key, value.value)).collect::<Vec<_>>()
        };
        let look = Look { brightness: 100.0, sharpness: 50.0 };
        (0..4).for_each(|n| vitals.saw(look, &[], 10.0 * f64::from(n), None));
        vitals.saw(look, &[], 1e12, None);
        let seen = keys(&mut vitals);
        let value = |key: &str| seen.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str());
        assert_eq!((value("age_p50_ms"), value("age_p99_ms")), (Some("10.00"), Some("30.00")));
        assert_eq!((value("results"), value("stamps of another clock")), (Some("5"), Some("1")));
        assert_eq!((value("latency_p50_ms"), value("temperature_c"), value("battery")), (None, None, None));
        vitals.saw(look, &[], 0.0, Some(7.0));
        assert!(keys(&mut vitals).contains(&("latency_p99_ms".into(), "7.00".into())));
    }

    #[test]
    fn ages_are_those_since_the_last_question() {
        let mut vitals = Vitals::new(&detector());
        assert_eq!(vitals.median_age(), None);
        vitals.saw(Look::default(), &[], 300.0, None);
        assert_eq!((vitals.median_age(), vitals.median_age()), (Some(300.0), Some(300.0)));
        vitals.saw(Look::default(), &[], 20.0, None);
        assert_eq!(vitals.median_age(), Some(20.0));
        vitals.forget_ages();
        assert_eq!(vitals.median_age(), None);
    }
}
