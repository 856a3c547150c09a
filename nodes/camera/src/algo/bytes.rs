//! Reading numbers and whole files without a panic.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{CameraError, Result};

/// A big-endian 16-bit number at `at`.
pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// A big-endian 32-bit number at `at`.
pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// A little-endian 32-bit number at `at`.
pub(crate) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Reads until `buffer` is full or the input ends; gives how many bytes came.
pub(crate) fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Opens `path` for reading. A directory is an error here, not at the first read.
pub(crate) fn open(path: &Path) -> Result<File> {
    let fail = |cause| CameraError::Read { file: path.to_path_buf(), cause };
    let file = File::open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.is_dir() {
        return Err(fail(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory, not a file")));
    }
    Ok(file)
}

/// Reads all of `path` into `buffer`, which is cleared first; at most `limit` bytes.
pub(crate) fn read_file(path: &Path, limit: u64, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    let file = open(path)?;
    let read = file.take(limit.saturating_add(1)).read_to_end(buffer);
    let count = read.map_err(|cause| CameraError::Read { file: path.to_path_buf(), cause })?;
    if count as u64 > limit {
        let cause = format!("the compressed image goes on beyond the limit of {limit} bytes");
        return Err(CameraError::Malformed { file: path.to_path_buf(), offset: limit, cause });
    }
    Ok(())
}

/// Reads at most the first `limit` bytes of `path`.
pub(crate) fn read_prefix(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(limit).read_to_end(&mut bytes);
    read.map_err(|cause| CameraError::Read { file: path.to_path_buf(), cause })?;
    Ok(bytes)
}

/// The first bytes of a file, readable by a person.
pub(crate) fn printable(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing, it is empty".to_owned();
    }
    format!("\"{}\"", bytes[..bytes.len().min(12)].escape_ascii())
}
