//! Sensors beyond the two cameras and the IMU of every flight: those that the parameter `sensors` names, and those that an SDF file
//! brings along, on its vehicle and on other models. Each has its rate, place, noise and topic, and publishes the types that ros_gz_bridge gives
//! the same sensors of Gazebo.

mod clouds;
mod common;
mod craft;
mod drawn;
mod others;
mod outlines;
mod read;
mod seat;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nalgebra::{Isometry3, Point3};
use peregrine::prelude::*;
use peregrine_render::Renderer;

use super::{Config, DroneSim};
use crate::checkpoint::{Stateful, Tape};
use crate::error::{Result as SimResult, SimError};
use crate::flight::Flight;
use crate::gz::{Called, GzSide};
use crate::physics::{BatterySpec, Sample};
use crate::scenario::World;
use crate::sensors::spec::Earth;
use crate::sensors::{
    AirPressure, Altimeter, Lidar, Magnetometer, MountedImu, NavSat, Odometry, Rate, SensorKind, SensorSpec,
};

use drawn::{Drawn, Place};
use read::{Instrument, Kind, Moment};
pub(super) use seat::Seat;

pub use common::KNOWN;
pub(super) use drawn::encoding;

/// All of them.
#[derive(Default)]
pub(super) struct Suite {
    instruments: Vec<Instrument>,
    cameras: Vec<Drawn>,
    /// Topics that have a publisher.
    taken: BTreeSet<String>,
    /// How long a slot for a picture is waited for in lockstep.
    patience: Duration,
    /// Frames of ROS and what Gazebo calls them.
    frames: BTreeMap<String, String>,
}

/// A sensor with its place and its names.
struct Wanted<'a> {
    spec: &'a SensorSpec,
    topic: String,
    home: Home,
    frame: String,
    /// The frame of its images.
    image_frame: String,
    /// What Gazebo's clients call it.
    called: Called,
    /// Number of its noise.
    id: u64,
}

/// What carries a sensor, and the sensor's frame in it.
#[derive(Debug, Clone, Copy)]
struct Home {
    seat: Seat,
    mount: Isometry3<f64>,
}

/// What Gazebo calls a sensor of a link; `model` is the scoped name of its model.
fn called(model: &str, link: &str, spec: &SensorSpec) -> Called {
    let name = format!("{model}::{link}::{}", spec.name);
    let frame = spec.frame_id.clone().unwrap_or_else(|| name.clone());
    Called { name, frame }
}

/// Numbers of the noise of a vehicle's own sensors begin here.
const CRAFT_IDS: u64 = 1000;
/// And those of other models' sensors.
const OTHER_IDS: u64 = 100_000;

impl Home {
    fn body() -> Self {
        Self { seat: Seat::Vehicle, mount: Isometry3::identity() }
    }

    /// Where it begins, world.
    fn begin(&self, world: &World) -> Point3<f64> {
        match self.seat {
            Seat::Vehicle => Point3::from(self.mount.translation.vector + world.start.coords),
            Seat::World => Point3::from(self.mount.translation.vector),
            Seat::Thing(object) => {
                let frame = world.thing(object).map_or_else(Isometry3::identity, |t| t.pose);
                Point3::from((frame * self.mount).translation.vector)
            }
        }
    }
}

impl Suite {
    /// The instruments of the parameter `sensors`, and of the models that the world brings.
    pub(super) fn new(setup: &mut Setup<DroneSim>, config: &Config, world: &World) -> Result<Self> {
        let patience = Duration::from_secs_f64(config.slot_patience);
        let mut suite = Self { patience, ..Self::default() };
        let seed = config.seed as u64;
        let earth = world.sdf.as_ref().map_or_else(Earth::default, |sdf| sdf.earth);
        if config.vehicle_sensors {
            let own = craft::sensors(world).into_iter().zip(CRAFT_IDS..);
            for (wanted, id) in own.chain(others::sensors(world).into_iter().zip(OTHER_IDS..)) {
                suite.take_in(setup, &Wanted { id, ..wanted }, &earth, world, seed)?;
            }
        }
        if let Some(model) = &world.craft
            && let Some((name, ..)) = BatterySpec::of_model(model)
        {
            let topic = format!("/model/{}/battery/{name}/state", model.name);
            suite.taken.insert(topic.clone());
            let kind = Kind::Battery(setup.publish(&topic, Qos::Sensor)?);
            suite.add(10.0, Home::body(), "base_link", kind);
        }
        for (id, name) in config.sensors.split(',').map(str::trim).filter(|n| !n.is_empty()).enumerate() {
            let id = id as u64 + 1;
            match name {
                "range" => {
                    let lidar = Box::new(Lidar::new(&common::range(), seed, id));
                    let kind = Kind::Range(lidar, setup.publish("range", Qos::Sensor)?);
                    suite.add(20.0, Home::body(), "range", kind);
                }
                "battery" => {
                    let kind = Kind::Battery(setup.publish("battery_state", Qos::Sensor)?);
                    suite.add(1.0, Home::body(), "base_link", kind);
                }
                _ => {
                    let (spec, topic) = common::common(name).ok_or_else(|| unknown(name)).or_node()?;
                    let wanted = Wanted {
                        topic: topic.to_string(),
                        home: Home { mount: spec.pose, ..Home::body() },
                        frame: name.to_string(),
                        called: Called { name: name.to_string(), frame: name.to_string() },
                        image_frame: format!("{name}_optical"),
                        spec: &spec,
                        id,
                    };
                    suite.take_in(setup, &wanted, &earth, world, seed)?;
                }
            }
        }
        Ok(suite)
    }

    /// The topics of sensors.
    pub(super) fn topics(&self) -> &BTreeSet<String> {
        &self.taken
    }

    /// Whether some sensor publishes on a topic.
    pub(super) fn has(&self, topic: &str) -> bool {
        self.taken.contains(topic)
    }

    /// A sensor by its specification. What comes second on a topic is left out, and said.
    fn take_in(
        &mut self,
        setup: &mut Setup<DroneSim>,
        wanted: &Wanted<'_>,
        earth: &Earth,
        world: &World,
        seed: u64,
    ) -> Result {
        let Wanted { spec, topic, home, frame, image_frame, called, id } = wanted;
        let (topic, id) = (topic.as_str(), *id);
        // `scan` and `/scan` are one topic, and a remapping may make one of two.
        if !self.taken.insert(setup.resolve(topic)?) {
            tracing::warn!(
                "PG-1031 sensor {} is left out: {topic} belongs to another sensor; give it a <topic> of its own",
                spec.name
            );
            return Ok(());
        }
        if called.frame != *frame {
            self.frames.insert(frame.clone(), called.frame.clone());
        }
        // At every step where the file says 0, and never more often.
        let rate = if spec.update_rate > 0.0 { spec.update_rate.min(1000.0) } else { 1000.0 };
        let (frame_name, image_frame) = (frame.clone(), image_frame.clone());
        let place = Place { rate, home: *home, frame: frame_name, image_frame, patience: self.patience };
        if let Some(camera) = Drawn::new(setup, &spec.kind, topic, place, (seed, id))? {
            self.cameras.push(camera);
            return Ok(());
        }
        let kind = match &spec.kind {
            SensorKind::Lidar(lidar) => {
                let points = format!("{topic}/points");
                let (scan, points) =
                    (setup.publish(topic, Qos::Sensor)?, setup.publish(&points, Qos::Sensor)?);
                Kind::Lidar(Box::new(Lidar::new(lidar, seed, id)), scan, points)
            }
            SensorKind::Imu(imu) => {
                let sensor =
                    MountedImu::new(imu, home.mount.rotation, earth.heading_deg.to_radians(), seed, id);
                Kind::Imu(Box::new(sensor), setup.publish(topic, Qos::Sensor)?)
            }
            SensorKind::NavSat(navsat) => {
                let sensor = Box::new(NavSat::new(navsat, earth, seed, id));
                Kind::NavSat(sensor, setup.publish(topic, Qos::Sensor)?)
            }
            SensorKind::AirPressure(pressure) => {
                Kind::AirPressure(AirPressure::new(pressure, seed, id), setup.publish(topic, Qos::Sensor)?)
            }
            SensorKind::Magnetometer(noise) => {
                let sensor = Box::new(Magnetometer::new(noise, earth.magnetic_field, seed, id));
                Kind::Magnetometer(sensor, noise[0].stddev, setup.publish(topic, Qos::Sensor)?)
            }
            SensorKind::Altimeter(altimeter) => {
                let start = home.begin(world);
                let sensor = Altimeter::new(altimeter, start.z, seed, id);
                Kind::Altimeter(sensor, setup.publish(topic, Qos::Sensor)?)
            }
            SensorKind::Contact { collision } => {
                Kind::Contact(collision.clone(), setup.publish(topic, Qos::Sensor)?)
            }
            // Drawn above.
            SensorKind::Camera(_)
            | SensorKind::Depth(_)
            | SensorKind::Rgbd(_)
            | SensorKind::Segmentation(_)
            | SensorKind::BoundingBox(_) => return Ok(()),
        };
        self.add(rate, *home, frame, kind);
        if let Some(instrument) = self.instruments.last_mut() {
            (instrument.local, instrument.called) = (spec.pose, Some(called.clone()));
        }
        Ok(())
    }

    fn add(&mut self, rate: f64, home: Home, frame: &str, kind: Kind) {
        let (rate, frame) = (Rate::new(rate), frame.to_string());
        let local = Isometry3::identity();
        self.instruments.push(Instrument { rate, last: 0, home, local, frame, called: None, kind });
    }

    /// Makes the sensors known to Gazebo's clients.
    pub(super) fn introduce(&self, gz: &mut GzSide) -> SimResult<()> {
        for instrument in &self.instruments {
            if let (Some(called), Some((topic, kind))) = (&instrument.called, instrument.kind.of_gazebo()) {
                gz.expect(topic, kind, called.clone())?;
            }
        }
        gz.name_frames(self.frames.clone());
        Ok(())
    }

    /// When the next of them fires, nanoseconds.
    pub(super) fn next_ns(&self) -> Option<i64> {
        let rates = self.instruments.iter().map(|i| &i.rate).chain(self.cameras.iter().map(|c| &c.rate));
        rates.filter_map(Rate::next_ns).min()
    }

    /// Frames and their places in the body, for /tf_static; those of other models' sensors are told by their models.
    pub(super) fn frames(&self) -> Vec<(&str, Isometry3<f64>)> {
        let instruments = self.instruments.iter().map(|i| (i.frame.as_str(), i.home));
        let cameras = self.cameras.iter().map(|c| (c.frame.as_str(), c.home));
        let images = self.cameras.iter().filter(|c| c.image_frame != c.frame);
        let optical = |home: Home| Home { mount: home.mount * drawn::optical(), ..home };
        let images = images.map(|c| (c.image_frame.as_str(), optical(c.home)));
        let all = instruments.chain(cameras).chain(images);
        let own = all.filter(|(frame, home)| *frame != "base_link" && home.seat == Seat::Vehicle);
        own.map(|(frame, home)| (frame, home.mount)).collect()
    }

    /// Publishes what is due and needs no drawing; to Gazebo's clients too.
    pub(super) fn fire(
        &mut self,
        ctx: &Context,
        now: Time,
        flight: &Flight,
        truth: &Sample,
        gz: Option<&GzSide>,
    ) -> Result {
        for instrument in &mut self.instruments {
            let Some(index) = instrument.rate.fire(now.0) else { continue };
            let dt = (now.0 - instrument.last) as f64 * 1e-9;
            instrument.last = now.0;
            let Some(carrier) = instrument.home.seat.sample(flight.world(), truth) else { continue };
            instrument.read(ctx, Moment { now, index, dt, gz }, flight, &carrier)?;
        }
        Ok(())
    }

    /// Publishes the pictures that are due.
    pub(super) fn draw(
        &mut self,
        ctx: &Context,
        now: Time,
        world: &World,
        truth: &Sample,
        renderer: &mut Renderer,
    ) -> Result {
        for camera in &mut self.cameras {
            let Some(index) = camera.rate.fire(now.0) else { continue };
            let Some(carrier) = camera.home.seat.sample(world, truth) else { continue };
            camera.shoot(ctx, now, index, world, &Odometry::of(&carrier.state), renderer)?;
        }
        Ok(())
    }

    /// Pictures that were not drawn because readers held every slot.
    pub(super) fn lost(&self) -> u64 {
        self.cameras.iter().map(|c| c.lost).sum()
    }
}

fn unknown(name: &str) -> SimError {
    let reason = format!("which is unknown; use some of {}", KNOWN.join(", "));
    SimError::Parameter { name: "sensors", value: format!("\"{name}\""), reason }
}

/// Checks the names of the parameter `sensors`.
pub(super) fn check(names: &str) -> SimResult<()> {
    match names.split(',').map(str::trim).find(|n| !n.is_empty() && !KNOWN.contains(n)) {
        Some(name) => Err(unknown(name)),
        None => Ok(()),
    }
}

impl Stateful for Suite {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.instruments.iter_mut().for_each(|i| i.go_over(tape));
        // Cameras draw their noise by the number of the picture: their rates are all that goes on.
        self.cameras.iter_mut().for_each(|c| c.rate.go_over(tape));
    }
}
