//! Two of our processes' worth in one: a camera and a viewer, each with a participant of its own, and no allocation of ours
//! for a frame that goes out on one side and comes in on the other.

use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, StopReason};
use peregrine_dds::{Link, carry};

#[global_allocator]
static ALLOCATOR: peregrine_counting::Counting = peregrine_counting::Counting;

/// Frames in a stretch, and stretches that are looked at. The graph is looked at once a second, which allocates; a stretch
/// is shorter.
const STRETCH: usize = 50;
const STRETCHES: usize = 10;

struct Camera(FramePublisher);

impl Node for Camera {
    const NAME: &'static str = "quiet_camera";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(3), |camera: &mut Self, ctx: &Context| {
            let spec = ImageSpec::packed(64, 64, Encoding::Mono8, "camera");
            if let Some(mut loan) = camera.0.loan(&spec)? {
                loan.bytes_mut()[0] = 9;
                camera.0.send(ctx, loan)?;
            }
            Ok(())
        })?;
        Ok(Self(setup.publish_frames("/quiet/image", FrameSlots { slots: 8, bytes: 64 * 64 })?))
    }
}

/// How many allocations there had been by each frame.
struct Seen(Mutex<Vec<u64>>);

struct Viewer(Arc<Seen>);

impl Node for Viewer {
    const NAME: &'static str = "quiet_viewer";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_frames(
            "/quiet/image",
            FramePolicy::Latest,
            |viewer: &mut Self, ctx: &Context, frame: &Frame| {
                assert_eq!(frame.bytes()[0], 9);
                let mut seen = viewer.0.0.lock().unwrap();
                if seen.len() < seen.capacity() {
                    seen.push(peregrine_counting::all());
                } else {
                    ctx.shutdown("enough frames");
                }
                Ok(())
            },
        )?;
        Ok(Self(setup.extension().unwrap()))
    }
}

/// Runs both until enough frames have come.
pub fn frames_cost_no_allocation() {
    let mode = Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false };
    let mut camera = App::new(mode);
    camera.add(NodeFactory::of::<Camera>(), NodeSpec::new(Camera::NAME)).unwrap();
    carry(&mut camera, &Arc::new(Link::open(None).unwrap())).unwrap();
    let stop = camera.stop_handle();
    let camera = std::thread::spawn(move || camera.run().unwrap());

    let seen = Arc::new(Seen(Mutex::new(Vec::with_capacity(STRETCH * STRETCHES))));
    let mut viewer = App::new(mode);
    viewer.extend(seen.clone());
    viewer.add(NodeFactory::of::<Viewer>(), NodeSpec::new(Viewer::NAME)).unwrap();
    carry(&mut viewer, &Arc::new(Link::open(None).unwrap())).unwrap();
    let late = viewer.stop_handle();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(20));
        late.ask(StopReason::Asked("the frames did not come".into()));
    });
    viewer.run().unwrap();
    stop.ask(StopReason::Asked("enough frames".into()));
    camera.join().unwrap();

    let seen = seen.0.lock().unwrap();
    assert_eq!(seen.len(), STRETCH * STRETCHES, "frames that came");
    let stretches: Vec<u64> = seen.chunks(STRETCH).map(|s| s[STRETCH - 1] - s[0]).collect();
    assert_eq!(stretches.iter().min(), Some(&0), "allocations in {STRETCH} frames each: {stretches:?}");
}
