//! What the store costs, with few and with many tokens: durable creations by 64 callers at once, lookups,
//! pages, opening, memory. Prints a table.
//!
//! `cargo bench --bench store` makes 1,000,000 tokens. `cargo bench --bench store -- 50000 64 DIR` makes
//! fewer, lets sled keep 64 MB of pages, and puts them into a folder of its own under DIR. With `open` as
//! the first argument it opens the data folder that is given after the size of the cache, and only looks
//! up: so much memory does a process need that has just been started. With `uses` and a number it makes so
//! many tokens in large commits, and measures last uses alone, without and with the cache. With `storm`
//! and a number all of so many tokens are used for the first time within one flush; with `spread` uses are
//! spread over all of them, at several rates; with `list` they are listed, filtered, searched and shown; with
//! `whole` all of them are counted, and an end of many is previewed; with `people` so many owners are listed, searched
//! and changed; with `sizes` a store of so many tokens works in turn with one of a tenth.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark ends where it fails")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tollgate::cache::{Cache, Entry};
use tollgate::clock::{Clock, instant};
use tollgate::config::settings::CacheSettings;
use tollgate::domain::time::Span;
use tollgate::store::{self, LastUse, Listed, NotedUse, Store, TokenFilter, TokenQuery, UseKey};

#[path = "../tests/store/records.rs"]
#[allow(dead_code, reason = "the benchmark makes only some of them")]
mod records;
#[path = "store/lists.rs"]
mod lists;
#[path = "store/people.rs"]
mod people;
#[path = "store/sizes.rs"]
mod sizes;
#[path = "store/spread.rs"]
mod spread;
#[path = "store/storm.rs"]
mod storm;
#[path = "store/whole.rs"]
mod whole;

use records::NOW;

/// As in the program: glibc would keep memory for threads that are gone.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

static CACHE_BYTES: AtomicU64 = AtomicU64::new(0);

const CALLERS: u64 = 64;
const OWNERS: u64 = 1_000;
/// How many last uses a flush writes at once.
const USES: usize = 131_072;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let tokens = arguments.next();
    let named = ["uses", "storm", "spread", "list", "people", "sizes", "whole"];
    let part = tokens.clone().filter(|first| named.contains(&first.as_str()));
    let tokens = if part.is_some() { arguments.next() } else { tokens };
    let cache_mb: u64 = arguments.next().map_or(256, |text| text.parse().unwrap());
    CACHE_BYTES.store(cache_mb << 20, Ordering::Relaxed);
    let base = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if tokens.as_deref() == Some("open") {
        runtime.block_on(look(&base));
        return;
    }
    let folder = tempfile::tempdir_in(base).unwrap();
    let tokens = tokens.map_or(1_000_000, |text| text.parse().unwrap());
    let data = folder.path().join("data");
    runtime.block_on(async {
        match part.as_deref() {
            Some("storm") => storm::storm(&data, tokens).await,
            Some("list") => lists::lists(&data, tokens).await,
            Some("whole") => whole::whole(&data, tokens).await,
            Some("people") => people::people(&data, tokens).await,
            Some("spread") => spread::spread(&data, tokens).await,
            Some("sizes") => sizes::sizes(&data, tokens).await,
            Some(_) => uses_alone(&data, tokens).await,
            None => measure(&data, tokens).await,
        }
    });
}

async fn open(folder: &Path) -> Arc<dyn Store> {
    let mut settings = records::settings(folder, 16 << 20);
    settings.index_cache_bytes = CACHE_BYTES.load(Ordering::Relaxed);
    store::open(&settings, Clock::system()).await.unwrap()
}

async fn measure(folder: &Path, tokens: u64) {
    let store = open(folder).await;
    for n in 0..OWNERS {
        store.commit(records::owner(n)).await.unwrap();
    }
    let steps = 10;
    for step in 0..steps {
        let (from, to) = (step * tokens / steps, (step + 1) * tokens / steps);
        let (rate, median, p99) = create(&store, from, to).await;
        let (get, page, owned) =
            (lookups(&store, to).await, page(&store, to).await, owned(&store).await);
        println!(
            "{to:>9} tokens: {rate:>7.0} durable creations/s ({median:?} median, {p99:?} p99), \
             lookup {get:?}, page of 100 {page:?}, an owner's 100 {owned:?}, {} MB resident",
            resident_mb()
        );
    }
    uses(&store, folder, tokens).await;
    let at = instant();
    store.close().await.unwrap();
    println!("close {:?}; {} MB on disk", at.elapsed(), size_mb(folder));
    drop(store);
    let at = instant();
    let store = open(folder).await;
    println!("open after a clean close {:?}, {} MB resident", at.elapsed(), resident_mb());
    println!("lookup, cold {:?}", lookups(&store, tokens).await);
    drop(store);
    // As a crash leaves it: the checkpoint does not say that the index is whole.
    let store = open(folder).await;
    let checkpoint = std::fs::read(folder.join("checkpoint")).unwrap();
    store.close().await.unwrap();
    drop(store);
    std::fs::write(folder.join("checkpoint"), checkpoint).unwrap();
    let at = instant();
    let store = open(folder).await;
    let opened = at.elapsed();
    assert!(store.held(&records::digest(tokens / 2)).await.unwrap().is_some());
    println!("open after a crash {opened:?}; a token looked up after {:?}", at.elapsed());
    store.tokens(&TokenQuery::oldest(1)).await.unwrap();
    println!("all of it checked after {:?}", at.elapsed());
    drop(store);
    std::fs::remove_dir_all(folder.join("index")).unwrap();
    let at = instant();
    drop(open(folder).await);
    println!("open with the index lost, and close {:?}", at.elapsed());
}

async fn look(folder: &Path) {
    let at = instant();
    let store = open(folder).await;
    println!("open {:?}, {} MB resident", at.elapsed(), resident_mb());
    for round in 1..=5 {
        let tokens = store.events(None, None, 1).await.unwrap().entries[0].position.0 - OWNERS;
        let get = lookups(&store, tokens * round / 5).await;
        println!("lookup {get:?}, {} MB resident", resident_mb());
    }
    let at = instant();
    store.close().await.unwrap();
    println!("close {:?}", at.elapsed());
}

async fn create(store: &Arc<dyn Store>, from: u64, to: u64) -> (f64, Duration, Duration) {
    let next = Arc::new(AtomicU64::new(from));
    let at = instant();
    let callers = (0..CALLERS).map(|_| {
        let (store, next) = (Arc::clone(store), Arc::clone(&next));
        tokio::spawn(async move {
            let mut times = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= to {
                    return times;
                }
                let token = records::token(n, &records::owner_name(n % OWNERS));
                let at = instant();
                store.commit(records::creation(token)).await.unwrap();
                times.push(at.elapsed());
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    let mut times = Vec::new();
    for caller in callers {
        times.extend(caller.await.unwrap());
    }
    let seconds = at.elapsed().as_secs_f64();
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    (f64::from(u32::try_from(to - from).unwrap()) / seconds, at(50), at(99))
}

async fn lookups(store: &Arc<dyn Store>, tokens: u64) -> Duration {
    let mut n = 1_u64;
    let at = instant();
    for _ in 0..2_000 {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        assert!(store.held(&records::digest((n >> 33) % tokens)).await.unwrap().is_some());
    }
    per(at, 2_000)
}

async fn page(store: &Arc<dyn Store>, tokens: u64) -> Duration {
    let after = Some(records::token(tokens / 2, "x").id);
    let query = TokenQuery { after, ..TokenQuery::oldest(100) };
    let at = instant();
    for _ in 0..20 {
        assert_eq!(store.tokens(&query).await.unwrap().entries.len(), 100);
    }
    per(at, 20)
}

async fn owned(store: &Arc<dyn Store>) -> Duration {
    let owners = Some([records::owner_name(7).parse().unwrap()].into());
    let filter = TokenFilter { owners, ..TokenFilter::default() };
    let query = TokenQuery { filter, ..TokenQuery::oldest(100) };
    let at = instant();
    for _ in 0..20 {
        store.tokens(&query).await.unwrap();
    }
    per(at, 20)
}

/// Tokens made with as few commits as possible, then the rows of [`uses`].
async fn uses_alone(folder: &Path, tokens: u64) {
    let store = open(folder).await;
    seed(&store, tokens).await;
    uses(&store, folder, tokens).await;
    cached(&store, tokens).await;
    store.close().await.unwrap();
    println!("closed; {} MB on disk", size_mb(folder));
}

/// Makes tokens with as few commits as possible.
async fn seed(store: &Arc<dyn Store>, tokens: u64) {
    store.commit(records::owner(0)).await.unwrap();
    for from in (0..tokens).step_by(1_000) {
        let mut commit = records::creation(records::token(from, &records::owner_name(0)));
        for n in from + 1..tokens.min(from + 1_000) {
            let more = records::creation(records::token(n, &records::owner_name(0)));
            commit.changes.extend(more.changes);
        }
        store.commit(commit).await.unwrap();
    }
}

/// What a flush costs under a load that is spread over all tokens: half of them were used since the last
/// one, in no order. The first two rounds write first uses, the others further ones.
async fn uses(store: &Arc<dyn Store>, folder: &Path, tokens: u64) {
    let keys = keys(store).await;
    for round in 0..4 {
        let before = size_mb(folder);
        let at = NOW.plus(Span::from_seconds(5 * round));
        let last = LastUse { at, address: [192, 0, 2, 1].into(), api: "erp".into() };
        let used = (0..tokens / 2).map(|n| n.wrapping_mul(7_919) % (tokens / 2) * 2 + round % 2);
        let used: Vec<UseKey> = used.map(|n| keys[usize::try_from(n).unwrap()]).collect();
        let (begun, cpu, mut longest) = (instant(), cpu_seconds(), Duration::ZERO);
        for batch in used.chunks(USES) {
            let noted =
                batch.iter().map(|of| NotedUse { of: *of, last: last.clone(), first: round < 2 });
            let at_batch = instant();
            store.note_uses(noted.collect(), at).await.unwrap();
            longest = longest.max(at_batch.elapsed());
        }
        let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let count = f64::from(u32::try_from(used.len()).unwrap());
        println!(
            "{count} last uses noted{}: {:.0}/s, {:.2} us of CPU each, {longest:?} for the longest batch; \
             {before} MB on disk, then {} MB",
            if round < 2 { ", all first ones" } else { "" },
            count / seconds,
            cpu * 1e6 / count,
            size_mb(folder)
        );
    }
}

/// What a cache knows of the tokens that it holds.
async fn keys(store: &Arc<dyn Store>) -> Vec<UseKey> {
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let query = TokenQuery { after, ..TokenQuery::oldest(1_000) };
        let page = store.tokens(&query).await.unwrap();
        keys.extend(page.entries.iter().map(Listed::use_key));
        after = page.next;
        if after.is_none() {
            return keys;
        }
    }
}

/// The same with the cache before it: touches by one thread, then a flush.
async fn cached(store: &Arc<dyn Store>, tokens: u64) {
    let cache = cache(store, tokens);
    let mut entries = Vec::new();
    for n in 0..tokens / 2 {
        entries.push(cache.load(&records::digest(n * 2)).await.unwrap().unwrap());
    }
    touch_and_flush(&cache, &entries).await;
}

fn cache(store: &Arc<dyn Store>, tokens: u64) -> Arc<Cache> {
    let settings = CacheSettings {
        records: tokens,
        unknown: 1_000,
        unknown_ttl: Duration::from_secs(60),
        loads: 4_096,
        load_timeout: Duration::from_secs(5),
        flush_interval: Duration::from_secs(5),
    };
    Cache::new(Arc::clone(store), settings, tokio::runtime::Handle::current())
}

async fn touch_and_flush(cache: &Arc<Cache>, entries: &[Arc<Entry>]) {
    let (address, api) = ([192, 0, 2, 1].into(), cache.api_number(&"erp".into()));
    for round in 0..3 {
        let now = NOW.plus(Span::from_seconds(100 + round));
        let at = instant();
        for entry in entries {
            cache.touch(entry, now, address, api);
        }
        let touch = at.elapsed() / u32::try_from(entries.len()).unwrap();
        let (at, cpu) = (instant(), cpu_seconds());
        let flushed = cache.flush_touches(now).await.unwrap();
        let (took, cpu) = (at.elapsed(), cpu_seconds() - cpu);
        println!(
            "cache: touch {touch:?} each; {flushed} uses flushed in {took:?}, {cpu:.2} s of CPU"
        );
    }
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

fn per(at: Instant, times: u32) -> Duration {
    at.elapsed() / times
}

fn resident_mb() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096 / 1_000_000
}

fn size_mb(folder: &Path) -> u64 {
    fn bytes(path: &Path) -> u64 {
        let metadata = std::fs::metadata(path).unwrap();
        if !metadata.is_dir() {
            return metadata.len();
        }
        std::fs::read_dir(path).unwrap().map(|entry| bytes(&entry.unwrap().path())).sum()
    }
    bytes(folder) / 1_000_000
}
