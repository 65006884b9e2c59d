//! Floods of unknown tokens over a store whose reads stand still until the test lets them go on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::{TOKENS, World, secret, usual, world_with};
use crate::cache::LINE;
use crate::cache::load::{LoadError, Outcome};
use crate::config::settings::CacheSettings;
use crate::domain::secret::Digest;

const LOADS: usize = 4;

fn few_loads(load_timeout: Duration) -> CacheSettings {
    CacheSettings { loads: LOADS, load_timeout, ..usual(1_000) }
}

fn digest(place: usize) -> Digest {
    Digest::of(secret(place).as_bytes())
}

/// Asks for a token beside the test.
fn ask(world: &World, place: usize) -> JoinHandle<Outcome> {
    let cache = Arc::clone(&world.cache);
    tokio::spawn(async move { cache.load(&digest(place)).await })
}

/// Lets everything that can go on do so.
async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_flood_of_unknown_tokens_keeps_no_honest_one_out() {
    let world = world_with(few_loads(Duration::from_secs(60)), 0).await;
    let flood: Vec<_> = (0..LOADS * LINE - TOKENS).map(|at| ask(&world, 1_000 + at)).collect();
    settle().await;
    assert_eq!(world.late.inside.load(Ordering::SeqCst), LOADS, "loads are bounded in all");
    let honest: Vec<_> = (0..TOKENS).map(|place| ask(&world, place)).collect();
    let again: Vec<_> = (0..TOKENS).map(|place| ask(&world, place)).collect();
    settle().await;
    assert_eq!(world.late.inside.load(Ordering::SeqCst), LOADS);
    world.late.gate.add_permits(1);
    for one in flood {
        assert_eq!(one.await.unwrap().map(|found| found.is_some()), Ok(false));
    }
    for one in honest.into_iter().chain(again) {
        assert_eq!(one.await.unwrap().map(|found| found.is_some()), Ok(true));
    }
    let reads = world.late.reads.load(Ordering::Relaxed);
    assert_eq!(reads, LOADS * LINE, "each token was read once, however many asked for it");
}

#[tokio::test]
async fn turns_come_in_the_order_of_asking() {
    let world = world_with(few_loads(Duration::from_secs(60)), 0).await;
    let strangers: Vec<_> = (0..LOADS).map(|at| ask(&world, 1_000 + at)).collect();
    settle().await;
    let honest = ask(&world, 0);
    settle().await;
    let late: Vec<_> = (0..LOADS * LINE / 2).map(|at| ask(&world, 2_000 + at)).collect();
    settle().await;
    // One place at the store becomes free for each stranger that came before, and no more: reads
    // that have begun later stay inside.
    world.late.gate.add_permits(1);
    assert_eq!(honest.await.unwrap().map(|found| found.is_some()), Ok(true));
    assert!(!late.last().unwrap().is_finished(), "whoever came last was not before the honest one");
    for one in strangers.into_iter().chain(late) {
        assert_eq!(one.await.unwrap().map(|found| found.is_some()), Ok(false));
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_a_load_may_take_and_the_line_is_bounded() {
    let world = world_with(few_loads(Duration::from_millis(200)), 0).await;
    let places = LOADS * (LINE + 1);
    let asked: Vec<_> = (0..places).map(|at| ask(&world, 1_000 + at)).collect();
    settle().await;
    let refused = world.cache.load(&digest(0)).await.map(|_| ());
    assert_eq!(refused, Err(LoadError::Busy), "the line is full");
    let mut outcomes = Vec::new();
    for one in asked {
        outcomes.push(one.await.unwrap().map(|_| ()).unwrap_err());
    }
    let (at_the_store, in_the_line) = outcomes.split_at(LOADS);
    assert!(at_the_store.iter().all(|error| *error == LoadError::Slow), "{at_the_store:?}");
    assert!(in_the_line.iter().all(|error| *error == LoadError::Busy), "{in_the_line:?}");
    // And nothing of it stays behind.
    world.late.gate.add_permits(1);
    assert!(world.cache.load(&digest(0)).await.unwrap().is_some());
    settle().await;
    assert_eq!(world.cache.places.available_permits(), places);
    assert_eq!(world.cache.turns.available_permits(), LOADS);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_costs_the_store_nothing() {
    let world = world_with(few_loads(Duration::from_secs(60)), 0).await;
    let reading: Vec<_> = (0..LOADS).map(|at| ask(&world, 1_000 + at)).collect();
    settle().await;
    let left: Vec<_> = (0..20).map(|at| ask(&world, 2_000 + at)).collect();
    let (one_of_two, other) = (ask(&world, 3), ask(&world, 3));
    settle().await;
    for one in left {
        one.abort();
        assert!(one.await.unwrap_err().is_cancelled());
    }
    one_of_two.abort();
    world.late.gate.add_permits(1);
    assert!(other.await.unwrap().unwrap().is_some(), "the other one waits still");
    for one in reading {
        assert!(one.await.unwrap().unwrap().is_none());
    }
    assert_eq!(world.late.reads.load(Ordering::Relaxed), LOADS + 1);
    assert!(world.cache.shards.iter().all(|shard| shard.lock().unwrap().loads.is_empty()));
}
