//! Tokens at a glance, with uses that wait in memory or are on their way to the store.

use super::*;
use crate::store::{Order, TokenFilter, TokenQuery};

fn all(now: Timestamp) -> TokenQuery {
    let filter = TokenFilter::default();
    TokenQuery { filter, order: Order::Oldest, after: None, limit: 1_000, now }
}

/// The newest uses, in the order of the tokens.
async fn uses(cache: &Arc<Cache>, now: Timestamp) -> Vec<Option<Timestamp>> {
    let page = cache.glances(&all(now)).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (TOKENS, None));
    page.entries.iter().map(|glance| glance.used).collect()
}

fn after(seconds: u64) -> Timestamp {
    START.plus(Span::from_seconds(seconds))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_counts_before_it_is_written_and_after() {
    let world = world(1_000).await;
    let cache = &world.cache;
    assert_eq!(uses(cache, after(9)).await, [None; TOKENS]);
    let (address, api) = ([192, 0, 2, 1].into(), cache.api_number(&"erp".into()));
    let mut wanted = [None; TOKENS];
    for (seconds, every) in [(10, 2), (20, 3), (30, 5)] {
        for place in (0..TOKENS).step_by(every) {
            let entry = entry(cache, place).await.unwrap();
            cache.touch(&entry, after(seconds), address, api);
            wanted[place] = Some(after(seconds));
        }
        assert_eq!(uses(cache, after(40)).await, wanted, "in memory, above what is written");
        cache.flush_touches(after(seconds)).await.unwrap();
        assert_eq!(uses(cache, after(40)).await, wanted, "written");
    }
    // One that only a use in memory keeps alive is not among those that lay unused for too long.
    let late = START.plus(Span::from_days(100));
    let entry = entry(cache, 7).await.unwrap();
    cache.touch(&entry, late, address, api);
    let filter = TokenFilter {
        standings: Some(["idle_expired".parse().unwrap()].into()),
        ..TokenFilter::default()
    };
    let late = late.plus(Span::from_seconds(60));
    let over = cache.glances(&TokenQuery { filter, ..all(late) }).await.unwrap().entries;
    assert_eq!(over.len(), TOKENS - 1);
    assert!(over.iter().all(|glance| glance.id != token(7, 1).id));
}

/// Each round uses every token in the next second and waits for a look, while others write down and look.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_look_misses_a_use_that_is_written_down_meanwhile() {
    const ROUNDS: u64 = 200;
    let world = world(1_000).await;
    let (told, over) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let looks = Arc::new(AtomicI64::new(0));
    let looking = {
        let (cache, told, over) = (Arc::clone(&world.cache), Arc::clone(&told), Arc::clone(&over));
        let looks = Arc::clone(&looks);
        tokio::spawn(async move {
            while !over.load(Ordering::SeqCst) {
                let least = u64::try_from(told.load(Ordering::SeqCst)).unwrap();
                let seen = uses(&cache, after(1_000)).await;
                let least = (least > 0).then(|| after(least));
                assert!(seen.iter().all(|used| *used >= least), "{seen:?} after {least:?}");
                looks.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    let flushes = {
        let (cache, over) = (Arc::clone(&world.cache), Arc::clone(&over));
        tokio::spawn(async move {
            while !over.load(Ordering::SeqCst) {
                cache.flush_touches(after(1)).await.unwrap();
            }
        })
    };
    let (address, api) = ([192, 0, 2, 1].into(), world.cache.api_number(&"erp".into()));
    for round in 1..=ROUNDS {
        for place in 0..TOKENS {
            let entry = entry(&world.cache, place).await.unwrap();
            world.cache.touch(&entry, after(round), address, api);
        }
        told.store(i64::try_from(round).unwrap(), Ordering::SeqCst);
        let before = looks.load(Ordering::SeqCst);
        while looks.load(Ordering::SeqCst) == before && !looking.is_finished() {
            tokio::task::yield_now().await;
        }
    }
    over.store(true, Ordering::SeqCst);
    flushes.await.unwrap();
    looking.await.unwrap();
}
