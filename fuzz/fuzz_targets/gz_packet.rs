//! See `peregrine_tests::fuzz::gz_packet`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::gz_packet(data));
