//! Names of topics and services, with the partition in front.

use crate::error::{GzError, Result};

/// The longest full name, bytes.
const LONGEST: usize = 65_535;

/// Checks a topic's or service's name.
///
/// # Errors
/// PG-1601.
pub fn check(kind: &'static str, name: &str) -> Result<()> {
    let fail = |reason| Err(GzError::Name { kind, name: name.chars().take(80).collect(), reason });
    if name.is_empty() || name == "/" {
        return fail("it is empty");
    }
    if name.len() > LONGEST {
        return fail("it is too long");
    }
    if name.contains('@') || name.contains(":=") || name.contains('~') {
        return fail("it holds @, := or ~");
    }
    if name.contains("//") {
        return fail("it holds //");
    }
    if name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return fail("it holds a blank");
    }
    Ok(())
}

/// Checks a partition's name, which may be empty.
///
/// # Errors
/// PG-1601.
pub fn check_partition(name: &str) -> Result<()> {
    if name.is_empty() { Ok(()) } else { check("partition", name) }
}

/// `@/partition@/topic`. Both get a slash in front if they have none; a topic loses the one at its end.
pub fn full(partition: &str, name: &str) -> String {
    let slash = |s: &str| {
        let s = s.trim_end_matches('/');
        if s.is_empty() || s.starts_with('/') { s.to_string() } else { format!("/{s}") }
    };
    format!("@{}@{}", slash(partition), slash(name))
}

/// Partition and topic of a full name; `None` if it is not one.
pub fn split(full: &str) -> Option<(&str, &str)> {
    full.strip_prefix('@')?.split_once('@')
}

/// The topic of a full name in that partition.
pub fn in_partition<'a>(full_name: &'a str, partition: &str) -> Option<&'a str> {
    let (theirs, topic) = split(full_name)?;
    (theirs.trim_start_matches('/') == partition.trim_matches('/')).then_some(topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_their_partition() {
        assert_eq!(full("host:user", "clock"), "@/host:user@/clock");
        assert_eq!(full("/p", "/world/w/stats/"), "@/p@/world/w/stats");
        assert_eq!(full("", "/clock"), "@@/clock");
        assert_eq!(split("@/p@/a/b"), Some(("/p", "/a/b")));
        assert_eq!(in_partition("@/p@/a", "p"), Some("/a"));
        assert_eq!(in_partition("@/q@/a", "p"), None);
        for bad in ["", "a b", "a@b", "a//b", "a:=b"] {
            assert!(check("topic", bad).is_err(), "{bad}");
        }
    }
}
