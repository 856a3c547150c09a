//! See `peregrine_tests::fuzz::model_transfer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::model_transfer(data));
