//! Gathers every error code of the house, with its text, for `peregrine doctor PG-xxxx`: what the sources say is what the
//! command explains, so that the two cannot part.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[path = "src/doctor/scan.rs"]
mod scan;

/// Rooms whose errors a user can meet.
const ROOMS: [&str; 7] = ["msgs", "core", "models", "nodes", "drone_sim", "launch", "cli"];

fn main() -> io::Result<()> {
    let cli = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = cli.parent().unwrap_or(&cli);
    let mut codes: BTreeMap<u16, Vec<scan::Found>> = BTreeMap::new();
    for room in ROOMS {
        for source in sources(&root.join(room))? {
            println!("cargo:rerun-if-changed={}", source.display());
            for file in files(&source)? {
                let text = fs::read_to_string(&file)?;
                let home = source.parent().unwrap_or(&source);
                let room = home.strip_prefix(root).unwrap_or(home).display().to_string();
                for (code, found) in scan::codes(&text, &room) {
                    codes.entry(code).or_default().push(found);
                }
            }
        }
    }
    println!("cargo:rerun-if-changed=build.rs");
    let mut out = String::from("&[\n");
    for (code, mut found) in codes {
        // The definition in an error enum comes first: it has a description.
        found.sort_by_key(|f| (f.summary.is_empty(), f.text.clone()));
        found.dedup_by(|a, b| a.text == b.text);
        for f in found {
            let scan::Found { room, summary, text } = f;
            out.push_str(&format!(
                "    Code {{ code: {code}, room: {room:?}, summary: {summary:?}, text: {text:?} }},\n"
            ));
        }
    }
    out.push(']');
    fs::write(Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join("codes.rs"), out)
}

/// The `src` folders of a room and the crates in it.
fn sources(room: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in sorted(room)? {
        if entry.is_dir() && entry.join("Cargo.toml").is_file() {
            found.extend(sources(&entry)?);
        } else if entry.is_dir() && entry.ends_with("src") {
            found.push(entry);
        }
    }
    Ok(found)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in sorted(folder)? {
        if entry.is_dir() {
            found.extend(files(&entry)?);
        } else if entry.extension().is_some_and(|e| e == "rs") && !entry.ends_with("tests.rs") {
            found.push(entry);
        }
    }
    Ok(found)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}
