//! Pictures to peers of this host that we did not write (eclipse-zenoh in Python, decoded by rosbags): in shared memory to
//! those that can read it, over the network to the others; whole, in order, and whatever becomes of a reader.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

// The name under which derive(Params) looks for the runtime.
extern crate peregrine_core as peregrine;

mod allocations;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use peregrine_core::prelude::*;
use peregrine_core::{App, ImageSpec, Mode, NodeFactory, NodeSpec, Stop, StopReason, Topics};
use peregrine_msgs::Message;
use peregrine_msgs::sensor_msgs::Image;
use peregrine_zenoh::keys::data_key;
use peregrine_zenoh::{Link, LinkOptions, SharedMemoryCounts, carry};
use serde_json::{Value, json};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;

/// Every pixel of picture `number`.
fn pixel(number: u64) -> u8 {
    u8::try_from(number % 251).unwrap()
}

/// A way to look into the running process: its topics, and how many pictures found no slot.
#[derive(Default)]
struct Glass {
    topics: Mutex<Option<Arc<Topics>>>,
    failed: Mutex<u64>,
}

impl Glass {
    fn sent(&self) -> u64 {
        let topics = self.topics.lock().unwrap().clone();
        topics.map_or(0, |topics| topics.get("/image").unwrap().sent())
    }
    fn published(&self) -> u64 {
        let topics = self.topics.lock().unwrap().clone();
        topics.map_or(0, |topics| topics.get("/image").unwrap().published())
    }
}

struct Camera {
    number: u64,
    image: FramePublisher,
    glass: Arc<Glass>,
}

impl Node for Camera {
    const NAME: &'static str = "camera";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(15), Self::tick)?;
        let slots = FrameSlots { slots: 6, bytes: (WIDTH * HEIGHT) as usize };
        Ok(Self {
            number: 0,
            image: setup.publish_frames("/image", slots)?,
            glass: setup.extension().unwrap(),
        })
    }
    fn activate(&mut self, ctx: &Context) -> Result {
        *self.glass.topics.lock().unwrap() = Some(ctx.topics().clone());
        Ok(())
    }
}

impl Camera {
    fn tick(&mut self, ctx: &Context) -> Result {
        let spec = ImageSpec::packed(WIDTH, HEIGHT, Encoding::Mono8, "camera_optical");
        match self.image.loan(&spec)? {
            Some(mut loan) => {
                self.number += 1;
                loan.bytes_mut().fill(pixel(self.number));
                self.image.send(ctx, loan)?;
            }
            None => *self.glass.failed.lock().unwrap() += 1,
        }
        Ok(())
    }
}

/// Our process, at which the others meet.
struct Robot {
    port: u16,
    link: Arc<Link>,
    glass: Arc<Glass>,
    stop: Stop,
    running: Option<JoinHandle<()>>,
}

impl Robot {
    fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let link = Arc::new(Link::open(&LinkOptions::new(port, true)).unwrap().unwrap());
        let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
        let glass = Arc::<Glass>::default();
        app.extend(glass.clone());
        app.add(NodeFactory::of::<Camera>(), NodeSpec::new("camera")).unwrap();
        carry(&mut app, &link).unwrap();
        let stop = app.stop_handle();
        let running = Some(std::thread::spawn(move || {
            app.run().unwrap();
        }));
        Self { port, link, glass, stop, running }
    }

    fn counts(&self) -> SharedMemoryCounts {
        self.link.shared_memory()
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        self.stop.ask(StopReason::Asked("the test is over".into()));
        let _ = self.running.take().map(JoinHandle::join);
        self.link.close();
    }
}

/// A reader in Python and what it says of each picture.
struct Reader {
    child: Child,
    pictures: Receiver<Value>,
    last: i64,
}

impl Reader {
    fn start(python: &PathBuf, robot: &Robot, way: &str, keep: usize) -> Self {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers/image_reader.py");
        let key = data_key(0, "/image", Image::TYPE_NAME, Image::TYPE_HASH);
        let mut child = Command::new(python)
            .arg(script)
            .args([&robot.port.to_string(), &key, way, &keep.to_string()])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, pictures) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(std::result::Result::ok) {
                if let Ok(value @ Value::Object(_)) = serde_json::from_str(&line) {
                    let _ = sender.send(value);
                }
            }
        });
        Self { child, pictures, last: 0 }
    }

    /// The next picture: in order, and whole, if this reader looks at pixels.
    fn next(&mut self) -> Value {
        let picture = self.pictures.recv_timeout(Duration::from_secs(20)).expect("a picture within 20 s");
        let number = picture["sequence"].as_i64().unwrap();
        assert!(number > self.last, "{number} after {}", self.last);
        self.last = number;
        if let Some(size) = picture.get("size") {
            assert_eq!(size, &json!([WIDTH, HEIGHT, WIDTH]));
            assert_eq!(
                (&picture["encoding"], &picture["frame"]),
                (&json!("mono8"), &json!("camera_optical"))
            );
            assert_eq!(picture["whole"], json!(true), "picture {number}");
            assert_eq!(picture["pixel"], json!(pixel(number.unsigned_abs())), "picture {number}");
        }
        picture
    }

    /// Reads on until a picture came in shared memory, or over the network.
    fn until(&mut self, in_shm: bool, what: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.next()["shm"] != json!(in_shm) {
            assert!(Instant::now() < end, "{what}: no such picture in 20 s");
        }
    }

    /// What came meanwhile is read, too.
    fn catch_up(&mut self) {
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end
            && self.pictures.recv_timeout(Duration::ZERO).is_ok_and(|picture| {
                self.last = picture["sequence"].as_i64().unwrap();
                true
            })
        {}
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success(), "kill {name}");
    }
}

impl Drop for Reader {
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

/// The Python of the tests, or `None` after saying that `test` is skipped.
fn python(test: &str) -> Option<PathBuf> {
    let python = std::env::var_os("PEREGRINE_TEST_PYTHON").map(PathBuf::from).filter(|path| path.is_file());
    if python.is_none() {
        println!("SKIP {test}: PEREGRINE_TEST_PYTHON names no Python (`cargo xtask test` makes one)");
    }
    python
}

#[test]
fn who_can_map_it_maps_it_and_others_get_it_over_the_network() {
    let Some(python) = python("who_can_map_it_maps_it_and_others_get_it_over_the_network") else { return };
    let robot = Robot::start();
    std::thread::sleep(Duration::from_millis(300));
    assert!(robot.glass.published() > 5);
    assert_eq!((robot.glass.sent(), robot.counts().lent), (0, 0), "nobody listens");

    // One that cannot, alone: nothing is put into shared memory for it.
    let mut network = Reader::start(&python, &robot, "network", 0);
    (0..20).for_each(|_| assert_eq!(network.next()["shm"], json!(false)));
    assert_eq!((robot.counts().lent, robot.counts().peers), (0, 0));

    let mut near = Reader::start(&python, &robot, "shm", 0);
    near.until(true, "the peer with shared memory");
    // On a busy machine it may fall behind, and the pieces run out.
    let mapped = (0..30).filter(|_| near.next()["shm"] == json!(true)).count();
    assert!(mapped >= 10, "{mapped} of 30");
    network.catch_up();
    (0..20).for_each(|_| assert_eq!(network.next()["shm"], json!(false)));
    let counts = robot.counts();
    assert!(counts.peers == 1 && counts.lent >= 10, "{counts:?}");

    drop((near, network));
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let sent = robot.glass.sent();
        std::thread::sleep(Duration::from_millis(300));
        if robot.glass.sent() == sent {
            break;
        }
        assert!(Instant::now() < end, "nobody listens any more, and pictures are still sent");
    }
    assert_eq!(*robot.glass.failed.lock().unwrap(), 0);
}

#[test]
fn killed_and_stopped_readers_cost_the_others_nothing() {
    let Some(python) = python("killed_and_stopped_readers_cost_the_others_nothing") else { return };
    let robot = Robot::start();
    let mut witness = Reader::start(&python, &robot, "shm", 0);
    witness.until(true, "the witness");

    // More of them than there are pieces die with three in hand.
    for victim in 0..5 {
        let mut victim_of = Reader::start(&python, &robot, "shm", 3);
        (0..5).for_each(|_| _ = victim_of.next());
        victim_of.signal("-KILL");
        witness.catch_up();
        for _ in 0..20 {
            witness.next();
        }
        assert_eq!(*robot.glass.failed.lock().unwrap(), 0, "after victim {victim}");
    }
    witness.catch_up();
    witness.until(true, "after the kills");
    let end = Instant::now() + Duration::from_secs(10);
    while robot.counts().taken_back < 3 {
        assert!(Instant::now() < end, "{:?}", robot.counts());
        witness.next();
    }

    // One is stopped. What is on its way to it fills the pieces: the network takes over for the others.
    let mut sleeper = Reader::start(&python, &robot, "shm", 2);
    (0..5).for_each(|_| _ = sleeper.next());
    sleeper.signal("-STOP");
    witness.catch_up();
    witness.until(false, "while a reader is stopped");
    for _ in 0..10 {
        witness.next();
    }
    assert!(robot.counts().held_back > 0);
    let published = robot.glass.published();
    std::thread::sleep(Duration::from_millis(500));
    assert!(robot.glass.published() > published + 10, "the camera goes on");
    assert_eq!(*robot.glass.failed.lock().unwrap(), 0);
    sleeper.signal("-KILL");
    witness.catch_up();
    witness.until(true, "after the stopped reader has died");
}
