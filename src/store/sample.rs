//! Records and commits for the tests of this room.

use std::sync::Arc;

use super::{Change, Commit, LastUse, NotedUse, Record, Subject, Usage, UseKey};
use crate::domain::company::Company;
use crate::domain::conditions::Conditions;
use crate::domain::event::{Actor, Event, EventKind};
use crate::domain::flags::Flags;
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::owner::{Owner, OwnerKind};
use crate::domain::secret::Digest;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Act, End, Ended, Revision, Token};

/// The moment at which all samples are made.
pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

pub(crate) fn owner(id: &str) -> Owner {
    Owner {
        id: id.parse().unwrap(),
        kind: OwnerKind::User,
        name: id.to_owned(),
        email: None,
        company: None,
        parent: None,
        roles: std::collections::BTreeSet::new(),
        ceiling: Flags::UNLIMITED,
        password: None,
        blocked: None,
        created_by: Actor::Local(0),
        created_at: NOW,
        revision: Revision(1),
    }
}

pub(crate) fn company(id: &str, contexts: &[&str]) -> Company {
    Company {
        id: id.parse().unwrap(),
        name: id.to_owned(),
        contexts: Contexts::set(contexts.iter().map(|name| name.parse().unwrap())),
        blocked: None,
        created_by: Actor::Local(0),
        created_at: NOW,
        revision: Revision(1),
    }
}

/// Token number `n`, made in the order of the numbers, with a secret of its own.
pub(crate) fn token(n: u64, owner: &str) -> Token {
    let [_, _, random @ ..] = u128::from(n).to_be_bytes();
    let random = random.first_chunk::<10>().copied().unwrap();
    Token {
        id: TokenId::new(NOW.unix() * 1_000 + n, random),
        digest: digest(n),
        hint: format!("{:04}", n % 10_000),
        name: format!("token {n}"),
        app: String::new(),
        description: "made for a test".to_owned(),
        owner: owner.parse().unwrap(),
        company: None,
        created_by: Actor::Local(0),
        created_at: NOW,
        not_before: NOW,
        expires_at: None,
        idle_ttl: Span::from_days(100),
        flags: Flags::NONE,
        contexts: Contexts::All,
        items: Items::All,
        params: None,
        context_params: std::collections::BTreeMap::new(),
        conditions: Conditions::default(),
        limits: Default::default(),
        disabled: None,
        rotated_from: None,
        family: None,
        rotated_to: None,
        retire_after_use: None,
        ended: None,
        revision: Revision(1),
    }
}

pub(crate) fn digest(n: u64) -> Digest {
    Digest::of(format!("secret {n}").as_bytes())
}

pub(crate) fn event(kind: EventKind) -> Event {
    Event {
        at: NOW,
        effective_at: NOW,
        actor: Actor::Local(0),
        kind,
        reason: "a test".to_owned(),
        many: None,
    }
}

/// A commit of records that follow those with one revision less.
pub(crate) fn commit(kind: EventKind, records: impl IntoIterator<Item = Record>) -> Commit {
    let change = |record: Record| {
        let expected = Revision(record.revision().0 - 1);
        Change { record, expected, unused_since: None }
    };
    Commit {
        event: event(kind),
        changes: records.into_iter().map(change).collect(),
        subjects: Vec::new(),
    }
}

pub(crate) fn creation(token: Token) -> Commit {
    commit(EventKind::TokenCreated, [Record::Token(Arc::new(token))])
}

pub(crate) fn owner_creation(id: &str) -> Commit {
    commit(EventKind::OwnerCreated, [Record::Owner(Arc::new(owner(id)))])
}

/// The same as it is read back.
pub(crate) fn usage(seconds_later: u64) -> Usage {
    last_use(seconds_later).into()
}

/// The record of `token` after it was revoked.
pub(crate) fn revoked(token: &Token) -> Token {
    let act = Act { at: NOW, by: Actor::Local(0), reason: "a test".to_owned() };
    let ended = Some(Ended { how: End::Revoked, act });
    Token { ended, revision: token.revision.next(), ..token.clone() }
}

pub(crate) fn revocation(token: &Token) -> Commit {
    commit(EventKind::TokenRevoked, [Record::Token(Arc::new(revoked(token)))])
}

pub(crate) fn last_use(seconds_later: u64) -> LastUse {
    LastUse {
        at: NOW.plus(Span::from_seconds(seconds_later)),
        address: "192.0.2.1".parse().unwrap(),
        api: "erp".into(),
    }
}

pub(crate) fn noted(of: impl Into<UseKey>, seconds_later: u64) -> NotedUse {
    NotedUse { of: of.into(), last: last_use(seconds_later), first: false }
}

/// A thing that was observed, without a change.
pub(crate) fn observation(of: TokenId) -> Commit {
    Commit {
        event: event(EventKind::TokenFirstUsed),
        changes: Vec::new(),
        subjects: vec![Subject::Token(of)],
    }
}

pub(crate) fn owner_id(text: &str) -> OwnerId {
    text.parse().unwrap()
}
