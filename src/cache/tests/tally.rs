//! Requests by the day: each is counted once, on its day, whatever the store does meanwhile.

use std::sync::atomic::Ordering;

use super::*;
use crate::domain::day::{Day, Requests};

const TODAY: Day = Day::of(START);

fn requests(permitted: u32, refused: u32) -> Requests {
    Requests { permitted, refused }
}

async fn told(world: &World, place: usize, days: u32) -> Vec<Requests> {
    let until = Day::of(world.clock.now());
    world.cache.requests(token(place, 1).id, until.back(days - 1)..=until).await.unwrap()
}

#[tokio::test]
async fn requests_are_told_of_before_and_after_they_are_written_down() {
    let world = world(1_000).await;
    let [one, other] = [(); 2].map(|()| world.cache.tally());
    let entry = entry(&world.cache, 0).await.unwrap();
    let count = |tally: &_, at, permitted, times| {
        (0..times).for_each(|_| world.cache.count(tally, &entry, at, permitted));
    };
    count(&one, START, true, 3_000);
    count(&other, START, true, 5);
    count(&other, START, false, 2);
    assert_eq!(told(&world, 0, 1).await, [requests(3_005, 2)]);
    world.cache.flush_requests().await.unwrap();
    count(&one, START, false, 1);
    assert_eq!(told(&world, 0, 2).await, [requests(0, 0), requests(3_005, 3)]);
    assert_eq!(told(&world, 1, 1).await, [requests(0, 0)], "of another token");

    // The last second of a day is that day's, though it is written down on the next.
    let midnight = TODAY.begin().plus(Span::from_days(1));
    count(&one, Timestamp::from_unix(midnight.unix() - 1), true, 10);
    world.clock.advance(midnight.since(START));
    count(&one, midnight, true, 4);
    for _ in 0..2 {
        assert_eq!(told(&world, 0, 2).await, [requests(3_015, 3), requests(4, 0)]);
        world.cache.flush_requests().await.unwrap();
    }
    let kept = world.late.inner.requests(token(0, 1).id.into(), TODAY..=TODAY).await.unwrap();
    assert_eq!(kept, [requests(3_015, 3)]);
}

#[tokio::test]
async fn what_cannot_be_written_down_is_kept_and_written_once() {
    let world = world(1_000).await;
    let tally = world.cache.tally();
    world.late.counts_fail.store(true, Ordering::SeqCst);
    for place in 0..TOKENS {
        let entry = entry(&world.cache, place).await.unwrap();
        world.cache.count(&tally, &entry, START, true);
    }
    for _ in 0..3 {
        world.cache.flush_requests().await.unwrap_err();
        assert_eq!(told(&world, 5, 1).await, [requests(1, 0)]);
    }
    world.late.counts_fail.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        world.cache.flush_requests().await.unwrap();
        for place in 0..TOKENS {
            assert_eq!(told(&world, place, 1).await, [requests(1, 0)]);
        }
    }
}

/// Whoever asks in the midst of a flush is told the same as before and after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_told_twice_or_left_out_while_it_is_written_down() {
    let world = world(1_000).await;
    let entry = entry(&world.cache, 0).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let flushing = tokio::spawn({
        let (cache, stop) = (world.cache.clone(), stop.clone());
        async move {
            while !stop.load(Ordering::SeqCst) {
                cache.flush_requests().await.unwrap();
            }
        }
    });
    let tally = world.cache.tally();
    for round in 1..=200 {
        (0..17).for_each(|_| world.cache.count(&tally, &entry, START, round % 2 == 0));
        let [Requests { permitted, refused }] = told(&world, 0, 1).await[..] else { panic!() };
        assert_eq!(permitted + refused, round * 17);
    }
    stop.store(true, Ordering::SeqCst);
    flushing.await.unwrap();
}
