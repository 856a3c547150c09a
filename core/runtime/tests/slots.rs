//! Large messages between processes that know nothing of each other: each once, in order, out of a slot.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

extern crate peregrine_core as peregrine;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use peregrine::prelude::*;
use peregrine::{App, FrameHost, Mode, NodeFactory, NodeSpec, RunReport, Stop, StopReason};
use peregrine_msgs::builtin_interfaces;
use peregrine_msgs::sensor_msgs::PointCloud2;

/// Bytes of the points of cloud `number`: below and above the threshold, small ones first.
fn size(number: i32) -> usize {
    match number % 3 {
        0 => 200_000,
        1 => 100,
        _ => 16 * 1024,
    }
}

/// What a test sees and steers of a lidar.
#[derive(Default)]
struct Panel {
    number: AtomicU64,
    /// No more than so many.
    last: AtomicU64,
}

/// Publishes clouds: their stamps count them, their bytes are all that number.
struct Lidar {
    clouds: Publisher<PointCloud2>,
    panel: Arc<Panel>,
}

impl Node for Lidar {
    const NAME: &'static str = "lidar";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(1), Self::scan)?;
        Ok(Self { clouds: setup.publish("cloud", Qos::Reliable)?, panel: setup.extension().unwrap() })
    }
}

impl Lidar {
    fn scan(&mut self, ctx: &Context) -> Result {
        if self.panel.number.load(Ordering::Relaxed) >= self.panel.last.load(Ordering::Relaxed) {
            return Ok(());
        }
        let number = i32::try_from(self.panel.number.fetch_add(1, Ordering::Relaxed) + 1).unwrap();
        let mut cloud = PointCloud2::default();
        cloud.header.stamp = builtin_interfaces::Time { sec: number, nanosec: 0 };
        cloud.data = vec![u8::try_from(number & 0xff).unwrap(); size(number)];
        self.clouds.send(ctx, cloud)
    }
}

/// Reads the same clouds in the lidar's own process, and notes where they lie.
struct Neighbour(Arc<Mutex<Vec<(String, i32, usize)>>>);

impl Node for Neighbour {
    const NAME: &'static str = "neighbour";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe(
            "cloud",
            Qos::KeepLast(10_000),
            |node: &mut Self, ctx: &Context, cloud: &PointCloud2| {
                let at = cloud.data.as_ptr() as usize;
                node.0.lock().unwrap().push((ctx.node_name().into(), cloud.header.stamp.sec, at));
                Ok(())
            },
        )?;
        Ok(Self(setup.extension().unwrap()))
    }
}

/// A folder of the test's own, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("peregrine-slots-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The lidar's process: this one.
struct Source {
    panel: Arc<Panel>,
    stop: Stop,
    running: std::thread::JoinHandle<RunReport>,
}

impl Source {
    fn start(folder: &Path, last: u64) -> Self {
        Self::with(folder, last, |_| {})
    }

    fn with(folder: &Path, last: u64, more: impl FnOnce(&mut App)) -> Self {
        let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
        app.share_frames(FrameHost::at(folder, 0).unwrap());
        let panel = Arc::new(Panel { number: AtomicU64::new(0), last: AtomicU64::new(last) });
        app.extend(panel.clone());
        app.add(NodeFactory::of::<Lidar>(), NodeSpec::new("lidar")).unwrap();
        more(&mut app);
        let stop = app.stop_handle();
        Self { panel, stop, running: std::thread::spawn(move || app.run().unwrap()) }
    }

    fn end(self) -> RunReport {
        self.stop.ask(StopReason::Asked("the test is over".into()));
        self.running.join().unwrap()
    }
}

/// A reader in a process of its own.
struct Reader {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Reader {
    fn start(folder: &Path, count: u32, how: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_core-peer"))
            .arg(folder)
            .args([&count.to_string(), "clouds", how])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        Self { child, lines }
    }

    /// The number of the next cloud, which is whole and as long as it should be.
    fn next(&mut self) -> Option<i32> {
        let line = self.lines.next()?.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] != "cloud" {
            return None;
        }
        let number = words[1].parse().unwrap();
        assert_eq!(words[2..], ["of", &size(number).to_string(), "whole", "true"], "{line}");
        Some(number)
    }

    fn rest(mut self) -> Vec<i32> {
        let numbers = std::iter::from_fn(|| self.next()).collect();
        assert!(self.child.wait().unwrap().success());
        numbers
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn in_a_row(numbers: &[i32]) -> bool {
    numbers.windows(2).all(|pair| pair[0] + 1 == pair[1])
}

#[test]
fn each_message_comes_once_and_in_order_whatever_its_size() {
    let folder = Folder::new("order");
    let seen = Arc::<Mutex<Vec<(String, i32, usize)>>>::default();
    let own = seen.clone();
    let source = Source::with(&folder.0, u64::MAX, move |app| {
        app.extend(own);
        for name in ["near", "far"] {
            app.add(NodeFactory::of::<Neighbour>(), NodeSpec::new("neighbour").with_name(name)).unwrap();
        }
    });
    let readers = [Reader::start(&folder.0, 300, "reliable"), Reader::start(&folder.0, 300, "reliable")];
    for reader in readers {
        let numbers = reader.rest();
        assert_eq!(numbers.len(), 300);
        assert!(in_a_row(&numbers), "{numbers:?}");
    }
    let report = source.end();
    assert_eq!(report.failed_loans, 0);
    // In the same process both read the very same bytes.
    let seen = seen.lock().unwrap();
    let of = |name: &str| -> Vec<(i32, usize)> {
        seen.iter().filter(|(node, ..)| node == name).map(|(_, number, at)| (*number, *at)).collect()
    };
    let (near, far) = (of("/near"), of("/far"));
    assert!(near.len() >= 300 && near.iter().zip(&far).all(|(a, b)| a == b));
}

#[test]
fn a_killed_reader_and_a_stopped_one_cost_the_others_nothing() {
    let folder = Folder::new("killed");
    let source = Source::start(&folder.0, u64::MAX);
    let mut steady = Reader::start(&folder.0, 600, "reliable");
    let mut first = steady.next().unwrap();
    for _ in 0..3 {
        let mut doomed = Reader::start(&folder.0, 100_000, "reliable");
        doomed.next().unwrap();
        // Dropped: killed with -9, in whatever it was doing.
        drop(doomed);
    }
    let mut stopped = Reader::start(&folder.0, 100_000, "reliable");
    stopped.next().unwrap();
    let pid = rustix::process::Pid::from_child(&stopped.child);
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let before = Instant::now();
    for _ in 0..200 {
        let number = steady.next().unwrap();
        assert_eq!(number, first + 1);
        first = number;
    }
    // It is waited for once, and then no more.
    assert!(before.elapsed() < Duration::from_secs(15), "{:?}", before.elapsed());
    drop(stopped);
    assert!(in_a_row(&steady.rest()));
    assert_eq!(source.end().failed_loans, 0);
}

#[test]
fn a_publisher_that_starts_again_is_read_again() {
    let folder = Folder::new("again");
    let mut reader = Reader::start(&folder.0, 60, "best_effort");
    let first = Source::start(&folder.0, u64::MAX);
    let mut numbers: Vec<i32> = (0..30).map(|_| reader.next().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    first.end();
    let second = Source::start(&folder.0, u64::MAX);
    numbers.extend(std::iter::from_fn(|| reader.next()));
    // What was left of the first, and then the second from its beginning.
    let turns = numbers.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert_eq!((turns, numbers.len()), (1, 60), "{numbers:?}");
    second.end();
}

#[test]
fn small_messages_make_no_bus() {
    let folder = Folder::new("small");
    let host = FrameHost::at(&folder.0, 0).unwrap();
    let source = Source::start(&folder.0, 1);
    let end = Instant::now() + Duration::from_secs(10);
    while source.panel.number.load(Ordering::Relaxed) < 1 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(host.inspect(Duration::from_millis(200)).len(), 0, "one cloud of 100 bytes");
    source.panel.last.store(4, Ordering::Relaxed);
    let found = loop {
        assert!(Instant::now() < end, "no bus for a large message");
        if let [found] = host.inspect(Duration::from_millis(200)).as_slice() {
            let peregrine_frame::FoundState::Live(bus) = &found.state else { panic!("{found:?}") };
            break (
                bus.topic().to_owned(),
                bus.message_type().to_owned(),
                bus.label().to_owned(),
                bus.present_slots(),
            );
        }
    };
    assert_eq!(found, ("/cloud".into(), "sensor_msgs/msg/PointCloud2".into(), "/lidar".into(), 0));
    source.end();
}
