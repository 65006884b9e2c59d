//! The attacks of which this kind of software has suffered: the exact bytes that a client sends, the
//! answer, and what reached an upstream that records. Each row bears its number (`sec-P1`); rows without
//! one are neighbours that were thought of here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

#[path = "attacks/table.rs"]
mod table;

#[path = "attacks/answers.rs"]
mod answers;
#[path = "attacks/cache.rs"]
mod cache;
#[path = "attacks/codings.rs"]
mod codings;
#[path = "attacks/credentials.rs"]
mod credentials;
#[path = "attacks/crowds.rs"]
mod crowds;
#[path = "attacks/drips.rs"]
mod drips;
#[path = "attacks/floods.rs"]
mod floods;
#[path = "attacks/frames.rs"]
mod frames;
#[path = "attacks/framing.rs"]
mod framing;
#[path = "attacks/headers.rs"]
mod headers;
#[path = "attacks/guesses.rs"]
mod guesses;
#[path = "attacks/heads.rs"]
mod heads;
#[path = "attacks/hosts.rs"]
mod hosts;
#[path = "attacks/http2.rs"]
mod http2;
#[path = "attacks/overstaying.rs"]
mod overstaying;
#[path = "attacks/paths.rs"]
mod paths;
#[path = "attacks/slow.rs"]
mod slow;
#[path = "attacks/twin.rs"]
mod twin;
#[path = "attacks/unread.rs"]
mod unread;
