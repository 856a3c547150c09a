//! A command: when it was given, in which axes, and how old that makes it.

use super::vector::V;

/// In which axes a velocity is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axes {
    /// Level, x along the heading, y left, z up.
    Heading,
    /// East, north, up.
    Odom,
}

impl Axes {
    /// The axes that a header's frame_id names, the one before slashes being a vehicle's own; `unnamed` where it is empty.
    #[must_use]
    pub fn of(frame_id: &str, unnamed: Self) -> Option<Self> {
        match frame_id.rsplit('/').next().unwrap_or_default() {
            "" => Some(unnamed),
            "base_link" | "base_footprint" | "base_stabilized" => Some(Self::Heading),
            "odom" | "map" | "world" => Some(Self::Odom),
            _ => None,
        }
    }

    /// The frame_id of what leaves.
    #[must_use]
    pub const fn frame_id(self) -> &'static str {
        match self {
            Self::Heading => "base_link",
            Self::Odom => "odom",
        }
    }
}

/// A command as it was heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Command {
    /// When it came, ns.
    pub heard: i64,
    /// When it was made, ns; 0 when it does not say.
    pub stamp: i64,
    /// m/s.
    pub velocity: V,
    /// rad/s about up.
    pub rate: f64,
    /// Of the velocity.
    pub axes: Axes,
}

impl Command {
    /// Seconds since it was made, by its stamp and by its arrival, whichever is longer. Neither is enough: a planner that
    /// hangs may repeat an old stamp for ever, and one without a stamp may have waited in a queue. NaN when its stamp
    /// lies in the future: two clocks disagree, and its age is not known.
    #[must_use]
    pub fn age(&self, now: i64) -> f64 {
        let arrival = since(self.heard, now);
        if self.stamp == 0 { arrival } else { worse(arrival, since(self.stamp, now)) }
    }
}

/// Seconds from `stamp` to `now` (ns); NaN when that is far in the future, for a stamp from there is no better than none.
#[must_use]
pub fn since(stamp: i64, now: i64) -> f64 {
    let age = now.saturating_sub(stamp) as f64 * 1e-9;
    if age < -0.2 { f64::NAN } else { age.max(0.0) }
}

/// The longer age; NaN when one is.
#[must_use]
pub fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// Since when nothing fresh came, and whether that is long enough to say nothing more.
///
/// A stop that is sent for ever is no safety: it is a sign of life, by which an autopilot that waits for the end of its
/// setpoints never learns that nobody steers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Silence {
    since: Option<i64>,
}

impl Silence {
    /// Takes in whether what came is `fresh` at `now` (ns). True when nothing was for `after` ns.
    pub fn hear(&mut self, fresh: bool, now: i64, after: i64) -> bool {
        if fresh {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        // A clock that was set back begins anew.
        if now < since {
            self.since = Some(now);
        }
        now.saturating_sub(since) > after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn the_older_of_stamp_and_arrival_counts() {
        let command =
            Command { heard: 900 * MS, stamp: 400 * MS, velocity: [0.0; 3], rate: 0.0, axes: Axes::Odom };
        assert!((command.age(1000 * MS) - 0.6).abs() < 1e-9, "it waited in a queue");
        assert!((Command { stamp: 0, ..command }.age(1000 * MS) - 0.1).abs() < 1e-9, "it says nothing");
        let repeated = Command { heard: 100 * MS, stamp: 950 * MS, ..command };
        assert!((repeated.age(1000 * MS) - 0.9).abs() < 1e-9, "long ago");
        assert!(Command { stamp: 5000 * MS, ..command }.age(1000 * MS).is_nan(), "another clock");
        assert_eq!(Command { stamp: 1100 * MS, heard: 1000 * MS, ..command }.age(1000 * MS), 0.0);
        assert!(Command { stamp: i64::MIN, ..command }.age(i64::MAX) > 1e9);
    }

    #[test]
    fn a_frame_id_wins_and_strangers_are_refused() {
        let of = |id: &str| Axes::of(id, Axes::Odom);
        assert_eq!(
            ["", "base_link", "/base_link", "uav1/odom", "map"].map(of),
            [Axes::Odom, Axes::Heading, Axes::Heading, Axes::Odom, Axes::Odom].map(Some)
        );
        assert_eq!(["camera_optical", "Odom", "body"].map(of), [None; 3]);
    }

    #[test]
    fn after_a_while_of_nothing_it_is_silent_and_speaks_again_at_once() {
        let mut silence = Silence::default();
        let after = 1000 * MS;
        assert!(!silence.hear(true, 0, after) && !silence.hear(false, 100 * MS, after));
        assert!(!silence.hear(false, 1100 * MS, after) && silence.hear(false, 1101 * MS, after));
        assert!(!silence.hear(true, 1200 * MS, after) && !silence.hear(false, 1300 * MS, after));
        assert!(!silence.hear(false, 300 * MS, after), "the clock was set back");
        assert!(!silence.hear(false, 1300 * MS, after) && silence.hear(false, 1301 * MS, after));
    }
}
