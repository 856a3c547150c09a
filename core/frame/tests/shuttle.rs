//! The protocol under random schedules: more readers, deeper rings and more deaths than loom can go through. Shuttle knows
//! no weak memory, so what the fences are for is loom's, and so are most of the weakened variants; this is for the logic
//! of many parties.
//!
//! `cargo xtask shuttle`
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![cfg(shuttle)]

use std::cell::UnsafeCell;

use peregrine_frame::protocol::{Claim, Control, Owner, Sound, Strength};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;

const KEEP: usize = 2;
const PINS: usize = 2;
const READERS: usize = 4;
const FRAMES: u64 = 24;
const SCHEDULES: usize = 3000;

/// A bus whose frames are two numbers each, written one after the other: a torn frame has two different ones.
struct Model {
    control: Control,
    slots: Vec<[UnsafeCell<u64>; 2]>,
    /// Rows of the dead, which the publisher's service has not cleared yet.
    dead: Mutex<Vec<usize>>,
}

// SAFETY: shuttle runs one thread at a time; what the protocol must prevent shows in the numbers.
unsafe impl Send for Model {}
unsafe impl Sync for Model {}

impl Model {
    fn new() -> Arc<Model> {
        let count = KEEP + READERS * PINS + 1;
        let slots = (0..count).map(|_| [UnsafeCell::new(0), UnsafeCell::new(0)]).collect();
        Arc::new(Model { control: Control::default(), slots, dead: Mutex::new(Vec::new()) })
    }

    /// A place where the schedule may change. A yield would tell the scheduler to do so.
    fn pause(&self) {
        self.control.head();
    }

    fn publish<S: Strength>(&self) -> u64 {
        let busy = self.control.busy::<S>(KEEP);
        let slot = (0..self.slots.len()).find(|s| busy & (1 << s) == 0).expect("a loan never fails");
        let sequence = self.control.head() + 1;
        for half in &self.slots[slot] {
            // SAFETY: one thread at a time.
            unsafe { *half.get() = sequence };
            self.pause();
        }
        let published = self.control.publish::<S>(slot, KEEP);
        if self.control.ring::<S>() {
            self.control.alarm();
        }
        published
    }

    fn look(&self, slot: usize, sequence: u64) {
        for half in &self.slots[slot] {
            // SAFETY: one thread at a time.
            assert_eq!(unsafe { *half.get() }, sequence, "a torn or foreign frame");
            self.pause();
        }
    }
}

/// A reader: it takes, holds, and then dies with what it holds, or goes in good order.
fn reader<S: Strength>(model: &Model, number: usize) {
    let dies = number % 2 == 0;
    let owner = Owner { pid: number as u32 + 1, start_time: 1, remote: dies };
    let claim = Claim { pins: PINS, depth: 1 + number % KEEP, lossless_ns: None, owner };
    for _ in 0..3 {
        // One row less than readers: a row has an heir as soon as it is free.
        let Some((row, mut next)) = model.control.claim(READERS - 1, claim) else {
            thread::yield_now();
            continue;
        };
        let mut held = [None; PINS];
        let mut lost = 0;
        for turn in 0..3 {
            let pin = turn % PINS;
            if let Some((slot, sequence)) = held[pin].take() {
                model.look(slot, sequence);
                model.control.unpin::<S>(row, pin);
            }
            if let Some(t) = model.control.take::<S>(row, pin, next, claim.depth as u64, KEEP) {
                assert!(t.sequence >= next, "in order");
                lost += t.sequence - next;
                next = t.sequence + 1;
                model.look(t.slot, t.sequence);
                held[pin] = Some((t.slot, t.sequence));
            }
            let view = model.control.rows().find(|view| view.row == row).expect("its own row");
            assert_eq!(
                (view.owner, view.dropped, view.next),
                (owner, lost, next),
                "the row is its reader's alone"
            );
        }
        if dies {
            // The connection ends.
            model.dead.lock().unwrap().push(row);
        } else {
            (0..PINS).for_each(|pin| model.control.unpin::<S>(row, pin));
            model.control.release(row);
        }
    }
}

fn many<S: Strength + 'static>() {
    let model = Model::new();
    let readers: Vec<_> = (0..READERS)
        .map(|number| {
            let model = model.clone();
            thread::spawn(move || reader::<S>(&model, number))
        })
        .collect();
    let service = thread::spawn({
        let model = model.clone();
        move || {
            for _ in 0..FRAMES {
                if let Some(row) = { model.dead.lock().unwrap().pop() } {
                    model.control.expel::<S>(row);
                }
                thread::yield_now();
            }
        }
    });
    for _ in 0..FRAMES {
        model.publish::<S>();
    }
    readers.into_iter().for_each(|r| r.join().unwrap());
    service.join().unwrap();
    model.dead.lock().unwrap().drain(..).for_each(|row| model.control.expel::<S>(row));
    assert_eq!(model.control.readers(), 0);
    // Nothing but the ring is busy: no pin was forgotten.
    assert_eq!(model.control.busy::<S>(KEEP).count_ones() as usize, KEEP);
}

/// All threads by turns, and then one for long stretches that a few others interrupt (PCT, Burckhardt et al. 2010): a
/// reader that is overtaken by a whole ring is seldom otherwise.
fn schedules(body: fn()) {
    let mut config = shuttle::Config::new();
    // A control block passes over the stack when it is made.
    config.stack_size = 1 << 20;
    shuttle::Runner::new(RandomScheduler::new(SCHEDULES), config.clone()).run(body);
    shuttle::Runner::new(PctScheduler::new(4, SCHEDULES), config).run(body);
}

#[test]
fn many_readers_come_take_and_die() {
    schedules(many::<Sound>);
}

struct NoRecheck;
impl Strength for NoRecheck {
    const RECHECK: bool = false;
}

#[test]
#[should_panic(expected = "a torn or foreign frame")]
fn without_reading_the_cell_again_it_fails() {
    schedules(many::<NoRecheck>);
}
