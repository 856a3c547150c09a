//! How often a candidate was begun and not settled: one that takes the process with it (memory that is not there) would do so again
//! after every start. Against the end of the process alone, so nothing is synced.

use std::fs;
use std::path::Path;

use super::store::failed;
use crate::{Error, Result};

const BEGUN: &str = "begun";
/// A robot may be switched off twice while it looks at a candidate.
const MOST: u32 = 3;

/// One more beginning of this model.
///
/// # Errors
/// `PG-1919` when there were enough, `PG-0401`.
pub(super) fn begin(store: &Path, id: &str) -> Result<()> {
    let path = store.join(BEGUN);
    let times = super::bundle::read_at_most(&path, 200)
        .ok()
        .and_then(|text| {
            let text = String::from_utf8_lossy(&text).into_owned();
            let (own, times) = text.trim().split_once(' ')?;
            (own == id).then(|| times.parse::<u32>().ok())?
        })
        .unwrap_or(0);
    if times >= MOST {
        return Err(Error::CandidateKills { id: id.to_owned(), times });
    }
    fs::write(&path, format!("{id} {}\n", times + 1)).map_err(failed("write", &path))
}

/// It has been seen to, whatever came of it.
pub(super) fn settled(store: &Path) {
    // What cannot be removed counts for this one model.
    let _ = fs::remove_file(store.join(BEGUN));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_never_settled_is_begun_three_times() {
        let store = tempfile::tempdir().unwrap();
        let begin = |id: &str| begin(store.path(), id);
        for _ in 0..MOST {
            begin("a").unwrap();
        }
        assert_eq!(begin("a").unwrap_err().code(), "PG-1919");
        begin("b").unwrap();
        for _ in 0..MOST {
            begin("a").unwrap();
            settled(store.path());
        }
        begin("a").unwrap();
        fs::write(store.path().join(BEGUN), "what").unwrap();
        begin("a").unwrap();
    }
}
