use super::*;
use score::{ClassScore, DistanceScore, ScoreTable, Verdict};

/// A flight of a plausible kind, made of sines: 22 s from (0, 0) to (60, 0) between 150 trees.
pub(super) fn sample() -> FlightRecord {
    let mut state = 7u64;
    let mut dice = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 31)
    };
    let way = |x: f64| 3.2 * (x * 0.14).sin() * (x / 60.0 * std::f64::consts::PI).sin();
    let mut record = FlightRecord {
        goal: [60.0, 0.0],
        goal_radius_m: 1.0,
        body_radius_m: 0.25,
        safe_clearance_m: 0.35,
        ..Default::default()
    };
    while record.obstacles.len() < 170 {
        let (x, y, radius) = (dice() * 76.0 - 8.0, dice() * 44.0 - 22.0, 0.15 + 0.35 * dice());
        let clear = (y - way(x)).abs() - radius;
        if clear > 0.75 && (x.abs() > 3.0 || y.abs() > 3.0) {
            record
                .obstacles
                .push(Obstacle { class: "tree".into(), outline: Outline::Circle { x, y, radius } });
        }
    }
    let things = [
        ("stop sign", 18.0, 5.5, 0.2, 0.8, 0.3),
        ("car", 39.0, -6.5, 4.2, 1.8, 0.7),
        ("sports ball", 51.0, 3.4, 0.5, 0.5, 0.0),
    ];
    for (class, x, y, length, width, yaw) in things {
        record
            .obstacles
            .push(Obstacle { class: class.into(), outline: Outline::Box { x, y, length, width, yaw } });
    }
    let (mut x, mut t) = (0.0, 0.0);
    while x < 59.2 {
        let brake = 1.0
            - 0.55 * (-((x - 31.0) / 3.0f64).powi(2)).exp()
            - 0.3 * (-((x - 46.0) / 2.0f64).powi(2)).exp();
        let speed = (4.0 * (1.0 - (-t / 0.9f64).exp()) * brake).min(0.9 * (60.2 - x) + 0.2);
        let nearest = record.obstacles.iter().map(|obstacle| match obstacle.outline {
            Outline::Circle { x: at, y, radius } => ((at - x).hypot(y - way(x))) - radius - 0.25,
            Outline::Box { x: at, y, .. } => (at - x).hypot(y - way(x)) - 1.0,
        });
        let clearance = Some(nearest.fold(f64::MAX, f64::min));
        record.path.push(PathSample { t, x, y: way(x), z: 1.5, speed, clearance });
        record.commands.push(CommandSample {
            t,
            velocity: [(speed * 1.05 + 0.2 * dice()).min(4.0), 0.1, 0.0],
            yaw_rate: 0.0,
        });
        t += 0.02;
        x += speed * 0.02 + 0.002;
    }
    for (t, name) in [
        (0.0, "cruise"),
        (6.9, "avoid"),
        (8.6, "brake"),
        (9.4, "avoid"),
        (10.3, "cruise"),
        (13.1, "avoid"),
        (14.2, "cruise"),
    ] {
        record.states.push(StateChange { t, state: name.into() });
    }
    for at in 0..260 {
        let time = f64::from(at) * t / 260.0;
        let verdict = if dice() < 0.86 {
            Verdict::Hit
        } else if dice() < 0.6 {
            Verdict::False
        } else {
            Verdict::Ignored
        };
        let score = if verdict == Verdict::Hit { 0.45 + 0.5 * dice() } else { 0.35 + 0.25 * dice() };
        record.detections.push(DetectionSample { t: time, class: "car".into(), score, verdict });
    }
    for (name, middle) in [
        ("simulator → camera", 0.04),
        ("camera → detector", 0.03),
        ("detector", 41.0),
        ("depth → avoidance", 0.05),
        ("avoidance", 0.9),
        ("photon → command", 1.4),
        ("photon → detections", 43.0),
    ] {
        let samples_ms = (0..480)
            .map(|_| middle * (0.8 + 0.35 * dice() + if dice() > 0.97 { dice() } else { 0.0 }))
            .collect();
        record.latency.push(Hop { name: name.into(), samples_ms });
    }
    let row = |class: &str, truths, hits, false_alarms, ignored| ClassScore {
        class: class.into(),
        truths,
        hits,
        false_alarms,
        ignored,
    };
    record.score = ScoreTable {
        frames: 480,
        min_iou: 0.5,
        min_visible: 1.0 / 3.0,
        classes: vec![
            row("car", 131, 118, 6, 11),
            row("potted plant", 0, 0, 14, 0),
            row("sports ball", 52, 31, 2, 3),
            row("stop sign", 84, 79, 1, 2),
        ],
        distances: [
            (0.0, Some(4.0), 31, 30),
            (4.0, Some(8.0), 88, 85),
            (8.0, Some(12.0), 79, 70),
            (12.0, Some(16.0), 42, 31),
            (16.0, Some(24.0), 27, 12),
        ]
        .map(|(from_m, to_m, truths, hits)| DistanceScore { from_m, to_m, truths, hits })
        .to_vec(),
    };
    record.frames = (0..4).map(|at| frame(at, f64::from(at) * 4.3 + 2.1)).collect();
    record.summary = Summary {
        reached_goal: true,
        min_clearance_m: record.path.iter().filter_map(|sample| sample.clearance).reduce(f64::min),
        path_length_m: 63.42,
        sim_seconds: t,
        wall_seconds: 9.8,
        real_time_factor: t / 9.8,
        frames: 480,
        detections: 262,
        photon_to_command_ms: Percentiles::of(&record.latency[5].samples_ms),
        ..Default::default()
    };
    record.facts = RunFacts {
        world: "forest".into(),
        seed: 7,
        model: "nanodet_g_416 int8".into(),
        backend: "ONNX Runtime 1.22, CPU".into(),
        version: "0.1.0".into(),
        clock: "lockstep".into(),
        command_line: "peregrine demo --world forest --seed 7 --lockstep --model nanodet_g_416.int8 --backend ort --out report".into(),
        topic_log_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        more: vec![("Machine".into(), "2 cores, Linux 6.1, x86-64".into()), ("Obstacle density".into(), "1/25 per m²".into())],
    };
    record
}

/// A small picture of a sky, a meadow and a box with its label.
fn frame(at: u32, t: f64) -> AnnotatedFrame {
    let mut picture = image::RgbImage::from_fn(640, 480, |x, y| {
        let far = (i64::from(y) - 240).unsigned_abs() as u8 / 4;
        image::Rgb(if (x / (19 + at * 3)).is_multiple_of(5) && y > 60 && y < 330 {
            [92, 70, 52]
        } else if y < 240 {
            [150 + far, 185 + far / 2, 225]
        } else {
            [88 + far, 130 - far / 2, 72]
        })
    });
    let classes = [("stop sign", 0.91), ("car", 0.78), ("sports ball", 0.55)];
    let (class, score) = classes[at as usize % 3];
    let label = crate::draw::BoxLabel {
        x: 200.0 + 60.0 * at as f32,
        y: 160.0,
        width: 150.0,
        height: 130.0,
        text: format!("{class} {score:.2}"),
        colour: crate::draw::name_colour(class),
    };
    crate::draw::draw_boxes(&mut picture, &[label]);
    AnnotatedFrame {
        t,
        caption: format!("A {class} ahead, {} m away.", 5 + at),
        image: crate::draw::encode_jpeg(&picture, 80).unwrap(),
        labels: vec![
            FrameLabel { class: class.into(), score, verdict: Verdict::Hit },
            FrameLabel { class: "potted plant".into(), score: 0.41, verdict: Verdict::False },
        ],
    }
}

const SECTIONS: [&str; 6] = ["path", "time", "seen", "frames", "latency", "facts"];

fn assert_self_contained(page: &str) {
    for section in SECTIONS {
        assert!(page.contains(&format!("<section id=\"{section}\"")), "no section {section}");
    }
    // Nothing is fetched: no address of any scheme, no protocol-relative one, no import, and images are inline.
    for part in [
        "http:", "https:", "src=\"//", "href=", "@import", "url(", "<link", "<iframe", "<object", "fetch(",
        "XMLHttp",
    ] {
        assert!(!page.contains(part), "{part} in the page");
    }
    for image in page.match_indices("<img src=\"") {
        assert!(page[image.0..].starts_with("<img src=\"data:image/"));
    }
    for number in ["NaN", "inf\"", "inf,", "inf%"] {
        assert!(!page.contains(number), "{number} in the page");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn a_flight_gives_a_page_that_needs_nothing_else() {
    let record = sample();
    let page = render(&record);
    assert_self_contained(&page);
    for text in [
        "Reached the goal without touching anything",
        "closest",
        "stop sign",
        "peregrine demo --world forest --seed 7",
        "9f86d081",
        "91\u{202F}%",
    ] {
        assert!(page.contains(text), "{text} is missing");
    }
    assert_eq!(page.matches("<img ").count(), 4);
    assert_eq!(page, render(&record), "the same record gives the same page");
    if let Some(out) = std::env::var_os("PEREGRINE_REPORT_SAMPLE") {
        write(&record, Path::new(&out)).unwrap();
    }
}

#[test]
fn a_thing_of_two_solids_is_named_once() {
    let mut record = sample();
    let cabin = Outline::Box { x: 39.3, y: -6.4, length: 2.1, width: 1.6, yaw: 0.7 };
    record.obstacles.push(Obstacle { class: "car".into(), outline: cabin });
    let other = Outline::Box { x: 20.0, y: -6.4, length: 4.2, width: 1.8, yaw: 0.0 };
    record.obstacles.push(Obstacle { class: "car".into(), outline: other });
    let page = render(&record);
    assert_eq!(page.matches(">car</span>").count(), 2, "two cars, of three solids");
}

#[test]
fn an_empty_record_is_a_page_too() {
    let page = render(&FlightRecord::default());
    assert_self_contained(&page);
    for text in
        ["Did not reach the goal", "No path was recorded", "No latency was recorded", "No frames were kept"]
    {
        assert!(page.contains(text), "{text} is missing");
    }
}

#[test]
fn hostile_text_stays_text() {
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&\u{202E}\0";
    let mut record = sample();
    record.facts = RunFacts {
        world: evil.into(),
        model: evil.into(),
        backend: evil.into(),
        version: evil.into(),
        clock: evil.into(),
        command_line: evil.into(),
        topic_log_sha256: evil.into(),
        more: vec![(evil.into(), evil.into())],
        ..Default::default()
    };
    record
        .obstacles
        .push(Obstacle { class: evil.into(), outline: Outline::Circle { x: 5.0, y: 1.0, radius: 1.0 } });
    record.states.push(StateChange { t: 1.0, state: evil.into() });
    record.latency.push(Hop { name: evil.into(), samples_ms: vec![1.0] });
    record.score.classes.push(ClassScore { class: evil.into(), truths: 1, ..Default::default() });
    record.frames[0].caption = evil.into();
    record.frames[0].labels[0].class = evil.into();
    record.frames[1].image = evil.as_bytes().to_vec();
    let page = render(&record);
    assert_self_contained(&page);
    assert_eq!(page.matches("<script>").count(), 1);
    assert!(!page.contains("<img src=x") && !page.contains('\0') && !page.contains('\u{202E}'));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains("neither PNG nor JPEG"));
}

#[test]
fn numbers_that_are_none_do_not_reach_the_page() {
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 0.0, -1.0] {
        let mut record = sample();
        record.path.truncate(40);
        for sample in &mut record.path {
            *sample = PathSample { t: odd, x: odd, y: odd, z: odd, speed: odd, clearance: Some(odd) };
        }
        record.goal = [odd; 2];
        record.safe_clearance_m = odd;
        record.obstacles.push(Obstacle {
            class: "car".into(),
            outline: Outline::Box { x: odd, y: odd, length: odd, width: odd, yaw: odd },
        });
        record.states.push(StateChange { t: odd, state: "odd".into() });
        record.detections[0].t = odd;
        record.detections[0].score = odd;
        record.latency[0].samples_ms = vec![odd; 5];
        record.score.distances[0].from_m = odd;
        record.summary.sim_seconds = odd;
        record.summary.min_clearance_m = Some(odd);
        assert_self_contained(&render(&record));
    }
}

#[test]
fn verdicts_are_in_words() {
    let words = |reached_goal, collisions| {
        let summary = Summary { reached_goal, collisions, ..Default::default() };
        verdict(&FlightRecord { summary, ..Default::default() })
    };
    assert_eq!(words(true, 0).0, "good");
    assert_eq!(words(true, 2), ("bad", "Reached the goal, but with 2 collisions".to_owned()));
    assert_eq!(words(false, 1).1, "Did not reach the goal; flew with one collision");
}

#[test]
fn percentiles_are_by_nearest_rank() {
    let samples: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    assert_eq!(Percentiles::of(&samples), Some(Percentiles { p50: 50.0, p99: 99.0 }));
    assert_eq!(Percentiles::of(&[f64::NAN, 3.0]), Some(Percentiles { p50: 3.0, p99: 3.0 }));
    assert_eq!(Percentiles::of(&[]), None);
}

#[test]
fn a_report_appears_whole_in_a_new_folder() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("deep/er/report.html");
    write(&FlightRecord::default(), &file).unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().ends_with("</html>\n"));
    assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    let error = write(&FlightRecord::default(), &file.join("below.html")).unwrap_err().to_string();
    assert!(error.starts_with("PG-1351") && error.contains("below.html"), "{error}");
}
