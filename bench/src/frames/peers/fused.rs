//! Two nodes of ours on one lane: the frame is handed on by a call, on the thread that published it.
//!
//! The camera is driven by the lane's timer. Without a rate its timer is always due, so that one frame follows the other
//! at once: everything stays in the caches.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use peregrine_core::prelude::*;
use peregrine_core::{App, Encoding, FrameSlots, ImageSpec, Mode, NodeFactory, NodeSpec, ParamValue};

use super::super::job::{Job, Measured, Outcome, Published, Size};
use super::super::record::Recorder;
use super::super::stamp::{self, Phase};
use super::super::{clock, job};
use peregrine_counting::all as allocations;

/// What the two nodes and the benchmark share.
struct Run {
    size: Size,
    warm: u64,
    frames: u64,
    period: Duration,
    recorder: Mutex<Recorder>,
    published: Mutex<Published>,
}

/// Frames before the window.
const WARM: u64 = 10;
/// The same, when frames come as fast as they can.
const WARM_FLOOD: u64 = 10_000;

struct Camera {
    out: FramePublisher,
    run: Arc<Run>,
    sequence: u64,
    start: (u64, u64, u64),
}

impl Node for Camera {
    const NAME: &'static str = "bench_camera";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let run: Arc<Run> = setup.extension().ok_or_else(|| peregrine_core::Error::node(Missing))?;
        setup.timer(run.period, Self::shoot)?;
        let out = setup.publish_frames("image", FrameSlots { slots: 8, bytes: run.size.bytes() })?;
        Ok(Self { out, run, sequence: 0, start: (0, 0, 0) })
    }
}

impl Camera {
    fn shoot(&mut self, ctx: &Context) -> Result {
        if self.sequence == self.run.warm {
            self.start = (clock::now(), clock::cpu(), allocations());
        }
        let last = self.run.warm + self.run.frames;
        if self.sequence == last {
            *self.run.published.lock().unwrap_or_else(PoisonError::into_inner) = Published {
                frames: self.run.frames,
                failed_loans: 0,
                window_ns: clock::now() - self.start.0,
                cpu_ns: clock::cpu() - self.start.1,
                allocations: allocations() - self.start.2,
            };
        }
        let phase = match self.sequence {
            warm if warm < self.run.warm => Phase::Warm,
            measured if measured < last => Phase::Measured,
            _ => Phase::Over,
        };
        self.sequence += 1;
        let size = self.run.size;
        let spec = ImageSpec::packed(size.width, size.height, Encoding::Rgb8, "camera_optical");
        if let Some(mut loan) = self.out.loan(&spec)? {
            // As a camera does, who knows better when the picture was taken.
            loan.set_stamp(ctx.now().0);
            stamp::write(loan.bytes_mut(), self.sequence, phase);
            self.out.send(ctx, loan)?;
        }
        Ok(())
    }
}

struct Viewer(Arc<Run>);

impl Node for Viewer {
    const NAME: &'static str = "bench_viewer";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_frames(
            "image",
            FramePolicy::Latest,
            |viewer: &mut Self, ctx: &Context, frame: &Frame| {
                let now = clock::now();
                let mut recorder = viewer.0.recorder.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(stamp) = stamp::read(frame.bytes()) {
                    recorder.note(now, stamp);
                }
                if recorder.is_over() {
                    ctx.shutdown("the window is over");
                }
                Ok(())
            },
        )?;
        Ok(Self(setup.extension().ok_or_else(|| peregrine_core::Error::node(Missing))?))
    }
}

#[derive(Debug)]
struct Missing;
impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the benchmark did not lend its run")
    }
}
impl std::error::Error for Missing {}

/// Runs both nodes on one lane of a real application.
pub(in super::super) fn fused(job: &Job) -> Outcome<Measured> {
    let (warm, period) = match job.hz {
        Some(hz) => (WARM, Duration::from_secs_f64(1.0 / hz)),
        None => (WARM_FLOOD, Duration::from_nanos(1)),
    };
    let run = Arc::new(Run {
        size: job.size,
        warm,
        frames: job.frames(),
        period,
        recorder: Mutex::new(Recorder::new()),
        published: Mutex::default(),
    });
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.extend(run.clone());
    for factory in [NodeFactory::of::<Camera>(), NodeFactory::of::<Viewer>()] {
        let lane = ParamValue::String("perception".into());
        app.add(factory, NodeSpec::new(factory.kind).with_param("peregrine.lane", lane))?;
    }
    app.run()?;
    let mut recorder = run.recorder.lock().unwrap_or_else(PoisonError::into_inner);
    let read = std::mem::replace(&mut *recorder, Recorder::new()).finish();
    let published = *run.published.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Measured { published, read: vec![job::Read { cpu_ns: 0, allocations: 0, ..read }] })
}
