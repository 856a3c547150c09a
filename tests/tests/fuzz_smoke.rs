//! Every fuzz entry over its seeds and some damage done to them: what real fuzzing has found stays found.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use peregrine_tests::{
    fuzz::{Dice, ENTRIES, Entry, mutate, seeds},
    repository,
};

/// Damaged inputs per target.
const ROUNDS: usize = 2000;

fn smoke(name: &str) {
    let entry = ENTRIES.iter().find(|entry| entry.name == name).expect("a fuzz entry of that name");
    let seeds = seeds(&repository(), entry).unwrap();
    assert!(!seeds.is_empty(), "{name} has no seeds");
    for (file, bytes) in &seeds {
        run(entry, bytes, file);
    }
    let mut dice = Dice::new(1);
    for round in 0..ROUNDS {
        let (file, bytes) = &seeds[dice.roll(seeds.len())];
        let damaged = mutate(bytes, &mut dice);
        run(entry, &damaged, &format!("{file}, damaged in round {round}"));
    }
    run(entry, &[], "nothing");
}

/// A panic leaves the input where it can be looked at.
fn run(entry: &Entry, bytes: &[u8], from: &str) {
    if catch_unwind(AssertUnwindSafe(|| (entry.run)(bytes))).is_err() {
        let file = std::env::temp_dir().join(format!("peregrine-{}-crash", entry.name));
        std::fs::write(&file, bytes).unwrap();
        panic!("{} panicked on {from}; the input lies in {}", entry.name, file.display());
    }
}

macro_rules! entries {
    ($($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { smoke(stringify!($name)); })+

        #[test]
        fn every_entry_is_tested_and_has_a_target() {
            let tested = [$(stringify!($name)),+];
            let names: Vec<&str> = ENTRIES.iter().map(|entry| entry.name).collect();
            assert_eq!(names, tested);
            let manifest = std::fs::read_to_string(repository().join("fuzz/Cargo.toml")).unwrap();
            for name in names {
                assert!(repository().join(format!("fuzz/fuzz_targets/{name}.rs")).is_file(), "{name}");
                assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in fuzz/Cargo.toml");
            }
        }
    };
}

entries!(
    sdf,
    manifest,
    onnx,
    model_update,
    model_transfer,
    launch_xml,
    launch_yaml,
    params_file,
    image_source,
    cdr,
    image_header,
    zenoh_keys,
    bridge_tokens,
    frame_handshake,
    mavlink,
    point_cloud,
    mesh,
    gz_packet,
    gz_convert,
    bag,
    hil,
    checkpoint,
);
