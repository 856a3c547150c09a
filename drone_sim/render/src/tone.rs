//! Linear light -> sRGB bytes through a filmic curve (the ACES fit of K. Narkowicz, 2015), by table.

use crate::maths::{V3, linear_to_srgb};

/// Table entries: 17 powers of two from 2^-13, 256 steps each.
const STEPS: usize = 17 * 256;
const FIRST: u32 = (127 - 13) << 8;

#[derive(Debug)]
pub(crate) struct Tone {
    table: Vec<u8>,
}

impl Tone {
    /// `exposure` multiplies the scene's light first.
    pub(crate) fn new(exposure: f64) -> Self {
        let table = (0..STEPS as u32)
            .map(|i| {
                let low = f64::from(f32::from_bits((i + FIRST) << 15));
                let high = f64::from(f32::from_bits((i + FIRST + 1) << 15));
                let x = (low + high) / 2.0 * exposure;
                let film = (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14);
                (linear_to_srgb(film.clamp(0.0, 1.0)) * 255.0 + 0.5) as u8
            })
            .collect();
        Self { table }
    }

    #[inline(always)]
    pub(crate) fn bytes(&self, c: V3) -> [u8; 3] {
        c.map(|v| {
            let i = (if v > 0.0 { v } else { 0.0 }.to_bits() >> 15).saturating_sub(FIRST);
            self.table[(i as usize).min(STEPS - 1)]
        })
    }
}
