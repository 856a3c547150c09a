//! See `peregrine_tests::fuzz::frame_handshake`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peregrine_tests::fuzz::frame_handshake(data));
