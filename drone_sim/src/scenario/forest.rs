//! The Poisson-disc forest: trees at random, never too close, with labelled things beside the way.

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use peregrine_render::Sun;
use peregrine_render::props::{self, Prop};
use peregrine_render::raycast::Shape as RenderShape;

use super::poisson::{Area, scatter};
use super::world::{Builder, ThingKind, World};
use crate::error::{Result, SimError};
use crate::rng::Stream;

/// What forest to grow.
#[derive(Debug, Clone, PartialEq)]
pub struct ForestSpec {
    /// Everything random follows from it.
    pub seed: u64,
    /// Trees per square metre. 1/25 is the density that published flights use most.
    pub density: f64,
    /// Trunk radius, metres.
    pub tree_radius: f64,
    /// Least distance between two trunk axes, metres; 0 chooses six tenths of what would still just fit.
    pub min_spacing: f64,
    /// From start to goal, metres.
    pub goal_distance: f64,
    /// Height of start and goal, metres.
    pub altitude: f64,
    /// Half the width of the forest, metres.
    pub half_width: f64,
    /// Whether labelled things stand beside the way.
    pub props: bool,
}

impl Default for ForestSpec {
    fn default() -> Self {
        Self {
            seed: 1,
            density: 1.0 / 25.0,
            tree_radius: 0.3,
            min_spacing: 0.0,
            goal_distance: 60.0,
            altitude: 2.0,
            half_width: 15.0,
            props: true,
        }
    }
}

/// No trunk axis comes closer to start and goal than this, metres.
const KEEP_CLEAR: f64 = 3.0;
/// The forest goes on behind start and goal by this much, metres.
const MARGIN: f64 = 8.0;
/// No crown reaches below this, metres.
const LOWEST_CROWN: f64 = 3.2;

impl ForestSpec {
    /// The ground that trees stand on.
    pub fn area(&self) -> Area {
        Area { low: [-MARGIN, -self.half_width], high: [self.goal_distance + MARGIN, self.half_width] }
    }

    /// How many trees the density asks for.
    pub fn tree_count(&self) -> usize {
        (self.density * self.area().size()).round() as usize
    }

    /// The spacing in force, metres.
    pub fn spacing(&self) -> f64 {
        if self.min_spacing > 0.0 {
            return self.min_spacing;
        }
        // Discs thrown at random jam at a cover of 0.547, that is 0.696 points per spacing squared.
        let jammed = (0.696 / self.density.max(1e-6)).sqrt();
        (0.6 * jammed).max(2.0 * self.tree_radius)
    }

    fn check(&self) -> Result<()> {
        let checks = [
            ("density", self.density, 0.0..=1.0, "use 0 to 1 trees per square metre"),
            ("tree_radius", self.tree_radius, 0.05..=2.0, "use 0.05 to 2 m"),
            ("min_spacing", self.min_spacing, 0.0..=50.0, "use 0 (automatic) to 50 m"),
            ("goal_distance", self.goal_distance, 5.0..=2000.0, "use 5 to 2000 m"),
            ("altitude", self.altitude, 0.5..=20.0, "use 0.5 to 20 m"),
            ("half_width", self.half_width, 4.0..=500.0, "use 4 to 500 m"),
        ];
        for (name, value, range, remedy) in checks {
            if !range.contains(&value) {
                return Err(SimError::Parameter {
                    name,
                    value: value.to_string(),
                    reason: remedy.to_string(),
                });
            }
        }
        Ok(())
    }
}

/// Grows a forest from (0, 0) east to (goal_distance, 0).
///
/// # Errors
/// PG-1021 for parameters out of range, PG-1022 if the trees do not fit.
pub fn forest(spec: &ForestSpec) -> Result<World> {
    spec.check()?;
    grow(spec, &Nursery::new(spec)?, Builder::new())
}

/// What forests of one kind have in common: making it is most of the work of a forest.
#[derive(Debug, Clone)]
pub struct Nursery {
    meadow: Prop,
    menu: [Prop; 4],
    trees: Vec<(Prop, f64)>,
    pines: Vec<Prop>,
}

impl Nursery {
    /// For forests of this tree radius, altitude and goal distance; the seed decides the looks of the labelled things.
    ///
    /// # Errors
    /// PG-1021 if no tree of that radius has its crown above the flight.
    pub fn new(spec: &ForestSpec) -> Result<Self> {
        Ok(Self {
            meadow: props::grass((spec.goal_distance as f32 + 200.0).max(300.0), 11),
            menu: menu(spec.seed),
            trees: species(spec)?,
            pines: (0..3).map(props::pine).collect(),
        })
    }

    /// The forest to touch alone: the solids of [`forest`], and nothing to look at.
    ///
    /// # Errors
    /// As [`forest`].
    pub fn blind(&self, spec: &ForestSpec) -> Result<World> {
        spec.check()?;
        grow(spec, self, Builder::blind())
    }
}

fn grow(spec: &ForestSpec, nursery: &Nursery, mut builder: Builder) -> Result<World> {
    let plan = layout(spec)?;
    // Under the crowns most light comes from the sky; a little more of it than in the open keeps the ground readable.
    let sun = Sun::default();
    builder.scene_mut().set_sun(Sun { ambient: sun.ambient.map(|c| c * 1.4), ..sun })?;
    let meadow = builder.know(&nursery.meadow)?;
    // A plane is the same everywhere to the touch; drawn, its middle is the middle of the flight.
    builder.ground(&meadow, Isometry3::translation(spec.goal_distance / 2.0, 0.0, 0.0))?;

    place_props(nursery, &plan, &mut builder)?;
    let mut known = Vec::new();
    for (prop, scale) in &nursery.trees {
        known.push((builder.know(prop)?, *scale));
    }
    let choice = Stream::new(spec.seed, 2);
    for (i, [x, y]) in plan.trees.into_iter().enumerate() {
        let [kind, turn] = choice.pair(i as u64);
        let (tree, scale) = &known[((kind * known.len() as f64) as usize).min(known.len() - 1)];
        let pose = standing(x, y, turn * std::f64::consts::TAU);
        builder.place(tree, format!("tree_{i}"), ThingKind::Tree, pose, *scale)?;
    }
    background(spec, nursery, &mut builder)?;
    let start = Point3::new(0.0, 0.0, spec.altitude);
    let goal = Point3::new(spec.goal_distance, 0.0, spec.altitude);
    Ok(builder.finish("forest", Vector3::new(0.0, 0.0, -9.8), start, goal))
}

fn standing(x: f64, y: f64, yaw: f64) -> Isometry3<f64> {
    Isometry3::from_parts(Vector3::new(x, y, 0.0).into(), UnitQuaternion::from_euler_angles(0.0, 0.0, yaw))
}

/// Shapes of the render crate's trees whose trunks are thick for their crowns' height.
const TREE_SHAPES: [u32; 10] = [1, 48, 53, 30, 32, 18, 27, 58, 6, 55];

/// Up to five trees whose trunks, scaled to the asked radius, carry their crowns above the flight.
fn species(spec: &ForestSpec) -> Result<Vec<(Prop, f64)>> {
    let wanted = LOWEST_CROWN.max(spec.altitude + 1.0);
    let mut out = Vec::new();
    for seed in TREE_SHAPES {
        let prop = props::tree(seed);
        let trunk = prop.colliders.iter().find_map(|(_, s)| match s {
            RenderShape::Cylinder { radius, .. } => Some(*radius),
            _ => None,
        });
        let Some(trunk) = trunk else { continue };
        let scale = spec.tree_radius / trunk;
        let lowest = prop.colliders.iter().filter_map(|(pose, s)| match s {
            RenderShape::Sphere { radius } => Some((pose.translation.z - radius) * scale),
            _ => None,
        });
        if lowest.fold(f64::INFINITY, f64::min) >= wanted {
            out.push((prop, scale));
        }
        if out.len() == 5 {
            break;
        }
    }
    if out.is_empty() {
        let reason = format!(
            "but the crowns of trees of radius {} m hang lower; fly lower or use thicker trees",
            spec.tree_radius
        );
        return Err(SimError::Parameter { name: "altitude", value: spec.altitude.to_string(), reason });
    }
    Ok(out)
}

/// A prop's place: which of the menu, where, and its heading.
#[derive(Debug, Clone, PartialEq)]
struct Stand {
    which: usize,
    at: [f64; 2],
    yaw: f64,
    /// Room that trees leave it, metres.
    radius: f64,
}

impl Stand {
    /// Whether a tree at `p` leaves the thing free and in sight from the way.
    fn free(&self, p: [f64; 2]) -> bool {
        // From the thing to a point of the way nine metres before it.
        let way = [-9.0, -self.at[1]];
        let from = [p[0] - self.at[0], p[1] - self.at[1]];
        let t = ((from[0] * way[0] + from[1] * way[1]) / (way[0] * way[0] + way[1] * way[1])).clamp(0.0, 1.0);
        let gap = (from[0] - t * way[0]).hypot(from[1] - t * way[1]);
        gap > self.radius * (1.0 - t) + 0.5
    }
}

/// Where everything stands, before anything is built.
#[derive(Debug, Clone, PartialEq)]
struct Layout {
    stands: Vec<Stand>,
    trees: Vec<[f64; 2]>,
}

/// How far beside the way a prop stands (metres), how much room it needs (metres), and how far it is turned from
/// facing who comes along the way (radians), in the order of the menu.
const MENU: [(f64, f64, f64); 4] = [(2.6, 1.0, 0.0), (5.0, 3.4, 0.6), (2.4, 1.0, 0.0), (3.0, 1.0, 0.0)];

fn menu(seed: u64) -> [Prop; 4] {
    let seed = seed as u32;
    [props::stop_sign(), props::car(seed), props::soccer_ball(0.35), props::person(seed)]
}

fn layout(spec: &ForestSpec) -> Result<Layout> {
    spec.check()?;
    let stands = if spec.props { stands(spec) } else { Vec::new() };
    let free = |p: [f64; 2]| {
        let far = |q: [f64; 2]| (p[0] - q[0]).hypot(p[1] - q[1]) > KEEP_CLEAR;
        far([0.0, 0.0]) && far([spec.goal_distance, 0.0]) && stands.iter().all(|s| s.free(p))
    };
    let (wanted, spacing) = (spec.tree_count(), spec.spacing());
    let trees = scatter(&Stream::new(spec.seed, 1), &spec.area(), wanted, spacing, free);
    if trees.len() < wanted {
        return Err(SimError::ForestTooDense { placed: trees.len(), wanted, spacing });
    }
    Ok(Layout { stands, trees })
}

/// Things that a COCO network knows, on alternate sides of the way, turned towards who comes along it.
fn stands(spec: &ForestSpec) -> Vec<Stand> {
    let stream = Stream::new(spec.seed, 4);
    let mut out = Vec::new();
    let mut side = if stream.unit(0) < 0.5 { 1.0 } else { -1.0 };
    let first = if stream.unit(1) < 0.5 { 0 } else { 2 };
    let mut x = 9.0;
    while x < spec.goal_distance - 4.0 {
        let [a, b] = stream.pair(2 + out.len() as u64);
        let which = (first + out.len()) % MENU.len();
        let (beside, radius, turn) = MENU[which];
        let at = [x + 2.0 * a, side * (beside + 0.8 * b)];
        // Facing back along the way and a little towards it.
        let yaw = std::f64::consts::PI + side * (0.25 + turn);
        out.push(Stand { which, at, yaw, radius });
        side = -side;
        x += 8.5;
    }
    out
}

fn place_props(nursery: &Nursery, plan: &Layout, builder: &mut Builder) -> Result<()> {
    if plan.stands.is_empty() {
        return Ok(());
    }
    let menu = &nursery.menu;
    let mut known = Vec::new();
    for prop in menu {
        known.push(builder.know(prop)?);
    }
    for (i, stand) in plan.stands.iter().enumerate() {
        let name = format!("{}_{i}", menu[stand.which].name.replace(' ', "_"));
        let pose = standing(stand.at[0], stand.at[1], stand.yaw);
        builder.place(&known[stand.which], name, ThingKind::Prop, pose, 1.0)?;
    }
    Ok(())
}

/// Conifers around the forest, so that the horizon is not bare, and low things between the trees.
fn background(spec: &ForestSpec, nursery: &Nursery, builder: &mut Builder) -> Result<()> {
    let stream = Stream::new(spec.seed, 5);
    let area = spec.area();
    let mut known = Vec::new();
    for pine in &nursery.pines {
        known.push(builder.know(pine)?);
    }
    let wide = Area {
        low: [area.low[0] - 25.0, area.low[1] - 22.0],
        high: [area.high[0] + 25.0, area.high[1] + 22.0],
    };
    let outside = |p: [f64; 2]| {
        p[0] < area.low[0] - 3.0 || p[0] > area.high[0] + 3.0 || p[1].abs() > spec.half_width + 3.0
    };
    let count = ((wide.size() - area.size()) / 45.0) as usize;
    for (i, [x, y]) in scatter(&stream, &wide, count, 3.5, outside).into_iter().enumerate() {
        let [size, turn] = stream.pair(1_000_000 + i as u64);
        let pose = standing(x, y, turn * std::f64::consts::TAU);
        let pine = &known[i % known.len()];
        builder.place(pine, format!("pine_{i}"), ThingKind::Tree, pose, 0.9 + 0.5 * size)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::clearance;
    use crate::shape::Shape;

    /// One nursery serves all seeds: the shapes of labelled things do not follow the seed, only their looks.
    #[test]
    fn a_blind_forest_feels_as_the_one_that_is_seen() {
        let nursery = Nursery::new(&ForestSpec::default()).unwrap();
        for seed in [1, 2, 7, 12_345_678_901] {
            let spec = ForestSpec { seed, ..ForestSpec::default() };
            let (seen, blind) = (forest(&spec).unwrap(), nursery.blind(&spec).unwrap());
            assert_eq!(seen.solids.all(), blind.solids.all(), "seed {seed}");
            assert_eq!(seen.things, blind.things);
            assert_eq!(blind.scene.instances().len(), 0);
        }
    }

    #[test]
    fn a_forest_has_its_density_its_spacing_and_free_ends() {
        for seed in 1..=50 {
            let spec = ForestSpec { seed, ..ForestSpec::default() };
            let plan = layout(&spec).unwrap();
            let density = plan.trees.len() as f64 / spec.area().size();
            assert!((density - 0.04).abs() < 3e-4, "seed {seed}: {density}");
            for (i, p) in plan.trees.iter().enumerate() {
                for q in &plan.trees[..i] {
                    assert!((p[0] - q[0]).hypot(p[1] - q[1]) >= spec.spacing());
                }
                for end in [0.0, 60.0] {
                    assert!((p[0] - end).hypot(p[1]) > KEEP_CLEAR);
                }
            }
            let sides = |sign: f64| plan.stands.iter().filter(|s| s.at[1] * sign > 1.5).count();
            assert!(sides(1.0) >= 2 && sides(-1.0) >= 2, "things stand on both sides");
            assert!((0..3).all(|kind| plan.stands.iter().any(|s| s.which == kind)));
        }
    }

    /// Flood fill: a way with half a metre to spare on each side leads from start to goal through every forest.
    #[test]
    fn every_forest_can_be_crossed() {
        const CELL: f64 = 0.25;
        for seed in 1..=50 {
            let spec = ForestSpec { seed, ..ForestSpec::default() };
            let (plan, area) = (layout(&spec).unwrap(), spec.area());
            let (columns, rows) = (((area.high[0] - area.low[0]) / CELL) as usize, (30.0 / CELL) as usize);
            let free = |x: usize, y: usize| {
                let p = [area.low[0] + CELL * x as f64, area.low[1] + CELL * y as f64];
                let far = |q: [f64; 2], d: f64| (p[0] - q[0]).hypot(p[1] - q[1]) > d;
                plan.trees.iter().all(|t| far(*t, spec.tree_radius + 0.25 + 0.5))
                    && plan.stands.iter().all(|s| far(s.at, if s.which == 1 { 2.6 } else { 0.6 } + 0.75))
            };
            let cell = |x: f64| (((x - area.low[0]) / CELL) as usize, rows / 2);
            let mut seen = vec![false; columns * rows];
            let mut open = vec![cell(0.0)];
            while let Some((x, y)) = open.pop() {
                if x >= columns || y >= rows || seen[y * columns + x] || !free(x, y) {
                    continue;
                }
                seen[y * columns + x] = true;
                open.extend([(x + 1, y), (x.wrapping_sub(1), y), (x, y + 1), (x, y.wrapping_sub(1))]);
            }
            let (x, y) = cell(spec.goal_distance);
            assert!(seen[y * columns + x], "seed {seed}");
        }
    }

    #[test]
    fn the_seed_decides_everything() {
        let plan = |seed| layout(&ForestSpec { seed, ..ForestSpec::default() }).unwrap();
        assert_eq!(plan(3), plan(3));
        assert_ne!(plan(3), plan(4));
    }

    #[test]
    fn the_built_world_is_the_planned_one() {
        let spec = ForestSpec::default();
        let (plan, world) = (layout(&spec).unwrap(), forest(&spec).unwrap());
        let mut planned = plan.trees.iter();
        for thing in world.things.iter().filter(|t| t.name.starts_with("tree_")) {
            let [x, y] = *planned.next().unwrap();
            assert_eq!(thing.pose.translation.vector, Vector3::new(x, y, 0.0));
        }
        assert!(planned.next().is_none());
        for solid in world.solids.all() {
            let Some(thing) = world.thing(solid.object).filter(|t| t.name.starts_with("tree_")) else {
                continue;
            };
            match solid.shape {
                Shape::Cylinder { radius, .. } => assert!((radius - 0.3).abs() < 1e-9, "{}", thing.name),
                Shape::Sphere { radius } => assert!(solid.pose.translation.z - radius >= LOWEST_CROWN - 1e-9),
                other => panic!("{other:?}"),
            }
        }
        for end in [world.start, world.goal] {
            assert!(clearance(&world.solids, &end, 0.25).distance > 1.0, "{end}");
        }
        assert_eq!((world.goal - world.start).norm(), 60.0);
        let props = world.things.iter().filter(|t| t.kind == ThingKind::Prop);
        let labels: std::collections::BTreeSet<&str> = props.map(|t| t.label.as_str()).collect();
        assert!(["car", "sports ball", "stop sign"].iter().all(|l| labels.contains(l)), "{labels:?}");
    }

    #[test]
    fn what_cannot_grow_is_said() {
        let dense = ForestSpec { density: 0.5, min_spacing: 3.0, ..ForestSpec::default() };
        assert!(forest(&dense).unwrap_err().to_string().starts_with("PG-1022"));
        let odd = ForestSpec { density: -1.0, ..ForestSpec::default() };
        assert!(forest(&odd).unwrap_err().to_string().contains("density is -1"));
    }
}
