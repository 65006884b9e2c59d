//! Configuration: a mirror of the file that keeps the place of every value, and the checked
//! settings that the rest of the crate is built from.
//!
//! Called by `app` and `cli`. Settings are a function of text and environment; the only files that
//! are read are the one that is asked for, and the only thing that is opened is a watch on it.

pub mod settings;
mod environment;
mod mistake;
mod bounded;
mod report;
mod reading;
mod scalar;
mod table;
mod file;
mod units;
mod values;
mod header;
mod general;
mod limits;
mod secret_source;
mod storage;
mod webhooks;
mod named;
mod proxies;
mod tls;
mod identity;
mod catalog;
mod pattern;
mod endpoint;
mod tries;
mod health;
mod upstream;
mod host;
mod method;
mod cors;
mod rule;
mod clash;
mod api;
mod lines;
mod stop;
mod syntax;
mod broken;
mod load;
mod reload;
mod lenient;
mod unusable;
mod watch;

pub use environment::{Environment, Overrides};
pub use load::{Loaded, Source, known_keys, load, parse};
pub use reload::reload;
pub use report::{Entry, Report};
pub use settings::Settings;
pub use unusable::NamedFile;
pub use watch::{Watch, watch};
