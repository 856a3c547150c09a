//! Where the vehicle was when the picture was taken: a detection is older than the newest odometry.

use std::collections::VecDeque;

use super::camera::Pose;

/// Poses kept: 2.5 s at 100 Hz.
const KEPT: usize = 256;
/// Faster than this over ground is a jump, m/s.
const MAX_SPEED: f64 = 40.0;
/// A step that is no jump at any time, metres.
const FREE_STEP: f64 = 0.5;
/// Longest time between two poses that may be bridged, and beyond the newest that may be guessed, nanoseconds.
const MAX_GAP: i64 = 250_000_000;

/// The last poses of base_link in odom, by time.
#[derive(Debug, Clone)]
pub struct History {
    poses: VecDeque<(i64, Pose)>,
    jumps: u64,
}

impl Default for History {
    fn default() -> Self {
        Self { poses: VecDeque::with_capacity(KEPT), jumps: 0 }
    }
}

impl History {
    /// Adds a pose. One older than the newest by less than a second is late and is left out; one older by more, or one
    /// too far away to have been flown to, is a jump: all that came before it is forgotten.
    pub fn push(&mut self, stamp: i64, pose: Pose) {
        if let Some((last, before)) = self.poses.back() {
            let step = stamp.saturating_sub(*last);
            if (-1_000_000_000..=0).contains(&step) {
                return;
            }
            let moved = (pose.translation.vector - before.translation.vector).norm();
            let reach = FREE_STEP + MAX_SPEED * step as f64 * 1e-9;
            if step < 0 || moved > reach {
                self.poses.clear();
                self.jumps += 1;
            }
        }
        if self.poses.len() == KEPT {
            self.poses.pop_front();
        }
        self.poses.push_back((stamp, pose));
    }

    /// How often time or place jumped. Places from before a jump mean nothing after it.
    #[must_use]
    pub fn jumps(&self) -> u64 {
        self.jumps
    }

    /// The pose at `stamp`, between its neighbours; `None` when it is not covered.
    #[must_use]
    pub fn at(&self, stamp: i64) -> Option<Pose> {
        let after = self.poses.partition_point(|(t, _)| *t < stamp);
        let Some((t1, newer)) = self.poses.get(after) else {
            let (last, pose) = self.poses.back()?;
            return (stamp.saturating_sub(*last) <= MAX_GAP).then_some(*pose);
        };
        if *t1 == stamp {
            return Some(*newer);
        }
        let (t0, older) = self.poses.get(after.checked_sub(1)?)?;
        let span = t1.saturating_sub(*t0);
        // Not the other way round: only of a short span may the difference be taken.
        (span <= MAX_GAP).then(|| {
            let share = (stamp - t0) as f64 / span as f64;
            older.try_lerp_slerp(newer, share, 1e-9).unwrap_or(*newer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{UnitQuaternion, Vector3};

    fn pose(x: f64, yaw: f64) -> Pose {
        Pose::from_parts(Vector3::new(x, 0.0, 0.0).into(), UnitQuaternion::from_euler_angles(0.0, 0.0, yaw))
    }

    const MS: i64 = 1_000_000;

    #[test]
    fn between_two_poses_both_parts_are_interpolated() {
        let mut history = History::default();
        history.push(0, pose(0.0, 0.0));
        history.push(10 * MS, pose(0.1, 0.2));
        let half = history.at(5 * MS).unwrap();
        assert!(
            (half.translation.x - 0.05).abs() < 1e-12 && (half.rotation.euler_angles().2 - 0.1).abs() < 1e-12
        );
        assert_eq!(history.at(10 * MS), Some(pose(0.1, 0.2)));
        assert_eq!(history.at(60 * MS), Some(pose(0.1, 0.2)));
        assert_eq!((history.at(-1), history.at(900 * MS)), (None, None));
    }

    #[test]
    fn a_hole_is_not_bridged_and_late_poses_are_left_out() {
        let mut history = History::default();
        history.push(0, pose(0.0, 0.0));
        history.push(600 * MS, pose(1.0, 0.0));
        assert_eq!(history.at(300 * MS), None);
        history.push(590 * MS, pose(9.0, 0.0));
        history.push(600 * MS, pose(9.0, 0.0));
        assert_eq!((history.at(600 * MS), history.jumps()), (Some(pose(1.0, 0.0)), 0));
    }

    #[test]
    fn jumps_of_place_and_time_forget_everything() {
        let mut history = History::default();
        history.push(5_000 * MS, pose(0.0, 0.0));
        history.push(5_010 * MS, pose(7.0, 0.0));
        assert_eq!((history.jumps(), history.at(5_005 * MS)), (1, None));
        history.push(100 * MS, pose(7.0, 0.0));
        assert_eq!((history.jumps(), history.at(100 * MS)), (2, Some(pose(7.0, 0.0))));
        history.push(i64::MIN, pose(7.0, 0.0));
        history.push(i64::MAX, pose(7.0, 0.0));
        assert!(history.at(i64::MAX).is_some());
    }

    #[test]
    fn memory_is_bounded() {
        let mut history = History::default();
        for n in 0..1000 {
            history.push(n * 10 * MS, pose(0.0, 0.0));
        }
        assert_eq!((history.poses.len(), history.poses.capacity() >= KEPT), (KEPT, true));
    }
}
