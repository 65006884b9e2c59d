//! The way of a request, from the socket to the upstream and back.
//!
//! `journey` tells it on one page: intake, route, authenticate, authorize, forward, limits, touch, respond.
//! Each station takes what the one before made and cannot be skipped: only `authorize` makes a
//! permit, and only a permit gets a request to its upstream. Called by `app`, which starts one core
//! for each thread.

// What is compiled from the settings.
pub mod path;
pub mod pattern;
pub mod challenge;
pub mod cors;
pub mod ejection;
mod names;
mod dial;
pub mod gate;
pub mod targets;
pub mod descriptors;
pub mod plan;
pub mod prefixes;
pub mod routes;
pub mod snapshot;
pub mod handed;

// What a core has.
mod task;
mod alarm;
mod pace;
mod body;
mod spelling;
mod head;
mod lengths;
mod websocket;
mod load;
mod upstream;
mod table;
mod unknown;
mod retries;
pub(crate) mod host;
pub mod core;
mod judge;
mod watch;
mod pieces;
mod stream;
mod channel;
mod link;
mod frames;
pub mod crowd;
pub mod failures;
mod client;
pub mod moving;
mod origin;
mod socket;

// The stations.
mod dialect;
mod intake;
mod route;
mod leak;
mod places;
mod preface;
mod preflight;
mod presenter;
mod authenticate;
mod authorize;
mod hops;
pub mod limits;
mod touch;
mod identity;
mod relay;
mod pump;
mod tunnel;
mod balance;
mod blame;
mod reach;
mod attempts;
mod forward;
mod rebuff;
mod access_record;
mod trail;
mod respond;
mod journey;
pub mod health;
mod unparsed;
mod ended;
mod announced;
mod passage;
mod secure;
pub mod port;
mod admission;
pub mod accept;
mod spawned;
pub mod serving;
pub mod explain;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;

#[cfg(test)]
mod sample;
