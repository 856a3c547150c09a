//! copper-rs: a source and a sink of one task graph, which its generated code calls one after the other.
//!
//! As its own cameras do it, the source takes a buffer of a pool and hands on a handle. The loop is the one that
//! copper's `run` generates, with its own rate limiter: it sleeps until the next period, or, without a rate, it calls
//! the graph again at once.

#[path = "../../src/frames/clock.rs"]
#[allow(dead_code, reason = "the other benchmarks use more of it")]
mod clock;
#[path = "../../src/count.rs"]
mod count;
#[path = "../../src/frames/job.rs"]
#[allow(dead_code, reason = "the other benchmarks use more of it")]
mod job;
#[path = "../../src/frames/record.rs"]
#[allow(dead_code, reason = "the other benchmarks use more of it")]
mod record;
#[path = "../../src/frames/stamp.rs"]
#[allow(dead_code, reason = "the other benchmarks use more of it")]
mod stamp;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use count::allocations;
use cu29::curuntime::LoopRateLimiter;
use cu29::pool::{CuHandle, CuHostMemoryPool, CuPool};
use cu29::prelude::*;
use job::{Job, Measured, Outcome, Published};
use record::Recorder;
use stamp::Phase;

#[global_allocator]
static GLOBAL: count::Counting = count::Counting;

/// Frames before the window, as ours has it.
const WARM: u64 = 10;
/// The same, without a rate.
const WARM_FLOOD: u64 = 10_000;

type Picture = CuHandle<Vec<u8>>;

/// What the program and its two tasks share: copper makes the tasks itself.
struct Run {
    job: Job,
    warm: u64,
    frames: u64,
    recorder: Mutex<Recorder>,
}

static RUN: OnceLock<Run> = OnceLock::new();

fn run() -> CuResult<&'static Run> {
    RUN.get().ok_or_else(|| CuError::from("the job is not set"))
}

#[derive(Reflect)]
#[reflect(from_reflect = false)]
struct Camera {
    #[reflect(ignore)]
    pool: Arc<CuHostMemoryPool<Vec<u8>>>,
    sequence: u64,
}

impl Freezable for Camera {}

impl CuSrcTask for Camera {
    type Resources<'r> = ();
    type Output<'m> = output_msg!(Picture);

    fn new(_: Option<&ComponentConfig>, (): Self::Resources<'_>) -> CuResult<Self> {
        let bytes = run()?.job.size.bytes();
        Ok(Self { pool: CuHostMemoryPool::new("pictures", 8, || vec![1; bytes])?, sequence: 0 })
    }

    fn process(&mut self, _: &CuContext, output: &mut Self::Output<'_>) -> CuResult<()> {
        let run = run()?;
        let phase = match self.sequence {
            warm if warm < run.warm => Phase::Warm,
            measured if measured < run.warm + run.frames => Phase::Measured,
            _ => Phase::Over,
        };
        self.sequence += 1;
        let Some(picture) = self.pool.acquire() else { return Ok(()) };
        picture.with_inner_mut(|bytes| stamp::write(bytes, self.sequence, phase));
        output.set_payload(picture);
        Ok(())
    }
}

#[derive(Reflect)]
struct Viewer;

impl Freezable for Viewer {}

impl CuSinkTask for Viewer {
    type Resources<'r> = ();
    type Input<'m> = input_msg!(Picture);

    fn new(_: Option<&ComponentConfig>, (): Self::Resources<'_>) -> CuResult<Self> {
        Ok(Self)
    }

    fn process(&mut self, _: &CuContext, input: &Self::Input<'_>) -> CuResult<()> {
        let now = clock::now();
        if let Some(stamp) =
            input.payload().and_then(|picture| picture.with_inner(|bytes| stamp::read(bytes)))
        {
            run()?.recorder.lock().unwrap_or_else(PoisonError::into_inner).note(now, stamp);
        }
        Ok(())
    }
}

#[copper_runtime(config = "copperconfig.ron")]
struct Bench {}

fn measure(job: Job, folder: &std::path::Path) -> Outcome<Measured> {
    let text = |error: CuError| error.to_string();
    let warm = if job.hz.is_some() { WARM } else { WARM_FLOOD };
    let frames = job.frames();
    let shared = Run { job, warm, frames, recorder: Mutex::new(Recorder::new()) };
    let shared = RUN.get_or_init(|| shared);
    let clock = RobotClock::default();
    let app = Bench::builder()
        .with_clock(clock.clone())
        .with_log_path(folder.join("log.copper"), Some(1 << 20))
        .map_err(text)?
        .build()
        .map_err(text)?;
    let mut app = app.start().map_err(|error| error.to_string())?;
    let mut limiter = match shared.job.hz {
        Some(hz) => Some(LoopRateLimiter::from_rate_target_hz(hz as u64, &clock).map_err(text)?),
        None => None,
    };
    let mut turn = || -> Outcome {
        app.run_one_iteration().map_err(text)?;
        if let Some(limiter) = &mut limiter {
            limiter.limit(&clock);
        }
        Ok(())
    };
    (0..warm).try_for_each(|_| turn())?;
    let (start, cpu, allocated) = (clock::now(), clock::cpu(), allocations());
    (0..frames).try_for_each(|_| turn())?;
    let published = Published {
        frames,
        failed_loans: 0,
        window_ns: clock::now() - start,
        cpu_ns: clock::cpu() - cpu,
        allocations: allocations() - allocated,
    };
    turn()?;
    let mut recorder = shared.recorder.lock().unwrap_or_else(PoisonError::into_inner);
    let read = std::mem::replace(&mut *recorder, Recorder::new()).finish();
    Ok(Measured { published, read: vec![job::Read { cpu_ns: 0, allocations: 0, ..read }] })
}

fn main() -> Outcome {
    let job: Job = serde_json::from_str(&std::env::args().nth(1).ok_or("the job is missing")?)?;
    let folder = job.folder.clone();
    println!("ready");
    println!("{}", serde_json::to_string(&measure(job, &folder)?)?);
    Ok(())
}
