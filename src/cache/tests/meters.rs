//! What was used of limits: kept while it matters, and never more left after a crash than before.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;

use super::{START, World, token, token_commit, usual, world, world_with};
use crate::cache::load::LoadError;
use crate::cache::{At, Cache, Entry, Lookup, Seat, Taken};
use crate::domain::left::Left;
use crate::domain::limits::{Limit, Limits};
use crate::domain::time::Span;
use crate::domain::token::{Revision, Token};

const HOUR: u64 = 3_600_000_000_000;

fn at(seconds: u64) -> At {
    At { now: START.plus(Span::from_seconds(seconds)), uptime_ns: seconds * 1_000_000_000 }
}

/// Gives token 0 these limits.
async fn limit(world: &World, limits: &str) -> Token {
    let held = world.cache.store().token(token(0, 1).id).await.unwrap().unwrap();
    let revision = Revision(held.revision.0 + 1);
    let limits: Limits = serde_json::from_str(limits).unwrap();
    let limited = Token { limits, revision, ..Token::clone(&held) };
    world.cache.commit(token_commit(limited.clone())).await.unwrap();
    limited
}

async fn entry(cache: &Arc<Cache>, token: &Token) -> Arc<Entry> {
    cache.load(&token.digest).await.unwrap().unwrap()
}

/// As the gateway asks.
async fn take(cache: &Arc<Cache>, token: &Token, at: At) -> Result<Result<Seat, Limit>, LoadError> {
    let entry = entry(cache, token).await;
    let limited = entry.limited.as_ref().unwrap();
    let taken = match limited.take(at) {
        Taken::Unreserved => cache.take(limited, at).await?,
        taken => taken,
    };
    match taken {
        Taken::Seat(seat) => Ok(Ok(seat)),
        Taken::Refused(limit) => Ok(Err(limit)),
        Taken::Unreserved => panic!("the cache itself does not know"),
    }
}

async fn permitted(cache: &Arc<Cache>, token: &Token, asked: usize) -> usize {
    let mut permitted = 0;
    for _ in 0..asked {
        permitted += usize::from(take(cache, token, at(0)).await.unwrap().is_ok());
    }
    permitted
}

async fn left(cache: &Cache, token: &Token) -> Left {
    cache.left(token, at(0)).await.unwrap().unwrap()
}

/// The task that loaded a record lets go of it in its own time.
async fn put_all_away(cache: &Cache, uptime_ns: u64) {
    for _ in 0..10_000 {
        cache.put_meters_away(uptime_ns).await.unwrap();
        if cache.meters.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!("a meter stays that nobody holds");
}

/// A cache that knows nothing but what is in the store: as after a crash.
fn crashed(world: &World) -> Arc<Cache> {
    Cache::new(Arc::clone(world.cache.store()), usual(100), Handle::current())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_loses_at_most_a_block_and_adds_nothing() {
    for (uses, used, block) in [(5, 3, 1), (99, 1, 1), (1_000, 13, 10), (1_000_000, 1, 1_000)] {
        let world = world(100).await;
        let limits = format!(r#"{{"uses":{uses},"quotas":{{"day":{uses}}}}}"#);
        let token = limit(&world, &limits).await;
        assert_eq!(permitted(&world.cache, &token, used).await, used);
        let exact = uses - u64::try_from(used).unwrap();
        assert_eq!(left(&world.cache, &token).await.uses, Some(exact));
        let after = crashed(&world);
        let left = left(&after, &token).await;
        let known = left.uses.unwrap();
        assert!((exact + 1 - block..=exact).contains(&known), "{known} left of {exact}");
        assert_eq!(left.quotas.values().next().unwrap().requests, known);
        if uses < 100 {
            assert_eq!(permitted(&after, &token, 100).await, usize::try_from(known).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_of_a_block_is_given_back() {
    let world = world(100).await;
    let token = limit(&world, r#"{"uses":1000,"quotas":{"week":2000}}"#).await;
    assert_eq!(permitted(&world.cache, &token, 3).await, 3);
    // While its record is held it stays; then it goes, and its meter with it.
    world.cache.put_meters_away(0).await.unwrap();
    assert!(left(&crashed(&world), &token).await.uses < Some(997));
    world.cache.forget_token(&token.digest);
    put_all_away(&world.cache, 0).await;
    assert_eq!(left(&crashed(&world), &token).await.uses, Some(997));
    // And at a stop, whatever is held.
    assert_eq!(permitted(&world.cache, &token, 3).await, 3);
    world.cache.give_back().await.unwrap();
    let left = left(&crashed(&world), &token).await;
    assert_eq!((left.uses, left.quotas.values().next().unwrap().requests), (Some(994), 1_994));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_meter_outlives_its_record_as_long_as_it_says_something() {
    let world = world(100).await;
    let rate = r#"{"rate":{"requests":1,"per":"hour"},"concurrent":2}"#;
    let token = limit(&world, rate).await;
    let seat = take(&world.cache, &token, at(0)).await.unwrap().unwrap();
    let held = || !world.cache.meters.is_empty();
    for (uptime_ns, stays) in [(0, true), (HOUR - 1, true), (HOUR, true)] {
        world.cache.forget_token(&token.digest);
        world.cache.put_meters_away(uptime_ns).await.unwrap();
        assert_eq!(held(), stays, "a request is under way");
    }
    drop(seat);
    world.cache.put_meters_away(HOUR - 1).await.unwrap();
    assert!(held() && take(&world.cache, &token, at(3_599)).await.unwrap().is_err());
    world.cache.forget_token(&token.digest);
    put_all_away(&world.cache, HOUR).await;
    // Records without limits have none.
    let other = super::token(1, 1);
    assert!(entry(&world.cache, &other).await.limited.is_none());
    assert!(!held());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_reserved_is_not_permitted_and_does_not_count() {
    let world = world(100).await;
    let token = limit(&world, r#"{"uses":2,"rate":{"requests":2,"per":"hour"}}"#).await;
    world.late.counts_fail.store(true, Ordering::SeqCst);
    for _ in 0..10 {
        let refused = take(&world.cache, &token, at(0)).await;
        assert!(matches!(refused, Err(LoadError::Store(_))), "{refused:?}");
    }
    world.late.counts_fail.store(false, Ordering::SeqCst);
    assert_eq!(permitted(&world.cache, &token, 5).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_store_is_waited_for_in_time_and_whoever_leaves_takes_nothing_along() {
    let settings = crate::config::settings::CacheSettings {
        load_timeout: std::time::Duration::from_millis(50),
        ..usual(100)
    };
    let world = world_with(settings, 1).await;
    let token = limit(&world, r#"{"uses":40}"#).await;
    let entry = entry(&world.cache, &token).await;
    let limited = entry.limited.as_ref().unwrap();
    let permit = world.late.gate.acquire().await.unwrap();
    assert_eq!(world.cache.take(limited, at(0)).await.unwrap_err(), LoadError::Slow);
    assert_eq!(world.cache.take(limited, at(0)).await.unwrap_err(), LoadError::Slow);
    assert!(matches!(limited.take(at(0)), Taken::Unreserved), "and nobody else goes through");
    drop(permit);
    let mut permitted = 0;
    for _ in 0..200 {
        match world.cache.take(limited, at(0)).await {
            Ok(Taken::Seat(_)) => permitted += 1,
            Ok(Taken::Refused(_)) => break,
            Ok(Taken::Unreserved) | Err(_) => {}
        }
    }
    assert_eq!(permitted, 40);
    assert_eq!(left(&crashed(&world), &token).await.uses, Some(0));
    let look = world.cache.look(&token.digest);
    assert!(matches!(look, Lookup::Held(_)), "the record is nothing to it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_stood_ahead_neither_gives_a_quota_nor_takes_the_next_one() {
    let world = world(100).await;
    let token = limit(&world, r#"{"quotas":{"month":2}}"#).await;
    let day = 86_400;
    // Ahead, then right; the next month; behind for a while; later.
    for (days, asked, permitted) in [(400, 1, 1), (0, 4, 1), (40, 4, 2), (10, 4, 0), (70, 4, 2)] {
        let at = at(days * day);
        let mut taken = 0;
        for _ in 0..asked {
            taken += usize::from(take(&world.cache, &token, at).await.unwrap().is_ok());
        }
        assert_eq!(taken, permitted, "{days}");
        // So it is by what is on disk.
        world.cache.give_back().await.unwrap();
        let known = crashed(&world).left(&token, at).await.unwrap();
        assert_eq!(known, world.cache.left(&token, at).await.unwrap());
    }
}

/// Token 0 and a successor of it, as a rotation leaves them.
async fn family(world: &World, limits: &str) -> [Token; 2] {
    let first = limit(world, limits).await;
    let spare = world.cache.store().token(token(1, 1).id).await.unwrap().unwrap();
    let successor = Token {
        limits: first.limits.clone(),
        rotated_from: Some(first.id),
        family: Some(first.metered_as()),
        revision: Revision(spare.revision.0 + 1),
        ..Token::clone(&spare)
    };
    world.cache.commit(token_commit(successor.clone())).await.unwrap();
    [first, successor]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_family_draws_on_one_meter_over_restarts() {
    for (limits, most) in [
        (r#"{"uses":5}"#, 5),
        (r#"{"quotas":{"month":5}}"#, 5),
        (r#"{"rate":{"requests":5,"per":"hour"}}"#, 5),
    ] {
        let world = world(100).await;
        let [first, successor] = family(&world, limits).await;
        let used = permitted(&world.cache, &first, 1).await
            + permitted(&world.cache, &successor, 2).await
            + permitted(&world.cache, &first, 1).await;
        assert_eq!(used, 4);
        let known = left(&world.cache, &first).await;
        assert_eq!(known, left(&world.cache, &successor).await, "{limits}");
        world.cache.give_back().await.unwrap();
        let after = crashed(&world);
        let counted = first.limits.is_counted();
        if counted {
            assert_eq!(left(&after, &successor).await, known, "before any record is held");
        }
        let cache = if counted { &after } else { &world.cache };
        let rest = permitted(cache, &successor, 3).await + permitted(cache, &first, 3).await;
        assert_eq!(used + rest, most, "{limits}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_family_shares_what_is_under_way_and_each_has_its_own_limits() {
    let world = world(100).await;
    let [first, successor] = family(&world, r#"{"uses":9,"concurrent":1}"#).await;
    let seat = take(&world.cache, &first, at(0)).await.unwrap().unwrap();
    assert!(take(&world.cache, &successor, at(0)).await.unwrap().is_err());
    drop(seat);
    drop(take(&world.cache, &successor, at(0)).await.unwrap().unwrap());
    // A limit that is taken back for one of them counts what both have used.
    let limits: Limits = serde_json::from_str(r#"{"uses":2}"#).unwrap();
    let narrowed = Token { limits, revision: successor.revision.next(), ..successor };
    world.cache.commit(token_commit(narrowed.clone())).await.unwrap();
    assert_eq!(permitted(&world.cache, &narrowed, 3).await, 0);
    assert_eq!(permitted(&world.cache, &first, 9).await, 7);
}

/// The meter of a family stays while any of its records is held, and is put away after the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_meter_of_a_family_is_put_away_with_its_last_record() {
    let world = world(100).await;
    let [first, successor] = family(&world, r#"{"uses":1000}"#).await;
    assert_eq!(permitted(&world.cache, &first, 2).await, 2);
    assert_eq!(permitted(&world.cache, &successor, 1).await, 1);
    world.cache.forget_token(&first.digest);
    world.cache.put_meters_away(0).await.unwrap();
    assert!(!world.cache.meters.is_empty());
    world.cache.forget_token(&successor.digest);
    put_all_away(&world.cache, 0).await;
    assert_eq!(left(&crashed(&world), &successor).await.uses, Some(997));
}
