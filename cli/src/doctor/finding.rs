//! One thing that was looked at.

use serde::Serialize;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Good,
    /// Works, but could be better.
    Note,
    /// Will hurt.
    Warning,
    /// Something cannot work.
    Bad,
}

/// What was looked at, how it is, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub says: String,
    /// What to do about it, unless all is well.
    pub remedy: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn good(what: &'static str, says: impl Into<String>) -> Self {
        Self { what, level: Level::Good, says: says.into(), remedy: None }
    }

    /// Something is to be said.
    pub fn new(level: Level, what: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what, level, says: says.into(), remedy: Some(remedy.into()) }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match self.level {
            Level::Good => "ok     ",
            Level::Note => "note   ",
            Level::Warning => "WARNING",
            Level::Bad => "BAD    ",
        };
        write!(f, "{mark}  {:<16} {}", self.what, self.says)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n{:27}-> {remedy}", ""),
            None => Ok(()),
        }
    }
}
