//! What the command itself can get wrong. Errors of the rooms pass through unchanged: they have codes of their own.

use std::path::PathBuf;

use thiserror::Error;

/// The result of everything the command does.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// An error of the command line.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument that cannot be used.
    #[error("PG-1301: {what} '{value}' cannot be used: {why}")]
    Argument {
        /// What the value was meant to be.
        what: &'static str,
        /// The value.
        value: String,
        /// Why, and what to do.
        why: String,
    },
    /// A file that cannot be read or written.
    #[error("PG-1302: cannot {what} '{}': {source}", path.display())]
    File {
        /// "read", "write", "create".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Nobody publishes the topic.
    #[error("PG-1303: no topic '{topic}' is there{hint}; `peregrine topic list` shows what is")]
    NoTopic {
        /// The topic asked for.
        topic: String,
        /// ": did you mean 'x'?" or nothing.
        hint: String,
    },
    /// Nothing runs on this host.
    #[error(
        "PG-1304: no Peregrine process or Zenoh router answers on this host (loopback port {port}); start one, \
         for instance `peregrine demo --realtime`"
    )]
    NobodyThere {
        /// The loopback port that was tried.
        port: u16,
    },
    /// A launch file that needs more than one process in lockstep.
    #[error(
        "PG-1305: lockstep needs all nodes in one process, but this launch starts {count}; \
         use --processes one, or --realtime"
    )]
    LockstepAcrossProcesses {
        /// How many processes.
        count: usize,
    },
    /// A helper program failed.
    #[error("PG-1306: `{program}` failed: {why}")]
    Program {
        /// The program with its arguments.
        program: String,
        /// Its last words, or what the system says.
        why: String,
    },
    /// A message that this program knows no type for.
    #[error("PG-1307: the type {type_name} of topic '{topic}' is not compiled in; it cannot be shown")]
    UnknownType {
        /// The topic.
        topic: String,
        /// Its type.
        type_name: String,
    },
    /// A topic that is not on the frame bus of this host.
    #[error(
        "PG-1309: nobody of this host publishes '{topic}' on the frame bus{why}; `peregrine doctor frames` shows who \
         does, `--over zenoh` listens to other computers too"
    )]
    NotOnBus {
        /// The topic asked for.
        topic: String,
        /// " (what a publisher said)" or nothing.
        why: String,
    },
    /// Not one of our error codes.
    #[error("PG-1316: '{word}' is no error code of Peregrine: {hint}")]
    UnknownCode {
        /// What was asked for.
        word: String,
        /// Which codes there are nearby.
        hint: String,
    },
    /// Messages that do not say when they were made.
    #[error(
        "PG-1311: {messages} messages came on '{topic}', none with a stamp, so their delay is not known; \
         `peregrine topic hz {topic}` shows whether they come"
    )]
    NoStamps {
        /// The topic.
        topic: String,
        /// How many came.
        messages: usize,
    },
    /// `peregrine doctor` found something that cannot work.
    #[error(
        "PG-1312: {count} of the findings above will keep Peregrine from working; do what the arrows say"
    )]
    Unwell {
        /// How many.
        count: usize,
    },
    /// A link that was cut for too long.
    #[error(
        "PG-1314: the link to '{host}' is cut with {have} of {all} bytes there ({why}); run the same command again: it goes on where it stopped"
    )]
    TransferCut {
        /// The host.
        host: String,
        /// Bytes that are there.
        have: u64,
        /// Bytes in all.
        all: u64,
        /// What the link says.
        why: String,
    },
    /// A rollout stopped itself.
    #[error(
        "PG-1315: the rollout stopped: {why}; mend the model, or remove '{}' to begin anew", file.display()
    )]
    RolloutStopped {
        /// Why.
        why: String,
        /// What is known of it.
        file: PathBuf,
    },
    /// The flight did not go as it should have.
    #[error("PG-1308: the flight failed: {0}")]
    Flight(String),
    /// The runtime.
    #[error(transparent)]
    Core(#[from] peregrine_core::Error),
    /// Launch files.
    #[error(transparent)]
    Launch(Box<peregrine_launch::LaunchError>),
    /// The frame bus.
    #[error(transparent)]
    Frame(#[from] peregrine_frame::Error),
    /// Models and images.
    #[error(transparent)]
    Models(#[from] peregrine_models::Error),
    /// Photos and videos.
    #[error(transparent)]
    Camera(#[from] peregrine_camera::CameraError),
    /// Between processes.
    #[error(transparent)]
    Zenoh(#[from] peregrine_zenoh::Error),
    /// Bags.
    #[error(transparent)]
    Recorder(Box<peregrine_recorder::RecorderError>),
    /// Worlds of a benchmark.
    #[error(transparent)]
    Suites(#[from] peregrine_suites::error::SuiteError),
    /// The simulator's worlds.
    #[error(transparent)]
    Sim(Box<peregrine_sim::SimError>),
    /// A picture that cannot be drawn or saved.
    #[error(transparent)]
    Draw(#[from] crate::draw::DrawError),
    /// A report that cannot be written.
    #[error(transparent)]
    Report(#[from] crate::report::ReportError),
    /// A message that does not decode.
    #[error(transparent)]
    Cdr(#[from] peregrine_msgs::CdrError),
}

impl From<peregrine_launch::LaunchError> for Error {
    fn from(error: peregrine_launch::LaunchError) -> Self {
        Self::Launch(Box::new(error))
    }
}

impl From<peregrine_sim::SimError> for Error {
    fn from(error: peregrine_sim::SimError) -> Self {
        Self::Sim(Box::new(error))
    }
}

impl From<peregrine_recorder::RecorderError> for Error {
    fn from(error: peregrine_recorder::RecorderError) -> Self {
        Self::Recorder(Box::new(error))
    }
}

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
