//! The test pattern: colour bars that move, and the frame's number, readable by people and by programs.
//!
//! Every byte follows from seed and frame number, so two runs can be compared bit by bit, and a frame that was lost,
//! doubled or torn on its way shows in the number.

use std::path::Path;

use super::{FrameShape, FrameSink, FrameSource, ImageInfo, Limits, PixelFormat, SourceInfo};
use crate::error::Result;

/// What the pattern looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternOptions {
    /// Pixels a row, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
    /// Where the bars start, and the noise in the lowest rows.
    pub seed: u64,
    /// How many frames; `None` goes on for ever.
    pub frames: Option<u64>,
}

/// The source of test frames, `rgb8`.
#[derive(Debug)]
pub struct Pattern {
    options: PatternOptions,
    shape: FrameShape,
    next: u64,
}

/// White, yellow, cyan, green, magenta, red, blue, black at 75 %, in the order of brightness.
const BARS: [[u8; 3]; 8] = [
    [191, 191, 191],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
    [16, 16, 16],
];
/// The number as 32 black or white blocks, the highest bit on the left.
const BITS: u32 = 32;
/// Pixels the bars move to the left from one frame to the next.
const SPEED: u64 = 4;
/// Three by five pixels a digit, a row in three bits.
const DIGITS: [u16; 10] = [0x7B6F, 0x2C97, 0x73E7, 0x73CF, 0x5BC9, 0x79CF, 0x79EF, 0x7249, 0x7BEF, 0x7BCF];

impl Pattern {
    /// A pattern of the given size.
    ///
    /// # Errors
    /// No pixels, or more than `limits` allow.
    pub fn new(options: PatternOptions, limits: &Limits) -> Result<Self> {
        let size = (u64::from(options.width), u64::from(options.height));
        let shape = limits.shape(Path::new("pattern"), 0, size, PixelFormat::Rgb8)?;
        Ok(Self { options, shape, next: 0 })
    }

    fn draw(&self, index: u64, out: &mut [u8]) {
        let (width, height) = (self.shape.width as usize, self.shape.height as usize);
        let shift = mix(self.options.seed).wrapping_add(index.wrapping_mul(SPEED)) % (8 * width as u64);
        let strip = strip_rows(height);
        for (y, row) in out.chunks_exact_mut(3 * width).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                let value = if y < strip {
                    if bit_at(index, x, width) { [255; 3] } else { [0; 3] }
                } else if y + strip >= height {
                    let noise = mix(self.options.seed ^ index.rotate_left(40) ^ ((y * width + x) as u64));
                    [noise as u8, (noise >> 8) as u8, (noise >> 16) as u8]
                } else {
                    BARS[((x as u64 + shift) * 8 / width as u64 % 8) as usize]
                };
                pixel.copy_from_slice(&value);
            }
        }
        self.draw_number(index, strip, out);
    }

    /// The number in decimal, black on white, below the strip of bits; left out where there is no room.
    fn draw_number(&self, index: u64, strip: usize, out: &mut [u8]) {
        let (width, height) = (self.shape.width as usize, self.shape.height as usize);
        let scale = (height / 60).max(1);
        let text = format!("{index:06}");
        let (wide, high) = ((4 * text.len() + 1) * scale, 7 * scale);
        let top = strip + 2 * scale;
        if wide + 2 * scale > width || top + high + strip > height {
            return;
        }
        for y in 0..high {
            for x in 0..wide {
                let (column, row) = (x / scale, y / scale);
                let digit = column.checked_sub(1).map(|column| (column / 4, column % 4));
                let ink = match (digit, row.checked_sub(1)) {
                    (Some((place, bit)), Some(row)) if bit < 3 && row < 5 => {
                        let digit =
                            text.as_bytes().get(place).map_or(0, |byte| byte.wrapping_sub(b'0') as usize);
                        DIGITS.get(digit).is_some_and(|rows| rows >> (14 - (row * 3 + bit)) & 1 == 1)
                    }
                    _ => false,
                };
                let at = 3 * ((top + y) * width + 2 * scale + x);
                out[at..at + 3].fill(if ink { 0 } else { 255 });
            }
        }
    }
}

fn strip_rows(height: usize) -> usize {
    (height / 24).max(1)
}

fn bit_at(index: u64, x: usize, width: usize) -> bool {
    let bit = (x as u64 * u64::from(BITS) / width as u64).min(u64::from(BITS) - 1) as u32;
    (index as u32) >> (BITS - 1 - bit) & 1 == 1
}

/// A well mixed number from a plain one (the finaliser of SplitMix64, Steele et al. 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// Reads the frame number back out of the pattern's pixels (modulo 2^32). `None`: too narrow, or not the pattern.
/// `step` is in bytes.
pub fn read_counter(bytes: &[u8], width: u32, step: u32) -> Option<u32> {
    if width < BITS || bytes.len() < 3 * width as usize || step < 3 * width {
        return None;
    }
    (0..BITS).try_fold(0u32, |number, bit| {
        let x = (u64::from(2 * bit + 1) * u64::from(width) / u64::from(2 * BITS)) as usize;
        match bytes[3 * x..3 * x + 3] {
            [255, 255, 255] => Some(number << 1 | 1),
            [0, 0, 0] => Some(number << 1),
            _ => None,
        }
    })
}

impl FrameSource for Pattern {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            first: self.shape,
            max_bytes: self.shape.bytes(),
            rate_hz: None,
            frames: self.options.frames,
        }
    }

    fn next(&mut self, sink: &mut dyn FrameSink) -> Result<Option<ImageInfo>> {
        let index = self.next;
        if self.options.frames.is_some_and(|frames| index >= frames) {
            return Ok(None);
        }
        self.next += 1;
        let out = sink.frame(&self.shape)?;
        let written = out.is_some();
        if let Some(out) = out {
            self.draw(index, out);
        }
        Ok(Some(ImageInfo { shape: self.shape, index, written }))
    }

    fn current(&self) -> &Path {
        Path::new("pattern")
    }
}
