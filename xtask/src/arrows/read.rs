//! The workspace as cargo sees it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::shell::{Outcome, cargo, root};

/// When a dependency is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Always.
    Normal,
    /// For the build script.
    Build,
    /// For tests, examples and benchmarks.
    Dev,
}

/// One line of a `[dependencies]` table.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The package, not what it is renamed to.
    pub package: String,
    /// Its table.
    pub kind: Kind,
}

/// One crate.
#[derive(Clone, Debug, Default)]
pub struct Crate {
    /// The package's name.
    pub name: String,
    /// Names that Rust code calls its library by.
    pub libraries: Vec<String>,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
    /// The text of README.md.
    pub readme: Option<String>,
    /// Whether `[lints] workspace = true`.
    pub has_lints: bool,
    /// Whether colcon builds it (package.xml) or passes it by (COLCON_IGNORE), and not by accident.
    pub colcon_knows: bool,
    /// Rust files with their number of lines.
    pub files: Vec<(String, usize)>,
}

/// All crates of the workspace.
pub fn workspace() -> Outcome<Vec<Crate>> {
    let output = cargo(&["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|error| format!("cargo metadata cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata printed no JSON: {error}"))?;
    metadata["packages"].as_array().ok_or("cargo metadata names no packages")?.iter().map(one).collect()
}

fn one(package: &Value) -> Outcome<Crate> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let manifest = PathBuf::from(text(&package["manifest_path"]));
    let folder = manifest.parent().ok_or("a manifest has no folder")?;
    let source = fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
    let dependencies = list(&package["dependencies"]).into_iter().map(|dependency| Dependency {
        package: text(&dependency["name"]),
        kind: match dependency["kind"].as_str() {
            Some("dev") => Kind::Dev,
            Some("build") => Kind::Build,
            _ => Kind::Normal,
        },
    });
    let is_library =
        |target: &&Value| list(&target["kind"]).iter().any(|kind| kind == "lib" || kind == "proc-macro");
    let targets = list(&package["targets"]);
    let mut files = Vec::new();
    for part in ["src", "tests", "examples", "benches"] {
        measure(&folder.join(part), &mut files);
    }
    files.sort();
    Ok(Crate {
        name: text(&package["name"]),
        libraries: targets.iter().filter(is_library).map(|target| text(&target["name"])).collect(),
        dependencies: dependencies.collect(),
        readme: fs::read_to_string(folder.join("README.md")).ok(),
        has_lints: inherits_lints(&source),
        colcon_knows: ["package.xml", "COLCON_IGNORE"].iter().any(|file| folder.join(file).is_file()),
        files,
    })
}

/// Whether a manifest takes over the workspace's lints.
fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.any(|line| line.replace(' ', "") == "workspace=true")
}

fn measure(folder: &Path, files: &mut Vec<(String, usize)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            measure(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let lines = fs::read_to_string(&path).map_or(0, |text| text.lines().count());
            files.push((path.strip_prefix(root()).unwrap_or(&path).display().to_string(), lines));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_read() {
        let house = workspace().unwrap();
        let xtask = house.iter().find(|c| c.name == "xtask").unwrap();
        assert!(xtask.has_lints && xtask.readme.is_some() && xtask.libraries.is_empty());
        assert!(xtask.dependencies.iter().any(|d| d.package == "serde_json" && d.kind == Kind::Normal));
        assert!(xtask.files.iter().any(|(file, lines)| file == "xtask/src/arrows/read.rs" && *lines > 100));
        let macros = house.iter().find(|c| c.name == "peregrine-macros").unwrap();
        assert_eq!(macros.libraries, ["peregrine_macros"]);
        let msgs = house.iter().find(|c| c.name == "peregrine-msgs").unwrap();
        assert!(msgs.dependencies.iter().any(|d| d.kind == Kind::Build));
    }

    #[test]
    fn lints_are_found_in_their_table_only() {
        assert!(inherits_lints("[package]\nname = \"a\"\n[lints]\nworkspace = true\n"));
        assert!(!inherits_lints("[dependencies.b]\nworkspace = true\n[lints]\n"));
        assert!(!inherits_lints("[package]\nname = \"a\"\n"));
    }
}
