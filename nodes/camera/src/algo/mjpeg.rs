//! Motion JPEG video: a bare stream of JPEGs, or an AVI of them.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::avi::AviPackets;
use super::bytes::open;
use super::jpeg::{JpegSplitter, Packet, jpeg_header};
use super::player::RawSource;
use super::still::decode_still;
use super::{FrameShape, FrameSink, Limits, PixelFormat};
use crate::error::{CameraError, Result};

enum Packets {
    Stream(JpegSplitter<BufReader<File>>),
    Avi(AviPackets<BufReader<File>>),
}

impl Packets {
    fn open(path: &Path, limits: &Limits, avi: bool) -> Result<Self> {
        let reader = BufReader::new(open(path)?);
        let limit = limits.max_packet_bytes;
        if !avi {
            return Ok(Packets::Stream(JpegSplitter::new(reader, limit)));
        }
        let packets = AviPackets::open(reader, limit).map_err(|cause| read_error(path, cause))?;
        packets.map(Packets::Avi).map_err(|defect| defect.within(path, 0))
    }

    fn next(&mut self) -> io::Result<Packet<'_>> {
        match self {
            Packets::Stream(splitter) => splitter.next_jpeg(),
            Packets::Avi(avi) => avi.next_jpeg(),
        }
    }
}

fn read_error(path: &Path, cause: io::Error) -> CameraError {
    CameraError::Read { file: path.to_path_buf(), cause }
}

pub(super) struct MjpegVideo {
    path: PathBuf,
    packets: Option<Packets>,
    limits: Limits,
}

impl MjpegVideo {
    /// Looks into the video as far as its first readable frame header. Gives that frame's shape and the stated rate.
    pub(super) fn open(
        path: &Path,
        limits: Limits,
        avi: bool,
        skip_bad: bool,
    ) -> Result<(Self, FrameShape, Option<f64>)> {
        let mut packets = Packets::open(path, &limits, avi)?;
        let mut bad = 0;
        let shape = loop {
            let next = packets.next().map_err(|cause| read_error(path, cause))?;
            let found = match next {
                Ok(Some((place, bytes))) => first_shape(path, place, bytes, &limits),
                Ok(None) if bad > 0 => {
                    let last = "no picture has a readable header".to_owned();
                    return Err(CameraError::NothingGood { file: path.to_path_buf(), bad, last });
                }
                Ok(None) => {
                    let cause = "the video holds no JPEG picture".to_owned();
                    return Err(CameraError::Malformed { file: path.to_path_buf(), offset: 0, cause });
                }
                Err(defect) => Err(defect.within(path, 0)),
            };
            match found {
                Ok(shape) => break shape,
                Err(error) if !skip_bad => return Err(error),
                Err(_) => bad += 1,
            }
        };
        let rate = match &packets {
            Packets::Stream(_) => None,
            Packets::Avi(avi) => avi.rate_hz(),
        };
        let mut video = Self { path: path.to_path_buf(), packets: Some(packets), limits };
        video.rewind()?;
        Ok((video, shape, rate))
    }
}

fn first_shape(path: &Path, place: u64, bytes: &[u8], limits: &Limits) -> Result<FrameShape> {
    let header = jpeg_header(bytes).map_err(|defect| defect.within(path, place))?;
    let format = if header.components == 1 { PixelFormat::Mono8 } else { PixelFormat::Rgb8 };
    let size = (u64::from(header.width), u64::from(header.height));
    limits.shape(path, place + header.offset as u64, size, format)
}

impl RawSource for MjpegVideo {
    fn next_raw(&mut self, sink: &mut dyn FrameSink) -> Result<Option<(FrameShape, bool)>> {
        let Some(packets) = &mut self.packets else { return Ok(None) };
        match packets.next() {
            Err(cause) => {
                // A disk that fails once would fail for ever: the pass is over.
                self.packets = None;
                Err(read_error(&self.path, cause))
            }
            Ok(Err(defect)) => Err(defect.within(&self.path, 0)),
            Ok(Ok(None)) => Ok(None),
            Ok(Ok(Some((place, bytes)))) => {
                decode_still(&self.path, place, bytes, &self.limits, sink).map(Some)
            }
        }
    }

    fn rewind(&mut self) -> Result<()> {
        self.packets = match self.packets.take() {
            Some(Packets::Avi(mut avi)) => {
                avi.rewind();
                Some(Packets::Avi(avi))
            }
            Some(Packets::Stream(splitter)) => {
                let mut reader = splitter.into_inner();
                reader.seek(SeekFrom::Start(0)).map_err(|cause| read_error(&self.path, cause))?;
                Some(Packets::Stream(JpegSplitter::new(reader, self.limits.max_packet_bytes)))
            }
            None => None,
        };
        Ok(())
    }

    fn current(&self) -> &Path {
        &self.path
    }
}
