//! A detector whose model is replaced while it runs: whom it takes a model from, and what a restart finds.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::time::Duration;

use common::network::bright_model;
use common::updates::{key, model, options};
use peregrine_models::trust::{Purpose, signature_path};
use peregrine_models::update::{Bundle, INCOMING, Live, Slot, Step, Store, offer};
use peregrine_models::{ImageRef, LoadOptions, PixelFormat};

/// Shows images until `end` says so of a step; all steps.
fn run(live: &mut Live, end: impl Fn(&str) -> bool) -> Vec<Step> {
    shown(live, 90, 1, end)
}

/// The same with images of one level, on which so much is found.
fn shown(live: &mut Live, level: u8, found: usize, end: impl Fn(&str) -> bool) -> Vec<Step> {
    let data = vec![level; 3 * 64 * 64];
    let image = ImageRef::packed(&data, 64, 64, PixelFormat::Rgb8);
    let mut steps: Vec<Step> = Vec::new();
    for _ in 0..20_000 {
        live.detect(&image, &mut || 0, None).unwrap();
        assert_eq!(live.found().len(), found);
        steps.extend(live.steps());
        if steps.iter().any(|step| end(&step.text)) {
            return steps;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("it never happens: {steps:#?}");
}

fn score(live: &Live) -> f32 {
    live.found()[0].score
}

#[test]
fn a_strangers_model_is_refused_before_it_is_written_and_asked_about_once() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let mut live = Live::open(&options).unwrap();
    // Two cameras, one store: each would clear the slot that the other one runs.
    let error = Live::open(&options).unwrap_err();
    assert!(error.to_string().starts_with("PG-1918"), "{error}");
    let stick = folder.path().join("stick");
    offer(&stick, &Bundle::read(&model(folder.path(), "alien", 0.7, &key(2))).unwrap()).unwrap();
    let steps = run(&mut live, |step| step.starts_with("alien is refused: PG-0462"));
    assert!(steps.len() == 2 && !steps[1].good, "{steps:#?}");
    let mut written: Vec<_> = std::fs::read_dir(&options.store).unwrap().collect();
    assert!(written.is_empty(), "{:?}", written.remove(0));
    // A stick is not ours to clear, and what lies on it is not tried again and again.
    assert!(stick.join(INCOMING).is_dir());
    std::thread::sleep(Duration::from_millis(50));
    live.attend();
    assert_eq!(live.steps().count(), 0);

    // The same stick with a model of the fleet.
    offer(&stick, &Bundle::read(&model(folder.path(), "v2", 0.8, &key(1))).unwrap()).unwrap();
    let steps = run(&mut live, |step| step.starts_with("kept"));
    assert!(steps.iter().any(|step| step.text.contains("signed by fleet")), "{steps:#?}");
    assert_eq!(score(&live), 0.8);
}

#[test]
fn a_restart_watches_once_more_and_then_gives_up() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let push = |name: &str, score: f32| {
        let bundle = Bundle::read(&model(folder.path(), name, score, &key(1))).unwrap();
        offer(&folder.path().join("stick"), &bundle).unwrap();
        bundle
    };
    push("v2", 0.8);
    let swapped = |step: &str| step.starts_with("swapped");
    let mut live = Live::open(&options).unwrap();
    run(&mut live, swapped);
    drop(live);
    // The start after the swap goes on with the watch, and the model is kept.
    let mut live = Live::open(&options).unwrap();
    assert_eq!((live.phase(), live.current().manifest().name.as_str()), ("watch", "v2"));
    let steps = run(&mut live, |step| step.starts_with("kept"));
    assert_eq!(steps[0].text, "v2 is watched again");
    drop(live);

    // One that is never kept: two starts, and the third gives it up.
    let bad = push("v3", 0.7);
    let mut live = Live::open(&options).unwrap();
    run(&mut live, swapped);
    drop(live);
    // What must repeat runs what is proven, and writes nothing.
    let state = || std::fs::read(options.store.join("state.toml")).unwrap();
    let before = state();
    assert_eq!(Live::settled(&options).unwrap().current().manifest().name, "v2");
    assert_eq!(state(), before);
    drop(Live::open(&options).unwrap());
    let mut live = Live::open(&options).unwrap();
    assert_eq!((live.phase(), live.current().manifest().name.as_str()), ("none", "v2"));
    let step = live.steps().next().unwrap();
    assert!(!step.good && step.text.starts_with("rolled back at the start"), "{step:?}");
    run(&mut live, |step| step.starts_with("v3 is refused: PG-1904"));
    assert_eq!(score(&live), 0.8);
    drop(live);

    // A slot that rots while the robot is off: the configured model runs.
    let store = Store::open(&options.store).unwrap();
    assert_eq!(store.state().bad, [bad.id()]);
    let active = store.state().active.unwrap();
    assert_eq!(active, Slot::A);
    std::fs::write(store.manifest(active).with_file_name("net.onnx"), b"rot").unwrap();
    let mut live = Live::open(&options).unwrap();
    assert_eq!(live.current().manifest().name, "v1");
    let step = live.steps().next().unwrap();
    assert!(!step.good && step.text.starts_with("the store's model does not load"), "{step:?}");
}

/// In an empty hall nobody can tell a blind model from a good one: both wait for somebody to come by.
#[test]
fn a_blind_model_does_not_take_over_where_nothing_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    // Finds somebody in bright images, and nobody in dark ones.
    let own = folder.path().join("own");
    std::fs::create_dir_all(&own).unwrap();
    let own = bright_model(&own, 64, Some(1), 1);
    let text = std::fs::read(&own).unwrap();
    std::fs::write(signature_path(&own), key(1).sign(&text, Purpose::Manifest).to_toml()).unwrap();
    options.load = LoadOptions { model: own.to_str().unwrap().into(), ..options.load };
    let mut live = Live::open(&options).unwrap();
    let offered = |manifest: &std::path::Path| {
        offer(&folder.path().join("stick"), &Bundle::read(manifest).unwrap()).unwrap();
    };
    let dark = |live: &mut Live| {
        shown(live, 0, 0, |step| {
            step.starts_with("the shadow goes on: 0 boxes of both models were seen, 50 are needed")
        });
        let data = vec![0; 3 * 64 * 64];
        for _ in 0..200 {
            live.detect(&ImageRef::packed(&data, 64, 64, PixelFormat::Rgb8), &mut || 0, None).unwrap();
        }
        assert_eq!((live.phase(), live.steps().count()), ("shadow", 0));
    };
    offered(&model(folder.path(), "blind", 0.1, &key(1)));
    dark(&mut live);
    let steps = shown(&mut live, 250, 1, |step| step.starts_with("rolled back"));
    assert!(steps.last().unwrap().text.contains("only 0 % of the boxes agree"), "{steps:#?}");
    // One that sees what the old one sees.
    offered(&own);
    dark(&mut live);
    shown(&mut live, 250, 1, |step| step.starts_with("kept"));
    assert_eq!(live.changes(), 1);
}

/// A state file that a failing disk has spoilt does not keep the robot blind.
#[test]
fn a_store_whose_state_is_spoilt_leaves_the_configured_model_running() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    std::fs::create_dir_all(&options.store).unwrap();
    for spoilt in [&b"active = 7"[..], b"\xff\xfe\x00 no text", b"[against]"] {
        std::fs::write(options.store.join("state.toml"), spoilt).unwrap();
        let mut live = Live::open(&options).unwrap();
        let step = live.steps().next().unwrap();
        assert!(
            !step.good && step.text.contains("PG-1903") && step.text.contains("nothing is replaced"),
            "{step:?}"
        );
        let bundle = Bundle::read(&model(folder.path(), "v2", 0.8, &key(1))).unwrap();
        offer(&folder.path().join("stick"), &bundle).unwrap();
        let data = vec![90; 3 * 64 * 64];
        for _ in 0..30 {
            live.detect(&ImageRef::packed(&data, 64, 64, PixelFormat::Rgb8), &mut || 0, None).unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!((score(&live), live.phase(), live.steps().count()), (0.9, "none", 0));
        assert_eq!(
            std::fs::read(options.store.join("state.toml")).unwrap(),
            spoilt,
            "it is there to be looked at"
        );
    }
    std::fs::remove_file(options.store.join("state.toml")).unwrap();
    let mut live = Live::open(&options).unwrap();
    run(&mut live, |step| step.starts_with("kept"));
}
