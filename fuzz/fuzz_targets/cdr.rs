//! See `peregrine_tests::fuzz::cdr`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::cdr(data));
