//! A detector whose model is replaced while it runs: whom it takes a model from, and what a restart finds.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::network::{Output, constant_network};
use peregrine_models::trust::{Keyring, Purpose, SecretKey, signature_path};
use peregrine_models::update::{Bundle, INCOMING, Limits, Live, Slot, Step, Store, UpdateOptions, offer};
use peregrine_models::{BackendChoice, ImageRef, LoadOptions, PixelFormat, Trust, sha256};

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

/// A signed model that finds one person whatever it sees.
fn model(folder: &Path, name: &str, score: f32, key: &SecretKey) -> PathBuf {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let mut values = vec![0.0; 6 * 64];
    for (plane, value) in [32.0, 32.0, 16.0, 24.0, score].into_iter().enumerate() {
        values[plane * 64] = value;
    }
    let output = Output { name: "y".into(), shape: vec![1, 6, 64], values };
    let bytes = constant_network("x", &[1, 3, 64, 64], &[output]);
    std::fs::write(folder.join("net.onnx"), &bytes).unwrap();
    let path = folder.join("net.toml");
    let text = format!(
        "name = \"{name}\"\nfile = \"net.onnx\"\nsha256 = \"{}\"\ntask = \"detection\"\norigin = \"made up\"\n\
         score_threshold = 0.3\nlabels = [\"person\", \"car\"]\n[input]\nname = \"x\"\nwidth = 64\nheight = 64\n\
         colour = \"rgb\"\n[decoder]\nkind = \"yolov8\"\nstrides = [8]\noutputs = [\"y\"]\n[licence]\nspdx = \"CC0-1.0\"\n",
        sha256(&bytes)
    );
    std::fs::write(&path, &text).unwrap();
    std::fs::write(signature_path(&path), key.sign(text.as_bytes(), Purpose::Manifest).to_toml()).unwrap();
    path
}

/// Where the models, the store and the stick lie, and whose key is trusted.
fn options(folder: &Path) -> UpdateOptions {
    let mut ring = Keyring::default();
    ring.add(&key(1).public(), "fleet").unwrap();
    std::fs::write(folder.join("keys.toml"), ring.to_toml().unwrap()).unwrap();
    std::fs::create_dir_all(folder.join("stick")).unwrap();
    let own = model(folder, "v1", 0.9, &key(1));
    let load = LoadOptions {
        backend: BackendChoice::Tract,
        trust: Trust::Ring(folder.join("keys.toml")),
        ..LoadOptions::new(own.to_str().unwrap())
    };
    UpdateOptions {
        store: folder.join("store"),
        inbox: Some(folder.join("stick")),
        load,
        // Networks of microseconds: their times are chance.
        limits: Limits { shadow_images: 30, watch_images: 60, slowdown: 1000.0, ..Limits::default() },
        poll: Duration::from_millis(5),
    }
}

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
