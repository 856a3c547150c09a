//! Where a model is weak: how much it finds, by class, size, brightness and sharpness.

use super::evaluate::PhotoResult;
use super::score::{Area, Truth, iou};

/// How much of a group of true boxes was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What the group is, e.g. `small` or `brightness 40 to 80`.
    pub name: String,
    /// True boxes, crowds left out.
    pub truths: usize,
    /// Found: a box of the class with IoU 0.5 or more at the score asked for.
    pub found: usize,
    /// Detections of the group's photos or class that hit nothing.
    pub inventions: usize,
}

impl Group {
    fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), truths: 0, found: 0, inventions: 0 }
    }

    /// Share found, 0 to 1; `None` without true boxes.
    pub fn recall(&self) -> Option<f64> {
        (self.truths > 0).then(|| self.found as f64 / self.truths as f64)
    }
}

/// The report.
#[derive(Clone, Debug, PartialEq)]
pub struct Weakness {
    /// By class, in the order of the labels; classes that neither occur nor are invented are left out.
    pub classes: Vec<Group>,
    /// Small, medium, large as COCO has them. Inventions count by their own size.
    pub sizes: Vec<Group>,
    /// By the photo's mean luma.
    pub brightness: Vec<Group>,
    /// By the photo's sharpness (variance of the Laplacian).
    pub sharpness: Vec<Group>,
}

const BRIGHTNESS: [f64; 5] = [40.0, 80.0, 120.0, 160.0, 200.0];
const SHARPNESS: [f64; 4] = [100.0, 300.0, 1000.0, 3000.0];

fn groups(what: &str, edges: &[f64]) -> Vec<Group> {
    let first = std::iter::once(format!("{what} below {}", edges[0]));
    let middle = edges.windows(2).map(|pair| format!("{what} {} to {}", pair[0], pair[1]));
    let last = std::iter::once(format!("{what} above {}", edges[edges.len() - 1]));
    first.chain(middle).chain(last).map(Group::new).collect()
}

fn place(edges: &[f64], value: f64) -> usize {
    edges.iter().take_while(|edge| value >= **edge).count()
}

/// Counts what was found at `min_score` or above.
pub fn weakness(labels: &[impl AsRef<str>], photos: &[PhotoResult], min_score: f64) -> Weakness {
    let mut classes: Vec<Group> = labels.iter().map(|label| Group::new(label.as_ref())).collect();
    let mut sizes: Vec<Group> =
        ["small (below 32 x 32)", "medium", "large (above 96 x 96)"].map(Group::new).into();
    let mut brightness = groups("brightness", &BRIGHTNESS);
    let mut sharpness = groups("sharpness", &SHARPNESS);
    let size_of = |area: f64| {
        [Area::Small, Area::Medium, Area::Large].iter().position(|size| size.holds(area)).unwrap_or(2)
    };
    for photo in photos {
        let (light, blur) = (place(&BRIGHTNESS, photo.brightness), place(&SHARPNESS, photo.sharpness));
        let mut taken = vec![false; photo.truths.len()];
        // Found boxes come best first: each takes the free truth it overlaps most.
        for found in photo.found.iter().filter(|f| f.score >= min_score) {
            let fits = |truth: &Truth| truth.class == found.class;
            let best = photo
                .truths
                .iter()
                .enumerate()
                .filter(|(index, truth)| fits(truth) && (!taken[*index] || truth.crowd))
                .map(|(index, truth)| (index, iou(&truth.bbox, &found.bbox)))
                .filter(|(index, overlap)| *overlap >= 0.5 || (photo.truths[*index].crowd && *overlap > 0.0))
                .max_by(|a, b| a.1.total_cmp(&b.1));
            match best {
                Some((index, _)) => taken[index] = true,
                None => {
                    let size = size_of(found.bbox[2] * found.bbox[3]);
                    let class = classes.get_mut(found.class);
                    let rest = [&mut sizes[size], &mut brightness[light], &mut sharpness[blur]];
                    class.into_iter().chain(rest).for_each(|group| group.inventions += 1);
                }
            }
        }
        for (truth, taken) in photo.truths.iter().zip(taken).filter(|(truth, _)| !truth.crowd) {
            let class = classes.get_mut(truth.class);
            let rest = [&mut sizes[size_of(truth.area)], &mut brightness[light], &mut sharpness[blur]];
            for group in class.into_iter().chain(rest) {
                group.truths += 1;
                group.found += usize::from(taken);
            }
        }
    }
    classes.retain(|group| group.truths + group.inventions > 0);
    Weakness { classes, sizes, brightness, sharpness }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Found;

    #[test]
    fn a_missed_small_box_on_a_dark_photo_counts_in_its_groups() {
        let truth = |class, x: f64, side: f64| Truth {
            image: 0,
            class,
            bbox: [x, 0.0, side, side],
            area: side * side,
            crowd: false,
        };
        let photo = PhotoResult {
            truths: vec![truth(0, 0.0, 100.0), truth(0, 200.0, 10.0)],
            found: vec![
                Found { image: 0, class: 0, score: 0.9, bbox: [2.0, 0.0, 100.0, 100.0] },
                Found { image: 0, class: 1, score: 0.8, bbox: [300.0, 0.0, 50.0, 50.0] },
                Found { image: 0, class: 0, score: 0.1, bbox: [200.0, 0.0, 10.0, 10.0] },
            ],
            brightness: 20.0,
            sharpness: 500.0,
            inference_ns: 0,
        };
        let report = weakness(&["person", "car", "boat"], &[photo], 0.35);
        let recalls: Vec<_> = report.sizes.iter().map(Group::recall).collect();
        assert_eq!(recalls, [Some(0.0), None, Some(1.0)]);
        assert_eq!(report.sizes[1].inventions, 1);
        assert_eq!(report.classes.len(), 2, "boats neither occur nor are invented");
        assert_eq!((report.classes[0].found, report.classes[1].inventions), (1, 1));
        assert_eq!(report.brightness[0].recall(), Some(0.5));
        assert_eq!(report.sharpness[2].name, "sharpness 300 to 1000");
        assert_eq!(report.sharpness[2].truths, 2);
    }
}
