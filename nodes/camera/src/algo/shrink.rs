//! Pixels to JPEG, for whoever looks over a thin link.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

/// What of a picture is needed to write it as JPEG.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    /// Columns, pixels.
    pub width: u32,
    /// Rows, pixels.
    pub height: u32,
    /// Bytes from one row to the next.
    pub step: u32,
    /// As in `sensor_msgs/Image.encoding`.
    pub encoding: &'a str,
    /// The rows.
    pub bytes: &'a [u8],
}

/// `CompressedImage.format` for pixels of that encoding, as ROS's `compressed_image_transport` writes it; `None` for what has no
/// place in a JPEG: depth, raw Bayer patterns, YUV.
pub fn format(encoding: &str) -> Option<String> {
    match encoding {
        "mono8" => Some("mono8; jpeg compressed ".to_owned()),
        "rgb8" | "bgr8" | "rgba8" | "bgra8" => Some(format!("{encoding}; jpeg compressed bgr8")),
        _ => None,
    }
}

/// Copies the pixels into `packed`: rows without padding, three bytes a pixel in the order red, green, blue, or one of grey. False,
/// with `packed` empty, if `bytes` do not hold what the sizes say, or for an encoding that [`format`] refuses.
pub fn pack(pixels: &Pixels<'_>, packed: &mut Vec<u8>) -> bool {
    packed.clear();
    let (channels, order): (usize, &[usize]) = match pixels.encoding {
        "mono8" => (1, &[0]),
        "rgb8" => (3, &[0, 1, 2]),
        "bgr8" => (3, &[2, 1, 0]),
        "rgba8" => (4, &[0, 1, 2]),
        "bgra8" => (4, &[2, 1, 0]),
        _ => return false,
    };
    let (row, step) = (pixels.width as usize * channels, pixels.step as usize);
    let whole = step >= row && row > 0 && pixels.height > 0;
    if !whole || pixels.bytes.len() < step * (pixels.height as usize - 1) + row {
        return false;
    }
    for line in pixels.bytes.chunks(step).take(pixels.height as usize) {
        if channels == order.len() && order[0] == 0 {
            packed.extend_from_slice(&line[..row]);
        } else {
            packed.extend(
                line[..row].chunks_exact(channels).flat_map(|pixel| order.iter().map(|at| pixel[*at])),
            );
        }
    }
    true
}

/// Writes packed pixels ([`pack`]) as JPEG into `jpeg`. `quality` is 1 to 100.
///
/// # Errors
/// The encoder's words, for sizes that a JPEG cannot have.
pub fn write_jpeg(
    packed: &[u8],
    (width, height): (u32, u32),
    quality: u8,
    jpeg: &mut Vec<u8>,
) -> std::result::Result<(), String> {
    jpeg.clear();
    let grey = packed.len() == width as usize * height as usize;
    let colour = if grey { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut encoder = JpegEncoder::new_with_quality(jpeg, quality.clamp(1, 100));
    encoder.encode(packed, width, height, colour).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_colours_becomes_the_same_picture() {
        let red = |order: &[u8]| [order, order, &[9, 9]].concat();
        for (encoding, bytes, step) in [
            ("rgb8", red(&[200, 10, 20]), 8),
            ("bgr8", red(&[20, 10, 200]), 8),
            ("rgba8", red(&[200, 10, 20, 0]), 10),
            ("bgra8", red(&[20, 10, 200, 0]), 10),
        ] {
            let pixels = Pixels { width: 2, height: 1, step, encoding, bytes: &bytes };
            let mut packed = Vec::new();
            assert!(pack(&pixels, &mut packed));
            assert_eq!(packed, [200, 10, 20, 200, 10, 20], "{encoding}");
            assert_eq!(format(encoding).unwrap(), format!("{encoding}; jpeg compressed bgr8"));
        }
    }

    #[test]
    fn a_jpeg_shows_what_went_in() {
        let bytes: Vec<u8> =
            (0..32 * 16).flat_map(|at| if at % 32 < 16 { [250, 5, 5] } else { [5, 5, 250] }).collect();
        let pixels = Pixels { width: 32, height: 16, step: 96, encoding: "rgb8", bytes: &bytes };
        let (mut packed, mut jpeg) = (Vec::new(), Vec::new());
        assert!(pack(&pixels, &mut packed));
        write_jpeg(&packed, (32, 16), 90, &mut jpeg).unwrap();
        assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.len() < bytes.len());
        let back = image::load_from_memory(&jpeg).unwrap().to_rgb8();
        assert_eq!(back.dimensions(), (32, 16));
        assert!(back.get_pixel(4, 8).0[0] > 200 && back.get_pixel(28, 8).0[2] > 200);
    }

    #[test]
    fn nonsense_is_refused() {
        let mut packed = vec![1];
        for (width, height, step, encoding, len) in [
            (2, 1, 6, "16UC1", 6),
            (2, 1, 5, "rgb8", 6),
            (2, 2, 6, "rgb8", 11),
            (0, 1, 6, "rgb8", 6),
            (2, 0, 6, "rgb8", 6),
        ] {
            let bytes = vec![0; len];
            assert!(
                !pack(&Pixels { width, height, step, encoding, bytes: &bytes }, &mut packed),
                "{encoding} {len}"
            );
            assert!(packed.is_empty());
        }
        assert_eq!(format("32FC1"), None);
    }
}
