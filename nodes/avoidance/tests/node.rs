//! The node in an application, in lockstep: a small world publishes what a simulator would, and obeys `cmd_vel`.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue, RunReport};
use peregrine_avoidance::AvoidanceNode;
use peregrine_avoidance::algo::config::Config;
use peregrine_avoidance::algo::geometry::{Quat, Vec3};
use peregrine_msgs::diagnostic_msgs::DiagnosticArray;
use peregrine_msgs::geometry_msgs::{PoseStamped, TwistStamped};
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_msgs::sensor_msgs::{CameraInfo, LaserScan, PointCloud2, PointField};
use peregrine_msgs::tracks::{TrackVelocity, write_velocities};
use peregrine_msgs::vision_msgs::{
    Detection2D, Detection2DArray, Detection3D, Detection3DArray, ObjectHypothesisWithPose,
};
use peregrine_msgs::visualization_msgs::MarkerArray;
use support::flight::{FRAME, Flight, Truth};
use support::world::World as Trees;

#[derive(Default)]
struct Seen {
    states: Vec<String>,
    /// (time, position, speed) per frame.
    track: Vec<(f64, Vec3, f64)>,
    collided: bool,
    /// Least distance to the walker's middle, m.
    walker: f64,
    strange_tracks: String,
    /// Ages of detections and tracks as the node told them last.
    ages: [f64; 2],
    /// Bins of `avoidance/obstacles` that told a distance, and those that told "nothing".
    bins: (usize, usize),
    /// Names of markers that were ever shown.
    markers: std::collections::BTreeSet<String>,
}

#[derive(Clone, Copy, Default)]
struct Plan {
    /// No depth image after this, s.
    depth_ends: Option<f64>,
    /// Every depth image has an encoding that is none of depth, after this, s.
    nonsense_from: Option<f64>,
    /// Neither detections nor tracks after this, s: who tells them has died.
    detector_ends: Option<f64>,
    goal: Option<Vec3>,
    /// The frame that the goal names.
    goal_frame: Option<&'static str>,
    seconds: f64,
    /// Somebody whom depth does not show crosses the way; the frame that the tracker says.
    walker: Option<&'static str>,
    /// The sensor that sees instead of the depth camera: scan or points.
    lidar: Option<&'static str>,
}

impl Plan {
    /// Where the walker is at `time` (s), and how fast: the vehicle meets it when both fly and walk on.
    fn walker_at(time: f64) -> (Vec3, Vec3) {
        let velocity = Vec3::new(0.0, 1.5, 0.0);
        (Vec3::new(12.0, -6.3, 1.6) + velocity * time, velocity)
    }
}

struct World {
    flight: Flight,
    frame: u64,
    plan: Plan,
    images: FramePublisher,
    info: Publisher<CameraInfo>,
    colour_info: Publisher<CameraInfo>,
    odometry: Publisher<Odometry>,
    detections: Publisher<Detection2DArray>,
    goal: Publisher<PoseStamped>,
    tracks: Publisher<Detection3DArray>,
    velocities: Publisher<PointCloud2>,
    scan: Publisher<LaserScan>,
    points: Publisher<PointCloud2>,
    seen: Arc<Mutex<Seen>>,
}

impl Node for World {
    const NAME: &'static str = "world";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.drive_clock(Self::step)?;
        setup.subscribe("cmd_vel", Qos::Reliable, |world: &mut Self, _: &Context, m: &TwistStamped| {
            assert_eq!(m.header.frame_id, "base_link");
            let v = Vec3::new(m.twist.linear.x, m.twist.linear.y, m.twist.linear.z);
            let at = world.flight.time + 0.03;
            world.flight.pending.push_back((at, v, m.twist.angular.z));
            Ok(())
        })?;
        setup.subscribe(
            "avoidance/status",
            Qos::Reliable,
            |world: &mut Self, _: &Context, m: &DiagnosticArray| {
                let status = &m.status[0];
                let reason = status.values.iter().find(|v| v.key == "reason").unwrap();
                let text = format!("{} {}", status.message, reason.value);
                let mut seen = world.seen.lock().unwrap();
                if seen.states.last() != Some(&text) {
                    seen.states.push(text);
                }
                let value = |key: &str| status.values.iter().find(|v| v.key == key).unwrap().value.clone();
                assert_eq!(value("cycle_ms"), "NaN", "wall time would make the same flight other bytes");
                seen.strange_tracks = value("strange_tracks");
                seen.ages = ["detections_age_s", "tracks_age_s"].map(|key| value(key).parse().unwrap());
                Ok(())
            },
        )?;
        setup.subscribe(
            "avoidance/obstacles",
            Qos::Sensor,
            |world: &mut Self, _: &Context, m: &LaserScan| {
                assert_eq!((m.ranges.len(), m.header.frame_id.as_str()), (72, "base_link"));
                let mut seen = world.seen.lock().unwrap();
                seen.bins.0 += m.ranges.iter().filter(|r| r.is_finite()).count();
                seen.bins.1 += m.ranges.iter().filter(|r| **r == f32::INFINITY).count();
                Ok(())
            },
        )?;
        setup.subscribe(
            "avoidance/markers",
            Qos::Reliable,
            |world: &mut Self, _: &Context, m: &MarkerArray| {
                let shown = m.markers.iter().filter(|m| !m.points.is_empty()).map(|m| m.ns.to_string());
                world.seen.lock().unwrap().markers.extend(shown);
                Ok(())
            },
        )?;
        let trees = Trees::forest(4, 0.04, 30.0, 12.0, 0.3);
        let start = Vec3::new(0.0, 0.0, 2.0);
        let (plan, seen) = (setup.extension::<Plan>().unwrap(), setup.extension().unwrap());
        Ok(Self {
            flight: Flight::new(trees, Truth::NOMINAL, Config::default(), start, 0.0, 4),
            frame: 0,
            plan: *plan,
            images: setup.publish_frames("depth/image_raw", FrameSlots { slots: 6, bytes: 320 * 240 * 4 })?,
            info: setup.publish("depth/camera_info", Qos::Sensor)?,
            colour_info: setup.publish("camera/camera_info", Qos::Sensor)?,
            odometry: setup.publish("odom", Qos::Sensor)?,
            detections: setup.publish("detections", Qos::Sensor)?,
            goal: setup.publish("goal", Qos::Latched)?,
            tracks: setup.publish("tracks", Qos::Sensor)?,
            velocities: setup.publish("tracks/velocities", Qos::Sensor)?,
            scan: setup.publish("scan", Qos::Sensor)?,
            points: setup.publish("points", Qos::Sensor)?,
            seen,
        })
    }
}

impl World {
    fn step(&mut self, ctx: &Context) -> Result<Advance> {
        let f = &mut self.flight;
        if f.time > self.plan.seconds {
            return Ok(Advance::Finished);
        }
        self.frame += 1;
        f.fly(self.frame as f64 * FRAME - f.time);
        {
            let mut seen = self.seen.lock().unwrap();
            seen.track.push((f.time, f.position, f.velocity.norm()));
            seen.collided |= f.outcome.collided;
            let walker = (Plan::walker_at(f.time).0 - f.position).norm_xy();
            seen.walker = if self.frame == 1 { walker } else { seen.walker.min(walker) };
        }
        let now = Time(f.now());
        let stamp = now.to_msg();
        let body = f.body();
        let mut odometry = Odometry::default();
        odometry.header.stamp = stamp.clone();
        odometry.header.frame_id = "odom".into();
        let p = &mut odometry.pose.pose;
        (p.position.x, p.position.y, p.position.z) = (body.position.x, body.position.y, body.position.z);
        let q = body.rotation;
        (p.orientation.w, p.orientation.x, p.orientation.y, p.orientation.z) = (q.w, q.x, q.y, q.z);
        let v = q.inverse().rotate(f.velocity);
        let l = &mut odometry.twist.twist.linear;
        (l.x, l.y, l.z) = (v.x, v.y, v.z);
        self.odometry.send(ctx, odometry)?;

        let k = f.camera.k;
        let mut info = CameraInfo { width: 320, height: 240, ..Default::default() };
        info.k = [k.fx, 0.0, k.cx, 0.0, k.fy, k.cy, 0.0, 0.0, 1.0];
        self.info.send(ctx, info.clone())?;
        self.colour_info.send(ctx, info)?;
        let mut found = Detection2DArray::default();
        found.header.stamp = stamp;
        let mut person = Detection2D::default();
        person.bbox.center.position.x = 30.0;
        person.bbox.center.position.y = 120.0;
        (person.bbox.size_x, person.bbox.size_y) = (20.0, 60.0);
        let mut result = ObjectHypothesisWithPose::default();
        result.hypothesis.class_id = "person".into();
        result.hypothesis.score = 0.9;
        person.results.push(result);
        found.detections.push(person);
        let alive = self.plan.detector_ends.is_none_or(|end| self.flight.time < end);
        if alive {
            self.detections.send(ctx, found)?;
        }
        if let (1, Some(at)) = (self.frame, self.plan.goal) {
            let mut goal = PoseStamped::default();
            (goal.pose.position.x, goal.pose.position.y, goal.pose.position.z) = (at.x, at.y, at.z);
            goal.header.frame_id = self.plan.goal_frame.unwrap_or_default().into();
            self.goal.send(ctx, goal)?;
        }
        if let Some(frame) = self.plan.walker
            && self.frame.is_multiple_of(3)
            && alive
        {
            self.track(ctx, now, frame)?;
        }
        if self.plan.lidar.is_some() {
            return self.turn(ctx, now);
        }
        let f = &mut self.flight;
        if self.plan.depth_ends.is_none_or(|end| f.time < end) {
            // The mount of the node's default parameters.
            let mount = AvoidanceParamsMount::pose();
            let pose = f.body().then(&mount);
            let (camera, world) = (&mut f.camera, &f.world);
            camera.render(world, &pose, &mut support::random::Random(self.frame));
            let nonsense = self.plan.nonsense_from.is_some_and(|from| f.time >= from);
            let encoding = if nonsense { Encoding::Rgb8 } else { Encoding::Depth32 };
            if let Some(mut loan) =
                self.images.loan(&ImageSpec::packed(320, 240, encoding, "camera_optical"))?
            {
                let bytes = loan.bytes_mut();
                let length = bytes.len();
                bytes.copy_from_slice(&camera.bytes[..length]);
                loan.set_stamp(now.0);
                self.images.send(ctx, loan)?;
            }
        }
        Ok(Advance::To(now))
    }
}

impl World {
    /// What a tracker would say of the walker.
    fn track(&self, ctx: &Context, now: Time, frame: &str) -> Result {
        let (at, velocity) = Plan::walker_at(self.flight.time);
        let mut found = Detection3DArray::default();
        found.header.stamp = now.to_msg();
        found.header.frame_id = frame.into();
        let mut person = Detection3D { id: "7".into(), ..Default::default() };
        let p = &mut person.bbox.center.position;
        (p.x, p.y, p.z) = (at.x, at.y, at.z);
        let size = &mut person.bbox.size;
        (size.x, size.y, size.z) = (2.0, 2.0, 2.0);
        found.detections.push(person);
        let v = [velocity.x as f32, velocity.y as f32, 0.0];
        let moving = TrackVelocity { id: 7, velocity: v, ..TrackVelocity::default() };
        self.velocities.send(ctx, write_velocities(found.header.clone(), [moving]))?;
        self.tracks.send(ctx, found)
    }

    /// One turn of a lidar in the body's middle, ten times a second.
    fn turn(&mut self, ctx: &Context, now: Time) -> Result<Advance> {
        if !self.frame.is_multiple_of(3) {
            return Ok(Advance::To(now));
        }
        let (body, trees) = (self.flight.body(), &self.flight.world);
        // Metres to the nearest trunk along a unit vector of the body's axes.
        let range = |along: Vec3| {
            let (o, d) = (body.position, body.rotation.rotate(along));
            let level = d.norm_xy();
            let hits = trees.cylinders.iter().filter_map(|c| {
                let (x, y) = (c.x - o.x, c.y - o.y);
                let along = (x * d.x + y * d.y) / level;
                let beside = x * x + y * y - along * along;
                (along > 0.0 && beside < c.radius * c.radius)
                    .then(|| (along - (c.radius * c.radius - beside).sqrt()) / level)
            });
            hits.fold(f64::INFINITY, f64::min)
        };
        if self.plan.lidar == Some("scan") {
            let mut scan = LaserScan { range_min: 0.1, range_max: 20.0, ..Default::default() };
            scan.header.stamp = now.to_msg();
            scan.angle_increment = 0.75_f32.to_radians();
            let angle = |i: u32| f64::from(i) * 0.75_f64.to_radians();
            scan.ranges = (0..480)
                .map(|i| range(Vec3::new(angle(i).cos(), angle(i).sin(), 0.0)))
                .map(|r| if r < 20.0 { r as f32 } else { f32::INFINITY })
                .collect();
            self.scan.send(ctx, scan)?;
            return Ok(Advance::To(now));
        }
        let mut data = Vec::new();
        for row in 0..16 {
            let (up, level) = (-0.5 + f64::from(row) / 15.0_f64).sin_cos();
            for i in 0..480 {
                let (sin, cos) = (f64::from(i) * 0.75_f64.to_radians()).sin_cos();
                let along = Vec3::new(cos * level, sin * level, up);
                let r = range(along);
                if r < 20.0 {
                    for d in [along.x, along.y, along.z] {
                        data.extend_from_slice(&((r * d) as f32).to_le_bytes());
                    }
                }
            }
        }
        let field = |(name, offset): (&str, u32)| PointField {
            name: name.into(),
            offset,
            datatype: PointField::FLOAT32,
            count: 1,
        };
        let width = (data.len() / 12) as u32;
        let mut cloud =
            PointCloud2 { width, height: 1, point_step: 12, row_step: 12 * width, ..Default::default() };
        cloud.header.stamp = now.to_msg();
        (cloud.fields, cloud.data) = ([("x", 0), ("y", 4), ("z", 8)].map(field).into(), data);
        self.points.send(ctx, cloud)?;
        Ok(Advance::To(now))
    }
}

struct AvoidanceParamsMount;
impl AvoidanceParamsMount {
    fn pose() -> peregrine_avoidance::algo::geometry::Pose {
        peregrine_avoidance::algo::geometry::Pose {
            position: Vec3::new(0.12, 0.0, 0.03),
            rotation: Quat::FLU_FROM_OPTICAL,
        }
    }
}

fn run(plan: Plan, threads: usize) -> (RunReport, Arc<Mutex<Seen>>) {
    run_with(plan, threads, &[])
}

fn run_with(plan: Plan, threads: usize, params: &[(&str, ParamValue)]) -> (RunReport, Arc<Mutex<Seen>>) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut app = App::new(Mode::Lockstep { threads });
    app.log_topics(true).extend(seen.clone()).extend(Arc::new(plan));
    app.add(NodeFactory::of::<World>(), NodeSpec::new("world")).unwrap();
    let spec = params.iter().fold(NodeSpec::new("avoidance"), |s, (k, v)| s.with_param(k, v.clone()));
    app.add(NodeFactory::of::<AvoidanceNode>(), spec).unwrap();
    (app.run().unwrap(), seen)
}

const GOAL: Vec3 = Vec3::new(30.0, 0.0, 2.0);

#[test]
fn it_flies_to_the_goal_and_repeats_bit_for_bit() {
    let plan = Plan { goal: Some(GOAL), seconds: 14.0, ..Plan::default() };
    let (report, seen) = run(plan, 1);
    let seen = seen.lock().unwrap();
    println!("{:?}", seen.states);
    assert!(!seen.collided);
    assert!(seen.states.iter().any(|s| s.starts_with("CRUISE")));
    assert!(seen.states.last().unwrap().starts_with("GOAL_REACHED"), "{:?}", seen.track.last());
    assert!(report.nodes.iter().all(|n| n.errors == 0), "{:?}", report.nodes);
    let shown: Vec<&str> = seen.markers.iter().map(String::as_str).collect();
    assert_eq!(shown, ["certified", "goal", "leg", "obstacles"]);
    assert!(seen.bins.0 > 100 && seen.bins.1 > 100, "{:?}", seen.bins);
    assert_eq!(report.topic_log_sha256, run(plan, 2).0.topic_log_sha256);
}

#[test]
fn it_gives_way_to_a_track_that_depth_does_not_show() {
    let flight = |frame| {
        let plan = Plan { goal: Some(GOAL), seconds: 9.0, walker: Some(frame), ..Plan::default() };
        let (report, seen) = run(plan, 1);
        assert!(report.nodes.iter().all(|n| n.errors == 0), "{:?}", report.nodes);
        let seen = seen.lock().unwrap();
        println!("tracks in {frame}: {:.2} m; {:?}", seen.walker, seen.states);
        assert!(!seen.collided && seen.track.last().unwrap().1.x > 15.0, "{:?}", seen.track.last());
        (seen.walker, seen.strange_tracks.clone(), seen.markers.contains("tracks"))
    };
    let (heeded, none, shown) = flight("odom");
    assert!(heeded > 1.0 + 0.25 && none == "0" && shown, "{heeded}");
    // The same flight without: it meets the walker, or the test would prove nothing.
    let (ignored, some, _) = flight("map");
    assert!(ignored < 1.0 + 0.25 && some != "0", "{ignored} {some}");
}

#[test]
fn a_detector_that_dies_leaves_depth_to_bind() {
    // It dies in full flight, with somebody under way who is never told again.
    let goal = Some(GOAL);
    let plan =
        Plan { goal, seconds: 14.0, walker: Some("odom"), detector_ends: Some(2.0), ..Plan::default() };
    let (report, seen) = run(plan, 1);
    let seen = seen.lock().unwrap();
    println!("{:?} {:?}", seen.states, seen.ages);
    assert!(report.nodes.iter().all(|n| n.errors == 0), "{:?}", report.nodes);
    assert!(seen.track.iter().any(|t| t.0 < 2.0 && t.2 > 2.0), "it was in full flight");
    assert!(!seen.collided && seen.states.last().unwrap().starts_with("GOAL_REACHED"));
    assert!(seen.ages.iter().all(|age| *age > 5.0), "said, for whoever looks: {:?}", seen.ages);
    // Who left the view is carried on for a while: the walker is met by then.
    assert!(seen.walker > 1.0 + 0.25, "{}", seen.walker);
}

#[test]
fn a_lidar_alone_leads_through_the_forest() {
    let names = |list: &[&str]| ParamValue::StringArray(list.iter().map(|s| (*s).into()).collect());
    let scan = [("sensors", names(&["scan"])), ("scan_reach_m", ParamValue::Double(3.0))];
    let points = [
        ("sensors", names(&["points"])),
        ("points_elevation_rad", ParamValue::DoubleArray(vec![-0.5, 0.5])),
        ("points_silence_is_free", ParamValue::Bool(true)),
    ];
    for (kind, params) in [("scan", &scan[..]), ("points", &points[..])] {
        let plan = Plan { goal: Some(GOAL), seconds: 22.0, lidar: Some(kind), ..Plan::default() };
        let (report, seen) = run_with(plan, 1, params);
        let seen = seen.lock().unwrap();
        println!("{kind}: {:?} {:?}", seen.states, seen.track.last());
        assert!(report.nodes.iter().all(|n| n.errors == 0), "{:?}", report.nodes);
        assert!(!seen.collided && seen.states.last().unwrap().starts_with("GOAL_REACHED"), "{kind}");
        assert!(seen.track.iter().any(|t| t.2 > 2.0), "{kind}: it flew at all");
    }
}

#[test]
fn a_sensor_that_is_named_and_silent_stops_it() {
    let both = ParamValue::StringArray(vec!["depth".into(), "scan".into()]);
    let plan = Plan { goal: Some(GOAL), seconds: 2.0, ..Plan::default() };
    let (_, seen) = run_with(plan, 1, &[("sensors", both)]);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.states.last().unwrap(), "INPUT_STALE no laser scan yet");
    assert!(seen.track.last().unwrap().2 < 0.05);
}

#[test]
fn without_depth_the_watchdog_stops_it() {
    let plan = Plan { goal: Some(GOAL), seconds: 6.0, depth_ends: Some(3.0), ..Plan::default() };
    let (_, seen) = run(plan, 1);
    let seen = seen.lock().unwrap();
    let fast = seen.track.iter().find(|t| t.0 > 2.9).unwrap();
    let last = seen.track.last().unwrap();
    println!("{:.2} m/s, then {:.2} m to rest; {:?}", fast.2, (last.1 - fast.1).norm(), seen.states);
    assert!(fast.2 > 2.0 && last.2 < 0.05 && !seen.collided);
    assert_eq!(seen.states.last().unwrap(), "INPUT_STALE depth image too old");
}

#[test]
fn images_that_are_no_depth_stop_it() {
    let plan = Plan { goal: Some(GOAL), seconds: 6.0, nonsense_from: Some(3.0), ..Plan::default() };
    let (_, seen) = run(plan, 1);
    let seen = seen.lock().unwrap();
    assert!(seen.track.last().unwrap().2 < 0.05 && !seen.collided);
    assert_eq!(seen.states.last().unwrap(), "INPUT_STALE depth image too old");
}

#[test]
fn without_a_goal_it_hovers() {
    let (_, seen) = run(Plan { seconds: 2.0, ..Plan::default() }, 1);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.states.last().unwrap(), "HOVER no goal yet");
    assert!(seen.track.iter().all(|t| t.2 < 1e-6));
}

#[test]
fn a_goal_of_another_frame_is_no_goal() {
    for (frame, flies) in [("odom", true), ("map", false)] {
        let plan = Plan { goal: Some(GOAL), goal_frame: Some(frame), seconds: 3.0, ..Plan::default() };
        let (_, seen) = run(plan, 1);
        let seen = seen.lock().unwrap();
        assert_eq!(seen.track.iter().any(|t| t.2 > 1.0), flies, "{frame}: {:?}", seen.states);
        assert!(flies || seen.states.last().unwrap() == "HOVER no goal yet", "{:?}", seen.states);
    }
}

#[test]
fn the_fence_on_the_ground_holds() {
    // The goal lies 10 m beyond it.
    let fence = [("fence_high_m", ParamValue::DoubleArray(vec![20.0, 5.0]))];
    let plan = Plan { goal: Some(GOAL), seconds: 12.0, ..Plan::default() };
    let (_, seen) = run_with(plan, 1, &fence);
    let seen = seen.lock().unwrap();
    let farthest = seen.track.iter().map(|t| t.1.x).fold(0.0, f64::max);
    println!("{farthest:.2} m; {:?}", seen.states);
    assert!(!seen.collided && (17.0..20.3).contains(&farthest), "{farthest}");
    assert!(seen.track.iter().all(|t| t.1.y < 5.3));
}

#[test]
fn bad_parameters_are_refused_by_name() {
    let refusal = |key: &str, value: ParamValue| {
        let mut app = App::new(Mode::Lockstep { threads: 1 });
        let spec = NodeSpec::new("avoidance").with_param(key, value);
        app.add(NodeFactory::of::<AvoidanceNode>(), spec).map(|_| ()).unwrap_err().to_string()
    };
    let e = refusal("camera_pose", ParamValue::DoubleArray(vec![0.0; 5]));
    assert!(e.contains("PG-0703") && e.contains("camera_pose"), "{e}");
    let e = refusal("class_margins", ParamValue::StringArray(vec!["person".into()]));
    assert!(e.contains("PG-0704"), "{e}");
    let e = refusal("command_frame", ParamValue::String("earth".into()));
    assert!(e.contains("PG-0705") && e.contains("heading"), "{e}");
    let e = refusal("sensors", ParamValue::StringArray(vec!["sonar".into()]));
    assert!(e.contains("PG-0705") && e.contains("depth, scan, points"), "{e}");
    let e = refusal("sensors", ParamValue::StringArray(vec![]));
    assert!(e.contains("PG-0708"), "{e}");
    let e = refusal("points_elevation_rad", ParamValue::DoubleArray(vec![0.3]));
    assert!(e.contains("PG-0703"), "{e}");
    let e = refusal("fence_low_m", ParamValue::DoubleArray(vec![0.0]));
    assert!(e.contains("PG-0703") && e.contains("fence_low_m"), "{e}");
    let e = refusal("fence_low_m", ParamValue::DoubleArray(vec![0.0, 20000.0]));
    assert!(e.contains("PG-0702"), "{e}");
    let e = refusal("altitude_min_m", ParamValue::Double(9.0));
    assert!(e.contains("PG-0702"), "{e}");
    let e = refusal("cruise_mps", ParamValue::Double(99.0));
    assert!(e.contains("PG-0203"), "{e}");
}

#[test]
fn the_shipped_parameter_file_names_every_parameter_and_its_default() {
    use peregrine::{ParamMap, Params};
    let text = include_str!("../params.yaml");
    let defaults =
        peregrine_avoidance::params::AvoidanceParams::from_map("/a", "a", &ParamMap::default()).unwrap();
    let shown = format!("{defaults:?}");
    let body = shown.split_once('{').unwrap().1;
    for line in text.lines().filter(|l| l.starts_with("    ") && !l.trim().starts_with("#")) {
        let (key, rest) = line.trim().split_once(": ").unwrap();
        let value = rest.split(" #").next().unwrap().trim();
        let quoted = value.replace(", ", ",").replace(' ', "");
        let at = body.find(&format!(" {key}: ")).unwrap_or_else(|| panic!("{key} is no parameter"));
        let given = body[at..].split_once(": ").unwrap().1.replace(", ", ",").replace('"', "");
        assert!(given.starts_with(&quoted), "{key}: {value} in params.yaml, {} in code", &given[..20]);
    }
    for key in body.match_indices(": ").map(|(at, _)| body[..at].rsplit([' ', '{']).next().unwrap()) {
        assert!(text.contains(&format!("    {key}: ")), "{key} is missing in params.yaml");
    }
}
