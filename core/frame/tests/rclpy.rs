//! A slot that crossed from one mapping to another, read by the deserializer of the real rclpy. Needs a virtual environment
//! with the ROS 2 wheels.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use peregrine_frame::{BusConfig, Encoding, Host, ImageSpec, Policy};

#[test]
fn rclpy_reads_a_slot_as_an_image() {
    let Some(venv) = std::env::var_os("PEREGRINE_ROS_VENV") else {
        println!(
            "SKIP rclpy_reads_a_slot_as_an_image: PEREGRINE_ROS_VENV names no virtual environment with rclpy"
        );
        return;
    };
    let folder = std::env::temp_dir().join(format!("peregrine-rclpy-{}", std::process::id()));
    let host = Host::at(&folder, 0).unwrap();
    let mut camera = host.publish("image", BusConfig::default()).unwrap();
    let mut viewer = host.subscribe("image", Policy::Latest).unwrap();
    assert!(viewer.wait_attached(Duration::from_secs(30)));
    let mut python = Command::new(Path::new(&venv).join("bin/python"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decode_image.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = python.stdin.take().unwrap();
    let mut expected = Vec::new();
    for (i, encoding) in Encoding::ALL.into_iter().enumerate() {
        // Names of every length modulo 4, for the padding.
        let frame_id = "camera_optical".get(..i + 1).unwrap();
        let mut spec = ImageSpec::packed(30, 22, encoding, frame_id);
        spec.step += 4;
        let mut loan = camera.loan(&spec).unwrap().unwrap();
        if encoding == Encoding::Jpeg {
            loan.set_payload_len(1001).unwrap();
        }
        loan.bytes_mut().iter_mut().enumerate().for_each(|(at, b)| *b = (at * 7 + i) as u8);
        loan.set_stamp(1_700_000_000_000_000_000 + i as i64);
        camera.publish(loan).unwrap();
        assert!(viewer.wait(Duration::from_secs(30)));
        let frame = viewer.take().unwrap().unwrap();
        let hex: String = frame.cdr().iter().map(|b| format!("{b:02x}")).collect();
        writeln!(to, "{hex}").unwrap();
        let len = frame.bytes().len();
        expected.push((
            format!("30 22 {} {encoding} 0 1700000000 {i} {frame_id} {len}", spec.step),
            frame.bytes().to_vec(),
        ));
    }
    drop(to);
    let output = python.wait_with_output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), expected.len());
    let mut sums = std::collections::BTreeSet::new();
    for (line, (fields, bytes)) in text.lines().zip(&expected) {
        let (got, sum) = line.rsplit_once(' ').unwrap();
        assert_eq!(got, fields);
        assert_eq!(sum, md5(bytes), "{fields}");
        sums.insert(sum);
    }
    assert_eq!(sums.len(), expected.len(), "every picture is another");
}

/// MD5 (RFC 1321), for it is in Python's library and not in ours.
fn md5(data: &[u8]) -> String {
    let shifts = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut padded = data.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 8).next_multiple_of(64) - 8, 0);
    padded.extend((data.len() as u64 * 8).to_le_bytes());
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded.chunks_exact(64) {
        let word = |i: usize| u32::from_le_bytes(block[i * 4..i * 4 + 4].try_into().unwrap());
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64usize {
            let (f, g) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            let k = (f64::from(i as u32 + 1).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(f).wrapping_add(k).wrapping_add(word(g));
            (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left(shifts[i / 16][i % 4])));
        }
        for (s, v) in state.iter_mut().zip([a, b, c, d]) {
            *s = s.wrapping_add(v);
        }
    }
    state.iter().flat_map(|w| w.to_le_bytes()).map(|b| format!("{b:02x}")).collect()
}
