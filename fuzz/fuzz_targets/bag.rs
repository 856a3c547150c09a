//! See `peregrine_tests::fuzz::bag`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::bag(data));
