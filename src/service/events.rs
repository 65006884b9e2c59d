//! Lists of events: of everything, of one token, user or company; all of them, or those of some kinds, by
//! somebody, in some time.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::echo::shown;
use crate::domain::event::{Actor, EventKind};
use crate::domain::id::OwnerId;
use crate::domain::owner::Owner;
use crate::domain::time::{Span, Timestamp};
use crate::service::caller::Caller;
use crate::service::diff::{FieldChange, diff};
use crate::service::error::ServiceError;
use crate::service::history::{EventView, records};
use crate::service::sight::Whose;
use crate::service::{Service, page_size};
use crate::store::{EventFilter, Page, Position, Record, Recorded, Subject};

/// How many events are found in one go, where it is yet to be asked whose they are.
const READ: usize = 500;

/// How many bytes of the history are gone through for one page, a quarter of a second's work: a page that has found
/// less by then says where to go on.
const BYTES: u64 = if cfg!(test) { 32 << 20 } else { 256 << 20 };

/// As how many it counts to decode an event and to ask whose it is.
const ASKED: u64 = 8 << 10;

/// How far a clock may have gone back, so that events are not in the order of their times.
const SLACK: Span = Span::from_days(1);

/// Which events, beside what they are about. Empty text is as if it were left out, as forms send it.
#[derive(Clone, Debug, Default)]
pub struct EventList {
    /// Kinds, separated by commas: `token.revoked`, or `token` for all kinds about tokens.
    pub kind: Option<String>,
    /// Who did it: a user, `system` for the gateway itself, or `local:0` for the command line of a user of the machine.
    pub by: Option<String>,
    /// It was written down then or later.
    pub since: Option<String>,
    /// It was written down before.
    pub until: Option<String>,
}

impl EventList {
    fn read(&self) -> Result<EventFilter, ServiceError> {
        let moment = |name: &str, text: &Option<String>| {
            let parsed = given(text).map(|text| text.parse::<Timestamp>());
            parsed.transpose().map_err(|error| ServiceError::field(name, error))
        };
        Ok(EventFilter {
            kinds: given(&self.kind).map(kinds).transpose()?,
            actor: given(&self.by).map(actor).transpose()?,
            since: moment("since", &self.since)?,
            until: moment("until", &self.until)?,
        })
    }
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

fn kinds(text: &str) -> Result<BTreeSet<EventKind>, ServiceError> {
    let mut kinds = BTreeSet::new();
    for word in text.split(',').map(str::trim) {
        let is = |kind: &EventKind| {
            let name = kind.as_str();
            name == word || name.strip_prefix(word).is_some_and(|rest| rest.starts_with('.'))
        };
        let named: Vec<_> = EventKind::ALL.into_iter().filter(is).collect();
        if named.is_empty() {
            let problem = format!(
                "there is no kind `{}`; some are token, owner, company, token.revoked and owner.blocked",
                shown(word)
            );
            return Err(ServiceError::field("kind", problem));
        }
        kinds.extend(named);
    }
    Ok(kinds)
}

fn actor(text: &str) -> Result<Actor, ServiceError> {
    let bad = || {
        ServiceError::field(
            "by",
            "name a user, `system`, or `local:` and the number of a user of the machine",
        )
    };
    let actor = Actor::try_from(text.to_owned());
    actor.or_else(|_| text.parse::<OwnerId>().map(Actor::Owner)).map_err(|_| bad())
}

impl Service {
    /// Events, newest first, those before `before`, of those that `by` sees.
    ///
    /// # Errors
    /// No such token, owner or company, or a store that cannot be read.
    pub async fn events(
        &self,
        by: &Caller,
        subject: Option<&Subject>,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Page<EventView, Position>, ServiceError> {
        self.events_like(by, subject, (&EventList::default(), before), limit).await
    }

    /// An event with what it changed, as far as it is of those whose events `by` sees.
    pub(super) async fn event_view(
        &self,
        by: &Caller,
        whose: Option<&Whose>,
        recorded: Recorded,
    ) -> Result<EventView, ServiceError> {
        let changes = match recorded.event.kind {
            EventKind::TokenUpdated | EventKind::OwnerUpdated | EventKind::CompanyUpdated => {
                self.changes(&recorded).await?
            }
            _ => Vec::new(),
        };
        let owner = match whose {
            Some(_) => written_owner(&recorded)?,
            None => None,
        };
        let view = EventView { changes, ..recorded.into() };
        match whose {
            None => Ok(view),
            Some(whose) => {
                let after = owner.as_deref();
                Ok(self.narrowed(by, whose, after, view).await?)
            }
        }
    }

    /// What an event changed: its record against that of an earlier event about the same subject.
    async fn changes(&self, recorded: &Recorded) -> Result<Vec<FieldChange>, ServiceError> {
        let Some(after) = records(recorded)?.pop() else { return Ok(Vec::new()) };
        let before = self.record_before(recorded.position, &after.subject()).await?;
        Ok(before.map_or_else(Vec::new, |before| diff(&before, &after)))
    }

    /// Events, newest first, those before `before`. A page may have fewer of them than were asked for, and more
    /// behind it.
    ///
    /// # Errors
    /// A value that cannot be, no such token, owner or company, or a store that cannot be read.
    pub async fn events_like(
        &self,
        by: &Caller,
        subject: Option<&Subject>,
        (asked, before): (&EventList, Option<Position>),
        limit: usize,
    ) -> Result<Page<EventView, Position>, ServiceError> {
        let wanted = asked.read()?;
        let sight = self.sight(by, subject).await?;
        let limit = page_size(limit)?;
        let whose = sight.whose.as_ref();
        if wanted == EventFilter::default() && sight.sought().is_none() {
            let page = self.store().events(sight.subject.as_ref(), before, limit).await?;
            if let (Some(Subject::Company(id)), true) = (subject, page.entries.is_empty()) {
                // One that is not on record has a history once somebody came to it or left it.
                self.company_record(id).await?;
            }
            return self.shown((by, whose), page.entries, page.next).await;
        }
        let mut next = match (before, wanted.until) {
            (None, Some(until)) => self.first_at(until.plus(SLACK)).await?,
            (before, _) => before,
        };
        let no_earlier = match wanted.since {
            Some(since) => match self.first_at(since.minus(SLACK)).await? {
                None => return Ok(Page { entries: Vec::new(), next: None }),
                first => first,
            },
            None => None,
        };
        let in_one_go = if sight.sought().is_some() { READ } else { limit };
        let (mut found, mut bytes) = (Vec::new(), 0_u64);
        loop {
            let some =
                self.store().search(sight.subject.as_ref(), &wanted, next, in_one_go).await?;
            bytes = bytes.saturating_add(some.bytes);
            for recorded in some.found {
                if let Some(whose) = sight.sought() {
                    bytes = bytes.saturating_add(ASKED);
                    if !self.is_of(whose, &recorded).await? {
                        continue;
                    }
                }
                let position = recorded.position;
                found.push(recorded);
                if found.len() == limit {
                    let more = (position > Position(1)).then_some(position);
                    return self.shown((by, whose), found, more).await;
                }
            }
            next = some.next.filter(|next| no_earlier.is_none_or(|first| *next > first));
            if next.is_none() || bytes >= BYTES {
                return self.shown((by, whose), found, next).await;
            }
        }
    }

    async fn shown(
        &self,
        (by, whose): (&Caller, Option<&Whose>),
        found: Vec<Recorded>,
        next: Option<Position>,
    ) -> Result<Page<EventView, Position>, ServiceError> {
        let mut entries = Vec::with_capacity(found.len());
        for recorded in found {
            entries.push(self.event_view(by, whose, recorded).await?);
        }
        Ok(Page { entries, next })
    }

    /// The first event that was written down at `moment` or later, if clocks never go back; none if there is none. By
    /// halving: the history may be long, and `moment` long ago.
    async fn first_at(&self, moment: Timestamp) -> Result<Option<Position>, ServiceError> {
        let Some((newest, _)) = self.newest().await? else { return Ok(None) };
        let (mut low, mut high) = (1, newest.0.saturating_add(1));
        while low < high {
            let middle = low + (high - low) / 2;
            let before = Some(Position(middle.saturating_add(1)));
            let event = self.store().events(None, before, 1).await?.entries.pop();
            match event.is_some_and(|event| event.event.at < moment) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Ok((low <= newest.0).then_some(Position(low)))
    }
}

/// The owner that an event made or changed.
fn written_owner(recorded: &Recorded) -> Result<Option<Arc<Owner>>, ServiceError> {
    // Others name one, and write none.
    let kinds = [
        EventKind::OwnerCreated,
        EventKind::OwnerUpdated,
        EventKind::OwnerBlocked,
        EventKind::OwnerUnblocked,
    ];
    if !kinds.contains(&recorded.event.kind) {
        return Ok(None);
    }
    Ok(records(recorded)?.into_iter().find_map(|record| match record {
        Record::Owner(owner) => Some(owner),
        Record::Token(_) | Record::Company(_) => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_or_its_field_is_named() {
        let list = |kind: &str, by: &str, since: &str| EventList {
            kind: Some(kind.to_owned()),
            by: Some(by.to_owned()),
            since: Some(since.to_owned()),
            until: None,
        };
        assert_eq!(list("", " ", "").read().unwrap(), EventFilter::default());
        let wanted = list("token.revoked, company", "alice", "2030-01-01").read().unwrap();
        assert_eq!(wanted.kinds.unwrap().len(), 5);
        let many = list(&"token.revoked,token,".repeat(10_000), "", "");
        let many = EventList { kind: many.kind.map(|kind| kind + "token"), ..many };
        let once = list("token", "", "").read().unwrap();
        assert_eq!(many.read().unwrap(), once, "each is held once");
        assert_eq!(wanted.actor, Some(Actor::Owner("alice".parse().unwrap())));
        for (text, actor) in [("system", Actor::System), ("local:7", Actor::Local(7))] {
            assert_eq!(list("", text, "").read().unwrap().actor, Some(actor));
        }
        for (asked, field) in [
            (list("tok", "", ""), "kind"),
            (list("token,,owner", "", ""), "kind"),
            (list("", "Bad Name", ""), "by"),
            (list("", "", "yesterday"), "since"),
        ] {
            assert_eq!(asked.read().unwrap_err().at_field(), Some(field), "{asked:?}");
        }
    }
}
