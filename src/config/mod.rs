//! Configuration: a mirror of the file that keeps the place of every value, and the checked settings
//! that the rest of the crate is built from.
//!
//! Called by `app` and `cli`. Everything here is a pure function of text, environment and named files;
//! nothing listens, nothing is opened.

pub mod settings;

pub use settings::Settings;
