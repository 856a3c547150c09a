//! Actors: people, and whatever is named like a prop, that walk along the script of an SDF file.
//!
//! Where an actor is depends on the simulated time alone, so a flight among actors repeats like any other.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use peregrine_render::props;

use super::from_sdf::label_of;
use super::world::{Builder, ThingKind};
use crate::error::Result;
use crate::sdf::Report;
use crate::sdf::types::{Actor, Waypoint};

/// Actors are moved this often, nanoseconds of simulated time.
pub const ACTOR_STEP_NS: i64 = 20_000_000;

/// Height of a person's origin in Gazebo's skins above the feet, metres.
const HIP: f64 = 1.0;

/// An actor of a world.
#[derive(Debug, Clone, PartialEq)]
pub struct Walker {
    /// Its object id in the world.
    pub object: u32,
    script: Script,
    /// What stands for it begins so far above its script's origin, metres.
    raise: f64,
}

/// Waypoints on one time line.
#[derive(Debug, Clone, PartialEq)]
struct Script {
    base: Isometry3<f64>,
    legs: Vec<Leg>,
    repeats: bool,
    delay: f64,
    auto_start: bool,
}

/// One trajectory, from `begin` seconds on.
#[derive(Debug, Clone, PartialEq)]
struct Leg {
    begin: f64,
    tension: f64,
    waypoints: Vec<Waypoint>,
}

impl Leg {
    fn length(&self) -> f64 {
        self.waypoints.last().map_or(0.0, |w| w.time)
    }

    /// A cubic through the waypoints, tangents after Catmull and Rom less the tension; headings turn evenly.
    fn at(&self, t: f64) -> Option<Isometry3<f64>> {
        let points = &self.waypoints;
        let (first, last) = (points.first()?, points.last()?);
        let after = points.partition_point(|w| w.time <= t);
        if after == 0 {
            return Some(first.pose);
        }
        if after == points.len() {
            return Some(last.pose);
        }
        let (a, b) = (&points[after - 1], &points[after]);
        let span = b.time - a.time;
        let s = (t - a.time) / span;
        let place = |w: &Waypoint| w.pose.translation.vector;
        let tangent = |i: usize| -> Vector3<f64> {
            let (before, next) = (i.checked_sub(1).map(|i| &points[i]), points.get(i + 1));
            let (Some(before), Some(next)) = (before, next) else { return Vector3::zeros() };
            (place(next) - place(before)) / (next.time - before.time).max(1e-9) * (1.0 - self.tension)
        };
        let (m, n) = (tangent(after - 1) * span, tangent(after) * span);
        let (s2, s3) = (s * s, s * s * s);
        let straight = place(a).lerp(&place(b), s);
        let curved = place(a) * (2.0 * s3 - 3.0 * s2 + 1.0)
            + m * (s3 - 2.0 * s2 + s)
            + place(b) * (3.0 * s2 - 2.0 * s3)
            + n * (s3 - s2);
        // Tension 1 is straight lines at an even pace, not the cubic that stops at each waypoint.
        let at = straight * self.tension + curved * (1.0 - self.tension);
        let turn = a.pose.rotation.try_slerp(&b.pose.rotation, s, 1e-9).unwrap_or(b.pose.rotation);
        Some(Isometry3::from_parts(Translation3::from(at), turn))
    }
}

impl Script {
    fn new(actor: &Actor) -> Self {
        let mut begin = 0.0;
        let legs = actor.trajectories.iter().filter(|t| !t.waypoints.is_empty()).map(|t| {
            let tension = t.tension.clamp(0.0, 1.0);
            let leg = Leg { begin, tension, waypoints: t.waypoints.clone() };
            begin += leg.length();
            leg
        });
        Self {
            base: actor.pose,
            legs: legs.collect(),
            repeats: actor.repeats,
            delay: actor.delay_start.max(0.0),
            auto_start: actor.auto_start,
        }
    }

    /// Where its origin is `seconds` after the start of the simulation.
    fn at(&self, seconds: f64) -> Isometry3<f64> {
        let Some(last) = self.legs.last() else { return self.base };
        let all = last.begin + last.length();
        let mut t = if self.auto_start { seconds } else { 0.0 };
        if self.repeats && all > 0.0 {
            t %= self.delay + all;
        }
        let t = (t - self.delay).max(0.0);
        let leg = self.legs.iter().rev().find(|leg| leg.begin <= t).unwrap_or(last);
        leg.at(t - leg.begin).map_or(self.base, |pose| self.base * pose)
    }
}

impl Walker {
    /// The frame of what stands for the actor, `seconds` after the start of the simulation: upright, on its feet.
    pub fn pose(&self, seconds: f64) -> Isometry3<f64> {
        stand(&self.script.at(seconds), self.raise)
    }
}

/// Upright at the heading of `pose`, `raise` metres higher.
fn stand(pose: &Isometry3<f64>, raise: f64) -> Isometry3<f64> {
    // Of skins that lie in their file and are set upright by a roll, the heading is that of the yaw all the same.
    let (_, _, yaw) = pose.rotation.euler_angles();
    let place = pose.translation.vector + Vector3::z() * raise;
    Isometry3::from_parts(place.into(), UnitQuaternion::from_euler_angles(0.0, 0.0, yaw))
}

/// Puts an actor into the world: a person in clothes of its own, or the prop whose label its name begins with.
///
/// # Errors
/// Those of the render crate.
pub(super) fn add(builder: &mut Builder, actor: &Actor, number: u32, report: &mut Report) -> Result<Walker> {
    let script = Script::new(actor);
    let (prop, raise) = match label_of(&actor.name) {
        "car" => (props::car(number), 0.0),
        _ => (props::person(number), -HIP),
    };
    if actor.skin.is_some() {
        report.warn(format!("actor {}: its skin is not drawn, a {} stands for it", actor.name, prop.label));
    }
    let known = builder.know(&prop)?;
    let start = stand(&script.at(0.0), raise);
    let object = builder.place(&known, actor.name.clone(), ThingKind::Prop, start, 1.0)?;
    Ok(Walker { object, script, raise })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waypoint(time: f64, x: f64, y: f64, yaw: f64) -> Waypoint {
        let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, yaw);
        Waypoint { time, pose: Isometry3::from_parts(Translation3::new(x, y, 1.0), turn) }
    }

    fn script(tension: f64, repeats: bool) -> Script {
        let waypoints =
            vec![waypoint(0.0, 0.0, 0.0, 0.0), waypoint(2.0, 2.0, 0.0, 0.0), waypoint(4.0, 2.0, 2.0, 1.0)];
        let back = vec![waypoint(0.0, 2.0, 2.0, 1.0), waypoint(4.0, 0.0, 0.0, 0.0)];
        let leg = |begin, waypoints| Leg { begin, tension, waypoints };
        let base = Isometry3::translation(10.0, 0.0, 0.0);
        Script {
            base,
            legs: vec![leg(0.0, waypoints), leg(4.0, back)],
            repeats,
            delay: 1.0,
            auto_start: true,
        }
    }

    fn place(script: &Script, t: f64) -> [f64; 2] {
        let p = script.at(t).translation;
        [p.x, p.y]
    }

    fn near(a: [f64; 2], b: [f64; 2]) {
        assert!((a[0] - b[0]).abs() + (a[1] - b[1]).abs() < 1e-9, "{a:?} {b:?}");
    }

    #[test]
    fn it_passes_its_waypoints_in_time() {
        for tension in [0.0, 0.5, 1.0] {
            let s = script(tension, false);
            // The delay comes first.
            for (t, at) in [(0.5, [10.0, 0.0]), (1.0, [10.0, 0.0]), (3.0, [12.0, 0.0]), (5.0, [12.0, 2.0])] {
                near(place(&s, t), at);
            }
            near(place(&s, 9.0), [10.0, 0.0]);
            near(place(&s, 99.0), [10.0, 0.0]);
        }
    }

    #[test]
    fn straight_with_tension_and_round_without() {
        near(place(&script(1.0, false), 2.0), [11.0, 0.0]);
        let round = place(&script(0.0, false), 4.0);
        assert!(round[0] > 12.05, "it swings out of the corner: {round:?}");
        let (before, after) = (place(&script(0.0, false), 2.999), place(&script(0.0, false), 3.001));
        let corner = [(after[0] - before[0]) / 0.002, (after[1] - before[1]) / 0.002];
        assert!((corner[0] - 0.5).abs() < 0.01 && (corner[1] - 0.5).abs() < 0.01, "{corner:?}");
    }

    #[test]
    fn a_script_starts_again() {
        let s = script(1.0, true);
        near(place(&s, 9.0 + 2.0), place(&s, 2.0));
        near(place(&s, 9.0 * 7.0 + 0.3), [10.0, 0.0]);
    }

    #[test]
    fn headings_turn_evenly() {
        let yaw = script(0.0, false).at(4.0).rotation.euler_angles().2;
        assert!((yaw - 0.5).abs() < 1e-9);
    }
}
