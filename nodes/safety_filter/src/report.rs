//! What the node tells: its status, and the ring of distances.

use peregrine_msgs::diagnostic_msgs::{DiagnosticStatus, KeyValue};
use peregrine_msgs::sensor_msgs::LaserScan;
use peregrine_msgs::std_msgs::Header;

use crate::algo::filter::{Ages, CAUSES, Cause, Verdict};
use crate::algo::sensors::{Sensor, Unused};
use crate::algo::shell::AZIMUTHS;

/// Range sensors of the node: depth camera, laser scanner, lidar.
pub const SENSORS: usize = 3;

/// What is known when a status is told.
pub struct Report<'a> {
    /// Of the last command; `None` before the first.
    pub verdict: Option<&'a Verdict>,
    pub ages: &'a Ages,
    /// Nothing is sent any more.
    pub silent: bool,
    pub passed: u64,
    /// Commands in frames that are not followed.
    pub other_frames: u64,
    pub counts: &'a [u64; CAUSES],
    pub sensors: &'a [Sensor; SENSORS],
}

impl Report<'_> {
    /// Topics of the sensors, in order.
    pub const SENSOR_NAMES: [&'static str; SENSORS] = ["depth/image_raw", "scan", "points"];

    pub fn status(&self, node: &str) -> DiagnosticStatus {
        let pair = |key: &str, value: String| KeyValue { key: key.into(), value };
        let number = |v: f64| format!("{v:.3}");
        let age = |a: Option<f64>| number(a.unwrap_or(f64::NAN));
        let cause = self.verdict.and_then(|v| v.cause);
        let mut values = vec![
            pair("cause", cause.map_or("none", Cause::name).into()),
            pair("reason", self.reason(cause)),
            pair("silent", self.silent.to_string()),
            pair("command_age_s", age(self.ages.command)),
            pair("sensors_age_s", age(self.ages.sensors)),
            pair("odometry_age_s", age(self.ages.odometry)),
            pair("nearest_m", number(self.verdict.map_or(f64::NAN, |v| v.nearest))),
            pair("stop_m", number(self.verdict.map_or(f64::NAN, |v| v.stop))),
            pair("passed", self.passed.to_string()),
            pair("commands_in_other_frames", self.other_frames.to_string()),
        ];
        let left = |why: Unused| self.sensors.iter().map(|s| s.left(why)).sum::<u64>();
        values.extend(Unused::ALL.iter().map(|why| pair(why.name(), left(*why).to_string())));
        values.extend(Cause::ALL.iter().map(|c| pair(c.name(), self.counts[*c as usize].to_string())));
        let level = match cause {
            _ if self.silent => DiagnosticStatus::ERROR,
            None => DiagnosticStatus::OK,
            Some(cause) if cause <= Cause::BatteryCritical => DiagnosticStatus::ERROR,
            Some(_) => DiagnosticStatus::WARN,
        };
        let word =
            if self.verdict.is_none() { "no command yet" } else { cause.map_or("passing", Cause::name) };
        DiagnosticStatus {
            level,
            name: node.into(),
            message: word.into(),
            hardware_id: String::new(),
            values,
        }
    }

    /// Why speed was taken; for sensors that are missing, which one and what it lacks.
    fn reason(&self, cause: Option<Cause>) -> String {
        let Some(cause) = cause else { return String::new() };
        let mut lacking =
            Self::SENSOR_NAMES.iter().zip(self.sensors).filter_map(|(n, s)| Some((n, s.unused()?)));
        match lacking.next() {
            Some((name, why)) if cause == Cause::SensorsOld => {
                format!("{} ({name} is not used: {})", cause.reason(), why.reason())
            }
            _ => cause.reason().into(),
        }
    }
}

/// The ring as a scan of 72 bins, counter-clockwise from ahead. Without one all of it is unknown: NaN, never infinite, for
/// infinite is "nothing there", and an autopilot flies into that.
pub fn ring(header: Header, ring: Option<[f32; AZIMUTHS]>, scan_time: f32, range_max: f32) -> LaserScan {
    let step = std::f32::consts::TAU / AZIMUTHS as f32;
    LaserScan {
        header,
        angle_min: 0.0,
        angle_max: step * (AZIMUTHS - 1) as f32,
        angle_increment: step,
        time_increment: 0.0,
        scan_time,
        range_min: 0.0,
        range_max,
        ranges: ring.unwrap_or([f32::NAN; AZIMUTHS]).to_vec(),
        intensities: Vec::new(),
    }
}
