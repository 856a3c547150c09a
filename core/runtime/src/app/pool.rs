//! The worker threads of the lockstep: they take seats from a queue and run the work laid on them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::seat::Seat;
use crate::message::Delivery;

/// One thing a node has to do in a round.
pub(super) enum Work {
    Deliver { sub: usize, delivery: Delivery },
    Tick(usize),
}

/// A node's work for a round.
pub(super) struct Job {
    pub node: usize,
    pub work: Vec<Work>,
}

#[derive(Default)]
struct Desk {
    jobs: VecDeque<Job>,
    running: Vec<bool>,
    spare: Vec<Vec<Work>>,
    closed: bool,
}

/// Shared between the coordinator and the workers.
pub(super) struct Pool<'s> {
    seats: &'s [Seat],
    desk: Mutex<Desk>,
    posted: Condvar,
    finished: Condvar,
}

impl<'s> Pool<'s> {
    pub fn new(seats: &'s [Seat]) -> Self {
        let desk = Desk { running: vec![false; seats.len()], ..Desk::default() };
        Self { seats, desk: Mutex::new(desk), posted: Condvar::new(), finished: Condvar::new() }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty work list; lists are used again.
    pub fn blank(&self) -> Vec<Work> {
        self.desk().spare.pop().unwrap_or_default()
    }

    pub fn post(&self, job: Job) {
        let mut desk = self.desk();
        desk.running[job.node] = true;
        desk.jobs.push_back(job);
        self.posted.notify_one();
    }

    /// Runs the job on the calling thread.
    pub fn run_here(&self, job: Job) {
        let node = job.node;
        self.desk().running[node] = true;
        self.run(job);
    }

    fn run(&self, mut job: Job) {
        {
            let mut host = self.seats[job.node].host();
            for work in job.work.drain(..) {
                match work {
                    Work::Deliver { sub, delivery } => host.deliver(sub, &delivery),
                    Work::Tick(timer) => host.tick(timer),
                }
            }
        }
        let mut desk = self.desk();
        desk.running[job.node] = false;
        desk.spare.push(job.work);
        self.finished.notify_all();
    }

    /// Waits until the given nodes are done, running queued jobs of theirs meanwhile.
    pub fn finish(&self, nodes: &[usize]) {
        let mut desk = self.desk();
        while nodes.iter().any(|n| desk.running[*n]) {
            let mine = desk.jobs.iter().position(|job| nodes.contains(&job.node));
            match mine.and_then(|i| desk.jobs.remove(i)) {
                Some(job) => {
                    drop(desk);
                    self.run(job);
                    desk = self.desk();
                }
                None => desk = self.finished.wait(desk).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// A worker's life: jobs until the pool is closed.
    pub fn work(&self) {
        let mut desk = self.desk();
        loop {
            if let Some(job) = desk.jobs.pop_front() {
                drop(desk);
                self.run(job);
                desk = self.desk();
            } else if desk.closed {
                return;
            } else {
                desk = self.posted.wait(desk).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    pub fn close(&self) {
        self.desk().closed = true;
        self.posted.notify_all();
    }
}
