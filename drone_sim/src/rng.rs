//! Random numbers that are a function of a seed, a stream and a counter, and of nothing else.
//!
//! Because no generator is advanced, the number of the n-th pixel of the k-th frame does not depend on which other
//! sensors ran before it, nor on how many threads share the work.
//! Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Philox4x32-10).

/// Ten rounds of Philox on a counter of four words under a key of two.
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut k0, mut k1]) = (counter, key);
    for _ in 0..10 {
        let p = u64::from(a) * 0xD251_1F53;
        let q = u64::from(c) * 0xCD9E_8D57;
        (a, b, c, d) = ((q >> 32) as u32 ^ b ^ k0, q as u32, (p >> 32) as u32 ^ d ^ k1, p as u32);
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
    }
    [a, b, c, d]
}

/// A stream of random numbers that can be read at any index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
    id: u64,
}

impl Stream {
    /// The stream `id` of `seed`. Give each use of randomness an id of its own.
    pub fn new(seed: u64, id: u64) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], id }
    }

    /// Four words at `index`.
    pub fn words(&self, index: u64) -> [u32; 4] {
        philox([index as u32, (index >> 32) as u32, self.id as u32, (self.id >> 32) as u32], self.key)
    }

    /// Two numbers in 0..1 (1 excluded) at `index`.
    pub fn pair(&self, index: u64) -> [f64; 2] {
        let [a, b, c, d] = self.words(index);
        [unit(a, b), unit(c, d)]
    }

    /// A number in 0..1 (1 excluded) at `index`.
    pub fn unit(&self, index: u64) -> f64 {
        self.pair(index)[0]
    }

    /// Two independent numbers of the normal distribution with mean 0 and deviation 1 at `index`.
    /// Source: Box and Muller, 1958.
    pub fn normals(&self, index: u64) -> [f64; 2] {
        let [u, v] = self.pair(index);
        let radius = (-2.0 * (1.0 - u).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * v).sin_cos();
        [radius * cos, radius * sin]
    }

    /// Three independent standard normal numbers at `index`; uses the indices `2 * index` and the next.
    pub fn normal3(&self, index: u64) -> nalgebra::Vector3<f64> {
        let ([x, y], [z, _]) = (self.normals(index.wrapping_mul(2)), self.normals(index.wrapping_mul(2) + 1));
        nalgebra::Vector3::new(x, y, z)
    }
}

fn unit(high: u32, low: u32) -> f64 {
    let bits = (u64::from(high) << 32 | u64::from(low)) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three known answers of Random123's kat_vectors.
    #[test]
    fn philox_gives_the_published_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        let ones = u32::MAX;
        assert_eq!(philox([ones; 4], [ones; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        assert_eq!(
            philox(pi, [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn normals_have_mean_zero_and_deviation_one() {
        let stream = Stream::new(7, 1);
        let n = 20_000;
        let all: Vec<f64> = (0..n).flat_map(|i| stream.normals(i)).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let var = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64;
        let beyond = all.iter().filter(|x| x.abs() > 1.96).count() as f64 / all.len() as f64;
        assert!(mean.abs() < 0.02 && (var - 1.0).abs() < 0.03 && (beyond - 0.05).abs() < 0.005);
    }

    #[test]
    fn streams_and_seeds_differ() {
        let at = |seed, id| Stream::new(seed, id).words(3);
        assert_ne!(at(1, 1), at(1, 2));
        assert_ne!(at(1, 1), at(2, 1));
        assert_eq!(at(1 << 40, 1), at(1 << 40, 1));
    }
}
