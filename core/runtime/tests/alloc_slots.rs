//! No allocation per message for a node that publishes large ones to other processes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

extern crate peregrine_core as peregrine;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use peregrine::prelude::*;
use peregrine::{App, FrameHost, Mode, NodeFactory, NodeSpec};
use peregrine_frame::{Policy, SubscribeOptions};
use peregrine_msgs::sensor_msgs::{PointCloud2, PointField};

#[global_allocator]
static ALLOCATOR: peregrine_counting::Counting = peregrine_counting::Counting;

const WARM: u64 = 50;
const COUNTED: u64 = 200;

/// Messages that the reader has taken.
#[derive(Default)]
struct Taken(AtomicU64);

struct Lidar {
    clouds: Publisher<PointCloud2>,
    cloud: PointCloud2,
    taken: Arc<Taken>,
    /// Allocations, and messages taken, when the count began.
    before: Option<(u64, u64)>,
    sent: u64,
}

impl Node for Lidar {
    const NAME: &'static str = "lidar";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(1), Self::scan)?;
        let field = |name: &str| PointField { name: name.into(), ..PointField::default() };
        let cloud = PointCloud2 {
            fields: ["x", "y", "z"].map(field).to_vec(),
            data: vec![7; 100_000],
            ..PointCloud2::default()
        };
        let (clouds, taken) = (setup.publish("cloud", Qos::Sensor)?, setup.extension().unwrap());
        Ok(Self { clouds, cloud, taken, before: None, sent: 0 })
    }
}

impl Lidar {
    fn scan(&mut self, ctx: &Context) -> Result {
        self.cloud.header.stamp.sec += 1;
        self.clouds.send_ref(ctx, &self.cloud)?;
        let taken = self.taken.0.load(Ordering::Relaxed);
        let now = peregrine_counting::all();
        match self.before {
            None if taken >= WARM => self.before = Some((now, taken)),
            None => {}
            Some((allocations, first)) => {
                self.sent += 1;
                if self.sent == COUNTED {
                    assert_eq!(now - allocations, 0, "{COUNTED} messages allocated");
                    assert!(taken > first + COUNTED / 2, "they were read: {taken} after {first}");
                    ctx.shutdown("counted");
                }
            }
        }
        Ok(())
    }
}

// One test in this file, or another's allocations would be counted.
#[test]
fn a_message_into_a_slot_allocates_nothing() {
    let folder = std::env::temp_dir().join(format!("peregrine-alloc-slots-{}", std::process::id()));
    let host = FrameHost::at(&folder, 0).unwrap();
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    let taken = Arc::<Taken>::default();
    app.share_frames(host.clone()).extend(taken.clone());
    app.add(NodeFactory::of::<Lidar>(), NodeSpec::new("lidar")).unwrap();
    let stop = app.stop_handle();
    // It comes over the socket, as a reader of another process does.
    let reader = std::thread::spawn(move || {
        let options = SubscribeOptions { policy: Policy::KeepLast(4), ..SubscribeOptions::default() };
        let mut reader = host.subscribe_with("/cloud", &options).unwrap();
        while !stop.is_asked() {
            if reader.wait(Duration::from_millis(100))
                && let Some(frame) = reader.take().unwrap()
            {
                assert!(frame.cdr().len() > 100_000 && frame.meta().number > 0);
                taken.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let report = app.run().unwrap();
    reader.join().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((report.failed_loans, report.nodes[0].last_error.clone()), (0, None));
    let before = peregrine_counting::all();
    drop(std::hint::black_box(Box::new(7u64)));
    assert!(peregrine_counting::all() > before, "the counter counts");
}
