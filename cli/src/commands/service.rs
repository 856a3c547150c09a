//! `peregrine service list|call`, and what is called often: `peregrine param list|get|set`, `peregrine lifecycle get|set`,
//! of running nodes, ours or anybody's.

use std::time::Duration;

use peregrine_core::did_you_mean;
use peregrine_msgs::registry::find_service;
use peregrine_zenoh::{Inspector, Link, LinkOptions};
use serde_json::{Value, json};

use crate::args::{Lifecycle, Service};
use crate::error::{Error, Result};
use crate::ros_args;

const PATIENCE: Duration = Duration::from_millis(1500);
const CALL: Duration = Duration::from_secs(5);

/// Looks at the graph through a link of its own.
pub(super) fn with_inspector<T>(look: impl FnOnce(&Inspector) -> Result<T>) -> Result<T> {
    let options = LinkOptions::from_env(false)?;
    let link = Link::open(&options)?.ok_or(Error::NobodyThere { port: options.port })?;
    let outcome = look(&Inspector::new(link.clone()));
    link.close();
    outcome
}

pub fn run(command: &Service) -> Result {
    match command {
        Service::List { json } => with_inspector(|inspector| list(inspector, *json)),
        Service::Call { service, request } => {
            let request = serde_json::from_str::<Value>(request).map_err(|error| Error::Argument {
                what: "request",
                value: request.clone(),
                why: format!("write it as JSON, fields left out take their defaults: {error}"),
            })?;
            let answer = with_inspector(|inspector| call(inspector, service, &request))?;
            println!("{answer:#}");
            Ok(())
        }
    }
}

fn list(inspector: &Inspector, as_json: bool) -> Result {
    let services = inspector.services(PATIENCE)?;
    if as_json {
        let all: Vec<_> = services
            .iter()
            .map(|s| json!({"name": s.name, "type": s.type_name, "hash": s.hash, "node": s.node}))
            .collect();
        println!("{}", Value::Array(all));
        return Ok(());
    }
    let width = services.iter().map(|s| s.name.len()).max().unwrap_or(0);
    for service in &services {
        println!("{:width$}  [{}]  {}", service.name, service.type_name, service.node);
    }
    Ok(())
}

/// Calls the service of that name with a request in JSON; the answer is JSON too.
fn call(inspector: &Inspector, service: &str, request: &Value) -> Result<Value> {
    let wanted = format!("/{}", service.trim_start_matches('/'));
    let services = inspector.services(PATIENCE)?;
    let hint = did_you_mean(&wanted, services.iter().map(|s| s.name.as_str()));
    let found = services.iter().find(|s| s.name == wanted).ok_or(Error::Argument {
        what: "service",
        value: wanted.clone(),
        why: format!("nobody serves it{hint}; `peregrine service list` shows what is"),
    })?;
    let support = find_service(&found.type_name).ok_or_else(|| Error::UnknownType {
        topic: found.name.clone(),
        type_name: found.type_name.clone(),
    })?;
    let answer = inspector.call(&wanted, support, (support.request.from_json)(request)?, CALL)?;
    Ok((support.response.to_json)(&answer)?)
}

fn of_node(node: &str, service: &str) -> String {
    format!("/{}/{service}", node.trim_matches('/'))
}

/// Names of a running node's parameters, with their values.
pub(super) fn param_list(node: &str) -> Result {
    with_inspector(|inspector| {
        let listed = call(inspector, &of_node(node, "list_parameters"), &json!({}))?;
        let names = &listed["result"]["names"];
        let got = call(inspector, &of_node(node, "get_parameters"), &json!({ "names": names }))?;
        let names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
        for (name, value) in names.zip(got["values"].as_array().into_iter().flatten()) {
            println!("{name}: {}", shown(value));
        }
        Ok(())
    })
}

/// The value of one parameter of a running node.
pub(super) fn param_get(node: &str, name: &str) -> Result {
    let request = json!({ "names": [name] });
    let answer = with_inspector(|inspector| call(inspector, &of_node(node, "get_parameters"), &request))?;
    println!("{}", shown(&answer["values"][0]));
    Ok(())
}

/// Sets one parameter of a running node.
pub(super) fn param_set(node: &str, name: &str, text: &str) -> Result {
    let value = parameter_value(&ros_args::value(name, text)?);
    let request = json!({ "parameters": [{ "name": name, "value": value }] });
    let answer = with_inspector(|inspector| call(inspector, &of_node(node, "set_parameters"), &request))?;
    let result = &answer["results"][0];
    if result["successful"] == true {
        return Ok(());
    }
    let why = result["reason"].as_str().unwrap_or("the node gave no reason").to_owned();
    Err(Error::Argument { what: "parameter", value: format!("{name}:={text}"), why })
}

/// `rcl_interfaces/msg/ParameterValue` as JSON.
fn parameter_value(value: &peregrine_core::ParamValue) -> Value {
    use peregrine_core::ParamValue as P;
    match value {
        P::Bool(v) => json!({"type": 1, "bool_value": v}),
        P::Integer(v) => json!({"type": 2, "integer_value": v}),
        P::Double(v) => json!({"type": 3, "double_value": v}),
        P::String(v) => json!({"type": 4, "string_value": v}),
        P::BoolArray(v) => json!({"type": 6, "bool_array_value": v}),
        P::IntegerArray(v) => json!({"type": 7, "integer_array_value": v}),
        P::DoubleArray(v) => json!({"type": 8, "double_array_value": v}),
        P::StringArray(v) => json!({"type": 9, "string_array_value": v}),
        _ => json!({"type": 0}),
    }
}

/// The one field of a `ParameterValue` that counts.
fn shown(value: &Value) -> String {
    const FIELDS: [&str; 10] = [
        "",
        "bool_value",
        "integer_value",
        "double_value",
        "string_value",
        "byte_array_value",
        "bool_array_value",
        "integer_array_value",
        "double_array_value",
        "string_array_value",
    ];
    let kind = value["type"].as_u64().and_then(|kind| usize::try_from(kind).ok()).unwrap_or(0);
    match FIELDS.get(kind) {
        Some(field) if !field.is_empty() => value[*field].to_string(),
        _ => "not set".to_owned(),
    }
}

pub fn run_lifecycle(command: &Lifecycle) -> Result {
    match command {
        Lifecycle::Get { node } => {
            let answer = with_inspector(|i| call(i, &of_node(node, "get_state"), &json!({})))?;
            println!("{}", answer["current_state"]["label"].as_str().unwrap_or("unknown"));
            Ok(())
        }
        Lifecycle::Set { node, transition } => {
            let request = json!({ "transition": { "label": transition } });
            let answer = with_inspector(|i| call(i, &of_node(node, "change_state"), &request))?;
            if answer["success"] == true {
                return Ok(());
            }
            Err(Error::Argument {
                what: "transition",
                value: transition.clone(),
                why: format!(
                    "'{node}' did not make it; its log says why, `peregrine lifecycle get {node}` its state"
                ),
            })
        }
    }
}
