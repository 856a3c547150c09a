//! Linear light -> sRGB bytes through a filmic curve (the ACES fit of K. Narkowicz, 2015), by table.

use crate::maths::linear_to_srgb;
use crate::simd::F;

/// Table entries: 17 powers of two from 2^-13, 256 steps each.
const STEPS: usize = 17 * 256;
const FIRST: u32 = (127 - 13) << 8;

#[derive(Debug)]
pub(crate) struct Tone {
    table: Box<[u8; STEPS]>,
}

impl Tone {
    /// `exposure` multiplies the scene's light first.
    pub(crate) fn new(exposure: f64) -> Self {
        let mut table = Box::new([0u8; STEPS]);
        for (i, entry) in (0u32..).zip(table.iter_mut()) {
            let low = f64::from(f32::from_bits((i + FIRST) << 15));
            let high = f64::from(f32::from_bits((i + FIRST + 1) << 15));
            let x = (low + high) / 2.0 * exposure;
            let film = (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14);
            *entry = (linear_to_srgb(film.clamp(0.0, 1.0)) * 255.0 + 0.5) as u8;
        }
        Self { table }
    }

    /// Bytes of colours, lane by lane.
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "lane by lane is what compilers turn into vectors")]
    pub(crate) fn bytes<const N: usize>(&self, c: [F<N>; 3]) -> [[u8; 3]; N] {
        const LAST: i32 = STEPS as i32 - 1;
        let mut index = [[0i32; N]; 3];
        for k in 0..3 {
            // Negative numbers and NaN come out as 0.
            let c = c[k].max(0.0);
            for i in 0..N {
                let raw = (c.0[i].to_bits() >> 15) as i32 - FIRST as i32;
                let low = if raw > 0 { raw } else { 0 };
                index[k][i] = if low < LAST { low } else { LAST };
            }
        }
        let mut out = [[0u8; 3]; N];
        for i in 0..N {
            for k in 0..3 {
                out[i][k] = self.table[index[k][i] as usize];
            }
        }
        out
    }
}
