//! Transforms on topics: `/tf` and `/tf_static`.

use std::collections::BTreeMap;

use peregrine_msgs::geometry_msgs::TransformStamped;
use peregrine_msgs::std_msgs::Header;
use peregrine_msgs::tf2_msgs::TFMessage;

use super::{TfBuffer, Transform, to_msg};
use crate::context::Context;
use crate::error::{OrNode, Result};
use crate::node::{Node, Setup};
use crate::publisher::Publisher;
use crate::qos::Qos;
use crate::time::Time;

/// How many messages of `/tf` wait for a slow reader, as in tf2_ros.
const DEPTH: usize = 100;

/// Publishes transforms that move.
#[derive(Debug)]
pub struct TfBroadcaster(Publisher<TFMessage>);

impl TfBroadcaster {
    /// A publisher on `/tf`.
    ///
    /// # Errors
    /// When `/tf` carries another type.
    pub fn new<N: Node>(setup: &mut Setup<'_, N>) -> Result<Self> {
        Ok(Self(setup.publish("/tf", Qos::KeepLast(DEPTH))?))
    }

    /// Says where `child` is in `parent` at `time`: `p_parent = transform * p_child`.
    ///
    /// # Errors
    /// As [`Publisher::send`].
    pub fn send(
        &self,
        ctx: &Context,
        parent: &str,
        child: &str,
        time: Time,
        transform: &Transform,
    ) -> Result {
        self.send_all(ctx, vec![stamped(parent, child, time, transform)])
    }

    /// Several at once.
    ///
    /// # Errors
    /// As [`Publisher::send`].
    pub fn send_all(&self, ctx: &Context, transforms: Vec<TransformStamped>) -> Result {
        self.0.send(ctx, TFMessage { transforms })
    }
}

/// Publishes transforms that never move. The last message holds all of them: that is what a late joiner gets.
#[derive(Debug)]
pub struct StaticTfBroadcaster {
    publisher: Publisher<TFMessage>,
    all: BTreeMap<String, TransformStamped>,
}

impl StaticTfBroadcaster {
    /// A publisher on `/tf_static`.
    ///
    /// # Errors
    /// When `/tf_static` carries another type.
    pub fn new<N: Node>(setup: &mut Setup<'_, N>) -> Result<Self> {
        Ok(Self { publisher: setup.publish("/tf_static", Qos::Latched)?, all: BTreeMap::new() })
    }

    /// Says where `child` is in `parent`, now and for ever.
    ///
    /// # Errors
    /// As [`Publisher::send`].
    pub fn send(&mut self, ctx: &Context, parent: &str, child: &str, transform: &Transform) -> Result {
        self.all.insert(child.to_owned(), stamped(parent, child, ctx.now(), transform));
        self.publisher.send(ctx, TFMessage { transforms: self.all.values().cloned().collect() })
    }
}

fn stamped(parent: &str, child: &str, time: Time, transform: &Transform) -> TransformStamped {
    TransformStamped {
        header: Header { stamp: time.to_msg(), frame_id: parent.to_owned() },
        child_frame_id: child.to_owned(),
        transform: to_msg(transform),
    }
}

/// A node that keeps transforms.
pub trait HasTf {
    /// Its buffer.
    fn tf(&mut self) -> &mut TfBuffer;
}

/// Fills the buffer of the node from `/tf` and `/tf_static`.
///
/// # Errors
/// When one of the topics carries another type.
pub fn listen<N: Node + HasTf>(setup: &mut Setup<'_, N>) -> Result {
    setup.subscribe::<TFMessage>("/tf", Qos::KeepLast(DEPTH), |node, _, message| {
        node.tf().take(message, false).or_node()
    })?;
    setup.subscribe::<TFMessage>("/tf_static", Qos::LatchedLast(DEPTH), |node, _, message| {
        node.tf().take(message, true).or_node()
    })
}
