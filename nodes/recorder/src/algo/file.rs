//! One MCAP file.
//!
//! Invariant: bytes reach the disk in whole chunks, so a recorder that is killed leaves a file whose every byte but
//! perhaps the last chunk's can be read. For that the chunk is built in memory and written in one piece; the mcap
//! crate's own way, streaming a chunk and seeking back for its length, would leave a hole in the middle.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    rc::Rc,
};

use mcap::{McapError, WriteOptions, Writer, records};

use super::{
    bag::{BagOptions, Topic},
    metadata::{FileSpan, qos},
};
use crate::error::{RecorderError, Result};
use crate::seal::{CHUNK, Seal};

/// A record that fills a sealed chunk up. Readers of MCAP leave records of 128 and more out if they do not know them.
const PADDING: u8 = 0xf0;
/// Bytes of a record before its content: what it is, and how long.
const RECORD_HEAD: usize = 9;

/// What lies between the writer and the disk.
enum Out {
    Plain(File),
    Sealed(Box<Seal<File>>),
}

/// What the writer's owner knows of the file that the writer owns.
#[derive(Debug)]
struct Shared {
    /// Bytes that the writer has written.
    position: Cell<u64>,
    /// Bytes after which the disk is full: for tests.
    limit: Cell<u64>,
    /// Of a sealed file: bytes that fill its present chunk up, bytes on the disk, and the wish to have a full one there.
    room: Cell<usize>,
    sealed: Cell<u64>,
    push: Cell<bool>,
}

/// A file that counts and refuses to seek anywhere but where it is.
struct Sink {
    out: Out,
    shared: Rc<Shared>,
}

impl Sink {
    fn note(&self) {
        if let Out::Sealed(seal) = &self.out {
            self.shared.room.set(seal.to_boundary());
            self.shared.sealed.set(seal.written());
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (limit, position) = (self.shared.limit.get(), self.shared.position.get());
        let room = usize::try_from(limit - position).unwrap_or(usize::MAX);
        if room == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let bytes = &bytes[..bytes.len().min(room)];
        let written = match &mut self.out {
            Out::Plain(file) => file.write(bytes)?,
            Out::Sealed(seal) => seal.write(bytes)?,
        };
        self.shared.position.set(position + written as u64);
        self.note();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Plain(file) => file.flush(),
            Out::Sealed(seal) => {
                if self.shared.push.take() {
                    seal.push_full()?;
                }
                seal.flush()?;
                self.note();
                Ok(())
            }
        }
    }
}

impl Seek for Sink {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let here = self.shared.position.get();
        match to {
            SeekFrom::Current(0) => Ok(here),
            SeekFrom::Start(position) if position == here => Ok(here),
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "a recording is written front to back")),
        }
    }
}

/// An MCAP file that is being written.
pub(crate) struct McapFile {
    /// `None` after an error: the writer must not touch the file again.
    writer: Option<Writer<Sink>>,
    truncate: Option<File>,
    path: PathBuf,
    span: FileSpan,
    shared: Rc<Shared>,
    sealed: bool,
    sync: bool,
    /// Bytes up to the end of the last whole chunk.
    whole: u64,
    chunk_start_ns: Option<u64>,
    flush_ns: u64,
    sequences: BTreeMap<u16, u32>,
}

impl McapFile {
    /// Creates the file, which must not exist. The options' `chunk_bytes` and `flush_ns` bound what a kill can lose.
    pub(crate) fn create(path: &Path, options: &BagOptions) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| RecorderError::create(path, &error))?;
        Self::on(file, path, options)
    }

    /// Writes to an open file.
    pub(crate) fn on(file: File, path: &Path, bag: &BagOptions) -> Result<Self> {
        let shared = Rc::new(Shared {
            position: Cell::new(0),
            limit: Cell::new(u64::MAX),
            room: Cell::new(0),
            sealed: Cell::new(0),
            push: Cell::new(false),
        });
        let truncate = file.try_clone().ok();
        let sealed = !bag.recipients.is_empty();
        let out =
            if sealed { Out::Sealed(Box::new(Seal::new(file, &bag.recipients)?)) } else { Out::Plain(file) };
        let options = WriteOptions::new()
            .compression(None)
            .profile("ros2")
            .library(concat!("peregrine ", env!("CARGO_PKG_VERSION")))
            .chunk_size(Some(bag.chunk_bytes))
            .disable_seeking(true);
        let mut made = Self {
            writer: None,
            truncate,
            path: path.to_owned(),
            span: FileSpan {
                name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                span: None,
                messages: 0,
            },
            shared: Rc::clone(&shared),
            sealed,
            sync: bag.sync,
            whole: 0,
            chunk_start_ns: None,
            flush_ns: bag.flush_ns,
            sequences: BTreeMap::new(),
        };
        let writer = options.create(Sink { out, shared });
        made.writer = Some(writer.map_err(|error| made.failed(error))?);
        made.whole = made.shared.position.get();
        Ok(made)
    }

    /// Runs one step of the writer; an error ends the file.
    fn step<T>(&mut self, step: impl FnOnce(&mut Writer<Sink>) -> mcap::McapResult<T>) -> Result<T> {
        let before = self.shared.position.get();
        let Some(writer) = &mut self.writer else {
            return Err(RecorderError::Write {
                path: self.path.clone(),
                reason: "an earlier error closed it".into(),
            });
        };
        match step(writer) {
            Ok(value) => {
                let now = self.shared.position.get();
                if now != before {
                    self.whole = now;
                }
                Ok(value)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Gives up: cuts a half-written chunk off, so that what is left reads to its end.
    fn failed(&mut self, error: McapError) -> RecorderError {
        if let Some(writer) = self.writer.take() {
            // Dropping would try to finish the file, that is write to it again.
            drop(writer.into_inner());
        }
        if let Some(file) = self.truncate.take() {
            // Of a sealed file whole chunks are there, or nothing of them.
            let _ = file.set_len(if self.sealed { self.shared.sealed.get() } else { self.whole });
        }
        match error {
            McapError::Io(error) => RecorderError::write(&self.path, self.whole, &error),
            other => RecorderError::Write { path: self.path.clone(), reason: other.to_string() },
        }
    }

    /// Makes the topic known to this file.
    pub(crate) fn topic(&mut self, topic: &Topic) -> Result<u16> {
        let mut metadata = BTreeMap::from([("offered_qos_profiles".to_owned(), qos(topic))]);
        if !topic.type_hash.is_empty() {
            metadata.insert("topic_type_hash".to_owned(), topic.type_hash.clone());
        }
        self.step(|writer| {
            let schema = writer.add_schema(&topic.type_name, "ros2msg", topic.definition.as_bytes())?;
            writer.add_channel(schema, &topic.name, "cdr", &metadata)
        })
    }

    /// Appends a message; times in nanoseconds.
    pub(crate) fn write(&mut self, channel: u16, log_ns: u64, publish_ns: u64, cdr: &[u8]) -> Result<()> {
        let sequence = self.sequences.entry(channel).or_insert(0);
        let header = records::MessageHeader {
            channel_id: channel,
            sequence: *sequence,
            log_time: log_ns,
            publish_time: publish_ns,
        };
        *sequence = sequence.wrapping_add(1);
        let start = *self.chunk_start_ns.get_or_insert(log_ns);
        // By the messages' own time, so that the same flight makes the same file.
        if log_ns.saturating_sub(start) >= self.flush_ns {
            self.flush()?;
            self.chunk_start_ns = Some(log_ns);
        }
        self.step(|writer| writer.write_to_known_channel(&header, cdr))?;
        let (first, last) = self.span.span.unwrap_or((log_ns, log_ns));
        self.span.span = Some((first.min(log_ns), last.max(log_ns)));
        self.span.messages += 1;
        Ok(())
    }

    /// Ends the chunk, so that everything so far is in the file.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.chunk_start_ns = None;
        self.step(Writer::flush)?;
        if self.sealed {
            self.fill_up()?;
        }
        match &self.truncate {
            Some(file) if self.sync => {
                file.sync_data().map_err(|error| RecorderError::write(&self.path, self.whole, &error))
            }
            _ => Ok(()),
        }
    }

    /// A sealed chunk is on the disk when it is full: what lacks is filled with a record that every reader of MCAP leaves out.
    fn fill_up(&mut self) -> Result<()> {
        let mut room = self.shared.room.get();
        if room > 0 && room < RECORD_HEAD {
            room += CHUNK;
        }
        self.shared.push.set(true);
        self.step(|writer| {
            if room > 0 {
                writer.write_private_record(PADDING, &vec![0; room - RECORD_HEAD], Default::default())?;
            }
            writer.flush()
        })
    }

    /// Bytes in the file so far, the open chunk not counted.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared.position.get()
    }

    /// Lets the disk be full after so many bytes.
    #[cfg(test)]
    pub(crate) fn break_at(&self, bytes: u64) {
        self.shared.limit.set(bytes);
    }

    pub(crate) fn span(&self) -> &FileSpan {
        &self.span
    }

    /// Writes the index. `metadata` is what a reader of this file alone needs to know of the bag.
    pub(crate) fn finish(&mut self, metadata: &str) -> Result<()> {
        let record = records::Metadata {
            name: "rosbag2".to_owned(),
            metadata: BTreeMap::from([("serialized_metadata".to_owned(), metadata.to_owned())]),
        };
        self.step(|writer| {
            writer.write_metadata(&record)?;
            writer.finish()?;
            Ok(())
        })?;
        if let Some(Out::Sealed(seal)) = self.writer.take().map(|writer| writer.into_inner().out) {
            seal.finish().map_err(|error| RecorderError::write(&self.path, self.whole, &error))?;
        }
        if let Some(file) = self.truncate.take()
            && let Err(error) = file.sync_all()
            // A device that cannot sync is not a disk.
            && error.kind() != io::ErrorKind::InvalidInput
        {
            return Err(RecorderError::write(&self.path, self.whole, &error));
        }
        Ok(())
    }
}
