//! What is done when nothing is certified, or nothing is to be flown: hold, climb, evade, recover.

use super::certificate::{Evidence, Retracing, Sources};
use super::geometry::{Vec3, wrap_angle};
use super::guard::Odometry;
use super::movers::HORIZON;
use super::planner::{ALTITUDE_GAIN, AT_REST, Command, Planner, YAW_GAIN};
use super::plant::Plant;
use super::recovery::Step;
use super::state::{HoverCause, Stale, State, Status};
use super::view::{Margin, Verdict};

/// Wait before a climb is over, metres below the wanted altitude.
const CLIMBED: f64 = 0.25;
/// Gain from position error to velocity where the vehicle holds its place, 1/s; and the most that makes, m/s.
const HOLD: (f64, f64) = (0.8, 0.3);
/// For so long after it came to rest its own path is proof of the way back to where that was, ns.
const GUSTS: i64 = 5_000_000_000;
/// A vehicle at rest that moves faster than this (m/s) is pushed; what it is told against that, of its velocity.
const PUSHED: f64 = 0.08;
const DAMPING: f64 = 1.0;
/// The gain of [`HOLD`] where something is near, 1/s.
const FIRM: f64 = 2.5;
/// Nearer than this is in place, metres.
const IN_PLACE: f64 = 0.05;
/// Where things move, the camera glances to both sides: what comes from there on a collision course keeps its bearing, and a
/// camera that looks ahead never sees it. Amplitude (rad) and period (s), for so long after something moved (s).
const GLANCE: (f64, f64) = (0.6, 2.0);
const WATCHFUL: f64 = 10.0;
/// Coming nearer than this beyond the room to keep (m) within that time (s) is looked at.
const THREAT: (f64, f64) = (0.8, 2.0);
/// Directions of an escape, and shares of its speed.
const ESCAPES: usize = 16;
const SHARES: [f64; 3] = [1.0, 0.5, 0.3];
/// Fastest escape, m/s.
const ESCAPE_SPEED: f64 = 3.0;

impl Planner {
    /// The stop in place of a command that took too long to make: the place that its certificate is of lies behind.
    pub fn on_missed_deadline(&mut self, now: i64) -> Command {
        self.stop(now, Stale::DeadlineMissed)
    }

    /// At rest: stays where it came to rest, against wind and drifting velocity. Moving back there is a command like any
    /// other, and needs its certificate.
    pub(super) fn hold(
        &mut self,
        now: i64,
        odometry: &Odometry,
        yaw_rate: f64,
        mut status: Status,
    ) -> Command {
        let here = odometry.pose.position;
        if odometry.velocity.norm() > AT_REST {
            return self.command(odometry, Vec3::ZERO, yaw_rate, status);
        }
        let (anchor, since) = *self.anchor.get_or_insert((here, now));
        let away = anchor - here;
        if away.norm() > 1.5 {
            self.anchor = Some((here, now));
        }
        // Wind pushes a vehicle off its place in the first seconds; what it is off by later is odometry's drift.
        let fresh = now - since < GUSTS;
        // What a velocity loop has summed up while it braked, and wind, may push it on into what it stopped for.
        let close = fresh && self.is_close();
        let pushed = close && (odometry.velocity.norm() > PUSHED || away.norm() > 0.5 * IN_PLACE);
        let against = if pushed { away * FIRM + odometry.velocity * -DAMPING } else { away * HOLD.0 };
        let back = against.limited(HOLD.1);
        let certified = (away.norm() > IN_PLACE || pushed)
            .then(|| {
                let retracing = match (pushed, fresh) {
                    (true, _) => Retracing::Since(since),
                    (false, true) => Retracing::Unseen,
                    (false, false) => Retracing::No,
                };
                let evidence = Sources { retracing, ..self.sources(now) }.evidence(here);
                evidence.certify(
                    &self.plants(),
                    here,
                    odometry.velocity,
                    back,
                    self.hold_time(),
                    Margin::Creep,
                )
            })
            .flatten();
        match certified {
            Some(length) => {
                status.certified_stop_m = length;
                self.command(odometry, back, yaw_rate, status)
            }
            None => self.command(odometry, Vec3::ZERO, yaw_rate, status),
        }
    }

    /// True where something was seen nearer than the smaller margin.
    fn is_close(&self) -> bool {
        self.memory.verdict([0.0; 3], Margin::Creep) == Verdict::Hit
    }

    pub(super) fn hover(&mut self, now: i64, odometry: &Odometry, cause: HoverCause) -> Command {
        let status = self.status(now, State::Hover(cause));
        self.hold(now, odometry, 0.0, status)
    }

    /// Below the geofence's floor, over the start: straight up, in the column of air that the operator vouches for.
    pub(super) fn climb(&mut self, now: i64, odometry: &Odometry, altitude: f64) -> Option<Command> {
        let here = odometry.pose.position;
        // The operator vouched for the air over the start, in the frame of that time.
        if self.displaced {
            return None;
        }
        let bubble = self.bubble.as_mut()?;
        let over_start = (here - bubble.center).norm_xy() <= bubble.radius;
        if here.z < self.config.altitude_min - 0.05 && over_start {
            self.climbing = true;
        }
        if !self.climbing {
            return None;
        }
        if here.z >= altitude - CLIMBED || !over_start {
            self.climbing = false;
            bubble.center.z = here.z;
            return None;
        }
        let rate = (ALTITUDE_GAIN * (altitude - here.z)).clamp(0.2, self.config.vertical_speed);
        let status = self.status(now, State::Hover(HoverCause::Climbing));
        Some(self.command(odometry, Vec3::new(0.0, 0.0, rate), 0.0, status))
    }

    /// The velocity, certified against all that stands, that stays farthest from what moves; `None` when stopping is as
    /// good as any.
    pub(super) fn evade(
        &self,
        evidence: &Evidence<'_>,
        position: Vec3,
        velocity: Vec3,
        lead: f64,
    ) -> Option<(Vec3, f64)> {
        /// More than this is far enough, metres.
        const ENOUGH: f64 = 1.0;
        /// What a flight is worse by (m) whose direction is farther than this (rad) from where the camera looks.
        const SEEN_WITHIN: f64 = 0.75;
        const BLIND: f64 = 0.3;
        /// Seconds: to run before somebody is no way out, he comes along.
        const FORESIGHT: f64 = 6.0;
        let room = self.config.grown_radius();
        // The worse of both beliefs: it must get away whether it answers at once or late.
        let answers = self.plants();
        let gap = |v: Vec3| {
            let met = |plant: &Plant| evidence.ahead.meeting(plant, (position, velocity), v, lead, FORESIGHT);
            let gaps = answers.iter().filter_map(met).map(|m| m.gap - room);
            gaps.fold(ENOUGH, f64::min)
        };
        let still =
            Sources { ahead: super::movers::Ahead::NONE, ..evidence.sources }.evidence(evidence.origin);
        let top = ESCAPE_SPEED.min(self.config.max_speed);
        let hold = self.hold_time();
        let yaw = self.guard.odometry().map_or(0.0, |o| o.pose.rotation.yaw());
        let mut best = None;
        // An escape must be clearly better than stopping.
        let mut best_gap = gap(Vec3::ZERO) + 0.1;
        for direction in 0..ESCAPES {
            let (sin, cos) = (direction as f64 * std::f64::consts::TAU / ESCAPES as f64).sin_cos();
            for share in SHARES {
                let wanted = Vec3::new(cos, sin, 0.0) * (top * share);
                // Who is where nothing looks is not known.
                let off = wrap_angle(sin.atan2(cos) - yaw).abs();
                let blind = if off > SEEN_WITHIN { BLIND } else { 0.0 };
                let reached = gap(wanted) - 0.02 * (wanted - velocity).norm() - blind;
                if reached <= best_gap {
                    continue;
                }
                let margin = self.margin_at(velocity, wanted);
                if let Some(length) = still.certify(&answers, position, velocity, wanted, hold, margin) {
                    (best, best_gap) = (Some((wanted, length)), reached);
                }
            }
        }
        best
    }

    /// Where the camera should look (rad), and how fast that turns (rad/s), for a flight at `velocity` from `position` along
    /// `along`: at who comes near; else where the vehicle flies and is led next, glancing to both sides where things move.
    pub(super) fn gaze(
        &self,
        now: i64,
        (position, velocity): (Vec3, Vec3),
        along: Vec3,
        evading: bool,
    ) -> (f64, f64) {
        let fast = velocity.norm_xy();
        let look = if fast > 0.6 && !evading { velocity * (1.0 / fast) + along } else { along };
        let ahead = look.y.atan2(look.x);
        let ends = self.config.grown_radius() + THREAT.0;
        let met = self.movers.at(now).closest(position, velocity, self.lead(), HORIZON);
        if let Some(met) = met.filter(|m| m.gap < ends && m.time < THREAT.1) {
            let to = met.at - position;
            let off = wrap_angle(to.y.atan2(to.x) - ahead);
            // Who leaves the view is soon forgotten; but a fast vehicle must see its way too.
            let most = if evading || fast < 1.5 { std::f64::consts::PI } else { GLANCE.0 };
            return (ahead + off.clamp(-most, most), 0.0);
        }
        if self.movers.heard_within(now, WATCHFUL) {
            let turns = std::f64::consts::TAU / GLANCE.1;
            let (sin, cos) = (now as f64 * 1e-9 * turns).sin_cos();
            return (ahead + GLANCE.0 * sin, GLANCE.0 * turns * cos);
        }
        (ahead, 0.0)
    }

    /// True when the vehicle has long been near the goal without coming any nearer: it lies inside of something. It is
    /// tried anew from time to time, should that something go away.
    pub(super) fn unreachable(&mut self, now: i64, distance: f64) -> bool {
        /// Nearer than this, to come no nearer says enough, whatever the map says; metres.
        const AT_HAND: f64 = 1.0;
        /// A way that the map shows is believed after so long, nanoseconds: about something that is seen from one side at a time, ways
        /// come and go, and who went after each of them would circle it for ever.
        const BELIEVED: i64 = 4_000_000_000;
        // A way around may lead away from the goal for long.
        let reaches = distance > AT_HAND && self.proposal.as_ref().is_none_or(|p| p.reaches);
        self.no_way_at = self.no_way_at.min(now);
        if !reaches {
            self.no_way_at = now;
        } else if now - self.no_way_at > BELIEVED {
            self.no_way = None;
            return false;
        }
        /// Metres: farther away is still under way.
        const NEAR: f64 = 5.0;
        /// Coming nearer by this much is hope, metres.
        const NEARER: f64 = 0.3;
        /// Nanoseconds.
        const PATIENCE: i64 = 12_000_000_000;
        const TRY_ANEW: i64 = 90_000_000_000;
        match self.no_way {
            Some((since, nearest))
                if distance < NEAR && distance > nearest - NEARER && now - since < TRY_ANEW =>
            {
                now - since > PATIENCE
            }
            _ => {
                self.no_way = (distance < NEAR).then_some((now, distance));
                false
            }
        }
    }

    /// Nothing is certified: the lower half of the ladder.
    pub(super) fn recover(
        &mut self,
        now: i64,
        odometry: &Odometry,
        along: Vec3,
        (position, velocity): (Vec3, Vec3),
        mut status: Status,
    ) -> Command {
        let here = odometry.pose.position;
        let yaw = odometry.pose.rotation.yaw();
        let off = wrap_angle(along.y.atan2(along.x) - yaw);
        if odometry.velocity.norm() > AT_REST && !self.recovery.is_on_its_way() {
            return self.command(odometry, Vec3::ZERO, YAW_GAIN * off, status);
        }
        // No way back for a run-up: it rises from here.
        self.end_run_up(here);
        let step = self.recovery.blocked(now, yaw, off);
        // Not where the map had said, or not seen from there.
        let gives_up = match step {
            // Once it goes back a little, with the camera on what it did not see.
            Step::Turn | Step::Wait | Step::Back => false,
            Step::Discourage => self.recovery.refusals() > 1,
            _ => true,
        };
        if self.is_crossing() && gives_up || step == Step::GoUp {
            self.fail_over();
        }
        let (state, velocity_wanted, rate) = match step {
            Step::Turn => (State::Hover(HoverCause::Turning), None, YAW_GAIN * off),
            Step::Wait => (State::Hover(HoverCause::Blocked), None, 0.0),
            Step::Discourage => {
                if !self.is_crossing() {
                    self.guidance.discourage(here, along);
                }
                (State::Hover(HoverCause::Blocked), None, 0.0)
            }
            Step::Scan => (State::Scanning, None, self.config.scan_rate),
            Step::Stuck => (State::Stuck, None, self.config.scan_rate),
            Step::Back => {
                // The path where it is young, for it leads around corners as it was flown; else what was seen.
                let target = self.trail.retrace(here, 0.25, now).or_else(|| self.trail.back(here, 0.4));
                let wanted = target.and_then(|t| (t - here).unit()).map(|u| u * 0.4);
                // The camera stays on what blocked it: from farther back it sees all of that.
                (State::Avoiding, wanted, YAW_GAIN * off)
            }
            Step::GoUp => {
                if !self.crosses(now, here) {
                    self.prepare_rise(now, here);
                }
                (State::Hover(HoverCause::Blocked), None, 0.0)
            }
            Step::Rise => (State::Avoiding, self.rising(here), 0.0),
        };
        status.state = state;
        let retracing = if step == Step::Back { Retracing::Unseen } else { Retracing::No };
        let evidence = Sources { retracing, ..self.sources(now) }.evidence(here);
        let certified = velocity_wanted.and_then(|v| {
            let margin = self.margin_at(velocity, v);
            Some((v, evidence.certify(&self.plants(), position, velocity, v, self.hold_time(), margin)?))
        });
        if let Some((wanted, length)) = certified {
            self.anchor = None;
            status.certified_stop_m = length;
            return self.command(odometry, wanted, rate, status);
        }
        match step {
            Step::Back => self.recovery.backed_off(),
            Step::Rise => {
                self.recovery.backed_off();
                // From up here all may be otherwise.
                self.guidance.forgive();
            }
            _ => return self.hold(now, odometry, rate, status),
        }
        status.state = State::Hover(HoverCause::Blocked);
        self.hold(now, odometry, rate, status)
    }
}
