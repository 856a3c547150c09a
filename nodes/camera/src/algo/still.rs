//! Decoding one JPEG or PNG straight into a slot.

use std::io::{Cursor, ErrorKind};
use std::path::{Path, PathBuf};

use image::codecs::{jpeg::JpegDecoder, png::PngDecoder};
use image::{ColorType, ImageDecoder, ImageError};

use super::bytes::{printable, read_file};
use super::huffman::with_standard_tables;
use super::jpeg::jpeg_layout;
use super::player::RawSource;
use super::probe::{FileKind, probe_bytes};
use super::{FrameShape, FrameSink, Limits, PixelFormat};
use crate::error::{CameraError, Result};

/// Decodes the JPEG or PNG in `bytes` into `sink`. Gives the shape, and whether the sink had room.
///
/// Colour becomes `rgb8`, grey `mono8`, 16-bit grey `16UC1`; transparency is dropped, 16-bit colour loses its lower
/// half, and the rotation noted by a phone (EXIF) is not applied: pixels stay where the file has them.
/// `base` is the byte of `file` at which `bytes` start; both are for messages only.
///
/// # Errors
/// Unknown format, cut or damaged data, no pixels, more pixels than `limits` allow.
pub fn decode_still(
    file: &Path,
    base: u64,
    bytes: &[u8],
    limits: &Limits,
    sink: &mut dyn FrameSink,
) -> Result<(FrameShape, bool)> {
    let origin = Origin { file, base, length: bytes.len() as u64 };
    match FileKind::of(bytes) {
        Some(FileKind::Jpeg) => origin.jpeg(bytes, limits, sink),
        Some(FileKind::Png) => origin.png(bytes, limits, sink),
        _ => Err(CameraError::UnknownFormat { file: file.to_path_buf(), found: printable(bytes) }),
    }
}

struct Origin<'a> {
    file: &'a Path,
    base: u64,
    length: u64,
}

impl Origin<'_> {
    fn jpeg(&self, bytes: &[u8], limits: &Limits, sink: &mut dyn FrameSink) -> Result<(FrameShape, bool)> {
        let layout = jpeg_layout(bytes).map_err(|defect| defect.within(self.file, self.base))?;
        let header = layout.header;
        let format = if header.components == 1 { PixelFormat::Mono8 } else { PixelFormat::Rgb8 };
        let size = (u64::from(header.width), u64::from(header.height));
        let shape = limits.shape(self.file, self.base + header.offset as u64, size, format)?;
        let refuse = |error| self.refused(layout.scan as u64, "the pixels of a JPEG", &error);
        let (mut completed, mut whole) = (Vec::new(), &bytes[..layout.end]);
        if !layout.has_tables {
            with_standard_tables(whole, &mut completed);
            whole = &completed;
        }
        let decoder = JpegDecoder::new(Cursor::new(whole)).map_err(refuse)?;
        let written = fill(decoder, &shape, sink)?.transpose().map_err(refuse)?;
        Ok((shape, written.is_some()))
    }

    fn png(&self, bytes: &[u8], limits: &Limits, sink: &mut dyn FrameSink) -> Result<(FrameShape, bool)> {
        let Some(mut shape) = probe_bytes(self.file, bytes, limits)?.shape else {
            return Err(CameraError::UnknownFormat {
                file: self.file.to_path_buf(),
                found: printable(bytes),
            });
        };
        let mut cursor = Cursor::new(bytes);
        let mut allowed = image::Limits::default();
        // 16-bit RGBA, the widest layout, has eight bytes where `rgb8` has three.
        allowed.max_alloc = Some(limits.max_frame_bytes.saturating_mul(3));
        let outcome = match PngDecoder::with_limits(&mut cursor, allowed) {
            Err(error) => Err(error),
            Ok(decoder) => {
                // A transparent colour turns grey into grey with alpha; the decoder knows best.
                shape.format = format_of(decoder.color_type());
                fill(decoder, &shape, sink)?.transpose()
            }
        };
        let written =
            outcome.map_err(|error| self.refused(cursor.position(), "the pixels of a PNG", &error))?;
        Ok((shape, written.is_some()))
    }

    fn refused(&self, place: u64, what: &'static str, error: &ImageError) -> CameraError {
        let file = self.file.to_path_buf();
        match error {
            ImageError::IoError(cause) if cause.kind() == ErrorKind::UnexpectedEof => {
                CameraError::Truncated { file, offset: self.base + self.length, what }
            }
            _ => CameraError::Malformed { file, offset: self.base + place, cause: error.to_string() },
        }
    }
}

fn format_of(colour: ColorType) -> PixelFormat {
    match colour {
        ColorType::L8 | ColorType::La8 => PixelFormat::Mono8,
        ColorType::L16 | ColorType::La16 => PixelFormat::Mono16,
        _ => PixelFormat::Rgb8,
    }
}

/// Decodes into the sink's bytes: directly where the decoder's layout is the frame's, else through one scratch image.
/// `None`: the sink had no room.
fn fill<D: ImageDecoder>(
    decoder: D,
    shape: &FrameShape,
    sink: &mut dyn FrameSink,
) -> Result<Option<Result<(), ImageError>>> {
    let (colour, total) = (decoder.color_type(), decoder.total_bytes() as usize);
    let Some(out) = sink.frame(shape)? else { return Ok(None) };
    let native = matches!(colour, ColorType::Rgb8 | ColorType::L8 | ColorType::L16);
    if native && out.len() == total {
        return Ok(Some(decoder.read_image(out)));
    }
    let mut wide = vec![0; total];
    let done = decoder.read_image(&mut wide);
    if done.is_ok() {
        narrow(&wide, colour, out);
    }
    Ok(Some(done))
}

/// Drops alpha, and the lower half of 16-bit colours. 16-bit samples are native-endian here.
fn narrow(wide: &[u8], colour: ColorType, out: &mut [u8]) {
    let high = if cfg!(target_endian = "little") { 1 } else { 0 };
    let copy = |out: &mut [u8], out_pixel: usize, in_pixel: usize, picks: &[usize]| {
        for (to, from) in out.chunks_exact_mut(out_pixel).zip(wide.chunks_exact(in_pixel)) {
            for (to, pick) in to.iter_mut().zip(picks) {
                *to = from[*pick];
            }
        }
    };
    match colour {
        ColorType::Rgba8 => copy(out, 3, 4, &[0, 1, 2]),
        ColorType::La8 => copy(out, 1, 2, &[0]),
        ColorType::La16 => copy(out, 2, 4, &[0, 1]),
        ColorType::Rgb16 => copy(out, 3, 6, &[high, 2 + high, 4 + high]),
        ColorType::Rgba16 => copy(out, 3, 8, &[high, 2 + high, 4 + high]),
        _ => {
            let count = out.len().min(wide.len());
            out[..count].copy_from_slice(&wide[..count]);
        }
    }
}

/// One image file; read once, decoded at every pass.
pub(super) struct StillFile {
    path: PathBuf,
    bytes: Vec<u8>,
    limits: Limits,
    done: bool,
}

impl StillFile {
    pub(super) fn open(path: &Path, limits: Limits) -> Result<(Self, FrameShape)> {
        let mut bytes = Vec::new();
        read_file(path, limits.max_packet_bytes, &mut bytes)?;
        let unknown = || CameraError::UnknownFormat { file: path.to_path_buf(), found: printable(&bytes) };
        let shape = match FileKind::of(&bytes) {
            Some(FileKind::Jpeg | FileKind::Png) => {
                probe_bytes(path, &bytes, &limits)?.shape.ok_or_else(unknown)?
            }
            _ => return Err(unknown()),
        };
        Ok((Self { path: path.to_path_buf(), bytes, limits, done: false }, shape))
    }
}

impl RawSource for StillFile {
    fn next_raw(&mut self, sink: &mut dyn FrameSink) -> Result<Option<(FrameShape, bool)>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        decode_still(&self.path, 0, &self.bytes, &self.limits, sink).map(Some)
    }

    fn rewind(&mut self) -> Result<()> {
        self.done = false;
        Ok(())
    }

    fn current(&self) -> &Path {
        &self.path
    }
}
