//! Fills the store of a configuration with tokens, and writes their secrets to a file.
//! `benches/peers/run` calls it; nothing else ever writes a secret down.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a tool for benchmarks fails by panicking")]

use std::collections::BTreeSet;
use std::env;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::rand;
use tollgate::clock::Clock;
use tollgate::config::{self, Environment};
use tollgate::domain::event::{Actor, Event, EventKind};
use tollgate::domain::flags::Flags;
use tollgate::domain::grant::{Contexts, Items};
use tollgate::domain::id::{OwnerId, TokenId};
use tollgate::domain::owner::{Owner, OwnerKind};
use tollgate::domain::secret::Secret;
use tollgate::domain::time::{Span, Timestamp};
use tollgate::domain::token::{Revision, Token};
use tollgate::store::{self, Change, Commit, Record, Store};

const OWNERS: usize = 1_000;
const BATCH: usize = 1_000;
/// Well-formed secrets that nobody has, for refused requests.
const UNKNOWN: usize = 20_000;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let [config, count, known, unknown] = args.as_slice() else {
        eprintln!("usage: peers-seed CONFIG COUNT FILE-OF-TOKENS FILE-OF-UNKNOWN");
        return;
    };
    let loaded = config::load(Path::new(config), &Environment::process());
    let settings = loaded.unwrap_or_else(|report| panic!("{report}")).settings;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = store::open(&settings.store, Clock::system()).await.unwrap();
        fill(&store, count.parse().unwrap(), known).await;
        store.close().await.unwrap();
    });
    let mut file = BufWriter::new(File::create(unknown).unwrap());
    for _ in 0..UNKNOWN {
        writeln!(file, "{}", secret().expose()).unwrap();
    }
    file.flush().unwrap();
}

async fn fill(store: &Arc<dyn Store>, count: usize, file: &str) {
    let clock = Clock::system();
    let mut file = BufWriter::new(File::create(file).unwrap());
    let owners: Vec<OwnerId> =
        (0..OWNERS).map(|n| format!("owner-{n:04}@example.com").parse().unwrap()).collect();
    let records = owners.iter().map(|id| Record::Owner(Arc::new(owner(id, clock.now())))).collect();
    commit(store, EventKind::OwnerCreated, records, clock.now()).await;
    for begin in (0..count).step_by(BATCH) {
        let mut records = Vec::with_capacity(BATCH);
        for number in begin..count.min(begin + BATCH) {
            let secret = secret();
            writeln!(file, "{}", secret.expose()).unwrap();
            let owner = owners.get(number % OWNERS).unwrap();
            records.push(Record::Token(Arc::new(token(number, &secret, owner, &clock))));
        }
        commit(store, EventKind::TokenCreated, records, clock.now()).await;
    }
    file.flush().unwrap();
}

async fn commit(store: &Arc<dyn Store>, kind: EventKind, records: Vec<Record>, at: Timestamp) {
    let (actor, reason) = (Actor::System, "benchmark".to_owned());
    let event = Event { at, effective_at: at, actor, kind, reason, many: None };
    let change = |record| Change { record, expected: Revision::NONE, unused_since: None };
    let changes = records.into_iter().map(change).collect();
    store.commit(Commit { event, changes, subjects: Vec::new() }).await.unwrap();
}

fn secret() -> Secret {
    Secret::issue(rand::fill).unwrap()
}

fn token(number: usize, secret: &Secret, owner: &OwnerId, clock: &Clock) -> Token {
    let mut random = [0; 10];
    rand::fill(&mut random).unwrap();
    let now = clock.now();
    Token {
        id: TokenId::new(clock.unix_ms(), random),
        digest: secret.digest(),
        hint: secret.hint(),
        name: format!("integration {number}"),
        app: "warehouse".to_owned(),
        description: "made for a benchmark".to_owned(),
        owner: owner.clone(),
        company: Some("acme".parse().unwrap()),
        created_by: Actor::System,
        created_at: now,
        not_before: now,
        expires_at: Some(now.plus(Span::from_days(365))),
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

fn owner(id: &OwnerId, now: Timestamp) -> Owner {
    Owner {
        id: id.clone(),
        kind: OwnerKind::Service,
        name: id.to_string(),
        email: None,
        company: Some("acme".parse().unwrap()),
        parent: None,
        roles: BTreeSet::new(),
        ceiling: Flags::UNLIMITED,
        password: None,
        blocked: None,
        created_by: Actor::System,
        created_at: now,
        revision: Revision::NONE.next(),
    }
}
