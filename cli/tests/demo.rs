//! The main job, end to end: the real program flies the real nodes in the simulator.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Mutex;

use common::{run, stderr, stdout};
use serde_json::Value;

fn fly(args: &[&str]) -> Value {
    let mut all = vec!["demo", "--json", "--no-report", "--isolated"];
    all.extend(args);
    let output = run(&all);
    serde_json::from_str(&stdout(&output))
        .unwrap_or_else(|e| panic!("{all:?} gave no JSON ({e}): {} {}", stdout(&output), stderr(&output)))
}

#[test]
fn seeds_1_to_20_reach_the_goal_without_a_collision() {
    let seeds = Mutex::new((1..=20).collect::<Vec<u64>>());
    let flights = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(seed) = seeds.lock().unwrap().pop() else { return };
                    let flight = fly(&["--seed", &seed.to_string(), "--threads", "1"]);
                    flights.lock().unwrap().push(flight);
                }
            });
        }
    });
    let flights = flights.into_inner().unwrap();
    let failed: Vec<&Value> =
        flights.iter().filter(|f| f["reached_goal"] != true || f["collisions"] != 0).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(flights.len(), 20);
    let hits: u64 = flights.iter().filter_map(|f| f["detection_score"]["all"]["hits"].as_u64()).sum();
    let false_alarms: u64 =
        flights.iter().filter_map(|f| f["detection_score"]["all"]["false_alarms"].as_u64()).sum();
    assert!(hits > 100, "the network found what the simulator shows only {hits} times");
    assert!(false_alarms < hits, "{false_alarms} false alarms against {hits} hits");
    for f in &flights {
        assert!(f["min_clearance_m"].as_f64().unwrap() > 0.0, "{f}");
        assert!(f["path_length_m"].as_f64().unwrap() > 55.0, "{f}");
    }
}

/// The network of models/train, for the simulator's own classes; what it finds is counted by its own names.
#[test]
fn the_simulators_own_model_flies() {
    std::thread::scope(|scope| {
        for seed in ["1", "2", "3"] {
            scope.spawn(move || {
                let summary =
                    fly(&["--seed", seed, "--model", "sim", "--backend", "tract", "--threads", "1"]);
                assert!(summary["reached_goal"] == true && summary["collisions"] == 0, "{summary}");
                assert_eq!(summary["model"], "drone_sim_320_w8", "{summary}");
                let score = summary["detection_score"].to_string();
                assert!(score.contains("vehicle") && score.contains("tree"), "{score}");
                assert!(!score.contains("stop sign") && !score.contains("\"car\""), "{score}");
            });
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_one_and_two_threads() {
    let one = fly(&["--seed", "3", "--threads", "1"]);
    let two = fly(&["--seed", "3", "--threads", "2"]);
    let other = fly(&["--seed", "4", "--threads", "2"]);
    let hash = |flight: &Value| flight["topic_log_sha256"].as_str().unwrap().to_owned();
    assert_eq!(hash(&one).len(), 64);
    assert_eq!(hash(&one), hash(&two));
    assert_ne!(hash(&one), hash(&other));
    assert_eq!(one["detections"], two["detections"]);
}

#[test]
fn the_summary_has_every_key_and_no_frame_is_lost() {
    let flight = fly(&["--seed", "2"]);
    for key in [
        "reached_goal",
        "collisions",
        "min_clearance_m",
        "path_length_m",
        "sim_seconds",
        "wall_seconds",
        "real_time_factor",
        "frames",
        "frames_dropped",
        "detections",
        "backend",
        "model",
        "photon_to_command_ms",
        "safety_interventions",
        "topic_log_sha256",
        "seed",
        "world",
    ] {
        assert!(!flight[key].is_null(), "{key} is missing: {flight}");
    }
    assert_eq!(flight["frames_dropped"], 0);
    assert!(flight["frames"].as_u64().unwrap() > 300);
    assert!(flight["photon_to_command_ms"]["p50"].as_f64().unwrap() > 0.0);
    assert_eq!((flight["seed"].as_u64(), flight["world"].as_str()), (Some(2), Some("forest")));
}

#[test]
fn the_report_is_one_file_and_the_bag_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("flight");
    let text = out.to_str().unwrap();
    let output = run(&["demo", "--seed", "5", "--out", text, "--record", "--isolated"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let report = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert!(report.contains("data:image/jpeg;base64,") && report.contains("<svg"));
    assert!(!report.contains("src=\"http"));
    assert!(stdout(&output).contains("index.html"));
    let bag: Vec<_> = walk(&out.join("bag"));
    assert!(
        bag.iter().any(|f| f.ends_with(".mcap")) && bag.iter().any(|f| f.ends_with("metadata.yaml")),
        "{bag:?}"
    );
}

fn walk(dir: &std::path::Path) -> Vec<String> {
    std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .flat_map(|e| if e.path().is_dir() { walk(&e.path()) } else { vec![e.path().display().to_string()] })
        .collect()
}
