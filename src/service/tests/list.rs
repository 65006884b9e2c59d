//! Lists of tokens as somebody asks for them.

use super::*;
use crate::service::owner_list::OwnerList;
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

async fn list(world: &World, by: &Caller, body: Value) -> Page<TokenView, String> {
    world.service.tokens(by, &input(body)).await.unwrap()
}

/// Which of them are listed, by their numbers.
async fn listed(world: &World, ids: &[TokenId], by: &Caller, body: Value) -> Vec<usize> {
    let page = list(world, by, body).await;
    let number = |token: TokenView| ids.iter().position(|id| *id == token.id).unwrap();
    page.entries.into_iter().map(number).collect()
}

/// Of three that may be used three times in all, two have been, and one of these is revoked.
#[tokio::test]
async fn used_up_is_a_state_to_ask_for() {
    let world = World::with_alice().await;
    let mut ids = Vec::new();
    for (name, uses) in [("free", None), ("fresh", Some(3)), ("spent", Some(3)), ("over", Some(3))]
    {
        world.clock.advance(Span::from_seconds(1));
        let body = json!({"owner": "alice", "name": name, "limits": {"uses": uses}});
        ids.push(world.create(body).await.unwrap().id);
    }
    let use_up = async |id: TokenId| {
        let token = world.service.token_record(id).await.unwrap();
        let entry = world.service.cache.load(&token.digest).await.unwrap().unwrap();
        let limited = entry.limited.as_ref().unwrap();
        let at = crate::cache::At { now: world.clock.now(), uptime_ns: 0 };
        for _ in 0..3 {
            let taken = world.service.cache.take(limited, at).await.unwrap();
            assert!(matches!(taken, crate::cache::Taken::Seat(_)), "{taken:?}");
        }
    };
    use_up(ids[2]).await;
    use_up(ids[3]).await;
    world.service.revoke_token(&world.by, ids[3], "").await.unwrap();
    let found = async |body: Value| listed(&world, &ids, &world.by, body).await;
    assert_eq!(found(json!({"state": "used_up"})).await, [2]);
    assert_eq!(found(json!({"state": "used_up", "order": "oldest"})).await, [2]);
    assert_eq!(found(json!({"state": "used_up,revoked"})).await, [3, 2]);
    assert_eq!(found(json!({"state": "active"})).await, [2, 1, 0], "its limit may be raised");
    assert_eq!(found(json!({"state": "used_up", "text": "fresh"})).await, [0; 0]);
    let plan = input(json!({"filter": {"state": "used_up"}}));
    let plan = world.service.plan_revocation(&world.by, &plan).await.unwrap();
    assert_eq!((plan.tokens, plan.first[0].id), (1, ids[2]));
    let raised = json!({"limits": {"uses": 5}});
    world.update(ids[2], raised).await.unwrap();
    assert_eq!(found(json!({"state": "used_up"})).await, [0; 0]);
}

/// One that is used up behind many that are not is found, and pages miss none and repeat none.
#[tokio::test]
async fn used_up_ones_are_found_among_many_page_by_page() {
    let world = World::with_alice().await;
    let mut spent = Vec::new();
    for n in 0..12 {
        world.clock.advance(Span::from_seconds(1));
        let body = json!({"owner": "alice", "name": "x", "limits": {"uses": 1}});
        let id = world.create(body).await.unwrap().id;
        if n % 3 == 0 {
            let token = world.service.token_record(id).await.unwrap();
            let entry = world.service.cache.load(&token.digest).await.unwrap().unwrap();
            let at = crate::cache::At { now: world.clock.now(), uptime_ns: 0 };
            world.service.cache.take(entry.limited.as_ref().unwrap(), at).await.unwrap();
            spent.push(id);
        }
    }
    spent.reverse();
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let body = json!({"state": "used_up", "limit": 3, "cursor": cursor});
        let page = list(&world, &world.by, body).await;
        assert!(page.entries.len() <= 3 && page.entries.iter().all(|token| token.used_up));
        found.extend(page.entries.iter().map(|token| token.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, spent);
}

#[tokio::test]
async fn the_whole_id_of_a_token_or_an_owner_finds_it() {
    let (world, ids) = filled().await;
    for (number, id) in ids.iter().enumerate() {
        for text in [id.to_string(), id.to_string().to_uppercase()] {
            assert_eq!(listed(&world, &ids, &world.by, json!({"text": text})).await, [number]);
        }
    }
    let both = json!({"text": ids[1].to_string(), "owner": "alice"});
    assert_eq!(listed(&world, &ids, &world.by, both).await, [0; 0], "the other filters hold too");
    let part = &ids[1].to_string()[..20];
    assert_eq!(listed(&world, &ids, &world.by, json!({"text": part})).await, [0; 0]);
    assert_eq!(listed(&world, &ids, &world.by, json!({"text": "bob"})).await, [3, 1]);
    let plan = input(json!({"filter": {"text": ids[0].to_string()}}));
    let plan = world.service.plan_revocation(&world.by, &plan).await.unwrap();
    assert_eq!((plan.tokens, plan.first[0].id), (1, ids[0]));
}

#[tokio::test]
async fn e9_f3_every_filter_finds_its_tokens_newest_first() {
    let (world, ids) = filled().await;
    let hint = world.service.token(&world.by, ids[2]).await.unwrap().hint;
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
        assert_eq!(listed(&world, &ids, &world.by, body.clone()).await, wanted, "{body}");
    }
    world.service.block_owner(&world.by, &owner_id("alice"), "").await.unwrap();
    for (state, wanted) in [("active", vec![1]), ("blocked", vec![2, 0])] {
        assert_eq!(listed(&world, &ids, &world.by, json!({"state": state})).await, wanted);
    }
    let shown = serde_json::to_string(&list(&world, &world.by, json!({})).await.entries).unwrap();
    let record = world.service.token_record(ids[0]).await.unwrap();
    assert!(!shown.contains(&record.digest.to_hex()) && !shown.contains("digest"));
}

#[tokio::test]
async fn nobody_is_shown_more_than_they_reach_whatever_they_ask() {
    let (world, ids) = filled().await;
    world.owner(json!({"id": "eve", "roles": ["auditor"], "company": "acme"})).await.unwrap();
    let person =
        async |id| Caller::person(&world.service.owner_record(&owner_id(id)).await.unwrap());
    let (alice, eve) = (person("alice").await, person("eve").await);
    for (by, body, wanted) in [
        (&alice, json!({}), vec![2, 0]),
        (&alice, json!({"owner": "alice", "text": "print"}), vec![2]),
        (&alice, json!({"company": "acme"}), vec![]),
        (&eve, json!({}), vec![3, 1]),
        (&eve, json!({"owner": "bob", "state": "active"}), vec![1]),
        (&eve, json!({"company": "other"}), vec![]),
        (&eve, json!({"text": "printer"}), vec![]),
    ] {
        assert_eq!(listed(&world, &ids, by, body.clone()).await, wanted, "{by:?} {body}");
    }
    // A token stays with its owner, who went to another company.
    let moved = input(json!({"company": "other"}));
    world.service.update_owner(&world.by, &owner_id("bob"), &moved).await.unwrap();
    assert!(listed(&world, &ids, &eve, json!({})).await.is_empty());
    assert_eq!(problem(world.service.token(&eve, ids[1]).await).0, 404);
    let back = input(json!({"company": "acme"}));
    world.service.update_owner(&world.by, &owner_id("bob"), &back).await.unwrap();
    assert_eq!(listed(&world, &ids, &eve, json!({})).await, [3, 1]);
    for (by, owner) in [(&alice, "bob"), (&alice, "nobody"), (&eve, "alice")] {
        let refused = world.service.tokens(by, &input(json!({"owner": owner}))).await;
        assert_eq!(problem(refused).0, 404, "{by:?} {owner}");
    }
    // Nor by a cursor of somebody who reaches more (sec-W6).
    let cursor = list(&world, &world.by, json!({"limit": 1})).await.next.unwrap();
    let foreign = world.service.tokens(&eve, &input(json!({"cursor": cursor}))).await;
    assert_eq!(problem(foreign).0, 400);
}

#[tokio::test]
async fn e9_pages_follow_one_another_while_tokens_are_made_and_sec_w6_no_cursor_is_forged() {
    let (world, ids) = filled().await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = list(&world, &world.by, json!({"limit": 1, "cursor": cursor})).await;
        seen.extend(page.entries.iter().map(|token| token.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
        // Within a millisecond identifiers have no order.
        world.clock.advance(Span::from_seconds(1));
        world.token().await;
    }
    seen.reverse();
    assert_eq!(seen, ids, "those of the beginning, each once");
    let first = list(&world, &world.by, json!({"limit": 2})).await.next.unwrap();
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
        (json!({"rotated": "yes"}), "rotated"),
    ] {
        let error = world.service.tokens(&world.by, &input(body.clone())).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (400, Some(field)), "{body}");
    }
    let unknown = world.service.tokens(&world.by, &input(json!({"owner": "nobody"}))).await;
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
    let unused = listed(&world, &ids, &world.by, json!({"never_used": true})).await;
    assert_eq!(unused, [3, 1, 0]);
    world.service.cache.flush_touches(world.clock.now()).await.unwrap();
    let unused = listed(&world, &ids, &world.by, json!({"never_used": true})).await;
    assert_eq!(unused, [3, 1, 0]);
}

#[tokio::test]
async fn it_is_listed_who_still_uses_a_secret_that_was_replaced() {
    let (world, ids) = filled().await;
    let moved = world.service.rotate_token(&world.by, ids[0], input(json!({}))).await.unwrap();
    world.service.rotate_token(&world.by, ids[2], input(json!({}))).await.unwrap();
    let which = async |which: &str| {
        let page = list(&world, &world.by, json!({"rotated": which})).await;
        page.entries.into_iter().map(|token| token.id).collect::<Vec<_>>()
    };
    assert_eq!((which("any").await, which("in_use").await), (vec![ids[2], ids[0]], vec![]));
    world.clock.advance(Span::from_seconds(5));
    for id in [ids[2], moved.token.id] {
        let record = world.service.token_record(id).await.unwrap();
        let entry = world.service.cache.load(&record.digest).await.unwrap().unwrap();
        let api = world.service.cache.api_number(&"erp".into());
        world.service.cache.touch(&entry, world.clock.now(), "192.0.2.1".parse().unwrap(), api);
    }
    world.service.cache.flush_touches(world.clock.now()).await.unwrap();
    assert_eq!(which("in_use").await, [ids[2]], "a successor was not replaced");
    world.service.revoke_token(&world.by, ids[2], "").await.unwrap();
    assert_eq!((which("any").await, which("in_use").await), (vec![ids[0]], vec![]));
}

/// Row E1: what somebody sees one by one they are listed, and nothing else.
#[tokio::test]
async fn e1_lists_hold_the_tokens_of_subordinates_and_of_whoever_joined() {
    let world = World::with_alice().await;
    for body in [
        json!({"id": "kid", "parent": "alice"}),
        json!({"id": "grandchild", "parent": "kid"}),
        json!({"id": "boss", "roles": ["company-administrator"], "company": "acme"}),
        json!({"id": "late"}),
    ] {
        world.owner(body).await.unwrap();
    }
    let mut ids = Vec::new();
    for owner in ["alice", "kid", "grandchild", "late"] {
        world.clock.advance(Span::from_seconds(1));
        ids.push(world.create(json!({"owner": owner, "name": "one"})).await.unwrap().id);
    }
    let person =
        async |id: &str| Caller::person(&world.service.owner_record(&owner_id(id)).await.unwrap());
    let seen = async |id: &str, body: Value| listed(&world, &ids, &person(id).await, body).await;
    assert_eq!(seen("alice", json!({})).await, [2, 1, 0]);
    assert_eq!(seen("alice", json!({"text": "grand"})).await, [2]);
    assert_eq!(seen("kid", json!({})).await, [2, 1]);
    assert_eq!(seen("boss", json!({})).await, [0; 0]);
    let join = input(json!({"company": "acme", "parent": null}));
    for id in ["late", "grandchild"] {
        world.service.update_owner(&world.by, &owner_id(id), &join).await.unwrap();
    }
    assert_eq!(seen("boss", json!({})).await, [3, 2], "also what was made before");
    assert_eq!(seen("alice", json!({})).await, [1, 0], "who moved is seen no more");
    for (id, owners, tokens) in [("alice", 2, 2), ("boss", 3, 2), ("late", 1, 1)] {
        let by = person(id).await;
        assert_eq!(world.service.owner_counts(&by).await.unwrap().all, owners, "{id}");
        assert_eq!(world.service.token_counts(&by).await.unwrap().all, tokens, "{id}");
        let (mut names, mut after) = (0, None);
        loop {
            let page = world.service.owners(&by, &OwnerList::page(after, 1)).await.unwrap();
            names += page.entries.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(names, owners, "{id}, page by page");
    }
}

/// Tokens keep the names of contexts that left the configuration; a slip is one that nobody has.
#[tokio::test]
async fn a_context_that_is_not_in_the_configuration_is_had_by_name_alone() {
    let (world, ids) = filled().await;
    let by = &world.by;
    let named = async |name: &str| listed(&world, &ids, by, json!({ "context": name })).await;
    assert_eq!(named("stock").await, [3, 2, 1, 0]);
    assert!(named("nope").await.is_empty());
    let bad = world.service.tokens(by, &input(json!({"context": "No Name"}))).await.unwrap_err();
    assert_eq!((bad.status(), bad.at_field()), (400, Some("context")));
    world.reload(|settings| settings.contexts.retain(|name, _| name.as_str() != "stock"));
    assert_eq!(named("stock").await, [2]);
}
