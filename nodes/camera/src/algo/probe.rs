//! What kind of file this is, and how large its first picture, from its first bytes alone.

use std::path::Path;

use super::bytes::{be32, printable};
use super::jpeg::jpeg_header;
use super::y4m::parse_y4m_header;
use super::{FrameShape, Limits, PixelFormat};
use crate::error::{CameraError, Defect, Result};

/// The formats that are read, told apart by their first bytes and never by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A JPEG, or the first of many.
    Jpeg,
    /// A PNG.
    Png,
    /// Uncompressed YUV4MPEG2.
    Y4m,
    /// RIFF AVI; whether it holds MJPG shows in its headers.
    Avi,
}

/// What the first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// The format.
    pub kind: FileKind,
    /// The first picture; none for AVI, whose pictures say it themselves.
    pub shape: Option<FrameShape>,
}

impl FileKind {
    /// The format that `bytes` start with.
    pub fn of(bytes: &[u8]) -> Option<FileKind> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(FileKind::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(FileKind::Png),
            [b'Y', b'U', b'V', b'4', b'M', b'P', b'E', b'G', b'2', ..] => Some(FileKind::Y4m),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => Some(FileKind::Avi),
            _ => None,
        }
    }
}

/// Tells format, size and pixel format of the picture that `bytes` start with. The end of the bytes may be missing as
/// long as the header is there. `file` is for messages only. An entry point for fuzzing.
///
/// # Errors
/// Unknown format, damaged or cut header, no pixels, more pixels than `limits` allow.
pub fn probe_bytes(file: &Path, bytes: &[u8], limits: &Limits) -> Result<Probe> {
    let unknown = || CameraError::UnknownFormat { file: file.to_path_buf(), found: printable(bytes) };
    let kind = FileKind::of(bytes).ok_or_else(unknown)?;
    let shape = match kind {
        FileKind::Jpeg => {
            let header = jpeg_header(bytes).map_err(|defect| defect.within(file, 0))?;
            let format = if header.components == 1 { PixelFormat::Mono8 } else { PixelFormat::Rgb8 };
            let size = (u64::from(header.width), u64::from(header.height));
            Some(limits.shape(file, header.offset as u64, size, format)?)
        }
        FileKind::Png => Some(png_shape(file, bytes, limits)?),
        FileKind::Y4m => {
            let (header, _) = parse_y4m_header(bytes).map_err(|defect| defect.within(file, 0))?;
            let format = if header.chroma.is_mono() { PixelFormat::Mono8 } else { PixelFormat::Rgb8 };
            Some(limits.shape(file, 0, (header.width, header.height), format)?)
        }
        FileKind::Avi => None,
    };
    Ok(Probe { kind, shape })
}

/// The IHDR chunk: length 13 and name at byte 8, width at 16, height at 20, bits at 24, colour type at 25.
fn png_shape(file: &Path, bytes: &[u8], limits: &Limits) -> Result<FrameShape> {
    let cut =
        || Defect::Truncated { offset: bytes.len() as u64, what: "the header of a PNG" }.within(file, 0);
    if bytes.get(12..16).ok_or_else(cut)? != b"IHDR" {
        let cause = "a PNG starts with its IHDR chunk".to_owned();
        return Err(Defect::Malformed { offset: 12, cause }.within(file, 0));
    }
    let width = be32(bytes, 16).ok_or_else(cut)?;
    let height = be32(bytes, 20).ok_or_else(cut)?;
    let bits = *bytes.get(24).ok_or_else(cut)?;
    let colour = *bytes.get(25).ok_or_else(cut)?;
    let format = match (colour, bits) {
        (0 | 4, 16) => PixelFormat::Mono16,
        (0 | 4, _) => PixelFormat::Mono8,
        _ => PixelFormat::Rgb8,
    };
    limits.shape(file, 16, (u64::from(width), u64::from(height)), format)
}
