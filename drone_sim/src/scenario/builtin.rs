//! Worlds by name.

use std::path::Path;

use super::forest::{ForestSpec, forest};
use super::from_sdf::from_sdf;
use super::world::World;
use crate::error::{Result, SimError};
use crate::sdf::Loader;

/// Names that [`build`] knows.
pub const NAMES: [&str; 4] = ["forest", "empty", "slalom", "wall"];

const STATIC: [(&str, &str); 3] = [
    ("empty", include_str!("../../worlds/empty.sdf")),
    ("slalom", include_str!("../../worlds/slalom.sdf")),
    ("wall", include_str!("../../worlds/wall.sdf")),
];

/// The built-in world `name`, or the SDF file of that name. `spec` shapes the forest; of an SDF world it gives goal
/// distance and altitude where the file names no frames `start` and `goal`.
///
/// # Errors
/// PG-1020 for an unknown name; those of [`forest`] and of the SDF loader.
pub fn build(name: &str, spec: &ForestSpec) -> Result<World> {
    if name == "forest" {
        return forest(spec);
    }
    if let Some((_, text)) = STATIC.iter().find(|(n, _)| *n == name) {
        // Without files, so that a `sun` on the user's resource path does not change a world of ours.
        let loaded = Loader::without_files().load_str(text, &format!("{name}.sdf"))?;
        return from_sdf(loaded, name, spec.goal_distance, spec.altitude);
    }
    let path = Path::new(name);
    let is_file = path.extension().is_some_and(|e| e == "sdf" || e == "world" || e == "xml");
    if !is_file && !path.is_file() {
        return Err(SimError::UnknownWorld { name: name.to_string(), known: NAMES.join(", ") });
    }
    let loaded = Loader::from_env().load_file(path)?;
    from_sdf(loaded, name, spec.goal_distance, spec.altitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_builds_and_nothing_of_it_is_ignored() {
        for name in NAMES {
            let world = build(name, &ForestSpec::default()).unwrap();
            assert_eq!(world.name, name);
            if let Some(report) = &world.report {
                assert!(report.is_complete(), "{name}: {report}");
            }
            assert!(world.solids.nearest_plane(&world.start).is_some(), "{name} has ground");
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let text = build("forrest", &ForestSpec::default()).unwrap_err().to_string();
        assert!(text.starts_with("PG-1020") && text.contains("slalom"), "{text}");
        let text = build("no/such.sdf", &ForestSpec::default()).unwrap_err().to_string();
        assert!(text.starts_with("PG-1001"), "{text}");
    }
}
