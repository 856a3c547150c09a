//! The launch file for a real vehicle: what is wired to what, and that every parameter of its file meets a node.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use peregrine_launch::{LaunchOptions, LaunchPlan, PlannedNode, ROBOT_XML, Share, plan_file};
use serde_json::json;

fn robot(arguments: &[(&str, &str)]) -> LaunchPlan {
    let share = Share::embedded();
    let options = arguments
        .iter()
        .fold(LaunchOptions::new(&share), |options, (name, value)| options.argument(name, value));
    plan_file(ROBOT_XML, &options).unwrap()
}

fn node<'a>(plan: &'a LaunchPlan, name: &str) -> &'a PlannedNode {
    plan.nodes.iter().find(|node| node.full_name() == name).unwrap()
}

fn remapped<'a>(node: &'a PlannedNode, from: &str) -> Option<&'a str> {
    node.remaps.iter().find(|(name, _)| name == from).map(|(_, to)| to.as_str())
}

#[test]
fn commands_go_through_the_filter_and_odometry_comes_from_the_autopilot() {
    let plan = robot(&[]);
    assert_eq!(plan.warnings, Vec::<String>::new());
    let names: Vec<_> = plan.nodes.iter().map(PlannedNode::full_name).collect();
    let expected =
        ["camera", "depth_camera", "detector", "tracker", "avoidance", "safety_filter", "autopilot"];
    assert_eq!(names, expected.map(|name| format!("/{name}")));
    for name in ["/tracker", "/avoidance", "/safety_filter"] {
        assert_eq!(remapped(node(&plan, name), "odom"), Some("autopilot/odom"), "{name}");
    }
    // Nothing but the filter publishes what the autopilot reads.
    assert_eq!(remapped(node(&plan, "/avoidance"), "cmd_vel"), Some("cmd_vel_in"));
    assert_eq!(remapped(node(&plan, "/safety_filter"), "cmd_vel"), None);
    assert_eq!(remapped(node(&plan, "/autopilot"), "cmd_vel"), None);
    assert_eq!(remapped(node(&plan, "/autopilot"), "scan"), Some("safety_filter/obstacles"));
    assert_eq!(remapped(node(&plan, "/safety_filter"), "battery_state"), Some("autopilot/battery"));
    assert_eq!(remapped(node(&plan, "/safety_filter"), "odom_resets"), Some("autopilot/odom_resets"));
    // The planner may end without taking the filter along.
    let units = plan.units();
    assert_eq!((plan.containers.len(), units.len()), (2, 2));
    assert!(plan.containers[1].process.on_exit_shutdown && !plan.containers[0].process.on_exit_shutdown);
}

/// PX4 over its own topics takes the place of MAVLink, behind the same filter.
#[test]
fn px4_is_wired_as_the_autopilot_is() {
    let plan = robot(&[("autopilot", "px4"), ("namespace", "uav1")]);
    assert_eq!(plan.warnings, Vec::<String>::new());
    assert_eq!(plan.nodes.len(), 7);
    // Under the same name, so that the parameter file and the topics serve either.
    let px4 = node(&plan, "/uav1/autopilot");
    assert_eq!(px4.kind_name(), "px4");
    assert_eq!(remapped(px4, "scan"), Some("safety_filter/obstacles"));
    assert_eq!((remapped(px4, "cmd_vel"), remapped(px4, "odom")), (None, None));
    let limit = px4.params.iter().find(|(name, _)| name == "max_speed_mps").unwrap();
    assert_eq!(limit.1, json!(5.0));
    let filter = node(&plan, "/uav1/safety_filter");
    for (from, to) in [("odom", "autopilot/odom"), ("battery_state", "autopilot/battery")] {
        assert_eq!(remapped(filter, from), Some(to));
    }
    let fence = filter.params.iter().find(|(name, _)| name == "fence_high_m").unwrap();
    assert_eq!(fence.1, json!([100.0, 100.0, 12.0]));
}

#[test]
fn the_camera_is_a_topic_or_a_device() {
    let given = |plan: &LaunchPlan, name: &str| {
        let camera = node(plan, "/uav1/camera");
        camera.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let plan = robot(&[("namespace", "uav1"), ("image", "/realsense/image")]);
    assert_eq!(given(&plan, "source"), Some(json!("topic")));
    assert_eq!(remapped(node(&plan, "/uav1/camera"), "image_in"), Some("/realsense/image"));
    let plan = robot(&[
        ("namespace", "uav1"),
        ("camera", "v4l"),
        ("device", "/dev/video2"),
        ("calibration", "file:///etc/front.yaml"),
        ("link", "serial:/dev/ttyTHS1:921600"),
    ]);
    assert_eq!(plan.nodes.len(), 7);
    assert_eq!(given(&plan, "source"), Some(json!("v4l")));
    assert_eq!(given(&plan, "path"), Some(json!("/dev/video2")));
    assert_eq!(given(&plan, "camera_info_url"), Some(json!("file:///etc/front.yaml")));
    assert_eq!(remapped(node(&plan, "/uav1/camera"), "image_in"), None);
    let link = node(&plan, "/uav1/autopilot").params.iter().find(|(name, _)| name == "link").unwrap();
    assert_eq!(link.1, json!("serial:/dev/ttyTHS1:921600"));
    // The poses of the parameter file reach the nodes in any namespace.
    for name in ["tracker", "avoidance", "safety_filter"] {
        let node = node(&plan, &format!("/uav1/{name}"));
        assert!(node.params.iter().any(|(name, _)| name == "camera_pose"), "{name}");
    }
}
