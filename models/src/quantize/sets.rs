//! Which photos choose, and which judge.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::eval::Dataset;
use crate::model::sha256;
use crate::{Error, Result};

/// Labelled photos in two parts that share none.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    /// Candidates are chosen by these.
    pub search: Dataset,
    /// The verdict is on these alone.
    pub held_out: Dataset,
}

impl Validation {
    /// Every other photo of one set is held out.
    ///
    /// # Errors
    /// `PG-0470` for a set of one photo.
    pub fn split(data: &Dataset) -> Result<Self> {
        if data.items.len() < 2 {
            let detail =
                "it holds one photo; one part chooses and another judges, so at least two are needed"
                    .to_owned();
            return Err(Error::Dataset { path: PathBuf::from(&data.name), line: 0, detail });
        }
        let part = |of: usize| Dataset {
            name: data.name.clone(),
            items: data.items.iter().skip(of).step_by(2).cloned().collect(),
        };
        Ok(Self { search: part(0), held_out: part(1) })
    }

    /// True boxes of the photos held out that count.
    pub fn truths(&self) -> usize {
        self.held_out.items.iter().flat_map(|item| &item.boxes).filter(|one| !one.crowd).count()
    }

    /// Refuses photos that are held out and yet were seen before: in the search or in the calibration, by the same bytes
    /// under whatever name.
    ///
    /// # Errors
    /// `PG-0470` naming both.
    pub(super) fn check(&self, calibration: &[PathBuf]) -> Result<()> {
        let mut seen = BTreeMap::new();
        let search = self.search.items.iter().map(|item| (&item.path, "the photos of the search"));
        for (path, of) in calibration.iter().map(|path| (path, "the photos of the calibration")).chain(search)
        {
            seen.entry(fingerprint(path)?).or_insert((path, of));
        }
        for item in &self.held_out.items {
            if let Some((twin, of)) = seen.get(&fingerprint(&item.path)?) {
                let detail = format!(
                    "it is held out for the verdict and, as {}, among {of}: the verdict would be too kind; take one away",
                    twin.display()
                );
                return Err(Error::Dataset { path: item.path.clone(), line: 0, detail });
            }
        }
        Ok(())
    }
}

fn fingerprint(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|source| Error::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    Ok(sha256(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Item;

    fn set(folder: &Path, names: &[&str]) -> Dataset {
        let item = |name: &&str| {
            let path = folder.join(name);
            std::fs::write(&path, name.trim_start_matches("copy_")).unwrap();
            Item { path, boxes: Vec::new() }
        };
        Dataset { name: "set".into(), items: names.iter().map(item).collect() }
    }

    #[test]
    fn halves_share_no_photo() {
        let folder = tempfile::tempdir().unwrap();
        let all = set(folder.path(), &["a", "b", "c", "d", "e"]);
        let sets = Validation::split(&all).unwrap();
        assert_eq!((sets.search.items.len(), sets.held_out.items.len()), (3, 2));
        sets.check(&[]).unwrap();
        let one = Dataset { items: all.items[..1].to_vec(), ..all };
        assert_eq!(Validation::split(&one).unwrap_err().code(), "PG-0470");
    }

    #[test]
    fn a_photo_that_was_seen_before_is_no_judge() {
        let folder = tempfile::tempdir().unwrap();
        let sets =
            Validation { search: set(folder.path(), &["a", "b"]), held_out: set(folder.path(), &["c", "d"]) };
        let calibration = |name: &str| set(folder.path(), &[name]).items[0].path.clone();
        sets.check(&[calibration("e")]).unwrap();
        // Of the search it may be: that only chooses.
        sets.check(&[calibration("copy_a")]).unwrap();
        let error = sets.check(&[calibration("copy_c")]).unwrap_err().to_string();
        assert!(
            error.contains("PG-0470") && error.contains("copy_c") && error.contains("calibration"),
            "{error}"
        );
        let held_out = set(folder.path(), &["copy_b"]);
        let error = Validation { held_out, ..sets }.check(&[]).unwrap_err().to_string();
        assert!(error.contains("search"), "{error}");
    }
}
