//! What a remote reader costs the camera's own thread: no allocation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use peregrine_core::prelude::*;
use peregrine_core::{App, ImageSpec, Mode, NodeFactory, NodeSpec, StopReason};
use peregrine_msgs::Message;
use peregrine_msgs::sensor_msgs::Image;
use peregrine_zenoh::keys::data_key;
use peregrine_zenoh::{Link, LinkOptions, carry};
use zenoh::Wait;

#[global_allocator]
static ALLOCATOR: peregrine_counting::Counting = peregrine_counting::Counting;

/// Pictures before allocations are counted.
const WARM: u64 = 20;

#[derive(Default)]
struct Counts {
    published: AtomicU64,
    allocations: AtomicU64,
}

struct Camera {
    image: FramePublisher,
    counts: Arc<Counts>,
}

impl Node for Camera {
    const NAME: &'static str = "camera";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(5), Self::tick)?;
        let slots = FrameSlots { slots: 6, bytes: 640 * 480 };
        Ok(Self { image: setup.publish_frames("/image", slots)?, counts: setup.extension().unwrap() })
    }
}

impl Camera {
    fn tick(&mut self, ctx: &Context) -> Result {
        let spec = ImageSpec::packed(640, 480, Encoding::Mono8, "camera_optical");
        let remote = self.image.topic().remote_readers() > 0;
        let before = peregrine_counting::own();
        if let Some(mut loan) = self.image.loan(&spec)? {
            loan.bytes_mut()[0] = 1;
            self.image.send(ctx, loan)?;
        }
        let allocations = peregrine_counting::own() - before;
        if remote && self.counts.published.fetch_add(1, Ordering::Relaxed) >= WARM {
            self.counts.allocations.fetch_add(allocations, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[test]
fn a_remote_reader_costs_the_camera_no_allocation() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let link = Arc::new(Link::open(&LinkOptions::new(port, true)).unwrap().unwrap());
    let counts = Arc::<Counts>::default();
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.extend(counts.clone());
    app.add(NodeFactory::of::<Camera>(), NodeSpec::new("camera")).unwrap();
    carry(&mut app, &link).unwrap();
    let stop = app.stop_handle();
    let running = std::thread::spawn(move || app.run().map(|_| ()).unwrap());

    let mut config = zenoh::Config::default();
    config.insert_json5("connect/endpoints", &format!("[\"tcp/127.0.0.1:{port}\"]")).unwrap();
    config.insert_json5("scouting/multicast/enabled", "false").unwrap();
    let session = zenoh::open(config).wait().unwrap();
    let key = data_key(0, "/image", Image::TYPE_NAME, Image::TYPE_HASH);
    let subscriber = session.declare_subscriber(key).wait().unwrap();
    for _ in 0..120 {
        let sample = subscriber.recv_timeout(Duration::from_secs(10)).unwrap().expect("a picture");
        assert!(sample.payload().as_shm().is_some());
    }
    stop.ask(StopReason::Asked("the test is over".into()));
    running.join().unwrap();
    session.close().wait().unwrap();
    link.close();
    let published = counts.published.load(Ordering::Relaxed);
    assert!(published >= 120, "{published}");
    assert_eq!(counts.allocations.load(Ordering::Relaxed), 0, "of {published} pictures");
}
