//! No allocation per frame through the whole runtime: a camera's node, its lane, a viewer's node.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

extern crate peregrine_core as peregrine;

use std::sync::atomic::{AtomicU64, Ordering};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};

static BEFORE: AtomicU64 = AtomicU64::new(u64::MAX);
static AFTER: AtomicU64 = AtomicU64::new(u64::MAX);

#[global_allocator]
static ALLOCATOR: peregrine_counting::Counting = peregrine_counting::Counting;

/// The first frames warm everything up, and so many are counted after them: well over what a block of a linked queue holds.
const WARM: u64 = 50;
const COUNTED: u64 = 200;

struct Camera(FramePublisher);

impl Node for Camera {
    const NAME: &'static str = "camera";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(1), |camera: &mut Self, ctx: &Context| {
            let spec = ImageSpec::packed(64, 64, Encoding::Mono8, "camera");
            if let Some(mut loan) = camera.0.loan(&spec)? {
                loan.bytes_mut()[0] = 1;
                camera.0.send(ctx, loan)?;
            }
            Ok(())
        })?;
        Ok(Self(setup.publish_frames("image", FrameSlots { slots: 8, bytes: 64 * 64 })?))
    }
}

struct Viewer(u64);

impl Node for Viewer {
    const NAME: &'static str = "viewer";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_frames(
            "image",
            FramePolicy::KeepLast(4),
            |viewer: &mut Self, ctx: &Context, frame: &Frame| {
                viewer.0 += u64::from(frame.bytes()[0]);
                if viewer.0 == WARM {
                    BEFORE.store(peregrine_counting::all(), Ordering::Relaxed);
                }
                if viewer.0 == WARM + COUNTED {
                    AFTER.store(peregrine_counting::all(), Ordering::Relaxed);
                    ctx.shutdown("counted");
                }
                Ok(())
            },
        )?;
        Ok(Self(0))
    }
}

// One test in this file, or another's allocations would be counted.
#[test]
fn a_frame_from_node_to_node_allocates_nothing() {
    for lanes in [["a", "b"], ["a", "a"]] {
        let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
        let lane = |name: &str| ParamValue::String(name.into());
        let camera = NodeSpec::new("camera").with_param("peregrine.lane", lane(lanes[0]));
        let viewer = NodeSpec::new("viewer").with_param("peregrine.lane", lane(lanes[1]));
        app.add(NodeFactory::of::<Camera>(), camera).unwrap();
        app.add(NodeFactory::of::<Viewer>(), viewer).unwrap();
        let report = app.run().unwrap();
        assert_eq!(report.failed_loans, 0);
        let allocations = AFTER.load(Ordering::Relaxed) - BEFORE.load(Ordering::Relaxed);
        assert_eq!(allocations, 0, "{COUNTED} frames in lanes {lanes:?} allocated {allocations} times");
    }
    let before = peregrine_counting::all();
    drop(std::hint::black_box(Box::new(7u64)));
    assert!(peregrine_counting::all() > before, "the counter counts");
}
