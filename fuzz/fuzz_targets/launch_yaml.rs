//! See `peregrine_tests::fuzz::launch_yaml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::launch_yaml(data));
