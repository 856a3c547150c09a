//! A frame as the models read it, without a copy.

use peregrine_models::{ImageRef, PixelFormat, Result};

/// A view of pixels in a slot. `width`, `height` in pixels, `step` in bytes per row.
///
/// # Errors
/// PG-0441 for an encoding that no detector reads (depth, compressed).
pub fn view<'a>(data: &'a [u8], width: u32, height: u32, step: u32, encoding: &str) -> Result<ImageRef<'a>> {
    let pixel = PixelFormat::from_encoding(encoding)?;
    Ok(ImageRef { data, width: width as usize, height: height as usize, step: step as usize, pixel })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_refused_and_colour_is_seen_in_place() {
        let bytes = [0_u8; 24];
        let image = view(&bytes, 4, 2, 12, "rgb8").unwrap();
        assert_eq!(image.data.as_ptr(), bytes.as_ptr());
        assert_eq!((image.width, image.height, image.step), (4, 2, 12));
        assert!(view(&bytes, 2, 2, 8, "32FC1").unwrap_err().to_string().contains("PG-0441"));
    }
}
