//! The way into a domain, which the application lends to its transport.

use std::sync::Arc;

use peregrine_core::Exports;

use crate::error::Result;
use crate::rcl::Context;

/// A participant of a DDS domain, by way of the installed ROS 2. It leaves the domain when the last clone is dropped.
#[derive(Clone)]
pub struct Link {
    pub(crate) context: Arc<Context>,
    pub(crate) exports: Exports,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link(domain {})", self.domain())
    }
}

impl Link {
    /// Joins the domain of `ROS_DOMAIN_ID` as any ROS 2 program does: `RMW_IMPLEMENTATION`, `ROS_AUTOMATIC_DISCOVERY_RANGE`,
    /// `ROS_STATIC_PEERS` and the middleware's own profiles count. Pictures stay on this host but for the topics in
    /// `PEREGRINE_EXPORT`, as on Zenoh. `enclave` is that of `--ros-args --enclave`.
    ///
    /// # Errors
    /// PG-2101 when the middleware cannot be loaded or refuses; PG-2102 for an enclave that is no name.
    pub fn open(enclave: Option<&str>) -> Result<Self> {
        Ok(Self { context: Context::new(enclave)?, exports: Exports::from_env() })
    }

    /// The domain.
    #[must_use]
    pub fn domain(&self) -> usize {
        self.context.domain()
    }
}
