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
    /// The flight did not go as it should have.
    #[error("PG-1308: the flight failed: {0}")]
    Flight(String),
    /// The runtime.
    #[error(transparent)]
    Core(#[from] peregrine_core::Error),
    /// Launch files.
    #[error(transparent)]
    Launch(Box<peregrine_launch::LaunchError>),
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
