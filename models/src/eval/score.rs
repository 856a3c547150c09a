//! COCO's average precision of boxes: IoU 0.50:0.05:0.95, 101 recalls, 100 detections per image, over all boxes and by
//! their area. Written after the description of the metric (cocodataset.org/#detection-eval); the tests compare it with
//! pycocotools, crowds and ignored areas included.

/// One true box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truth {
    /// Which image, from 0.
    pub image: usize,
    /// Which class, from 0.
    pub class: usize,
    /// Left, top, width, height in pixels of the image.
    pub bbox: [f64; 4],
    /// Area in square pixels that decides the size class; a mask's if there is one, else the box's.
    pub area: f64,
    /// A region with many objects of the class: detections in it count neither for nor against.
    pub crowd: bool,
}

/// One detected box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Which image, from 0.
    pub image: usize,
    /// Which class, from 0.
    pub class: usize,
    /// Higher is surer.
    pub score: f64,
    /// Left, top, width, height in pixels of the image.
    pub bbox: [f64; 4],
}

/// COCO's size classes, by area in square pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Every size.
    All,
    /// Below 32 x 32.
    Small,
    /// 32 x 32 to 96 x 96.
    Medium,
    /// Above 96 x 96.
    Large,
}

impl Area {
    /// All four, in COCO's order.
    pub const ALL: [Self; 4] = [Self::All, Self::Small, Self::Medium, Self::Large];

    /// Lowest and highest area, both inclusive.
    const fn range(self) -> (f64, f64) {
        match self {
            Self::All => (0.0, 1e10),
            Self::Small => (0.0, 1024.0),
            Self::Medium => (1024.0, 9216.0),
            Self::Large => (9216.0, 1e10),
        }
    }

    /// Whether a box of this area belongs to it.
    pub fn holds(self, area: f64) -> bool {
        let (low, high) = self.range();
        (low..=high).contains(&area)
    }
}

/// Average precision of one class, over all areas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScore {
    /// The class.
    pub class: usize,
    /// True boxes that count.
    pub truths: usize,
    /// Over all IoU thresholds.
    pub ap: f64,
    /// At IoU 0.50.
    pub ap50: f64,
}

/// Average precision, 0 to 1. `None`: no true box of that kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Over all IoU thresholds and sizes: COCO's headline number.
    pub ap: Option<f64>,
    /// At IoU 0.50.
    pub ap50: Option<f64>,
    /// At IoU 0.75.
    pub ap75: Option<f64>,
    /// Of small objects, below 32 x 32 pixels.
    pub small: Option<f64>,
    /// Of medium ones.
    pub medium: Option<f64>,
    /// Of large ones, above 96 x 96 pixels.
    pub large: Option<f64>,
    /// Classes that occur among the true boxes, in order.
    pub classes: Vec<ClassScore>,
}

const DETECTIONS_PER_IMAGE: usize = 100;
pub(super) const THRESHOLDS: usize = 10;

/// IoU thresholds, the same floating point numbers as `numpy.linspace(.5, .95, 10)`.
fn threshold(step: usize) -> f64 {
    if step + 1 == THRESHOLDS { 0.95 } else { 0.5 + step as f64 * ((0.95 - 0.5) / 9.0) }
}

/// Boxes of one class in one image, with their overlaps.
struct Cell<'a> {
    truths: Vec<&'a Truth>,
    /// Best first.
    found: Vec<&'a Found>,
    /// `overlaps[detection][truth]`.
    overlaps: Vec<Vec<f64>>,
}

/// What became of a detection at one threshold.
#[derive(Clone, Copy)]
struct Outcome {
    score: f64,
    hit: bool,
    ignored: bool,
}

/// Scores detections of `classes` classes against the truth. The order of `found` within equal scores of an image
/// matters as it does in pycocotools: earlier ones come first.
pub fn score(classes: usize, truths: &[Truth], found: &[Found]) -> Scores {
    let images =
        truths.iter().map(|t| t.image).chain(found.iter().map(|f| f.image)).max().map_or(0, |m| m + 1);
    // (area, threshold) -> sum over classes of the average precision, and how many classes have such boxes.
    let mut sums = [[(0.0, 0usize); THRESHOLDS]; 4];
    let mut per_class = Vec::new();
    for class in 0..classes {
        let cells = cells(images, class, truths, found);
        for (row, area) in sums.iter_mut().zip(Area::ALL) {
            let total = cells.iter().flat_map(|c| &c.truths).filter(|t| !is_ignored(t, area)).count();
            if total == 0 {
                continue;
            }
            let mut own = [0.0; THRESHOLDS];
            for (step, (sum, count)) in row.iter_mut().enumerate() {
                let mut outcomes: Vec<Outcome> =
                    cells.iter().flat_map(|cell| matches(cell, area, threshold(step))).collect();
                outcomes.retain(|outcome| !outcome.ignored);
                outcomes.sort_by(|a, b| b.score.total_cmp(&a.score));
                own[step] = average_precision(&outcomes, total);
                *sum += own[step];
                *count += 1;
            }
            if area == Area::All {
                let ap = own.iter().sum::<f64>() / THRESHOLDS as f64;
                per_class.push(ClassScore { class, truths: total, ap, ap50: own[0] });
            }
        }
    }
    let mean = |(sum, count): (f64, usize)| (count > 0).then(|| sum / count as f64);
    let over_all = |area: usize| {
        let steps: Option<Vec<f64>> = sums[area].iter().map(|entry| mean(*entry)).collect();
        steps.map(|steps| steps.iter().sum::<f64>() / THRESHOLDS as f64)
    };
    Scores {
        ap: over_all(0),
        ap50: mean(sums[0][0]),
        ap75: mean(sums[0][5]),
        small: over_all(1),
        medium: over_all(2),
        large: over_all(3),
        classes: per_class,
    }
}

fn is_ignored(truth: &Truth, area: Area) -> bool {
    truth.crowd || !area.holds(truth.area)
}

fn cells<'a>(images: usize, class: usize, truths: &'a [Truth], found: &'a [Found]) -> Vec<Cell<'a>> {
    let mut cells: Vec<Cell<'a>> =
        (0..images).map(|_| Cell { truths: Vec::new(), found: Vec::new(), overlaps: Vec::new() }).collect();
    for truth in truths.iter().filter(|t| t.class == class) {
        cells[truth.image].truths.push(truth);
    }
    for one in found.iter().filter(|f| f.class == class) {
        cells[one.image].found.push(one);
    }
    for cell in &mut cells {
        cell.found.sort_by(|a, b| b.score.total_cmp(&a.score));
        cell.found.truncate(DETECTIONS_PER_IMAGE);
        let row = |f: &&Found| cell.truths.iter().map(|t| overlap(&f.bbox, t)).collect();
        cell.overlaps = cell.found.iter().map(row).collect();
    }
    cells
}

/// Greedy matching, best score first: each detection takes the free truth it overlaps most, if that is enough; one that
/// counts before one that is ignored. Of equal overlaps the later truth wins, as in pycocotools.
fn matches(cell: &Cell<'_>, area: Area, threshold: f64) -> Vec<Outcome> {
    // Those that count first, each group in its own order.
    let mut order: Vec<usize> = (0..cell.truths.len()).collect();
    order.sort_by_key(|index| is_ignored(cell.truths[*index], area));
    let mut taken = vec![false; cell.truths.len()];
    let mut outcomes = Vec::with_capacity(cell.found.len());
    for (detection, overlaps) in cell.found.iter().zip(&cell.overlaps) {
        let mut best = threshold.min(1.0 - 1e-10);
        let mut hit: Option<usize> = None;
        for &index in &order {
            let truth = cell.truths[index];
            if taken[index] && !truth.crowd {
                continue;
            }
            let counts_already = hit.is_some_and(|h| !is_ignored(cell.truths[h], area));
            if counts_already && is_ignored(truth, area) {
                break;
            }
            if overlaps[index] >= best {
                best = overlaps[index];
                hit = Some(index);
            }
        }
        if let Some(index) = hit {
            taken[index] = true;
        }
        let ignored = match hit {
            Some(index) => is_ignored(cell.truths[index], area),
            None => !area.holds(detection.bbox[2] * detection.bbox[3]),
        };
        outcomes.push(Outcome { score: detection.score, hit: hit.is_some(), ignored });
    }
    outcomes
}

/// What became of every box of a class, best first: its photo, the thresholds at which it is right, and those at which it counts
/// neither for nor against, one bit each.
pub(super) fn matched(
    images: usize,
    class: usize,
    truths: &[Truth],
    found: &[Found],
) -> Vec<(usize, u16, u16)> {
    let mut all: Vec<(f64, usize, u16, u16)> = Vec::new();
    for (image, cell) in cells(images, class, truths, found).iter().enumerate() {
        let first = all.len();
        all.extend(cell.found.iter().map(|found| (found.score, image, 0, 0)));
        for step in 0..THRESHOLDS {
            let outcomes = matches(cell, Area::All, threshold(step));
            for ((_, _, hit, ignored), outcome) in all[first..].iter_mut().zip(&outcomes) {
                *hit |= u16::from(outcome.hit) << step;
                *ignored |= u16::from(outcome.ignored) << step;
            }
        }
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.into_iter().map(|(_, image, hit, ignored)| (image, hit, ignored)).collect()
}

/// Mean over recalls 0, 0.01, ..., 1 of the best precision at that recall or a higher one.
fn average_precision(outcomes: &[Outcome], total: usize) -> f64 {
    let mut hits = 0usize;
    let mut curve: Vec<(f64, f64)> = outcomes
        .iter()
        .enumerate()
        .map(|(index, outcome)| {
            hits += usize::from(outcome.hit);
            (hits as f64 / total as f64, hits as f64 / ((index + 1) as f64 + f64::EPSILON))
        })
        .collect();
    under(&mut curve)
}

/// The same of a curve of recall and precision, in the order of recall.
pub(super) fn under(curve: &mut [(f64, f64)]) -> f64 {
    for index in (1..curve.len()).rev() {
        curve[index - 1].1 = curve[index - 1].1.max(curve[index].1);
    }
    let mut next = 0;
    let mut sum = 0.0;
    for step in 0..=100 {
        let recall = f64::from(step) * 0.01;
        while curve.get(next).is_some_and(|point| point.0 < recall) {
            next += 1;
        }
        sum += curve.get(next).map_or(0.0, |point| point.1);
    }
    sum / 101.0
}

/// Overlap of a detection with a truth: intersection over union; of a crowd, over the detection's own area.
fn overlap(found: &[f64; 4], truth: &Truth) -> f64 {
    let both = intersection(found, &truth.bbox);
    let own = found[2] * found[3];
    let whole = if truth.crowd { own } else { own + truth.bbox[2] * truth.bbox[3] - both };
    if whole > 0.0 { both / whole } else { 0.0 }
}

fn intersection(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let width = ((a[0] + a[2]).min(b[0] + b[2]) - a[0].max(b[0])).max(0.0);
    let height = ((a[1] + a[3]).min(b[1] + b[3]) - a[1].max(b[1])).max(0.0);
    width * height
}

/// Intersection over union of two boxes [left, top, width, height], 0 to 1.
pub fn iou(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let both = intersection(a, b);
    let union = a[2] * a[3] + b[2] * b[3] - both;
    if union > 0.0 { both / union } else { 0.0 }
}
