//! The graph around this process, watched for what keeps peers from understanding each other.
//!
//! In ROS 2 two endpoints whose types, definitions or QoS do not fit exchange nothing and say nothing. Here each such pair
//! is one warning that names both sides and the remedy.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use zenoh::Wait;
use zenoh::pubsub::Subscriber;
use zenoh::sample::SampleKind;

use crate::distro::NO_HASH;
use crate::error::{Result, zenoh as failed};
use crate::gates::Publishers;
use crate::keys::{Endpoint, Kind, ROOT, Token, WireQos, gid};
use crate::link::Link;

/// Watches until dropped.
#[derive(Debug)]
pub(crate) struct GraphWatch {
    _subscriber: Subscriber<()>,
}

impl GraphWatch {
    /// Compares every remote endpoint, present and future, with `local`, and keeps the list of remote publishers.
    pub fn start(link: &Link, local: Vec<Endpoint>, publishers: Arc<Publishers>) -> Result<Self> {
        let pattern = format!("{ROOT}/{}/**", link.domain);
        let own = link.session.zid().to_string();
        let said = Mutex::new(BTreeSet::new());
        let subscriber = link
            .session
            .liveliness()
            .declare_subscriber(&pattern)
            .history(true)
            .callback(move |sample| {
                let token = sample.key_expr().as_str();
                let Ok(Token::Endpoint(remote)) = Token::parse(token) else { return };
                if remote.node.session == own {
                    return;
                }
                let came = sample.kind() == SampleKind::Put;
                if remote.kind == Kind::Publisher {
                    publishers.note(&remote, gid(token), came);
                }
                if !came {
                    return;
                }
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                for text in complaints(&local, &remote) {
                    if said.insert(text.clone()) {
                        tracing::warn!("{text}");
                    }
                }
            })
            .wait()
            .map_err(failed("watch the graph", &pattern))?;
        Ok(Self { _subscriber: subscriber })
    }
}

/// What is wrong between the local endpoints and a remote one.
fn complaints(local: &[Endpoint], remote: &Endpoint) -> Vec<String> {
    let service = |kind| matches!(kind, Kind::Service | Kind::Client);
    let same = |own: &&Endpoint| own.name == remote.name && service(own.kind) == service(remote.kind);
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
    if own.hash != remote.hash {
        let remedy = if own.hash == NO_HASH || remote.hash == NO_HASH {
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
        // A service may have a topic's name.
        assert_eq!(code(&own, &endpoint("remote", Kind::Service, best_effort)), None);
    }
}
