//! The node `model_store`: the door of a host through which models come and go (docs/models.md, "Over the network").

mod node;

pub use node::{PEREGRINE_NODE, StoreConfig, StoreNode};
