//! Heads of requests over HTTP/2.

#![no_main]

use tollgate::fuzzing::Heads;

thread_local! {
    static HEADS: Heads = Heads::new(&std::env::temp_dir());
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    _ = HEADS.with(|heads| heads.http2(bytes));
});
