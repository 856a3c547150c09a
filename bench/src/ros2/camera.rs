//! Our camera: a node of a real application, whose topics are carried over Zenoh.
//!
//! It starts when somebody listens (or at once, if nobody is to), warms up, publishes through the window and goes on until
//! its standard input is closed.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use peregrine_core::prelude::*;
use peregrine_core::{
    App, Encoding, FrameHost, FrameSlots, ImageSpec, Mode, NodeFactory, NodeSpec, StopReason,
};
use peregrine_msgs::builtin_interfaces::Time;
use peregrine_zenoh::{Link, LinkOptions, carry};
use serde::{Deserialize, Serialize};

use crate::frames::clock;
use crate::frames::job::Job;

/// Frames before the window: connections, caches and memory get warm.
pub(super) const WARM: u64 = 30;

/// The camera of the benchmark; started by the benchmark itself.
#[derive(clap::Args)]
pub struct Options {
    job: String,
    port: u16,
    /// Publishes small messages, too.
    #[arg(long)]
    ticks: bool,
}

/// What it tells of the window.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Told {
    pub published: u64,
    /// `CLOCK_MONOTONIC`, ns: pictures stamped in between count.
    pub from_ns: u64,
    pub to_ns: u64,
    /// From asking for a slot until publish returned, but for the time in which the pixels are written, ns, sorted.
    pub took_ns: Vec<u64>,
}

struct Run {
    job: Job,
    told: Mutex<Option<Told>>,
}

struct Camera {
    image: FramePublisher,
    picture: Vec<u8>,
    run: Arc<Run>,
    number: u64,
    told: Told,
}

impl Node for Camera {
    const NAME: &'static str = "bench_camera";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let run: Arc<Run> = setup.extension().ok_or_else(|| peregrine_core::Error::node(Missing))?;
        setup.timer(Duration::from_secs_f64(1.0 / run.job.hz.unwrap_or(30.0)), Self::shoot)?;
        let image =
            setup.publish_frames("/bench/image", FrameSlots { slots: 8, bytes: run.job.size.bytes() })?;
        let took_ns = Vec::with_capacity(usize::try_from(run.job.frames()).unwrap_or(0));
        let picture = vec![128; run.job.size.bytes()];
        Ok(Self { image, picture, run, number: 0, told: Told { took_ns, ..Told::default() } })
    }
}

impl Camera {
    fn shoot(&mut self, ctx: &Context) -> Result {
        if self.number == 0 && self.image.topic().remote_readers() < self.run.job.readers.min(1) {
            return Ok(());
        }
        let last = WARM + self.run.job.frames();
        if self.number == WARM {
            self.told.from_ns = clock::now();
        } else if self.number == last {
            self.told.to_ns = clock::now();
            self.told.published = self.told.took_ns.len() as u64;
            self.told.took_ns.sort_unstable();
            let told = std::mem::take(&mut self.told);
            *self.run.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        }
        self.number += 1;
        let size = self.run.job.size;
        let spec = ImageSpec::packed(size.width, size.height, Encoding::Rgb8, "camera_optical");
        let asked = clock::now();
        if let Some(mut loan) = self.image.loan(&spec)? {
            let given = clock::now();
            // As a camera does: it writes the picture, and knows better when it was taken.
            loan.bytes_mut().copy_from_slice(&self.picture);
            loan.set_stamp(ctx.now().0);
            let written = clock::now();
            if let Some(bytes) = loan.bytes_mut().first_chunk_mut() {
                *bytes = clock::now().to_le_bytes();
            }
            self.image.send(ctx, loan)?;
            if (WARM + 1..=last).contains(&self.number) {
                self.told.took_ns.push((clock::now() - written) + (given - asked));
            }
        }
        Ok(())
    }
}

/// Publishes the time, 100 times a second, as a small message.
struct Ticker(Publisher<Time>);

impl Node for Ticker {
    const NAME: &'static str = "bench_ticker";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(10), |ticker: &mut Self, ctx| {
            let now = clock::now();
            let sec = i32::try_from(now / 1_000_000_000).unwrap_or(0);
            ticker.0.send(ctx, Time { sec, nanosec: (now % 1_000_000_000) as u32 })
        })?;
        Ok(Self(setup.publish("/bench/tick", Qos::Reliable)?))
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

/// Plays the camera's part.
pub fn run(options: &Options) -> std::result::Result<(), Box<dyn Error>> {
    let job: Job = serde_json::from_str(&options.job)?;
    // `ZENOH_CONFIG_OVERRIDE` is heard, so that other settings can be tried.
    let mut link = LinkOptions::from_env(false)?;
    link.port = options.port;
    link.exports = peregrine_zenoh::Exports::all();
    let link = Arc::new(Link::open(&link)?.ok_or("the benchmark's router is gone")?);
    let run = Arc::new(Run { job, told: Mutex::new(None) });
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.extend(run.clone());
    app.share_frames(FrameHost::at(run.job.folder.join("bus"), 0)?);
    app.add(NodeFactory::of::<Camera>(), NodeSpec::new("bench_camera"))?;
    if options.ticks {
        app.add(NodeFactory::of::<Ticker>(), NodeSpec::new("bench_ticker"))?;
    }
    carry(&mut app, &link)?;
    let stop = app.stop_handle();
    std::thread::spawn(move || {
        println!("ready");
        loop {
            if let Some(told) = run.told.lock().unwrap_or_else(PoisonError::into_inner).take() {
                println!("{}", serde_json::to_string(&told).unwrap_or_default());
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        stop.ask(StopReason::Asked("the window is over".into()));
    });
    app.run()?;
    link.close();
    Ok(())
}
