//! Where packages are: `$(find-pkg-share NAME)` and the reading of the files below it.
//!
//! Peregrine's own share directory is embedded in the program, under a path that cannot be on disk; every other
//! package is looked up in the prefixes given (`AMENT_PREFIX_PATH`), so a launch file may use parameter files of any
//! installed ROS package.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// The prefix of embedded paths.
const EMBEDDED: &str = "embedded:/peregrine";
/// The demo in XML, as a path that [`Share::embedded`] can read.
pub const DEMO_XML: &str = "embedded:/peregrine/launch/demo.launch.xml";
/// The demo in YAML.
pub const DEMO_YAML: &str = "embedded:/peregrine/launch/demo.launch.yaml";

/// A real vehicle, in XML.
pub const ROBOT_XML: &str = "embedded:/peregrine/launch/robot.launch.xml";

/// The embedded files: path below the share directory, text.
const FILES: [(&str, &str); 6] = [
    ("launch/demo.launch.xml", include_str!("../launch/demo.launch.xml")),
    ("launch/demo.launch.yaml", include_str!("../launch/demo.launch.yaml")),
    ("launch/robot.launch.xml", include_str!("../launch/robot.launch.xml")),
    ("params/demo.yaml", include_str!("../params/demo.yaml")),
    ("params/gz_x500.yaml", include_str!("../params/gz_x500.yaml")),
    ("params/robot.yaml", include_str!("../params/robot.yaml")),
];

/// Finds packages and reads files. The only way by which planning touches the world.
pub trait Packages {
    /// The share directory of a package, or `None` if it is unknown.
    fn share(&self, package: &str) -> Option<String>;
    /// The install prefix of a package, or `None`.
    fn prefix(&self, package: &str) -> Option<String>;
    /// The names of known packages, for suggestions.
    fn known(&self) -> Vec<String>;
    /// Reads a text file.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, path: &str) -> io::Result<String>;
}

/// The usual [`Packages`]: Peregrine's files embedded or from a directory, others from install prefixes.
#[derive(Clone, Debug, Default)]
pub struct Share {
    directories: BTreeMap<String, PathBuf>,
    prefixes: Vec<PathBuf>,
}

impl Share {
    /// Peregrine's own files from inside the program, and nothing else.
    #[must_use]
    pub fn embedded() -> Self {
        Self::default()
    }

    /// Takes the share directory of `package` from `directory`; for `peregrine` instead of the embedded one.
    #[must_use]
    pub fn with_package(mut self, package: &str, directory: impl Into<PathBuf>) -> Self {
        self.directories.insert(package.to_owned(), directory.into());
        self
    }

    /// Also looks into install prefixes, the first one first; `path` as in `AMENT_PREFIX_PATH`, separated by colons.
    #[must_use]
    pub fn with_prefix_path(mut self, path: &str) -> Self {
        self.prefixes.extend(path.split(':').filter(|prefix| !prefix.is_empty()).map(PathBuf::from));
        self
    }

    fn installed(&self, package: &str) -> Option<&PathBuf> {
        if package.is_empty() || package.contains(['/', '\\']) || package.starts_with('.') {
            return None;
        }
        self.prefixes.iter().find(|prefix| prefix.join("share").join(package).is_dir())
    }
}

impl Packages for Share {
    fn share(&self, package: &str) -> Option<String> {
        if let Some(directory) = self.directories.get(package) {
            return Some(directory.to_string_lossy().into_owned());
        }
        if let Some(prefix) = self.installed(package) {
            return Some(prefix.join("share").join(package).to_string_lossy().into_owned());
        }
        (package == "peregrine").then(|| EMBEDDED.to_owned())
    }

    fn prefix(&self, package: &str) -> Option<String> {
        self.installed(package).map(|prefix| prefix.to_string_lossy().into_owned())
    }

    fn known(&self) -> Vec<String> {
        let mut names = vec!["peregrine".to_owned()];
        names.extend(self.directories.keys().cloned());
        for prefix in &self.prefixes {
            let entries = std::fs::read_dir(prefix.join("share")).into_iter().flatten().flatten();
            names.extend(entries.filter_map(|entry| entry.file_name().into_string().ok()));
        }
        names.sort();
        names.dedup();
        names
    }

    fn read(&self, path: &str) -> io::Result<String> {
        let Some(inside) = path.strip_prefix(EMBEDDED) else {
            return std::fs::read_to_string(Path::new(path));
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in inside.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                name => parts.push(name),
            }
        }
        let wanted = parts.join("/");
        let found = FILES.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| {
            let names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
            io::Error::new(io::ErrorKind::NotFound, format!("embedded are only {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_files_and_prefixes() {
        let share = Share::embedded();
        assert!(share.read(DEMO_XML).unwrap().contains("<launch"));
        assert!(share.read("embedded:/peregrine/launch/../params/demo.yaml").is_ok());
        assert!(
            share.read("embedded:/peregrine/nothing").unwrap_err().to_string().contains("demo.launch.xml")
        );
        assert_eq!(share.share("other"), None);

        let prefix = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(prefix.path().join("share/robot/params")).unwrap();
        std::fs::write(prefix.path().join("share/robot/params/a.yaml"), "x").unwrap();
        let share = share.with_prefix_path(&format!(":{}", prefix.path().display()));
        let found = share.share("robot").unwrap();
        assert_eq!(share.read(&format!("{found}/params/a.yaml")).unwrap(), "x");
        assert_eq!(share.prefix("robot").unwrap(), prefix.path().to_string_lossy());
        assert_eq!(share.share("../robot"), None);
        assert_eq!(share.known(), ["peregrine", "robot"]);
        let share = share.with_package("peregrine", "/opt/p");
        assert_eq!(share.share("peregrine").unwrap(), "/opt/p");
    }
}
