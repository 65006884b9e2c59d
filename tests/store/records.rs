//! Records for the tests and benchmarks that see the store from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use tollgate::config::settings::{SecretSource, StoreSettings};
use tollgate::domain::conditions::Conditions;
use tollgate::domain::event::{Actor, Event, EventKind};
use tollgate::domain::flags::Flags;
use tollgate::domain::grant::{Contexts, Items};
use tollgate::domain::id::TokenId;
use tollgate::domain::owner::{Owner, OwnerKind};
use tollgate::domain::secret::Digest;
use tollgate::domain::time::{Span, Timestamp};
use tollgate::domain::token::{Act, End, Ended, Revision, Token};
use tollgate::store::{Change, Commit, Record};

pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

pub(crate) fn settings(folder: &Path, reserve_bytes: u64) -> StoreSettings {
    StoreSettings {
        path: folder.to_owned(),
        index_cache_bytes: 256 * 1024 * 1024,
        reserve_bytes,
        master_key: SecretSource::Environment("TOLLGATE_MASTER_KEY".to_owned()),
    }
}

pub(crate) fn owner_name(n: u64) -> String {
    format!("owner-{n}")
}

pub(crate) fn owner(n: u64) -> Commit {
    let owner = Owner {
        id: owner_name(n).parse().unwrap(),
        kind: OwnerKind::User,
        name: "Some Body".to_owned(),
        email: None,
        company: None,
        parent: None,
        roles: BTreeSet::new(),
        ceiling: Flags::UNLIMITED,
        password: None,
        blocked: None,
        created_by: Actor::Local(0),
        created_at: NOW,
        revision: Revision(1),
    };
    commit(EventKind::OwnerCreated, Record::Owner(Arc::new(owner)))
}

pub(crate) fn digest(n: u64) -> Digest {
    Digest::of(format!("secret {n}").as_bytes())
}

/// Token number `n`; the numbers give the order of creation.
pub(crate) fn token(n: u64, owner: &str) -> Token {
    let [_, _, random @ ..] = u128::from(n).to_be_bytes();
    Token {
        id: TokenId::new(NOW.unix() * 1_000 + n, *random.first_chunk::<10>().unwrap()),
        digest: digest(n),
        hint: format!("{:04}", n % 10_000),
        name: format!("integration {n}"),
        app: "warehouse sync".to_owned(),
        description: "asked for by the logistics team".to_owned(),
        owner: owner.parse().unwrap(),
        company: Some("acme".parse().unwrap()),
        created_by: Actor::Local(1_000),
        created_at: NOW,
        not_before: NOW,
        expires_at: None,
        idle_ttl: Span::from_days(100),
        flags: Flags::from_bits(0x300).unwrap(),
        contexts: Contexts::set(["stock".parse().unwrap(), "sales".parse().unwrap()]),
        items: Items::All,
        params: None,
        context_params: BTreeMap::new(),
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

pub(crate) fn creation(token: Token) -> Commit {
    commit(EventKind::TokenCreated, Record::Token(Arc::new(token)))
}

pub(crate) fn revocation(token: &Token) -> Commit {
    let act = Act { at: NOW, by: Actor::System, reason: "a test".to_owned() };
    let ended = Some(Ended { how: End::Revoked, act });
    let revoked = Token { ended, revision: token.revision.next(), ..token.clone() };
    commit(EventKind::TokenRevoked, Record::Token(Arc::new(revoked)))
}

pub(crate) fn commit(kind: EventKind, record: Record) -> Commit {
    let expected = Revision(record.revision().0 - 1);
    Commit {
        event: Event {
            at: NOW,
            effective_at: NOW,
            actor: Actor::Local(1_000),
            kind,
            reason: String::new(),
            many: None,
        },
        changes: vec![Change { record, expected, unused_since: None }],
        subjects: Vec::new(),
    }
}
