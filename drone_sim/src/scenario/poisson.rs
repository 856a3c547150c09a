//! Points that are random but never closer than a given distance.

use crate::rng::Stream;

/// A rectangle on the ground, metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Smallest x and y.
    pub low: [f64; 2],
    /// Largest x and y.
    pub high: [f64; 2],
}

impl Area {
    /// Square metres.
    pub fn size(&self) -> f64 {
        (self.high[0] - self.low[0]) * (self.high[1] - self.low[1])
    }
}

/// Up to `count` points of `area`, each at least `spacing` metres from all others, where `free` allows.
///
/// Darts are thrown one after the other and kept where they fit, which samples hard-core (Poisson-disc) patterns
/// without favouring any place; a grid finds the neighbours. Fewer than `count` come back when 2000 darts in a row
/// found no place.
pub fn scatter(
    stream: &Stream,
    area: &Area,
    count: usize,
    spacing: f64,
    free: impl Fn([f64; 2]) -> bool,
) -> Vec<[f64; 2]> {
    let cell = spacing.max(1e-3) / std::f64::consts::SQRT_2;
    let side = |k: usize| (((area.high[k] - area.low[k]) / cell).ceil() as usize).clamp(1, 4096);
    let (columns, rows) = (side(0), side(1));
    let scale = [columns as f64 / (area.high[0] - area.low[0]), rows as f64 / (area.high[1] - area.low[1])];
    // With a clamped grid a cell can hold several points, so each cell keeps a list.
    let mut grid: Vec<Vec<[f64; 2]>> = vec![Vec::new(); columns * rows];
    let reach = [0, 1].map(|k| (spacing * scale[k]).ceil() as usize);
    let mut out: Vec<[f64; 2]> = Vec::with_capacity(count);
    let mut misses = 0;
    for dart in 0.. {
        if out.len() >= count || misses >= 2000 {
            break;
        }
        let [u, v] = stream.pair(dart);
        let p =
            [area.low[0] + u * (area.high[0] - area.low[0]), area.low[1] + v * (area.high[1] - area.low[1])];
        let at = [0, 1].map(|k| ((p[k] - area.low[k]) * scale[k]) as usize);
        let at = [at[0].min(columns - 1), at[1].min(rows - 1)];
        let fits = free(p)
            && (at[1].saturating_sub(reach[1])..=(at[1] + reach[1]).min(rows - 1)).all(|y| {
                (at[0].saturating_sub(reach[0])..=(at[0] + reach[0]).min(columns - 1)).all(|x| {
                    grid[y * columns + x].iter().all(|q| {
                        let (dx, dy) = (p[0] - q[0], p[1] - q[1]);
                        dx * dx + dy * dy >= spacing * spacing
                    })
                })
            });
        if fits {
            misses = 0;
            grid[at[1] * columns + at[0]].push(p);
            out.push(p);
        } else {
            misses += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { low: [-5.0, -15.0], high: [65.0, 15.0] };

    #[test]
    fn no_two_points_are_too_close_and_the_count_is_met() {
        for seed in 0..20 {
            let points = scatter(&Stream::new(seed, 3), &AREA, 84, 2.5, |p| p[0].hypot(p[1]) > 3.0);
            assert_eq!(points.len(), 84);
            for (i, p) in points.iter().enumerate() {
                assert!(p[0].hypot(p[1]) > 3.0);
                for q in &points[..i] {
                    assert!((p[0] - q[0]).hypot(p[1] - q[1]) >= 2.5);
                }
            }
        }
    }

    #[test]
    fn points_are_spread_evenly() {
        let mut quarters = [0_usize; 4];
        for seed in 0..50 {
            for p in scatter(&Stream::new(seed, 3), &AREA, 84, 2.0, |_| true) {
                quarters[usize::from(p[0] > 30.0) * 2 + usize::from(p[1] > 0.0)] += 1;
            }
        }
        // 4200 points, 1050 expected in each quarter; the bound is four deviations of a plain binomial.
        assert!(quarters.iter().all(|q| q.abs_diff(1050) < 113), "{quarters:?}");
    }

    #[test]
    fn what_cannot_fit_is_not_forced() {
        let few = scatter(&Stream::new(1, 3), &AREA, 10_000, 2.5, |_| true);
        // Random sequential adsorption of discs jams at a cover of 0.547.
        let jammed = 0.547 * AREA.size() / (std::f64::consts::PI * 1.25 * 1.25);
        assert!((few.len() as f64) < jammed * 1.08 && (few.len() as f64) > jammed * 0.85, "{}", few.len());
    }
}
