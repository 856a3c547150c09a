//! What goes beside each message and call: who sent it, when, and as which.

use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Error, Result};

/// 33 bytes: sequence (i64 LE), stamp (i64 LE, ns), 16, a 16-byte id of the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment {
    /// Sequence number of the publisher or client, from 1. An answer has that of its request.
    pub sequence: i64,
    /// Source timestamp, ns.
    pub stamp_ns: i64,
    /// The sender's id. An answer has that of the client.
    pub gid: [u8; 16],
}

impl Attachment {
    /// As bytes.
    pub fn to_bytes(self) -> [u8; 33] {
        let mut bytes = [0; 33];
        bytes[..8].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.stamp_ns.to_le_bytes());
        bytes[16] = 16;
        bytes[17..].copy_from_slice(&self.gid);
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    /// PG-1203 when they are not 33 bytes of that form.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = || Error::Attachment { len: bytes.len() };
        let fixed: &[u8; 33] = bytes.try_into().map_err(|_| bad())?;
        let (sequence, rest) = fixed.split_first_chunk::<8>().ok_or_else(bad)?;
        let (stamp, rest) = rest.split_first_chunk::<8>().ok_or_else(bad)?;
        let (16, gid) = rest.split_first().map(|(n, gid)| (*n, gid)).ok_or_else(bad)? else {
            return Err(bad());
        };
        Ok(Self {
            sequence: i64::from_le_bytes(*sequence),
            stamp_ns: i64::from_le_bytes(*stamp),
            gid: gid.try_into().map_err(|_| bad())?,
        })
    }
}

/// An endpoint's id, from its token: XXH3, 128 bits, low half first. Peers compute the same from the token they see, and
/// so tell which endpoint of the graph a message came from.
pub fn gid(token: &str) -> [u8; 16] {
    xxh3_128(token.as_bytes()).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_come_back_and_bad_ones_are_refused() {
        let attachment = Attachment { sequence: 9, stamp_ns: -4, gid: gid("token") };
        assert_eq!(Attachment::parse(&attachment.to_bytes()).unwrap(), attachment);
        assert!(Attachment::parse(&[0; 33]).is_err());
        assert!(Attachment::parse(&attachment.to_bytes()[..32]).is_err());
        assert_ne!(gid("a"), gid("b"));
    }
}
