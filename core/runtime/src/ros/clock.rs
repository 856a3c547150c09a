//! `use_sim_time` in a process without a simulator: the clock follows `/clock`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use peregrine_msgs::rosgraph_msgs::Clock;

use crate::context::Context;
use crate::error::Result;
use crate::node::{Node, Setup};
use crate::qos::Qos;
use crate::time::Time;

/// How long to wait for the first time before saying that none comes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sets the process's clock to what `/clock` says.
pub(crate) struct ClockFollower {
    seen: Arc<AtomicBool>,
}

impl Node for ClockFollower {
    const NAME: &'static str = "_clock";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe::<Clock>("/clock", Qos::Sensor, Self::on_clock)?;
        Ok(Self { seen: Arc::default() })
    }

    fn activate(&mut self, ctx: &Context) -> Result {
        let (seen, stop) = (self.seen.clone(), ctx.stop.clone());
        // The node's own clock stands still until the first message: only the system's can tell that none came.
        let watch = move || {
            std::thread::sleep(PATIENCE);
            if !seen.load(Ordering::Relaxed) && !stop.is_asked() {
                tracing::warn!(
                    "PG-0226: use_sim_time is set, but nothing came on /clock for {} s: timers stand still; start the \
                     simulator, or set use_sim_time to false",
                    PATIENCE.as_secs()
                );
            }
        };
        if let Err(error) = std::thread::Builder::new().name("clock-watch".into()).spawn(watch) {
            tracing::debug!("nobody watches /clock: {error}");
        }
        Ok(())
    }
}

impl ClockFollower {
    fn on_clock(&mut self, ctx: &Context, message: &Clock) -> Result {
        self.seen.store(true, Ordering::Relaxed);
        ctx.clock.set(Time::from_msg(&message.clock));
        ctx.stop.wake_lanes();
        Ok(())
    }
}
