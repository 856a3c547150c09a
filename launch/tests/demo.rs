//! The shipped demo: both files mean the same, and what they mean is written down here.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use peregrine_launch::{At, DEMO_XML, DEMO_YAML, LaunchOptions, LaunchPlan, Share, plan_file};
use serde_json::{Value, json};

fn demo(path: &str, arguments: &[(&str, &str)]) -> LaunchPlan {
    let share = Share::embedded();
    let options = arguments
        .iter()
        .fold(LaunchOptions::new(&share), |options, (name, value)| options.argument(name, value));
    let mut plan = plan_file(path, &options).unwrap();
    plan.nodes.iter_mut().for_each(|node| node.at = At::start(""));
    plan.containers.iter_mut().for_each(|container| container.at = At::start(""));
    plan
}

fn param<'a>(plan: &'a LaunchPlan, node: &str, name: &str) -> Option<&'a Value> {
    let node = plan.nodes.iter().find(|planned| planned.full_name() == node).unwrap();
    node.params.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

#[test]
fn xml_and_yaml_are_the_same_flight() {
    for arguments in
        [&[][..], &[("record", "true"), ("seed", "7"), ("world", "maze.sdf"), ("backend", "tract")]]
    {
        assert_eq!(demo(DEMO_XML, arguments), demo(DEMO_YAML, arguments));
    }
    let share = Share::embedded();
    let arguments = |path: &str| {
        use peregrine_launch::{Packages, parse_text};
        parse_text(path, &share.read(path).unwrap()).unwrap().arguments()
    };
    assert_eq!(arguments(DEMO_XML), arguments(DEMO_YAML));
}

#[test]
fn the_demo_by_default() {
    let plan = demo(DEMO_XML, &[]);
    assert_eq!(plan.warnings, Vec::<String>::new());
    let nodes: Vec<_> = plan.nodes.iter().map(|node| (node.kind_name(), node.full_name())).collect();
    let expected = ["drone_sim", "camera", "depth_camera", "detector", "tracker", "avoidance"];
    let expected: Vec<_> = ["drone_sim", "camera", "camera", "detector", "tracker", "avoidance"]
        .into_iter()
        .zip(expected.map(|name| format!("/{name}")))
        .collect();
    assert_eq!(nodes, expected);
    assert_eq!(param(&plan, "/drone_sim", "seed"), Some(&json!(1)));
    assert_eq!(param(&plan, "/drone_sim", "world"), Some(&json!("forest")));
    assert_eq!(param(&plan, "/depth_camera", "source"), Some(&json!("topic")));
    assert_eq!(plan.nodes[3].reserved().unwrap().lane.as_deref(), Some("detector"));
    assert_eq!(plan.containers[0].params, [("threads".to_owned(), json!(1))]);
    assert!(plan.containers[0].process.on_exit_shutdown);
    assert_eq!(plan.units().len(), 1);
    assert_eq!(plan.nodes[1].remaps[0], ("image_in".to_owned(), "sim/camera/image".to_owned()));
}

#[test]
fn a_world_called_like_a_number_stays_a_name() {
    let plan = demo(DEMO_XML, &[("world", "17"), ("record", "true"), ("bag", "2026")]);
    assert_eq!(param(&plan, "/drone_sim", "world"), Some(&json!("17")));
    assert_eq!(param(&plan, "/recorder", "path"), Some(&json!("2026")));
}

/// The same flight in a Gazebo that runs already: its topics stand for those of the simulator.
#[test]
fn the_simulator_is_chosen_by_an_argument() {
    for file in [DEMO_XML, DEMO_YAML] {
        let plan = demo(file, &[("sim", "gazebo")]);
        let kinds: Vec<_> = plan.nodes.iter().map(|node| node.kind_name()).collect();
        assert_eq!(kinds, ["gz_bridge", "camera", "camera", "detector", "tracker", "avoidance"], "{file}");
        let bridges = param(&plan, "/gz_bridge", "bridges").and_then(|b| b.as_array()).map(Vec::len);
        assert_eq!(bridges, Some(8));
    }
}
