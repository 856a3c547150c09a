//! `peregrine sim`: worlds by themselves.

mod batch;
mod check;
mod dataset;
mod fly;

use crate::args::Sim;
use crate::error::Result;

pub(crate) use dataset::SimDataset;

pub fn run(args: &Sim) -> Result {
    match args {
        Sim::Check(args) => check::check(args),
        Sim::Run(args) => fly::fly(args),
        Sim::Batch(args) => batch::batch(args),
        Sim::Dataset(args) => dataset::dataset(args),
    }
}
