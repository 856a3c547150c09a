//! `peregrine node list|running` and `peregrine param describe|list|get|set`.

use std::time::Duration;

use peregrine_core::{ParamField, ParamValue};

use crate::args::{NodeCommand, Param};
use crate::compose::registry;
use crate::error::Result;

use super::service;

pub fn run_node(command: &NodeCommand) -> Result {
    match command {
        NodeCommand::List => {
            for factory in registry().kinds() {
                println!("{}  ({} parameters)", factory.kind, (factory.params)().len());
            }
        }
        NodeCommand::Running => {
            let names = service::with_inspector(|i| Ok(i.nodes(Duration::from_millis(1500))?))?;
            names.iter().for_each(|name| println!("{name}"));
        }
    }
    Ok(())
}

pub fn run_param(command: &Param) -> Result {
    let node = match command {
        Param::List { node } => return service::param_list(node),
        Param::Get { node, name } => return service::param_get(node, name),
        Param::Set { node, name, value } => return service::param_set(node, name, value),
        Param::Describe { node } => node,
    };
    for field in (registry().find(node)?.params)() {
        println!("{}", described(field));
    }
    Ok(())
}

/// One parameter: name, type, default as `-p NAME:=` takes it, range, and on a line of its own what it means.
fn described(field: &ParamField) -> String {
    let default = match field.default.map(|make| make()) {
        Some(Some(ParamValue::String(text))) => format!("= {text:?}"),
        Some(Some(value)) => format!("= {value}"),
        Some(None) => "(not set)".to_owned(),
        // An option is absent until it is given; all else has to be.
        None => "(no default)".to_owned(),
    };
    let range = field.range.map_or_else(String::new, |range| match range.split_once("..") {
        Some((from, "")) => format!(", at least {from}"),
        Some((from, to)) => match to.strip_prefix('=') {
            Some(to) => format!(", {from} to {to}"),
            None => format!(", {from} to below {to}"),
        },
        None => format!(", in {range}"),
    });
    let live = if field.live { ", can be set while it runs" } else { "" };
    format!("{}: {} {default}{range}{live}\n    {}", field.name, field.type_name, field.doc)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every default of the house can be typed again as it is shown, and no source text of Rust is.
    #[test]
    fn what_is_described_can_be_typed() {
        let registry = registry();
        for factory in registry.kinds() {
            for field in (factory.params)() {
                let text = described(field);
                let head = text.lines().next().unwrap();
                for rust in ["::", "vec!", "..", "to_string"] {
                    assert!(!head.contains(rust), "{}: {head}", factory.kind);
                }
                let Some(value) = field.default.and_then(|make| make()) else { continue };
                if head.contains(" = []") {
                    continue; // says nothing of its type; the runtime takes it for any array
                }
                let shown = head.split_once(" = ").unwrap().1;
                let shown = shown.strip_suffix(", can be set while it runs").unwrap_or(shown);
                let shown = if field.range.is_some() { shown.rsplit_once(", ").unwrap().0 } else { shown };
                assert_eq!(crate::ros_args::value(field.name, shown).unwrap(), value, "{head}");
            }
        }
        let seed = (registry.find("drone_sim").unwrap().params)().iter().find(|f| f.name == "world").unwrap();
        assert!(described(seed).starts_with("world: string = \"forest\""), "{}", described(seed));
    }
}
