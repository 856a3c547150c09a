//! The last few hundred values of something, and their quantiles.

/// A window of the newest values. No allocation after it was made.
#[derive(Clone, Debug)]
pub struct Recent {
    values: Vec<f64>,
    sorted: Vec<f64>,
    next: usize,
    most: usize,
}

impl Recent {
    /// Remembers the newest `most` values, at least one.
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { values: Vec::with_capacity(most), sorted: Vec::with_capacity(most), next: 0, most }
    }

    /// One more; what is no number is left out.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        match self.values.get_mut(self.next) {
            Some(oldest) => *oldest = value,
            None => self.values.push(value),
        }
        self.next = (self.next + 1) % self.most;
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.values.clear();
        self.next = 0;
    }

    /// The quantiles `shares` (0 to 1, nearest rank), or `None` while nothing was added.
    pub fn quantiles<const N: usize>(&mut self, shares: [f64; N]) -> Option<[f64; N]> {
        self.sorted.clone_from(&self.values);
        self.sorted.sort_unstable_by(f64::total_cmp);
        let last = self.sorted.len().checked_sub(1)?;
        let rank =
            |share: f64| ((share * self.sorted.len() as f64).ceil() as usize).saturating_sub(1).min(last);
        Some(shares.map(|share| self.sorted[rank(share)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_newest_values_alone() {
        let mut recent = Recent::new(100);
        assert_eq!(recent.quantiles([0.5]), None);
        (0..50).for_each(|_| recent.add(1e9));
        recent.add(f64::NAN);
        (1..=100).for_each(|value| recent.add(f64::from(value)));
        assert_eq!(recent.quantiles([0.5, 0.99, 1.0, 0.0]), Some([50.0, 99.0, 100.0, 1.0]));
        recent.clear();
        assert_eq!(recent.quantiles([0.5]), None);
    }
}
