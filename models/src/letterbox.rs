//! How a source image lies in the network's input, and the way back from network pixels to source pixels.

use crate::manifest::{Align, Fit};

/// Placement of the scaled image in the input. Lengths in network pixels; scales in source pixels per network pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// Left edge of the scaled image.
    pub left: usize,
    /// Top edge of the scaled image.
    pub top: usize,
    /// Width of the scaled image, at least 1.
    pub width: usize,
    /// Height of the scaled image, at least 1.
    pub height: usize,
    /// Source pixels per network pixel along x.
    pub scale_x: f64,
    /// Source pixels per network pixel along y.
    pub scale_y: f64,
}

impl Letterbox {
    /// Places an image of `source` (width, height) in an input of `target` (width, height), both in pixels.
    pub fn new(source: (usize, usize), target: (usize, usize), fit: Fit, align: Align) -> Self {
        let (width, height) = match fit {
            Fit::Stretch => target,
            Fit::Letterbox => {
                let ratio = (target.0 as f64 / source.0 as f64).min(target.1 as f64 / source.1 as f64);
                // Half to even, like Python's round(): the networks were trained behind it.
                let side = |length: usize, most: usize| {
                    ((length as f64 * ratio).round_ties_even() as usize).clamp(1, most)
                };
                (side(source.0, target.0), side(source.1, target.1))
            }
        };
        let (left, top) = match align {
            Align::TopLeft => (0, 0),
            Align::Center => ((target.0 - width) / 2, (target.1 - height) / 2),
        };
        let (scale_x, scale_y) = (source.0 as f64 / width as f64, source.1 as f64 / height as f64);
        Self { left, top, width, height, scale_x, scale_y }
    }

    /// Network pixels to source pixels.
    pub fn to_source(&self, x: f32, y: f32) -> (f32, f32) {
        (
            ((f64::from(x) - self.left as f64) * self.scale_x) as f32,
            ((f64::from(y) - self.top as f64) * self.scale_y) as f32,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_image_fills_the_width() {
        let top = Letterbox::new((1920, 1080), (416, 416), Fit::Letterbox, Align::TopLeft);
        assert_eq!((top.left, top.top, top.width, top.height), (0, 0, 416, 234));
        let centred = Letterbox::new((1920, 1080), (416, 416), Fit::Letterbox, Align::Center);
        assert_eq!((centred.left, centred.top), (0, 91));
        let (x, y) = centred.to_source(416.0, 91.0 + 234.0);
        assert!((x - 1920.0).abs() < 1e-3 && (y - 1080.0).abs() < 1e-3);
    }

    #[test]
    fn a_sliver_keeps_one_pixel() {
        let sliver = Letterbox::new((10_000, 1), (320, 320), Fit::Letterbox, Align::Center);
        assert_eq!((sliver.width, sliver.height), (320, 1));
    }

    #[test]
    fn stretching_ignores_the_aspect() {
        let stretched = Letterbox::new((200, 100), (352, 352), Fit::Stretch, Align::TopLeft);
        assert_eq!((stretched.width, stretched.height), (352, 352));
        assert!((stretched.scale_x - 200.0 / 352.0).abs() < 1e-12);
    }
}
