//! Credentials in every dialect.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    _ = tollgate::fuzzing::credential(bytes);
});
