//! Sealed bags: read by whom they were sealed for and by nobody else, after a kill too; and both ways with the stock `age` program.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on may panic")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use peregrine_recorder::play::BagReader;
use peregrine_recorder::seal::{Identity, Seal, Unseal, open_bag, read_identities};
use peregrine_recorder::{Bag, BagOptions, Topic, recover};

fn topic() -> Topic {
    Topic {
        name: "/secret".into(),
        type_name: "std_msgs/msg/String".into(),
        type_hash: String::new(),
        definition: "string data\n".into(),
        reliable: true,
        transient_local: false,
    }
}

const SECOND: i64 = 1_000_000_000;
const WORDS: &str = "the way to the treasure";

/// A message a tenth of a second, of `size` bytes.
fn message(number: i64, size: usize) -> Vec<u8> {
    let text = format!("{WORDS} {number}{}", ".".repeat(size));
    let mut cdr = vec![0, 1, 0, 0];
    cdr.extend((text.len() as u32 + 1).to_le_bytes());
    cdr.extend(text.as_bytes());
    cdr.push(0);
    cdr
}

fn options(identity: &Identity) -> BagOptions {
    BagOptions { recipients: vec![identity.recipient()], flush_ns: SECOND as u64, ..BagOptions::default() }
}

fn record(path: &Path, options: BagOptions, count: i64, size: usize) -> Bag {
    let mut bag = Bag::create(path, options).unwrap();
    let id = bag.topic(&topic()).unwrap();
    for number in 0..count {
        bag.write(id, number * SECOND / 10, number * SECOND / 10, &message(number, size)).unwrap();
    }
    bag
}

fn count(path: &Path, identities: Vec<Identity>, size: usize) -> i64 {
    let mut reader = BagReader::open_with(path, identities).unwrap();
    let (mut bytes, mut number) = (Vec::new(), 0);
    while reader.next(&mut bytes).unwrap().is_some() {
        assert_eq!(bytes, message(number, size));
        number += 1;
    }
    number
}

fn contains(path: &Path, words: &str) -> bool {
    let bytes = std::fs::read(path).unwrap();
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

#[test]
fn a_sealed_bag_is_played_with_the_key_and_not_without() {
    let folder = tempfile::tempdir().unwrap();
    let (own, other) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let path = folder.path().join("flight");
    for size in [10, 9000, 70_000] {
        let _ = std::fs::remove_dir_all(&path);
        let options = BagOptions { split_ns: 3 * SECOND as u64, ..options(&own) };
        let summary = record(&path, options, 65, size).finish().unwrap();
        assert_eq!((summary.messages, summary.files), (65, 3));
        for file in 0..3 {
            let file = path.join(format!("flight_{file}.mcap.age"));
            assert!(!contains(&file, WORDS) && !contains(&file, "/secret"), "{}", file.display());
        }
        assert_eq!(count(&path, vec![other.clone(), own.clone()], size), 65);
        let error = BagReader::open(&path).unwrap_err().to_string();
        assert!(error.starts_with("PG-0821") && error.contains("--identity"), "{error}");
        let error = BagReader::open_with(&path, vec![other.clone()]).unwrap_err().to_string();
        assert!(error.starts_with("PG-0820") && error.contains("none of the identities"), "{error}");
        let plain = folder.path().join(format!("plain{size}"));
        let opened = open_bag(&path, &plain, std::slice::from_ref(&own)).unwrap();
        assert!(opened.files.len() == 3 && opened.cut.is_empty(), "{opened:?}");
        assert_eq!(count(&plain, Vec::new(), size), 65);
        let error = open_bag(&path, &plain, std::slice::from_ref(&own)).unwrap_err().to_string();
        assert!(error.starts_with("PG-0801"), "{error}");
    }
}

/// The recorder is killed, or the power is cut: what was flushed can be opened and completed, wherever the file ends.
#[test]
fn what_was_flushed_survives_a_cut() {
    let folder = tempfile::tempdir().unwrap();
    let own = Identity::generate().unwrap();
    let path = folder.path().join("cut");
    // Messages of some hundred bytes: without filling up, all of it would fit into the first chunk and be lost.
    let bag = record(&path, BagOptions { sync: true, ..options(&own) }, 95, 300);
    let file = path.join("cut_0.mcap.age");
    let bytes = std::fs::read(&file).unwrap();
    std::mem::forget(bag);
    // Nine seconds are flushed by the tenth's first message.
    for (cut, at_least) in [(bytes.len(), 90), (bytes.len() - 1, 80), (bytes.len() - 70_000, 70), (70_000, 0)]
    {
        let (broken, plain, again) =
            (folder.path().join("b"), folder.path().join("p"), folder.path().join("a"));
        for old in [&broken, &plain, &again] {
            let _ = std::fs::remove_dir_all(old);
        }
        std::fs::create_dir(&broken).unwrap();
        std::fs::write(broken.join("cut_0.mcap.age"), &bytes[..cut]).unwrap();
        let opened = open_bag(&broken, &plain, std::slice::from_ref(&own)).unwrap();
        assert_eq!(opened.cut.len(), 1, "{cut}");
        let recovered = recover(&opened.cut[0], &again).unwrap();
        assert!(recovered.messages >= at_least && recovered.messages <= 95, "{cut}: {recovered:?}");
        assert_eq!(count(&again, Vec::new(), 300), recovered.messages as i64);
    }
}

fn age(test: &str) -> bool {
    let there = Command::new("age").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        println!("SKIP {test}: no program `age` (apt-get install age, or `cargo xtask test`)");
    }
    there
}

fn keygen(folder: &Path, name: &str) -> (PathBuf, String) {
    let file = folder.join(name);
    let made = Command::new("age-keygen").arg("-o").arg(&file).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = std::fs::read_to_string(&file).unwrap();
    let public = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned();
    (file, public)
}

/// What we seal, the stock program opens, and the other way round; a bag of ours, opened by it, plays.
#[test]
fn the_stock_program_reads_ours_and_we_read_its() {
    if !age("the_stock_program_reads_ours_and_we_read_its") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (file, public) = keygen(folder.path(), "keys.txt");
    let own = read_identities(&file).unwrap();
    assert_eq!(own[0].recipient().to_string(), public);
    let path = folder.path().join("flight");
    let options = BagOptions { recipients: vec![public.parse().unwrap()], ..options(&own[0]) };
    record(&path, options, 50, 9000).finish().unwrap();
    let plain = folder.path().join("opened.mcap");
    let sealed = path.join("flight_0.mcap.age");
    let opened = Command::new("age")
        .arg("-d")
        .arg("-i")
        .arg(&file)
        .arg("-o")
        .arg(&plain)
        .arg(&sealed)
        .output()
        .unwrap();
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    assert_eq!(count(&plain, Vec::new(), 9000), 50);
    // Every length at the edges of chunks, for two recipients, one of them made by us.
    let ours = Identity::generate().unwrap();
    for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
        let data: Vec<u8> = (0..length).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let (from, to) = (folder.path().join("from"), folder.path().join("to.age"));
        std::fs::write(&from, &data).unwrap();
        let sealed = Command::new("age")
            .args(["-r", &public, "-r", &ours.recipient().to_string(), "-o"])
            .arg(&to)
            .arg(&from)
            .output()
            .unwrap();
        assert!(sealed.status.success(), "{}", String::from_utf8_lossy(&sealed.stderr));
        for identity in [&own[0], &ours] {
            let mut unseal = Unseal::new(File::open(&to).unwrap(), std::slice::from_ref(identity)).unwrap();
            let mut back = Vec::new();
            unseal.read_to_end(&mut back).unwrap();
            assert!(back == data && unseal.is_complete(), "{length}");
        }
        let mut seal =
            Seal::new(File::create(&to).unwrap(), &[ours.recipient(), own[0].recipient()]).unwrap();
        std::io::Write::write_all(&mut seal, &data).unwrap();
        seal.finish().unwrap();
        let opened = Command::new("age").arg("-d").arg("-i").arg(&file).arg(&to).output().unwrap();
        assert!(opened.status.success() && opened.stdout == data, "{length}");
    }
    // A key of ours as the stock program reads it.
    let secret = folder.path().join("ours.txt");
    std::fs::write(&secret, ours.secret()).unwrap();
    let shown = Command::new("age-keygen").arg("-y").arg(&secret).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&shown.stdout).trim(), ours.recipient().to_string());
}
