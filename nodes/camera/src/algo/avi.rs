//! AVI files whose video is Motion JPEG: the RIFF chunks that hold one JPEG each.
//!
//! Layout from Microsoft's "AVI RIFF File Reference". Only what is needed is read: the codec in `strf`, the frame
//! period in `avih`, and the `##dc` chunks of `movi`, in file order; the index is not used, so a file that a crash left
//! without one plays all the same.

use std::io::{self, Read, Seek, SeekFrom};

use super::bytes::{le32, read_up_to};
use super::jpeg::Packet;
use crate::error::Defect;

/// Cuts an AVI into its compressed pictures.
#[derive(Debug)]
pub struct AviPackets<R> {
    reader: R,
    /// Where the next chunk starts, in bytes from the start of the file.
    at: u64,
    length: u64,
    packet: Vec<u8>,
    limit: u64,
    stream_is_video: bool,
    micros_per_frame: u32,
}

impl<R: Read + Seek> AviPackets<R> {
    /// Reads the headers, up to the first picture.
    ///
    /// # Errors
    /// Outer: reading failed. Inner: no AVI, or its video is not Motion JPEG.
    pub fn open(mut reader: R, limit: u64) -> io::Result<Result<Self, Defect>> {
        let length = reader.seek(SeekFrom::End(0))?;
        let mut avi = Self {
            reader,
            at: 12,
            length,
            packet: Vec::new(),
            limit,
            stream_is_video: false,
            micros_per_frame: 0,
        };
        let mut head = [0; 12];
        let got = avi.read_at(0, &mut head)?;
        if got < 12 {
            return Ok(Err(Defect::Truncated { offset: got as u64, what: "the header of an AVI" }));
        }
        if &head[..4] != b"RIFF" || &head[8..] != b"AVI " {
            return Ok(Err(Defect::Malformed { offset: 0, cause: "an AVI starts with RIFF and AVI".into() }));
        }
        Ok(Ok(avi))
    }

    /// Frames a second as `avih` states them; known once the first picture has been read.
    pub fn rate_hz(&self) -> Option<f64> {
        (self.micros_per_frame > 0).then(|| 1e6 / f64::from(self.micros_per_frame))
    }

    /// Back to the start.
    pub fn rewind(&mut self) {
        self.at = 12;
    }

    /// The next compressed picture and its place in the file; `None` at the end. After a defect the next call goes on
    /// behind the chunk.
    ///
    /// # Errors
    /// Outer: reading failed. Inner: a chunk is cut off or too large, or the video is of another codec.
    pub fn next_jpeg(&mut self) -> io::Result<Packet<'_>> {
        loop {
            let at = self.at;
            let mut head = [0; 12];
            let got = self.read_at(at, &mut head)?;
            if got < 8 {
                return Ok(Ok(None));
            }
            let size = u64::from(le32(&head, 4).unwrap_or(0));
            let (id, body) = ([head[0], head[1], head[2], head[3]], at + 8);
            // Chunks are padded to even length.
            self.at = body.saturating_add(size + (size & 1));
            match &id {
                b"RIFF" => self.at = at + 12,
                b"LIST" if matches!(&head[8..], b"hdrl" | b"strl" | b"movi" | b"rec ") => self.at = at + 12,
                b"avih" => {
                    let mut bytes = [0; 4];
                    if self.read_at(body, &mut bytes)? == 4 {
                        self.micros_per_frame = u32::from_le_bytes(bytes);
                    }
                }
                b"strh" => {
                    let mut kind = [0; 4];
                    self.stream_is_video = self.read_at(body, &mut kind)? == 4 && &kind == b"vids";
                }
                b"strf" if self.stream_is_video => {
                    let mut codec = [0; 4];
                    let known = self.read_at(body + 16, &mut codec)? == 4
                        && matches!(
                            &codec.map(|byte| byte.to_ascii_uppercase()),
                            b"MJPG" | b"JPEG" | b"AVRN"
                        );
                    if !known {
                        self.at = self.length;
                        return Ok(Err(Defect::Unsupported {
                            offset: body + 16,
                            what: format!("the codec \"{}\"", codec.escape_ascii()),
                            remedy: "convert it to Motion JPEG: ffmpeg -i IN -c:v mjpeg -q:v 3 -an OUT.avi",
                        }));
                    }
                }
                [b'0'..=b'9', b'0'..=b'9', b'd', b'c' | b'b'] if size > 0 => {
                    if size > self.limit {
                        let cause = format!("a picture of {size} bytes, above the limit of {}", self.limit);
                        return Ok(Err(Defect::Malformed { offset: at, cause }));
                    }
                    if body + size > self.length {
                        return Ok(Err(Defect::Truncated {
                            offset: self.length,
                            what: "a picture of an AVI",
                        }));
                    }
                    let mut packet = std::mem::take(&mut self.packet);
                    packet.resize(size as usize, 0);
                    let got = self.read_at(body, &mut packet);
                    self.packet = packet;
                    if (got? as u64) < size {
                        return Ok(Err(Defect::Truncated {
                            offset: self.length,
                            what: "a picture of an AVI",
                        }));
                    }
                    return Ok(Ok(Some((body, &self.packet))));
                }
                _ => {}
            }
        }
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.seek(SeekFrom::Start(at))?;
        read_up_to(&mut self.reader, buffer)
    }
}

/// Counts the pictures of an AVI, and the defects. Never fails; an entry point for fuzzing.
pub fn read_avi(bytes: &[u8]) -> (usize, usize) {
    let Ok(Ok(mut avi)) = AviPackets::open(io::Cursor::new(bytes), 64 << 20) else { return (0, 1) };
    let (mut good, mut bad) = (0, 0);
    while let Ok(next) = avi.next_jpeg() {
        match next {
            Ok(Some(_)) => good += 1,
            Ok(None) => break,
            Err(_) => bad += 1,
        }
    }
    (good, bad)
}
