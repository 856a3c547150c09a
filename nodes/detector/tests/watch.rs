//! The node watched: heat, slowness and battery lead down the ladder and up again, and in lockstep nothing that a clock on
//! the wall says gets into a topic.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use common::{camera, lent, model, shoot, text};
use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamMap, ParamValue, RunReport};
use peregrine_detector::{Config, DetectorNode};
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus};
use peregrine_msgs::sensor_msgs::BatteryState;
use peregrine_msgs::vision_msgs::Detection2DArray;

#[derive(Default)]
struct Seen {
    steps: Vec<DiagnosticStatus>,
    watch: Vec<DiagnosticStatus>,
    scores: Vec<u32>,
}

type Shared = Arc<Mutex<Seen>>;

fn listen<N: Node>(setup: &mut Setup<N>) -> Result<Shared> {
    let seen: Shared = lent(setup);
    let (a, b, c) = (seen.clone(), seen.clone(), seen.clone());
    setup.subscribe(
        "/diagnostics",
        Qos::KeepLast(100),
        move |_: &mut N, _: &Context, m: &DiagnosticArray| {
            let steps = m.status.iter().filter(|status| status.name.ends_with(": ladder"));
            a.lock().unwrap().steps.extend(steps.cloned());
            Ok(())
        },
    )?;
    setup.subscribe(
        "detector/watch",
        Qos::KeepLast(100),
        move |_: &mut N, _: &Context, m: &DiagnosticArray| {
            b.lock().unwrap().watch.extend(m.status.iter().cloned());
            Ok(())
        },
    )?;
    setup.subscribe(
        "detections",
        Qos::KeepLast(100),
        move |_: &mut N, _: &Context, m: &Detection2DArray| {
            let score = m.detections.first().map_or(0.0, |d| d.results[0].hypothesis.score);
            c.lock().unwrap().scores.push((100.0 * score).round() as u32);
            Ok(())
        },
    )?;
    Ok(seen)
}

/// Frames at 50 Hz, and a fake sensor that turns hot and cool again as steps are announced.
struct Oven {
    seen: Shared,
    images: FramePublisher,
    zone: Option<PathBuf>,
    steps: usize,
    ticks: u32,
}

impl Node for Oven {
    const NAME: &'static str = "oven";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(20), Self::tick)?;
        let zone = (*lent::<Option<PathBuf>, _>(setup)).clone();
        Ok(Self { seen: listen(setup)?, images: camera(setup)?, zone, steps: 0, ticks: 0 })
    }
}

impl Oven {
    fn tick(&mut self, ctx: &Context) -> Result {
        self.ticks += 1;
        if self.ticks > 1500 {
            ctx.fail("half a minute is over and nothing has happened");
        }
        let heat = |milli: &str| self.zone.iter().for_each(|zone| std::fs::write(zone, milli).unwrap());
        let steps = self.seen.lock().unwrap().steps.len();
        if self.ticks == 30 {
            heat("91000");
        }
        if steps > self.steps {
            self.steps = steps;
            heat("40000");
            let wanted = if self.zone.is_some() { 2 } else { 1 };
            if steps == wanted {
                ctx.shutdown("the ladder has been used");
            }
        }
        shoot(&mut self.images, ctx, ctx.now()).map(drop)
    }
}

fn zones(root: &Path, milli: &str) -> PathBuf {
    let zone = root.join("zones/thermal_zone0");
    std::fs::create_dir_all(&zone).unwrap();
    std::fs::write(zone.join("type"), "fake").unwrap();
    std::fs::write(zone.join("temp"), milli).unwrap();
    zone.join("temp")
}

fn run_oven(zone: Option<PathBuf>, detector: NodeSpec) -> (RunReport, Shared) {
    let seen = Shared::default();
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.extend(seen.clone()).extend(Arc::new(zone));
    app.add(NodeFactory::of::<Oven>(), NodeSpec::new("oven")).unwrap();
    app.add(NodeFactory::of::<DetectorNode>(), detector).unwrap();
    let report = app.run().unwrap_or_else(|error| panic!("{error}: {:?}", seen.lock().unwrap().watch.last()));
    (report, seen)
}

fn spec(own: impl AsRef<Path>, ladder: &[&str]) -> NodeSpec {
    let ladder = ladder.iter().map(|entry| (*entry).to_owned()).collect();
    NodeSpec::new("detector")
        .with_param("model", text(own))
        .with_param("backend", text("tract"))
        .with_param("allow_unsigned", ParamValue::Bool(true))
        .with_param("ladder", ParamValue::StringArray(ladder))
}

#[test]
fn heat_leads_to_the_smaller_model_and_cooling_back() {
    let folder = tempfile::tempdir().unwrap();
    let own = model(folder.path(), "large", 0.9, 20.0, "");
    let small = model(folder.path(), "small", 0.8, 20.0, "");
    let zone = zones(folder.path(), "40000");
    let detector = spec(&own, &[&format!("{} @ 10", small.display())])
        .with_param("thermal_zones", text(folder.path().join("zones")))
        // The machine of the test may be busy: only heat counts here.
        .with_param("old_ms", ParamValue::Double(60_000.0))
        .with_param("young_ms", ParamValue::Double(60_000.0))
        .with_param("patience_s", ParamValue::Double(0.5))
        .with_param("settle_s", ParamValue::Double(1.5));
    let (report, seen) = run_oven(Some(zone), detector);
    let seen = seen.lock().unwrap();
    assert!(report.nodes.iter().all(|node| node.errors == 0), "{:?}", report.nodes);
    let [down, up] = seen.steps.as_slice() else { panic!("{:?}", seen.steps) };
    assert!(
        down.level == DiagnosticStatus::WARN && down.message.contains("91 C is hotter than 85 C"),
        "{down:?}"
    );
    assert!(up.level == DiagnosticStatus::OK && up.message.starts_with("a step up to rung 0"), "{up:?}");
    let mut scores = seen.scores.clone();
    scores.dedup();
    assert!(scores.starts_with(&[90, 80]), "{scores:?}");
    let value = |status: &DiagnosticStatus, key: &str| {
        status.values.iter().find(|value| value.key == key).map(|value| value.value.clone())
    };
    let hot = seen.watch.iter().find(|s| value(s, "temperature_c").as_deref() == Some("91.0")).unwrap();
    assert_eq!(value(hot, "hottest_zone").as_deref(), Some("fake"));
    let low =
        seen.watch.iter().find(|s| value(s, "rung").is_some_and(|rung| rung.ends_with("at 10 Hz"))).unwrap();
    assert!(low.level == DiagnosticStatus::WARN && low.message.contains("less than its best"), "{low:?}");
    for key in ["age_p50_ms", "age_p99_ms", "latency_p50_ms", "latency_p99_ms", "brightness", "sharpness"] {
        assert!(value(hot, key).unwrap().parse::<f64>().unwrap() >= 0.0, "{key}");
    }
    let last = seen.watch.last().unwrap();
    assert_eq!(value(last, "brightness").as_deref(), Some("100.0"));
    assert_ne!(value(last, "skipped by the ladder").as_deref(), Some("0"));
}

/// A real network is slower than the limit here: its results are too old, and a faster model takes over.
#[test]
fn slowness_leads_to_the_faster_model() {
    let folder = tempfile::tempdir().unwrap();
    let fast = model(folder.path(), "fast", 0.8, 20.0, "");
    // Some milliseconds on any machine of today.
    let detector = spec("nanodet_g_320_w8", &[&fast.display().to_string()])
        .with_param("thermal_zones", text(folder.path()))
        .with_param("old_ms", ParamValue::Double(1.0))
        .with_param("patience_s", ParamValue::Double(0.5));
    let (report, seen) = run_oven(None, detector);
    let seen = seen.lock().unwrap();
    assert!(report.nodes.iter().all(|node| node.errors == 0), "{:?}", report.nodes);
    let [down] = seen.steps.as_slice() else { panic!("{:?}", seen.steps) };
    assert!(down.message.contains("ms old, more than 1 ms"), "{down:?}");
}

/// A world of ten seconds at 10 Hz whose battery runs low after three.
struct World {
    images: FramePublisher,
    battery: Publisher<BatteryState>,
    frame: i64,
}

impl Node for World {
    const NAME: &'static str = "world";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        listen(setup)?;
        setup.drive_clock(Self::step)?;
        Ok(Self { images: camera(setup)?, battery: setup.publish("battery", Qos::Sensor)?, frame: 0 })
    }
}

impl World {
    fn step(&mut self, ctx: &Context) -> Result<Advance> {
        self.frame += 1;
        let now = Time(self.frame * 100_000_000);
        let percentage = if self.frame > 30 { 0.1 } else { 0.9 };
        self.battery.send(ctx, BatteryState { percentage, ..BatteryState::default() })?;
        shoot(&mut self.images, ctx, now)?;
        Ok(if self.frame > 100 { Advance::Finished } else { Advance::To(now) })
    }
}

#[test]
fn in_lockstep_the_battery_counts_and_the_wall_clock_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let own = model(folder.path(), "large", 0.9, 20.0, "");
    zones(folder.path(), "99000");
    let fly = |threads: usize| {
        let seen = Shared::default();
        let mut app = App::new(Mode::Lockstep { threads });
        app.log_topics(true).extend(seen.clone());
        app.add(NodeFactory::of::<World>(), NodeSpec::new("world")).unwrap();
        let detector = spec(&own, &["@ 2"]).with_param("thermal_zones", text(folder.path().join("zones")));
        app.add(NodeFactory::of::<DetectorNode>(), detector).unwrap();
        (app.run().unwrap().topic_log_sha256, seen)
    };
    let (hash, seen) = fly(1);
    assert!(hash.is_some() && hash == fly(1).0 && hash == fly(2).0);
    let seen = seen.lock().unwrap();
    let [down] = seen.steps.as_slice() else { panic!("{:?}", seen.steps) };
    assert!(down.message.contains("the battery is at 10 %, below 15 %"), "{down:?}");
    assert!((40..75).contains(&seen.scores.len()), "{} results", seen.scores.len());
    assert!(seen.watch.len() >= 9, "{}", seen.watch.len());
    let keys: Vec<&str> = seen.watch.iter().flat_map(|s| &s.values).map(|value| value.key.as_str()).collect();
    assert!(keys.contains(&"age_p50_ms") && keys.contains(&"battery"));
    assert!(!keys.iter().any(|key| key.starts_with("latency") || key.starts_with("temperature")), "{keys:?}");
}

/// A model that nobody trusted has signed is complained about when the node starts and every minute: in two and a half minutes three
/// times.
struct Minutes {
    images: FramePublisher,
    second: i64,
}

type Complaints = Arc<Mutex<Vec<(i64, DiagnosticStatus)>>>;

impl Node for Minutes {
    const NAME: &'static str = "minutes";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let seen: Complaints = lent(setup);
        setup.subscribe(
            "/diagnostics",
            Qos::KeepLast(100),
            move |_: &mut Self, _: &Context, m: &DiagnosticArray| {
                let of = m.status.iter().filter(|status| status.name.ends_with(": model signature"));
                let stamp = i64::from(m.header.stamp.sec);
                seen.lock().unwrap().extend(of.map(|status| (stamp, status.clone())));
                Ok(())
            },
        )?;
        setup.drive_clock(|node: &mut Self, ctx: &Context| {
            node.second += 1;
            let now = Time(node.second * 1_000_000_000);
            // A picture now and then: it is the clock that complains.
            if node.second % 30 == 1 {
                shoot(&mut node.images, ctx, now)?;
            }
            Ok(if node.second > 150 { Advance::Finished } else { Advance::To(now) })
        })?;
        Ok(Self { images: camera(setup)?, second: 0 })
    }
}

#[test]
fn an_unsigned_model_is_complained_about_every_minute_and_a_trusted_one_never() {
    let folder = tempfile::tempdir().unwrap();
    let own = model(folder.path(), "mine", 0.9, 20.0, "");
    for (name, expected) in [(own.to_str().unwrap(), 3), ("nanodet_g_320_w8", 0)] {
        let seen = Complaints::default();
        let mut app = App::new(Mode::Lockstep { threads: 1 });
        app.extend(seen.clone());
        app.add(NodeFactory::of::<Minutes>(), NodeSpec::new("minutes")).unwrap();
        app.add(
            NodeFactory::of::<DetectorNode>(),
            spec(name, &[]).with_param("ladder", ParamValue::StringArray(vec![])),
        )
        .unwrap();
        let report = app.run().unwrap();
        assert!(report.nodes.iter().all(|node| node.errors == 0), "{:?}", report.nodes);
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), expected, "{seen:?}");
        let times: Vec<i64> = seen.iter().map(|(second, _)| *second).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 61), "{times:?}");
        for (_, status) in seen.iter() {
            assert!(
                status.level == DiagnosticStatus::WARN && status.message.contains("mine: NOT SIGNED"),
                "{status:?}"
            );
        }
    }
}

/// Threads that do nothing but keep the processors busy, until the ladder has stepped down.
struct Busy(Arc<std::sync::atomic::AtomicBool>);

impl Busy {
    fn start() -> Self {
        let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let cpus = std::thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..6 * cpus {
            let over = over.clone();
            std::thread::spawn(move || {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(over)
    }
    fn end(&self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.end();
    }
}

/// Frames at 5 Hz while the machine is loaded; the load ends with the first step.
struct Crowd {
    seen: Shared,
    images: FramePublisher,
    busy: Busy,
    ticks: u32,
}

impl Node for Crowd {
    const NAME: &'static str = "crowd";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(200), |node: &mut Self, ctx: &Context| {
            node.ticks += 1;
            if node.ticks > 300 {
                ctx.fail("a minute is over and nothing has happened");
            }
            let steps = node.seen.lock().unwrap().steps.len();
            if steps > 0 {
                node.busy.end();
            }
            if steps > 1 {
                ctx.shutdown("down and up again");
            }
            shoot(&mut node.images, ctx, ctx.now()).map(drop)
        })?;
        Ok(Self { seen: listen(setup)?, images: camera(setup)?, busy: Busy::start(), ticks: 0 })
    }
}

#[test]
fn a_loaded_cpu_leads_down_and_a_free_one_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let small = model(folder.path(), "small", 0.8, 20.0, "");
    // What an image takes here when nothing else runs.
    let options = peregrine_models::LoadOptions {
        backend: peregrine_models::BackendChoice::Tract,
        ..peregrine_models::LoadOptions::new("nanodet_g_320_w8")
    };
    let mut detector = peregrine_models::Detector::load(&options).unwrap();
    let grey = vec![100; 3 * 64 * 64];
    let image = peregrine_models::ImageRef::packed(&grey, 64, 64, peregrine_models::PixelFormat::Rgb8);
    let times = (0..5).map(|_| {
        let start = std::time::Instant::now();
        detector.detect(&image).unwrap();
        start.elapsed().as_secs_f64()
    });
    let free_ms = 1e3 * times.fold(f64::INFINITY, f64::min);
    drop(detector);
    let seen = Shared::default();
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.extend(seen.clone());
    app.add(NodeFactory::of::<Crowd>(), NodeSpec::new("crowd")).unwrap();
    let detector = spec("nanodet_g_320_w8", &[&small.display().to_string()])
        .with_param("thermal_zones", text(folder.path()))
        .with_param("old_ms", ParamValue::Double(2.0 * free_ms))
        .with_param("young_ms", ParamValue::Double(1.5 * free_ms))
        .with_param("patience_s", ParamValue::Double(0.5))
        .with_param("settle_s", ParamValue::Double(1.0));
    app.add(NodeFactory::of::<DetectorNode>(), detector).unwrap();
    let report = app.run().unwrap();
    assert!(report.nodes.iter().all(|node| node.errors == 0), "{:?}", report.nodes);
    let seen = seen.lock().unwrap();
    println!("free {free_ms:.1} ms: {:?}", seen.steps.iter().map(|step| &step.message).collect::<Vec<_>>());
    assert!(
        seen.steps[0].level == DiagnosticStatus::WARN && seen.steps[0].message.contains("ms old, more than")
    );
    assert!(seen.steps[1].message.starts_with("a step up to rung 0"), "{:?}", seen.steps);
    let last = seen.watch.last().unwrap();
    assert!(last.values.iter().any(|value| value.key == "memory_mb"), "{last:?}");
}

#[test]
fn steps_that_are_none_are_refused_and_the_parameter_file_is_whole() {
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    let error = app
        .add(NodeFactory::of::<DetectorNode>(), spec("nanodet_g_320_w8", &["@ fast"]))
        .map(|_| ())
        .unwrap_err();
    assert!(error.to_string().contains("PG-0602") && error.to_string().contains("'@ fast'"), "{error}");
    let file = include_str!("../params.yaml");
    let shown = format!("{:?}", Config::from_map("/a", "a", &ParamMap::default()).unwrap());
    let body = shown.split_once('{').unwrap().1;
    for key in body.match_indices(": ").map(|(at, _)| body[..at].rsplit([' ', '{']).next().unwrap()) {
        let line = file.lines().find(|line| line.starts_with(&format!("    {key}: ")));
        let line = line.unwrap_or_else(|| panic!("{key} is missing in params.yaml"));
        let given = line.split_once(": ").unwrap().1.split(" #").next().unwrap().trim().replace('"', "");
        let at = body.find(&format!("{key}: ")).unwrap();
        let own = body[at..].split_once(": ").unwrap().1.replace('"', "");
        assert!(own.starts_with(&given), "{key}: {given} in params.yaml");
    }
}
