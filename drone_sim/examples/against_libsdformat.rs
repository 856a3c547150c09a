//! Reads SDF files with this crate and with libsdformat 12, and says where the two differ: poses, masses, moments, shapes,
//! sensors, joints, lights, frames.
//!
//! `cargo run -p peregrine-sim --example against_libsdformat -- [--path MODELS]... FILE|FOLDER...`
//!
//! Folders are searched for `.sdf` and `.world` files. Includes are looked up in the folders of `--path`. Files of a version that
//! libsdformat 12 does not know yet (1.10 and later) are handed to it as 1.9. At the end stands what of the files is not
//! simulated, by name, in how many files. The exit status is 1 if the two differ anywhere, or if this crate refuses what
//! libsdformat takes.

#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../tests/oracle/lines.rs"]
mod lines;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use peregrine_sim::sdf::{Loader, MeshPolicy};

/// What came of each file, counted.
#[derive(Default)]
struct Tally {
    verdicts: BTreeMap<&'static str, u32>,
    unsupported: BTreeMap<String, (u32, u32)>,
    lines: usize,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (mut files, mut loader) = (Vec::new(), Loader::from_env());
    loader.mesh = MeshPolicy::Load;
    let mut args = std::env::args_os().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--path" {
            loader.paths.extend(args.next().map(PathBuf::from));
        } else {
            gather(Path::new(&arg), &mut files)?;
        }
    }
    let folder = tempfile::tempdir()?;
    let program = lines::oracle(folder.path())?;
    let mut tally = Tally::default();
    for file in &files {
        let verdict = compare(&program, folder.path(), file, &loader, &mut tally)?;
        *tally.verdicts.entry(verdict).or_insert(0) += 1;
    }
    println!("\n{} files, {} lines equal", files.len(), tally.lines);
    tally.verdicts.iter().for_each(|(verdict, n)| println!("  {n:>4} {verdict}"));
    println!("not simulated: in files, in all, what");
    let mut list: Vec<_> = tally.unsupported.iter().collect();
    list.sort_by_key(|(_, (files, _))| std::cmp::Reverse(*files));
    list.iter().for_each(|(name, (files, all))| println!("  {files:>4} {all:>5} {name}"));
    let bad = ["differs", "refused here only"].iter().any(|v| tally.verdicts.contains_key(v));
    Ok(ExitCode::from(u8::from(bad)))
}

fn gather(path: &Path, out: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_file() {
        out.push(path.to_path_buf());
        return Ok(());
    }
    let mut inside: Vec<PathBuf> = std::fs::read_dir(path)?.flatten().map(|e| e.path()).collect();
    inside.sort();
    for p in inside {
        if p.is_dir() || p.extension().is_some_and(|e| e == "sdf" || e == "world") {
            gather(&p, out)?;
        }
    }
    Ok(())
}

fn compare(
    program: &Path,
    folder: &Path,
    file: &Path,
    loader: &Loader,
    tally: &mut Tally,
) -> Result<&'static str, Box<dyn Error>> {
    let paths = std::env::join_paths(&loader.paths)?;
    // Beside the file itself, so that relative names mean the same.
    let known = as_known(file)?;
    let out = Command::new(program)
        .arg(std::path::absolute(known.as_deref().unwrap_or(file))?)
        .env("SDF_PATH", paths)
        .current_dir(folder)
        .output();
    if let Some(copy) = &known {
        std::fs::remove_file(copy)?;
    }
    let out = out?;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let verdict = match (loader.load_file(file), out.status.success()) {
        (Err(_), false) => "refused by both",
        (Err(error), true) => {
            println!("{}\n  {error}", file.display());
            "refused here only"
        }
        (Ok(loaded), false) => {
            let warned = if loaded.report.warnings.is_empty() { "silently" } else { "with warnings" };
            println!("{}\n  taken {warned}, libsdformat: {}", file.display(), first_error(&said));
            "taken here only"
        }
        (Ok(loaded), true) => {
            for (name, n) in &loaded.report.ignored {
                let seen = tally.unsupported.entry(name.clone()).or_default();
                (seen.0, seen.1) = (seen.0 + 1, seen.1 + n);
            }
            let (ours, mut theirs) =
                (lines::ours(&loaded), lines::theirs(&String::from_utf8_lossy(&out.stdout)));
            // Sensors that are listed as not simulated are no difference.
            let unknown = loaded.report.ignored.keys().any(|name| name.starts_with("link/sensor["));
            theirs.retain(|key, _| !unknown || !key.starts_with("sensor ") || ours.contains_key(key));
            let differing = lines::differences(&ours, &theirs, |_| false);
            tally.lines += ours.len() - differing.len().min(ours.len());
            if differing.is_empty() {
                return Ok("equal");
            }
            println!("{}\n{}", file.display(), differing.concat());
            loaded.report.warnings.iter().take(4).for_each(|w| println!("  {w}"));
            "differs"
        }
    };
    Ok(verdict)
}

fn first_error(said: &str) -> &str {
    said.lines().find(|l| !l.contains("Warning") && !l.is_empty()).unwrap_or("no word")
}

/// A copy of the file that calls itself 1.9, if it is newer than that.
fn as_known(file: &Path) -> std::io::Result<Option<PathBuf>> {
    let text = String::from_utf8_lossy(&std::fs::read(file)?).into_owned();
    let newer =
        ["10", "11", "12"].iter().flat_map(|v| [format!("version='1.{v}'"), format!("version=\"1.{v}\"")]);
    let Some(found) = newer.into_iter().find(|v| text.contains(v.as_str())) else { return Ok(None) };
    let copy = file.with_extension("as_1_9");
    std::fs::write(&copy, text.replacen(&found, "version='1.9'", 1))?;
    Ok(Some(copy))
}
