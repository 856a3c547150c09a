//! Frames in which every word says which frame it is of, so that a torn one cannot pass.

use peregrine_frame::{BusConfig, Encoding, Frame, ImageSpec, Loan};

pub const WORDS: usize = 8192;
pub const SPEC: ImageSpec<'static> =
    ImageSpec { width: 256, height: 256, encoding: Encoding::Mono8, step: 256, frame_id: "cam" };

pub const CONFIG: BusConfig = BusConfig { slots: 24, slot_bytes: WORDS * 8, keep: 4, max_readers: 8 };

fn word(number: u64, i: usize) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i as u64
}

pub fn fill(loan: &mut Loan, number: u64) {
    for (i, w) in loan.bytes_mut().chunks_exact_mut(8).enumerate() {
        w.copy_from_slice(&word(number, i).to_le_bytes());
    }
    loan.set_stamp(number as i64);
}

pub fn check(frame: &Frame) -> Result<(), String> {
    let number = frame.stamp_ns() as u64;
    let words = frame.bytes().chunks_exact(8);
    if words.len() != WORDS {
        return Err(format!("frame {number} has {} words", words.len()));
    }
    for (i, w) in words.enumerate() {
        let found = u64::from_le_bytes(w.try_into().map_err(|_| "a word of 8 bytes")?);
        if found != word(number, i) {
            return Err(format!("frame {number} holds {found:#x} at {i}"));
        }
    }
    Ok(())
}
