//! From a digest to a record: in memory, from the store, and the touch afterwards.

use std::hint::black_box;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use tokio::runtime::Runtime;
use tollgate::cache::{Cache, Entry, Lookup};
use tollgate::clock::{self, Clock};
use tollgate::config::settings::{CacheSettings, Settings};
use tollgate::config::{self, Environment};
use tollgate::domain::event::{Actor, Event, EventKind};
use tollgate::domain::flags::Flags;
use tollgate::domain::grant::{Contexts, Items};
use tollgate::domain::id::TokenId;
use tollgate::domain::owner::{Owner, OwnerKind};
use tollgate::domain::secret::Digest;
use tollgate::domain::time::{Span, Timestamp};
use tollgate::domain::token::{Revision, Token};
use tollgate::store::{self, Change, Commit, Record, Store};

const TOKENS: usize = 100_000;
pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_795_176_000);

/// A token like many.
pub(crate) fn token(number: usize) -> Token {
    let mut random = [0; 10];
    for (to, from) in random.iter_mut().zip(number.to_be_bytes()) {
        *to = from;
    }
    Token {
        id: TokenId::new(NOW.unix() * 1_000, random),
        digest: Digest::of(&number.to_be_bytes()),
        hint: "abcd".to_owned(),
        name: format!("integration {number}"),
        app: "warehouse".to_owned(),
        description: String::new(),
        owner: "alice".parse().unwrap(),
        company: Some("acme".parse().unwrap()),
        created_by: Actor::System,
        created_at: NOW,
        not_before: NOW,
        expires_at: Some(NOW.plus(Span::from_days(365))),
        idle_ttl: Span::from_days(100),
        flags: Flags::from_bits(0x300).unwrap(),
        contexts: Contexts::set(["sales", "stock"].map(|name| name.parse().unwrap())),
        items: Items::All,
        params: None,
        context_params: Default::default(),
        conditions: Default::default(),
        limits: Default::default(),
        disabled: None,
        rotated_from: None,
        family: None,
        rotated_to: None,
        retire_after_use: None,
        ended: None,
        revision: Revision::NONE.next(),
    }
}

fn alice() -> Owner {
    Owner {
        id: "alice".parse().unwrap(),
        kind: OwnerKind::Service,
        name: "alice".to_owned(),
        email: None,
        company: None,
        parent: None,
        roles: Default::default(),
        ceiling: Flags::UNLIMITED,
        password: None,
        blocked: None,
        created_by: Actor::System,
        created_at: NOW,
        revision: Revision::NONE.next(),
    }
}

/// A store with [`TOKENS`] tokens on disk, and a cache over it.
pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    store: Arc<dyn Store>,
    settings: Settings,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "store.path = {:?}\n[[apis]]\nname = \"a\"\nupstream = \"http://127.0.0.1:9\"\n\
             rules = [{{ path = \"/{{*rest}}\" }}]\n",
            folder.path()
        );
        let settings =
            config::parse("bench.toml".as_ref(), text.as_bytes(), &Environment::default());
        let settings = settings.unwrap_or_else(|report| panic!("{report}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let store = runtime.block_on(async {
            let store = store::open(&settings.store, Clock::held(NOW)).await.unwrap();
            commit(&store, EventKind::OwnerCreated, vec![Record::Owner(Arc::new(alice()))]).await;
            for begin in (0..TOKENS).step_by(1_000) {
                let tokens =
                    (begin..begin + 1_000).map(|number| Record::Token(Arc::new(token(number))));
                commit(&store, EventKind::TokenCreated, tokens.collect()).await;
            }
            store
        });
        Self { runtime, store, settings, _folder: folder }
    }

    pub(crate) fn cache(&self, records: u64) -> Arc<Cache> {
        let settings = CacheSettings { records, ..self.settings.cache.clone() };
        Cache::new(Arc::clone(&self.store), settings, self.runtime.handle().clone())
    }
}

async fn commit(store: &Arc<dyn Store>, kind: EventKind, records: Vec<Record>) {
    let (actor, reason) = (Actor::System, String::new());
    let event = Event { at: NOW, effective_at: NOW, actor, kind, reason, many: None };
    let change = |record| Change { record, expected: Revision::NONE, unused_since: None };
    let changes = records.into_iter().map(change).collect();
    store.commit(Commit { event, changes, subjects: Vec::new() }).await.unwrap();
}

/// Digests in no order.
pub(crate) fn digests() -> impl FnMut() -> Digest {
    let all: Vec<_> = (0..TOKENS).map(|number| Digest::of(&number.to_be_bytes())).collect();
    let mut at = 0;
    move || {
        at = (at + 61_543) % TOKENS;
        all.get(at).copied().unwrap()
    }
}

/// A record that is in memory, and a digest that is known to be unknown.
pub(crate) fn look(criterion: &mut Criterion) {
    let stage = Stage::new();
    let cache = stage.cache(2 * TOKENS as u64);
    let mut next = digests();
    stage.runtime.block_on(async {
        for _ in 0..TOKENS {
            assert!(cache.load(&next()).await.is_ok_and(|found| found.is_some()));
        }
    });
    criterion.bench_function("cache hit among 100,000", |bencher| {
        bencher.iter(|| matches!(cache.look(&black_box(next())), Lookup::Held(_)));
    });
    let unknown = Digest::of(b"nobody's");
    stage.runtime.block_on(async { assert!(cache.load(&unknown).await.is_ok()) });
    criterion.bench_function("cache hit, known to be unknown", |bencher| {
        bencher.iter(|| matches!(cache.look(black_box(&unknown)), Lookup::Unknown));
    });
}

/// A record that has to be read from the store.
pub(crate) fn load(criterion: &mut Criterion) {
    let stage = Stage::new();
    let cache = stage.cache(0);
    let mut next = digests();
    criterion.bench_function("cache miss, from sled with 100,000", |bencher| {
        bencher.iter(|| {
            stage.runtime.block_on(cache.load(&next())).is_ok_and(|found| found.is_some())
        });
    });
}

/// Touches of the same thousand tokens by several threads.
pub(crate) fn touch(criterion: &mut Criterion) {
    let stage = Stage::new();
    let cache = stage.cache(2_000);
    let mut next = digests();
    let entries: Vec<Arc<Entry>> = stage.runtime.block_on(async {
        let mut entries = Vec::new();
        for _ in 0..1_000 {
            entries.push(cache.load(&next()).await.unwrap().unwrap());
        }
        entries
    });
    let mut group = criterion.benchmark_group("touch");
    for threads in [1, 2, 4] {
        for (name, seconds) in [("same second", 0), ("a new second each time", 1)] {
            let id = BenchmarkId::new(name, format!("{threads} threads"));
            let mut second = NOW.unix() + 1_000_000 * threads;
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|rounds| {
                    let took = touches(&cache, &entries, threads, rounds, second, seconds);
                    second += rounds * seconds + 1;
                    took
                });
            });
        }
    }
}

/// How long `rounds` touches take each of `threads` threads.
fn touches(
    cache: &Cache,
    entries: &[Arc<Entry>],
    threads: u64,
    rounds: u64,
    from: u64,
    seconds: u64,
) -> Duration {
    let address: IpAddr = "10.0.0.1".parse().unwrap();
    let api = cache.api_number(&"erp".into());
    let begun = clock::instant();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for (round, entry) in (0..rounds).zip(entries.iter().cycle()) {
                    cache.touch(entry, Timestamp::from_unix(from + round * seconds), address, api);
                }
            });
        }
    });
    begun.elapsed()
}
