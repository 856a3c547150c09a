//! How the detector fares: what it sees, what it finds, how old and how slow its results are.
//!
//! Invariant: a frame adds numbers to memory that is there already; words are made once a second. What is measured with the
//! wall clock is handed in as an `Option`, and left out of a simulation that must repeat.

use peregrine_models::update::ENOUGH_WINDOWS;
use peregrine_models::watch::{Drift, Level, Look, MachineState, Recent, Watch, total};
use peregrine_models::{Detection, Detector, Manifest, Standing};
use peregrine_msgs::diagnostic_msgs::KeyValue;

/// Values behind a quantile: some ten seconds of a camera.
const WINDOW: usize = 256;
/// Detections and images a histogram remembers.
pub const MEMORY: f64 = 2000.0;
/// An age beyond this, milliseconds, is that of another clock.
const ABSURD_MS: f64 = 60_000.0;

/// Clocks of two machines that are held together differ by less, milliseconds.
const JITTER_MS: f64 = 1.0;

/// Whole windows of which the worst drift is known.
const WINDOWS: usize = 32;

/// Numbers of one model in the field.
#[derive(Debug)]
pub struct Vitals {
    watch: Watch,
    /// What was found since the model or the window began.
    window: Watch,
    /// Images of the window, and how many it has: as many as a new model is on watch for.
    images: (u64, u64),
    /// How far whole windows have drifted.
    windows: Recent,
    closed: u64,
    last_window: Option<f64>,
    /// Boxes of the present window, boxes per image of whole ones, and of the last one.
    boxes: u64,
    rates: Recent,
    rated: u64,
    last_rate: Option<f64>,
    /// The lowest score that is found.
    threshold: f32,
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
    /// Frames that the next one overtook before their turn came.
    overtaken: u64,
    /// The last frame: whose, and its number on that publisher's bus.
    last_frame: Option<([u8; 16], u64)>,
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
    /// For a model; counts begin at zero. `window` is how many images a new model is on watch for.
    pub fn new(model: &Detector, window: u64) -> Self {
        Self {
            watch: counted(model.labels().len(), model.manifest(), MEMORY),
            window: counted(model.labels().len(), model.manifest(), f64::INFINITY),
            images: (0, window.max(1)),
            windows: Recent::new(WINDOWS),
            closed: 0,
            last_window: None,
            boxes: 0,
            rates: Recent::new(WINDOWS),
            rated: 0,
            last_rate: None,
            threshold: model.score_threshold(),
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
            overtaken: 0,
            last_frame: None,
        }
    }

    /// Another model answers from now on: what it finds is counted anew, how the machine fares is not.
    pub fn change_model(&mut self, model: &Detector) {
        self.change_threshold(model);
        self.latency.clear();
    }

    /// Another lowest score: what was found before is not what is found from now on.
    fn change_threshold(&mut self, model: &Detector) {
        let own = |memory: f64| counted(model.labels().len(), model.manifest(), memory);
        (self.watch, self.window) = (own(MEMORY), own(f64::INFINITY));
        self.images.0 = 0;
        self.windows.clear();
        self.rates.clear();
        (self.closed, self.last_window) = (0, None);
        (self.boxes, self.rated, self.last_rate) = (0, 0, None);
        self.threshold = model.score_threshold();
        self.drift = Drift::default();
    }

    /// One result: how its image looks, what was found, its age when it is published (node clock), how long it took.
    pub fn saw(&mut self, look: Look, found: &[Detection], age_ms: f64, took_ms: Option<f64>) {
        self.results += 1;
        self.look = look;
        self.watch.image(look.brightness, look.sharpness);
        self.watch.saw(found);
        self.window.saw(found);
        self.boxes += found.len() as u64;
        self.images.0 += 1;
        // A result from before its frame was taken: the camera's clock is ahead, and how old it is cannot be told.
        if (-JITTER_MS..ABSURD_MS).contains(&age_ms) {
            self.age.add(age_ms);
            self.fresh.add(age_ms);
        } else {
            self.foreign_stamps += 1;
        }
        if let Some(ms) = took_ms {
            self.latency.add(ms);
        }
    }

    /// A frame has its turn. Its number on its publisher's bus says how many were overtaken since the last one.
    pub fn arrived(&mut self, source: [u8; 16], number: u64) {
        let last = self.last_frame.replace((source, number));
        // A publisher that begins anew counts from one again.
        if let Some((_, last)) = last.filter(|(own, last)| *own == source && *last < number) {
            self.overtaken += number - last - 1;
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
        if model.score_threshold() != self.threshold {
            self.change_threshold(model);
        }
        self.drift = against_reference(&self.watch, model.manifest(), model.score_threshold());
        self.drift
    }

    /// How far what was found in the present window has drifted, if that can be told.
    pub fn window_drift(&self, model: &Detector) -> Option<f64> {
        against_reference(&self.window, model.manifest(), model.score_threshold()).found()
    }

    /// Closes the window when it is whole; to be asked after every image.
    pub fn close_window(&mut self, model: &Detector) {
        if self.images.0 < self.images.1 {
            return;
        }
        let rate = self.boxes as f64 / self.images.0 as f64;
        self.rates.add(rate);
        (self.boxes, self.rated, self.last_rate) = (0, self.rated + 1, Some(rate));
        self.last_window = self.window_drift(model);
        if let Some(psi) = self.last_window {
            self.windows.add(psi);
            self.closed = (self.closed + 1).min(WINDOWS as u64);
        }
        self.window.clear();
        self.images.0 = 0;
    }

    /// The worst drift of a whole window, 0 without one, and of how many that is.
    pub fn worst_drift(&mut self) -> (f64, u64) {
        (self.windows.quantiles([1.0]).map_or(0.0, |[worst]| worst), self.closed)
    }

    /// The fewest boxes per image of a whole window, where enough of them are known to say so.
    pub fn fewest_boxes(&mut self) -> Option<f64> {
        let [fewest] = self.rates.quantiles([0.0]).filter(|_| self.rated >= ENOUGH_WINDOWS)?;
        Some(fewest)
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
        let counts = [
            ("results", self.results),
            ("overtaken", self.overtaken),
            ("skipped by the ladder", self.skipped),
            ("failures", self.failures),
        ];
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
        self.last_window.into_iter().for_each(|psi| add("drift_window_psi", format!("{psi:.3}")));
        if self.closed >= ENOUGH_WINDOWS
            && let Some([worst]) = self.windows.quantiles([1.0])
        {
            add("drift_worst_psi", format!("{worst:.3}"));
        }
        self.last_rate.into_iter().for_each(|rate| add("window_boxes_per_image", format!("{rate:.3}")));
        self.fewest_boxes().into_iter().for_each(|rate| add("fewest_boxes_per_image", format!("{rate:.3}")));
        let machine = &around.machine;
        if let Some(zone) = &machine.zone {
            add("temperature_c", format!("{:.1}", zone.celsius));
            add("hottest_zone", zone.name.clone());
        }
        if let Some(zone) = &machine.silent {
            add("silent_zone", format!("{}, {:.1} C when it was read last", zone.name, zone.celsius));
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
        if let Some(drift) = drifted(&self.drift).filter(|_| self.own_reference) {
            return Some(drift);
        }
        (2 * self.foreign_stamps > self.results)
            .then(|| "frames bear stamps of another clock: how old results are is not known".to_owned())
    }
}

/// Counted as the reference was: by the manifest's own threshold, whatever is set.
pub fn counted(classes: usize, manifest: &Manifest, memory: f64) -> Watch {
    Watch::new(classes, manifest.score_threshold, memory)
}

/// Against the manifest's reference. Of a model that is told to leave out what its reference counted, the scores cannot be compared.
pub fn against_reference(seen: &Watch, manifest: &Manifest, threshold: f32) -> Drift {
    let drift = manifest.reference.as_ref().map_or_else(Drift::default, |r| seen.drift(r));
    let cut = threshold > manifest.score_threshold;
    if cut { Drift { scores: None, classes: None, ..drift } } else { drift }
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
        let mut vitals = Vitals::new(&detector(), 2000);
        let keys = |vitals: &mut Vitals| {
            let around = Around { model: "m", update: "none", ..Around::default() };
            vitals.report(&around).into_iter().map(|value| (value.key, value.value)).collect::<Vec<_>>()
        };
        let look = Look { brightness: 100.0, sharpness: 50.0 };
        (0..4).for_each(|n| vitals.saw(look, &[], 10.0 * f64::from(n), None));
        vitals.saw(look, &[], 1e12, None);
        assert_eq!(vitals.complaint(), None);
        let seen = keys(&mut vitals);
        let value = |key: &str| seen.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str());
        assert_eq!((value("age_p50_ms"), value("age_p99_ms")), (Some("10.00"), Some("30.00")));
        assert_eq!((value("results"), value("stamps of another clock")), (Some("5"), Some("1")));
        assert_eq!((value("latency_p50_ms"), value("temperature_c"), value("battery")), (None, None, None));
        vitals.saw(look, &[], 0.0, Some(7.0));
        // A camera whose clock is a second ahead is no young one.
        (0..9).for_each(|_| vitals.saw(look, &[], -1000.0, None));
        let seen = keys(&mut vitals);
        let value = |key: &str| seen.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str());
        assert_eq!((value("age_p50_ms"), value("stamps of another clock")), (Some("10.00"), Some("10")));
        assert!(vitals.complaint().unwrap().contains("another clock"));
        assert!(keys(&mut vitals).contains(&("latency_p99_ms".into(), "7.00".into())));
    }

    /// The model's own scores, found again, whatever lowest score is set meanwhile.
    #[test]
    fn a_lowest_score_that_is_set_is_no_drift() {
        let mut model = detector();
        let reference = model.manifest().reference.clone().unwrap();
        let (lowest, mut vitals) = (model.manifest().score_threshold, Vitals::new(&model, 40));
        let found = |class: usize, score: f32| Detection {
            label_index: class,
            label: "x".into(),
            score,
            x: 0.0,
            y: 0.0,
            width: 1.0,
            height: 1.0,
        };
        // A hundred images with the reference's shares of scores and of classes, and weak ones in between.
        let image = |vitals: &mut Vitals, set: f32, n: usize| {
            let pick = |shares: &[f32]| {
                let mut left = (n as f32 * 0.618_034).fract();
                shares
                    .iter()
                    .position(|s| {
                        left -= s;
                        left < 0.0
                    })
                    .unwrap_or(0)
            };
            let score = lowest + (1.0 - lowest) * (pick(&reference.scores) as f32 + 0.5) / 10.0;
            let all = [found(pick(&reference.classes), score), found(0, lowest / 2.0)];
            let shown: Vec<Detection> = all.into_iter().filter(|d| d.score >= set).collect();
            vitals.saw(Look::default(), &shown, 0.0, None);
        };
        for (set, scores) in [(None, true), (Some(0.1), true), (Some(0.6), false), (None, true)] {
            model.set_score_threshold(set);
            vitals.update_drift(&model);
            (0..400).for_each(|n| image(&mut vitals, set.unwrap_or(lowest), n));
            let drift = vitals.update_drift(&model);
            assert_eq!(drift.scores.is_some(), scores, "{set:?}");
            assert!(drift.scores.unwrap_or_default() < 0.1, "{set:?} {drift:?}");
        }
    }

    #[test]
    fn windows_are_as_long_as_a_watch_and_the_worst_of_them_counts() {
        let model = detector();
        let mut vitals = Vitals::new(&model, 40);
        let one = |class: usize| {
            let found = Detection {
                label_index: class,
                label: "x".into(),
                score: 0.9,
                x: 0.0,
                y: 0.0,
                width: 1.0,
                height: 1.0,
            };
            [found.clone(), found]
        };
        let mut worst = 0.0;
        for window in 0..20_u64 {
            for _ in 0..40 {
                vitals.close_window(&model);
                vitals.saw(Look::default(), &one(window as usize), 0.0, None);
            }
            worst = f64::max(worst, vitals.window_drift(&model).unwrap());
        }
        vitals.close_window(&model);
        assert_eq!(vitals.worst_drift(), (worst, 20));
        assert_eq!(vitals.window_drift(&model), None, "a new one has begun");
        let around = Around { model: "m", update: "none", ..Around::default() };
        let keys: Vec<String> = vitals.report(&around).into_iter().map(|value| value.key).collect();
        assert!(keys.iter().any(|k| k == "drift_window_psi") && keys.iter().any(|k| k == "drift_worst_psi"));
        // A window in which ten of forty images show the two.
        (0..40_u64).for_each(|n| {
            let found = one(0);
            vitals.saw(Look::default(), &found[..if n < 10 { 2 } else { 0 }], 0.0, None);
        });
        assert_eq!(vitals.fewest_boxes(), Some(2.0));
        vitals.close_window(&model);
        let values = vitals.report(&around);
        let value = |key: &str| values.iter().find(|v| v.key == key).map(|v| v.value.clone());
        assert_eq!(value("window_boxes_per_image").as_deref(), Some("0.500"));
        assert_eq!(value("fewest_boxes_per_image").as_deref(), Some("0.500"));
        vitals.change_model(&model);
        assert_eq!((vitals.worst_drift(), vitals.fewest_boxes()), ((0.0, 0), None));
    }

    #[test]
    fn frames_that_are_overtaken_are_counted_by_their_numbers() {
        let mut vitals = Vitals::new(&detector(), 40);
        // Joined in mid-stream; two left out; another camera; the first one, begun anew.
        for (source, number) in [(1, 70), (1, 71), (1, 74), (2, 500), (2, 501), (1, 1), (1, 3)] {
            vitals.arrived([source; 16], number);
        }
        let values = vitals.report(&Around::default());
        let value = values.iter().find(|value| value.key == "overtaken").unwrap();
        assert_eq!(value.value, "3");
    }

    #[test]
    fn ages_are_those_since_the_last_question() {
        let mut vitals = Vitals::new(&detector(), 2000);
        assert_eq!(vitals.median_age(), None);
        vitals.saw(Look::default(), &[], 300.0, None);
        assert_eq!((vitals.median_age(), vitals.median_age()), (Some(300.0), Some(300.0)));
        vitals.saw(Look::default(), &[], 20.0, None);
        assert_eq!(vitals.median_age(), Some(20.0));
        vitals.forget_ages();
        assert_eq!(vitals.median_age(), None);
    }
}
