//! See `peregrine_tests::fuzz::launch_xml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::launch_xml(data));
