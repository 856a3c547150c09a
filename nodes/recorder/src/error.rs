//! What can go wrong while recording.

use std::path::{Path, PathBuf};

/// The result of everything in this crate.
pub type Result<T, E = RecorderError> = std::result::Result<T, E>;

/// What went wrong, with which file, and what to do about it. Codes are stable: `PG-08xx`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecorderError {
    /// The bag is there already.
    #[error("PG-0801 the bag '{}' exists already; give another path, or move it away: recordings are never overwritten", path.display())]
    Exists {
        /// Its path.
        path: PathBuf,
    },
    /// A directory or file could not be made.
    #[error("PG-0802 cannot create '{}': {reason}; check that its parent exists and may be written", path.display())]
    Create {
        /// Its path.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The disk is full.
    #[error(
        "PG-0803 the disk is full while writing '{}' ({written} bytes are in it); recording has stopped. Free space and \
         record again; what was written stays readable, 'peregrine bag recover' completes it", path.display()
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// Bytes of whole chunks in it.
        written: u64,
    },
    /// Anything else that the system says while writing.
    #[error("PG-0804 cannot write '{}': {reason}; recording has stopped, what was written stays readable", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// A message that the format cannot take.
    #[error("PG-0805 the topic '{topic}' cannot be recorded: {reason}")]
    Topic {
        /// The topic.
        topic: String,
        /// Why not.
        reason: String,
    },
    /// Something about sealed files: keys, headers, chunks.
    #[error("PG-0820 of a sealed bag or its keys: {reason}")]
    Sealed {
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A sealed bag without a key.
    #[error("PG-0821 '{}' is sealed; give an identity that it was sealed for: --identity FILE", path.display())]
    NeedsIdentity {
        /// The file.
        path: PathBuf,
    },
    /// A pattern in `topics` or `exclude` that is not one.
    #[error("PG-0806 the topic pattern '{pattern}' {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong and how to write it.
        reason: &'static str,
    },
    /// A file that is no recording.
    #[error("PG-0807 '{}' cannot be recovered: {reason}", path.display())]
    Recover {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A parameter value that is none of the choices.
    #[error("PG-0809 when_full is '{value}', but must be auto, wait or drop")]
    WhenFull {
        /// The value.
        value: String,
    },
    /// Something that is no bag.
    #[error("PG-0810 '{}' is no bag that can be played: {reason}", path.display())]
    NoBag {
        /// The directory or file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A bag in another format.
    #[error(
        "PG-0811 the bag '{0}' is in the {storage} format, which is not read here; make an MCAP bag of it: \
         'pip install rosbags', then 'rosbags-convert --src {0} --dst NEW_DIRECTORY --dst-storage mcap'", path.display()
    )]
    Storage {
        /// The directory or file.
        path: PathBuf,
        /// The format.
        storage: String,
    },
    /// A file that breaks off or is damaged.
    #[error(
        "PG-0812 the bag file '{}' is damaged or breaks off: {reason}; 'peregrine bag recover' saves every whole message into \
         a new bag", path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        reason: String,
    },
    /// Compression that cannot be undone here.
    #[error(
        "PG-0813 the bag '{}' is compressed ({compression}), which is not read here (chunks in zstd and lz4 are); \
         'rosbags-convert --src BAG --dst NEW_DIRECTORY --dst-storage mcap' undoes it", path.display()
    )]
    Compressed {
        /// The directory or file.
        path: PathBuf,
        /// What was used.
        compression: String,
    },
    /// Nothing in a bag can be played.
    #[error("PG-0814 nothing of the bag '{}' can be played: {reason}", path.display())]
    NothingToPlay {
        /// The bag.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A parameter of the player that makes no sense.
    #[error("PG-0815 {name} is '{value}', but must be {expected}")]
    Player {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// The writing thread is gone.
    #[error("PG-0808 the writing thread ended unexpectedly: {reason}; please report this")]
    Thread {
        /// What is known.
        reason: String,
    },
}

impl RecorderError {
    pub(crate) fn create(path: &Path, error: &std::io::Error) -> Self {
        Self::Create { path: path.to_owned(), reason: error.to_string() }
    }

    /// An error of the system while writing `path`, of which `written` bytes are whole.
    pub(crate) fn write(path: &Path, written: u64, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded) {
            return Self::DiskFull { path: path.to_owned(), written };
        }
        Self::Write { path: path.to_owned(), reason: error.to_string() }
    }
}
