//! Lists of tokens as somebody asks for them.

use std::collections::BTreeSet;

use super::*;
use crate::service::list::Reach;
use crate::store::Page;

/// Tokens of alice and bob, each a second after the one before.
async fn filled() -> (World, Vec<TokenId>) {
    let world = World::with_alice().await;
    world.owner(json!({"id": "bob", "company": "acme"})).await.unwrap();
    let mut ids = Vec::new();
    for (owner, name, more) in [
        ("alice", "Nightly build", json!({"flags": ["view"], "lifetime": "2d"})),
        ("bob", "scanner", json!({"app": "Warehouse", "idle_ttl": "5d"})),
        ("alice", "printer", json!({"contexts": ["stock"], "idle_ttl": "0s"})),
        ("bob", "mirror", json!({"flags": ["view", "edit"], "description": "for the warehouse"})),
    ] {
        world.clock.advance(Span::from_seconds(1));
        let mut body = json!({"owner": owner, "name": name});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ids.push(world.create(body).await.unwrap().id);
    }
    world.service.revoke_token(&world.by, ids[3], "").await.unwrap();
    (world, ids)
}

async fn list(world: &World, reach: &Reach, body: Value) -> Page<TokenView, String> {
    world.service.tokens(reach, &input(body)).await.unwrap()
}

/// Which of them are listed, by their numbers.
async fn listed(world: &World, ids: &[TokenId], reach: &Reach, body: Value) -> Vec<usize> {
    let page = list(world, reach, body).await;
    let number = |token: TokenView| ids.iter().position(|id| *id == token.id).unwrap();
    page.entries.into_iter().map(number).collect()
}

#[tokio::test]
async fn e9_f3_every_filter_finds_its_tokens_newest_first() {
    let (world, ids) = filled().await;
    let hint = world.service.token(ids[2]).await.unwrap().hint;
    for (body, wanted) in [
        (json!({}), vec![3, 2, 1, 0]),
        (json!({"order": "oldest"}), vec![0, 1, 2, 3]),
        (json!({"state": "revoked"}), vec![3]),
        (json!({"state": "active, pending"}), vec![2, 1, 0]),
        (json!({"owner": "alice"}), vec![2, 0]),
        (json!({"company": "acme"}), vec![3, 1]),
        (json!({"context": "stock"}), vec![3, 2, 1, 0]),
        (json!({"context": "hub"}), vec![3, 1, 0]),
        (json!({"flags": "view"}), vec![3, 0]),
        (json!({"flags": "view,0x400"}), vec![3]),
        (json!({"name": "NIGHTLY BUILD"}), vec![0]),
        (json!({"hint": hint}), vec![2]),
        (json!({"created_from": "2027-01-15T08:00:03Z"}), vec![3, 2]),
        (json!({"created_before": "2027-01-15T08:00:02Z"}), vec![0]),
        (json!({"expires_before": "2027-01-18"}), vec![0]),
        (json!({"ends_before": "2027-01-21"}), vec![1, 0]),
        (json!({"last_used_before": "2027-01-01"}), vec![3, 2, 1, 0]),
        (json!({"never_used": true}), vec![3, 2, 1, 0]),
        (json!({"text": "wareHOUSE"}), vec![3, 1]),
        (json!({"text": "bob"}), vec![3, 1]),
        (json!({"text": "warehouse", "state": "active"}), vec![1]),
        (json!({"text": "", "state": "", "owner": "", "cursor": ""}), vec![3, 2, 1, 0]),
    ] {
        assert_eq!(listed(&world, &ids, &Reach::ALL, body.clone()).await, wanted, "{body}");
    }
    world.service.block_owner(&world.by, &owner_id("alice"), "").await.unwrap();
    for (state, wanted) in [("active", vec![1]), ("blocked", vec![2, 0])] {
        assert_eq!(listed(&world, &ids, &Reach::ALL, json!({"state": state})).await, wanted);
    }
    let shown = serde_json::to_string(&list(&world, &Reach::ALL, json!({})).await.entries).unwrap();
    let record = world.service.token_record(ids[0]).await.unwrap();
    assert!(!shown.contains(&record.digest.to_hex()) && !shown.contains("digest"));
}

#[tokio::test]
async fn nobody_is_shown_more_than_they_reach_whatever_they_ask() {
    let (world, ids) = filled().await;
    let owners = |names: &[&str]| Reach {
        owners: Some(names.iter().map(|name| owner_id(name)).collect::<BTreeSet<_>>()),
        company: None,
    };
    let acme = Reach { owners: None, company: Some("acme".parse().unwrap()) };
    for (reach, body, wanted) in [
        (owners(&["alice"]), json!({}), vec![2, 0]),
        (owners(&["alice"]), json!({"owner": "bob"}), vec![]),
        (owners(&["alice"]), json!({"owner": "nobody"}), vec![]),
        (owners(&["alice", "bob"]), json!({"owner": "bob"}), vec![3, 1]),
        (owners(&["alice"]), json!({"company": "acme"}), vec![]),
        (owners(&[]), json!({}), vec![]),
        (acme.clone(), json!({}), vec![3, 1]),
        (acme.clone(), json!({"company": "other"}), vec![]),
        (acme.clone(), json!({"text": "printer"}), vec![]),
    ] {
        assert_eq!(listed(&world, &ids, &reach, body.clone()).await, wanted, "{reach:?} {body}");
    }
    // Nor by a cursor of somebody who reaches more (sec-W6).
    let cursor = list(&world, &Reach::ALL, json!({"limit": 1})).await.next.unwrap();
    let foreign = world.service.tokens(&acme, &input(json!({"cursor": cursor}))).await;
    assert_eq!(problem(foreign).0, 400);
}

#[tokio::test]
async fn e9_pages_follow_one_another_while_tokens_are_made_and_sec_w6_no_cursor_is_forged() {
    let (world, ids) = filled().await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = list(&world, &Reach::ALL, json!({"limit": 1, "cursor": cursor})).await;
        seen.extend(page.entries.iter().map(|token| token.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
        world.token().await;
    }
    seen.reverse();
    assert_eq!(seen, ids, "those of the beginning, each once");
    let first = list(&world, &Reach::ALL, json!({"limit": 2})).await.next.unwrap();
    for (body, field) in [
        (json!({"cursor": first, "text": "x"}), "cursor"),
        (json!({"cursor": first, "order": "oldest"}), "cursor"),
        (json!({"cursor": first[1..]}), "cursor"),
        (json!({"cursor": ids[0].to_string()}), "cursor"),
        (json!({"cursor": "' OR 1=1"}), "cursor"),
        (json!({"state": "alive"}), "state"),
        (json!({"owner": "Alice"}), "owner"),
        (json!({"company": "A"}), "company"),
        (json!({"flags": "fly"}), "flags"),
        (json!({"text": "a\nb"}), "text"),
        (json!({"text": "x".repeat(201)}), "text"),
        (json!({"created_from": "soon"}), "created_from"),
    ] {
        let error = world.service.tokens(&Reach::ALL, &input(body.clone())).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (400, Some(field)), "{body}");
    }
    let unknown = world.service.tokens(&Reach::ALL, &input(json!({"owner": "nobody"}))).await;
    assert_eq!(problem(unknown).0, 404);
}

#[tokio::test]
async fn a_use_that_is_not_yet_written_down_keeps_a_token_from_being_called_unused() {
    let (world, ids) = filled().await;
    let record = world.service.token_record(ids[2]).await.unwrap();
    let entry = world.service.cache.load(&record.digest).await.unwrap().unwrap();
    let api = world.service.cache.api_number(&"erp".into());
    let address = "192.0.2.1".parse().unwrap();
    world.service.cache.touch(&entry, world.clock.now(), address, api);
    let unused = listed(&world, &ids, &Reach::ALL, json!({"never_used": true})).await;
    assert_eq!(unused, [3, 1, 0]);
    world.service.cache.flush_touches(world.clock.now()).await.unwrap();
    let unused = listed(&world, &ids, &Reach::ALL, json!({"never_used": true})).await;
    assert_eq!(unused, [3, 1, 0]);
}
