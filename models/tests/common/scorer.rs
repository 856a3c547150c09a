//! COCO average precision of boxes: IoU 0.50:0.05:0.95, 101-point interpolation, 100 detections per image, all areas,
//! mean over the classes that occur. Written after the description of the metric; checked against pycocotools in
//! `scorer_agrees_with_pycocotools`.

/// One true box: image, class, [x, y, width, height].
#[derive(Clone, Copy, Debug)]
pub struct Truth {
    pub image: usize,
    pub class: usize,
    pub bbox: [f64; 4],
}

/// One detected box.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub image: usize,
    pub class: usize,
    pub score: f64,
    pub bbox: [f64; 4],
}

/// Average precision over all thresholds, and at IoU 0.50.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    pub ap: f64,
    pub ap50: f64,
}

const DETECTIONS_PER_IMAGE: usize = 100;

pub fn score(images: usize, classes: usize, truths: &[Truth], found: &[Found]) -> Verdict {
    let mut per_threshold = [(0.0, 0usize); 10];
    for class in 0..classes {
        let total = truths.iter().filter(|t| t.class == class).count();
        if total == 0 {
            continue;
        }
        for (step, (sum, count)) in per_threshold.iter_mut().enumerate() {
            let threshold = 0.5 + 0.05 * step as f64;
            // (score, whether it hit a truth) over all images, in image order; sorted stably below.
            let mut verdicts: Vec<(f64, bool)> =
                (0..images).flat_map(|image| matches(image, class, threshold, truths, found)).collect();
            verdicts.sort_by(|a, b| b.0.total_cmp(&a.0));
            *sum += average_precision(&verdicts, total);
            *count += 1;
        }
    }
    let mean = |(sum, count): (f64, usize)| if count == 0 { 0.0 } else { sum / count as f64 };
    let ap = per_threshold.iter().map(|entry| mean(*entry)).sum::<f64>() / 10.0;
    Verdict { ap, ap50: mean(per_threshold[0]) }
}

/// Greedy matching, best score first: each detection takes the free truth it overlaps most, if that is enough. Of equal
/// overlaps the later truth wins, as in pycocotools.
fn matches(
    image: usize,
    class: usize,
    threshold: f64,
    truths: &[Truth],
    found: &[Found],
) -> Vec<(f64, bool)> {
    let truths: Vec<&Truth> = truths.iter().filter(|t| t.image == image && t.class == class).collect();
    let mut found: Vec<&Found> = found.iter().filter(|f| f.image == image && f.class == class).collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(DETECTIONS_PER_IMAGE);
    let mut taken = vec![false; truths.len()];
    found
        .into_iter()
        .map(|detection| {
            let mut best = threshold.min(1.0 - 1e-10);
            let mut hit = None;
            for (index, truth) in truths.iter().enumerate() {
                let overlap = iou(&detection.bbox, &truth.bbox);
                if !taken[index] && overlap >= best {
                    best = overlap;
                    hit = Some(index);
                }
            }
            if let Some(index) = hit {
                taken[index] = true;
            }
            (detection.score, hit.is_some())
        })
        .collect()
}

/// Mean over recalls 0, 0.01, ..., 1 of the best precision at that recall or a higher one.
fn average_precision(verdicts: &[(f64, bool)], total: usize) -> f64 {
    let mut hits = 0usize;
    let mut curve: Vec<(f64, f64)> = verdicts
        .iter()
        .enumerate()
        .map(|(index, (_, hit))| {
            hits += usize::from(*hit);
            (hits as f64 / total as f64, hits as f64 / ((index + 1) as f64 + f64::EPSILON))
        })
        .collect();
    for index in (1..curve.len()).rev() {
        curve[index - 1].1 = curve[index - 1].1.max(curve[index].1);
    }
    let at = |recall: f64| curve.iter().find(|point| point.0 >= recall).map_or(0.0, |point| point.1);
    (0..=100).map(|step| at(f64::from(step) * 0.01)).sum::<f64>() / 101.0
}

pub fn iou(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let width = ((a[0] + a[2]).min(b[0] + b[2]) - a[0].max(b[0])).max(0.0);
    let height = ((a[1] + a[3]).min(b[1] + b[3]) - a[1].max(b[1])).max(0.0);
    let both = width * height;
    both / (a[2] * a[3] + b[2] * b[3] - both)
}
