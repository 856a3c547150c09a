//! World files: lists of cylinders and boxes, in the JSON forms in which BARN's and forest_gen's worlds are kept.
//!
//! * `worlds` as a list (BARN): each `{"id", "cyl": [[x, y], ..], "box": [..], "ref_len_m", "start", "goal"}` with the
//!   common `cylinder_radius_m`, `start_xy_yaw`, `goal_rel_xy`, `goal_tol_m`, `timeout_s` at the top.
//! * `worlds` as an object (forest_gen): each a list of rows, whose columns `cols` names: `x_m`, `y_m`, `scale`, ...
//!
//! A cylinder is `[x, y]`, `[x, y, radius]` or `[x, y, radius, bottom, top]`; a box is `[x, y, z, length, width, height,
//! yaw]` about its middle. Metres and radians. Everything else in the file is ignored.

use std::path::Path;

use peregrine_avoidance::algo::geometry::Vec3;
use serde::Deserialize;

use crate::error::SuiteError;
use crate::rng::Random;
use crate::world::{Shape, World};

/// Trees of forest_gen are meshes of unit scale: their stems' radius per scale, metres. Crowns are taken as stems, so that
/// there is no way above or below.
const STEM: f64 = 0.5;
/// Bytes of the largest file that is read.
const LARGEST: u64 = 64 << 20;

/// Which of the two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A fixed start, a fixed goal, at one altitude.
    Barn,
    /// As given.
    Given,
    /// A field that is crossed on a bearing that the seed draws.
    Field,
}

/// Worlds of one file.
#[derive(Debug, Clone)]
pub struct WorldFile {
    form: Form,
    worlds: Vec<World>,
}

#[derive(Deserialize)]
struct Raw {
    cylinder_radius_m: Option<f64>,
    start_xy_yaw: Option<[f64; 3]>,
    goal_rel_xy: Option<[f64; 2]>,
    goal_tol_m: Option<f64>,
    timeout_s: Option<f64>,
    altitude_m: Option<f64>,
    cols: Option<Vec<String>>,
    worlds: Worlds,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Worlds {
    List(Vec<One>),
    Named(serde_json::Map<String, serde_json::Value>),
}

#[derive(Deserialize)]
struct One {
    #[serde(default)]
    cyl: Vec<Vec<f64>>,
    #[serde(default, rename = "box")]
    boxes: Vec<[f64; 7]>,
    ref_len_m: Option<f64>,
    start: Option<[f64; 3]>,
    goal: Option<[f64; 3]>,
}

impl WorldFile {
    /// One world made otherwise, with a start and a goal of its own.
    #[must_use]
    pub fn from_world(world: World) -> Self {
        Self { form: Form::Given, worlds: vec![world] }
    }

    fn of(form: Form, worlds: Vec<World>) -> Option<Self> {
        (!worlds.is_empty()).then_some(Self { form, worlds })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`SuiteError::Unreadable`], [`SuiteError::Malformed`].
    pub fn read(path: &Path) -> Result<Self, SuiteError> {
        let unreadable = |cause| SuiteError::Unreadable { path: path.to_owned(), cause };
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        if size > LARGEST {
            let cause = format!("it has {size} bytes, more than {LARGEST}");
            return Err(SuiteError::Malformed { path: path.to_owned(), cause });
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&text).map_err(|cause| SuiteError::Malformed { path: path.to_owned(), cause })
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let raw: Raw = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let altitude = raw.altitude_m.unwrap_or(1.5);
        let (form, worlds) = match &raw.worlds {
            Worlds::List(list) => {
                let worlds = list
                    .iter()
                    .enumerate()
                    .map(|(i, one)| listed(&raw, one, altitude).map_err(|e| format!("world {i}: {e}")));
                (Form::Barn, worlds.collect::<Result<Vec<_>, _>>()?)
            }
            Worlds::Named(named) => {
                let columns = raw.cols.as_deref().ok_or("`cols` is missing")?;
                let column = |name: &str| {
                    columns.iter().position(|c| c == name).ok_or(format!("`cols` lacks `{name}`"))
                };
                let (x, y, scale) = (column("x_m")?, column("y_m")?, column("scale")?);
                let worlds = named.iter().map(|(name, rows)| {
                    field(rows, [x, y, scale], altitude).map_err(|e| format!("world {name}: {e}"))
                });
                (Form::Field, worlds.collect::<Result<Vec<_>, _>>()?)
            }
        };
        let sound = |w: &World| {
            [w.start, w.goal].iter().all(|v| v.is_finite())
                && w.tolerance > 0.0
                && (0.0..=3600.0).contains(&w.timeout)
                && w.shapes.iter().all(|s| {
                    let (x, y, r) = s.disc();
                    x.is_finite() && y.is_finite() && (0.0..1e4).contains(&r)
                })
        };
        match worlds.iter().position(|w| !sound(w)) {
            Some(i) => Err(format!("world {i} holds a number that is not finite, or a size out of range")),
            None => Self::of(form, worlds).ok_or_else(|| "it holds no world".to_owned()),
        }
    }

    /// Which form it has.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// How many worlds.
    #[must_use]
    pub fn count(&self) -> usize {
        self.worlds.len()
    }

    /// The world of a seed: seeds go round the worlds; fields are crossed on a bearing of the seed's own.
    #[must_use]
    pub fn world(&self, seed: u64) -> World {
        let world = self.worlds[(seed % self.worlds.len() as u64) as usize].clone();
        if self.form == Form::Field { cross(world, seed) } else { world }
    }
}

fn listed(raw: &Raw, one: &One, altitude: f64) -> Result<World, String> {
    let [sx, sy, yaw] = raw.start_xy_yaw.unwrap_or([0.0, 0.0, 0.0]);
    let [gx, gy] = raw.goal_rel_xy.unwrap_or([10.0, 0.0]);
    let start = one.start.map_or(Vec3::new(sx, sy, altitude), |[x, y, z]| Vec3::new(x, y, z));
    let goal = one.goal.map_or(Vec3::new(sx + gx, sy + gy, altitude), |[x, y, z]| Vec3::new(x, y, z));
    let mut world = World::new(start, goal);
    if one.start.is_none() && raw.start_xy_yaw.is_some() {
        world.yaw = yaw;
    }
    world.tolerance = raw.goal_tol_m.unwrap_or(world.tolerance);
    world.timeout = raw.timeout_s.unwrap_or(world.timeout);
    world.reference_m = one.ref_len_m;
    world.altitude = ((start.z - 1.0).max(0.6), start.z + 2.0);
    for c in &one.cyl {
        let usual = raw.cylinder_radius_m;
        let shape = match (c.as_slice(), usual) {
            (&[x, y], Some(radius)) | (&[x, y, radius], _) => {
                Shape::Cylinder { x, y, radius, bottom: 0.0, top: 8.0 }
            }
            (&[x, y, radius, bottom, top], _) => Shape::Cylinder { x, y, radius, bottom, top },
            _ => return Err(format!("the cylinder {c:?} has no radius, or too many numbers")),
        };
        world.shapes.push(shape);
    }
    world.shapes.extend(one.boxes.iter().map(|&[x, y, z, length, width, height, yaw]| Shape::Block {
        center: Vec3::new(x, y, z),
        half: Vec3::new(length, width, height) * 0.5,
        yaw,
    }));
    Ok(world)
}

fn field(rows: &serde_json::Value, [x, y, scale]: [usize; 3], altitude: f64) -> Result<World, String> {
    let rows = rows.as_array().ok_or("it is no list of rows")?;
    let mut world = World::new(Vec3::new(0.0, 0.0, altitude), Vec3::new(1.0, 0.0, altitude));
    for row in rows {
        let at = |i: usize| row.get(i).and_then(serde_json::Value::as_f64).ok_or(format!("bad row {row}"));
        world.trunk(at(x)?, at(y)?, at(scale)? * STEM);
    }
    Ok(world)
}

/// Start and goal on either side of a field, 2.5 m outside of its outermost trees.
fn cross(mut world: World, seed: u64) -> World {
    let mut rng = Random::new(seed, 0xF1E1D);
    let angle = rng.between(0.0, std::f64::consts::TAU);
    let (sin, cos) = angle.sin_cos();
    let reach = world
        .shapes
        .iter()
        .map(|s| s.disc())
        .fold(1.0_f64, |far, (x, y, r)| far.max((x * cos + y * sin).abs() + r))
        + 2.5;
    let aside = rng.between(-0.4, 0.4) * reach;
    let z = world.start.z;
    let at = |along: f64| Vec3::new(along * cos - aside * sin, along * sin + aside * cos, z);
    (world.start, world.goal) = (at(-reach), at(reach));
    let way = world.goal - world.start;
    world.yaw = way.y.atan2(way.x);
    world.timeout = 60.0 + 2.0 * reach;
    world.altitude = ((z - 0.7).max(0.6), z + 2.0);
    world
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let barn = WorldFile::parse(
            r#"{"cylinder_radius_m": 0.1, "start_xy_yaw": [1, 2, 1.57], "goal_rel_xy": [0, 10], "goal_tol_m": 1.0,
                "worlds": [{"id": 1, "cyl": [[0, 5], [1, 6, 0.4], [2, 6, 0.3, 1, 2]],
                "box": [[3, 4, 1, 2, 1, 2, 0.5]], "ref_len_m": 12.5}]}"#,
        )
        .unwrap();
        let w = barn.world(7);
        assert_eq!((w.shapes.len(), w.reference_m, w.goal), (4, Some(12.5), Vec3::new(1.0, 12.0, 1.5)));
        let field = WorldFile::parse(
            r#"{"cols": ["x_m", "y_m", "yaw_rad", "mesh", "scale"], "worlds": {"a": [[1, 2, 0, 3, 0.5], [-4, 0, 0, 1, 1]]}}"#,
        )
        .unwrap();
        let w = field.world(3);
        assert!(w.shapes.iter().all(|s| s.distance(w.start) > 2.0 && s.distance(w.goal) > 2.0));
        assert_ne!(field.world(4).start, w.start);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in [
            ("{}", "worlds"),
            (r#"{"worlds": []}"#, "no world"),
            (r#"{"worlds": [{"cyl": [[1, 2]]}]}"#, "no radius"),
            (r#"{"worlds": {"a": []}}"#, "cols"),
            (r#"{"worlds": [{"cyl": [[1, 2, -3]]}]}"#, "size"),
        ] {
            let error = WorldFile::parse(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
