//! Making, showing, pausing and ending tokens.

use super::*;
use crate::config::settings::SecretSource;
use crate::domain::event::Actor;
use crate::domain::id::Slug;
use crate::domain::secret::{Secret, is_plausible};
use crate::domain::token::ParamValue;
use crate::domain::token::State;
use crate::service::input::NewToken;
use crate::service::view::FreeParams;
use crate::store::sealed::{Binding, MasterKey};
use crate::store::{LastUse, NotedUse};

#[tokio::test]
async fn f1_a_secret_is_shown_once_and_never_kept() {
    let world = World::with_alice().await;
    let body = input::<NewToken>(json!({"owner": "alice", "name": "ci"}));
    let created = world.service.create_token(&world.by, body).await.unwrap();
    let secret = created.secret.unwrap();
    assert!(is_plausible(secret.expose().as_bytes()));
    assert!(secret.expose().ends_with(&created.token.hint));

    let record = world.service.token_record(created.token.id).await.unwrap();
    assert_eq!(record.digest, secret.digest());
    let kept = serde_json::to_string(&*record).unwrap();
    let shown =
        serde_json::to_string(&world.service.token(&world.by, record.id).await.unwrap()).unwrap();
    assert!(!kept.contains(&secret.expose()[3..30]) && !shown.contains(&secret.expose()[3..30]));
    assert!(!shown.contains(&record.digest.to_hex()));
}

#[tokio::test]
async fn e2_a_missing_user_or_name_is_named() {
    let world = World::with_alice().await;
    for (body, field) in [
        (json!({"name": "ci"}), "owner"),
        (json!({"owner": "alice"}), "name"),
        (json!({"owner": "alice", "name": "  "}), "name"),
    ] {
        let error = world.create(body.clone()).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (400, Some(field)), "{body}");
    }
    let nobodys = world.create(json!({"owner": "bob", "name": "ci"})).await;
    assert_eq!(problem(nobodys), (404, "there is no user `bob`".to_owned()));
    assert_eq!(world.kinds().await, ["owner.created"]);
}

#[tokio::test]
async fn a_token_has_sensible_defaults() {
    let world = World::with_alice().await;
    let token = world.token().await;
    assert_eq!((token.state, token.not_before, token.created_at), (State::Active, NOW, NOW));
    assert_eq!((token.expires_at, token.idle_ttl), (None, Span::from_days(100)));
    assert_eq!(token.idle_at, Some(NOW.plus(Span::from_days(100))));
    assert_eq!((token.flags, &token.created_by), (Flags::NONE, &Actor::Local(1_000)));
    assert_eq!(serde_json::to_value(&token).unwrap()["contexts"], json!("all"));
    assert_eq!(token.revision.0, 1);
    assert_eq!(world.kinds().await, ["token.created", "owner.created"]);
}

#[tokio::test]
async fn f2_an_end_in_the_past_is_refused_and_a_past_beginning_is_not() {
    let world = World::with_alice().await;
    let with = |extra: Value| {
        let mut body = json!({"owner": "alice", "name": "ci"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        world.create(body)
    };
    let (past, future) = (NOW.unix() - 10, NOW.unix() + 10);
    let at = |unix| Timestamp::from_unix(unix).to_string();
    for (bad, field) in [
        (json!({"expires_at": at(past)}), "expires_at"),
        (json!({"expires_at": at(NOW.unix())}), "expires_at"),
        (json!({"not_before": at(past), "lifetime": 10}), "lifetime"),
        (json!({"not_before": at(future), "expires_at": at(future)}), "expires_at"),
        (json!({"expires_at": at(future), "lifetime": "1d"}), "lifetime"),
    ] {
        let error = with(bad.clone()).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (400, Some(field)), "{bad}");
    }
    let token = with(json!({"not_before": at(past), "lifetime": 11})).await.unwrap();
    assert_eq!(
        (token.state, token.expires_at),
        (State::Active, Some(NOW.plus(Span::from_seconds(1))))
    );
    let token = with(json!({"not_before": at(future), "lifetime": "1m"})).await.unwrap();
    assert_eq!((token.state, token.expires_at.unwrap().unix()), (State::Pending, future + 60));
    let token = with(json!({"lifetime": 0, "idle_ttl": 0})).await.unwrap();
    assert_eq!((token.expires_at, token.idle_at), (None, None));
}

#[tokio::test]
async fn the_idle_limit_is_the_makers_the_apis_or_the_configured_one() {
    let world = World::with_alice().await;
    for (more, days) in [
        (json!({"idle_ttl": "7d", "api": "shop"}), 7),
        (json!({"api": "shop"}), 30),
        (json!({}), 100),
    ] {
        let mut body = json!({"owner": "alice", "name": "ci"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(world.create(body).await.unwrap().idle_ttl, Span::from_days(days), "{more}");
    }
}

#[tokio::test]
async fn f5_f7_contexts_and_their_parameters_come_from_the_configuration() {
    let world = World::with_alice().await;
    let with = |contexts: Value, params: Value| {
        world.create(json!({
            "owner": "alice", "name": "ci", "contexts": contexts, "context_params": params
        }))
    };
    let (status, text) = problem(with(json!(["sales"]), json!({})).await);
    assert_eq!(status, 400);
    assert_eq!(text, "`contexts`: there is no context `sales`; known are `hub`, `stock`");
    assert!(problem(with(json!(["hub"]), json!({})).await).1.contains("context_params.hub.market"));
    let token = with(json!(["hub"]), json!({"hub": {"market": "north"}})).await.unwrap();
    let shown = serde_json::to_value(&token.context_params).unwrap();
    assert_eq!(shown, json!({"hub": {"market": {"value": "north"}}}));
}

#[tokio::test]
async fn w13_w17_flags_items_and_parameters_are_checked() {
    let world = World::with_alice().await;
    world.owner(json!({"id": "bob", "ceiling": ["view"], "company": "acme"})).await.unwrap();
    let with = |extra: Value| {
        let mut body = json!({"owner": "bob", "name": "ci"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        world.create(body)
    };
    for (bad, status, field) in [
        (json!({"flags": ["edit"]}), 403, "flags"),
        (json!({"flags": -1}), 403, "flags"),
        (json!({"flags": -3}), 400, "flags"),
        (json!({"flags": ["veiw"]}), 400, "flags"),
        (json!({"company": "other"}), 403, "company"),
        (json!({"params": [1]}), 400, "params"),
        (json!({"params": "no json"}), 400, "params"),
        (json!({"api": "erp"}), 400, "api"),
        (json!({"secret": "short"}), 400, "secret"),
        (json!({"secret": "tg_000000000000000000000000000000000000"}), 400, "secret"),
        (json!({"app": "a\nb"}), 400, "app"),
        (json!({"items": ["7", ".."]}), 400, "items"),
        (json!({"items": ["a\\b"]}), 400, "items"),
        (json!({"description": "\u{1b}[2J"}), 400, "description"),
    ] {
        let error = with(bad.clone()).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (status, Some(field)), "{bad}");
    }
    let body =
        r#"{"owner":"bob","name":"ci","flags":512,"items":["7","10"],"params":{ "a" : 1.0 }}"#;
    let body: NewToken = serde_json::from_str(body).unwrap();
    let token = world.service.create_token(&world.by, body).await.unwrap().token;
    assert_eq!(token.params.as_ref().map(FreeParams::text), Some(r#"{ "a" : 1.0 }"#));
    assert_eq!(
        (token.flag_names, token.company.unwrap().as_str()),
        (vec!["view".to_owned()], "acme")
    );
}

#[tokio::test]
async fn a_brought_secret_works_once_and_is_not_repeated() {
    let world = World::with_alice().await;
    let text = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let body = json!({"owner": "alice", "name": "old", "secret": text});
    let created = world.service.create_token(&world.by, input(body.clone())).await.unwrap();
    assert!(created.secret.is_none());
    let record = world.service.token_record(created.token.id).await.unwrap();
    assert_eq!(record.digest, Secret::new(text.to_owned()).digest());
    let error = world.create(body).await.unwrap_err();
    assert_eq!((error.status(), error.at_field()), (409, Some("secret")));
}

#[tokio::test]
async fn f8_a_revoke_is_final_and_is_written_once() {
    let world = World::with_alice().await;
    let id = world.token().await.id;
    let revoke = |reason| world.service.revoke_token(&world.by, id, reason);
    let first = revoke("leaked").await.unwrap();
    assert!(first.changed && first.token.state == State::Revoked);
    let ended = first.token.ended.clone().unwrap();
    assert_eq!((ended.act.by, ended.act.reason.as_str()), (Actor::Local(1_000), "leaked"));

    world.clock.advance(Span::from_seconds(5));
    let again = revoke("again").await.unwrap();
    assert!(!again.changed);
    assert_eq!((again.token.ended, again.token.revision.0), (first.token.ended, 2));
    for refused in [
        world.service.enable_token(&world.by, id, "").await,
        world.service.disable_token(&world.by, id, "").await,
        world.update(id, json!({"name": "x"})).await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!((error.status(), error.kind()), (409, "ended"));
    }
    assert_eq!(world.kinds().await, ["token.revoked", "token.created", "owner.created"]);
}

#[tokio::test]
async fn a_token_that_only_the_clock_ended_can_still_be_revoked() {
    let world = World::with_alice().await;
    let token = world.create(json!({"owner": "alice", "name": "a", "lifetime": 60})).await.unwrap();
    world.clock.advance(Span::from_seconds(60));
    assert_eq!(world.service.token(&world.by, token.id).await.unwrap().state, State::Expired);
    assert_eq!(problem(world.update(token.id, json!({"expires_at": null})).await).0, 409);
    assert!(world.service.revoke_token(&world.by, token.id, "").await.unwrap().changed);
    world.clock.set(NOW);
    assert_eq!(world.service.token(&world.by, token.id).await.unwrap().state, State::Revoked);
}

#[tokio::test]
async fn a_pause_can_be_lifted_and_neither_is_written_twice() {
    let world = World::with_alice().await;
    let id = world.token().await.id;
    for changed in [true, false] {
        let paused = world.service.disable_token(&world.by, id, "holidays").await.unwrap();
        assert_eq!((paused.changed, paused.token.state), (changed, State::Disabled));
    }
    for changed in [true, false] {
        let back = world.service.enable_token(&world.by, id, "").await.unwrap();
        assert_eq!((back.changed, back.token.state), (changed, State::Active));
    }
    let kinds = ["token.enabled", "token.disabled", "token.created", "owner.created"];
    assert_eq!(world.kinds().await, kinds);
    let long = "x".repeat(501);
    let refused = world.service.disable_token(&world.by, id, &long).await.unwrap_err();
    assert_eq!(refused.at_field(), Some("reason"));
}

#[tokio::test]
async fn f3_ended_tokens_stay_in_the_list_page_by_page() {
    let world = World::with_alice().await;
    world.owner(json!({"id": "bob"})).await.unwrap();
    let mut made = Vec::new();
    for n in 0..5 {
        world.clock.advance(Span::from_seconds(1));
        let owner = if n == 2 { "bob" } else { "alice" };
        let body = json!({"owner": owner, "name": format!("t{n}")});
        made.push(world.create(body).await.unwrap().id);
    }
    world.service.revoke_token(&world.by, made[0], "").await.unwrap();
    let address = "192.0.2.1".parse().unwrap();
    let last_use = LastUse { at: world.clock.now(), address, api: "erp".into() };
    let noted = NotedUse { of: made[1].into(), last: last_use, first: false };
    world.service.store().note_uses(vec![noted], world.clock.now()).await.unwrap();

    let list = async |body| world.service.tokens(&world.by, &input(body)).await.unwrap();
    let page = list(json!({"order": "oldest", "limit": 2})).await;
    assert_eq!((page.entries[0].id, page.entries[0].state), (made[0], State::Revoked));
    assert_eq!(page.entries[1].last_use.as_ref().unwrap().api, "erp");
    let page = list(json!({"order": "oldest", "cursor": page.next, "limit": 10})).await;
    assert_eq!(page.entries.iter().map(|token| token.id).collect::<Vec<_>>(), made[2..]);
    assert_eq!(page.next, None);
    let page = list(json!({"owner": "bob"})).await;
    assert_eq!(page.entries.len(), 1);
}

#[tokio::test]
async fn an_unknown_token_is_not_found() {
    let world = World::with_alice().await;
    let id = TokenId::new(1, [0; 10]);
    assert_eq!(problem(world.service.token(&world.by, id).await).0, 404);
    assert_eq!(problem(world.update(id, json!({"name": "x"})).await).0, 404);
    assert_eq!(problem(world.service.revoke_token(&world.by, id, "").await).0, 404);
}

#[tokio::test]
async fn f7_a_secret_parameter_is_sealed_and_never_shown() {
    let world = World::with_alice().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let mut settings = settings();
    let telegram: Slug = "hub".parse().unwrap();
    let param = settings.contexts.get_mut(&telegram).unwrap().params.get_mut("market").unwrap();
    (param.secret, param.choices) = (true, Vec::new());
    settings.store.master_key = SecretSource::File(file.clone());
    world.service.settings.store(Arc::new(settings));
    let body = json!({
        "owner": "alice", "name": "bot", "contexts": ["hub"],
        "context_params": {"hub": {"market": "123456:bot-secret"}}
    });
    assert_eq!(problem(world.create(body.clone()).await).0, 503, "without a master key");

    let key = MasterKey::create(&file).unwrap();
    let token = world.create(body).await.unwrap();
    let shown = serde_json::to_value(&token.context_params).unwrap();
    assert_eq!(shown, json!({"hub": {"market": {"sealed": true}}}));
    let record = world.service.token_record(token.id).await.unwrap();
    assert!(!serde_json::to_string(&*record).unwrap().contains("bot-secret"));
    let ParamValue::Sealed(sealed) = &record.context_params[&telegram]["market"] else { panic!() };
    let place = Binding { token: token.id, context: &telegram, parameter: "market" };
    assert_eq!(*key.open(&place, sealed).unwrap(), "123456:bot-secret");

    let rotated = world.service.rotate_token(&world.by, token.id, input(json!({}))).await;
    let successor = world.service.token_record(rotated.unwrap().token.id).await.unwrap();
    let ParamValue::Sealed(sealed) = &successor.context_params[&telegram]["market"] else {
        panic!()
    };
    let place = Binding { token: successor.id, context: &telegram, parameter: "market" };
    assert_eq!(*key.open(&place, sealed).unwrap(), "123456:bot-secret", "sealed anew");

    let change = json!({"context_params": {"hub": {"market": "another"}}});
    world.update(token.id, change).await.unwrap();
    let events = world.service.events(&world.by, None, None, 9).await.unwrap().entries;
    let shown = json!({"hub": {"market": {"sealed": true}}});
    let change = &serde_json::to_value(&events[0].changes).unwrap()[0];
    assert_eq!(change, &json!({"field": "context_params", "from": shown, "to": shown}));
    assert!(!serde_json::to_string(&events).unwrap().contains("v1."), "no sealed text either");

    let away = json!({"context_params": {"hub": {"market": null}}});
    let required = world.update(token.id, away.clone()).await.unwrap_err();
    assert_eq!(required.at_field(), Some("context_params.hub.market"));
    world.update(token.id, json!({"contexts": "all"})).await.unwrap();
    let bare = world.update(token.id, away).await.unwrap();
    assert!(bare.changed && bare.token.context_params.is_empty());
    let record = world.service.token_record(token.id).await.unwrap();
    assert!(record.context_params.is_empty(), "taken away from the record too");
    let events = world.service.events(&world.by, None, None, 1).await.unwrap().entries;
    let change = &serde_json::to_value(&events[0].changes).unwrap()[0];
    assert_eq!(change, &json!({"field": "context_params", "from": shown, "to": null}));
}

#[test]
fn no_error_of_a_value_is_as_long_as_the_value() {
    let long = "x".repeat(100_000);
    let day = format!("{}-01-01", "9".repeat(100_000));
    for error in [
        long.parse::<Timestamp>().unwrap_err().to_string(),
        day.parse::<crate::domain::day::Day>().unwrap_err().to_string(),
        long.parse::<Span>().unwrap_err().to_string(),
        "9".repeat(100_000).parse::<Span>().unwrap_err().to_string(),
        Actor::try_from(long.clone()).unwrap_err().to_string(),
        crate::domain::grant::Items::set([&long]).unwrap_err().to_string(),
    ] {
        assert!(error.len() < 500, "{} bytes", error.len());
    }
}
