//! Lists of users as somebody asks for them, kept up while owners change.

use super::*;
use crate::service::owner_list::OwnerList;

/// An administrator, an administrator of a company, and some others.
async fn peopled() -> World {
    let world = World::new().await;
    for body in [
        json!({"id": "ann", "name": "Ann Administrator", "roles": ["administrator"]}),
        json!({"id": "boss", "company": "acme", "roles": ["company-administrator"]}),
        json!({"id": "dora", "name": "Dora Développeuse", "company": "acme", "roles": ["developer", "cashier"]}),
        json!({"id": "ivan", "name": "Иван Петров", "email": "Petrov@Example.com", "parent": "dora"}),
        json!({"id": "robot-1", "kind": "service", "company": "acme", "parent": "dora"}),
        json!({"id": "zoe", "name": "Dora Développeuse", "email": "zoe@example.com"}),
    ] {
        world.owner(body).await.unwrap();
    }
    let (zoe, why) = (owner_id("zoe"), "left");
    world.service.block_owner(&world.by, &zoe, why).await.unwrap();
    world
}

/// Who is listed, in pages of so many.
async fn listed(world: &World, by: &Caller, asked: Value, limit: usize) -> Vec<String> {
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let asked = OwnerList { after, limit: Some(limit), ..input(asked.clone()) };
        let page = world.service.owners(by, &asked).await.unwrap();
        assert!(page.entries.len() <= limit);
        names.extend(page.entries.iter().map(|owner| owner.id.to_string()));
        after = page.next;
        if after.is_none() {
            return names;
        }
    }
}

#[tokio::test]
async fn users_are_found_by_text_company_kind_state_and_role() {
    let world = peopled().await;
    let [boss, dora, ivan] = ["boss", "dora", "ivan"].map(owner_id);
    let person = async |id| Caller::person(&world.service.owner_record(id).await.unwrap());
    let (boss, dora, ivan) = (person(&boss).await, person(&dora).await, person(&ivan).await);
    for (by, asked, wanted) in [
        (&world.by, json!({}), "ann boss dora ivan robot-1 zoe"),
        (&world.by, json!({"text": ""}), "ann boss dora ivan robot-1 zoe"),
        (&world.by, json!({"text": " DÉVELOPPEUSE "}), "dora zoe"),
        (&world.by, json!({"text": "петров"}), "ivan"),
        (&world.by, json!({"text": "petrov@example"}), "ivan"),
        (&world.by, json!({"text": "obot-"}), "robot-1"),
        (&world.by, json!({"text": "zoe\u{e9}"}), ""),
        (&world.by, json!({"company": "acme"}), "boss dora robot-1"),
        (&world.by, json!({"kind": "service"}), "robot-1"),
        (&world.by, json!({"kind": "user", "company": "acme"}), "boss dora"),
        (&world.by, json!({"state": "blocked"}), "zoe"),
        (&world.by, json!({"state": "active", "text": "dora"}), "dora"),
        (&world.by, json!({"role": "cashier"}), "dora"),
        (&world.by, json!({"role": "administrator"}), "ann"),
        // Of what each sees alone.
        (&boss, json!({}), "boss dora robot-1"),
        (&boss, json!({"text": "dora"}), "dora"),
        (&boss, json!({"company": "other"}), ""),
        (&dora, json!({}), "dora ivan robot-1"),
        (&dora, json!({"kind": "user"}), "dora ivan"),
        (&ivan, json!({"text": "o"}), "ivan"),
    ] {
        for limit in [1, 2, 1_000] {
            let found = listed(&world, by, asked.clone(), limit).await;
            assert_eq!(found.join(" "), wanted, "{asked} by {by:?}");
        }
    }
    for (asked, field) in [
        (json!({"kind": "robot"}), "kind"),
        (json!({"state": "asleep"}), "state"),
        (json!({"company": "A B"}), "company"),
        (json!({"role": "A B"}), "role"),
        (json!({"text": "a\nb"}), "text"),
        (json!({"limit": 0}), "limit"),
    ] {
        let error = world.service.owners(&world.by, &input(asked.clone())).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (400, Some(field)), "{asked}");
    }
}

/// One change after the other is taken over, and more at once than are known singly.
#[tokio::test]
async fn lists_and_pages_follow_what_changes() {
    let world = peopled().await;
    let found = async |asked: Value| listed(&world, &world.by, asked, 2).await.join(" ");
    let of_acme = || json!({"company": "acme"});
    assert_eq!(found(of_acme()).await, "boss dora robot-1");
    let first = OwnerList { company: Some("acme".to_owned()), ..OwnerList::page(None, 2) };
    let page = world.service.owners(&world.by, &first).await.unwrap();
    let change = async |id: &str, body: Value| {
        let change = input(body);
        world.service.update_owner(&world.by, &owner_id(id), &change).await.unwrap();
    };
    // What changes before the place where a page ended moves nothing behind it.
    change("boss", json!({"company": null})).await;
    world.owner(json!({"id": "abe", "company": "acme"})).await.unwrap();
    change("dora", json!({"company": null})).await;
    let asked = OwnerList { after: page.next, ..first };
    let rest = world.service.owners(&world.by, &asked).await.unwrap();
    assert_eq!(rest.entries.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["robot-1"]);
    assert_eq!(found(of_acme()).await, "abe robot-1");
    // A company's own changes are none of an owner.
    let made = input(json!({"id": "acme"}));
    world.service.create_company(&world.by, made).await.unwrap();
    assert_eq!(found(of_acme()).await, "abe robot-1");
    for n in 0..9 {
        world.owner(json!({"id": format!("new-{n}"), "company": "acme"})).await.unwrap();
    }
    change("robot-1", json!({"name": "Renamed", "company": null})).await;
    assert_eq!(listed(&world, &world.by, of_acme(), 4).await.len(), 10);
    assert_eq!(found(json!({"text": "renamed"})).await, "robot-1");
    // Who moves below somebody else is seen from there.
    let seen = async |id: &str| {
        let by = Caller::person(&world.service.owner_record(&owner_id(id)).await.unwrap());
        listed(&world, &by, json!({}), 3).await.join(" ")
    };
    assert_eq!(seen("dora").await, "dora ivan robot-1");
    change("ivan", json!({"parent": "robot-1"})).await;
    assert_eq!(
        (seen("dora").await.as_str(), seen("robot-1").await.as_str()),
        ("dora ivan robot-1", "ivan robot-1")
    );
    change("robot-1", json!({"parent": null})).await;
    assert_eq!(
        (seen("dora").await.as_str(), seen("robot-1").await.as_str()),
        ("dora", "ivan robot-1")
    );
}

#[tokio::test]
async fn a_user_is_meant_by_id_name_or_address_if_nobody_else_is() {
    let world = peopled().await;
    let meant = async |by: &Caller, text: &str| {
        world.service.owner_meant(by, text).await.map(|id| id.map(|id| id.to_string()))
    };
    for (text, wanted) in [
        (" dora ", Some("dora")),
        ("иван петров", Some("ivan")),
        ("petrov@example.com", Some("ivan")),
        ("Иван", None),
        ("nobody", None),
        ("", None),
    ] {
        assert_eq!(meant(&world.by, text).await.unwrap().as_deref(), wanted, "{text}");
    }
    let error = meant(&world.by, "Dora Développeuse").await.unwrap_err();
    assert_eq!((error.status(), error.at_field()), (400, Some("owner")));
    // Whoever sees one of them alone means that one.
    let boss = Caller::person(&world.service.owner_record(&owner_id("boss")).await.unwrap());
    assert_eq!(meant(&boss, "Dora Développeuse").await.unwrap().as_deref(), Some("dora"));
    assert_eq!(meant(&boss, "ivan").await.unwrap(), None, "who is not theirs to see");
}
