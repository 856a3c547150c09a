//! What another process of this host reads in slots is not sent over Zenoh as well; whoever else listens still hears it;
//! and each message arrives once and in order, whoever comes and goes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

// The name under which derive(Params) looks for the runtime.
extern crate peregrine_core as peregrine;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use peregrine_core::prelude::*;
use peregrine_core::{App, FrameHost, Mode, NodeFactory, NodeSpec, Stop, StopReason, Topics};
use peregrine_msgs::Message;
use peregrine_msgs::builtin_interfaces;
use peregrine_msgs::sensor_msgs::{Image, PointCloud2};
use peregrine_zenoh::keys::data_key;
use peregrine_zenoh::{Inspector, Link, LinkOptions, carry};
use zenoh::Wait;

/// Every third cloud is below the threshold.
fn points(number: i32) -> usize {
    if number % 3 == 1 { 1000 } else { 60_000 }
}

/// A way to look into a running process: its topics, once it runs.
#[derive(Default)]
struct Glass(Mutex<Option<Arc<Topics>>>);

impl Glass {
    fn sent(&self, topic: &str) -> u64 {
        let topics = self.0.lock().unwrap().clone();
        topics.map_or(0, |topics| topics.get(topic).unwrap().sent())
    }
}

/// Publishes pictures and clouds with its own name and the number of each in them.
struct Sensor {
    name: String,
    number: i32,
    image: FramePublisher,
    cloud: Publisher<PointCloud2>,
    glass: Arc<Glass>,
}

impl Node for Sensor {
    const NAME: &'static str = "sensor";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(5), Self::tick)?;
        Ok(Self {
            name: setup.name().to_owned(),
            number: 0,
            image: setup.publish_frames("/image", FrameSlots { slots: 8, bytes: 64 * 64 })?,
            cloud: setup.publish("/cloud", Qos::Reliable)?,
            glass: setup.extension().unwrap(),
        })
    }
    fn activate(&mut self, ctx: &Context) -> Result {
        *self.glass.0.lock().unwrap() = Some(ctx.topics().clone());
        Ok(())
    }
}

impl Sensor {
    fn tick(&mut self, ctx: &Context) -> Result {
        self.number += 1;
        let mut cloud = PointCloud2::default();
        cloud.header.stamp = builtin_interfaces::Time { sec: self.number, nanosec: 0 };
        cloud.header.frame_id.clone_from(&self.name);
        cloud.data = vec![7; points(self.number)];
        self.cloud.send(ctx, cloud)?;
        let spec = peregrine_core::ImageSpec::packed(64, 64, Encoding::Mono8, &self.name);
        if let Some(mut loan) = self.image.loan(&spec)? {
            loan.set_stamp(i64::from(self.number));
            self.image.send(ctx, loan)?;
        }
        Ok(())
    }
}

/// An application with a sensor, on threads of this process.
struct Robot {
    glass: Arc<Glass>,
    stop: Stop,
    running: Option<JoinHandle<()>>,
}

impl Robot {
    /// Of this host if it is given the folder of its slots, else as good as of another.
    fn start(name: &str, port: u16, folder: Option<&Path>) -> Self {
        let link = Arc::new(Link::open(&LinkOptions::new(port, false)).unwrap().unwrap());
        let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
        let glass = Arc::<Glass>::default();
        app.extend(glass.clone());
        if let Some(folder) = folder {
            app.share_frames(FrameHost::at(folder, 0).unwrap());
        }
        app.add(NodeFactory::of::<Sensor>(), NodeSpec::new("sensor").with_name(name)).unwrap();
        carry(&mut app, &link).unwrap();
        let stop = app.stop_handle();
        let running = Some(std::thread::spawn(move || {
            app.run().unwrap();
            link.close();
        }));
        Self { glass, stop, running }
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        self.stop.ask(StopReason::Asked("the test is over".into()));
        let _ = self.running.take().map(JoinHandle::join);
    }
}

/// What the viewer's process saw: for each topic and sensor the numbers, as they came.
struct Viewer {
    child: Child,
    lines: Receiver<String>,
    seen: BTreeMap<(String, String), Vec<i32>>,
}

impl Viewer {
    fn start(port: u16, folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_zenoh-peer"))
            .arg(port.to_string())
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines, seen: BTreeMap::new() }
    }

    /// Takes in what came until now, and for so long.
    fn look(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            let words: Vec<&str> = line.split(' ').collect();
            let [topic, sensor, number, len] = words[..] else { panic!("{line}") };
            let (number, len): (i32, usize) = (number.parse().unwrap(), len.parse().unwrap());
            let expected = if topic == "cloud" { points(number) } else { 64 * 64 };
            assert_eq!(len, expected, "{line}");
            self.seen.entry((topic.to_owned(), sensor.to_owned())).or_default().push(number);
        }
    }

    fn of(&self, topic: &str, sensor: &str) -> &[i32] {
        self.seen.get(&(topic.to_owned(), sensor.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// Looks until `wanted`.
    fn until(&mut self, what: &str, mut wanted: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !wanted(self) {
            assert!(Instant::now() < end, "{what} did not come to pass in 20 s");
            self.look(Duration::from_millis(20));
        }
    }

    /// Waits until `robot` sends nothing over Zenoh while the viewer sees all its topics: half a second of both.
    fn until_quiet(&mut self, what: &str, robot: &Robot, sensor: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let sent = || ["/image", "/cloud"].map(|topic| robot.glass.sent(topic));
            let (before, seen) = (sent(), ["image", "cloud"].map(|t| self.of(t, sensor).len()));
            self.look(Duration::from_millis(500));
            let now = ["image", "cloud"].map(|t| self.of(t, sensor).len());
            if before == sent() && now[0] > seen[0] + 10 && now[1] > seen[1] + 10 {
                return;
            }
            assert!(
                Instant::now() < end,
                "{what}: Zenoh still carries {before:?} to {:?}, seen {now:?}",
                sent()
            );
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_slots_carry_zenoh_does_not() {
    let folder = Folder(std::env::temp_dir().join(format!("peregrine-gates-{}", std::process::id())));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _meeting = Link::open(&LinkOptions::new(port, true)).unwrap().unwrap();
    let robot = Robot::start("near", port, Some(&folder.0));
    let mut viewer = Viewer::start(port, &folder.0);

    // A process of this host: slots carry everything, large clouds and small ones, and Zenoh nothing.
    viewer.until_quiet("with a reader on this host", &robot, "near");
    // The graph shows the subscriptions all the same.
    let inspector = Inspector::new(Link::open(&LinkOptions::new(port, false)).unwrap().unwrap());
    for topic in inspector.topics(Duration::from_secs(5)).unwrap() {
        if ["/image", "/cloud"].contains(&topic.name.as_str()) {
            assert_eq!(topic.subscriptions, ["/viewer"], "{topic:?}");
        }
    }

    // A peer that knows nothing of slots, nor of ROS: it hears both, and the viewer nothing twice.
    let mut config = zenoh::Config::default();
    config.insert_json5("connect/endpoints", &format!("[\"tcp/127.0.0.1:{port}\"]")).unwrap();
    config.insert_json5("scouting/multicast/enabled", "false").unwrap();
    let session = zenoh::open(config).wait().unwrap();
    for (topic, type_name, hash) in [
        ("/image", Image::TYPE_NAME, Image::TYPE_HASH),
        ("/cloud", PointCloud2::TYPE_NAME, PointCloud2::TYPE_HASH),
    ] {
        let subscriber = session.declare_subscriber(data_key(0, topic, type_name, hash)).wait().unwrap();
        let mut last = 0;
        for _ in 0..20 {
            let sample =
                subscriber.recv_timeout(Duration::from_secs(10)).unwrap().expect("a message over Zenoh");
            let attachment = sample.attachment().unwrap().to_bytes();
            let sequence = i64::from_le_bytes(attachment[..8].try_into().unwrap());
            assert!(sequence > last, "{topic}: {sequence} after {last}");
            last = sequence;
        }
        subscriber.undeclare().wait().unwrap();
    }
    session.close().wait().unwrap();
    viewer.until_quiet("after the peer has gone", &robot, "near");

    // A publisher elsewhere: it is heard over Zenoh, and the near one still once.
    let far = Robot::start("far", port, None);
    viewer.until("the far sensor's clouds and pictures", |v| {
        v.of("cloud", "far").len() > 50 && v.of("image", "far").len() > 50
    });
    drop(far);
    viewer.until_quiet("after the far sensor has gone", &robot, "near");

    // The near one starts again.
    drop(robot);
    let robot = Robot::start("again", port, Some(&folder.0));
    viewer.until_quiet("with a new process", &robot, "again");
    drop(robot);
    viewer.look(Duration::from_millis(100));

    for sensor in ["near", "far", "again"] {
        let clouds = viewer.of("cloud", sensor);
        assert!(clouds.windows(2).all(|pair| pair[0] + 1 == pair[1]), "clouds of {sensor}: {clouds:?}");
        // Pictures may be lost; none comes twice or late.
        let images = viewer.of("image", sensor);
        assert!(images.is_sorted_by(|a, b| a < b), "pictures of {sensor}: {images:?}");
    }
}
