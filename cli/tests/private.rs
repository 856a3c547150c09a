//! Nobody on the network sees a picture unless it was let out: a foreign Zenoh client that subscribes to everything, and a sniffer on
//! the loopback interface, find none of a running robot; and do find it once it is exported, as it is or with people hidden.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::{Running, peregrine_at, stderr};
use serde_json::Value;

const WIDTH: usize = 320;
const HEIGHT: usize = 240;

fn pixel(x: usize, y: usize) -> [u8; 3] {
    let mix = |plane: usize| ((x * 3 + plane + WIDTH * 3 * y) as u32).wrapping_mul(2_654_435_761) >> 13;
    [mix(0) as u8, mix(1) as u8, mix(2) as u8]
}

/// Sixteen pixels of some rows, as every copy of the picture holds them.
fn needles() -> Vec<String> {
    let row = |y: &usize| (100..116).flat_map(|x| pixel(x, *y)).map(|byte| format!("{byte:02x}")).collect();
    [3, 50, 97, 144, 191, 231].iter().map(row).collect()
}

fn robot(folder: &Path, more: &str) -> String {
    let picture = image::RgbImage::from_fn(WIDTH as u32, HEIGHT as u32, |x, y| {
        image::Rgb(pixel(x as usize, y as usize))
    });
    let path = folder.join("picture.png");
    picture.save(&path).unwrap();
    let launch = folder.join("robot.launch.xml");
    let text = format!(
        "<launch><node_container pkg='peregrine' exec='component_container' name='c'>
          <composable_node pkg='peregrine' plugin='camera' name='camera'>
            <param name='source' value='file'/><param name='path' value='{}'/><param name='loop' value='true'/>
            <param name='rate_hz' value='20.0'/></composable_node>
          <composable_node pkg='peregrine' plugin='detector' name='detector'/>
          <composable_node pkg='peregrine' plugin='tracker' name='tracker'/>
          <composable_node pkg='peregrine' plugin='avoidance' name='avoidance'/>
          {more}
          </node_container></launch>",
        path.display()
    );
    std::fs::write(&launch, text).unwrap();
    launch.display().to_string()
}

/// What the sniffer hears of a robot that runs; and what the robot said.
fn sniff(python: &Path, port: &str, launch: &str, export: Option<&str>) -> (Value, String) {
    let mut command = peregrine_at(port);
    command.args(["launch", launch, "--realtime"]).stdout(Stdio::null()).stderr(Stdio::piped());
    match export {
        Some(topics) => command.env("PEREGRINE_EXPORT", topics),
        None => command.env_remove("PEREGRINE_EXPORT"),
    };
    let mut robot = Running(command.spawn().unwrap());
    let mut heard = Value::Null;
    // Loading takes its time; a robot that is not there yet sends nothing.
    for _ in 0..12 {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/sniff.py");
        let out = Command::new(python).arg(script).args([port, "4"]).args(needles()).output().unwrap();
        heard = serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{}", stderr(&out)));
        if count(&heard, "/detections/") > 0 {
            break;
        }
    }
    let mut said = String::new();
    let pipe = robot.0.stderr.take().unwrap();
    drop(robot);
    std::io::Read::read_to_string(&mut std::io::BufReader::new(pipe), &mut said).unwrap();
    (heard, said)
}

fn count(heard: &Value, part: &str) -> u64 {
    let keys = heard["keys"].as_object().unwrap();
    keys.iter().filter(|(key, _)| key.contains(part)).map(|(_, value)| value[0].as_u64().unwrap()).sum()
}

#[test]
fn a_sniffer_finds_no_picture_until_one_is_exported() {
    let test = "a_sniffer_finds_no_picture_until_one_is_exported";
    let Some(python) =
        std::env::var_os("PEREGRINE_TEST_PYTHON").map(std::path::PathBuf::from).filter(|p| p.is_file())
    else {
        println!(
            "SKIP {test}: PEREGRINE_TEST_PYTHON names no Python with eclipse-zenoh (`cargo xtask test` makes one)"
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let launch = robot(folder.path(), "");
    let (heard, said) = sniff(&python, "17473", &launch, None);
    println!("default: {} keys, {}", heard["keys"].as_object().unwrap().len(), heard["packets"]);
    assert!(count(&heard, "/detections/") > 0, "it hears the robot: {heard:#}");
    assert_eq!(heard["found"], serde_json::json!([]), "{heard:#}");
    assert_eq!(heard["packets"]["found"], 0, "{heard:#}");
    let large =
        heard["keys"].as_object().unwrap().iter().filter(|(_, value)| value[1].as_u64().unwrap() > 20_000);
    assert_eq!(large.count(), 0, "nothing is as large as a picture: {heard:#}");
    assert_eq!(count(&heard, "image_raw"), 0, "{heard:#}");
    // Whoever asks is told why he gets nothing.
    assert!(said.contains("PG-1218") && said.contains("/image_raw"), "{said}");

    // The same sniffer finds what is let out: it could have found it above.
    let (heard, _) = sniff(&python, "17474", &launch, Some("/image_raw"));
    assert!(
        heard["found"].as_array().unwrap().iter().any(|key| key.as_str().unwrap().contains("/image_raw/")),
        "{heard:#}"
    );
    assert_eq!(count(&heard, "image_raw/compressed"), 0, "only what is named: {heard:#}");
    if heard["packets"]["sniffed"] == true {
        assert!(heard["packets"]["found"].as_u64().unwrap() > 0, "{heard:#}");
    } else {
        println!("the packets of the loopback interface may not be read here: only Zenoh was listened to");
    }

    // The exporter's pictures leave with no variable set, and nothing else does.
    let exporter = "<composable_node pkg='peregrine' plugin='exporter' name='exporter'/>";
    let launch = robot(folder.path(), exporter);
    let (heard, said) = sniff(&python, "17475", &launch, None);
    assert!(count(&heard, "/exporter/image/") > 0, "{heard:#}");
    assert_eq!(count(&heard, "image_raw"), 0, "{heard:#}");
    assert!(
        said.contains("hides person; not known to the detector's model, and not hidden: face, license plate"),
        "{said}"
    );
}
