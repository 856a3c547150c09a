//! Which packet asks for a step, and how far the step goes. No sockets, no clock.

use super::ServoPacket;

/// What a packet asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A step.
    Step,
    /// The same answer again: it was lost.
    Again,
    /// A step, of an autopilot that has begun anew.
    Restarted,
}

/// The frames of one autopilot. Time is counted in steps, not in sums of rounded lengths: a rate of 1200 Hz makes exactly 1200
/// steps a second, whatever 1 / 1200 is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frames {
    last: Option<u32>,
    rate: u16,
    /// Where counting at this rate began, and steps since.
    base_ns: i64,
    steps: i64,
    /// Packets that never came, by their numbers.
    missed: u64,
}

impl Frames {
    /// Takes a packet in.
    pub fn take(&mut self, packet: &ServoPacket) -> Turn {
        let turn = match self.last {
            Some(last) if packet.frame_count == last => return Turn::Again,
            Some(last) if packet.frame_count < last => Turn::Restarted,
            Some(last) => {
                self.missed += u64::from(packet.frame_count - last - 1);
                Turn::Step
            }
            None => Turn::Step,
        };
        self.last = Some(packet.frame_count);
        if self.rate != packet.frame_rate {
            (self.base_ns, self.steps, self.rate) = (self.due_ns(), 0, packet.frame_rate);
        }
        self.steps = self.steps.saturating_add(1);
        turn
    }

    /// The moment at which the step ends that was asked for last, nanoseconds.
    #[must_use]
    pub fn due_ns(&self) -> i64 {
        if self.rate == 0 {
            return self.base_ns;
        }
        let since = i128::from(self.steps) * 1_000_000_000 / i128::from(self.rate);
        self.base_ns.saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
    }

    /// Packets that never came.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(frame_count: u32, frame_rate: u16) -> ServoPacket {
        ServoPacket { frame_rate, frame_count, pwm: [1000; 32], channels: 16 }
    }

    #[test]
    fn a_second_has_as_many_steps_as_the_rate_says() {
        let mut frames = Frames::default();
        for n in 0..1200 {
            assert_eq!(frames.take(&packet(n, 1200)), Turn::Step);
        }
        assert_eq!(frames.due_ns(), 1_000_000_000);
        for n in 0..400 {
            frames.take(&packet(1200 + n, 400));
        }
        assert_eq!((frames.due_ns(), frames.missed()), (2_000_000_000, 0));
    }

    #[test]
    fn repeated_lost_and_new_beginnings_are_told_apart() {
        let mut frames = Frames::default();
        frames.take(&packet(5, 1000));
        assert_eq!(frames.take(&packet(5, 1000)), Turn::Again);
        assert_eq!(frames.due_ns(), 1_000_000);
        assert_eq!((frames.take(&packet(8, 1000)), frames.missed()), (Turn::Step, 2));
        assert_eq!(frames.take(&packet(0, 1000)), Turn::Restarted);
        assert_eq!(frames.due_ns(), 3_000_000, "time goes on");
    }
}
