//! A token that gets another secret: the old one is worth nothing from the answer on, wherever it
//! was held or just being loaded.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{World, secret, token, token_commit, usual, world, world_with};
use crate::cache::{Entry, Lookup};
use crate::domain::secret::Digest;
use crate::domain::token::Token;

fn digest(place: usize) -> Digest {
    Digest::of(secret(place).as_bytes())
}

/// Token 0 with the secret of a place where nobody is.
fn rotated() -> Token {
    Token { digest: digest(900), ..token(0, 2) }
}

async fn found(world: &World, place: usize) -> Option<Arc<Entry>> {
    world.cache.load(&digest(place)).await.unwrap()
}

#[tokio::test]
async fn a_change_of_the_digest_forgets_the_old_one_too() {
    let world = world(1_000).await;
    let old = found(&world, 0).await.unwrap();
    assert!(found(&world, 900).await.is_none(), "known to be nobody's");
    world.cache.commit(token_commit(rotated())).await.unwrap();
    assert!(!old.is_valid(), "the tables of the cores go by this");
    assert!(matches!(world.cache.look(&digest(0)), Lookup::Absent));
    assert!(found(&world, 0).await.is_none(), "the old secret is nobody's");
    assert_eq!(found(&world, 900).await.unwrap().id, old.id);

    // And back again: what was remembered as unknown is not.
    world.cache.commit(token_commit(token(0, 3))).await.unwrap();
    assert_eq!(found(&world, 0).await.unwrap().id, old.id);
    assert!(found(&world, 900).await.is_none());
}

/// sec-C5: the read of the old digest is done before the change and arrives after it.
#[tokio::test]
async fn a_load_of_the_old_digest_that_is_under_way_brings_nothing() {
    let world = world_with(usual(1_000), 0).await;
    let cache = Arc::clone(&world.cache);
    world.late.holds_answers.store(true, Ordering::SeqCst);
    let loading = tokio::spawn(async move { cache.load(&digest(0)).await });
    while world.late.inside.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    world.cache.commit(token_commit(rotated())).await.unwrap();
    world.late.gate.add_permits(1);
    assert!(loading.await.unwrap().unwrap().is_none(), "the old record entered after the change");
    assert!(world.cache.counts.overtaken.value() > 0, "it was not under way");
    assert!(found(&world, 0).await.is_none());
}

/// Nobody can make such digests; even so, none is taken for another.
#[tokio::test]
async fn digests_that_begin_alike_are_told_apart() {
    let world = world(1_000).await;
    let alike_up_to = |byte: usize| {
        let mut bytes = *digest(0).as_bytes();
        bytes[byte] ^= 1;
        Digest::from_bytes(bytes)
    };
    // The store tells tokens apart by half of their digests, the cache by more.
    let (other, twin) = (alike_up_to(20), alike_up_to(15));
    let first = found(&world, 0).await.unwrap();
    for unknown in [other, twin] {
        assert!(world.cache.load(&unknown).await.unwrap().is_none());
        assert!(matches!(world.cache.look(&unknown), Lookup::Unknown));
    }
    world.cache.commit(token_commit(Token { digest: twin, ..token(1, 2) })).await.unwrap();
    let second = world.cache.load(&twin).await.unwrap().unwrap();
    assert_eq!(second.digest, twin);
    assert!(first.is_valid() && !Arc::ptr_eq(&first, &second));
    world.cache.commit(token_commit(Token { digest: twin, ..token(1, 3) })).await.unwrap();
    assert!(!second.is_valid() && first.is_valid());
    assert!(Arc::ptr_eq(&found(&world, 0).await.unwrap(), &first));
}
