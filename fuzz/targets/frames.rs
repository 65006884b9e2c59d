//! Frames of an upstream of HTTP/2.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    _ = tollgate::fuzzing::frames(bytes);
});
