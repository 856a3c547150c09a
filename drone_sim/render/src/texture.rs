//! Textures: power-of-two, mip-mapped, bilinear. Texels are stored as the square root of linear light in 8 bits
//! (close to sRGB, but decoded by one multiplication), channel order RGBA, alpha linear.

use crate::error::{RenderError, Result};
use crate::maths::{V3, srgb_to_linear};
use crate::simd::F;

/// A mip-mapped colour texture.
#[derive(Clone, Debug, PartialEq)]
pub struct Texture {
    levels: Vec<Level>,
    /// Some texel is transparent.
    pub(crate) cutout: bool,
    clamp: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Level {
    width_mask: i32,
    height_mask: i32,
    /// RGBA in bytes, red lowest. Each row ends with one texel more, what lies to the right of its last: so two neighbours
    /// lie side by side everywhere.
    texels: Vec<u32>,
}

impl Level {
    fn new(width: u32, height: u32, texels: &[u32]) -> Self {
        let mut rows = Vec::with_capacity((width as usize + 1) * height as usize);
        for row in texels.chunks_exact(width as usize) {
            rows.extend_from_slice(row);
            rows.push(row[0]);
        }
        Self { width_mask: width as i32 - 1, height_mask: height as i32 - 1, texels: rows }
    }

    fn size(&self) -> (u32, u32) {
        (self.width_mask as u32 + 1, self.height_mask as u32 + 1)
    }

    /// Two neighbours in a row.
    #[inline(always)]
    fn pair(&self, at: i32) -> [u32; 2] {
        match self.texels.get(at as u32 as usize..) {
            Some(&[a, b, ..]) => [a, b],
            _ => [0; 2],
        }
    }

    #[cfg(feature = "gpu")]
    fn rows(&self) -> impl Iterator<Item = &[u32]> {
        let width = self.width_mask as usize + 1;
        self.texels.chunks_exact(width + 1).map(move |row| &row[..width])
    }
}

/// Three channels of sums of texels times weights, two of 16 bits in each word, as numbers.
#[inline(always)]
fn unpack<const N: usize>(red_blue: [u32; N], green: [u32; N], unit: f32) -> [F<N>; 3] {
    let mut out = [[0.0f32; N]; 3];
    for i in 0..N {
        out[0][i] = (red_blue[i] & 0xFFFF) as i32 as f32 * unit;
        out[1][i] = (green[i] & 0xFFFF) as i32 as f32 * unit;
        out[2][i] = (red_blue[i] >> 16) as i32 as f32 * unit;
    }
    [F(out[0]), F(out[1]), F(out[2])]
}

/// Two channels of four texels each, times their weights.
#[inline(always)]
fn sum<const N: usize>(texel: &[[u32; N]; 4], weight: &[[u32; N]; 4], shift: u32) -> [u32; N] {
    let mut sum = [0u32; N];
    for k in 0..4 {
        for i in 0..N {
            let two = (texel[k][i] >> shift) & 0x00FF_00FF;
            sum[i] = sum[i].wrapping_add(two.wrapping_mul(weight[k][i]));
        }
    }
    sum
}

fn encode(linear: f64) -> u32 {
    (linear.clamp(0.0, 1.0).sqrt() * 255.0 + 0.5) as u32
}

fn decode(texel: u32, channel: u32) -> f64 {
    let v = f64::from((texel >> (8 * channel)) & 255) / 255.0;
    if channel == 3 { v } else { v * v }
}

impl Texture {
    /// A texture from sRGB pixels, 4 bytes each (RGBA), rows from the top, sides 1 to 8192 pixels. Sides that are no
    /// power of two are resampled to the next one. Texture coordinate (0, 0) is the top-left corner; the texture
    /// repeats. Errors: PG-0906.
    pub fn from_rgba8(width: u32, height: u32, bytes: &[u8]) -> Result<Self> {
        let n = width as usize * height as usize;
        if !(1..=8192).contains(&width) || !(1..=8192).contains(&height) || bytes.len() != n * 4 {
            return Err(RenderError::InvalidTexture { width, height, bytes: bytes.len() });
        }
        let mut table = [0u32; 256];
        for (i, t) in table.iter_mut().enumerate() {
            *t = encode(srgb_to_linear(i as f64 / 255.0));
        }
        let texels: Vec<u32> = bytes
            .chunks_exact(4)
            .map(|p| {
                let [r, g, b] = [p[0], p[1], p[2]].map(|c| table[usize::from(c)]);
                r | (g << 8) | (b << 16) | (u32::from(p[3]) << 24)
            })
            .collect();
        Ok(Self::with_mips(width, height, texels))
    }

    /// A square texture of side `2^log2` computed per texel: `paint(u, v)` with u, v in 0..1 (texel centres) returns
    /// linear RGB and alpha, 0 to 1.
    pub fn from_fn(log2: u32, mut paint: impl FnMut(f32, f32) -> [f32; 4]) -> Self {
        let side = 1u32 << log2.min(13);
        let mut texels = Vec::with_capacity((side * side) as usize);
        for y in 0..side {
            for x in 0..side {
                let c = paint((x as f32 + 0.5) / side as f32, (y as f32 + 0.5) / side as f32);
                let [r, g, b] = [c[0], c[1], c[2]].map(|c| encode(f64::from(c)));
                let a = (c[3].clamp(0.0, 1.0) * 255.0 + 0.5) as u32;
                texels.push(r | (g << 8) | (b << 16) | (a << 24));
            }
        }
        Self::with_mips(side, side, texels)
    }

    /// The same texture, but its border texels go on beyond the edge instead of repeating.
    #[must_use]
    pub fn clamped(mut self) -> Self {
        self.clamp = true;
        for level in &mut self.levels {
            let width = level.width_mask as usize + 1;
            level.texels.chunks_exact_mut(width + 1).for_each(|row| row[width] = row[width - 1]);
        }
        self
    }

    fn with_mips(width: u32, height: u32, texels: Vec<u32>) -> Self {
        let cutout = texels.iter().any(|t| t >> 24 < 128);
        let (w, h) = (width.next_power_of_two(), height.next_power_of_two());
        let mut base =
            if (w, h) == (width, height) { texels } else { resample(width, height, &texels, w, h) };
        let mut levels = Vec::new();
        let (mut w, mut h) = (w, h);
        loop {
            let next = (w > 1 || h > 1).then(|| halve(w, h, &base, cutout));
            levels.push(Level::new(w, h, &base));
            let Some(smaller) = next else { break };
            base = smaller;
            (w, h) = ((w / 2).max(1), (h / 2).max(1));
        }
        Self { levels, cutout, clamp: false }
    }

    /// Width and height of the finest level, texels.
    pub fn size(&self) -> (u32, u32) {
        self.levels[0].size()
    }

    pub(crate) fn last_level(&self) -> i32 {
        self.levels.len() as i32 - 1
    }

    /// Size and RGBA bytes of a mip level, the colours as they are stored: the square root of linear light.
    #[cfg(feature = "gpu")]
    pub(crate) fn level_rgba8(&self, level: i32) -> ((u32, u32), Vec<u8>) {
        let l = &self.levels[level.clamp(0, self.last_level()) as usize];
        (l.size(), l.rows().flatten().flat_map(|t| t.to_le_bytes()).collect())
    }

    #[cfg(feature = "gpu")]
    pub(crate) fn is_clamped(&self) -> bool {
        self.clamp
    }

    /// Bilinear samples of a mip level: the square root of linear light as RGB, each 0 to 1.
    #[inline(always)]
    pub(crate) fn sample<const N: usize>(&self, u: F<N>, v: F<N>, level: i32) -> [F<N>; 3] {
        let l = &self.levels[level.clamp(0, self.last_level()) as usize];
        let (x, fx) = (u * (l.width_mask + 1) as f32 - 0.5).split();
        let (y, fy) = (v * (l.height_mask + 1) as f32 - 0.5).split();
        // Four weights of 8 bits that sum up to 256, or to 257 where rounding took the last one below 0: texels of 255 then
        // still sum up within 16 bits. Lanes beyond a run's end bring garbage weights, hence the wrapping.
        let (wx, wy, both) = ((fx * 256.0).round(), (fy * 256.0).round(), (fx * fy * 256.0).round());
        let (lx, ly) = (l.width_mask, l.height_mask);
        let mut weight = [[0u32; N]; 4];
        for i in 0..N {
            let b = both[i];
            let rest = 256i32.wrapping_sub(wx[i]).wrapping_sub(wy[i]).wrapping_add(b);
            weight[0][i] = (if rest > 0 { rest } else { 0 }) as u32;
            weight[1][i] = wx[i].wrapping_sub(b) as u32;
            weight[2][i] = wy[i].wrapping_sub(b) as u32;
            weight[3][i] = b as u32;
        }
        let (mut left, mut top, mut bottom) = ([0i32; N], [0i32; N], [0i32; N]);
        let stride = lx.wrapping_add(2);
        if self.clamp {
            for i in 0..N {
                left[i] = x[i].clamp(0, lx);
                top[i] = y[i].clamp(0, ly).wrapping_mul(stride);
                bottom[i] = y[i].wrapping_add(1).clamp(0, ly).wrapping_mul(stride);
                if x[i] < 0 {
                    // Both neighbours are the border.
                    let both =
                        [weight[0][i].wrapping_add(weight[1][i]), weight[2][i].wrapping_add(weight[3][i])];
                    (weight[0][i], weight[1][i], weight[2][i], weight[3][i]) = (both[0], 0, both[1], 0);
                }
            }
        } else {
            for i in 0..N {
                left[i] = x[i] & lx;
                top[i] = (y[i] & ly).wrapping_mul(stride);
                bottom[i] = (y[i].wrapping_add(1) & ly).wrapping_mul(stride);
            }
        }
        let mut texel = [[0u32; N]; 4];
        for i in 0..N {
            [texel[0][i], texel[1][i]] = l.pair(top[i].wrapping_add(left[i]));
            [texel[2][i], texel[3][i]] = l.pair(bottom[i].wrapping_add(left[i]));
        }
        unpack(sum(&texel, &weight, 0), sum(&texel, &weight, 8), 1.0 / (255.0 * 256.0))
    }

    /// The nearest texels of the finest level, RGB as by `sample`: for smooth textures.
    #[inline(always)]
    pub(crate) fn nearest<const N: usize>(&self, u: F<N>, v: F<N>) -> [F<N>; 3] {
        let l = &self.levels[0];
        let (x, _) = (u * (l.width_mask + 1) as f32).split();
        let (y, _) = (v * (l.height_mask + 1) as f32).split();
        let stride = l.width_mask.wrapping_add(2);
        let mut t = [0u32; N];
        for i in 0..N {
            let at = (y[i] & l.height_mask).wrapping_mul(stride).wrapping_add(x[i] & l.width_mask);
            t[i] = l.texels.get(at as usize).copied().unwrap_or(0);
        }
        let (mut red_blue, mut green) = ([0u32; N], [0u32; N]);
        for i in 0..N {
            red_blue[i] = t[i] & 0x00FF_00FF;
            green[i] = (t[i] >> 8) & 0xFF;
        }
        unpack(red_blue, green, 1.0 / 255.0)
    }

    /// Whether the nearest texel of a level is opaque.
    #[inline(always)]
    pub(crate) fn opaque(&self, u: f32, v: f32, level: i32) -> bool {
        let l = &self.levels[level.clamp(0, self.last_level()) as usize];
        let (x, _) = F::<1>::all(u * (l.width_mask + 1) as f32).split();
        let (y, _) = F::<1>::all(v * (l.height_mask + 1) as f32).split();
        let at = (y[0] & l.height_mask).wrapping_mul(l.width_mask + 2).wrapping_add(x[0] & l.width_mask);
        l.texels.get(at as usize).is_some_and(|t| t >> 24 >= 128)
    }

    /// Mean linear colour, the one texel of the last level.
    pub fn mean(&self) -> [f32; 3] {
        let t = self.levels[self.levels.len() - 1].texels[0];
        [0, 1, 2].map(|c| ((t >> (8 * c)) & 255) as f32 / 255.0).map(|v| v * v) as V3
    }
}

fn resample(w: u32, h: u32, texels: &[u32], nw: u32, nh: u32) -> Vec<u32> {
    let mut out = Vec::with_capacity((nw * nh) as usize);
    for y in 0..nh {
        let fy = ((f64::from(y) + 0.5) * f64::from(h) / f64::from(nh) - 0.5).max(0.0);
        let (y0, ty) = (fy as u32, fy.fract());
        for x in 0..nw {
            let fx = ((f64::from(x) + 0.5) * f64::from(w) / f64::from(nw) - 0.5).max(0.0);
            let (x0, tx) = (fx as u32, fx.fract());
            let at = |x: u32, y: u32| texels[(y.min(h - 1) * w + x.min(w - 1)) as usize];
            let corner = [at(x0, y0), at(x0 + 1, y0), at(x0, y0 + 1), at(x0 + 1, y0 + 1)];
            let weight = [(1.0 - tx) * (1.0 - ty), tx * (1.0 - ty), (1.0 - tx) * ty, tx * ty];
            out.push(mix(&corner, &weight));
        }
    }
    out
}

fn mix(texels: &[u32; 4], weights: &[f64; 4]) -> u32 {
    let mut out = 0;
    for c in 0..4 {
        let v: f64 = (0..4).map(|k| decode(texels[k], c) * weights[k]).sum();
        out |= (if c == 3 { (v * 255.0 + 0.5) as u32 } else { encode(v) }) << (8 * c);
    }
    out
}

/// The next mip level. Colours are averaged over opaque texels only, and a cutout texture's alpha is raised a little,
/// so that leaves neither darken nor thin out with distance.
fn halve(w: u32, h: u32, texels: &[u32], cutout: bool) -> Vec<u32> {
    let (nw, nh) = ((w / 2).max(1), (h / 2).max(1));
    let mut out = Vec::with_capacity((nw * nh) as usize);
    for y in 0..nh {
        for x in 0..nw {
            let at =
                |dx: u32, dy: u32| texels[((y * 2 + dy).min(h - 1) * w + (x * 2 + dx).min(w - 1)) as usize];
            let four = [at(0, 0), at(1, 0), at(0, 1), at(1, 1)];
            if !cutout {
                out.push(mix(&four, &[0.25; 4]));
                continue;
            }
            let alpha: f64 = four.iter().map(|&t| decode(t, 3)).sum();
            let weights = four.map(|t| if alpha > 0.0 { decode(t, 3) / alpha } else { 0.25 });
            let a = ((alpha / 4.0 * 1.12).min(1.0) * 255.0 + 0.5) as u32;
            out.push((mix(&four, &weights) & 0x00FF_FFFF) | (a << 24));
        }
    }
    out
}
