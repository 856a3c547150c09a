//! Labelled pictures to train and test detectors with: seeded worlds, seen from random places, and the true boxes.
//!
//! ```no_run
//! use peregrine_sim::dataset::{DatasetSpec, write};
//!
//! let spec = DatasetSpec { seeds: (1..=10).collect(), ..DatasetSpec::default() };
//! let summary = write(&spec, "set".as_ref(), |done, all| println!("{done} of {all}"))?;
//! assert_eq!(summary.pictures, 10 * spec.per_seed);
//! # Ok::<(), peregrine_sim::SimError>(())
//! ```

mod coco;
mod vantage;

use std::path::Path;

use peregrine_render::{BoxFinder, Camera, ObjectBox, Renderer, Targets};

use crate::error::{Result, SimError};
use crate::rng::Stream;
use crate::scenario::{ForestSpec, Stage, Thing, ThingKind, World, build};
use coco::Writer;
use vantage::Vantage;

/// The classes, in the order of their numbers.
pub const CLASSES: [&str; 5] = ["person", "vehicle", "tree", "pole", "drone"];

/// What pictures to take.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetSpec {
    /// `stage` (made for learning: all classes, changing light), a built-in world or an SDF file.
    pub world: String,
    /// Worlds. Seeds that a network was trained with are no test of it.
    pub seeds: Vec<u64>,
    /// Pictures of each world.
    pub per_seed: usize,
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
    /// Horizontal field of view, radians.
    pub hfov: f64,
    /// Shifts what people, vehicles and drones of the stage look like.
    pub looks: u32,
    /// Quality of the JPEG files, 1 to 100.
    pub quality: u8,
    /// Threads that draw; 0 for all cores.
    pub threads: usize,
}

impl Default for DatasetSpec {
    fn default() -> Self {
        Self {
            world: "stage".to_string(),
            seeds: (1..=100).collect(),
            per_seed: 10,
            width: 640,
            height: 480,
            hfov: 1.2,
            looks: 0,
            quality: 92,
            threads: 0,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Pictures.
    pub pictures: usize,
    /// Boxes of each of [`CLASSES`] that count.
    pub boxes: [usize; CLASSES.len()],
    /// Boxes that neither count for nor against: nearly hidden, tiny or far away (`iscrowd` in COCO's terms).
    pub ignored: usize,
}

/// A box is drawn from so many pixels on, as annotators do.
const LEAST_PIXELS: u32 = 6;
/// Things that show fewer pixels than this are ignored.
const SMALL_PIXELS: u32 = 40;
/// Things of which less than this share is seen are ignored.
const HIDDEN: f64 = 0.30;
/// Things farther away than this are ignored, metres, by class: of a wood, the trees that stand near are asked for.
const FAR: [f64; CLASSES.len()] = [35.0, 35.0, 20.0, 30.0, 30.0];

/// The class of a thing, an index into [`CLASSES`].
pub fn class_of(thing: &Thing) -> Option<usize> {
    class_named(if thing.kind == ThingKind::Tree { "tree" } else { &thing.label })
}

/// The class that a COCO name belongs to, or that is called so itself.
pub fn class_named(label: &str) -> Option<usize> {
    let name = match label {
        "car" | "truck" | "bus" | "motorcycle" => "vehicle",
        label => label,
    };
    CLASSES.iter().position(|class| *class == name)
}

/// Things of this class that are farther away than this are asked of nobody, metres.
pub fn reach_m(class: usize) -> f64 {
    FAR.get(class).copied().unwrap_or(0.0)
}

/// Takes the pictures and writes them into `folder`: `images/SEED_NUMBER.jpg` and `annotations.json` (COCO's format, areas
/// in seen pixels). The same specification gives the same bytes. `progress` hears of each picture.
///
/// # Errors
/// PG-1021 for numbers out of range, PG-1027 when a file cannot be written, those of [`build`] and of the render crate.
pub fn write(spec: &DatasetSpec, folder: &Path, mut progress: impl FnMut(usize, usize)) -> Result<Summary> {
    check(spec)?;
    let camera = Camera::from_hfov(spec.width, spec.height, spec.hfov)?;
    let mut writer = Writer::create(folder, spec)?;
    let stage = if spec.world == "stage" { Some(Stage::new(spec.looks)?) } else { None };
    let mut renderer = Renderer::new(spec.threads)?;
    let pixels = spec.width as usize * spec.height as usize;
    let (mut rgb, mut objects) = (vec![0; pixels * 3], vec![0; pixels]);
    let (mut finder, mut found) = (BoxFinder::new(), Vec::new());
    let mut summary = Summary::default();
    let all = spec.seeds.len() * spec.per_seed;
    for &seed in &spec.seeds {
        let world = match &stage {
            Some(stage) => stage.set(seed)?,
            None => build(&spec.world, &ForestSpec { seed, ..ForestSpec::default() })?,
        };
        let mut vantage = Vantage::new(&world, Stream::new(seed, 60));
        for number in 0..spec.per_seed {
            let pose = vantage.next(&camera);
            let targets = Targets { rgb: Some(&mut rgb), depth: None, object: Some(&mut objects) };
            renderer.render(&world.scene, &camera, &pose, targets)?;
            finder.find(&world.scene, &camera, &pose, &objects, None, LEAST_PIXELS, &mut found)?;
            writer.picture(&format!("{seed:06}_{number:03}.jpg"), &rgb)?;
            for seen in &found {
                let Some(thing) = world.thing(seen.object) else { continue };
                let Some(class) = class_of(thing) else { continue };
                let away = (thing.pose.translation.vector - pose.translation.vector).norm();
                let ignore = unfair(seen, class, away);
                writer.annotation(class, seen, ignore);
                match ignore {
                    true => summary.ignored += 1,
                    false => summary.boxes[class] += 1,
                }
            }
            summary.pictures += 1;
            progress(summary.pictures, all);
        }
    }
    writer.finish()?;
    Ok(summary)
}

/// Whether nobody could be asked to find it.
fn unfair(seen: &ObjectBox, class: usize, away: f64) -> bool {
    seen.pixels < SMALL_PIXELS || seen.visible_fraction < HIDDEN || away > reach_m(class)
}

fn check(spec: &DatasetSpec) -> Result<()> {
    let bad = |name, value: String, reason: &str| {
        Err(SimError::Parameter { name, value, reason: reason.to_string() })
    };
    if spec.seeds.is_empty() {
        return bad("seeds", "empty".to_string(), "name at least one");
    }
    match spec {
        s if !(1..=10_000).contains(&s.per_seed) => bad("per_seed", s.per_seed.to_string(), "use 1 to 10000"),
        s if !(1..=100).contains(&s.quality) => bad("quality", s.quality.to_string(), "use 1 to 100"),
        s if !(32..=4096).contains(&s.width) => bad("width", s.width.to_string(), "use 32 to 4096 pixels"),
        s if !(32..=4096).contains(&s.height) => bad("height", s.height.to_string(), "use 32 to 4096 pixels"),
        s if !(0.1..=2.8).contains(&s.hfov) => bad("hfov", s.hfov.to_string(), "use 0.1 to 2.8 radians"),
        _ => Ok(()),
    }
}

/// The things of a world that have a class, by class.
fn cast(world: &World) -> [Vec<&Thing>; CLASSES.len()] {
    let mut cast: [Vec<&Thing>; CLASSES.len()] = Default::default();
    for thing in &world.things {
        if let Some(class) = class_of(thing) {
            cast[class].push(thing);
        }
    }
    cast
}
