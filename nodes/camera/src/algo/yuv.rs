//! From brightness and colour difference to red, green and blue.
//!
//! ITU-R BT.601 coefficients, as YUV4MPEG2 and JPEG assume where nothing else is said; limited range (16 to 235) or
//! full (0 to 255). Fixed point with 16 fractional bits and rounding: within one step of the exact result. A colour
//! sample covers the pixels it stands for without interpolation.

/// The range of brightness values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YuvRange {
    /// Black is 16, white 235; colour differences span 16 to 240.
    Limited,
    /// Black is 0, white 255.
    Full,
}

const ONE: f64 = 65_536.0;

struct Matrix {
    black: i32,
    luma: i32,
    red_v: i32,
    green_u: i32,
    green_v: i32,
    blue_u: i32,
}

impl Matrix {
    const fn of(range: YuvRange) -> Self {
        // Kr = 0.299, Kb = 0.114, Kg = 0.587.
        let (black, luma, chroma) = match range {
            YuvRange::Limited => (16, 255.0 / 219.0, 255.0 / 224.0),
            YuvRange::Full => (0, 1.0, 1.0),
        };
        const fn fixed(value: f64) -> i32 {
            (value * ONE + 0.5) as i32
        }
        Self {
            black,
            luma: fixed(luma),
            red_v: fixed(1.402 * chroma),
            green_u: fixed(0.114 * 1.772 / 0.587 * chroma),
            green_v: fixed(0.299 * 1.402 / 0.587 * chroma),
            blue_u: fixed(1.772 * chroma),
        }
    }

    #[inline(always)]
    fn rgb(&self, y: u8, u: u8, v: u8) -> [u8; 3] {
        let light = (i32::from(y) - self.black) * self.luma + (1 << 15);
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        let byte = |value: i32| (value >> 16).clamp(0, 255) as u8;
        [
            byte(light + self.red_v * v),
            byte(light - self.green_u * u - self.green_v * v),
            byte(light + self.blue_u * u),
        ]
    }
}

/// Converts three planes to `rgb8` rows. `u` and `v` have `ceil(width / across)` samples a row and
/// `ceil(height / down)` rows; `across` and `down` are 1 or 2. What the shortest buffer cannot fill stays as it was.
pub fn to_rgb(
    (y, u, v): (&[u8], &[u8], &[u8]),
    width: usize,
    (across, down): (usize, usize),
    range: YuvRange,
    out: &mut [u8],
) {
    if width == 0 || across == 0 || down == 0 {
        return;
    }
    let matrix = Matrix::of(range);
    let chroma_width = width.div_ceil(across);
    for (row, (out, y)) in out.chunks_exact_mut(3 * width).zip(y.chunks_exact(width)).enumerate() {
        let start = row / down * chroma_width;
        let (Some(u), Some(v)) = (u.get(start..start + chroma_width), v.get(start..start + chroma_width))
        else {
            return;
        };
        if across == 1 {
            for (((out, y), u), v) in out.chunks_exact_mut(3).zip(y).zip(u).zip(v) {
                out.copy_from_slice(&matrix.rgb(*y, *u, *v));
            }
        } else {
            for (((out, y), u), v) in out.chunks_mut(3 * across).zip(y.chunks(across)).zip(u).zip(v) {
                for (out, y) in out.chunks_exact_mut(3).zip(y) {
                    out.copy_from_slice(&matrix.rgb(*y, *u, *v));
                }
            }
        }
    }
}
