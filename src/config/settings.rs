//! The checked settings: what the file means, in the words of `domain`. Every value here is valid;
//! a mistake is found before one of these is made.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderName, Method};
use ipnet::IpNet;

use crate::domain::flags::FlagCatalog;
use crate::domain::id::Slug;
use crate::domain::notice::NoticeKind;
use crate::domain::rule::Requirement;
use crate::domain::time::Span;
use crate::egress::target::Target;
use crate::tls::{Certificate, Server};
use crate::wire::proxies::Proxies;

mod cors;
mod limits;
mod upstreams;

pub use cors::{Cors, TokenPlaces};
pub use limits::{FailureLimits, Limits};
pub use upstreams::{At, Concurrency, Ejection, Endpoint, EndpointTls, Health, Retry, Upstream};

/// Everything that an operator can set.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where to listen; cannot change while running.
    pub listen: Listen,
    /// TLS for clients; none without certificates. Whether there is any cannot change while running.
    pub tls: Option<TlsSettings>,
    /// Where the store lives; cannot change while running.
    pub store: StoreSettings,
    /// Bounds of what is kept in memory; cannot change while running.
    pub cache: CacheSettings,
    /// Proxies in front of the gateway, and what they are believed.
    pub proxies: Proxies,
    /// Bounds of what a client may do.
    pub limits: Limits,
    /// What is told about requests, and how.
    pub telemetry: TelemetrySettings,
    /// Names of the headers that tell an upstream who is calling.
    pub identity: IdentityHeaders,
    /// Who hands out tokens, and what they get when their maker does not say.
    pub tokens: TokenSettings,
    /// How long people stay signed in.
    pub sessions: SessionSettings,
    /// Names of access-level bits, and what they allow.
    pub flags: FlagCatalog,
    /// Areas of APIs.
    pub contexts: BTreeMap<Slug, Context>,
    /// Whom the gateway calls, beside the upstreams.
    pub egress: EgressSettings,
    /// Who is told what happened, in the order of the file.
    pub webhooks: Vec<Webhook>,
    /// What is protected, in the order of the file.
    pub apis: Vec<Api>,
}

impl Settings {
    /// How addresses of the public listener begin.
    pub const fn public_scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The same of the administrative address.
    pub fn admin_scheme(&self) -> &'static str {
        if self.tls.as_ref().is_some_and(|tls| tls.admin) { "https" } else { "http" }
    }

    /// The certificates that clients are shown.
    pub fn served(&self) -> impl Iterator<Item = &Certificate> {
        self.tls.iter().flat_map(|tls| tls.server.certificates())
    }

    /// Those that upstreams are shown, for each endpoint.
    pub fn shown_to_upstreams(&self) -> impl Iterator<Item = &Certificate> {
        let endpoints = self.apis.iter().flat_map(|api| &api.upstream.endpoints);
        endpoints.filter_map(|endpoint| endpoint.tls.as_ref()?.caller.identity())
    }
}

/// Addresses and runtimes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Where clients come in.
    pub public: SocketAddr,
    /// Where they come in without TLS, beside that.
    pub plain: Option<SocketAddr>,
    /// Where pages, the REST API, metrics and health are answered.
    pub admin: SocketAddr,
    /// Names under which that may be asked, beside `localhost` and IP addresses: in lower case,
    /// without a trailing dot.
    pub admin_hosts: Vec<String>,
    /// The socket of the command line, mode 0600.
    pub socket: PathBuf,
    /// How many threads serve clients, each with its own listener.
    pub cores: usize,
    /// Whether HTTP/2 without TLS is taken when a client begins with its preface.
    pub h2c: bool,
}

/// TLS for clients.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsSettings {
    /// Ready for handshakes.
    pub server: Server,
    /// Whether the administrative address speaks TLS, too.
    pub admin: bool,
}

/// The folder of the embedded store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The folder.
    pub path: PathBuf,
    /// Memory that sled may use for its pages, in bytes.
    pub index_cache_bytes: u64,
    /// Size of the file that is given back when the disk is full, in bytes.
    pub reserve_bytes: u64,
    /// The key that seals secret parameters.
    pub master_key: SecretSource,
}

/// Whence a secret of the gateway's own comes, such as the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A file, mode 0600.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

impl SecretSource {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(file),
            Self::Environment(_) => None,
        }
    }
}

/// Whom the gateway calls, beside the upstreams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressSettings {
    /// Networks that may be called beside the public Internet, also without TLS.
    pub allow: Vec<IpNet>,
    /// A file of certificates (PEM) that are trusted beside those of the machine.
    pub ca: Option<PathBuf>,
}

/// Somebody who is told what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name, unique; a metric label.
    pub name: Slug,
    /// Where it listens.
    pub target: Target,
    /// What its notices are signed with.
    pub secret: SecretSource,
    /// What it is told of.
    pub kinds: BTreeSet<NoticeKind>,
}

/// Bounds and lifetimes of the caches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// How many tokens are kept.
    pub records: u64,
    /// How many digests are remembered as unknown.
    pub unknown: u64,
    /// How long a digest is remembered as unknown, if nothing tells otherwise.
    pub unknown_ttl: Duration,
    /// How many loads from the store may be under way; more are refused with 503.
    pub loads: usize,
    /// How long a load may take before its requests are refused with 503.
    pub load_timeout: Duration,
    /// How often last uses are written down.
    pub flush_interval: Duration,
}

/// What is told about requests, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// One JSON object per line, or lines for people.
    pub format: LogFormat,
    /// A filter such as `info` or `tollgate::store=debug`.
    pub filter: String,
    /// Whether each request gets a line.
    pub access_log: bool,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// For machines.
    Json,
}

/// Headers that tell an upstream who is calling. None means that this one is not sent; the client's
/// own copy is removed all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeaders {
    /// The owner's id.
    pub owner: Option<HeaderName>,
    /// The company.
    pub company: Option<HeaderName>,
    /// The token's id.
    pub token: Option<HeaderName>,
    /// The token's name, percent-encoded UTF-8.
    pub token_name: Option<HeaderName>,
    /// The flags as a number.
    pub flags: Option<HeaderName>,
    /// The contexts, separated by commas, or `*`.
    pub contexts: Option<HeaderName>,
    /// The items, separated by commas, or `*`.
    pub items: Option<HeaderName>,
    /// The free parameters as base64url of their JSON.
    pub params: Option<HeaderName>,
    /// The id of the request.
    pub request: Option<HeaderName>,
    /// The thumbprint of the certificate that the client showed.
    pub certificate: Option<HeaderName>,
    /// Whose that is.
    pub subject: Option<HeaderName>,
}

/// Who hands out tokens, and what they get when their maker does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// How long a token may lie unused; zero is for ever.
    pub idle_ttl: Span,
    /// How long a token lives; zero is for ever.
    pub lifetime: Span,
    /// Whether people hand out tokens of their own; else administrators alone do (row E1).
    pub self_service: bool,
}

/// How long people stay signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// Without a request: a minute at least, and at most `lifetime`.
    pub idle_ttl: Span,
    /// In all: 30 days at the most.
    pub lifetime: Span,
}

/// A named area of APIs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// How people call it.
    pub title: String,
    /// What a token that reaches it may or must carry.
    pub params: BTreeMap<String, ContextParam>,
}

/// A parameter that a context defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextParam {
    /// How people call it.
    pub title: String,
    /// Whether it is sealed and never shown again.
    pub secret: bool,
    /// Whether a token with the context must have it.
    pub required: bool,
    /// The only values allowed; empty means any text.
    pub choices: Vec<String>,
    /// The header in which the upstream gets it.
    pub header: Option<HeaderName>,
}

/// A group of routes in front of one upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct Api {
    /// Its name, unique; a metric label.
    pub name: Slug,
    /// How its clients carry tokens and expect refusals.
    pub dialect: Dialect,
    /// The only host that it answers to, in lower case without a trailing dot; none means any.
    pub host: Option<String>,
    /// The path under which it lies, on a segment boundary; `/` for everything.
    pub path: String,
    /// Where it is.
    pub upstream: Upstream,
    /// Whether its clients must show a certificate.
    pub needs_certificate: bool,
    /// Whether the client's credential is passed on.
    pub keep_credential: bool,
    /// The longest body, in bytes; none means no limit.
    pub body_bytes: Option<u64>,
    /// Readings of a path that are passed on as they are instead of refused.
    pub keep: KeepInPath,
    /// Where a token may stand beside a field of its own; none for most APIs.
    pub token_places: Option<TokenPlaces>,
    /// Whose scripts may use it; none leaves that to its upstream.
    pub cors: Option<Cors>,
    /// For how long a token made for this API may lie unused, where its maker does not say.
    pub idle_ttl: Option<Span>,
    /// What is open to whom. A request that meets none is refused.
    pub rules: Vec<Rule>,
}

/// How an API's clients carry tokens and expect refusals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// RFC 6750 and RFC 9457.
    #[default]
    Bearer,
    /// That of ELMA365: the same, or `X-Token`; refusals as its clients read them (rows E10, E11).
    Elma365,
    /// That of FoccoERP: as `Bearer`, for one company that `X-EMPR-ID` names (row F6).
    Focco,
}

impl Dialect {
    /// Every dialect, the default first.
    pub const ALL: [Self; 3] = [Self::Bearer, Self::Elma365, Self::Focco];

    /// Its name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Elma365 => "elma365",
            Self::Focco => "focco",
        }
    }

    /// The field, beside `Authorization`, in which its clients tell the gateway something: in lower
    /// case. It is theirs alone, so that nothing else may be told upstreams in it.
    pub const fn own_field(self) -> Option<&'static str> {
        match self {
            Self::Bearer => None,
            Self::Elma365 => Some("x-token"),
            Self::Focco => Some("x-empr-id"),
        }
    }
}

/// Spellings that have two readings, and are refused unless an API says that its upstream takes
/// them literally.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepInPath {
    /// `%2F` inside a segment.
    pub encoded_slash: bool,
    /// `//`.
    pub empty_segment: bool,
    /// `;` inside a segment.
    pub path_parameter: bool,
}

/// What a path and its methods ask of a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Unique within its API; a metric label. By default its place in the file.
    pub name: Slug,
    /// The whole path from the root: `{x}` is one segment or a part of one, `{*rest}` at the end is
    /// anything, also nothing.
    pub path: String,
    /// Methods; empty means any.
    pub methods: Vec<Method>,
    /// Whether everybody may pass, without a token.
    pub public: bool,
    /// The name of the path parameter that holds the item.
    pub item: Option<String>,
    /// What a token needs.
    pub requirement: Requirement,
}
