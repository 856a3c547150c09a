//! Real threads: no torn frame, exact drop counts, order. Also the target of the ThreadSanitizer recipe in README.md.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use peregrine_frame::{BusConfig, Encoding, Frame, FrameBus, ImageSpec, Policy, Reader};

const WORDS: usize = 1024;
const FRAMES: u64 = 40_000;

/// Every word of frame `s` is a function of `s` and its place: a torn frame cannot pass.
fn word(sequence: u64, i: usize) -> u64 {
    sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i as u64
}

fn check(frame: &Frame, original: u64) {
    for (i, w) in frame.bytes().chunks_exact(8).enumerate() {
        assert_eq!(
            u64::from_le_bytes(w.try_into().unwrap()),
            word(original, i),
            "frame {original} is torn at {i}"
        );
    }
    assert_eq!(frame.stamp_ns(), original as i64);
}

/// Takes until the writer is gone; `held` frames are kept for a while. Returns (taken, dropped).
fn drain(mut r: Reader, held: usize, slow: bool) -> (u64, u64) {
    let mut kept = std::collections::VecDeque::new();
    let (mut taken, mut last) = (0, 0);
    loop {
        let closed = r.is_closed();
        match r.take().unwrap() {
            Some(f) => {
                assert!(f.sequence() > last);
                last = f.sequence();
                taken += 1;
                check(&f, f.sequence());
                kept.push_back(f.clone());
                if slow {
                    std::thread::yield_now();
                }
                check(&f, f.sequence());
                if kept.len() > held {
                    let f = kept.pop_front().unwrap();
                    check(&f, f.sequence());
                }
            }
            None if closed => break,
            None => drop(r.wait(Duration::from_secs(60))),
        }
    }
    assert_eq!(last, FRAMES, "the newest frame is always delivered");
    (taken, r.dropped())
}

#[test]
fn one_writer_four_readers() {
    let spec = ImageSpec::packed(WORDS as u32 * 8, 1, Encoding::Mono8, "cam");
    let config = BusConfig { slots: 17, slot_bytes: WORDS * 8, keep: 4, max_readers: 5 };
    let mut w = FrameBus::create("stress", config).unwrap();
    let bus = w.bus();
    let readers = [
        (bus.reader_with(Policy::Latest, 1).unwrap(), 0, false),
        (bus.reader_with(Policy::Latest, 3).unwrap(), 2, true),
        (bus.reader_with(Policy::KeepLast(4), 4).unwrap(), 3, false),
        (bus.reader_with(Policy::KeepLast(2), 2).unwrap(), 1, true),
    ];
    let done = AtomicBool::new(false);
    std::thread::scope(|s| {
        let threads: Vec<_> =
            readers.into_iter().map(|(r, held, slow)| s.spawn(move || drain(r, held, slow))).collect();
        // One that comes and goes all the time.
        s.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let mut r = bus.reader_with(Policy::Latest, 1).unwrap();
                if let Some(f) = r.take().unwrap() {
                    drop(r);
                    check(&f, f.sequence());
                }
                std::thread::yield_now();
            }
        });
        for i in 1..=FRAMES {
            let mut loan = w.loan(&spec).unwrap().expect("enough slots that no loan fails");
            for (at, w) in loan.bytes_mut().chunks_exact_mut(8).enumerate() {
                w.copy_from_slice(&word(i, at).to_le_bytes());
            }
            loan.set_stamp(i as i64);
            assert_eq!(w.publish(loan).unwrap(), i);
            if i % 64 == 0 {
                std::thread::yield_now();
            }
        }
        assert_eq!(w.failed_loans(), 0);
        drop(w);
        done.store(true, Ordering::Relaxed);
        for t in threads {
            let (taken, dropped) = t.join().unwrap();
            assert_eq!(taken + dropped, FRAMES, "drop counts are exact");
        }
    });
}

#[test]
fn forwarding_across_threads() {
    let spec = ImageSpec::packed(WORDS as u32 * 8, 1, Encoding::Mono8, "cam");
    let mut sim =
        FrameBus::create("sim", BusConfig { slots: 16, slot_bytes: WORDS * 8, keep: 2, max_readers: 2 })
            .unwrap();
    let mut relay =
        FrameBus::create("relay", BusConfig { slots: 12, slot_bytes: 0, keep: 2, max_readers: 2 }).unwrap();
    let wait = Duration::from_secs(60);
    // In hand, in the relay's ring, and pinned by its two readers.
    let mut from = sim.bus().reader_with(Policy::Lossless { wait }, 1 + 2 + 3).unwrap();
    let readers = [
        relay.bus().reader_with(Policy::Lossless { wait }, 1).unwrap(),
        relay.bus().reader_with(Policy::Latest, 2).unwrap(),
    ];
    std::thread::scope(|s| {
        for (mut r, lossless) in readers.into_iter().zip([true, false]) {
            s.spawn(move || {
                let mut last = 0;
                while last < 5_000 {
                    r.wait(wait);
                    while let Some(f) = r.take().unwrap() {
                        check(&f, f.sequence());
                        assert!(f.sequence() > last);
                        last = f.sequence();
                    }
                }
                assert!(!lossless || r.dropped() == 0);
            });
        }
        s.spawn(move || {
            for i in 1..=5_000 {
                let f = loop {
                    from.wait(wait);
                    if let Some(f) = from.take().unwrap() {
                        break f;
                    }
                };
                assert_eq!(relay.forward(&f, 1).unwrap(), Some(i), "no forward lacks a slot or a pin");
            }
        });
        for i in 1..=5_000u64 {
            let mut loan = sim.loan(&spec).unwrap().unwrap();
            for (at, w) in loan.bytes_mut().chunks_exact_mut(8).enumerate() {
                w.copy_from_slice(&word(i, at).to_le_bytes());
            }
            loan.set_stamp(i as i64);
            sim.publish(loan).unwrap();
        }
    });
}

/// Tiny frames, a ring of one and no slot to spare: a slot is written again two publishes after it was published.
#[test]
fn as_tight_as_it_gets() {
    const N: u64 = 400_000;
    let spec = ImageSpec::packed(32 * 8, 1, Encoding::Mono8, "cam");
    let config = BusConfig { slots: 5, slot_bytes: 32 * 8, keep: 1, max_readers: 2 };
    let mut w = FrameBus::create("tight", config).unwrap();
    let readers: Vec<_> = (0..2).map(|_| w.bus().reader_with(Policy::Latest, 1).unwrap()).collect();
    std::thread::scope(|s| {
        for mut r in readers {
            s.spawn(move || {
                let (mut taken, mut last) = (0, 0);
                while last < N {
                    if let Some(f) = r.take().unwrap() {
                        check(&f, f.sequence());
                        check(&f, f.sequence());
                        (taken, last) = (taken + 1, f.sequence());
                    }
                }
                assert_eq!(taken + r.dropped(), N);
            });
        }
        for i in 1..=N {
            let mut loan = w.loan(&spec).unwrap().expect("enough slots");
            for (at, w) in loan.bytes_mut().chunks_exact_mut(8).enumerate() {
                w.copy_from_slice(&word(i, at).to_le_bytes());
            }
            loan.set_stamp(i as i64);
            w.publish(loan).unwrap();
        }
    });
}
