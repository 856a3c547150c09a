//! What a bag says of the quality of service that its publishers offered.
//!
//! rosbag2 writes a list of profiles, as YAML in a string up to version 8 of its metadata and with numbers for kinds, later
//! as YAML proper and with words. Both are read.

use peregrine::Qos;
use serde::Deserialize;

/// Reliable and kept for late joiners with no bound: more than this is not kept.
const MOST: usize = 1000;

/// A kind as rmw numbers it, or as a word.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Kind {
    Number(i64),
    Word(String),
}

impl Kind {
    fn is(&self, number: i64, word: &str) -> bool {
        match self {
            Self::Number(found) => *found == number,
            Self::Word(found) => found == word,
        }
    }
}

/// One publisher's profile; what does not matter to playing is left out.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Profile {
    history: Option<Kind>,
    depth: Option<usize>,
    reliability: Option<Kind>,
    durability: Option<Kind>,
}

/// The profiles in a YAML text. Text that is none is no profile: playing does without.
pub(crate) fn profiles(text: &str) -> Vec<Profile> {
    if text.trim().is_empty() { Vec::new() } else { serde_saphyr::from_str(text).unwrap_or_default() }
}

/// What to publish with, so that every reader of the recorded publishers is served: reliable unless one of them was not,
/// latched if all of them were. Without a profile: reliable, as `ros2 bag play` does.
pub(crate) fn offered(profiles: &[Profile]) -> Qos {
    let is = |kind: &Option<Kind>, number, word| kind.as_ref().is_some_and(|kind| kind.is(number, word));
    let best_effort = profiles.iter().any(|p| is(&p.reliability, 2, "best_effort"));
    let latched = !profiles.is_empty() && profiles.iter().all(|p| is(&p.durability, 1, "transient_local"));
    let keep_all = profiles.iter().any(|p| is(&p.history, 2, "keep_all"));
    let depth = profiles.iter().filter_map(|p| p.depth).max().unwrap_or(0);
    let depth = match (keep_all, depth) {
        (true, _) => MOST,
        (_, 0) => 10,
        (_, depth) => depth.min(MOST),
    };
    match (best_effort, latched) {
        (_, true) => Qos::LatchedLast(depth),
        (true, false) => Qos::Sensor,
        (false, false) => Qos::KeepLast(depth),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_are_read() {
        let old = "- history: 1\n  depth: 7\n  reliability: 1\n  durability: 1\n  deadline:\n    sec: 1\n    nsec: 0\n";
        assert_eq!(offered(&profiles(old)), Qos::LatchedLast(7));
        let new = "- history: keep_last\n  depth: 5\n  reliability: best_effort\n  durability: volatile\n";
        assert_eq!(offered(&profiles(new)), Qos::Sensor);
        let all = "- {history: keep_all, depth: 0, reliability: reliable, durability: volatile}";
        assert_eq!(offered(&profiles(all)), Qos::KeepLast(MOST));
        for nothing in ["", "  ", "[]", "{", "text", "- 3", "\u{0}"] {
            assert_eq!(offered(&profiles(nothing)), Qos::KeepLast(10), "{nothing:?}");
        }
    }

    #[test]
    fn several_publishers_are_served_together() {
        let one = |reliability, durability| {
            format!("- {{reliability: {reliability}, durability: {durability}, depth: 3, history: 1}}\n")
        };
        let of = |texts: [String; 2]| offered(&profiles(&texts.concat()));
        assert_eq!(of([one(1, 1), one(1, 2)]), Qos::KeepLast(3));
        assert_eq!(of([one(1, 1), one(1, 1)]), Qos::LatchedLast(3));
        assert_eq!(of([one(1, 2), one(2, 2)]), Qos::Sensor);
    }
}
