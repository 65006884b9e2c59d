//! Row sec-L1: secrets of other systems, which look like any word, in texts that are kept and shown.

use super::*;
use crate::domain::secret::Secret;
use crate::store::Subject;

/// Secrets as other systems have them: a UUID, Wialon's 72 digits, a key in base64.
const THEIRS: [&str; 3] = [
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "5dce19710a5e26ab8b7b8986cb3c49e58C291791B7F0A7AEB8AFBFCEED7DC03BC48FF5F8",
    "bnVtYmVyIG9u/SB0b2tlbg==",
];

impl World {
    /// With a token for each.
    async fn with_theirs() -> Self {
        let world = Self::with_alice().await;
        for secret in THEIRS {
            let body = json!({"owner": "alice", "name": "theirs", "secret": secret});
            world.create(body).await.unwrap();
        }
        world
    }

    /// All that is on record of everything.
    async fn history(&self) -> String {
        let page = self.service.store().events(None, None, 999).await.unwrap();
        page.entries.iter().map(|event| format!("{}\n", event.line)).collect()
    }

    async fn holds_none(&self) {
        let history = self.history().await;
        for secret in THEIRS {
            assert!(!history.contains(secret), "{history}");
        }
    }
}

fn named<T>(result: Result<T, ServiceError>) -> Option<String> {
    let error = result.err()?;
    assert!(THEIRS.iter().all(|secret| !error.to_string().contains(secret)), "{error}");
    (error.status() == 400).then(|| error.at_field().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_l1_nothing_that_is_shown_holds_a_secret_that_was_brought_in() {
    let world = World::with_theirs().await;
    let service = &world.service;
    let id = world.token().await.id;
    for secret in THEIRS {
        let text = format!("see https://wiki.example/?key={secret}.");
        for (field, value) in [
            ("name", json!(text)),
            ("app", json!(secret)),
            ("description", json!(format!("two\nlines: {text}"))),
            ("params", json!({ "a": secret })),
            ("items", json!(["1", secret])),
        ] {
            if field == "items" && secret.contains('/') {
                // No item has that.
                continue;
            }
            let mut body = json!({"owner": "alice", "name": "x"});
            body[field] = value.clone();
            assert_eq!(named(world.create(body).await).as_deref(), Some(field), "{value}");
            let change = json!({ field: value });
            assert_eq!(named(world.update(id, change).await).as_deref(), Some(field), "{value}");
        }
        let change = |value: &str| json!({"name": value});
        let alice = owner_id("alice");
        let renamed = service.update_owner(&world.by, &alice, &input(change(secret))).await;
        assert_eq!(named(renamed).as_deref(), Some("name"));
        let made = world.owner(json!({"id": "bob", "name": text})).await;
        assert_eq!(named(made).as_deref(), Some("name"));
        let acme = input(json!({"id": "acme", "name": secret}));
        assert_eq!(named(service.create_company(&world.by, acme).await).as_deref(), Some("name"));
    }
    let made = world.owner(json!({ "id": THEIRS[0] })).await;
    assert_eq!(named(made).as_deref(), Some("id"));
    world.holds_none().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_l1_a_token_is_not_named_by_its_own_secret() {
    let world = World::with_alice().await;
    let secret = THEIRS[0];
    let body = json!({"owner": "alice", "name": format!("key {secret}"), "secret": secret});
    assert_eq!(named(world.create(body.clone()).await).as_deref(), Some("name"));
    let batch = input(json!({ "lines": [body] }));
    let told = world.service.import(&world.by, &batch).await.unwrap();
    let problem = told[0].problem.clone().unwrap();
    assert!(problem.starts_with("`name`: the secret") && !problem.contains(secret), "{problem}");
    // Whose name had it before that was known is paused and renamed all the same.
    let id = world.create(json!({"owner": "alice", "name": secret})).await.unwrap().id;
    world.create(json!({"owner": "alice", "name": "x", "secret": secret})).await.unwrap();
    world.service.disable_token(&world.by, id, "").await.unwrap();
    world.update(id, json!({"app": "till"})).await.unwrap();
    world.update(id, json!({"name": "renamed"})).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_l1_a_reason_is_written_down_without_the_secrets_in_it() {
    let world = World::with_theirs().await;
    let (service, by, alice) = (&world.service, &world.by, owner_id("alice"));
    service.create_company(by, input(json!({"id": "acme"}))).await.unwrap();
    let acme = "acme".parse().unwrap();
    let id = world.token().await.id;
    let reason = format!("{} in a chat, {}; and ({})", THEIRS[0], THEIRS[1], THEIRS[2]);
    let told = "[redacted] in a chat, [redacted]; and ([redacted])";
    service.disable_token(by, id, &reason).await.unwrap();
    service.enable_token(by, id, &reason).await.unwrap();
    world.update(id, json!({"app": "x", "reason": reason})).await.unwrap();
    service.block_owner(by, &alice, &reason).await.unwrap();
    service.unblock_owner(by, &alice, &reason).await.unwrap();
    service.block_company(by, &acme, &reason).await.unwrap();
    service.unblock_company(by, &acme, &reason).await.unwrap();
    service.trust_clock(by, &reason).await.unwrap();
    let rotation = input(json!({ "reason": reason }));
    let new = service.rotate_token(by, id, rotation).await.unwrap().token.id;
    // The one that it gets is not in the store yet.
    let brought = "another-secret-of-theirs";
    let rotation = input(json!({"secret": brought, "reason": format!("to {brought}")}));
    let newest = service.rotate_token(by, new, rotation).await.unwrap().token.id;
    service.revoke_token(by, newest, &reason).await.unwrap();
    let ended = service.token(by, newest).await.unwrap().ended.unwrap();
    assert_eq!(ended.act.reason, told);
    let filter = json!({"name": "ci"});
    let plan = input(json!({ "filter": filter }));
    let confirm = service.plan_revocation(by, &plan).await.unwrap().confirm;
    let many = input(json!({"filter": filter, "reason": reason, "confirm": confirm}));
    assert!(service.revoke_many(by, &many).await.unwrap().revoked > 0);
    let history = world.history().await;
    assert!(history.matches(told).count() >= 11, "{history}");
    assert!(!history.contains(brought) && history.contains("to [redacted]"));
    world.holds_none().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_l1_what_a_report_reports_does_not_stand_in_its_reason() {
    let world = World::with_theirs().await;
    let id = world.token().await.id;
    let nobodys = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
    let secrets = [THEIRS[0], THEIRS[2], nobodys, "a"].map(|text| Secret::new(text.to_owned()));
    let reason = format!("at https://paste.example/{}/x?{nobodys}, a {}", THEIRS[0], THEIRS[1]);
    world.service.leaked(&world.by, &reason, &secrets, false).await.unwrap();
    let told = "at https://paste.example/[redacted]/x?[redacted], a [redacted]";
    let history = world.history().await;
    assert_eq!(history.matches("\"token.leaked\"").count(), 2);
    assert!(history.contains(told) && !history.contains(nobodys), "{history}");
    world.holds_none().await;
    let events = world.service.store().events(Some(&Subject::Token(id)), None, 9).await.unwrap();
    assert_eq!(events.entries.len(), 1, "of others nothing is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_l1_no_record_holds_a_secret_of_the_same_batch() {
    let world = World::with_alice().await;
    let (one, two) = (THEIRS[0], "1f8fad5b-d9cb-469f-a165-70867728950f");
    let line = |owner: &str, name: &str, secret: &str| json!({"owner": owner, "name": name, "secret": secret});
    for (lines, field, bad) in [
        // Its own as its user, a later one's and an earlier one's as a name, and behind something.
        (vec![line(one, "x", one)], "owner", 0),
        (vec![line("alice", two, one), line("alice", "x", two)], "name", 0),
        (vec![line("alice", "x", two), line(two, "x", one)], "owner", 1),
        (vec![line("alice", &format!("prod-{two}"), one), line("alice", "x", two)], "name", 0),
    ] {
        let batch = json!({"lines": lines, "create_owners": true, "dry_run": true});
        for dry_run in [true, false] {
            let mut batch = batch.clone();
            batch["dry_run"] = json!(dry_run);
            let told = world.service.import(&world.by, &input(batch)).await.unwrap();
            let problem = told[bad].problem.clone().unwrap_or_default();
            assert!(problem.starts_with(&format!("`{field}`: the secret")), "{lines:?}: {problem}");
        }
    }
    let history = world.history().await;
    assert!(!history.contains(one) && !history.contains(two), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_l1_companies_and_roles_hold_no_secret_either() {
    let world = World::with_theirs().await;
    let uuid = THEIRS[0];
    let token = json!({"owner": "alice", "name": "x", "company": uuid});
    assert_eq!(named(world.create(token).await).as_deref(), Some("company"));
    for (field, value) in [("company", json!(uuid)), ("roles", json!(["a", uuid]))] {
        let change = json!({ field: value });
        let changed =
            world.service.update_owner(&world.by, &owner_id("alice"), &input(change)).await;
        assert_eq!(named(changed).as_deref(), Some(field));
        let made = world.owner(json!({"id": "bob", field: value})).await;
        assert_eq!(named(made).as_deref(), Some(field));
    }
    let id = world.token().await.id;
    let named_so = world.update(id, json!({"name": format!("prod-{uuid}-old")})).await;
    assert_eq!(named(named_so).as_deref(), Some("name"));
    world.holds_none().await;
}
