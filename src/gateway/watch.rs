//! Exchanges that last are judged again and again, so that a stream ends with its token.
//!
//! An exchange that is over within [`PERIOD_MS`] is judged once, and pays for this with a number that is stored.
//! One that goes on is looked at twice a second by whoever moves its connection or its stream along: the record
//! that it was permitted by is still good, or is read anew, and is judged by the rule that the same request would meet
//! now: after a reload by the new settings, all of it by one snapshot. If it
//! fails, `over` says why; the parts of the exchange look there, and end it in the way of its protocol. What has
//! not ended with the next look, such as where its client reads nothing, is cut.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::cache::{ApiNumber, Cache, Entry, LoadError, Lookup};
use crate::config::settings::Dialect;
use crate::domain::refusal::Refusal;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::tls::ClientCertificate;

use super::alarm::{Alarm, TICK};
use super::core::{Core, Own};
use super::judge::{Asked, judge};
use super::presenter;
use super::route::Sought;
use super::snapshot::Snapshot;

/// How long until an exchange is looked at, and how often then: with every second [`TICK`], also where one comes a little
/// early or late.
const PERIOD_MS: u64 = TICK.as_millis() as u64 * 8 / 5;

/// How long what is over has to end by itself before it is cut: until the next [`TICK`]. So a stream ends within three of them,
/// and a quarter of a second is left for the store.
const LAST_MS: u64 = TICK.as_millis() as u64 * 3 / 5;

/// How often in a row nothing can be said before a stream ends: its record cannot be read, or does not come until the
/// next look, or the clock is not to be believed.
const UNREAD_MAX: u32 = 2;

/// A stream that lasts is a use of its token, which is noted when the last one is so many seconds ago, or half of
/// the time that it may lie unused.
const TOUCH_SECONDS: u64 = 60;

const NEVER: u64 = u64::MAX;

type Renewal = Pin<Box<dyn Future<Output = Result<Option<Arc<Entry>>, LoadError>>>>;

/// What an exchange was permitted by.
#[derive(Clone, Debug)]
pub(super) struct Grounds {
    pub(super) core: Rc<Core>,
    /// What it was last judged by.
    pub(super) snapshot: Own<Snapshot>,
    pub(super) sought: Sought,
    /// The number of the rule that this leads to.
    pub(super) rule: usize,
    /// None on a public rule.
    pub(super) entry: Option<Arc<Entry>>,
    pub(super) peer: IpAddr,
    pub(super) certificate: Option<Rc<ClientCertificate>>,
    /// Whether its client speaks TLS, so that it could have shown one.
    pub(super) within_tls: bool,
    pub(super) item: Option<Box<str>>,
    pub(super) company: Option<Box<str>>,
    /// The number by which uses of its API are noted, which tells it by its name.
    pub(super) api: ApiNumber,
    /// By which it was read what the request says.
    pub(super) dialect: Dialect,
}

/// The watch over the exchange that is under way on a connection of HTTP/1, or on a stream of HTTP/2.
#[derive(Debug)]
pub(super) struct Watch {
    /// When to look next.
    next_ms: Cell<u64>,
    kept: RefCell<Option<Kept>>,
    over: Cell<Option<Refusal>>,
}

struct Kept {
    grounds: Grounds,
    /// A look at the store that is under way.
    renewal: Option<Renewal>,
    /// When that has taken too long.
    late_ms: u64,
    /// How often in a row that failed.
    unread: u32,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("grounds", &self.grounds).finish_non_exhaustive()
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self { next_ms: Cell::new(NEVER), kept: RefCell::new(None), over: Cell::new(None) }
    }
}

impl Watch {
    /// An exchange begins; `alarm` is that of its connection or stream.
    pub(super) fn begin(&self, grounds: Grounds, alarm: &Alarm) {
        *self.kept.borrow_mut() = Some(Kept { grounds, renewal: None, late_ms: NEVER, unread: 0 });
        self.over.set(None);
        self.look_after(PERIOD_MS, alarm);
    }

    /// What the exchange rests on, for what goes on behind it.
    pub(super) fn take(&self) -> Option<Grounds> {
        self.kept.borrow_mut().take().map(|kept| kept.grounds)
    }

    /// The same beside the exchange, for what outlives it.
    pub(super) fn grounds(&self) -> Option<Grounds> {
        self.kept.borrow().as_ref().map(|kept| kept.grounds.clone())
    }

    /// It is over, by itself or not.
    pub(super) fn end(&self) {
        if self.next_ms.replace(NEVER) != NEVER {
            *self.kept.borrow_mut() = None;
            self.over.set(None);
        }
    }

    /// Why the exchange has to end, if it has to.
    pub(super) const fn over(&self) -> Option<Refusal> {
        self.over.get()
    }

    /// Whether the exchange has to be cut now, since it had [`LAST_MS`] to end. For whoever moves it along, before
    /// that; nearly always one comparison.
    pub(super) fn is_cut(&self, alarm: &Alarm, context: &mut Context<'_>) -> bool {
        if alarm.now_ms() < self.next_ms.get() {
            return false;
        }
        if self.over.get().is_some() {
            return true;
        }
        let mut kept = self.kept.borrow_mut();
        let Some(kept) = kept.as_mut() else { return false };
        match kept.poll(alarm.now_ms(), context) {
            // Whoever brings the record wakes the task, which looks here at once.
            Poll::Pending => {
                self.next_ms.set(0);
                alarm.wake_at(kept.late_ms);
            }
            Poll::Ready(Ok(())) => self.look_after(PERIOD_MS, alarm),
            Poll::Ready(Err(refusal)) => {
                self.over.set(Some(refusal));
                self.look_after(LAST_MS, alarm);
            }
        }
        false
    }

    fn look_after(&self, after_ms: u64, alarm: &Alarm) {
        let next = alarm.now_ms().saturating_add(after_ms);
        self.next_ms.set(next);
        alarm.wake_at(next);
    }
}

impl Kept {
    /// Judges the exchange anew.
    fn poll(&mut self, now_ms: u64, context: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.grounds.sought.settle();
        self.grounds.check_certificate()?;
        let Some(entry) = &self.grounds.entry else { return Poll::Ready(self.grounds.follow()) };
        if self.renewal.is_none() && !entry.is_valid() {
            let (core, digest) = (Rc::clone(&self.grounds.core), entry.digest);
            self.renewal = Some(Box::pin(async move { renew(&core.shared.cache, &digest).await }));
            self.late_ms = now_ms.saturating_add(PERIOD_MS);
        }
        if let Some(renewal) = &mut self.renewal {
            let Poll::Ready(renewed) = renewal.as_mut().poll(context) else {
                if now_ms < self.late_ms {
                    return Poll::Pending;
                }
                // It may still come; until then it counts with each look.
                self.late_ms = now_ms.saturating_add(PERIOD_MS);
                return Poll::Ready(self.is_unread());
            };
            self.renewal = None;
            match renewed {
                Ok(Some(entry)) => self.grounds.entry = Some(entry),
                Ok(None) => return Poll::Ready(Err(Refusal::Unknown)),
                Err(_) => return Poll::Ready(self.is_unread()),
            }
        }
        Poll::Ready(match self.grounds.core.shared.now() {
            Ok(now) => {
                self.unread = 0;
                self.grounds.judge(now)
            }
            Err(_) => self.is_unread(),
        })
    }

    /// Nothing can be said now. A stream outlives that once, and not again.
    fn is_unread(&mut self) -> Result<(), Refusal> {
        self.unread = self.unread.saturating_add(1);
        if self.unread < UNREAD_MAX { Ok(()) } else { Err(Refusal::CannotDecide) }
    }
}

impl Grounds {
    /// Ends what began with a certificate when that is over, whether somebody asks for it or not: the upstream was told
    /// of it.
    fn check_certificate(&self) -> Result<(), Refusal> {
        let shown = self.certificate.as_ref();
        match shown.is_some_and(|shown| shown.is_over(self.core.shared.clock.now())) {
            true => Err(Refusal::CertificateMissing),
            false => Ok(()),
        }
    }

    /// The same where nobody vouches for it any more who signs certificates by newer settings.
    fn check_authorities(&self, newest: &Snapshot) -> Result<(), Refusal> {
        let Some(shown) = &self.certificate else { return Ok(()) };
        let (before, newest) = (self.snapshot.authorities(), newest.authorities());
        let now = self.core.shared.clock.now();
        match before == newest || newest.is_some_and(|newest| newest.vouch_for(shown, now)) {
            true => Ok(()),
            false => Err(Refusal::CertificateMissing),
        }
    }

    fn judge(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.follow()?;
        let Some(entry) = &self.entry else { return Ok(()) };
        let (certificate, item) = (self.certificate.as_deref(), self.item.as_deref());
        let asked = Asked { peer: self.peer, certificate, item, company: self.company.as_deref() };
        judge(entry, self.snapshot.routes.rule(self.rule), asked, now)?;
        let idle = entry.standing().life.idle_ttl.seconds();
        let rest = if idle == 0 { TOUCH_SECONDS } else { TOUCH_SECONDS.min(idle / 2) };
        if entry.last_seen.at().is_none_or(|last| now.since(last).seconds() >= rest) {
            self.core.shared.cache.touch(entry, now, self.peer, self.api);
        }
        Ok(())
    }

    /// Takes the settings in force, if they are others, and the rule that the same request meets by them. It has met none
    /// where its way leads to another API by now, or its API reads otherwise what requests say: what was read of this
    /// one, and what its upstream was told, was not by the new rules.
    fn follow(&mut self) -> Result<(), Refusal> {
        let newest = self.core.snapshot();
        if Rc::ptr_eq(&newest, &self.snapshot) {
            return Ok(());
        }
        self.check_authorities(&newest)?;
        let matched = self.sought.find(&newest)?;
        let api = matched.api;
        let needed = self.within_tls && newest.requires_clients();
        presenter::check(api, &self.sought.host, (self.certificate.is_some(), None), needed)?;
        let rule = matched.rule.ok_or(Refusal::NoRule)?;
        if api.number(&self.core.shared.cache) != self.api || api.dialect != self.dialect {
            return Err(Refusal::NoRule);
        }
        if self.entry.is_none() && !rule.public {
            return Err(Refusal::CredentialMissing);
        }
        (self.rule, self.item) = (rule.number, matched.item);
        self.snapshot = newest;
        Ok(())
    }
}

/// The record as it is now.
async fn renew(cache: &Arc<Cache>, digest: &Digest) -> Result<Option<Arc<Entry>>, LoadError> {
    match cache.look(digest) {
        Lookup::Held(entry) => Ok(Some(entry)),
        Lookup::Unknown => Ok(None),
        Lookup::Absent => cache.load(digest).await,
    }
}

#[cfg(test)]
mod tests;
