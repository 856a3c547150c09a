//! The services of a component container: `ros2 component load|unload|list`.

use std::sync::Arc;

use peregrine_msgs::composition_interfaces::{
    ListNodes, ListNodesResponse, LoadNode, LoadNodeRequest, LoadNodeResponse, UnloadNode, UnloadNodeResponse,
};

use super::values::from_msg;
use crate::app::NodeSpec;
use crate::error::Result;
use crate::node::{Node, Setup};

/// Starts and ends nodes while the program runs; the program lends it to [`ComponentManager`] with `App::extend`, in an
/// [`Arc`] of `Box<dyn Components>`.
pub trait Components: Send + Sync {
    /// Starts a node of the plugin called so. The answer is its number, from 1, and its full name; or why not.
    ///
    /// # Errors
    /// The reason, for the caller.
    fn load(&self, plugin: &str, spec: NodeSpec) -> std::result::Result<(u64, String), String>;
    /// Ends a node.
    ///
    /// # Errors
    /// The reason, for the caller.
    fn unload(&self, id: u64) -> std::result::Result<(), String>;
    /// The running nodes.
    fn list(&self) -> Vec<(u64, String)>;
}

/// The node that serves them.
pub struct ComponentManager;

impl Node for ComponentManager {
    /// The name that rclcpp_components gives its own.
    const NAME: &'static str = "ComponentManager";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let components = setup.extension::<Box<dyn Components>>();
        let shared = components.clone();
        setup.service::<LoadNode>("~/_container/load_node", move |_, _, request| {
            Ok(load(shared.as_ref(), request))
        })?;
        let shared = components.clone();
        setup.service::<UnloadNode>("~/_container/unload_node", move |_, _, request| {
            let outcome = lent(shared.as_ref()).and_then(|c| c.unload(request.unique_id));
            let error_message = outcome.err().unwrap_or_default();
            Ok(UnloadNodeResponse { success: error_message.is_empty(), error_message })
        })?;
        setup.service::<ListNodes>("~/_container/list_nodes", move |_, _, _| {
            let all = lent(components.as_ref()).map(|c| c.list()).unwrap_or_default();
            let (unique_ids, full_node_names) = all.into_iter().unzip();
            Ok(ListNodesResponse { full_node_names, unique_ids })
        })?;
        Ok(Self)
    }
}

type Lent = Arc<Box<dyn Components>>;

fn lent(components: Option<&Lent>) -> std::result::Result<&Lent, String> {
    components.ok_or_else(|| "this program lends its container no components".to_owned())
}

fn load(components: Option<&Lent>, request: &LoadNodeRequest) -> LoadNodeResponse {
    let loaded =
        lent(components).and_then(|c| spec(request).and_then(|spec| c.load(&request.plugin_name, spec)));
    match loaded {
        Ok((unique_id, full_node_name)) => {
            LoadNodeResponse { success: true, error_message: String::new(), full_node_name, unique_id }
        }
        Err(error_message) => {
            LoadNodeResponse { success: false, error_message, ..LoadNodeResponse::default() }
        }
    }
}

/// What the request says of the node. Its kind is the plugin's, which the container knows.
fn spec(request: &LoadNodeRequest) -> std::result::Result<NodeSpec, String> {
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let mut spec = NodeSpec {
        name: given(&request.node_name),
        namespace: given(&request.node_namespace),
        ..NodeSpec::default()
    };
    for rule in &request.remap_rules {
        match rule.split_once(":=") {
            Some(("__node" | "__name", name)) => spec.name = Some(name.to_owned()),
            Some(("__ns", namespace)) => spec.namespace = Some(namespace.to_owned()),
            Some((from, to)) => spec.remaps.push((from.to_owned(), to.to_owned())),
            None => return Err(format!("PG-0227: the remap '{rule}' is not written from:=to")),
        }
    }
    for parameter in &request.parameters {
        let value = from_msg(&parameter.value).ok_or_else(|| {
            format!("PG-0228: parameter '{}' has no value of a type we know", parameter.name)
        })?;
        spec.params.insert(parameter.name.clone(), value);
    }
    // What rclcpp_components takes here does not matter to us: frames are never copied within a host.
    const KNOWN: [&str; 2] = ["use_intra_process_comms", "forward_global_arguments"];
    match request.extra_arguments.iter().find(|extra| !KNOWN.contains(&extra.name.as_str())) {
        Some(extra) => {
            Err(format!("PG-0229: the extra argument '{}' is not known; known are {KNOWN:?}", extra.name))
        }
        None => Ok(spec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::ParamValue;
    use peregrine_msgs::rcl_interfaces::Parameter;

    #[test]
    fn a_request_becomes_a_spec() {
        let value = super::super::values::to_msg(Some(&ParamValue::Integer(3)));
        let mut request = LoadNodeRequest {
            node_name: "left".into(),
            remap_rules: vec!["image:=/x".into(), "__ns:=/front".into()],
            parameters: vec![Parameter { name: "n".into(), value }],
            ..LoadNodeRequest::default()
        };
        let made = spec(&request).unwrap();
        assert_eq!(made.name.as_deref(), Some("left"));
        assert_eq!(made.namespace.as_deref(), Some("/front"));
        assert_eq!(made.remaps, [("image".to_owned(), "/x".to_owned())]);
        assert_eq!(made.params["n"], ParamValue::Integer(3));
        request.extra_arguments = vec![Parameter { name: "odd".into(), ..Parameter::default() }];
        assert!(spec(&request).unwrap_err().contains("PG-0229"));
        request.remap_rules = vec!["x".into()];
        assert!(spec(&request).unwrap_err().contains("PG-0227"));
        assert!(!load(None, &request).success);
    }
}
