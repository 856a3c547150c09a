//! Everything that can be wrong with a launch file, a parameter file or a supervised process.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The result of everything in this crate.
pub type Result<T, E = LaunchError> = std::result::Result<T, E>;

/// A place in a file: what an editor needs to jump there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct At {
    /// The file as it was named or included.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl At {
    /// The first character of `file`.
    #[must_use]
    pub fn start(file: &str) -> Self {
        Self { file: file.into(), line: 1, column: 1 }
    }
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What went wrong, where, and what to do about it. Codes are stable: `PG-11xx`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LaunchError {
    /// The file is not well-formed XML or YAML.
    #[error("PG-1101 {at}: {format} is malformed: {reason}; correct the file at this place")]
    Malformed {
        /// Where the parser stopped.
        at: At,
        /// "XML" or "YAML".
        format: &'static str,
        /// The parser's words.
        reason: String,
    },
    /// A tag that launch files do not have.
    #[error("PG-1102 {at}: <{parent}> knows no tag '{tag}'{hint}")]
    UnknownTag {
        /// Where it stands.
        at: At,
        /// The enclosing tag.
        parent: String,
        /// The tag as written.
        tag: String,
        /// "; did you mean ...?" or the list of known ones.
        hint: String,
    },
    /// An attribute that the tag does not have.
    #[error("PG-1103 {at}: <{tag}> knows no attribute '{attribute}'{hint}")]
    UnknownAttribute {
        /// Where it stands.
        at: At,
        /// The tag.
        tag: String,
        /// The attribute as written.
        attribute: String,
        /// "; did you mean ...?" or the list of known ones.
        hint: String,
    },
    /// An attribute that the tag cannot do without.
    #[error("PG-1104 {at}: <{tag}> needs the attribute '{attribute}'; add it")]
    MissingAttribute {
        /// Where the tag stands.
        at: At,
        /// The tag.
        tag: String,
        /// The missing attribute.
        attribute: String,
    },
    /// A value of the wrong kind, or in the wrong place.
    #[error("PG-1105 {at}: {what} is '{value}', but must be {expected}")]
    BadValue {
        /// Where it stands.
        at: At,
        /// What has the value.
        what: String,
        /// The value found.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// A substitution that cannot be read.
    #[error("PG-1106 {at}: in \"{text}\": {reason}")]
    Substitution {
        /// Where the attribute stands.
        at: At,
        /// The whole text.
        text: String,
        /// What is wrong and how to write it.
        reason: String,
    },
    /// A variable or environment variable that nothing has set.
    #[error("PG-1107 {at}: {what} '{name}' is not set{hint}")]
    Undefined {
        /// Where it is used.
        at: At,
        /// "the launch argument" or "the environment variable".
        what: &'static str,
        /// Its name.
        name: String,
        /// The nearest one, or the remedy.
        hint: String,
    },
    /// A launch argument that no file declares.
    #[error("PG-1108 {file}: there is no launch argument '{name}'{hint}")]
    UnknownArgument {
        /// The launch file.
        file: String,
        /// The argument given.
        name: String,
        /// The nearest one, or the list.
        hint: String,
    },
    /// A launch argument without default that was not given.
    #[error("PG-1109 {at}: the launch argument '{name}' has no default and was not given; add {name}:=VALUE")]
    MissingArgument {
        /// Where it is declared.
        at: At,
        /// Its name.
        name: String,
    },
    /// A launch argument outside its choices.
    #[error("PG-1110 {at}: the launch argument '{name}' is '{value}', but must be one of: {choices}")]
    BadChoice {
        /// Where it is declared.
        at: At,
        /// Its name.
        name: String,
        /// The value given.
        value: String,
        /// The choices, separated by commas.
        choices: String,
    },
    /// A package that the resolver does not know.
    #[error("PG-1111 {at}: the package '{package}' was not found{hint}")]
    PackageNotFound {
        /// Where it is used.
        at: At,
        /// Its name.
        package: String,
        /// The nearest one, or the remedy.
        hint: String,
    },
    /// A file that cannot be read.
    #[error("PG-1112 {at}: cannot read '{path}': {reason}; check the path and its permissions")]
    Unreadable {
        /// Who wanted it.
        at: At,
        /// The path.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// A limit that keeps a malformed or hostile file from eating the machine.
    #[error("PG-1113 {at}: {what} exceeds the limit of {limit}; is something including or expanding itself?")]
    Limit {
        /// Where it was exceeded.
        at: At,
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// An expression in `$(eval ...)` that cannot be evaluated.
    #[error("PG-1114 {at}: cannot evaluate \"{expression}\": {reason}")]
    Expression {
        /// Where it stands.
        at: At,
        /// The expression after substitution.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A parameter file of the wrong shape.
    #[error("PG-1115 {at}: {reason}; a parameter file reads NODE: ros__parameters: NAME: VALUE")]
    ParamsFile {
        /// Where.
        at: At,
        /// What is wrong.
        reason: String,
    },
    /// A parameter value that ROS cannot carry.
    #[error("PG-1116 {at}: the parameter '{name}': {reason}")]
    Parameter {
        /// Where.
        at: At,
        /// Its dotted name.
        name: String,
        /// What is wrong and how to write it.
        reason: String,
    },
    /// Something that ros2 launch has and Peregrine's launch has not.
    #[error("PG-1117 {at}: {what} is known to ros2 launch but not supported here; {remedy}")]
    Unsupported {
        /// Where.
        at: At,
        /// The tag, attribute or substitution.
        what: String,
        /// What to write instead.
        remedy: String,
    },
    /// A composable node for a container that is not in the plan.
    #[error("PG-1118 {at}: no container '{target}' was started before this action{hint}")]
    UnknownContainer {
        /// Where.
        at: At,
        /// The target as resolved.
        target: String,
        /// The nearest one.
        hint: String,
    },
    /// A `peregrine.*` parameter that is unknown or out of range.
    #[error("PG-1119 {node}: the reserved parameter '{name}' {reason}")]
    ReservedParameter {
        /// The node.
        node: String,
        /// The parameter.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A process that could not be started.
    #[error(
        "PG-1130 cannot start '{name}' ({program}): {reason}; check that the program exists and is executable"
    )]
    Spawn {
        /// The process's name in the plan.
        name: String,
        /// The program.
        program: String,
        /// The system's words.
        reason: String,
    },
    /// A process ended badly although nobody asked it to end.
    #[error("PG-1131 '{name}' ended with {status}{more}; its last lines above say why")]
    ChildFailed {
        /// The first one that failed.
        name: String,
        /// Its exit code or signal, in words.
        status: String,
        /// Others that failed too.
        more: String,
    },
    /// The signal handlers could not be installed.
    #[error("PG-1132 cannot watch for SIGINT and SIGTERM: {reason}")]
    Signals {
        /// The system's words.
        reason: String,
    },
}

impl LaunchError {
    /// The stable code, for example `"PG-1103"`.
    #[must_use]
    pub fn code(&self) -> String {
        self.to_string().chars().take(7).collect()
    }
}
