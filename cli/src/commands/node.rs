//! `peregrine node list|running` and `peregrine param describe|list|get|set`.

use std::time::Duration;

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
        let default = field.default.map_or_else(|| "required".to_owned(), |d| format!("= {d}"));
        let range = field.range.map_or_else(String::new, |r| format!(" in {r}"));
        let live = if field.live { ", can be set while it runs" } else { "" };
        println!("{}: {} {default}{range}{live}\n    {}", field.name, field.type_name, field.doc);
    }
    Ok(())
}
