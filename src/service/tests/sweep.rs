//! The sweeper over a store that cannot read everything.

use super::*;
use crate::cache::tests::late::Late;

#[tokio::test]
async fn a_record_that_cannot_be_read_keeps_no_other_token_alive() {
    let mut late = None;
    let world = World::over(|inner| {
        let over = Arc::new(Late::over(inner, usize::MAX >> 3));
        late = Some(Arc::clone(&over));
        over as Arc<dyn Store>
    })
    .await;
    let unreadable = &late.unwrap().unreadable;
    world.owner(json!({"id": "alice"})).await.unwrap();
    // More than one batch, in the order of their deadlines.
    let mut ids = Vec::new();
    for _ in 0..200 {
        ids.push(world.token().await.id);
        world.clock.advance(Span::from_seconds(1));
    }
    world.clock.advance(Span::from_days(400));
    let now = world.clock.now();
    *unreadable.lock().unwrap() = Some(ids[1]);
    let (mut ended, mut met, mut after) = (0, Vec::new(), None);
    loop {
        let swept = world.service.sweep(now, after).await.unwrap();
        ended += swept.ended;
        met.extend(swept.unreadable);
        after = swept.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((ended, met), (199, vec![ids[1]]));
    // It is ended as soon as it can be read.
    *unreadable.lock().unwrap() = None;
    let swept = world.service.sweep(now, None).await.unwrap();
    assert_eq!((swept.ended, swept.unreadable), (1, Vec::new()));
}
