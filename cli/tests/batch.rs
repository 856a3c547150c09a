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

/// A world of a file is flown by its own vehicle, what of it is not simulated is said, and a file that was edited is not gone on with.
#[test]
fn a_world_of_a_file_is_told_of_and_known_again() {
    let dir = tempfile::tempdir().unwrap();
    let (out, world) = (dir.path().join("a.csv"), dir.path().join("w.sdf"));
    let write = |gravity: f64| {
        let sdf = format!(
            "<sdf version='1.9'><world name='w'><gravity>0 0 -{gravity}</gravity><light name='lamp' type='point'/>
             <frame name='goal'><pose>50 0 2 0 0 0</pose></frame></world></sdf>"
        );
        std::fs::write(&world, sdf).unwrap();
    };
    write(9.8);
    let world_arg = world.display().to_string();
    let same = batch(&out, &["--seeds", "1..2", "--world", &world_arg]);
    let said = stderr(&same);
    assert!(!same.status.success() && said.contains("turbulence") && said.contains("PG-1021"), "{said}");
    let gusts = ["--seeds", "1..2", "--world", &world_arg, "--turbulence", "8", "--pilot", "hover", "--json"];
    let flown = batch(&out, &gusts);
    assert!(flown.status.success(), "{}", stderr(&flown));
    assert!(stderr(&flown).contains("light[point] beside the sun is not simulated"), "{}", stderr(&flown));
    let summary: serde_json::Value = serde_json::from_str(&stdout(&flown)).unwrap();
    assert_eq!(summary["ignored"]["light[point] beside the sun"], 1);
    let again = batch(&out, &gusts);
    let summary: serde_json::Value = serde_json::from_str(&stdout(&again)).unwrap();
    assert_eq!(summary["flown_now"], 0);
    write(9.7);
    let edited = batch(&out, &gusts);
    assert!(
        !edited.status.success() && stderr(&edited).contains("another state of the world's file"),
        "{}",
        stderr(&edited)
    );
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
        (&["--seeds", "1", "--world", "slalom", "--vehicle", "zeppelin"], "zeppelin"),
    ] {
        let refused = batch(&out, more);
        assert!(!refused.status.success(), "{more:?}");
        let text = stderr(&refused);
        assert!(text.contains(says) && !text.contains("panicked"), "{more:?}: {text}");
    }
    std::fs::write(&out, "name,age\n").unwrap();
    assert!(stderr(&batch(&out, &["--seeds", "1"])).contains("no file of a batch"));
}

#[test]
fn avoidance_is_measured_on_suites_and_on_worlds_of_ones_own() {
    let fly = |more: &[&str]| {
        let flown = run(&[&["bench", "avoid"], more, &["--json"]].concat());
        assert!(flown.status.success(), "{more:?}: {}", stderr(&flown));
        serde_json::from_str::<serde_json::Value>(&stdout(&flown)).unwrap()
    };
    let forest = fly(&["poisson25", "--seeds", "1..2", "--speed", "5"]);
    assert_eq!((&forest["suite"], &forest["runs"]), (&"poisson25".into(), &2.into()));
    assert_eq!((forest["success"].as_f64(), &forest["collisions"]), (Some(1.0), &0.into()), "{forest}");
    assert!((4.0..5.5).contains(&forest["mean_speed_mps"].as_f64().unwrap()), "{forest}");
    // Wilson's interval of 2 of 2: from 1 / (1 + z^2 / n) on.
    let low = forest["success_ci95"][0].as_f64().unwrap();
    assert!((low - 1.0 / (1.0 + 1.959_964_f64.powi(2) / 2.0)).abs() < 1e-3, "{low}");
    assert_eq!(forest.to_string(), fly(&["poisson25", "--seeds", "1..2", "--speed", "5"]).to_string());

    // A wall of 8 m with a post before it: around, or over the wall, for a list of one's own is flown at any altitude.
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("wall.json");
    let list = r#"{"worlds": [{"start": [0, 0, 1.5], "goal": [12, 0, 1.5], "cyl": [[4, 0.1, 0.3]],
        "box": [[7, 0, 1, 0.4, 8, 2, 0]]}]}"#;
    std::fs::write(&json, list).unwrap();
    let sdf = dir.path().join("post.sdf");
    let post = r#"<sdf version="1.9"><world name="w"><frame name="goal"><pose>10 0 1.5 0 0 0</pose></frame>
        <model name="post"><static>true</static><pose>5 0 2 0 0 0</pose><link name="l"><collision name="c"><geometry>
        <cylinder><radius>0.4</radius><length>4</length></cylinder></geometry></collision></link></model></world></sdf>"#;
    std::fs::write(&sdf, post).unwrap();
    for file in [&json, &sdf] {
        let own = fly(&["file", "--world", &file.display().to_string(), "--seeds", "1"]);
        assert_eq!((own["success"].as_f64(), &own["collisions"]), (Some(1.0), &0.into()), "{own}");
    }
    let page = dir.path().join("flight.html");
    let replay = ["bench", "avoid", "dense", "--replay", "3", "--out", &page.display().to_string()];
    assert!(run(&replay).status.success());
    assert!(std::fs::read_to_string(&page).unwrap().contains("<svg"));
    let refused = run(&["bench", "avoid", "barn", "--seeds", "1"]);
    assert!(!refused.status.success() && stderr(&refused).contains("--world"), "{}", stderr(&refused));
}
