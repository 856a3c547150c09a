//! Seeds, and damage done to them that repeats bit for bit.

use std::{fs, path::Path};

use super::Entry;

/// Larger files make slow seeds.
const MAX_SEED: u64 = 64 * 1024;

/// The seeds of a target, by file name: those of `fuzz/seeds` and the samples.
///
/// # Errors
/// A folder that cannot be read.
pub fn seeds(repository: &Path, entry: &Entry) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let own = (format!("fuzz/seeds/{}", entry.name), String::new());
    let samples = entry.samples.iter().map(|(folder, ending)| ((*folder).to_owned(), (*ending).to_owned()));
    let mut found = Vec::new();
    for (folder, ending) in std::iter::once(own).chain(samples) {
        for file in fs::read_dir(repository.join(&folder))? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            let metadata = file.metadata()?;
            if metadata.is_file() && name.ends_with(&ending) && metadata.len() <= MAX_SEED {
                found.push((format!("{folder}/{name}"), fs::read(file.path())?));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A small generator (xorshift64*). No clock, no global state.
pub struct Dice(u64);

impl Dice {
    /// One sequence per seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number from 0 to below `bound`; 0 when `bound` is 0.
    pub fn roll(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        high as usize % bound.max(1)
    }
}

/// Words that parsers stumble over.
const WORDS: [&[u8]; 24] = [
    b"\0",
    b"\xFF\xFF\xFF\xFF",
    b"\x7F\xFF\xFF\xFF",
    b"-1",
    b"1e308",
    b"nan",
    b"-inf",
    b"18446744073709551616",
    b"\"",
    b"'",
    b"<",
    b"</",
    b"]]>",
    b"&#0;",
    b"<!--",
    b"$(var ",
    b"$(eval ",
    b")",
    b": ",
    b"- ",
    b"\n",
    b"\xE2\x80",
    b"[[",
    b"{",
];

/// A damaged copy: bits flipped, bytes overwritten, pieces cut out, doubled, moved, words put in; one to five times.
pub fn mutate(seed: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.roll(5) {
        let at = dice.roll(bytes.len() + 1);
        let end = (at + 1 + dice.roll(40)).min(bytes.len());
        match dice.roll(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.roll(8),
            1 if at < bytes.len() => bytes[at] = dice.roll(256) as u8,
            2 => bytes.truncate(at),
            3 if at < end => drop(bytes.drain(at..end)),
            4 if at < end => {
                let piece = bytes[at..end].to_vec();
                let to = dice.roll(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            5 if at < end => bytes[at..end].reverse(),
            _ => drop(bytes.splice(at..at, WORDS[dice.roll(WORDS.len())].iter().copied())),
        }
    }
    bytes
}
