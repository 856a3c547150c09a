//! Who takes part in what: every node of the process, and every publisher, subscription, service and client it has.
//!
//! A topic knows its messages; this is the same graph seen from its nodes, as `ros2 node info` shows it, and what a
//! transport tells other processes.

use std::sync::Arc;

use crate::qos::Qos;

/// What a node is in a topic or service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It publishes the topic.
    Publisher,
    /// It reads the topic.
    Subscription,
    /// It serves the service.
    Server,
    /// It calls the service.
    Client,
}

/// One node's part in one topic or service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The node's full name.
    pub node: Arc<str>,
    /// Full name of the topic or service.
    pub name: String,
    /// What the node is in it.
    pub role: Role,
    /// `sensor_msgs/msg/Image`, `std_srvs/srv/Trigger`.
    pub type_name: &'static str,
    /// `RIHS01_...`
    pub hash: &'static str,
    /// What the node asked for. A topic's own is that of its first party.
    pub qos: Qos,
}

/// The nodes of a process and their endpoints, in the order in which they were declared.
#[derive(Debug, Default, Clone)]
pub struct Endpoints {
    nodes: Vec<Arc<str>>,
    all: Vec<Endpoint>,
}

impl Endpoints {
    pub(crate) fn add_node(&mut self, name: &Arc<str>) {
        self.nodes.push(name.clone());
    }

    pub(crate) fn add(
        &mut self,
        node: &Arc<str>,
        name: &str,
        role: Role,
        (type_name, hash): (&'static str, &'static str),
        qos: Qos,
    ) {
        self.all.push(Endpoint { node: node.clone(), name: name.to_owned(), role, type_name, hash, qos });
    }

    /// Full names of all nodes. Those whose name begins with an underscore are the runtime's own.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<str>> {
        self.nodes.iter()
    }

    /// Every endpoint.
    pub fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.all.iter()
    }
}

/// True for a node that people need not see: its name begins with an underscore, as hidden nodes do in ROS 2.
#[must_use]
pub fn is_hidden(full_name: &str) -> bool {
    full_name.rsplit('/').next().is_some_and(|name| name.starts_with('_'))
}
