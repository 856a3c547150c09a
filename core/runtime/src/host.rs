//! The host of one node: it keeps the node's callbacks, contains its panics, counts its errors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::context::Context;
use crate::error::Result;
use crate::graph::is_topic;
use crate::lifecycle::Primary;
use crate::message::Delivery;
use crate::node::{Advance, Node};
use crate::period::Period;
use crate::qos::FramePolicy;

pub(crate) type Callback<N> = Box<dyn Fn(&mut N, &Context, &Delivery) -> Result + Send>;
pub(crate) type Tick<N> = Box<dyn Fn(&mut N, &Context) -> Result + Send>;
pub(crate) type Step<N> = Box<dyn Fn(&mut N, &Context) -> Result<Advance> + Send>;

/// What a subscription listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Topic(String),
    /// Every topic; `messages` says whether those that carry no frames are among them, and the policy whether frames are.
    All {
        gated: bool,
        messages: bool,
    },
}

pub(crate) struct Subscribed<N> {
    pub what: What,
    pub depth: usize,
    /// `Some` for whoever reads frames.
    pub policy: Option<FramePolicy>,
    pub call: Callback<N>,
}

/// All that a node declared in `configure`.
pub(crate) struct Declared<N> {
    pub subscriptions: Vec<Subscribed<N>>,
    pub timers: Vec<(Period, Tick<N>)>,
    pub step: Option<Step<N>>,
}

impl<N> Default for Declared<N> {
    fn default() -> Self {
        Self { subscriptions: Vec::new(), timers: Vec::new(), step: None }
    }
}

impl<N> std::fmt::Debug for Declared<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Declared({} subscriptions, {} timers)", self.subscriptions.len(), self.timers.len())
    }
}

/// The life of a node, in the terms of the ROS 2 lifecycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeState {
    /// Configured, not yet running.
    Inactive,
    /// Running.
    Active,
    /// Ended in good order.
    Finalized,
    /// Panicked; it gets no more messages, the others go on.
    Failed,
}

/// A node whose type is forgotten.
pub(crate) trait NodeCell: Send {
    fn activate(&mut self, ctx: &Context) -> Result;
    fn deliver(&mut self, sub: usize, delivery: &Delivery, ctx: &Context) -> Result;
    fn tick(&mut self, timer: usize, ctx: &Context) -> Result;
    fn step(&mut self, ctx: &Context) -> Result<Advance>;
    fn shutdown(&mut self, ctx: &Context) -> Result;
}

struct Cell<N> {
    node: N,
    declared: Declared<N>,
}

impl<N: Node> NodeCell for Cell<N> {
    fn activate(&mut self, ctx: &Context) -> Result {
        self.node.activate(ctx)
    }
    fn deliver(&mut self, sub: usize, delivery: &Delivery, ctx: &Context) -> Result {
        match self.declared.subscriptions.get(sub) {
            Some(subscribed) => (subscribed.call)(&mut self.node, ctx, delivery),
            None => Ok(()),
        }
    }
    fn tick(&mut self, timer: usize, ctx: &Context) -> Result {
        match self.declared.timers.get(timer) {
            Some((_, call)) => call(&mut self.node, ctx),
            None => Ok(()),
        }
    }
    fn step(&mut self, ctx: &Context) -> Result<Advance> {
        match &self.declared.step {
            Some(call) => call(&mut self.node, ctx),
            None => Ok(Advance::Finished),
        }
    }
    fn shutdown(&mut self, ctx: &Context) -> Result {
        self.node.shutdown(ctx)
    }
}

/// The subscriptions of a node as the graph sees them.
#[derive(Debug, Clone)]
pub(crate) struct SubscriptionInfo {
    pub what: What,
    pub depth: usize,
    pub policy: Option<FramePolicy>,
}

/// A node with its context and its record.
pub(crate) struct Host {
    pub name: Arc<str>,
    pub kind: &'static str,
    pub subscriptions: Vec<SubscriptionInfo>,
    pub timers: Vec<Period>,
    pub drives_clock: bool,
    pub ctx: Context,
    pub state: NodeState,
    pub callbacks: u64,
    pub errors: u64,
    pub last_error: Option<String>,
    cell: Box<dyn NodeCell>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("name", &self.name).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Host {
    pub fn new<N: Node>(name: Arc<str>, node: N, declared: Declared<N>, ctx: Context) -> Self {
        let subscriptions = declared
            .subscriptions
            .iter()
            .map(|s| SubscriptionInfo { what: s.what.clone(), depth: s.depth, policy: s.policy })
            .collect();
        Self {
            name,
            kind: N::NAME,
            subscriptions,
            timers: declared.timers.iter().map(|(period, _)| period.clone()).collect(),
            drives_clock: declared.step.is_some(),
            ctx,
            state: NodeState::Inactive,
            callbacks: 0,
            errors: 0,
            last_error: None,
            cell: Box::new(Cell { node, declared }),
        }
    }

    pub fn activate(&mut self) -> Result {
        self.state = NodeState::Active;
        self.contain(|cell, ctx| cell.activate(ctx)).unwrap_or(Ok(()))
    }

    /// An inactive node sleeps, but for its services.
    fn listens(&self, sub: usize) -> bool {
        let serves = |info: &SubscriptionInfo| matches!(&info.what, What::Topic(name) if !is_topic(name));
        self.ctx.lifecycle.get() == Primary::Active || self.subscriptions.get(sub).is_some_and(serves)
    }

    pub fn deliver(&mut self, sub: usize, delivery: &Delivery) {
        if !self.listens(sub) {
            return;
        }
        self.ctx.origin.set(delivery.origin());
        let outcome = self.contain(|cell, ctx| cell.deliver(sub, delivery, ctx));
        self.ctx.origin.set(None);
        self.record(outcome);
    }

    pub fn tick(&mut self, timer: usize) {
        if self.ctx.lifecycle.get() != Primary::Active {
            return;
        }
        let outcome = self.contain(|cell, ctx| cell.tick(timer, ctx));
        self.record(outcome);
    }

    pub fn step(&mut self) -> Advance {
        match self.contain(|cell, ctx| cell.step(ctx)) {
            Some(Ok(advance)) => advance,
            Some(Err(error)) => {
                self.ctx.fail(&error);
                self.record(Some(Err(error)));
                Advance::Finished
            }
            None => Advance::Finished,
        }
    }

    pub fn shutdown(&mut self) -> Result {
        if self.ctx.lifecycle.get() == Primary::Finalized {
            self.state = NodeState::Finalized;
            return Ok(());
        }
        let outcome = self.contain(|cell, ctx| cell.shutdown(ctx)).unwrap_or(Ok(()));
        if self.state == NodeState::Active {
            self.state = NodeState::Finalized;
        }
        if let Err(error) = &outcome {
            self.errors += 1;
            self.last_error = Some(error.to_string());
        }
        outcome
    }

    /// Runs a callback unless the node has failed; a panic fails it and is reported, and nothing else is hurt.
    fn contain<R>(&mut self, call: impl FnOnce(&mut dyn NodeCell, &Context) -> R) -> Option<R> {
        if self.state != NodeState::Active {
            return None;
        }
        self.callbacks += 1;
        self.ctx.health.ran(self.callbacks);
        let (cell, ctx) = (&mut *self.cell, &self.ctx);
        match catch_unwind(AssertUnwindSafe(|| call(cell, ctx))) {
            Ok(result) => Some(result),
            Err(panic) => {
                self.state = NodeState::Failed;
                self.errors += 1;
                let text = panic_text(&*panic);
                self.ctx.health.erred(&text, true);
                tracing::error!(
                    node = %self.name,
                    "PG-0214: the node panicked and is stopped, the others go on: {text}; this is a bug in the node"
                );
                self.last_error = Some(format!("panicked: {text}"));
                if self.drives_clock {
                    self.ctx.fail(format!("PG-0214: the simulator panicked: {text}"));
                }
                None
            }
        }
    }

    /// Says the first error, then every hundredth: a broken camera must not flood the log.
    fn record(&mut self, outcome: Option<Result>) {
        if let Some(Err(error)) = outcome {
            self.errors += 1;
            if self.errors % 100 == 1 {
                tracing::error!(node = %self.name, count = self.errors, "{error}");
            }
            let text = error.to_string();
            self.ctx.health.erred(&text, false);
            self.last_error = Some(text);
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}
