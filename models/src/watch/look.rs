//! How an image looks: brightness and sharpness, measured in place on any format at some thousand points at most, so that
//! the cost does not grow with the resolution.

use crate::{ImageRef, PixelFormat, Result};

/// Points per row and column at most. The neighbours of a point are its own pixels', so that the sharpness is that of the
/// full resolution.
const POINTS: usize = 72;

/// How an image looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Look {
    /// Mean luma, 0 to 255 (ITU-R BT.601 weights).
    pub brightness: f64,
    /// Variance of the 4-neighbour Laplacian of the luma (Pech-Pacheco et al. 2000). Below about 100 an image looks
    /// blurred.
    pub sharpness: f64,
}

/// Estimates both on an evenly spaced grid of points. No allocation.
///
/// # Errors
/// `PG-0440` for an image whose bytes do not hold what its header says.
pub fn look(image: &ImageRef<'_>) -> Result<Look> {
    image.check()?;
    let (width, height) = (image.width, image.height);
    if width < 3 || height < 3 {
        return Ok(Look { brightness: luma(image, 0, 0), sharpness: 0.0 });
    }
    let (mut light, mut sum, mut squares, mut count) = (0.0, 0.0, 0.0, 0_u32);
    // An odd stride does not beat with the even ones of patterns and sensors.
    let stride = |side: usize| ((side - 2) / POINTS).max(1) | 1;
    for y in (1..height - 1).step_by(stride(height)) {
        for x in (1..width - 1).step_by(stride(width)) {
            let centre = luma(image, x, y);
            let around =
                luma(image, x - 1, y) + luma(image, x + 1, y) + luma(image, x, y - 1) + luma(image, x, y + 1);
            let laplacian = around - 4.0 * centre;
            light += centre;
            sum += laplacian;
            squares += laplacian * laplacian;
            count += 1;
        }
    }
    let count = f64::from(count.max(1));
    let mean = sum / count;
    Ok(Look { brightness: light / count, sharpness: squares / count - mean * mean })
}

/// Luma of one pixel, 0 to 255. The image was checked.
fn luma(image: &ImageRef<'_>, x: usize, y: usize) -> f64 {
    let at = |offset: usize| f64::from(image.data.get(y * image.step + offset).copied().unwrap_or_default());
    let grey = |r: f64, g: f64, b: f64| 0.299 * r + 0.587 * g + 0.114 * b;
    let full = |limited: f64| ((limited - 16.0) * 255.0 / 219.0).clamp(0.0, 255.0);
    match image.pixel {
        PixelFormat::Rgb8 => grey(at(3 * x), at(3 * x + 1), at(3 * x + 2)),
        PixelFormat::Bgr8 => grey(at(3 * x + 2), at(3 * x + 1), at(3 * x)),
        PixelFormat::Rgba8 => grey(at(4 * x), at(4 * x + 1), at(4 * x + 2)),
        PixelFormat::Bgra8 => grey(at(4 * x + 2), at(4 * x + 1), at(4 * x)),
        PixelFormat::Mono8 => at(x),
        PixelFormat::Nv12 => full(at(x)),
        PixelFormat::Yuyv => full(at(2 * x)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Photo;

    /// Patches of noise, some blurred: what a photo is to the Laplacian.
    fn photo(width: usize, height: usize) -> Photo {
        let mut seed = 7_u32;
        let mut rgb = Vec::with_capacity(3 * width * height);
        for pixel in 0..width * height {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (seed >> 24) / (1 + (pixel / width / 40) as u32 % 4);
            rgb.extend([noise as u8, (pixel % 200) as u8, 90]);
        }
        Photo { rgb, width, height }
    }

    #[test]
    fn the_grid_measures_what_the_whole_photo_measures() {
        let photo = photo(640, 480);
        let seen = look(&photo.view()).unwrap();
        let light = (seen.brightness - photo.brightness()).abs();
        let sharp = seen.sharpness / photo.sharpness();
        assert!(
            light < 3.0 && (0.9..1.1).contains(&sharp),
            "{seen:?} {} {}",
            photo.brightness(),
            photo.sharpness()
        );
    }

    #[test]
    fn every_format_of_the_same_grey_is_as_bright() {
        for pixel in PixelFormat::ALL {
            let limited = matches!(pixel, PixelFormat::Nv12 | PixelFormat::Yuyv);
            let data = vec![if limited { 126 } else { 128 }; pixel.row_bytes(64) * 48 * 3 / 2];
            let seen = look(&ImageRef::packed(&data, 64, 48, pixel)).unwrap();
            assert!((seen.brightness - 128.0).abs() < 0.6 && seen.sharpness < 1e-6, "{pixel:?} {seen:?}");
        }
        assert!(look(&ImageRef::packed(&[0; 10], 64, 48, PixelFormat::Rgb8)).is_err());
        assert!(look(&ImageRef::packed(&[9; 4], 2, 2, PixelFormat::Mono8)).is_ok());
    }
}
