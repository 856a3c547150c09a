//! What PX4 is told, and what of that it has answered. No sockets, no clock.
//!
//! PX4's own time is the time that HIL_SENSOR carries, and its HIL_ACTUATOR_CONTROLS carry its time. So an answer to a step has the
//! step's time, plus an offset that is the same for all of them: the first answer shows it. In PX4's SITL builds it is 0, and a first
//! answer with a time between the first step and the last is taken for that: while PX4 starts, steps go on, and its first answer may
//! well be one to an earlier step. An answer with an older time is late or sent twice; it is counted, and answers nothing.

use mavlink::MavHeader;
use mavlink::dialects::common::{
    COMMAND_ACK_DATA, COMMAND_LONG_DATA, HEARTBEAT_DATA, HIL_ACTUATOR_CONTROLS_DATA,
    HilActuatorControlsFlags, MavAutopilot, MavCmd, MavMessage, MavModeFlag, MavResult, MavState, MavType,
};
use peregrine_mavlink::decoder::{self, Decoder, encode};

use super::messages;
use crate::readings::{Motors, Readings};

/// HIL_STATE_QUATERNION's number.
const STATE: f32 = 115.0;
/// From one HEARTBEAT to the next, microseconds of simulated time.
const HEARTBEAT_US: u64 = 1_000_000;
/// We: a system of our own, so that no autopilot (usually 1) has our number.
const WHO: MavHeader = MavHeader { system_id: 42, component_id: 200, sequence: 0 };

/// What came of the link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Steps told.
    pub told: u64,
    /// Steps answered.
    pub answered: u64,
    /// Answers to earlier steps.
    pub late: u64,
    /// Answers that came when nothing was asked.
    pub unasked: u64,
    /// Answers with numbers that are none.
    pub not_finite: u64,
}

/// One connection: the decoder of its bytes, and what came of them.
#[derive(Debug, Clone, Default)]
pub struct Lockstep {
    decoder: Decoder,
    state: State,
}

#[derive(Debug, Clone, Default)]
struct State {
    counts: Counts,
    /// Time of the step that waits for an answer, microseconds.
    waiting: Option<u64>,
    /// Time of the step that was told first, microseconds.
    first: Option<u64>,
    /// Their time less ours, microseconds, once it is known.
    offset: Option<i64>,
    motors: Motors,
    /// Flags of the first answer that came without lockstep.
    free: Option<u64>,
    heard: bool,
    /// Between two HIL_STATE_QUATERNION, microseconds; 0 for every step, `None` for never.
    state_every: Interval,
    next_state: u64,
    next_heartbeat: u64,
    sequence: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval(Option<u64>);

impl Default for Interval {
    fn default() -> Self {
        Self(Some(0))
    }
}

impl Lockstep {
    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state.counts
    }

    /// What was counted of the bytes.
    #[must_use]
    pub fn bytes(&self) -> decoder::Counts {
        self.decoder.counts()
    }

    /// Whether any answer came yet: PX4 has started.
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.state.offset.is_some()
    }

    /// Whether anything of PX4 was heard yet.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.state.heard
    }

    /// Flags of an answer without lockstep, if one came.
    #[must_use]
    pub fn without_lockstep(&self) -> Option<u64> {
        self.state.free
    }

    /// Tells a step: appends its messages to `out`. HIL_SENSOR comes last, for it sets PX4's clock and what belongs to it
    /// should be there by then.
    pub fn tell(&mut self, readings: &Readings, out: &mut Vec<u8>) {
        self.state.tell(readings, out);
    }

    /// Takes in what came; what it asks for is answered into `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let Self { decoder, state } = self;
        decoder.feed(bytes, |header, message| {
            state.heard = true;
            match message {
                MavMessage::HIL_ACTUATOR_CONTROLS(controls) => state.controls(controls),
                MavMessage::COMMAND_LONG(command) => state.command(header, command, out),
                _ => {}
            }
        });
    }

    /// What the motors shall do, once the step that was told last is answered.
    #[must_use]
    pub fn answer(&self) -> Option<Motors> {
        (self.state.waiting.is_none() && self.has_started()).then_some(self.state.motors)
    }

    /// What the motors shall do as far as is known: off before the first answer.
    #[must_use]
    pub fn motors(&self) -> Motors {
        self.state.motors
    }
}

impl State {
    fn tell(&mut self, readings: &Readings, out: &mut Vec<u8>) {
        let now = messages::usec(readings.time_ns);
        if now >= self.next_heartbeat {
            self.next_heartbeat = now + HEARTBEAT_US;
            self.send(&heartbeat(), out);
        }
        if let Some(fix) = &readings.fix {
            self.send(&messages::gps(readings.time_ns, fix), out);
        }
        if let Interval(Some(every)) = self.state_every
            && now >= self.next_state
        {
            self.next_state = now + every;
            self.send(&messages::state(readings), out);
        }
        self.send(&messages::sensor(readings), out);
        self.waiting = Some(now);
        self.first.get_or_insert(now);
        self.counts.told += 1;
    }

    fn controls(&mut self, m: &HIL_ACTUATOR_CONTROLS_DATA) {
        if !m.flags.contains(HilActuatorControlsFlags::HIL_ACTUATOR_CONTROLS_FLAGS_LOCKSTEP) {
            self.free.get_or_insert(m.flags.bits());
        }
        let Some(told) = self.waiting else {
            self.counts.unasked += 1;
            return;
        };
        if !m.controls.iter().all(|c| c.is_finite()) {
            self.counts.not_finite += 1;
            return;
        }
        let theirs = i64::try_from(m.time_usec).unwrap_or(i64::MAX);
        let ours = i64::try_from(told).unwrap_or(i64::MAX);
        // One of our own moments: it keeps our time, and this may be the answer to an earlier step.
        let is_ours = self.first.is_some_and(|first| (first..=told).contains(&m.time_usec));
        let offset = *self.offset.get_or_insert(if is_ours { 0 } else { theirs.saturating_sub(ours) });
        if theirs.saturating_sub(offset) < ours {
            self.counts.late += 1;
            return;
        }
        self.waiting = None;
        self.counts.answered += 1;
        let armed = m.mode.contains(MavModeFlag::MAV_MODE_FLAG_SAFETY_ARMED);
        self.motors = Motors { armed, ..Motors::default() };
        if armed {
            for (to, from) in self.motors.throttle.iter_mut().zip(m.controls) {
                // Rotors that turn one way have no negative throttle.
                *to = f64::from(from).clamp(0.0, 1.0);
            }
        }
    }

    fn command(&mut self, header: &MavHeader, m: &COMMAND_LONG_DATA, out: &mut Vec<u8>) {
        let mut result = MavResult::MAV_RESULT_UNSUPPORTED;
        if m.command == MavCmd::MAV_CMD_SET_MESSAGE_INTERVAL && m.param1 == STATE {
            result = MavResult::MAV_RESULT_ACCEPTED;
            self.state_every = match m.param2 {
                none if none < 0.0 => Interval(None),
                some if some.is_finite() => Interval(Some(some as u64)),
                _ => {
                    result = MavResult::MAV_RESULT_DENIED;
                    self.state_every
                }
            };
            self.next_state = 0;
        }
        let target = u8::try_from(header.system_id).unwrap_or(0);
        let ack = COMMAND_ACK_DATA {
            command: m.command,
            result,
            target_system: target,
            target_component: header.component_id,
            ..COMMAND_ACK_DATA::default()
        };
        self.send(&MavMessage::COMMAND_ACK(ack), out);
    }

    fn send(&mut self, message: &MavMessage, out: &mut Vec<u8>) {
        encode(MavHeader { sequence: self.sequence, ..WHO }, message, out);
        self.sequence = self.sequence.wrapping_add(1);
    }
}

fn heartbeat() -> MavMessage {
    MavMessage::HEARTBEAT(HEARTBEAT_DATA {
        custom_mode: 0,
        mavtype: MavType::MAV_TYPE_GENERIC,
        autopilot: MavAutopilot::MAV_AUTOPILOT_INVALID,
        base_mode: MavModeFlag::empty(),
        system_status: MavState::MAV_STATE_ACTIVE,
        mavlink_version: 3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(message: &MavMessage) -> Vec<u8> {
        let mut out = Vec::new();
        encode(MavHeader { system_id: 1, component_id: 1, sequence: 0 }, message, &mut out);
        out
    }

    fn controls(time_usec: u64, first: f32) -> Vec<u8> {
        let mut m = HIL_ACTUATOR_CONTROLS_DATA {
            time_usec,
            mode: MavModeFlag::MAV_MODE_FLAG_SAFETY_ARMED,
            ..Default::default()
        };
        m.controls[0] = first;
        frame(&MavMessage::HIL_ACTUATOR_CONTROLS(m))
    }

    fn read(bytes: &[u8]) -> Vec<MavMessage> {
        let mut all = Vec::new();
        Decoder::default().feed(bytes, |_, m| all.push(m.clone()));
        all
    }

    /// Told at `ms`, and what went out.
    fn tell(lockstep: &mut Lockstep, ms: i64) -> Vec<MavMessage> {
        let mut out = Vec::new();
        lockstep.tell(&messages::still(ms * 1_000_000), &mut out);
        read(&out)
    }

    #[test]
    fn a_step_is_answered_by_its_own_time_alone() {
        let (mut lockstep, mut out) = (Lockstep::default(), Vec::new());
        tell(&mut lockstep, 0);
        assert_eq!((lockstep.answer(), lockstep.has_started()), (None, false));
        lockstep.feed(&controls(0, 0.25), &mut out);
        assert_eq!(lockstep.answer().unwrap().throttle[0], 0.25);
        tell(&mut lockstep, 4);
        assert_eq!(lockstep.answer(), None);
        lockstep.feed(&controls(0, 0.5), &mut out);
        assert_eq!((lockstep.answer(), lockstep.counts().late), (None, 1));
        lockstep.feed(&controls(4000, 0.75), &mut out);
        assert_eq!(lockstep.answer().unwrap().throttle[0], 0.75);
        lockstep.feed(&controls(4000, 0.1), &mut out);
        assert_eq!((lockstep.motors().throttle[0], lockstep.counts().unasked), (0.75, 1), "asked once");
    }

    #[test]
    fn a_clock_of_its_own_is_learnt_from_the_first_answer() {
        let (mut lockstep, mut out) = (Lockstep::default(), Vec::new());
        tell(&mut lockstep, 100);
        lockstep.feed(&controls(7_000_000, 0.1), &mut out);
        assert!(lockstep.answer().is_some());
        tell(&mut lockstep, 104);
        lockstep.feed(&controls(7_000_000, 0.2), &mut out);
        assert_eq!(lockstep.answer(), None);
        lockstep.feed(&controls(7_004_000, 0.3), &mut out);
        assert!((lockstep.answer().unwrap().throttle[0] - 0.3).abs() < 1e-6);
    }

    /// While PX4 starts, steps go on unanswered; what it then answers first is one of them, and not the last.
    #[test]
    fn a_late_first_answer_answers_its_own_step_alone() {
        let (mut lockstep, mut out) = (Lockstep::default(), Vec::new());
        for ms in [0, 4, 8] {
            tell(&mut lockstep, ms);
        }
        for late in [0, 4000] {
            lockstep.feed(&controls(late, 0.25), &mut out);
            assert_eq!((lockstep.answer(), lockstep.has_started()), (None, true), "{late}");
        }
        lockstep.feed(&controls(8000, 0.5), &mut out);
        assert_eq!(lockstep.answer().unwrap().throttle[0], 0.5);
        assert_eq!((lockstep.counts().late, lockstep.counts().answered), (2, 1));
        // And so on: an answer is never one step behind.
        tell(&mut lockstep, 12);
        lockstep.feed(&controls(8000, 0.75), &mut out);
        assert_eq!(lockstep.answer(), None);
        lockstep.feed(&controls(12_000, 0.75), &mut out);
        assert_eq!(lockstep.answer().unwrap().throttle[0], 0.75);
    }

    #[test]
    fn disarmed_or_not_finite_turns_no_motor() {
        let (mut lockstep, mut out) = (Lockstep::default(), Vec::new());
        tell(&mut lockstep, 0);
        lockstep.feed(&controls(0, f32::NAN), &mut out);
        assert_eq!((lockstep.answer(), lockstep.counts().not_finite), (None, 1));
        let mut m = HIL_ACTUATOR_CONTROLS_DATA { mode: MavModeFlag::empty(), ..Default::default() };
        m.controls = [0.9; 16];
        lockstep.feed(&frame(&MavMessage::HIL_ACTUATOR_CONTROLS(m.clone())), &mut out);
        assert_eq!(lockstep.answer(), Some(Motors::default()));
        assert_eq!(lockstep.without_lockstep(), None);
        tell(&mut lockstep, 4);
        m.flags = HilActuatorControlsFlags::empty();
        lockstep.feed(&frame(&MavMessage::HIL_ACTUATOR_CONTROLS(m)), &mut out);
        assert_eq!(lockstep.without_lockstep(), Some(0));
    }

    #[test]
    fn the_truth_comes_as_often_as_px4_asks() {
        let mut lockstep = Lockstep::default();
        let states = |all: &[MavMessage]| {
            all.iter().filter(|m| matches!(m, MavMessage::HIL_STATE_QUATERNION(_))).count()
        };
        let first = tell(&mut lockstep, 0);
        assert!(matches!(first[..], [MavMessage::HEARTBEAT(_), _, MavMessage::HIL_SENSOR(_)]), "{first:?}");
        let ask = |interval| {
            frame(&MavMessage::COMMAND_LONG(COMMAND_LONG_DATA {
                command: MavCmd::MAV_CMD_SET_MESSAGE_INTERVAL,
                param1: STATE,
                param2: interval,
                ..Default::default()
            }))
        };
        let mut out = Vec::new();
        lockstep.feed(&ask(8000.0), &mut out);
        let MavMessage::COMMAND_ACK(ack) = &read(&out)[0] else { panic!() };
        assert_eq!((ack.result, ack.target_system), (MavResult::MAV_RESULT_ACCEPTED, 1));
        let told: usize = (1..=10).map(|k| states(&tell(&mut lockstep, k * 4))).sum();
        assert_eq!(told, 5);
        lockstep.feed(&ask(-1.0), &mut out);
        assert_eq!((11..30).map(|k| states(&tell(&mut lockstep, k * 4))).sum::<usize>(), 0);
        out.clear();
        let other = COMMAND_LONG_DATA { command: MavCmd::MAV_CMD_DO_FLIGHTTERMINATION, ..Default::default() };
        lockstep.feed(&frame(&MavMessage::COMMAND_LONG(other)), &mut out);
        let MavMessage::COMMAND_ACK(ack) = &read(&out)[0] else { panic!() };
        assert_eq!(ack.result, MavResult::MAV_RESULT_UNSUPPORTED);
    }

    #[test]
    fn one_heartbeat_a_simulated_second() {
        let mut lockstep = Lockstep::default();
        let beats = (0..1001).flat_map(|k| tell(&mut lockstep, k * 4));
        assert_eq!(beats.filter(|m| matches!(m, MavMessage::HEARTBEAT(_))).count(), 5);
    }
}
