//! A bag: one MCAP file, or a directory of them with `metadata.yaml`, as rosbag2 lays it out.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek},
    path::{Path, PathBuf},
};

use peregrine::Qos;

use super::{
    metadata::Metadata,
    qos::{offered, profiles},
    source::Source,
};
use crate::error::{RecorderError, Result};
use crate::seal::{ENDING, Identity, Unseal};

/// A file, or a sealed one that was opened.
trait Place: Read + Seek + Send {}
impl<T: Read + Seek + Send> Place for T {}
type Input = Box<dyn Place>;

/// A topic of a bag that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BagTopic {
    /// Full name: `/camera/image_raw`.
    pub name: String,
    /// `sensor_msgs/msg/Image`; empty if the bag does not say.
    pub type_name: String,
    /// `RIHS01_...`; empty if the bag does not say.
    pub type_hash: String,
    /// How its messages are encoded: `cdr`, or something that ROS 2 does not speak.
    pub encoding: String,
    /// What its publishers offered.
    pub qos: Qos,
    /// Messages, if the bag says how many.
    pub messages: u64,
}

/// A message of a bag; its bytes are where [`BagReader::next`] put them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Index into [`BagReader::topics`].
    pub topic: usize,
    /// When it arrived, nanoseconds.
    pub log_ns: u64,
    /// When it was sent, nanoseconds.
    pub publish_ns: u64,
}

/// A bag that is read from its beginning to its end, again and again.
pub struct BagReader {
    path: PathBuf,
    files: Vec<PathBuf>,
    topics: Vec<BagTopic>,
    span: Option<(u64, u64)>,
    messages: u64,
    from_ns: u64,
    /// Number of the file that is read, with its channels' topics.
    current: Option<(usize, Source<Input>, BTreeMap<u16, usize>)>,
    /// What sealed files are opened with.
    identities: Vec<Identity>,
}

impl std::fmt::Debug for BagReader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("BagReader")
            .field("path", &self.path)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl BagReader {
    /// Opens a bag: its directory, or one MCAP file. Every file's index is read; a broken one is found now, not when it is
    /// its turn.
    ///
    /// # Errors
    /// [`RecorderError::NoBag`], [`RecorderError::Storage`], [`RecorderError::Compressed`], [`RecorderError::Broken`].
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, Vec::new())
    }

    /// The same for bags that may be sealed.
    ///
    /// # Errors
    /// As [`BagReader::open`]; [`RecorderError::NeedsIdentity`], [`RecorderError::Sealed`].
    pub fn open_with(path: &Path, identities: Vec<Identity>) -> Result<Self> {
        let files = files(path)?;
        let mut reader = Self {
            path: path.to_owned(),
            files,
            topics: Vec::new(),
            span: None,
            messages: 0,
            from_ns: 0,
            current: None,
            identities,
        };
        for number in 0..reader.files.len() {
            let source = reader.source(number)?;
            reader.survey(&source);
        }
        Ok(reader)
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its topics, by name.
    #[must_use]
    pub fn topics(&self) -> &[BagTopic] {
        &self.topics
    }

    /// Times of the first and the last message, nanoseconds; `None` for a bag without messages.
    #[must_use]
    pub fn span(&self) -> Option<(u64, u64)> {
        self.span
    }

    /// Messages of all topics.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Begins again, at the first message that arrived at `from_ns` or later.
    pub fn rewind(&mut self, from_ns: u64) {
        self.from_ns = from_ns;
        self.current = None;
    }

    /// The next message in the order of arrival; its CDR replaces what `into` holds. `None` at the end.
    ///
    /// # Errors
    /// [`RecorderError::Broken`], [`RecorderError::Compressed`].
    pub fn next(&mut self, into: &mut Vec<u8>) -> Result<Option<Record>> {
        loop {
            if self.current.is_none() {
                self.begin(0)?;
            }
            let Some((number, source, channels)) = &mut self.current else { return Ok(None) };
            match source.next(into)? {
                Some(found) => {
                    // A message whose channel nobody described belongs to no topic.
                    let Some(topic) = channels.get(&found.channel) else { continue };
                    let (topic, log_ns, publish_ns) = (*topic, found.log_ns, found.publish_ns);
                    return Ok(Some(Record { topic, log_ns, publish_ns }));
                }
                None if *number + 1 < self.files.len() => {
                    let next = *number + 1;
                    self.begin(next)?;
                }
                None => return Ok(None),
            }
        }
    }

    /// Opens a file where reading begins.
    fn begin(&mut self, number: usize) -> Result<()> {
        let mut source = self.source(number)?;
        source.rewind(self.from_ns)?;
        let channels = source.summary().channels.iter().filter_map(|(id, channel)| {
            let named = |topic: &BagTopic| topic.name == channel.topic && topic.type_name == type_of(channel);
            Some((*id, self.topics.iter().position(named)?))
        });
        let channels = channels.collect();
        self.current = Some((number, source, channels));
        Ok(())
    }

    fn source(&self, number: usize) -> Result<Source<Input>> {
        let path = &self.files[number];
        let no_bag =
            |error: std::io::Error| RecorderError::NoBag { path: path.clone(), reason: error.to_string() };
        let file = File::open(path).map_err(no_bag)?;
        let size = file.metadata().map_err(no_bag)?.len();
        if path.extension().is_none_or(|end| end != ENDING) {
            return Source::open(Box::new(file), size, path);
        }
        if self.identities.is_empty() {
            return Err(RecorderError::NeedsIdentity { path: path.clone() });
        }
        let opened = Unseal::new(file, &self.identities)?;
        let size = opened.length();
        Source::open(Box::new(opened), size, path)
    }

    /// Takes note of what a file holds.
    fn survey(&mut self, source: &Source<Input>) {
        let (summary, counts) = (source.summary(), source.counts());
        let mut channels: Vec<_> = summary.channels.iter().collect();
        channels.sort_by_key(|(id, _)| **id);
        for (id, channel) in channels {
            let (count, type_name) = (counts.get(id).copied().unwrap_or(0), type_of(channel));
            let named = |topic: &&mut BagTopic| topic.name == channel.topic && topic.type_name == type_name;
            if let Some(known) = self.topics.iter_mut().find(named) {
                known.messages += count;
                continue;
            }
            let said = |key: &str| channel.metadata.get(key).map(String::as_str).unwrap_or_default();
            self.topics.push(BagTopic {
                name: channel.topic.clone(),
                type_name: type_name.to_owned(),
                type_hash: said("topic_type_hash").to_owned(),
                encoding: channel.message_encoding.clone(),
                qos: offered(&profiles(said("offered_qos_profiles"))),
                messages: count,
            });
        }
        self.topics
            .sort_by(|left, right| (&left.name, &left.type_name).cmp(&(&right.name, &right.type_name)));
        let stats = summary.stats.as_ref().filter(|stats| stats.message_count > 0);
        let chunks = summary.chunk_indexes.iter().filter(|chunk| chunk.message_end_time > 0);
        let chunks = chunks.map(|chunk| (chunk.message_start_time, chunk.message_end_time));
        let spans =
            stats.map(|stats| (stats.message_start_time, stats.message_end_time)).into_iter().chain(chunks);
        for (start, end) in spans {
            self.span =
                Some(self.span.map_or((start, end), |(first, last)| (first.min(start), last.max(end))));
        }
        self.messages += stats.map_or(0, |stats| stats.message_count);
    }
}

/// The type of a channel's messages; nothing if it does not say.
fn type_of<'a>(channel: &'a mcap::Channel<'_>) -> &'a str {
    channel.schema.as_ref().map_or("", |schema| schema.name.as_str())
}

/// The MCAP files of the bag at `path`.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let no_bag = |reason: String| RecorderError::NoBag { path: path.to_owned(), reason };
    let kind = std::fs::metadata(path).map_err(|error| no_bag(error.to_string()))?;
    if kind.is_file() {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if matches!(extension, "db3" | "bag") {
            let storage = if extension == "db3" { "sqlite3" } else { "ROS 1" }.to_owned();
            return Err(RecorderError::Storage { path: path.to_owned(), storage });
        }
        return Ok(vec![path.to_owned()]);
    }
    match std::fs::read_to_string(path.join("metadata.yaml")) {
        Ok(text) => {
            let metadata = Metadata::parse(path, &text)?;
            Ok(metadata.files.iter().map(|name| path.join(name)).collect())
        }
        Err(error) => Err(no_bag(format!(
            "it has no readable metadata.yaml ({error}); give one of its .mcap files, or complete it with \
             'peregrine bag recover'"
        ))),
    }
}
