//! Tollgate: a reverse proxy that lets a request through only when its token allows exactly that
//! request.
//!
//! The rooms stand in layer order: a room imports only rooms above it (`tests/layering.rs`).
//! `ARCHITECTURE.md` walks through them.

pub mod domain;
pub mod clock;
pub mod wire;
pub mod telemetry;
pub mod egress;
pub mod tls;
pub mod config;
pub mod history;
pub mod store;
pub mod cache;
pub mod service;
pub mod notices;
pub mod web;
pub mod gateway;
pub mod admin;
pub mod app;
pub mod cli;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
