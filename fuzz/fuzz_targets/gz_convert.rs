//! See `peregrine_tests::fuzz::gz_convert`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::gz_convert(data));
