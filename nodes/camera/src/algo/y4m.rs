//! YUV4MPEG2 (.y4m): uncompressed video with a one-line text header, as ffmpeg and mjpegtools write it.
//!
//! Read frame by frame; the largest thing held is one frame's colour planes. Format from mjpegtools' yuv4mpeg(5).

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::bytes::{open, printable, read_up_to};
use super::open::YuvOutput;
use super::player::RawSource;
use super::yuv::{YuvRange, to_rgb};
use super::{Buffer, FrameShape, FrameSink, Limits, PixelFormat};
use crate::error::{CameraError, Defect, Result};

/// A header line has fewer bytes than this; one that does not end is no header.
const MAX_LINE: usize = 1024;

/// How many pixels share a colour sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Y4mChroma {
    /// Two by two pixels.
    C420,
    /// Two pixels side by side.
    C422,
    /// Every pixel has its own.
    C444,
    /// Brightness only.
    Mono,
}

impl Y4mChroma {
    /// Whether there is no colour.
    pub fn is_mono(self) -> bool {
        self == Y4mChroma::Mono
    }

    /// Pixels that one colour sample covers: across, down.
    fn shared(self) -> (usize, usize) {
        match self {
            Y4mChroma::C420 => (2, 2),
            Y4mChroma::C422 => (2, 1),
            Y4mChroma::C444 | Y4mChroma::Mono => (1, 1),
        }
    }
}

/// What the first line of a .y4m says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Y4mHeader {
    /// Pixels a row, unchecked.
    pub width: u64,
    /// Rows, unchecked.
    pub height: u64,
    /// Frames a second; none where the file says it is unknown.
    pub rate_hz: Option<f64>,
    /// The colour planes.
    pub chroma: Y4mChroma,
    /// Limited unless the header says XCOLORRANGE=FULL.
    pub range: YuvRange,
}

/// Parses the first line; gives the header and where the first frame starts. Unknown parameters are passed over, as the
/// format asks. An entry point for fuzzing.
///
/// # Errors
/// No YUV4MPEG2, a line without end, a value that is no number, a colour layout that is not decoded here.
pub fn parse_y4m_header(bytes: &[u8]) -> Result<(Y4mHeader, usize), Defect> {
    const MAGIC: &[u8] = b"YUV4MPEG2";
    let malformed = |offset: usize, cause: String| Defect::Malformed { offset: offset as u64, cause };
    if !bytes.starts_with(MAGIC) {
        return Err(malformed(
            0,
            format!("a .y4m starts with \"YUV4MPEG2\", this with {}", printable(bytes)),
        ));
    }
    let line = &bytes[..bytes.len().min(MAX_LINE)];
    let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
        return Err(if bytes.len() < MAX_LINE {
            Defect::Truncated { offset: bytes.len() as u64, what: "the header line of a .y4m" }
        } else {
            malformed(MAX_LINE, format!("the header line does not end within {MAX_LINE} bytes"))
        });
    };
    let mut header =
        Y4mHeader { width: 0, height: 0, rate_hz: None, chroma: Y4mChroma::C420, range: YuvRange::Limited };
    let (mut width, mut height) = (None, None);
    let mut at = MAGIC.len();
    for token in line[at..end].split(|byte| *byte == b' ') {
        let place = at;
        at += token.len() + 1;
        let Some((tag, value)) = token.split_first() else { continue };
        let text = std::str::from_utf8(value).unwrap_or("?");
        let number = || {
            let cause = || format!("\"{}\" is no positive whole number", token.escape_ascii());
            text.parse::<u64>().map_err(|_| malformed(place, cause()))
        };
        match tag {
            b'W' => width = Some(number()?),
            b'H' => height = Some(number()?),
            b'F' => header.rate_hz = rate(text),
            b'C' => header.chroma = chroma(text, place)?,
            b'X' if text == "COLORRANGE=FULL" => header.range = YuvRange::Full,
            _ => {}
        }
    }
    header.width = width.ok_or_else(|| malformed(end, "the header gives no width (W)".into()))?;
    header.height = height.ok_or_else(|| malformed(end, "the header gives no height (H)".into()))?;
    Ok((header, end + 1))
}

/// `30000:1001`; zero on either side means unknown.
fn rate(text: &str) -> Option<f64> {
    let (over, under) = text.split_once(':')?;
    let rate = f64::from(over.parse::<u32>().ok()?) / f64::from(under.parse::<u32>().ok()?);
    (rate.is_finite() && rate > 0.0).then_some(rate)
}

fn chroma(text: &str, place: usize) -> Result<Y4mChroma, Defect> {
    match text {
        "420" | "420jpeg" | "420mpeg2" | "420paldv" => Ok(Y4mChroma::C420),
        "422" => Ok(Y4mChroma::C422),
        "444" => Ok(Y4mChroma::C444),
        "mono" => Ok(Y4mChroma::Mono),
        _ => Err(Defect::Unsupported {
            offset: place as u64,
            what: format!("the colour layout \"C{}\"", text.escape_debug()),
            remedy: "convert it: ffmpeg -i IN -pix_fmt yuv420p OUT.y4m",
        }),
    }
}

/// Reads the frames of a .y4m from any reader.
pub(super) struct Y4mReader<R> {
    reader: R,
    header: Y4mHeader,
    shape: FrameShape,
    planes: Vec<u8>,
    at: u64,
    lost: bool,
}

impl<R: Read> Y4mReader<R> {
    /// Reads the header line byte by byte, so that the reader stands at the first frame afterwards.
    pub(super) fn open(mut reader: R, path: &Path, limits: &Limits, output: YuvOutput) -> Result<Self> {
        let line = read_line(&mut reader).map_err(|cause| read_error(path, cause))?;
        let (header, at) = parse_y4m_header(&line).map_err(|defect| defect.within(path, 0))?;
        let even = header.width % 2 == 0 && header.height % 2 == 0;
        let format = match (header.chroma, output) {
            (Y4mChroma::Mono, _) => PixelFormat::Mono8,
            (Y4mChroma::C420, YuvOutput::Native) if even => PixelFormat::Nv12,
            _ => PixelFormat::Rgb8,
        };
        let shape = limits.shape(path, 0, (header.width, header.height), format)?;
        Ok(Self { reader, header, shape, planes: Vec::new(), at: at as u64, lost: false })
    }

    fn next_frame(&mut self, path: &Path, sink: &mut dyn FrameSink) -> Result<Option<(FrameShape, bool)>> {
        if self.lost {
            return Ok(None);
        }
        let outcome = self.read_frame(path, sink);
        // Frames are found only by counting bytes: after a defect nobody knows where the next one starts.
        self.lost = outcome.is_err();
        outcome
    }

    fn read_frame(&mut self, path: &Path, sink: &mut dyn FrameSink) -> Result<Option<(FrameShape, bool)>> {
        let line = read_line(&mut self.reader).map_err(|cause| read_error(path, cause))?;
        if line.is_empty() {
            return Ok(None);
        }
        let ended = line.ends_with(b"\n");
        if !(line.starts_with(b"FRAME\n") || line.starts_with(b"FRAME ")) || !ended {
            let (offset, length) = (self.at, line.len() as u64);
            return Err(if !ended && line.len() < MAX_LINE {
                Defect::Truncated { offset: offset + length, what: "the line in front of a frame" }
                    .within(path, 0)
            } else {
                let cause = format!("{} where a frame should start with \"FRAME\"", printable(&line));
                Defect::Malformed { offset, cause }.within(path, 0)
            });
        }
        self.at += line.len() as u64;

        let (width, height) = (self.shape.width as usize, self.shape.height as usize);
        let (across, down) = self.header.chroma.shared();
        let luma = width * height;
        let colour =
            if self.header.chroma.is_mono() { 0 } else { width.div_ceil(across) * height.div_ceil(down) };
        let out = sink.frame(&self.shape)?;
        let written = out.is_some();
        // Brightness goes straight into the slot wherever the slot has such a plane.
        match (out, self.shape.format) {
            (Some(out), PixelFormat::Mono8) => self.read_exactly(path, Some(out))?,
            (Some(out), PixelFormat::Nv12) => {
                let (light, pairs) = out.split_at_mut(luma);
                self.read_exactly(path, Some(light))?;
                self.planes.resize(2 * colour, 0);
                self.read_exactly(path, None)?;
                let (u, v) = self.planes.split_at(colour);
                for ((pair, u), v) in pairs.chunks_exact_mut(2).zip(u).zip(v) {
                    pair.copy_from_slice(&[*u, *v]);
                }
            }
            (out, _) => {
                self.planes.resize(luma + 2 * colour, 0);
                self.read_exactly(path, None)?;
                if let Some(out) = out {
                    let (y, rest) = self.planes.split_at(luma);
                    let (u, v) = rest.split_at(colour);
                    to_rgb((y, u, v), width, (across, down), self.header.range, out);
                }
            }
        }
        Ok(Some((self.shape, written)))
    }

    /// Fills `into`, or the plane buffer.
    fn read_exactly(&mut self, path: &Path, into: Option<&mut [u8]>) -> Result<()> {
        let buffer = into.unwrap_or(&mut self.planes[..]);
        let got = read_up_to(&mut self.reader, buffer).map_err(|cause| read_error(path, cause))?;
        self.at += got as u64;
        if got < buffer.len() {
            return Err(
                Defect::Truncated { offset: self.at, what: "the pixels of a .y4m frame" }.within(path, 0)
            );
        }
        Ok(())
    }
}

fn read_error(path: &Path, cause: std::io::Error) -> CameraError {
    CameraError::Read { file: path.to_path_buf(), cause }
}

/// A line with its end, or what there is of it. Byte by byte: the reader is buffered and lines are short.
fn read_line(reader: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while line.len() < MAX_LINE && read_up_to(reader, &mut byte)? == 1 {
        line.push(byte[0]);
        if byte[0] == b'\n' {
            break;
        }
    }
    Ok(line)
}

/// Decodes all frames of a .y4m in memory; gives how many. An entry point for fuzzing.
///
/// # Errors
/// The first defect.
pub fn read_y4m(bytes: &[u8]) -> Result<u64> {
    let path = Path::new("memory.y4m");
    let limits = Limits { max_side: 4096, max_frame_bytes: 16 << 20, ..Limits::default() };
    let mut reader = Y4mReader::open(bytes, path, &limits, YuvOutput::Rgb)?;
    let (mut sink, mut frames) = (Buffer::default(), 0);
    while reader.next_frame(path, &mut sink)?.is_some() {
        frames += 1;
    }
    Ok(frames)
}

pub(super) struct Y4mVideo {
    path: PathBuf,
    video: Y4mReader<BufReader<File>>,
    first: u64,
}

impl Y4mVideo {
    pub(super) fn open(
        path: &Path,
        limits: Limits,
        output: YuvOutput,
    ) -> Result<(Self, FrameShape, Option<f64>)> {
        let video = Y4mReader::open(BufReader::new(open(path)?), path, &limits, output)?;
        let (shape, rate, first) = (video.shape, video.header.rate_hz, video.at);
        Ok((Self { path: path.to_path_buf(), video, first }, shape, rate))
    }
}

impl RawSource for Y4mVideo {
    fn next_raw(&mut self, sink: &mut dyn FrameSink) -> Result<Option<(FrameShape, bool)>> {
        self.video.next_frame(&self.path, sink)
    }

    fn rewind(&mut self) -> Result<()> {
        let seek = self.video.reader.seek(SeekFrom::Start(self.first));
        seek.map_err(|cause| read_error(&self.path, cause))?;
        (self.video.at, self.video.lost) = (self.first, false);
        Ok(())
    }

    fn current(&self) -> &Path {
        &self.path
    }
}
