//! The administrative faces: the REST API on the local socket, and metrics and health on TCP.
//!
//! `app` binds and serves both on the control runtime; `cli` calls [`api::router`] directly where
//! no server runs. Every act is `service`'s; here it only gets its path and its answer.

use std::sync::Arc;

use crate::gateway::core::Shared;
use crate::notices::Notices;
use crate::service::Service;
use crate::web::People;

pub mod api;
mod access;
mod answers;
mod bounded;
pub mod bulk;
pub mod clock;
pub mod companies;
pub mod contexts;
mod etag;
pub mod explain;
pub mod extract;
pub mod history;
pub mod leaks;
mod limits;
pub mod openapi;
pub mod overview;
mod pages;
mod pipe;
pub mod problem;
pub mod proxied;
pub mod public;
mod repeat;
pub mod serving;
mod session;
pub mod socket;
pub mod system;
pub mod sheet;
pub mod transfer;
pub mod tokens;
pub mod users;
pub mod webhooks;
#[cfg(test)]
mod tests;

/// Reads the configuration anew, or tells its mistakes and keeps the old one.
pub type Reload = Arc<dyn Fn() -> Result<(), Box<problem::Problem>> + Send + Sync>;

/// What the API acts through.
pub struct Handles {
    /// All acts.
    pub service: Arc<Service>,
    /// None without a server.
    pub reload: Option<Reload>,
    /// None without a server.
    pub server: Option<system::ServerStatus>,
    /// What requests are judged by; none without a server.
    pub shared: Option<Arc<Shared>>,
    /// Who is told what happened; none without a server.
    pub notices: Option<Arc<Notices>>,
    /// Who is signed in, and who failed at it.
    pub people: Arc<People>,
}
