//! A node: its type, and what it declares when it is configured.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use peregrine_frame::Frame;
use peregrine_msgs::Message;
use peregrine_msgs::sensor_msgs::Image;

use crate::context::Context;
use crate::endpoints::Role;
use crate::error::Result;
use crate::graph::Graph;
use crate::host::{Callback, Declared, Subscribed, What};
use crate::message::{AnyMessage, Delivery, TypeInfo};
use crate::params::Params;
use crate::period::Period;
use crate::publisher::{AnyPublisher, FramePublisher, FrameSlots, Publisher};
use crate::qos::{FramePolicy, Qos};
use crate::time::Time;

/// How those who hear every topic take frames.
const FRAMES: Option<FramePolicy> = Some(FramePolicy::KeepLast(2));

/// A perception node. `configure` declares topics and timers and returns the node's state; callbacks get it mutably,
/// one at a time, always on the node's lane.
pub trait Node: Sized + Send + 'static {
    /// The node's kind: its name in the registry, and its default name in the graph.
    const NAME: &'static str;
    /// Its parameters; `()` for none.
    type Params: Params;

    /// Declares what the node reads and publishes, and builds it. Nothing can be published yet.
    ///
    /// # Errors
    /// Whatever keeps the node from working; the application then does not start.
    fn configure(setup: &mut Setup<Self>, params: Self::Params) -> Result<Self>;

    /// Called when all nodes are wired, before the first message: the place to publish what is latched. Called again when
    /// the node is activated after it was deactivated.
    ///
    /// # Errors
    /// Whatever keeps the node from starting; the application then stops.
    fn activate(&mut self, _ctx: &Context) -> Result {
        Ok(())
    }

    /// Called when the node is deactivated from outside (`ros2 lifecycle set`): until it is activated again it gets no
    /// message and no tick; its services go on.
    ///
    /// # Errors
    /// Whatever keeps the node from pausing; it then stays active.
    fn deactivate(&mut self, _ctx: &Context) -> Result {
        Ok(())
    }

    /// Called when parameters marked `live` were set from outside; `params` holds all parameters, checked.
    ///
    /// # Errors
    /// Whatever is wrong with the values; the old ones then stay in force, and the caller is told why.
    fn reconfigure(&mut self, _ctx: &Context, _params: Self::Params) -> Result {
        Ok(())
    }

    /// Called once at the end, after the last message: flush and close.
    ///
    /// # Errors
    /// Reported, and reflected in the program's exit code.
    fn shutdown(&mut self, _ctx: &Context) -> Result {
        Ok(())
    }
}

/// What a simulator's step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// The clock moves to this time, which is later than the present one.
    To(Time),
    /// The simulation is over; what was just published is still delivered.
    Finished,
}

/// Objects that the application lends to its nodes, by type.
#[derive(Default, Clone)]
pub struct Extensions(BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl std::fmt::Debug for Extensions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Extensions({})", self.0.len())
    }
}

impl Extensions {
    /// Lends `object`; a former one of its type is replaced.
    pub fn insert<T: Any + Send + Sync>(&mut self, object: Arc<T>) {
        self.0.insert(TypeId::of::<T>(), object);
    }
    /// The lent object of type `T`.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>()).cloned().and_then(|any| any.downcast().ok())
    }
}

/// The declarations of one node while it is configured.
#[derive(Debug)]
pub struct Setup<'g, N> {
    pub(crate) graph: &'g mut Graph,
    pub(crate) full_name: Arc<str>,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) remaps: Vec<(String, String)>,
    pub(crate) extensions: Extensions,
    pub(crate) threads: usize,
    pub(crate) lockstep: bool,
    /// Whether the node serves what ROS 2 expects of every node.
    pub(crate) ros: Option<crate::ros::RosOptions>,
    pub(crate) declared: Declared<N>,
}

impl<N: Node> Setup<'_, N> {
    /// Calls `callback` for every message on `topic`, on the node's lane, in order of publication.
    ///
    /// # Errors
    /// When the name is not valid, or the topic carries another type.
    pub fn subscribe<M: Message>(
        &mut self,
        topic: &str,
        qos: Qos,
        callback: impl Fn(&mut N, &Context, &M) -> Result + Send + 'static,
    ) -> Result {
        let name = self.resolve(topic)?;
        self.graph.topic(&name, TypeInfo::of::<M>(), qos, false, &self.full_name)?;
        self.join::<M>(&name, Role::Subscription, qos);
        let call: Callback<N> = Box::new(move |node, ctx, delivery| match delivery {
            Delivery::Message(envelope) => match envelope.message.as_any().downcast_ref::<M>() {
                Some(message) => callback(node, ctx, message),
                None => Ok(()),
            },
            Delivery::Frame { .. } => Ok(()),
        });
        self.declared.subscriptions.push(Subscribed {
            what: What::Topic(name),
            depth: qos.depth(),
            policy: None,
            call,
        });
        Ok(())
    }

    /// Says that this node serves also while nobody publishes `topic`: it is then no cause for a warning.
    ///
    /// # Errors
    /// When the name is not valid.
    pub fn optional(&mut self, topic: &str) -> Result {
        let name = self.resolve(topic)?;
        self.graph.optional.insert((self.full_name.clone(), name));
        Ok(())
    }

    /// Calls `callback` for frames on `topic`, read in place.
    ///
    /// # Errors
    /// When the name is not valid, or the topic carries another type.
    pub fn subscribe_frames(
        &mut self,
        topic: &str,
        policy: FramePolicy,
        callback: impl Fn(&mut N, &Context, &Frame) -> Result + Send + 'static,
    ) -> Result {
        let name = self.resolve(topic)?;
        self.graph.topic(&name, TypeInfo::of::<Image>(), Qos::Sensor, true, &self.full_name)?;
        self.join::<Image>(&name, Role::Subscription, Qos::Sensor);
        let call: Callback<N> = Box::new(move |node, ctx, delivery| match delivery {
            Delivery::Frame { frame, .. } => callback(node, ctx, frame),
            Delivery::Message(_) => Ok(()),
        });
        self.declared.subscriptions.push(Subscribed {
            what: What::Topic(name),
            depth: 1,
            policy: Some(policy),
            call,
        });
        Ok(())
    }

    /// Calls `callback` for every message on every topic: for recorders and monitors.
    ///
    /// # Errors
    /// None today.
    pub fn subscribe_all(
        &mut self,
        callback: impl Fn(&mut N, &Context, &AnyMessage<'_>) -> Result + Send + 'static,
    ) -> Result {
        self.all(false, true, FRAMES, callback)
    }

    /// As [`Self::subscribe_all`], but a topic is delivered only while it has remote readers, and none that carries frames:
    /// for transports. Those are heard with [`Self::subscribe_frames_for_remote`], by a node on a lane of its own best, for
    /// to send a picture takes long.
    ///
    /// # Errors
    /// None today.
    pub fn subscribe_for_remote(
        &mut self,
        callback: impl Fn(&mut N, &Context, &AnyMessage<'_>) -> Result + Send + 'static,
    ) -> Result {
        self.all(true, true, None, callback)
    }

    /// The other half of [`Self::subscribe_for_remote`]: the topics that carry frames, while they have remote readers.
    ///
    /// # Errors
    /// None today.
    pub fn subscribe_frames_for_remote(
        &mut self,
        callback: impl Fn(&mut N, &Context, &AnyMessage<'_>) -> Result + Send + 'static,
    ) -> Result {
        self.all(true, false, FRAMES, callback)
    }

    fn all(
        &mut self,
        gated: bool,
        messages: bool,
        policy: Option<FramePolicy>,
        callback: impl Fn(&mut N, &Context, &AnyMessage<'_>) -> Result + Send + 'static,
    ) -> Result {
        let call: Callback<N> = Box::new(move |node, ctx, delivery| callback(node, ctx, &delivery.as_any()));
        let what = What::All { gated, messages };
        let depth = if messages { 1024 } else { 1 };
        self.declared.subscriptions.push(Subscribed { what, depth, policy, call });
        Ok(())
    }

    /// A publisher of `M` on `topic`.
    ///
    /// # Errors
    /// When the name is not valid, or the topic carries another type.
    pub fn publish<M: Message>(&mut self, topic: &str, qos: Qos) -> Result<Publisher<M>> {
        let name = self.resolve(topic)?;
        let topic = self.graph.topic(&name, TypeInfo::of::<M>(), qos, false, &self.full_name)?;
        topic.add_publisher(&self.full_name);
        self.join::<M>(&name, Role::Publisher, qos);
        Ok(Publisher::new(self.graph.message_port(topic, self.full_name.clone(), qos)))
    }

    /// A publisher on `topic` of a type that is known only at run time; see [`TypeInfo::find`]. Images are better published as
    /// frames.
    ///
    /// # Errors
    /// When the name is not valid, or the topic carries another type.
    pub fn publish_any(&mut self, topic: &str, info: TypeInfo, qos: Qos) -> Result<AnyPublisher> {
        let name = self.resolve(topic)?;
        let topic = self.graph.topic(&name, info, qos, false, &self.full_name)?;
        topic.add_publisher(&self.full_name);
        self.graph.endpoints.add(&self.full_name, &name, Role::Publisher, (info.name, info.hash), qos);
        Ok(AnyPublisher::new(self.graph.message_port(topic, self.full_name.clone(), qos)))
    }

    /// A publisher of frames on `topic`.
    ///
    /// # Errors
    /// When the name is not valid, or the topic carries another type.
    pub fn publish_frames(&mut self, topic: &str, slots: FrameSlots) -> Result<FramePublisher> {
        let name = self.resolve(topic)?;
        let topic = self.graph.topic(&name, TypeInfo::of::<Image>(), Qos::Sensor, true, &self.full_name)?;
        topic.add_publisher(&self.full_name);
        self.join::<Image>(&name, Role::Publisher, Qos::Sensor);
        Ok(FramePublisher::new(self.graph.frame_port(topic, self.full_name.clone(), slots)))
    }

    /// Lets a topic of pictures, which this node publishes already, leave the host: transports keep other pictures back unless
    /// the user names them. For nodes that make pictures fit to be seen elsewhere.
    ///
    /// # Errors
    /// When the name is not valid.
    pub fn export(&mut self, topic: &str) -> Result {
        let name = self.resolve(topic)?;
        if let Some(topic) = self.graph.find(&name) {
            topic.export();
        }
        Ok(())
    }

    fn join<M: Message>(&mut self, name: &str, role: Role, qos: Qos) {
        self.graph.endpoints.add(&self.full_name, name, role, (M::TYPE_NAME, M::TYPE_HASH), qos);
    }

    /// Calls `callback` every `period` of node-clock time, first after one period. Missed ticks are not made up for.
    ///
    /// # Errors
    /// None today.
    pub fn timer(
        &mut self,
        period: Duration,
        callback: impl Fn(&mut N, &Context) -> Result + Send + 'static,
    ) -> Result {
        self.timer_every(Period::new(period), callback)
    }

    /// As [`Self::timer`], with a period that the node changes while it runs, by a clone of it.
    ///
    /// # Errors
    /// None today.
    pub fn timer_every(
        &mut self,
        period: Period,
        callback: impl Fn(&mut N, &Context) -> Result + Send + 'static,
    ) -> Result {
        self.declared.timers.push((period, Box::new(callback)));
        Ok(())
    }

    /// Makes this node the owner of the clock: `step` is called whenever time may move on, and says to when.
    ///
    /// # Errors
    /// When another node owns the clock.
    pub fn drive_clock(
        &mut self,
        step: impl Fn(&mut N, &Context) -> Result<Advance> + Send + 'static,
    ) -> Result {
        self.graph.claim_clock(&self.full_name)?;
        self.declared.step = Some(Box::new(step));
        Ok(())
    }

    /// The node's name, without namespace.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The node's namespace, "/" at the least.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
    /// Threads the node may use inside a callback.
    pub fn threads(&self) -> usize {
        self.threads
    }
    /// True when the simulator waits for every node: nothing may depend on how long anything takes.
    pub fn is_lockstep(&self) -> bool {
        self.lockstep
    }
    /// An object that the application lent, by type.
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.extensions.get()
    }
    /// The full name that `topic` has for this node, after namespace and remaps.
    ///
    /// # Errors
    /// When it is not a valid name.
    pub fn resolve(&self, topic: &str) -> Result<String> {
        self.graph.remaps.resolve(topic, &self.namespace, &self.name, &self.remaps)
    }
}
