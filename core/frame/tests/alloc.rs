//! No allocation per frame: loan, publish, take, clone, drop and forward are counted.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use peregrine_frame::{BusConfig, Encoding, FrameBus, Host, ImageSpec, Policy, hop_id};

#[global_allocator]
static ALLOCATOR: peregrine_counting::Counting = peregrine_counting::Counting;

// One test in this file, or another thread's allocations would be counted.
#[test]
fn a_frame_costs_no_allocation() {
    let spec = ImageSpec::packed(64, 48, Encoding::Rgb8, "camera_optical");
    let bytes = 64 * 48 * 3;
    let mut camera =
        FrameBus::create("raw", BusConfig { slots: 20, slot_bytes: bytes, keep: 2, max_readers: 4 }).unwrap();
    let mut relay =
        FrameBus::create("relayed", BusConfig { slots: 16, slot_bytes: 0, keep: 2, max_readers: 4 }).unwrap();
    let mut source = camera.bus().reader_with(Policy::Latest, 8).unwrap();
    let mut lossless =
        camera.bus().reader(Policy::Lossless { wait: std::time::Duration::from_secs(5) }).unwrap();
    let mut last = relay.bus().reader(Policy::KeepLast(2)).unwrap();
    let woken = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&woken);
    last.on_publish(Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    }));

    let mut turn = || {
        drop(camera.loan(&spec).unwrap().unwrap());
        let mut loan = camera.loan(&spec).unwrap().unwrap();
        loan.bytes_mut()[0] = 1;
        loan.set_stamp(5);
        loan.mark_hop(hop_id("camera"));
        camera.publish(loan).unwrap();
        drop(lossless.take().unwrap().unwrap());
        let frame = source.take().unwrap().unwrap();
        relay.forward(&frame, hop_id("relay")).unwrap().unwrap();
        let seen = last.take().unwrap().unwrap();
        let clone = seen.clone();
        assert_eq!(
            (clone.bytes()[0], clone.frame_id(), clone.cdr().len() > bytes),
            (1, "camera_optical", true)
        );
        assert!(source.take().unwrap().is_none());
    };
    // The writer copies the list of wakers at its first publish.
    turn();
    let before = peregrine_counting::all();
    for _ in 0..1000 {
        turn();
    }
    let allocations = peregrine_counting::all() - before;
    assert_eq!(allocations, 0, "1000 frames allocated {allocations} times");
    assert_eq!(woken.load(Ordering::Relaxed), 1001);
    assert_eq!(camera.failed_loans() + relay.failed_loans(), 0);
    across_processes(&spec);
    // The counter does count.
    let before = peregrine_counting::all();
    drop(std::hint::black_box(Box::new(7u64)));
    assert!(peregrine_counting::all() > before);
}

/// As between processes: the reader comes over the socket, and has mappings of its own.
fn across_processes(spec: &ImageSpec<'_>) {
    let folder = std::env::temp_dir().join(format!("peregrine-alloc-{}", std::process::id()));
    let host = Host::at(&folder, 0).unwrap();
    let mut camera = host.publish("cam", BusConfig::default()).unwrap();
    let mut reader = host.subscribe("cam", Policy::Latest).unwrap();
    assert!(reader.wait_attached(std::time::Duration::from_secs(30)));
    let mut turn = || {
        let mut loan = camera.loan(spec).unwrap().unwrap();
        loan.bytes_mut()[0] = 1;
        loan.set_stamp(5);
        camera.publish(loan).unwrap();
        assert!(reader.wait(std::time::Duration::from_secs(30)));
        assert_eq!(reader.take().unwrap().unwrap().bytes()[0], 1);
        assert_eq!(
            reader.events().filter(|e| !matches!(e, peregrine_frame::Event::Attached { .. })).count(),
            0
        );
        // Sleeping, too.
        assert!(!reader.wait(std::time::Duration::from_micros(10)));
    };
    turn();
    let before = peregrine_counting::own();
    for _ in 0..1000 {
        turn();
    }
    let allocations = peregrine_counting::own() - before;
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(allocations, 0, "1000 frames between processes allocated {allocations} times");
}
