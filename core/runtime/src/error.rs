//! What can go wrong in the runtime, each with its cause, the offending value and a remedy.

use thiserror::Error;

/// The result of everything in this crate; `Result` alone means `Result<()>`.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// An error of the node runtime.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter key that the node does not have.
    #[error(
        "PG-0201: node '{node}' has no parameter '{key}'{suggestion}; `peregrine param describe {kind}` lists them"
    )]
    UnknownParameter {
        /// The node's full name.
        node: String,
        /// The node's kind in the registry.
        kind: String,
        /// The key as given.
        key: String,
        /// ": did you mean 'x'?" or nothing.
        suggestion: String,
    },
    /// A parameter of the wrong type.
    #[error(
        "PG-0202: parameter '{key}' of node '{node}' is {found}, but it takes {}; write it like {}",
        kind(expected).0, kind(expected).1
    )]
    ParameterType {
        /// The node's full name.
        node: String,
        /// The parameter.
        key: String,
        /// What was given.
        found: String,
        /// What the node declares.
        expected: &'static str,
    },
    /// A parameter value outside its declared range.
    #[error(
        "PG-0203: parameter '{key}' of node '{node}' is {value}, outside {range}; choose a value within it"
    )]
    ParameterRange {
        /// The node's full name.
        node: String,
        /// The parameter.
        key: String,
        /// The value given.
        value: String,
        /// The range as written in the node.
        range: &'static str,
    },
    /// A required parameter that was not given.
    #[error(
        "PG-0204: node '{node}' needs the parameter '{key}' ({doc}); give it with -p {key}:=VALUE or in a params file"
    )]
    ParameterMissing {
        /// The node's full name.
        node: String,
        /// The parameter.
        key: String,
        /// Its description.
        doc: String,
    },
    /// No node of that kind is compiled in.
    #[error("PG-0205: no node kind '{kind}' is compiled in{suggestion}; known kinds: {known}")]
    UnknownNode {
        /// The kind asked for.
        kind: String,
        /// ": did you mean 'x'?" or nothing.
        suggestion: String,
        /// All known kinds.
        known: String,
    },
    /// Two parties of one topic disagree on its type.
    #[error(
        "PG-0206: topic '{topic}' carries {existing}, but node '{node}' wants {wanted}; rename or remap one of them"
    )]
    TopicType {
        /// The topic.
        topic: String,
        /// The type already there.
        existing: String,
        /// The type asked for.
        wanted: String,
        /// Who asked.
        node: String,
    },
    /// A name that ROS would refuse.
    #[error(
        "PG-0207: '{name}' is not a valid {what}: {why}; use letters, digits, '_' and '/', no digit first"
    )]
    InvalidName {
        /// The offending name.
        name: String,
        /// "topic name", "node name"...
        what: &'static str,
        /// The reason.
        why: &'static str,
    },
    /// Two nodes of one name.
    #[error("PG-0208: two nodes are named '{name}'; give one of them another name")]
    DuplicateNode {
        /// The full name.
        name: String,
    },
    /// A second node wants to own the clock.
    #[error("PG-0209: nodes '{first}' and '{second}' both drive the clock; start one simulator only")]
    TwoClocks {
        /// The node that owns it.
        first: String,
        /// The one that also wants it.
        second: String,
    },
    /// Lockstep without anything that makes time pass.
    #[error(
        "PG-0210: nothing moves the clock: lockstep needs a simulator or a timer; add one or use --realtime"
    )]
    NoClock,
    /// A node asked the program to stop because of a failure.
    #[error("{node}: {reason}")]
    NodeFailed {
        /// The node's full name.
        node: String,
        /// Why, in its own words (with its own code).
        reason: String,
    },
    /// A node's own error, with its own code.
    #[error("{0}")]
    Node(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An error of the frame bus.
    #[error(transparent)]
    Frame(#[from] peregrine_frame::Error),
    /// A message that does not decode.
    #[error(
        "PG-0212: a message on '{topic}' does not decode as {type_name}: {source}; sender and receiver differ in type"
    )]
    Decode {
        /// The topic.
        topic: String,
        /// The expected type.
        type_name: &'static str,
        /// What CDR says.
        source: peregrine_msgs::CdrError,
    },
    /// Two nodes want to serve one name.
    #[error(
        "PG-0217: nodes '{first}' and '{second}' both serve '{service}'; remap the service of one of them"
    )]
    ServiceTaken {
        /// The service.
        service: String,
        /// The node that serves it.
        first: String,
        /// The one that also wants to.
        second: String,
    },
    /// A parameter that cannot be changed while the node runs.
    #[error(
        "PG-0218: parameter '{key}' of node '{node}' is read at start only; set it on the command line or in a params \
         file and start the node anew"
    )]
    ReadOnlyParameter {
        /// The node's full name.
        node: String,
        /// The parameter.
        key: String,
    },
    /// An image from another process in an encoding that frames do not have.
    #[error(
        "PG-0236: an image on '{topic}' has the encoding '{encoding}', which frames do not have; let its publisher send \
         rgb8, bgr8, mono8 or another of those in docs/frame-bus.md"
    )]
    ImageEncoding {
        /// The topic.
        topic: String,
        /// As the image has it.
        encoding: String,
    },
    /// A thread could not be started or configured.
    #[error(
        "PG-0213: lane '{lane}' could not be started: {source}; check limits of threads and of real-time priority"
    )]
    Lane {
        /// The lane.
        lane: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Error {
    /// Wraps a node's own error; `?` cannot do it for foreign types by itself.
    pub fn node(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Node(Box::new(error))
    }
}

/// Turns a node's own error into [`Error`] in a `?` chain: `load().or_node()?`.
pub trait OrNode<T> {
    /// Wraps the error as [`Error::Node`].
    fn or_node(self) -> Result<T>;
}

impl<T, E: std::error::Error + Send + Sync + 'static> OrNode<T> for std::result::Result<T, E> {
    fn or_node(self) -> Result<T> {
        self.map_err(Error::node)
    }
}

/// A kind of parameter with its article, and how one is written.
fn kind(expected: &str) -> (&str, &'static str) {
    match expected {
        "bool" => ("a bool", "true"),
        "integer" => ("an integer (that fits)", "3"),
        "double" => ("a double", "0.5"),
        "string" => ("a string", "'text', in quotes where it looks like a number or a list"),
        "bool array" => ("a bool array", "[true, false]"),
        "integer array" => ("an integer array", "[1, 2]"),
        "double array" => ("a double array", "[0.5, 2.0]"),
        "string array" => ("a string array", "[a, b]"),
        other => (other, "that"),
    }
}
