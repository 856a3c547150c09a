//! What we record, read by programs that we did not write: the `mcap`, `mcap-ros2-support` and `rosbags` packages.
//!
//! Needs a Python that has them, named by `PEREGRINE_TEST_PYTHON`; without it the tests say that they are skipped.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{path::Path, process::Command};

use peregrine_recorder::{Bag, BagOptions, Topic, recover};

const IMAGE: &str = "std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\n\
    uint8[] data\n================================================================================\nMSG: std_msgs/Header\n\
    builtin_interfaces/Time stamp\nstring frame_id\n\
    ================================================================================\n\
    MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n";

fn topic(name: &str, type_name: &str, definition: &str, reliable: bool) -> Topic {
    let (name, type_name) = (name.to_owned(), type_name.to_owned());
    let type_hash = "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18".to_owned();
    Topic {
        name,
        type_name,
        type_hash,
        definition: definition.to_owned(),
        reliable,
        transient_local: !reliable,
    }
}

/// Little-endian CDR, written by hand so that the test does not lean on our own encoder.
#[derive(Default)]
struct Cdr(Vec<u8>);

impl Cdr {
    fn u32(mut self, value: u32) -> Self {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn text(self, text: &str) -> Self {
        let mut cdr = self.u32(u32::try_from(text.len() + 1).unwrap());
        cdr.0.extend(text.as_bytes());
        cdr.0.push(0);
        cdr
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        let mut cdr = self.u32(u32::try_from(bytes.len()).unwrap());
        cdr.0.extend(bytes);
        cdr
    }

    fn done(self) -> Vec<u8> {
        [&[0, 1, 0, 0], self.0.as_slice()].concat()
    }
}

fn image(number: u8) -> Vec<u8> {
    let mut cdr = Cdr::default().u32(7).u32(8).text("camera").u32(1).u32(2).text("mono8");
    cdr.0.push(0);
    cdr.u32(2).bytes(&[number, 255 - number]).done()
}

fn record(path: &Path, options: BagOptions, messages: u8) -> Bag {
    let mut bag = Bag::create(path, options).unwrap();
    let chatter = bag.topic(&topic("/chatter", "std_msgs/msg/String", "string data\n", true)).unwrap();
    let camera = bag.topic(&topic("/camera/image_raw", "sensor_msgs/msg/Image", IMAGE, false)).unwrap();
    for number in 0..messages {
        let stamp = 1_000_000_000 + i64::from(number) * 100_000_000;
        bag.write(chatter, stamp, stamp, &Cdr::default().text(&format!("hello {number}")).done()).unwrap();
        bag.write(camera, stamp + 1, stamp, &image(number)).unwrap();
    }
    bag
}

/// The rows that the script prints, or `None` when there is no Python for it.
fn read(test: &str, path: &Path, broken: bool) -> Option<Vec<String>> {
    let Some(python) = std::env::var_os("PEREGRINE_TEST_PYTHON") else {
        println!(
            "SKIP {test}: PEREGRINE_TEST_PYTHON names no Python with mcap, mcap-ros2-support and rosbags"
        );
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bag.py");
    let mut command = Command::new(python);
    command.arg(script).arg(path).args(broken.then_some("--broken"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn every_message_is_decoded_by_mcap_and_by_rosbags() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flight");
    let summary = record(&path, BagOptions::default(), 20).finish().unwrap();
    assert_eq!((summary.messages, summary.files), (40, 1));
    let Some(rows) = read("every_message_is_decoded_by_mcap_and_by_rosbags", &path, false) else { return };
    let has =
        |row: &str| assert!(rows.iter().any(|found| found == row), "{row} is not among\n{}", rows.join("\n"));
    has(r#"["header", "ros2", 40]"#);
    has(r#"["metadata", ["rosbag2"]]"#);
    has(r#"["qos", "/chatter", "RELIABLE", "VOLATILE"]"#);
    has(r#"["qos", "/camera/image_raw", "BEST_EFFORT", "TRANSIENT_LOCAL"]"#);
    has(r#"["rosbag2", 40, 1000000000, 2900000002, 1900000002]"#);
    for number in 0..20u32 {
        let stamp = 1_000_000_000 + u64::from(number) * 100_000_000;
        let pixels = format!("{number:02x}{:02x}", 255 - number);
        has(&format!(r#"["mcap", "/chatter", {stamp}, {number}, "hello {number}"]"#));
        has(&format!(r#"["rosbags", "/chatter", {stamp}, "hello {number}"]"#));
        let image = format!(r#"["camera", 1, 2, "mono8", "{pixels}"]"#);
        has(&format!(r#"["mcap", "/camera/image_raw", {}, {number}, {image}]"#, stamp + 1));
        has(&format!(r#"["rosbags", "/camera/image_raw", {}, {image}]"#, stamp + 1));
    }
}

#[test]
fn a_split_bag_reads_as_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flight");
    let options = BagOptions { split_ns: 500_000_000, ..BagOptions::default() };
    let summary = record(&path, options, 20).finish().unwrap();
    assert_eq!((summary.messages, summary.files), (40, 4));
    let Some(rows) = read("a_split_bag_reads_as_one", &path, false) else { return };
    assert_eq!(rows.iter().filter(|row| row.starts_with("[\"rosbags\"")).count(), 40);
    assert_eq!(rows.iter().filter(|row| row.starts_with("[\"mcap\"")).count(), 40);

    let path = directory.path().join("small");
    let options = BagOptions { split_bytes: 2000, chunk_bytes: 500, ..BagOptions::default() };
    assert!(record(&path, options, 20).finish().unwrap().files >= 2);
}

#[test]
fn a_killed_recorder_leaves_what_it_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flight");
    let bag = record(&path, BagOptions::default(), 25);
    // As SIGKILL would: neither finish nor drop runs. One second of messages may be missing, not more.
    std::mem::forget(bag);
    let file = path.join("flight_0.mcap");
    let recovered = recover(&file, &directory.path().join("recovered")).unwrap();
    assert_eq!(recovered.messages, 40, "two whole seconds");
    // Also when the last chunk was cut in the middle.
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() * 3 / 4]).unwrap();
    let cut = recover(&file, &directory.path().join("cut")).unwrap();
    assert!(cut.messages >= 20 && cut.messages < 40, "{cut:?}");
    std::fs::write(&file, &bytes).unwrap();

    let name = "a_killed_recorder_leaves_what_it_wrote";
    let Some(rows) = read(name, &path, true) else { return };
    assert_eq!(rows.iter().filter(|row| row.starts_with("[\"mcap\"")).count(), 40, "{}", rows.join("\n"));
    let rows = read(name, &directory.path().join("recovered"), false).unwrap();
    assert_eq!(rows.iter().filter(|row| row.starts_with("[\"rosbags\"")).count(), 40);
}

#[test]
fn the_same_messages_make_the_same_file() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = |run: &str| {
        let path = directory.path().join(run).join("flight");
        record(&path, BagOptions::default(), 20).finish().unwrap();
        std::fs::read(path.join("flight_0.mcap")).unwrap()
    };
    assert!(bytes("one") == bytes("two"));
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flight");
    let mut bag = Bag::create(&path, BagOptions::default()).unwrap();
    bag.topic(&topic("/a", "std_msgs/msg/String", "string data\n", true)).unwrap();
    let error = bag.topic(&topic("/a", "std_msgs/msg/Int32", "int32 data\n", true)).unwrap_err().to_string();
    assert!(
        error.contains("PG-0805") && error.contains("has the type std_msgs/msg/String already"),
        "{error}"
    );
    assert!(
        bag.topic(&topic("/b", "String", "", true)).unwrap_err().to_string().contains("package/msg/Type")
    );
    assert_eq!(bag.finish().unwrap().messages, 0);
    assert!(Bag::create(&path, BagOptions::default()).err().unwrap().to_string().starts_with("PG-0801"));
    assert!(recover(&directory.path().join("none"), &path).unwrap_err().to_string().starts_with("PG-0807"));
    std::fs::write(directory.path().join("text"), "no recording").unwrap();
    let error = recover(&directory.path().join("text"), &directory.path().join("x")).unwrap_err().to_string();
    assert!(error.contains("does not begin as an MCAP file"), "{error}");
    assert!(!directory.path().join("x").exists());
}
