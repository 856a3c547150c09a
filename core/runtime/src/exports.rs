//! Which pictures may leave this host.
//!
//! Invariant: a picture, raw or compressed, is put into the network, by whichever transport, only if its topic is named here or its publisher lets it out
//! on purpose. Processes of one user on one host share pictures without any network, in slots.

use std::sync::Arc;

use crate::topic::Topic;

/// Patterns of topics: full names, in which `*` stands for any letters. Nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exports {
    patterns: Arc<[String]>,
}

impl Exports {
    /// All pictures.
    pub fn all() -> Self {
        Self::parse("*")
    }

    /// From patterns with commas between them, as in `PEREGRINE_EXPORT`.
    pub fn parse(text: &str) -> Self {
        let patterns = text.split(',').map(str::trim).filter(|pattern| !pattern.is_empty());
        let slash = |pattern: &str| match pattern.as_bytes()[0] {
            b'/' | b'*' => pattern.to_owned(),
            _ => format!("/{pattern}"),
        };
        Self { patterns: patterns.map(slash).collect() }
    }

    /// As `PEREGRINE_EXPORT` says; unset is none.
    pub fn from_env() -> Self {
        std::env::var("PEREGRINE_EXPORT").map_or_else(|_| Self::default(), |text| Self::parse(&text))
    }

    /// Whether what is published on this topic stays on this host: pictures that nobody has let out.
    pub fn keep(&self, topic: &Topic) -> bool {
        topic.carries_pictures() && !topic.is_exported() && !self.allow(topic.name())
    }

    /// Whether the pictures of this topic may leave.
    pub fn allow(&self, topic: &str) -> bool {
        self.patterns.iter().any(|pattern| fits(pattern.as_bytes(), topic.as_bytes()))
    }
}

fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skip| fits(rest, &text[skip..])),
        Some((letter, rest)) => text.first() == Some(letter) && fits(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::Exports;

    #[test]
    fn nothing_leaves_unless_it_is_named() {
        assert!(!Exports::default().allow("/camera/image_raw"));
        assert!(!Exports::parse(" , ").allow("/camera/image_raw"));
        assert!(Exports::all().allow("/camera/image_raw"));
        let some = Exports::parse("camera/image_raw, /front/*");
        for (topic, allowed) in [
            ("/camera/image_raw", true),
            ("/camera/image_raw/compressed", false),
            ("/front/image_raw/compressed", true),
            ("/rear/camera/image_raw", false),
        ] {
            assert_eq!(some.allow(topic), allowed, "{topic}");
        }
    }
}
