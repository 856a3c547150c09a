//! A detector whose model is replaced while it runs: whom it takes a model from, and what a restart finds.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::time::Duration;

use common::updates::{key, model, options};
use peregrine_models::update::{Bundle, INCOMING, Live, Slot, Step, Store, offer};
use peregrine_models::{ImageRef, PixelFormat};

/// Shows images until `end` says so of a step; all steps.
fn run(live: &mut Live, end: impl Fn(&str) -> bool) -> Vec<Step> {
    let data = vec![90; 3 * 64 * 64];
    let image = ImageRef::packed(&data, 64, 64, PixelFormat::Rgb8);
    let mut steps: Vec<Step> = Vec::new();
    for _ in 0..20_000 {
        live.detect(&image, &mut || 0, None).unwrap();
        assert_eq!(live.found().len(), 1);
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
