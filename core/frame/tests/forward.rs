//! Frames handed on from bus to bus, without a copy and without a leak.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use peregrine_frame::{
    BusConfig, Encoding, Error, Forwarded, Frame, FrameBus, ImageSpec, Policy, Reader, Writer, hop_id,
};

const SPEC: ImageSpec<'static> =
    ImageSpec { width: 4, height: 2, encoding: Encoding::Mono8, step: 4, frame_id: "cam" };

fn bus(name: &str, slot_bytes: usize) -> Writer {
    FrameBus::create(name, BusConfig { slots: 16, slot_bytes, keep: 2, max_readers: 8 }).unwrap()
}

fn publish(w: &mut Writer, value: u8) {
    let mut loan = w.loan(&SPEC).unwrap().unwrap();
    loan.bytes_mut().fill(value);
    loan.set_stamp(i64::from(value) * 1_000);
    loan.mark_hop(hop_id("sim"));
    w.publish(loan).unwrap();
}

fn next(r: &mut Reader) -> Frame {
    r.take().unwrap().unwrap()
}

#[test]
fn a_forwarded_frame_is_the_same_bytes_under_another_number() {
    let (mut sim, mut camera) = (bus("sim", 64), bus("camera", 0));
    let mut from = sim.bus().reader_with(Policy::Latest, 6).unwrap();
    let mut to = camera.bus().reader(Policy::Latest).unwrap();
    publish(&mut sim, 1);
    publish(&mut sim, 2);
    let original = next(&mut from);
    assert_eq!(camera.forward(&original, hop_id("camera")).unwrap(), Some(1));
    let seen = next(&mut to);
    assert_eq!(seen.bytes().as_ptr(), original.bytes().as_ptr());
    assert_eq!(seen.cdr(), original.cdr());
    assert_eq!(
        (original.sequence(), seen.sequence(), seen.stamp_ns(), seen.frame_id()),
        (2, 1, 2_000, "cam")
    );
    assert_eq!((seen.is_forwarded(), original.is_forwarded()), (true, false));
    assert_eq!((seen.meta().origin_bus, seen.meta().sequence), (sim.bus().id(), 1));
    let hops: Vec<u32> = seen.hops().iter().map(|h| h.id).collect();
    assert_eq!(hops, [hop_id("sim"), hop_id("camera")]);
    assert!(seen.hops()[0].since_capture_ns <= seen.hops()[1].since_capture_ns);
    assert_eq!(seen.meta().capture_mono_ns, original.meta().capture_mono_ns);
}

#[test]
fn the_original_is_held_as_long_as_it_is_needed_and_no_longer() {
    let (mut sim, mut camera) = (bus("sim", 64), bus("camera", 0));
    let mut from = sim.bus().reader_with(Policy::Latest, 6).unwrap();
    let mut to = camera.bus().reader(Policy::Latest).unwrap();
    publish(&mut sim, 1);
    camera.forward(&next(&mut from), 0).unwrap();
    let held = next(&mut to);
    for i in 2..200 {
        publish(&mut sim, i);
        camera.forward(&next(&mut from), 0).unwrap();
        assert_eq!(held.bytes(), [1; 8]);
        // The one held, and the two in the ring: what was pushed out is let go at once.
        assert_eq!(from.held(), usize::from(i).min(3), "frame {i}");
    }
    drop(held);
    publish(&mut sim, 200);
    camera.forward(&next(&mut from), 0).unwrap();
    assert_eq!(from.held(), 2);
    assert_eq!(sim.failed_loans() + camera.failed_loans(), 0);
    drop(camera);
    assert_eq!(from.held(), 2, "the reader may still take them");
    assert_eq!(next(&mut to).bytes()[0], 200);
    drop(to);
    assert_eq!(from.held(), 0, "the bus is gone, and what it held with it");
}

#[test]
fn forwards_chain_and_own_frames_mix_with_them() {
    let (mut a, mut b, mut c) = (bus("a", 64), bus("b", 64), bus("c", 0));
    let mut ra = a.bus().reader_with(Policy::Latest, 6).unwrap();
    let mut rb = b.bus().reader_with(Policy::Latest, 6).unwrap();
    let mut rc = c.bus().reader(Policy::Latest).unwrap();
    let mut held = None;
    for i in 1..100 {
        if i % 3 == 0 {
            publish(&mut b, i);
        } else {
            publish(&mut a, i);
            b.forward(&next(&mut ra), 1).unwrap();
        }
        c.forward(&next(&mut rb), 2).unwrap();
        let f = next(&mut rc);
        assert_eq!(
            (f.bytes(), f.stamp_ns(), f.sequence()),
            (&[i; 8][..], i64::from(i) * 1_000, u64::from(i))
        );
        if i == 4 {
            held = Some(f);
        }
        assert!(held.as_ref().is_none_or(|f| f.bytes() == [4; 8]));
    }
    let f = held.take().unwrap();
    drop((a, b, c, ra, rb, rc));
    assert_eq!(f.bytes(), [4; 8], "a frame outlives every bus on its way");
}

#[test]
fn loops_are_refused_also_the_long_way_round() {
    let (mut a, mut b) = (bus("a", 64), bus("b", 64));
    let mut ra = a.bus().reader(Policy::Latest).unwrap();
    let mut rb = b.bus().reader(Policy::Latest).unwrap();
    publish(&mut a, 1);
    let f = next(&mut ra);
    assert!(matches!(a.forward(&f, 0), Err(Error::ForwardLoop { .. })));
    b.forward(&f, 0).unwrap();
    let g = next(&mut rb);
    assert!(matches!(a.forward(&g, 0), Err(Error::ForwardLoop { .. })));
    assert_eq!(a.published(), 1);
}

#[test]
fn a_forward_without_a_slot_is_none_and_one_that_would_block_says_so() {
    let mut a = bus("a", 64);
    let mut ra = a.bus().reader_with(Policy::Latest, 4).unwrap();
    publish(&mut a, 1);
    let f = next(&mut ra);
    let config = BusConfig { slots: 5, slot_bytes: 64, keep: 1, max_readers: 1 };
    let mut b = FrameBus::create("b", config).unwrap();
    let _loans: Vec<_> = (0..5).map(|_| b.loan(&SPEC).unwrap().unwrap()).collect();
    assert_eq!(b.forward(&f, 0).unwrap(), None);
    assert_eq!(b.try_forward(&f, 0).unwrap(), Forwarded::NoSlot);
    assert_eq!(b.failed_loans(), 2);
    drop(_loans);
    let wait = std::time::Duration::from_secs(3600);
    let mut rb = b.bus().reader_with(Policy::Lossless { wait }, 1).unwrap();
    assert_eq!(b.try_forward(&f, 0).unwrap(), Forwarded::Done(1));
    assert_eq!(b.try_forward(&f, 0).unwrap(), Forwarded::WouldBlock);
    drop(next(&mut rb));
    assert_eq!(b.try_forward(&f, 0).unwrap(), Forwarded::Done(2));
}
