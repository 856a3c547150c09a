//! Capture devices through Video4Linux2. Compile-checked only: written without a camera at hand, not tested on hardware.
//!
//! A camera that is unplugged gives an error at once or after a second without a frame; the device is then closed, and
//! the next call tries to open it again.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use linuxvideo::format::{PixFormat, PixelFormat as Fourcc};
use linuxvideo::stream::ReadStream;
use linuxvideo::{BufType, Device};

use super::still::decode_still;
use super::{FrameShape, FrameSink, FrameSource, ImageInfo, Limits, PixelFormat, SourceInfo};
use crate::error::{CameraError, Result};

/// A second without a frame means that the camera hangs.
const PATIENCE: u32 = 1000;

/// Which device, and what to ask of it. The driver may choose another size; the frames tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V4lOptions {
    /// The device node, as `/dev/video0`.
    pub device: PathBuf,
    /// Wanted pixels a row.
    pub width: u32,
    /// Wanted rows.
    pub height: u32,
    /// What a frame may at most claim.
    pub limits: Limits,
}

/// A capture device. YUYV frames are copied into the slot as they are, MJPG is decoded into it.
pub struct V4lSource {
    options: V4lOptions,
    stream: Option<Open>,
    info: SourceInfo,
    index: u64,
    bad: u64,
    last_bad: Option<String>,
}

struct Open {
    stream: ReadStream,
    shape: FrameShape,
    bytes_per_line: usize,
    mjpg: bool,
}

impl V4lSource {
    /// Opens the device and starts the stream.
    ///
    /// # Errors
    /// [`CameraError::Device`]: no such device, busy, or neither YUYV nor MJPG.
    pub fn open(options: V4lOptions) -> Result<Self> {
        let stream = start(&options)?;
        let first = stream.shape;
        let info = SourceInfo { first, max_bytes: first.bytes(), rate_hz: None, frames: None };
        Ok(Self { options, stream: Some(stream), info, index: 0, bad: 0, last_bad: None })
    }
}

fn failed(device: &Path, what: &'static str, cause: impl ToString, remedy: &'static str) -> CameraError {
    CameraError::Device { file: device.to_path_buf(), what, cause: cause.to_string(), remedy }
}

fn start(options: &V4lOptions) -> Result<Open> {
    let path = &options.device;
    let plug = "plug the camera in, check the name under /dev and that this user is in the group `video`";
    let busy = "close the other program that uses it";
    let device = Device::open(path).map_err(|error| failed(path, "cannot be opened", error, plug))?;
    let offered: Vec<Fourcc> = device
        .formats(BufType::VIDEO_CAPTURE)
        .filter_map(|format| Some(format.ok()?.pixel_format()))
        .collect();
    let fourcc =
        [Fourcc::YUYV, Fourcc::MJPG, Fourcc::JPEG].into_iter().find(|wanted| offered.contains(wanted));
    let Some(fourcc) = fourcc else {
        let cause = format!("it offers {offered:?}");
        return Err(failed(
            path,
            "has no pixel format that is read here",
            cause,
            "use a camera with YUYV or MJPG",
        ));
    };
    let capture = device
        .video_capture(PixFormat::new(options.width, options.height, fourcc))
        .map_err(|error| failed(path, "refuses the frame size", error, busy))?;
    let chosen = capture.format();
    let mjpg = chosen.pixel_format() != Fourcc::YUYV;
    let format = if mjpg { PixelFormat::Rgb8 } else { PixelFormat::Yuyv };
    let size = (u64::from(chosen.width()), u64::from(chosen.height()));
    let shape = options.limits.shape(path, 0, size, format)?;
    let bytes_per_line = (chosen.bytes_per_line() as usize).max(shape.step() as usize);
    let stream = capture.into_stream().map_err(|error| failed(path, "does not start", error, busy))?;
    Ok(Open { stream, shape, bytes_per_line, mjpg })
}

impl Open {
    /// Waits for a filled buffer, at most [`PATIENCE`] milliseconds.
    fn wait(&self, path: &Path) -> Result<()> {
        let plug = "check the cable; it is opened again at the next frame";
        for _ in 0..PATIENCE {
            match self.stream.will_block() {
                Ok(false) => return Ok(()),
                Ok(true) => thread::sleep(Duration::from_millis(1)),
                Err(error) => return Err(failed(path, "went away", error, plug)),
            }
        }
        Err(failed(path, "hangs", "no frame came for a second", plug))
    }

    fn read(&mut self, options: &V4lOptions, sink: &mut dyn FrameSink) -> Result<Option<(FrameShape, bool)>> {
        self.wait(&options.device)?;
        let (shape, line, mjpg) = (self.shape, self.bytes_per_line, self.mjpg);
        let mut outcome = Ok(None);
        let taken = self.stream.dequeue(|buffer| {
            let bytes: &[u8] = &buffer;
            outcome = if buffer.is_error() {
                Ok(None)
            } else if mjpg {
                decode_still(&options.device, 0, bytes, &options.limits, sink).map(Some)
            } else {
                copy_rows(bytes, line, &shape, sink)
            };
            Ok(())
        });
        taken.map_err(|error| {
            failed(
                &options.device,
                "went away",
                error,
                "check the cable; it is opened again at the next frame",
            )
        })?;
        outcome
    }
}

/// Copies YUYV rows, leaving out the driver's padding. `None`: the buffer is short, which drivers do at start.
fn copy_rows(
    bytes: &[u8],
    line: usize,
    shape: &FrameShape,
    sink: &mut dyn FrameSink,
) -> Result<Option<(FrameShape, bool)>> {
    let step = shape.step() as usize;
    if bytes.len() < line * (shape.height as usize - 1) + step {
        return Ok(None);
    }
    let Some(out) = sink.frame(shape)? else { return Ok(Some((*shape, false))) };
    for (out, row) in out.chunks_exact_mut(step).zip(bytes.chunks(line)) {
        out.copy_from_slice(&row[..step]);
    }
    Ok(Some((*shape, true)))
}

impl FrameSource for V4lSource {
    fn info(&self) -> SourceInfo {
        self.info
    }

    fn next(&mut self, sink: &mut dyn FrameSink) -> Result<Option<ImageInfo>> {
        loop {
            if self.stream.is_none() {
                self.stream = Some(start(&self.options)?);
            }
            let Some(open) = &mut self.stream else { return Ok(None) };
            match open.read(&self.options, sink) {
                Ok(Some((shape, written))) => {
                    let index = self.index;
                    self.index += 1;
                    return Ok(Some(ImageInfo { shape, index, written }));
                }
                Ok(None) => self.bad += 1,
                Err(error @ CameraError::Device { .. }) => {
                    self.stream = None;
                    return Err(error);
                }
                // USB cameras send a torn JPEG now and then.
                Err(error @ (CameraError::Truncated { .. } | CameraError::Malformed { .. })) => {
                    self.bad += 1;
                    self.last_bad = Some(error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn current(&self) -> &Path {
        &self.options.device
    }

    fn bad_frames(&self) -> u64 {
        self.bad
    }

    fn last_bad(&self) -> Option<&str> {
        self.last_bad.as_deref()
    }
}
