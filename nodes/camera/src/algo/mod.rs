//! Image sources: where frames come from, and how their pixels get into a loaned slot.
//!
//! The invariant of this module: a source asks its [`FrameSink`] for a buffer of exactly the frame's size and decodes
//! into it. No source owns a decoded frame of its own, so one more copy can only be made on purpose. Nothing here
//! reads a clock or needs the runtime.

mod avi;
mod bytes;
mod calibration;
mod directory;
mod huffman;
mod jpeg;
mod mjpeg;
mod open;
mod pattern;
mod player;
mod probe;
pub mod shrink;
mod still;
#[cfg(feature = "v4l")]
mod v4l;
mod y4m;
mod yuv;

use std::path::Path;

use crate::error::{CameraError, Result};

pub use avi::{AviPackets, read_avi};
pub use calibration::{Calibration, calibration_path, load_calibration, parse_calibration};
pub use directory::list_images;
pub use jpeg::{JpegHeader, JpegLayout, JpegSplitter, Packet, jpeg_header, jpeg_layout, split_mjpeg};
pub use open::{SourceOptions, YuvOutput, open_directory, open_image, open_path, open_video};
pub use pattern::{Pattern, PatternOptions, read_counter};
pub use probe::{FileKind, Probe, probe_bytes};
pub use still::decode_still;
#[cfg(feature = "v4l")]
pub use v4l::{V4lOptions, V4lSource};
pub use y4m::{Y4mChroma, Y4mHeader, parse_y4m_header, read_y4m};
pub use yuv::{YuvRange, to_rgb};

/// How the bytes of a frame are to be read. The names are those of `sensor_msgs/Image.encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Red, green, blue; one byte each.
    Rgb8,
    /// One byte of brightness.
    Mono8,
    /// One native-endian 16-bit number: a depth image in millimetres, as a rule.
    Mono16,
    /// A plane of brightness, then one of interleaved U and V of half the width and height.
    Nv12,
    /// Y0 U Y1 V for two neighbouring pixels.
    Yuyv,
}

impl PixelFormat {
    /// The name in `sensor_msgs/Image.encoding`.
    pub fn as_str(self) -> &'static str {
        match self {
            PixelFormat::Rgb8 => "rgb8",
            PixelFormat::Mono8 => "mono8",
            PixelFormat::Mono16 => "16UC1",
            PixelFormat::Nv12 => "nv12",
            PixelFormat::Yuyv => "yuv422_yuy2",
        }
    }
}

/// Size and format of one frame. Rows follow each other without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameShape {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// What a pixel is made of.
    pub format: PixelFormat,
}

impl FrameShape {
    /// Bytes from one row to the next; for [`PixelFormat::Nv12`] those of the brightness plane.
    pub fn step(&self) -> u32 {
        let pixel = match self.format {
            PixelFormat::Rgb8 => 3,
            PixelFormat::Mono8 | PixelFormat::Nv12 => 1,
            PixelFormat::Mono16 | PixelFormat::Yuyv => 2,
        };
        self.width.saturating_mul(pixel)
    }

    /// Bytes of the whole frame.
    pub fn bytes(&self) -> usize {
        let rows = match self.format {
            PixelFormat::Nv12 => self.height as usize + self.height.div_ceil(2) as usize,
            _ => self.height as usize,
        };
        (self.step() as usize).saturating_mul(rows)
    }
}

/// What a source tells about the frame it has just delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageInfo {
    /// Size and format of the pixels.
    pub shape: FrameShape,
    /// Count of frames delivered before this one, from 0, over all passes of a looping source.
    pub index: u64,
    /// False when the sink had no room: the frame was passed over and nothing was written.
    pub written: bool,
}

/// What is known of a source before its first frame is decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SourceInfo {
    /// Size and format of the first frame.
    pub first: FrameShape,
    /// Bytes that the largest frame needs, as far as headers tell. What slots should hold.
    pub max_bytes: usize,
    /// Frames a second as the file states them; none for images.
    pub rate_hz: Option<f64>,
    /// How many frames one pass has, where that is known without reading all of it.
    pub frames: Option<u64>,
}

/// Where a source writes its frames: a loaned slot, or a plain buffer.
pub trait FrameSink {
    /// Hands out `shape.bytes()` bytes for the frame that comes next, or `None` when there is no room and the frame is
    /// to be passed over. A source that finds a frame damaged after asking asks again: the earlier bytes are void.
    ///
    /// # Errors
    /// A frame that can never fit.
    fn frame(&mut self, shape: &FrameShape) -> Result<Option<&mut [u8]>>;
}

/// Something that gives frames, one after the other.
pub trait FrameSource: Send {
    /// What is known before the first frame.
    fn info(&self) -> SourceInfo;

    /// Decodes the next frame into `sink`; `None` at the end of a source that does not loop.
    ///
    /// # Errors
    /// A frame that cannot be decoded (unless bad frames are skipped), or an input that went away. The source stays
    /// usable: the next call goes on behind the bad frame.
    fn next(&mut self, sink: &mut dyn FrameSink) -> Result<Option<ImageInfo>>;

    /// The file or device that the latest frame came from.
    fn current(&self) -> &Path;

    /// How many frames have been passed over because they were bad.
    fn bad_frames(&self) -> u64 {
        0
    }

    /// What was wrong with the latest bad frame.
    fn last_bad(&self) -> Option<&str> {
        None
    }
}

/// A sink that keeps the latest frame in a growing buffer; for tools and tests.
#[derive(Debug, Default, Clone)]
pub struct Buffer {
    /// The pixels of the latest frame.
    pub bytes: Vec<u8>,
}

impl FrameSink for Buffer {
    fn frame(&mut self, shape: &FrameShape) -> Result<Option<&mut [u8]>> {
        self.bytes.resize(shape.bytes(), 0);
        Ok(Some(&mut self.bytes))
    }
}

/// What a frame may at most claim. A header of 40 bytes can ask for an exabyte; nothing is allocated before this check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Pixels of the longer side.
    pub max_side: u32,
    /// Bytes of the decoded pixels.
    pub max_frame_bytes: u64,
    /// Bytes of one compressed frame.
    pub max_packet_bytes: u64,
}

impl Default for Limits {
    /// 16,384 pixels a side, 256 MiB a frame, 64 MiB compressed.
    fn default() -> Self {
        Self { max_side: 16_384, max_frame_bytes: 256 << 20, max_packet_bytes: 64 << 20 }
    }
}

impl Limits {
    /// Checks a claimed size and gives it back as the shape of a frame.
    ///
    /// # Errors
    /// [`CameraError::ZeroSize`] or [`CameraError::TooLarge`], naming `file` and `offset`, where the size is stated.
    pub fn shape(
        &self,
        file: &Path,
        offset: u64,
        (width, height): (u64, u64),
        format: PixelFormat,
    ) -> Result<FrameShape> {
        if width == 0 || height == 0 {
            return Err(CameraError::ZeroSize { file: file.to_path_buf(), offset, width, height });
        }
        let side = u64::from(self.max_side);
        let shape = FrameShape { width: width.min(side) as u32, height: height.min(side) as u32, format };
        if width > side || height > side || shape.bytes() as u64 > self.max_frame_bytes {
            return Err(CameraError::TooLarge {
                file: file.to_path_buf(),
                offset,
                width,
                height,
                max_side: self.max_side,
                max_bytes: self.max_frame_bytes,
            });
        }
        Ok(shape)
    }
}
