//! What of this room reads bytes of strangers, for `crate::fuzzing`: the stations of a request until it would go to its
//! upstream, credentials, and where pieces of streams end.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is found is told by panicking"
)]

mod credential;
mod pieces;
mod stage;
mod way;
mod wire;

pub use super::upstream::fuzzing::{answer, frames, probe};
pub use credential::credential;
pub use pieces::pieces;
pub(crate) use stage::{SECRET, Stage};
