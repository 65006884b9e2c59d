//! What proxies say of where a request came from.

#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    _ = tollgate::fuzzing::forwarded(bytes);
});
