//! The cache over a real store: coherence under races, single flight, and the bound on unknown
//! tokens.
//!
//! Every change counts a number up in the record (its flags, the owner's ceiling, or the name of the
//! one context that the company is licensed for). A reader
//! notes the last number that was acknowledged, then looks; what it finds must not be older. That
//! is the promise of immediate revocation, for any record and any change.

mod companies;
mod digest;
mod elsewhere;
mod flood;
mod glances;
pub(crate) mod late;
mod meters;
mod revoked;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Handle;

use super::{Cache, Entry, Lookup};
use crate::clock::Clock;
use crate::config::settings::{CacheSettings, SecretSource, StoreSettings};
use crate::domain::conditions::Conditions;
use crate::domain::event::{Actor, Event, EventKind};
use crate::domain::flags::Flags;
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::TokenId;
use crate::domain::owner::{Owner, OwnerKind};
use crate::domain::secret::Digest;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Revision, Token};
use crate::store::{self, Change, Commit, Record, Subject};

use late::Late;

const TOKENS: usize = 24;
const START: Timestamp = Timestamp::from_unix(1_700_000_000);

struct World {
    cache: Arc<Cache>,
    late: Arc<Late>,
    clock: Clock,
    _folder: TempDir,
}

fn owner(number: i64) -> Owner {
    Owner {
        id: "alice".parse().unwrap(),
        kind: OwnerKind::User,
        name: "Alice".to_owned(),
        email: None,
        company: None,
        parent: None,
        roles: Default::default(),
        ceiling: Flags::from_bits(number).unwrap(),
        password: None,
        blocked: None,
        created_by: Actor::System,
        created_at: START,
        revision: Revision(u64::try_from(number).unwrap()),
    }
}

fn secret(place: usize) -> String {
    format!("secret-number-{place:08}")
}

fn token(place: usize, number: i64) -> Token {
    let digest = Digest::of(secret(place).as_bytes());
    let mut random = [0; 10];
    random[8..].copy_from_slice(&u16::try_from(place).unwrap().to_be_bytes());
    Token {
        id: TokenId::new(1_700_000_000_000, random),
        digest,
        hint: String::new(),
        name: format!("token {place}"),
        app: String::new(),
        description: String::new(),
        owner: "alice".parse().unwrap(),
        company: Some("acme".parse().unwrap()),
        created_by: Actor::System,
        created_at: START,
        not_before: START,
        expires_at: None,
        idle_ttl: Span::from_days(100),
        flags: Flags::from_bits(number).unwrap(),
        contexts: Contexts::All,
        items: Items::All,
        params: None,
        context_params: Default::default(),
        conditions: Conditions::default(),
        limits: Default::default(),
        disabled: None,
        rotated_from: None,
        family: None,
        rotated_to: None,
        retire_after_use: None,
        ended: None,
        revision: Revision(u64::try_from(number).unwrap()),
    }
}

fn commit(kind: EventKind, record: Record, revision: Revision) -> Commit {
    let expected = Revision(revision.0 - 1);
    Commit {
        event: Event {
            at: START,
            effective_at: START,
            actor: Actor::System,
            kind,
            reason: String::new(),
            many: None,
        },
        changes: vec![Change { record, expected, unused_since: None }],
        subjects: Vec::new(),
    }
}

fn token_commit(token: Token) -> Commit {
    let revision = token.revision;
    commit(EventKind::TokenUpdated, Record::Token(Arc::new(token)), revision)
}

async fn world(records: u64) -> World {
    world_with(usual(records), 1).await
}

fn usual(records: u64) -> CacheSettings {
    CacheSettings {
        records,
        unknown: 64,
        unknown_ttl: Duration::from_secs(3_600),
        loads: 4_096,
        load_timeout: Duration::from_secs(60),
        flush_interval: Duration::from_secs(5),
    }
}

/// A cache with these settings, over a store whose reads end only while its gate has `permits`.
async fn world_with(settings: CacheSettings, permits: usize) -> World {
    let folder = tempfile::tempdir().unwrap();
    let store_settings = StoreSettings {
        path: folder.path().join("data"),
        index_cache_bytes: 8 << 20,
        reserve_bytes: 1 << 20,
        master_key: SecretSource::Environment("NONE".to_owned()),
    };
    let clock = Clock::held(START);
    let inner = store::open(&store_settings, clock.clone()).await.unwrap();
    let late = Arc::new(Late::over(inner, permits));
    let cache = Cache::new(Arc::clone(&late) as Arc<dyn store::Store>, settings, Handle::current());
    let alice = commit(EventKind::OwnerCreated, Record::Owner(Arc::new(owner(1))), Revision(1));
    cache.commit(alice).await.unwrap();
    for place in 0..TOKENS {
        cache.commit(token_commit(token(place, 1))).await.unwrap();
    }
    World { cache, late, clock, _folder: folder }
}

async fn entry(cache: &Arc<Cache>, place: usize) -> Option<Arc<Entry>> {
    let digest = Digest::of(secret(place).as_bytes());
    match cache.look(&digest) {
        Lookup::Held(entry) => Some(entry),
        Lookup::Unknown => None,
        Lookup::Absent => cache.load(&digest).await.unwrap(),
    }
}

/// What was acknowledged, for each token, and behind them for the owner and the company.
struct Acknowledged(Vec<AtomicI64>);

/// Reads as a core does: from a table of its own where that still holds, else from the cache.
async fn read(
    cache: Arc<Cache>,
    told: Arc<Acknowledged>,
    stop: Arc<AtomicBool>,
    salt: usize,
) -> u64 {
    let mut table: Vec<Option<Arc<Entry>>> = vec![None; TOKENS];
    let (mut reads, mut place) = (0, salt);
    while !stop.load(Ordering::SeqCst) {
        place = (place * 31 + 7) % TOKENS;
        let token_told = told.0[place].load(Ordering::SeqCst);
        let owner_told = told.0[TOKENS].load(Ordering::SeqCst);
        let company_told = told.0[TOKENS + 1].load(Ordering::SeqCst);
        let known = table[place].take().filter(|entry| entry.is_valid());
        let found = match known {
            Some(entry) => entry,
            None => entry(&cache, place).await.expect("it is there"),
        };
        let (flags, ceiling) = (found.common.terms.flags.bits(), found.owner.terms.ceiling.bits());
        assert!(flags >= token_told, "token {place}: {flags} after {token_told} was answered");
        assert!(ceiling >= owner_told, "the owner: {ceiling} after {owner_told} was answered");
        let licence = companies::licence(&found);
        assert!(licence >= company_told, "its company: {licence} after {company_told}");
        table[place] = Some(found);
        reads += 1;
        if reads % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    reads
}

/// The epoch rule, with room for half of the tokens only, so that eviction races too. Four writers
/// change tokens, one changes the owner, one what the company is licensed for, six readers look.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_c5_no_read_after_an_answer_finds_what_was_before_it() {
    const CHANGES: i64 = 400;
    let world = world(TOKENS as u64 / 2).await;
    let told = (0..=TOKENS).map(|_| 1).chain([0]).map(AtomicI64::new);
    let told = Arc::new(Acknowledged(told.collect()));
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..6)
        .map(|salt| {
            let (cache, told, stop) = (world.cache.clone(), told.clone(), stop.clone());
            tokio::spawn(read(cache, told, stop, salt))
        })
        .collect();
    let mut writers = Vec::new();
    for writer in 0..4 {
        let (cache, told) = (world.cache.clone(), told.clone());
        writers.push(tokio::spawn(async move {
            for change in 0..CHANGES {
                let place = usize::try_from(change).unwrap() % (TOKENS / 4) * 4 + writer;
                let number = told.0[place].load(Ordering::SeqCst) + 1;
                cache.commit(token_commit(token(place, number))).await.unwrap();
                told.0[place].store(number, Ordering::SeqCst);
            }
        }));
    }
    let (cache, owners_told) = (world.cache.clone(), told.clone());
    writers.push(tokio::spawn(async move {
        for number in 2..CHANGES {
            let record = Record::Owner(Arc::new(owner(number)));
            let revision = Revision(u64::try_from(number).unwrap());
            cache.commit(commit(EventKind::OwnerUpdated, record, revision)).await.unwrap();
            owners_told.0[TOKENS].store(number, Ordering::SeqCst);
        }
    }));
    let (cache, company_told) = (world.cache.clone(), told.clone());
    writers.push(tokio::spawn(async move {
        for number in 1..CHANGES {
            let change = companies::company_commit(companies::company(number));
            cache.commit(change).await.unwrap();
            company_told.0[TOKENS + 1].store(number, Ordering::SeqCst);
        }
    }));
    for writer in writers {
        writer.await.unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    let mut reads = 0;
    for reader in readers {
        reads += reader.await.unwrap();
    }
    let overtaken = world.cache.counts.overtaken.value();
    assert!(reads > 2_000, "only {reads} reads raced");
    assert!(overtaken > 0, "no load was ever overtaken, so nothing was shown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_ask_for_one_token_load_it_once() {
    let world = world(1_000).await;
    let before = world.late.reads.load(Ordering::Relaxed);
    // The seventh read is held back for six turns.
    let asking: Vec<_> = (0..200)
        .map(|_| {
            let cache = world.cache.clone();
            tokio::spawn(async move { entry(&cache, 3).await.unwrap() })
        })
        .collect();
    let mut first: Option<Arc<Entry>> = None;
    for one in asking {
        let found = one.await.unwrap();
        assert!(Arc::ptr_eq(first.get_or_insert_with(|| Arc::clone(&found)), &found));
    }
    assert_eq!(world.late.reads.load(Ordering::Relaxed) - before, 1);
}

#[tokio::test]
async fn sec_c4_unknown_digests_are_bounded_and_a_new_token_is_known_at_once() {
    let world = world(1_000).await;
    for place in 0..TOKENS {
        entry(&world.cache, place).await.unwrap();
    }
    for place in 100..1_100 {
        assert!(entry(&world.cache, place).await.is_none());
    }
    let before = world.late.reads.load(Ordering::Relaxed);
    for place in 0..TOKENS {
        entry(&world.cache, place).await.unwrap();
    }
    assert_eq!(world.late.reads.load(Ordering::Relaxed), before, "a record was pushed out");
    assert!(entry(&world.cache, 1_099).await.is_none());
    world.cache.commit(token_commit(token(1_099, 1))).await.unwrap();
    assert!(entry(&world.cache, 1_099).await.is_some());
}

#[tokio::test]
async fn a_use_survives_the_eviction_of_its_record_and_is_written_once() {
    let world = world(1_000).await;
    let found = entry(&world.cache, 0).await.unwrap();
    let api = world.cache.api_number(&"shop".into());
    let address = "192.0.2.1".parse().unwrap();
    world.clock.advance(Span::from_days(99));
    world.cache.touch(&found, world.clock.now(), address, api);
    world.cache.touch(&found, world.clock.now(), address, api);
    assert_eq!(world.cache.pending_touches(), 1);
    world.cache.forget_token(&found.digest);
    let again = entry(&world.cache, 0).await.unwrap();
    assert!(!Arc::ptr_eq(&found, &again));
    assert_eq!(again.last_seen.at(), Some(world.clock.now()), "row W6: day 99 counts");
    assert_eq!(world.cache.flush_touches(world.clock.now()).await.unwrap(), 1);
    assert_eq!(world.cache.pending_touches(), 0);
    let kept = world.cache.last_use(&token(0, 1)).await.unwrap().unwrap();
    let kept = kept.last.unwrap();
    assert_eq!((kept.at, kept.address, &*kept.api), (world.clock.now(), address, "shop"));
}

/// Touches go on while they are flushed: none is lost, and each flush ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn uses_noted_during_a_flush_are_not_lost() {
    let world = world(1_000).await;
    let mut entries = Vec::new();
    for place in 0..TOKENS {
        entries.push(entry(&world.cache, place).await.unwrap());
    }
    let api = world.cache.api_number(&"shop".into());
    let at = |second: u64| START.plus(Span::from_seconds(second));
    let stop = Arc::new(AtomicBool::new(false));
    let flushing = tokio::spawn({
        let (cache, stop) = (world.cache.clone(), stop.clone());
        async move {
            while !stop.load(Ordering::SeqCst) {
                cache.flush_touches(START).await.unwrap();
            }
        }
    });
    for second in 1..=2_000 {
        for (place, entry) in entries.iter().enumerate() {
            let address = [10, 0, 0, u8::try_from(place).unwrap()].into();
            world.cache.touch(entry, at(second), address, api);
        }
        if second % 10 == 0 {
            let key = token(usize::try_from(second).unwrap() % TOKENS, 1).id.into();
            let seen = world.cache.last_uses(&[key]).await.unwrap().remove(0).unwrap();
            assert_eq!(seen.at, at(second), "pending or written, never neither");
        }
    }
    stop.store(true, Ordering::SeqCst);
    flushing.await.unwrap();
    world.cache.flush_touches(START).await.unwrap();
    assert_eq!(world.cache.pending_touches(), 0);
    let keys: Vec<_> = (0..TOKENS).map(|place| token(place, 1).id.into()).collect();
    let written = world.late.inner.last_uses(&keys).await.unwrap();
    for (place, last) in written.into_iter().enumerate() {
        let last = last.unwrap();
        let address = std::net::IpAddr::from([10, 0, 0, u8::try_from(place).unwrap()]);
        assert_eq!((last.at, last.last.unwrap().address), (at(2_000), address));
        let about = Subject::Token(token(place, 1).id);
        let events = world.late.inner.events(Some(&about), None, 100).await.unwrap().entries;
        let first = |event: &&store::Recorded| event.event.kind == EventKind::TokenFirstUsed;
        assert_eq!(
            events.iter().filter(first).count(),
            1,
            "a token is used for the first time once"
        );
    }
    let all = world.late.inner.events(None, None, 1_000).await.unwrap().entries;
    let firsts = all.iter().filter(|event| event.event.kind == EventKind::TokenFirstUsed);
    let told: usize = firsts.map(|event| event.subjects.len()).sum();
    assert_eq!(told, TOKENS);
}
