//! Logs, metrics and the access log. Takes its own options and knows no configuration.

pub mod counters;
