//! `peregrine node list` and `peregrine param describe`.

use crate::args::{NodeCommand, Param};
use crate::compose::registry;
use crate::error::Result;

pub fn run_node(command: &NodeCommand) -> Result {
    match command {
        NodeCommand::List => {
            for factory in registry().kinds() {
                println!("{}  ({} parameters)", factory.kind, (factory.params)().len());
            }
        }
    }
    Ok(())
}

pub fn run_param(command: &Param) -> Result {
    let Param::Describe { node } = command;
    for field in (registry().find(node)?.params)() {
        let default = field.default.map_or_else(|| "required".to_owned(), |d| format!("= {d}"));
        let range = field.range.map_or_else(String::new, |r| format!(" in {r}"));
        println!("{}: {} {default}{range}\n    {}", field.name, field.type_name, field.doc);
    }
    Ok(())
}
