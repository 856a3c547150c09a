//! What readers get, what they lose, and what the numbers say about it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use peregrine_frame::{BusConfig, Encoding, Error, FrameBus, ImageSpec, Policy, Published, Reader, Writer};

const SPEC: ImageSpec<'static> =
    ImageSpec { width: 4, height: 2, encoding: Encoding::Mono8, step: 4, frame_id: "cam" };

fn bus(slots: usize, keep: usize) -> Writer {
    FrameBus::create("t", BusConfig { slots, slot_bytes: 64, keep, max_readers: 8 }).unwrap()
}

fn publish(w: &mut Writer, value: u8) -> u64 {
    let mut loan = w.loan(&SPEC).unwrap().unwrap();
    loan.bytes_mut().fill(value);
    loan.set_stamp(i64::from(value));
    w.publish(loan).unwrap()
}

fn sequences(r: &mut Reader) -> Vec<u64> {
    std::iter::from_fn(|| r.take().unwrap().map(|f| f.sequence())).collect()
}

#[test]
fn latest_skips_to_the_newest_and_counts() {
    let mut w = bus(8, 3);
    let mut r = w.bus().reader(Policy::Latest).unwrap();
    assert!(r.take().unwrap().is_none());
    for i in 1..=5 {
        assert_eq!(publish(&mut w, i), u64::from(i));
    }
    assert_eq!(r.pending(), 1);
    let f = r.take().unwrap().unwrap();
    assert_eq!((f.sequence(), f.bytes(), f.stamp_ns(), r.dropped()), (5, &[5u8; 8][..], 5, 4));
    assert!(r.take().unwrap().is_none());
}

#[test]
fn keep_last_gives_the_newest_k_in_order() {
    let mut w = bus(9, 4);
    let mut r = w.bus().reader(Policy::KeepLast(3)).unwrap();
    for i in 1..=10 {
        publish(&mut w, i);
    }
    assert_eq!(r.pending(), 3);
    assert_eq!(sequences(&mut r), [8, 9, 10]);
    assert_eq!(r.dropped(), 7);
    publish(&mut w, 11);
    publish(&mut w, 12);
    assert_eq!(sequences(&mut r), [11, 12]);
    assert_eq!(r.dropped(), 7);
}

#[test]
fn a_late_joiner_starts_at_the_newest_frame() {
    let mut w = bus(8, 3);
    (1..=3).for_each(|i| assert_eq!(publish(&mut w, i), u64::from(i)));
    let mut r = w.bus().reader(Policy::KeepLast(3)).unwrap();
    assert_eq!(sequences(&mut r), [3]);
    assert_eq!(r.dropped(), 0);
}

#[test]
fn held_frames_keep_their_bytes_and_a_reader_cannot_take_more_than_its_pins() {
    let mut w = bus(8, 2);
    let mut r = w.bus().reader_with(Policy::Latest, 2).unwrap();
    publish(&mut w, 1);
    let one = r.take().unwrap().unwrap();
    publish(&mut w, 2);
    let two = r.take().unwrap().unwrap();
    assert!(r.take().unwrap().is_none(), "nothing new is not an error");
    for i in 3..100 {
        publish(&mut w, i);
    }
    assert!(matches!(r.take(), Err(Error::PinsExhausted { pins: 2, .. })));
    assert_eq!((one.bytes(), two.bytes(), r.held()), (&[1u8; 8][..], &[2u8; 8][..], 2));
    let clone = one.clone();
    drop(one);
    assert!(r.take().is_err(), "a clone still holds the slot");
    drop(clone);
    assert_eq!(r.take().unwrap().unwrap().sequence(), 99);
    assert_eq!(w.failed_loans(), 0);
}

#[test]
fn frames_outlive_their_reader_and_then_give_the_row_back() {
    let mut w = bus(8, 2);
    let mut r = w.bus().reader_with(Policy::Latest, 2).unwrap();
    publish(&mut w, 1);
    let f = r.take().unwrap().unwrap();
    drop(r);
    (2..50).for_each(|i| assert_eq!(publish(&mut w, i), u64::from(i)));
    assert_eq!((f.bytes()[0], w.bus().stats().readers, w.bus().stats().pins), (1, 1, 2));
    drop(w);
    assert_eq!((f.bytes()[0], f.frame_id(), f.bus_name()), (1, "cam", "t"));
    drop(f);
}

#[test]
fn rows_and_pins_are_given_back() {
    let w = bus(8, 2);
    let full = |n: usize| w.bus().reader_with(Policy::Latest, n);
    let four = full(4).unwrap();
    assert!(matches!(full(1), Err(Error::NotEnoughSlots { slots: 8, needed: 9, keep: 2, pins: 5, .. })));
    drop(four);
    for _ in 0..100 {
        drop(full(4).unwrap());
    }
    assert_eq!((w.bus().stats().readers, w.bus().stats().pins), (0, 0));
}

#[test]
fn a_loan_without_a_free_slot_is_none_and_counted() {
    let mut w = bus(5, 1);
    let loans: Vec<_> = (0..5).map(|_| w.loan(&SPEC).unwrap().unwrap()).collect();
    assert!(w.loan(&SPEC).unwrap().is_none());
    assert_eq!(w.failed_loans(), 1);
    drop(loans);
    assert_eq!(publish(&mut w, 1), 1);
    assert_eq!(w.bus().stats().loaned, 0);
}

#[test]
fn several_loans_are_published_in_any_order() {
    let mut w = bus(6, 2);
    let mut r = w.bus().reader(Policy::KeepLast(2)).unwrap();
    let mut a = w.loan(&SPEC).unwrap().unwrap();
    let mut b = w.loan(&SPEC).unwrap().unwrap();
    a.bytes_mut().fill(1);
    std::thread::scope(|s| s.spawn(|| b.bytes_mut().fill(2)).join().unwrap());
    assert_eq!((w.publish(b).unwrap(), w.publish(a).unwrap()), (1, 2));
    let seen: Vec<u8> = std::iter::from_fn(|| r.take().unwrap().map(|f| f.bytes()[0])).collect();
    assert_eq!(seen, [2, 1]);
}

#[test]
fn lossless_says_would_block_then_goes_on() {
    let mut w = bus(6, 2);
    let wait = Duration::from_secs(3600);
    let mut r = w.bus().reader(Policy::Lossless { wait }).unwrap();
    publish(&mut w, 1);
    publish(&mut w, 2);
    assert!(w.would_block());
    let loan = w.loan(&SPEC).unwrap().unwrap();
    let Published::WouldBlock(loan) = w.try_publish(loan).unwrap() else {
        panic!("overwrote an unread frame")
    };
    let first = r.take().unwrap().unwrap();
    assert!(!w.would_block());
    assert!(matches!(w.try_publish(loan), Ok(Published::Done(3))));
    assert_eq!(first.sequence(), 1);
    drop(first);
    assert_eq!(sequences(&mut r), [2, 3]);
    assert_eq!((r.dropped(), w.bus().stats().lossless_timeouts), (0, 0));
}

#[test]
fn a_stalled_lossless_reader_costs_one_wait_then_loses_and_counts() {
    let mut w = bus(6, 2);
    let mut r = w.bus().reader(Policy::Lossless { wait: Duration::from_millis(5) }).unwrap();
    (1..=20).for_each(|i| assert_eq!(publish(&mut w, i), u64::from(i)));
    assert_eq!(w.bus().stats().lossless_timeouts, 1);
    assert_eq!(sequences(&mut r), [19, 20]);
    assert_eq!(r.dropped(), 18);
    // It has taken again, so it is waited for again; and it goes while the publisher would wait.
    publish(&mut w, 21);
    publish(&mut w, 22);
    assert!(w.would_block());
    drop(r);
    assert!(!w.would_block());
}

#[test]
fn lossless_across_threads_loses_nothing() {
    let mut w = bus(8, 2);
    let readers: Vec<_> = (0..2)
        .map(|_| w.bus().reader_with(Policy::Lossless { wait: Duration::from_secs(60) }, 1).unwrap())
        .collect();
    std::thread::scope(|s| {
        for mut r in readers {
            s.spawn(move || {
                let mut want = 1;
                while want <= 3000 {
                    r.wait(Duration::from_secs(60));
                    while let Some(f) = r.take().unwrap() {
                        assert_eq!((f.sequence(), f.bytes()[0]), (want, want as u8));
                        want += 1;
                    }
                }
                assert_eq!(r.dropped(), 0);
            });
        }
        (1..=3000u64).for_each(|i| assert_eq!(publish(&mut w, i as u8), i));
    });
}

#[test]
fn wait_ends_when_the_writer_goes_and_frames_can_still_be_taken() {
    let mut w = bus(6, 2);
    let mut r = w.bus().reader(Policy::KeepLast(2)).unwrap();
    assert!(!r.wait(Duration::ZERO));
    let waiting = std::thread::spawn(move || {
        let mut seen = Vec::new();
        loop {
            r.wait(Duration::from_secs(3600));
            while let Some(f) = r.take().unwrap() {
                seen.push(f.sequence());
            }
            if r.is_closed() && r.pending() == 0 {
                return (seen, r.dropped());
            }
        }
    });
    (1..=3).for_each(|i| assert_eq!(publish(&mut w, i), u64::from(i)));
    drop(w);
    let (seen, dropped) = waiting.join().unwrap();
    assert_eq!(seen.last(), Some(&3));
    assert_eq!(seen.len() as u64 + dropped, 3);
}

#[test]
fn wakers_are_called_once_per_publish_until_they_are_gone() {
    let mut w = bus(6, 2);
    let calls: [Arc<AtomicU64>; 2] = Default::default();
    let waker = |i: usize| {
        let c = Arc::clone(&calls[i]);
        Arc::new(move || {
            c.fetch_add(1, Ordering::Relaxed);
        })
    };
    let mut r = w.bus().reader(Policy::Latest).unwrap();
    r.on_publish(waker(0));
    let guard = w.bus().on_publish(waker(1));
    publish(&mut w, 1);
    drop(r);
    publish(&mut w, 2);
    drop(guard);
    publish(&mut w, 3);
    assert_eq!(calls.each_ref().map(|c| c.load(Ordering::Relaxed)), [1, 2]);
    assert!(calls.iter().all(|c| Arc::strong_count(c) == 1), "wakers are let go");
}

#[test]
fn mistakes_are_named() {
    let config = BusConfig { slots: 8, slot_bytes: 64, keep: 2, max_readers: 2 };
    let code = |c: BusConfig| FrameBus::create("t", c).unwrap_err().to_string()[..7].to_owned();
    assert_eq!(code(BusConfig { slots: 65, ..config }), "PG-0101");
    assert_eq!(code(BusConfig { keep: 0, ..config }), "PG-0102");
    assert_eq!(code(BusConfig { keep: 17, slots: 40, ..config }), "PG-0102");
    assert_eq!(code(BusConfig { keep: 6, ..config }), "PG-0103");
    assert_eq!(code(BusConfig { slot_bytes: usize::MAX, ..config }), "PG-0112");
    assert_eq!(code(BusConfig { max_readers: 65, ..config }), "PG-0117");
    let mut w = FrameBus::create("t", config).unwrap();
    let code = |e: Error| e.to_string()[..7].to_owned();
    let reader = |p, n| w.bus().reader_with(p, n);
    assert_eq!(code(reader(Policy::KeepLast(3), 1).unwrap_err()), "PG-0111");
    assert_eq!(code(reader(Policy::Latest, 17).unwrap_err()), "PG-0116");
    let _both = [reader(Policy::Latest, 1).unwrap(), reader(Policy::Latest, 1).unwrap()];
    assert_eq!(code(reader(Policy::Latest, 1).unwrap_err()), "PG-0104");
    let capacity = w.bus().stats().slot_bytes as u32;
    assert!(capacity >= 64);
    let mut loan = |s: &ImageSpec<'_>| w.loan(s).map(drop).unwrap_err().to_string()[..7].to_owned();
    assert_eq!(loan(&ImageSpec { step: capacity, height: 2, ..SPEC }), "PG-0105");
    assert_eq!(loan(&ImageSpec { frame_id: &"x".repeat(201), ..SPEC }), "PG-0106");
    assert_eq!(loan(&ImageSpec { frame_id: "a\0b", ..SPEC }), "PG-0106");
    assert_eq!(loan(&ImageSpec { step: 3, ..SPEC }), "PG-0107");
    assert_eq!(loan(&ImageSpec { width: 0, ..SPEC }), "PG-0107");
    assert_eq!(loan(&ImageSpec { height: 3, encoding: Encoding::Nv12, ..SPEC }), "PG-0107");
    assert_eq!(loan(&ImageSpec { step: u32::MAX, height: u32::MAX, ..SPEC }), "PG-0107");
    let mut other = bus(8, 2);
    let foreign = other.loan(&SPEC).unwrap().unwrap();
    assert_eq!(code(w.publish(foreign).unwrap_err()), "PG-0109");
    assert_eq!(other.bus().stats().loaned, 0);
}

#[test]
fn handles_cross_threads() {
    fn send<T: Send + 'static>() {}
    fn sync<T: Sync>() {}
    send::<Writer>();
    send::<Reader>();
    send::<peregrine_frame::Loan>();
    send::<peregrine_frame::Frame>();
    sync::<peregrine_frame::Frame>();
    send::<peregrine_frame::Bus>();
    sync::<peregrine_frame::Bus>();
}
