//! See `peregrine_tests::fuzz::checkpoint`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::checkpoint(data));
