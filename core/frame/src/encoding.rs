//! Pixel encodings, by the names of `sensor_msgs/image_encodings.hpp` (and `jpeg` for compressed payloads).

use crate::{Error, Result};

/// How the bytes of a frame are to be read. The discriminant is what lies in shared memory: never renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum Encoding {
    /// `rgb8`: red, green, blue, one byte each.
    Rgb8 = 1,
    /// `bgr8`: blue, green, red, one byte each.
    Bgr8 = 2,
    /// `rgba8`: red, green, blue, alpha, one byte each.
    Rgba8 = 3,
    /// `bgra8`: blue, green, red, alpha, one byte each.
    Bgra8 = 4,
    /// `mono8`: one byte of luminance.
    Mono8 = 5,
    /// `mono16`: two bytes of luminance, host order.
    Mono16 = 6,
    /// `16UC1`: depth in millimetres, 0 is invalid (REP-118), host order.
    Depth16 = 7,
    /// `32FC1`: depth in metres, NaN invalid, +inf no return (REP-117/118), host order.
    Depth32 = 8,
    /// `nv12`: a full-size luminance plane, then interleaved U and V at half size both ways (4:2:0).
    Nv12 = 9,
    /// `yuv422_yuy2`: Y0 U Y1 V, two pixels in four bytes (4:2:2).
    Yuyv = 10,
    /// `jpeg`: a JPEG or MJPEG payload of variable length.
    Jpeg = 11,
    /// No image: the slot holds a whole CDR message of the bus's type, see [`Writer::loan_message`](crate::Writer::loan_message).
    Message = 12,
}

impl Encoding {
    /// All encodings of images, in the order of their discriminants.
    pub const ALL: [Encoding; 11] = [
        Encoding::Rgb8,
        Encoding::Bgr8,
        Encoding::Rgba8,
        Encoding::Bgra8,
        Encoding::Mono8,
        Encoding::Mono16,
        Encoding::Depth16,
        Encoding::Depth32,
        Encoding::Nv12,
        Encoding::Yuyv,
        Encoding::Jpeg,
    ];

    /// The names, for messages to people.
    pub(crate) const NAMES: &'static str =
        "rgb8, bgr8, rgba8, bgra8, mono8, mono16, 16UC1, 32FC1, nv12, yuv422_yuy2, jpeg";

    /// The name that `sensor_msgs/Image.encoding` carries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Encoding::Rgb8 => "rgb8",
            Encoding::Bgr8 => "bgr8",
            Encoding::Rgba8 => "rgba8",
            Encoding::Bgra8 => "bgra8",
            Encoding::Mono8 => "mono8",
            Encoding::Mono16 => "mono16",
            Encoding::Depth16 => "16UC1",
            Encoding::Depth32 => "32FC1",
            Encoding::Nv12 => "nv12",
            Encoding::Yuyv => "yuv422_yuy2",
            Encoding::Jpeg => "jpeg",
            Encoding::Message => "message",
        }
    }

    /// The encoding of a discriminant found in memory.
    pub fn from_u32(raw: u32) -> Option<Encoding> {
        Self::ALL.into_iter().chain([Encoding::Message]).find(|e| *e as u32 == raw)
    }

    /// Bytes of one pixel in the first plane: 1 for `nv12` (its luminance), 0 for `jpeg` and messages (they have no such number).
    pub const fn bytes_per_pixel(self) -> u32 {
        match self {
            Encoding::Mono8 | Encoding::Nv12 => 1,
            Encoding::Mono16 | Encoding::Depth16 | Encoding::Yuyv => 2,
            Encoding::Rgb8 | Encoding::Bgr8 => 3,
            Encoding::Rgba8 | Encoding::Bgra8 | Encoding::Depth32 => 4,
            Encoding::Jpeg | Encoding::Message => 0,
        }
    }
}

impl std::str::FromStr for Encoding {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = match name {
            // What drivers write for the same bytes.
            "8UC1" => Some(Encoding::Mono8),
            "8UC3" => Some(Encoding::Bgr8),
            "yuv422_yuyv" => Some(Encoding::Yuyv),
            "mjpeg" => Some(Encoding::Jpeg),
            _ => Self::ALL.into_iter().find(|e| e.as_str() == name),
        };
        known.ok_or_else(|| Error::UnknownEncoding { name: name.to_owned() })
    }
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_go_both_ways() {
        for e in Encoding::ALL {
            assert_eq!(e.as_str().parse(), Ok(e));
            assert_eq!(Encoding::from_u32(e as u32), Some(e));
            assert!(Encoding::NAMES.split(", ").any(|n| n == e.as_str()));
        }
        assert_eq!((Encoding::from_u32(0), Encoding::from_u32(12)), (None, Some(Encoding::Message)));
        assert!("message".parse::<Encoding>().is_err(), "no image");
        assert!("rgb9".parse::<Encoding>().unwrap_err().to_string().starts_with("PG-0114"));
    }
}
