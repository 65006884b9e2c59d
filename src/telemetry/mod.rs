//! Logs, metrics and the access log. Takes its own options and knows no configuration.

pub mod counters;
pub mod throttle;
mod lines;
mod stamp;
pub mod access;
pub mod logs;

pub use lines::Format;
