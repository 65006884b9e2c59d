//! What it costs to count a request by the day: on one core, and on two that add up into the same sums.

use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use tollgate::cache::{Cache, Entry};
use tollgate::clock;

use super::records::{NOW, Stage, digests};

/// How many tokens take turns.
const IN_USE: [usize; 2] = [1, 65_536];

/// A request that is counted. With two cores, each counts as many, and a count is what one of them took for it.
pub(crate) fn count(criterion: &mut Criterion) {
    let stage = Stage::new();
    let cache = stage.cache(100_000);
    let mut next = digests();
    let load = |digest| stage.runtime.block_on(cache.load(&digest)).unwrap().unwrap();
    let entries: Vec<_> = (0..IN_USE[1]).map(|_| load(next())).collect();
    let mut group = criterion.benchmark_group("count a request by the day");
    for in_use in IN_USE {
        let entries = entries.get(..in_use).unwrap();
        for cores in [1, 2] {
            let name = format!("{cores} cores");
            group.bench_function(BenchmarkId::new(name, in_use), |bencher| {
                bencher.iter_custom(|times| counted(&cache, entries, cores, times));
            });
            // What was added up is written down now and then, and else grows with the tokens alone.
            stage.runtime.block_on(cache.flush_requests()).unwrap();
        }
    }
}

/// How long the slowest core took.
fn counted(cache: &Arc<Cache>, entries: &[Arc<Entry>], cores: usize, times: u64) -> Duration {
    let core = || {
        let tally = cache.tally();
        let at = clock::instant();
        for (entry, _) in entries.iter().cycle().zip(0..times) {
            cache.count(&tally, black_box(entry), NOW, true);
        }
        at.elapsed()
    };
    thread::scope(|scope| {
        let cores: Vec<_> = (0..cores).map(|_| scope.spawn(core)).collect();
        cores.into_iter().map(|core| core.join().unwrap()).max().unwrap()
    })
}
