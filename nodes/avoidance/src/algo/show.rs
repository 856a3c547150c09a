//! What the planner knows, for those who watch: none of it feeds back.

use super::geometry::Vec3;
use super::guard::Odometry;
use super::movers::Track;
use super::planner::Planner;
use super::ring::BINS;

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
