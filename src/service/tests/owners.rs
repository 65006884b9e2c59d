//! Users and services.

use super::*;
use crate::service::owner_list::OwnerList;
use crate::store::Subject;

#[tokio::test]
async fn an_owner_is_made_once() {
    let world = World::new().await;
    let body = json!({
        "id": "bob", "kind": "service", "email": "bob@example.com", "company": "acme",
        "roles": ["b", "a", "b"], "ceiling": ["view", "0x100"]
    });
    let owner = world.owner(body.clone()).await.unwrap();
    assert_eq!((owner.name.as_str(), owner.ceiling.bits()), ("bob", 0x300));
    assert_eq!(owner.roles.len(), 2);
    assert_eq!(owner, world.service.owner(&world.by, &owner_id("bob")).await.unwrap());
    let error = world.owner(body).await.unwrap_err();
    assert_eq!((error.status(), error.kind()), (409, "exists"));
    assert_eq!(world.kinds().await, ["owner.created"]);
}

#[tokio::test]
async fn bad_owners_name_their_field() {
    let world = World::new().await;
    for (body, field) in [
        (json!({}), "id"),
        (json!({"id": "a", "name": "\t"}), "name"),
        (json!({"id": "a", "email": "nobody"}), "email"),
        (json!({"id": "a", "ceiling": ["veiw"]}), "ceiling"),
    ] {
        let error = world.owner(body.clone()).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (400, Some(field)), "{body}");
    }
    let orphan = world.owner(json!({"id": "a", "parent": "b"})).await;
    assert_eq!(problem(orphan), (404, "there is no user `b`".to_owned()));
    assert!(world.kinds().await.is_empty());
}

#[tokio::test]
async fn e6_e7_a_block_is_not_a_revoke() {
    let world = World::with_alice().await;
    let token = world.token().await;
    let alice = owner_id("alice");
    for changed in [true, false] {
        let blocked = world.service.block_owner(&world.by, &alice, "left").await.unwrap();
        assert_eq!(blocked.changed, changed);
        assert_eq!(blocked.user.blocked.unwrap().reason, "left");
    }
    let shown = world.service.token(&world.by, token.id).await.unwrap();
    assert!(shown.blocked && shown.state == token.state);
    for changed in [true, false] {
        let back = world.service.unblock_owner(&world.by, &alice, "").await.unwrap();
        assert_eq!((back.changed, back.user.blocked), (changed, None));
    }
    assert_eq!(world.service.token(&world.by, token.id).await.unwrap(), token);
    let kinds = ["owner.unblocked", "owner.blocked", "token.created", "owner.created"];
    assert_eq!(world.kinds().await, kinds);
    let nobody = world.service.block_owner(&world.by, &owner_id("nobody"), "").await;
    assert_eq!(problem(nobody).0, 404);
}

#[tokio::test]
async fn owners_are_listed_page_by_page() {
    let world = World::new().await;
    for id in ["carol", "alice", "bob"] {
        world.owner(json!({ "id": id })).await.unwrap();
    }
    let page = world.service.owners(&world.by, &OwnerList::page(None, 2)).await.unwrap();
    let names: Vec<_> = page.entries.iter().map(|owner| owner.id.as_str()).collect();
    assert_eq!(names, ["alice", "bob"]);
    let rest = world.service.owners(&world.by, &OwnerList::page(page.next, 2)).await.unwrap();
    assert_eq!((rest.entries[0].id.as_str(), rest.next), ("carol", None));
}

#[tokio::test]
async fn x2_the_history_tells_who_did_what_to_whom() {
    let world = World::with_alice().await;
    let token = world.token().await;
    world.service.revoke_token(&world.by, token.id, "leaked").await.unwrap();
    let alice = Subject::Owner(owner_id("alice"));
    let page = world.service.events(&world.by, Some(&alice), None, 2).await.unwrap();
    let newest = serde_json::to_value(&page.entries[0]).unwrap();
    assert_eq!(
        newest,
        json!({
            "position": 3, "kind": "token.revoked", "actor": "local:1000", "reason": "leaked",
            "at": NOW.to_string(), "effective_at": NOW.to_string(),
            "tokens": [token.id], "users": ["alice"]
        })
    );
    let rest = world.service.events(&world.by, Some(&alice), page.next, 2).await.unwrap();
    assert_eq!((rest.entries[0].position, rest.next), (1, None));
    let token = Subject::Token(token.id);
    assert_eq!(
        world.service.events(&world.by, Some(&token), None, 9).await.unwrap().entries.len(),
        2
    );
}

#[tokio::test]
async fn a_reason_is_looked_through_for_secrets_by_those_alone_who_may_block() {
    use crate::cache::tests::late::Late;
    use std::sync::atomic::Ordering;

    let mut late = None;
    let world = World::over(|inner| {
        let store = Arc::new(Late::over(inner, tokio::sync::Semaphore::MAX_PERMITS));
        late = Some(Arc::clone(&store));
        store as Arc<dyn Store>
    })
    .await;
    let late = late.unwrap();
    for body in [json!({"id": "alice"}), json!({"id": "bob"})] {
        world.owner(body).await.unwrap();
    }
    let bob = Caller::person(&world.service.owner_record(&owner_id("bob")).await.unwrap());
    let (alice, acme) = (owner_id("alice"), "acme".parse().unwrap());
    let words = |each: &str| (0..12).map(|nth| format!("{each}{nth:02} ")).collect::<String>();
    let (fits, long) = (words(&"x".repeat(30)), words(&"x".repeat(120)));
    for (by, reason, refused) in [(&bob, &fits, [403, 404]), (&world.by, &long, [400, 400])] {
        let before = late.reads.load(Ordering::SeqCst);
        let user = world.service.block_owner(by, &alice, reason).await.unwrap_err();
        let company = world.service.block_company(by, &acme, reason).await.unwrap_err();
        for error in [user, company] {
            assert!(refused.contains(&error.status()), "{error}");
        }
        assert_eq!(late.reads.load(Ordering::SeqCst), before, "nothing is looked up");
    }
    let before = late.reads.load(Ordering::SeqCst);
    world.service.block_owner(&world.by, &alice, &fits).await.unwrap();
    assert!(late.reads.load(Ordering::SeqCst) - before >= 12, "each word is looked up");
}
