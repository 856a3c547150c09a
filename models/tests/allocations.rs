//! Zero allocations per image in our own stages after the first one. (Engines allocate inside their run; that is theirs.)
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use peregrine_models::decode::{decode, nms};
use peregrine_models::watch::{Recent, Watch, look};
use peregrine_models::{Detection, ImageRef, InputMut, Manifest, PixelFormat, Preprocessor};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Counts the allocations of the calling thread.
struct Counting;

// SAFETY: every call is handed to the system's allocator unchanged; the counter is a plain cell of this thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1u8; 100]))), 1);
}

#[test]
fn no_allocation_after_the_first_image() {
    let manifest = Manifest::parse(include_str!("../weights/nanodet_g_416_int8.toml"), "test").unwrap();
    let mut preprocessor = Preprocessor::new(&manifest.input);
    let mut tensor = vec![0.0; manifest.input_len()];
    for pixel in PixelFormat::ALL {
        let (width, height) = (1280, 720);
        let data = vec![90u8; pixel.row_bytes(width) * height * 3 / 2];
        let image = ImageRef::packed(&data, width, height, pixel);
        preprocessor.run(&image, InputMut::F32(&mut tensor)).unwrap();
        let count = allocations(|| {
            for _ in 0..3 {
                preprocessor.run(&image, InputMut::F32(&mut tensor)).unwrap();
            }
        });
        assert_eq!(count, 0, "{pixel:?}");
    }
    // Outputs with many candidates, a little different each time.
    let cells = [2704usize, 676, 169];
    let scores: Vec<Vec<f32>> =
        cells.iter().map(|n| (0..n * 80).map(|i| (i * 7919 % 1000) as f32 / 1600.0).collect()).collect();
    let sides: Vec<Vec<f32>> =
        cells.iter().map(|n| (0..n * 44).map(|i| (i % 13) as f32 / 3.0).collect()).collect();
    let views: Vec<&[f32]> = scores.iter().chain(&sides).map(Vec::as_slice).collect();
    let mut candidates = Vec::new();
    decode(&manifest, 80, &views, 0.2, &mut candidates);
    nms::suppress(&mut candidates, 0.6, 100);
    assert!(!candidates.is_empty());
    let count = allocations(|| {
        for threshold in [0.2, 0.3, 0.5] {
            candidates.clear();
            decode(&manifest, 80, &views, threshold, &mut candidates);
            nms::suppress(&mut candidates, 0.6, 100);
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn watching_an_image_allocates_nothing() {
    let (width, height) = (640, 480);
    let data = vec![90u8; 3 * width * height];
    let image = ImageRef::packed(&data, width, height, PixelFormat::Rgb8);
    let label: std::sync::Arc<str> = "person".into();
    let found = [0.4, 0.9].map(|score| Detection {
        label_index: 1,
        label: label.clone(),
        score,
        x: 1.0,
        y: 1.0,
        width: 9.0,
        height: 9.0,
    });
    let mut watch = Watch::new(80, 0.35, 100.0);
    (0..60).for_each(|_| (watch.saw(&found), watch.image(90.0, 50.0)).1);
    let reference = watch.reference();
    let mut recent = Recent::new(64);
    let mut drift = None;
    let count = allocations(|| {
        for n in 0..200 {
            let seen = look(&image).unwrap();
            watch.image(seen.brightness, seen.sharpness);
            watch.saw(&found);
            drift = watch.drift(&reference).found();
            recent.add(f64::from(n));
            recent.quantiles([0.5, 0.99]).unwrap();
        }
    });
    assert_eq!((count, drift.is_some()), (0, true));
}
