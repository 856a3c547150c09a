//! The sensors of the parameter `sensors`: what they publish, when, and that it repeats bit for bit in gusty wind.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::sensor_msgs::{
    BatteryState, FluidPressure, LaserScan, MagneticField, NavSatFix, PointCloud2, Range,
};
use peregrine_sim::node::DroneSim;

#[derive(Debug, Default)]
struct Log {
    stamps: BTreeMap<&'static str, Vec<i64>>,
    scan: LaserScan,
    points: PointCloud2,
    fix: NavSatFix,
    pressure: Vec<f64>,
    field: Vec<[f64; 3]>,
    range: Vec<f32>,
    battery: Vec<f32>,
}

struct Listener {
    log: Arc<Mutex<Log>>,
}

#[derive(Params)]
struct NoParams {}

impl Listener {
    fn note(
        &self,
        topic: &'static str,
        at: &peregrine_msgs::builtin_interfaces::Time,
        put: impl FnOnce(&mut Log),
    ) {
        let mut log = self.log.lock().unwrap();
        log.stamps.entry(topic).or_default().push(Time::from_msg(at).0);
        put(&mut log);
    }
}

impl Node for Listener {
    const NAME: &'static str = "listener";
    type Params = NoParams;

    fn configure(setup: &mut Setup<Self>, _: NoParams) -> Result<Self> {
        setup.subscribe("scan", Qos::Sensor, |n, _, m: &LaserScan| {
            n.note("scan", &m.header.stamp, |log| log.scan = m.clone());
            Ok(())
        })?;
        setup.subscribe("scan/points", Qos::Sensor, |n, _, m: &PointCloud2| {
            n.note("points", &m.header.stamp, |log| log.points = m.clone());
            Ok(())
        })?;
        setup.subscribe("navsat", Qos::Sensor, |n, _, m: &NavSatFix| {
            n.note("navsat", &m.header.stamp, |log| log.fix = m.clone());
            Ok(())
        })?;
        setup.subscribe("air_pressure", Qos::Sensor, |n, _, m: &FluidPressure| {
            n.note("air_pressure", &m.header.stamp, |log| log.pressure.push(m.fluid_pressure));
            Ok(())
        })?;
        setup.subscribe("magnetometer", Qos::Sensor, |n, _, m: &MagneticField| {
            let b = &m.magnetic_field;
            n.note("magnetometer", &m.header.stamp, |log| log.field.push([b.x, b.y, b.z]));
            Ok(())
        })?;
        setup.subscribe("range", Qos::Sensor, |n, _, m: &Range| {
            n.note("range", &m.header.stamp, |log| log.range.push(m.range));
            Ok(())
        })?;
        setup.subscribe("battery_state", Qos::Sensor, |n, _, m: &BatteryState| {
            n.note("battery", &m.header.stamp, |log| log.battery.push(m.percentage));
            Ok(())
        })?;
        Ok(Self { log: setup.extension::<Mutex<Log>>().unwrap_or_default() })
    }
}

const ALL: &str = "lidar, navsat, air_pressure, magnetometer, range, battery";

fn fly(threads: usize, params: &[(&str, &str)]) -> (String, Log) {
    let log = Arc::new(Mutex::new(Log::default()));
    let mut app = App::new(Mode::Lockstep { threads });
    app.log_topics(true);
    app.extend(log.clone());
    let mut spec = NodeSpec::new("drone_sim");
    let still = [
        ("world", "wall"),
        ("camera.rate", "0"),
        ("depth.rate", "0"),
        ("time_limit", "1.0"),
        ("sensors", ALL),
    ];
    for (key, value) in still.iter().chain(params) {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    app.add(NodeFactory::of::<DroneSim>(), spec).unwrap();
    app.add(NodeFactory::of::<Listener>(), NodeSpec::new("listener")).unwrap();
    let report = app.run().unwrap();
    for node in &report.nodes {
        assert_eq!((node.errors, &node.last_error), (0, &None), "{}", node.name);
    }
    let log = std::mem::take(&mut *log.lock().unwrap());
    (report.topic_log_sha256.unwrap(), log)
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}

#[test]
fn each_sensor_tells_the_truth_at_its_rate() {
    let (_, log) = fly(1, &[]);
    for (topic, hertz) in [
        ("scan", 10),
        ("points", 10),
        ("navsat", 10),
        ("air_pressure", 50),
        ("magnetometer", 100),
        ("range", 20),
    ] {
        let wanted: Vec<i64> = (0..=hertz).map(|k| k * 1_000_000_000 / hertz).collect();
        assert_eq!(log.stamps[topic], wanted, "{topic}");
    }
    assert_eq!(log.stamps["battery"], [0, 1_000_000_000]);
    // It hovers at (0, 0, 2); the wall's near face is 14.8 m ahead, its opening 3 m wide.
    let scan = &log.scan;
    assert_eq!((scan.ranges.len(), scan.range_max), (360, 30.0));
    assert!((scan.angle_min + scan.angle_increment * 180.0).abs() < 1e-5, "ray 180 looks ahead");
    assert_eq!(scan.ranges[180], f32::INFINITY, "through the opening");
    let at_20_degrees = 14.8 / 20.0_f64.to_radians().cos();
    assert!((f64::from(scan.ranges[200]) - at_20_degrees).abs() < 0.1, "{}", scan.ranges[200]);
    let p = &log.points;
    assert_eq!((p.width, p.height, p.point_step, p.data.len()), (360, 16, 32, 360 * 16 * 32));
    let number = |at: usize| f64::from(f32::from_le_bytes(p.data[at..at + 4].try_into().unwrap()));
    let middle = (8 * 360 + 200) * 32;
    assert!((number(middle) - 14.8).abs() < 0.1, "x of that point lies in the wall");
    assert_eq!(u16::from_le_bytes([p.data[middle + 20], p.data[middle + 21]]), 8);
    let downwards = number(130 * 32 + 8);
    assert!((downwards + 2.08).abs() < 0.1, "the lowest row meets the ground: {downwards}");
    let pressure = mean(log.pressure.iter().copied());
    let expected = peregrine_sim::sensors::air::standard_pressure(2.08);
    assert!((pressure - expected).abs() < 3.0, "{pressure} {expected}");
    for (k, expected) in [5.5645e-6, 22.8758e-6, -42.3884e-6].into_iter().enumerate() {
        let b = mean(log.field.iter().map(|b| b[k]));
        assert!((b - expected).abs() < 2e-8, "{b} {expected}");
    }
    let range = mean(log.range.iter().map(|r| f64::from(*r)));
    assert!((range - 2.0).abs() < 0.05, "{range}");
    assert!(log.fix.latitude.abs() < 5e-5 && (log.fix.altitude - 2.08).abs() < 5.0, "{:?}", log.fix);
    assert!(log.battery[0] == 1.0 && log.battery[1] < 1.0 && log.battery[1] > 0.99, "{:?}", log.battery);
}

#[test]
fn gusts_and_noise_repeat_with_any_number_of_threads() {
    let windy = [("wind.x", "-4.0"), ("wind.turbulence", "15.0"), ("seed", "4")];
    let (one, _) = fly(1, &windy);
    assert_eq!(one, fly(2, &windy).0);
    assert_ne!(one, fly(1, &[("wind.x", "-4.0"), ("wind.turbulence", "15.0"), ("seed", "5")]).0);
    assert_ne!(one, fly(1, &[("seed", "4")]).0, "the wind is felt");
}

#[test]
fn an_unknown_sensor_is_named() {
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    let spec = NodeSpec::new("drone_sim").with_param("sensors", ParamValue::from_text("lidar, sonar"));
    let error = app.add(NodeFactory::of::<DroneSim>(), spec).map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains("PG-1021") && error.contains("\"sonar\"") && error.contains("magnetometer"),
        "{error}"
    );
}
