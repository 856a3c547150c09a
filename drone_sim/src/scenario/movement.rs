//! What of a model moves, and why what is meant to does not.

use super::clump::Clumps;
use super::mechanism::Plan;
use crate::sdf::types::{Geometry, JointKind, Known, Link, SdfModel, SdfWorld};
use crate::sdf::{Loaded, Report};
use crate::shape::Shape;

/// How much of a file moves by itself; actors and the vehicle are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Movement {
    /// Bodies that nothing holds, or that hang on such by joints.
    pub bodies: usize,
    /// Links that hang by joints on what stands, or are the wheels of what drives.
    pub links: usize,
}

impl Movement {
    /// Of a file. Adds to its report what is meant to move and does not, as building the world would.
    pub fn of(loaded: &mut Loaded) -> Self {
        let mut out = Self::default();
        let world = loaded.world.as_ref();
        let held = world.map_or_else(Vec::new, |world| joined(world, &mut loaded.report));
        let models = || loaded.models.iter().chain(world.into_iter().flat_map(|w| &w.models));
        let craft = models().position(is_multicopter);
        for (_, model) in models().enumerate().filter(|(i, _)| Some(*i) != craft) {
            let moving = Moving::of(model, &mut loaded.report);
            out.links += moving.plan.len();
            if !held.contains(&model.name) {
                out.bodies += moving.clumps.count();
            }
        }
        out
    }
}

/// What of a model moves: links that hang on its base, or bodies, never both.
pub(super) struct Moving<'a> {
    /// Planes alone: ground, not a thing.
    pub ground: bool,
    pub plan: Plan<'a>,
    pub clumps: Clumps<'a>,
}

impl<'a> Moving<'a> {
    pub fn of(top: &'a SdfModel, report: &mut Report) -> Self {
        let ground = is_ground(top);
        // Of the multicopters only one flies, and the others are no boxes that fall.
        let clumps = if ground || is_multicopter(top) { Clumps::default() } else { Clumps::of(top) };
        let plan = if clumps.hangs() { Plan::default() } else { Plan::of(top) };
        // Kinds that nothing here moves were listed when the file was read.
        let moved = ["revolute", "continuous", "prismatic"].map(|kind| format!("model/joint[{kind}]"));
        plan.refused.iter().filter(|what| moved.contains(what)).for_each(|what| report.ignore(what));
        if clumps.hangs() {
            // Ball joints were too, and do move between free bodies.
            (0..clumps.balls()).for_each(|_| report.take_back("model/joint[ball]"));
        } else if !top.is_static {
            stiff(top, report);
        }
        // Who hangs on a base that stands keeps its place.
        let clumps = if plan.is_empty() && plan.refused.is_empty() { clumps } else { Clumps::default() };
        for fault in &clumps.faults {
            report.warn(format!("model {}: {fault}; it stands still", top.name));
        }
        Self { ground, plan, clumps }
    }
}

/// Whether a model is planes alone: ground, not a thing.
pub(crate) fn is_ground(top: &SdfModel) -> bool {
    let plane = |g: &Geometry| matches!(g, Geometry::Shape(Shape::Plane { .. }) | Geometry::Empty);
    let flat = |link: &Link| {
        link.collisions.iter().all(|c| plane(&c.geometry)) && link.visuals.iter().all(|v| plane(&v.geometry))
    };
    let mut all = true;
    top.visit_links(&mut |_, _, link| all &= flat(link));
    all
}

/// Whether a rotor plugin stands in the model, or in a model inside.
pub(super) fn is_multicopter(model: &SdfModel) -> bool {
    model.plugins.iter().any(|p| matches!(p.known, Some(Known::MulticopterMotorModel(_))))
        || model.models.iter().any(is_multicopter)
}

/// Models that joints of the world itself hold, which are not simulated: those models stand.
pub(super) fn joined(world: &SdfWorld, report: &mut Report) -> Vec<String> {
    let mut out = Vec::new();
    for joint in &world.joints {
        if joint.kind != JointKind::Fixed {
            report.ignore(&format!("world/joint[{}]", joint.kind));
        }
        let of = |end: &str| end.split("::").next().unwrap_or(end).to_string();
        out.extend([of(&joint.parent), of(&joint.child)]);
    }
    out
}

/// Joints of models inside that do not move, as their model hangs on no base that is free.
fn stiff(model: &SdfModel, report: &mut Report) {
    for inner in &model.models {
        let kinds = [JointKind::Revolute, JointKind::Continuous, JointKind::Prismatic];
        let moving = inner.joints.iter().filter(|j| kinds.contains(&j.kind));
        moving.for_each(|j| report.ignore(&format!("model/joint[{}]", j.kind)));
        stiff(inner, report);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdf::Loader;

    #[test]
    fn what_moves_is_counted_and_what_does_not_is_named() {
        let touch =
            "<collision name='c'><geometry><sphere><radius>1</radius></sphere></geometry></collision>";
        let pair = format!("<link name='a'>{touch}</link><link name='b'>{touch}</link>");
        let joint = |kind: &str| {
            format!(
                "<joint name='j' type='{kind}'><parent>a</parent><child>b</child><axis><xyz>0 0 1</xyz></axis></joint>"
            )
        };
        let weightless = format!("<link name='l'><inertial><mass>0</mass></inertial>{touch}</link>");
        let models = [
            format!("<model name='apart'>{pair}</model>"),
            format!("<model name='cart'>{pair}{}</model>", joint("revolute")),
            format!(
                "<model name='door'><link name='a'/><link name='b'>{touch}</link>{}</model>",
                joint("revolute")
            ),
            format!("<model name='odd'>{pair}{}</model>", joint("universal")),
            format!("<model name='chain'>{pair}{}</model>", joint("ball")),
            format!("<model name='wall'><static>1</static>{pair}{}</model>", joint("universal")),
            format!("<model name='light'>{weightless}</model>"),
            format!("<model name='held'><link name='l'>{touch}</link></model>"),
            "<joint name='w' type='ball'><parent>held</parent><child>light</child></joint>".into(),
        ];
        let text = format!("<sdf version='1.9'><world name='w'>{}</world></sdf>", models.concat());
        let mut loaded = Loader::without_files().load_str(&text, "t").unwrap();
        assert_eq!(Movement::of(&mut loaded), Movement { bodies: 6, links: 1 });
        let ignored: Vec<(&str, u32)> = loaded.report.ignored.iter().map(|(k, n)| (k.as_str(), *n)).collect();
        assert_eq!(ignored, [("model/joint[universal]", 1), ("world/joint[ball]", 1)]);
        assert!(loaded.report.warnings.iter().any(|w| w.contains("light") && w.contains("0 kg")));
        // The world that is built of it says the same.
        let fresh = Loader::without_files().load_str(&text, "t").unwrap();
        let world = super::super::from_sdf(fresh, "t", 60.0, 1.0).unwrap();
        assert_eq!((world.free_objects().count(), world.mechanisms.len()), (6, 1));
        assert_eq!(world.report.unwrap().ignored, loaded.report.ignored);
    }
}
