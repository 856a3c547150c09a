//! See `peregrine_tests::fuzz::bridge_tokens`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::bridge_tokens(data));
