//! How numbers are spread.

use serde::Serialize;

/// Of a set of numbers, in their own unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    pub min: f64,
    pub p50: f64,
    pub mean: f64,
    pub p99: f64,
    pub max: f64,
    pub std_dev: f64,
}

impl Spread {
    /// `None` of nothing.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        let at = |fraction: f64| values[((values.len() - 1) as f64 * fraction).round() as usize];
        Some(Self { min, p50: at(0.5), mean, p99: at(0.99), max, std_dev: variance.sqrt() })
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { min, p50, mean, p99, max, std_dev } = self;
        write!(
            f,
            "min {min:.3}  median {p50:.3}  mean {mean:.3}  p99 {p99:.3}  max {max:.3}  std dev {std_dev:.3}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_what_it_says() {
        let s = Spread::of([4.0, 2.0, 6.0, 8.0, 0.0]).unwrap();
        assert_eq!((s.min, s.p50, s.mean, s.max), (0.0, 4.0, 4.0, 8.0));
        assert!((s.std_dev - 8f64.sqrt()).abs() < 1e-12);
        assert_eq!(Spread::of([]), None);
    }
}
