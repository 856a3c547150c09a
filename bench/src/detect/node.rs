//! The detector as the runtime runs it: a camera publishes a frame from its slot, the detector node reads it in place on
//! its lane, and a reader gets the boxes as `vision_msgs/Detection2DArray`.

use std::error::Error;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use peregrine_core::prelude::*;
use peregrine_core::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_detector::DetectorNode;
use peregrine_msgs::vision_msgs::Detection2DArray;

use super::frames::{self, HEIGHT, WIDTH};
use super::subjects::Subject;
use super::{Options, now};

/// What the nodes of the benchmark share with the thread that measures.
struct Bench {
    /// One message starts one frame; a closed channel ends the application.
    go: Mutex<Receiver<()>>,
    /// When the frame was handed over.
    sent: Mutex<Instant>,
    /// Nanoseconds until the boxes were there.
    done: Sender<u64>,
    pixels: Vec<u8>,
    encoding: Encoding,
}

/// Publishes the frame whenever it is asked to.
struct Camera {
    bench: Arc<Bench>,
    images: FramePublisher,
}

impl Node for Camera {
    const NAME: &'static str = "bench_camera";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.drive_clock(Self::step)?;
        let bench = lent(setup)?;
        let slots = FrameSlots { slots: 6, bytes: bench.pixels.len() };
        Ok(Self { images: setup.publish_frames("image_raw", slots)?, bench })
    }
}

impl Camera {
    fn step(&mut self, ctx: &Context) -> Result<Advance> {
        if self.bench.go.lock().unwrap_or_else(PoisonError::into_inner).recv().is_err() {
            return Ok(Advance::Finished);
        }
        let spec = ImageSpec::packed(WIDTH as u32, HEIGHT as u32, self.bench.encoding, "camera_optical");
        if let Some(mut loan) = self.images.loan(&spec)? {
            loan.bytes_mut().copy_from_slice(&self.bench.pixels);
            // Writing the pixels is the camera's work; the node's begins here.
            *self.bench.sent.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            self.images.send(ctx, loan)?;
        }
        Ok(Advance::To(Time(ctx.now().0 + 1)))
    }
}

/// Reads the boxes.
struct Reader(Arc<Bench>);

impl Node for Reader {
    const NAME: &'static str = "bench_reader";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe("detections", Qos::Sensor, Self::on_detections)?;
        Ok(Self(lent(setup)?))
    }
}

impl Reader {
    fn on_detections(&mut self, _: &Context, boxes: &Detection2DArray) -> Result {
        std::hint::black_box(boxes);
        let sent = *self.0.sent.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody listens any more when the benchmark is over.
        let _ = self.0.done.send(now(&sent));
        Ok(())
    }
}

fn lent<N: Node>(setup: &Setup<N>) -> Result<Arc<Bench>> {
    setup.extension().ok_or_else(|| peregrine_core::Error::Node("the benchmark lent nothing".into()))
}

/// A running application with the detector in it. `fused` puts all three nodes on one lane; else each has its own, as
/// nodes have when nobody says otherwise.
pub(super) fn subject(
    name: &'static str,
    encoding: Encoding,
    fused: bool,
    options: &Options,
) -> Result<Subject, Box<dyn Error>> {
    let (start, go) = channel();
    let (done, finished) = channel();
    let pixels = if encoding == Encoding::Nv12 { frames::nv12() } else { frames::rgb() };
    let sent = Mutex::new(Instant::now());
    let bench = Arc::new(Bench { go: Mutex::new(go), sent, done, pixels, encoding });
    let text = |value: &str| ParamValue::String(value.to_owned());
    let mut detector = NodeSpec::new("detector")
        .with_param("model", text(&options.model))
        .with_param("backend", text("ort"))
        .with_param("threads", ParamValue::Integer(options.threads as i64));
    if let Some(library) = &options.ort_library {
        detector = detector.with_param("ort_library", text(&library.display().to_string()));
    }
    let on_lane =
        move |spec: NodeSpec| if fused { spec.with_param("peregrine.lane", text("bench")) } else { spec };
    let mut app = App::new(Mode::Realtime { threads: options.threads, factor: 1e12, use_sim_time: false });
    app.extend(bench);
    app.add(NodeFactory::of::<Camera>(), on_lane(NodeSpec::new("bench_camera")))?;
    app.add(NodeFactory::of::<DetectorNode>(), on_lane(detector))?;
    app.add(NodeFactory::of::<Reader>(), on_lane(NodeSpec::new("bench_reader")))?;
    let (end, ended) = channel();
    std::thread::spawn(move || {
        let _ = end.send(app.run().map(|_| ()).map_err(|error| error.to_string()));
    });
    let call = Box::new(move || -> Result<[u64; 4], Box<dyn Error>> {
        let gone = || -> Box<dyn Error> {
            let reason = ended.try_recv().ok().and_then(|result| result.err());
            reason.unwrap_or_else(|| "the application has ended".to_owned()).into()
        };
        start.send(()).map_err(|_| gone())?;
        // A node that fails stops the application, and with it the sender of this.
        let whole = finished.recv().map_err(|_| gone())?;
        Ok([whole, 0, 0, 0])
    });
    Ok(Subject { name, staged: false, call })
}
