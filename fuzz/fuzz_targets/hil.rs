//! See `peregrine_tests::fuzz::hil`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::hil(data));
