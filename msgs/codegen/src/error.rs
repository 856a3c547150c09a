//! What can be wrong with a definition, in words that name the file and the line.

/// A definition that cannot be turned into Rust. Codes PG-0350 to PG-0359.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum CodegenError {
    /// A file or folder could not be read.
    #[error("PG-0350: cannot read {path}: {cause}; check that the definitions folder is complete")]
    Read {
        /// The path that failed.
        path: String,
        /// The cause given by the operating system.
        cause: std::io::Error,
    },
    /// A line is neither a field nor a constant.
    #[error("PG-0351: {file} line {line}: \"{text}\" {problem}")]
    Syntax {
        /// `pkg/Type` of the definition.
        file: String,
        /// Line number, counted from 1.
        line: usize,
        /// The offending text.
        text: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A field names a type of which there is no definition.
    #[error("PG-0352: {user} uses {missing}, which has no definition; add {missing}.msg to the definitions")]
    UnknownType {
        /// Full name of the type that has the field.
        user: String,
        /// Full name of the type that is missing.
        missing: String,
    },
    /// A type contains itself.
    #[error("PG-0353: {name} contains itself; ROS messages cannot be recursive")]
    Recursive {
        /// Full name of the type.
        name: String,
    },
}
