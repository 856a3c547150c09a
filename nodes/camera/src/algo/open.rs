//! From a path to a source.

use std::path::Path;

use super::bytes::read_prefix;
use super::directory::Directory;
use super::mjpeg::MjpegVideo;
use super::player::{Player, RawSource};
use super::probe::FileKind;
use super::still::StillFile;
use super::y4m::Y4mVideo;
use super::{FrameShape, FrameSource, Limits, SourceInfo};
use crate::error::{CameraError, Result};

/// What becomes of uncompressed YUV video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum YuvOutput {
    /// `rgb8`, and `mono8` where there is no colour.
    #[default]
    Rgb,
    /// `nv12` where the video is 4:2:0 of even size: the brightness plane goes into the slot unread. Else as `Rgb`.
    Native,
}

/// How a recording is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourceOptions {
    /// Start over at the end.
    pub looping: bool,
    /// Count bad frames and go on, instead of an error each.
    pub skip_bad: bool,
    /// The pixel format of .y4m frames.
    pub yuv: YuvOutput,
    /// What a frame may at most claim.
    pub limits: Limits,
}

/// Opens whatever `path` is: a directory of images, a video, or an image, told by content.
///
/// A file of JPEG content is one image unless its name ends in .mjpeg or .mjpg.
///
/// # Errors
/// Missing or unreadable path, unknown format, or a first frame that cannot be published.
pub fn open_path(path: &Path, options: &SourceOptions) -> Result<Box<dyn FrameSource>> {
    if path.is_dir() {
        return open_directory(path, options);
    }
    let head = read_prefix(path, 16)?;
    let named_video = path.extension().and_then(|extension| extension.to_str()).is_some_and(|extension| {
        extension.eq_ignore_ascii_case("mjpeg") || extension.eq_ignore_ascii_case("mjpg")
    });
    match FileKind::of(&head) {
        Some(FileKind::Y4m | FileKind::Avi) => open_video(path, options),
        _ if named_video => open_video(path, options),
        _ => open_image(path, options),
    }
}

/// Opens one JPEG or PNG.
///
/// # Errors
/// See [`open_path`].
pub fn open_image(path: &Path, options: &SourceOptions) -> Result<Box<dyn FrameSource>> {
    let (still, shape) = StillFile::open(path, options.limits)?;
    // One bad image is the whole source: passing over it would leave nothing.
    let options = SourceOptions { skip_bad: false, ..*options };
    Ok(player(Box::new(still), path, (shape, shape.bytes()), (None, Some(1)), &options))
}

/// Opens a directory of JPEGs and PNGs. Every header is read, so that slots can hold the largest of them.
///
/// # Errors
/// See [`open_path`]; [`CameraError::NoImages`] for a directory without any.
pub fn open_directory(path: &Path, options: &SourceOptions) -> Result<Box<dyn FrameSource>> {
    let (directory, first, largest) = Directory::open(path, options.limits, options.skip_bad)?;
    let frames = directory.len();
    Ok(player(Box::new(directory), path, (first, largest), (None, Some(frames)), options))
}

/// Opens an .mjpeg stream, an .avi of Motion JPEG, or a .y4m, told by content.
///
/// # Errors
/// See [`open_path`].
pub fn open_video(path: &Path, options: &SourceOptions) -> Result<Box<dyn FrameSource>> {
    let head = read_prefix(path, 16)?;
    if FileKind::of(&head) == Some(FileKind::Y4m) {
        let (video, shape, rate) = Y4mVideo::open(path, options.limits, options.yuv)?;
        return Ok(player(Box::new(video), path, (shape, shape.bytes()), (rate, None), options));
    }
    let avi = match FileKind::of(&head) {
        Some(FileKind::Avi) => true,
        // A recording of an HTTP camera starts with a multipart header: the first image is searched for.
        Some(FileKind::Jpeg) => false,
        _ if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mjpeg")) => false,
        _ if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mjpg")) => false,
        _ => {
            let found = super::bytes::printable(&head);
            return Err(CameraError::UnknownFormat { file: path.to_path_buf(), found });
        }
    };
    let (video, shape, rate) = MjpegVideo::open(path, options.limits, avi, options.skip_bad)?;
    Ok(player(Box::new(video), path, (shape, shape.bytes()), (rate, None), options))
}

fn player(
    raw: Box<dyn RawSource>,
    path: &Path,
    (first, max_bytes): (FrameShape, usize),
    (rate_hz, frames): (Option<f64>, Option<u64>),
    options: &SourceOptions,
) -> Box<dyn FrameSource> {
    let info = SourceInfo { first, max_bytes, rate_hz, frames };
    Box::new(Player::new(raw, path, info, (options.looping, options.skip_bad)))
}
