//! What may command the vehicle: a fresh, sane, certified setpoint, and nothing else.
//!
//! The invariant: *a heartbeat and a setpoint leave together, and only out of the call that was handed a fresh setpoint.*
//! PX4 and ArduPilot stop by themselves when setpoints end, but only if nothing else tells them that we are well; a
//! heartbeat by timer would do just that while the planner hangs. No timer of this crate can send either: they have one
//! source, [`Gate::admit`], and a test with the real peer counts what comes after the last setpoint.

/// What a setpoint must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Oldest stamp that is fresh, nanoseconds.
    pub max_age: i64,
    /// Fastest velocity, m/s.
    pub max_speed: f64,
    /// Fastest turn, rad/s.
    pub max_yaw_rate: f64,
    /// Least time between heartbeats, nanoseconds.
    pub heartbeat_period: i64,
}

/// Why a setpoint was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Older than allowed.
    Stale,
    /// Stamped later than now.
    FromTheFuture,
    /// Not newer than the one before.
    Repeated,
    /// A number is missing.
    NotFinite,
    /// Faster than allowed.
    TooFast,
    /// In a frame that no autopilot is told of here.
    UnknownFrame,
    /// In the heading's axes, while the heading is not known.
    NoHeading,
}

impl Refusal {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Stale,
        Self::FromTheFuture,
        Self::Repeated,
        Self::NotFinite,
        Self::TooFast,
        Self::UnknownFrame,
        Self::NoHeading,
    ];

    /// For people.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Stale => "older than setpoint_timeout_s",
            Self::FromTheFuture => "stamped later than now: two clocks disagree",
            Self::Repeated => "not newer than the one before",
            Self::NotFinite => "a number is not finite",
            Self::TooFast => "beyond max_speed_mps or max_yaw_rate_radps",
            Self::UnknownFrame => "frame_id is none of base_link, odom, map, world",
            Self::NoHeading => "frame_id is base_link, and no fresh vehicle_odometry tells the heading",
        }
    }
}

/// What to do with a setpoint that was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// A heartbeat goes with it.
    pub heartbeat: bool,
}

/// The gate.
#[derive(Debug, Clone)]
pub struct Gate {
    limits: Limits,
    last_stamp: Option<i64>,
    last_admitted: Option<i64>,
    last_beat: Option<i64>,
    admitted: u64,
    refused: [u64; Refusal::ALL.len()],
}

impl Gate {
    /// Nothing was admitted yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            last_stamp: None,
            last_admitted: None,
            last_beat: None,
            admitted: 0,
            refused: [0; Refusal::ALL.len()],
        }
    }

    /// Judges a setpoint stamped `stamp` at `now`: its velocity, m/s, and rate of turn, rad/s.
    ///
    /// # Errors
    /// Why it must not reach the vehicle.
    pub fn admit(
        &mut self,
        now: i64,
        stamp: i64,
        velocity: [f64; 3],
        yaw_rate: f64,
    ) -> Result<Admitted, Refusal> {
        match self.judge(now, stamp, velocity, yaw_rate) {
            Err(why) => {
                self.refuse(why);
                Err(why)
            }
            Ok(()) => {
                (self.last_stamp, self.last_admitted) = (Some(stamp), Some(now));
                self.admitted += 1;
                let since = |last: i64| now.saturating_sub(last);
                // Also after the clock was set back.
                let due =
                    self.last_beat.is_none_or(|l| since(l) >= self.limits.heartbeat_period || since(l) < 0);
                if due {
                    self.last_beat = Some(now);
                }
                Ok(Admitted { heartbeat: due })
            }
        }
    }

    /// Counts a setpoint that was refused before its numbers were looked at.
    pub fn refuse(&mut self, why: Refusal) {
        self.refused[why as usize] += 1;
    }

    fn judge(&self, now: i64, stamp: i64, velocity: [f64; 3], yaw_rate: f64) -> Result<(), Refusal> {
        let age = now.saturating_sub(stamp);
        if age > self.limits.max_age {
            return Err(Refusal::Stale);
        }
        // As far in the future as a setpoint may be in the past: then the clocks disagree, and freshness means nothing.
        if age < -self.limits.max_age {
            return Err(Refusal::FromTheFuture);
        }
        // A clock that was set back by more than a setpoint's life begins anew.
        let repeated = |last: i64| stamp <= last && last.saturating_sub(stamp) <= 2 * self.limits.max_age;
        if self.last_stamp.is_some_and(repeated) {
            return Err(Refusal::Repeated);
        }
        if !(velocity.iter().all(|v| v.is_finite()) && yaw_rate.is_finite()) {
            return Err(Refusal::NotFinite);
        }
        let speed = velocity.iter().fold(0.0_f64, |s, v| s.hypot(*v));
        if speed > self.limits.max_speed || yaw_rate.abs() > self.limits.max_yaw_rate {
            return Err(Refusal::TooFast);
        }
        Ok(())
    }

    /// Seconds since a setpoint was last admitted.
    #[must_use]
    pub fn silence(&self, now: i64) -> Option<f64> {
        self.last_admitted.map(|last| now.saturating_sub(last) as f64 * 1e-9)
    }

    /// Setpoints admitted.
    #[must_use]
    pub fn admitted(&self) -> u64 {
        self.admitted
    }

    /// Setpoints refused for that reason.
    #[must_use]
    pub fn refused(&self, why: Refusal) -> u64 {
        self.refused[why as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn gate() -> Gate {
        Gate::new(Limits { max_age: 200 * MS, max_speed: 5.0, max_yaw_rate: 2.0, heartbeat_period: 500 * MS })
    }

    #[test]
    fn heartbeats_go_with_setpoints_and_no_more_often_than_asked() {
        let mut gate = gate();
        let beats =
            (0..40).filter(|n| gate.admit(n * 50 * MS, n * 50 * MS, [1.0, 0.0, 0.0], 0.0).unwrap().heartbeat);
        assert_eq!(beats.count(), 4);
        assert_eq!((gate.admitted(), gate.silence(2_450 * MS)), (40, Some(0.5)));
    }

    #[test]
    fn what_is_not_fresh_or_not_sane_is_refused_by_name() {
        let mut gate = gate();
        let still = [0.0; 3];
        assert_eq!(gate.admit(1000 * MS, 799 * MS, still, 0.0), Err(Refusal::Stale));
        assert_eq!(gate.admit(1000 * MS, 1201 * MS, still, 0.0), Err(Refusal::FromTheFuture));
        assert!(gate.admit(1000 * MS, 900 * MS, still, 0.0).is_ok());
        assert_eq!(gate.admit(1000 * MS, 900 * MS, still, 0.0), Err(Refusal::Repeated));
        assert_eq!(gate.admit(1000 * MS, 850 * MS, still, 0.0), Err(Refusal::Repeated));
        for bad in [f64::NAN, f64::INFINITY] {
            assert_eq!(gate.admit(1000 * MS, 950 * MS, [0.0, bad, 0.0], 0.0), Err(Refusal::NotFinite));
            assert_eq!(gate.admit(1000 * MS, 950 * MS, still, bad), Err(Refusal::NotFinite));
        }
        assert_eq!(gate.admit(1000 * MS, 950 * MS, [4.0, 4.0, 0.0], 0.0), Err(Refusal::TooFast));
        assert_eq!(gate.admit(1000 * MS, 950 * MS, still, -2.1), Err(Refusal::TooFast));
        let counts = Refusal::ALL.map(|why| gate.refused(why));
        assert_eq!((counts, gate.admitted()), ([1, 1, 2, 4, 2, 0, 0], 1));
    }

    #[test]
    fn a_clock_set_back_begins_anew_and_extremes_do_no_harm() {
        let mut gate = gate();
        assert!(gate.admit(9_000 * MS, 9_000 * MS, [0.0; 3], 0.0).is_ok());
        assert_eq!(gate.admit(1_000 * MS, 1_000 * MS, [0.0; 3], 0.0), Ok(Admitted { heartbeat: true }));
        for (now, stamp) in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN)] {
            assert!(gate.admit(now, stamp, [0.0; 3], 0.0).is_err());
        }
    }
}
