//! What reads bytes of strangers, each as one function that takes any bytes and checks what must hold of what was
//! read, beyond that nothing panics. The answer of each is whether there was something to read in them, so that seeds
//! can be known to reach what they were made for.
//!
//! Called by `fuzz/` and by the tests beside this, which play `fuzz/seeds/` back. Not there without the feature
//! `fuzzing`, which nothing that is shipped has (`tests/layering/fuzzing.rs`).

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is found is told by panicking"
)]

mod announced;
mod config;
mod forwarded;
mod heads;
mod path;
mod token;

pub use announced::announced;
pub use config::config;
pub use forwarded::forwarded;
pub use heads::Heads;
pub use path::path;
pub use token::token;

pub use crate::gateway::fuzzing::{answer, credential, frames, pieces, probe};

#[cfg(test)]
mod tests;
