//! Whether a new model may take over, and whether it may stay: pure decisions over what was seen.
//!
//! In the shadow both models look at the same images and only the old one is listened to. After the swap the new one runs
//! alone and is held against what the old one did in the shadow.

use super::store::Against;
use crate::Detection;
use crate::eval::iou;

/// What is asked of a new model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Images in the shadow before the swap.
    pub shadow_images: u64,
    /// Images after the swap before it is kept for good.
    pub watch_images: u64,
    /// Boxes of both models together before that share is believed: the shadow lasts until they were seen. 0: it ends without any.
    pub shadow_boxes: u64,
    /// Least share of boxes both models find, in the shadow.
    pub agreement: f64,
    /// Most errors of the engine per image, 0 to 1.
    pub errors: f64,
    /// Slowest it may be, as a multiple of the old model's mean time.
    pub slowdown: f64,
    /// Slowest it may be, milliseconds, whatever the old one took. The manifest's budget is of its maker's machine and not asked.
    pub latency_ms: Option<f64>,
    /// Most memory that it may take, MiB, beside the old one (the manifest's budget where this is `None`).
    pub memory_mb: Option<f64>,
    /// Highest population stability index at the end of the watch, beyond the worst that the old model had in a window of that
    /// length ([`Against`]): where both see another world than they were measured in, the new one is not to blame.
    pub drift: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            shadow_images: 200,
            watch_images: 2000,
            shadow_boxes: 50,
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
    /// Boxes that the new model found, where it answered.
    pub found: u64,
    /// Memory of the process now, less that before the new one was loaded, MiB; in the shadow only.
    pub memory_mb: Option<f64>,
    /// Population stability index of what was found since the swap, if known.
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
    /// Boxes of the new model since the swap.
    found: u64,
    against: Against,
    verdict: Option<Verdict>,
}

/// Latency and agreement of fewer images than this are chance.
const FEWEST: u64 = 30;
/// The worst of fewer windows than this says little of how far a good model drifts: scenes last, and a window holds few of them.
pub const ENOUGH_WINDOWS: u64 = 16;
/// How many times the allowed drift is a fault where too few windows are known.
const GROSS: f64 = 4.0;
/// Who finds less than this share of what the old one found at its emptiest has gone blind.
const BLIND: f64 = 1.0 / 3.0;
/// A model that finds nothing on its whole watch is watched for so many times as long before it is given up: nothing may be there.
const LONGEST_WATCH: u64 = 10;

/// Whether boxes per image, `now` of the new model, are too few beside the fewest of whole windows of the old one.
pub(super) fn is_blind(now: f64, fewest: f64) -> bool {
    now < BLIND * fewest
}

/// How far what is found may drift in one window (PSI), `allowed` beyond the `worst` of `windows` before.
pub(super) fn most_drift(allowed: f64, worst: f64, windows: u64) -> f64 {
    let most = worst + allowed;
    if windows < ENOUGH_WINDOWS { most.max(GROSS * allowed) } else { most }
}

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
            found: 0,
            against: Against::default(),
            verdict: None,
        }
    }

    /// Begins after the swap: a trial that a restart interrupted. What it is held against is what the run before has left.
    pub fn resumed(limits: Limits, against: Against) -> Self {
        Self { swapped: true, against, ..Self::new(limits) }
    }

    /// How far what the old model finds has drifted at worst, of how many windows of the watch's length.
    pub fn old_drift(&mut self, worst: f64, windows: u64) {
        (self.against.drift, self.against.windows) = (worst.max(0.0), windows);
    }

    /// The fewest boxes per image that the old model found in one window of the watch's length; 0 where too few windows are known.
    pub fn old_found(&mut self, fewest: f64) {
        self.against.found = fewest.max(0.0);
    }

    /// The shadow has had its images and goes on for want of boxes: an image on which the old model finds nothing tells nothing more.
    pub fn lacks_boxes(&self) -> bool {
        !self.swapped && self.images >= self.limits.shadow_images && self.boxes < self.limits.shadow_boxes
    }

    /// Boxes of both models in the shadow so far.
    pub fn boxes(&self) -> u64 {
        self.boxes
    }

    /// What the new model is held against.
    pub fn against(&self) -> Against {
        self.against
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
        } else {
            self.found += sample.found;
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
            let old = if self.swapped { self.against.old_ms } else { self.old_ms / self.images as f64 };
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
            return if self.images < l.watch_images { Verdict::Watch } else { self.settle(sample) };
        }
        if self.images < l.shadow_images || self.lacks_boxes() {
            return Verdict::Shadow;
        }
        let share = if self.boxes == 0 { 1.0 } else { self.twins as f64 / self.boxes as f64 };
        if share < l.agreement {
            return Verdict::Back(format!(
                "only {:.0} % of the boxes agree with the old one's",
                100.0 * share
            ));
        }
        self.swapped = true;
        self.against.old_ms = self.old_ms / self.images as f64;
        (self.images, self.failures, self.new_ms, self.new_images) = (0, 0, 0.0, 0);
        Verdict::Swap
    }

    /// At the end of the watch. Only then: fewer images are of one scene, and one scene is unlike the mean of many whoever looks at
    /// it. (That the two find the same has been seen in the shadow.)
    fn settle(&self, sample: &Sample) -> Verdict {
        let (l, against) = (self.limits, self.against);
        let found = self.found as f64 / self.images as f64;
        if is_blind(found, against.found) {
            return Verdict::Back(format!(
                "it finds {found:.2} boxes an image, the old one never fewer than {:.2}",
                against.found
            ));
        }
        if self.found == 0 && l.shadow_boxes > 0 {
            let longest = LONGEST_WATCH.saturating_mul(l.watch_images);
            if self.images < longest {
                return Verdict::Watch;
            }
            return Verdict::Back(format!("it has found nothing on {} images", self.images));
        }
        let most = most_drift(l.drift, against.drift, against.windows);
        match sample.drift.filter(|drift| *drift > most) {
            Some(drift) => {
                Verdict::Back(format!("what it finds has drifted (PSI {drift:.2}, above {most:.2})"))
            }
            None => Verdict::Keep,
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
        shadow_boxes: 50,
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
        let (boxes, twins, found) = (10, 9, 5);
        Sample { old_ms, new_ms: Some(18.0), boxes, twins, found, memory_mb: Some(40.0), drift: Some(0.05) }
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
        // Nothing is known of the old one's drift: four times the limit.
        let (image, text) = why(&|i, s| Sample { drift: Some(if i > 80 { 2.1 } else { 0.1 }), ..good(s) });
        assert!(image == 149 && text.contains("PSI 2.10, above 2.00"), "{image} {text}");
        assert_eq!(run(LIMITS, |_, s| Sample { drift: Some(1.9), ..good(s) }).1, Verdict::Keep);
        let (image, text) = why(&|i, s| Sample { memory_mb: Some(40.0 * i as f64), ..good(s) });
        assert!(image == 13 && text.contains("520 MiB of memory, its budget is 500 MiB"), "{image} {text}");
        // Both see a strange world: the old one does not fare better.
        let mut trial = Trial::new(LIMITS);
        trial.old_drift(3.0, ENOUGH_WINDOWS);
        let strange = |_: u64| trial.add(&Sample { drift: Some(3.2), ..good(true) });
        assert_eq!((0..150).map(strange).last(), Some(Verdict::Keep));
        // Slow only after the swap, as when the machine throttles.
        let (image, text) = why(&|_, s| Sample { new_ms: Some(if s { 60.0 } else { 18.0 }), ..good(s) });
        assert!(image == 79 && text.contains("60.0 ms"), "{image} {text}");
        let tight = Limits { latency_ms: Some(10.0), ..LIMITS };
        assert!(matches!(run(tight, |_, s| good(s)), (29, Verdict::Back(_))));
    }

    /// A robot that is parked in front of a wall, and a model that sees nothing at all.
    #[test]
    fn nothing_seen_is_no_agreement() {
        let blank = |s: bool| Sample { boxes: 0, twins: 0, found: 0, ..good(s) };
        let mut trial = Trial::new(LIMITS);
        assert!((0..5000).all(|_| trial.add(&blank(false)) == Verdict::Shadow) && trial.lacks_boxes());
        // Somebody comes by, whom the old one alone finds.
        let seen = Sample { boxes: 1, ..blank(false) };
        let last = (0..50).map(|_| trial.add(&seen)).last();
        assert!(matches!(&last, Some(Verdict::Back(why)) if why.contains("only 0 %")), "{last:?}");
        // Whom both find.
        let mut trial = Trial::new(LIMITS);
        (0..500).for_each(|_| drop(trial.add(&blank(false))));
        let seen = Sample { boxes: 2, twins: 2, found: 1, ..blank(false) };
        let verdicts: Vec<Verdict> = (0..25).map(|_| trial.add(&seen)).collect();
        assert_eq!((&verdicts[23], &verdicts[24]), (&Verdict::Shadow, &Verdict::Swap));
        assert!(!trial.lacks_boxes());
        // Who does not want to wait says so.
        let hasty = Limits { shadow_boxes: 0, ..LIMITS };
        assert_eq!(run(hasty, |_, s| blank(s)), (149, Verdict::Keep));
    }

    #[test]
    fn a_model_that_goes_blind_after_the_swap_is_given_up() {
        let blank = |i: u64, s: bool, from: u64| Sample { found: u64::from(i < from), ..good(s) };
        // Nothing is known of the old one's windows, and nothing may be there: it is watched for ten times as long.
        let mut trial = Trial::resumed(LIMITS, Against::default());
        let verdicts: Vec<Verdict> = (0..1000).map(|_| trial.add(&blank(9, true, 0))).collect();
        assert!(verdicts[..999].iter().all(|verdict| *verdict == Verdict::Watch));
        assert!(matches!(&verdicts[999], Verdict::Back(why) if why.contains("nothing on 1000 images")));
        let mut trial = Trial::resumed(LIMITS, Against::default());
        let verdicts: Vec<Verdict> = (0..401).map(|i| trial.add(&blank(i, true, 0))).collect();
        assert_eq!(verdicts.last(), Some(&Verdict::Watch));
        assert_eq!(trial.add(&good(true)), Verdict::Keep, "there was nothing to see");
        // The old one found at least two boxes an image, in whatever scene.
        let known = |found: f64| {
            let mut trial = Trial::resumed(LIMITS, Against { found, ..Against::default() });
            (0..100).map(|i| trial.add(&Sample { found: i % 2, ..good(true) })).last()
        };
        let last = known(2.0);
        assert!(
            matches!(&last, Some(Verdict::Back(why)) if why.contains("0.50 boxes an image, the old one never fewer than 2.00")),
            "{last:?}"
        );
        assert_eq!((known(1.4), known(0.0)), (Some(Verdict::Keep), Some(Verdict::Keep)));
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
    fn a_trial_that_a_restart_cut_is_watched_to_its_end_as_one_that_was_not() {
        let mut trial = Trial::new(LIMITS);
        trial.old_drift(0.3, ENOUGH_WINDOWS);
        assert_eq!((0..50).map(|_| trial.add(&good(false))).last(), Some(Verdict::Swap));
        let against = trial.against();
        let last = |against: Against, ms: f64, drift: f64| {
            let mut trial = Trial::resumed(LIMITS, against);
            let sample = Sample { new_ms: Some(ms), drift: Some(drift), found: 1, ..Sample::default() };
            let verdicts: Vec<Verdict> = (0..100).map(|_| trial.add(&sample)).collect();
            (verdicts.iter().filter(|v| **v == Verdict::Watch).count(), verdicts[99].clone())
        };
        assert_eq!(last(against, 25.0, 0.7), (99, Verdict::Keep));
        let (watched, slow) = last(against, 60.0, 0.1);
        assert!(
            watched == 29 && matches!(&slow, Verdict::Back(why) if why.contains("the old one 20.0 ms")),
            "{slow:?}"
        );
        assert!(matches!(last(against, 25.0, 0.9), (99, Verdict::Back(_))));
        assert_eq!(
            last(Against::default(), 60.0, 0.9),
            (99, Verdict::Keep),
            "nothing is known of the old one"
        );
    }

    /// The same model twice, in a world of scenes of ten seconds with one to four objects at 30 Hz. Judged at every image against
    /// the last two thousand boxes of before, three of four such updates were rolled back.
    #[test]
    fn a_good_model_survives_scenes() {
        const WORLD: [f32; 8] = [0.45, 0.2, 0.1, 0.08, 0.07, 0.05, 0.03, 0.02];
        let mut seed = 7_u64;
        let mut uniform = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 40) as f32 / (1_u64 << 24) as f32
        };
        let mut class = move || {
            let mut left = uniform();
            WORLD
                .iter()
                .position(|share| {
                    left -= share;
                    left < 0.0
                })
                .unwrap_or(7)
        };
        let mut window = |images: usize| {
            let mut seen = crate::watch::Histogram::new(8, f64::INFINITY);
            for _ in 0..images / 300 {
                // One to four objects: two of the eight classes' draws say how many.
                let count = 1 + (class() + class()) % 4;
                let objects: Vec<usize> = (0..count).map(|_| class()).collect();
                (0..300).for_each(|_| objects.iter().for_each(|class| seen.add(*class)));
            }
            seen.drift(&WORLD, 100_000).unwrap_or_default()
        };
        let mut rolled_back = 0;
        for _ in 0..100 {
            let worst = (0..ENOUGH_WINDOWS).map(|_| window(2000)).fold(0.0, f64::max);
            let against = Against { drift: worst, windows: ENOUGH_WINDOWS, ..Against::default() };
            let mut trial = Trial::resumed(Limits { watch_images: 20, ..LIMITS }, against);
            // What is seen of the first scene alone, again and again, and of all at the end.
            let (scene, all) = (window(300), window(2000));
            let sample =
                |drift: f64| Sample { new_ms: Some(1.0), drift: Some(drift), found: 1, ..Sample::default() };
            (0..19).for_each(|_| assert_eq!(trial.add(&sample(scene)), Verdict::Watch));
            rolled_back += u32::from(trial.add(&sample(all)) != Verdict::Keep);
        }
        assert!(rolled_back <= 6, "{rolled_back} of 100 good updates are rolled back");
    }

    #[test]
    fn a_verdict_stays() {
        let mut trial = Trial::new(LIMITS);
        let back = trial.add(&Sample::default());
        assert!(matches!(back, Verdict::Back(_)));
        assert_eq!(trial.add(&good(false)), back);
    }
}
