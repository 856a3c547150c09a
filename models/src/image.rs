//! A borrowed image: the bytes a camera driver or a file reader hands over, untouched.

use crate::{Error, Result};

/// How the bytes of an image are laid out. Eight bits per sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// Interleaved red, green, blue.
    Rgb8,
    /// Interleaved blue, green, red.
    Bgr8,
    /// Interleaved red, green, blue, alpha; alpha is ignored.
    Rgba8,
    /// Interleaved blue, green, red, alpha; alpha is ignored.
    Bgra8,
    /// One grey sample per pixel.
    Mono8,
    /// A plane of Y, then a plane of interleaved U, V at half width and half height with the same step. BT.601,
    /// limited range (16 to 235), as cameras deliver it.
    Nv12,
    /// Interleaved Y0 U Y1 V, two pixels in four bytes (YUYV, YUY2). BT.601, limited range.
    Yuyv,
}

impl PixelFormat {
    /// Every format, in the order of the enum.
    pub const ALL: [Self; 7] =
        [Self::Rgb8, Self::Bgr8, Self::Rgba8, Self::Bgra8, Self::Mono8, Self::Nv12, Self::Yuyv];

    /// The name `sensor_msgs/Image.encoding` uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rgb8 => "rgb8",
            Self::Bgr8 => "bgr8",
            Self::Rgba8 => "rgba8",
            Self::Bgra8 => "bgra8",
            Self::Mono8 => "mono8",
            Self::Nv12 => "nv12",
            Self::Yuyv => "yuv422_yuy2",
        }
    }

    /// The format a `sensor_msgs/Image.encoding` names.
    ///
    /// # Errors
    /// `PG-0441` for encodings that carry no picture a detector could read (depth, Bayer, 16 bit).
    pub fn from_encoding(encoding: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == encoding).ok_or_else(|| Error::Encoding {
            encoding: encoding.to_owned(),
            known: "rgb8, bgr8, rgba8, bgra8, mono8, nv12, yuv422_yuy2",
        })
    }

    /// Bytes of one row of `width` pixels without padding (of the Y plane for NV12).
    pub const fn row_bytes(self, width: usize) -> usize {
        match self {
            Self::Rgb8 | Self::Bgr8 => width * 3,
            Self::Rgba8 | Self::Bgra8 => width * 4,
            Self::Mono8 | Self::Nv12 => width,
            Self::Yuyv => width * 2,
        }
    }
}

/// A view of an image in somebody else's memory.
#[derive(Clone, Copy, Debug)]
pub struct ImageRef<'a> {
    /// The pixels, first row first.
    pub data: &'a [u8],
    /// Pixels per row, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
    /// Bytes from one row to the next, at least [`PixelFormat::row_bytes`].
    pub step: usize,
    /// Layout of the pixels.
    pub pixel: PixelFormat,
}

/// Wider or taller images are refused: nothing records them, and offsets stay far from overflow.
const LONGEST_SIDE: usize = 1 << 15;

impl<'a> ImageRef<'a> {
    /// A view of rows that follow each other without padding.
    pub const fn packed(data: &'a [u8], width: usize, height: usize, pixel: PixelFormat) -> Self {
        Self { data, width, height, step: pixel.row_bytes(width), pixel }
    }

    /// Checks that every pixel the header promises lies inside `data`.
    ///
    /// # Errors
    /// `PG-0440` with the number that does not fit.
    pub fn check(&self) -> Result<()> {
        let even = matches!(self.pixel, PixelFormat::Nv12 | PixelFormat::Yuyv);
        let reason = if self.width == 0 || self.height == 0 {
            "it has no pixels".to_owned()
        } else if self.width > LONGEST_SIDE || self.height > LONGEST_SIDE {
            format!("no side may be longer than {LONGEST_SIDE} pixels")
        } else if even && self.width % 2 == 1 {
            "this format needs an even width".to_owned()
        } else if self.pixel == PixelFormat::Nv12 && self.height % 2 == 1 {
            "this format needs an even height".to_owned()
        } else if self.step < self.pixel.row_bytes(self.width) {
            format!("the step must be at least {} bytes", self.pixel.row_bytes(self.width))
        } else {
            let rows = if self.pixel == PixelFormat::Nv12 { self.height * 3 / 2 } else { self.height };
            // The padding after the last row need not be there.
            let needed =
                self.step.checked_mul(rows - 1).and_then(|n| n.checked_add(self.pixel.row_bytes(self.width)));
            match needed {
                Some(needed) if self.data.len() >= needed => return Ok(()),
                Some(needed) => format!("at least {needed} bytes are needed"),
                None => "the step is absurd".to_owned(),
            }
        };
        Err(Error::Image {
            width: self.width,
            height: self.height,
            format: self.pixel.as_str(),
            step: self.step,
            bytes: self.data.len(),
            reason,
        })
    }
}
