//! `peregrine sim batch`: rows that repeat, a run that goes on, civil refusals.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::{run, stderr, stdout};

fn batch(out: &std::path::Path, more: &[&str]) -> std::process::Output {
    let out = out.display().to_string();
    let fixed = ["sim", "batch", "--out", &out, "--time-limit", "6"];
    run(&[&fixed[..], more].concat())
}

#[test]
fn a_batch_goes_on_where_it_was_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, cut) = (dir.path().join("whole.csv"), dir.path().join("cut.csv"));
    let first = batch(&whole, &["--seeds", "1..4", "--json"]);
    assert!(first.status.success(), "{}", stderr(&first));
    let summary: serde_json::Value = serde_json::from_str(&stdout(&first)).unwrap();
    assert_eq!(summary["rows"], 4);
    assert_eq!(summary["outcomes"]["time_limit"], 4);
    assert!(summary["sim_seconds"].as_f64().unwrap() >= 24.0);

    assert!(batch(&cut, &["--seeds", "1..4", "--threads", "1"]).status.success());
    let text = std::fs::read_to_string(&whole).unwrap();
    assert_eq!(text, std::fs::read_to_string(&cut).unwrap(), "threads change a row");
    std::fs::write(&cut, &text[..text.len() - 7]).unwrap();
    let more = batch(&cut, &["--seeds", "1..4", "--json"]);
    let summary: serde_json::Value = serde_json::from_str(&stdout(&more)).unwrap();
    assert_eq!(summary["flown_now"], 1, "{}", stderr(&more));
    assert_eq!(text, std::fs::read_to_string(&cut).unwrap());
}

#[test]
fn what_cannot_be_flown_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("a.csv");
    for (more, says) in [
        (&["--seeds", "9..1"][..], "PG-1021"),
        (&["--seeds", "1", "--pilot", "maverick"], "hover, straight and slide"),
        (&["--seeds", "1", "--speed", "NaN"], "speed"),
        (&["--seeds", "1", "--threads", "0"], "threads"),
        (&["--seeds", "1", "--world", "no-such-world"], "no-such-world"),
    ] {
        let refused = batch(&out, more);
        assert!(!refused.status.success(), "{more:?}");
        let text = stderr(&refused);
        assert!(text.contains(says) && !text.contains("panicked"), "{more:?}: {text}");
    }
    std::fs::write(&out, "name,age\n").unwrap();
    assert!(stderr(&batch(&out, &["--seeds", "1"])).contains("no file of a batch"));
}
