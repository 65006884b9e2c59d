//! Tokens of another system: what becomes of each line.

use super::*;
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
        "`line`: invalid type",
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
