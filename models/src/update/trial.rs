//! Whether a new model may take over, and whether it may stay: pure decisions over what was seen.
//!
//! In the shadow both models look at the same images and only the old one is listened to. After the swap the new one runs
//! alone and is held against what the old one did in the shadow.

use crate::Detection;
use crate::eval::iou;

/// What is asked of a new model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Images in the shadow before the swap.
    pub shadow_images: u64,
    /// Images after the swap before it is kept for good.
    pub watch_images: u64,
    /// Least share of boxes both models find, in the shadow.
    pub agreement: f64,
    /// Most errors of the engine per image, 0 to 1.
    pub errors: f64,
    /// Slowest it may be, as a multiple of the old model's mean time.
    pub slowdown: f64,
    /// Slowest it may be, milliseconds, whatever the old one took (the manifest's budget).
    pub latency_ms: Option<f64>,
    /// Most memory that it may take, MiB, beside the old one (the manifest's budget where this is `None`).
    pub memory_mb: Option<f64>,
    /// Highest population stability index after the swap; that of the old model before it, if it had one, is added: where
    /// both see another world than they were measured in, the new one is not to blame.
    pub drift: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            shadow_images: 200,
            watch_images: 2000,
            agreement: 0.6,
            errors: 0.001,
            slowdown: 1.5,
            latency_ms: None,
            memory_mb: None,
            drift: 0.5,
        }
    }
}

/// One image.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Time of the old model, milliseconds; in the shadow only.
    pub old_ms: Option<f64>,
    /// Time of the new one; `None`: its engine failed.
    pub new_ms: Option<f64>,
    /// Boxes of both sides, and how many of them have a twin on the other; in the shadow only.
    pub boxes: u64,
    /// See `boxes`.
    pub twins: u64,
    /// Memory of the process now, less that before the new one was loaded, MiB; in the shadow only.
    pub memory_mb: Option<f64>,
    /// Population stability index at present, if known.
    pub drift: Option<f64>,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Run both, listen to the old one.
    Shadow,
    /// The shadow went well: swap before the next image.
    Swap,
    /// Run the new one, keep the old one at hand.
    Watch,
    /// It has proven itself.
    Keep,
    /// Back to the old one; why.
    Back(String),
}

/// A trial in progress.
#[derive(Clone, Debug)]
pub struct Trial {
    limits: Limits,
    swapped: bool,
    images: u64,
    failures: u64,
    old_ms: f64,
    new_ms: f64,
    new_images: u64,
    boxes: u64,
    twins: u64,
    old_drift: f64,
    verdict: Option<Verdict>,
}

/// Latency and agreement of fewer images than this are chance.
const FEWEST: u64 = 30;

impl Trial {
    /// Begins in the shadow.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            swapped: false,
            images: 0,
            failures: 0,
            old_ms: 0.0,
            new_ms: 0.0,
            new_images: 0,
            boxes: 0,
            twins: 0,
            old_drift: 0.0,
            verdict: None,
        }
    }

    /// Begins after the swap: a trial that a restart interrupted. What the old one took is not known any more.
    pub fn resumed(limits: Limits) -> Self {
        Self { swapped: true, ..Self::new(limits) }
    }

    /// What the old model's findings have drifted, when last known; infinity where it cannot be known, and drift is not judged.
    pub fn old_drift(&mut self, psi: f64) {
        self.old_drift = psi.max(0.0);
    }

    /// One more image. A final verdict ([`Verdict::Keep`], [`Verdict::Back`]) stays what it is.
    pub fn add(&mut self, sample: &Sample) -> Verdict {
        if let Some(verdict) = &self.verdict {
            return verdict.clone();
        }
        self.images += 1;
        match sample.new_ms {
            Some(ms) => {
                self.new_ms += ms;
                self.new_images += 1;
            }
            None => self.failures += 1,
        }
        if !self.swapped {
            self.old_ms += sample.old_ms.unwrap_or_default();
            self.boxes += sample.boxes;
            self.twins += sample.twins;
        }
        let verdict = self.judge(sample);
        if matches!(verdict, Verdict::Keep | Verdict::Back(_)) {
            self.verdict = Some(verdict.clone());
        }
        verdict
    }

    fn judge(&mut self, sample: &Sample) -> Verdict {
        let l = self.limits;
        // One failure of the very first images is one too many already.
        let errors = self.failures as f64 / self.images as f64;
        if self.failures > 0 && errors > l.errors {
            let (failures, images) = (self.failures, self.images);
            return Verdict::Back(format!("its engine failed on {failures} of {images} images"));
        }
        if self.new_images >= FEWEST {
            let mean = self.new_ms / self.new_images as f64;
            let shadow = if self.swapped { l.shadow_images } else { self.images };
            let old = self.old_ms / shadow.max(1) as f64;
            if old > 0.0 && mean > l.slowdown * old {
                return Verdict::Back(format!("it takes {mean:.1} ms, the old one {old:.1} ms"));
            }
            if let Some(most) = l.latency_ms.filter(|most| mean > *most) {
                return Verdict::Back(format!("it takes {mean:.1} ms, its budget is {most:.1} ms"));
            }
        }
        if let (Some(most), Some(taken)) = (l.memory_mb, sample.memory_mb)
            && taken > most
        {
            return Verdict::Back(format!("it takes {taken:.0} MiB of memory, its budget is {most:.0} MiB"));
        }
        if self.swapped {
            if let Some(drift) = sample.drift.filter(|drift| *drift > l.drift + self.old_drift) {
                return Verdict::Back(format!("what it finds has drifted (PSI {drift:.2})"));
            }
            if self.images >= l.watch_images { Verdict::Keep } else { Verdict::Watch }
        } else if self.images >= l.shadow_images {
            let share = if self.boxes == 0 { 1.0 } else { self.twins as f64 / self.boxes as f64 };
            if share < l.agreement {
                return Verdict::Back(format!(
                    "only {:.0} % of the boxes agree with the old one's",
                    100.0 * share
                ));
            }
            self.swapped = true;
            (self.images, self.failures, self.new_ms, self.new_images) = (0, 0, 0.0, 0);
            Verdict::Swap
        } else {
            Verdict::Shadow
        }
    }
}

/// How many boxes of both lists have a twin in the other one: same class, overlap (intersection over union) of a half.
pub fn twins(a: &[Detection], b: &[Detection]) -> u64 {
    let bbox = |d: &Detection| [d.x, d.y, d.width, d.height].map(f64::from);
    let paired = |from: &[Detection], to: &[Detection]| {
        let has = |d: &&Detection| to.iter().any(|o| o.label == d.label && iou(&bbox(o), &bbox(d)) >= 0.5);
        from.iter().filter(has).count() as u64
    };
    paired(a, b) + paired(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        shadow_images: 50,
        watch_images: 100,
        agreement: 0.6,
        errors: 0.01,
        slowdown: 1.5,
        latency_ms: None,
        memory_mb: Some(500.0),
        drift: 0.5,
    };

    fn run(limits: Limits, sample: impl Fn(u64, bool) -> Sample) -> (u64, Verdict) {
        let mut trial = Trial::new(limits);
        let mut swapped = false;
        for image in 0..1000 {
            match trial.add(&sample(image, swapped)) {
                Verdict::Swap => swapped = true,
                verdict @ (Verdict::Keep | Verdict::Back(_)) => return (image, verdict),
                _ => {}
            }
        }
        (1000, Verdict::Watch)
    }

    fn good(swapped: bool) -> Sample {
        let old_ms = (!swapped).then_some(20.0);
        Sample { old_ms, new_ms: Some(18.0), boxes: 10, twins: 9, memory_mb: Some(40.0), drift: Some(0.05) }
    }

    #[test]
    fn a_good_model_is_swapped_in_and_kept() {
        assert_eq!(run(LIMITS, |_, swapped| good(swapped)), (149, Verdict::Keep));
    }

    #[test]
    fn every_fault_goes_back_and_says_why() {
        let why = |sample: &dyn Fn(u64, bool) -> Sample| match run(LIMITS, sample) {
            (image, Verdict::Back(why)) => (image, why),
            other => panic!("{other:?}"),
        };
        let (image, text) = why(&|_, s| Sample { twins: 3, ..good(s) });
        assert!(image == 49 && text.contains("30 % of the boxes"), "{image} {text}");
        let (image, text) = why(&|_, s| Sample { new_ms: Some(40.0), ..good(s) });
        assert!(image == 29 && text.contains("40.0 ms, the old one 20.0 ms"), "{image} {text}");
        let (image, text) = why(&|i, s| Sample { new_ms: (i != 5).then_some(18.0), ..good(s) });
        assert!(image == 5 && text.contains("failed on 1 of 6"), "{image} {text}");
        let (image, text) = why(&|i, s| Sample { drift: Some(if i > 80 { 0.9 } else { 0.1 }), ..good(s) });
        assert!(image == 81 && text.contains("PSI 0.90"), "{image} {text}");
        let (image, text) = why(&|i, s| Sample { memory_mb: Some(40.0 * i as f64), ..good(s) });
        assert!(image == 13 && text.contains("520 MiB of memory, its budget is 500 MiB"), "{image} {text}");
        // Both see a strange world: the old one does not fare better.
        let mut trial = Trial::new(LIMITS);
        trial.old_drift(3.0);
        let strange = |_: u64| trial.add(&Sample { drift: Some(3.2), ..good(true) });
        assert_eq!((0..150).map(strange).last(), Some(Verdict::Keep));
        // Slow only after the swap, as when the machine throttles.
        let (image, text) = why(&|_, s| Sample { new_ms: Some(if s { 60.0 } else { 18.0 }), ..good(s) });
        assert!(image == 79 && text.contains("60.0 ms"), "{image} {text}");
        let tight = Limits { latency_ms: Some(10.0), ..LIMITS };
        assert!(matches!(run(tight, |_, s| good(s)), (29, Verdict::Back(_))));
    }

    #[test]
    fn twins_have_one_class_and_one_place() {
        let at = |label: &str, x: f32| Detection {
            label_index: 0,
            label: label.into(),
            score: 0.5,
            x,
            y: 0.0,
            width: 10.0,
            height: 10.0,
        };
        let old = [at("person", 0.0), at("car", 50.0)];
        // Numbers of classes may differ between models, names count.
        let new = [at("person", 2.0), at("person", 50.0), at("car", 58.0)];
        assert_eq!(twins(&old, &new), 2);
        assert_eq!(twins(&old, &[]), 0);
    }

    #[test]
    fn a_trial_that_a_restart_cut_is_watched_to_its_end() {
        let mut trial = Trial::resumed(LIMITS);
        for image in 1..=100 {
            let expected = if image == 100 { Verdict::Keep } else { Verdict::Watch };
            assert_eq!(trial.add(&Sample { new_ms: Some(30.0), ..Sample::default() }), expected);
        }
    }

    #[test]
    fn a_verdict_stays() {
        let mut trial = Trial::new(LIMITS);
        let back = trial.add(&Sample::default());
        assert!(matches!(back, Verdict::Back(_)));
        assert_eq!(trial.add(&good(false)), back);
    }
}
