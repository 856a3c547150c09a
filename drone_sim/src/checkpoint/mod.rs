//! A simulation, set down in a file and taken up again: the same bytes on every topic from there on as if it had not stopped.
//!
//! What is kept is what changes: the vehicle, its controller and command, wind, battery, contacts, free bodies, the biases that walk, where each
//! rate stands, what clients changed of the world. What follows from the parameters (world, sensors, streams of random numbers) is
//! built anew, and the file says from which parameters, so that it is not taken up by another flight.
//!
//! Invariant: saving and loading are one function ([`Stateful::go_over`]) that goes over the same fields with a [`Tape`] that either
//! records or plays. A field that is forgotten is forgotten by both, and then the test that compares topics sees it.
//!
//! The file: `PEREGSIM`, version (u32), parameters (length u32, text), world (u64), time (i64), state (length u32, bytes), and a
//! checksum (FNV-1a, 64 bits) of all of it; numbers little-endian.

mod tape;

use std::path::Path;

use crate::error::{Result, SimError};

pub use tape::{Fault, Tape};

const MAGIC: &[u8; 8] = b"PEREGSIM";
/// Grows when the state or its order changes: older files are refused by name.
pub const VERSION: u32 = 3;
/// The largest file that is read, bytes.
const LARGEST: u64 = 512 << 20;

/// Something whose state can be set down.
pub trait Stateful {
    /// Goes over what changes, always the same fields in the same order.
    fn go_over(&mut self, tape: &mut Tape<'_>);
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The parameters it was made with, one a line.
    pub parameters: String,
    /// A number that the world's things give.
    pub world: u64,
    /// Simulated time, nanoseconds.
    pub time_ns: i64,
    /// The state, as [`Tape`] has it.
    pub state: Vec<u8>,
}

/// FNV-1a, 64 bits.
pub fn checksum(bytes: &[u8]) -> u64 {
    checksum_on(0xcbf2_9ce4_8422_2325, bytes)
}

/// The checksum of what `hash` is the checksum of and these bytes behind it.
pub fn checksum_on(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

impl Checkpoint {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&(self.parameters.len() as u32).to_le_bytes());
        out.extend_from_slice(self.parameters.as_bytes());
        out.extend_from_slice(&self.world.to_le_bytes());
        out.extend_from_slice(&self.time_ns.to_le_bytes());
        out.extend_from_slice(&(self.state.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.state);
        out.extend_from_slice(&checksum(&out).to_le_bytes());
        out
    }

    /// Reads it.
    ///
    /// # Errors
    /// In words, what is wrong with the file.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let (head, rest) = bytes.split_at_checked(12).ok_or(Fault::new("it is too short"))?;
        if head[..8] != *MAGIC {
            return Err(Fault::new("it is no checkpoint of this simulator"));
        }
        let version = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
        if version != VERSION {
            return Err(Fault::new(format!("it is of version {version}, this program reads {VERSION}")));
        }
        let end = bytes.len().checked_sub(8).filter(|end| *end >= 12).ok_or(Fault::new("it is too short"))?;
        let told = bytes[end..].iter().rev().fold(0, |sum, b| sum << 8 | u64::from(*b));
        if told != checksum(&bytes[..end]) {
            return Err(Fault::new("its checksum is wrong: it is cut off or damaged"));
        }
        let mut tape = Tape::play(&rest[..rest.len() - 8]);
        let mut out = Self { parameters: String::new(), world: 0, time_ns: 0, state: Vec::new() };
        tape.text(&mut out.parameters);
        tape.u64(&mut out.world);
        tape.i64(&mut out.time_ns, 0..=i64::MAX);
        tape.bytes(&mut out.state);
        tape.end()?;
        Ok(out)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// PG-1043.
    pub fn write(&self, path: &Path) -> Result<()> {
        let fail = |cause| SimError::CheckpointWrite { path: path.into(), cause };
        let mut beside = path.as_os_str().to_owned();
        beside.push(".part");
        std::fs::write(&beside, self.encode()).map_err(fail)?;
        std::fs::rename(&beside, path).map_err(fail)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// PG-1001 if it cannot be read, PG-1042 if it is none.
    pub fn read(path: &Path) -> Result<Self> {
        let fail = |cause| SimError::Read { path: path.into(), cause };
        let length = std::fs::metadata(path).map_err(fail)?.len();
        if length > LARGEST {
            return Err(refuse(path, &Fault::new(format!("it has {length} bytes, more than {LARGEST}"))));
        }
        Self::decode(&std::fs::read(path).map_err(fail)?).map_err(|fault| refuse(path, &fault))
    }

    /// Checks that it belongs to these parameters and this world.
    ///
    /// # Errors
    /// PG-1042, with what differs.
    pub fn belongs(&self, path: &Path, parameters: &str, world: u64) -> Result<()> {
        let differs = self.parameters.lines().zip(parameters.lines()).find(|(a, b)| a != b);
        if let Some((then, now)) = differs {
            let (then, now) = (then.trim().trim_end_matches(','), now.trim().trim_end_matches(','));
            return Err(refuse(path, &Fault::new(format!("it was made with {then}, not {now}"))));
        }
        if self.parameters != parameters {
            return Err(refuse(path, &Fault::new("it was made with other parameters")));
        }
        if self.world != world {
            return Err(refuse(path, &Fault::new("the world's file is not what it was")));
        }
        Ok(())
    }
}

/// The error of a file that is not taken up.
pub fn refuse(path: &Path, fault: &Fault) -> SimError {
    SimError::Checkpoint { path: path.into(), fault: fault.to_string() }
}

/// For fuzzing: any bytes as a file, and as the state of a flight, which then goes on.
pub fn fuzz(data: &[u8]) {
    if let Ok(read) = Checkpoint::decode(data) {
        assert_eq!(Checkpoint::decode(&read.encode()), Ok(read));
    }
    // Bodies are read, not stepped: a file that its checksum calls whole is believed.
    let _ = postcard::from_bytes::<crate::scenario::Loose>(data);
    let forest = crate::scenario::ForestSpec::default();
    let Ok(world) = crate::scenario::build("empty", &forest) else { return };
    let (vehicle, rules) = (crate::physics::Vehicle::x500(), crate::flight::Rules::default());
    let Ok(mut flight) = crate::flight::Flight::new(std::sync::Arc::new(world), vehicle, rules) else {
        return;
    };
    let mut tape = Tape::play(data);
    flight.go_over(&mut tape);
    if tape.end().is_ok() {
        // A state that is none may end in PG-1023, not in a panic.
        let _ = flight.advance(flight.time_ns().saturating_add(5_000_000));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Checkpoint {
        let parameters = "Config {\n    seed: 3,\n    world: \"forest\",\n}".to_owned();
        Checkpoint { parameters, world: 7, time_ns: 5, state: vec![1, 2, 3] }
    }

    #[test]
    fn a_file_comes_back_and_no_damage_passes() {
        let bytes = some().encode();
        assert_eq!(Checkpoint::decode(&bytes), Ok(some()));
        for n in 0..bytes.len() {
            assert!(Checkpoint::decode(&bytes[..n]).is_err());
            let mut damaged = bytes.clone();
            damaged[n] ^= 0x10;
            assert!(Checkpoint::decode(&damaged).is_err(), "byte {n}");
        }
    }

    #[test]
    fn what_differs_is_named() {
        let path = Path::new("a.ckpt");
        let text = |parameters: &str, world| some().belongs(path, parameters, world).unwrap_err().to_string();
        assert!(some().belongs(path, &some().parameters, 7).is_ok());
        let other = text("Config {\n    seed: 4,\n    world: \"forest\",\n}", 7);
        assert!(other.contains("made with seed: 3, not seed: 4"), "{other}");
        assert!(text(&some().parameters, 8).contains("world's file"));
        let mut newer = some().encode();
        newer[8] = 9;
        assert!(Checkpoint::decode(&newer).unwrap_err().to_string().contains("version 9"));
    }
}
