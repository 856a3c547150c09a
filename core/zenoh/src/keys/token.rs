//! Liveliness tokens: a node, and an endpoint of a node.

use super::{ROOT, dds_name, demangle, mangle, ros_name};
use crate::error::{Error, Result};

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
    /// A service or its client, not a topic.
    pub fn is_service(self) -> bool {
        matches!(self, Self::Service | Self::Client)
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Publisher => "MP",
            Self::Subscription => "MS",
            Self::Service => "SS",
            Self::Client => "SC",
        }
    }
    pub(super) fn parse(code: &str) -> Option<Self> {
        [Self::Publisher, Self::Subscription, Self::Service, Self::Client]
            .into_iter()
            .find(|k| k.code() == code)
    }
}

/// A node in a session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeName {
    /// ROS domain id.
    pub domain: u32,
    /// Zenoh id of the session, hex.
    pub session: String,
    /// Number of the node within the session.
    pub node_id: u32,
    /// Security enclave, "/" at the least.
    pub enclave: String,
    /// The node's namespace, "/" at the least.
    pub namespace: String,
    /// The node's name.
    pub node: String,
}

impl NodeName {
    /// The node's token.
    pub fn token(&self) -> String {
        let NodeName { domain, session, node_id, .. } = self;
        format!("{ROOT}/{domain}/{session}/{node_id}/{node_id}/NN/{}", self.tail())
    }

    /// `/namespace/node`
    pub fn full(&self) -> String {
        format!("{}/{}", self.namespace.trim_end_matches('/'), self.node)
    }

    fn tail(&self) -> String {
        format!("{}/{}/{}", mangle(&self.enclave), mangle(&self.namespace), mangle(&self.node))
    }
}

/// An endpoint as its liveliness token tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Whose it is.
    pub node: NodeName,
    /// Number of the endpoint within the session.
    pub entity_id: u32,
    /// What it is.
    pub kind: Kind,
    /// Full name of the topic or service.
    pub name: String,
    /// `sensor_msgs/msg/Image`.
    pub type_name: String,
    /// `RIHS01_...`.
    pub hash: String,
    /// rmw_zenoh's encoding of the QoS: [`WireQos`](super::WireQos) reads it.
    pub qos: String,
}

impl Endpoint {
    /// The node's full name: `/front/camera`.
    pub fn node_name(&self) -> String {
        self.node.full()
    }

    /// The liveliness token's key.
    pub fn token(&self) -> String {
        let NodeName { domain, session, node_id, .. } = &self.node;
        format!(
            "{ROOT}/{domain}/{session}/{node_id}/{}/{}/{}/{}/{}/{}/{}",
            self.entity_id,
            self.kind.code(),
            self.node.tail(),
            mangle(&self.name),
            dds_name(&self.type_name),
            self.hash,
            self.qos
        )
    }

    /// Reads an endpoint's token.
    ///
    /// # Errors
    /// PG-1202 when the key is not an endpoint's token.
    pub fn parse(key: &str) -> Result<Self> {
        match Token::parse(key)? {
            Token::Endpoint(endpoint) => Ok(endpoint),
            Token::Node(_) => Err(bad(key, "it is a node's")),
        }
    }
}

/// A liveliness token, read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "read, looked at and dropped; never kept in numbers")]
pub enum Token {
    /// A node.
    Node(NodeName),
    /// An endpoint.
    Endpoint(Endpoint),
}

fn bad(key: &str, why: &'static str) -> Error {
    Error::Malformed { text: key.chars().take(200).collect(), expected: "an rmw_zenoh liveliness token", why }
}

impl Token {
    /// Reads a token's key.
    ///
    /// # Errors
    /// PG-1202.
    pub fn parse(key: &str) -> Result<Self> {
        let bad = |why| bad(key, why);
        let parts: Vec<&str> = key.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(bad("a part between slashes is empty"));
        }
        let [root, domain, session, node_id, entity_id, kind, enclave, namespace, node, rest @ ..] =
            &parts[..]
        else {
            return Err(bad("it has not the nine parts of a node"));
        };
        if *root != ROOT {
            return Err(bad("it does not begin with @ros2_lv"));
        }
        let name = NodeName {
            domain: domain.parse().map_err(|_| bad("the domain is not a number"))?,
            session: (*session).to_owned(),
            node_id: node_id.parse().map_err(|_| bad("the node id is not a number"))?,
            enclave: demangle(enclave),
            namespace: demangle(namespace),
            node: demangle(node),
        };
        let entity_id = entity_id.parse().map_err(|_| bad("the entity id is not a number"))?;
        if *kind == "NN" {
            return if rest.is_empty() { Ok(Self::Node(name)) } else { Err(bad("a node has nine parts")) };
        }
        let kind = Kind::parse(kind).ok_or_else(|| bad("the kind is none of NN, MP, MS, SS, SC"))?;
        // hiroz writes a fourteenth for images, of where their bytes may lie; others may follow.
        let [topic, dds, hash, qos, ..] = rest else { return Err(bad("an endpoint has at least 13 parts")) };
        Ok(Self::Endpoint(Endpoint {
            node: name,
            entity_id,
            kind,
            name: demangle(topic),
            type_name: ros_name(dds),
            hash: (*hash).to_owned(),
            qos: (*qos).to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint {
            node: NodeName {
                domain: 3,
                session: "a1b2".into(),
                node_id: 4,
                enclave: "/".into(),
                namespace: "/front".into(),
                node: "camera".into(),
            },
            entity_id: 5,
            kind: Kind::Subscription,
            name: "/front/camera/image_raw".into(),
            type_name: "sensor_msgs/msg/Image".into(),
            hash: "RIHS01_0".into(),
            qos: "2::,5:,:,:,,".into(),
        }
    }

    #[test]
    fn tokens_come_back() {
        let endpoint = endpoint();
        assert_eq!(
            endpoint.token(),
            "@ros2_lv/3/a1b2/4/5/MS/%/%front/camera/%front%camera%image_raw/sensor_msgs::msg::dds_::Image_/RIHS01_0/\
             2::,5:,:,:,,"
        );
        assert_eq!(Endpoint::parse(&endpoint.token()).unwrap(), endpoint);
        let longer = format!("{}/backends:cpu:", endpoint.token());
        assert_eq!(Endpoint::parse(&longer).unwrap(), endpoint);
        let node = NodeName { namespace: "/".into(), ..endpoint.node };
        assert_eq!(node.token(), "@ros2_lv/3/a1b2/4/4/NN/%/%/camera");
        assert_eq!(Token::parse(&node.token()).unwrap(), Token::Node(node.clone()));
        assert_eq!(node.full(), "/camera");
    }

    #[test]
    fn strangers_are_refused() {
        for bad in [
            "",
            "@ros2_lv/0",
            "x/0/z/0/1/MP/%/%/n/%t/d/h/q",
            "@ros2_lv/0/z/0/1/XX/%/%/n/%t/d/h/q",
            "@ros2_lv/0/z/0/1/MP/%/%/n/%t/d/h",
            "@ros2_lv/0/z/0/1/NN/%/%/n/more",
            "@ros2_lv/x/z/0/1/NN/%/%/n",
            "@ros2_lv/0//0/1/NN/%/%/n",
        ] {
            assert!(Endpoint::parse(bad).unwrap_err().to_string().contains("PG-1202"), "{bad}");
        }
    }
}
