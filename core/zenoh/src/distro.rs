//! The ROS 2 distribution whose peers are spoken to: chosen when the program starts, not when it is built.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A ROS 2 distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Distro {
    /// Humble Hawksbill. It has no type hashes.
    Humble,
    /// Jazzy Jalisco, and Iron Irwini, which differs in nothing that matters here.
    #[default]
    Jazzy,
    /// Kilted Kaiju.
    Kilted,
    /// Lyrical Luth, and Rolling.
    Lyrical,
}

/// What Humble writes where others have a type's hash.
pub const NO_HASH: &str = "TypeHashNotSupported";

impl Distro {
    /// `PEREGRINE_ROS_DISTRO`, else `ROS_DISTRO` (which a sourced ROS 2 sets), else Jazzy. A `ROS_DISTRO` that is not known
    /// here is taken as the newest: it is not ours to set.
    ///
    /// # Errors
    /// PG-1205 when `PEREGRINE_ROS_DISTRO` is not known.
    pub fn from_env() -> Result<Self> {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (set("PEREGRINE_ROS_DISTRO"), set("ROS_DISTRO")) {
            (Some(own), _) => own.parse(),
            (None, Some(sourced)) => Ok(sourced.parse().unwrap_or(Self::Lyrical)),
            (None, None) => Ok(Self::default()),
        }
    }

    /// A type's hash as this distribution writes it.
    pub fn hash(self, rihs01: &str) -> &str {
        match self {
            Self::Humble => NO_HASH,
            _ => rihs01,
        }
    }
}

impl FromStr for Distro {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "humble" => Ok(Self::Humble),
            "iron" | "jazzy" => Ok(Self::Jazzy),
            "kilted" => Ok(Self::Kilted),
            "lyrical" | "rolling" => Ok(Self::Lyrical),
            _ => Err(Error::Distro { value: text.to_owned() }),
        }
    }
}

impl fmt::Display for Distro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Humble => "humble",
            Self::Jazzy => "jazzy",
            Self::Kilted => "kilted",
            Self::Lyrical => "lyrical",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_humble_has_no_hashes() {
        for (name, hash) in [("humble", NO_HASH), ("jazzy", "R"), ("Kilted", "R"), ("lyrical", "R")] {
            assert_eq!(name.parse::<Distro>().unwrap().hash("R"), hash);
        }
        assert!("foxy".parse::<Distro>().unwrap_err().to_string().contains("PG-1205"));
    }
}
