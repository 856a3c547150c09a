//! `peregrine bag recover`.

use peregrine_recorder::recover;

use crate::args::Bag;
use crate::error::Result;

pub fn run(command: &Bag) -> Result {
    let Bag::Recover { from, to } = command;
    let summary = recover(from, to)?;
    println!("recovered {} messages into {}", summary.messages, to.display());
    Ok(())
}
