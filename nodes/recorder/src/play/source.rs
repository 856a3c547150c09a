//! One MCAP file, read in the order in which its messages arrived.
//!
//! Only its index and one or a few chunks are in memory at a time, so that the size of a bag does not matter. Invariant:
//! nothing that the file claims is believed before it was compared with the size of the file.

use std::{
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use mcap::{
    MAGIC, McapError, Summary,
    sans_io::{
        IndexedReadEvent, IndexedReader, IndexedReaderOptions, SummaryReadEvent, SummaryReader,
        SummaryReaderOptions,
    },
};

use super::chunks;
use crate::error::{RecorderError, Result};

/// A chunk or record that claims to be larger is damage.
const MAX_RECORD: usize = 1 << 30;

/// One message's place in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub channel: u16,
    pub log_ns: u64,
    pub publish_ns: u64,
}

/// An open file.
pub(crate) struct Source<R> {
    file: R,
    size: u64,
    path: PathBuf,
    summary: Summary,
    reader: IndexedReader,
    chunk: Vec<u8>,
}

impl<R: Read + Seek> Source<R> {
    /// Reads the index of the `size` bytes in `file`; `path` is for errors.
    ///
    /// # Errors
    /// [`RecorderError::NoBag`] if it is no MCAP file, [`RecorderError::Broken`] if it breaks off or has no index.
    pub(crate) fn open(mut file: R, size: u64, path: &Path) -> Result<Self> {
        let broken = |reason: String| RecorderError::Broken { path: path.to_owned(), reason };
        let mut magic = [0; MAGIC.len()];
        let begins = file.read_exact(&mut magic).is_ok() && magic == *MAGIC;
        if !begins {
            let reason = "it does not begin as an MCAP file does".to_owned();
            return Err(RecorderError::NoBag { path: path.to_owned(), reason });
        }
        let summary = summary(&mut file, size).map_err(|error| broken(words(&error)))?;
        let summary = summary.ok_or_else(|| broken("it has no index at its end".to_owned()))?;
        let counted = summary.stats.as_ref().map_or(0, |stats| stats.message_count);
        if summary.chunk_indexes.is_empty() && counted > 0 {
            return Err(broken("its messages are not in chunks".to_owned()));
        }
        let outside = |from: u64, bytes: u64| from.checked_add(bytes).is_none_or(|end| end > size);
        if summary.chunk_indexes.iter().any(|chunk| outside(chunk.chunk_start_offset, chunk.chunk_length)) {
            return Err(broken("its index points behind its end".to_owned()));
        }
        let reader = reader(&summary, 0).map_err(|error| broken(words(&error)))?;
        Ok(Self { file, size, path: path.to_owned(), summary, reader, chunk: Vec::new() })
    }

    /// Channels by number.
    pub(crate) fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Messages of each channel, where the file says how many.
    pub(crate) fn counts(&self) -> BTreeMap<u16, u64> {
        self.summary.stats.as_ref().map(|stats| stats.channel_message_counts.clone()).unwrap_or_default()
    }

    /// Begins again at the first message that arrived at `from_ns` or later.
    pub(crate) fn rewind(&mut self, from_ns: u64) -> Result<()> {
        self.reader = reader(&self.summary, from_ns).map_err(|error| self.broken(&error))?;
        Ok(())
    }

    /// The next message, whose CDR replaces what `into` holds.
    pub(crate) fn next(&mut self, into: &mut Vec<u8>) -> Result<Option<Found>> {
        loop {
            let event = match self.reader.next_event() {
                None => return Ok(None),
                Some(Ok(event)) => event,
                Some(Err(error)) => return Err(self.broken(&error)),
            };
            match event {
                IndexedReadEvent::Message { header, data } => {
                    into.clear();
                    into.extend_from_slice(data);
                    let (channel, log_ns, publish_ns) =
                        (header.channel_id, header.log_time, header.publish_time);
                    return Ok(Some(Found { channel, log_ns, publish_ns }));
                }
                IndexedReadEvent::ReadChunkRequest { offset, length } => {
                    if offset.checked_add(length as u64).is_none_or(|end| end > self.size) {
                        return Err(self.broken(&McapError::UnexpectedEof));
                    }
                    self.chunk.resize(length, 0);
                    let read = self
                        .file
                        .seek(SeekFrom::Start(offset))
                        .and_then(|_| self.file.read_exact(&mut self.chunk));
                    let inserted = read
                        .map_err(McapError::from)
                        .and_then(|()| self.reader.insert_chunk_record_data(offset, &self.chunk));
                    inserted.map_err(|error| self.broken(&error))?;
                }
            }
        }
    }

    fn broken(&self, error: &McapError) -> RecorderError {
        if let McapError::UnsupportedCompression(compression) = error {
            return RecorderError::Compressed { path: self.path.clone(), compression: compression.clone() };
        }
        RecorderError::Broken { path: self.path.clone(), reason: words(error) }
    }
}

fn reader(summary: &Summary, from_ns: u64) -> std::result::Result<IndexedReader, McapError> {
    let options = IndexedReaderOptions::new().with_record_length_limit(MAX_RECORD).starting_at(from_ns);
    let mut reader = IndexedReader::new_with_options(summary, options)?;
    reader.add_decompressor(chunks::zstd())?;
    reader.add_decompressor(chunks::lz4())?;
    Ok(reader)
}

fn summary<R: Read + Seek>(file: &mut R, size: u64) -> std::result::Result<Option<Summary>, McapError> {
    let limit = usize::try_from(size).unwrap_or(usize::MAX).min(MAX_RECORD);
    let options = SummaryReaderOptions::default().with_file_size(size).with_record_length_limit(limit);
    let mut reader = SummaryReader::new_with_options(options);
    while let Some(event) = reader.next_event() {
        match event? {
            SummaryReadEvent::ReadRequest(wanted) => {
                let read = file.read(reader.insert(wanted))?;
                reader.notify_read(read);
            }
            SummaryReadEvent::SeekRequest(to) => reader.notify_seeked(file.seek(to)?),
        }
    }
    Ok(reader.finish())
}

/// What the reader says, without the capital that begins its sentences.
fn words(error: &McapError) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
