//! `peregrine new my_node`: a crate with one node, its parameters, and a launch file that flies it in the demo.

use std::fs;
use std::path::{Path, PathBuf};

use peregrine_launch::{DEMO_XML, Packages, Share};

use crate::args::New;
use crate::error::{Error, Result};

const CARGO: &str = include_str!("../../templates/Cargo.toml.txt");
const NODE: &str = include_str!("../../templates/node.rs.txt");
const MAIN: &str = include_str!("../../templates/main.rs.txt");
const README: &str = include_str!("../../templates/README.md.txt");

pub fn run(args: &New) -> Result {
    let name = args.name.as_str();
    check_name(name)?;
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from(name));
    if fs::read_dir(&dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::Argument {
            what: "directory",
            value: dir.display().to_string(),
            why: "it is there already and not empty; choose another with --dir".into(),
        });
    }
    let home = repository(args.peregrine.as_deref())?;
    let type_name: String = name.split('_').map(capitalised).collect();
    let fill = |text: &str| {
        text.replace("{{name}}", name)
            .replace("{{Type}}", &type_name)
            .replace("{{peregrine}}", &home.display().to_string())
    };
    let launch = launch_file(name)?;
    for (file, text) in [
        ("Cargo.toml", fill(CARGO)),
        ("src/node.rs", fill(NODE)),
        ("src/main.rs", fill(MAIN)),
        ("README.md", fill(README)),
        ("launch/demo.launch.xml", launch),
    ] {
        let path = dir.join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
        }
        fs::write(&path, text).map_err(Error::file("write", &path))?;
    }
    println!(
        "wrote {}\n\n  cd {}\n  cargo run --release -- demo --launch launch/demo.launch.xml\n\n\
         flies the demo with your node in it; src/node.rs is the node.",
        dir.display(),
        dir.display()
    );
    Ok(())
}

fn check_name(name: &str) -> Result {
    let good = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if good {
        return Ok(());
    }
    Err(Error::Argument {
        what: "node name",
        value: name.to_owned(),
        why: "use lower-case letters, digits and '_', beginning with a letter".into(),
    })
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}

/// The repository for the path dependency: as given, or where this program was built from.
fn repository(given: Option<&Path>) -> Result<PathBuf> {
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf);
    let home = given.map(Path::to_path_buf).or(built_from).unwrap_or_default();
    let absolute = fs::canonicalize(&home).map_err(Error::file("find", &home))?;
    if absolute.join("cli/Cargo.toml").is_file() {
        return Ok(absolute);
    }
    Err(Error::Argument {
        what: "--peregrine",
        value: home.display().to_string(),
        why: "it is not a checkout of Peregrine (cli/Cargo.toml is missing); name one".into(),
    })
}

/// The demo's own launch file with the new node in its container, and among its processes.
fn launch_file(name: &str) -> Result<String> {
    let demo = Share::embedded().read(DEMO_XML).map_err(Error::file("read", DEMO_XML))?;
    let inside = format!("    <composable_node pkg=\"{name}\" plugin=\"{name}\" name=\"{name}\"/>\n");
    let alone = format!("    <node pkg=\"{name}\" exec=\"{name}\" name=\"{name}\"/>\n");
    insert(&insert(&demo, "</node_container>", &inside)?, "</group>", &alone)
}

/// The text with a line before the one that holds the last `mark`.
fn insert(text: &str, mark: &str, line: &str) -> Result<String> {
    let at = text.rfind(mark).map(|i| text[..i].rfind('\n').map_or(i, |line| line + 1));
    let at = at.ok_or_else(|| Error::Argument {
        what: "launch file",
        value: "demo.launch.xml".into(),
        why: format!("it has no {mark}; this is a bug"),
    })?;
    Ok(format!("{}{line}{}", &text[..at], &text[at..]))
}
