//! Several pixels at a time, in plain arrays that the compiler keeps in vector registers.
//!
//! Every operation is lane by lane and correctly rounded, so the width never shows in the result.

use std::ops::{Add, Div, Mul, Sub};

/// An array by a function of the index. Unlike `std::array::from_fn` it is a plain loop, whose body has one caller and so is
/// always inlined where the vectors are as wide as they may be.
#[inline(always)]
pub(crate) fn each<const N: usize, T: Copy + Default>(of: impl Fn(usize) -> T) -> [T; N] {
    let mut out = [T::default(); N];
    let mut i = 0;
    while i < N {
        out[i] = of(i);
        i += 1;
    }
    out
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct F<const N: usize>(pub [f32; N]);

/// Adding this leaves a small number's nearest integer in the low bits.
const MAGIC: f32 = 12_582_912.0;

impl<const N: usize> Default for F<N> {
    #[inline(always)]
    fn default() -> Self {
        Self([0.0; N])
    }
}

impl<const N: usize> F<N> {
    #[inline(always)]
    pub(crate) fn all(v: f32) -> Self {
        Self([v; N])
    }

    /// v, v + 1, v + 2 and so on.
    #[inline(always)]
    pub(crate) fn from(v: f32) -> Self {
        Self(each(|i| v + i as f32))
    }

    /// The first numbers of a slice that has at least as many.
    #[inline(always)]
    pub(crate) fn load(from: &[f32]) -> Self {
        let from = &from[..N];
        Self(each(|i| from[i]))
    }

    /// Writes all lanes to the start of a slice that has room for them.
    #[inline(always)]
    pub(crate) fn store(self, to: &mut [f32]) {
        to[..N].copy_from_slice(&self.0);
    }

    #[inline(always)]
    pub(crate) fn max(self, o: f32) -> Self {
        Self(each(|i| if self.0[i] > o { self.0[i] } else { o }))
    }

    #[inline(always)]
    pub(crate) fn min(self, o: f32) -> Self {
        Self(each(|i| if self.0[i] < o { self.0[i] } else { o }))
    }

    #[inline(always)]
    pub(crate) fn sqrt(self) -> Self {
        Self(each(|i| self.0[i].sqrt()))
    }

    /// Floor and fraction for magnitudes below 4 million. At an exact integer the pair may be (n - 1, 1).
    #[inline(always)]
    pub(crate) fn split(self) -> ([i32; N], Self) {
        let r: [f32; N] = each(|i| (self.0[i] - 0.5) + MAGIC);
        let whole = each(|i| (r[i].to_bits() as i32).wrapping_sub(MAGIC.to_bits() as i32));
        let fraction = Self(each(|i| self.0[i] - (r[i] - MAGIC)));
        (whole, fraction)
    }

    /// Nearest integer for magnitudes below 4 million.
    #[inline(always)]
    pub(crate) fn round(self) -> [i32; N] {
        each(|i| ((self.0[i] + MAGIC).to_bits() as i32).wrapping_sub(MAGIC.to_bits() as i32))
    }

    /// exp(-x) for x >= 0, absolute error below 0.02: good enough for haze.
    #[inline(always)]
    pub(crate) fn exp_neg(self) -> Self {
        let x = self;
        Self::all(1.0) / ((x * 0.235 + 0.48) * x * x + x + 1.0)
    }
}

macro_rules! lanewise {
    ($trait:ident $method:ident $op:tt) => {
        impl<const N: usize> $trait for F<N> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, o: Self) -> Self {
                Self(each(|i| self.0[i] $op o.0[i]))
            }
        }
        impl<const N: usize> $trait<f32> for F<N> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, o: f32) -> Self {
                Self(each(|i| self.0[i] $op o))
            }
        }
    };
}

lanewise!(Add add +);
lanewise!(Sub sub -);
lanewise!(Mul mul *);
lanewise!(Div div /);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_is_floor_and_fraction() {
        for v in [-3.75f32, -1.0, -0.25, 0.0, 0.5, 1.0, 2.999, 65_535.25, 1_000_000.5] {
            let (whole, fraction) = F::<4>::all(v).split();
            assert_eq!(whole[0] as f32 + fraction.0[0], v);
            assert!((0.0..=1.0).contains(&fraction.0[0]), "{v}: {fraction:?}");
        }
    }

    #[test]
    fn exponential_is_close() {
        for k in 0..100 {
            let x = k as f32 * 0.1;
            assert!((F::<4>::all(x).exp_neg().0[0] - (-x).exp()).abs() < 0.02, "{x}");
        }
    }
}
