//! What the access log is told of one request. The line is written when this is dropped: after the
//! last byte of the answer, or when the client has gone, however that comes about.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Uri, Version, header};

use crate::cache::Entry;
use crate::config::settings::Dialect;
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::refusal::{Fault, Refusal};
use crate::telemetry::access::{Line, RequestId};

use super::client::Client;
use super::intake::Inbound;
use super::leak;
use super::route::Matched;

/// The fields that may carry a secret.
const CARRIERS: [HeaderName; 2] = [header::AUTHORIZATION, HeaderName::from_static("x-token")];

/// What is known of a request so far. There is none while the access log is off.
#[derive(Debug)]
pub(super) struct AccessRecord {
    client: Rc<Client>,
    address: IpAddr,
    request: RequestId,
    begun: Instant,
    method: Method,
    uri: Uri,
    /// What the client says of who it is, in whichever field, so that it is known where it stands in the
    /// path too.
    carried: [Option<HeaderValue>; 2],
    version: Version,
    host: Option<Rc<str>>,
    met: Option<(Arc<str>, Option<Arc<str>>)>,
    dialect: Dialect,
    who: Option<(TokenId, OwnerId)>,
    upstream: Option<Duration>,
    ending: Ending,
    bytes: u64,
    sent: Sent,
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Abandoned,
    Answered(u16),
    /// By the gateway, to a browser that asked what a script may do.
    Preflight(u16),
    Refused(Refusal),
}

/// How much of the answer's body went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Some,
    All,
    BrokenOff,
    /// Its token ended before it.
    Over(Refusal),
}

impl AccessRecord {
    /// Before anything is known but what stands in the head.
    pub(super) fn new(
        (client, address): (&Rc<Client>, IpAddr),
        request: RequestId,
        begun: Instant,
        head: &Parts,
    ) -> Box<Self> {
        Box::new(Self {
            client: Rc::clone(client),
            address,
            request,
            begun,
            method: head.method.clone(),
            uri: head.uri.clone(),
            carried: CARRIERS.map(|name| head.headers.get(name).cloned()),
            version: head.version,
            host: None,
            met: None,
            dialect: Dialect::Bearer,
            who: None,
            upstream: None,
            ending: Ending::Abandoned,
            bytes: 0,
            sent: Sent::Some,
        })
    }

    /// The one reading of the request.
    pub(super) fn read(&mut self, inbound: &Inbound) {
        self.host = Some(Rc::clone(&inbound.host));
        self.uri = inbound.parts.uri.clone();
    }

    pub(super) fn met(&mut self, matched: &Matched<'_>) {
        let rule = matched.rule.map(|rule| Arc::clone(&rule.name));
        self.met = Some((Arc::clone(&matched.api.name), rule));
        self.dialect = matched.api.dialect;
    }

    pub(super) fn identified(&mut self, entry: &Entry) {
        self.who = Some((entry.id, entry.owner.id.clone()));
    }

    pub(super) const fn upstream_took(&mut self, took: Duration) {
        self.upstream = Some(took);
    }

    pub(super) const fn answered(&mut self, status: u16) {
        self.ending = Ending::Answered(status);
    }

    pub(super) const fn preflighted(&mut self, status: u16) {
        self.ending = Ending::Preflight(status);
    }

    pub(super) const fn refused(&mut self, refusal: Refusal) {
        self.ending = Ending::Refused(refusal);
    }

    /// Some of the body goes out.
    pub(super) const fn sent(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// All of the body has gone out.
    pub(super) fn complete(&mut self) {
        if self.sent == Sent::Some {
            self.sent = Sent::All;
        }
    }

    /// The upstream gave no more of the body.
    pub(super) const fn broken_off(&mut self) {
        self.sent = Sent::BrokenOff;
    }

    /// The token ended by which it was permitted.
    pub(super) const fn over(&mut self, refusal: Refusal) {
        self.sent = Sent::Over(refusal);
    }

    fn line(&self) -> Line<'_> {
        let (status, outcome, reason) = match self.ending {
            Ending::Abandoned => (None, "abandoned", None),
            Ending::Answered(status) => (Some(status), "answered", None),
            Ending::Preflight(status) => (Some(status), "preflight", None),
            Ending::Refused(refusal) => {
                let failed = refusal.fault() == Fault::Upstream;
                let outcome = if failed { "failed" } else { "refused" };
                (Some(refusal.status()), outcome, Some(refusal.reason()))
            }
        };
        let cut = match self.sent {
            Sent::BrokenOff => Some("upstream"),
            Sent::Over(_) => Some("token"),
            // The answer to `HEAD` has no body to send.
            Sent::Some if status.is_some() && self.method == Method::HEAD => None,
            Sent::Some if self.client.core().is_cut.get() => Some("stop"),
            Sent::Some if status.is_some() => Some("client"),
            Sent::Some | Sent::All => None,
        };
        let reason =
            if let Sent::Over(refusal) = self.sent { Some(refusal.reason()) } else { reason };
        Line {
            request: self.request,
            peer: self.address,
            method: self.method.as_str(),
            host: self.host.as_deref(),
            path: self.path(),
            http: match self.version {
                Version::HTTP_2 => "2",
                Version::HTTP_10 => "1.0",
                _ => "1.1",
            },
            status,
            bytes: self.bytes,
            api: self.met.as_ref().map(|(api, _)| &**api),
            dialect: Some(self.dialect).filter(|one| *one != Dialect::Bearer).map(Dialect::name),
            rule: self.met.as_ref().and_then(|(_, rule)| rule.as_deref()),
            outcome,
            reason,
            cut,
            token: self.who.as_ref().map(|(token, _)| *token),
            owner: self.who.as_ref().map(|(_, owner)| owner.as_str()),
            duration_us: micros(self.begun.elapsed()),
            upstream_us: self.upstream.map(micros),
        }
    }
}

impl AccessRecord {
    /// The path, unless the request's own secret stands in it (sec-L1).
    fn path(&self) -> &str {
        let path = self.uri.path();
        let word = |carried: &HeaderValue| {
            // Not at `=`, with which a secret of another system may end.
            let word = carried.as_bytes().rsplit(|byte| b" ,".contains(byte)).next();
            leak::check_target(path, word).is_err()
        };
        let told = matches!(self.ending, Ending::Refused(Refusal::CredentialInTarget));
        if told || self.carried.iter().flatten().any(word) { "/[redacted]" } else { path }
    }
}

impl Drop for AccessRecord {
    fn drop(&mut self) {
        self.client.core().access_log.borrow_mut().write(&self.line());
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}
