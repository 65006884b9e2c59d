//! What an operator can put in front and behind: TLS, with clients that we did not write.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

#[path = "transport/alien.rs"]
mod alien;
#[path = "transport/announced.rs"]
mod announced;
#[path = "transport/bounds.rs"]
mod bounds;
#[path = "transport/certificates.rs"]
mod certificates;
#[path = "transport/clients.rs"]
mod clients;
#[path = "transport/closed.rs"]
mod closed;
#[path = "transport/cors.rs"]
mod cors;
#[path = "transport/cut.rs"]
mod cut;
#[path = "transport/doors.rs"]
mod doors;
#[path = "transport/ended.rs"]
mod ended;
#[path = "transport/endpoints.rs"]
mod endpoints;
#[path = "transport/farewells.rs"]
mod farewells;
#[path = "transport/extended.rs"]
mod extended;
#[path = "transport/files.rs"]
mod files;
#[path = "transport/haproxy.rs"]
mod haproxy;
#[path = "transport/health.rs"]
mod health;
#[path = "transport/hops.rs"]
mod hops;
#[path = "transport/large.rs"]
mod large;
#[path = "transport/leaving.rs"]
mod leaving;
#[path = "transport/lengthy.rs"]
mod lengthy;
#[path = "transport/marks.rs"]
mod marks;
#[path = "transport/outlived.rs"]
mod outlived;
#[path = "transport/overdue.rs"]
mod overdue;
#[path = "transport/pages.rs"]
mod pages;
#[path = "transport/passage.rs"]
mod passage;
#[path = "transport/places.rs"]
mod places;
#[path = "transport/proxies.rs"]
mod proxies;
#[path = "transport/reloaded.rs"]
mod reloaded;
#[path = "transport/renamed.rs"]
mod renamed;
#[path = "transport/renewed.rs"]
mod renewed;
#[path = "transport/resting.rs"]
mod resting;
#[path = "transport/returned.rs"]
mod returned;
#[path = "transport/sessions.rs"]
mod sessions;
#[path = "transport/sockets.rs"]
mod sockets;
#[path = "transport/stage.rs"]
mod stage;
#[path = "transport/streams.rs"]
mod streams;
#[path = "transport/successor.rs"]
mod successor;
#[path = "transport/tls.rs"]
mod tls;
#[path = "transport/turns.rs"]
mod turns;
#[path = "transport/unseen.rs"]
mod unseen;
#[path = "transport/upstreams.rs"]
mod upstreams;
#[path = "transport/vouched.rs"]
mod vouched;
#[path = "transport/ways.rs"]
mod ways;
#[path = "transport/windows.rs"]
mod windows;
#[path = "transport/websockets.rs"]
mod websockets;
