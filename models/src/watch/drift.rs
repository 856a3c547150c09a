//! Drift: the distributions of scores, classes, brightness and sharpness now, against those of the manifest.
//!
//! Measured by the population stability index (PSI), the symmetric Kullback-Leibler divergence of two histograms: below
//! 0.1 nothing has changed, above 0.25 something has (Siddiqi 2006, Credit Risk Scorecards; the thresholds are custom).

use crate::Detection;
use crate::manifest::Reference;

/// Edges of the sharpness classes (variance of the Laplacian).
const SHARPNESS: [f64; 7] = [10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0];
/// Steps of scores and brightness.
const STEPS: usize = 10;
/// Fewer samples than this say nothing.
const FEWEST: f64 = 50.0;
/// A share that is taken for none: keeps the logarithm finite.
const NONE: f64 = 1e-4;

/// Counts that fade: each new one weighs as much as the last `memory` together shrink by one part.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    counts: Vec<f64>,
    /// How many samples are remembered.
    memory: f64,
    total: f64,
}

impl Histogram {
    /// With this many bins, remembering about this many samples.
    pub fn new(bins: usize, memory: f64) -> Self {
        Self { counts: vec![0.0; bins], memory: memory.max(1.0), total: 0.0 }
    }

    /// One more sample in a bin; one out of range goes into the last.
    pub fn add(&mut self, bin: usize) {
        if self.total >= self.memory {
            let fade = 1.0 - 1.0 / self.memory;
            self.counts.iter_mut().for_each(|count| *count *= fade);
            self.total *= fade;
        }
        let last = self.counts.len().saturating_sub(1);
        if let Some(count) = self.counts.get_mut(bin.min(last)) {
            *count += 1.0;
            self.total += 1.0;
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.counts.fill(0.0);
        self.total = 0.0;
    }

    /// Samples remembered.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// Shares of the bins, which sum to 1 once there is a sample.
    pub fn shares(&self) -> Vec<f32> {
        self.iter().collect()
    }

    fn iter(&self) -> impl Iterator<Item = f32> {
        let total = self.total.max(1e-9);
        self.counts.iter().map(move |count| (count / total) as f32)
    }

    /// PSI against the shares of `samples` others (0: not known how many); `None` while there are too few samples, or the
    /// lengths differ.
    ///
    /// Where it is known how many, what chance alone gives is left out: two samples of one distribution with N and M members in
    /// B bins that are in use have an index of (B - 1)(1/N + 1/M) on average (Yurdakul 2018, Statistical Properties of
    /// Population Stability Index), which for eighty classes and two hundred boxes would already pass for a drift. Half a member
    /// is added to every bin in use, so that an empty one is a small share and not an impossible one (Jeffreys).
    pub fn drift(&self, reference: &[f32], samples: u64) -> Option<f64> {
        if self.total < FEWEST || reference.len() != self.counts.len() {
            return None;
        }
        if samples == 0 {
            return Some(index(self.iter(), reference.iter().copied()));
        }
        let others = samples as f64;
        let pairs = || {
            let counts = self.counts.iter().copied().zip(reference.iter().map(|r| f64::from(*r) * others));
            counts.filter(|(now, then)| *now > 0.0 || *then > 0.0)
        };
        let bins = pairs().count() as f64;
        let share = |count: f64, all: f64| ((count + 0.5) / (all + 0.5 * bins)) as f32;
        let found = index(
            pairs().map(|(now, _)| share(now, self.total)),
            pairs().map(|(_, then)| share(then, others)),
        );
        Some((found - (bins - 1.0).max(0.0) * (1.0 / self.total + 1.0 / others)).max(0.0))
    }
}

/// Population stability index of two lists of shares. 0: equal.
pub fn psi(now: &[f32], reference: &[f32]) -> f64 {
    index(now.iter().copied(), reference.iter().copied())
}

fn index(now: impl Iterator<Item = f32>, reference: impl Iterator<Item = f32>) -> f64 {
    let share = |value: f32| f64::from(value).max(NONE);
    now.zip(reference).map(|(a, b)| (share(a) - share(b)) * (share(a) / share(b)).ln()).sum()
}

/// How much has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// PSI below 0.1.
    Steady,
    /// PSI from 0.1 to 0.25.
    Shifted,
    /// PSI above 0.25: the model looks at something it was not measured on.
    Drifted,
}

impl Level {
    /// Of an index.
    pub fn of(psi: f64) -> Self {
        if psi > 0.25 {
            Self::Drifted
        } else if psi >= 0.1 {
            Self::Shifted
        } else {
            Self::Steady
        }
    }
}

/// The four indices; `None` while there is no reference or too little was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drift {
    /// Of the scores.
    pub scores: Option<f64>,
    /// Of the classes.
    pub classes: Option<f64>,
    /// Of the images' brightness.
    pub brightness: Option<f64>,
    /// Of the images' sharpness.
    pub sharpness: Option<f64>,
}

impl Drift {
    /// The worst of them.
    pub fn level(&self) -> Level {
        let all = [self.scores, self.classes, self.brightness, self.sharpness];
        Level::of(all.into_iter().flatten().fold(0.0, f64::max))
    }

    /// Of what the model finds, whatever it looks at: the worse of scores and classes.
    pub fn found(&self) -> Option<f64> {
        self.scores.into_iter().chain(self.classes).reduce(f64::max)
    }
}

/// Everything seen lately. No allocation after the first image.
#[derive(Clone, Debug)]
pub struct Watch {
    threshold: f32,
    scores: Histogram,
    classes: Histogram,
    brightness: Histogram,
    sharpness: Histogram,
}

impl Watch {
    /// For a model with this many classes and this score threshold (the manifest's, which the reference was made with), remembering about `memory` detections and images.
    pub fn new(classes: usize, threshold: f32, memory: f64) -> Self {
        Self {
            threshold,
            scores: Histogram::new(STEPS, memory),
            classes: Histogram::new(classes, memory),
            brightness: Histogram::new(STEPS, memory),
            sharpness: Histogram::new(SHARPNESS.len() + 1, memory),
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        let all = [&mut self.scores, &mut self.classes, &mut self.brightness, &mut self.sharpness];
        all.into_iter().for_each(Histogram::clear);
    }

    /// What was found on one image. What is scored below the threshold does not count: it is shown to who has lowered it.
    pub fn saw(&mut self, detections: &[Detection]) {
        let span = (1.0 - self.threshold).max(1e-6);
        for d in detections.iter().filter(|d| d.score >= self.threshold) {
            let step = ((d.score - self.threshold) / span * STEPS as f32).max(0.0) as usize;
            self.scores.add(step.min(STEPS - 1));
            self.classes.add(d.label_index);
        }
    }

    /// How one image looks: mean luma 0 to 255, variance of the Laplacian.
    pub fn image(&mut self, brightness: f64, sharpness: f64) {
        self.brightness.add(((brightness / 256.0 * STEPS as f64).max(0.0) as usize).min(STEPS - 1));
        self.sharpness.add(SHARPNESS.iter().take_while(|edge| sharpness >= **edge).count());
    }

    /// Against the manifest's reference.
    pub fn drift(&self, reference: &Reference) -> Drift {
        Drift {
            scores: self.scores.drift(&reference.scores, reference.detections),
            classes: self.classes.drift(&reference.classes, reference.detections),
            brightness: self.brightness.drift(&reference.brightness, reference.images),
            sharpness: self.sharpness.drift(&reference.sharpness, reference.images),
        }
    }

    /// What was seen, as a reference for the manifest.
    pub fn reference(&self) -> Reference {
        Reference {
            data: String::new(),
            images: self.brightness.total().round() as u64,
            detections: self.scores.total().round() as u64,
            scores: self.scores.shares(),
            classes: self.classes.shares(),
            brightness: self.brightness.shares(),
            sharpness: self.sharpness.shares(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(dark: bool, sure: bool) -> Watch {
        let mut watch = Watch::new(3, 0.35, 1000.0);
        for i in 0..400_usize {
            let score = if sure { 0.6 + (i % 40) as f32 / 100.0 } else { 0.36 + (i % 10) as f32 / 100.0 };
            let label: std::sync::Arc<str> = "x".into();
            watch.saw(&[Detection {
                label_index: i % 3,
                label,
                score,
                x: 0.0,
                y: 0.0,
                width: 1.0,
                height: 1.0,
            }]);
            watch.image(if dark { 10.0 + (i % 20) as f64 } else { 90.0 + (i % 80) as f64 }, 500.0);
        }
        watch
    }

    #[test]
    fn the_same_world_is_steady_and_night_is_not() {
        let reference = watch(false, true).reference();
        let day = watch(false, true).drift(&reference);
        assert_eq!(day.level(), Level::Steady);
        assert!(day.scores.unwrap() < 1e-6);
        let night = watch(true, false).drift(&reference);
        assert_eq!(night.level(), Level::Drifted);
        assert!(night.brightness.unwrap() > 0.25 && night.scores.unwrap() > 0.25);
        assert!(night.classes.unwrap() < 0.1, "the classes are the same ones");
    }

    #[test]
    fn little_says_nothing_and_old_things_fade() {
        let mut histogram = Histogram::new(2, 100.0);
        histogram.add(0);
        assert_eq!(histogram.drift(&[0.5, 0.5], 0), None);
        (0..100).for_each(|_| histogram.add(0));
        (0..1000).for_each(|_| histogram.add(1));
        assert!(histogram.shares()[1] > 0.99);
        assert!(histogram.total() <= 101.0);
        assert_eq!(histogram.drift(&[0.5, 0.3, 0.2], 0), None);
    }

    /// Samples of one distribution over eighty classes: the plain index calls that a drift, the corrected one does not; and
    /// what is one is still seen.
    #[test]
    fn chance_is_not_drift() {
        let mut seed = 1_u64;
        let mut draw = |bins: usize, from: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Rare classes are rare: the square of a uniform number.
            let uniform = (seed >> 33) as f64 / f64::from(1_u32 << 31);
            from + (uniform * uniform * (bins - from) as f64) as usize
        };
        let mut sample = |count: usize, from: usize| {
            let mut histogram = Histogram::new(80, f64::INFINITY);
            (0..count).for_each(|_| histogram.add(draw(80, from)));
            histogram
        };
        for _ in 0..20 {
            let (reference, now, other) = (sample(250, 0), sample(300, 0), sample(300, 20));
            assert!(psi(&now.shares(), &reference.shares()) > 0.25, "the plain index");
            let drift = |h: &Histogram| h.drift(&reference.shares(), 250).unwrap();
            assert!(drift(&now) < 0.25, "{}", drift(&now));
            assert!(drift(&other) > 1.0, "{}", drift(&other));
        }
    }

    #[test]
    fn psi_is_the_textbook_sum() {
        let expected = (0.6 - 0.5) * (0.6f64 / 0.5).ln() + (0.4 - 0.5) * (0.4f64 / 0.5).ln();
        assert!((psi(&[0.6, 0.4], &[0.5, 0.5]) - expected).abs() < 1e-7);
    }
}
