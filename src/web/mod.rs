//! What people meet in a browser: their sessions.
//!
//! Called by `admin`, which serves it on the administrative address.

pub mod sessions;
pub mod throttle;
