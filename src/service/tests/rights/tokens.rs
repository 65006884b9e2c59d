//! Every act on tokens by every role, one by one and on many.

use super::*;
use crate::service::usage::UsageQuestion;

/// Rows E1 and W10, and "nobody grants more than they have".
#[tokio::test(flavor = "multi_thread")]
async fn e1_acts_on_tokens_by_every_role() {
    //             owner         see       change
    let table = [
        ("chief", "yy00yy0", "y-00--0"),
        ("boss", "yy00yy0", "yy00--0"),
        ("dev", "yyy0yy0", "yyy0--0"),
        ("robot", "yyy0yy0", "yyy0--0"),
        ("alice", "yy0yyy0", "yy0y--0"),
        ("junior", "yy0yyy0", "yy0y--0"),
        ("grandchild", "yy0yyy0", "yy0y--0"),
        ("cuckoo", "yy0yyy0", "yy0---0"),
        ("watcher", "y000y00", "y000-00"),
        ("bob", "y000y0y", "y000-0y"),
    ];
    let world = world().await;
    for (owner, sees, minds) in table {
        world.acts_on_tokens_of(owner, sees, minds, minds).await;
    }
    // Where nobody serves themselves, administrators alone hand out: the first two columns.
    world.reload(|settings| settings.tokens.self_service = false);
    for (owner, sees, minds) in table {
        let (above, below) = minds.split_at(2);
        let hands_out = format!("{above}{}", below.replace('y', "-"));
        world.acts_on_tokens_of(owner, sees, minds, &hands_out).await;
    }
    let makers = world.row(async |by| {
        let settings = world.service.settings();
        if by.makes_tokens(&settings.tokens) { 'y' } else { '-' }
    });
    assert_eq!(makers.await, "yy-----", "who is offered the form");
}

impl World {
    /// How many events there are.
    async fn events(&self) -> u64 {
        self.service.store().events(None, None, 1).await.unwrap().entries[0].position.0
    }

    /// What is told of a token of `owner`, to everybody.
    async fn looks_at(&self, id: TokenId, owner: &str, sees: &str) {
        let service = &self.service;
        let seen = self.row(async |by| letter(service.token(&by, id).await)).await;
        assert_eq!(seen, sees, "seeing a token of {owner}");
        let events = Subject::Token(id);
        let row = self.row(async |by| letter(service.events(&by, Some(&events), None, 9).await));
        assert_eq!(row.await, sees, "its events");
        let row = self.row(async |by| letter(service.stopping(&by, &owner_id(owner)).await));
        assert_eq!(row.await, sees, "how many tokens stop with {owner}");
        let used = UsageQuestion::default();
        let row = self.row(async |by| letter(service.token_usage(&by, id, used).await)).await;
        assert_eq!(row, sees, "its requests by the day");
    }

    /// Each act on a token of `owner` by everybody: who sees it, who gives it less, pauses and ends it, and who
    /// makes and rotates one and gives it more.
    async fn acts_on_tokens_of(&self, owner: &str, sees: &str, minds: &str, hands_out: &str) {
        let service = &self.service;
        let body = json!({"owner": owner, "name": "one", "items": ["1", "2"]});
        let id = self.create(body.clone()).await.unwrap().id;
        self.looks_at(id, owner, sees).await;
        for (change, who) in [
            (json!({"name": "two"}), minds),
            (json!({"items": ["1"]}), minds),
            (json!({"items": ["1", "2", "3"]}), hands_out),
        ] {
            let row = self.row(async |by| {
                let outcome = service.update_token(&by, id, &input(change.clone())).await;
                self.update(id, json!({"items": ["1", "2"]})).await.unwrap();
                letter(outcome)
            });
            assert_eq!(row.await, who, "changing one of {owner}: {change}");
        }
        let row = self.row(async |by| {
            match service.rotate_token(&by, id, input(json!({"grace": "30d"}))).await {
                // Whoever comes second finds that it is done.
                Err(error) if error.status() == 409 => 'y',
                outcome => letter(outcome),
            }
        });
        assert_eq!(row.await, hands_out, "rotating one of {owner}");
        let row = self.row(async |by| letter(service.disable_token(&by, id, "").await)).await;
        assert_eq!(row, minds, "pausing it");
        let row = self.row(async |by| letter(service.enable_token(&by, id, "").await)).await;
        assert_eq!(row, minds, "lifting the pause");
        let row = self.row(async |by| letter(service.revoke_token(&by, id, "").await)).await;
        assert_eq!(row, minds, "ending it");
        let before = self.events().await;
        let made =
            self.row(async |by| letter(service.create_token(&by, input(body.clone())).await));
        let made = made.await;
        assert_eq!(made, hands_out.replace('0', "-"), "making another of {owner}");
        let events = self.events().await - before;
        assert_eq!(
            events,
            made.matches('y').count() as u64,
            "and nothing is written of what is refused"
        );
    }
}

/// Row E1: of what fits, everybody ends what they may end one by one.
#[tokio::test(flavor = "multi_thread")]
async fn many_tokens_are_ended_within_the_rights_to_each() {
    let world = world().await;
    for owner in ["chief", "boss", "dev", "robot", "alice", "junior", "watcher", "bob"] {
        world.create(json!({"owner": owner, "name": "one"})).await.unwrap();
    }
    let asked = |filter: &Value| input(json!({ "filter": filter }));
    for (filter, ends, stays) in [
        (json!({"state": "active"}), "8522001", "0100860"),
        (json!({"company": "acme"}), "6522000", "0100660"),
    ] {
        let mut rows = [String::new(), String::new()];
        for id in CALLERS {
            let by = world.person(id).await;
            let plan = world.service.plan_revocation(&by, &asked(&filter)).await.unwrap();
            for (row, count) in rows.iter_mut().zip([plan.tokens, plan.not_yours]) {
                row.push_str(&count.to_string());
            }
        }
        assert_eq!(rows, [ends, stays], "{filter}");
    }
    let row = world.row(async |by| letter(by.ends_tokens())).await;
    assert_eq!(row, "yyyy--y", "who is offered it");
    // The word of another is of no use.
    let filter = json!({"owner": "alice"});
    let boss = world.person("boss").await;
    let plan = world.service.plan_revocation(&boss, &asked(&filter)).await.unwrap();
    let act = || input(json!({ "filter": filter, "confirm": plan.confirm }));
    let row = world.row(async |by| match world.service.revoke_many(&by, &act()).await {
        Ok(done) => char::from_digit(u32::try_from(done.revoked).unwrap(), 10).unwrap(),
        Err(error) if error.status() == 409 => 'x',
        Err(error) => letter::<()>(Err(error)),
    });
    assert_eq!(row.await, "x10xxx0");
}

#[tokio::test(flavor = "multi_thread")]
async fn leak_lists_are_for_administrators() {
    let world = world().await;
    let secret = || [crate::domain::secret::Secret::new("x".repeat(20))];
    let row =
        world.row(async |by| letter(world.service.leaked(&by, "", &secret(), false).await)).await;
    assert_eq!(row, "y------");
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_and_digests_are_for_administrators() {
    let world = world().await;
    let (batch, all) = (input(json!({"lines": []})), input(json!({})));
    let row = world.row(async |by| letter(world.service.import(&by, &batch).await)).await;
    assert_eq!(row, "y------");
    for (digests, who) in [(true, "y------"), (false, "yyyyyyy")] {
        let row = world.row(async |by| letter(world.service.export(&by, &all, digests).await));
        assert_eq!(row.await, who);
    }
}
