//! Keys, liveliness tokens and attachments in the form of `rmw_zenoh`, as captured from three implementations.
//!
//! Data: `<domain>/<topic>/<dds type>/<hash>`. Endpoint token:
//! `@ros2_lv/<domain>/<zid>/<node id>/<entity id>/<MP|MS|SS|SC>/<enclave>/<namespace>/<node>/<topic>/<type>/<hash>/<qos>`,
//! with "/" written "%". Attachment, 33 bytes: sequence (i64 LE), stamp (i64 LE, ns), 16, a 16-byte id of the publisher.

use crate::error::{Error, Result};

/// Root of all liveliness tokens.
pub const ROOT: &str = "@ros2_lv";

/// `sensor_msgs/msg/Image` as DDS names it: `sensor_msgs::msg::dds_::Image_`.
pub fn dds_name(type_name: &str) -> String {
    let mut parts: Vec<&str> = type_name.split('/').collect();
    let last = parts.pop().unwrap_or_default();
    format!("{}::dds_::{last}_", parts.join("::"))
}

/// `sensor_msgs::msg::dds_::Image_` as ROS names it. The text itself when it is not in that form.
pub fn ros_name(dds: &str) -> String {
    match dds.split_once("::dds_::") {
        Some((package, name)) => {
            format!("{}/{}", package.replace("::", "/"), name.strip_suffix('_').unwrap_or(name))
        }
        None => dds.to_owned(),
    }
}

/// The key that carries a topic's messages.
pub fn data_key(domain: u32, topic: &str, type_name: &str, hash: &str) -> String {
    format!("{domain}/{}/{}/{hash}", topic.trim_matches('/'), dds_name(type_name))
}

fn mangle(name: &str) -> String {
    if name.is_empty() || name == "/" { "%".into() } else { name.replace('/', "%") }
}

fn demangle(name: &str) -> String {
    name.replace('%', "/")
}

/// What an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A publisher.
    Publisher,
    /// A subscription.
    Subscription,
    /// A service server.
    Service,
    /// A service client.
    Client,
}

impl Kind {
    fn code(self) -> &'static str {
        match self {
            Self::Publisher => "MP",
            Self::Subscription => "MS",
            Self::Service => "SS",
            Self::Client => "SC",
        }
    }
    fn parse(code: &str) -> Option<Self> {
        [Self::Publisher, Self::Subscription, Self::Service, Self::Client]
            .into_iter()
            .find(|k| k.code() == code)
    }
}

/// An endpoint as its liveliness token tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// ROS domain id.
    pub domain: u32,
    /// Zenoh id of the session, hex.
    pub session: String,
    /// Number of the node within the session.
    pub node_id: u32,
    /// Number of the endpoint within the session.
    pub entity_id: u32,
    /// What it is.
    pub kind: Kind,
    /// The node's namespace, "/" at the least.
    pub namespace: String,
    /// The node's name.
    pub node: String,
    /// Full topic name.
    pub topic: String,
    /// `sensor_msgs/msg/Image`.
    pub type_name: String,
    /// `RIHS01_...`.
    pub hash: String,
    /// rmw_zenoh's encoding of the QoS.
    pub qos: String,
}

impl Endpoint {
    /// The node's full name: `/front/camera`.
    pub fn node_name(&self) -> String {
        format!("{}/{}", self.namespace.trim_end_matches('/'), self.node)
    }

    /// The liveliness token's key.
    pub fn token(&self) -> String {
        format!(
            "{ROOT}/{}/{}/{}/{}/{}/%/{}/{}/{}/{}/{}/{}",
            self.domain,
            self.session,
            self.node_id,
            self.entity_id,
            self.kind.code(),
            mangle(&self.namespace),
            self.node,
            mangle(&self.topic),
            dds_name(&self.type_name),
            self.hash,
            self.qos
        )
    }

    /// Reads a token's key.
    ///
    /// # Errors
    /// PG-1202 when the key is not an endpoint's token.
    pub fn parse(key: &str) -> Result<Self> {
        let bad = |why| Error::Malformed {
            text: key.chars().take(200).collect(),
            expected: "an endpoint token",
            why,
        };
        let parts: Vec<&str> = key.split('/').collect();
        let [
            root,
            domain,
            session,
            node_id,
            entity_id,
            kind,
            _enclave,
            namespace,
            node,
            topic,
            dds,
            hash,
            qos,
        ] = parts[..]
        else {
            return Err(bad("it has not 13 parts"));
        };
        if root != ROOT {
            return Err(bad("it does not begin with @ros2_lv"));
        }
        Ok(Self {
            domain: domain.parse().map_err(|_| bad("the domain is not a number"))?,
            session: session.to_owned(),
            node_id: node_id.parse().map_err(|_| bad("the node id is not a number"))?,
            entity_id: entity_id.parse().map_err(|_| bad("the entity id is not a number"))?,
            kind: Kind::parse(kind).ok_or_else(|| bad("the kind is none of MP, MS, SS, SC"))?,
            namespace: demangle(namespace),
            node: node.to_owned(),
            topic: demangle(topic),
            type_name: ros_name(dds),
            hash: hash.to_owned(),
            qos: qos.to_owned(),
        })
    }
}

/// The token of a node.
pub fn node_token(domain: u32, session: &str, node_id: u32, namespace: &str, node: &str) -> String {
    format!("{ROOT}/{domain}/{session}/{node_id}/{node_id}/NN/%/{}/{node}", mangle(namespace))
}

/// rmw_zenoh's encoding of a QoS: `rel:dur:hist,depth:...`, with defaults (reliable, volatile, keep last) left out.
pub fn qos(reliable: bool, latched: bool, depth: usize) -> String {
    let reliability = if reliable { "" } else { "2" };
    let durability = if latched { "1" } else { "" };
    format!("{reliability}:{durability}:,{depth}:,:,:,,")
}

/// The 33 bytes beside each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment {
    /// Sequence number of the publisher, from 1.
    pub sequence: i64,
    /// Source timestamp, ns.
    pub stamp_ns: i64,
    /// The publisher's id.
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

/// A publisher's id from its token: FNV-1a, 128 bits.
pub fn gid(token: &str) -> [u8; 16] {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in token.bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    hash.to_le_bytes()
}

/// `ROS_DOMAIN_ID`, 0 when unset.
///
/// # Errors
/// PG-1204 when it is set to something that is not a domain.
pub fn domain_from_env() -> Result<u32> {
    match std::env::var("ROS_DOMAIN_ID") {
        Ok(value) if !value.is_empty() => match value.parse() {
            Ok(domain @ 0..=232) => Ok(domain),
            _ => Err(Error::Domain { value }),
        },
        _ => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_rmw_zenoh() {
        assert_eq!(
            data_key(0, "/camera/image_raw", "sensor_msgs/msg/Image", "RIHS01_ab"),
            "0/camera/image_raw/sensor_msgs::msg::dds_::Image_/RIHS01_ab"
        );
        assert_eq!(ros_name("sensor_msgs::msg::dds_::Image_"), "sensor_msgs/msg/Image");
        assert_eq!(qos(true, false, 10), "::,10:,:,:,,");
        assert_eq!(qos(false, true, 5), "2:1:,5:,:,:,,");
        assert_eq!(node_token(7, "zz", 0, "/", "cam"), "@ros2_lv/7/zz/0/0/NN/%/%/cam");
    }

    #[test]
    fn tokens_come_back() {
        let endpoint = Endpoint {
            domain: 3,
            session: "a1b2".into(),
            node_id: 4,
            entity_id: 5,
            kind: Kind::Subscription,
            namespace: "/front".into(),
            node: "camera".into(),
            topic: "/front/camera/image_raw".into(),
            type_name: "sensor_msgs/msg/Image".into(),
            hash: "RIHS01_0".into(),
            qos: qos(true, false, 10),
        };
        assert!(endpoint.token().contains("/MS/%/%front/camera/%front%camera%image_raw/"));
        assert_eq!(Endpoint::parse(&endpoint.token()).unwrap(), endpoint);
        for bad in ["", "@ros2_lv/0", "x/0/z/0/1/MP/%/%/n/%t/d/h/q", "@ros2_lv/0/z/0/1/XX/%/%/n/%t/d/h/q"] {
            assert!(Endpoint::parse(bad).unwrap_err().to_string().contains("PG-1202"), "{bad}");
        }
    }

    #[test]
    fn attachments_come_back_and_bad_ones_are_refused() {
        let attachment = Attachment { sequence: 9, stamp_ns: -4, gid: gid("token") };
        assert_eq!(Attachment::parse(&attachment.to_bytes()).unwrap(), attachment);
        assert!(Attachment::parse(&[0; 33]).is_err());
        assert!(Attachment::parse(&attachment.to_bytes()[..32]).is_err());
        assert_ne!(gid("a"), gid("b"));
    }
}
