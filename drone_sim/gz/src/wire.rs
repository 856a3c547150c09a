//! Discovery's packets: a length (u16, little endian) and a protobuf `Discovery`.

use prost::Message;

use crate::msgs::discovery::{Discovery, discovery};

pub use discovery::publisher::{MessagePublisher, PubType, Scope, ServicePublisher};
pub use discovery::{DiscContents, Publisher, Subscriber, Type};

/// The version of the wire that gz-transport has spoken since version 8.
pub const VERSION: u32 = 10;

/// A packet of that kind from the process `own`.
pub fn packet(own: &str, kind: Type, contents: Option<DiscContents>, relay: bool) -> Vec<u8> {
    let flags = relay.then_some(discovery::Flags { relay: true, no_relay: false });
    let message = Discovery {
        header: None,
        version: VERSION,
        process_uuid: own.to_string(),
        r#type: kind as i32,
        flags,
        disc_contents: contents,
    };
    let body = message.encode_to_vec();
    let mut out = (body.len() as u16).to_le_bytes().to_vec();
    out.extend(body);
    out
}

/// What a packet says; `None` if it is no packet of our version, or too long for its length.
pub fn read(bytes: &[u8]) -> Option<Discovery> {
    let (length, body) = bytes.split_first_chunk::<2>()?;
    let body = body.get(..usize::from(u16::from_le_bytes(*length)))?;
    Discovery::decode(body).ok().filter(|d| d.version == VERSION && !d.process_uuid.is_empty())
}

/// Fuzz entry.
pub fn fuzz(bytes: &[u8]) {
    if let Some(message) = read(bytes) {
        let kind = Type::try_from(message.r#type).unwrap_or(Type::Uninitialized);
        let again = packet(&message.process_uuid, kind, message.disc_contents.clone(), false);
        if again.len() <= usize::from(u16::MAX) {
            assert_eq!(read(&again).and_then(|m| m.disc_contents), message.disc_contents);
        }
    }
    if let Some((choice, payload)) = bytes.split_first() {
        let name = crate::msgs::NAMES[usize::from(*choice) % crate::msgs::NAMES.len()];
        let _ = crate::msgs::recode(name, payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_comes_back() {
        let contents = DiscContents::Sub(Subscriber { topic: "@/p@/a".into() });
        let bytes = packet("me", Type::Subscribe, Some(contents.clone()), true);
        let read = read(&bytes).unwrap();
        assert_eq!((read.process_uuid.as_str(), read.r#type), ("me", Type::Subscribe as i32));
        assert_eq!(read.disc_contents, Some(contents));
        assert!(super::read(&bytes[..bytes.len() - 1]).is_none() && super::read(&[9]).is_none());
    }
}
