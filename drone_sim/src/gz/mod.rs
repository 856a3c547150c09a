//! The simulator's side that Gazebo's clients see.
//!
//! It serves what Gazebo serves, under the same names and types:
//!
//! | topic | type | when |
//! |---|---|---|
//! | `/clock`, `/world/W/clock` | Clock | every step |
//! | `/stats`, `/world/W/stats` | WorldStatistics | ten times a simulated second; when paused, five times a real one |
//! | `/world/W/pose/info`, `/world/W/dynamic_pose/info` | Pose_V | 60 Hz: all models; what moves; when paused, with the statistics |
//! | `/world/W/scene/info` | Scene | when models come and go |
//! | `/world/W/state` | SerializedStepMap | with the poses: entities and components ([`state`]) |
//! | `/model/M/odometry`, `/model/M/odometry_with_covariance` | Odometry, OdometryWithCovariance | with `odom`, or as an OdometryPublisher has it |
//! | every ROS topic whose type stands in [`peregrine_gz::convert::TABLE`] | by the table | when it is published |
//! | in: `/model/M/cmd_vel` | Twist | velocity in the heading frame |
//! | in: `/NAMESPACE/TOPIC` of the model's MulticopterVelocityControl | Twist | the same |
//! | in: `/model/M/enable` | Boolean | false: commands of `/model/M/cmd_vel` are not obeyed |
//! | in: `/NAMESPACE/command/motor_speed` | Actuators | rotor speeds, rad/s, by motor number; until the next velocity command |
//!
//! | service | request, reply |
//! |---|---|
//! | `/world/W/control` | WorldControl (pause, step, multi_step, run_to_sim_time, reset model_only), Boolean: false, and nothing done, with another reset or a seed |
//! | `/world/W/set_pose`, `/world/W/set_pose_vector` | Pose, Pose_V, Boolean |
//! | `/world/W/create`, `/world/W/create_multiple` | EntityFactory (sdf, sdf_filename; pose in the world or spherical_coordinates), EntityFactory_V, Boolean |
//! | `/world/W/remove` | Entity (by name), Boolean |
//! | `/world/W/scene/info` | Empty, Scene |
//! | `/world/W/state` | Empty, SerializedStepMap |
//! | `/world/W/state_async` | StringMsg (a service of the client's, which then gets the state), no reply |
//! | `/gazebo/worlds` | Empty, StringMsg_V |
//!
//! Callbacks run on the transport's thread; they leave their orders in [`WorldControl`] and in an inbox, which the
//! simulator empties between two steps. So a client changes when something happens only as far as it is a client's to
//! say, and a run without clients is the same as one without this side.

mod apply;
mod inbox;
mod scene;
mod services;
mod shapes;
pub mod state;
pub(crate) mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nalgebra::Isometry3;
use peregrine::AnyMessage;
use peregrine::time::monotonic_ns;
use peregrine_gz::convert::{self, Convert, Pair};
use peregrine_gz::msgs::GzMessage;
use peregrine_gz::msgs::core::{Clock, Header, Time};
use peregrine_gz::msgs::geometry::{Odometry, OdometryWithCovariance, PoseV, Twist};
use peregrine_gz::msgs::scene::Scene;
use peregrine_gz::msgs::serialized::SerializedStepMap;
use peregrine_gz::msgs::world::WorldStatistics;
use peregrine_gz::{GzNode, Options, Publisher, RawPublisher};
use peregrine_msgs::{cdr, nav_msgs};

use crate::control::WorldControl;
use crate::error::Result;
use crate::node::drives::{Orders, put};
use crate::physics::STEP_NS;
use crate::scenario::World;
use crate::sdf::types::Known;
use crate::sensors::{Datum, Rate};

pub use apply::{apply, is_of_world};
pub use inbox::{Inbox, OrderTopics, Velocity, lock};
pub use scene::describe;
pub(crate) use tell::Called;

/// ROS topics that have no meaning for Gazebo's clients, or another form of their own; besides those of the node's own.
const NOT_CARRIED: [&str; 4] = ["/clock", "/rosout", "/parameter_events", "/tf_static"];

/// How often the clients of a world that stands still are told so, nanoseconds of real time.
const AGAIN_NS: i64 = 200_000_000;
/// From one telling of the whole state to the next, nanoseconds of simulated time.
const WHOLE_EVERY_NS: i64 = 1_000_000_000;

/// For how long the state is kept for a client whose service is not to be found.
const ASKER_WAITS: Duration = Duration::from_secs(5);
/// The most clients that wait for one telling.
const MOST_ASKERS: usize = 64;

/// Names of services of clients.
type Askers = Arc<Mutex<BTreeSet<String>>>;

/// What Gazebo's clients see of one world.
pub struct GzSide {
    node: GzNode,
    world: String,
    craft: String,
    control: Arc<WorldControl>,
    /// Where orders come from: they are not told back.
    heard: OrderTopics,
    /// The scene as it stands, for the service.
    scene: Arc<Mutex<Scene>>,
    links: scene::Links,
    clocks: [Publisher<Clock>; 2],
    stats: [Publisher<WorldStatistics>; 2],
    poses: Publisher<PoseV>,
    dynamic: Publisher<PoseV>,
    scenes: Publisher<Scene>,
    states: Publisher<SerializedStepMap>,
    /// The whole state as of the last telling, for the service.
    whole: Arc<Mutex<SerializedStepMap>>,
    /// Services of clients to which the whole state is sent with the next telling.
    askers: Askers,
    /// When the whole state is told next, nanoseconds of simulated time.
    next_whole_ns: i64,
    /// Odometry of a vehicle that brings no OdometryPublisher of its own.
    odometry: Option<(Publisher<Odometry>, Publisher<OdometryWithCovariance>)>,
    /// Topics with odometry whose type is that with a covariance.
    covariant: Vec<String>,
    /// The world's step, nanoseconds: what clients count by.
    step_ns: i64,
    carried: BTreeMap<String, Option<(&'static Pair, RawPublisher)>>,
    /// Topics of sensors that tell more here than ROS's types hold.
    sensors: BTreeMap<String, (Called, RawPublisher)>,
    /// Topic of the vehicle's odometry among those that are carried.
    odom: String,
    /// Topics of the node's own that are not carried.
    kept: Vec<String>,
    /// Things that were moved since the last telling.
    moved: BTreeSet<String>,
    /// Gazebo's names of sensors' frames, by ROS's.
    frames: BTreeMap<String, String>,
    scratch: Vec<u8>,
    rates: [Rate; 2],
    started_ns: i64,
    steps: u64,
    told_paused: bool,
    /// Real time of the last statistics.
    told_ns: i64,
}

impl std::fmt::Debug for GzSide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GzSide({}, {})", self.world, self.craft)
    }
}

impl GzSide {
    /// Opens the side of `world`, in which the vehicle is called `craft` and takes `orders`, which go to `inbox`.
    ///
    /// # Errors
    /// PG-1026, when the transport cannot start.
    pub fn open(
        world: &World,
        craft: &str,
        options: Options,
        orders: &OrderTopics,
        inbox: &Arc<Mutex<Inbox>>,
    ) -> Result<Self> {
        let node = GzNode::new(options)?;
        let name = world_name(world);
        let control = Arc::new(WorldControl::default());
        let described = describe(world, craft);
        let links = scene::links(&described);
        let scene = Arc::new(Mutex::new(described));
        let of_world = |topic: &str| format!("/world/{name}/{topic}");
        let of_model = |topic: &str| format!("/model/{craft}/{topic}");
        inbox::listen(&node, orders, inbox)?;
        let (whole, askers) = (Arc::default(), Askers::default());
        let earth = world.sdf.as_ref().filter(|sdf| sdf.has_earth).map(|sdf| Datum::new(&sdf.earth));
        services::offer(&node, (name.as_str(), craft, earth), &control, &scene, &whole, &askers)?;
        let mut own = world.craft.iter().flat_map(|model| &model.plugins);
        let told = own.any(|p| matches!(p.known, Some(Known::OdometryPublisher(_))));
        let odometry = match told {
            true => None,
            false => Some((
                node.advertise(&of_model("odometry"))?,
                node.advertise(&of_model("odometry_with_covariance"))?,
            )),
        };
        Ok(Self {
            links,
            clocks: [node.advertise("/clock")?, node.advertise(&of_world("clock"))?],
            stats: [node.advertise("/stats")?, node.advertise(&of_world("stats"))?],
            poses: node.advertise(&of_world("pose/info"))?,
            dynamic: node.advertise(&of_world("dynamic_pose/info"))?,
            scenes: node.advertise(&of_world("scene/info"))?,
            states: node.advertise(&of_world("state"))?,
            whole,
            askers,
            next_whole_ns: 0,
            odometry,
            covariant: Vec::new(),
            step_ns: step_ns(world),
            carried: BTreeMap::new(),
            sensors: BTreeMap::new(),
            frames: BTreeMap::new(),
            odom: String::new(),
            kept: Vec::new(),
            moved: BTreeSet::new(),
            scratch: Vec::new(),
            rates: [Rate::new(10.0), Rate::new(60.0)],
            started_ns: monotonic_ns(),
            steps: 0,
            told_paused: false,
            told_ns: monotonic_ns(),
            craft: craft.to_string(),
            world: name,
            control,
            heard: orders.clone(),
            scene,
            node,
        })
    }

    /// Listens for commands of models on wheels.
    ///
    /// # Errors
    /// PG-1026.
    pub(crate) fn listen_drives(&self, topics: &[(String, String)], to: &Orders) -> Result<()> {
        for (model, topic) in topics {
            let (to, model) = (to.clone(), model.clone());
            self.node.subscribe(topic, move |twist: Twist| {
                let (linear, angular) = (twist.linear.unwrap_or_default(), twist.angular.unwrap_or_default());
                put(&to, &model, linear.x, angular.z);
            })?;
        }
        Ok(())
    }

    /// On these topics odometry goes out with its covariance.
    pub fn tell_with_covariance(&mut self, topics: &[String]) {
        self.covariant = topics.to_vec();
    }

    /// A sensor that tells its messages of `type_name` on `topic` by [`GzSide::tell`]: what is published there for ROS is not carried.
    pub(crate) fn expect(&mut self, topic: &str, type_name: &str, called: Called) -> Result<()> {
        let full = self.node.options().flavour.type_name(type_name);
        let publisher = self.node.advertise_raw(topic, &full)?;
        self.sensors.insert(topic.to_string(), (called, publisher));
        Ok(())
    }

    /// What the node's own topics are called, which it may have been told to call otherwise: the vehicle's odometry, and those that
    /// mean nothing to Gazebo's clients.
    pub fn name_own(&mut self, odom: &str, kept: [&str; 2]) {
        self.odom = odom.to_string();
        self.kept = kept.map(str::to_string).to_vec();
    }

    /// Gazebo's names of the frames of sensors, by ROS's names.
    pub(crate) fn name_frames(&mut self, frames: BTreeMap<String, String>) {
        self.frames = frames;
    }

    /// Tells what a sensor shows, if anybody listens.
    pub(crate) fn tell<M: GzMessage>(&self, topic: &str, make: impl FnOnce(&Called) -> M) {
        if let Some((called, publisher)) = self.sensors.get(topic).filter(|(_, p)| p.has_listeners()) {
            publisher.publish(make(called).encode_to_vec());
        }
    }

    /// One step as clients count them, nanoseconds: `<max_step_size>` of the world.
    pub fn step_ns(&self) -> i64 {
        self.step_ns
    }

    /// Goes on at `now_ns` with a world that was taken up: clients see it as it is, and not everything that was due before.
    pub fn resume(&mut self, now_ns: i64, world: &World) {
        for rate in &mut self.rates {
            while rate.next_ns().is_some_and(|next| next < now_ns) {
                let _ = rate.fire(now_ns);
            }
        }
        self.steps = (now_ns / self.step_ns) as u64;
        self.world_changed(world);
    }

    /// Pause, steps and changes.
    pub fn control(&self) -> &Arc<WorldControl> {
        &self.control
    }

    /// The vehicle's name.
    pub fn craft(&self) -> &str {
        &self.craft
    }

    /// The transport.
    pub fn node(&self) -> &GzNode {
        &self.node
    }

    /// Before the simulator waits at the gate: clients see that the world stands still, when, and how.
    pub fn before_gate(&mut self, now_ns: i64, world: &World, pose: &Isometry3<f64>) {
        let paused = self.control.is_paused_at(now_ns);
        let changed = paused != self.told_paused;
        self.told_paused = paused;
        if changed || paused {
            self.tell_stats(now_ns);
        }
        if paused {
            self.tell_poses(now_ns, world, pose);
        }
    }

    /// Whether it is time to call [`GzSide::before_gate`] again in a world that stands still: clients that came late,
    /// and those that changed something, see it.
    pub fn is_due(&self) -> bool {
        monotonic_ns() - self.told_ns >= AGAIN_NS
    }

    /// After a step to `now_ns`: clock, statistics, poses.
    pub fn after_step(&mut self, now_ns: i64, world: &World, pose: &Isometry3<f64>) {
        self.steps = (now_ns / self.step_ns) as u64;
        let wall = monotonic_ns() - self.started_ns;
        let clock = Clock { sim: Some(time(now_ns)), real: Some(time(wall)), ..Default::default() };
        for publisher in self.clocks.iter().filter(|p| p.has_listeners()) {
            publisher.publish(&clock);
        }
        if self.rates[0].fire(now_ns).is_some() {
            self.tell_stats(now_ns);
        }
        if self.rates[1].fire(now_ns).is_some() {
            self.tell_poses(now_ns, world, pose);
        }
    }

    fn tell_poses(&mut self, now_ns: i64, world: &World, pose: &Isometry3<f64>) {
        self.tell_state(now_ns, world, pose);
        self.answer_askers();
        let header = Some(header(now_ns));
        if self.dynamic.has_listeners() {
            let pose = scene::dynamic(world, &self.craft, pose, &self.links);
            self.dynamic.publish(&PoseV { header: header.clone(), pose });
        }
        if self.poses.has_listeners() {
            let pose = scene::poses(world, &self.craft, pose, &self.links);
            self.poses.publish(&PoseV { header, pose });
        }
    }

    /// The serialised state: the whole of it to begin with, after changes, and once a second for who came late; else where models
    /// stand. The service has the whole of it, as of the last telling.
    fn tell_state(&mut self, now_ns: i64, world: &World, pose: &Isometry3<f64>) {
        let flavour = self.node.options().flavour;
        let stats = Some(self.stats_of(now_ns));
        let due = now_ns >= self.next_whole_ns;
        if due {
            self.moved.clear();
            self.next_whole_ns = now_ns + WHOLE_EVERY_NS;
            let scene = self.scene.lock().unwrap_or_else(PoisonError::into_inner);
            let poses = scene::poses(world, &self.craft, pose, &self.links);
            let mut state = state::full(&scene, &poses, &world.gravity, flavour);
            state.header = Some(header(now_ns));
            let whole = SerializedStepMap { stats, state: Some(state) };
            if self.states.has_listeners() {
                self.states.publish(&whole);
            }
            *self.whole.lock().unwrap_or_else(PoisonError::into_inner) = whole;
            return;
        }
        // The service's answer goes on too, if not its looks.
        let mut poses = scene::dynamic(world, &self.craft, pose, &self.links);
        let moved = std::mem::take(&mut self.moved);
        if !moved.is_empty() {
            let all = scene::poses(world, &self.craft, pose, &self.links);
            let new = all.into_iter().filter(|p| moved.contains(&p.name));
            let new: Vec<_> = new.filter(|p| poses.iter().all(|known| known.id != p.id)).collect();
            poses.extend(new);
        }
        let mut state = state::moved(&poses, flavour);
        state.header = Some(header(now_ns));
        let step = SerializedStepMap { stats, state: Some(state) };
        {
            let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
            whole.stats.clone_from(&step.stats);
            if let (Some(to), Some(from)) = (&mut whole.state, &step.state) {
                to.header.clone_from(&from.header);
                for (id, entity) in &from.entities {
                    let components = entity.components.clone();
                    to.entities.entry(*id).or_default().components.extend(components);
                }
            }
        }
        if self.states.has_listeners() {
            self.states.publish(&step);
        }
    }

    /// Sends the whole state to the services that were named to `state_async`.
    fn answer_askers(&self) {
        let askers = std::mem::take(&mut *self.askers.lock().unwrap_or_else(PoisonError::into_inner));
        if askers.is_empty() {
            return;
        }
        let whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        for service in askers {
            if let Err(cause) = self.node.request_one_way(&service, &*whole, ASKER_WAITS) {
                tracing::debug!("the state cannot be sent to {service:?}: {cause}");
            }
        }
    }

    /// After a client moved things: the scene stays the same, and where they stand is told with the next poses.
    pub fn things_moved(&mut self, world: &World, names: Vec<String>) {
        let mut scene = self.scene.lock().unwrap_or_else(PoisonError::into_inner);
        for name in &names {
            let thing = world.find(name).and_then(|object| world.thing(object));
            let model = scene.model.iter_mut().find(|m| m.name == *name);
            if let (Some(thing), Some(model)) = (thing, model) {
                model.pose = Some(scene::pose(name, model.id, &thing.pose));
            }
        }
        drop(scene);
        self.moved.extend(names);
    }

    /// After models came or went.
    pub fn world_changed(&mut self, world: &World) {
        let scene = describe(world, &self.craft);
        self.scenes.publish(&scene);
        self.next_whole_ns = 0;
        self.links = scene::links(&scene);
        *self.scene.lock().unwrap_or_else(PoisonError::into_inner) = scene;
    }

    fn tell_stats(&mut self, now_ns: i64) {
        self.told_ns = monotonic_ns();
        let stats = self.stats_of(now_ns);
        for publisher in self.stats.iter().filter(|p| p.has_listeners()) {
            publisher.publish(&stats);
        }
    }

    fn stats_of(&self, now_ns: i64) -> WorldStatistics {
        let wall = monotonic_ns() - self.started_ns;
        WorldStatistics {
            header: Some(header(now_ns)),
            sim_time: Some(time(now_ns)),
            real_time: Some(time(wall)),
            paused: self.told_paused,
            iterations: self.steps,
            model_count: self.scene.lock().unwrap_or_else(PoisonError::into_inner).model.len() as i32,
            real_time_factor: if wall > 0 { now_ns as f64 / wall as f64 } else { 0.0 },
            step_size: Some(time(self.step_ns)),
            ..Default::default()
        }
    }

    /// A message that somebody published in this program: it goes out under the same name, if anybody listens.
    pub fn carry(&mut self, message: &AnyMessage<'_>) {
        let topic = message.topic();
        if self.sensors.contains_key(topic) {
            return;
        }
        if !self.carried.contains_key(topic) {
            let made = self.carrier(topic, message.type_name());
            self.carried.insert(topic.to_string(), made);
        }
        if topic == self.odom {
            self.carry_odometry(message);
        }
        let Some(Some((pair, publisher))) = self.carried.get(topic) else { return };
        if !publisher.has_listeners() {
            return;
        }
        let made = message.with_cdr(&mut self.scratch, |bytes| pair.to_gz(bytes));
        match made {
            Ok(mut payload) => {
                tell::rename(&mut payload, &self.frames);
                publisher.publish(payload);
            }
            Err(cause) => tracing::warn!("{topic} cannot be told to Gazebo's clients: {cause}"),
        }
    }

    fn carrier(&self, topic: &str, type_name: &str) -> Option<(&'static Pair, RawPublisher)> {
        let heard = self.heard.velocity.iter().chain(&self.heard.enable).chain([&self.heard.rotors]);
        let kept = NOT_CARRIED.contains(&topic) || self.kept.iter().any(|name| name == topic);
        if kept || heard.into_iter().any(|name| name == topic) {
            return None;
        }
        let pair = match self.covariant.iter().any(|name| name == topic) {
            true => convert::find(type_name, "OdometryWithCovariance")?,
            false => convert::of_ros(type_name)?,
        };
        let full = self.node.options().flavour.type_name(pair.gz);
        self.node.advertise_raw(topic, &full).ok().map(|publisher| (pair, publisher))
    }

    fn carry_odometry(&mut self, message: &AnyMessage<'_>) {
        let Some((plain, covariant)) = &self.odometry else { return };
        if !plain.has_listeners() && !covariant.has_listeners() {
            return;
        }
        let read = message.with_cdr(&mut self.scratch, cdr::from_slice::<nav_msgs::Odometry>);
        let Ok(mut odometry) = read else { return };
        odometry.header.frame_id = format!("{}/odom", self.craft);
        odometry.child_frame_id = format!("{}/base_footprint", self.craft);
        plain.publish(&odometry.to_gz());
        covariant.publish(&odometry.to_gz());
    }
}

/// The step of a world as its file has it, nanoseconds; physics itself steps every millisecond.
fn step_ns(world: &World) -> i64 {
    let seconds = world.sdf.as_ref().map_or(0.0, |sdf| sdf.physics.max_step_size);
    if (1e-6..=1.0).contains(&seconds) { (seconds * 1e9).round() as i64 } else { STEP_NS }
}

/// What the world is called in topics: its name in SDF, else the name it was asked for by, without folders and ending.
pub fn world_name(world: &World) -> String {
    let name = world.sdf.as_ref().map_or(world.name.as_str(), |sdf| sdf.name.as_str());
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = name.split('.').next().unwrap_or(name);
    let plain: String =
        name.chars().map(|c| if c.is_alphanumeric() || "_-".contains(c) { c } else { '_' }).collect();
    if plain.is_empty() { "default".to_string() } else { plain }
}

fn time(ns: i64) -> Time {
    Time { sec: ns.div_euclid(1_000_000_000), nsec: ns.rem_euclid(1_000_000_000) as i32 }
}

fn header(ns: i64) -> Header {
    Header { stamp: Some(time(ns)), ..Default::default() }
}
