//! Wiring: setpoints, scans, ranges and odometry to the autopilot; its odometry, battery and state back.

use mavlink::MavHeader;
use mavlink::dialects::common::{
    HEARTBEAT_DATA, MavAutopilot, MavMessage, MavModeFlag, MavState, MavType, TIMESYNC_DATA,
};
use nalgebra::Vector3;
use peregrine::prelude::*;
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus, KeyValue};
use peregrine_msgs::geometry_msgs::TwistStamped;
use peregrine_msgs::nav_msgs;
use peregrine_msgs::sensor_msgs::{BatteryState, LaserScan, Range};
use peregrine_msgs::std_msgs::{Header, UInt32};

use crate::algo::battery::battery;
use crate::algo::config::Config;
use crate::algo::gate::{Gate, Refusal};
use crate::algo::obstacles::obstacle_distance;
use crate::algo::odometry::{from_mavlink, to_mavlink};
use crate::algo::parts::Parts;
use crate::algo::range::{Reading, distance_sensor};
use crate::algo::requests::{Needed, Requests};
use crate::algo::resets::Resets;
use crate::algo::setpoint::{Axes, velocity_setpoint};
use crate::algo::timesync::TimeSync;
use crate::error::AutopilotError;
use crate::link::{Change, Link};
use crate::message::{bad_scan, battery_state, odometry, read_odometry, read_scan};
use crate::params::AutopilotParams;
use crate::uplink::Uplink;

/// How often the time is asked, which is also what tells a router or a simulator that we are there. It is no proof of life:
/// autopilots take only heartbeats and setpoints for that.
const TIMESYNC_PERIOD: Duration = Duration::from_secs(1);
/// How often the status is published.
const STATUS_PERIOD: Duration = Duration::from_secs(1);
/// Without a heartbeat of the autopilot for so long it counts as gone, nanoseconds.
const AUTOPILOT_TIMEOUT: i64 = 3_000_000_000;
/// What it sends unasked has come by then, nanoseconds.
const SETTLING: i64 = 1_500_000_000;

/// The bridge.
pub struct AutopilotNode {
    config: Config,
    uplink: Uplink,
    gate: Gate,
    sync: TimeSync,
    began: Option<i64>,
    autopilot: Option<Autopilot>,
    counts: Told,
    estimator: Resets,
    requests: Requests,
    parts: Parts,
    resets: Publisher<UInt32>,
    odom: Publisher<nav_msgs::Odometry>,
    battery: Publisher<BatteryState>,
    status: Publisher<DiagnosticArray>,
    /// Messages heard in a poll, until they are handled.
    heard: Vec<(MavHeader, MavMessage)>,
}

/// What the autopilot's last heartbeat said.
#[derive(Debug, Clone, Copy)]
struct Autopilot {
    kind: MavAutopilot,
    armed: bool,
    mode: u32,
    /// When it was first and last heard, ns.
    since: i64,
    at: i64,
}

/// What was told and what was not.
#[derive(Debug, Default)]
struct Told {
    setpoints: u64,
    heartbeats: u64,
    scans: u64,
    ranges: u64,
    odometry_out: u64,
    odometry_in: u64,
    bad_scans: u64,
    bad_ranges: u64,
    bad_odometry: u64,
    others: u64,
    odometry_parts: u64,
    requests: u64,
}

impl Node for AutopilotNode {
    const NAME: &'static str = "autopilot";
    type Params = AutopilotParams;

    fn configure(setup: &mut Setup<Self>, params: AutopilotParams) -> Result<Self> {
        let config = params.config().or_node()?;
        let link = Link::new(params.address().or_node()?, (params.reconnect_s * 1e9) as i64);
        setup.subscribe("cmd_vel", Qos::Reliable, Self::on_setpoint)?;
        setup.subscribe("scan", Qos::Sensor, Self::on_scan)?;
        setup.subscribe("range", Qos::Sensor, Self::on_range)?;
        if config.send_odometry {
            setup.subscribe("odom", Qos::Sensor, Self::on_odometry)?;
        }
        setup.timer(Duration::from_secs_f64(1.0 / params.poll_hz), Self::on_poll)?;
        setup.timer(TIMESYNC_PERIOD, Self::on_timesync)?;
        setup.timer(STATUS_PERIOD, Self::on_status)?;
        Ok(Self {
            uplink: Uplink::new(link, &config),
            gate: Gate::new(config.limits),
            config,
            sync: TimeSync::default(),
            began: None,
            autopilot: None,
            counts: Told::default(),
            estimator: Resets::default(),
            requests: Requests::default(),
            parts: Parts::default(),
            resets: setup.publish("autopilot/odom_resets", Qos::Latched)?,
            odom: setup.publish("autopilot/odom", Qos::Sensor)?,
            battery: setup.publish("autopilot/battery", Qos::Sensor)?,
            status: setup.publish("~/status", Qos::Reliable)?,
            heard: Vec::new(),
        })
    }
}

impl AutopilotNode {
    /// The only source of setpoints and heartbeats.
    fn on_setpoint(&mut self, ctx: &Context, m: &TwistStamped) -> Result {
        let now = ctx.now().0;
        let Some(axes) = Axes::of(&m.header.frame_id) else {
            return self.refused(ctx, Refusal::UnknownFrame, true);
        };
        let (v, yaw_rate) = (&m.twist.linear, m.twist.angular.z);
        let admitted =
            match self.gate.admit(now, Time::from_msg(&m.header.stamp).0, [v.x, v.y, v.z], yaw_rate) {
                Ok(admitted) => admitted,
                Err(why) => return self.refused(ctx, why, false),
            };
        let velocity = Vector3::new(v.x, v.y, v.z);
        let boot = self.boot_ms(now);
        let setpoint =
            velocity_setpoint(&velocity, yaw_rate, axes, self.config.world, self.config.target, boot);
        if self.send(ctx, &MavMessage::SET_POSITION_TARGET_LOCAL_NED(setpoint)) {
            self.counts.setpoints += 1;
            if admitted.heartbeat && self.send(ctx, &MavMessage::HEARTBEAT(beat())) {
                self.counts.heartbeats += 1;
            }
        }
        Ok(())
    }

    fn refused(&mut self, ctx: &Context, why: Refusal, count: bool) -> Result {
        if count {
            self.gate.refuse(why);
        }
        // The first of each kind is told; all are counted in the status.
        if self.gate.refused(why) == 1 {
            tracing::warn!(node = ctx.node_name(), "a setpoint was not sent: {}", why.reason());
        }
        Ok(())
    }

    fn on_scan(&mut self, ctx: &Context, m: &LaserScan) -> Result {
        let scan = read_scan(m, self.config.scan_yaw);
        let time = self.their_us(ctx.now().0, Time::from_msg(&m.header.stamp).0);
        match obstacle_distance(&scan, time) {
            Some(told) => {
                self.counts.scans += u64::from(self.send(ctx, &MavMessage::OBSTACLE_DISTANCE(told)))
            }
            None => {
                self.counts.bad_scans += 1;
                if self.counts.bad_scans == 1 {
                    tracing::warn!(node = ctx.node_name(), "{}", bad_scan(m));
                }
            }
        }
        Ok(())
    }

    fn on_range(&mut self, ctx: &Context, m: &Range) -> Result {
        let reading = Reading {
            field_of_view: m.field_of_view,
            min: m.min_range,
            max: m.max_range,
            range: m.range,
            ultrasound: m.radiation_type == Range::ULTRASOUND,
        };
        let boot = self.boot_ms(ctx.now().0);
        match distance_sensor(&reading, self.config.range_orientation, boot) {
            Some(told) => self.counts.ranges += u64::from(self.send(ctx, &MavMessage::DISTANCE_SENSOR(told))),
            None => {
                self.counts.bad_ranges += 1;
                if self.counts.bad_ranges == 1 {
                    let detail = format!("min {}, max {}, range {}", m.min_range, m.max_range, m.range);
                    let error = AutopilotError::Sensor { what: "Range", topic: "range", detail };
                    tracing::warn!(node = ctx.node_name(), "{error}");
                }
            }
        }
        Ok(())
    }

    fn on_odometry(&mut self, ctx: &Context, m: &nav_msgs::Odometry) -> Result {
        let Some(read) = read_odometry(m) else {
            self.counts.bad_odometry += 1;
            return Ok(());
        };
        let time = self.their_us(ctx.now().0, Time::from_msg(&m.header.stamp).0);
        let told = to_mavlink(&read, self.config.world, time, 0);
        self.counts.odometry_out += u64::from(self.send(ctx, &MavMessage::ODOMETRY(told)));
        Ok(())
    }

    fn on_poll(&mut self, ctx: &Context) -> Result {
        let now = ctx.now().0;
        let mut heard = std::mem::take(&mut self.heard);
        let change = self.uplink.poll(now, |header, message| heard.push((*header, message.clone())));
        for (header, message) in heard.drain(..) {
            self.hear(ctx, now, &header, &message)?;
        }
        self.heard = heard;
        self.changed(ctx, change);
        Ok(())
    }

    fn hear(&mut self, ctx: &Context, now: i64, header: &MavHeader, message: &MavMessage) -> Result {
        if !self.config.target.speaks(header.system_id, header.component_id) {
            self.counts.others += 1;
            return Ok(());
        }
        match message {
            MavMessage::HEARTBEAT(m) if m.autopilot != MavAutopilot::MAV_AUTOPILOT_INVALID => {
                let since = self.autopilot.map_or(now, |a| a.since);
                let armed = m.base_mode.contains(MavModeFlag::MAV_MODE_FLAG_SAFETY_ARMED);
                if self.autopilot.is_none() {
                    tracing::info!(
                        node = ctx.node_name(),
                        "hears {:?} (system {})",
                        m.autopilot,
                        header.system_id
                    );
                }
                self.autopilot =
                    Some(Autopilot { kind: m.autopilot, armed, mode: m.custom_mode, since, at: now });
            }
            MavMessage::ODOMETRY(m) => match from_mavlink(m) {
                Some((told, _)) => {
                    self.counts.odometry_in += 1;
                    self.requests.hear(Needed::Odometry, now);
                    // First, so that who reads both has forgotten what was true before the jump comes.
                    if let Some(data) = self.estimator.hear(m.reset_counter) {
                        self.resets.send(ctx, UInt32 { data })?;
                    }
                    let stamp = self.our_time(now, m.time_usec);
                    let header = Header { stamp: stamp.to_msg(), frame_id: "odom".into() };
                    self.odom.send(ctx, odometry(header, &told))?;
                }
                None => self.counts.bad_odometry += 1,
            },
            MavMessage::ATTITUDE_QUATERNION(m) => {
                self.requests.hear(Needed::Attitude, now);
                self.parts.attitude(m);
            }
            MavMessage::LOCAL_POSITION_NED(m) => {
                self.requests.hear(Needed::Position, now);
                // Two tellings of one estimate must not mix.
                if self.requests.missing(Needed::Odometry, now)
                    && let Some(told) = self.parts.position(m)
                {
                    self.counts.odometry_parts += 1;
                    let stamp = self.our_time(now, u64::from(m.time_boot_ms) * 1000);
                    let header = Header { stamp: stamp.to_msg(), frame_id: "odom".into() };
                    self.odom.send(ctx, odometry(header, &told))?;
                }
            }
            MavMessage::SYS_STATUS(m) => {
                self.requests.hear(Needed::Battery, now);
                if let Some(b) = battery(m) {
                    let header = Header { stamp: ctx.now().to_msg(), frame_id: "base_link".into() };
                    self.battery.send(ctx, battery_state(header, &b))?;
                }
            }
            MavMessage::TIMESYNC(m) if m.tc1 == 0 => {
                let answer = TIMESYNC_DATA { tc1: now, ts1: m.ts1, ..Default::default() };
                self.send(ctx, &MavMessage::TIMESYNC(answer));
            }
            MavMessage::TIMESYNC(m) => self.sync.answer(m.ts1, m.tc1, now),
            _ => {}
        }
        Ok(())
    }

    fn on_timesync(&mut self, ctx: &Context) -> Result {
        let ask = TIMESYNC_DATA { tc1: 0, ts1: ctx.now().0, ..Default::default() };
        self.send(ctx, &MavMessage::TIMESYNC(ask));
        let now = ctx.now().0;
        let settled = |a: Autopilot| {
            now.saturating_sub(a.at) < AUTOPILOT_TIMEOUT && now.saturating_sub(a.since) > SETTLING
        };
        if self.autopilot.is_some_and(settled) {
            // ArduPilot sends no odometry unasked, and ODOMETRY not at all: its parts are asked for as well.
            for request in self.requests.due(now, self.config.request_rate, self.config.target) {
                self.counts.requests += u64::from(self.send(ctx, &MavMessage::COMMAND_LONG(request)));
            }
        }
        Ok(())
    }

    fn send(&mut self, ctx: &Context, message: &MavMessage) -> bool {
        let (sent, change) = self.uplink.send(ctx.now().0, message);
        self.changed(ctx, change);
        sent
    }

    fn changed(&mut self, ctx: &Context, change: Option<Change>) {
        match change {
            Some(Change::Up) => {
                tracing::info!(node = ctx.node_name(), "link {} is up", self.uplink.link().address())
            }
            Some(Change::Down(error)) => {
                // Another autopilot, or the same with another clock, may answer next.
                (self.autopilot, self.sync) = (None, TimeSync::default());
                tracing::error!(node = ctx.node_name(), "{error}");
            }
            None => {}
        }
    }

    /// Milliseconds since the first call.
    fn boot_ms(&mut self, now: i64) -> u32 {
        let began = *self.began.get_or_insert(now);
        // Wraps after 49 days, as the autopilots' own does.
        (now.saturating_sub(began).max(0) / 1_000_000) as u32
    }

    /// A stamp in the autopilot's time, microseconds; 0, which means "on arrival", while its clock is not known.
    fn their_us(&self, now: i64, stamp: i64) -> u64 {
        let theirs = self.sync.theirs(stamp.min(now)).unwrap_or(0);
        (theirs.max(0) / 1000) as u64
    }

    /// A time of the autopilot's in ours; the present while its clock is not known, and never later than that.
    fn our_time(&self, now: i64, theirs_us: u64) -> Time {
        let theirs = i64::try_from(theirs_us).unwrap_or(i64::MAX).saturating_mul(1000);
        Time(self.sync.ours(theirs).map_or(now, |ours| ours.min(now)))
    }

    fn on_status(&mut self, ctx: &Context) -> Result {
        let now = ctx.now().0;
        let header = Header { stamp: ctx.now().to_msg(), frame_id: String::new() };
        let status = self.diagnose(ctx, now);
        self.status.send(ctx, DiagnosticArray { header, status: vec![status] })
    }

    fn diagnose(&self, ctx: &Context, now: i64) -> DiagnosticStatus {
        let heard = self.autopilot.filter(|a| now.saturating_sub(a.at) < AUTOPILOT_TIMEOUT);
        let silence = self.gate.silence(now);
        let stale = silence.is_none_or(|s| s > self.config.limits.max_age as f64 * 1e-9);
        let (level, word) = match (self.uplink.link().is_up(), heard, stale) {
            (false, _, _) => (DiagnosticStatus::ERROR, "the link is down"),
            (true, None, _) => (DiagnosticStatus::ERROR, "no heartbeat of the autopilot for 3 s"),
            (true, Some(_), true) => {
                (DiagnosticStatus::WARN, "no fresh setpoint: neither setpoints nor heartbeats are sent")
            }
            (true, Some(_), false) => (DiagnosticStatus::OK, "setpoints are sent"),
        };
        let pair = |key: &str, value: String| KeyValue { key: key.into(), value };
        let (decoded, link) = self.uplink.counts();
        let told = &self.counts;
        let mut values = vec![
            pair("link", self.uplink.link().address().to_string()),
            pair("autopilot", heard.map_or_else(|| "none".into(), |a| format!("{:?}", a.kind))),
            pair("armed", heard.map_or_else(|| "unknown".into(), |a| a.armed.to_string())),
            pair("custom_mode", heard.map_or_else(|| "unknown".into(), |a| a.mode.to_string())),
            pair("setpoint_silence_s", silence.map_or_else(|| "never".into(), |s| format!("{s:.3}"))),
            pair(
                "clock_offset_s",
                self.sync.offset().map_or_else(|| "unknown".into(), |o| format!("{:.6}", o as f64 * 1e-9)),
            ),
        ];
        let counts = [
            ("setpoints_sent", told.setpoints),
            ("heartbeats_sent", told.heartbeats),
            ("scans_sent", told.scans),
            ("ranges_sent", told.ranges),
            ("odometry_sent", told.odometry_out),
            ("odometry_heard", told.odometry_in),
            ("odometry_from_parts", told.odometry_parts),
            ("messages_asked_for", told.requests),
            ("odometry_resets", u64::from(self.estimator.count())),
            ("bad_scans", told.bad_scans),
            ("bad_ranges", told.bad_ranges),
            ("bad_odometry", told.bad_odometry),
            ("frames_sent", self.uplink.sent()),
            ("frames_not_sent", link.dropped_out),
            ("frames_heard", decoded.frames),
            ("frames_of_others", told.others),
            ("frames_lost", decoded.lost_frames),
            ("garbage_bytes", decoded.garbage_bytes),
            ("bad_checksums", decoded.bad_checksums),
            ("unknown_messages", decoded.unknown_messages),
            ("bad_payloads", decoded.bad_payloads),
            ("link_opened", link.opened),
            ("link_broken", link.broken),
            ("datagrams_of_strangers", link.strangers),
        ];
        values.extend(counts.iter().map(|(key, count)| pair(key, count.to_string())));
        let refused = Refusal::ALL.iter().filter(|why| self.gate.refused(**why) > 0);
        values.extend(refused.map(|why| {
            let key = format!("refused: {}", why.reason());
            KeyValue { key, value: self.gate.refused(*why).to_string() }
        }));
        DiagnosticStatus {
            level,
            name: ctx.node_name().into(),
            message: word.into(),
            hardware_id: self.uplink.link().address().to_string(),
            values,
        }
    }
}

/// The heartbeat of an onboard controller that flies the vehicle now.
fn beat() -> HEARTBEAT_DATA {
    HEARTBEAT_DATA {
        custom_mode: 0,
        mavtype: MavType::MAV_TYPE_ONBOARD_CONTROLLER,
        autopilot: MavAutopilot::MAV_AUTOPILOT_INVALID,
        base_mode: MavModeFlag::empty(),
        system_status: MavState::MAV_STATE_ACTIVE,
        mavlink_version: 3,
    }
}

export_node!(AutopilotNode);
