//! How sure a difference of average precision is: a paired bootstrap over photos (Efron and Tibshirani 1993, An Introduction
//! to the Bootstrap). Photos are drawn anew with replacement, both networks are scored on each draw, and the middle nine
//! tenths of the differences are the interval. Paired, for both see the same photos: what makes a set easy or hard falls out.

use super::evaluate::PhotoResult;
use super::score::{Found, THRESHOLDS, Truth, matched};

/// Draws of the photos.
const DRAWS: usize = 400;
/// Left out at each end.
const TAIL: f64 = 0.05;

/// What average precision was lost between two networks, as far as these photos can tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lowest loss of the 90 % interval; negative: it gained.
    pub low: f64,
    /// Highest loss.
    pub high: f64,
    /// True boxes that count.
    pub truths: usize,
}

/// One class of one network on all photos, matched once: which photo a box is of, and at which thresholds it is right.
struct Class {
    /// True boxes of each photo.
    truths: Vec<u32>,
    /// Best first: photo, right at, left out at; one bit for each threshold.
    boxes: Vec<(u32, u16, u16)>,
}

/// The 90 % interval of the average precision lost between two networks on the same photos. `None` where there is nothing to
/// find.
pub fn drop_interval(classes: usize, before: &[PhotoResult], after: &[PhotoResult]) -> Option<Interval> {
    let photos = before.len().min(after.len());
    let (old, new) = (all(classes, &before[..photos]), all(classes, &after[..photos]));
    let truths = old.iter().flat_map(|class| &class.truths).map(|count| *count as usize).sum();
    let (mut seed, mut drops) = (1_u64, Vec::with_capacity(DRAWS));
    let (mut weights, mut curve) = (vec![0; photos], Vec::new());
    for _ in 0..DRAWS {
        weights.fill(0);
        (0..photos).for_each(|_| weights[draw(&mut seed, photos)] += 1);
        let of = |network: &[Class], curve: &mut Vec<_>| precision(network, &weights, curve);
        // A draw of photos that show nothing tells nothing.
        if let (Some(a), Some(b)) = (of(&old, &mut curve), of(&new, &mut curve)) {
            drops.push(a - b);
        }
    }
    drops.sort_unstable_by(f64::total_cmp);
    let last = drops.len().checked_sub(1)?;
    let at = |share: f64| drops[((share * last as f64).round() as usize).min(last)];
    Some(Interval { low: at(TAIL), high: at(1.0 - TAIL), truths })
}

/// SplitMix64: the same draws on every machine.
fn draw(state: &mut u64, below: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((((z ^ (z >> 31)) >> 32) * below as u64) >> 32) as usize
}

fn all(classes: usize, photos: &[PhotoResult]) -> Vec<Class> {
    let place = |index: usize| move |truth: &Truth| Truth { image: index, ..*truth };
    let found = |index: usize| move |found: &Found| Found { image: index, ..*found };
    let truths: Vec<Truth> =
        photos.iter().enumerate().flat_map(|(i, photo)| photo.truths.iter().map(place(i))).collect();
    let boxes: Vec<Found> =
        photos.iter().enumerate().flat_map(|(i, photo)| photo.found.iter().map(found(i))).collect();
    let of = |class: usize| {
        let mut counts = vec![0; photos.len()];
        truths.iter().filter(|t| t.class == class && !t.crowd).for_each(|t| counts[t.image] += 1);
        let boxes = matched(photos.len(), class, &truths, &boxes);
        Class { truths: counts, boxes: boxes.into_iter().map(|(p, hit, out)| (p as u32, hit, out)).collect() }
    };
    (0..classes).map(of).filter(|class| class.truths.iter().any(|count| *count > 0)).collect()
}

/// Average precision where each photo counts `weights` times, as if it were there so often. `None`: nothing to find.
fn precision(network: &[Class], weights: &[u32], curve: &mut Vec<(f64, f64)>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for class in network {
        let total: u32 = class.truths.iter().zip(weights).map(|(count, weight)| count * weight).sum();
        if total == 0 {
            continue;
        }
        count += 1;
        for step in 0..THRESHOLDS {
            let (mut hits, mut seen) = (0, 0);
            curve.clear();
            for (photo, hit, out) in &class.boxes {
                let weight = weights[*photo as usize];
                if weight == 0 || (out >> step) & 1 == 1 {
                    continue;
                }
                seen += weight;
                hits += weight * u32::from((hit >> step) & 1);
                let precision = f64::from(hits) / (f64::from(seen) + f64::EPSILON);
                curve.push((f64::from(hits) / f64::from(total), precision));
            }
            sum += super::score::under(curve) / THRESHOLDS as f64;
        }
    }
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::super::score::score;
    use super::*;

    /// Photos with one to three things of three classes, some missed, some invented, some a little beside.
    fn photos(count: usize, seed: u64, missed: usize) -> Vec<PhotoResult> {
        let mut state = seed;
        let mut truths_of = 7_u64;
        (0..count)
            .map(|image| {
                let mut photo = PhotoResult::default();
                for thing in 0..1 + draw(&mut truths_of, 3) {
                    let class = draw(&mut truths_of, 3);
                    let bbox = [60.0 * thing as f64, 10.0, 20.0 + draw(&mut truths_of, 90) as f64, 40.0];
                    photo.truths.push(Truth { image, class, bbox, area: bbox[2] * bbox[3], crowd: false });
                    if draw(&mut state, 100) >= missed {
                        let beside = draw(&mut state, 12) as f64;
                        let score = 0.3 + draw(&mut state, 60) as f64 / 100.0;
                        photo.found.push(Found {
                            image,
                            class,
                            score,
                            bbox: [bbox[0] + beside, bbox[1], bbox[2], bbox[3]],
                        });
                    }
                }
                if draw(&mut state, 4) == 0 {
                    photo.found.push(Found { image, class: 1, score: 0.5, bbox: [500.0, 10.0, 30.0, 30.0] });
                }
                photo.found.sort_by(|a, b| b.score.total_cmp(&a.score));
                photo
            })
            .collect()
    }

    fn ap(photos: &[PhotoResult]) -> f64 {
        let truths: Vec<Truth> = photos.iter().flat_map(|p| p.truths.clone()).collect();
        let found: Vec<Found> = photos.iter().flat_map(|p| p.found.clone()).collect();
        score(3, &truths, &found).ap.unwrap()
    }

    #[test]
    fn weights_are_photos_that_are_there_so_often() {
        let few = photos(12, 3, 30);
        let once = precision(&all(3, &few), &[1; 12], &mut Vec::new()).unwrap();
        assert!((once - ap(&few)).abs() < 1e-12, "{once} {}", ap(&few));
        let weights = [2, 0, 1, 3, 1, 0, 1, 1, 2, 0, 1, 1];
        let mut repeated = Vec::new();
        for (photo, weight) in few.iter().zip(weights) {
            for _ in 0..weight {
                let image = repeated.len();
                let mut photo = photo.clone();
                photo.truths.iter_mut().for_each(|t| t.image = image);
                photo.found.iter_mut().for_each(|f| f.image = image);
                repeated.push(photo);
            }
        }
        let weighted = precision(&all(3, &few), &weights, &mut Vec::new()).unwrap();
        assert!((weighted - ap(&repeated)).abs() < 1e-9, "{weighted} {}", ap(&repeated));
    }

    #[test]
    fn more_photos_say_more_and_a_real_loss_is_seen() {
        let interval = |count: usize, missed: usize| {
            drop_interval(3, &photos(count, 3, 20), &photos(count, 5, missed)).unwrap()
        };
        let (few, many) = (interval(10, 20), interval(400, 20));
        assert!(many.high - many.low < 0.4 * (few.high - few.low), "{few:?} {many:?}");
        assert!(few.low < 0.0 && few.high > 0.0, "two of one kind: {few:?}");
        let worse = interval(400, 60);
        assert!(worse.low > 0.1 && worse.truths > 400, "{worse:?}");
        // One network against itself loses nothing, whatever photos are drawn.
        let own = photos(20, 3, 20);
        assert_eq!(drop_interval(3, &own, &own).map(|i| (i.low, i.high)), Some((0.0, 0.0)));
        let blank = vec![PhotoResult::default(); 5];
        assert_eq!(drop_interval(3, &blank, &blank), None);
        assert_eq!(drop_interval(3, &[], &[]), None);
    }
}
