//! A tape that records what it is shown, or plays it back into it.

use std::fmt;
use std::ops::RangeInclusive;

use nalgebra::{Isometry3, Quaternion, UnitQuaternion, Vector3};

/// What is wrong with what was played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// In words that follow "is not taken up: ".
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tape. After a fault of playing, values stay as they were and [`Tape::end`] tells it.
#[derive(Debug)]
pub struct Tape<'a> {
    recorded: Vec<u8>,
    /// `None` when recording.
    played: Option<&'a [u8]>,
    fault: Option<Fault>,
}

impl<'a> Tape<'a> {
    /// A tape that records.
    pub fn record() -> Self {
        Self { recorded: Vec::new(), played: None, fault: None }
    }

    /// A tape that plays.
    pub fn play(bytes: &'a [u8]) -> Self {
        Self { recorded: Vec::new(), played: Some(bytes), fault: None }
    }

    /// Whether it plays.
    pub fn is_playing(&self) -> bool {
        self.played.is_some()
    }

    /// What was recorded.
    pub fn into_bytes(self) -> Vec<u8> {
        self.recorded
    }

    /// Whether all was played and nothing was wrong.
    ///
    /// # Errors
    /// What was wrong first.
    pub fn end(self) -> Result<(), Fault> {
        match (self.fault, self.played) {
            (Some(fault), _) => Err(fault),
            (None, Some([])) | (None, None) => Ok(()),
            (None, Some(rest)) => Err(Fault::new(format!("{} bytes of its state are too many", rest.len()))),
        }
    }

    /// Notes a fault of what is played.
    pub fn blame(&mut self, text: &str) {
        if self.played.is_some() {
            self.fault.get_or_insert_with(|| Fault::new(text));
        }
    }

    fn raw<const N: usize>(&mut self, value: [u8; N]) -> [u8; N] {
        let Some(bytes) = &mut self.played else {
            self.recorded.extend_from_slice(&value);
            return value;
        };
        match bytes.split_first_chunk::<N>() {
            Some((first, rest)) if self.fault.is_none() => {
                *bytes = rest;
                *first
            }
            _ => {
                self.blame("its state ends too early");
                value
            }
        }
    }

    /// A number, with all its bits.
    pub fn f64(&mut self, x: &mut f64) {
        *x = f64::from_le_bytes(self.raw(x.to_le_bytes()));
    }

    /// A number that lies in a range; else it is a fault.
    pub fn i64(&mut self, x: &mut i64, range: RangeInclusive<i64>) {
        let read = i64::from_le_bytes(self.raw(x.to_le_bytes()));
        if range.contains(&read) {
            *x = read;
        } else {
            self.blame("a number of its state lies out of range");
        }
    }

    /// A number.
    pub fn u64(&mut self, x: &mut u64) {
        *x = u64::from_le_bytes(self.raw(x.to_le_bytes()));
    }

    /// A number.
    pub fn u32(&mut self, x: &mut u32) {
        *x = u32::from_le_bytes(self.raw(x.to_le_bytes()));
    }

    /// Yes or no.
    pub fn bool(&mut self, x: &mut bool) {
        *x = self.tag(u8::from(*x), 2) == 1;
    }

    /// One of `count` cases.
    pub fn tag(&mut self, x: u8, count: u8) -> u8 {
        let [read] = self.raw([x]);
        if read < count {
            return read;
        }
        self.blame("a choice of its state does not exist");
        x
    }

    /// Something that may be absent; `blank` is what is played into.
    pub fn option<T>(
        &mut self,
        x: &mut Option<T>,
        blank: impl FnOnce() -> T,
        each: impl FnOnce(&mut Self, &mut T),
    ) {
        if self.tag(u8::from(x.is_some()), 2) == 0 {
            *x = None;
        } else {
            let mut value = x.take().unwrap_or_else(blank);
            each(self, &mut value);
            *x = Some(value);
        }
    }

    /// A list. Each thing of it takes a byte at least, so a length that lies costs nothing.
    pub fn list<T>(&mut self, x: &mut Vec<T>, blank: impl Fn() -> T, each: impl Fn(&mut Self, &mut T)) {
        let mut length = x.len() as u32;
        self.u32(&mut length);
        if let Some(bytes) = self.played {
            if length as usize > bytes.len() {
                self.blame("a list of its state is longer than the state");
                return;
            }
            x.clear();
            x.resize_with(length as usize, blank);
        }
        for value in x {
            each(self, value);
        }
    }

    /// Text.
    pub fn text(&mut self, x: &mut String) {
        let mut bytes = std::mem::take(x).into_bytes();
        self.bytes(&mut bytes);
        match String::from_utf8(bytes) {
            Ok(text) => *x = text,
            Err(_) => self.blame("a text of its state is not UTF-8"),
        }
    }

    /// Bytes.
    pub fn bytes(&mut self, x: &mut Vec<u8>) {
        self.list(x, || 0, |tape, b| [*b] = tape.raw([*b]));
    }

    /// A vector.
    pub fn vector(&mut self, x: &mut Vector3<f64>) {
        x.iter_mut().for_each(|x| self.f64(x));
    }

    /// Four numbers of any length.
    pub fn quaternion(&mut self, x: &mut Quaternion<f64>) {
        x.coords.iter_mut().for_each(|x| self.f64(x));
    }

    /// A frame, with the bits of its rotation.
    pub fn pose(&mut self, x: &mut Isometry3<f64>) {
        self.vector(&mut x.translation.vector);
        let mut q = *x.rotation.quaternion();
        self.quaternion(&mut q);
        if (q.norm() - 1.0).abs() < 1e-6 {
            x.rotation = UnitQuaternion::new_unchecked(q);
        } else {
            self.blame("a rotation of its state is none");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Things = (f64, i64, Option<f64>, Vec<u64>, String, Isometry3<f64>, bool);

    fn go(tape: &mut Tape<'_>, t: &mut Things) {
        tape.f64(&mut t.0);
        tape.i64(&mut t.1, -5..=5);
        tape.option(&mut t.2, || 0.0, |tape, x| tape.f64(x));
        tape.list(&mut t.3, || 0, |tape, x| tape.u64(x));
        tape.text(&mut t.4);
        tape.pose(&mut t.5);
        tape.bool(&mut t.6);
    }

    #[test]
    fn what_is_recorded_is_played_and_nothing_else() {
        let turn = UnitQuaternion::from_euler_angles(0.1, 0.2, 0.3);
        let pose = Isometry3::from_parts(Vector3::new(1.0, 2.0, 3.0).into(), turn);
        let mut told: Things = (-0.0, 3, Some(f64::INFINITY), vec![1, 2], "é".into(), pose, true);
        let mut tape = Tape::record();
        go(&mut tape, &mut told);
        let bytes = tape.into_bytes();
        let mut heard: Things = (1.0, 0, None, vec![9; 5], "x".into(), Isometry3::identity(), false);
        let mut tape = Tape::play(&bytes);
        go(&mut tape, &mut heard);
        assert_eq!(tape.end(), Ok(()));
        assert_eq!((heard.0.to_bits(), &heard), (told.0.to_bits(), &told));
        for n in 0..bytes.len() {
            let mut tape = Tape::play(&bytes[..n]);
            go(&mut tape, &mut heard);
            assert!(tape.end().is_err(), "{n} bytes");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        let mut tape = Tape::play(&longer);
        go(&mut tape, &mut heard);
        assert!(tape.end().unwrap_err().to_string().contains("1 bytes"));
    }
}
