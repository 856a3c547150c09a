//! See `peregrine_tests::fuzz::params_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::params_file(data));
