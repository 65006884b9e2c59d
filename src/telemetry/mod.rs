//! Logs, metrics and the access log. Takes its own options and knows no configuration.

pub mod count;
pub mod durations;
pub mod counters;
pub mod rates;
pub mod throttle;
mod lines;
mod stamp;
pub mod access;
pub mod logs;
pub mod notices;
pub mod metrics;

pub use lines::Format;
