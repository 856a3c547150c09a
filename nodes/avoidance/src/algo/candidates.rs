//! The fan of velocities that are tried: headings about the guidance direction, speeds, and a little up and down.

use super::geometry::Vec3;
use super::movers::{Ahead, HORIZON};
use super::plant::Plant;

/// Headings beside the guidance direction, degrees.
const HEADINGS: [f64; 19] = [
    0.0, 4.0, -4.0, 8.0, -8.0, 13.0, -13.0, 19.0, -19.0, 26.0, -26.0, 35.0, -35.0, 46.0, -46.0, 60.0, -60.0,
    75.0, -75.0,
];
/// Headings within this also try to pass above or below, degrees.
const SLOPES_WITHIN: f64 = 20.0;
/// Slopes tried, rise over run.
const SLOPES: [f64; 3] = [0.0, 0.35, -0.35];
/// Slower than this toward the waypoint is no way at all, m/s.
const LEAST_PROGRESS: f64 = 0.08;
/// Shares of the speed allowed in that direction.
const SPEEDS: [f64; 5] = [1.0, 0.7, 0.45, 0.25, 0.12];

/// One velocity to try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Velocity in odom, m/s.
    pub velocity: Vec3,
    /// Lower is better, m/s.
    pub cost: f64,
}

/// What makes a candidate good.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Unit direction of guidance in the x-y plane.
    pub along: Vec3,
    /// Where the vehicle will be when the command acts, odom.
    pub position: Vec3,
    /// How fast it will be then, m/s in odom.
    pub velocity: Vec3,
    /// How it answers.
    pub plant: Plant,
    /// The command that acts now, m/s in odom.
    pub last: Vec3,
    /// Vertical speed that holds the altitude, m/s.
    pub climb: f64,
    /// Climbs no steeper than this, rise over run.
    pub steepest: f64,
    /// And sinks no steeper than this.
    pub sinks: f64,
    /// What moves, as of now.
    pub ahead: Ahead<'a>,
    /// From now until the command acts, seconds.
    pub lead: f64,
    /// Room to keep from what moves: body and margin, metres.
    pub room: f64,
}

impl Wish<'_> {
    /// What coming near to something that moves costs, m/s.
    fn meeting(&self, velocity: Vec3) -> f64 {
        /// Metres beyond the room to keep.
        const COMFORT: f64 = 0.9;
        let now = (self.position, self.velocity);
        let met = self.ahead.meeting(&self.plant, now, velocity, self.lead, HORIZON);
        let Some(met) = met else { return 0.0 };
        let lack = (COMFORT + self.room - met.gap).clamp(0.0, 2.0);
        2.5 * lack * (1.0 - 0.6 * met.time / HORIZON)
    }
}

/// Fills `out` with candidates, best first.
///
/// `speed_limit` gives the top speed (m/s) in a level unit direction; `clearance` the distance (m) from a point to the
/// nearest mapped obstacle, which is a preference only.
pub fn fan(
    wish: &Wish<'_>,
    mut speed_limit: impl FnMut(Vec3) -> f64,
    clearance: impl Fn(f64, f64) -> f64,
    out: &mut Vec<Candidate>,
) {
    out.clear();
    for degrees in HEADINGS {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let along = wish.along;
        let heading = Vec3::new(along.x * cos - along.y * sin, along.x * sin + along.y * cos, 0.0);
        let top = speed_limit(heading);
        if top < 0.05 {
            continue;
        }
        let slopes = if degrees.abs() <= SLOPES_WITHIN { &SLOPES[..] } else { &SLOPES[..1] };
        for share in SPEEDS {
            let speed = top * share;
            if speed * cos < LEAST_PROGRESS {
                continue;
            }
            let climb = wish.climb.min(wish.steepest * speed).max(-wish.sinks * speed);
            let crowding = crowding(wish.position, heading, speed, &clearance);
            for &slope in slopes {
                let velocity = heading * speed + Vec3::new(0.0, 0.0, climb + slope * speed);
                let meeting = if wish.ahead.is_empty() { 0.0 } else { wish.meeting(velocity) };
                let cost = -speed * cos
                    + meeting
                    + 0.18 * (velocity - wish.last).norm()
                    + 1.2 * (slope * speed).abs()
                    + if slope == 0.0 { crowding } else { 0.0 };
                out.push(Candidate { velocity, cost });
            }
        }
    }
    out.sort_unstable_by(|a, b| {
        let key = |c: &Candidate| (c.velocity.x, c.velocity.y, c.velocity.z);
        let ((ax, ay, az), (bx, by, bz)) = (key(a), key(b));
        a.cost.total_cmp(&b.cost).then(ax.total_cmp(&bx)).then(ay.total_cmp(&by)).then(az.total_cmp(&bz))
    });
}

/// How much a straight flight of the next seconds would crowd mapped obstacles, m/s of cost.
fn crowding(from: Vec3, heading: Vec3, speed: f64, clearance: &impl Fn(f64, f64) -> f64) -> f64 {
    /// Nearer than this (m, centre to the map's cell) counts: at rest, and what each m/s adds.
    const COMFORT: (f64, f64) = (0.45, 0.22);
    let comfort = (COMFORT.0 + COMFORT.1 * speed).min(1.6);
    let mut sum = 0.0;
    for time in [0.3, 0.6, 1.0, 1.5] {
        let at = from + heading * (speed * time);
        let lack = (comfort - clearance(at.x, at.y)).max(0.0) / comfort;
        sum += lack * lack;
    }
    0.45 * speed * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> Wish<'static> {
        Wish {
            along: Vec3::new(0.0, 1.0, 0.0),
            position: Vec3::ZERO,
            velocity: Vec3::ZERO,
            plant: Plant { lag: 0.3, acceleration: 6.0 },
            last: Vec3::ZERO,
            climb: 0.1,
            steepest: f64::INFINITY,
            sinks: f64::INFINITY,
            ahead: Ahead::NONE,
            lead: 0.1,
            room: 0.45,
        }
    }

    #[test]
    fn in_the_open_straight_and_fast_comes_first() {
        let mut out = Vec::new();
        fan(&wish(), |_| 4.0, |_, _| f64::INFINITY, &mut out);
        assert!((out[0].velocity - Vec3::new(0.0, 4.0, 0.1)).norm() < 1e-9, "{:?}", out[0]);
        assert!(out.windows(2).all(|w| w[0].cost <= w[1].cost));
    }

    #[test]
    fn a_crowded_side_is_avoided_and_closed_directions_are_left_out() {
        let mut out = Vec::new();
        fan(&wish(), |_| 4.0, |x, _| if x > -0.3 { 0.5 } else { 3.0 }, &mut out);
        assert!(out[0].velocity.x < -0.2, "{:?}", out[0]);
        fan(&wish(), |u| if u.x > 0.0 { 0.0 } else { 3.0 }, |_, _| 9.0, &mut out);
        assert!(out.iter().all(|c| c.velocity.x <= 1e-9));
    }
}
