//! Rotation: both work for a while, and then the old one does not.

use std::net::IpAddr;

use super::*;
use crate::domain::token::State;
use crate::service::input::Rotation;
use crate::service::rotate::Rotated;

impl World {
    async fn rotate(&self, id: TokenId, body: Value) -> Result<Rotated, ServiceError> {
        self.service.rotate_token(&self.by, id, input::<Rotation>(body)).await
    }

    async fn state(&self, id: TokenId) -> State {
        self.service.token(&self.by, id).await.unwrap().state
    }

    /// A request with a token goes through.
    async fn uses(&self, id: TokenId) {
        let token = self.service.token_record(id).await.unwrap();
        let cache = &self.service.cache;
        let entry = cache.load(&token.digest).await.unwrap().unwrap();
        let address = IpAddr::from([192, 0, 2, 1]);
        cache.touch(&entry, self.clock.now(), address, cache.api_number(&Arc::from("shop")));
    }
}

fn seconds(seconds: u64) -> Span {
    Span::from_seconds(seconds)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_has_the_same_rights_and_both_work_for_the_grace() {
    let world = World::with_alice().await;
    let old = world
        .create(json!({"owner": "alice", "name": "ci", "flags": ["view"], "contexts": ["stock"],
            "items": ["10"], "lifetime": "10d", "idle_ttl": "5d", "params": {"a": 1}}))
        .await
        .unwrap();
    world.clock.advance(seconds(86_400));
    let rotated = world.rotate(old.id, json!({"grace": "1h", "reason": "yearly"})).await.unwrap();
    let new = &rotated.token;
    assert!(rotated.secret.is_some() && new.id != old.id);
    assert_eq!((new.rotated_from, rotated.old.rotated_to), (Some(old.id), Some(new.id)));
    assert_eq!(
        (&new.name, &new.contexts, &new.items, new.flags, &new.params, new.idle_ttl),
        (&old.name, &old.contexts, &old.items, old.flags, &old.params, old.idle_ttl)
    );
    let now = world.clock.now();
    assert_eq!(new.expires_at, Some(now.plus(seconds(10 * 86_400))), "as long as the old one had");
    assert_eq!(rotated.old.expires_at, Some(now.plus(seconds(3_600))));
    assert_eq!(world.kinds().await[0], "token.rotated", "one act");
    assert_eq!(world.state(old.id).await, State::Active);
    world.clock.advance(seconds(3_599));
    assert_eq!(world.state(old.id).await, State::Active);
    world.clock.advance(seconds(1));
    assert_eq!(
        (world.state(old.id).await, world.state(new.id).await),
        (State::Expired, State::Active)
    );

    let again = world.rotate(new.id, json!({"grace": 0})).await.unwrap();
    assert_eq!(world.state(new.id).await, State::Expired, "no grace ends it at once");
    let refused = problem(world.rotate(old.id, json!({})).await);
    assert_eq!(refused.0, 409, "what has ended is not rotated");
    let third = again.token.id;
    world.rotate(third, json!({})).await.unwrap();
    let (status, text) = problem(world.rotate(third, json!({})).await);
    assert!(status == 409 && text.contains("has a successor already"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grace_never_makes_a_life_longer() {
    let world = World::with_alice().await;
    let old = world.create(json!({"owner": "alice", "name": "ci", "lifetime": 60})).await.unwrap();
    let rotated = world.rotate(old.id, json!({"grace": "30d"})).await.unwrap();
    assert_eq!(rotated.old.expires_at, old.expires_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_one_retires_some_time_after_the_first_use_of_the_new_one() {
    let world = World::with_alice().await;
    let old = world.token().await;
    let body = json!({"grace": "30d", "after_use": "10m"});
    let new = world.rotate(old.id, body).await.unwrap().token;
    world.uses(old.id).await;
    world.service.retire_rotated().await.unwrap();
    let shown = async || world.service.token(&world.by, old.id).await.unwrap();
    let expiry = async || shown().await.expires_at.unwrap();
    assert_eq!(shown().await.retire_after_use, Some(seconds(600)), "beside its end");
    let late = expiry().await;
    assert_eq!(late, world.clock.now().plus(seconds(30 * 86_400)), "only the old one was used");
    world.clock.advance(seconds(100));
    world.uses(new.id).await;
    world.service.retire_rotated().await.unwrap();
    let end = world.clock.now().plus(seconds(600));
    assert_eq!(expiry().await, end);
    assert_eq!(shown().await.retire_after_use, None, "it is its end now");
    assert_eq!(world.kinds().await[0], "token.retired");
    world.clock.advance(seconds(1));
    world.uses(new.id).await;
    world.uses(old.id).await;
    world.service.retire_rotated().await.unwrap();
    assert_eq!(expiry().await, end, "later uses do not move it");
}

/// A crash between the use of the successor and the change: the next use of the old one sees it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_retired_in_time_is_retired_when_it_is_used() {
    let world = World::with_alice().await;
    let old = world.token().await;
    let new = world.rotate(old.id, json!({"grace": "30d", "after_use": 60})).await.unwrap().token;
    world.uses(new.id).await;
    assert_eq!(world.service.cache.take_rotating().len(), 1, "and is forgotten");
    world.clock.advance(seconds(5));
    world.uses(old.id).await;
    world.service.retire_rotated().await.unwrap();
    let retired = world.service.token(&world.by, old.id).await.unwrap();
    assert_eq!(retired.expires_at, Some(NOW.plus(seconds(60))));
}

/// Whoever rotates says when the old secret stops to work, and nobody watches it afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_rotated_token_is_not_put_off() {
    let world = World::with_alice().await;
    let old = world.create(json!({"owner": "alice", "name": "ci", "lifetime": 0})).await.unwrap();
    let free = json!({"expires_at": null});
    assert!(world.update(old.id, free.clone()).await.is_ok(), "before it is rotated");
    world.rotate(old.id, json!({"grace": "1h"})).await.unwrap();
    for change in [free, json!({"lifetime": 0}), json!({"lifetime": "2h"})] {
        let error = world.update(old.id, change.clone()).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (400, Some("expires_at")), "{change}");
        assert!(error.to_string().contains("the token was rotated"), "{error}");
    }
    world.update(old.id, json!({"name": "old", "lifetime": "1h"})).await.unwrap();
    let sooner = world.update(old.id, json!({"lifetime": "30m"})).await.unwrap();
    assert_eq!(sooner.token.expires_at, Some(NOW.plus(seconds(1_800))));
}
