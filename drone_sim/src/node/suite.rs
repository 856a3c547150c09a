//! Sensors beyond the two cameras and the IMU of every flight: a list of instruments, each with its rate, place, noise and
//! topic, publishing the types that ros_gz_bridge gives the same sensors of Gazebo.

use nalgebra::{Isometry3, Point3, Vector3};
use peregrine::prelude::*;
use peregrine_msgs::geometry_msgs::Vector3 as Vector3Msg;
use peregrine_msgs::sensor_msgs::{
    BatteryState, FluidPressure, LaserScan, MagneticField, NavSatFix, NavSatStatus, PointCloud2, PointField,
    Range as RangeMsg,
};

use super::{Config, DroneSim, messages};
use crate::error::{Result as SimResult, SimError};
use crate::flight::Flight;
use crate::physics::Sample;
use crate::sensors::spec::{AirPressureSpec, Earth, LidarSpec, NavSatSpec, NoiseSpec, ScanAxis};
use crate::sensors::{AirPressure, Lidar, Magnetometer, NavSat, Rate, SensorKind, SensorSpec};

/// Names that the parameter `sensors` knows.
pub const KNOWN: [&str; 6] = ["lidar", "navsat", "air_pressure", "magnetometer", "range", "battery"];

/// A sensor at work.
struct Instrument {
    rate: Rate,
    /// When it fired last, nanoseconds.
    last: i64,
    /// Sensor frame in the body.
    mount: Isometry3<f64>,
    frame: String,
    kind: Kind,
}

enum Kind {
    Lidar(Box<Lidar>, Publisher<LaserScan>, Publisher<PointCloud2>),
    NavSat(Box<NavSat>, Publisher<NavSatFix>),
    AirPressure(AirPressure, Publisher<FluidPressure>),
    Magnetometer(Magnetometer, f64, Publisher<MagneticField>),
    /// One beam.
    Range(Box<Lidar>, Publisher<RangeMsg>),
    Battery(Publisher<BatteryState>),
}

/// All of them.
#[derive(Default)]
pub(super) struct Suite {
    all: Vec<Instrument>,
}

/// The specification behind a name of the parameter `sensors`, with its rate: common parts as they are sold.
fn common(name: &str) -> Option<(SensorSpec, &'static str)> {
    let mut spec = SensorSpec::new(name, SensorKind::Lidar(LidarSpec::default()));
    let axis = |samples, min_angle, max_angle| ScanAxis { samples, resolution: 1.0, min_angle, max_angle };
    spec.pose = Isometry3::translation(0.0, 0.0, 0.08);
    let topic = match name {
        "lidar" => {
            let turn = std::f64::consts::PI;
            spec.update_rate = 10.0;
            spec.kind = SensorKind::Lidar(LidarSpec {
                horizontal: axis(360, -turn, turn - turn / 180.0),
                vertical: axis(16, -0.26, 0.26),
                min_range: 0.1,
                max_range: 30.0,
                resolution: 0.0,
                noise: NoiseSpec::white(0.01),
            });
            "scan"
        }
        "navsat" => {
            spec.update_rate = 10.0;
            let (level, up) = (NoiseSpec::white(0.5), NoiseSpec::white(1.0));
            spec.kind = SensorKind::NavSat(NavSatSpec {
                horizontal_position: level,
                vertical_position: up,
                horizontal_velocity: NoiseSpec::white(0.1),
                vertical_velocity: NoiseSpec::white(0.1),
            });
            "navsat"
        }
        "air_pressure" => {
            spec.update_rate = 50.0;
            let pressure = NoiseSpec::white(3.0);
            spec.kind = SensorKind::AirPressure(AirPressureSpec { reference_altitude: 0.0, pressure });
            "air_pressure"
        }
        "magnetometer" => {
            spec.update_rate = 100.0;
            spec.kind = SensorKind::Magnetometer([NoiseSpec::white(4e-8); 3]);
            "magnetometer"
        }
        _ => return None,
    };
    Some((spec, topic))
}

impl Suite {
    /// The instruments of the parameter `sensors`.
    pub(super) fn new(setup: &mut Setup<DroneSim>, config: &Config) -> Result<Self> {
        let mut suite = Self::default();
        let seed = config.seed as u64;
        for (id, name) in config.sensors.split(',').map(str::trim).filter(|n| !n.is_empty()).enumerate() {
            let id = id as u64 + 1;
            match name {
                "range" => {
                    let one =
                        |angle| ScanAxis { samples: 1, resolution: 1.0, min_angle: angle, max_angle: angle };
                    let spec = LidarSpec {
                        horizontal: one(0.0),
                        vertical: one(-std::f64::consts::FRAC_PI_2),
                        min_range: 0.05,
                        max_range: 15.0,
                        noise: NoiseSpec::white(0.01),
                        ..LidarSpec::default()
                    };
                    let lidar = Box::new(Lidar::new(&spec, seed, id));
                    let kind = Kind::Range(lidar, setup.publish("range", Qos::Sensor)?);
                    suite.add(20.0, Isometry3::identity(), "range", kind);
                }
                "battery" => {
                    let kind = Kind::Battery(setup.publish("battery_state", Qos::Sensor)?);
                    suite.add(1.0, Isometry3::identity(), "base_link", kind);
                }
                _ => {
                    let (spec, topic) = common(name).ok_or_else(|| unknown(name)).or_node()?;
                    suite.take_in(setup, &spec, topic, &Earth::default(), seed, id)?;
                }
            }
        }
        Ok(suite)
    }

    /// A sensor by its specification; kinds that are drawn or need nothing of the truth are not built here.
    pub(super) fn take_in(
        &mut self,
        setup: &mut Setup<DroneSim>,
        spec: &SensorSpec,
        topic: &str,
        earth: &Earth,
        seed: u64,
        id: u64,
    ) -> Result<bool> {
        let topic = spec.topic.as_deref().unwrap_or(topic);
        let kind = match &spec.kind {
            SensorKind::Lidar(lidar) => {
                let points = format!("{topic}/points");
                let (scan, points) =
                    (setup.publish(topic, Qos::Sensor)?, setup.publish(&points, Qos::Sensor)?);
                Kind::Lidar(Box::new(Lidar::new(lidar, seed, id)), scan, points)
            }
            SensorKind::NavSat(navsat) => {
                let sensor = Box::new(NavSat::new(navsat, earth, seed, id));
                Kind::NavSat(sensor, setup.publish(topic, Qos::Sensor)?)
            }
            SensorKind::AirPressure(pressure) => {
                Kind::AirPressure(AirPressure::new(pressure, seed, id), setup.publish(topic, Qos::Sensor)?)
            }
            SensorKind::Magnetometer(noise) => {
                let sensor = Magnetometer::new(noise, earth.magnetic_field, seed, id);
                Kind::Magnetometer(sensor, noise[0].stddev, setup.publish(topic, Qos::Sensor)?)
            }
            _ => return Ok(false),
        };
        let rate = if spec.update_rate > 0.0 { spec.update_rate } else { 1000.0 };
        self.add(rate, spec.pose, spec.frame_id.as_deref().unwrap_or(&spec.name), kind);
        Ok(true)
    }

    fn add(&mut self, rate: f64, mount: Isometry3<f64>, frame: &str, kind: Kind) {
        self.all.push(Instrument { rate: Rate::new(rate), last: 0, mount, frame: frame.to_string(), kind });
    }

    /// When the next of them fires, nanoseconds.
    pub(super) fn next_ns(&self) -> Option<i64> {
        self.all.iter().filter_map(|i| i.rate.next_ns()).min()
    }

    /// Frames and their places in the body, for /tf_static.
    pub(super) fn frames(&self) -> impl Iterator<Item = (&str, &Isometry3<f64>)> {
        self.all.iter().map(|i| (i.frame.as_str(), &i.mount)).filter(|(frame, _)| *frame != "base_link")
    }

    /// Publishes what is due.
    pub(super) fn fire(&mut self, ctx: &Context, now: Time, flight: &Flight, truth: &Sample) -> Result {
        for instrument in &mut self.all {
            let Some(index) = instrument.rate.fire(now.0) else { continue };
            let dt = (now.0 - instrument.last) as f64 * 1e-9;
            instrument.last = now.0;
            instrument.read(ctx, now, flight, truth, index, dt)?;
        }
        Ok(())
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

impl Instrument {
    fn read(
        &mut self,
        ctx: &Context,
        now: Time,
        flight: &Flight,
        truth: &Sample,
        index: i64,
        dt: f64,
    ) -> Result {
        let pose = truth.state.pose() * self.mount;
        let at = Point3::from(pose.translation.vector);
        let header = messages::header(now, &self.frame);
        let solids = &flight.world().solids;
        match &mut self.kind {
            Kind::Lidar(lidar, scan, points) => {
                lidar.scan(solids, &pose, index);
                let (laser, cloud) = (laser_scan(lidar), point_cloud(lidar));
                scan.send(ctx, LaserScan { header: header.clone(), ..laser })?;
                points.send(ctx, PointCloud2 { header, ..cloud })
            }
            Kind::NavSat(navsat, out) => {
                let r = navsat.read(&at, &truth.state.velocity, index, dt);
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

/// The middle row, as ros_gz_bridge picks it.
fn laser_scan(lidar: &Lidar) -> LaserScan {
    let (spec, h) = (lidar.spec(), &lidar.spec().horizontal);
    let (columns, rows) = (h.count(), spec.vertical.count());
    let first = rows / 2 * columns;
    LaserScan {
        angle_min: h.min_angle as f32,
        angle_max: h.max_angle as f32,
        angle_increment: h.step() as f32,
        range_min: spec.min_range as f32,
        range_max: spec.max_range as f32,
        ranges: lidar.readings()[first..first + columns].to_vec(),
        intensities: vec![0.0; columns],
        ..Default::default()
    }
}

/// All rows as points of the sensor frame; misses are infinite. The layout is that of Gazebo's aligned clouds: x, y, z,
/// intensity and ring in 32 bytes.
fn point_cloud(lidar: &Lidar) -> PointCloud2 {
    const STEP: usize = 32;
    let (columns, rows) = (lidar.spec().horizontal.count(), lidar.spec().vertical.count());
    let mut data = vec![0u8; columns * rows * STEP];
    for (i, (point, range)) in data.chunks_exact_mut(STEP).zip(lidar.readings()).enumerate() {
        let d = lidar.direction(i);
        for k in 0..3 {
            // An infinite range along an axis' exact zero would be no number.
            let v =
                if range.is_finite() { f64::from(*range) * d[k] } else { f64::from(*range).copysign(d[k]) };
            point[4 * k..4 * k + 4].copy_from_slice(&(v as f32).to_le_bytes());
        }
        point[20..22].copy_from_slice(&((i / columns) as u16).to_le_bytes());
    }
    let field =
        |name: &str, offset, datatype| PointField { name: name.to_string(), offset, datatype, count: 1 };
    PointCloud2 {
        height: rows as u32,
        width: columns as u32,
        fields: vec![
            field("x", 0, PointField::FLOAT32),
            field("y", 4, PointField::FLOAT32),
            field("z", 8, PointField::FLOAT32),
            field("intensity", 16, PointField::FLOAT32),
            field("ring", 20, PointField::UINT16),
        ],
        point_step: STEP as u32,
        row_step: (STEP * columns) as u32,
        data,
        is_dense: false,
        ..Default::default()
    }
}
