//! The rules. Pure: crates in, sentences out.

use super::{
    read::{Crate, Kind},
    table::{ANYTHING, Fence, Room},
};

/// Lines that no file exceeds.
const MAX_LINES: usize = 600;
/// Names that would shadow Rust's own crates in the eyes of a reader and of a macro.
const TAKEN: [&str; 4] = ["core", "std", "alloc", "test"];

/// All that is wrong, one sentence each.
pub fn check(house: &[Crate], rooms: &[Room], fences: &[Fence]) -> Vec<String> {
    let mut wrong = Vec::new();
    for one in house {
        match rooms.iter().find(|room| room.name == one.name) {
            Some(room) => arrows(one, house, room, &mut wrong),
            None => wrong.push(format!(
                "{} is new: say in ARCHITECTURE.md and in xtask/src/arrows/table.rs what it may depend on",
                one.name
            )),
        }
        fenced(one, fences, rooms, &mut wrong);
        manners(one, &mut wrong);
    }
    wrong
}

fn arrows(one: &Crate, house: &[Crate], room: &Room, wrong: &mut Vec<String>) {
    for dependency in &one.dependencies {
        let ours = house.iter().any(|other| other.name == dependency.package);
        let allowed = room.may.iter().any(|name| *name == ANYTHING || *name == dependency.package);
        // Tests may look anywhere, but those of the messages: what lies at the bottom is tested at the bottom.
        let exempt = dependency.kind == Kind::Dev && one.name != "peregrine-msgs";
        if ours && !allowed && !exempt {
            let (from, to, reason) = (&one.name, &dependency.package, room.reason);
            wrong.push(format!("{from} -> {to} runs the wrong way: {reason}"));
        }
    }
}

fn fenced(one: &Crate, fences: &[Fence], rooms: &[Room], wrong: &mut Vec<String>) {
    let sees_all = rooms.iter().any(|room| room.name == one.name && room.may.contains(&ANYTHING));
    for dependency in one.dependencies.iter().filter(|dependency| dependency.kind != Kind::Dev && !sees_all) {
        let fence = fences.iter().find(|fence| fence.package == dependency.package);
        if let Some(fence) = fence.filter(|fence| !fence.rooms.contains(&one.name.as_str())) {
            let inside = fence.rooms.join(", ");
            wrong.push(format!("{} -> {}: only {inside} may, for {}", one.name, fence.package, fence.reason));
        }
    }
}

fn manners(one: &Crate, wrong: &mut Vec<String>) {
    let name = &one.name;
    for taken in one.libraries.iter().chain([name]).filter(|name| TAKEN.contains(&name.as_str())) {
        wrong.push(format!("{name} calls itself `{taken}`, which is a crate of Rust's own"));
    }
    match &one.readme {
        None => wrong
            .push(format!("{name} has no README.md: its purpose, what it may depend on, a short example")),
        Some(text) => {
            if !text.starts_with("# ") || paragraph(text).is_none() {
                wrong.push(format!("the README.md of {name} has no title with its purpose below"));
            }
            if !text.to_lowercase().contains("depend on") {
                wrong.push(format!("the README.md of {name} does not say what it may depend on"));
            }
        }
    }
    if !one.has_lints {
        wrong.push(format!("{name} does not take over the workspace's lints: [lints] workspace = true"));
    }
    if !one.colcon_knows {
        wrong.push(format!("{name} would be built by colcon as a package of its own: copy a COLCON_IGNORE beside its Cargo.toml"));
    }
    for (file, lines) in one.files.iter().filter(|(_, lines)| *lines > MAX_LINES) {
        wrong.push(format!("{file} has {lines} lines, more than {MAX_LINES}: make it several files"));
    }
}

/// The first lines of prose: no heading, no code, no list.
fn paragraph(text: &str) -> Option<&str> {
    text.lines()
        .skip(1)
        .find(|line| line.len() > 20 && line.starts_with(|c: char| c.is_alphanumeric() || c == '`'))
}

#[cfg(test)]
mod tests {
    use super::super::{
        read::Dependency,
        table::{FENCES, ROOMS},
    };
    use super::*;

    fn tidy(name: &str, dependencies: &[(&str, Kind)]) -> Crate {
        let one = |(package, kind): &(&str, Kind)| Dependency { package: (*package).to_owned(), kind: *kind };
        Crate {
            name: name.to_owned(),
            libraries: vec![name.replace('-', "_")],
            dependencies: dependencies.iter().map(one).collect(),
            readme: Some(format!(
                "# {name}\n\nA crate that shows what a crate is for.\n\nMay depend on: nothing.\n"
            )),
            has_lints: true,
            colcon_knows: true,
            files: vec![("src/lib.rs".to_owned(), MAX_LINES)],
        }
    }

    fn house(of: &[(&str, &[(&str, Kind)])]) -> Vec<String> {
        let mut crates: Vec<Crate> = of.iter().map(|(name, dependencies)| tidy(name, dependencies)).collect();
        for room in &ROOMS {
            if !crates.iter().any(|one| one.name == room.name) {
                crates.push(tidy(room.name, &[]));
            }
        }
        check(&crates, &ROOMS, &FENCES)
    }

    #[test]
    fn a_tidy_house_passes() {
        let wrong = house(&[
            ("peregrine-msgs", &[("serde", Kind::Normal), ("peregrine-msgs-codegen", Kind::Build)]),
            ("peregrine-core", &[("peregrine-frame", Kind::Normal), ("peregrine-msgs", Kind::Normal)]),
            ("peregrine-detector", &[("peregrine-models", Kind::Normal), ("peregrine-sim", Kind::Dev)]),
            ("peregrine-tests", &[("peregrine", Kind::Normal), ("ort", Kind::Normal)]),
        ]);
        assert_eq!(wrong, [""; 0]);
    }

    #[test]
    fn every_forbidden_arrow_is_found() {
        for (from, to, kind) in [
            ("peregrine-msgs", "peregrine-core", Kind::Normal),
            ("peregrine-msgs", "peregrine-core", Kind::Dev),
            ("peregrine-camera", "peregrine-detector", Kind::Normal),
            ("peregrine-avoidance", "peregrine-sim", Kind::Normal),
            ("peregrine-sim", "peregrine-avoidance", Kind::Normal),
            ("peregrine-core", "peregrine-models", Kind::Normal),
            ("peregrine-core", "peregrine-models", Kind::Build),
            ("peregrine-frame", "peregrine-msgs", Kind::Normal),
            ("peregrine-launch", "peregrine-sim", Kind::Normal),
            ("peregrine-models", "peregrine-core", Kind::Normal),
            ("peregrine", "peregrine-tests", Kind::Normal),
            ("xtask", "peregrine-msgs", Kind::Normal),
        ] {
            let wrong = house(&[(from, &[(to, kind)])]);
            assert_eq!(wrong.len(), 1, "{from} -> {to}: {wrong:?}");
            assert!(wrong[0].starts_with(&format!("{from} -> {to} runs the wrong way: ")), "{wrong:?}");
        }
    }

    #[test]
    fn fences_hold_for_what_ships() {
        let wrong = house(&[("peregrine-detector", &[("tokio", Kind::Normal), ("ort", Kind::Dev)])]);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(
            wrong[0].contains("peregrine-detector -> tokio: only peregrine-zenoh, peregrine-gz, peregrine, peregrine-bench may"),
            "{wrong:?}"
        );
    }

    #[test]
    fn manners_are_asked_of_every_crate() {
        let mut new = tidy("peregrine-new", &[]);
        new.readme = None;
        new.has_lints = false;
        new.colcon_knows = false;
        new.files = vec![("src/all.rs".to_owned(), MAX_LINES + 1)];
        new.libraries = vec!["core".to_owned()];
        let wrong = check(&[new], &ROOMS, &FENCES).join("\n");
        let parts = [
            "peregrine-new is new",
            "`core`",
            "no README.md",
            "lints",
            "COLCON_IGNORE",
            "src/all.rs has 601 lines",
        ];
        for part in parts {
            assert!(wrong.contains(part), "{part}: {wrong}");
        }
        let mut terse = tidy("xtask", &[]);
        terse.readme = Some("# xtask\n\n## Use\n".to_owned());
        let wrong = check(&[terse], &ROOMS, &FENCES);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
    }
}
