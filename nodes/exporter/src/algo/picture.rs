//! A picture in memory of our own: interleaved red, green, blue.

/// Colour pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Rows from the top, `3 * width` bytes each.
    pub rgb: Vec<u8>,
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// When it was taken, nanoseconds of the node clock.
    pub stamp_ns: i64,
    /// Its coordinate frame.
    pub frame_id: String,
}

impl Picture {
    /// Reads pixels in a ROS encoding, rows `step` bytes apart; memory that is there already is used again. False for an encoding
    /// that is not known, or bytes that do not hold what the sizes say.
    pub fn read(&mut self, bytes: &[u8], width: usize, height: usize, step: usize, encoding: &str) -> bool {
        (self.width, self.height) = (width, height);
        self.rgb.clear();
        let per_pixel = match encoding {
            "rgb8" | "bgr8" => 3,
            "rgba8" | "bgra8" => 4,
            "mono8" | "nv12" => 1,
            "yuv422_yuy2" | "yuyv" => 2,
            _ => return false,
        };
        let rows = if encoding == "nv12" { height + height.div_ceil(2) } else { height };
        let fits = width > 0
            && height > 0
            && step >= width * per_pixel
            && bytes.len() >= step.saturating_mul(rows - 1).saturating_add(width * per_pixel);
        if !fits {
            return false;
        }
        self.rgb.reserve(3 * width * height);
        for y in 0..height {
            let row = &bytes[y * step..y * step + width * per_pixel];
            match encoding {
                "rgb8" => self.rgb.extend_from_slice(row),
                "bgr8" => row.chunks_exact(3).for_each(|p| self.rgb.extend([p[2], p[1], p[0]])),
                "rgba8" => row.chunks_exact(4).for_each(|p| self.rgb.extend([p[0], p[1], p[2]])),
                "bgra8" => row.chunks_exact(4).for_each(|p| self.rgb.extend([p[2], p[1], p[0]])),
                "mono8" => row.iter().for_each(|v| self.rgb.extend([*v; 3])),
                "nv12" => {
                    let colours = &bytes[(height + y / 2) * step..];
                    for (x, luma) in row.iter().enumerate() {
                        let at = x / 2 * 2;
                        let pair = (colours.get(at), colours.get(at + 1));
                        let (u, v) = (pair.0.copied().unwrap_or(128), pair.1.copied().unwrap_or(128));
                        self.rgb.extend(colour(*luma, u, v));
                    }
                }
                _ => {
                    for x in 0..width {
                        let at = x / 2 * 4;
                        let (u, v) = (row.get(at + 1), row.get(at + 3));
                        let (u, v) = (u.copied().unwrap_or(128), v.copied().unwrap_or(128));
                        self.rgb.extend(colour(row[2 * x], u, v));
                    }
                }
            }
        }
        true
    }
}

/// ITU-R BT.601, limited range.
fn colour(luma: u8, u: u8, v: u8) -> [u8; 3] {
    let (y, u, v) = (1.164 * (f32::from(luma) - 16.0), f32::from(u) - 128.0, f32::from(v) - 128.0);
    [y + 1.596 * v, y - 0.392 * u - 0.813 * v, y + 2.017 * u]
        .map(|value| value.round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_of_one_orange_reads_as_orange() {
        let orange = [230, 140, 40];
        let near = |picture: &Picture| {
            assert_eq!(picture.rgb.len(), 3 * 4 * 2);
            let far =
                picture.rgb.chunks_exact(3).any(|p| p.iter().zip(orange).any(|(a, b)| a.abs_diff(b) > 6));
            assert!(!far, "{:?}", picture.rgb);
        };
        let mut picture = Picture::default();
        let [r, g, b] = orange;
        let packed = |pixel: &[u8]| pixel.repeat(8);
        for (encoding, bytes, step) in [
            ("rgb8", packed(&[r, g, b]), 12),
            ("bgr8", packed(&[b, g, r]), 12),
            ("rgba8", packed(&[r, g, b, 9]), 16),
            ("bgra8", packed(&[b, g, r, 9]), 16),
            ("nv12", [vec![144; 8], [68, 178].repeat(2)].concat(), 4),
            ("yuv422_yuy2", [144, 68, 144, 178].repeat(4), 8),
        ] {
            assert!(picture.read(&bytes, 4, 2, step, encoding), "{encoding}");
            near(&picture);
            // A picture whose bytes do not hold what its header says is none.
            assert!(!picture.read(&bytes[1..], 4, 2, step, encoding), "{encoding}");
        }
        assert!(!picture.read(&[0; 100], 4, 2, 8, "32FC1"));
        assert!(!picture.read(&[0; 100], 0, 2, 8, "rgb8"));
        assert!(!picture.read(&[0; 100], 4, 2, usize::MAX, "mono8"));
    }
}
