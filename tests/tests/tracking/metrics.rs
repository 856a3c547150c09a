//! How good tracks are: CLEAR (Bernardin and Stiefelhagen, 2008), identity (Ristani et al., 2016) and HOTA (Luiten et
//! al., IJCV 2021), defined as in TrackEval, against which `golden.json` checks them.

use std::collections::BTreeMap;

use peregrine_tracker::algo::assignment::Assignment;
use peregrine_tracker::algo::rect::Rect;

/// One picture: who is where in truth, and what the tracker says.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    pub truth: Vec<(u64, Rect)>,
    pub told: Vec<(u64, Rect)>,
}

/// All figures, 0 to 1 but for the counts; MOTA may be negative.
#[derive(Debug, Clone, Copy, Default)]
pub struct Score {
    pub hota: f64,
    pub deta: f64,
    pub assa: f64,
    pub mota: f64,
    pub idf1: f64,
    pub switches: u64,
    pub false_positives: u64,
    pub misses: u64,
    pub truths: u64,
}

/// Overlap that makes a match in CLEAR and identity.
const THRESHOLD: f64 = 0.5;
/// Room for rounding, as TrackEval leaves it.
const EPSILON: f64 = f64::EPSILON;

/// Numbers of truths and of tracks from 0, and their overlaps.
type Picture = (Vec<usize>, Vec<usize>, Vec<Vec<f64>>);

struct Numbered {
    pictures: Vec<Picture>,
    truths: usize,
    tracks: usize,
}

fn number(frames: &[Frame]) -> Numbered {
    let (mut truths, mut tracks) = (BTreeMap::new(), BTreeMap::new());
    let place = |known: &mut BTreeMap<u64, usize>, id: u64| {
        let next = known.len();
        *known.entry(id).or_insert(next)
    };
    let mut pictures = Vec::new();
    for frame in frames {
        let g: Vec<usize> = frame.truth.iter().map(|(id, _)| place(&mut truths, *id)).collect();
        let t: Vec<usize> = frame.told.iter().map(|(id, _)| place(&mut tracks, *id)).collect();
        let overlap = |a: &Rect| frame.told.iter().map(|(_, b)| a.iou(b)).collect();
        pictures.push((g, t, frame.truth.iter().map(|(_, a)| overlap(a)).collect()));
    }
    Numbered { pictures, truths: truths.len(), tracks: tracks.len() }
}

/// Pairs of the largest total score; every row and column that can be paired is.
fn best(scores: &[Vec<f64>], columns: usize) -> Vec<(usize, usize)> {
    let top = scores.iter().flatten().copied().fold(0.0, f64::max) + 1.0;
    let mut solver = Assignment::default();
    solver.begin(columns);
    for row in scores {
        for (column, score) in row.iter().enumerate() {
            solver.pair(column, top - score);
        }
        solver.end_row();
    }
    // So dear that nobody stays alone who need not.
    solver.solve(top * (scores.len() + columns + 1) as f64);
    (0..scores.len()).filter_map(|row| Some((row, solver.column_of(row)?))).collect()
}

pub fn score(frames: &[Frame]) -> Score {
    let numbered = number(frames);
    let mut score = clear(&numbered);
    score.idf1 = identity(&numbered);
    (score.hota, score.deta, score.assa) = hota(&numbered);
    score
}

fn clear(n: &Numbered) -> Score {
    let mut last = vec![None::<usize>; n.truths];
    let mut before = vec![None::<usize>; n.truths];
    let mut score = Score::default();
    let mut hits = 0_u64;
    for (g, t, overlaps) in &n.pictures {
        score.truths += g.len() as u64;
        // Who was matched in the last picture is matched first.
        let worth = |row: usize, column: usize| {
            let overlap = overlaps[row][column];
            let kept = if before[g[row]] == Some(t[column]) { 1000.0 } else { 0.0 };
            if overlap < THRESHOLD - EPSILON { 0.0 } else { kept + overlap }
        };
        let scores: Vec<Vec<f64>> =
            (0..g.len()).map(|r| (0..t.len()).map(|c| worth(r, c)).collect()).collect();
        let pairs: Vec<_> =
            best(&scores, t.len()).into_iter().filter(|(r, c)| scores[*r][*c] > EPSILON).collect();
        before.fill(None);
        for (r, c) in &pairs {
            if last[g[*r]].is_some_and(|l| l != t[*c]) {
                score.switches += 1;
            }
            last[g[*r]] = Some(t[*c]);
            before[g[*r]] = Some(t[*c]);
        }
        hits += pairs.len() as u64;
        score.false_positives += (t.len() - pairs.len()) as u64;
        score.misses += (g.len() - pairs.len()) as u64;
    }
    let wrong = (score.false_positives + score.switches) as f64;
    score.mota = (hits as f64 - wrong) / (score.truths.max(1)) as f64;
    score
}

fn identity(n: &Numbered) -> f64 {
    let (g, t) = (n.truths, n.tracks);
    let mut common = vec![vec![0_u64; t]; g];
    let (mut of_truth, mut of_track) = (vec![0_u64; g], vec![0_u64; t]);
    for (truths, tracks, overlaps) in &n.pictures {
        truths.iter().for_each(|i| of_truth[*i] += 1);
        tracks.iter().for_each(|i| of_track[*i] += 1);
        for (r, truth) in truths.iter().enumerate() {
            for (c, track) in tracks.iter().enumerate() {
                common[*truth][*track] += u64::from(overlaps[r][c] >= THRESHOLD);
            }
        }
    }
    // Each truth goes to one track or to nobody: the pairs that keep the most pictures.
    let scores: Vec<Vec<f64>> = common.iter().map(|row| row.iter().map(|v| *v as f64).collect()).collect();
    let right: u64 = best(&scores, t).iter().map(|(r, c)| common[*r][*c]).sum();
    let all = of_truth.iter().sum::<u64>() + of_track.iter().sum::<u64>();
    if all == 0 { 0.0 } else { 2.0 * right as f64 / all as f64 }
}

fn hota(n: &Numbered) -> (f64, f64, f64) {
    let (g, t) = (n.truths, n.tracks);
    let mut potential = vec![vec![0.0; t]; g];
    let (mut of_truth, mut of_track) = (vec![0.0_f64; g], vec![0.0_f64; t]);
    for (truths, tracks, overlaps) in &n.pictures {
        truths.iter().for_each(|i| of_truth[*i] += 1.0);
        tracks.iter().for_each(|i| of_track[*i] += 1.0);
        let columns: Vec<f64> = (0..tracks.len()).map(|c| overlaps.iter().map(|row| row[c]).sum()).collect();
        for (r, truth) in truths.iter().enumerate() {
            let row: f64 = overlaps[r].iter().sum();
            for (c, track) in tracks.iter().enumerate() {
                let all = row + columns[c] - overlaps[r][c];
                potential[*truth][*track] += if all > EPSILON { overlaps[r][c] / all } else { 0.0 };
            }
        }
    }
    let alignment = |i: usize, j: usize| potential[i][j] / (of_truth[i] + of_track[j] - potential[i][j]);
    let alphas: Vec<f64> = (1..20).map(|a| f64::from(a) * 0.05).collect();
    let mut matches = vec![BTreeMap::<(usize, usize), f64>::new(); alphas.len()];
    let mut counts = vec![[0.0_f64; 3]; alphas.len()];
    for (truths, tracks, overlaps) in &n.pictures {
        let scores: Vec<Vec<f64>> = (0..truths.len())
            .map(|r| (0..tracks.len()).map(|c| alignment(truths[r], tracks[c]) * overlaps[r][c]).collect())
            .collect();
        let pairs = best(&scores, tracks.len());
        for (a, alpha) in alphas.iter().enumerate() {
            let good = pairs.iter().filter(|(r, c)| overlaps[*r][*c] >= alpha - EPSILON);
            let mut hits = 0.0;
            for (r, c) in good {
                *matches[a].entry((truths[*r], tracks[*c])).or_default() += 1.0;
                hits += 1.0;
            }
            counts[a][0] += hits;
            counts[a][1] += truths.len() as f64 - hits;
            counts[a][2] += tracks.len() as f64 - hits;
        }
    }
    let mut sums = (0.0, 0.0, 0.0);
    for (matches, [hits, misses, extra]) in matches.iter().zip(&counts) {
        let deta = hits / f64::max(1.0, hits + misses + extra);
        let whole =
            |((i, j), m): (&(usize, usize), &f64)| m * m / f64::max(1.0, of_truth[*i] + of_track[*j] - m);
        let assa = matches.iter().map(whole).sum::<f64>() / f64::max(1.0, *hits);
        sums = (sums.0 + (deta * assa).sqrt(), sums.1 + deta, sums.2 + assa);
    }
    let all = alphas.len() as f64;
    (sums.0 / all, sums.1 / all, sums.2 / all)
}
