//! Warnings before the end: 14, 3 and 1 days before a token is over by time or by idleness, an event says
//! so, once for each of these and each end. A batch at a time, as the sweeper does.
//!
//! The index of deadlines is walked in looks: one for each of the last fourteen days of a token, so that
//! one that was used since it was filed is looked at anew within a day. Where a look has come to is kept in
//! memory alone. After a start it begins a day before the last second that was noted, and whether a token
//! was warned already is read from its own history: what a crash left half done is gone on with, and
//! nothing is said twice.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::domain::event::{Actor, Event, EventKind};
use crate::domain::id::TokenId;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::Token;
use crate::service::history::records;
use crate::service::{Service, ServiceError};
use crate::store::{Commit, Due, Position, Record, StoreError, Subject};

/// How many days before an end its token is warned of it, the fewest first.
pub const WARN_DAYS: [u64; 3] = [1, 3, 14];

/// One look for each of the last days of a token.
const LOOKS: usize = 14;

/// How long after one look the next one comes to a token.
const LOOK_EVERY: Span = Span::from_days(1);

/// How many tokens one look takes at a time.
const BATCH: usize = 128;

/// How far before the last second that was noted the looks begin: far more than it is noted late, or than
/// they lag.
const LOOK_BACK: Span = Span::from_days(1);

/// How many events of a token are read in one go, and how many in all: one that was changed more often
/// since is warned, perhaps again.
const EVENTS: usize = 8;
const EVENTS_MAX: usize = 1_000;

/// Where the looks have come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookout([Due; LOOKS]);

/// What one turn did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warned {
    /// Warnings that were written down.
    pub told: usize,
    /// Whether there are more tokens to look at.
    pub more: bool,
}

/// An end that a token is to be warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Warning {
    kind: EventKind,
    deadline: Timestamp,
    /// When the time for it came.
    since: Timestamp,
}

impl Lookout {
    /// Looks that go on from what was done by `noted`, the last second that was relied on.
    pub fn since(noted: Timestamp) -> Self {
        Self(std::array::from_fn(|nth| look(nth, noted)))
    }
}

/// Where a look begins that has done its work until `noted`.
fn look(nth: usize, noted: Timestamp) -> Due {
    let deadline = noted.minus(LOOK_BACK).plus(days_of(nth));
    Due { deadline, token: TokenId::from_bytes([0; 16]) }
}

impl Service {
    /// Warns up to one batch of tokens for each look, of those whose time has come at `now`.
    ///
    /// # Errors
    /// The store's; what was not written down is looked at again with the next turn.
    pub async fn warn(
        &self,
        now: Timestamp,
        lookout: &mut Lookout,
    ) -> Result<Warned, ServiceError> {
        let mut warned = Warned::default();
        for (nth, reached) in lookout.0.iter_mut().enumerate() {
            let until = now.plus(days_of(nth));
            if reached.deadline > until {
                // The clock went back.
                *reached = look(nth, now);
            }
            let due = self.store().due(until, Some(*reached), BATCH).await?;
            let mut commits = Vec::new();
            for one in &due {
                match self.warning(*one, now).await {
                    Ok(Some((token, warning))) => commits.push(commit(&token, warning, now)),
                    // It says nothing of the others.
                    Ok(None) | Err(ServiceError::Store(StoreError::Damaged { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
            warned.told += self.write_together(commits).await?;
            if let Some(last) = due.last() {
                *reached = *last;
            }
            warned.more |= due.len() == BATCH;
        }
        Ok(warned)
    }

    /// Commits that the store may put into one batch.
    async fn write_together(&self, commits: Vec<Commit>) -> Result<usize, StoreError> {
        let mut under_way = JoinSet::new();
        for commit in commits {
            let cache = Arc::clone(&self.cache);
            under_way.spawn(async move { cache.commit(commit).await });
        }
        let (mut told, mut outcome) = (0, Ok(()));
        while let Some(ended) = under_way.join_next().await {
            match ended.unwrap_or(Err(StoreError::Closed)) {
                Ok(Position(_)) => told += 1,
                Err(error) => outcome = Err(error),
            }
        }
        outcome.map(|()| told)
    }

    /// What a token is to be warned of at `now`, if it was not yet.
    async fn warning(
        &self,
        due: Due,
        now: Timestamp,
    ) -> Result<Option<(Arc<Token>, Warning)>, ServiceError> {
        let Some(token) = self.store().token(due.token).await? else { return Ok(None) };
        if token.ended.is_some() {
            return Ok(None);
        }
        let last_use = self.cache.last_use(&token).await?.map(|last| last.at);
        let Some(warning) = due_warning(&token, last_use, now) else {
            if is_to_move(&token, last_use, due, now) {
                self.store().refile(due).await?;
            }
            return Ok(None);
        };
        if warning.deadline > due.deadline {
            self.store().refile(due).await?;
        }
        let new = self.is_new(&token, warning).await?;
        Ok(new.then_some((token, warning)))
    }

    /// Whether the token was not yet warned, and had this end when the time for the warning came: whoever
    /// gives a token an end that is near knows of it.
    async fn is_new(&self, token: &Token, warning: Warning) -> Result<bool, ServiceError> {
        let subject = Subject::Token(token.id);
        let (mut before, mut seen) = (None, 0);
        loop {
            let page = self.store().events(Some(&subject), before, EVENTS).await?;
            for recorded in &page.entries {
                let event = &recorded.event;
                if event.kind == warning.kind
                    && event.effective_at == warning.deadline
                    && event.at >= warning.since
                {
                    return Ok(false);
                }
                let of_token = |record: &Record| match record {
                    Record::Token(held) if held.id == token.id => {
                        Some((held.expires_at, held.idle_ttl))
                    }
                    _ => None,
                };
                let held = records(recorded)?.iter().find_map(of_token);
                let by_time = warning.kind == EventKind::TokenExpiresSoon;
                let other = held.is_some_and(|(expires_at, idle_ttl)| match by_time {
                    true => expires_at != Some(warning.deadline),
                    false => idle_ttl != token.idle_ttl,
                });
                if other {
                    return Ok(false);
                }
                if event.at < warning.since && held.is_some() {
                    return Ok(true);
                }
            }
            seen += page.entries.len();
            match page.next {
                Some(next) if seen < EVENTS_MAX => before = Some(next),
                _ => return Ok(true),
            }
        }
    }
}

/// The warning whose time has come, by what is known of the token alone. A token that never had so much
/// time is not warned that it has no more.
fn due_warning(token: &Token, last_use: Option<Timestamp>, now: Timestamp) -> Option<Warning> {
    let deadline = token.life().deadline(last_use)?;
    let left = deadline.since(now);
    let days = WARN_DAYS.map(Span::from_days).into_iter().find(|days| left <= *days)?;
    let (kind, had) = had(token, deadline);
    let since = deadline.minus(days);
    (!left.is_zero() && had > days).then_some(Warning { kind, deadline, since })
}

/// What an end is warned of as, and how much time the token has had until then.
fn had(token: &Token, deadline: Timestamp) -> (EventKind, Span) {
    if token.expires_at == Some(deadline) {
        let from = token.created_at.max(token.not_before);
        (EventKind::TokenExpiresSoon, deadline.since(from))
    } else {
        (EventKind::TokenIdlesOutSoon, token.idle_ttl)
    }
}

/// Whether a token that was used since it was filed is to be filed anew: where that spares it all further
/// looks, and where its next warning comes before the next of them. Else a token that may lie idle for some
/// days and is used on each of them would be filed anew on each of them.
fn is_to_move(token: &Token, last_use: Option<Timestamp>, due: Due, now: Timestamp) -> bool {
    let Some(deadline) = token.life().deadline(last_use) else { return true };
    let (_, had) = had(token, deadline);
    let warnings = WARN_DAYS.map(Span::from_days).into_iter().filter(|days| had > *days);
    let mut next = warnings.map(|days| deadline.minus(days)).filter(|at| *at > now);
    let spared = deadline > now.plus(days_of(0));
    deadline > due.deadline && (spared || next.any(|at| at <= now.plus(LOOK_EVERY)))
}

fn commit(token: &Token, warning: Warning, now: Timestamp) -> Commit {
    let days = days_left(now, warning.deadline);
    let event = Event {
        at: now,
        effective_at: warning.deadline,
        actor: Actor::System,
        kind: warning.kind,
        reason: if days == 1 { "in 1 day".to_owned() } else { format!("in {days} days") },
        many: None,
    };
    let subjects = vec![Subject::Token(token.id), Subject::Owner(token.owner.clone())];
    Commit { event, changes: Vec::new(), subjects }
}

/// How many days are left until `deadline`, to the nearest one, at least one.
pub fn days_left(now: Timestamp, deadline: Timestamp) -> u64 {
    let day = Span::from_days(1).seconds();
    (deadline.since(now).seconds().saturating_add(day / 2) / day).max(1)
}

fn days_of(nth: usize) -> Span {
    Span::from_days(u64::try_from(LOOKS - nth).unwrap_or(1))
}
