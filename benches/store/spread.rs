//! Uses that are spread evenly over all tokens, as a gateway notes them: so many a second, and a flush every
//! five seconds. What each costs in processor time, when it is noted and when it is written.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tollgate::cache::{Cache, Entry};
use tollgate::domain::time::{Span, Timestamp};

use super::{NOW, cache, open, records, resident_mb, seed};

/// Uses a second, of a million tokens; of fewer tokens as many fewer.
const RATES: [u64; 3] = [57_000, 15_000, 2_000];
const FLUSHES: u32 = 4;
const SECONDS: u64 = 5;
/// Longer than last uses that were written wait for their sync.
const SETTLED: Duration = Duration::from_millis(2_500);
/// So many tokens are near the processor at once when their uses are noted, as that of a request is.
const NEAR: usize = 64;

pub(super) async fn spread(folder: &Path, tokens: u64) {
    let store = open(folder).await;
    seed(&store, tokens).await;
    let cache = cache(&store, tokens);
    let mut entries = Vec::new();
    for n in 0..tokens {
        entries.push(cache.load(&records::digest(n)).await.unwrap().unwrap());
    }
    let mut now = NOW;
    // First uses are another matter.
    touch(&cache, &entries, now);
    cache.flush_touches(now).await.unwrap();
    tokio::time::sleep(2 * SETTLED).await;
    // What the store does of itself meanwhile, such as looking after itself each second.
    let begun = process();
    tokio::time::sleep(SETTLED).await;
    let idle = process() - begun;
    let mut random = Random(1);
    for rate in RATES {
        let (mut uses, mut touched, mut flushed) = (0, Duration::ZERO, Duration::ZERO);
        let (mut took, mut waiting_mb) = (Duration::ZERO, 0);
        for _ in 0..FLUSHES {
            for _ in 0..SECONDS {
                now = now.plus(Span::from_seconds(1));
                touched += second(&cache, &entries, now, rate * tokens / 1_000_000, &mut random);
            }
            waiting_mb = waiting_mb.max(resident_mb());
            uses += u32::try_from(cache.pending_touches()).unwrap();
            let (begun, at) = (process(), tollgate::clock::instant());
            cache.flush_touches(now).await.unwrap();
            took = took.max(at.elapsed());
            tokio::time::sleep(SETTLED).await;
            flushed += (process() - begun).saturating_sub(idle);
        }
        let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(uses);
        println!(
            "{rate}/s: {uses} uses in {FLUSHES} flushes, {:.3} us of CPU each: {:.3} noting, {:.3} writing \
             ({took:?} for the longest flush); {waiting_mb} MB at most",
            each(touched + flushed),
            each(touched),
            each(flushed),
        );
    }
    store.close().await.unwrap();
}

/// A second's uses; other work has the processor's cache in between.
fn second(
    cache: &Cache,
    entries: &[Arc<Entry>],
    now: Timestamp,
    rate: u64,
    random: &mut Random,
) -> Duration {
    let mut others = vec![0_u8; 1 << 20];
    let mut took = Duration::ZERO;
    let rate = usize::try_from(rate).unwrap();
    for begin in (0..rate).step_by(NEAR) {
        let some = (begin..rate.min(begin + NEAR)).map(|_| &entries[random.below(entries.len())]);
        let some: Vec<_> = some.cloned().collect();
        others.iter_mut().step_by(64).for_each(|byte| *byte = byte.wrapping_add(1));
        some.iter().for_each(|entry| {
            std::hint::black_box(entry.last_seen.at());
        });
        let at = cpu(ClockId::ThreadCPUTime);
        touch(cache, &some, now);
        took += cpu(ClockId::ThreadCPUTime) - at;
    }
    took
}

fn touch(cache: &Cache, entries: &[Arc<Entry>], now: Timestamp) {
    let (address, api) = (IpAddr::from([192, 0, 2, 1]), cache.api_number(&"erp".into()));
    for entry in entries {
        cache.touch(entry, now, address, api);
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// Of the whole process but for the thread with which sled tidies up behind the tokens that were made.
fn process() -> Duration {
    let mut tidying = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let read = |name: &str| std::fs::read_to_string(task.as_ref().unwrap().path().join(name));
        if read("comm").is_ok_and(|name| name.trim() == "log flusher") {
            let ran = read("schedstat").unwrap();
            tidying += ran.split(' ').next().unwrap().parse::<u64>().unwrap();
        }
    }
    cpu(ClockId::ProcessCPUTime) - Duration::from_nanos(tidying)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark; `clock` knows no processor time")]
fn cpu(of: ClockId) -> Duration {
    Duration::try_from(clock_gettime(of)).unwrap()
}
