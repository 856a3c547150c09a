//! The PX4 node before a played PX4: what it is told is compared after a trip through CDR, as it would leave for the agent.
//! No real PX4 and no agent took part.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, CallError, Client, Mode, NodeFactory, NodeSpec, ParamMap, ParamValue, Params};
use peregrine_autopilot::px4::Px4Node;
use peregrine_autopilot::px4::params::Px4Params;
use peregrine_msgs::diagnostic_msgs::DiagnosticArray;
use peregrine_msgs::geometry_msgs::TwistStamped;
use peregrine_msgs::px4_msgs::{
    BatteryStatus, ObstacleDistance, OffboardControlMode, TrajectorySetpoint, VehicleCommand,
    VehicleOdometry, VehicleStatus,
};
use peregrine_msgs::sensor_msgs::{BatteryState, LaserScan};
use peregrine_msgs::std_msgs::UInt32;
use peregrine_msgs::std_srvs::{Trigger, TriggerRequest, TriggerResponse};
use peregrine_msgs::{Message, cdr, nav_msgs};

const STEP: f64 = 0.02;

/// What the played PX4 and the played planner do, and when they end, seconds.
#[derive(Clone, Copy)]
struct Plan {
    setpoints_until: f64,
    odometry_until: f64,
    status: bool,
    frame: &'static str,
    seconds: f64,
    /// Asks for offboard at this time.
    take_over_at: Option<f64>,
}

const PLAN: Plan = Plan {
    setpoints_until: 2.0,
    odometry_until: 9.0,
    status: true,
    frame: "base_link",
    seconds: 5.0,
    take_over_at: None,
};

#[derive(Default)]
struct Seen {
    modes: Vec<(f64, OffboardControlMode)>,
    setpoints: Vec<(f64, TrajectorySetpoint)>,
    obstacles: Vec<ObstacleDistance>,
    commands: Vec<VehicleCommand>,
    odometry: Vec<nav_msgs::Odometry>,
    batteries: Vec<BatteryState>,
    resets: Vec<(f64, u32)>,
    answers: Vec<String>,
    words: Vec<String>,
    values: Vec<(String, String)>,
}

/// What the bytes say, not what the struct says.
fn travelled<M: Message>(m: &M) -> M {
    cdr::from_slice(&cdr::to_vec(m)).unwrap()
}

struct Peer {
    plan: Plan,
    frame: u64,
    seen: Arc<Mutex<Seen>>,
    odometry: Publisher<VehicleOdometry>,
    status: Publisher<VehicleStatus>,
    battery: Publisher<BatteryStatus>,
    stick: Publisher<TwistStamped>,
    scan: Publisher<LaserScan>,
    take_over: Option<Client<Trigger>>,
}

impl Node for Peer {
    const NAME: &'static str = "peer";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.drive_clock(Self::step)?;
        let plan = *setup.extension::<Plan>().unwrap();
        setup.subscribe("fmu/in/offboard_control_mode", Qos::Sensor, |p: &mut Self, ctx: &Context, m| {
            p.seen.lock().unwrap().modes.push((ctx.now().as_secs_f64(), travelled::<OffboardControlMode>(m)));
            Ok(())
        })?;
        setup.subscribe("fmu/in/trajectory_setpoint", Qos::Sensor, |p: &mut Self, ctx: &Context, m| {
            p.seen
                .lock()
                .unwrap()
                .setpoints
                .push((ctx.now().as_secs_f64(), travelled::<TrajectorySetpoint>(m)));
            Ok(())
        })?;
        setup.subscribe("fmu/in/obstacle_distance", Qos::Sensor, |p: &mut Self, _: &Context, m| {
            p.seen.lock().unwrap().obstacles.push(travelled::<ObstacleDistance>(m));
            Ok(())
        })?;
        setup.subscribe("fmu/in/vehicle_command", Qos::Sensor, |p: &mut Self, _: &Context, m| {
            p.seen.lock().unwrap().commands.push(travelled::<VehicleCommand>(m));
            Ok(())
        })?;
        setup.subscribe(
            "autopilot/odom",
            Qos::Sensor,
            |p: &mut Self, _: &Context, m: &nav_msgs::Odometry| {
                p.seen.lock().unwrap().odometry.push(m.clone());
                Ok(())
            },
        )?;
        setup.subscribe(
            "autopilot/battery",
            Qos::Sensor,
            |p: &mut Self, _: &Context, m: &BatteryState| {
                p.seen.lock().unwrap().batteries.push(m.clone());
                Ok(())
            },
        )?;
        setup.subscribe(
            "autopilot/odom_resets",
            Qos::Latched,
            |p: &mut Self, ctx: &Context, m: &UInt32| {
                p.seen.lock().unwrap().resets.push((ctx.now().as_secs_f64(), m.data));
                Ok(())
            },
        )?;
        setup.subscribe("px4/status", Qos::Reliable, |p: &mut Self, _: &Context, m: &DiagnosticArray| {
            let mut seen = p.seen.lock().unwrap();
            seen.words.push(m.status[0].message.to_string());
            seen.values =
                m.status[0].values.iter().map(|v| (v.key.to_string(), v.value.to_string())).collect();
            Ok(())
        })?;
        let take_over = match plan.take_over_at {
            Some(_) => Some(setup.client::<Trigger>("/px4/take_over", Self::on_answer)?),
            None => None,
        };
        Ok(Self {
            plan,
            frame: 0,
            seen: setup.extension().unwrap(),
            odometry: setup.publish("fmu/out/vehicle_odometry", Qos::Sensor)?,
            status: setup.publish("fmu/out/vehicle_status_v1", Qos::Sensor)?,
            battery: setup.publish("fmu/out/battery_status", Qos::Sensor)?,
            stick: setup.publish("cmd_vel", Qos::Reliable)?,
            scan: setup.publish("scan", Qos::Sensor)?,
            take_over,
        })
    }
}

impl Peer {
    fn on_answer(
        &mut self,
        _: &Context,
        _: i64,
        outcome: std::result::Result<&TriggerResponse, &CallError>,
    ) -> Result {
        let text = outcome.map_or_else(ToString::to_string, |r| format!("{} {}", r.success, r.message));
        self.seen.lock().unwrap().answers.push(text);
        Ok(())
    }

    fn step(&mut self, ctx: &Context) -> Result<Advance> {
        self.frame += 1;
        let time = self.frame as f64 * STEP;
        if time > self.plan.seconds {
            return Ok(Advance::Finished);
        }
        let now = Time((time * 1e9).round() as i64);
        let stamp = (now.0 / 1000) as u64;
        if time < self.plan.odometry_until {
            // Looks east, 3 m north and 5 m up, and flies east at 1 m/s.
            let h = std::f32::consts::FRAC_1_SQRT_2;
            let told = VehicleOdometry {
                timestamp: stamp,
                timestamp_sample: stamp,
                pose_frame: VehicleOdometry::POSE_FRAME_NED,
                position: [3.0, 0.0, -5.0],
                q: [h, 0.0, 0.0, h],
                velocity_frame: VehicleOdometry::VELOCITY_FRAME_NED,
                velocity: [0.0, 1.0, 0.0],
                // The estimator begins anew after three seconds.
                reset_counter: if time < 3.0 { 255 } else { 0 },
                ..Default::default()
            };
            self.odometry.send(ctx, travelled(&told))?;
        }
        if self.plan.status && self.frame.is_multiple_of(25) {
            let told = VehicleStatus {
                arming_state: VehicleStatus::ARMING_STATE_ARMED,
                nav_state: VehicleStatus::NAVIGATION_STATE_POSCTL,
                system_id: 1,
                ..Default::default()
            };
            self.status.send(ctx, travelled(&told))?;
        }
        if self.frame.is_multiple_of(50) {
            let told = BatteryStatus {
                timestamp: stamp,
                connected: true,
                voltage_v: 14.1,
                current_a: 20.0,
                remaining: 0.12,
                ..Default::default()
            };
            self.battery.send(ctx, travelled(&told))?;
        }
        if self.frame.is_multiple_of(5) {
            let mut scan = LaserScan { range_min: 0.2, range_max: 10.0, ..Default::default() };
            scan.angle_increment = 5_f32.to_radians();
            // 90 degrees counter-clockwise: to the left.
            scan.ranges = (0..72).map(|i| if i == 18 { 2.0 } else { f32::INFINITY }).collect();
            self.scan.send(ctx, scan)?;
        }
        if time < self.plan.setpoints_until {
            let mut twist = TwistStamped::default();
            twist.header.stamp = now.to_msg();
            twist.header.frame_id = self.plan.frame.into();
            (twist.twist.linear.x, twist.twist.linear.y, twist.twist.linear.z) = (2.0, 1.0, 0.5);
            twist.twist.angular.z = 0.3;
            self.stick.send(ctx, twist)?;
        }
        if let (Some(at), Some(client)) = (self.plan.take_over_at, &self.take_over)
            && (at..at + STEP).contains(&time)
        {
            client.call(ctx, TriggerRequest::default());
        }
        Ok(Advance::To(now))
    }
}

fn run(plan: Plan, params: &[(&str, ParamValue)]) -> Seen {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.extend(seen.clone()).extend(Arc::new(plan));
    app.add(NodeFactory::of::<Peer>(), NodeSpec::new("peer")).unwrap();
    let spec = params.iter().fold(NodeSpec::new("px4"), |s, (k, v)| s.with_param(k, v.clone()));
    app.add(NodeFactory::of::<Px4Node>(), spec).unwrap();
    let report = app.run().unwrap();
    assert!(report.nodes.iter().all(|n| n.errors == 0), "{:?}", report.nodes);
    std::mem::take(&mut *seen.lock().unwrap())
}

fn value<'a>(seen: &'a Seen, key: &str) -> &'a str {
    seen.values.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v)
}

#[test]
fn setpoints_and_proof_of_life_go_together_and_end_together() {
    let seen = run(PLAN, &[]);
    assert!(seen.setpoints.len() > 90, "{}", seen.setpoints.len());
    let times = |n: usize| (seen.modes[n].0, seen.setpoints[n].0);
    assert!((0..seen.modes.len()).all(|n| times(n).0 == times(n).1));
    assert_eq!(seen.modes.len(), seen.setpoints.len());
    let last = seen.modes.last().unwrap().0;
    assert!(last < 2.05, "proof of life {last} s in, though setpoints ended at 2 s");
    assert!(seen.modes.iter().all(|(_, m)| m.velocity && !m.position && !m.attitude && m.timestamp > 0));
    // PX4 is told what stands around all the while, and the status says what is missing.
    assert!(seen.obstacles.len() > 45);
    assert!(
        seen.words[0] == "setpoints are sent" && seen.words.last().unwrap().starts_with("no fresh setpoint")
    );
    assert_eq!((value(&seen, "armed"), value(&seen, "offboard")), ("true", "false"));
}

#[test]
fn forward_of_a_vehicle_that_looks_east_is_east() {
    let seen = run(PLAN, &[]);
    let (_, s) = &seen.setpoints[10];
    let near = |a: [f32; 3], b: [f32; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    // 2 forward is east, 1 left is north, 0.5 up is -0.5 down; a turn to the left is one against the clock.
    assert!(near(s.velocity, [1.0, 2.0, -0.5]) && (s.yawspeed + 0.3).abs() < 1e-6, "{s:?}");
    assert!(s.position[0].is_nan() && s.acceleration[2].is_nan() && s.yaw.is_nan());
    // In odom's axes no heading is needed: 2 east, 1 north.
    let plan = Plan { frame: "odom", odometry_until: 0.0, ..PLAN };
    let seen = run(plan, &[]);
    assert!(near(seen.setpoints[10].1.velocity, [1.0, 2.0, -0.5]));
    // To the left is 270 degrees clockwise.
    assert_eq!((seen.obstacles[0].distances[54], seen.obstacles[0].distances[18]), (200, 1001));
    assert_eq!(seen.obstacles[0].frame, ObstacleDistance::MAV_FRAME_BODY_FRD);
}

#[test]
fn odometry_arrives_in_the_axes_of_ros() {
    let seen = run(PLAN, &[]);
    let o = &seen.odometry[5];
    let (p, v) = (&o.pose.pose.position, &o.twist.twist.linear);
    assert!((p.x, p.y, p.z) == (0.0, 3.0, 5.0), "{p:?}");
    // East is ahead.
    assert!((v.x - 1.0).abs() < 1e-5 && v.y.abs() < 1e-5, "{v:?}");
    assert!(o.pose.pose.orientation.w > 0.999, "looks east: {:?}", o.pose.pose.orientation);
    assert_eq!((o.header.frame_id.as_str(), o.child_frame_id.as_str()), ("odom", "base_link"));
}

#[test]
fn the_battery_and_the_resets_of_the_estimator_are_carried_on() {
    let seen = run(PLAN, &[]);
    let last = seen.batteries.last().unwrap();
    assert_eq!((last.percentage, last.voltage, last.current), (0.12, 14.1, -20.0));
    assert_eq!(seen.resets.iter().map(|r| r.1).collect::<Vec<_>>(), [0, 1], "{:?}", seen.resets);
    assert!((seen.resets[1].0 - 3.0).abs() < 0.1);
    assert_eq!(value(&seen, "odometry_resets"), "1");
}

#[test]
fn without_a_heading_nothing_is_told() {
    let seen = run(Plan { odometry_until: 1.0, ..PLAN }, &[]);
    let last = seen.setpoints.last().unwrap().0;
    assert!((1.0..1.3).contains(&last), "{last}");
    assert_eq!(seen.modes.len(), seen.setpoints.len());
    let refused =
        value(&seen, "refused: frame_id is base_link, and no fresh vehicle_odometry tells the heading");
    assert!(!refused.is_empty());
}

#[test]
fn it_takes_over_only_when_asked_and_only_with_setpoints() {
    let allowed = [("allow_take_over", ParamValue::Bool(true))];
    let seen = run(Plan { take_over_at: Some(1.0), ..PLAN }, &allowed);
    assert!(seen.answers.len() == 1 && seen.answers[0].starts_with("true"), "{:?}", seen.answers);
    assert_eq!((seen.commands.len(), seen.commands[0].command), (1, 176));
    let seen = run(Plan { take_over_at: Some(3.0), ..PLAN }, &allowed);
    assert!(seen.answers[0].starts_with("false no fresh setpoint") && seen.commands.is_empty());
    let seen = run(Plan { take_over_at: Some(1.0), status: false, ..PLAN }, &allowed);
    assert!(seen.answers[0].starts_with("false no vehicle_status") && seen.commands.is_empty());
    assert_eq!(seen.words.last().unwrap(), "no vehicle_status of PX4 for 3 s");
    assert!(run(PLAN, &[]).commands.is_empty(), "nobody asked");
}

#[test]
fn the_shipped_parameter_file_names_every_parameter_and_its_default() {
    let text = include_str!("../px4.params.yaml");
    let shown = format!("{:?}", Px4Params::from_map("/a", "a", &ParamMap::default()).unwrap());
    let body = shown.split_once('{').unwrap().1.replace('"', "");
    for line in text.lines().filter(|l| l.starts_with("    ") && !l.trim().starts_with('#')) {
        let (key, rest) = line.trim().split_once(": ").unwrap();
        let value = rest.split(" #").next().unwrap().trim();
        assert!(
            body.contains(&format!(" {key}: {value}")),
            "{key}: {value} is not what the code has: {body}"
        );
    }
    for (key, _) in body.split(", ").filter_map(|pair| pair.trim().split_once(": ")) {
        assert!(text.contains(&format!("    {key}: ")), "{key} is missing in px4.params.yaml");
    }
}
