//! Changing tokens.

use super::*;
use crate::service::input::{NewToken, TokenChange};

#[tokio::test]
async fn what_is_left_out_stays_and_null_clears() {
    let world = World::with_alice().await;
    let token = world
        .create(json!({
            "owner": "alice", "name": "ci", "app": "jenkins", "description": "for builds",
            "lifetime": "30d", "params": "{\"a\":1}", "flags": ["view"],
            "conditions": {"networks": ["10.0.0.0/8"]}
        }))
        .await
        .unwrap();
    let renamed = world.update(token.id, json!({"name": "cd"})).await.unwrap();
    assert!(renamed.changed);
    let expected =
        TokenView { name: "cd".to_owned(), revision: token.revision.next(), ..token.clone() };
    assert_eq!(renamed.token, expected);

    let cleared = json!({
        "app": null, "description": null, "expires_at": null, "params": null, "conditions": null
    });
    let cleared = world.update(token.id, cleared).await.unwrap().token;
    assert_eq!((cleared.app.as_str(), cleared.description.as_str()), ("", ""));
    assert_eq!((cleared.expires_at, &cleared.params), (None, &None));
    assert!(cleared.conditions.is_empty() && cleared.flags == token.flags);
}

#[tokio::test]
async fn conditions_are_merged_part_by_part() {
    let world = World::with_alice().await;
    let id = world.token().await.id;
    let window = json!({"days": [1], "from_minute": 0, "until_minute": 60});
    let change = json!({"conditions": {"networks": ["10.0.0.0/8"], "windows": [window]}});
    world.update(id, change).await.unwrap();
    let change = json!({"conditions": {"networks": null}});
    let conditions = world.update(id, change).await.unwrap().token.conditions;
    assert!(conditions.networks.is_empty() && conditions.windows.len() == 1);
    let many: Vec<_> = (0..101).map(|n| format!("10.0.{n}.0/24")).collect();
    let error = world.update(id, json!({"conditions": {"networks": many}})).await.unwrap_err();
    assert_eq!(error.at_field(), Some("conditions.networks"));
}

#[tokio::test]
async fn x2_the_history_tells_what_an_update_changed() {
    let world = World::with_alice().await;
    let id = world.token().await.id;
    world.service.disable_token(&world.by, id, "").await.unwrap();
    world.update(id, json!({"name": "cd", "items": ["7"], "lifetime": "1d"})).await.unwrap();
    let newest = world.service.events(&world.by, None, None, 1).await.unwrap().entries.remove(0);
    let end = NOW.plus(Span::from_days(1));
    assert_eq!(
        serde_json::to_value(newest.changes).unwrap(),
        json!([
            {"field": "expires_at", "from": null, "to": end},
            {"field": "items", "from": "all", "to": ["7"]},
            {"field": "name", "from": "ci", "to": "cd"},
        ])
    );
}

#[tokio::test]
async fn limits_cannot_be_cleared_by_null() {
    let world = World::with_alice().await;
    let id = world.token().await.id;
    for field in ["name", "not_before", "flags", "contexts", "items"] {
        let error = world.update(id, json!({ field: null })).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (400, Some(field)));
    }
    let empty = serde_json::from_str::<TokenChange>(r#"{"items":[]}"#);
    assert!(empty.is_err(), "removing the last item must not open all items");
}

#[tokio::test]
async fn a_change_that_changes_nothing_is_not_written() {
    let world = World::with_alice().await;
    let id = world.token().await.id;
    let same = world.update(id, json!({"name": "ci", "flags": 0, "reason": "none"})).await.unwrap();
    assert_eq!((same.changed, same.token.revision.0), (false, 1));
    assert_eq!(world.kinds().await.len(), 2);
}

#[tokio::test]
async fn two_people_who_edit_at_once_do_not_undo_each_other() {
    let world = World::with_alice().await;
    let id = world.token().await.id;
    world.update(id, json!({"revision": 1, "name": "first"})).await.unwrap();
    let error = world.update(id, json!({"revision": 1, "name": "second"})).await.unwrap_err();
    assert_eq!((error.status(), error.kind()), (409, "conflict"));
    assert!(error.to_string().contains("is at revision 2, not 1"), "{error}");
    assert_eq!(world.service.token(&world.by, id).await.unwrap().name, "first");
}

#[tokio::test]
async fn changes_that_name_no_revision_all_arrive() {
    let world = World::with_alice().await;
    let id = world.token().await.id;
    let (name, app) = tokio::join!(
        world.update(id, json!({"name": "n"})),
        world.update(id, json!({"app": "a"})),
    );
    assert!(name.unwrap().changed && app.unwrap().changed);
    let token = world.service.token(&world.by, id).await.unwrap();
    assert_eq!((token.name.as_str(), token.app.as_str(), token.revision.0), ("n", "a", 3));
}

#[tokio::test]
async fn w15_a_change_is_checked_like_a_new_token() {
    let world = World::with_alice().await;
    world.owner(json!({"id": "bob", "ceiling": 512})).await.unwrap();
    let id = world.create(json!({"owner": "bob", "name": "ci"})).await.unwrap().id;
    let past = Timestamp::from_unix(NOW.unix() - 1).to_string();
    let later = NOW.plus(Span::from_days(9)).to_string();
    world.update(id, json!({"lifetime": "8d"})).await.unwrap();
    for (bad, status, field) in [
        (json!({"name": ""}), 400, "name"),
        (json!({"flags": ["edit"]}), 403, "flags"),
        (json!({"contexts": ["sales"]}), 400, "contexts"),
        (json!({"contexts": ["hub"]}), 400, "context_params.hub.market"),
        (json!({"context_params": {"hub": {"market": "west"}}}), 400, "context_params.hub.market"),
        (json!({"expires_at": past}), 400, "expires_at"),
        (json!({"not_before": later}), 400, "not_before"),
        (json!({"expires_at": null, "lifetime": 5}), 400, "lifetime"),
        (json!({"params": 1}), 400, "params"),
        (json!({"description": "x".repeat(2_001)}), 400, "description"),
    ] {
        let error = world.update(id, bad.clone()).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (status, Some(field)), "{bad}");
    }
    let token = world.update(id, json!({"lifetime": 0, "flags": 512})).await.unwrap().token;
    assert_eq!((token.expires_at, token.flags.bits()), (None, 512));
}

/// Row E9: an idle limit is moved, holds at once, and never lies behind.
#[tokio::test]
async fn e9_an_idle_limit_is_changed_and_not_into_the_past() {
    let world = World::with_alice().await;
    let id = world.create(json!({"owner": "alice", "name": "ci", "idle_ttl": "60d"})).await;
    let id = id.unwrap().id;
    world.clock.advance(Span::from_days(10));
    let error = world.update(id, json!({"idle_ttl": "10d"})).await.unwrap_err();
    assert_eq!((error.status(), error.at_field()), (400, Some("idle_ttl")));
    let shorter = world.update(id, json!({"idle_ttl": "11d"})).await.unwrap().token;
    assert_eq!(shorter.idle_at, Some(NOW.plus(Span::from_days(11))));
    let soon = NOW.plus(Span::from_days(12)).to_string();
    let listed = async || {
        let asked = input(json!({ "ends_before": soon }));
        world.service.tokens(&world.by, &asked).await.unwrap().entries.len()
    };
    assert_eq!(listed().await, 1, "the list knows of it");
    let never = world.update(id, json!({"idle_ttl": 0})).await.unwrap().token;
    assert_eq!((never.idle_at, listed().await), (None, 0));
    world.update(id, json!({"idle_ttl": "20d"})).await.unwrap();
    world.clock.advance(Span::from_days(10));
    let over = world.update(id, json!({"idle_ttl": 0})).await.unwrap_err();
    assert_eq!(over.status(), 409, "what has ended stays so");
}

#[tokio::test]
async fn a_context_that_left_the_configuration_does_not_stop_a_rename() {
    let world = World::with_alice().await;
    let body: NewToken = input(json!({"owner": "alice", "name": "ci", "contexts": ["stock"]}));
    let id = world.service.create_token(&world.by, body).await.unwrap().token.id;
    let mut without = settings();
    without.contexts.clear();
    world.service.settings.store(Arc::new(without));
    assert!(world.update(id, json!({"name": "cd"})).await.unwrap().changed);
    let kept = world.update(id, json!({"contexts": ["stock"]})).await.unwrap();
    assert!(!kept.changed && kept.token.absent_contexts == ["stock".parse().unwrap()]);
    assert!(world.update(id, json!({"contexts": ["stock", "hub"]})).await.is_err());
}

/// Row E1: whoever hands out no tokens gives theirs less, and nothing more or other.
#[tokio::test]
async fn e1_without_self_service_a_token_only_gets_less() {
    let world = World::with_alice().await;
    let body = json!({
        "owner": "alice", "name": "ci", "lifetime": "30d", "idle_ttl": "10d", "flags": 0x200,
        "not_before": NOW.plus(Span::from_days(2)), "items": ["1", "2"], "contexts": ["stock", "hub"],
        "context_params": {"hub": {"market": "north"}}, "params": {"a": 1},
        "conditions": {"networks": ["10.0.0.0/8"]}, "limits": {"uses": 9, "quotas": {"day": 5}},
    });
    let id = world.create(body).await.unwrap().id;
    world.reload(|settings| settings.tokens.self_service = false);
    let own = Caller::person(&world.service.owner_record(&owner_id("alice")).await.unwrap());
    let update = async |by: &Caller, change: &Value| {
        world.service.update_token(by, id, &input(change.clone())).await
    };
    for (change, field) in [
        (json!({"contexts": "all"}), "contexts"),
        (json!({"items": ["1", "3"]}), "items"),
        (json!({"flags": 0x600}), "flags"),
        (json!({"not_before": NOW}), "not_before"),
        (json!({"lifetime": "31d"}), "expires_at"),
        (json!({"expires_at": null}), "expires_at"),
        (json!({"idle_ttl": "11d"}), "idle_ttl"),
        (json!({"idle_ttl": 0}), "idle_ttl"),
        (json!({"conditions": {"networks": ["10.0.0.0/8", "192.0.2.0/24"]}}), "conditions"),
        (json!({"conditions": null}), "conditions"),
        (json!({"limits": {"uses": 10}}), "limits"),
        (json!({"limits": {"quotas": {"day": null}}}), "limits"),
        (json!({"params": {"a": 2}}), "params"),
        (json!({"params": null}), "params"),
        (json!({"contexts": ["stock"], "context_params": {"stock": {}}, "params": {}}), "params"),
        // One part of a change is too much.
        (json!({"name": "cd", "items": "all"}), "items"),
    ] {
        let before = world.service.token(&world.by, id).await.unwrap();
        let error = update(&own, &change).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (403, Some(field)), "{change}: {error}");
        assert_eq!(world.service.token(&world.by, id).await.unwrap(), before, "{change}");
    }
    let other = json!({"context_params": {"hub": {"market": "north"}}});
    assert!(!update(&own, &other).await.unwrap().changed, "the same value is no other");
    for change in [
        json!({"name": "cd", "description": "mine"}),
        json!({"items": ["1"], "flags": 0}),
        json!({"lifetime": "20d", "idle_ttl": "5d"}),
        json!({"conditions": {"networks": ["10.1.0.0/16"]}, "limits": {"uses": 8}}),
        json!({"contexts": ["stock"]}),
    ] {
        let done = update(&own, &change).await;
        assert!(done.unwrap().changed, "{change}");
    }
    let back =
        json!({"contexts": ["stock", "hub"], "context_params": {"hub": {"market": "north"}}});
    assert_eq!(problem(update(&own, &back).await).0, 403);
    update(&world.by, &back).await.unwrap();
}
