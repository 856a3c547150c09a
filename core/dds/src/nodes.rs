//! The nodes of this process as the graph shows them: each of ours is one of `rcl`.

use std::collections::BTreeMap;
use std::sync::Arc;

use peregrine_core::is_hidden;

use crate::error::Result;
use crate::rcl::{Context, Node};

/// The nodes, by full name.
pub(crate) struct Nodes {
    context: Arc<Context>,
    shown: BTreeMap<Arc<str>, Arc<Node>>,
    /// What stands for those that people need not see, once it is needed.
    hidden: Option<Arc<Node>>,
}

impl Nodes {
    /// Announces those of `names` that people see.
    pub fn announce<'n>(context: &Arc<Context>, names: impl Iterator<Item = &'n Arc<str>>) -> Result<Self> {
        let mut shown = BTreeMap::new();
        for name in names.filter(|name| !is_hidden(name)) {
            shown.insert(name.clone(), Node::new(context, name)?);
        }
        Ok(Self { context: context.clone(), shown, hidden: None })
    }

    /// The node in whose name the one called `name` acts.
    pub fn of(&mut self, name: &Arc<str>) -> Result<Arc<Node>> {
        match self.shown.get(name) {
            Some(node) => Ok(node.clone()),
            None => self.hidden(),
        }
    }

    /// A node of this process that nobody need see. Names are unique in a domain, so it has the number of the process.
    pub fn hidden(&mut self) -> Result<Arc<Node>> {
        if let Some(node) = &self.hidden {
            return Ok(node.clone());
        }
        let node = Node::new(&self.context, &format!("/_peregrine_{}", std::process::id()))?;
        self.hidden = Some(node.clone());
        Ok(node)
    }
}
