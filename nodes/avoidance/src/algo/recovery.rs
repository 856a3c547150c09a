//! What to do when nothing is certified: the order in which to try things, and when to give up.

use super::geometry::{Vec3, wrap_angle};

/// Wait before doing anything, seconds: views settle, people walk on.
const PATIENCE: f64 = 0.4;
/// Ways told to guidance as refused before looking all around.
const REFUSALS: u32 = 3;
/// Heading error that is turned away first, radians.
const TURN_ABOVE: f64 = 0.15;
/// A turn takes no longer than this, seconds (a vehicle that cannot turn must not turn for ever).
const TURN_LIMIT: f64 = 4.0;
/// No farther than `PROGRESS` metres in `STALL` seconds is a stall.
const STALL: f64 = 40.0;
const PROGRESS: f64 = 2.0;
/// No farther than `DITHER_WITHIN` metres in `DITHER` seconds is dithering: certified, but leading nowhere.
const DITHER: f64 = 4.0;
const DITHER_WITHIN: f64 = 0.5;
/// The same on a larger scale: between two ways that each look better from the other's side, at any speed.
const WANDER: f64 = 6.0;
const WANDER_WITHIN: f64 = 1.0;
/// Whoever has not left one place for so long tries to rise, while what proves the way back is young, seconds.
const TARRY: f64 = 5.0;
/// A rise takes no longer than this, seconds.
const RISE_LIMIT: f64 = 5.0;
/// Rises on the way to one goal.
const RISES: u32 = 3;
/// So long before that it begins to look for a way over or under, seconds: the search takes a while.
const LOOK_EARLY: f64 = 2.0;
/// Ways over or under that are tried on the way to one goal.
const CROSSINGS: u32 = 4;
/// Seconds spent on backing off, at most.
const BACK_LIMIT: f64 = 3.0;

/// The next thing to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Turn toward where guidance leads.
    Turn,
    /// Wait a moment.
    Wait,
    /// Tell guidance that this way is refused.
    Discourage,
    /// Turn all around.
    Scan,
    /// Go back along the way flown.
    Back,
    /// Try to get over it.
    GoUp,
    /// Rise through air that was seen.
    Rise,
    /// Everything was tried; keep turning and report it.
    Stuck,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Clear,
    Turning { since: f64 },
    Waiting { since: f64 },
    Scanning { last_yaw: f64, turned: f64 },
    Backing { since: f64 },
    Rising { begun: Option<f64> },
}

/// Memory of the attempts since the vehicle last made way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recovery {
    phase: Phase,
    refusals: u32,
    /// Backed off since the vehicle last left the place where it was blocked.
    retreated: bool,
    scans: u32,
    /// Rises tried on the way to this goal.
    rises: u32,
    /// Ways over or under tried on the way to this goal.
    crossings: u32,
    /// There is air above to rise into: false keeps all else as if nothing could rise.
    pub(super) may_rise: bool,
    /// Where way was last made, and when (s).
    mark: Option<(Vec3, f64)>,
    blocked_at: Option<Vec3>,
    dither: Option<(Vec3, f64)>,
    wander: Option<(Vec3, f64)>,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            phase: Phase::Clear,
            refusals: 0,
            retreated: false,
            scans: 0,
            rises: 0,
            crossings: 0,
            may_rise: false,
            mark: None,
            blocked_at: None,
            dither: None,
            wander: None,
        }
    }
}

impl Recovery {
    /// A candidate is being flown from `here`.
    pub fn moving(&mut self, now: i64, here: Vec3) {
        self.phase = Phase::Clear;
        // Attempts are forgotten only when the vehicle has really left the place where it was blocked.
        let place = *self.blocked_at.get_or_insert(here);
        if (here - place).norm() > 1.0 {
            (self.refusals, self.scans, self.blocked_at) = (0, 0, Some(here));
            self.retreated = false;
        }
        let time = now as f64 * 1e-9;
        match self.mark {
            Some((at, since)) if (here - at).norm() < PROGRESS && time >= since => {}
            _ => {
                self.mark = Some((here, time));
            }
        }
    }

    /// The slowest speed (m/s) that is worth flying from `here`: 0, more when the vehicle has moved to and fro on one spot, and
    /// infinite when it did so for long. The ladder is then taken instead.
    pub fn least_speed(&mut self, now: i64, here: Vec3) -> f64 {
        let time = now as f64 * 1e-9;
        let stays = |mark: &mut Option<(Vec3, f64)>, within: f64, limit: f64| match *mark {
            Some((at, since)) if (here - at).norm() < within && time >= since => time - since > limit,
            _ => {
                *mark = Some((here, time));
                false
            }
        };
        let dithers = stays(&mut self.dither, DITHER_WITHIN, DITHER);
        match stays(&mut self.wander, WANDER_WITHIN, WANDER) {
            true => f64::INFINITY,
            false if dithers => 0.5,
            false => 0.0,
        }
    }

    /// True when the vehicle moves, yet has not left one place for long.
    #[must_use]
    pub fn stalled(&self, now: i64) -> bool {
        self.mark.is_some_and(|(_, since)| now as f64 * 1e-9 - since > STALL)
    }

    /// True while backing off.
    #[must_use]
    pub fn is_backing(&self) -> bool {
        matches!(self.phase, Phase::Backing { .. })
    }

    /// True when it is time to get over it: the vehicle, at `here`, has moved to and fro for long. Not told twice of one place at once.
    pub fn should_rise(&mut self, now: i64, here: Vec3) -> bool {
        let time = now as f64 * 1e-9;
        let long = self.mark.is_some_and(|(_, since)| time - since > TARRY);
        let due = long
            && self.may_rise
            && self.rises < RISES
            && matches!(self.phase, Phase::Clear | Phase::Waiting { .. });
        if due {
            self.rises += 1;
            self.mark = Some((here, time));
            self.backed_off();
        }
        due
    }

    /// True when the vehicle has made no way for some seconds: soon it may be time to get over what is in the way, or under it.
    #[must_use]
    pub fn tarries(&self, now: i64) -> bool {
        let time = now as f64 * 1e-9;
        self.crossings < CROSSINGS && self.mark.is_some_and(|(_, since)| time - since > TARRY - LOOK_EARLY)
    }

    /// As [`Self::should_rise`], where a way over or under is known.
    pub fn should_cross(&mut self, now: i64, here: Vec3) -> bool {
        let time = now as f64 * 1e-9;
        let long = self.mark.is_some_and(|(_, since)| time - since > TARRY);
        let due =
            long && self.crossings < CROSSINGS && matches!(self.phase, Phase::Clear | Phase::Waiting { .. });
        if due {
            self.crossings += 1;
            self.mark = Some((here, time));
            self.backed_off();
        }
        due
    }

    /// Begins to rise.
    pub fn rise(&mut self) {
        self.phase = Phase::Rising { begun: None };
    }

    /// How often it was tried to get over or under something on the way to this goal.
    #[must_use]
    pub fn rises(&self) -> u32 {
        self.rises + self.crossings
    }

    /// Ways that were refused since the vehicle was last somewhere else.
    #[must_use]
    pub(super) fn refusals(&self) -> u32 {
        self.refusals
    }

    /// True while it rises.
    #[must_use]
    pub fn is_rising(&self) -> bool {
        matches!(self.phase, Phase::Rising { .. })
    }

    /// True while it moves because nothing else was to be flown.
    #[must_use]
    pub fn is_on_its_way(&self) -> bool {
        self.is_backing() || matches!(self.phase, Phase::Rising { begun: Some(_) })
    }

    /// Backing off, or rising, is over, or impossible.
    pub fn backed_off(&mut self) {
        self.phase = Phase::Clear;
        (self.dither, self.wander) = (None, None);
    }

    /// Nothing is certified and the vehicle is at rest, heading `yaw`, which is `off` from where guidance leads.
    pub fn blocked(&mut self, now: i64, yaw: f64, off: f64) -> Step {
        let time = now as f64 * 1e-9;
        let over = |since: f64, limit: f64| !(since..=since + limit).contains(&time);
        match self.phase {
            Phase::Clear if off.abs() > TURN_ABOVE => {
                self.phase = Phase::Turning { since: time };
                Step::Turn
            }
            Phase::Clear => {
                self.phase = Phase::Waiting { since: time };
                Step::Wait
            }
            Phase::Turning { since } if off.abs() > TURN_ABOVE && !over(since, TURN_LIMIT) => Step::Turn,
            Phase::Turning { .. } => {
                self.phase = Phase::Waiting { since: time };
                Step::Wait
            }
            Phase::Waiting { since } if !over(since, PATIENCE) => Step::Wait,
            // What proves the way back fades with time, and what is too near to be seen is seen from there: back first.
            Phase::Waiting { .. } if self.refusals == 1 && !self.retreated => {
                self.retreated = true;
                self.phase = Phase::Backing { since: time };
                Step::Back
            }
            Phase::Waiting { .. } if self.refusals < REFUSALS => {
                self.refusals += 1;
                self.phase = Phase::Clear;
                (self.dither, self.wander) = (None, None);
                Step::Discourage
            }
            Phase::Waiting { .. } => {
                self.phase = Phase::Scanning { last_yaw: yaw, turned: 0.0 };
                self.scan_step()
            }
            Phase::Scanning { last_yaw, turned } => {
                let turned = turned + wrap_angle(yaw - last_yaw).max(0.0);
                if turned < std::f64::consts::TAU {
                    self.phase = Phase::Scanning { last_yaw: yaw, turned };
                    return self.scan_step();
                }
                self.scans += 1;
                self.refusals = 0;
                if self.scans >= 2 && self.may_rise && self.rises < RISES {
                    self.rises += 1;
                    self.backed_off();
                    return Step::GoUp;
                }
                self.phase = Phase::Backing { since: time };
                Step::Back
            }
            // A vehicle that does not rise must not try for ever.
            Phase::Rising { begun: Some(since) } if over(since, RISE_LIMIT) => {
                self.backed_off();
                Step::Wait
            }
            Phase::Rising { begun } => {
                self.phase = Phase::Rising { begun: begun.or(Some(time)) };
                Step::Rise
            }
            Phase::Backing { since } if !over(since, BACK_LIMIT) => Step::Back,
            Phase::Backing { .. } => {
                self.backed_off();
                Step::Wait
            }
        }
    }

    fn scan_step(&self) -> Step {
        if self.scans >= 2 { Step::Stuck } else { Step::Scan }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_goes_down_to_stuck_and_is_left_by_moving() {
        let mut r = Recovery::default();
        let (mut now, mut yaw, mut seen) = (0_i64, 0.0, Vec::new());
        for _ in 0..6000 {
            let step = r.blocked(now, yaw, 0.0);
            if matches!(step, Step::Scan | Step::Stuck) {
                yaw = wrap_angle(yaw + 0.033);
            }
            if seen.last() != Some(&step) {
                seen.push(step);
            }
            now += 33_000_000;
        }
        let first = |s: Step| seen.iter().position(|x| *x == s).unwrap();
        assert!(first(Step::Wait) < first(Step::Discourage));
        assert!(first(Step::Discourage) < first(Step::Scan));
        assert!(first(Step::Discourage) < first(Step::Back) && first(Step::Back) < first(Step::Scan));
        assert!(first(Step::Scan) < first(Step::Stuck));
        assert!(seen.iter().filter(|s| **s == Step::Back).count() > 1, "and after every look around");
        r.moving(now, Vec3::ZERO);
        r.moving(now, Vec3::new(2.0, 0.0, 0.0));
        assert_ne!(r.blocked(now, yaw, 0.0), Step::Stuck);
    }

    #[test]
    fn wriggling_in_one_place_is_a_stall() {
        let mut r = Recovery::default();
        for i in 0..50 {
            r.moving(i * 1_000_000_000, Vec3::new((i % 2) as f64, 0.0, 0.0));
        }
        assert!(r.stalled(50_000_000_000));
    }
}
