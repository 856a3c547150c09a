//! Sensors that are not drawn: each reads the truth and says it in a message.

use nalgebra::{Isometry3, Point3, Vector3};
use peregrine::prelude::*;
use peregrine_gz::msgs::GzMessage;
use peregrine_gz::msgs::sensing::{Imu as ImuGz, LaserScan as LaserScanGz, NavSat as NavSatGz};
use peregrine_msgs::geometry_msgs::Vector3 as Vector3Msg;
use peregrine_msgs::ros_gz_interfaces::{Altimeter as AltimeterMsg, Contact, Contacts, Entity};
use peregrine_msgs::sensor_msgs::{
    BatteryState, FluidPressure, Imu as ImuMsg, LaserScan, MagneticField, NavSatFix, NavSatStatus,
    PointCloud2, Range as RangeMsg,
};

use super::Home;
use super::clouds::{laser_scan, point_cloud};
use crate::checkpoint::{Stateful, Tape};
use crate::flight::Flight;
use crate::gz::{Called, GzSide, tell};
use crate::node::messages;
use crate::physics::Sample;
use crate::sensors::{AirPressure, Altimeter, Lidar, Magnetometer, MountedImu, NavSat, Rate};

/// How near a surface must be for a touch, metres: contacts leave the body on the surface.
const TOUCH: f64 = 1e-3;

/// A sensor at work.
pub(super) struct Instrument {
    pub rate: Rate,
    /// When it fired last, nanoseconds.
    pub last: i64,
    pub home: Home,
    /// The sensor's frame in that of its link.
    pub local: Isometry3<f64>,
    pub frame: String,
    /// What Gazebo's clients call it; none for what Gazebo has not as a sensor.
    pub called: Option<Called>,
    pub kind: Kind,
}

/// When it is read, and who listens besides ROS.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub now: Time,
    /// Number of the reading.
    pub index: i64,
    /// Seconds since the last one.
    pub dt: f64,
    pub gz: Option<&'a GzSide>,
}

impl Moment<'_> {
    /// Tells Gazebo's clients of it.
    fn tell<M: GzMessage>(&self, topic: &str, make: impl FnOnce(&Called) -> M) {
        if let Some(gz) = self.gz {
            gz.tell(topic, make);
        }
    }
}

/// What it measures, and where to.
pub(super) enum Kind {
    Lidar(Box<Lidar>, Publisher<LaserScan>, Publisher<PointCloud2>),
    Imu(Box<MountedImu>, Publisher<ImuMsg>),
    NavSat(Box<NavSat>, Publisher<NavSatFix>),
    AirPressure(AirPressure, Publisher<FluidPressure>),
    Magnetometer(Box<Magnetometer>, f64, Publisher<MagneticField>),
    Altimeter(Altimeter, Publisher<AltimeterMsg>),
    /// The name of the collision that touches.
    Contact(String, Publisher<Contacts>),
    /// One beam.
    Range(Box<Lidar>, Publisher<RangeMsg>),
    Battery(Publisher<BatteryState>),
}

impl Kind {
    /// The topic and Gazebo's type of what Gazebo's clients are told more of than ROS's types hold.
    pub(super) fn of_gazebo(&self) -> Option<(&str, &'static str)> {
        match self {
            Self::Lidar(_, out, _) => Some((out.topic().name(), LaserScanGz::NAME)),
            Self::Imu(_, out) => Some((out.topic().name(), ImuGz::NAME)),
            Self::NavSat(_, out) => Some((out.topic().name(), NavSatGz::NAME)),
            _ => None,
        }
    }
}

impl Instrument {
    /// Reads what it shows on a carrier that is as `truth` says.
    pub(super) fn read(
        &mut self,
        ctx: &Context,
        moment: Moment<'_>,
        flight: &Flight,
        truth: &Sample,
    ) -> Result {
        let Moment { now, index, dt, .. } = moment;
        let pose = truth.state.pose() * self.home.mount;
        let at = Point3::from(pose.translation.vector);
        let header = messages::header(now, &self.frame);
        let world = flight.world();
        let solids = &world.solids;
        match &mut self.kind {
            Kind::Lidar(lidar, scan, points) => {
                lidar.scan(solids, &pose, index);
                if world.is_retroreflective() {
                    lidar.reflect(&pose, |p| world.retro_at(p));
                }
                moment.tell(scan.topic().name(), |called| tell::scan(now, called, lidar, &self.local));
                let (laser, cloud) = (laser_scan(lidar), point_cloud(lidar));
                scan.send(ctx, LaserScan { header: header.clone(), ..laser })?;
                points.send(ctx, PointCloud2 { header, ..cloud })
            }
            Kind::NavSat(navsat, out) => {
                let r = navsat.read(&at, &truth.state.velocity, index, dt);
                moment.tell(out.topic().name(), |called| tell::navsat(now, called, &r));
                let [level, up] = navsat.deviations().map(|d| d * d);
                out.send(
                    ctx,
                    NavSatFix {
                        header,
                        status: NavSatStatus { status: NavSatStatus::STATUS_FIX, service: 1 },
                        latitude: r.latitude_deg,
                        longitude: r.longitude_deg,
                        altitude: r.altitude,
                        position_covariance: [level, 0.0, 0.0, 0.0, level, 0.0, 0.0, 0.0, up],
                        position_covariance_type: 2,
                    },
                )
            }
            Kind::AirPressure(sensor, out) => {
                let fluid_pressure = sensor.read(at.z, index, dt);
                out.send(ctx, FluidPressure { header, fluid_pressure, variance: sensor.variance() })
            }
            Kind::Magnetometer(sensor, deviation, out) => {
                let b: Vector3<f64> = sensor.read(&pose.rotation, index, dt);
                let v = *deviation * *deviation;
                out.send(
                    ctx,
                    MagneticField {
                        header,
                        magnetic_field: Vector3Msg { x: b.x, y: b.y, z: b.z },
                        magnetic_field_covariance: [v, 0.0, 0.0, 0.0, v, 0.0, 0.0, 0.0, v],
                    },
                )
            }
            Kind::Imu(imu, out) => {
                let reading = imu.read(truth, index, dt);
                let message = messages::imu(now, &reading, &imu.deviations());
                moment.tell(out.topic().name(), |called| tell::imu(now, called, &message));
                out.send(ctx, ImuMsg { header, ..message })
            }
            Kind::Altimeter(sensor, out) => {
                let r = sensor.read(at.z, truth.state.velocity.z, index, dt);
                out.send(
                    ctx,
                    AltimeterMsg {
                        header,
                        vertical_position: r.position,
                        vertical_velocity: r.velocity,
                        vertical_reference: r.reference,
                    },
                )
            }
            Kind::Contact(collision, out) => {
                let contacts = touches(flight, truth, collision);
                // As Gazebo, which says nothing while nothing is touched.
                if contacts.is_empty() { Ok(()) } else { out.send(ctx, Contacts { header, contacts }) }
            }
            Kind::Range(lidar, out) => {
                let range = lidar.scan(solids, &pose, index)[0];
                let spec = lidar.spec();
                out.send(
                    ctx,
                    RangeMsg {
                        header,
                        radiation_type: RangeMsg::INFRARED,
                        field_of_view: 0.03,
                        min_range: spec.min_range as f32,
                        max_range: spec.max_range as f32,
                        range,
                        variance: spec.noise.stddev.powi(2) as f32,
                    },
                )
            }
            Kind::Battery(out) => {
                let battery = flight.battery();
                let capacity = battery.spec().capacity as f32;
                out.send(
                    ctx,
                    BatteryState {
                        header,
                        voltage: battery.voltage() as f32,
                        temperature: f32::NAN,
                        // Negative while it is drawn from.
                        current: -battery.current() as f32,
                        charge: capacity * battery.charge() as f32,
                        capacity,
                        design_capacity: capacity,
                        percentage: battery.charge() as f32,
                        power_supply_status: BatteryState::POWER_SUPPLY_STATUS_DISCHARGING,
                        present: true,
                        ..Default::default()
                    },
                )
            }
        }
    }
}

/// What the vehicle's sphere touches now: one point each, the normal from the thing to the vehicle.
fn touches(flight: &Flight, truth: &Sample, collision: &str) -> Vec<Contact> {
    let world = flight.world();
    // About the centre of mass, wherever the sensor's link is.
    let (centre, radius) = (flight.quad().vehicle().centre, flight.rules().body_radius);
    let centre = truth.state.pose() * Point3::from(centre);
    let hits = [world.solids.nearest(&centre), world.solids.nearest_plane(&centre)];
    let vector = |v: Vector3<f64>| Vector3Msg { x: v.x, y: v.y, z: v.z };
    let entity =
        |name: &str| Entity { name: name.to_string(), r#type: Entity::COLLISION, ..Default::default() };
    let touch = |hit: crate::solids::Hit| {
        let gap = hit.near.distance - radius;
        let thing = world.thing(world.solids.all()[hit.solid].object);
        (gap < TOUCH).then(|| Contact {
            collision1: entity(collision),
            collision2: entity(thing.map_or("ground", |t| t.name.as_str())),
            positions: vec![vector(centre.coords - hit.near.normal * hit.near.distance)],
            normals: vec![vector(hit.near.normal)],
            depths: vec![(-gap).max(0.0)],
            wrenches: Vec::new(),
        })
    };
    hits.into_iter().flatten().filter_map(touch).collect()
}

impl Stateful for Instrument {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.rate.go_over(tape);
        tape.i64(&mut self.last, 0..=i64::MAX / 2);
        match &mut self.kind {
            Kind::Lidar(lidar, ..) | Kind::Range(lidar, _) => lidar.go_over(tape),
            Kind::Imu(imu, _) => imu.go_over(tape),
            Kind::NavSat(navsat, _) => navsat.go_over(tape),
            Kind::AirPressure(pressure, _) => pressure.go_over(tape),
            Kind::Magnetometer(magnetometer, ..) => magnetometer.go_over(tape),
            Kind::Altimeter(altimeter, _) => altimeter.go_over(tape),
            Kind::Contact(..) | Kind::Battery(_) => {}
        }
    }
}
