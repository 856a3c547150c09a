//! What the planner knows, for those who watch: none of it feeds back.

use super::geometry::Vec3;
use super::guard::Odometry;
use super::movers::Track;
use super::planner::Planner;
use super::ring::BINS;
use super::view::{Margin, Verdict};

impl Planner {
    /// Where it flies to, odom, metres.
    #[must_use]
    pub fn goal(&self) -> Option<Vec3> {
        self.goal
    }

    /// Where guidance leads next, odom, metres.
    #[must_use]
    pub fn waypoint(&self) -> Option<(f64, f64)> {
        self.proposal.as_ref().map(|p| p.waypoint)
    }

    /// Calls `visit` with the middle of every cell within `range` metres that guidance takes for occupied, relative to the vehicle
    /// (odom axes, m), and half its edge (m).
    pub fn occupied(&self, range: f64, visit: impl FnMut(f64, f64, f64)) {
        if let Some(odometry) = self.guard.odometry() {
            self.guidance.each_occupied(odometry.pose.position, range, visit);
        }
    }

    /// What is known of the creeping vehicle's ball at `at` (odom), as of the last cycle; and whether it has been there.
    #[must_use]
    pub fn known(&self, at: Vec3, now: i64) -> (Verdict, Verdict, bool) {
        let Some(o) = self.guard.odometry() else { return (Verdict::Unknown, Verdict::Unknown, false) };
        let d = at - o.pose.position;
        let l = [d.x as f32, d.y as f32, d.z as f32];
        let been = self.trail.covers(at, now, (self.config.memory_age * 1e9) as i64);
        (self.memory.verdict(l, Margin::Creep), self.memory.live_verdict(l, Margin::Creep), been)
    }

    /// What moves, as the tracker said last.
    pub fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.movers.list()
    }

    /// The newest odometry.
    #[must_use]
    pub fn odometry(&self) -> Option<&Odometry> {
        self.guard.odometry()
    }

    /// Metres to what is mapped around the vehicle at its height, per direction: see [`super::guidance::Guidance::ring`]. All NaN before
    /// the first odometry.
    pub fn ring(&self, range: f64, out: &mut [f32; BINS]) {
        out.fill(f32::NAN);
        if let Some(odometry) = self.guard.odometry() {
            let yaw = odometry.pose.rotation.yaw();
            self.guidance.ring(odometry.pose.position, yaw, range, out);
        }
    }

    /// The path (odom, m) of the command sent last and of the stop after it, as the sluggish belief has it.
    pub fn path(&self, out: &mut Vec<Vec3>) {
        out.clear();
        let Some(odometry) = self.guard.odometry() else { return };
        out.push(odometry.pose.position);
        let (position, velocity) = self.predicted(odometry);
        let [sluggish, _] = self.plants();
        sluggish.sweep(position, velocity, self.last, self.hold_time(), 0.2, |at, _, _| {
            out.push(at);
            out.len() < 512
        });
    }
}
