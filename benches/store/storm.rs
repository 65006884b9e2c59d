//! Every token used for the first time within one flush, while others make tokens: the gateway after a
//! start with a fleet of clients that all come at once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tollgate::clock::instant;
use tollgate::domain::time::Span;
use tollgate::store::Store;

use super::{NOW, cache, cpu_seconds, open, records, resident_mb, seed};

/// How many callers make tokens meanwhile, each one after the other.
const MAKERS: u64 = 8;
/// How long they do so undisturbed.
const QUIET: Duration = Duration::from_secs(3);

pub(super) async fn storm(folder: &Path, tokens: u64) {
    let store = open(folder).await;
    seed(&store, tokens).await;
    let cache = cache(&store, tokens);
    let mut entries = Vec::new();
    for n in 0..tokens {
        entries.push(cache.load(&records::digest(n)).await.unwrap().unwrap());
    }
    let next = Arc::new(AtomicU64::new(tokens));
    let makers = Makers::start(&store, &next);
    tokio::time::sleep(QUIET).await;
    makers.end("quiet").await;

    let before = resident_mb();
    let (address, api) = ([192, 0, 2, 1].into(), cache.api_number(&"erp".into()));
    let at = instant();
    for entry in &entries {
        cache.touch(entry, NOW, address, api);
    }
    println!(
        "{tokens} first uses noted in {:?}; {before} MB, then {} MB",
        at.elapsed(),
        resident_mb()
    );
    for round in ["first uses", "further uses"] {
        reset_peak();
        let (makers, at, cpu) = (Makers::start(&store, &next), instant(), cpu_seconds());
        let flushed = cache.flush_touches(NOW).await.unwrap();
        let (took, cpu) = (at.elapsed(), cpu_seconds() - cpu);
        println!(
            "{flushed} {round} flushed in {took:?}, {cpu:.2} s of CPU with the creations; {} MB at most, \
             {} MB after",
            peak_mb(),
            resident_mb()
        );
        makers.end(&format!("during the flush of {round}")).await;
        for entry in &entries {
            cache.touch(entry, NOW.plus(Span::from_seconds(10)), address, api);
        }
    }
    store.close().await.unwrap();
}

/// Callers who make tokens until they are told to end.
struct Makers {
    stop: Arc<AtomicBool>,
    callers: Vec<tokio::task::JoinHandle<Vec<Duration>>>,
}

impl Makers {
    fn start(store: &Arc<dyn Store>, next: &Arc<AtomicU64>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let caller = |_| {
            let (store, next, stop) = (Arc::clone(store), Arc::clone(next), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut times = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let at = instant();
                    let token = records::token(n, &records::owner_name(0));
                    store.commit(records::creation(token)).await.unwrap();
                    times.push(at.elapsed());
                }
                times
            })
        };
        let callers = (0..MAKERS).map(caller).collect();
        Self { stop, callers }
    }

    async fn end(self, when: &str) {
        self.stop.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for caller in self.callers {
            times.extend(caller.await.unwrap());
        }
        times.sort();
        let at = |share: usize| times.get(times.len() * share / 1_000).copied().unwrap_or_default();
        println!(
            "  {} durable creations by {MAKERS} callers, {when}: median {:?}, p99 {:?}, at most {:?}",
            times.len(),
            at(500),
            at(990),
            times.last().copied().unwrap_or_default()
        );
    }
}

/// Forgets the most memory that was ever in use.
fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_000
}
