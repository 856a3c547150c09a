//! The nodes of one lane on its thread: what one of them publishes, the others are called with as soon as its callback
//! returns.
//!
//! Invariant: while a lane runs, its thread alone touches its nodes, and holds their hosts for as long. So what passes
//! between them needs no lock and no queue that others see; what comes from other threads comes through the lane's queue,
//! and neither of the two starves the other. A callback never runs inside another one.

use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use super::seat::Seat;
use crate::context::Stop;
use crate::host::Host;
use crate::lane::Lane;
use crate::message::Delivery;
use crate::node::Advance;
use crate::topic::Token;

/// Tokens of the lane's own nodes that are served before one of the queue is.
const BURST: usize = 16;
/// Tokens served before timers, the simulator and other processes have their turn.
const TURN: usize = 256;
/// A turn of slow callbacks ends after this: a node that gets more than it can serve must still say so by its timers.
const LONG_TURN: Duration = Duration::from_millis(1);

struct Place<'a> {
    seat: &'a Seat,
    host: MutexGuard<'a, Host>,
}

pub(super) struct Fused<'a> {
    lane: &'a Lane,
    stop: &'a Stop,
    /// Numbers of the nodes, in the order of `places`.
    nodes: Vec<usize>,
    places: Vec<Place<'a>>,
    /// What the lane's own nodes have left for each other.
    ready: VecDeque<Token>,
    /// Tokens of `ready` served since the queue was looked at.
    served: usize,
}

impl<'a> Fused<'a> {
    /// On the lane's thread, which keeps the hosts until this is dropped.
    pub fn new(lane: &'a Arc<Lane>, seats: &[(usize, &'a Seat)], stop: &'a Stop) -> Self {
        let places = seats.iter().map(|(_, seat)| Place { seat, host: seat.host() }).collect();
        let nodes = seats.iter().map(|(node, _)| *node).collect();
        let ready = VecDeque::with_capacity(lane.room());
        let mut fused = Self { lane, stop, nodes, places, ready, served: 0 };
        // What they published when they were activated.
        (0..seats.len()).for_each(|at| fused.collect(at));
        fused
    }

    pub fn tick(&mut self, at: usize, timer: usize) {
        if let Some(place) = self.places.get_mut(at) {
            place.host.tick(timer);
            self.collect(at);
        }
    }

    pub fn step(&mut self, at: usize) -> Advance {
        let Some(place) = self.places.get_mut(at) else { return Advance::Finished };
        let advance = place.host.step();
        self.collect(at);
        advance
    }

    pub fn deliver(&mut self, node: usize, sub: usize, delivery: &Delivery) {
        let Some(at) = self.place_of(node) else { return };
        self.places[at].host.deliver(sub, delivery);
        self.collect(at);
    }

    /// Serves what waits, and what comes of it. True if there is more: nodes that answer each other for ever must not
    /// keep timers from running, nor must messages that come faster than they are served.
    pub fn run(&mut self) -> bool {
        // Of the first message from another thread: to be woken by one costs far more than to read the clock.
        let mut start: Option<Instant> = None;
        for _ in 0..TURN {
            let queue_first = self.served >= BURST;
            let Some((token, near)) = self.next(queue_first) else { return false };
            self.served = if near { self.served + 1 } else { 0 };
            self.serve(token, near);
            if self.stop.is_asked() {
                return false;
            }
            match start {
                Some(start) if !near && start.elapsed() >= LONG_TURN => return true,
                None if !near => start = Some(Instant::now()),
                _ => {}
            }
        }
        true
    }

    /// The next token, and whether a node of this lane left it.
    fn next(&mut self, queue_first: bool) -> Option<(Token, bool)> {
        if queue_first {
            self.served = 0;
            if let Some(token) = self.lane.pop() {
                return Some((token, false));
            }
        }
        match self.ready.pop_front() {
            Some(token) => Some((token, true)),
            None => self.lane.pop().map(|token| (token, false)),
        }
    }

    fn serve(&mut self, token: Token, near: bool) {
        let Some(at) = self.place_of(token.node) else { return };
        let seat = self.places[at].seat;
        let delivery = if near {
            seat.take_near(token).map(|(delivery, more)| {
                if more {
                    self.leave(token);
                }
                delivery
            })
        } else {
            seat.take_and_requeue(token)
        };
        if let Some(delivery) = delivery {
            self.places[at].host.deliver(token.sub, &delivery);
            self.collect(at);
        }
    }

    /// Takes what a node's callback left.
    fn collect(&mut self, at: usize) {
        loop {
            let token = self.places[at].host.ctx.near.borrow_mut().pop_front();
            let Some(token) = token else { return };
            self.leave(token);
        }
    }

    /// One token of a frame stands for all that its reader finds.
    fn leave(&mut self, token: Token) {
        if token.feed.is_none() || !self.ready.contains(&token) {
            self.ready.push_back(token);
        }
    }

    fn place_of(&self, node: usize) -> Option<usize> {
        self.nodes.iter().position(|n| *n == node)
    }
}
