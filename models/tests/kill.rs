//! kill -9 at every step of verify, self-test, shadow, swap, watch and rollback, and of the way back by order: what starts next
//! answers the next image with a whole model, and settles.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::updates::{key, model, model_at, options};
use peregrine_models::update::transfer::{Dock, DockOptions, Order};
use peregrine_models::update::{Bundle, Live, Store, UpdateOptions, offer};
use peregrine_models::{ImageRef, PixelFormat};

const ROOT: &str = "PEREGRINE_TEST_LIVE";
const DIES: &str = "PEREGRINE_TEST_DIES_AT";
const WHAT: &str = "PEREGRINE_TEST_WHAT";

/// How an update ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// A good model is kept.
    Kept,
    /// One that finds its person elsewhere is given up in the shadow.
    Blind,
    /// One that drifts is rolled back on watch.
    Drifts,
    /// A good one is kept, and then given up by order.
    Ordered,
}

const ENDS: [(End, &str); 4] =
    [(End::Kept, "kept"), (End::Blind, "blind"), (End::Drifts, "drifts"), (End::Ordered, "ordered")];

/// In a folder with v1 configured and v2 kept, the update to v3 lies on the stick.
fn prepare(folder: &Path, end: End) -> UpdateOptions {
    let options = options(folder);
    let v2 = Bundle::read(&model(folder, "v2", 0.8, &key(1))).unwrap();
    let mut store = Store::open(&options.store).unwrap();
    let slot = store.stage(&v2).unwrap();
    store.begin_trial(slot).unwrap();
    store.commit().unwrap();
    let x = if end == End::Blind { 12.0 } else { 32.0 };
    let v3 = Bundle::read(&model_at(folder, "v3", 0.7, x, &key(1))).unwrap();
    offer(&folder.join("stick"), &v3).unwrap();
    options
}

/// One image, and the score of the person on it.
fn look(live: &mut Live, drift: Option<f64>) -> u32 {
    let data = vec![90; 3 * 64 * 64];
    live.detect(&ImageRef::packed(&data, 64, 64, PixelFormat::Rgb8), &mut || 0, drift).unwrap();
    assert_eq!(live.found().len(), 1);
    (100.0 * live.found()[0].score).round() as u32
}

/// Images until the update is settled; what was said.
fn settle(live: &mut Live, folder: &Path, end: End) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let mut ordered = false;
    for _ in 0..20_000 {
        let drift = (live.phase() == "watch" && end == End::Drifts).then_some(9.0);
        look(live, drift);
        said.extend(live.steps().map(|step| step.text));
        let has = |words: &str| said.iter().any(|text| text.starts_with(words));
        // The stick still holds it: what was given up is found and refused once.
        let over = has("rolled back") || has("v3 is refused: PG-1904");
        if end == End::Ordered && has("kept") && !ordered {
            ordered = true;
            let trust = peregrine_models::Trust::AllowUnsigned;
            let (store, host) = (folder.join("store"), "robot1".to_owned());
            let mut dock =
                Dock::open(DockOptions { store, host: host.clone(), trust, gives: false }).unwrap();
            let id = Bundle::read(&folder.join("stick/incoming/manifest.toml")).unwrap().id().to_owned();
            // A process that was killed and has started again orders it anew.
            let number = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            let number = u64::try_from(number.as_nanos()).unwrap();
            dock.answer(&Order { host, give_up: id, number }.request(None), 0, &mut Vec::new);
        }
        if over || (end == End::Kept && has("kept")) {
            return said;
        }
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
    panic!("it never settles: {said:#?}");
}

/// Not a test of its own: the process that is killed below.
#[test]
fn child_that_updates_and_is_killed() {
    let (Some(root), Ok(dies), Ok(what)) = (std::env::var_os(ROOT), std::env::var(DIES), std::env::var(WHAT))
    else {
        return;
    };
    let (root, dies) = (PathBuf::from(root), dies.parse::<usize>().unwrap());
    let end = ENDS.iter().find(|(_, name)| *name == what).unwrap().0;
    let at = AtomicUsize::new(0);
    let step = Arc::new(move |what: &'static str| {
        let now = at.fetch_add(1, Ordering::SeqCst);
        println!("STEP {what}");
        if now == dies {
            println!("STEP stands");
            loop {
                std::thread::park();
            }
        }
    });
    let mut live = Live::open_stepwise(&options(&root), step).unwrap();
    settle(&mut live, &root, end);
    println!("STEP through");
}

fn start(root: &Path, end: End, dies: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_updates_and_is_killed", "--nocapture"])
        .env(ROOT, root)
        .env(DIES, dies.to_string())
        .env(WHAT, ENDS.iter().find(|(own, _)| *own == end).unwrap().1)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the child came past, until it stands or is through; then it is killed.
fn watch(mut child: Child) -> Vec<String> {
    let mut steps = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap) {
        let Some((_, step)) = line.split_once("STEP ") else { continue };
        if step == "stands" {
            break;
        }
        steps.push(step.to_owned());
        if step == "through" {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    steps
}

/// Of what happens often (images, writes) the first and the last are worth a death.
fn deaths(steps: &[String]) -> Vec<usize> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    steps.iter().enumerate().for_each(|(index, step)| places.entry(step).or_default().push(index));
    let pick = |all: &Vec<usize>| match all.len() {
        0..=2 => all.clone(),
        many => vec![all[0], all[many - 1]],
    };
    let mut picked: Vec<usize> = places.values().flat_map(pick).collect();
    picked.sort_unstable();
    picked
}

fn kill_everywhere(end: End, expected: &[&str], settled: u32) {
    let whole = tempfile::tempdir().unwrap();
    prepare(whole.path(), end);
    let steps = watch(start(whole.path(), end, usize::MAX));
    assert_eq!(steps.last().map(String::as_str), Some("through"), "{steps:?}");
    for step in expected {
        assert!(steps.iter().any(|own| own == step), "{step} is no step of {end:?}: {steps:?}");
    }
    let deaths = deaths(&steps);
    println!("{end:?}: {} steps, killed at {}", steps.len(), deaths.len());
    for dies in deaths {
        let folder = tempfile::tempdir().unwrap();
        let options = prepare(folder.path(), end);
        let passed = watch(start(folder.path(), end, dies));
        let context = format!("{end:?} killed at step {dies}, {:?}", passed.last());
        // What starts next answers the very next image, with one of the two models whole.
        let mut live = Live::open(&options).unwrap();
        let first = look(&mut live, None);
        assert!([70, 80].contains(&first), "{context}: {first}");
        // And nothing hangs: the update comes to its end, or has come to it before.
        let state = Store::open(&options.store).unwrap().state().clone();
        let v3 = Bundle::read(&folder.path().join("v3/net.toml")).unwrap();
        let done = match end {
            End::Kept => state.active.is_some() && first == 70 && live.phase() == "none",
            // The order itself may have been lost with its sender: then the model stays kept.
            End::Ordered => state.trial.is_none() && first == 70 || state.bad.contains(&v3.id().to_owned()),
            _ => state.bad.contains(&v3.id().to_owned()),
        };
        if !done {
            let end = if end == End::Ordered { End::Kept } else { end };
            settle(&mut live, folder.path(), end);
        }
        let last = look(&mut live, None);
        assert!(last == settled || end == End::Ordered, "{context}: {last} at the end");
        drop(live);
        let mut live = Live::open(&options).unwrap();
        assert!([70, 80].contains(&look(&mut live, None)), "{context}: after one more start");
    }
}

#[test]
fn killed_on_the_way_to_a_better_model() {
    let steps = [
        "verify",
        "write a file",
        "sync the slot",
        "self-test",
        "an image in the shadow",
        "hand over",
        "rename the state",
        "swap",
        "an image on watch",
        "keep",
    ];
    kill_everywhere(End::Kept, &steps, 70);
}

#[test]
fn killed_on_the_way_back_from_the_shadow() {
    kill_everywhere(
        End::Blind,
        &["verify", "self-test", "an image in the shadow", "give up", "rename the state"],
        80,
    );
}

#[test]
fn killed_on_the_way_back_from_the_watch() {
    let steps = ["swap", "an image on watch", "back to the old model", "give up", "rename the state"];
    kill_everywhere(End::Drifts, &steps, 80);
}

#[test]
fn killed_on_the_way_back_by_order() {
    kill_everywhere(End::Ordered, &["keep", "load the model before", "the model before answers"], 80);
}
