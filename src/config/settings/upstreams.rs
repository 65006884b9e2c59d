//! Where APIs are, and how their endpoints share what there is to do.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use rustls::pki_types::ServerName;

use crate::tls::Caller;

/// Where an API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// All of them are different.
    pub endpoints: Vec<Endpoint>,
    /// The share of requests that each of them gets: 1,000 at the most; zero is none, but not for
    /// all of them.
    pub weights: Vec<u16>,
    /// The path under which it is there, in place of the API's; none is the same.
    pub path: Option<String>,
    /// The `Host` that it gets, in place of the client's.
    pub host: Option<String>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long the head of the answer may take.
    pub response_timeout: Duration,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// How long it may be silent in the middle of an answer; [`Duration::MAX`] is for ever, none
    /// means as long as any body.
    pub stall_timeout: Option<Duration>,
    /// How long both sides of a conversation behind an upgrade may be silent; [`Duration::MAX`] is for ever.
    pub tunnel_timeout: Duration,
    /// How long all of an exchange may take, to the end of its answer; none is for ever.
    pub timeout: Option<Duration>,
    /// For how long a connection may be used again.
    pub lifetime: Duration,
    /// When an endpoint is left out for a while.
    pub ejection: Ejection,
    /// Which requests may be sent a second time.
    pub retry: Retry,
    /// How many requests it gets at a time; none is as many as there are.
    pub concurrency: Option<Concurrency>,
}

/// When an endpoint that fails is left out, where there are others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// After so many failures in a row; zero is never.
    pub after: u16,
    /// For how long at first; each time it fails again at once it is twice as long.
    pub time: Duration,
    /// Whether answers of 502, 503 and 504 are failures, too.
    pub on_errors: bool,
}

/// Which requests may be sent a second time, if their connection broke without a byte of an answer.
/// What was not sent at all is always sent elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// None.
    Never,
    /// Those of safe methods (RFC 9110 section 9.2.1) without a body.
    #[default]
    Safe,
    /// Those of idempotent methods (RFC 9110 section 9.2.2) without a body.
    Idempotent,
}

/// How many requests an upstream gets at a time, over all its endpoints and all cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    /// So many have answers that are not over.
    pub requests: usize,
    /// So many more may wait.
    pub queue: usize,
    /// For so long.
    pub queue_timeout: Duration,
}

/// Where HTTP is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it listens.
    pub at: At,
    /// TLS, if it is spoken.
    pub tls: Option<EndpointTls>,
    /// Whether HTTP/2 is spoken, and not HTTP/1.1: by ALPN within TLS, else by prior knowledge.
    pub http2: bool,
    /// How it is asked whether it is well, if it is. Endpoints that differ in this alone are two.
    pub health: Option<Health>,
}

impl Endpoint {
    /// Whether it is at the same place as another, and speaks the same there.
    pub fn is_like(&self, other: &Self) -> bool {
        let speaks = |one: &Self| (one.tls.is_some(), one.http2);
        self.at == other.at && speaks(self) == speaks(other)
    }

    /// Whether both are asked the same whether they are well, and are well by the same answers.
    pub fn is_checked_like(&self, other: &Self) -> bool {
        match (&self.health, &other.health) {
            (Some(one), Some(other)) => {
                (&one.path, &one.host, &one.statuses) == (&other.path, &other.host, &other.statuses)
            }
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

/// How an endpoint is asked whether it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The target of the request, a `GET`.
    pub path: String,
    /// The host that it asks, as requests do; none is the endpoint's own.
    pub host: Option<String>,
    /// How often.
    pub interval: Duration,
    /// How long the answer may take.
    pub timeout: Duration,
    /// After so many bad answers in a row, or none, it is down.
    pub failures: u32,
    /// After so many good ones it is well again.
    pub successes: u32,
    /// Which statuses are good.
    pub statuses: Vec<RangeInclusive<u16>>,
}

/// Where an endpoint listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// At a name or an address, and a port.
    Host(String, u16),
    /// At a Unix socket.
    Socket(PathBuf),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// How an endpoint is spoken to within TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointTls {
    /// What handshakes are made with.
    pub caller: Caller,
    /// The name that its certificate must have, and that it is asked for.
    pub name: ServerName<'static>,
}
