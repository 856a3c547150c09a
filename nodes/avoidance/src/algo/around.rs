//! What comes in beside the depth camera: looks of lidars.

use super::guidance::Guidance;
use super::panorama::Panorama;
use super::planner::{Command, Planner};
use super::state::Sensor;

impl Planner {
    /// A new laser scan taken at `stamp`: `ranges` (m) from the azimuth `first` on, `step` apart (rad, counter-clockwise from
    /// the scanner's x), valid within `limits` (m). `Some` is the next command, when it is scans that make commands.
    pub fn on_scan(
        &mut self,
        now: i64,
        stamp: i64,
        (first, step): (f64, f64),
        limits: (f32, f32),
        ranges: &[f32],
    ) -> Option<Command> {
        self.on_round(now, stamp, Sensor::Scan, |view| {
            if first.is_finite() && step.is_finite() {
                for (i, &range) in ranges.iter().enumerate() {
                    view.ray(first + i as f64 * step, range, limits);
                }
            }
        })
    }

    /// New points (m, in the lidar's frame) taken at `stamp`. `Some` is the next command, when it is points that make
    /// commands.
    pub fn on_points(
        &mut self,
        now: i64,
        stamp: i64,
        points: impl Iterator<Item = [f32; 3]>,
    ) -> Option<Command> {
        self.on_round(now, stamp, Sensor::Points, |view| points.for_each(|p| view.point(p)))
    }

    fn on_round(
        &mut self,
        now: i64,
        stamp: i64,
        sensor: Sensor,
        fill: impl FnOnce(&mut Panorama),
    ) -> Option<Command> {
        let (number, lidar) = (self.lidars[sensor as usize]?, *self.config.lidar(sensor)?);
        let drives = self.config.driver() == sensor;
        self.guard.on_time(now);
        if overtaken(now, stamp, &mut self.last_stamps[sensor as usize]) {
            return drives.then(|| self.watch(now));
        }
        let view = self.memory.sweep(number);
        view.begin();
        fill(view);
        view.end();
        let (digest, valid) = (view.digest(), view.valid_fraction());
        self.nearest[sensor as usize] = view.nearest_range();
        let news = self.guard.on_sight(sensor, stamp, digest, valid, || false);
        let body = self.guard.pose_at(stamp);
        if drives {
            self.pose_missing = body.is_none();
        }
        if let (Some(body), true, true) = (body, news, valid >= self.config.covered_fraction) {
            let pose = body.then(&lidar.in_body);
            let guidance: &mut Guidance = &mut self.guidance;
            let view = self.memory.sweep(number);
            guidance.observe_round(view, &pose, body.position, lidar.max_range);
            self.survey.voxels.observe_round(view, &pose, body.position, lidar.max_range);
            self.memory.insert_sweep(number, pose, stamp);
        }
        drives.then(|| self.watch(now))
    }
}

/// True for what comes from the future, or was overtaken by a younger look of the same sensor; else notes its stamp.
pub(super) fn overtaken(now: i64, stamp: i64, last: &mut Option<i64>) -> bool {
    if stamp > now + 1_000_000_000 || last.is_some_and(|s| stamp < s && now >= s) {
        return true;
    }
    *last = Some(stamp);
    false
}
