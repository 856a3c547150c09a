//! Over the top: the last thing that is tried before STUCK, where the air above was seen to be free.
//!
//! A camera does not look up, and what proves the air above a place are views from farther back. So a vehicle that was stopped goes
//! back for a run-up and climbs where it looks, no steeper than the camera sees; where there is no way back it rises straight up as
//! far as that air was seen. It stays up until it is past what stopped it, and comes down on the way to
//! the goal. Every command needs its certificate as any other.

use super::geometry::Vec3;
use super::panorama::Fan;
use super::planner::Planner;

/// Rises by so much at a time, metres, and not for less than this.
const STEP: f64 = 2.0;
const LEAST: f64 = 1.0;
/// The run-up, along the way flown, metres; it is given up after that time, ns; and this near is there, metres.
const BACK: f64 = 4.0;
const BACK_WITHIN: i64 = 10_000_000_000;
const THERE: f64 = 0.6;
/// It then turns until it looks within this of the way, rad, for no longer than this, ns.
const AIMED: f64 = 0.2;
const AIM_WITHIN: i64 = 5_000_000_000;
/// Steepest climb (rise over run) where it climbs as it flies: what a camera of 71 degrees sees, less the ball.
pub(super) const STEEPEST: f64 = 0.45;
/// Speed straight up, m/s: creeping, so that the smaller margin is enough.
const SPEED: f64 = 0.5;
/// Kept below what was seen above, metres: it must not creep up to a roof.
const BELOW_ROOF: f64 = 0.75;
/// Kept below the fence, metres.
pub(super) const BELOW_FENCE: f64 = 0.1;
/// Farther than this from where it rose it comes down again, metres.
pub(super) const PAST: f64 = 10.0;
/// It comes down to a goal along this slope (rise over run), to be there this far from it (m).
const GLIDE: (f64, f64) = (1.0, 1.0);
/// Nearer to the goal than this it does not rise: the goal lies in something, metres.
pub(super) const AT_GOAL: f64 = 2.0;

/// A height that was risen to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rise {
    /// Where it began, odom.
    pub from: Vec3,
    /// The altitude to keep, metres in odom.
    pub height: f64,
}

impl Planner {
    /// The altitude to fly at on the way from `here` to `goal`, metres in odom: the goal's, or what was risen to.
    pub(super) fn altitude(&mut self, here: Vec3, goal: Vec3) -> f64 {
        let (floor, ceiling) = (self.config.altitude_min, self.config.altitude_max);
        if let Some(height) = self.over_altitude(here) {
            return height.clamp(floor, ceiling);
        }
        let level = goal.z.clamp(floor, ceiling);
        let Some(rise) = self.rise else { return level };
        if (here - rise.from).norm_xy() > PAST {
            self.rise = None;
            return level;
        }
        let left = ((goal - here).norm_xy() - GLIDE.1).max(0.0) * GLIDE.0;
        rise.height.min(level + left).max(level)
    }

    /// True where rising from `here` may help. Not when the fence is near, the goal itself is closed in, or a scanner of one plane is
    /// trusted above and below it, which holds at the height of its walls alone.
    pub(super) fn may_rise(&self, here: Vec3) -> bool {
        let vouched = self.config.scan.is_some_and(|l| matches!(l.fan, Fan::Plane { reach } if reach > 0.0));
        let far = self.goal.is_some_and(|goal| (goal - here).norm_xy() >= AT_GOAL);
        !vouched && far && self.highest(here) - here.z >= LEAST
    }

    /// How high it may rise above `here`, metres in odom: to the fence, or below what the map knows above.
    fn highest(&self, here: Vec3) -> f64 {
        (self.config.altitude_max - BELOW_FENCE).min(self.survey.voxels.roof(here) - BELOW_ROOF)
    }

    /// Begins to rise: it goes back for a run-up, if there is a way back, and then wants to be higher.
    pub(super) fn prepare_rise(&mut self, now: i64, here: Vec3) {
        self.next_height = (here.z + STEP).min(self.highest(here));
        self.detour = self.trail.back(here, BACK).map(|place| (place, now));
        if self.detour.is_none() {
            self.want_height(here);
            self.recovery.rise();
        }
    }

    /// The place to go back to for the run-up. There it turns and comes again, climbing where it looks; where there is no way back, it
    /// rises from where it is.
    pub(super) fn run_up(&mut self, now: i64, here: Vec3) -> Option<Vec3> {
        let (place, since) = self.detour?;
        let there = (place - here).norm_xy() <= THERE;
        if !there && (since..since + BACK_WITHIN).contains(&now) {
            return Some(place);
        }
        self.detour = None;
        if there {
            // From higher up all may be otherwise.
            self.guidance.forgive();
            (self.proposal, self.along) = (None, None);
            self.aiming = Some(now);
        } else {
            self.want_height(here);
            self.recovery.rise();
        }
        None
    }

    /// True while, after the run-up, it turns on the spot toward where it will climb, `off` (rad) from its heading.
    pub(super) fn aims(&mut self, now: i64, here: Vec3, off: f64) -> bool {
        let Some(since) = self.aiming else { return false };
        if off.abs() > AIMED && (since..since + AIM_WITHIN).contains(&now) {
            return true;
        }
        self.aiming = None;
        self.want_height(here);
        false
    }

    /// There is no way back.
    pub(super) fn end_run_up(&mut self, here: Vec3) {
        if self.detour.take().is_some() {
            self.want_height(here);
            self.recovery.rise();
        }
    }

    fn want_height(&mut self, here: Vec3) {
        let from = self.rise.map_or(here, |r| r.from);
        self.rise = Some(Rise { from, height: self.next_height });
    }

    /// The velocity of a rise straight up from `here`; `None` at the wanted height.
    pub(super) fn rising(&self, here: Vec3) -> Option<Vec3> {
        let left = self.rise?.height - here.z;
        // The last bit slowly: it must not shoot over.
        let most = SPEED.min(self.config.vertical_speed).min(self.config.max_speed);
        (left > 0.1).then(|| Vec3::new(0.0, 0.0, most.min(0.1 + 1.2 * left)))
    }
}
