//! The protocol, in every interleaving that loom reaches with a bounded number of preemptions; and its weakened variants,
//! which must fail, or the model would prove nothing.
//!
//! `CARGO_TARGET_DIR=target/loom RUSTFLAGS="--cfg loom" cargo test -p peregrine-frame --test loom --release`
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::Ordering;
use loom::thread;
use peregrine_frame::protocol::{Claim, Control, Holders, Owner, Pinned, Sound, Strength};

const OWNER: Owner = Owner { pid: 1, start_time: 1, remote: false };
const READER: Claim = Claim { pins: 1, depth: 1, lossless_ns: None, owner: OWNER };

/// A bus whose frames are one number each: their sequence. loom's cell reports any unordered write and read.
struct Model {
    control: Control,
    slots: Vec<UnsafeCell<u64>>,
    keep: usize,
}

// SAFETY: access to the cells is what the model checks.
unsafe impl Send for Model {}
unsafe impl Sync for Model {}

impl Model {
    /// As few slots as can do: `keep`, the pins, and the one being written.
    fn new(keep: usize, pins: usize) -> Arc<Model> {
        let slots = (0..keep + pins + 1).map(|_| UnsafeCell::new(0)).collect();
        Arc::new(Model { control: Control::default(), slots, keep })
    }

    fn publish<S: Strength>(&self) -> u64 {
        let busy = self.control.busy::<S>(self.keep);
        let slot = (0..self.slots.len()).find(|s| busy & (1 << s) == 0).expect("enough slots");
        let sequence = self.control.head() + 1;
        // SAFETY: the protocol says that nobody else looks at this slot; loom checks it.
        self.slots[slot].with_mut(|p| unsafe { *p = sequence });
        assert_eq!(self.control.publish::<S>(slot, self.keep), sequence);
        sequence
    }

    fn take<S: Strength>(&self, row: usize, pin: usize, next: u64, depth: u64) -> Option<Pinned> {
        let taken = self.control.take::<S>(row, pin, next, depth, self.keep);
        if let Some(t) = taken {
            assert!(t.sequence >= next);
            self.look(t);
        }
        taken
    }

    fn look(&self, t: Pinned) {
        // SAFETY: pinned; loom checks it.
        let value = self.slots[t.slot].with(|p| unsafe { *p });
        assert_eq!(value, t.sequence, "Causality violation: a torn or foreign frame");
    }
}

fn check(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(f);
}

/// One writer, one reader that takes twice and looks again before it lets go.
fn one_reader<S: Strength>() {
    let model = Model::new(1, 1);
    let (row, start) = model.control.claim(1, READER).unwrap();
    let reader = thread::spawn({
        let model = model.clone();
        move || {
            let mut next = start;
            for _ in 0..2 {
                if let Some(t) = model.take::<S>(row, 0, next, 1) {
                    next = t.sequence + 1;
                    thread::yield_now();
                    model.look(t);
                    model.control.unpin::<S>(row, 0);
                }
            }
        }
    });
    for _ in 0..4 {
        model.publish::<S>();
    }
    reader.join().unwrap();
}

#[test]
fn a_pinned_frame_is_not_written() {
    check(3, one_reader::<Sound>);
}

#[test]
fn two_readers_do_not_disturb_each_other() {
    check(2, || {
        let model = Model::new(1, 2);
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (row, start) = model.control.claim(2, READER).unwrap();
                let model = model.clone();
                thread::spawn(move || {
                    if let Some(t) = model.take::<Sound>(row, 0, start, 1) {
                        model.look(t);
                        model.control.unpin::<Sound>(row, 0);
                    }
                })
            })
            .collect();
        for _ in 0..3 {
            model.publish::<Sound>();
        }
        readers.into_iter().for_each(|r| r.join().unwrap());
    });
}

#[test]
fn a_ring_of_two_gives_frames_in_order() {
    check(3, || {
        let model = Model::new(2, 1);
        let (row, start) = model.control.claim(1, READER).unwrap();
        let reader = thread::spawn({
            let model = model.clone();
            move || {
                let mut next = start;
                for _ in 0..2 {
                    if let Some(t) = model.take::<Sound>(row, 0, next, 2) {
                        next = t.sequence + 1;
                        model.control.unpin::<Sound>(row, 0);
                    }
                }
            }
        });
        for _ in 0..4 {
            model.publish::<Sound>();
        }
        reader.join().unwrap();
    });
}

/// Clones of a frame, dropped on two threads while the reader takes the next one and the writer reclaims.
fn shared_pin<S: Strength>() {
    let model = Model::new(1, 1);
    let (row, start) = model.control.claim(1, READER).unwrap();
    model.publish::<S>();
    let holders = Arc::new(Holders::default());
    let first = model.take::<S>(row, 0, start, 1).unwrap();
    holders.hold(0);
    holders.share(0);
    let other = thread::spawn({
        let (model, holders) = (model.clone(), holders.clone());
        move || {
            model.look(first);
            holders.drop_one::<S>(&model.control, row, 0);
        }
    });
    let reader = thread::spawn({
        let (model, holders) = (model.clone(), holders.clone());
        move || {
            model.look(first);
            holders.drop_one::<S>(&model.control, row, 0);
            if let Some(pin) = holders.free(1)
                && let Some(t) = model.take::<S>(row, pin, first.sequence + 1, 1)
            {
                holders.hold(pin);
                thread::yield_now();
                model.look(t);
                holders.drop_one::<S>(&model.control, row, pin);
            }
        }
    });
    for _ in 0..3 {
        model.publish::<S>();
    }
    other.join().unwrap();
    reader.join().unwrap();
}

#[test]
fn clones_share_a_pin_and_the_last_one_clears_it() {
    check(2, shared_pin::<Sound>);
}

#[test]
fn readers_come_and_go_while_frames_are_published() {
    check(3, || {
        let model = Model::new(1, 1);
        let reader = thread::spawn({
            let model = model.clone();
            move || {
                let (row, start) = model.control.claim(1, READER).unwrap();
                if let Some(t) = model.take::<Sound>(row, 0, start, 1) {
                    model.look(t);
                    model.control.unpin::<Sound>(row, 0);
                }
                model.control.release(row);
                assert_eq!(model.control.readers(), 0);
            }
        });
        for _ in 0..3 {
            model.publish::<Sound>();
        }
        reader.join().unwrap();
    });
}

#[test]
fn a_lossless_reader_gets_every_frame() {
    check(2, || {
        let model = Model::new(1, 1);
        let (row, mut next) = model.control.claim(1, Claim { lossless_ns: Some(1), ..READER }).unwrap();
        let reader = thread::spawn({
            let model = model.clone();
            move || {
                while next <= 3 {
                    match model.take::<Sound>(row, 0, next, 1) {
                        Some(t) => {
                            assert_eq!(t.sequence, next, "a frame was lost");
                            next += 1;
                            model.control.unpin::<Sound>(row, 0);
                        }
                        None => thread::yield_now(),
                    }
                }
            }
        });
        for _ in 0..3 {
            while model.control.lossless_wait(1).is_some() {
                thread::yield_now();
            }
            model.publish::<Sound>();
        }
        reader.join().unwrap();
    });
}

/// A reader that died with a frame pinned: its row is cleared and given to the next reader, while frames are published.
/// Its death happens before the clearing: the kernel ends a dead process's connection after its last instruction.
fn reclaim<S: Strength>() {
    // The dead one's pin counts until its row is cleared.
    let model = Model::new(1, 2);
    let (dead, start) = model.control.claim(1, READER).unwrap();
    model.publish::<S>();
    model.take::<S>(dead, 0, start, 1).unwrap();
    let reclaimer = thread::spawn({
        let model = model.clone();
        move || model.control.expel::<S>(dead)
    });
    let heir = thread::spawn({
        let model = model.clone();
        move || {
            // The only row: there is none until the dead reader's is free.
            let Some((row, start)) = model.control.claim(1, READER) else { return };
            if let Some(t) = model.take::<S>(row, 0, start, 1) {
                thread::yield_now();
                model.look(t);
                model.control.unpin::<S>(row, 0);
            }
        }
    });
    for _ in 0..2 {
        model.publish::<S>();
    }
    reclaimer.join().unwrap();
    heir.join().unwrap();
}

#[test]
fn a_dead_readers_row_is_cleared_before_it_has_an_heir() {
    check(3, reclaim::<Sound>);
}

struct ExpelLast;
impl Strength for ExpelLast {
    const EXPEL_FIRST: bool = false;
}

#[test]
#[should_panic(expected = "Causality violation")]
fn freeing_a_row_before_its_pins_are_cleared_fails() {
    check(3, reclaim::<ExpelLast>);
}

/// The row of a reader that lives is cleared, as a lease that ran out would do: the reason why there are no leases.
#[test]
#[should_panic(expected = "Causality violation")]
fn clearing_the_row_of_a_reader_that_lives_fails() {
    check(3, || {
        let model = Model::new(1, 1);
        let (row, start) = model.control.claim(1, READER).unwrap();
        model.publish::<Sound>();
        let reader = thread::spawn({
            let model = model.clone();
            move || {
                if let Some(t) = model.take::<Sound>(row, 0, start, 1) {
                    thread::yield_now();
                    model.look(t);
                    model.control.unpin::<Sound>(row, 0);
                }
            }
        });
        model.control.expel::<Sound>(row);
        for _ in 0..3 {
            model.publish::<Sound>();
        }
        reader.join().unwrap();
    });
}

/// A reader that goes to sleep just when a frame is published: it has seen the frame, or it has been told to get up.
fn doze<S: Strength>() {
    let model = Model::new(1, 1);
    let (row, next) = model.control.claim(1, READER).unwrap();
    let reader = thread::spawn({
        let model = model.clone();
        move || {
            let bell = model.control.doze::<S>(row);
            (model.control.head() < next).then_some(bell)
        }
    });
    model.publish::<S>();
    let rang = model.control.ring::<S>();
    if let Some(bell) = reader.join().unwrap() {
        let now = model.control.bell().load(Ordering::Relaxed);
        assert!(rang && now != bell, "a sleeper was not woken");
    }
}

#[test]
fn nobody_sleeps_through_a_frame() {
    check(3, doze::<Sound>);
}

struct NoRingFence;
impl Strength for NoRingFence {
    const RING_FENCE: bool = false;
}

#[test]
#[should_panic(expected = "a sleeper was not woken")]
fn without_the_ringers_fence_one_sleeps_on() {
    check(3, doze::<NoRingFence>);
}

struct NoDozeFence;
impl Strength for NoDozeFence {
    const DOZE_FENCE: bool = false;
}

#[test]
#[should_panic(expected = "a sleeper was not woken")]
fn without_the_sleepers_fence_one_sleeps_on() {
    check(3, doze::<NoDozeFence>);
}

struct NoWriterFence;
impl Strength for NoWriterFence {
    const WRITER_FENCE: bool = false;
}

#[test]
#[should_panic(expected = "Causality violation")]
fn without_the_writers_fence_it_fails() {
    check(3, one_reader::<NoWriterFence>);
}

struct NoReaderFence;
impl Strength for NoReaderFence {
    const READER_FENCE: bool = false;
}

#[test]
#[should_panic(expected = "Causality violation")]
fn without_the_readers_fence_it_fails() {
    check(3, one_reader::<NoReaderFence>);
}

struct NoRecheck;
impl Strength for NoRecheck {
    const RECHECK: bool = false;
}

#[test]
#[should_panic(expected = "Causality violation")]
fn without_reading_the_cell_again_it_fails() {
    check(3, one_reader::<NoRecheck>);
}

struct RelaxedPublish;
impl Strength for RelaxedPublish {
    const PUBLISH: Ordering = Ordering::Relaxed;
}

#[test]
#[should_panic(expected = "Causality violation")]
fn with_a_relaxed_publish_it_fails() {
    check(3, one_reader::<RelaxedPublish>);
}

struct RelaxedUnpin;
impl Strength for RelaxedUnpin {
    const UNPIN: Ordering = Ordering::Relaxed;
}

#[test]
#[should_panic(expected = "Causality violation")]
fn with_a_relaxed_unpin_it_fails() {
    check(3, one_reader::<RelaxedUnpin>);
}

struct ClearLast;
impl Strength for ClearLast {
    const CLEAR_FIRST: bool = false;
}

#[test]
#[should_panic(expected = "Causality violation")]
fn freeing_a_pin_before_it_is_clear_fails() {
    check(3, shared_pin::<ClearLast>);
}
