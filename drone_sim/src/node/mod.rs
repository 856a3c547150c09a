//! The simulator as a node: it owns the clock, flies the vehicle and publishes what the sensors see.
//!
//! Each step goes straight to the next moment at which anything happens. Everything published in a step carries that
//! moment as its stamp; the runtime then moves the clock there and lets the other nodes answer.
//!
//! | topic | type | when |
//! |---|---|---|
//! | `/clock` | rosgraph_msgs/Clock | every step |
//! | `sim/camera/image`, `sim/camera/camera_info` | sensor_msgs/Image in `camera.format`, CameraInfo | `camera.rate` |
//! | `sim/boxes` | vision_msgs/Detection2DArray | with each colour image: the truth, score = visible fraction |
//! | `sim/depth/image`, `sim/depth/camera_info` | sensor_msgs/Image 32FC1 (m, +inf = nothing), CameraInfo | `depth.rate` |
//! | `imu` | sensor_msgs/Imu | `imu.rate` |
//! | `odom`, `/tf` | nav_msgs/Odometry (odom to base_link), tf2_msgs/TFMessage | `odom.rate` |
//! | `sim/state` | nav_msgs/Odometry | with `odom`; the truth, even should `odom` become noisy |
//! | `sim/clearance` | std_msgs/Float64, metres | with `odom` |
//! | `sim/contacts` | std_msgs/UInt32, episodes so far | at the start and on each change |
//! | `sim/goal` | geometry_msgs/PoseStamped, frame odom | at the start and once a second |
//! | `sim/obstacles` | visualization_msgs/MarkerArray | at the start, latched |
//! | `sim/outcome` | std_msgs/String: reached, collided, time_limit | at the end |
//! | `scan`, `scan/points` | sensor_msgs/LaserScan (middle row), PointCloud2 | with `sensors: lidar`, 10 Hz |
//! | `navsat`, `air_pressure`, `magnetometer` | sensor_msgs/NavSatFix, FluidPressure, MagneticField | when `sensors` names them |
//! | `altimeter`, `contact` | ros_gz_interfaces/Altimeter, Contacts (while something is touched) | when `sensors` names them |
//! | `rgbd/image`, `rgbd/depth_image`, `rgbd/points` | sensor_msgs/Image, Image 32FC1, PointCloud2 | with `sensors: rgbd` |
//! | `segmentation/labels_map`, `segmentation/colored_map` | sensor_msgs/Image rgb8 | with `sensors: segmentation` |
//! | `boundingbox`, `boundingbox_image` | vision_msgs/Detection2DArray by label, Image | with `sensors: boundingbox` |
//! | `range`, `battery_state` | sensor_msgs/Range (downwards), BatteryState | when `sensors` names them |
//! | Gazebo's names | the types that ros_gz_bridge gives them | sensors, OdometryPublisher, PosePublisher, DiffDrive of an SDF file |
//! | `/tf_static` | tf2_msgs/TFMessage | at the start, latched |
//!
//! It subscribes to `cmd_vel` (geometry_msgs/TwistStamped): velocity in the heading frame (x forward and y left in the
//! horizontal plane, z up) and yaw rate about z; with `header.frame_id` odom, map or world the velocity is in world
//! axes. Without a command younger than half a second the vehicle stops and hovers.
//!
//! The vehicle of an SDF file, and with the parameter `gz` any, also takes orders where Gazebo's multicopters do, with the types of
//! ros_gz_bridge: `/model/M/cmd_vel` (geometry_msgs/Twist, which stands until the next one), `/model/M/enable` (std_msgs/Bool) and
//! `/NAMESPACE/command/motor_speed` (actuator_msgs/Actuators: rotor speeds, rad/s, by motor number, until the next velocity; not obeyed
//! where the model has a MulticopterVelocityControl, as in Gazebo).
//!
//! With the parameter `autopilot.kind` PX4 or ArduPilot flies instead, in lockstep ([`crate::autopilot`]).

mod checkpoint;
mod config;
pub(crate) mod drives;
mod markers;
mod messages;
mod slots;
mod start;
pub mod suite;
mod told;

pub use config::Config;

use std::path::Path;
use std::sync::{Arc, Mutex};

use nalgebra::Vector3;
use peregrine::AnyMessage;
use peregrine::prelude::*;
use peregrine_gz::Options;
use peregrine_msgs::actuator_msgs::Actuators;
use peregrine_msgs::geometry_msgs::{PoseStamped, Twist, TwistStamped};
use peregrine_msgs::nav_msgs::Odometry as OdometryMsg;
use peregrine_msgs::rosgraph_msgs::Clock;
use peregrine_msgs::sensor_msgs::{CameraInfo, Imu as ImuMsg};
use peregrine_msgs::std_msgs::{Bool, Float64, String as StringMsg, UInt32};
use peregrine_msgs::tf2_msgs::TFMessage;
use peregrine_msgs::vision_msgs::Detection2DArray;
use peregrine_msgs::visualization_msgs::MarkerArray;
use peregrine_render::Renderer;

use crate::autopilot::Autopilot;
use crate::control::Change;
use crate::error::SimError;
use crate::flight::{Axes, Flight};
use crate::gz::{GzSide, Inbox, OrderTopics, Velocity, lock};
use crate::physics::Command;
use crate::sensors::{ColorCamera, DepthCamera, Imu, Odometry, Rate, Truths};

/// Frame of the colour camera's images.
pub const COLOR_FRAME: &str = "camera_optical";
/// Frame of the depth camera's images.
pub const DEPTH_FRAME: &str = "depth_optical";
/// Slots of each image topic.
const SLOTS: usize = 8;

struct Publishers {
    clock: Publisher<Clock>,
    color: FramePublisher,
    color_info: Publisher<CameraInfo>,
    depth: FramePublisher,
    depth_info: Publisher<CameraInfo>,
    boxes: Publisher<Detection2DArray>,
    imu: Publisher<ImuMsg>,
    odom: Publisher<OdometryMsg>,
    state: Publisher<OdometryMsg>,
    tf: Publisher<TFMessage>,
    tf_static: Publisher<TFMessage>,
    clearance: Publisher<Float64>,
    contacts: Publisher<UInt32>,
    goal: Publisher<PoseStamped>,
    obstacles: Publisher<MarkerArray>,
    outcome: Publisher<StringMsg>,
}

struct Rates {
    color: Rate,
    depth: Rate,
    imu: Rate,
    odom: Rate,
    goal: Rate,
}

/// The node; its kind is `drone_sim`.
pub struct DroneSim {
    flight: Flight,
    renderer: Renderer,
    color: ColorCamera,
    depth: DepthCamera,
    imu: Imu,
    truths: Truths,
    rates: Rates,
    out: Publishers,
    /// Whether the world holds anything with a label.
    labelled: bool,
    told_contacts: u32,
    limit_ns: i64,
    lost_frames: u64,
    /// How long a slot for a picture is waited for in lockstep.
    patience: std::time::Duration,
    /// The sensors of the parameter `sensors`.
    suite: suite::Suite,
    /// The last messages are out; the next step only says so.
    over: bool,
    /// Where Gazebo's names take orders, and what came there.
    orders: OrderTopics,
    inbox: Arc<Mutex<Inbox>>,
    /// The side that Gazebo's clients see, if it is wished for.
    gz: Option<GzSide>,
    /// The flight controller outside, if one flies.
    autopilot: Option<Autopilot>,
    /// It was said that velocities are not obeyed.
    told_steered: bool,
    /// It was said that a velocity was no velocity.
    told_refused: bool,
    /// It was said that rotor speeds are not obeyed.
    told_controlled: bool,
    /// The vehicle's name.
    craft: String,
    /// Models on wheels.
    drives: drives::Drives,
    /// What plugins tell of where their models are.
    told: told::Told,
    /// What clients changed of the world, in order, for the checkpoint that is to come.
    journal: Vec<Change>,
    plan: checkpoint::Plan,
    /// Where it was taken up, nanoseconds; 0 at a beginning.
    resumed_ns: i64,
}

impl Node for DroneSim {
    const NAME: &'static str = "drone_sim";
    type Params = Config;

    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        let threads = if config.threads == 0 { setup.threads() } else { config.threads };
        let parts = config.build(threads.max(1)).or_node()?;
        if let Some(report) = &parts.world.report {
            for (name, count) in &report.ignored {
                tracing::warn!("world {}: {count} x {name} is not simulated", parts.world.name);
            }
            for warning in &report.warnings {
                tracing::warn!("world {}: {warning}", parts.world.name);
            }
        }
        let (c, d) = (*parts.color.intrinsics(), *parts.depth.intrinsics());
        let slots = |camera: peregrine_render::Camera, bytes: usize| FrameSlots {
            slots: SLOTS,
            bytes: camera.width as usize * camera.height as usize * bytes,
        };
        let out = Publishers {
            clock: setup.publish("/clock", Qos::Sensor)?,
            color: setup.publish_frames("sim/camera/image", slots(c, parts.color.format().bytes()))?,
            color_info: setup.publish("sim/camera/camera_info", Qos::Sensor)?,
            depth: setup.publish_frames("sim/depth/image", slots(d, 4))?,
            depth_info: setup.publish("sim/depth/camera_info", Qos::Sensor)?,
            boxes: setup.publish("sim/boxes", Qos::Sensor)?,
            imu: setup.publish("imu", Qos::Sensor)?,
            odom: setup.publish("odom", Qos::Sensor)?,
            state: setup.publish("sim/state", Qos::Sensor)?,
            tf: setup.publish("/tf", Qos::KeepLast(100))?,
            tf_static: setup.publish("/tf_static", Qos::Latched)?,
            clearance: setup.publish("sim/clearance", Qos::Sensor)?,
            contacts: setup.publish("sim/contacts", Qos::Latched)?,
            goal: setup.publish("sim/goal", Qos::Latched)?,
            obstacles: setup.publish("sim/obstacles", Qos::Latched)?,
            outcome: setup.publish("sim/outcome", Qos::Latched)?,
        };
        setup.subscribe("cmd_vel", Qos::Reliable, Self::on_command)?;
        setup.drive_clock(Self::on_step)?;
        let suite = suite::Suite::new(setup, &config, &parts.world)?;
        let labelled = parts.world.things.iter().any(|t| !t.label.is_empty());
        let rates = Rates {
            color: Rate::new(config.camera_rate),
            depth: Rate::new(config.depth_rate),
            // A vehicle that brings an IMU on the same topic needs no other.
            imu: Rate::new(if suite.has("/imu") { 0.0 } else { config.imu_rate }),
            odom: Rate::new(config.odom_rate),
            goal: Rate::new(1.0),
        };
        let limit_ns = parts.rules.time_limit_ns;
        let outfit = parts.outfit;
        let craft = parts.world.craft.as_ref().map_or(outfit.vehicle.name, |c| c.name.as_str()).to_string();
        let settings = config.autopilot().or_node()?;
        let start = start::Start::of(&config, &parts.world).or_node()?;
        let stands = settings.is_some() || start == start::Start::Stand;
        let begin = if stands { Flight::standing } else { Flight::new };
        let mut flight = begin(Arc::clone(&parts.world), outfit.vehicle.clone(), parts.rules).or_node()?;
        if start == start::Start::Rest && settings.is_none() {
            flight.command_rotors(&[]);
        }
        let seed = config.seed as u64;
        let flight = outfit.put_on(flight, config.wind(), seed);
        let autopilot = settings.map(|settings| Autopilot::listen(settings, &flight, seed));
        let autopilot = autopilot.transpose().or_node()?;
        let mut orders = OrderTopics::of(&craft, parts.world.craft.as_deref());
        let rotors = flight.quad().vehicle().rotors.len();
        if orders.numbers.len() != rotors {
            orders.numbers = (0..rotors).collect();
        }
        let inbox = Arc::default();
        // Nobody gives such orders to the simulator's own vehicles, and topics without a publisher are warned of.
        if config.gz || parts.world.craft.is_some() {
            Self::take_orders(setup, &orders)?;
        }
        let drives = drives::Drives::new(setup, &parts.world)?;
        let taken = suite.topics().iter().map(String::as_str).chain(drives.odometry()).map(str::to_string);
        let told = told::Told::new(setup, &parts.world, seed, taken.collect())?;
        let gz = if config.gz {
            let options = Options::from_env().map_err(SimError::from).or_node()?;
            let mut side = GzSide::open(&parts.world, &craft, options, &orders, &inbox).or_node()?;
            side.tell_with_covariance(told.covariant());
            side.control().pause(config.paused);
            let command = setup.resolve("cmd_vel")?;
            side.name_own(out.odom.topic().name(), [command.as_str(), out.obstacles.topic().name()]);
            side.listen_drives(drives.topics(), drives.orders()).or_node()?;
            suite.introduce(&mut side).or_node()?;
            setup.subscribe_all(Self::on_any)?;
            Some(side)
        } else {
            None
        };
        let plan = checkpoint::Plan::new(&config, &parts.world).or_node()?;
        let mut sim = Self {
            flight,
            renderer: parts.renderer,
            color: parts.color,
            depth: parts.depth,
            imu: parts.imu,
            truths: Truths::default(),
            rates,
            out,
            labelled,
            told_contacts: 0,
            limit_ns,
            lost_frames: 0,
            patience: parts.patience,
            suite,
            over: false,
            orders,
            inbox,
            gz,
            autopilot,
            told_steered: false,
            told_refused: false,
            told_controlled: false,
            craft,
            drives,
            told,
            journal: Vec::new(),
            plan,
            resumed_ns: 0,
        };
        if !config.restore.is_empty() {
            sim.take_up(Path::new(&config.restore)).or_node()?;
        }
        Ok(sim)
    }

    fn activate(&mut self, ctx: &Context) -> Result {
        let now = ctx.now();
        let world = self.flight.world();
        self.out.obstacles.send(ctx, markers::obstacles(world, now))?;
        let mounts = [
            (COLOR_FRAME, self.color.mount().optical_in_body()),
            (DEPTH_FRAME, self.depth.mount().optical_in_body()),
        ];
        let mounts = mounts.into_iter().chain(self.suite.frames());
        let transforms = mounts.map(|(frame, pose)| messages::transform(now, "base_link", frame, &pose));
        self.out.tf_static.send(ctx, TFMessage { transforms: transforms.collect() })?;
        self.out.contacts.send(ctx, UInt32 { data: self.told_contacts })
    }

    fn shutdown(&mut self, _ctx: &Context) -> Result {
        let lost = self.lost_frames + self.suite.lost();
        if lost > 0 {
            tracing::warn!(
                "PG-1030 {} images were not drawn because readers held every slot; raise realtime speed limits or \
                 let slow readers keep fewer frames",
                lost
            );
        }
        Ok(())
    }
}

impl DroneSim {
    fn on_command(&mut self, ctx: &Context, msg: &TwistStamped) -> Result {
        let (linear, angular) = (&msg.twist.linear, &msg.twist.angular);
        let axes = match msg.header.frame_id.trim_start_matches('/') {
            "odom" | "map" | "world" => Axes::World,
            _ => Axes::Heading,
        };
        let velocity = Vector3::new(linear.x, linear.y, linear.z);
        if self.flight.is_steered() {
            self.refuse_velocity("cmd_vel");
            return Ok(());
        }
        let command = Command { velocity, yaw_rate: angular.z, steady: false };
        if self.flight.command(command, axes, self.now(ctx.now().0)) {
            lock(&self.inbox).clear();
        } else if !std::mem::replace(&mut self.told_refused, true) {
            tracing::warn!("PG-1044 cmd_vel {velocity:?}, {} is not finite and not obeyed", angular.z);
        }
        Ok(())
    }

    /// The names and types under which Gazebo's multicopters are commanded through ros_gz_bridge.
    fn take_orders(setup: &mut Setup<Self>, orders: &OrderTopics) -> Result {
        for topic in &orders.velocity {
            setup.subscribe(topic, Qos::Reliable, |sim: &mut Self, _, twist: &Twist| {
                let (linear, angular) = (&twist.linear, &twist.angular);
                let linear = Vector3::new(linear.x, linear.y, linear.z);
                lock(&sim.inbox).put_velocity(Velocity { linear, yaw_rate: angular.z });
                Ok(())
            })?;
        }
        for topic in &orders.enable {
            setup.subscribe(topic, Qos::Reliable, |sim: &mut Self, _, enable: &Bool| {
                lock(&sim.inbox).enable(enable.data);
                Ok(())
            })?;
        }
        setup.subscribe(&orders.rotors, Qos::Reliable, |sim: &mut Self, _, actuators: &Actuators| {
            lock(&sim.inbox).put_rotors(actuators.velocity.clone());
            Ok(())
        })
    }

    /// A velocity came for a vehicle whose rotors are commanded; said the first time.
    fn refuse_velocity(&mut self, topic: &str) {
        if std::mem::replace(&mut self.told_steered, true) {
            return;
        }
        if self.autopilot.is_some() {
            tracing::warn!(
                "PG-1041 {topic} is not obeyed: a flight controller flies; send it setpoints instead"
            );
        } else {
            tracing::warn!(
                "PG-1041 {topic} is not obeyed: {} brings motors and no MulticopterVelocityControl, and takes {} alone; begin with \
                 start: hover to command its velocity",
                self.craft,
                self.orders.rotors
            );
        }
    }

    /// What came by Gazebo's names since the last step.
    fn obey(&mut self, now: i64) {
        let (stop, velocity, rotors) = {
            let mut inbox = lock(&self.inbox);
            (inbox.take_stop(), inbox.take_velocity(), inbox.take_rotors())
        };
        if stop {
            self.flight.command_rotors(&[]);
        }
        if let Some(velocity) = velocity.map(|velocity| self.orders.bounded(velocity)) {
            let command = Command { velocity: velocity.linear, yaw_rate: velocity.yaw_rate, steady: false };
            if !self.flight.command(command, Axes::Heading, now) && self.flight.is_steered() {
                let topic = self.orders.velocity.first().cloned().unwrap_or_default();
                self.refuse_velocity(&topic);
            }
        }
        if let Some(command) = rotors.filter(|_| !self.ignores_rotors()) {
            match self.orders.speeds(&command) {
                Some(speeds) => {
                    lock(&self.inbox).clear();
                    self.flight.command_rotors(&speeds);
                }
                None => tracing::warn!(
                    "PG-1033 {} brought {command:?}, which lacks a finite speed for each of the motors {:?}",
                    self.orders.rotors,
                    self.orders.numbers
                ),
            }
        }
    }

    /// Whether rotor speeds are not obeyed, because the rotors belong to the model's own velocity controller, as in Gazebo.
    fn ignores_rotors(&mut self) -> bool {
        if self.orders.controlled && !std::mem::replace(&mut self.told_controlled, true) {
            tracing::warn!(
                "PG-1047 {} is not obeyed: the rotors of {} belong to its MulticopterVelocityControl; leave that plugin out to command \
                 rotors",
                self.orders.rotors,
                self.craft
            );
        }
        self.orders.controlled
    }

    /// To the next moment at which a sensor fires.
    fn on_step(&mut self, ctx: &Context) -> Result<Advance> {
        if self.over {
            return Ok(Advance::Finished);
        }
        let now = self.now(ctx.now().0);
        self.set_down(now).or_node()?;
        let rates =
            [&self.rates.color, &self.rates.depth, &self.rates.imu, &self.rates.odom, &self.rates.goal];
        let next = rates.iter().filter_map(|r| r.next_ns()).chain(self.suite.next_ns());
        let next = next.chain(self.drives.next_ns()).chain(self.told.next_ns()).min();
        let mut next = next.unwrap_or(i64::MAX).min(self.limit_ns);
        if let Some(autopilot) = &mut self.autopilot {
            if !autopilot.obey(&mut self.flight, || ctx.is_stopping()).or_node()? {
                return Ok(Advance::Finished);
            }
            next = next.min(autopilot.next_ns());
        }
        if self.gz.is_some() {
            next = next.min(self.serve_gz(ctx)?);
            if ctx.is_stopping() {
                return Ok(Advance::Finished);
            }
        }
        if self.autopilot.is_none() {
            self.obey(now);
        }
        self.drives.obey(&mut self.flight);
        // Only on the first step does anything fire at the present moment.
        let to = Time(next.max(now));
        self.flight.advance(to.0).or_node()?;
        self.out.clock.send(ctx, Clock { clock: to.to_msg() })?;
        let sample = self.flight.sample(to.0);
        let truth = Odometry::of(&sample.state);
        // The flight controller first: it computes while the pictures are drawn.
        if let Some(autopilot) = &mut self.autopilot {
            autopilot.tell(to.0, &self.flight, &sample).or_node()?;
        }
        if let Some(gz) = &mut self.gz {
            gz.after_step(to.0, self.flight.world(), &truth.pose);
        }
        if let Some(index) = self.rates.imu.fire(to.0) {
            let reading = self.imu.read(&sample, index);
            self.out.imu.send(ctx, messages::imu(to, &reading, &self.imu.noise))?;
        }
        self.suite.fire(ctx, to, &self.flight, &sample, self.gz.as_ref())?;
        self.drives.fire(ctx, to, &self.flight)?;
        self.told.fire(ctx, to, &self.flight, &sample)?;
        let ended = self.flight.outcome();
        if self.rates.odom.fire(to.0).is_some() || ended.is_some() {
            let message = messages::odometry(to, &truth);
            self.out.state.send(ctx, message.clone())?;
            self.out.odom.send(ctx, message)?;
            let transforms = vec![messages::transform(to, "odom", "base_link", &truth.pose)];
            self.out.tf.send(ctx, TFMessage { transforms })?;
            self.out.clearance.send(ctx, Float64 { data: self.flight.clearance().distance })?;
        }
        let contacts = self.flight.contacts().episodes();
        if contacts != self.told_contacts {
            self.told_contacts = contacts;
            let hit = self.flight.contacts().last_object();
            let what = self.flight.world().thing(hit).map_or("the ground", |t| t.name.as_str());
            tracing::info!("contact {contacts} at {:.3} s with {what}", to.as_secs_f64());
            self.out.contacts.send(ctx, UInt32 { data: contacts })?;
        }
        if self.rates.goal.fire(to.0).is_some() {
            self.out.goal.send(ctx, messages::goal(to, self.flight.world()))?;
        }
        // The slow picture first: the depth image that a command will come of must not wait for it.
        if let Some(index) = self.rates.color.fire(to.0) {
            self.shoot_color(ctx, to, index, &truth)?;
        }
        self.suite.draw(ctx, to, self.flight.world(), &sample, &mut self.renderer)?;
        if let Some(index) = self.rates.depth.fire(to.0) {
            self.shoot_depth(ctx, to, index, &truth)?;
        }
        if let Some(outcome) = ended {
            // The clock still moves to this moment, so that nobody reads the last messages before their time.
            self.over = true;
            self.out.outcome.send(ctx, StringMsg { data: outcome.as_str().to_string() })?;
        }
        Ok(Advance::To(to))
    }

    fn on_any(&mut self, _ctx: &Context, message: &AnyMessage<'_>) -> Result {
        if let Some(gz) = &mut self.gz {
            gz.carry(message);
        }
        Ok(())
    }

    /// Waits while clients of Gazebo have paused the world, does what they ask for, and says how far time may go.
    fn serve_gz(&mut self, ctx: &Context) -> Result<i64> {
        let Some(gz) = &mut self.gz else { return Ok(i64::MAX) };
        let now = ctx.now().0.max(self.resumed_ns);
        let permit = loop {
            let pose = self.flight.sample(now).state.pose();
            gz.before_gate(now, self.flight.world(), &pose);
            let leave = || ctx.is_stopping() || gz.is_due();
            let permit = gz.control().gate(now, gz.step_ns(), leave);
            let (mut peopled, mut moved) = (false, Vec::new());
            for change in permit.changes {
                // A journal that no checkpoint will hold would only grow.
                if self.plan.is_wished() && crate::gz::is_of_world(gz.craft(), &change) {
                    checkpoint::note(&mut self.journal, &change);
                }
                match &change {
                    // A velocity that stands would set it in motion again.
                    Change::Reset => lock(&self.inbox).clear(),
                    Change::SetPose { name, .. } => moved.push(name.clone()),
                    Change::Create { .. } | Change::Remove { .. } => peopled = true,
                }
                crate::gz::apply(&mut self.flight, gz.craft(), change);
            }
            if peopled {
                gz.world_changed(self.flight.world());
            } else if !moved.is_empty() {
                gz.things_moved(self.flight.world(), moved);
            }
            // Changes of a paused world take no time.
            if ctx.is_stopping() || permit.until.is_none_or(|until| until > now) {
                break permit.until;
            }
        };
        Ok(permit.unwrap_or(i64::MAX))
    }

    fn shoot_color(&mut self, ctx: &Context, to: Time, index: i64, truth: &Odometry) -> Result {
        let (width, height) = (self.color.intrinsics().width, self.color.intrinsics().height);
        let encoding = suite::encoding(self.color.format());
        let spec = ImageSpec::packed(width, height, encoding, COLOR_FRAME);
        let Some(mut loan) = slots::slot(ctx, &mut self.out.color, &spec, self.patience)? else {
            self.lost_frames += u64::from(!ctx.is_lockstep());
            return Ok(());
        };
        let world = self.flight.world();
        self.color
            .shoot(&mut self.renderer, &world.scene, truth, index, loan.bytes_mut(), self.labelled)
            .or_node()?;
        loan.set_stamp(to.0);
        if self.labelled {
            let boxes = self.truths.find(&self.color, world, &truth.pose).or_node()?;
            self.out.boxes.send(ctx, messages::boxes(to, COLOR_FRAME, &boxes))?;
        }
        let info = messages::camera_info(to, COLOR_FRAME, self.color.intrinsics(), self.color.distortion());
        self.out.color_info.send(ctx, info)?;
        self.out.color.send(ctx, loan)
    }

    fn shoot_depth(&mut self, ctx: &Context, to: Time, index: i64, truth: &Odometry) -> Result {
        let (width, height) = (self.depth.intrinsics().width, self.depth.intrinsics().height);
        let spec = ImageSpec::packed(width, height, Encoding::Depth32, DEPTH_FRAME);
        let Some(mut loan) = slots::slot(ctx, &mut self.out.depth, &spec, self.patience)? else {
            self.lost_frames += u64::from(!ctx.is_lockstep());
            return Ok(());
        };
        let scene = &self.flight.world().scene;
        self.depth.shoot(&mut self.renderer, scene, &truth.pose, index, loan.bytes_mut()).or_node()?;
        loan.set_stamp(to.0);
        let info = messages::camera_info(to, DEPTH_FRAME, self.depth.intrinsics(), [0.0; 5]);
        self.out.depth_info.send(ctx, info)?;
        self.out.depth.send(ctx, loan)
    }
}

export_node!(DroneSim);
