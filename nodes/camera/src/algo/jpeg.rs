//! The markers of a JPEG (ITU-T T.81, annex B): size, where the image ends, and the next image in a stream.
//!
//! Decoders of the lenient kind fill what is missing with grey and call it success. A frame that an obstacle is
//! looked for in must not be half grey, so the structure is walked to its end marker before a decoder sees the bytes.

use std::io::{self, Read};

use super::bytes::{be16, read_up_to};
use crate::error::Defect;

const SOI: u8 = 0xD8;
const DHT: u8 = 0xC4;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;

/// What the frame header of a JPEG says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JpegHeader {
    /// Pixels a row; 0 is malformed and left to the caller, who knows the file's name.
    pub width: u16,
    /// Rows; see `width`.
    pub height: u16,
    /// Colour components: 1 grey, 3 YCbCr or RGB, 4 CMYK.
    pub components: u8,
    /// Where the size is stated, in bytes from the start of the image.
    pub offset: usize,
}

/// A JPEG walked from its first to its last marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JpegLayout {
    /// The frame header.
    pub header: JpegHeader,
    /// Where compressed pixels start, in bytes from the start of the image.
    pub scan: usize,
    /// One past the end marker.
    pub end: usize,
    /// Whether it brings Huffman tables; Motion JPEG may leave the standard ones out.
    pub has_tables: bool,
}

/// Reads only as far as the frame header; what follows it may be missing.
///
/// # Errors
/// A defect in front of the frame header, with its place.
pub fn jpeg_header(bytes: &[u8]) -> Result<JpegHeader, Defect> {
    walk(bytes, true).map(|layout| layout.header)
}

/// Walks all markers up to the end of the image. Bytes behind it are not looked at.
///
/// # Errors
/// The first defect, with its place: missing end, bad marker, missing frame header, arithmetic or lossless coding.
pub fn jpeg_layout(bytes: &[u8]) -> Result<JpegLayout, Defect> {
    walk(bytes, false)
}

fn truncated(bytes: &[u8], what: &'static str) -> Defect {
    Defect::Truncated { offset: bytes.len() as u64, what }
}

fn malformed(offset: usize, cause: impl Into<String>) -> Defect {
    Defect::Malformed { offset: offset as u64, cause: cause.into() }
}

fn walk(bytes: &[u8], header_only: bool) -> Result<JpegLayout, Defect> {
    match bytes {
        [0xFF, SOI, ..] => {}
        [] | [0xFF] => return Err(truncated(bytes, "the first marker of a JPEG")),
        _ => return Err(malformed(0, "a JPEG starts with FF D8")),
    }
    let (mut at, mut header, mut scan) = (2usize, None::<JpegHeader>, None::<usize>);
    let mut has_tables = false;
    loop {
        let (marker, place) = next_marker(bytes, at, scan.is_some())?;
        at = place + 2;
        match marker {
            SOI => return Err(malformed(place, "a new image starts before the last one has ended")),
            EOI => {
                let header =
                    header.ok_or_else(|| malformed(place, "the image ends without a frame header"))?;
                let scan = scan.ok_or_else(|| malformed(place, "the image ends without any pixels"))?;
                return Ok(JpegLayout { header, scan, end: at, has_tables });
            }
            0x01 | 0xD0..=0xD7 => continue,
            _ => {}
        }
        let length = be16(bytes, at).ok_or_else(|| truncated(bytes, "a JPEG segment"))? as usize;
        if length < 2 {
            return Err(malformed(at, format!("the segment of marker FF {marker:02X} has length {length}")));
        }
        if at + length > bytes.len() {
            return Err(truncated(bytes, "a JPEG segment"));
        }
        has_tables |= marker == DHT;
        if is_frame_header(marker) {
            let found = frame_header(&bytes[at..at + length], marker, at)?;
            if header.replace(found).is_some() {
                return Err(malformed(place, "a second frame header"));
            }
            if header_only {
                return Ok(JpegLayout { header: found, scan: at + length, end: at + length, has_tables });
            }
        }
        at += length;
        if marker == SOS {
            if header.is_none() {
                return Err(malformed(place, "pixels start before the frame header"));
            }
            scan.get_or_insert(at);
        }
    }
}

/// The next marker at or behind `at`. In front of the pixels it must come at once; behind, it is searched for.
fn next_marker(bytes: &[u8], at: usize, in_scan: bool) -> Result<(u8, usize), Defect> {
    let mut at = at;
    let what = if in_scan { "the compressed pixels of a JPEG" } else { "the header of a JPEG" };
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let skip = rest.iter().position(|byte| *byte == 0xFF).ok_or_else(|| truncated(bytes, what))?;
        if skip > 0 && !in_scan {
            return Err(malformed(at, format!("byte {:02X} where a marker should start", rest[0])));
        }
        at += skip;
        match bytes.get(at + 1) {
            None => return Err(truncated(bytes, what)),
            Some(0xFF) => at += 1,
            Some(0x00) if in_scan => at += 2,
            Some(0x00) => return Err(malformed(at, "FF 00 outside of compressed pixels")),
            Some(0xD0..=0xD7) if in_scan => at += 2,
            Some(marker) => return Ok((*marker, at)),
        }
    }
}

fn is_frame_header(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

fn frame_header(segment: &[u8], marker: u8, offset: usize) -> Result<JpegHeader, Defect> {
    let coding = match marker {
        0xC0..=0xC2 => None,
        0xC3 | 0xC5..=0xC7 => Some("lossless or hierarchical JPEG coding"),
        _ => Some("arithmetic JPEG coding"),
    };
    let remedy = "convert the image to baseline or progressive JPEG";
    let unsupported = |what: String| Defect::Unsupported { offset: offset as u64, what, remedy };
    if let Some(coding) = coding {
        return Err(unsupported(coding.to_owned()));
    }
    let short = || malformed(offset, "the frame header is too short");
    let precision = *segment.get(2).ok_or_else(short)?;
    let height = be16(segment, 3).ok_or_else(short)?;
    let width = be16(segment, 5).ok_or_else(short)?;
    let components = *segment.get(7).ok_or_else(short)?;
    if precision != 8 {
        return Err(unsupported(format!("{precision}-bit JPEG samples")));
    }
    if !matches!(components, 1 | 3 | 4) || segment.len() < 8 + 3 * components as usize {
        return Err(malformed(
            offset,
            format!("a frame header with {components} components in {} bytes", segment.len()),
        ));
    }
    Ok(JpegHeader { width, height, components, offset: offset + 3 })
}

/// One compressed picture and its place in the file, the end, or what is wrong with the picture.
pub type Packet<'a> = Result<Option<(u64, &'a [u8])>, Defect>;

/// Cuts a stream of JPEGs set one behind the other into single ones. What lies between them (padding, multipart
/// headers of an HTTP camera) is passed over.
#[derive(Debug)]
pub struct JpegSplitter<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    /// Byte of the stream at which `buffer` starts.
    base: u64,
    ended: bool,
    limit: usize,
}

impl<R: Read> JpegSplitter<R> {
    /// A splitter over `reader`; one image may have at most `limit` compressed bytes.
    pub fn new(reader: R, limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { reader, buffer: Vec::new(), start: 0, base: 0, ended: false, limit }
    }

    /// The reader, to rewind it. The splitter must be made anew afterwards.
    pub fn into_inner(self) -> R {
        self.reader
    }

    /// The next image and its place in the stream; `None` at the end. After a defect the next call searches for the
    /// image behind it. Offsets of defects count from the start of the stream.
    ///
    /// # Errors
    /// Outer: reading failed. Inner: the image is damaged.
    pub fn next_jpeg(&mut self) -> io::Result<Packet<'_>> {
        if !self.seek_start()? {
            return Ok(Ok(None));
        }
        loop {
            match jpeg_layout(&self.buffer[self.start..]) {
                Ok(layout) => {
                    let (from, to) = (self.start, self.start + layout.end);
                    self.start = to;
                    return Ok(Ok(Some((self.base + from as u64, &self.buffer[from..to]))));
                }
                Err(Defect::Truncated { .. })
                    if !self.ended && self.buffer.len() - self.start < self.limit =>
                {
                    self.fill()?;
                }
                Err(defect) => {
                    let place = self.base + self.start as u64;
                    let left = self.buffer.len() - self.start;
                    // Behind this image's first marker another one may start; a cut-off end holds none.
                    self.start += 2;
                    return Ok(Err(if !self.ended && matches!(defect, Defect::Truncated { .. }) {
                        let cause = format!("an image goes on for {left} bytes without an end");
                        Defect::Malformed { offset: place, cause }
                    } else {
                        shift(defect, place)
                    }));
                }
            }
        }
    }

    /// Moves `start` to the next FF D8 FF; false at the end of the stream.
    fn seek_start(&mut self) -> io::Result<bool> {
        loop {
            let rest = &self.buffer[self.start.min(self.buffer.len())..];
            if let Some(skip) = rest.windows(3).position(|window| window == [0xFF, SOI, 0xFF]) {
                self.start += skip;
                return Ok(true);
            }
            // Two bytes may be the start of a marker that the next chunk completes.
            let keep = rest.len().min(2);
            self.start = self.buffer.len() - keep;
            if self.ended {
                return Ok(false);
            }
            self.fill()?;
        }
    }

    /// Drops what has been used, and reads as much again as is held (64 KiB at least).
    fn fill(&mut self) -> io::Result<()> {
        let used = self.start;
        self.buffer.drain(..used);
        self.base += used as u64;
        self.start = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + held.max(64 << 10), 0);
        let count = read_up_to(&mut self.reader, &mut self.buffer[held..]);
        self.buffer.truncate(held + *count.as_ref().unwrap_or(&0));
        self.ended = count? == 0;
        Ok(())
    }
}

fn shift(defect: Defect, base: u64) -> Defect {
    match defect {
        Defect::Truncated { offset, what } => Defect::Truncated { offset: offset + base, what },
        Defect::Malformed { offset, cause } => Defect::Malformed { offset: offset + base, cause },
        Defect::Unsupported { offset, what, remedy } => {
            Defect::Unsupported { offset: offset + base, what, remedy }
        }
    }
}

/// Places (start, length) of the whole JPEGs in `bytes`, and how many damaged ones lie between them. Never fails;
/// an entry point for fuzzing, and for tools.
pub fn split_mjpeg(bytes: &[u8]) -> (Vec<(u64, usize)>, usize) {
    let mut splitter = JpegSplitter::new(bytes, 64 << 20);
    let (mut good, mut bad) = (Vec::new(), 0);
    while let Ok(next) = splitter.next_jpeg() {
        match next {
            Ok(Some((offset, image))) => good.push((offset, image.len())),
            Ok(None) => break,
            Err(_) => bad += 1,
        }
    }
    (good, bad)
}
