//! `metadata.yaml`, which says what lies in a bag's directory.

use std::path::{Component, Path};

use serde::Deserialize;

use crate::error::{RecorderError, Result};

/// Larger texts are no metadata.
const MAX_BYTES: usize = 16 << 20;

/// What playing needs of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// MCAP files, in the order of time, relative to the directory.
    pub files: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    rosbag2_bagfile_information: Information,
}

#[derive(Deserialize)]
struct Information {
    storage_identifier: String,
    #[serde(default)]
    compression_format: Option<String>,
    #[serde(default)]
    compression_mode: Option<String>,
    relative_file_paths: Vec<String>,
}

impl Metadata {
    /// Reads the text of the file beside `directory`'s MCAP files.
    ///
    /// # Errors
    /// [`RecorderError::NoBag`], [`RecorderError::Storage`], [`RecorderError::Compressed`].
    pub(crate) fn parse(directory: &Path, text: &str) -> Result<Self> {
        let no_bag = |reason: String| RecorderError::NoBag { path: directory.to_owned(), reason };
        if text.len() > MAX_BYTES {
            return Err(no_bag(format!("its metadata.yaml is larger than {MAX_BYTES} bytes")));
        }
        let file: File = serde_saphyr::from_str(text)
            .map_err(|error| no_bag(format!("its metadata.yaml is not rosbag2's: {error}")))?;
        let information = file.rosbag2_bagfile_information;
        if information.storage_identifier != "mcap" {
            let (path, storage) = (directory.to_owned(), information.storage_identifier);
            return Err(RecorderError::Storage { path, storage });
        }
        let mode = information.compression_mode.unwrap_or_default().to_lowercase();
        if matches!(mode.as_str(), "file" | "message") {
            let compression =
                format!("{} of each {mode}", information.compression_format.unwrap_or_default());
            return Err(RecorderError::Compressed { path: directory.to_owned(), compression });
        }
        // A name leads into the directory and nowhere else.
        let inside = |name: &String| {
            let mut parts = Path::new(name).components();
            matches!(parts.next(), Some(Component::Normal(_)))
                && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        if let Some(outside) = information.relative_file_paths.iter().find(|name| !inside(name)) {
            return Err(no_bag(format!("its metadata.yaml names the file '{outside}' outside of it")));
        }
        if information.relative_file_paths.is_empty() {
            return Err(no_bag("its metadata.yaml names no file".to_owned()));
        }
        Ok(Self { files: information.relative_file_paths })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(rest: &str) -> std::result::Result<Metadata, String> {
        let text = format!("rosbag2_bagfile_information:\n  version: 9\n{rest}");
        Metadata::parse(Path::new("bag"), &text).map_err(|error| error.to_string())
    }

    #[test]
    fn files_and_refusals() {
        let good = "  storage_identifier: mcap\n  relative_file_paths: [a_0.mcap, a_1.mcap]\n";
        assert_eq!(parse(good).unwrap().files, ["a_0.mcap", "a_1.mcap"]);
        for (rest, code, words) in [
            (
                "  storage_identifier: sqlite3\n  relative_file_paths: [a.db3]\n",
                "PG-0811",
                "rosbags-convert --src bag",
            ),
            (
                "  storage_identifier: mcap\n  compression_mode: FILE\n  compression_format: zstd\n  relative_file_paths: [a]\n",
                "PG-0813",
                "zstd of each file",
            ),
            ("  storage_identifier: mcap\n  relative_file_paths: [../a.mcap]\n", "PG-0810", "outside"),
            ("  storage_identifier: mcap\n  relative_file_paths: [/etc/passwd]\n", "PG-0810", "outside"),
            ("  storage_identifier: mcap\n  relative_file_paths: []\n", "PG-0810", "no file"),
            ("  storage_identifier: mcap\n", "PG-0810", "not rosbag2's"),
        ] {
            let error = parse(rest).unwrap_err();
            assert!(error.starts_with(code) && error.contains(words), "{error}");
        }
    }
}
