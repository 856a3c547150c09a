//! `/diagnostics`: once a second, how each node of the process fares.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus, KeyValue};
use peregrine_msgs::std_msgs::Header;

use crate::context::Context;
use crate::endpoints::is_hidden;
use crate::error::Result;
use crate::health::Reading;
use crate::lifecycle::Primary;
use crate::node::{Node, Setup};
use crate::publisher::Publisher;
use crate::qos::Qos;

/// Publishes the state of every node that people see.
pub(crate) struct Diagnostics {
    publisher: Publisher<DiagnosticArray>,
    before: BTreeMap<Arc<str>, Reading>,
}

impl Node for Diagnostics {
    const NAME: &'static str = "_diagnostics";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_secs(1), Self::tick)?;
        Ok(Self { publisher: setup.publish("/diagnostics", Qos::Reliable)?, before: BTreeMap::new() })
    }
}

impl Diagnostics {
    fn tick(&mut self, ctx: &Context) -> Result {
        let mut status = Vec::new();
        for (node, lifecycle, health) in ctx.topics().nodes().filter(|(node, ..)| !is_hidden(node)) {
            let now = health.read();
            let before = self.before.insert(node.clone(), now.clone()).unwrap_or_default();
            status.push(status_of(node, lifecycle.get(), &before, &now));
        }
        let header = Header { stamp: ctx.now().to_msg(), frame_id: String::new() };
        self.publisher.send(ctx, DiagnosticArray { header, status })
    }
}

/// ERROR: it is stopped. WARN: errors in the last second, or it sleeps. OK else.
fn status_of(node: &str, state: Primary, before: &Reading, now: &Reading) -> DiagnosticStatus {
    let last = || now.last_error.as_deref().unwrap_or("no reason given").to_owned();
    let (level, message) = if now.failed {
        (DiagnosticStatus::ERROR, last())
    } else if now.errors > before.errors {
        (DiagnosticStatus::WARN, last())
    } else {
        match state {
            Primary::Active => (DiagnosticStatus::OK, "running".to_owned()),
            Primary::Inactive => (DiagnosticStatus::WARN, "deactivated".to_owned()),
            Primary::Finalized => (DiagnosticStatus::WARN, "shut down".to_owned()),
        }
    };
    let pair = |key: &str, value: u64| KeyValue { key: key.into(), value: value.to_string() };
    let rate = now.callbacks - before.callbacks.min(now.callbacks);
    let values = vec![
        pair("callbacks", now.callbacks),
        pair("callbacks in the last second", rate),
        pair("errors", now.errors),
    ];
    DiagnosticStatus { level, name: node.into(), message, hardware_id: String::new(), values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_errs_is_told() {
        let before = Reading { callbacks: 10, errors: 1, ..Reading::default() };
        let calm = Reading { callbacks: 30, ..before.clone() };
        let status = |state, now: &Reading| {
            let status = status_of("/n", state, &before, now);
            (status.level, status.message, status.values[1].value.clone())
        };
        assert_eq!(status(Primary::Active, &calm), (DiagnosticStatus::OK, "running".into(), "20".into()));
        assert_eq!(status(Primary::Inactive, &calm).0, DiagnosticStatus::WARN);
        let erring = Reading { errors: 2, last_error: Some("no light".into()), ..calm.clone() };
        assert_eq!(
            status(Primary::Active, &erring),
            (DiagnosticStatus::WARN, "no light".into(), "20".into())
        );
        let failed = Reading { failed: true, ..erring };
        assert_eq!(status(Primary::Active, &failed).0, DiagnosticStatus::ERROR);
    }
}
