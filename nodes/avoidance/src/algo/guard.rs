//! Do the inputs deserve trust? One question, asked before every command.

use super::geometry::{Pose, Vec3, wrap_angle};
use super::state::{SENSORS, Sensor, Stale};

/// Position and velocity of the body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odometry {
    /// When it was true, ns.
    pub stamp: i64,
    /// Body (FLU) in odom (ENU).
    pub pose: Pose,
    /// Velocity of the body in odom axes, m/s.
    pub velocity: Vec3,
}

/// Limits of trust.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Oldest look per [`Sensor`], ns; `None` for one that is not used.
    pub sight: [Option<i64>; SENSORS.len()],
    /// Oldest odometry, ns.
    pub odometry: i64,
    /// Equal images in a row while moving that count as frozen.
    pub frozen_frames: u32,
    /// Share of known cells under which the camera counts as covered.
    pub covered_fraction: f64,
    /// Fastest believable speed, m/s.
    pub speed: f64,
}

/// How far the position may stray from what velocity explains: metres, a share of the way flown, and an acceleration (m/s2) that
/// a velocity at both ends does not show.
const JUMP: (f64, f64, f64) = (0.3, 0.2, 6.0);
/// How far the heading may turn between two samples: radians, and rad/s.
const TURN: (f64, f64) = (0.15, 3.5);
/// After so long without odometry nothing explains where it goes on, seconds.
const GAP: f64 = 1.0;
/// Stamps farther ahead of our clock than this are of another clock, ns.
const AHEAD: i64 = 200_000_000;
/// Motion under which equal images prove nothing, metres and radians.
const STILL: (f64, f64) = (0.03, 0.01);
/// Change of height (m) and tilt (rad) that must change even an image of level ground.
const LEVEL: (f64, f64) = (0.001, 0.0005);
/// Odometry kept for pairing with images: at 250 Hz this is half a second.
const HISTORY: usize = 128;
/// Odometry this far from an image's stamp still serves it, extrapolated; ns.
const PAIR_WITHIN: i64 = 60_000_000;

/// What came of one sensor.
#[derive(Debug, Clone, Copy)]
struct Eye {
    stamp: Option<i64>,
    valid_fraction: f64,
    /// Digest of the last look, how often it came, and where from first.
    digest: Option<(u64, u32, Pose)>,
    frozen: bool,
}

impl Eye {
    const CLOSED: Self = Self { stamp: None, valid_fraction: 1.0, digest: None, frozen: false };
}

/// Watches the inputs.
#[derive(Debug, Clone)]
pub struct Guard {
    limits: Limits,
    now: Option<i64>,
    eyes: [Eye; SENSORS.len()],
    odometry: std::collections::VecDeque<Odometry>,
    finite: bool,
    heard_odometry: bool,
    /// The newest odometry was stamped in the future.
    odometry_ahead: bool,
    /// Set by a jump of time or place until [`Guard::take_reset`].
    reset: Option<Stale>,
}

impl Guard {
    /// Nothing heard yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            now: None,
            eyes: [Eye::CLOSED; SENSORS.len()],
            odometry: std::collections::VecDeque::with_capacity(HISTORY + 1),
            finite: true,
            heard_odometry: false,
            odometry_ahead: false,
            reset: None,
        }
    }

    fn is_ahead(&self, stamp: i64) -> bool {
        self.now.is_some_and(|now| stamp - now > AHEAD)
    }

    /// Notes the time; a step backwards forgets all inputs.
    pub fn on_time(&mut self, now: i64) {
        if self.now.is_some_and(|before| now < before) {
            self.eyes = [Eye::CLOSED; SENSORS.len()];
            self.odometry.clear();
            self.reset = Some(Stale::ClockBackwards);
        }
        self.now = Some(now);
    }

    /// Odometry goes on in another frame: it is forgotten, with the looks that were placed by it.
    pub fn on_reset(&mut self) {
        self.odometry.clear();
        for eye in &mut self.eyes {
            (eye.digest, eye.stamp) = (None, None);
        }
        self.reset = Some(Stale::OdometryJump);
    }

    /// Notes odometry; `None` stands for one with numbers that are not finite.
    pub fn on_odometry(&mut self, odometry: Option<Odometry>) {
        self.heard_odometry = true;
        let sound = odometry.filter(|o| {
            o.pose.position.is_finite() && o.velocity.is_finite() && o.velocity.norm() < self.limits.speed
        });
        let Some(new) = sound else {
            self.finite = false;
            return;
        };
        self.finite = true;
        self.odometry_ahead = self.is_ahead(new.stamp);
        if self.odometry_ahead {
            return; // were it kept, all that is true would come late from then on
        }
        if let Some(last) = self.odometry.back().copied() {
            let dt = (new.stamp - last.stamp) as f64 * 1e-9;
            if (-GAP..0.0).contains(&dt) {
                return; // a late sample; a clock that went backwards is seen by `on_time`
            }
            if !follows(&last, &new, dt) {
                self.on_reset();
            }
        }
        if self.odometry.len() == HISTORY {
            self.odometry.pop_front();
        }
        self.odometry.push_back(new);
    }

    /// Notes a depth image or a look of a lidar; `digest` is that of its pixels, `valid_fraction` the share of its known
    /// cells. False when the pixels are those of the look before although the vehicle has moved: they say nothing about
    /// this place. `level` answers, when pixels repeat, whether they show nothing but level ground: then only a change of height
    /// or tilt must have changed them.
    pub fn on_sight(
        &mut self,
        sensor: Sensor,
        stamp: i64,
        digest: Option<u64>,
        valid_fraction: f64,
        level: impl FnOnce() -> bool,
    ) -> bool {
        let pose = self.odometry.back().map(|o| o.pose);
        let eye = &mut self.eyes[sensor as usize];
        (eye.stamp, eye.valid_fraction) = (Some(stamp), valid_fraction);
        let mut news = true;
        eye.digest = match (digest, eye.digest, pose) {
            (Some(new), Some((old, count, first)), Some(pose)) if new == old => {
                let moved = pose.position - first.position;
                let turned = pose.rotation.angle_to(first.rotation);
                let upright = Vec3::new(0.0, 0.0, 1.0);
                let tilted = (pose.rotation.rotate(upright) - first.rotation.rotate(upright)).norm();
                news = moved.norm() <= STILL.0 && turned <= STILL.1
                    || level() && moved.z.abs() <= LEVEL.0 && tilted <= LEVEL.1;
                // Straight up or down along a plain wall an image repeats honestly. It is no news then, but no fault either.
                let aside = moved.norm_xy() > STILL.0 || turned > STILL.1;
                eye.frozen = count + 1 >= self.limits.frozen_frames && !news && aside;
                Some((old, count + 1, first))
            }
            (Some(new), _, Some(pose)) => {
                eye.frozen = false;
                Some((new, 1, pose))
            }
            _ => {
                eye.frozen = false;
                None
            }
        };
        news
    }

    /// The newest odometry.
    #[must_use]
    pub fn odometry(&self) -> Option<&Odometry> {
        self.odometry.back()
    }

    /// Where the body was at `stamp`: between two samples, or near one of them in time.
    #[must_use]
    pub fn pose_at(&self, stamp: i64) -> Option<Pose> {
        let after = self.odometry.partition_point(|o| o.stamp < stamp);
        let shifted = |o: &Odometry| {
            let dt = stamp - o.stamp;
            (dt.abs() <= PAIR_WITHIN).then(|| Pose {
                position: o.pose.position + o.velocity * (dt as f64 * 1e-9),
                rotation: o.pose.rotation,
            })
        };
        match (after.checked_sub(1).and_then(|i| self.odometry.get(i)), self.odometry.get(after)) {
            (_, Some(b)) if b.stamp == stamp => Some(b.pose),
            (Some(a), Some(b)) if b.stamp - a.stamp <= 2 * PAIR_WITHIN => {
                let part = (stamp - a.stamp) as f64 / (b.stamp - a.stamp) as f64;
                Some(Pose {
                    position: a.pose.position + (b.pose.position - a.pose.position) * part,
                    rotation: a.pose.rotation.towards(b.pose.rotation, part),
                })
            }
            (a, b) => a.and_then(shifted).or_else(|| b.and_then(shifted)),
        }
    }

    /// Age of the newest look of `sensor`, seconds.
    #[must_use]
    pub fn age(&self, sensor: Sensor) -> Option<f64> {
        Some((self.now? - self.eyes[sensor as usize].stamp?) as f64 * 1e-9)
    }

    /// Age of the newest odometry, seconds.
    #[must_use]
    pub fn odometry_age(&self) -> Option<f64> {
        Some((self.now? - self.odometry.back()?.stamp) as f64 * 1e-9)
    }

    /// The jump of time or place since the last call: what was remembered no longer fits.
    pub fn take_reset(&mut self) -> Option<Stale> {
        self.reset.take()
    }

    /// The first reason not to trust the inputs, or `None`.
    #[must_use]
    pub fn verdict(&self) -> Option<Stale> {
        let older = |stamp: i64, limit: i64| self.now.is_some_and(|now| now - stamp > limit);
        if let Some(reason) = self.reset {
            return Some(reason);
        }
        if !self.finite {
            return Some(Stale::OdometryNotFinite);
        }
        if self.odometry_ahead {
            return Some(Stale::OdometryAhead);
        }
        let Some(odometry) = self.odometry.back() else { return Some(Stale::NoOdometry) };
        if older(odometry.stamp, self.limits.odometry) {
            return Some(Stale::OdometryOld);
        }
        SENSORS.into_iter().find_map(|sensor| {
            let (limit, eye) = (self.limits.sight[sensor as usize]?, &self.eyes[sensor as usize]);
            let [none, old, invalid, frozen] = match sensor {
                Sensor::Depth => [Stale::NoDepth, Stale::DepthOld, Stale::DepthInvalid, Stale::DepthFrozen],
                lidar => [
                    Stale::NoLidar(lidar),
                    Stale::LidarOld(lidar),
                    Stale::LidarInvalid(lidar),
                    Stale::LidarFrozen(lidar),
                ],
            };
            match eye.stamp {
                None => Some(none),
                Some(stamp) if older(stamp, limit) => Some(old),
                Some(stamp) if self.is_ahead(stamp) => Some(Stale::SightAhead(sensor)),
                Some(_) if eye.valid_fraction < self.limits.covered_fraction => Some(invalid),
                Some(_) => eye.frozen.then_some(frozen),
            }
        })
    }
}

/// True when odometry `new`, `dt` seconds after `last`, may be of the same frame: it is where the velocities lead, and looks nearly
/// the same way. What came after a gap, or of an older clock, is not.
fn follows(last: &Odometry, new: &Odometry, dt: f64) -> bool {
    let explained = last.pose.position + (last.velocity + new.velocity) * (0.5 * dt);
    let (apart, share, acceleration) = JUMP;
    let fastest = last.velocity.norm().max(new.velocity.norm());
    let allowed = apart + (share * fastest + acceleration * dt) * dt;
    let turned = wrap_angle(new.pose.rotation.yaw() - last.pose.rotation.yaw()).abs();
    (0.0..=GAP).contains(&dt)
        && (new.pose.position - explained).norm() <= allowed
        && turned <= TURN.0 + TURN.1 * dt
}

#[cfg(test)]
mod tests {
    use super::super::geometry::Quat;
    use super::*;

    const MS: i64 = 1_000_000;

    fn guard() -> Guard {
        Guard::new(Limits {
            sight: [Some(150 * MS), None, None],
            odometry: 150 * MS,
            frozen_frames: 3,
            covered_fraction: 0.1,
            speed: 30.0,
        })
    }

    fn odometry(ms: i64, x: f64, speed: f64) -> Odometry {
        Odometry {
            stamp: ms * MS,
            pose: Pose { position: Vec3::new(x, 0.0, 2.0), rotation: Quat::IDENTITY },
            velocity: Vec3::new(speed, 0.0, 0.0),
        }
    }

    fn tick(g: &mut Guard, ms: i64, x: f64, digest: u64) {
        g.on_time(ms * MS);
        g.on_odometry(Some(odometry(ms, x, 4.0)));
        g.on_sight(Sensor::Depth, ms * MS, Some(digest), 1.0, || false);
    }

    #[test]
    fn nothing_heard_is_not_trusted_and_fresh_inputs_are() {
        let mut g = guard();
        assert_eq!(g.verdict(), Some(Stale::NoOdometry));
        g.on_odometry(Some(odometry(0, 0.0, 0.0)));
        assert_eq!(g.verdict(), Some(Stale::NoDepth));
        tick(&mut g, 10, 0.04, 1);
        assert_eq!(g.verdict(), None);
    }

    #[test]
    fn old_inputs_are_named() {
        let mut g = guard();
        tick(&mut g, 0, 0.0, 1);
        g.on_time(100 * MS);
        assert_eq!(g.verdict(), None);
        g.on_time(160 * MS);
        assert_eq!(g.verdict(), Some(Stale::OdometryOld));
        g.on_odometry(Some(odometry(160, 0.64, 4.0)));
        assert_eq!(g.verdict(), Some(Stale::DepthOld));
    }

    #[test]
    fn a_frozen_camera_is_caught_only_while_moving() {
        let mut g = guard();
        for i in 0..20 {
            tick(&mut g, i * 33, 0.0, 9);
        }
        assert_eq!(g.verdict(), None, "standing still, equal frames are honest");
        let mut g = guard();
        tick(&mut g, 0, 0.0, 8);
        tick(&mut g, 33, 0.13, 9);
        tick(&mut g, 66, 0.26, 9);
        assert_eq!(g.verdict(), None);
        tick(&mut g, 99, 0.39, 9);
        assert_eq!(g.verdict(), Some(Stale::DepthFrozen));
        tick(&mut g, 132, 0.52, 10);
        assert_eq!(g.verdict(), None, "it lives again");
    }

    #[test]
    fn straight_up_along_a_plain_wall_equal_frames_are_no_fault_and_no_news() {
        let mut g = guard();
        for i in 0..20 {
            g.on_time(i * 33 * MS);
            let mut up = odometry(i * 33, 0.0, 0.5);
            up.pose.position.z += 0.02 * i as f64;
            g.on_odometry(Some(up));
            let news = g.on_sight(Sensor::Depth, i * 33 * MS, Some(9), 1.0, || false);
            assert!(i < 5 || !news, "{i}");
            assert_eq!(g.verdict(), None, "{i}");
        }
    }

    #[test]
    fn old_frozen_and_covered_lidars_are_named() {
        let scan = Sensor::Scan;
        let limits = Limits { sight: [None, Some(250 * MS), None], ..guard().limits };
        let mut g = Guard::new(limits);
        let mut look = |ms: i64, digest: u64, valid: f64| {
            g.on_time(ms * MS);
            g.on_odometry(Some(odometry(ms, ms as f64 * 0.004, 4.0)));
            let before = g.verdict();
            g.on_sight(scan, ms * MS, Some(digest), valid, || false);
            (before, g.verdict())
        };
        assert_eq!(look(0, 1, 1.0), (Some(Stale::NoLidar(scan)), None));
        assert_eq!(look(100, 2, 0.02).1, Some(Stale::LidarInvalid(scan)));
        assert_eq!(look(200, 3, 1.0).1, None);
        assert_eq!((look(300, 3, 1.0).1, look(400, 3, 1.0).1), (None, Some(Stale::LidarFrozen(scan))));
        assert_eq!(look(700, 4, 1.0), (Some(Stale::LidarOld(scan)), None));
    }

    #[test]
    fn level_ground_may_repeat_under_level_motion_only() {
        let mut g = guard();
        let see = |g: &mut Guard, ms: i64, height: f64| {
            let mut o = odometry(ms, ms as f64 * 0.004, 4.0);
            o.pose.position.z = height;
            g.on_time(ms * MS);
            g.on_odometry(Some(o));
            g.on_sight(Sensor::Depth, ms * MS, Some(9), 1.0, || true)
        };
        for i in 0..10 {
            assert!(see(&mut g, i * 33, 2.0));
        }
        assert_eq!(g.verdict(), None);
        assert!(!see(&mut g, 330, 2.01), "a change of height must show");
        assert_eq!(g.verdict(), Some(Stale::DepthFrozen));
    }

    #[test]
    fn not_finite_covered_jumping_and_backwards_are_named() {
        let mut g = guard();
        tick(&mut g, 0, 0.0, 1);
        g.on_odometry(None);
        assert_eq!(g.verdict(), Some(Stale::OdometryNotFinite));
        tick(&mut g, 33, 0.13, 2);
        assert_eq!(g.verdict(), None);
        g.on_sight(Sensor::Depth, 40 * MS, Some(3), 0.02, || false);
        assert_eq!(g.verdict(), Some(Stale::DepthInvalid));
        tick(&mut g, 66, 5.0, 4);
        assert_eq!(g.verdict(), Some(Stale::OdometryJump));
        assert_eq!(g.take_reset(), Some(Stale::OdometryJump));
        assert_eq!(g.verdict(), None);
        g.on_time(10 * MS);
        assert_eq!(g.verdict(), Some(Stale::ClockBackwards));
        let _ = g.take_reset();
        assert_eq!(g.verdict(), Some(Stale::NoOdometry));
    }

    #[test]
    fn what_motion_does_not_explain_is_a_jump() {
        let told = |ms: i64, x: f64, speed: f64, yaw: f64| {
            let mut g = guard();
            g.on_time(0);
            g.on_odometry(Some(odometry(0, 0.0, speed)));
            let mut new = odometry(ms, x, speed);
            new.pose.rotation = Quat::from_rpy(0.0, 0.0, yaw);
            g.on_time(ms * MS);
            g.on_odometry(Some(new));
            g.take_reset()
        };
        let jump = Some(Stale::OdometryJump);
        assert_eq!(told(33, 0.13, 4.0, 0.1), None, "flies on");
        assert_eq!(told(33, 0.13 + 0.28, 4.0, 0.0), None, "a small correction");
        assert_eq!(told(33, 0.13 + 0.5, 4.0, 0.0), jump);
        assert_eq!(told(100, 0.0, 0.0, 0.45), None, "turns fast");
        assert_eq!(told(33, 0.0, 0.0, 0.4), jump, "the heading was set anew");
        assert_eq!(told(500, 2.0, 4.0, 0.0), None, "half a second is missing, and explained");
        assert_eq!(
            told(1200, 4.8, 4.0, 0.0),
            jump,
            "back after a gap: whether the frame is the same nobody knows"
        );
        // A stamp far back is of another clock.
        let mut g = guard();
        g.on_time(5_000 * MS);
        g.on_odometry(Some(odometry(5_000, 0.0, 0.0)));
        g.on_odometry(Some(odometry(4_900, 0.0, 0.0)));
        assert_eq!(g.take_reset(), None, "late");
        g.on_odometry(Some(odometry(3_000, 0.0, 0.0)));
        assert_eq!(g.take_reset(), jump);
    }

    #[test]
    fn a_reset_that_odometry_tells_is_believed() {
        let mut g = guard();
        tick(&mut g, 0, 0.0, 1);
        g.on_reset();
        assert_eq!(g.verdict(), Some(Stale::OdometryJump));
        assert_eq!(g.take_reset(), Some(Stale::OdometryJump));
        assert_eq!(g.verdict(), Some(Stale::NoOdometry), "what it said before is of another frame");
        tick(&mut g, 33, 7.0, 2);
        assert_eq!(g.verdict(), None);
    }

    #[test]
    fn stamps_of_the_future_are_of_another_clock() {
        let mut g = guard();
        tick(&mut g, 0, 0.0, 1);
        g.on_time(33 * MS);
        g.on_odometry(Some(odometry(10_000, 0.0, 4.0)));
        assert_eq!(g.verdict(), Some(Stale::OdometryAhead));
        tick(&mut g, 66, 0.26, 2);
        assert_eq!(g.verdict(), None, "one of them does no lasting harm");
        g.on_sight(Sensor::Depth, 10_000 * MS, Some(3), 1.0, || false);
        assert_eq!(g.verdict(), Some(Stale::SightAhead(Sensor::Depth)));
    }

    #[test]
    fn poses_are_interpolated_at_the_image() {
        let mut g = guard();
        g.on_odometry(Some(odometry(0, 0.0, 4.0)));
        g.on_odometry(Some(odometry(20, 0.08, 4.0)));
        assert!((g.pose_at(10 * MS).unwrap().position.x - 0.04).abs() < 1e-12);
        assert!((g.pose_at(40 * MS).unwrap().position.x - 0.16).abs() < 1e-12);
        assert!(g.pose_at(500 * MS).is_none());
    }
}
