//! Frames, messages and events.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    _ = tollgate::fuzzing::pieces(bytes);
});
