//! Changing users and services.

use super::*;
use crate::service::caller::Tenant;
use crate::service::view::OwnerChanged;
use crate::store::Subject;

impl World {
    async fn update_owner(&self, id: &str, body: Value) -> Result<OwnerChanged, ServiceError> {
        self.service.update_owner(&self.by, &owner_id(id), &input(body)).await
    }
}

#[tokio::test]
async fn an_owner_is_changed_field_by_field_from_its_revision() {
    let world = World::with_alice().await;
    world.owner(json!({"id": "boss"})).await.unwrap();
    let change = json!({
        "name": "Alice B", "email": "a@example.com", "company": "acme", "parent": "boss",
        "roles": ["b", "a", "b"], "ceiling": ["view"], "reason": "married", "revision": 1,
    });
    let OwnerChanged { user, changed, left_behind, .. } =
        world.update_owner("alice", change.clone()).await.unwrap();
    assert!(changed && left_behind.is_none());
    assert_eq!(user, world.service.owner(&world.by, &owner_id("alice")).await.unwrap());
    let shown = serde_json::to_value(&user).unwrap();
    for (field, value) in [
        ("name", json!("Alice B")),
        ("email", json!("a@example.com")),
        ("company", json!("acme")),
        ("parent", json!("boss")),
        ("roles", json!(["a", "b"])),
        ("ceiling", json!(0x200)),
        ("revision", json!(2)),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    let stale = world.update_owner("alice", change).await.unwrap_err();
    assert_eq!((stale.status(), stale.kind()), (409, "conflict"));
    let same = world.update_owner("alice", json!({"name": "Alice B"})).await.unwrap();
    assert_eq!((same.changed, same.user.revision.0), (false, 2));

    let clear = json!({"email": null, "company": null, "parent": null, "roles": null});
    let cleared = world.update_owner("alice", clear).await.unwrap().user;
    assert_eq!((cleared.email, cleared.company, cleared.parent), (None, None, None));
    assert!(cleared.roles.is_empty() && cleared.name == "Alice B");

    let about = Subject::Owner(owner_id("alice"));
    let events = world.service.events(&world.by, Some(&about), None, 9).await.unwrap().entries;
    let first = serde_json::to_value(&events[1]).unwrap();
    assert_eq!((&first["kind"], &first["reason"]), (&json!("owner.updated"), &json!("married")));
    let fields: Vec<_> = events[1].changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["ceiling", "company", "email", "name", "parent", "roles"], "X2");
}

#[tokio::test]
async fn bad_changes_of_an_owner_name_their_field_and_change_nothing() {
    let world = World::with_alice().await;
    for (body, field) in [
        (json!({"name": null}), "name"),
        (json!({"name": "\t"}), "name"),
        (json!({"email": "nobody"}), "email"),
        (json!({"ceiling": null}), "ceiling"),
        (json!({"ceiling": ["veiw"]}), "ceiling"),
        (json!({"reason": "a\nb"}), "reason"),
        (json!({"roles": (0..101).map(|n| n.to_string()).collect::<Vec<_>>()}), "roles"),
    ] {
        let error = world.update_owner("alice", body.clone()).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (400, Some(field)), "{body}");
    }
    let orphan = world.update_owner("alice", json!({"parent": "nobody"})).await;
    assert_eq!(problem(orphan), (404, "there is no user `nobody`".to_owned()));
    assert_eq!(problem(world.update_owner("nobody", json!({})).await).0, 404);
    assert_eq!(world.kinds().await, ["owner.created"]);
}

#[tokio::test]
async fn w15_nobody_gives_an_owner_more_than_they_have() {
    let world = World::with_alice().await;
    let mut by = Caller::local(7);
    by.grants.flags = Flags::from_bits(0x300).unwrap();
    by.grants.company = Tenant::Only(Some("acme".parse().unwrap()));
    let update =
        async |body| world.service.update_owner(&by, &owner_id("alice"), &input(body)).await;
    assert_eq!(problem(update(json!({"ceiling": 0x400})).await).0, 403);
    assert_eq!(problem(update(json!({"ceiling": -1})).await).0, 403);
    assert_eq!(problem(update(json!({"company": "other"})).await).0, 403);
    update(json!({"ceiling": 0x100, "company": "acme"})).await.unwrap();
    assert_eq!(problem(update(json!({"company": null})).await).0, 403);
}

#[tokio::test]
async fn nobody_is_above_themselves() {
    let world = World::new().await;
    for (id, parent) in [("a", None), ("b", Some("a")), ("c", Some("b")), ("d", None)] {
        world.owner(json!({"id": id, "parent": parent})).await.unwrap();
    }
    let field = |result: Result<OwnerChanged, ServiceError>| {
        let error = result.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (400, Some("parent")));
        error.to_string()
    };
    let own = field(world.update_owner("a", json!({"parent": "a"})).await);
    assert_eq!(own, "`parent`: nobody is their own superior");
    for below in ["b", "c"] {
        let told = field(world.update_owner("a", json!({"parent": below})).await);
        assert!(told.contains(&format!("`{below}` is a subordinate of `a`")), "{told}");
    }
    world.update_owner("a", json!({"parent": "d"})).await.unwrap();
    field(world.update_owner("d", json!({"parent": "c"})).await);
    world.update_owner("b", json!({"parent": null})).await.unwrap();
    world.update_owner("d", json!({"parent": "c"})).await.unwrap();
}

/// Each of two changes is well by itself, and both together would be a circle.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_change_superiors_at_once_make_no_circle() {
    let world = World::new().await;
    world.owner(json!({"id": "a"})).await.unwrap();
    world.owner(json!({"id": "b"})).await.unwrap();
    for _ in 0..20 {
        let under = |id: &'static str, parent: &str| {
            let (service, by) = (world.service.clone(), world.by.clone());
            let change = input(json!({ "parent": parent }));
            tokio::spawn(async move { service.update_owner(&by, &owner_id(id), &change).await })
        };
        let (one, other) = (under("a", "b"), under("b", "a"));
        let made = [one.await.unwrap().is_ok(), other.await.unwrap().is_ok()];
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        for id in ["a", "b"] {
            world.update_owner(id, json!({"parent": null})).await.unwrap();
        }
    }
}

#[tokio::test]
async fn tokens_keep_the_company_that_they_were_made_for_and_the_answer_says_so() {
    let world = World::new().await;
    world.owner(json!({"id": "bob", "company": "acme"})).await.unwrap();
    let make = async |more: Value| {
        let mut body = json!({"owner": "bob", "name": "x"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.create(body).await.unwrap()
    };
    let (one, two) = (make(json!({})).await, make(json!({})).await);
    let over = make(json!({"lifetime": "1h"})).await;
    world.service.revoke_token(&world.by, two.id, "").await.unwrap();
    world.clock.advance(Span::from_seconds(3_600));
    let moved = world.update_owner("bob", json!({"company": "other"})).await.unwrap();
    let left = moved.left_behind.unwrap();
    assert_eq!(left.tokens, 1, "neither the revoked nor the expired one");
    for token in [&one, &two, &over] {
        let company = world.service.token(&world.by, token.id).await.unwrap().company;
        assert_eq!(company.unwrap().as_str(), "acme");
    }
    // New ones are of the new company, and may be of no other.
    assert_eq!(make(json!({})).await.company.unwrap().as_str(), "other");
    let old = world.create(json!({"owner": "bob", "name": "x", "company": "acme"})).await;
    assert_eq!(problem(old).0, 403);
    // Out of any company, both are elsewhere; asking again tells it again; other changes do not.
    for changed in [true, false] {
        let out = world.update_owner("bob", json!({"company": null})).await.unwrap();
        assert_eq!((out.changed, out.left_behind.unwrap().tokens), (changed, 2));
    }
    let renamed = world.update_owner("bob", json!({"name": "Bob"})).await.unwrap();
    assert_eq!(renamed.left_behind, None);
    world.service.revoke_token(&world.by, one.id, "").await.unwrap();
    let back = world.update_owner("bob", json!({"company": "other"})).await.unwrap();
    assert_eq!(back.left_behind, None, "the one that is left is of that company");
    // Both companies tell of those who came and left, also if they are not on record.
    let acme = Subject::Company("acme".parse().unwrap());
    let events = world.service.events(&world.by, Some(&acme), None, 9).await.unwrap().entries;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].users, [owner_id("bob")]);
}
