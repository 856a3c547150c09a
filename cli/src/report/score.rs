//! Detections counted against boxes that are known to be right.
//!
//! Per frame and class, the most confident detection chooses first, and takes the free true box that it overlaps most, if
//! their intersection over union reaches the threshold (Everingham et al., "The Pascal VOC Challenge", 2010, section 4.2).
//! True boxes that are hardly visible are *ignored*: finding them earns nothing, missing them costs nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An upright box in pixels of the image: x to the right, y down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// To the right edge.
    pub width: f64,
    /// To the lower edge.
    pub height: f64,
}

impl Rect {
    /// Intersection over union, 0 to 1; 0 for boxes without area or with a coordinate that is no number.
    pub fn iou(&self, other: &Rect) -> f64 {
        let overlap = |a: f64, a_length: f64, b: f64, b_length: f64| {
            ((a + a_length).min(b + b_length) - a.max(b)).max(0.0)
        };
        let intersection = overlap(self.x, self.width, other.x, other.width)
            * overlap(self.y, self.height, other.y, other.height);
        let area = |rect: &Rect| rect.width.max(0.0) * rect.height.max(0.0);
        let ratio = intersection / (area(self) + area(other) - intersection);
        let numbers = [self.x, self.y, self.width, self.height, other.x, other.y, other.width, other.height];
        if ratio.is_finite() && numbers.iter().all(|number| number.is_finite()) {
            ratio.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }
}

/// A box that is known to be right.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueBox {
    /// Its class.
    pub class: String,
    /// Where.
    pub rect: Rect,
    /// The share of the thing that is neither hidden nor outside of the image, 0 to 1.
    pub visible: f64,
    /// Metres from the camera, where known.
    pub distance_m: Option<f64>,
}

/// A box that the network reported.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundBox {
    /// Its class.
    pub class: String,
    /// Confidence, 0 to 1.
    pub score: f64,
    /// Where.
    pub rect: Rect,
}

/// What became of a detection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It fits a true box.
    Hit,
    /// It fits none.
    False,
    /// It fits a true box that is hardly visible, and does not count.
    Ignored,
}

/// The counts of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassScore {
    /// The class.
    pub class: String,
    /// True boxes that count.
    pub truths: u64,
    /// Of those, found.
    pub hits: u64,
    /// Detections that fit no true box.
    pub false_alarms: u64,
    /// Detections of hardly visible things.
    pub ignored: u64,
}

impl ClassScore {
    /// The share of the detections that are right; none without detections.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.hits, self.hits + self.false_alarms)
    }

    /// The share of the true boxes that were found; none without true boxes.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.hits, self.truths)
    }
}

/// The recall of things within a range of distances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct DistanceScore {
    /// From here on, metres.
    pub from_m: f64,
    /// Up to here, metres; none: without end.
    pub to_m: Option<f64>,
    /// True boxes that count.
    pub truths: u64,
    /// Of those, found.
    pub hits: u64,
}

impl DistanceScore {
    /// The share of the true boxes that were found; none without true boxes.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.hits, self.truths)
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The outcome of all frames.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScoreTable {
    /// Frames compared.
    pub frames: u64,
    /// The overlap that makes a hit, 0 to 1.
    pub min_iou: f64,
    /// True boxes less visible than this are ignored, 0 to 1.
    pub min_visible: f64,
    /// One row a class that was true or found, by name.
    pub classes: Vec<ClassScore>,
    /// All classes, near to far; only true boxes of known distance.
    pub distances: Vec<DistanceScore>,
}

impl ScoreTable {
    /// The sum over all classes, under the name `all`.
    pub fn total(&self) -> ClassScore {
        let zero = ClassScore { class: "all".to_owned(), ..Default::default() };
        self.classes.iter().fold(zero, |mut sum, class| {
            sum.truths += class.truths;
            sum.hits += class.hits;
            sum.false_alarms += class.false_alarms;
            sum.ignored += class.ignored;
            sum
        })
    }
}

/// Where one distance range ends and the next begins, metres.
const EDGES: [f64; 6] = [4.0, 8.0, 12.0, 16.0, 24.0, 32.0];

/// Counts frame by frame.
#[derive(Debug, Clone)]
pub struct Scorer {
    min_iou: f64,
    min_visible: f64,
    frames: u64,
    classes: BTreeMap<String, ClassScore>,
    distances: [(u64, u64); EDGES.len() + 1],
}

impl Default for Scorer {
    /// Half overlap makes a hit; what shows less than a third of itself is ignored.
    fn default() -> Self {
        Self::new(0.5, 1.0 / 3.0)
    }
}

impl Scorer {
    /// `min_iou`: the overlap that makes a hit, 0 to 1. `min_visible`: true boxes less visible are ignored, 0 to 1.
    pub fn new(min_iou: f64, min_visible: f64) -> Self {
        Self { min_iou, min_visible, frames: 0, classes: BTreeMap::new(), distances: Default::default() }
    }

    /// Compares one frame; gives a verdict for each detection, in the order given.
    pub fn add_frame(&mut self, found: &[FoundBox], truths: &[TrueBox]) -> Vec<Verdict> {
        self.frames += 1;
        let counts = |truth: &TrueBox| truth.visible >= self.min_visible;
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_by(|a, b| found[*b].score.total_cmp(&found[*a].score));
        let mut taken = vec![false; truths.len()];
        let mut verdicts = vec![Verdict::False; found.len()];
        for at in order {
            let detection = &found[at];
            let (mut best, mut beside_ignored) = (None::<(usize, f64)>, false);
            for (place, truth) in
                truths.iter().enumerate().filter(|(_, truth)| truth.class == detection.class)
            {
                let iou = detection.rect.iou(&truth.rect);
                if iou < self.min_iou || iou == 0.0 {
                    continue;
                }
                if !counts(truth) {
                    beside_ignored = true;
                } else if !taken[place] && best.is_none_or(|(_, most)| iou > most) {
                    best = Some((place, iou));
                }
            }
            verdicts[at] = match best {
                Some((place, _)) => {
                    taken[place] = true;
                    Verdict::Hit
                }
                None if beside_ignored => Verdict::Ignored,
                None => Verdict::False,
            };
        }
        let counted: Vec<bool> = truths.iter().map(counts).collect();
        for (verdict, detection) in verdicts.iter().zip(found) {
            let row = self.row(&detection.class);
            match verdict {
                Verdict::Hit => row.hits += 1,
                Verdict::False => row.false_alarms += 1,
                Verdict::Ignored => row.ignored += 1,
            }
        }
        for ((truth, taken), _) in truths.iter().zip(taken).zip(counted).filter(|(_, counted)| *counted) {
            self.row(&truth.class).truths += 1;
            if let Some(distance) = truth.distance_m.filter(|distance| distance.is_finite()) {
                let place = EDGES.iter().take_while(|edge| distance >= **edge).count();
                self.distances[place].0 += 1;
                self.distances[place].1 += u64::from(taken);
            }
        }
        verdicts
    }

    fn row(&mut self, class: &str) -> &mut ClassScore {
        if !self.classes.contains_key(class) {
            let row = ClassScore { class: class.to_owned(), ..Default::default() };
            self.classes.insert(class.to_owned(), row);
        }
        self.classes.entry(class.to_owned()).or_default()
    }

    /// The counts so far. Distance ranges without a true box are left out.
    pub fn table(&self) -> ScoreTable {
        let distances = self.distances.iter().enumerate().filter(|(_, (truths, _))| *truths > 0);
        ScoreTable {
            frames: self.frames,
            min_iou: self.min_iou,
            min_visible: self.min_visible,
            classes: self.classes.values().cloned().collect(),
            distances: distances
                .map(|(place, (truths, hits))| DistanceScore {
                    from_m: place.checked_sub(1).map_or(0.0, |before| EDGES[before]),
                    to_m: EDGES.get(place).copied(),
                    truths: *truths,
                    hits: *hits,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: f64, width: f64) -> Rect {
        Rect { x, y: 0.0, width, height: 10.0 }
    }

    fn truth(class: &str, x: f64) -> TrueBox {
        TrueBox { class: class.into(), rect: rect(x, 10.0), visible: 1.0, distance_m: Some(5.0) }
    }

    fn found(class: &str, score: f64, x: f64) -> FoundBox {
        FoundBox { class: class.into(), score, rect: rect(x, 10.0) }
    }

    #[test]
    fn overlap_is_that_of_the_areas() {
        assert_eq!(rect(0.0, 10.0).iou(&rect(0.0, 10.0)), 1.0);
        assert_eq!(rect(0.0, 10.0).iou(&rect(5.0, 10.0)), 1.0 / 3.0);
        assert_eq!(rect(0.0, 10.0).iou(&rect(10.0, 10.0)), 0.0);
        assert_eq!(rect(0.0, 0.0).iou(&rect(0.0, 0.0)), 0.0);
        assert_eq!(rect(f64::NAN, 10.0).iou(&rect(0.0, 10.0)), 0.0);
        assert_eq!(rect(0.0, -10.0).iou(&rect(-10.0, 10.0)), 0.0);
    }

    #[test]
    fn a_true_box_is_found_once_by_the_most_confident() {
        let mut scorer = Scorer::default();
        let verdicts = scorer.add_frame(
            &[found("car", 0.5, 0.0), found("car", 0.9, 1.0), found("dog", 0.9, 0.0)],
            &[truth("car", 0.0)],
        );
        assert_eq!(verdicts, [Verdict::False, Verdict::Hit, Verdict::False]);
        let table = scorer.table();
        let car = &table.classes[0];
        assert_eq!((car.precision(), car.recall()), (Some(0.5), Some(1.0)));
        assert_eq!((table.classes[1].precision(), table.classes[1].recall()), (Some(0.0), None));
        assert_eq!((table.total().truths, table.total().false_alarms), (1, 2));
    }

    #[test]
    fn a_detection_takes_the_box_it_overlaps_most() {
        let mut scorer = Scorer::default();
        let verdicts = scorer.add_frame(
            &[found("car", 0.9, 2.0), found("car", 0.8, -1.0)],
            &[truth("car", 0.0), truth("car", 3.0)],
        );
        assert_eq!(verdicts, [Verdict::Hit, Verdict::Hit]);
    }

    #[test]
    fn hardly_visible_things_neither_earn_nor_cost() {
        let hidden = TrueBox { visible: 0.1, ..truth("car", 0.0) };
        let mut scorer = Scorer::default();
        assert_eq!(
            scorer.add_frame(&[found("car", 0.9, 0.0)], std::slice::from_ref(&hidden)),
            [Verdict::Ignored]
        );
        assert_eq!(scorer.add_frame(&[], std::slice::from_ref(&hidden)), []);
        let total = scorer.table().total();
        assert_eq!((total.truths, total.hits, total.false_alarms, total.ignored), (0, 0, 0, 1));
        // A visible box nearby is preferred to the hidden one.
        let verdicts = scorer.add_frame(&[found("car", 0.9, 0.0)], &[hidden, truth("car", 2.0)]);
        assert_eq!(verdicts, [Verdict::Hit]);
    }

    #[test]
    fn recall_is_kept_by_distance() {
        let mut scorer = Scorer::default();
        let far = TrueBox { distance_m: Some(50.0), ..truth("car", 100.0) };
        let edge = TrueBox { distance_m: Some(8.0), ..truth("car", 200.0) };
        let unknown = TrueBox { distance_m: None, ..truth("car", 300.0) };
        scorer.add_frame(&[found("car", 0.9, 0.0)], &[truth("car", 0.0), far, edge, unknown]);
        let rows: Vec<_> =
            scorer.table().distances.iter().map(|row| (row.from_m, row.to_m, row.truths, row.hits)).collect();
        assert_eq!(rows, [(4.0, Some(8.0), 1, 1), (8.0, Some(12.0), 1, 0), (32.0, None, 1, 0)]);
    }

    #[test]
    fn no_boxes_and_no_numbers_are_no_panic() {
        let mut scorer = Scorer::new(0.0, 0.0);
        let odd = FoundBox { score: f64::NAN, rect: rect(f64::NAN, f64::INFINITY), ..found("car", 0.0, 0.0) };
        assert_eq!(scorer.add_frame(&[odd], &[truth("car", 0.0)]), [Verdict::False]);
        assert_eq!(scorer.add_frame(&[], &[]), []);
        assert_eq!(Scorer::default().table().total().recall(), None);
    }
}
