//! The graph around this process, watched for what keeps peers from understanding each other.
//!
//! In ROS 2 two endpoints whose types, definitions or QoS do not fit exchange nothing and say nothing. Here each such pair
//! is one warning that names both sides and the remedy.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use peregrine_core::Source;
use zenoh::Wait;
use zenoh::pubsub::Subscriber;
use zenoh::sample::SampleKind;

use crate::bridge::{Bridges, endpoint, is_bridge};
use crate::distro::NO_HASH;
use crate::error::{Result, zenoh as failed};
use crate::form::{KeyForm, OWN_ROOT};
use crate::gates::Publishers;
use crate::keys::{BridgeToken, Endpoint, Kind, ROOT, ROS2DDS_BRIDGES, ROS2DDS_TOKENS, Token, WireQos, gid};
use crate::link::Link;

/// Watches until dropped.
#[derive(Debug)]
pub(crate) struct GraphWatch {
    _subscribers: Vec<Subscriber<()>>,
}

/// What a callback needs.
struct Watcher {
    link: Link,
    own: String,
    local: Vec<Endpoint>,
    publishers: Arc<Publishers>,
    bridges: Mutex<Bridges>,
    said: Mutex<BTreeSet<String>>,
}

impl GraphWatch {
    /// Compares every remote endpoint, present and future, with `local`, and keeps the list of remote publishers.
    pub fn start(link: &Link, local: Vec<Endpoint>, publishers: Arc<Publishers>) -> Result<Self> {
        let watcher = Arc::new(Watcher {
            own: link.session.zid().to_string(),
            link: link.clone(),
            local,
            publishers,
            bridges: Mutex::default(),
            said: Mutex::default(),
        });
        type Look = fn(&Watcher, &str, bool);
        let (domain, nodes) = (link.domain, "*/*/*/NN/**");
        let of_form = format!("{}/{domain}/**", link.keys.root());
        let looks: Vec<(String, Look)> = match link.keys {
            KeyForm::RmwZenoh => vec![
                (of_form, Watcher::endpoint),
                (ROS2DDS_BRIDGES.into(), Watcher::stranger),
                (format!("{OWN_ROOT}/{domain}/{nodes}"), Watcher::stranger),
            ],
            KeyForm::Ros2Dds => vec![
                (of_form, Watcher::endpoint),
                (ROS2DDS_TOKENS.into(), Watcher::route),
                (format!("{ROOT}/{domain}/{nodes}"), Watcher::stranger),
            ],
        };
        let subscribers = looks.into_iter().map(|(pattern, look)| {
            let watcher = watcher.clone();
            link.session
                .liveliness()
                .declare_subscriber(&pattern)
                .history(true)
                .callback(move |sample| {
                    look(&watcher, sample.key_expr().as_str(), sample.kind() == SampleKind::Put);
                })
                .wait()
                .map_err(failed("watch the graph", &pattern))
        });
        Ok(Self { _subscribers: subscribers.collect::<Result<_>>()? })
    }
}

impl Watcher {
    fn endpoint(&self, declared: &str, came: bool) {
        let token = self.link.keys.inside(declared);
        let Ok(Token::Endpoint(remote)) = Token::parse(&token) else { return };
        if remote.node.session != self.own {
            self.changed(&remote, gid(&token), came);
        }
    }

    fn route(&self, declared: &str, came: bool) {
        // Actions, and what a later bridge may tell, are nothing that could be compared.
        let Ok(token) = BridgeToken::parse(declared) else { return };
        let routes = {
            let mut bridges = self.bridges.lock().unwrap_or_else(PoisonError::into_inner);
            if came { bridges.came(token) } else { bridges.went(token).into_iter().collect() }
        };
        for mut route in routes.into_iter().filter(|route| route.session != self.own) {
            if self.link.distro.hash(&route.hash) == NO_HASH {
                // Humble knows no hashes, and here they are not part of the key.
                route.hash.clear();
            }
            self.changed(&endpoint(&route), gid(&route.token()), came);
        }
    }

    fn changed(&self, remote: &Endpoint, gid: Source, came: bool) {
        if remote.kind == Kind::Publisher {
            let key = self.link.keys.key(remote.node.domain, &remote.name, &remote.type_name, &remote.hash);
            self.publishers.note(key, gid, came);
        }
        if came {
            for text in complaints(&self.local, remote) {
                self.say_once(text);
            }
        }
    }

    /// Somebody who speaks the other form: once, for it concerns all of them.
    fn stranger(&self, declared: &str, came: bool) {
        if !came {
            return;
        }
        let (who, other) = match (Token::parse(&KeyForm::Ros2Dds.inside(declared)), self.link.keys) {
            (Ok(Token::Node(node)), KeyForm::RmwZenoh) => {
                (format!("node '{}'", node.full()), KeyForm::Ros2Dds)
            }
            (Ok(Token::Node(node)), KeyForm::Ros2Dds) => {
                (format!("node '{}'", node.full()), KeyForm::RmwZenoh)
            }
            _ => ("a zenoh-bridge-ros2dds".to_owned(), KeyForm::Ros2Dds),
        };
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert("PG-1216".into()) {
            tracing::warn!(
                "PG-1216: {who} on this network speaks the keys of {other}, and this process those of {}: they exchange nothing; \
                 set PEREGRINE_ZENOH_KEYS={other} to reach it (and what speaks as it does) instead",
                self.link.keys
            );
        }
    }

    fn say_once(&self, text: String) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert(text.clone()) {
            tracing::warn!("{text}");
        }
    }
}

/// What is wrong between the local endpoints and a remote one.
fn complaints(local: &[Endpoint], remote: &Endpoint) -> Vec<String> {
    let same = |own: &&Endpoint| own.name == remote.name && own.kind.is_service() == remote.kind.is_service();
    local.iter().filter(same).filter_map(|own| complaint(own, remote)).collect()
}

fn complaint(own: &Endpoint, remote: &Endpoint) -> Option<String> {
    let (here, there, name) = (own.node.full(), remote.node.full(), &own.name);
    if own.type_name != remote.type_name {
        return Some(format!(
            "PG-1211: on '{name}' node '{here}' has {}, but '{there}' has {}: they exchange nothing; remap one of them",
            own.type_name, remote.type_name
        ));
    }
    // Bridges do not always tell the hash.
    if own.hash != remote.hash && !remote.hash.is_empty() {
        let remedy = if is_bridge(&remote.node) {
            "it tells one type for each topic, so what is behind it has another version of it, or another type altogether: \
             `ros2 topic info -v` says which"
        } else if own.hash == NO_HASH || remote.hash == NO_HASH {
            "one of them speaks ROS 2 Humble: set PEREGRINE_ROS_DISTRO to the distribution of the other"
        } else {
            "their definitions differ: build both from the same version of the package"
        };
        return Some(format!(
            "PG-1212: on '{name}' node '{here}' and '{there}' have {} with different hashes ({}, {}) and exchange nothing; \
             {remedy}",
            own.type_name, own.hash, remote.hash
        ));
    }
    let (publisher, subscription, from, to) = match (own.kind, remote.kind) {
        (Kind::Publisher, Kind::Subscription) => (own, remote, &here, &there),
        (Kind::Subscription, Kind::Publisher) => (remote, own, &there, &here),
        _ => return None,
    };
    let offered = WireQos::parse(&publisher.qos).ok()?;
    let wanted = WireQos::parse(&subscription.qos).ok()?;
    if wanted.reliable && !offered.reliable {
        return Some(format!(
            "PG-1213: '{to}' wants '{name}' reliably, but '{from}' publishes it as best effort: over DDS they would exchange \
             nothing, and over Zenoh messages may be lost; use one reliability on both sides"
        ));
    }
    if wanted.transient_local && !offered.transient_local {
        return Some(format!(
            "PG-1214: '{to}' wants what was published on '{name}' before it came (transient local), but '{from}' does not keep \
             it (volatile); use one durability on both sides"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::NodeName;

    fn endpoint(node: &str, kind: Kind, qos: &str) -> Endpoint {
        Endpoint {
            node: NodeName {
                domain: 0,
                session: node.into(),
                node_id: 0,
                enclave: "/".into(),
                namespace: "/".into(),
                node: node.into(),
            },
            entity_id: 1,
            kind,
            name: "/x".into(),
            type_name: "std_msgs/msg/String".into(),
            hash: "RIHS01_1".into(),
            qos: qos.into(),
        }
    }

    #[test]
    fn each_mismatch_is_named_with_both_sides() {
        let (reliable, best_effort, latched) = ("::,10:,:,:,,", "2::,10:,:,:,,", ":1:,1:,:,:,,");
        let own = endpoint("own", Kind::Subscription, reliable);
        let code = |own: &Endpoint, remote: &Endpoint| {
            let found = complaints(std::slice::from_ref(own), remote);
            found.first().map(|text| {
                assert!(text.contains("own") && text.contains("remote") && text.contains("'/x'"), "{text}");
                text[..7].to_owned()
            })
        };
        let remote = endpoint("remote", Kind::Publisher, reliable);
        assert_eq!(code(&own, &remote), None);
        let other_type = Endpoint { type_name: "std_msgs/msg/Int32".into(), ..remote.clone() };
        assert_eq!(code(&own, &other_type).as_deref(), Some("PG-1211"));
        let other_hash = Endpoint { hash: NO_HASH.into(), ..remote.clone() };
        assert_eq!(code(&own, &other_hash).as_deref(), Some("PG-1212"));
        assert!(complaints(std::slice::from_ref(&own), &other_hash)[0].contains("Humble"));
        let lossy = endpoint("remote", Kind::Publisher, best_effort);
        assert_eq!(code(&own, &lossy).as_deref(), Some("PG-1213"));
        let latched_reader = endpoint("own", Kind::Subscription, latched);
        assert_eq!(code(&latched_reader, &remote).as_deref(), Some("PG-1214"));
        // The other way round, and what fits although it differs.
        let own_lossy = endpoint("own", Kind::Publisher, best_effort);
        let remote_reader = endpoint("remote", Kind::Subscription, reliable);
        assert_eq!(code(&own_lossy, &remote_reader).as_deref(), Some("PG-1213"));
        let modest = endpoint("own", Kind::Subscription, best_effort);
        assert_eq!(code(&modest, &endpoint("remote", Kind::Publisher, latched)), None);
        // Behind a bridge it may be the type that differs.
        let mut behind = Endpoint { hash: "RIHS01_2".into(), ..remote.clone() };
        behind.node.node = "zenoh_bridge_ros2dds".into();
        let text = complaints(std::slice::from_ref(&own), &behind).remove(0);
        assert!(text.starts_with("PG-1212") && text.contains("another type"), "{text}");
        // A hash that was not told.
        assert_eq!(code(&modest, &Endpoint { hash: String::new(), ..remote.clone() }), None);
        // A service may have a topic's name.
        assert_eq!(code(&own, &endpoint("remote", Kind::Service, best_effort)), None);
    }
}
