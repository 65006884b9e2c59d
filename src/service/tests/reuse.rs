//! Rotated tokens that are shown after their end.

use std::net::IpAddr;

use super::*;
use crate::service::reuse::address_of;

#[tokio::test(flavor = "multi_thread")]
async fn reuse_is_told_once_an_hour_for_each_token_with_its_address() {
    let world = World::with_alice().await;
    let old = world.token().await;
    let rotated = world.service.rotate_token(&world.by, old.id, input(json!({"grace": 0}))).await;
    let plain = world.token().await;
    world.service.revoke_token(&world.by, plain.id, "").await.unwrap();
    let address = IpAddr::from([192, 0, 2, 7]);
    let shown = async |id| {
        use crate::domain::refusal::Refusal;
        let cache = &world.service.cache;
        let token = world.service.token_record(id).await.unwrap();
        let entry = cache.load(&token.digest).await.unwrap().unwrap();
        cache.note_refused(&entry, Refusal::Expired, address);
        cache.note_refused(&entry, Refusal::FlagsMissing, address);
    };
    let told = async || world.service.tell_reuse(world.clock.now()).await.unwrap();
    assert_eq!(told().await, 0);
    shown(plain.id).await;
    assert_eq!(told().await, 0, "it has no successor");
    for _ in 0..3 {
        shown(old.id).await;
    }
    assert_eq!((told().await, told().await), (1, 0));
    world.clock.advance(Span::from_seconds(3_599));
    world
        .service
        .update_token(&world.by, rotated.unwrap().token.id, &input(json!({"name": "b"})))
        .await
        .unwrap();
    shown(old.id).await;
    assert_eq!(told().await, 0);
    world.clock.advance(Span::from_seconds(1));
    shown(old.id).await;
    assert_eq!(told().await, 1);
    let subject = store::Subject::Token(old.id);
    let page = world.service.events(&world.by, Some(&subject), None, 9).await.unwrap();
    let reasons: Vec<_> = page.entries.iter().map(|view| view.event.reason.as_str()).collect();
    assert_eq!(
        reasons[..2].iter().map(|reason| address_of(reason)).collect::<Vec<_>>(),
        [Some(address); 2]
    );
    assert_eq!(world.kinds().await[0], "token.reused");
}
