//! Nobody gains by their own act: what binds a program binds what it makes, and what somebody did to stop a
//! token or an owner is undone by those alone who stand as high.

use super::*;
use crate::domain::owner::Owner;
use crate::domain::token::Token;
use crate::service::program::NotLetIn;

const OFFICE: &str = "10.0.0.0/8";

impl World {
    async fn record(&self, id: &str) -> Arc<Owner> {
        self.service.owner_record(&owner_id(id)).await.unwrap()
    }

    pub(super) async fn person_of(&self, id: &str) -> Caller {
        Caller::person(&*self.record(id).await)
    }

    /// A program with a token of `owner`, and that token.
    pub(super) async fn program_of(&self, owner: &str, body: Value) -> (Caller, Arc<Token>) {
        let mut whole = json!({"owner": owner, "name": "robot", "flags": -1});
        whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let id = self.create(whole).await.unwrap().id;
        let token = self.service.token_record(id).await.unwrap();
        (Caller::program(&*self.record(owner).await, &token), token)
    }
}

fn outcome<T>(result: Result<T, ServiceError>) -> (u16, Option<String>) {
    match result {
        Ok(_) => (200, None),
        Err(error) => (error.status(), error.at_field().map(str::to_owned)),
    }
}

/// Row W15: networks, windows and certificate of a token hold for all that is made with it.
#[tokio::test(flavor = "multi_thread")]
async fn w15_conditions_are_not_shed() {
    let world = World::with_alice().await;
    let service = &world.service;
    let digest = "ab".repeat(32);
    let hours = json!([{"days": [1, 2, 3], "from_minute": 540, "until_minute": 1_080}]);
    let fewer = json!([{"days": [1], "from_minute": 540, "until_minute": 1_080}]);
    let more = json!([{"days": [1, 7], "from_minute": 540, "until_minute": 1_080}]);
    for (bound, narrower, wider) in [
        (json!({"networks": [OFFICE]}), json!({"networks": ["10.1.0.0/16"]}), json!({})),
        (
            json!({"networks": [OFFICE]}),
            json!({"networks": [OFFICE]}),
            json!({"networks": [OFFICE, "192.0.2.0/24"]}),
        ),
        (json!({"windows": hours}), json!({"windows": fewer}), json!({"windows": more})),
        (json!({"windows": hours}), json!({"windows": hours}), json!({"windows": []})),
        (json!({"certificate": digest}), json!({"certificate": digest}), json!({})),
    ] {
        let (by, own) = world.program_of("alice", json!({"conditions": bound})).await;
        let refused = (403, Some("conditions".to_owned()));
        for (conditions, expected) in [(&narrower, (200, None)), (&wider, refused.clone())] {
            let body = json!({"owner": "alice", "name": "child", "conditions": conditions});
            let made = outcome(service.create_token(&by, input(body)).await);
            assert_eq!(made, expected, "making one with {conditions}");
            // A part of a change that is left out stays, so that each part is said.
            let said = |part: &str| conditions.get(part).cloned().unwrap_or(Value::Null);
            let parts =
                ["networks", "windows", "certificate"].map(|part| (part.to_owned(), said(part)));
            let body = json!({"conditions": parts.into_iter().collect::<serde_json::Map<_, _>>()});
            let changed = outcome(service.update_token(&by, own.id, &input(body)).await);
            assert_eq!(changed, expected, "changing itself to {conditions}");
        }
        let cleared = service.update_token(&by, own.id, &input(json!({"conditions": null}))).await;
        assert_eq!(outcome(cleared), refused, "clearing its own");
        // Of the same owner, and bound by nothing.
        let free = world.token().await.id;
        let renamed = service.update_token(&by, free, &input(json!({"name": "mine"}))).await;
        assert_eq!(outcome(renamed), refused, "changing one that is less strict");
        let rotated = service.rotate_token(&by, free, input(json!({}))).await;
        assert_eq!(outcome(rotated), refused, "rotating one that is less strict");
        assert_eq!(outcome(service.rotate_token(&by, own.id, input(json!({}))).await).0, 200);
    }
}

/// Row W15: whoever ends by idleness makes nothing that idles longer, or for ever.
#[tokio::test(flavor = "multi_thread")]
async fn w15_an_idle_limit_is_not_shed() {
    let world = World::with_alice().await;
    let service = &world.service;
    let (by, own) = world.program_of("alice", json!({"idle_ttl": "30d"})).await;
    let free = world.create(json!({"owner": "alice", "name": "free", "idle_ttl": 0})).await;
    let free = free.unwrap().id;
    let refused = (403, Some("idle_ttl".to_owned()));
    for (idle, expected) in [
        (json!("30d"), (200, None)),
        (json!("1d"), (200, None)),
        (json!("31d"), refused.clone()),
        (json!(0), refused.clone()),
    ] {
        let body = json!({"owner": "alice", "name": "child", "idle_ttl": idle});
        assert_eq!(outcome(service.create_token(&by, input(body)).await), expected, "{idle}");
        for id in [own.id, free] {
            let body = input(json!({ "idle_ttl": idle }));
            let changed = outcome(service.update_token(&by, id, &body).await);
            assert_eq!(changed, expected, "changing to {idle}");
            world
                .update(id, json!({"idle_ttl": if id == free { 0 } else { 2_592_000 }}))
                .await
                .unwrap();
        }
    }
    // The hundred days of the configuration are more too, and so is the successor of one that idles for ever.
    let usual = json!({"owner": "alice", "name": "child"});
    assert_eq!(outcome(service.create_token(&by, input(usual)).await), refused);
    assert_eq!(outcome(service.rotate_token(&by, free, input(json!({}))).await), refused);
    // What is left as it is was given by others.
    assert_eq!(outcome(service.update_token(&by, free, &input(json!({"name": "x"}))).await).0, 200);
    // A person is bound by none, and neither is a program that does not idle out.
    let person = world.person_of("alice").await;
    let eternal = world.program_of("alice", json!({"idle_ttl": 0})).await.0;
    for by in [person, eternal] {
        let body = json!({"owner": "alice", "name": "child", "idle_ttl": 0});
        assert_eq!(outcome(service.create_token(&by, input(body)).await).0, 200);
    }
}

/// A password is a way in without what binds a token.
#[tokio::test(flavor = "multi_thread")]
async fn a_bound_program_gives_nobody_a_password() {
    let world = World::with_alice().await;
    world.owner(json!({"id": "root", "roles": ["administrator"]})).await.unwrap();
    let service = &world.service;
    for (bound, status) in [
        (json!({}), 200),
        (json!({"conditions": {"networks": [OFFICE]}}), 403),
        (json!({"limits": {"uses": 5}}), 403),
        (json!({"lifetime": 60}), 403),
        (json!({"contexts": ["stock"]}), 403),
        (json!({"items": ["10"]}), 403),
    ] {
        let (by, _) = world.program_of("root", bound.clone()).await;
        let password = Some("correct horse battery");
        let given = service.set_password(&by, &owner_id("alice"), None, password).await;
        assert_eq!(outcome(given).0, status, "{bound}");
        let taken = service.set_password(&by, &owner_id("alice"), None, None).await;
        assert_eq!(outcome(taken).0, status, "{bound}: nor takes one away");
    }
}

/// Who did it, and then who undoes it: `y` where that is done.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_and_a_block_are_lifted_by_those_who_stand_as_high() {
    let world = World::new().await;
    for body in [
        json!({"id": "root", "roles": ["administrator"]}),
        json!({"id": "chief", "roles": ["administrator"]}),
        json!({"id": "boss", "roles": ["company-administrator"], "company": "acme"}),
        json!({"id": "dev", "roles": ["developer"], "company": "acme"}),
        json!({"id": "lead", "parent": "dev", "company": "acme"}),
        json!({"id": "robot", "kind": "service", "parent": "dev", "company": "acme"}),
        json!({"id": "worker", "kind": "service", "parent": "lead", "company": "acme"}),
    ] {
        world.owner(body).await.unwrap();
    }
    let service = &world.service;
    let callers = ["root", "chief", "boss", "dev", "lead", "worker"];
    // One row for each of `callers` who paused it, then one for the machine.
    let table = ["yy----", "yy----", "yyy---", "yyyy--", "yyyyy-", "yyyyyy", "yy----"];
    for (nth, row) in table.into_iter().enumerate() {
        let set_by = match callers.get(nth) {
            Some(id) => world.person_of(id).await,
            None => world.by.clone(),
        };
        let mut lifted = String::new();
        for lifter in callers {
            let id = world.create(json!({"owner": "worker", "name": "one"})).await.unwrap().id;
            service.disable_token(&set_by, id, "").await.unwrap();
            let lifter = world.person_of(lifter).await;
            let record = world.record("worker").await;
            let offered = service.offers_enabling(&lifter, id).await.unwrap();
            let token = service
                .token_record(
                    service
                        .create_token(
                            &world.by,
                            input(json!(
                                {"owner": "worker", "name": "other", "flags": -1}
                            )),
                        )
                        .await
                        .unwrap()
                        .token
                        .id,
                )
                .await
                .unwrap();
            let outcome = outcome(service.enable_token(&lifter, id, "").await).0;
            assert_eq!(offered, outcome == 200, "what is offered is done");
            if lifter == Caller::person(&record) && outcome == 403 {
                // Nor by another program of the same owner.
                let program = Caller::program(&record, &token);
                assert!(service.enable_token(&program, id, "").await.is_err());
            }
            lifted.push(if outcome == 200 { 'y' } else { '-' });
        }
        assert_eq!(lifted, row, "paused by {:?}", callers.get(nth));
    }

    let robot = owner_id("robot");
    for (set_by, row) in [("root", "yy--"), ("boss", "yyy-"), ("dev", "yyyy")] {
        let set_by = world.person_of(set_by).await;
        let mut lifted = String::new();
        for lifter in &callers[..4] {
            service.block_owner(&set_by, &robot, "").await.unwrap();
            let lifter = world.person_of(lifter).await;
            let offered = service.offers_unblocking(&lifter, &robot).await.unwrap();
            let outcome = outcome(service.unblock_owner(&lifter, &robot, "").await).0;
            assert_eq!(offered, outcome == 200, "what is offered is done");
            lifted.push(if outcome == 200 { 'y' } else { '-' });
            service.unblock_owner(&world.by, &robot, "").await.unwrap();
        }
        assert_eq!(lifted, row, "blocked by {set_by:?}");
    }
}

/// A pause that an owner set is an administrator's once one has set it too; and it stays one's when the
/// administrator is none any more.
#[tokio::test(flavor = "multi_thread")]
async fn the_highest_pause_counts() {
    let world = World::with_alice().await;
    world.owner(json!({"id": "root", "roles": ["administrator"]})).await.unwrap();
    let (alice, root) = (world.person_of("alice").await, world.person_of("root").await);
    let (service, id) = (&world.service, world.token().await.id);
    service.disable_token(&alice, id, "mine").await.unwrap();
    assert!(service.disable_token(&root, id, "theirs").await.unwrap().changed);
    assert!(!service.disable_token(&alice, id, "mine").await.unwrap().changed);
    assert_eq!(problem(service.enable_token(&alice, id, "").await).0, 403);
    let nothing = input(json!({"roles": []}));
    service.update_owner(&world.by, &owner_id("root"), &nothing).await.unwrap();
    assert_eq!(problem(service.enable_token(&alice, id, "").await).0, 403);
    // A successor is paused as its token is.
    let new = service.rotate_token(&alice, id, input(json!({}))).await.unwrap().token;
    assert!(new.disabled.is_some());
    assert_eq!(problem(service.enable_token(&alice, new.id, "").await).0, 403);
    assert!(service.enable_token(&world.by, id, "").await.unwrap().changed);
}

/// A program at the administrative address draws on the limits of its token.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_keeps_to_its_own_limits() {
    let world = World::with_alice().await;
    let service = &world.service;
    let address = "192.0.2.7".parse().unwrap();
    for (limits, permitted) in [
        (json!({"uses": 3}), 3),
        (json!({"quotas": {"hour": 2}}), 2),
        (json!({"rate": {"requests": 4, "per": "hour"}}), 4),
        (json!({"concurrent": 2}), 2),
        (json!({}), 9),
    ] {
        let body = json!({"owner": "alice", "name": "robot", "flags": -1, "limits": limits});
        let made = service.create_token(&world.by, input(body)).await.unwrap();
        let secret = made.secret.unwrap().expose().to_owned();
        let mut let_in = Vec::new();
        for _ in 0..9 {
            match service.program(&secret, address).await {
                Ok(program) => let_in.push(program),
                Err(NotLetIn::Limited(_, told)) => {
                    let (held, left) = *told;
                    assert!(!held.is_empty() && left.refusal().is_some());
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(let_in.len(), permitted, "{limits}");
        drop(let_in);
        let again = service.program(&secret, address).await.is_ok();
        assert_eq!(again, limits.get("concurrent").is_some() || limits == json!({}), "{limits}");
    }
    let body = json!({"owner": "alice", "name": "weak", "flags": 0x200, "limits": {"uses": 1}});
    let made = service.create_token(&world.by, input(body)).await.unwrap();
    let secret = made.secret.unwrap().expose().to_owned();
    for _ in 0..3 {
        let refused = service.program(&secret, address).await;
        assert!(matches!(refused, Err(NotLetIn::Refused(_))), "what is refused does not count");
    }
}
