//! Wiring: setpoints, scans and odometry to PX4's topics; its odometry and state back.

use nalgebra::Vector3;
use peregrine::prelude::*;
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus, KeyValue};
use peregrine_msgs::geometry_msgs::TwistStamped;
use peregrine_msgs::nav_msgs;
use peregrine_msgs::px4_msgs::{
    BatteryStatus, ObstacleDistance, OffboardControlMode, TrajectorySetpoint, VehicleCommand,
    VehicleOdometry, VehicleStatus,
};
use peregrine_msgs::sensor_msgs::{BatteryState, LaserScan};
use peregrine_msgs::std_msgs::{Header, UInt32};
use peregrine_msgs::std_srvs::{Trigger, TriggerRequest, TriggerResponse};

use super::convert;
use super::params::Px4Params;
use crate::algo::axes::World;
use crate::algo::gate::{Gate, Refusal};
use crate::algo::resets::Resets;
use crate::algo::setpoint::Axes;
use crate::message::{bad_scan, battery_state, odometry, read_odometry, read_scan};

/// How often the status is published.
const STATUS_PERIOD: Duration = Duration::from_secs(1);
/// Without a vehicle_status for so long PX4 counts as gone, nanoseconds: it tells one at 0.5 Hz at the least.
const SILENCE: i64 = 3_000_000_000;
/// Stamps of PX4's that are farther from now than this are of another clock, nanoseconds.
const OTHER_CLOCK: i64 = 1_000_000_000;

/// The bridge.
pub struct Px4Node {
    params: Px4Params,
    world: World,
    gate: Gate,
    heading: Option<(i64, f64)>,
    heard: Option<(i64, Vehicle)>,
    counts: Told,
    estimator: Resets,
    resets: Publisher<UInt32>,
    mode: Publisher<OffboardControlMode>,
    setpoint: Publisher<TrajectorySetpoint>,
    command: Publisher<VehicleCommand>,
    obstacles: Publisher<ObstacleDistance>,
    visual: Publisher<VehicleOdometry>,
    odom: Publisher<nav_msgs::Odometry>,
    battery: Publisher<BatteryState>,
    status: Publisher<DiagnosticArray>,
}

/// What vehicle_status said last.
#[derive(Debug, Clone, Copy)]
struct Vehicle {
    armed: bool,
    offboard: bool,
    failsafe: bool,
    nav_state: u8,
}

/// What was told and what was not.
#[derive(Debug, Default)]
struct Told {
    setpoints: u64,
    scans: u64,
    odometry_in: u64,
    odometry_out: u64,
    bad_scans: u64,
    bad_odometry: u64,
    other_clock: u64,
    batteries: u64,
    take_overs: u64,
}

impl Node for Px4Node {
    const NAME: &'static str = "px4";
    type Params = Px4Params;

    fn configure(setup: &mut Setup<Self>, params: Px4Params) -> Result<Self> {
        let world = params.world().or_node()?;
        setup.subscribe("cmd_vel", Qos::Reliable, Self::on_setpoint)?;
        setup.subscribe("scan", Qos::Sensor, Self::on_scan)?;
        setup.subscribe("fmu/out/vehicle_odometry", Qos::Sensor, Self::on_their_odometry)?;
        setup.subscribe("fmu/out/vehicle_status_v1", Qos::Sensor, Self::on_vehicle_status)?;
        setup.subscribe("fmu/out/battery_status", Qos::Sensor, Self::on_battery_status)?;
        setup.optional("fmu/out/battery_status")?;
        if params.send_odometry {
            setup.subscribe("odom", Qos::Sensor, Self::on_odometry)?;
        }
        if params.allow_take_over {
            setup.service::<Trigger>("~/take_over", Self::on_take_over)?;
        }
        setup.timer(STATUS_PERIOD, Self::on_status)?;
        Ok(Self {
            world,
            gate: Gate::new(params.limits()),
            params,
            heading: None,
            heard: None,
            counts: Told::default(),
            estimator: Resets::default(),
            resets: setup.publish("autopilot/odom_resets", Qos::Latched)?,
            mode: setup.publish("fmu/in/offboard_control_mode", Qos::Reliable)?,
            setpoint: setup.publish("fmu/in/trajectory_setpoint", Qos::Reliable)?,
            command: setup.publish("fmu/in/vehicle_command", Qos::Reliable)?,
            obstacles: setup.publish("fmu/in/obstacle_distance", Qos::Reliable)?,
            visual: setup.publish("fmu/in/vehicle_visual_odometry", Qos::Reliable)?,
            odom: setup.publish("autopilot/odom", Qos::Sensor)?,
            battery: setup.publish("autopilot/battery", Qos::Sensor)?,
            status: setup.publish("~/status", Qos::Reliable)?,
        })
    }
}

/// The bridge's agent and PX4 keep one time: that of this computer, microseconds.
fn microseconds(now: i64) -> u64 {
    (now.max(0) / 1000) as u64
}

impl Px4Node {
    /// The only source of setpoints and of the offboard proof of life.
    fn on_setpoint(&mut self, ctx: &Context, m: &TwistStamped) -> Result {
        let now = ctx.now().0;
        let Some(axes) = Axes::of(&m.header.frame_id) else {
            self.gate.refuse(Refusal::UnknownFrame);
            return self.refused(ctx, Refusal::UnknownFrame);
        };
        let (v, yaw_rate) = (&m.twist.linear, m.twist.angular.z);
        let heading = self.fresh_heading(now);
        let velocity = Vector3::new(v.x, v.y, v.z);
        let time = microseconds(now);
        let Some(told) = convert::setpoint(&velocity, yaw_rate, axes, self.world, heading, time) else {
            self.gate.refuse(Refusal::NoHeading);
            return self.refused(ctx, Refusal::NoHeading);
        };
        if let Err(why) = self.gate.admit(now, Time::from_msg(&m.header.stamp).0, [v.x, v.y, v.z], yaw_rate) {
            return self.refused(ctx, why);
        }
        self.counts.setpoints += 1;
        self.mode.send(ctx, convert::velocity_mode(time))?;
        self.setpoint.send(ctx, told)
    }

    fn fresh_heading(&self, now: i64) -> Option<f64> {
        let limit = self.params.limits().max_age;
        self.heading.filter(|(at, _)| now.saturating_sub(*at) <= limit).map(|(_, heading)| heading)
    }

    fn refused(&mut self, ctx: &Context, why: Refusal) -> Result {
        // The first of each kind is told; all are counted in the status.
        if self.gate.refused(why) == 1 {
            tracing::warn!(node = ctx.node_name(), "a setpoint was not sent: {}", why.reason());
        }
        Ok(())
    }

    fn on_scan(&mut self, ctx: &Context, m: &LaserScan) -> Result {
        let scan = read_scan(m, self.params.scan_yaw_rad as f32);
        match convert::obstacles(&scan, microseconds(ctx.now().0)) {
            Some(told) => {
                self.counts.scans += 1;
                self.obstacles.send(ctx, told)
            }
            None => {
                self.counts.bad_scans += 1;
                if self.counts.bad_scans == 1 {
                    tracing::warn!(node = ctx.node_name(), "{}", bad_scan(m));
                }
                Ok(())
            }
        }
    }

    fn on_odometry(&mut self, ctx: &Context, m: &nav_msgs::Odometry) -> Result {
        let Some(read) = read_odometry(m) else {
            self.counts.bad_odometry += 1;
            return Ok(());
        };
        self.counts.odometry_out += 1;
        let taken = microseconds(Time::from_msg(&m.header.stamp).0);
        self.visual.send(ctx, convert::write_odometry(&read, self.world, microseconds(ctx.now().0), taken))
    }

    fn on_their_odometry(&mut self, ctx: &Context, m: &VehicleOdometry) -> Result {
        let now = ctx.now().0;
        let Some((told, world)) = convert::read_odometry(m) else {
            self.counts.bad_odometry += 1;
            return Ok(());
        };
        self.counts.odometry_in += 1;
        if let Some(data) = self.estimator.hear(m.reset_counter) {
            self.resets.send(ctx, UInt32 { data })?;
        }
        self.heading = Some((now, convert::heading(&told, world)));
        let taken = i64::try_from(m.timestamp_sample).unwrap_or(i64::MAX).saturating_mul(1000);
        let same_clock = now.saturating_sub(taken).saturating_abs() <= OTHER_CLOCK;
        if !same_clock {
            if self.counts.other_clock == 0 {
                tracing::warn!(
                    node = ctx.node_name(),
                    "vehicle_odometry is stamped by another clock and gets the time of its arrival; set PX4's \
                     UXRCE_DDS_SYNCT to 1"
                );
            }
            self.counts.other_clock += 1;
        }
        let stamp = Time(if same_clock { taken.min(now) } else { now });
        let header = Header { stamp: stamp.to_msg(), frame_id: "odom".into() };
        self.odom.send(ctx, odometry(header, &told))
    }

    fn on_battery_status(&mut self, ctx: &Context, m: &BatteryStatus) -> Result {
        let Some(told) = convert::battery(m) else { return Ok(()) };
        self.counts.batteries += 1;
        let header = Header { stamp: ctx.now().to_msg(), frame_id: "base_link".into() };
        self.battery.send(ctx, battery_state(header, &told))
    }

    fn on_vehicle_status(&mut self, ctx: &Context, m: &VehicleStatus) -> Result {
        if self.heard.is_none() {
            tracing::info!(node = ctx.node_name(), "hears PX4 (system {})", m.system_id);
        }
        let vehicle = Vehicle {
            armed: m.arming_state == VehicleStatus::ARMING_STATE_ARMED,
            offboard: m.nav_state == VehicleStatus::NAVIGATION_STATE_OFFBOARD,
            failsafe: m.failsafe,
            nav_state: m.nav_state,
        };
        self.heard = Some((ctx.now().0, vehicle));
        Ok(())
    }

    /// Asks for the offboard mode, when setpoints flow and PX4 is there. Arming is the pilot's.
    fn on_take_over(&mut self, ctx: &Context, _: &TriggerRequest) -> Result<TriggerResponse> {
        let now = ctx.now().0;
        let refuse = |why: &str| Ok(TriggerResponse { success: false, message: why.into() });
        if !self.flows(now) {
            return refuse(
                "no fresh setpoint: PX4 would fail safe at once; publish certified setpoints first",
            );
        }
        if self.present(now).is_none() {
            return refuse("no vehicle_status of PX4 for 3 s; is the uXRCE-DDS agent running?");
        }
        self.counts.take_overs += 1;
        self.command.send(ctx, convert::take_over(self.params.target_system as u8, microseconds(now)))?;
        Ok(TriggerResponse { success: true, message: "offboard mode was asked for".into() })
    }

    fn flows(&self, now: i64) -> bool {
        self.gate.silence(now).is_some_and(|s| s <= self.params.setpoint_timeout_s)
    }

    fn present(&self, now: i64) -> Option<Vehicle> {
        self.heard.filter(|(at, _)| now.saturating_sub(*at) < SILENCE).map(|(_, vehicle)| vehicle)
    }

    fn on_status(&mut self, ctx: &Context) -> Result {
        let header = Header { stamp: ctx.now().to_msg(), frame_id: String::new() };
        let status = self.diagnose(ctx);
        self.status.send(ctx, DiagnosticArray { header, status: vec![status] })
    }

    fn diagnose(&self, ctx: &Context) -> DiagnosticStatus {
        let now = ctx.now().0;
        let vehicle = self.present(now);
        let (level, word) = match (vehicle, self.flows(now)) {
            (None, _) => (DiagnosticStatus::ERROR, "no vehicle_status of PX4 for 3 s"),
            (Some(v), _) if v.failsafe => (DiagnosticStatus::WARN, "PX4 is in a fail-safe"),
            (Some(_), false) => (DiagnosticStatus::WARN, "no fresh setpoint: PX4 is told nothing"),
            (Some(_), true) => (DiagnosticStatus::OK, "setpoints are sent"),
        };
        let pair = |key: &str, value: String| KeyValue { key: key.into(), value };
        let known = |f: fn(&Vehicle) -> String| vehicle.as_ref().map_or_else(|| "unknown".into(), f);
        let told = &self.counts;
        let mut values = vec![
            pair("armed", known(|v| v.armed.to_string())),
            pair("offboard", known(|v| v.offboard.to_string())),
            pair("failsafe", known(|v| v.failsafe.to_string())),
            pair("nav_state", known(|v| v.nav_state.to_string())),
            pair(
                "setpoint_silence_s",
                self.gate.silence(now).map_or_else(|| "never".into(), |s| format!("{s:.3}")),
            ),
        ];
        let counts = [
            ("setpoints_sent", told.setpoints),
            ("scans_sent", told.scans),
            ("odometry_heard", told.odometry_in),
            ("odometry_sent", told.odometry_out),
            ("odometry_resets", u64::from(self.estimator.count())),
            ("bad_scans", told.bad_scans),
            ("bad_odometry", told.bad_odometry),
            ("odometry_of_another_clock", told.other_clock),
            ("batteries_heard", told.batteries),
            ("take_overs", told.take_overs),
        ];
        values.extend(counts.map(|(key, n)| pair(key, n.to_string())));
        let refused = Refusal::ALL.map(|why| (why, self.gate.refused(why)));
        let shown = refused.iter().filter(|(_, n)| *n > 0);
        values.extend(shown.map(|(why, n)| pair(&format!("refused: {}", why.reason()), n.to_string())));
        DiagnosticStatus {
            level,
            name: ctx.node_name().into(),
            message: word.into(),
            hardware_id: String::new(),
            values,
        }
    }
}

export_node!(Px4Node);
