//! The registry: every node kind that is compiled in, by name.

use std::sync::Arc;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::host::{Declared, Host};
use crate::node::{Node, Setup};
use crate::params::{ParamField, ParamMap, Params};
use crate::suggest::did_you_mean;

/// Builds nodes of one kind.
#[derive(Debug, Clone, Copy)]
pub struct NodeFactory {
    /// The kind: [`Node::NAME`].
    pub kind: &'static str,
    /// Its declared parameters.
    pub params: fn() -> &'static [ParamField],
    pub(crate) build: fn(Blank<'_>, &ParamMap) -> Result<Host>,
}

inventory::collect!(NodeFactory);

/// A node's place in the graph, before it knows its type.
#[derive(Debug)]
pub(crate) struct Blank<'g> {
    pub setup: Setup<'g, ()>,
    pub ctx: Context,
}

impl Node for () {
    const NAME: &'static str = "";
    type Params = ();
    fn configure(_: &mut Setup<Self>, (): ()) -> Result<Self> {
        Ok(())
    }
}

impl NodeFactory {
    /// The factory of `N`; `export_node!` calls it.
    pub const fn of<N: Node>() -> Self {
        Self { kind: N::NAME, params: N::Params::fields, build: build::<N> }
    }
}

fn build<N: Node>(blank: Blank<'_>, params: &ParamMap) -> Result<Host> {
    let Setup { graph, full_name, name, namespace, remaps, extensions, threads, lockstep, ros, declared: _ } =
        blank.setup;
    let params = N::Params::from_map(&full_name, N::NAME, params)?;
    let declared = Declared::default();
    let mut setup = Setup::<N> {
        graph,
        full_name,
        name,
        namespace,
        remaps,
        extensions,
        threads,
        lockstep,
        ros,
        declared,
    };
    let values = params.to_map();
    let node = N::configure(&mut setup, params)?;
    if let Some(options) = setup.ros {
        crate::ros::serve(&mut setup, options, values)?;
    }
    let name: Arc<str> = setup.full_name.clone();
    Ok(Host::new(name, node, setup.declared, blank.ctx))
}

/// The node kinds an application can start.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    factories: Vec<NodeFactory>,
}

impl Registry {
    /// Every node that `export_node!` registered in the crates linked into this program.
    pub fn linked() -> Self {
        let mut registry = Self::default();
        for factory in inventory::iter::<NodeFactory> {
            registry = registry.with(*factory);
        }
        registry
    }

    /// Adds a kind; one that is there already is kept.
    #[must_use]
    pub fn with(mut self, factory: NodeFactory) -> Self {
        if !self.factories.iter().any(|f| f.kind == factory.kind) {
            self.factories.push(factory);
            self.factories.sort_by_key(|f| f.kind);
        }
        self
    }

    /// All kinds, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &NodeFactory> {
        self.factories.iter()
    }

    /// The factory of `kind`.
    ///
    /// # Errors
    /// When there is none; the error names the nearest.
    pub fn find(&self, kind: &str) -> Result<NodeFactory> {
        self.factories.iter().find(|f| f.kind == kind).copied().ok_or_else(|| Error::UnknownNode {
            kind: kind.into(),
            suggestion: did_you_mean(kind, self.factories.iter().map(|f| f.kind)),
            known: self.factories.iter().map(|f| f.kind).collect::<Vec<_>>().join(", "),
        })
    }
}
