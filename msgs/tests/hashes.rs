//! Our type hashes are those of ROS 2. A wrong one means that peers silently exchange nothing.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail that way

mod common;

use peregrine_msgs::registry;
use serde_json::Value;

fn compare(file: &str, key: &str) -> usize {
    let golden = common::golden(file);
    let hashes = golden[key].as_object().unwrap();
    for (name, hash) in hashes {
        let ours = registry::find(name)
            .map(|t| t.type_hash)
            .or_else(|| registry::find_service(name).map(|s| s.type_hash))
            .unwrap_or_else(|| panic!("{name} is in {file} but is not generated"));
        assert_eq!(ours, hash.as_str().unwrap(), "{name} against {file}");
    }
    hashes.len()
}

/// Messages, the sides of services, and services.
fn hashed() -> usize {
    registry::all().len() + registry::all_services().len()
}

#[test]
fn hashes_are_those_of_ros_2_jazzy() {
    let checked = compare("hashes_jazzy.json", "wheel") + compare("hashes_jazzy.json", "generator");
    assert_eq!(checked, hashed(), "a type has no golden hash; run make_golden.py");
}

#[test]
fn hashes_are_those_of_ros_2_kilted() {
    let checked = compare("hashes_kilted.json", "wheel") + compare("hashes_kilted.json", "generator");
    let absent = common::golden("hashes_kilted.json")["absent"].as_array().map_or(0, Vec::len);
    assert_eq!(checked + absent, hashed(), "a type has no golden hash; run make_golden.py");
}

#[test]
fn hashes_of_vision_msgs_are_those_of_a_real_build() {
    let expected = registry::all().iter().filter(|t| t.type_name.starts_with("vision_msgs/")).count();
    assert_eq!(compare("hashes_built.json", "hashes"), expected);
}

#[test]
fn hashes_of_px4_msgs_are_those_of_a_real_build() {
    let expected = registry::all().iter().filter(|t| t.type_name.starts_with("px4_msgs/")).count();
    assert_eq!(compare("hashes_built_px4.json", "hashes"), expected);
}

#[test]
fn the_hash_depends_on_every_part_of_the_description() {
    use peregrine_msgs_codegen::{hash::rihs01, model::TypeName, parse::parse};
    let of = |text: &str| {
        let name = TypeName::message("p", "T");
        let library = [(name.clone(), parse(name.clone(), text).unwrap())].into();
        rihs01(&library, &library[&name])
    };
    let texts = [
        "int32 a",
        "int32 b",
        "uint32 a",
        "int32[] a",
        "int32[4] a",
        "int32[5] a",
        "int32[<=4] a",
        "string a",
        "string<=4 a",
        "",
    ];
    let mut hashes: Vec<_> = texts.iter().map(|t| of(t)).collect();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), texts.len());
    // Defaults and constants are no part of it.
    assert_eq!(of("int32 a"), of("int32 X=3\nint32 a 7"));
}

#[test]
fn names_and_definitions_have_the_forms_that_peers_expect() {
    let image = registry::find("sensor_msgs/msg/Image").unwrap();
    assert_eq!(image.dds_name, "sensor_msgs::msg::dds_::Image_");
    let bar = "=".repeat(80);
    assert_eq!(
        image.definition,
        format!(
            "std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\n\
             uint8[] data\n{bar}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n{bar}\n\
             MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
        )
    );
    assert!(registry::find("sensor_msgs/Image").is_none());
    assert!(registry::all().is_sorted_by_key(|t| t.type_name));
    for support in registry::all() {
        assert_eq!(registry::find(support.type_name).map(|t| t.type_hash), Some(support.type_hash));
        assert!(
            matches!((support.from_json)(&Value::Object(Default::default())), Ok(bytes) if bytes.len() > 4)
        );
    }
}

#[test]
fn a_service_names_its_two_sides() {
    use peregrine_msgs::{Message, Service, std_srvs::SetBool};
    assert_eq!(SetBool::DDS_NAME, "std_srvs::srv::dds_::SetBool_");
    assert_eq!(<SetBool as Service>::Request::TYPE_NAME, "std_srvs/srv/SetBool_Request");
    let support = registry::find_service("std_srvs/srv/SetBool").unwrap();
    assert_eq!(support.type_hash, SetBool::TYPE_HASH);
    assert_eq!(support.response.type_name, "std_srvs/srv/SetBool_Response");
    assert!(registry::find_service("std_srvs/srv/SetBool_Request").is_none());
    assert!(registry::all_services().is_sorted_by_key(|s| s.type_name));
}

#[test]
fn a_service_needs_the_definition_of_its_events() {
    use peregrine_msgs_codegen::{hash::service_rihs01, model::TypeName, parse::parse_service};
    let sides = parse_service("p", "S", "---\n").unwrap();
    let library = sides.into_iter().map(|s| (s.name.clone(), s)).collect();
    let name = TypeName { package: "p".into(), kind: "srv".into(), name: "S".into() };
    let error = service_rihs01(&library, &name).unwrap_err().to_string();
    assert!(error.starts_with("PG-0352") && error.contains("ServiceEventInfo"), "{error}");
}
