//! Real time: every lane is a thread that runs its nodes' callbacks as messages come; a simulator is paced by the wall.

use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::fused::Fused;
use super::seat::Seat;
use crate::context::{Stop, StopReason};
use crate::error::{Error, Result};
use crate::hosted::{Hosted, Taken};
use crate::lane::Lane;
use crate::node::Advance;
use crate::period::Period;
use crate::time::{Clock, Time};

/// A step of the simulator that takes longer than this is no slow step but a pause.
const LONG_STEP: Duration = Duration::from_millis(250);
/// To sleep for less takes longer than that: the lane looks at its clock until then.
const SHORTEST_SLEEP: Duration = Duration::from_micros(2);

/// How long a lane waits whose node holds all the frames it may.
const CHOKED: Duration = Duration::from_millis(5);

pub(super) fn run(seats: &[Seat], lanes: &[Arc<Lane>], clock: &Clock, stop: &Stop, factor: f64) -> Result {
    for lane in lanes {
        stop.watch(lane.clone());
    }
    for seat in seats {
        let mut host = seat.host();
        if let Err(error) = host.activate() {
            host.ctx.fail(&error);
        }
    }
    thread::scope(|scope| {
        for lane in lanes {
            let own: Vec<(usize, &Seat)> =
                seats.iter().enumerate().filter(|(_, s)| Arc::ptr_eq(&s.lane, lane)).collect();
            let body = move || LaneLoop::new(lane, own, lanes, clock, stop, factor).run();
            let name: String = lane.name().trim_start_matches('/').chars().take(15).collect();
            if let Err(source) = thread::Builder::new().name(name).spawn_scoped(scope, body) {
                let error = Error::Lane { lane: lane.name().into(), source };
                stop.ask(StopReason::Failed { node: "runtime".into(), reason: error.to_string() });
            }
        }
    });
    for seat in seats {
        let mut host = seat.host();
        if let Err(error) = host.shutdown() {
            host.ctx.fail(&error);
        }
    }
    Ok(())
}

struct Timer {
    seat: usize,
    index: usize,
    period: Period,
    due: Time,
}

struct LaneLoop<'a> {
    lane: &'a Arc<Lane>,
    seats: Vec<(usize, &'a Seat)>,
    nodes: Fused<'a>,
    lanes: &'a [Arc<Lane>],
    clock: &'a Clock,
    stop: &'a Stop,
    factor: f64,
    timers: Vec<Timer>,
    /// What comes from other processes of this host.
    hosted: Vec<Hosted>,
    /// A node holds all the frames it may.
    choked: bool,
}

impl<'a> LaneLoop<'a> {
    fn new(
        lane: &'a Arc<Lane>,
        seats: Vec<(usize, &'a Seat)>,
        lanes: &'a [Arc<Lane>],
        clock: &'a Clock,
        stop: &'a Stop,
        factor: f64,
    ) -> Self {
        let now = clock.now();
        let timers = seats
            .iter()
            .enumerate()
            .flat_map(|(seat, (_, s))| {
                s.timers.iter().enumerate().map(move |(index, p)| Timer {
                    seat,
                    index,
                    period: p.clone(),
                    due: now + p.get(),
                })
            })
            .collect();
        let inboxes = seats.iter().flat_map(|(_, seat)| &seat.inboxes);
        let hosted = inboxes
            .flat_map(|i| std::mem::take(&mut *i.hosted.lock().unwrap_or_else(PoisonError::into_inner)))
            .collect();
        let factor = if factor > 0.0 { factor } else { 1.0 };
        let nodes = Fused::new(lane, &seats, stop);
        Self { lane, seats, nodes, lanes, clock, stop, factor, timers, hosted, choked: false }
    }

    fn run(mut self) {
        if let Err(error) = super::super::sched::apply(&self.lane.options()) {
            tracing::warn!(lane = self.lane.name(), "PG-0213: lane options could not be applied: {error}");
        }
        let driver = self.seats.iter().position(|(_, s)| s.drives_clock);
        let (mut start, sim_start) = (Instant::now(), self.clock.now());
        let mut next_step = start;
        while !self.stop.is_asked() {
            let mut more = self.nodes.run();
            more |= self.run_hosted();
            more |= self.run_timers();
            let mut limit = self.until_timer();
            if let Some(driver) = driver {
                let before = Instant::now();
                if before >= next_step {
                    // What it published is delivered once the clock is set.
                    more = true;
                    match self.nodes.step(driver) {
                        Advance::To(to) => {
                            self.clock.set(to);
                            self.lanes.iter().for_each(|lane| lane.wake());
                            // A step that took so long was a pause, or the machine was away: time is not made up for
                            // by racing afterwards.
                            let took = before.elapsed();
                            start += if took > LONG_STEP { took } else { Duration::ZERO };
                            let ahead = to.seconds_since(sim_start) / self.factor;
                            next_step = start + Duration::from_secs_f64(ahead.max(0.0));
                        }
                        Advance::Finished => self.stop.ask(StopReason::Finished),
                    }
                }
                limit = limit.min(next_step.saturating_duration_since(Instant::now()));
            }
            if !more && limit >= SHORTEST_SLEEP {
                if self.choked {
                    self.lane.sleep(limit.min(CHOKED), &mut []);
                } else {
                    self.lane.sleep(limit, &mut self.hosted);
                }
            }
        }
    }

    /// One frame of each publisher elsewhere, so that none silences the others. True if there may be more.
    fn run_hosted(&mut self) -> bool {
        let mut more = false;
        self.choked = false;
        for hosted in &mut self.hosted {
            match hosted.take() {
                Taken::Nothing => {}
                Taken::Choked => self.choked = true,
                Taken::Frame(delivery) => {
                    more = true;
                    self.nodes.deliver(hosted.node, hosted.sub, &delivery);
                    drop(delivery);
                    self.nodes.run();
                }
            }
        }
        more
    }

    /// Runs the timers that are due. True if nodes have more to do.
    fn run_timers(&mut self) -> bool {
        let now = self.clock.now();
        let mut more = false;
        for at in 0..self.timers.len() {
            let timer = &mut self.timers[at];
            // A simulated clock that was set back (a restarted simulator) must not silence the timer.
            // A period that was made much shorter holds from now on.
            let period = timer.period.get();
            if timer.due > now + period + period {
                timer.due = now + period;
            }
            if timer.due <= now {
                let (seat, index) = (timer.seat, timer.index);
                let late =
                    (now - timer.due) / i64::try_from(period.as_nanos()).unwrap_or(i64::MAX).max(1) + 1;
                timer.due = timer.due + period.saturating_mul(u32::try_from(late).unwrap_or(u32::MAX));
                self.nodes.tick(seat, index);
                // What it published for the nodes of this lane is fresh in the cache now.
                more = self.nodes.run();
            }
        }
        more
    }

    /// How long until a timer is due; for ever, if none is of the system's clock: whoever moves another clock wakes the
    /// lanes, and so does whoever asks for a stop. To be woken by a timer costs microseconds, most of all in a virtual
    /// machine.
    fn until_timer(&self) -> Duration {
        let next = match self.clock {
            Clock::System => self.timers.iter().map(|t| t.due).min(),
            Clock::Simulated(_) => None,
        };
        next.map_or(Duration::MAX, |due| {
            Duration::from_nanos(u64::try_from(due - self.clock.now()).unwrap_or(0))
        })
    }
}
