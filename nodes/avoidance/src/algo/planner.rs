//! The planner: inputs in, one certified command out.
//!
//! The ladder, top to bottom: fly a certified candidate; else brake along the tail certified before; at rest, turn
//! toward where guidance leads; else tell guidance that this way is refused; else scan a full turn; else back off
//! along the way flown; else report STUCK, and go on looking. Whatever the inputs do, the answer to doubt is "stop".

use super::around::overtaken;
use super::candidates::{Candidate, Wish, fan};
use super::certificate::{Bubble, Retracing, Sources};
use super::config::Config;
use super::depth::{DepthImage, Intrinsics, Lattice, Pooled};
use super::geometry::{Quat, Vec3, wrap_angle};
use super::guard::{Guard, Limits, Odometry};
use super::guidance::{Guidance, Proposal};
use super::margins::MarginBox;
use super::memory::{Keeping, Memory};
use super::movers::{HORIZON, Movers, Track};
use super::over::{Over, Survey};
use super::plant::Plant;
use super::recovery::Recovery;
use super::rise::{Rise, STEEPEST};
use super::speed::stopping_speed;
use super::state::{HoverCause, SENSORS, Sensor, Stale, State, Status};
use super::trail::Trail;
use super::view::{Levels, Margin, StampTable};
use crate::error::AvoidanceError;

/// Slower than this is at rest, m/s.
pub(crate) const AT_REST: f64 = 0.25;
/// A waypoint nearer than this is used up, metres.
const USED_UP: f64 = 0.5;
/// Deceleration toward the goal, as a share of the one that is sure.
pub(super) const ARRIVAL: f64 = 0.45;
/// Sight that is looked for when creeping, metres.
const CREEP_SIGHT: f64 = 3.0;
/// Gain from altitude error to climb rate, 1/s.
pub(super) const ALTITUDE_GAIN: f64 = 1.2;
/// Gain from heading error to turn rate, 1/s.
pub(super) const YAW_GAIN: f64 = 2.5;

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Command {
    /// Wanted velocity in odom, m/s.
    pub velocity: Vec3,
    /// Wanted velocity in the body frame (FLU, with the body's tilt), m/s.
    pub velocity_body: Vec3,
    /// Wanted velocity in the heading frame (x forward, y left, z up, level), m/s.
    pub velocity_heading: Vec3,
    /// Turn rate about the vertical, rad/s, counter-clockwise.
    pub yaw_rate: f64,
    /// Why.
    pub status: Status,
}

struct Optics {
    lattice: Lattice,
    now: Levels,
    kept: Levels,
}

/// Holds everything between two images. Allocates only at construction and when the camera changes.
pub struct Planner {
    pub(super) config: Config,
    pub(super) guard: Guard,
    /// Numbers of the lidars in the memory, per [`Sensor`].
    pub(super) lidars: [Option<usize>; SENSORS.len()],
    optics: Option<Optics>,
    pooled: Pooled,
    pub(super) memory: Memory,
    pub(super) trail: Trail,
    pub(super) guidance: Guidance,
    pub(super) proposal: Option<Proposal>,
    /// The direction of guidance last taken.
    pub(super) along: Option<Vec3>,
    pub(super) bubble: Option<Bubble>,
    /// Odometry has jumped since the start: what was vouched for there means another place now.
    pub(super) displaced: bool,
    pub(super) climbing: bool,
    pub(super) rise: Option<Rise>,
    /// Where it goes for a run-up before it rises, and since when (ns).
    pub(super) detour: Option<(Vec3, i64)>,
    /// The map in three dimensions, and the search for ways over or under.
    pub(super) survey: Survey,
    /// A way over or under that is being flown.
    pub(super) over: Option<Over>,
    /// And to which altitude then, metres in odom.
    pub(super) next_height: f64,
    /// Since when (ns) it turns toward where it will climb.
    pub(super) aiming: Option<i64>,
    pub(super) goal: Option<Vec3>,
    arrived: bool,
    boxes: Vec<MarginBox>,
    boxes_stamp: Option<i64>,
    pub(super) movers: Movers,
    pub(super) last: Vec3,
    last_yaw_rate: f64,
    /// Where it came to rest, and stays, and since when (ns).
    pub(super) anchor: Option<(Vec3, i64)>,
    /// Since when (ns) the vehicle is near the goal and comes no nearer, and how near that is (m).
    pub(super) no_way: Option<(i64, f64)>,
    /// When the map last showed no way, ns.
    pub(super) no_way_at: i64,
    candidates: Vec<Candidate>,
    pub(super) recovery: Recovery,
    pub(super) last_stamps: [Option<i64>; SENSORS.len()],
    pub(super) pose_missing: bool,
    /// Metres to the nearest thing, per [`Sensor`].
    pub(super) nearest: [f64; SENSORS.len()],
    depth_seen: bool,
}

impl Planner {
    /// A planner that has heard nothing yet.
    ///
    /// # Errors
    /// What [`Config::check`] finds.
    pub fn new(config: Config) -> Result<Self, AvoidanceError> {
        config.check()?;
        let ns = |seconds: f64| (seconds * 1e9) as i64;
        let limits = Limits {
            sight: SENSORS.map(|sensor| config.timeout(sensor).map(ns)),
            odometry: ns(config.odometry_timeout),
            frozen_frames: config.frozen_frames,
            covered_fraction: config.covered_fraction,
            speed: 50.0,
        };
        let keeping = Keeping {
            distance: config.keyframe_distance,
            angle: config.keyframe_angle,
            age: ns(config.memory_age),
            margin: config.memory_margin as f32,
        };
        let mut memory = Memory::new(keeping, config.grown_radii());
        let lidars =
            SENSORS.map(|sensor| config.lidar(sensor).map(|l| memory.add_lidar(l.fan, l.max_range, l.error)));
        let hard = config.body_radius + 0.3 * config.creep_margin;
        let mut guidance = Guidance::new(config.guidance_cell, hard, config.grown_radius());
        guidance.set_area(config.area);
        Ok(Self {
            guard: Guard::new(limits),
            lidars,
            optics: None,
            pooled: Pooled::default(),
            memory,
            trail: Trail::new(),
            guidance,
            proposal: None,
            along: None,
            bubble: None,
            displaced: false,
            climbing: false,
            rise: None,
            detour: None,
            next_height: 0.0,
            survey: Survey::new(),
            over: None,
            aiming: None,
            goal: None,
            arrived: false,
            boxes: Vec::with_capacity(256),
            boxes_stamp: None,
            movers: Movers::new(),
            last: Vec3::ZERO,
            last_yaw_rate: 0.0,
            anchor: None,
            no_way: None,
            no_way_at: i64::MIN / 2,
            candidates: Vec::with_capacity(512),
            recovery: Recovery::default(),
            last_stamps: [None; SENSORS.len()],
            pose_missing: false,
            nearest: [f64::INFINITY; SENSORS.len()],
            depth_seen: false,
            config,
        })
    }

    /// The settings it was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How often it tried to get over or under something on the way to this goal.
    #[must_use]
    pub fn rises(&self) -> u32 {
        self.recovery.rises()
    }

    /// The depth camera. Allocates when it differs from the last one.
    pub fn set_intrinsics(&mut self, intrinsics: Intrinsics) {
        if self.optics.as_ref().is_some_and(|o| o.lattice.intrinsics == intrinsics) {
            return;
        }
        let c = &self.config;
        let lattice = Lattice::new(intrinsics, c.view_columns);
        let table = |radius: f64| StampTable::new(&lattice, radius, c.depth_error, c.max_range);
        let (now, kept) = (c.grown_radii().map(table), c.grown_radii().map(|r| table(r + c.memory_margin)));
        self.memory.clear();
        self.memory.reserve(&lattice);
        self.optics = Some(Optics { now, kept, lattice });
    }

    /// Where to fly to, odom, metres. Not finite means: no goal.
    pub fn set_goal(&mut self, goal: Vec3) {
        let goal = goal.is_finite().then_some(goal);
        if goal != self.goal {
            self.goal = goal;
            self.arrived = false;
            (self.proposal, self.along) = (None, None);
            (self.no_way, self.rise, self.detour, self.aiming) = (None, None, None, None);
            self.no_way_at = i64::MIN / 2;
            self.over = None;
            self.survey.forget();
            self.recovery = Recovery::default();
        }
    }

    /// New odometry; `None` when it holds numbers that are not finite, or no rotation.
    pub fn on_odometry(&mut self, now: i64, odometry: Option<Odometry>) {
        self.guard.on_time(now);
        self.guard.on_odometry(odometry);
    }

    /// Odometry goes on in another frame: what was seen no longer fits.
    pub fn on_odometry_reset(&mut self) {
        self.guard.on_reset();
    }

    /// New detections; they widen margins until they are too old.
    pub fn on_detections(&mut self, stamp: i64, boxes: impl Iterator<Item = MarginBox>) {
        self.boxes.clear();
        self.boxes.extend(boxes.take(256));
        self.boxes_stamp = Some(stamp);
    }

    /// New tracks (odom), true at `stamp`: they close the space that they are predicted to move into.
    pub fn on_tracks(&mut self, stamp: i64, tracks: impl Iterator<Item = Track>) {
        let camera = self.guard.odometry().map(|o| o.pose.then(&self.config.camera_in_body));
        let (optics, range) = (self.optics.as_ref(), self.config.max_range);
        self.movers.set(stamp, tracks, |at| match (optics, &camera) {
            (Some(optics), Some(camera)) => optics.lattice.sees(camera, at, range),
            _ => false,
        });
    }

    /// A new depth image taken at `stamp`: the next command.
    pub fn on_depth(&mut self, now: i64, stamp: i64, image: &DepthImage<'_>) -> Command {
        self.guard.on_time(now);
        self.depth_seen = true;
        let fits = self.optics.as_ref().filter(|o| {
            let k = &o.lattice.intrinsics;
            (k.width, k.height) == (image.width, image.height)
        });
        let Some(optics) = fits else { return self.stop(now, Stale::NoIntrinsics) };
        if overtaken(now, stamp, &mut self.last_stamps[Sensor::Depth as usize]) {
            return self.watch(now);
        }
        self.pooled.fill(image, &optics.lattice, self.config.min_valid_fraction);
        let valid = self.pooled.valid_fraction();
        let camera_in_body = self.config.camera_in_body;
        let seen_from = self.guard.pose_at(stamp).map(|body| body.then(&camera_in_body));
        let k = optics.lattice.intrinsics;
        let news = self.guard.on_sight(Sensor::Depth, stamp, image.digest(), valid, || {
            seen_from.is_some_and(|camera| image.is_level_ground(&k, &camera))
        });
        self.nearest[Sensor::Depth as usize] = self.pooled.nearest_range(&optics.lattice);
        let body = self.guard.pose_at(stamp);
        self.pose_missing = body.is_none();
        // Repeated pixels are not evidence about the place the vehicle has moved to since.
        if let (Some(body), true, true) = (body, news, valid >= self.config.covered_fraction) {
            let camera = body.then(&self.config.camera_in_body);
            let limit = (self.config.detections_timeout * 1e9) as i64;
            let fresh = self.boxes_stamp.is_some_and(|s| (now - s).abs() <= limit);
            let boxes = if fresh { &self.boxes[..] } else { &[] };
            let tables = (&optics.now, &optics.kept);
            self.memory.insert(&self.pooled, &optics.lattice, tables, boxes, camera, stamp);
            self.guidance.observe(
                &self.pooled,
                &optics.lattice,
                &camera,
                body.position,
                self.config.max_range,
            );
            let range = self.config.max_range;
            self.survey.voxels.observe(&self.pooled, &optics.lattice, &camera, body.position, range);
        }
        if let Some(reason) = self.distrust() {
            return self.stop(now, reason);
        }
        self.plan(now)
    }

    /// The watchdog: to be called every [`super::config::WATCHDOG_PERIOD_S`]. `Some` is a stop to be sent at once;
    /// `None` says that the command of the last image stands.
    pub fn on_watchdog(&mut self, now: i64) -> Option<Command> {
        self.guard.on_time(now);
        self.distrust().map(|reason| self.stop(now, reason))
    }

    /// Status for the moment, and a stop when an input cannot be trusted.
    pub(super) fn watch(&mut self, now: i64) -> Command {
        match self.distrust() {
            Some(reason) => self.stop(now, reason),
            None => self.plan(now),
        }
    }

    fn distrust(&mut self) -> Option<Stale> {
        let reason = self.guard.verdict();
        if let Some(jump) = self.guard.take_reset() {
            // Places no longer mean what they meant. What remains true is that the vehicle was certified to stop
            // where it is: once at rest, a new bubble takes the place of the start's, for a camera sees nothing of the first
            // metre about itself; what is seen there binds. (A bubble of 0.7 m left one vehicle in five where it stood.)
            self.displaced |= jump == Stale::OdometryJump;
            self.memory.clear();
            self.trail.clear();
            self.guidance.clear();
            self.survey.clear();
            self.over = None;
            self.bubble = None;
            (self.climbing, self.rise, self.detour, self.aiming) = (false, None, None, None);
            self.proposal = None;
            self.recovery = Recovery::default();
            self.last_stamps = [None; SENSORS.len()];
            self.boxes_stamp = None;
        }
        if self.config.depth && reason == Some(Stale::NoDepth) && self.optics.is_none() {
            return Some(Stale::NoIntrinsics);
        }
        reason.or(self.pose_missing.then_some(Stale::NoPoseForDepth))
    }

    pub(super) fn status(&self, now: i64, state: State) -> Status {
        Status {
            state,
            depth_age_s: self.guard.age(Sensor::Depth).unwrap_or(f64::NAN),
            scan_age_s: self.guard.age(Sensor::Scan).unwrap_or(f64::NAN),
            points_age_s: self.guard.age(Sensor::Points).unwrap_or(f64::NAN),
            tracks_age_s: self.movers.age(now).unwrap_or(f64::NAN),
            odometry_age_s: self.guard.odometry_age().unwrap_or(f64::NAN),
            detections_age_s: self.boxes_stamp.map_or(f64::NAN, |s| (now - s) as f64 * 1e-9),
            nearest_range_m: self.nearest.iter().copied().fold(f64::INFINITY, f64::min),
            valid_fraction: if self.depth_seen { self.pooled.valid_fraction() } else { 0.0 },
            ..Status::default()
        }
    }

    pub(super) fn stop(&mut self, now: i64, reason: Stale) -> Command {
        (self.last, self.last_yaw_rate) = (Vec3::ZERO, 0.0);
        let status = self.status(now, State::InputStale(reason));
        Command {
            velocity: Vec3::ZERO,
            velocity_body: Vec3::ZERO,
            velocity_heading: Vec3::ZERO,
            yaw_rate: 0.0,
            status,
        }
    }

    pub(super) fn command(
        &mut self,
        odometry: &Odometry,
        velocity: Vec3,
        yaw_rate: f64,
        status: Status,
    ) -> Command {
        let limit = self.config.max_yaw_rate;
        let yaw_rate = yaw_rate.clamp(-limit, limit);
        // The command acts a little later, on a vehicle that has turned a little further.
        let turned = Quat::from_rpy(0.0, 0.0, self.last_yaw_rate * self.lead());
        let then = turned.after(odometry.pose.rotation);
        let (sin, cos) = then.yaw().sin_cos();
        (self.last, self.last_yaw_rate) = (velocity, yaw_rate);
        Command {
            velocity,
            velocity_body: then.inverse().rotate(velocity),
            velocity_heading: Vec3::new(
                cos * velocity.x + sin * velocity.y,
                cos * velocity.y - sin * velocity.x,
                velocity.z,
            ),
            yaw_rate,
            status,
        }
    }

    /// From the newest odometry's stamp until a command sent now acts, seconds.
    pub(super) fn lead(&self) -> f64 {
        self.guard.odometry_age().unwrap_or(0.0).max(0.0) + self.config.command_delay
    }

    /// Where the vehicle will be, and how fast, when a command sent now acts.
    pub(super) fn predicted(&self, odometry: &Odometry) -> (Vec3, Vec3) {
        self.likely().after(odometry.pose.position, odometry.velocity, self.last, self.lead())
    }

    /// How long (s) a command sent now goes on acting before the watchdog's stop takes hold, if no image comes any more.
    pub(super) fn hold_time(&self) -> f64 {
        let driver = self.config.driver();
        let timeout = self.config.timeout(driver).unwrap_or(0.0);
        self.config.hold_time() - self.guard.age(driver).unwrap_or(0.0).clamp(0.0, timeout)
    }

    /// How much has to be kept clear by a vehicle at `velocity` that is told `wanted`.
    pub(super) fn margin_at(&self, velocity: Vec3, wanted: Vec3) -> Margin {
        let fastest = velocity.norm_xy().max(wanted.norm_xy());
        if fastest <= self.config.creep_speed + 0.05 { Margin::Creep } else { Margin::Full }
    }

    /// All that can prove a place to be free.
    pub(super) fn sources(&self, now: i64) -> Sources<'_> {
        let c = &self.config;
        Sources {
            memory: &self.memory,
            bubble: self.bubble,
            trail: &self.trail,
            clock: (now, (c.memory_age * 1e9) as i64),
            fence: c.fence(),
            ahead: self.movers.at(now),
            lead: self.lead(),
            grown: c.grown_radii(),
            retracing: Retracing::No,
        }
    }

    /// The two beliefs of every certificate: sluggish and brisk.
    pub(super) fn plants(&self) -> [Plant; 2] {
        let c = &self.config;
        [
            Plant { lag: c.velocity_lag, acceleration: c.brake_deceleration },
            Plant { lag: 0.45 * c.velocity_lag, acceleration: 1.25 * c.max_acceleration },
        ]
    }

    /// How the vehicle most likely answers: for preferences, never for a certificate.
    pub(super) fn likely(&self) -> Plant {
        Plant { lag: 0.7 * self.config.velocity_lag, acceleration: self.config.max_acceleration }
    }

    fn plan(&mut self, now: i64) -> Command {
        let Some(&odometry) = self.guard.odometry() else { return self.stop(now, Stale::NoOdometry) };
        let here = odometry.pose.position;
        let speed = odometry.velocity.norm();
        let yaw = odometry.pose.rotation.yaw();
        if self.bubble.is_none() && speed < AT_REST {
            self.bubble = Some(Bubble { center: here, radius: self.config.start_bubble });
        }
        self.memory.look_from(here, now);
        if self.recovery.is_backing() {
            self.trail.take_up(here, now);
        } else {
            self.trail.pass(here, now);
        }
        let (position, velocity) = self.predicted(&odometry);
        let Some(goal) = self.goal else {
            return self.hover(now, &odometry, HoverCause::NoGoal);
        };
        let altitude = self.altitude(here, goal);
        if let Some(command) = self.climb(now, &odometry, altitude) {
            return command;
        }
        let to_goal = Vec3::new(goal.x, goal.y, altitude) - here;
        let tolerance = self.config.goal_tolerance;
        if to_goal.norm() < tolerance || self.arrived && to_goal.norm() < 2.0 * tolerance {
            self.arrived |= speed < AT_REST;
            if self.arrived {
                let status = self.status(now, State::GoalReached);
                return self.hold(now, &odometry, 0.0, status);
            }
            return self.hover(now, &odometry, HoverCause::Settling);
        }
        self.arrived = false;

        self.recovery.may_rise = self.may_rise(here);
        let over = self.looks_over(now, here, goal) || self.over.is_some();
        let waits = over || self.survey.is_busy(now);
        if !waits && self.detour.is_none() && self.recovery.should_rise(now, here) {
            self.prepare_rise(now, here);
        }
        let run_up = self.run_up(now, here).or_else(|| self.over_run_up(now, here));
        let along = match self.over_along(now, here) {
            Some(along) => along,
            None => self.guide(here, run_up.unwrap_or(goal)),
        };
        let unreachable = self.unreachable(now, to_goal.norm_xy());
        if unreachable && speed < AT_REST {
            let status = self.status(now, State::Stuck);
            return self.hold(now, &odometry, self.config.scan_rate, status);
        }
        let lead = self.lead();
        let mut candidates = std::mem::take(&mut self.candidates);
        let c = &self.config;
        let evidence = self.sources(now).evidence(here);
        let proven = evidence.seen_free(here, Margin::Creep);
        let climb = (ALTITUDE_GAIN * (altitude - position.z)).clamp(-c.vertical_speed, c.vertical_speed);
        let room = c.grown_radius();
        let plant = self.likely();
        let ahead = evidence.ahead;
        let crossing = self.is_crossing();
        let steepest = if self.rise.is_some() || crossing { STEEPEST } else { f64::INFINITY };
        let sinks = if crossing { STEEPEST } else { f64::INFINITY };
        let last = self.last;
        let wish = Wish { along, position, velocity, plant, last, climb, steepest, sinks, ahead, lead, room };
        let arrival = (2.0 * ARRIVAL * c.brake_deceleration * to_goal.norm()).sqrt().max(0.3);
        let wanted = c.cruise_speed.min(c.max_speed).min(arrival).min(self.over_speed(here));
        let hold = self.hold_time();
        let reaction = hold + 0.5 * c.velocity_lag;
        let (mut cap_ahead, sight_ends) = (None, c.sight());
        let limit = |heading: Vec3| {
            let [full, creep] = c.grown_radii();
            let sight = evidence.reach(position, heading, sight_ends, Margin::Full) + full;
            let cap = stopping_speed(c.brake_deceleration, reaction, sight, c.keep_off);
            cap_ahead.get_or_insert(cap);
            if cap >= c.creep_speed {
                return cap.min(wanted);
            }
            let sight = evidence.reach(position, heading, CREEP_SIGHT, Margin::Creep) + full;
            let slow = stopping_speed(c.brake_deceleration, reaction, sight, c.keep_off - (full - creep));
            cap.max(slow.min(c.creep_speed)).min(wanted)
        };
        let guidance = &self.guidance;
        // What stands at another height does not crowd who flies over it.
        let clearance = |x: f64, y: f64| if crossing { f64::INFINITY } else { guidance.clearance(x, y) };
        fan(&wish, limit, clearance, &mut candidates);

        let plants = self.plants();
        let worth = self.recovery.least_speed(now, here);
        let off = wrap_angle(along.y.atan2(along.x) - yaw);
        let aims = self.aims(now, here, off) || self.over_aims(now, off);
        let least = if unreachable || aims || self.recovery.is_rising() { f64::INFINITY } else { worth };
        let mut tried = 0;
        let evidence = self.sources(now).evidence(here);
        let mut chosen = candidates.iter().filter(|c| c.velocity.norm_xy() >= least).find_map(|candidate| {
            tried += 1;
            let margin = self.margin_at(velocity, candidate.velocity);
            let length = evidence.certify(&plants, position, velocity, candidate.velocity, hold, margin)?;
            Some((candidate.velocity, length))
        });
        // Something comes: stopping is only one of the ways to get out of its way.
        let mut evading = false;
        if !evidence.ahead.is_empty() {
            let risk = |v: Vec3| {
                let met = evidence.ahead.meeting(&plant, (position, velocity), v, lead, HORIZON);
                met.map_or(f64::INFINITY, |m| m.gap - room)
            };
            if chosen.is_none_or(|(v, _)| risk(v) < 0.0)
                && let Some(escape) = self.evade(&evidence, position, velocity, lead)
            {
                chosen = Some(escape);
                evading = true;
            }
        }
        self.candidates = candidates;
        if proven {
            self.trail.note(here, now);
        }
        let mut status = self.status(now, State::Braking);
        status.candidates_tried = tried;
        status.speed_cap_mps = cap_ahead.unwrap_or(0.0);
        if let Some((velocity, length)) = chosen {
            self.recovery.moving(now, here);
            self.anchor = None;
            status.certified_stop_m = length;
            status.state = if self.recovery.stalled(now) {
                State::Stuck
            } else if !evading
                && velocity.norm_xy() > 0.8 * wanted
                && velocity.unit().zip(to_goal.unit()).is_some_and(|(a, b)| a.dot(b) > 0.96)
            {
                State::Cruise
            } else {
                State::Avoiding
            };
            let (gaze, turning) = self.gaze(now, (position, velocity), along, evading);
            let rate = YAW_GAIN * wrap_angle(gaze - yaw) + turning;
            return self.command(&odometry, velocity, rate, status);
        }
        self.recover(now, &odometry, along, (position, velocity), status)
    }

    /// The unit direction in which guidance leads from `here` to `goal`.
    fn guide(&mut self, here: Vec3, goal: Vec3) -> Vec3 {
        let direct = Vec3::new(goal.x - here.x, goal.y - here.y, 0.0);
        let toward = |p: &Proposal| Vec3::new(p.waypoint.0 - here.x, p.waypoint.1 - here.y, 0.0);
        match self.guidance.go_on(here, goal) {
            Some(proposal) => self.proposal = Some(proposal),
            None if self.proposal.is_none() => self.proposal = Some(self.guidance.propose(here, goal)),
            None => {}
        }
        let leg = self.proposal.as_ref().map_or(direct, toward);
        // So near to the waypoint its direction says nothing: the next one comes in a few cycles.
        let used_up = leg.norm() < USED_UP && direct.norm() > 2.0 * USED_UP;
        let along = leg.unit().filter(|_| !used_up).or(self.along).or_else(|| direct.unit());
        self.along = along;
        along.unwrap_or(Vec3::new(1.0, 0.0, 0.0))
    }
}
