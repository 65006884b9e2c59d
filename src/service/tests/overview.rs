//! Tokens and owners in numbers.

use super::*;
use crate::service::overview::{OwnerCounts, TokenCounts};

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_counted_by_where_they_stand() {
    let world = World::with_alice().await;
    world.owner(json!({"id": "bob"})).await.unwrap();
    let make = async |owner: &str, more: Value| {
        let mut body = json!({"owner": owner, "name": "ci", "lifetime": 0, "idle_ttl": 0});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.create(body).await.unwrap().id
    };
    let day = 86_400;
    make("alice", json!({"lifetime": "12h"})).await;
    make("alice", json!({"idle_ttl": 2 * day})).await;
    make("alice", json!({"lifetime": 14 * day, "idle_ttl": 20 * day})).await;
    make("alice", json!({"lifetime": 14 * day + 1})).await;
    make("alice", json!({"not_before": NOW.plus(Span::from_days(9)).to_string()})).await;
    let paused = make("alice", json!({})).await;
    world.service.disable_token(&world.by, paused, "").await.unwrap();
    let ended = make("alice", json!({})).await;
    world.service.revoke_token(&world.by, ended, "").await.unwrap();
    make("bob", json!({"lifetime": "2h"})).await;
    world.service.block_owner(&world.by, &owner_id("bob"), "").await.unwrap();

    let counts = world.service.token_counts(&world.by).await.unwrap();
    let wanted = TokenCounts {
        all: 8,
        active: 4,
        pending: 1,
        disabled: 1,
        blocked: 1,
        revoked: 1,
        never_used: 7,
        end_within_14_days: 4,
        end_within_3_days: 3,
        end_within_1_day: 2,
        ..TokenCounts::default()
    };
    assert_eq!(counts, wanted);
    let owners = world.service.owner_counts(&world.by).await.unwrap();
    assert_eq!(owners, OwnerCounts { all: 2, blocked: 1 });

    world.clock.advance(Span::from_days(3));
    let counts = world.service.token_counts(&world.by).await.unwrap();
    assert_eq!((counts.expired, counts.idle_expired, counts.blocked), (2, 1, 0));
}

/// Rows E6 and F5: what a page says will stop or go on is what does, also where two things stop a token.
#[tokio::test(flavor = "multi_thread")]
async fn e6_f5_what_stops_and_goes_on_is_counted_where_a_company_and_a_user_are_blocked() {
    let world = World::new().await;
    let service = &world.service;
    let acme: crate::domain::id::Slug = "acme".parse().unwrap();
    service.create_company(&world.by, input(json!({"id": "acme"}))).await.unwrap();
    for (owner, tokens) in [("uma", 3), ("leo", 2)] {
        world.owner(json!({"id": owner, "company": "acme"})).await.unwrap();
        for _ in 0..tokens {
            world.create(json!({"owner": owner, "name": "one"})).await.unwrap();
        }
    }
    let active = async || service.token_counts(&world.by).await.unwrap().active as u64;
    let of_uma = async || service.stopping(&world.by, &owner_id("uma")).await.unwrap();
    let of_acme = async || service.stopping_of_company(&world.by, &acme).await.unwrap();
    assert_eq!((of_uma().await, of_acme().await, active().await), (3, 5, 5));
    service.block_company(&world.by, &acme, "").await.unwrap();
    world.clock.advance(Span::from_seconds(60));
    assert_eq!((of_uma().await, of_acme().await, active().await), (0, 5, 0));
    service.block_owner(&world.by, &owner_id("uma"), "").await.unwrap();
    world.clock.advance(Span::from_seconds(60));
    assert_eq!((of_uma().await, of_acme().await, active().await), (0, 2, 0));
    service.unblock_company(&world.by, &acme, "").await.unwrap();
    world.clock.advance(Span::from_seconds(60));
    assert_eq!((of_uma().await, of_acme().await, active().await), (3, 2, 2));
    service.unblock_owner(&world.by, &owner_id("uma"), "").await.unwrap();
    world.clock.advance(Span::from_seconds(60));
    assert_eq!((of_uma().await, of_acme().await, active().await), (3, 5, 5));
}

/// What was changed since it was counted is shown as it is: in its place, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn e9_what_ends_soon_is_told_as_it_is_and_not_as_it_was_counted() {
    let world = World::with_alice().await;
    let mut ids = Vec::new();
    for days in [1, 2, 3, 4] {
        let body =
            json!({"owner": "alice", "name": "ci", "lifetime": days * 86_400, "idle_ttl": 0});
        ids.push(world.create(body).await.unwrap().id);
        world.clock.advance(Span::from_seconds(1));
    }
    let tally = world.service.tally(&world.by).await.unwrap();
    world.update(ids[0], json!({"lifetime": "84h"})).await.unwrap();
    world.update(ids[1], json!({"lifetime": "30d"})).await.unwrap();
    world.service.revoke_token(&world.by, ids[3], "").await.unwrap();
    let soonest = world.service.soonest(&world.by, &tally).await.unwrap();
    let soonest: Vec<_> = soonest.iter().map(|token| token.id).collect();
    assert_eq!(soonest, [ids[2], ids[0]]);
}
