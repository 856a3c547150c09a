//! Keys and liveliness tokens in the form of zenoh-bridge-ros2dds, as zenoh-plugin-ros2dds 1.10 writes and reads them.
//!
//! Data and services: the name without its first slash, nothing of domain, type or hash. Tokens: `@/<zid>/@ros2_lv` is a bridge,
//! `@/<zid>/@ros2_lv/<MP|MS>/<key>/<type>/<qos>` and `@/<zid>/@ros2_lv/<SS|SC>/<key>/<type>` are what somebody behind it has,
//! with "/" written "§". No token names a node. QoS: `<K if the topic is keyed>:<reliability>:<durability>:<history>,<depth>`
//! in the numbers of DDS, then `:<user data>`, of which `typehash=RIHS01_...;` is read.

use super::{Kind, WireQos};
use crate::distro::NO_HASH;
use crate::error::{Error, Result};

/// What one session has of a topic or service: the token that makes a bridge open the way to its side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Zenoh id of the session, hex.
    pub session: String,
    /// What is there.
    pub kind: Kind,
    /// Full name of the topic or service.
    pub name: String,
    /// `sensor_msgs/msg/Image`.
    pub type_name: String,
    /// `RIHS01_...`; empty when it was not told.
    pub hash: String,
    /// QoS of a topic; services have none.
    pub qos: WireQos,
}

/// A bridge's liveliness token, read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "read, looked at and dropped; never kept in numbers")]
pub enum BridgeToken {
    /// The bridge itself: the Zenoh id of its session.
    Bridge(String),
    /// Something that it, or a session like ours, has.
    Route(Route),
}

const HOLDER: &str = "@ros2_lv";

/// The key that carries a topic's messages or a service's calls.
pub fn ros2dds_key(name: &str) -> &str {
    name.strip_prefix('/').unwrap_or(name)
}

/// Pattern of all tokens.
pub const ROS2DDS_TOKENS: &str = "@/*/@ros2_lv/**";

/// Pattern of the tokens of bridges themselves.
pub const ROS2DDS_BRIDGES: &str = "@/*/@ros2_lv";

fn bad(text: &str, why: &'static str) -> Error {
    Error::Malformed {
        text: text.chars().take(200).collect(),
        expected: "a token of zenoh-bridge-ros2dds",
        why,
    }
}

impl Route {
    /// The token's key.
    pub fn token(&self) -> String {
        let Self { session, kind, name, type_name, .. } = self;
        let key = ros2dds_key(name).replace('/', "§");
        let token = format!("@/{session}/{HOLDER}/{}/{key}/{}", kind.code(), type_name.replace('/', "§"));
        if kind.is_service() { token } else { format!("{token}/{}", self.qos_text()) }
    }

    fn qos_text(&self) -> String {
        let WireQos { reliable, transient_local, depth } = self.qos;
        let (reliability, durability) = (u8::from(reliable), u8::from(transient_local));
        let history = depth.map_or_else(|| "1,1".to_owned(), |depth| format!("0,{depth}"));
        let hash = if self.hash.is_empty() || self.hash == NO_HASH {
            String::new()
        } else {
            format!(":typehash={};", self.hash)
        };
        format!(":{reliability}:{durability}:{history}{hash}")
    }
}

impl BridgeToken {
    /// Reads a token's key.
    ///
    /// # Errors
    /// PG-1202; what bridges tell of actions counts as not theirs, for there are none here.
    pub fn parse(key: &str) -> Result<Self> {
        let bad = |why| bad(key, why);
        let mut parts = key.split('/');
        let (Some("@"), Some(session), Some(HOLDER)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad("it does not begin with @/<id>/@ros2_lv"));
        };
        if session.is_empty() {
            return Err(bad("it has no id"));
        }
        let Some(kind) = parts.next() else { return Ok(Self::Bridge(session.to_owned())) };
        let kind = Kind::parse(kind).ok_or_else(|| bad("the kind is none of MP, MS, SS, SC"))?;
        let (Some(name), Some(type_name)) = (parts.next(), parts.next()) else {
            return Err(bad("it has no name or no type"));
        };
        if name.is_empty() || type_name.is_empty() {
            return Err(bad("its name or type is empty"));
        }
        let mut route = Route {
            session: session.to_owned(),
            kind,
            name: format!("/{}", name.replace('§', "/")),
            type_name: type_name.replace('§', "/"),
            hash: String::new(),
            // What services always are.
            qos: WireQos { reliable: true, transient_local: false, depth: Some(10) },
        };
        if !kind.is_service() {
            let text = parts.next().ok_or_else(|| bad("a topic has a QoS"))?;
            (route.qos, route.hash) = qos(text, kind).ok_or_else(|| bad("its QoS cannot be read"))?;
        }
        if parts.next().is_some() {
            return Err(bad("it has too many parts"));
        }
        Ok(Self::Route(route))
    }
}

/// QoS and hash. What is left out is DDS's default, which differs for writers and readers.
fn qos(text: &str, kind: Kind) -> Option<(WireQos, String)> {
    let mut parts = text.split(':');
    let ("" | "K") = parts.next()? else { return None };
    let reliable = match parts.next()? {
        "" => kind == Kind::Publisher,
        "0" => false,
        "1" => true,
        _ => return None,
    };
    let transient_local = match parts.next()? {
        "" | "0" => false,
        // Transient and persistent keep more, not less.
        "1" | "2" | "3" => true,
        _ => return None,
    };
    let depth = match parts.next()? {
        "" => Some(1),
        history => match history.split_once(',')? {
            ("0", depth) => Some(depth.parse().ok()?),
            ("1", depth) => {
                depth.parse::<i32>().ok()?;
                None
            }
            _ => return None,
        },
    };
    let hash = parts.next().unwrap_or_default().split(';').find_map(|one| one.strip_prefix("typehash="));
    Some((WireQos { reliable, transient_local, depth }, hash.unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route() -> Route {
        Route {
            session: "a1b2".into(),
            kind: Kind::Publisher,
            name: "/front/camera/image_raw".into(),
            type_name: "sensor_msgs/msg/Image".into(),
            hash: "RIHS01_0".into(),
            qos: WireQos { reliable: false, transient_local: true, depth: Some(5) },
        }
    }

    #[test]
    fn tokens_come_back() {
        let route = route();
        assert_eq!(
            route.token(),
            "@/a1b2/@ros2_lv/MP/front§camera§image_raw/sensor_msgs§msg§Image/:0:1:0,5:typehash=RIHS01_0;"
        );
        assert_eq!(BridgeToken::parse(&route.token()).unwrap(), BridgeToken::Route(route.clone()));
        let humble = Route { hash: NO_HASH.into(), ..route.clone() };
        assert!(humble.token().ends_with("/:0:1:0,5"), "{}", humble.token());
        let qos = WireQos { reliable: true, transient_local: false, depth: None };
        for kind in [Kind::Subscription, Kind::Service, Kind::Client] {
            let qos = if kind.is_service() { WireQos { depth: Some(10), ..qos } } else { qos };
            let hash = if kind.is_service() { String::new() } else { "RIHS01_1".into() };
            let route = Route { kind, qos, hash, ..route.clone() };
            assert_eq!(BridgeToken::parse(&route.token()).unwrap(), BridgeToken::Route(route));
        }
        assert_eq!(BridgeToken::parse("@/a1/@ros2_lv").unwrap(), BridgeToken::Bridge("a1".into()));
        assert_eq!(ros2dds_key("/a/b"), "a/b");
    }

    /// As the plugin's own tests write them, and with what rmw_fastrtps puts beside the hash.
    #[test]
    fn the_forms_of_the_plugin() {
        let read =
            |kind: &str, qos: &str| match BridgeToken::parse(&format!("@/z/@ros2_lv/{kind}/t/p§msg§T/{qos}"))
            {
                Ok(BridgeToken::Route(route)) => {
                    (route.qos.reliable, route.qos.transient_local, route.qos.depth, route.hash)
                }
                other => panic!("{other:?}"),
            };
        assert_eq!(read("MP", ":::"), (true, false, Some(1), String::new()));
        assert_eq!(read("MS", "K:::"), (false, false, Some(1), String::new()));
        assert_eq!(read("MS", ":1:1:1,-1"), (true, true, None, String::new()));
        assert_eq!(read("MS", ":1:0:0,3:a=b;typehash=RIHS01_7;"), (true, false, Some(3), "RIHS01_7".into()));
    }

    #[test]
    fn strangers_are_refused() {
        for bad in [
            "",
            "@/z",
            "@//@ros2_lv",
            "@/z/@ros2_lv/",
            "@/z/@ros2_lv/XX/t/d/:::",
            "@/z/@ros2_lv/AS/t/d",
            "@/z/@ros2_lv/MP/t/d",
            "@/z/@ros2_lv/MP//d/:::",
            "@/z/@ros2_lv/MP/t/d/::",
            "@/z/@ros2_lv/MP/t/d/:2::",
            "@/z/@ros2_lv/MP/t/d/:::0,x",
            "@/z/@ros2_lv/MP/t/d/:::0,1/more",
            "@/z/@ros2_lv/SS/t/d/more",
            "@ros2_lv/0/z/0/0/NN/%/%/n",
        ] {
            let error = BridgeToken::parse(bad).expect_err(bad).to_string();
            assert!(error.contains("PG-1202") && error.contains("bridge"), "{error}");
        }
    }
}
