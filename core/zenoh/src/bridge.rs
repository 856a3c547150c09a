//! What a bridge is told of us, and what we make of what it tells.
//!
//! A bridge knows topics and services of a session, not whose they are: each is announced once, however many nodes have it.
//! In the other direction its side of the graph is seen as that of one node, the one that it is itself on DDS, until it is
//! asked by name ([`BridgedNode`](crate::keys::BridgedNode)).

use std::collections::{BTreeMap, BTreeSet};

use crate::keys::{BridgeToken, BridgedNode, Endpoint, Kind, NodeName, Route, Token, WireQos};

/// The node that a bridge is on DDS, unless it is configured otherwise.
const BRIDGE_NODE: &str = "/zenoh_bridge_ros2dds";

/// One route for each topic and service of a session. Where nodes differ in QoS it has the strongest: the bridge has one writer
/// or reader on DDS for all of them.
pub(crate) fn routes(endpoints: &[Endpoint]) -> Vec<Route> {
    let mut routes: BTreeMap<(Kind, &str), Route> = BTreeMap::new();
    for endpoint in endpoints {
        let Ok(qos) = WireQos::parse(&endpoint.qos) else { continue };
        routes
            .entry((endpoint.kind, &endpoint.name))
            .and_modify(|route| {
                route.qos.reliable |= qos.reliable;
                route.qos.transient_local |= qos.transient_local;
                route.qos.depth = route.qos.depth.zip(qos.depth).map(|(one, other)| one.max(other));
            })
            .or_insert_with(|| Route {
                session: endpoint.node.session.clone(),
                kind: endpoint.kind,
                name: endpoint.name.clone(),
                type_name: endpoint.type_name.clone(),
                hash: endpoint.hash.clone(),
                qos,
            });
    }
    routes.into_values().collect()
}

/// What a bridge has, as an endpoint of the node that it is.
pub(crate) fn endpoint(route: &Route) -> Endpoint {
    Endpoint {
        node: named(&route.session, BRIDGE_NODE),
        entity_id: 0,
        kind: route.kind,
        name: route.name.clone(),
        type_name: route.type_name.clone(),
        hash: route.hash.clone(),
        qos: route.qos.encode(),
    }
}

/// Whether this stands for all that is behind a bridge.
pub(crate) fn is_bridge(node: &NodeName) -> bool {
    node.full() == BRIDGE_NODE
}

/// The graph behind bridges, from their tokens and what they answered of nodes: each topic and service once for every node that
/// has it, or for the bridge itself when none was named.
pub(crate) fn bridged_graph(declared: &[String], nodes: &[BridgedNode]) -> Vec<Token> {
    let mut bridges = Bridges::default();
    let mut routes = Vec::new();
    for token in declared.iter().filter_map(|key| BridgeToken::parse(key).ok()) {
        routes.extend(bridges.came(token));
    }
    let mut tokens: Vec<Token> = Vec::new();
    for node in nodes {
        tokens.push(Token::Node(named(&node.session, &node.name)));
    }
    for route in &routes {
        let of_bridge = endpoint(route);
        let has = |node: &&BridgedNode| {
            node.session == route.session
                && node.has.iter().any(|(kind, name)| (*kind, name) == (route.kind, &route.name))
        };
        let mut holders = nodes.iter().filter(has).peekable();
        if holders.peek().is_none() {
            tokens.push(Token::Endpoint(of_bridge.clone()));
        }
        tokens.extend(holders.map(|node| {
            Token::Endpoint(Endpoint { node: named(&node.session, &node.name), ..of_bridge.clone() })
        }));
    }
    tokens
}

fn named(session: &str, full: &str) -> NodeName {
    let (namespace, node) = full.rsplit_once('/').unwrap_or(("", full));
    NodeName {
        domain: 0,
        session: session.to_owned(),
        node_id: 0,
        enclave: "/".into(),
        namespace: if namespace.is_empty() { "/".into() } else { namespace.into() },
        node: node.into(),
    }
}

/// Which sessions are bridges. Sessions like ours announce routes too, and tell of them better in tokens of their own: those
/// without a bridge's own token count as not there, whichever came first.
#[derive(Debug, Default)]
pub(crate) struct Bridges {
    known: BTreeSet<String>,
    waiting: BTreeMap<String, Vec<Route>>,
}

impl Bridges {
    /// A token came: the routes that are known by it to be a bridge's.
    pub fn came(&mut self, token: BridgeToken) -> Vec<Route> {
        match token {
            BridgeToken::Bridge(session) => {
                let routes = self.waiting.remove(&session).unwrap_or_default();
                self.known.insert(session);
                routes
            }
            BridgeToken::Route(route) if self.known.contains(&route.session) => vec![route],
            BridgeToken::Route(route) => {
                self.waiting.entry(route.session.clone()).or_default().push(route);
                Vec::new()
            }
        }
    }

    /// A token went: the route of a bridge that is gone.
    pub fn went(&mut self, token: BridgeToken) -> Option<Route> {
        match token {
            // Its routes go one by one.
            BridgeToken::Bridge(_) => None,
            BridgeToken::Route(route) => {
                if let Some(waiting) = self.waiting.get_mut(&route.session) {
                    waiting.retain(|other| *other != route);
                    if waiting.is_empty() {
                        self.waiting.remove(&route.session);
                    }
                }
                self.known.contains(&route.session).then_some(route)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(kind: Kind, qos: &str) -> Endpoint {
        let qos = WireQos::parse(qos).unwrap();
        let route = Route {
            session: "z".into(),
            kind,
            name: "/x".into(),
            type_name: "std_msgs/msg/String".into(),
            hash: "RIHS01_1".into(),
            qos,
        };
        endpoint(&route)
    }

    #[test]
    fn a_topic_of_several_nodes_is_one_route_with_the_strongest_qos() {
        let all = [
            one(Kind::Publisher, "2::,5:,:,:,,"),
            one(Kind::Publisher, ":1:,1:,:,:,,"),
            one(Kind::Subscription, "2::2,:,:,:,,"),
        ];
        let found = routes(&all);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].qos, WireQos { reliable: true, transient_local: true, depth: Some(5) });
        assert_eq!(found[1].qos, WireQos { reliable: false, transient_local: false, depth: None });
    }

    #[test]
    fn the_graph_behind_a_bridge_has_the_names_that_it_tells() {
        let routes = routes(&[one(Kind::Publisher, "::,1:,:,:,,"), one(Kind::Subscription, "::,1:,:,:,,")]);
        let mut declared: Vec<String> = routes.iter().map(Route::token).collect();
        assert_eq!(bridged_graph(&declared, &[]), [], "nobody says that this is a bridge");
        declared.push("@/z/@ros2_lv".into());
        let talker = |name: &str| BridgedNode {
            session: "z".into(),
            name: name.into(),
            has: BTreeSet::from([(Kind::Publisher, "/x".to_owned())]),
        };
        let tokens = bridged_graph(&declared, &[talker("/a/one"), talker("/two")]);
        let told: Vec<String> = tokens
            .iter()
            .map(|token| match token {
                Token::Node(node) => node.full(),
                Token::Endpoint(endpoint) => format!("{:?} {}", endpoint.kind, endpoint.node_name()),
            })
            .collect();
        assert_eq!(
            told,
            ["/a/one", "/two", "Publisher /a/one", "Publisher /two", "Subscription /zenoh_bridge_ros2dds"]
        );
    }

    #[test]
    fn only_routes_of_bridges_count_whichever_token_comes_first() {
        let route = |session: &str| {
            let mut route = routes(&[one(Kind::Publisher, "::,1:,:,:,,")]).remove(0);
            route.session = session.into();
            route
        };
        let (ours, theirs) = (route("ours"), route("theirs"));
        let mut bridges = Bridges::default();
        assert_eq!(bridges.came(BridgeToken::Route(ours.clone())), []);
        assert_eq!(bridges.came(BridgeToken::Route(theirs.clone())), []);
        let known = std::slice::from_ref(&theirs);
        assert_eq!(bridges.came(BridgeToken::Bridge("theirs".into())), known);
        assert_eq!(bridges.came(BridgeToken::Route(theirs.clone())), known);
        assert_eq!(bridges.went(BridgeToken::Bridge("theirs".into())), None);
        assert_eq!(bridges.went(BridgeToken::Route(theirs.clone())), Some(theirs));
        assert_eq!(bridges.went(BridgeToken::Route(ours)), None);
        assert!(bridges.waiting.is_empty());
    }
}
