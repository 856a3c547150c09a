//! Bad input is answered in one line: a code, the value, a remedy; exit code not 0, and no panic.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::{run, stderr, stdout};

/// Runs, and gives the one error line.
fn refused(args: &[&str]) -> String {
    let output = run(args);
    let text = stderr(&output);
    assert!(!output.status.success(), "{args:?} succeeded: {}", stdout(&output));
    assert!(!text.contains("panicked") && !text.contains("stack backtrace"), "{args:?}: {text}");
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error:")).collect();
    assert_eq!(errors.len(), 1, "{args:?}: {text}");
    assert!(errors[0].contains("PG-"), "{args:?}: {}", errors[0]);
    errors[0].to_owned()
}

fn file(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> String {
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn photos() {
    let dir = tempfile::tempdir().unwrap();
    let mut jpeg = Vec::new();
    let picture = image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8 * 3, y as u8 * 5, 90]));
    picture.write_to(&mut std::io::Cursor::new(&mut jpeg), image::ImageFormat::Jpeg).unwrap();
    let truncated = file(&dir, "cut.jpg", &jpeg[..jpeg.len() / 2]);
    assert!(refused(&["detect", "--backend", "tract", &truncated]).contains("cut.jpg"));
    assert!(refused(&["detect", "--backend", "tract", "no/such/photo.jpg"]).contains("no/such/photo.jpg"));
    let text = file(&dir, "text.jpg", b"this is no picture");
    refused(&["detect", "--backend", "tract", &text]);
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    refused(&["detect", "--backend", "tract", empty.to_str().unwrap()]);
}

#[test]
fn models() {
    let dir = tempfile::tempdir().unwrap();
    let noise: Vec<u8> = (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let corrupt = file(&dir, "corrupt.onnx", &noise);
    let manifest = file(&dir, "bad.toml", b"name = \"x\"\nfiel = \"y\"\n");
    let photo = file(&dir, "p.png", b"");
    assert!(refused(&["detect", "--model", &corrupt, "--backend", "tract", &photo]).contains("corrupt.onnx"));
    assert!(refused(&["detect", "--model", &manifest, "--backend", "tract", &photo]).contains("bad.toml"));
    refused(&["detect", "--model", "nanodet_x", "--backend", "tract", &photo]);
    refused(&["detect", "--provider", "cuda", &photo]);
    assert!(
        refused(&["demo", "--model", &corrupt, "--backend", "tract", "--isolated"]).contains("corrupt.onnx")
    );
}

#[test]
fn worlds_launch_files_and_parameters() {
    let dir = tempfile::tempdir().unwrap();
    let sdf = file(
        &dir,
        "bad.sdf",
        b"<sdf version='1.9'><world name='w'><model name='m'><pose>1 2</pose></model></world>",
    );
    assert!(refused(&["demo", "--world", &sdf, "--isolated"]).contains("bad.sdf"));
    assert!(refused(&["demo", "--world", "forrest", "--isolated"]).contains("forrest"));
    let xml = file(&dir, "bad.launch.xml", b"<launch><nod pkg='peregrine'/></launch>");
    assert!(refused(&["launch", &xml]).contains("nod"));
    let yaml = file(&dir, "bad.launch.yaml", b"launch:\n- nod: {}\n");
    refused(&["launch", &yaml]);
    let params = file(&dir, "p.yaml", b"camera:\n  ros__parameters:\n    rate_hertz: 3\n");
    let error = refused(&["run", "camera", "--params", &params, "--isolated"]);
    assert!(error.contains("rate_hertz") && error.contains("rate_hz"), "{error}");
    let broken = file(&dir, "broken.yaml", b"camera: [unclosed\n");
    refused(&["run", "camera", "--params", &broken, "--isolated"]);
    assert!(refused(&["run", "camra"]).contains("did you mean 'camera'?"));
    refused(&["launch", "no/such.launch.xml"]);
    refused(&["topic", "list"]);
    refused(&["new", "Bad-Name"]);
}

#[test]
fn a_full_disk_ends_the_recording_with_one_error() {
    let dir = tempfile::tempdir().unwrap();
    let launch = file(
        &dir,
        "record.launch.xml",
        b"<launch><node_container pkg='peregrine' exec='component_container' name='c'>
          <composable_node pkg='peregrine' plugin='camera' name='camera'>
            <param name='source' value='pattern'/></composable_node>
          <composable_node pkg='peregrine' plugin='recorder' name='recorder'>
            <param name='path' value='/dev/full/bag'/></composable_node>
          </node_container></launch>",
    );
    assert!(refused(&["launch", &launch, "--isolated"]).contains("/dev/full"));
}
