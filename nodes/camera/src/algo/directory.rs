//! A directory of images, in the order of their names.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::bytes::{read_file, read_prefix};
use super::player::RawSource;
use super::probe::probe_bytes;
use super::still::decode_still;
use super::{FrameShape, FrameSink, Limits};
use crate::error::{CameraError, Defect, Result};

/// A JPEG from a phone may carry a thumbnail and colour profile in front of its size; beyond this the file is read whole.
const HEADER_BYTES: u64 = 128 << 10;

/// The .jpg, .jpeg and .png files of `directory` (any case, not its subdirectories), sorted by name with numbers
/// compared as numbers: frame2 comes before frame10.
///
/// # Errors
/// The directory cannot be read, or holds no image.
pub fn list_images(directory: &Path) -> Result<Vec<PathBuf>> {
    let fail = |cause| CameraError::Read { file: directory.to_path_buf(), cause };
    let (mut images, mut others) = (Vec::new(), 0);
    for entry in fs::read_dir(directory).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let known = path.extension().and_then(OsStr::to_str).is_some_and(|extension| {
            ["jpg", "jpeg", "png"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        });
        if known && path.is_file() { images.push(path) } else { others += 1 }
    }
    if images.is_empty() {
        return Err(CameraError::NoImages { file: directory.to_path_buf(), entries: others });
    }
    images.sort_by_cached_key(|path| natural_key(path));
    Ok(images)
}

/// Text, and runs of digits without leading zeros behind their length; the name itself decides what is left equal.
fn natural_key(path: &Path) -> (Vec<u8>, PathBuf) {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let mut key = Vec::with_capacity(name.len() + 4);
    let mut at = 0;
    while at < name.len() {
        let run = name[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if run == 0 {
            key.push(name[at]);
            at += 1;
            continue;
        }
        let zeros = name[at..at + run].iter().take_while(|byte| **byte == b'0').count();
        let digits = &name[at + zeros..at + run];
        // The length is written in front, so that byte order is the order of the numbers; names have under 256 bytes.
        key.push(b'0');
        key.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
        key.extend_from_slice(digits);
        at += run;
    }
    (key, path.to_path_buf())
}

pub(super) struct Directory {
    paths: Vec<PathBuf>,
    next: usize,
    bytes: Vec<u8>,
    limits: Limits,
}

impl Directory {
    /// Reads the header of every image, to know the first shape and the largest frame. With `skip_bad` an image whose
    /// header is unreadable is left for [`RawSource::next_raw`] to report.
    pub(super) fn open(
        directory: &Path,
        limits: Limits,
        skip_bad: bool,
    ) -> Result<(Self, FrameShape, usize)> {
        let paths = list_images(directory)?;
        let (mut first, mut largest, mut bad, mut last) = (None, 0, 0, String::new());
        for path in &paths {
            match shape_of(path, &limits) {
                Ok(shape) => {
                    first.get_or_insert(shape);
                    largest = largest.max(shape.bytes());
                }
                Err(error) if !skip_bad => return Err(error),
                Err(error) => {
                    bad += 1;
                    last = error.to_string();
                }
            }
        }
        let nothing = || CameraError::NothingGood { file: directory.to_path_buf(), bad, last };
        let first = first.ok_or_else(nothing)?;
        Ok((Self { paths, next: 0, bytes: Vec::new(), limits }, first, largest))
    }

    pub(super) fn len(&self) -> u64 {
        self.paths.len() as u64
    }
}

fn shape_of(path: &Path, limits: &Limits) -> Result<FrameShape> {
    let prefix = read_prefix(path, HEADER_BYTES)?;
    let mut probe = probe_bytes(path, &prefix, limits);
    if matches!(probe, Err(CameraError::Truncated { .. })) && prefix.len() as u64 == HEADER_BYTES {
        let mut all = Vec::new();
        read_file(path, limits.max_packet_bytes, &mut all)?;
        probe = probe_bytes(path, &all, limits);
    }
    let cause = || "its name says image, its content says video".to_owned();
    probe?.shape.ok_or_else(|| Defect::Malformed { offset: 0, cause: cause() }.within(path, 0))
}

impl RawSource for Directory {
    fn next_raw(&mut self, sink: &mut dyn FrameSink) -> Result<Option<(FrameShape, bool)>> {
        let Some(path) = self.paths.get(self.next) else { return Ok(None) };
        self.next += 1;
        read_file(path, self.limits.max_packet_bytes, &mut self.bytes)?;
        decode_still(path, 0, &self.bytes, &self.limits, sink).map(Some)
    }

    fn rewind(&mut self) -> Result<()> {
        self.next = 0;
        Ok(())
    }

    fn current(&self) -> &Path {
        &self.paths[self.next.saturating_sub(1)]
    }
}
