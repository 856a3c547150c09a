//! See `peregrine_tests::fuzz::model_update`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::model_update(data));
