//! What both sides have seen, and what is to be true of it.

use std::sync::Arc;

use peregrine::RunReport;
use serde_json::Value;

use crate::nodes::Heard;

/// What both sides have seen.
pub struct Seen {
    /// By the peer.
    pub told: Value,
    /// By our nodes.
    pub heard: Arc<Heard>,
    pub report: RunReport,
}

type Check = fn(&Seen);

/// Every check, by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("images_come_without_loss_at_30_hz", |seen| seen.both("image")),
    ("camera_infos_come_without_loss", |seen| seen.both("info")),
    ("twists_come_without_loss", |seen| seen.both("twist")),
    ("detections_come_without_loss", |seen| seen.both("detections")),
    ("a_stock_camera_is_heard_as_best_effort", stock_camera),
    ("images_for_frame_readers_come_in_slots", frames_come_in),
    ("nothing_of_ours_comes_back", nothing_comes_back),
    ("nothing_is_sent_for_own_readers_alone", own_readers),
    ("readers_of_several_qos_hear_once", |seen| assert_gapless("mixed", &seen.heard.of("mixed"), 30)),
    ("latched_messages_reach_late_readers", latched),
    ("qos_is_carried_over", qos),
    ("parameters_are_listed_got_and_set", parameters),
    ("lifecycle_states_are_told_and_changed", lifecycle),
    ("types_are_described", |seen| assert_eq!(seen.told["type_description"], "ok", "{}", seen.told)),
    ("the_log_is_on_rosout", |seen| assert_eq!(seen.told["rosout"], "talker: thirty more", "{}", seen.told)),
    ("diagnostics_are_published", |seen| {
        assert!(seen.told["diagnostics"].as_u64() > Some(0), "{}", seen.told)
    }),
    ("transforms_are_published", |seen| assert_eq!(seen.told["tf"], "odom -> base_link", "{}", seen.told)),
    ("each_node_is_in_the_graph_with_its_endpoints", graph),
    ("a_service_of_the_peer_is_called", service_of_the_peer),
    ("nobody_complained", |seen| {
        for node in &seen.report.nodes {
            assert_eq!(node.errors, 0, "{}: {:?}", node.name, node.last_error);
        }
    }),
];

fn numbers(value: &Value) -> Vec<u32> {
    let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().map(|number| u32::try_from(number.as_u64().unwrap()).unwrap()).collect()
}

fn assert_gapless(what: &str, numbers: &[u32], at_least: usize) {
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{what}: {numbers:?}");
    assert!(numbers.len() >= at_least, "{what}: only {numbers:?}");
}

impl Seen {
    /// Both directions, reliable: no gap and nothing twice.
    fn both(&self, topic: &'static str) {
        // Three seconds at 30 Hz, from the moment at which both had found each other.
        assert_gapless(&format!("ours to rclpy, {topic}"), &numbers(&self.told["heard"][topic]), 80);
        let ours = self.heard.of(topic);
        assert_gapless(&format!("rclpy to ours, {topic}"), &ours, 80);
        assert_eq!(ours.last(), numbers(&self.told["sent"]).last(), "{topic}: the last one came");
    }
}

fn stock_camera(seen: &Seen) {
    let camera = &seen.told["camera"];
    // Fast DDS loses large best effort messages on a busy machine: its shared memory holds half of such a picture.
    assert!(camera["images"].as_u64() >= Some(15) && camera["infos"].as_u64() >= Some(45), "{camera}");
    assert_eq!(camera["last"], "640x480 rgb8 921600", "{camera}");
}

fn frames_come_in(seen: &Seen) {
    let frames = seen.heard.of("frames");
    // Best effort, as above: some may be lost, none may come twice.
    assert!(frames.windows(2).all(|pair| pair[0] < pair[1]), "{frames:?}");
    assert!(frames.len() >= 15, "{frames:?}");
}

fn nothing_comes_back(seen: &Seen) {
    let twists = seen.heard.of("own twist");
    assert_gapless("a neighbour's twists", &twists, 100);
    assert!(!numbers(&seen.told["heard"]["twist"]).is_empty(), "and rclpy read them too");
}

fn own_readers(seen: &Seen) {
    let (most, last) = *seen.heard.readers.lock().unwrap();
    assert_eq!((most, last), (1, 0), "rclpy read it for a while, the neighbour all the time");
}

fn latched(seen: &Seen) {
    assert_eq!(seen.heard.of("latched"), [41], "published before we looked");
    assert_eq!(seen.told["latched"], serde_json::json!(["said once"]), "published before the peer looked");
}

/// As the peer's graph has it; DDS itself does not tell the depth of others.
fn qos(seen: &Seen) {
    let qos = &seen.told["qos"];
    assert_eq!(qos["/out/latched"], "RELIABLE TRANSIENT_LOCAL", "{qos}");
    assert_eq!(qos["/front/image_raw"], "BEST_EFFORT VOLATILE", "{qos}");
    assert_eq!(qos["/front/camera_info"], "RELIABLE VOLATILE", "{qos}");
    assert_eq!(qos["/rosout"], "RELIABLE TRANSIENT_LOCAL", "{qos}");
}

fn parameters(seen: &Seen) {
    let p = &seen.told["parameters"];
    let listed = p["talker"].to_string();
    assert!(listed.contains("gain") && listed.contains("label") && listed.contains("use_sim_time"), "{p}");
    assert_eq!(
        (&p["gain before"], &p["set gain"], &p["gain after"]),
        (&1.0.into(), &"".into(), &2.5.into()),
        "{p}"
    );
    assert!(p["set label"].as_str().unwrap().contains("PG-0218"), "{p}");
    assert!(p["set gain to 99"].as_str().unwrap().contains("PG-0203"), "{p}");
    assert_eq!(p["camera width"], 640, "a stock node");
}

fn lifecycle(seen: &Seen) {
    let states = seen.told["lifecycle"].as_array().unwrap();
    let states: Vec<_> = states.iter().filter_map(Value::as_str).collect();
    assert_eq!(states, ["active", "deactivate: True", "inactive", "activate: True", "active"]);
}

fn graph(seen: &Seen) {
    let graph = &seen.told["graph"];
    let nodes = graph["nodes"].to_string();
    for node in ["/front/camera", "/tracker", "/talker", "/listener", "/asker"] {
        assert!(nodes.contains(&format!("\"{node}\"")), "{node} in {nodes}");
    }
    assert!(!nodes.contains("_rosout") && !nodes.contains("_dds"), "the runtime's own are hidden: {nodes}");
    let has =
        |key: &str, wanted: &str| assert!(graph[key].to_string().contains(wanted), "{key}: {}", graph[key]);
    has("talker publishes", "[\"/out/twist\",[\"geometry_msgs/msg/TwistStamped\"]]");
    has("talker publishes", "/rosout");
    has("listener reads", "[\"/in/image\",[\"sensor_msgs/msg/Image\"]]");
    has("camera serves", "/front/camera/get_parameters");
    has("camera serves", "/front/camera/change_state");
    has("camera serves", "/front/camera/get_type_description");
}

fn service_of_the_peer(seen: &Seen) {
    let answers = seen.heard.answers.lock().unwrap();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers[0].as_ref().unwrap().contains(&"use_sim_time".to_owned()), "{answers:?}");
}
