//! Our bytes are those of rclpy: untouched messages (their defaults) and messages full of odd values.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail that way

mod common;

use std::collections::BTreeSet;

use peregrine_msgs::registry;
use serde_json::json;

#[test]
fn bytes_are_those_of_rclpy() {
    let cases = common::golden("cdr_jazzy.json");
    let library = common::definitions();
    let mut seen = BTreeSet::new();
    for (index, case) in cases.as_array().unwrap().iter().enumerate() {
        let name = case["type"].as_str().unwrap();
        let support = registry::find(name).unwrap();
        let mut theirs = common::unhex(case["cdr"].as_str().unwrap());
        seen.insert(name);

        let ours = (support.from_json)(&case["value"]).unwrap();
        let read = (support.to_json)(&theirs).unwrap();
        common::clear_padding(&library, &common::type_name(name), &read, &mut theirs);
        if library[&common::type_name(name)].fields.is_empty() {
            // ROS leaves the one hidden byte uninitialised; any value is right.
            theirs[4] = 0;
        }
        // rmw may leave unused bytes at the end (see `cdr::from_slice`); nothing else may differ.
        assert!(
            theirs.len() >= ours.len(),
            "case {index}, {name}: {} bytes, not {}",
            ours.len(),
            theirs.len()
        );
        assert_eq!(common::hex(&ours), common::hex(&theirs[..ours.len()]), "case {index}, {name}");
        if case["value"] != json!({}) {
            assert_eq!(read, case["value"], "case {index}, {name}");
        }
    }
    assert_eq!(seen.len(), registry::all().len(), "a type has no golden bytes; run make_golden.py");
}
