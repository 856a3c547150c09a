//! The file of a batch: a row per seed, whole rows only, and it can be gone on with.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Batch, HEADER, Row};
use crate::error::{Result, SimError};

/// A CSV file that grows row by row. Beside it, with `.spec` at the end of its name, lies what was flown, so that nobody
/// goes on with other options.
#[derive(Debug)]
pub struct Rows {
    path: PathBuf,
    file: File,
    done: usize,
}

impl Rows {
    /// Begins the file, or goes on after the last whole row of one that lists a beginning of `seeds`.
    ///
    /// # Errors
    /// PG-1001 if it cannot be read or written; PG-1021 if it holds something else, other seeds, flights by other options or in
    /// another state of the world's file.
    pub fn open(path: &Path, batch: &Batch, seeds: &[u64]) -> Result<Self> {
        let io = |cause| SimError::Read { path: path.to_path_buf(), cause };
        let other = |reason: &str| SimError::Parameter {
            name: "out",
            value: path.display().to_string(),
            reason: format!("{reason}; choose another file or remove this one"),
        };
        let beside = PathBuf::from(format!("{}.spec", path.display()));
        let options = format!("{:#?}\n", batch.spec());
        let wanted = format!("{options}world {:016x}\n", batch.world_number());
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(io(e)),
        };
        // What was cut off in the middle of a row is flown again.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].lines();
        let mut done = 0;
        if let Some(first) = lines.next() {
            if first != HEADER {
                return Err(other("which is no file of a batch"));
            }
            let told = std::fs::read_to_string(&beside).unwrap_or_default();
            if told != wanted {
                let edited = told.starts_with(&format!("{options}world "));
                let why = if edited { "in another state of the world's file" } else { "with other options" };
                return Err(other(&format!("which was flown {why}")));
            }
            for line in lines {
                let seed = line.split(',').next().and_then(|word| word.parse::<u64>().ok());
                if seed.is_none() || seed != seeds.get(done).copied() {
                    return Err(other("whose rows are not the first of the asked seeds"));
                }
                done += 1;
            }
        }
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(io)?;
        file.set_len(whole as u64).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        if whole == 0 {
            std::fs::write(&beside, wanted).map_err(io)?;
            writeln!(file, "{HEADER}").map_err(io)?;
        }
        Ok(Self { path: path.to_path_buf(), file, done })
    }

    /// How many rows there were when it was opened: that many seeds need not be flown.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Adds a row.
    ///
    /// # Errors
    /// PG-1001 if it cannot be written.
    pub fn add(&mut self, row: &Row) -> Result<()> {
        // One write, so that a kill leaves at most one row cut off.
        let written = self.file.write_all(format!("{row}\n").as_bytes());
        written.map_err(|cause| SimError::Read { path: self.path.clone(), cause })
    }
}

/// Seeds in words: `1..100` (both included), `7`, `1,5,9`, or several with commas between.
///
/// # Errors
/// PG-1021 for anything else, and for more than ten million.
pub fn seeds(text: &str) -> Result<Vec<u64>> {
    let bad = |reason: &str| SimError::Parameter {
        name: "seeds",
        value: format!("\"{text}\""),
        reason: format!("{reason}; write for example 1..100 or 3,5,8"),
    };
    let mut out = Vec::new();
    for part in text.split(',').map(str::trim) {
        let number = |word: &str| word.trim().trim_start_matches('=').parse::<u64>();
        let (low, high) = part.split_once("..").unwrap_or((part, part));
        let (Ok(low), Ok(high)) = (number(low), number(high)) else {
            return Err(bad("which is no list of seeds"));
        };
        if high < low || high - low >= 10_000_000 || out.len() > 10_000_000 {
            return Err(bad("which is empty or too many"));
        }
        out.extend(low..=high);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::super::{BatchSpec, Truthful};
    use super::*;
    use crate::flight::Rules;
    use crate::physics::WindSpec;

    fn spec() -> BatchSpec {
        let rules = Rules { time_limit_ns: 500_000_000, ..Rules::default() };
        let wind = WindSpec { turbulence: 8.0, ..WindSpec::default() };
        BatchSpec { world: "slalom".to_string(), pilot: Truthful::Hover, rules, wind, ..BatchSpec::default() }
    }

    fn fly(path: &Path, seeds: &[u64], most: usize) -> Result<usize> {
        let batch = Batch::new(&spec())?;
        let mut rows = Rows::open(path, &batch, seeds)?;
        let left = &seeds[rows.done()..];
        let left = &left[..left.len().min(most)];
        batch.run::<SimError>(left, 2, &AtomicBool::new(false), |row| rows.add(&row))?;
        Ok(rows.done())
    }

    #[test]
    fn a_batch_that_was_cut_off_ends_as_one_that_was_not() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
        let all = seeds("1..6").unwrap();
        fly(&a, &all, 99).unwrap();
        fly(&b, &all, 3).unwrap();
        // Killed in the middle of a row.
        let cut = std::fs::read_to_string(&b).unwrap();
        std::fs::write(&b, &cut[..cut.len() - 9]).unwrap();
        assert_eq!(fly(&b, &all, 99).unwrap(), 2);
        assert_eq!(std::fs::read_to_string(&a).unwrap(), std::fs::read_to_string(&b).unwrap());
        assert_eq!(fly(&b, &all, 99).unwrap(), 6, "nothing is left to do");
    }

    #[test]
    fn other_files_seeds_and_options_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fly(&path, &[1, 2, 3], 99).unwrap();
        let refused = |spec: &BatchSpec, seeds: &[u64]| {
            Rows::open(&path, &Batch::new(spec).unwrap(), seeds).unwrap_err().to_string()
        };
        assert!(refused(&spec(), &[4, 5, 6]).contains("not the first of the asked seeds"));
        assert!(refused(&BatchSpec { speed: 9.0, ..spec() }, &[1, 2, 3]).contains("other options"));
        // The same options, but the world says another number.
        let beside = folder.path().join("a.csv.spec");
        let told = std::fs::read_to_string(&beside).unwrap();
        let last = told.trim_end().len();
        std::fs::write(&beside, format!("{}0000000000000000\n", &told[..last - 16])).unwrap();
        assert!(refused(&spec(), &[1, 2, 3]).contains("another state of the world's file"));
        std::fs::write(&path, "name,age\n").unwrap();
        assert!(refused(&spec(), &[1]).contains("no file of a batch"));
    }

    #[test]
    fn seeds_are_read_in_words() {
        assert_eq!(seeds("1..4").unwrap(), [1, 2, 3, 4]);
        assert_eq!(seeds("7, 9..10").unwrap(), [7, 9, 10]);
        for wrong in ["", "a", "5..1", "1..99999999999"] {
            assert!(seeds(wrong).unwrap_err().to_string().starts_with("PG-1021"), "{wrong}");
        }
    }
}
