//! What a request met on its way, for the answer and for those who watch.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Version, header};

use crate::cache::Seat;
use crate::clock;
use crate::config::settings::Dialect;
use crate::domain::limits::Limit;
use crate::domain::refusal::{Fault, Refusal};
use crate::telemetry::access::RequestId;
use crate::telemetry::counters::Outcome;

use super::access_record::AccessRecord;
use super::authenticate::Authenticated;
use super::authorize::Permit;
use super::client::Client;
use super::intake::Inbound;
use super::limits;
use super::places::Place;
use super::plan::ApiPlan;
use super::preflight::Across;
use super::rebuff::{self, Rebuff, Wait};
use super::route::{self, Matched};
use super::snapshot::Snapshot;
use super::upstream::Kind;

/// What a request met on its way. A request whose client leaves before there is an answer is
/// counted by dropping this.
#[derive(Debug)]
pub(super) struct Trail<'s> {
    client: &'s Rc<Client>,
    /// The number of the request.
    pub(super) request: RequestId,
    begun: Instant,
    decided: Option<Instant>,
    pub(super) matched: Option<Matched<'s>>,
    /// For which API a request was meant that is refused before it has met one.
    meant: Option<&'s ApiPlan>,
    /// What it says of the page that it is from, where its API cares.
    pub(super) across: Option<Box<Across<'s>>>,
    /// Where its token stood, if in no field of its own.
    pub(super) taken_from: Option<Place>,
    /// Whose request was refused, where that is known.
    pub(super) seen: Option<Authenticated>,
    /// What becomes of a failed authentication, if it is not simply answered.
    rebuff: Option<Box<Rebuff>>,
    /// None while the access log is off.
    record: Option<Box<AccessRecord>>,
    /// Held until the answer is over, or does not come.
    seat: Option<Rc<Seat>>,
    counted: bool,
    /// Whether it asks for a head alone (RFC 9110 section 9.3.2).
    pub(super) bodiless: bool,
    /// Whether it is a call of gRPC, whose client looks for its outcome elsewhere.
    pub(super) is_call: bool,
}

impl<'s> Trail<'s> {
    pub(super) fn new(
        client: &'s Rc<Client>,
        snapshot: &Snapshot,
        (head, address): (&Parts, IpAddr),
    ) -> Self {
        let (request, begun) = (RequestId(client.core().request_number()), clock::instant());
        let record = || AccessRecord::new((client, address), request, begun, head);
        let record = snapshot.access_log.then(record);
        let bodiless = head.method == Method::HEAD;
        let kind = |value: &HeaderValue| Kind::of(value.as_bytes());
        let is_call = head.version == Version::HTTP_2
            && head.headers.get(header::CONTENT_TYPE).map(kind) == Some(Kind::Grpc);
        Self {
            client,
            request,
            begun,
            decided: None,
            matched: None,
            meant: None,
            across: None,
            taken_from: None,
            seen: None,
            rebuff: None,
            record,
            seat: None,
            counted: false,
            bodiless,
            is_call,
        }
    }

    /// How the client speaks.
    pub(super) fn dialect(&self) -> Dialect {
        let met = self.matched.as_ref().map(|matched| matched.api);
        met.or(self.meant).map_or(Dialect::Bearer, |api| api.dialect)
    }

    /// The request is refused before it has met an API. It is answered as the API that it was meant for answers,
    /// where its head tells which that is.
    #[cold]
    pub(super) fn not_taken(
        &mut self,
        refusal: Refusal,
        head: &Parts,
        snapshot: &'s Snapshot,
    ) -> Refusal {
        self.meant = route::meant(head, snapshot);
        let cors = self.meant.and_then(|api| api.cors.as_ref());
        self.across = cors.map(|cors| Across::of(cors, head));
        refusal
    }

    /// Tells browsers who may read an answer, and caches that they may not keep it where the token stood in a place that
    /// they look at, or do not (RFC 6750 section 2.3, RFC 9111 section 3.5).
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        if let Some(across) = &self.across {
            across.tell(headers);
        }
        let Some(place) = self.taken_from else { return };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if place == Place::Query {
            // The address of the page has the token.
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        }
    }

    /// The challenge that goes with a refusal, in the name of the API that the request met.
    pub(super) fn challenge(&self, refusal: Refusal) -> Option<HeaderValue> {
        let matched = self.matched.as_ref()?;
        match matched.rule {
            Some(rule) if refusal.challenge_error() == Some("insufficient_scope") => {
                Some(rule.insufficient.clone())
            }
            _ => matched.api.challenges.of(refusal).cloned(),
        }
    }

    /// Nobody may pass who shows what this request shows.
    #[cold]
    pub(super) fn kept_out(
        &mut self,
        refusal: Refusal,
        inbound: &Inbound,
        snapshot: &Snapshot,
    ) -> Refusal {
        let (dialect, core) = (self.dialect(), self.client.core());
        let (refusal, rebuff) = rebuff::of(refusal, inbound, dialect, core, snapshot);
        self.rebuff = rebuff;
        refusal
    }

    /// What the answer has to wait for.
    pub(super) fn take_wait(&mut self) -> Option<Wait> {
        self.rebuff.as_mut()?.wait.take()
    }

    /// When it is worth to come again, where an address is refused.
    pub(super) fn tell_when(&self, headers: &mut HeaderMap) {
        let after = self.rebuff.as_ref().map_or(0, |rebuff| rebuff.retry_after.as_secs());
        headers.insert(header::RETRY_AFTER, HeaderValue::from(after.max(1)));
    }

    /// What goes with the refusal of a token that was used as much as it may be.
    pub(super) fn tell_limits(&self, limit: Limit, headers: &mut HeaderMap) {
        let limited = self.seen.as_ref().and_then(|seen| seen.entry().limited.as_ref());
        if let Some(limited) = limited {
            let clock = &self.client.core().shared.clock;
            let left = limited.left(limits::at(clock.now(), clock));
            limits::tell(headers, limit, &limited.limits, &left);
        }
    }

    /// The request has one reading.
    pub(super) fn read(&mut self, inbound: &Inbound) {
        if let Some(record) = &mut self.record {
            record.read(inbound);
        }
    }

    /// What was permitted is refused after all.
    pub(super) fn turned_away(&mut self, permit: Permit<'_>, refusal: Refusal) -> Refusal {
        self.seen = permit.into_who();
        refusal
    }

    /// The request goes to its upstream now.
    pub(super) fn permitted(&mut self, permit: &Permit<'_>, seat: Option<Rc<Seat>>) {
        let decided = self.decide();
        self.decided = Some(decided);
        self.seat = seat;
        if let (Some(record), Some(entry)) = (&mut self.record, permit.entry()) {
            record.identified(entry);
        }
    }

    /// The upstream has answered or failed; a request that never got there is not counted.
    pub(super) fn returned(&mut self, failure: Option<Refusal>) {
        if let Some(seat) = self.seat.as_ref().filter(|_| failure == Some(Refusal::UpstreamBusy)) {
            seat.gives_back();
        }
        let (Some(decided), Some(matched)) = (self.decided, &self.matched) else { return };
        if failure.is_some_and(|refusal| refusal.fault() != Fault::Upstream) {
            return;
        }
        let took: Duration = decided.elapsed();
        matched.api.upstream_times.observe(self.client.core().index, took);
        if let Some(record) = &mut self.record {
            record.upstream_took(took);
        }
    }

    /// The answer has this status.
    pub(super) fn answered(&mut self, status: u16) {
        self.count(Outcome::Answered(status));
        if let Some(record) = &mut self.record {
            record.answered(status);
        }
    }

    /// A browser was told what a page's scripts may do.
    pub(super) fn preflighted(&mut self, status: u16) {
        self.decide();
        self.count(Outcome::Answered(status));
        if let Some(record) = &mut self.record {
            record.preflighted(status);
        }
    }

    /// What is held until the answer is over.
    pub(super) const fn take_seat(&mut self) -> Option<Rc<Seat>> {
        self.seat.take()
    }

    /// The answer is a refusal.
    pub(super) fn refused(&mut self, refusal: Refusal) {
        if self.decided.is_none() {
            self.decide();
        }
        let core = self.client.core();
        core.counters.refused(refusal);
        if let Some(seen) = &self.seen {
            core.count(seen.entry(), core.shared.clock.now(), false);
        }
        self.count(match refusal.fault() {
            Fault::Upstream => Outcome::Failed,
            Fault::Client | Fault::Gateway => Outcome::Refused,
        });
        if let Some(record) = &mut self.record {
            record.refused(refusal);
            if let Some(seen) = &self.seen {
                record.identified(seen.entry());
            }
        }
    }

    /// What writes the line, for the body of the answer.
    pub(super) const fn take_record(&mut self) -> Option<Box<AccessRecord>> {
        self.record.take()
    }

    fn decide(&self) -> Instant {
        let decided = clock::instant();
        self.client.core().counters.decision.observe(decided.duration_since(self.begun));
        decided
    }

    fn count(&mut self, outcome: Outcome) {
        self.counted = true;
        let Some(matched) = &self.matched else { return };
        let counters = match (&self.across, matched.rule) {
            (Some(across), _) if across.preflight => &across.cors.preflights,
            (_, Some(rule)) => &rule.counters,
            (_, None) => &matched.api.unmatched,
        };
        counters.add(self.client.core().index, outcome);
        if let Some(record) = &mut self.record {
            record.met(matched);
        }
    }
}

impl Drop for Trail<'_> {
    fn drop(&mut self) {
        if !self.counted {
            self.count(Outcome::Abandoned);
        }
    }
}
