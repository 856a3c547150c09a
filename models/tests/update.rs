//! The store of models with the power cut at every step, bundles of strangers, and the rules of slots.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::Path;

use common::power::{LABELS, cut, manifest, through, victim};
use peregrine_models::Manifest;
use peregrine_models::update::{Boot, Bundle, Slot, Store};

/// A small bundle. Nothing here loads the network, so any bytes will do for it.
fn bundle(version: u8) -> Bundle {
    let weights = vec![version; 5000];
    let manifest = manifest(version.into(), &weights, &["notices/LICENCE.txt"]);
    Bundle::new(vec![
        ("manifest.toml".into(), manifest.into_bytes()),
        ("net.onnx".into(), weights),
        ("labels.txt".into(), LABELS.to_vec()),
        ("notices/LICENCE.txt".into(), b"do as you like".to_vec()),
    ])
    .unwrap()
}

/// The name of the model at a manifest, everything it names being whole.
fn name(manifest: &Path) -> String {
    Bundle::read(manifest).unwrap();
    Manifest::parse(&std::fs::read_to_string(manifest).unwrap(), "x").unwrap().name
}

/// A store in which version 1 has proven itself.
fn with_one(root: &Path) -> Store {
    let mut store = Store::open(root).unwrap();
    assert_eq!(store.boot().unwrap(), Boot::Embedded);
    update(&mut store, 1);
    store
}

fn update(store: &mut Store, version: u8) {
    let slot = store.stage(&bundle(version)).unwrap();
    store.begin_trial(slot).unwrap();
    assert!(matches!(store.boot().unwrap(), Boot::Trial(..)));
    store.commit().unwrap();
}

/// Not a test of its own: the process that is killed below. Waits for its end at one step of an update.
#[test]
fn child_that_is_killed() {
    let Some((root, step)) = victim() else { return };
    let mut store = Store::open_stepwise(&root, step).unwrap();
    update(&mut store, 2);
    through();
}

/// kill -9 at every step of an update, from the first byte to the last: what starts next is a whole model, the old one or
/// the new one; and a new one that never gets as far as being confirmed is given up.
#[test]
fn a_cut_at_any_step_leaves_a_working_model() {
    let mut steps = Vec::new();
    for dies in 0..200 {
        let folder = tempfile::tempdir().unwrap();
        drop(with_one(folder.path()));
        let reached = cut("child_that_is_killed", folder.path(), dies);
        let mut store = Store::open(folder.path()).unwrap();
        let first = match store.boot().unwrap() {
            Boot::Active(manifest) => name(&manifest),
            Boot::Trial(manifest, old) => {
                assert_eq!(name(&old.unwrap()), "v1");
                name(&manifest)
            }
            Boot::Embedded => panic!("{reached}: both models are gone"),
        };
        assert!(first == "v1" || first == "v2", "{reached}: {first}");
        // Started again and again without being confirmed, as when it crashes each time.
        let mut last = Boot::Embedded;
        for _ in 0..4 {
            last = Store::open(folder.path()).unwrap().boot().unwrap();
        }
        let Boot::Active(manifest) = last else { panic!("{reached}: {last:?} is on trial for ever") };
        let settled = name(&manifest);
        let through = reached == "through";
        assert!(settled == "v1" || through || store.state().active == Some(Slot::B), "{reached}: {settled}");
        // And the next update goes through whatever the last one left behind.
        let mut store = Store::open(folder.path()).unwrap();
        update(&mut store, 3);
        assert!(matches!(store.boot().unwrap(), Boot::Active(manifest) if name(&manifest) == "v3"));
        steps.push(reached);
        if through {
            break;
        }
    }
    assert_eq!(steps.last().map(String::as_str), Some("through"));
    for what in
        ["clear the slot", "write a file", "half of a file is written", "rename the state", "sync the store"]
    {
        assert!(steps.iter().any(|step| step == what), "{what} was never cut: {steps:?}");
    }
    assert!(steps.len() > 20, "{steps:?}");
}

#[test]
fn what_was_rolled_back_is_not_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = with_one(folder.path());
    let slot = store.stage(&bundle(2)).unwrap();
    assert_ne!(Some(slot), store.state().active);
    store.begin_trial(slot).unwrap();
    store.boot().unwrap();
    store.rollback().unwrap();
    assert!(matches!(store.boot().unwrap(), Boot::Active(manifest) if name(&manifest) == "v1"));
    let error = store.stage(&bundle(2)).unwrap_err();
    assert_eq!(error.code(), "PG-1904", "{error}");
    update(&mut store, 3);
    std::fs::write(folder.path().join("state.toml"), "active = \"c\"").unwrap();
    assert_eq!(Store::open(folder.path()).unwrap_err().code(), "PG-1903");
}

#[test]
fn bundles_of_strangers_do_not_leave_their_folder() {
    let good: Vec<(String, Vec<u8>)> = bundle(1).files().to_vec();
    let refused = |files: Vec<(String, Vec<u8>)>, words: &str| {
        let error = Bundle::new(files).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(good[1..].to_vec(), "no manifest.toml");
    refused(good[..3].to_vec(), "`notices/LICENCE.txt` is missing");
    refused([&good[..], &[("more.txt".into(), vec![1])]].concat(), "does not name its file `more.txt`");
    refused([&good[..], &[good[1].clone()]].concat(), "twice");
    let mut altered = good.clone();
    altered[1].1[77] ^= 1;
    refused(altered, "the manifest says");
    let mut relabelled = good.clone();
    relabelled[2].1 = b"car\nperson\n".to_vec();
    refused(relabelled, "labels.txt");
    let outside = String::from_utf8(good[0].1.clone()).unwrap().replace("notices/LICENCE.txt", "../../etc/x");
    let files = vec![
        ("manifest.toml".to_owned(), outside.into_bytes()),
        good[1].clone(),
        good[2].clone(),
        ("../../etc/x".to_owned(), vec![]),
    ];
    refused(files, "../../etc/x");
}
