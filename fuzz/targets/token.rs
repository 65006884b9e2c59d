//! Secrets, digests and names.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    _ = tollgate::fuzzing::token(bytes);
});
