//! A bag: a directory with MCAP files and `metadata.yaml`, as `ros2 bag record -s mcap` lays it out.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    file::McapFile,
    metadata::{self, FileSpan},
};
use crate::error::{RecorderError, Result};
use crate::seal::Recipient;

/// What a reader must know of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Full name: `/camera/image_raw`.
    pub name: String,
    /// `sensor_msgs/msg/Image`.
    pub type_name: String,
    /// `RIHS01_...`, or empty when unknown.
    pub type_hash: String,
    /// The `.msg` text, followed by those of all types it uses, each after a line of `=` and `MSG: package/Type`.
    pub definition: String,
    /// Reliable, or best effort.
    pub reliable: bool,
    /// Kept for late joiners, or volatile.
    pub transient_local: bool,
}

/// A topic of one bag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicId(usize);

/// How a bag is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BagOptions {
    /// A chunk is written when it is larger than this many bytes: at most about this much is lost by a kill.
    pub chunk_bytes: u64,
    /// ... or when it spans this many nanoseconds of message time.
    pub flush_ns: u64,
    /// A new file is begun when this many bytes are in one; 0 for never.
    pub split_bytes: u64,
    /// ... or when it spans this many nanoseconds of message time; 0 for never.
    pub split_ns: u64,
    /// Who can read the files (age format); empty: everybody.
    pub recipients: Vec<Recipient>,
    /// Every flush waits until the disk has it: what is lost when the power is cut is then no more than what a kill loses.
    pub sync: bool,
}

impl Default for BagOptions {
    /// Chunks of 4 MiB or one second, no splitting.
    fn default() -> Self {
        Self {
            chunk_bytes: 4 << 20,
            flush_ns: 1_000_000_000,
            split_bytes: 0,
            split_ns: 0,
            recipients: Vec::new(),
            sync: false,
        }
    }
}

/// What a bag holds.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BagSummary {
    /// The bag's directory.
    pub path: PathBuf,
    /// Messages of all topics.
    pub messages: u64,
    /// Time of the earliest message, nanoseconds.
    pub start_ns: Option<u64>,
    /// Time of the latest message, nanoseconds.
    pub end_ns: Option<u64>,
    /// Bytes of all MCAP files.
    pub bytes: u64,
    /// Number of MCAP files.
    pub files: usize,
}

/// A bag that is being written.
pub struct Bag {
    directory: PathBuf,
    options: BagOptions,
    file: McapFile,
    /// Files that are complete.
    done: Vec<FileSpan>,
    done_bytes: u64,
    topics: Vec<(Topic, u64)>,
    /// Channels of the open file.
    channels: BTreeMap<TopicId, u16>,
    #[cfg(test)]
    gate: Option<Box<dyn FnMut()>>,
}

impl Bag {
    /// Makes the directory `path` with the first file in it.
    ///
    /// # Errors
    /// [`RecorderError::Exists`], [`RecorderError::Create`], or an error of the first write.
    pub fn create(path: &Path, options: BagOptions) -> Result<Self> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(|error| RecorderError::create(parent, &error))?;
        }
        fs::create_dir(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => RecorderError::Exists { path: path.to_owned() },
            _ => RecorderError::create(path, &error),
        })?;
        let file = McapFile::create(&path.join(file_name(path, 0, &options)), &options)?;
        Ok(Self {
            directory: path.to_owned(),
            options,
            file,
            done: Vec::new(),
            done_bytes: 0,
            topics: Vec::new(),
            channels: BTreeMap::new(),
            #[cfg(test)]
            gate: None,
        })
    }

    /// Makes a topic known. The same name and type give the same topic.
    ///
    /// # Errors
    /// [`RecorderError::Topic`] for an empty name or definition, or if the name has another type already; an error of
    /// the disk.
    pub fn topic(&mut self, topic: &Topic) -> Result<TopicId> {
        let refuse = |reason: String| RecorderError::Topic { topic: topic.name.clone(), reason };
        if let Some(known) = self.topics.iter().position(|(known, _)| known.name == topic.name) {
            let old = &self.topics[known].0;
            if old.type_name != topic.type_name {
                let reason =
                    format!("it has the type {} already, now {} arrives", old.type_name, topic.type_name);
                return Err(refuse(reason));
            }
            return Ok(TopicId(known));
        }
        if topic.name.is_empty() || topic.type_name.split('/').count() != 3 {
            let reason = format!("its type is '{}'; a type reads package/msg/Type", topic.type_name);
            return Err(refuse(reason));
        }
        let id = TopicId(self.topics.len());
        let channel = self.file.topic(topic)?;
        self.topics.push((topic.clone(), 0));
        self.channels.insert(id, channel);
        Ok(id)
    }

    /// Appends a message. `log_ns` is when it arrived, `publish_ns` when it was sent, in nanoseconds of the same clock;
    /// negative times count as 0. `cdr` begins with the four bytes that name its encoding.
    ///
    /// # Errors
    /// [`RecorderError::DiskFull`], [`RecorderError::Write`]: the bag takes nothing more, but [`Bag::finish`] still
    /// writes its metadata.
    pub fn write(&mut self, topic: TopicId, log_ns: i64, publish_ns: i64, cdr: &[u8]) -> Result<()> {
        #[cfg(test)]
        self.gate.iter_mut().for_each(|gate| gate());
        let time = |ns: i64| u64::try_from(ns).unwrap_or(0);
        if self.must_split(time(log_ns)) {
            self.split()?;
        }
        let channel = match self.channels.get(&topic) {
            Some(channel) => *channel,
            None => {
                let Some((known, _)) = self.topics.get(topic.0) else {
                    let reason = "it belongs to another bag".to_owned();
                    return Err(RecorderError::Topic { topic: format!("#{}", topic.0), reason });
                };
                let channel = self.file.topic(known)?;
                self.channels.insert(topic, channel);
                channel
            }
        };
        self.file.write(channel, time(log_ns), time(publish_ns), cdr)?;
        if let Some((_, count)) = self.topics.get_mut(topic.0) {
            *count += 1;
        }
        Ok(())
    }

    /// Brings everything so far into the file.
    ///
    /// # Errors
    /// An error of the disk.
    pub fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }

    fn must_split(&self, log_ns: u64) -> bool {
        let Some((start, _)) = self.file.span().span else { return false };
        let BagOptions { split_bytes, split_ns, .. } = self.options;
        split_bytes > 0 && self.file.bytes() >= split_bytes
            || split_ns > 0 && log_ns.saturating_sub(start) >= split_ns
    }

    fn split(&mut self) -> Result<()> {
        self.close_file()?;
        let path = self.directory.join(file_name(&self.directory, self.done.len(), &self.options));
        self.file = McapFile::create(&path, &self.options)?;
        self.channels.clear();
        Ok(())
    }

    fn close_file(&mut self) -> Result<()> {
        let text = self.metadata();
        let result = self.file.finish(&text);
        self.done.push(self.file.span().clone());
        self.done_bytes += self.file.bytes();
        result
    }

    fn summary_of(&self, files: &[FileSpan]) -> BagSummary {
        let spans = || files.iter().filter_map(|file| file.span);
        BagSummary {
            path: self.directory.clone(),
            messages: files.iter().map(|file| file.messages).sum(),
            start_ns: spans().map(|span| span.0).min(),
            end_ns: spans().map(|span| span.1).max(),
            bytes: self.done_bytes,
            files: files.len(),
        }
    }

    fn metadata(&self) -> String {
        let mut files = self.done.clone();
        files.push(self.file.span().clone());
        metadata::text(&self.summary_of(&files), &files, &self.topics)
    }

    /// Completes the file and writes `metadata.yaml`, which is tried also when the file cannot be completed.
    ///
    /// # Errors
    /// The first error of the disk.
    pub fn finish(mut self) -> Result<BagSummary> {
        let closed = self.close_file();
        let summary = self.summary_of(&self.done);
        let text = metadata::text(&summary, &self.done, &self.topics);
        let path = self.directory.join("metadata.yaml");
        let written =
            write_whole(&path, text.as_bytes()).map_err(|error| RecorderError::write(&path, 0, &error));
        closed.and(written)?;
        Ok(summary)
    }

    /// A bag whose file is the given one: for tests with devices that fail.
    #[cfg(test)]
    pub(crate) fn on(directory: &Path, file: fs::File, options: BagOptions) -> Result<Self> {
        let mut bag = Self::create(directory, options.clone())?;
        bag.file = McapFile::on(file, &directory.join("test_0.mcap"), &options)?;
        Ok(bag)
    }

    #[cfg(test)]
    pub(crate) fn break_at(&mut self, bytes: u64) {
        self.file.break_at(bytes);
    }

    #[cfg(test)]
    pub(crate) fn before_write(&mut self, gate: impl FnMut() + 'static) {
        self.gate = Some(Box::new(gate));
    }
}

/// Half of it would mislead a reader more than none; and who was told that the bag is complete may cut the power.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let fresh = path.with_extension("yaml.new");
    let written = fs::File::create(&fresh).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    });
    if written.is_err() {
        // What is left of it says nothing.
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// `flight/flight_0.mcap`, as rosbag2 names them; `.age` behind it when it is sealed.
fn file_name(directory: &Path, number: usize, options: &BagOptions) -> String {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let ending = if options.recipients.is_empty() { "" } else { ".age" };
    format!("{}_{number}.mcap{ending}", if name.is_empty() { "bag" } else { &name })
}
