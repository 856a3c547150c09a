//! The scorer against the real pycocotools, run beside it on boxes made up anew: over all, by size and by class. (The golden
//! file of `tests/eval.rs` is of one such set; this one needs Python.)
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use peregrine_models::eval::{Found, Truth, score};
use serde_json::{Value, json};

const IMAGES: usize = 24;
const CLASSES: usize = 5;

fn python(test: &str) -> Option<PathBuf> {
    let Some(python) = std::env::var_os("PEREGRINE_TEST_PYTHON").map(PathBuf::from) else {
        println!("SKIP {test}: PEREGRINE_TEST_PYTHON is not set (run `cargo xtask test`)");
        return None;
    };
    let has = Command::new(&python).args(["-c", "import pycocotools.mask"]).stderr(Stdio::null()).status();
    if has.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    println!("SKIP {test}: {} has no pycocotools (run `cargo xtask test`)", python.display());
    None
}

/// Numbers from 0 to 1.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() * end as f64) as usize
    }
}

/// Boxes of all sizes, crowds and masks among them; detections near them, twice on one thing, of wrong classes and of nothing.
fn made_up(seed: u64) -> (Vec<Truth>, Vec<Found>) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (mut truths, mut found) = (Vec::new(), Vec::new());
    for image in 0..IMAGES {
        for _ in 0..dice.below(9) {
            let class = dice.below(CLASSES - 1);
            let side = 6.0 * 40_f64.powf(dice.roll());
            let bbox = [400.0 * dice.roll(), 300.0 * dice.roll(), side, side * (0.4 + 1.2 * dice.roll())];
            let area = bbox[2] * bbox[3] * (0.5 + 0.5 * dice.roll());
            truths.push(Truth { image, class, bbox, area, crowd: dice.roll() < 0.1 });
            for _ in 0..dice.below(4) {
                let near = [0, 1, 2, 3].map(|i| bbox[i] + bbox[2 + i % 2] * 0.3 * (dice.roll() - 0.5));
                let class = if dice.roll() < 0.1 { dice.below(CLASSES) } else { class };
                found.push(Found { image, class, score: dice.roll(), bbox: near });
            }
        }
        // One image has more detections than count.
        for _ in 0..dice.below(if image == 3 { 260 } else { 6 }) {
            let bbox = [
                400.0 * dice.roll(),
                300.0 * dice.roll(),
                2.0 + 200.0 * dice.roll(),
                2.0 + 200.0 * dice.roll(),
            ];
            found.push(Found { image, class: dice.below(CLASSES), score: 0.7 * dice.roll(), bbox });
        }
    }
    (truths, found)
}

fn theirs(python: &Path, truths: &[Truth], found: &[Found]) -> Value {
    let truth = |t: &Truth| {
        let [x, y, w, h] = t.bbox;
        json!([t.image, t.class, x, y, w, h, t.area, u8::from(t.crowd)])
    };
    let one = |f: &Found| {
        let [x, y, w, h] = f.bbox;
        json!([f.image, f.class, f.score, x, y, w, h])
    };
    let data = json!({"images": IMAGES, "classes": CLASSES, "truth": truths.iter().map(truth).collect::<Vec<_>>(),
        "found": found.iter().map(one).collect::<Vec<_>>()});
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/live.py");
    let mut child =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(data.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn sets_made_up_anew_score_as_in_pycocotools() {
    let Some(python) = python("sets_made_up_anew_score_as_in_pycocotools") else { return };
    for seed in 1..=3 {
        let (truths, found) = made_up(seed);
        let ours = score(CLASSES, &truths, &found);
        let theirs = theirs(&python, &truths, &found);
        let named = ["ap", "ap50", "ap75", "small", "medium", "large"];
        let values = [ours.ap, ours.ap50, ours.ap75, ours.small, ours.medium, ours.large];
        for ((name, ours), theirs) in named.iter().zip(values).zip(theirs["stats"].as_array().unwrap()) {
            let (ours, theirs) = (ours.unwrap(), theirs.as_f64().unwrap());
            assert!((ours - theirs).abs() < 1e-4, "seed {seed}, {name}: {ours}, pycocotools {theirs}");
            assert!((0.005..0.995).contains(&theirs), "a set that tells nothing: {name} {theirs}");
        }
        let classes = theirs["classes"].as_array().unwrap();
        assert_eq!(ours.classes.len(), classes.len());
        for (ours, theirs) in ours.classes.iter().zip(classes) {
            let number = |i: usize| theirs[i].as_f64().unwrap();
            assert_eq!(ours.class as f64, number(0));
            assert!(
                (ours.ap - number(1)).abs() < 1e-4 && (ours.ap50 - number(2)).abs() < 1e-4,
                "{ours:?} {theirs}"
            );
        }
    }
}
