//! A photo from disk.

use std::path::Path;

use image::ImageDecoder;
use image::metadata::Orientation;

use crate::{Error, ImageRef, PixelFormat, Result};

/// A decoded photo: interleaved red, green, blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// Rows from the top, `3 * width` bytes each.
    pub rgb: Vec<u8>,
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Photo {
    /// Reads JPEG or PNG, turned upright as its EXIF orientation says: so labelling tools show it, and so its boxes lie.
    ///
    /// # Errors
    /// `PG-0471` for a file that is neither or is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let bad = |detail: String| Error::Photo { path: path.to_owned(), detail };
        let open = || -> image::ImageResult<image::DynamicImage> {
            let mut decoder = image::ImageReader::open(path)?.into_decoder()?;
            // What it says of it and nobody can read is no reason to refuse the picture.
            let upright = decoder.orientation().unwrap_or(Orientation::NoTransforms);
            let mut image = image::DynamicImage::from_decoder(decoder)?;
            image.apply_orientation(upright);
            Ok(image)
        };
        let image = open().map_err(|error| bad(error.to_string()))?.to_rgb8();
        Ok(Self { width: image.width() as usize, height: image.height() as usize, rgb: image.into_raw() })
    }

    /// A view for the detector.
    pub fn view(&self) -> ImageRef<'_> {
        ImageRef::packed(&self.rgb, self.width, self.height, PixelFormat::Rgb8)
    }

    /// Mean luma, 0 to 255 (ITU-R BT.601 weights).
    pub fn brightness(&self) -> f64 {
        let sum: u64 = self.rgb.chunks_exact(3).map(|p| u64::from(luma(p))).sum();
        sum as f64 / (self.width * self.height) as f64
    }

    /// Sharpness: variance of the 4-neighbour Laplacian of the luma (Pech-Pacheco et al. 2000). Below about 100 a photo
    /// looks blurred.
    pub fn sharpness(&self) -> f64 {
        let luma: Vec<i32> = self.rgb.chunks_exact(3).map(|p| i32::from(luma(p))).collect();
        let at = |x: usize, y: usize| luma[y * self.width + x];
        let (mut sum, mut squares, mut count) = (0.0, 0.0, 0u64);
        for y in 1..self.height.saturating_sub(1) {
            for x in 1..self.width.saturating_sub(1) {
                let value = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * at(x, y);
                sum += f64::from(value);
                squares += f64::from(value * value);
                count += 1;
            }
        }
        if count == 0 {
            return 0.0;
        }
        let mean = sum / count as f64;
        squares / count as f64 - mean * mean
    }
}

fn luma(pixel: &[u8]) -> u8 {
    let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((299 * r + 587 * g + 114 * b + 500) / 1000) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_is_blurred_and_a_checkerboard_is_sharp() {
        let flat = Photo { rgb: vec![90; 8 * 8 * 3], width: 8, height: 8 };
        assert!((flat.brightness() - 90.0).abs() < 1e-9);
        assert!(flat.sharpness().abs() < 1e-9);
        let board = (0..64).flat_map(|i| [if (i % 8 + i / 8) % 2 == 0 { 0 } else { 255 }; 3]).collect();
        let board = Photo { rgb: board, width: 8, height: 8 };
        assert!(board.sharpness() > 1e5);
    }
}
