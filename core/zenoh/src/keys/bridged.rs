//! ROS 2 nodes behind a bridge, as it tells who asks its admin space: no token of a bridge names a node.
//!
//! Key: `@/<zid>/ros2/node/<id of the DDS participant>/<namespace>/<name>`; answer: JSON with lists of `{"name", "type"}`.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Kind;
use crate::error::{Error, Result};

/// Pattern of the keys under which bridges tell of nodes.
pub const BRIDGED_NODES: &str = "@/*/ros2/node/**";

/// A node on DDS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgedNode {
    /// Zenoh id of the bridge's session, hex.
    pub session: String,
    /// Full name: `/front/camera`.
    pub name: String,
    /// What it has: what, and its full name.
    pub has: BTreeSet<(Kind, String)>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Lists {
    #[serde(default)]
    publishers: Vec<Named>,
    #[serde(default)]
    subscribers: Vec<Named>,
    #[serde(default)]
    service_servers: Vec<Named>,
    #[serde(default)]
    service_clients: Vec<Named>,
}

impl BridgedNode {
    /// Reads a key of the admin space and what is answered under it.
    ///
    /// # Errors
    /// PG-1202.
    pub fn parse(key: &str, json: &[u8]) -> Result<Self> {
        let bad = |why| Error::Malformed {
            text: key.chars().take(200).collect(),
            expected: "a node as zenoh-bridge-ros2dds tells of it",
            why,
        };
        let mut parts = key.splitn(6, '/');
        let (Some("@"), Some(session), Some("ros2"), Some("node"), Some(_), Some(name)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad("it is not @/<id>/ros2/node/<participant>/<name>"));
        };
        let lists: Lists =
            serde_json::from_slice(json).map_err(|_| bad("the answer is not a node's JSON"))?;
        let all = [
            (Kind::Publisher, lists.publishers),
            (Kind::Subscription, lists.subscribers),
            (Kind::Service, lists.service_servers),
            (Kind::Client, lists.service_clients),
        ];
        let has = all.into_iter().flat_map(|(kind, list)| list.into_iter().map(move |one| (kind, one.name)));
        Ok(Self { session: session.to_owned(), name: format!("/{name}"), has: has.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_of_the_plugin() {
        let json = br#"{"publishers":[{"name":"/rosout","type":"rcl_interfaces/msg/Log"}],"subscribers":[],
            "service_servers":[{"name":"/front/n/get_parameters","type":"rcl_interfaces/srv/GetParameters"}],
            "service_clients":[],"action_servers":[],"action_clients":[]}"#;
        let node = BridgedNode::parse("@/a1/ros2/node/0110aa/front/n", json).unwrap();
        assert_eq!((node.session.as_str(), node.name.as_str()), ("a1", "/front/n"));
        let has =
            [(Kind::Publisher, "/rosout".to_owned()), (Kind::Service, "/front/n/get_parameters".to_owned())];
        assert_eq!(node.has, BTreeSet::from(has));
        for (key, json) in
            [("@/a1/ros2/node/0110aa", "{}"), ("@/a1/ros2/dds/0110aa/n", "{}"), ("@/a/ros2/node/p/n", "[")]
        {
            assert!(
                BridgedNode::parse(key, json.as_bytes()).unwrap_err().to_string().contains("PG-1202"),
                "{key}"
            );
        }
    }
}
