//! A number for each rotor, of as many as a vehicle has: a vector without a heap, so that a state can be copied.
//!
//! Invariant: what lies beyond the count is zero.

use crate::checkpoint::{Stateful, Tape};

/// The most rotors that a vehicle may have.
pub const MOST_ROTORS: usize = 16;

/// A number for each rotor: speeds in rad/s, thrusts in N.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rotors {
    each: [f64; MOST_ROTORS],
    count: usize,
}

impl Rotors {
    /// The same number for each of `count` rotors.
    pub fn repeat(count: usize, value: f64) -> Self {
        Self::from_fn(count, |_| value)
    }

    /// For each of `count` rotors what `value` says of its index. More than [`MOST_ROTORS`] are cut off.
    #[inline]
    pub fn from_fn(count: usize, mut value: impl FnMut(usize) -> f64) -> Self {
        let mut out = Self { each: [0.0; MOST_ROTORS], count: count.min(MOST_ROTORS) };
        out.iter_mut().enumerate().for_each(|(i, x)| *x = value(i));
        out
    }

    /// These numbers.
    pub fn of(values: &[f64]) -> Self {
        Self::from_fn(values.len(), |i| values[i])
    }

    /// For `count` rotors, zero where there was none.
    #[must_use]
    pub fn sized(&self, count: usize) -> Self {
        Self::from_fn(count, |i| self.as_slice().get(i).copied().unwrap_or(0.0))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All of them.
    #[inline]
    pub fn as_slice(&self) -> &[f64] {
        &self.each[..self.count]
    }

    /// One after the other.
    #[inline]
    pub fn iter(&self) -> std::slice::Iter<'_, f64> {
        self.as_slice().iter()
    }

    /// One after the other, to be changed.
    #[inline]
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, f64> {
        self.each[..self.count].iter_mut()
    }

    /// Each by itself.
    #[must_use]
    pub fn map(mut self, change: impl Fn(f64) -> f64) -> Self {
        self.iter_mut().for_each(|x| *x = change(*x));
        self
    }

    /// Adds `slope * t`. In blocks of four, as most vehicles have rotors: what lies beyond the count stays zero.
    #[inline]
    pub fn add(&mut self, slope: &Self, t: f64) {
        let blocks = self.count.div_ceil(4);
        let ((each, _), (slope, _)) = (self.each.as_chunks_mut::<4>(), slope.each.as_chunks::<4>());
        for (each, slope) in each.iter_mut().zip(slope).take(blocks) {
            for (x, s) in each.iter_mut().zip(slope) {
                *x += s * t;
            }
        }
    }

    /// The largest; -inf of none.
    pub fn max(&self) -> f64 {
        self.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// The smallest; +inf of none.
    pub fn min(&self) -> f64 {
        self.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

impl<const N: usize> From<[f64; N]> for Rotors {
    fn from(values: [f64; N]) -> Self {
        Self::of(&values)
    }
}

impl std::ops::Index<usize> for Rotors {
    type Output = f64;

    fn index(&self, i: usize) -> &f64 {
        &self.as_slice()[i]
    }
}

impl<'a> IntoIterator for &'a Rotors {
    type Item = &'a f64;
    type IntoIter = std::slice::Iter<'a, f64>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Stateful for Rotors {
    /// How many there are is the vehicle's matter, which is not set down.
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.iter_mut().for_each(|x| tape.f64(x));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_there_are() {
        let six = Rotors::from([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!((six.len(), six.min(), six.max(), six[5]), (6, 1.0, 6.0, 6.0));
        let mut more = six;
        more.add(&Rotors::repeat(6, 2.0), 0.5);
        assert_eq!(more, six.map(|x| x + 1.0));
        assert_eq!(six.sized(2), Rotors::from([1.0, 2.0]));
        assert_eq!(Rotors::from([1.0]).sized(3).as_slice(), [1.0, 0.0, 0.0]);
        assert_eq!(Rotors::repeat(99, 1.0).len(), MOST_ROTORS);
    }
}
