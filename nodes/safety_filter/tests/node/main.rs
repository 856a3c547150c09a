//! The filter in an application, in lockstep, before a pilot who pushes the stick forward whatever happens: a wall stands
//! ahead, and one thing after the other fails. Each must end at rest (or slower, where that is the reaction), by name, with
//! nothing touched.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod world;

use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_safety_filter::SafetyFilterNode;

use world::{BODY, Fault, Plan, run, turned};

/// Runs a fault at full speed; it must end at rest, for this reason.
fn stops(fault: Fault, cause: &str) {
    stops_in(Plan { fault, seconds: 3.5, ..Plan::default() }, cause);
}

fn stops_in(plan: Plan, cause: &str) {
    let (_, seen) = run(plan, &[]);
    let before = seen.track.iter().rfind(|t| t.0 < plan.from).unwrap();
    let last = seen.track.last().unwrap();
    println!("{cause}: {:.2} m/s, then {:.2} m; {:?}", before.3, last.1 - before.1, seen.causes);
    assert!(before.3 > 3.0, "never at speed");
    assert!(last.3 < 0.05, "still {:.2} m/s", last.3);
    assert_eq!(seen.causes.last().unwrap(), cause);
    assert!(seen.counted > 10, "interventions are counted");
}

#[test]
fn in_the_open_the_stick_passes() {
    let (_, seen) = run(Plan::default(), &[]);
    assert!((seen.track.last().unwrap().3 - 5.0).abs() < 0.1, "{:?}", seen.causes);
    assert_eq!(seen.causes.last().unwrap(), "passing");
}

#[test]
fn a_stick_pushed_at_a_wall_stops_before_it() {
    for scan in [false, true] {
        let (_, seen) = run(Plan { wall: 12.0, scan, ..Plan::default() }, &[]);
        let nearest = seen.track.iter().map(|t| 12.0 - t.1 - BODY).fold(f64::INFINITY, f64::min);
        println!("wall, scan {scan}: nearest {nearest:.3} m; {:?}", seen.causes);
        assert!(nearest > 0.0 && seen.track.last().unwrap().3 < 0.1);
        assert!(seen.track.iter().any(|t| t.3 > 3.5), "it was allowed to fly at all");
        assert_eq!(seen.causes.last().unwrap(), "obstacle");
        assert!(seen.ring[0] < 1.5, "the wall is in the ring: {}", seen.ring[0]);
    }
}

#[test]
fn along_a_wall_it_slides() {
    let plan = Plan { wall: 3.0, stick: (2.0, 0.4), scan: true, seconds: 8.0, ..Plan::default() };
    let (_, seen) = run(plan, &[("blind_speed_mps", ParamValue::Double(1.0))]);
    let last = seen.track.last().unwrap();
    println!("slid {:.2} m along, {:.2} m from the wall", last.2, 3.0 - last.1 - BODY);
    assert!(last.2 > 1.2 && 3.0 - last.1 - BODY > 0.0);
}

#[test]
fn depth_that_ends_stops() {
    stops(Fault::DepthGone, "sensors_old");
}

#[test]
fn a_scanner_that_ends_freezes_or_is_covered_stops() {
    let alone = Plan { scan: true, seconds: 3.5, ..Plan::default() };
    stops_in(Plan { fault: Fault::ScanGone, ..alone }, "sensors_old");
    stops_in(Plan { fault: Fault::ScanIs(f32::NAN), ..alone }, "sensors_old");
    stops_in(Plan { fault: Fault::ScanIs(0.15), ..alone }, "obstacle");
    // The wall in view: the frozen scan would say that it stays away.
    let plan = Plan { fault: Fault::ScanFrozen, wall: 12.0, from: 1.4, scan: true, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    let last = seen.track.last().unwrap();
    assert!(12.0 - last.1 - BODY > 0.0 && last.3 < 0.1, "{last:?}");
    assert_eq!(seen.causes.last().unwrap(), "sensors_old");
}

#[test]
fn of_two_sensors_each_must_deliver() {
    let both = Plan { scan: true, both: true, seconds: 3.5, ..Plan::default() };
    for fault in [Fault::DepthGone, Fault::DepthIs(0.0), Fault::ScanGone, Fault::ScanIs(f32::NAN)] {
        stops_in(Plan { fault, ..both }, "sensors_old");
    }
    let (_, seen) = run(both, &[]);
    assert_eq!(seen.causes.last().unwrap(), "passing");
}

#[test]
fn nan_zero_and_negative_depth_stop() {
    for z in [f32::NAN, 0.0, -1.0] {
        stops(Fault::DepthIs(z), "sensors_old");
    }
}

#[test]
fn images_that_are_no_depth_stop() {
    stops(Fault::NotDepth, "sensors_old");
}

#[test]
fn saturated_depth_stops() {
    stops(Fault::DepthIs(0.1), "obstacle");
}

#[test]
fn saturated_depth_is_never_passed_through() {
    // Past the nearest surface that it sees, a vehicle would have nothing before it and be let go on.
    let plan = Plan { fault: Fault::DepthIs(0.1), stick: (8.0, 0.0), from: 2.2, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    println!("saturated at 8 m/s: {:?}", seen.causes);
    // The first command comes before the first picture, and is answered at once.
    assert_eq!(seen.causes, ["sensors_old", "passing", "obstacle"]);
}

#[test]
fn frozen_depth_stops() {
    // The wall in view: the frozen picture would say that it stays away.
    let plan = Plan { fault: Fault::DepthFrozen, wall: 12.0, from: 1.4, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    let last = seen.track.last().unwrap();
    println!("frozen: {:.2} m from the wall; {:?}", 12.0 - last.1 - BODY, seen.causes);
    assert!(12.0 - last.1 - BODY > 0.0 && last.3 < 0.1);
    assert_eq!(seen.causes.last().unwrap(), "sensors_old");
}

#[test]
fn odometry_gone_or_not_finite_stops() {
    stops(Fault::OdometryGone, "odometry_old");
    stops(Fault::OdometryNan, "odometry_old");
}

#[test]
fn jumping_odometry_stops() {
    let plan = Plan { fault: Fault::OdometryJumps, seconds: 3.5, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    println!("jumps: {:?}", seen.causes);
    assert!(seen.track.last().unwrap().3 < 0.05, "still {:.2} m/s", seen.track.last().unwrap().3);
    assert!(seen.causes.iter().any(|c| c == "sensors_old"));
}

#[test]
fn odometry_that_is_not_finite_now_and_then_is_not_believed_between() {
    let plan = Plan { fault: Fault::OdometryOftenNan, seconds: 3.5, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    println!("now and then: {:?}", seen.causes);
    assert!(seen.track.last().unwrap().3 < 0.05);
}

#[test]
fn a_clock_set_back_or_ahead_stops_and_is_survived() {
    for seconds in [-5, 5] {
        stops(Fault::Clock(seconds), "odometry_old");
        let (_, seen) = run(Plan { fault: Fault::Clock(seconds), until: 2.0, ..Plan::default() }, &[]);
        println!("{seconds} s: {:?}", seen.causes);
        assert!(seen.causes.iter().any(|c| c == "odometry_old"));
        assert_eq!(seen.causes.last().unwrap(), "passing", "it goes on when the clock is right again");
        assert!(seen.track.last().unwrap().3 > 4.5);
    }
}

#[test]
fn a_command_that_ends_or_is_not_finite_stops() {
    stops(Fault::CommandGone, "command_old");
    stops(Fault::CommandNan, "command_not_finite");
}

#[test]
fn the_battery_slows_and_stops() {
    stops(Fault::Battery(0.05), "battery_critical");
    let plan = Plan { fault: Fault::Battery(0.15), ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    assert!((seen.track.last().unwrap().3 - 1.5).abs() < 0.05);
    assert_eq!(seen.causes.last().unwrap(), "battery_low");
}

#[test]
fn a_battery_that_tells_percent_is_understood() {
    stops(Fault::Battery(5.0), "battery_critical");
    let (_, seen) = run(Plan { fault: Fault::Battery(15.0), ..Plan::default() }, &[]);
    assert!((seen.track.last().unwrap().3 - 1.5).abs() < 0.05);
    let (_, seen) = run(Plan { fault: Fault::Battery(80.0), ..Plan::default() }, &[]);
    assert_eq!(seen.causes.last().unwrap(), "passing");
}

#[test]
fn the_fence_is_kept_on_every_side() {
    let box_of = |low: [f64; 2], high: [f64; 2]| {
        let corner = |c: [f64; 2], z: f64| ParamValue::DoubleArray(vec![c[0], c[1], z]);
        [("fence_low_m", corner(low, -1.0)), ("fence_high_m", corner(high, 20.0))]
    };
    use std::f64::consts::{FRAC_PI_2, PI};
    for (yaw, axis, sign) in [(0.0, 0, 1.0), (FRAC_PI_2, 1, 1.0), (PI, 0, -1.0), (-FRAC_PI_2, 1, -1.0)] {
        let (mut low, mut high) = ([-100.0; 2], [100.0; 2]);
        if sign > 0.0 {
            high[axis] = 9.0
        } else {
            low[axis] = -9.0
        }
        let (_, seen) = run(Plan { yaw, toward: yaw, ..Plan::default() }, &box_of(low, high));
        let farthest = seen.track.iter().map(|t| sign * [t.1, t.2][axis]).fold(0.0, f64::max);
        println!("fence at 9 m toward {yaw}: farthest {farthest:.2} m; {:?}", seen.causes);
        assert!(farthest < 9.05 && farthest > 8.0);
        assert_eq!(seen.causes.last().unwrap(), "fence");
    }
}

/// The wall anywhere around, the vehicle looking at it or elsewhere, the stick pushed at it.
#[test]
fn it_stops_whichever_way_it_flies() {
    for (toward, yaw, lidar) in
        [(2.0, 2.0, false), (-2.5, 0.0, false), (1.2, 2.9, true), (3.1, -1.4, true), (-0.8, 0.9, false)]
    {
        let push = turned([5.0, 0.0], toward - yaw);
        let plan = Plan {
            wall: 12.0,
            toward,
            yaw,
            stick: (push[0], push[1]),
            scan: !lidar,
            lidar,
            ..Plan::default()
        };
        check_wall(plan, &[]);
    }
    // With a camera that looks where it flies.
    check_wall(Plan { wall: 12.0, toward: 2.2, yaw: 2.2, ..Plan::default() }, &[]);
    // Commands in odom's axes.
    let push = turned([5.0, 0.0], 1.0);
    let plan =
        Plan { wall: 12.0, toward: 1.0, yaw: -2.0, stick: (push[0], push[1]), scan: true, ..Plan::default() };
    check_wall(Plan { frame: "odom", ..plan }, &[]);
    check_wall(plan, &[("command_frame", ParamValue::String("odom".into()))]);
}

fn check_wall(plan: Plan, params: &[(&str, ParamValue)]) -> f64 {
    let (_, seen) = run(plan, params);
    let (s, c) = plan.toward.sin_cos();
    let gap = |t: &(f64, f64, f64, f64)| plan.wall - t.1 * c - t.2 * s - BODY;
    let nearest = seen.track.iter().map(gap).fold(f64::INFINITY, f64::min);
    println!("{:.1} from {:.1}: nearest {nearest:.3} m; {:?}", plan.toward, plan.yaw, seen.causes);
    assert!(nearest > 0.0 && nearest < 1.0, "{nearest}");
    assert!(seen.track.last().unwrap().3 < 0.1 && seen.track.iter().any(|t| t.3 > 3.0));
    assert_eq!(seen.causes.last().unwrap(), "obstacle");
    nearest
}

#[test]
fn odometry_that_is_slow_and_late_is_carried_on() {
    // The vehicle's own 0.2 s and not a tenth more: what odometry is late must come from the prediction.
    let measured = [("reaction_s", ParamValue::Double(0.2))];
    let plan = Plan { wall: 12.0, scan: true, ..Plan::default() };
    let prompt = check_wall(plan, &measured);
    let slow = check_wall(Plan { odometry: (6, 1), ..plan }, &measured);
    assert!(slow > prompt - 0.1, "{slow} against {prompt}");
}

#[test]
fn a_scanner_whose_nose_is_down_does_not_fly_blind() {
    for pitch in [0.09, -0.09] {
        let plan = Plan { wall: 14.0, scan: true, pitch, ..Plan::default() };
        let (_, seen) = run(plan, &[]);
        assert!(!seen.causes.iter().any(|c| c == "blind"), "{:?}", seen.causes);
        check_wall(plan, &[]);
    }
}

#[test]
fn the_ring_is_unknown_where_nobody_looked_and_when_nobody_looks() {
    let (_, seen) = run(Plan { seconds: 2.0, ..Plan::default() }, &[]);
    let clear = |n: &usize| seen.ring[*n] == f32::INFINITY;
    assert!([0, 4, 68].iter().all(clear), "{:?}", seen.ring);
    assert!(seen.ring[10..=62].iter().all(|r| r.is_nan()), "nobody looked there: {:?}", seen.ring);
    for fault in [Fault::DepthGone, Fault::OdometryGone] {
        let (_, seen) = run(Plan { fault, seconds: 2.2, ..Plan::default() }, &[]);
        assert!(seen.ring.len() == 72 && seen.ring.iter().all(|r| r.is_nan()), "{:?}", seen.ring);
    }
    let (_, seen) = run(Plan { scan: true, seconds: 2.0, ..Plan::default() }, &[]);
    assert!(seen.ring.iter().all(|r| *r == f32::INFINITY), "{:?}", seen.ring);
    // Before the first command too: a pilot in a mode of the autopilot's own needs it.
    let (_, seen) = run(Plan { fault: Fault::CommandGone, from: 0.0, seconds: 1.0, ..Plan::default() }, &[]);
    assert!(seen.commands.is_empty() && seen.ring[0] == f32::INFINITY);
    assert_eq!(seen.causes, ["no command yet"]);
}

#[test]
fn when_nothing_fresh_comes_it_stops_and_then_says_nothing_more() {
    for fault in [
        Fault::CommandGone,
        Fault::CommandRepeats,
        Fault::CommandAhead,
        Fault::CommandElsewhere,
        Fault::CommandNan,
        Fault::DepthGone,
        Fault::OdometryGone,
    ] {
        let (_, seen) = run(Plan { fault, from: 1.2, seconds: 4.0, ..Plan::default() }, &[]);
        let last = *seen.commands.last().unwrap();
        println!("silent after {:.2} s: {:?}", last - 1.2, seen.causes);
        assert!((2.1..2.75).contains(&last), "{last}");
        let stopped = seen.track.iter().find(|t| t.0 > 1.2 && t.3 < 0.05).unwrap().0;
        assert!(stopped < 3.0 && seen.track.last().unwrap().3 < 0.05, "stopped before it fell silent");
        assert_eq!(seen.value("silent"), "true");
        assert!(seen.status_at > 3.8, "the status goes on");
        // It speaks again with the next that is fresh.
        let (_, seen) = run(Plan { fault, from: 1.2, until: 3.5, seconds: 6.0, ..Plan::default() }, &[]);
        assert!(
            seen.commands.iter().any(|t| *t > 3.6) && !seen.commands.iter().any(|t| (2.8..3.4).contains(t))
        );
        assert!(seen.track.last().unwrap().3 > 4.0, "{:?}", seen.causes);
        assert_eq!(seen.value("silent"), "false");
    }
    // A wall is no silence: there it stops as long as it is asked.
    let (_, seen) = run(Plan { wall: 8.0, ..Plan::default() }, &[]);
    assert!(*seen.commands.last().unwrap() > 5.9);
}

#[test]
fn a_command_in_unknown_axes_is_not_followed_and_counted() {
    let plan = Plan { fault: Fault::CommandElsewhere, seconds: 3.0, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    assert_eq!(seen.causes.last().unwrap(), "command_old");
    assert!(seen.value("commands_in_other_frames").parse::<u64>().unwrap() > 50);
}

#[test]
fn why_a_sensor_is_not_used_is_told() {
    for (fault, count, words) in [
        (Fault::OtherInfo, "unused_other_size", "another size"),
        (Fault::NotDepth, "unused_unreadable", "32FC1"),
        (Fault::DepthIs(f32::NAN), "unused_nothing_valid", "covered"),
        (Fault::Clock(5), "unused_without_pose", "clock"),
    ] {
        let (_, seen) = run(Plan { fault, seconds: 3.0, ..Plan::default() }, &[]);
        assert!(seen.value(count).parse::<u64>().unwrap() > 3, "{count}: {:?}", seen.values);
        // Odometry of another clock comes first.
        if !matches!(fault, Fault::Clock(_)) {
            let reason = seen.value("reason");
            assert!(reason.contains("depth/image_raw") && reason.contains(words), "{reason}");
        }
    }
    let never = Plan { fault: Fault::NoInfo, from: 0.0, seconds: 1.0, ..Plan::default() };
    let (_, seen) = run(never, &[]);
    assert!(seen.value("reason").contains("camera_info") && seen.commands.len() > 20);
    assert!(seen.track.last().unwrap().3 < 0.05);
}

#[test]
fn a_reset_of_odometry_is_believed_when_it_is_told() {
    let plan = Plan { fault: Fault::OdometryReset, until: 1.7, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    println!("reset: {:?}", seen.causes);
    assert!(seen.causes.iter().any(|c| c == "sensors_old"), "{:?}", seen.causes);
    assert_eq!(seen.causes.last().unwrap(), "passing");
    assert!(seen.track.last().unwrap().3 > 4.5);
}

#[test]
fn the_same_flight_repeats_bit_for_bit() {
    let plan = Plan { wall: 9.0, seconds: 3.0, ..Plan::default() };
    assert_eq!(run(plan, &[]).0.topic_log_sha256, run(plan, &[]).0.topic_log_sha256);
}

#[test]
fn bad_parameters_are_refused_by_name() {
    let refusal = |key: &str, value: ParamValue| {
        let mut app = App::new(Mode::Lockstep { threads: 1 });
        let spec = NodeSpec::new("safety_filter").with_param(key, value);
        app.add(NodeFactory::of::<SafetyFilterNode>(), spec).map(|_| ()).unwrap_err().to_string()
    };
    let e = refusal("camera_pose", ParamValue::DoubleArray(vec![0.0; 5]));
    assert!(e.contains("PG-1702") && e.contains("camera_pose"), "{e}");
    let e = refusal("fresh_s", ParamValue::Double(1.0));
    assert!(e.contains("PG-1701") && e.contains("fresh_s"), "{e}");
    let e = refusal("command_frame", ParamValue::String("body".into()));
    assert!(e.contains("PG-1703") && e.contains("heading, odom"), "{e}");
    let e = refusal("points_elevation_rad", ParamValue::DoubleArray(vec![0.3, -0.3]));
    assert!(e.contains("PG-1701") && e.contains("points_elevation_rad"), "{e}");
    let e = refusal("fence_low_m", ParamValue::DoubleArray(vec![0.0, 0.0, 500.0]));
    assert!(e.contains("PG-1701") && e.contains("fence_low_m"), "{e}");
}

#[test]
fn the_shipped_parameter_file_names_every_parameter_and_its_default() {
    use peregrine::{ParamMap, Params};
    let text = include_str!("../../params.yaml");
    let defaults =
        peregrine_safety_filter::node::SafetyFilterParams::from_map("/s", "s", &ParamMap::default()).unwrap();
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
