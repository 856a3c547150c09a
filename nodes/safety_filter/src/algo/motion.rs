//! Where the vehicle is now, from where it last was: odometry comes late, and in steps.

use super::vector::{Turn, V, along, finite, norm, scaled};

/// Faster than this is no vehicle of ours, m/s; turning faster, rad/s.
const FASTEST: f64 = 60.0;
const FASTEST_TURN: f64 = 10.0;
/// A heading that steps by more, beyond what its rate explains, was set anew, rad. Sources that tell no rate may turn by
/// as much between two messages.
const TURN_SLACK: f64 = 0.5;

/// A pose with its motion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// ns.
    pub stamp: i64,
    /// Metres, odom.
    pub at: V,
    /// Body to odom.
    pub turn: Turn,
    /// m/s, odom.
    pub velocity: V,
    /// rad/s about up.
    pub rate: f64,
}

impl Pose {
    /// A pose whose velocity (m/s) and rates (rad/s) are told in the body's axes. Where the source tells no velocity,
    /// it is that from the pose before.
    #[must_use]
    pub fn new(stamp: i64, at: V, turn: Turn, velocity: V, rates: V, before: Option<&Self>) -> Self {
        let told = finite(velocity) && norm(velocity) > 0.0;
        let velocity =
            if told { turn.apply(velocity) } else { before.map_or([0.0; 3], |b| b.speed_to(stamp, at)) };
        let fast = norm(velocity);
        let velocity = if fast > FASTEST { scaled(velocity, FASTEST / fast) } else { velocity };
        let rate = if finite(rates) { turn.apply(rates)[2].clamp(-FASTEST_TURN, FASTEST_TURN) } else { 0.0 };
        Self { stamp, at, turn, velocity, rate }
    }

    fn speed_to(&self, stamp: i64, at: V) -> V {
        let dt = (stamp.saturating_sub(self.stamp)) as f64 * 1e-9;
        // Closer ones tell noise, farther ones another flight.
        if (0.005..=0.5).contains(&dt) { scaled(along(at, -1.0, self.at), 1.0 / dt) } else { [0.0; 3] }
    }

    /// Where it is after `age` seconds, and the heading there: what is judged acts on the vehicle where it then is.
    #[must_use]
    pub fn after(&self, age: f64) -> (V, Turn) {
        let age = if age.is_finite() { age.max(0.0) } else { 0.0 };
        (along(self.at, age, self.velocity), Turn::level(self.turn.yaw() + self.rate * age))
    }

    /// The pose at another time, `stamp` ns, not far from its own: a sweep is seldom taken when odometry is.
    #[must_use]
    pub fn moved_to(&self, stamp: i64) -> Self {
        let dt = stamp.saturating_sub(self.stamp) as f64 * 1e-9;
        let turn = Turn::level(self.rate * dt).after(&self.turn);
        Self { stamp, at: along(self.at, dt, self.velocity), turn, ..*self }
    }

    /// True when `next` is no continuation of this pose: its place or heading is not where the motion leads. `slack` is
    /// metres beyond half of the way that the speed explains.
    #[must_use]
    pub fn jumps_to(&self, next: &Self, slack: f64) -> bool {
        let dt = next.stamp.saturating_sub(self.stamp) as f64 * 1e-9;
        let mean = scaled(along(self.velocity, 1.0, next.velocity), 0.5);
        let way = along(next.at, -1.0, along(self.at, dt, mean));
        let speed = norm(self.velocity).max(norm(next.velocity));
        let turned = next.turn.yaw() - self.turn.yaw() - 0.5 * (self.rate + next.rate) * dt;
        let turned = (turned + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI;
        let rate = self.rate.abs().max(next.rate.abs());
        norm(way) > slack + 0.5 * speed * dt.abs() || turned.abs() > TURN_SLACK + rate * dt.abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_where_its_velocity_has_carried_it() {
        let left = Turn::level(std::f64::consts::FRAC_PI_2);
        let pose = Pose::new(0, [1.0, 2.0, 3.0], left, [4.0, 0.0, 0.0], [0.0, 0.0, 0.5], None);
        let (at, heading) = pose.after(0.1);
        assert!(norm(along(at, -1.0, [1.0, 2.4, 3.0])) < 1e-9, "forward is odom's y: {at:?}");
        assert!((heading.yaw() - std::f64::consts::FRAC_PI_2 - 0.05).abs() < 1e-9);
        assert_eq!((pose.after(f64::NAN).0, pose.after(-1.0).0), (pose.at, pose.at));
    }

    #[test]
    fn a_velocity_that_is_not_told_is_that_from_the_pose_before() {
        let first = Pose::new(0, [0.0; 3], Turn::NONE, [0.0; 3], [0.0; 3], None);
        assert_eq!(first.velocity, [0.0; 3]);
        let next = |stamp, told| Pose::new(stamp, [0.2, 0.0, 0.0], Turn::NONE, told, [0.0; 3], Some(&first));
        assert!((next(100_000_000, [0.0; 3]).velocity[0] - 2.0).abs() < 1e-9);
        assert!((next(100_000_000, [f64::NAN; 3]).velocity[0] - 2.0).abs() < 1e-9);
        assert_eq!(next(2_000_000_000, [0.0; 3]).velocity, [0.0; 3], "too long ago");
        assert_eq!(next(100_000_000, [1.5, 0.0, 0.0]).velocity, [1.5, 0.0, 0.0]);
        assert!((norm(next(100_000_000, [900.0, 0.0, 0.0]).velocity) - FASTEST).abs() < 1e-9);
    }

    #[test]
    fn a_step_that_motion_does_not_explain_is_a_jump() {
        let at = |stamp: i64, x: f64, yaw: f64| {
            Pose::new(stamp, [x, 0.0, 0.0], Turn::level(yaw), [4.0, 0.0, 0.0], [0.0, 0.0, 0.2], None)
        };
        let first = at(0, 0.0, 0.0);
        assert!(!first.jumps_to(&at(100_000_000, 0.4, 0.02), 0.5));
        assert!(!first.jumps_to(&at(100_000_000, 1.0, 0.02), 0.5), "within what is unsure");
        assert!(first.jumps_to(&at(100_000_000, 1.3, 0.02), 0.5));
        assert!(first.jumps_to(&at(1_200_000_000, 15.0, 0.2), 0.5), "also after a gap");
        assert!(!first.jumps_to(&at(1_200_000_000, 4.8, 0.2), 0.5));
        assert!(first.jumps_to(&at(33_000_000, 0.13, 1.0), 0.5), "the heading alone");
        let across = at(33_000_000, 0.13, 3.1);
        let other = Pose { stamp: 66_000_000, ..at(66_000_000, 0.26, -3.1) };
        let turning = Turn::level(3.1);
        let before = Pose { turn: turning, ..first };
        assert!(!before.jumps_to(&Pose { velocity: [4.0, 0.0, 0.0], ..across }, 0.5));
        assert!(
            !Pose { turn: turning, velocity: [4.0, 0.0, 0.0], ..across }
                .jumps_to(&Pose { velocity: [4.0, 0.0, 0.0], at: [0.26, 0.0, 0.0], ..other }, 0.5),
            "over the seam of the circle"
        );
    }

    #[test]
    fn a_sweep_between_two_messages_has_a_pose_of_its_own() {
        let pose = Pose::new(0, [0.0; 3], Turn::NONE, [5.0, 0.0, 0.0], [0.0, 0.0, 1.0], None);
        let later = pose.moved_to(50_000_000);
        assert!((later.at[0] - 0.25).abs() < 1e-9 && (later.turn.yaw() - 0.05).abs() < 1e-9);
        assert!((pose.moved_to(-50_000_000).at[0] + 0.25).abs() < 1e-9);
    }
}
