//! Our messages' fields are those of the installed `.proto` files: name, number and type.
//!
//! Needs Debian's `libignition-msgs-dev`; says SKIP by name where it is missing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

/// (message, field) -> (number, type); two files may define messages of one name.
type Fields = BTreeMap<(String, String), Vec<(String, String)>>;

/// Fields of every message of a `.proto` text; nested ones by their own name, members of a oneof by theirs.
fn of_proto(text: &str, out: &mut Fields) {
    let text: String = text.lines().map(|l| l.split("//").next().unwrap().to_string() + "\n").collect();
    let mut rest = text.as_str();
    let mut clean = String::new();
    while let Some((before, after)) = rest.split_once("/*") {
        clean += before;
        rest = after.split_once("*/").map_or("", |(_, r)| r);
    }
    clean += rest;
    let spaced = clean
        .replace('{', " { ")
        .replace('}', " } ")
        .replace(';', " ; ")
        .replace('=', " = ")
        .replace('[', " [ ");
    let mut stack: Vec<(String, String)> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    for word in spaced.split_whitespace() {
        match word {
            "{" => {
                let kind = words[words.len() - 2].to_string();
                stack.push((kind, words[words.len() - 1].to_string()));
                words.clear();
            }
            "}" => {
                stack.pop();
                words.clear();
            }
            ";" => {
                let message = stack.iter().rev().find(|(kind, _)| kind == "message");
                if let (Some((_, message)), Some(at)) = (message, words.iter().position(|w| *w == "="))
                    && stack.last().is_some_and(|(kind, _)| kind != "enum")
                    && at >= 2
                {
                    // Of `map<int64, T> x = 2` the T.
                    let kind = words[at - 2].rsplit('.').next().unwrap().trim_end_matches('>');
                    let repeated = if words[0] == "repeated" { "repeated " } else { "" };
                    let number = words[at + 1].to_string();
                    let key = (message.clone(), words[at - 1].to_string());
                    out.entry(key).or_default().push((number, format!("{repeated}{kind}")));
                }
                words.clear();
            }
            word => words.push(word),
        }
    }
}

/// Fields of our structs, from their source: attribute, then the field.
fn of_rust(text: &str, out: &mut Fields) {
    let mut message = String::new();
    let mut attribute = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("/// `") {
            message = name.split('`').next().unwrap().rsplit('.').next().unwrap().to_string();
        } else if line.starts_with("#[prost(") {
            attribute = line.to_string();
        } else if let Some((name, kind)) =
            line.strip_prefix("pub ").and_then(|l| l.trim_end_matches(',').split_once(": "))
        {
            if attribute.is_empty() || attribute.contains("oneof") {
                attribute.clear();
                continue;
            }
            let number = attribute.split("tag = \"").nth(1).unwrap().split('"').next().unwrap().to_string();
            let inside = attribute.trim_start_matches("#[prost(");
            let first = inside.split([',', ')', ' ', '=']).next().unwrap();
            let kind = kind.trim_start_matches("Option<").trim_start_matches("Vec<").trim_end_matches('>');
            let kind = match first {
                // A map of messages: what stands behind the comma, as in the .proto file.
                "btree_map" => kind.rsplit([',', ' ']).next().unwrap().trim_end_matches('>').to_string(),
                "message" => kind.rsplit("::").next().unwrap().to_string(),
                "enumeration" => inside.split('"').nth(1).unwrap().rsplit("::").next().unwrap().to_string(),
                scalar => scalar.to_string(),
            };
            let repeated = if inside.contains(", repeated") { "repeated " } else { "" };
            let key = (message.clone(), name.trim_start_matches("r#").to_string());
            out.entry(key).or_default().push((number, format!("{repeated}{kind}")));
            attribute.clear();
        }
    }
}

#[test]
fn every_field_is_that_of_the_proto_files() {
    let folder = std::path::Path::new("/usr/include/ignition/msgs8/ignition/msgs");
    if !folder.is_dir() {
        println!("SKIP every_field_is_that_of_the_proto_files: libignition-msgs-dev is not installed");
        return;
    }
    let mut theirs = Fields::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|e| e == "proto") {
            of_proto(&std::fs::read_to_string(entry.path()).unwrap(), &mut theirs);
        }
    }
    let mut ours = Fields::new();
    for text in [
        include_str!("../src/msgs/bridged.rs"),
        include_str!("../src/msgs/core.rs"),
        include_str!("../src/msgs/discovery.rs"),
        include_str!("../src/msgs/geometry.rs"),
        include_str!("../src/msgs/sensing.rs"),
        include_str!("../src/msgs/world.rs"),
        include_str!("../src/msgs/scene.rs"),
        include_str!("../src/msgs/serialized.rs"),
        include_str!("../src/msgs/shapes.rs"),
    ] {
        of_rust(text, &mut ours);
    }
    // Younger than the installed version: from the specification of gz-msgs 9 and 10.
    let young =
        ["PoseWithCovariance", "TwistWithCovariance", "OdometryWithCovariance", "EntityWrench", "Dataframe"];
    let mut compared = 0;
    // Names of types lose their underscores, and IMU and PBR their capitals, in Rust.
    let plain = |(number, kind): &(String, String)| (number.clone(), kind.replace('_', "").to_lowercase());
    for ((message, field), definitions) in &ours {
        if young.contains(&message.as_str()) {
            continue;
        }
        // `boxSize` is `box_size` in Rust.
        let camel = |(m, f): &(String, String)| m == message && f.to_lowercase() == field.replace('_', "");
        let found = theirs.get(&(message.clone(), field.clone()));
        let found = found.or_else(|| theirs.iter().find(|(key, _)| camel(key)).map(|(_, found)| found));
        let found = found.unwrap_or_else(|| panic!("{message}.{field} is in no .proto file"));
        for ours in definitions {
            assert!(
                found.iter().any(|f| plain(f) == plain(ours)),
                "{message}.{field}: {ours:?}, not {found:?}"
            );
            compared += 1;
        }
    }
    assert!(compared > 310, "{compared} fields");
}
