//! See `peregrine_tests::fuzz::point_cloud`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::point_cloud(data));
