//! TLS (RFC 8446, RFC 5246) for clients: certificates and keys from files, and what rustls makes of them.
//!
//! Knows no configuration: whoever names a file is told by a [`Fault`] what is wrong with it, and says where it was
//! named.

mod authorities;
mod caller;
mod certificate;
mod fault;
mod presented;
mod refused;
mod resolver;
mod server;
mod sessions;
pub mod subject;

pub use authorities::Authorities;
pub use caller::{Caller, Trust};
pub use certificate::{Certificate, Files, WARNED_BEFORE, faults};
pub use fault::{Fault, What};
pub use presented::ClientCertificate;
pub use refused::Refused;
pub use server::{Clients, Least, Options, Server};
