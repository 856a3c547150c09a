//! The servo packet: little-endian, 16 or 32 pulse widths.

use crate::readings::{CHANNELS, Motors};

/// First number of a packet of 16 channels.
const MAGIC_16: u16 = 18458;
/// First number of a packet of 32 channels.
const MAGIC_32: u16 = 29569;
/// Before the pulses: magic, frame rate, frame count.
const HEAD: usize = 8;

/// A packet of SITL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServoPacket {
    /// Steps per second that the simulator shall make, Hz.
    pub frame_rate: u16,
    /// Counts up by one with each new packet; the same for one that is sent again.
    pub frame_count: u32,
    /// Pulse widths, microseconds; 0 for a channel without output.
    pub pwm: [u16; CHANNELS],
    /// Channels that the packet has: 16 or 32.
    pub channels: usize,
}

impl ServoPacket {
    /// Reads one.
    ///
    /// # Errors
    /// In words, what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let word = |at: usize| bytes.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
        let Some(magic) = word(0) else { return Err("it has no magic number".into()) };
        let channels = match magic {
            MAGIC_16 => 16,
            MAGIC_32 => 32,
            other => return Err(format!("its magic number is {other}, not {MAGIC_16} or {MAGIC_32}")),
        };
        let length = HEAD + 2 * channels;
        if bytes.len() != length {
            return Err(format!("{channels} channels make {length} bytes"));
        }
        let frame_rate = word(2).unwrap_or(0);
        if frame_rate == 0 {
            return Err("its frame rate is 0".into());
        }
        let mut pwm = [0; CHANNELS];
        for (n, pulse) in pwm.iter_mut().enumerate().take(channels) {
            *pulse = word(HEAD + 2 * n).unwrap_or(0);
        }
        let frame_count = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        Ok(Self { frame_rate, frame_count, pwm, channels })
    }

    /// As bytes: what SITL would send.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let magic = if self.channels == 16 { MAGIC_16 } else { MAGIC_32 };
        let mut out = Vec::with_capacity(HEAD + 2 * self.channels);
        out.extend_from_slice(&magic.to_le_bytes());
        out.extend_from_slice(&self.frame_rate.to_le_bytes());
        out.extend_from_slice(&self.frame_count.to_le_bytes());
        self.pwm.iter().take(self.channels).for_each(|p| out.extend_from_slice(&p.to_le_bytes()));
        out
    }
}

/// Pulse widths that mean stop and full throttle, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulses {
    /// No throttle (MOT_PWM_MIN).
    pub least: u16,
    /// Full throttle (MOT_PWM_MAX).
    pub most: u16,
}

impl Default for Pulses {
    /// ArduPilot's defaults in SITL.
    fn default() -> Self {
        Self { least: 1000, most: 2000 }
    }
}

impl Pulses {
    /// What the motors shall do. A pulse at or below the least one stops its motor; the protocol does not tell arming, so a
    /// packet is armed if any pulse is above.
    #[must_use]
    pub fn motors(&self, packet: &ServoPacket) -> Motors {
        let mut motors = Motors::default();
        let range = f64::from(self.most.saturating_sub(self.least).max(1));
        for (to, pulse) in motors.throttle.iter_mut().zip(packet.pwm) {
            *to = (f64::from(pulse.saturating_sub(self.least)) / range).min(1.0);
            motors.armed |= *to > 0.0;
        }
        motors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(channels: usize) -> ServoPacket {
        let mut pwm = [0; CHANNELS];
        pwm[..4].copy_from_slice(&[1000, 1500, 2000, 2200]);
        pwm[channels - 1] = 1250;
        ServoPacket { frame_rate: 1200, frame_count: 0x0102_0304, pwm, channels }
    }

    #[test]
    fn a_packet_by_hand() {
        // magic 18458 = 0x481A, rate 400, count 7, then sixteen pulses.
        let mut bytes = vec![0x1A, 0x48, 0x90, 0x01, 7, 0, 0, 0];
        (0..16_u16).for_each(|n| bytes.extend_from_slice(&(1000 + n).to_le_bytes()));
        let read = ServoPacket::decode(&bytes).unwrap();
        assert_eq!((read.frame_rate, read.frame_count, read.channels), (400, 7, 16));
        assert_eq!((read.pwm[0], read.pwm[15], read.pwm[16]), (1000, 1015, 0));
        assert_eq!(u16::from_le_bytes([packet(32).encode()[0], packet(32).encode()[1]]), 29569);
    }

    #[test]
    fn both_sizes_come_back() {
        for channels in [16, 32] {
            assert_eq!(ServoPacket::decode(&packet(channels).encode()), Ok(packet(channels)));
        }
    }

    #[test]
    fn whatever_is_cut_or_wrong_is_said() {
        let whole = packet(16).encode();
        for n in 0..whole.len() {
            assert!(ServoPacket::decode(&whole[..n]).is_err(), "{n} bytes");
        }
        let longer = [whole.clone(), vec![0]].concat();
        assert!(ServoPacket::decode(&longer).unwrap_err().contains("40 bytes"));
        let mut wrong = whole.clone();
        wrong[0] ^= 1;
        assert!(ServoPacket::decode(&wrong).unwrap_err().contains("magic number"));
        let mut stopped = whole;
        stopped[2..4].copy_from_slice(&[0, 0]);
        assert!(ServoPacket::decode(&stopped).unwrap_err().contains("frame rate"));
    }

    #[test]
    fn pulses_are_throttle() {
        let motors = Pulses::default().motors(&packet(16));
        assert_eq!(motors.throttle[..4], [0.0, 0.5, 1.0, 1.0]);
        assert_eq!((motors.throttle[4], motors.throttle[15], motors.armed), (0.0, 0.25, true));
        let still = ServoPacket { pwm: [1000; CHANNELS], ..packet(16) };
        assert!(!Pulses::default().motors(&still).armed);
    }
}
