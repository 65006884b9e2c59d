//! Answers of upstreams over HTTP/1.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    _ = tollgate::fuzzing::answer(bytes);
});
