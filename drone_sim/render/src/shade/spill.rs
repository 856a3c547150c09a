//! Pixels whose samples see different surfaces: each surface is shaded once, amid its own samples, and the bytes are mixed.

use super::line::Palette;
use super::{Runs, Shader};
use crate::raster::{NONE, SAMPLES};
use crate::simd::{F, each};
use crate::view::TILE;

impl<'a> Shader<'a> {
    /// Puts what the four samples of the image's pixel `place`, the tile's pixel `at`, see into the second line.
    #[inline(always)]
    pub(super) fn mix(
        &self,
        palette: &mut Palette,
        runs: &mut Runs<'a>,
        names: [u32; 4],
        place: [usize; 2],
        at: usize,
        rgb: &mut [u8],
    ) {
        if palette.spilt + names.len() > TILE {
            self.flush(palette, runs, rgb);
        }
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                continue;
            }
            let (mut middle, mut count) = ([0i32; 2], 0);
            for (sample, other) in SAMPLES[1..].iter().zip(names) {
                if other == *name {
                    middle = [middle[0] + sample[0], middle[1] + sample[1]];
                    count += 1;
                }
            }
            let offset = middle.map(|v| v as f32 / (256 * count) as f32 - 0.5);
            let (line, entry) = (&mut palette.spill, palette.spilt);
            if *name == NONE {
                self.rays(line, entry, 1, place[0], place[1], offset);
                line.sky(entry, entry + 1);
            } else {
                let run = runs.get(self, *name);
                self.interpolate(run, line, entry, 1, place[0], place[1], offset);
            }
            palette.share.push([at as u32, count as u32]);
            palette.spilt += 1;
        }
    }

    /// Shades what the second line holds and writes its pixels.
    #[inline(always)]
    pub(super) fn flush(&self, palette: &mut Palette, runs: &mut Runs<'a>, rgb: &mut [u8]) {
        if palette.spilt > 0 {
            self.finish(&mut palette.spill, runs);
            self.skies(&mut palette.spill);
            let (mut sum, mut pixel) = ([0u32; 3], palette.share[0][0]);
            let mut write = |pixel: u32, sum: [u32; 3]| {
                let at = pixel as usize * 3;
                rgb[at..at + 3].copy_from_slice(&sum.map(|s| ((s + 2) / 4) as u8));
            };
            for block in 0..palette.spilt.div_ceil(8) {
                let c = each(|k| F::<8>::load(&palette.spill.colour[k][block * 8..]));
                let bytes = self.tone.bytes(c);
                for (c, [at, count]) in bytes.iter().zip(&palette.share[block * 8..]) {
                    if *at != pixel {
                        write(pixel, sum);
                        (sum, pixel) = ([0; 3], *at);
                    }
                    for (s, c) in sum.iter_mut().zip(c) {
                        *s += u32::from(*c) * count;
                    }
                }
            }
            write(pixel, sum);
        }
        palette.spill.clear();
        palette.share.clear();
        palette.spilt = 0;
    }
}
