//! Lockstep: rounds of deliveries until nothing is left to deliver, then one step of the clock.
//!
//! Invariant: what a node sees never depends on how fast a thread runs. Within a round nodes run side by side, but
//! their publications wait in their outboxes; at the end of the round the coordinator alone hands them on, in the order
//! of the nodes. Frame readers are read by the coordinator alone too. A node with a latency keeps its outputs until its
//! simulated time is over, however long it really took. No tool would catch a breach, but the test that compares the
//! topic log of one thread with that of several does.

use std::collections::VecDeque;
use std::thread;

use super::pool::{Job, Pool, Work};
use super::seat::Seat;
use super::topic_log::TopicLog;
use crate::context::{Publication, Stop, StopReason};
use crate::error::{Error, Result};
use crate::node::Advance;
use crate::time::{Clock, Time};
use crate::topic::Token;

/// Rounds without the clock moving after which nodes must be answering each other for ever.
const MAX_ROUNDS: usize = 10_000;

pub(super) fn run(
    seats: &[Seat],
    clock: &Clock,
    stop: &Stop,
    threads: usize,
    log: Option<TopicLog>,
) -> Result<Option<String>> {
    let pool = Pool::new(seats);
    thread::scope(|scope| {
        for i in 1..threads {
            let worker = || pool.work();
            thread::Builder::new()
                .name(format!("worker-{i}"))
                .spawn_scoped(scope, worker)
                .map_err(|source| Error::Lane { lane: format!("worker-{i}"), source })?;
        }
        let outcome = Coordinator::new(seats, &pool, clock, stop, threads, log).run();
        pool.close();
        outcome
    })
}

struct Timer {
    node: usize,
    index: usize,
    due: Time,
}

struct Coordinator<'s, 'p> {
    seats: &'s [Seat],
    pool: &'p Pool<'s>,
    clock: &'s Clock,
    stop: &'s Stop,
    threads: usize,
    log: Option<TopicLog>,
    now: Time,
    tokens: Vec<VecDeque<Token>>,
    ticks: Vec<Vec<usize>>,
    /// Nodes that are busy with a frame until that time.
    busy: Vec<Option<Time>>,
    timers: Vec<Timer>,
    driver: Option<usize>,
}

impl<'s, 'p> Coordinator<'s, 'p> {
    fn new(
        seats: &'s [Seat],
        pool: &'p Pool<'s>,
        clock: &'s Clock,
        stop: &'s Stop,
        threads: usize,
        log: Option<TopicLog>,
    ) -> Self {
        let now = clock.now();
        let timers = seats
            .iter()
            .enumerate()
            .flat_map(|(node, seat)| {
                seat.timers.iter().enumerate().map(move |(index, p)| Timer {
                    node,
                    index,
                    due: now + p.get(),
                })
            })
            .collect();
        Self {
            seats,
            pool,
            clock,
            stop,
            threads,
            log,
            now,
            tokens: seats.iter().map(|_| VecDeque::new()).collect(),
            ticks: vec![Vec::new(); seats.len()],
            busy: vec![None; seats.len()],
            timers,
            driver: seats.iter().position(|s| s.drives_clock),
        }
    }

    fn run(mut self) -> Result<Option<String>> {
        if self.driver.is_none() && self.timers.is_empty() {
            return Err(Error::NoClock);
        }
        for node in 0..self.seats.len() {
            let mut host = self.seats[node].host();
            host.ctx.frozen.set(Some(self.now));
            let outcome = host.activate();
            drop(host);
            if let Err(error) = outcome {
                self.seats[node].host().ctx.fail(&error);
            }
            self.drain(node)?;
        }
        self.rounds()?;
        while !self.stop.is_asked() {
            if !self.advance()? {
                self.stop.ask(StopReason::Finished);
            }
            self.rounds()?;
        }
        self.release(None)?;
        self.rounds()?;
        self.release(None)?;
        for (node, seat) in self.seats.iter().enumerate() {
            // Bound first: a guard in the condition would still be held when the host is locked again.
            let outcome = seat.host().shutdown();
            if let Err(error) = outcome {
                seat.host().ctx.fail(&error);
            }
            self.drain(node)?;
        }
        Ok(self.log.take().map(TopicLog::finish))
    }

    /// Moves the clock once. False when the simulation is over.
    fn advance(&mut self) -> Result<bool> {
        let (to, goes_on) = match self.driver {
            Some(driver) => {
                let advance = self.seats[driver].host().step();
                match advance {
                    Advance::To(to) => (Time(to.0.max(self.now.0)), true),
                    Advance::Finished => (self.now, false),
                }
            }
            None => {
                let next_timer = self.timers.iter().map(|t| t.due).min();
                let next_free = self.busy.iter().flatten().min().copied();
                match [next_timer, next_free].into_iter().flatten().min() {
                    Some(to) => (to, true),
                    None => (self.now, false),
                }
            }
        };
        self.now = to;
        self.clock.set(to);
        self.release(Some(to))?;
        if let Some(driver) = self.driver {
            self.drain(driver)?;
        }
        for timer in &mut self.timers {
            if timer.due <= to {
                self.ticks[timer.node].push(timer.index);
                let period = self.seats[timer.node].timers[timer.index].get();
                while timer.due <= to {
                    timer.due = timer.due + period;
                }
            }
        }
        Ok(goes_on)
    }

    /// Takes back nodes whose latency is over by `now` (all of them when `None`) and hands on what they published.
    fn release(&mut self, now: Option<Time>) -> Result {
        for node in 0..self.seats.len() {
            if self.busy[node].is_some_and(|until| now.is_none_or(|now| until <= now)) {
                self.pool.finish(&[node]);
                self.busy[node] = None;
                self.drain(node)?;
            }
        }
        Ok(())
    }

    /// Rounds until no node that is free has anything to do.
    fn rounds(&mut self) -> Result {
        let mut batch = Vec::new();
        for _ in 0..MAX_ROUNDS {
            batch.clear();
            let mut jobs = Vec::new();
            for node in 0..self.seats.len() {
                if let Some((job, latent)) = self.job(node) {
                    if latent {
                        self.start_latent(job);
                    } else {
                        batch.push(node);
                        jobs.push(job);
                    }
                }
            }
            if batch.is_empty() {
                return Ok(());
            }
            let alone = jobs.len() == 1 || self.threads == 1;
            for job in jobs {
                if alone { self.pool.run_here(job) } else { self.pool.post(job) }
            }
            self.pool.finish(&batch);
            for node in &batch {
                self.drain(*node)?;
            }
        }
        self.stop.ask(StopReason::Failed {
            node: "lockstep".into(),
            reason: format!(
                "PG-0216: nodes answered each other {MAX_ROUNDS} times at {:.3} s and the clock could not move; \
                 break the loop between their topics",
                self.now.as_secs_f64()
            ),
        });
        Ok(())
    }

    /// The node's work, and whether it takes simulated time.
    fn job(&mut self, node: usize) -> Option<(Job, bool)> {
        if self.busy[node].is_some() || (self.tokens[node].is_empty() && self.ticks[node].is_empty()) {
            return None;
        }
        let seat = &self.seats[node];
        let mut work = self.pool.blank();
        let mut latent = false;
        while let Some(token) = self.tokens[node].pop_front() {
            if let Some(delivery) = seat.take(token) {
                latent |= token.feed.is_some() && !seat.latency.is_zero();
                work.push(Work::Deliver { sub: token.sub, delivery });
            }
        }
        work.extend(self.ticks[node].drain(..).map(Work::Tick));
        seat.host().ctx.frozen.set(Some(self.now));
        Some((Job { node, work }, latent))
    }

    fn start_latent(&mut self, job: Job) {
        self.busy[job.node] = Some(self.now + self.seats[job.node].latency);
        if self.threads == 1 { self.pool.run_here(job) } else { self.pool.post(job) }
    }

    /// Hands on what a node published, in order.
    fn drain(&mut self, node: usize) -> Result {
        let mut publications = {
            let host = self.seats[node].host();
            host.ctx.frozen.set(Some(self.now));
            host.ctx
                .outbox
                .as_ref()
                .map(|outbox| std::mem::take(&mut *outbox.borrow_mut()))
                .unwrap_or_default()
        };
        for publication in &mut publications {
            match publication {
                Publication::Message(envelope) => {
                    envelope.time = self.now;
                    if let Some(log) = &mut self.log {
                        log.add(publication)?;
                    }
                    let Publication::Message(envelope) = publication else { continue };
                    let tokens = &mut self.tokens;
                    envelope
                        .topic
                        .fan_out(envelope, false, |inbox, token| tokens[inbox.node].push_back(token));
                }
                Publication::Frame { topic, bus, time } => {
                    *time = self.now;
                    let (topic, bus) = (topic.clone(), *bus);
                    if let Some(log) = &mut self.log {
                        log.add(publication)?;
                    }
                    let tokens = &mut self.tokens;
                    topic.fan_out_frame(bus, false, |inbox, token, _| tokens[inbox.node].push_back(token));
                }
            }
        }
        publications.clear();
        if let Some(outbox) = &self.seats[node].host().ctx.outbox {
            outbox.replace(publications);
        }
        Ok(())
    }
}
