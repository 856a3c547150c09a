//! What stands around the vehicle at flight height, by direction: for eyes and autopilots, never for the certificate.

use super::geometry::{Vec3, wrap_angle};
use super::guidance::Guidance;

/// Bins of a turn, 5 degrees each, as MAVLink's OBSTACLE_DISTANCE has them.
pub const BINS: usize = 72;

impl Guidance {
    /// Metres from `at` (odom) to the nearest mapped obstacle, per bin counter-clockwise from the heading `yaw` (rad), the
    /// first one centred on it. `+inf` where all of the way to `range` metres was seen and nothing is mapped, NaN where it
    /// was not.
    pub fn ring(&self, at: Vec3, yaw: f64, range: f64, out: &mut [f32; BINS]) {
        let bin = std::f64::consts::TAU / BINS as f64;
        out.fill(f32::NAN);
        self.each_occupied(at, range, |x, y, half| {
            let distance = x.hypot(y);
            let to = ((distance - half).max(0.05)) as f32;
            // A cell hides as much as its edges do.
            let width = (1.4 * half / distance.max(1.4 * half)).asin();
            let azimuth = wrap_angle(y.atan2(x) - yaw);
            let (first, last) = (((azimuth - width) / bin).round(), ((azimuth + width) / bin).round());
            for i in first as i64..=last as i64 {
                let slot = &mut out[i.rem_euclid(BINS as i64) as usize];
                *slot = slot.min(to);
            }
        });
        for (i, slot) in out.iter_mut().enumerate().filter(|(_, s)| s.is_nan()) {
            let (sin, cos) = (yaw + i as f64 * bin).sin_cos();
            if self.seen_along(at, (cos, sin), range) {
                *slot = f32::INFINITY;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::geometry::{Pose, Quat};
    use super::super::panorama::{Fan, Panorama};
    use super::*;

    #[test]
    fn a_wall_to_the_left_is_in_the_bins_to_the_left() {
        let mut guidance = Guidance::new(0.15, 0.3, 0.5);
        let here = Vec3::new(10.0, -4.0, 2.0);
        let mut view = Panorama::new(Fan::Plane { reach: 1.0 }, 12.0, 0.03);
        for _ in 0..6 {
            view.begin();
            for degree in -180_i32..180 {
                let (angle, sin) = (f64::from(degree).to_radians(), (degree as f32).to_radians().sin());
                // Nothing is measured behind.
                let range = if sin > 0.3 { 3.0 / sin } else { f32::INFINITY };
                if degree.abs() < 150 {
                    view.ray(angle, range, (0.1, 20.0));
                }
            }
            view.end();
            // Heading north-west: the wall 3 m to the left stands to the south-west.
            let rotation = Quat::from_rpy(0.0, 0.0, 2.2);
            guidance.observe_round(&view, &Pose { position: here, rotation }, here, 12.0);
        }
        let mut ring = [0.0; BINS];
        guidance.ring(here, 2.2, 8.0, &mut ring);
        assert!((2.6..3.1).contains(&ring[18]), "{}", ring[18]);
        assert!((3.5..4.3).contains(&ring[9]), "{}", ring[9]);
        assert_eq!(ring[0], f32::INFINITY);
        assert_eq!(ring[54], f32::INFINITY);
        assert!(ring[36].is_nan(), "{}", ring[36]);
    }
}
