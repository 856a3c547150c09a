//! SplitMix64: seeded numbers that are the same on every machine (Steele, Lea, Flood 2014).

/// A stream of pseudo-random numbers.
#[derive(Debug, Clone, Copy)]
pub struct Random(pub u64);

impl Random {
    /// A stream of its own for each (`seed`, `purpose`).
    #[must_use]
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut stream =
            Self(seed.wrapping_mul(0x9E6C_63D0_876A_46F1) ^ purpose.wrapping_mul(0xD1B5_4A32_D192_ED03));
        let first = stream.bits();
        Self(first)
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `low..high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// About normal, unit variance: four 16-bit uniforms of one draw (Irwin-Hall; cut off at 3.46).
    pub fn gauss(&mut self) -> f32 {
        let bits = self.bits();
        let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
        (sum as f32 - 131_070.0) * (1.732_050_8 / 65_535.0)
    }

    /// Poisson-distributed count (Knuth for small means, normal approximation above 60).
    pub fn poisson(&mut self, mean: f64) -> usize {
        if mean > 60.0 {
            return (mean + mean.sqrt() * f64::from(self.gauss())).round().max(0.0) as usize;
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_asked_for() {
        let mut rng = Random::new(1, 2);
        let n = 200_000;
        let (mut sum, mut square, mut count) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            let g = f64::from(rng.gauss());
            sum += g;
            square += g * g;
            count += rng.poisson(3.0) as f64;
        }
        let n = f64::from(n);
        assert!((sum / n).abs() < 0.01 && (square / n - 1.0).abs() < 0.02 && (count / n - 3.0).abs() < 0.02);
    }
}
