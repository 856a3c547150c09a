//! What the autopilot is asked to send: messages that are needed and do not come.

use mavlink::dialects::common::{COMMAND_LONG_DATA, MavCmd};

use super::setpoint::Target;

/// Not heard for so long it is asked for, nanoseconds.
const MISSING: i64 = 2_000_000_000;

/// A message that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// ODOMETRY.
    Odometry,
    /// LOCAL_POSITION_NED, while ODOMETRY does not come.
    Position,
    /// ATTITUDE_QUATERNION, as well.
    Attitude,
    /// SYS_STATUS, for the battery.
    Battery,
}

impl Needed {
    const ALL: [Self; 4] = [Self::Odometry, Self::Position, Self::Attitude, Self::Battery];

    /// MAVLink's number of the message.
    #[must_use]
    pub fn id(self) -> u32 {
        match self {
            Self::Odometry => 331,
            Self::Position => 32,
            Self::Attitude => 31,
            Self::Battery => 1,
        }
    }
}

/// When each was last heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    heard: [Option<i64>; 4],
}

impl Requests {
    /// Notes down that one came.
    pub fn hear(&mut self, what: Needed, now: i64) {
        self.heard[what as usize] = Some(now);
    }

    /// True when it does not come at `now` (ns).
    #[must_use]
    pub fn missing(&self, what: Needed, now: i64) -> bool {
        self.heard[what as usize].is_none_or(|at| now.saturating_sub(at) > MISSING)
    }

    /// The requests to be sent at `now`: for what is missing, `rate` times a second (the battery once). With odometry there is
    /// no need of its parts.
    pub fn due(&self, now: i64, rate: f64, to: Target) -> impl Iterator<Item = COMMAND_LONG_DATA> + use<> {
        let whole = !self.missing(Needed::Odometry, now);
        let asked = Needed::ALL.map(|what| {
            let part = matches!(what, Needed::Position | Needed::Attitude);
            (self.missing(what, now) && !(whole && part) && rate > 0.0).then(|| {
                let rate = if what == Needed::Battery { 1.0 } else { rate };
                interval(what.id(), rate, to)
            })
        });
        asked.into_iter().flatten()
    }
}

fn interval(message: u32, rate: f64, to: Target) -> COMMAND_LONG_DATA {
    COMMAND_LONG_DATA {
        param1: message as f32,
        param2: (1e6 / rate) as f32,
        command: MavCmd::MAV_CMD_SET_MESSAGE_INTERVAL,
        target_system: to.system,
        // "All" answers no command.
        target_component: to.component.max(1),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: Target = Target { system: 7, component: 0 };
    const S: i64 = 1_000_000_000;

    #[test]
    fn only_what_does_not_come_is_asked_for() {
        let mut requests = Requests::default();
        let ids = |r: &Requests, now| r.due(now, 30.0, TO).map(|m| m.param1 as u32).collect::<Vec<_>>();
        assert_eq!(ids(&requests, 0), [331, 32, 31, 1]);
        let asked: Vec<_> = requests.due(0, 30.0, TO).collect();
        assert!((asked[1].param2 - 33_333.3).abs() < 1.0 && asked[3].param2 == 1e6);
        assert_eq!((asked[0].target_system, asked[0].target_component), (7, 1));
        requests.hear(Needed::Position, 0);
        requests.hear(Needed::Attitude, 0);
        assert_eq!(ids(&requests, S), [331, 1]);
        assert_eq!(ids(&requests, 3 * S), [331, 32, 31, 1], "they ended");
        requests.hear(Needed::Odometry, 3 * S);
        requests.hear(Needed::Battery, 3 * S);
        assert!(ids(&requests, 4 * S).is_empty());
        assert_eq!(Requests::default().due(0, 0.0, TO).count(), 0, "asked not to ask");
    }
}
