//! Tokens of another system: what becomes of each line.

use super::*;
use crate::cache::{At, Taken};
use crate::domain::left::{InPeriod, Spent};
use crate::domain::limits::Limit;
use crate::domain::period::Period;
use crate::domain::secret::Digest;
use crate::service::import::{ImportBatch, ImportOutcome};

const SECRET: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

/// What became of lines: in a word, and what was wrong.
async fn import(world: &World, options: Value, lines: &[Value]) -> Vec<(ImportOutcome, String)> {
    let mut body = options;
    body["lines"] = json!(lines);
    let batch: ImportBatch = input(body);
    let told = world.service.import(&world.by, &batch).await.unwrap();
    told.into_iter().map(|line| (line.outcome, line.problem.unwrap_or_default())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_is_a_token_or_is_told_why_not() {
    let world = World::with_alice().await;
    let digest = Digest::of(b"another secret of theirs").to_hex();
    let own = "tg_0000000000000000000000000000000000000";
    let lines = [
        json!({"owner": "alice", "name": "one", "secret": SECRET, "flags": 0x200,
               "contexts": ["stock"], "items": ["7"], "params": {"a": 1.0}, "lifetime": 0,
               "created_at": "2020-01-01T00:00:00Z", "limits": {"uses": 5}}),
        json!({"owner": "alice", "name": "two", "digest": digest, "hint": "eirs", "state": "disabled"}),
        json!({"owner": "alice", "name": "again", "secret": SECRET}),
        json!({"owner": "alice", "name": "bad", "secret": own}),
        json!({"owner": "alice", "name": "none"}),
        json!({"owner": "bob", "name": "x", "digest": Digest::of(b"3").to_hex()}),
        json!({"owner": "alice", "name": "x", "digest": Digest::of(b"4").to_hex(), "state": "revoked"}),
        json!({"owner": "alice", "name": "x", "digest": "12"}),
        json!({"owner": "alice", "name": "x", "digest": Digest::of(b"5").to_hex(), "flags": own}),
        json!({"owner": "alice", "name": "", "digest": Digest::of(b"6").to_hex()}),
        json!([]),
    ];
    let problems = [
        "",
        "",
        "another token has the same secret",
        "`secret`: a secret has 16 to 512",
        "`secret`: a secret or a digest is needed",
        "there is no user `bob`",
        "`state`: this token has ended",
        "`digest`: a digest has 64",
        "`flags`: ",
        "`name`: a name is required",
        "`line`: an object is expected",
    ];
    let before = world.kinds().await.len();
    for dry_run in [true, false] {
        let told = import(&world, json!({ "dry_run": dry_run }), &lines).await;
        for (number, ((outcome, problem), wanted)) in told.iter().zip(problems).enumerate() {
            let good = wanted.is_empty();
            assert_eq!(*outcome == ImportOutcome::Good, good, "{number}: {problem}");
            let begins = problem.to_lowercase().starts_with(&wanted.to_lowercase());
            assert!(begins, "{number}: {problem}");
            assert!(!problem.contains(own), "sec-L1: {problem}");
        }
        let made = if dry_run { 0 } else { 2 };
        assert_eq!(world.kinds().await.len() - before, made);
    }
    let list = world.service.tokens(&world.by, &input(json!({"order": "oldest"}))).await.unwrap();
    let of = |name: &str| list.entries.iter().find(|token| token.name == name).unwrap();
    let (one, two) = (of("one"), of("two"));
    assert_eq!((one.hint.as_str(), one.flags.bits(), one.expires_at), ("950e", 0x200, None));
    assert_eq!((one.created_at.unix(), one.not_before), (1_577_836_800, NOW));
    assert_eq!(one.limits.uses, Some(5));
    assert_eq!((two.hint.as_str(), two.state.as_str()), ("eirs", "disabled"));
    let told = import(&world, json!({}), &lines[..2]).await;
    assert!(told.iter().all(|(outcome, _)| *outcome == ImportOutcome::Refused), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_made_where_that_is_asked_for() {
    let world = World::new().await;
    let line = |owner: &str, name: &str, n: u8| json!({"owner": owner, "name": name, "digest": Digest::of(&[n]).to_hex()});
    let lines = [line("bob", "", 1), line("carol", "x", 2), line("carol", "y", 3)];
    let options = |dry_run| json!({"create_owners": true, "dry_run": dry_run});
    for dry_run in [true, false] {
        let told = import(&world, options(dry_run), &lines).await;
        let good: Vec<_> = told.iter().map(|line| line.0 == ImportOutcome::Good).collect();
        assert_eq!(good, [false, true, true]);
        let there = async |id| world.service.owner(&world.by, &owner_id(id)).await.is_ok();
        assert!(!there("bob").await, "of whom every line was refused");
        assert_eq!(there("carol").await, !dry_run);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_can_be_imported() {
    let world = World::with_alice().await;
    let made = world
        .service
        .create_token(
            &world.by,
            input(json!({
                "owner": "alice", "name": "=1+1", "contexts": ["hub"], "items": ["a", "b"], "flags": -1,
                "context_params": {"hub": {"market": "north"}}, "lifetime": 0,
                "params": {"n": 1.5}, "conditions": {"networks": ["10.0.0.0/8"]},
                "limits": {"quotas": {"day": 7}}
            })),
        )
        .await
        .unwrap();
    let secret = made.secret.unwrap();
    let page = world.service.export(&world.by, &input(json!({})), true).await.unwrap();
    let text = serde_json::to_string(&page.entries[0]).unwrap();
    assert!(!text.contains(secret.expose()) && text.contains(r#"{"n":1.5}"#), "{text}");
    let plain = world.service.export(&world.by, &input(json!({})), false).await.unwrap();
    assert!(plain.entries[0].digest.is_none());

    let other = World::with_alice().await;
    let batch: ImportBatch = serde_json::from_str(&format!(r#"{{"lines":[{text}]}}"#)).unwrap();
    let told = other.service.import(&other.by, &batch).await.unwrap();
    assert_eq!(told[0].outcome, ImportOutcome::Good, "{told:?}");
    let held = other.service.store().held(&secret.digest()).await.unwrap().unwrap().token;
    let token = world.service.store().token(made.token.id).await.unwrap().unwrap();
    let same = crate::domain::token::Token { id: held.id, ..(*token).clone() };
    assert_eq!(*held, same);
}

/// What an export says of the tokens of a store, as the lines of an import with these options.
async fn moved(from: &World, options: Value) -> ImportBatch {
    let asked = input(json!({"order": "oldest"}));
    let page = from.service.export(&from.by, &asked, true).await.unwrap();
    let lines: Vec<_> = page
        .entries
        .iter()
        .map(|token| serde_json::to_value(token).unwrap())
        .filter(|token| !["revoked", "expired"].contains(&token["state"].as_str().unwrap()))
        .collect();
    let mut body = options;
    body["lines"] = json!(lines);
    input(body)
}

async fn outcomes(world: &World, batch: &ImportBatch) -> Vec<(ImportOutcome, String)> {
    let told = world.service.import(&world.by, batch).await.unwrap();
    told.into_iter().map(|line| (line.outcome, line.problem.unwrap_or_default())).collect()
}

/// What does not work where it comes from does not work where it goes.
#[tokio::test(flavor = "multi_thread")]
async fn states_and_counts_are_moved_too() {
    let world = World::with_alice().await;
    world.owner(json!({"id": "bob", "company": "acme"})).await.unwrap();
    let limits = json!({"uses": 5, "quotas": {"day": 10, "month": 100}});
    let mut ids = Vec::new();
    for (owner, name) in [("alice", "used"), ("alice", "part"), ("bob", "paused"), ("bob", "ok")] {
        let body = json!({"owner": owner, "name": name, "limits": limits, "lifetime": 0});
        ids.push(world.create(body).await.unwrap().id);
    }
    let spent = |uses, day| {
        let mut spent = Spent { uses, ..Spent::default() };
        for (place, period) in spent.quotas.iter_mut().zip(Period::ALL) {
            if matches!(period, Period::Day | Period::Month) {
                *place = InPeriod { begin: period.begin(NOW), requests: day };
            }
        }
        spent
    };
    let store = world.service.store();
    store.note_spent(ids[0].into(), spent(5, 1)).await.unwrap();
    store.note_spent(ids[1].into(), spent(2, 4)).await.unwrap();
    world.service.disable_token(&world.by, ids[2], "").await.unwrap();
    world.service.block_owner(&world.by, &owner_id("bob"), "left").await.unwrap();

    let batch = moved(&world, json!({"create_owners": true})).await;
    let other = World::new().await;
    assert!(outcomes(&other, &batch).await.iter().all(|line| line.0 == ImportOutcome::Good));
    let list = other.service.tokens(&other.by, &input(json!({"order": "oldest"}))).await.unwrap();
    let of = |name: &str| list.entries.iter().find(|token| token.name == name).unwrap();
    let left = |name: &str| {
        let left = of(name).left.clone().unwrap();
        (left.uses.unwrap(), left.quotas.into_values().map(|room| room.requests).collect())
    };
    assert!(of("used").used_up);
    assert_eq!(left("used"), (0, vec![9, 99]));
    assert_eq!(left("part"), (3, vec![6, 96]));
    assert_eq!(left("ok"), (5, vec![10, 100]));
    assert_eq!((of("paused").state.as_str(), of("paused").blocked), ("disabled", true));
    assert_eq!((of("ok").state.as_str(), of("ok").blocked), ("active", true));
    let bob = other.service.owner(&other.by, &owner_id("bob")).await.unwrap();
    assert!(bob.blocked.is_some());
    assert_eq!(bob.company.unwrap().as_str(), "acme", "that of its first line");
    // Not only in a list: what is counted from now on begins there, and after a restart too.
    let digest = other.service.store().token(of("used").id).await.unwrap().unwrap().digest;
    let entry = other.service.cache.load(&digest).await.unwrap().unwrap();
    let at = At { now: NOW, uptime_ns: 0 };
    let taken = other.service.cache.take(entry.limited.as_ref().unwrap(), at).await.unwrap();
    assert!(matches!(taken, Taken::Refused(Limit::Uses)), "{taken:?}");
    let on_disk = other.service.store().spent(of("part").id.into()).await.unwrap();
    assert_eq!(on_disk, spent(2, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_over_takes_nothing_from_the_next() {
    let world = World::with_alice().await;
    let body = json!({"owner": "alice", "name": "x", "limits": {"quotas": {"day": 10}}});
    let id = world.create(body).await.unwrap().id;
    let mut spent = Spent::default();
    for (place, period) in spent.quotas.iter_mut().zip(Period::ALL) {
        *place = InPeriod { begin: period.begin(NOW), requests: 10 };
    }
    world.service.store().note_spent(id.into(), spent).await.unwrap();
    let batch = moved(&world, json!({})).await;
    let other = World::with_alice().await;
    other.clock.advance(Span::from_days(1));
    assert_eq!(outcomes(&other, &batch).await[0].0, ImportOutcome::Good);
    let token = &other.service.tokens(&other.by, &input(json!({}))).await.unwrap().entries[0];
    assert_eq!(token.left.as_ref().unwrap().quotas[&Period::Day].requests, 10);
}

/// A token that was stopped with its owner is not let loose by an owner who is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_token_stays_blocked_or_is_refused() {
    let world = World::with_alice().await;
    world.owner(json!({"id": "bob", "company": "acme"})).await.unwrap();
    world.service.create_company(&world.by, input(json!({"id": "acme"}))).await.unwrap();
    let mut nth = 0_u8;
    let mut line = |more: Value| {
        nth += 1;
        let digest = Digest::of(&[nth]).to_hex();
        let mut line = json!({"owner": "bob", "name": "x", "digest": digest});
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line
    };
    for stopped in [json!({"state": "blocked"}), json!({"state": "disabled", "blocked": true})] {
        let told = import(&world, json!({}), &[line(stopped.clone())]).await;
        assert_eq!(told[0].0, ImportOutcome::Refused, "{stopped}");
        assert!(
            told[0].1.starts_with("`state`: ") && told[0].1.contains("block `bob`"),
            "{told:?}"
        );
    }
    for (wrong, field) in [
        (json!({"uses_left": 1}), "uses_left"),
        (json!({"limits": {"uses": 3}, "uses_left": 4}), "uses_left"),
        (
            json!({"quotas_used": {"day": {"since": "2027-01-01T00:00:00Z", "requests": 1}}}),
            "quotas_used",
        ),
        (json!({"blocked": "perhaps"}), "blocked"),
        (json!({"uses_left": -1}), "uses_left"),
        (json!({"state": "used_up"}), "state"),
    ] {
        let told = import(&world, json!({}), &[line(wrong.clone())]).await;
        assert!(told[0].1.starts_with(&format!("`{field}`: ")), "{wrong}: {told:?}");
    }
    world.service.block_company(&world.by, &"acme".parse().unwrap(), "").await.unwrap();
    let told = import(&world, json!({}), &[line(json!({"state": "blocked"}))]).await;
    assert_eq!(told[0].0, ImportOutcome::Good, "it is stopped with its company: {told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_that_are_made_have_a_company() {
    let line = |owner: &str, company: Option<&str>, n: u8| {
        let digest = Digest::of(&[n]).to_hex();
        json!({"owner": owner, "name": "x", "company": company, "digest": digest})
    };
    let lines = [
        line("bob", Some("acme"), 1),
        line("bob", None, 2),
        line("bob", Some("other"), 3),
        line("carol", None, 4),
    ];
    for dry_run in [true, false] {
        let world = World::new().await;
        let options = json!({"create_owners": true, "dry_run": dry_run});
        let told = import(&world, options, &lines).await;
        let good: Vec<_> = told.iter().map(|line| line.0 == ImportOutcome::Good).collect();
        assert_eq!(good, [true, true, false, true], "{dry_run}: {told:?}");
        assert!(told[2].1.contains("`bob` belongs to the company `acme`"), "{told:?}");
    }
    let world = World::new().await;
    let options = json!({"create_owners": true, "company": "acme"});
    let told = import(&world, options, &lines).await;
    assert!(told[2].0 == ImportOutcome::Refused && told[3].0 == ImportOutcome::Good, "{told:?}");
    for id in ["bob", "carol"] {
        let owner = world.service.owner(&world.by, &owner_id(id)).await.unwrap();
        assert_eq!(owner.company.unwrap().as_str(), "acme", "{id}");
    }
}
