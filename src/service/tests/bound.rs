//! What a program may not do whose token is bound by more than its owner is: what it gives to people and companies
//! is bound by nothing.

use super::*;

const BOUNDS: [&str; 7] = [
    r#"{"company": "acme"}"#,
    r#"{"contexts": ["stock"]}"#,
    r#"{"items": ["10"]}"#,
    r#"{"lifetime": 3600}"#,
    r#"{"limits": {"uses": 1000}}"#,
    r#"{"conditions": {"networks": ["192.0.2.0/24"]}}"#,
    "{}",
];

async fn world() -> World {
    let world = World::with_alice().await;
    for body in [
        json!({"id": "root", "roles": ["administrator"]}),
        json!({"id": "uma", "company": "acme"}),
        json!({"id": "bob", "company": "other"}),
    ] {
        world.owner(body).await.unwrap();
    }
    let acme = input(json!({"id": "acme", "contexts": ["stock"]}));
    world.service.create_company(&world.by, acme).await.unwrap();
    world
}

fn status<T>(result: Result<T, ServiceError>) -> u16 {
    result.map_or_else(|error| error.status(), |_| 200)
}

#[tokio::test(flavor = "multi_thread")]
async fn w15_a_bound_program_gives_people_and_companies_nothing() {
    let world = world().await;
    let service = &world.service;
    for bound in BOUNDS {
        let (by, _) = world.program_of("root", serde_json::from_str(bound).unwrap()).await;
        let wanted = if bound == "{}" { 200 } else { 403 };
        let uma = owner_id("uma");
        for change in [
            json!({"roles": ["administrator"]}),
            json!({"roles": ["cashier"]}),
            json!({"roles": []}),
            json!({"ceiling": -1, "name": "Uma"}),
            json!({"company": "acme", "name": "U"}),
        ] {
            let done = service.update_owner(&by, &uma, &input(change.clone())).await;
            assert_eq!(status(done), wanted, "{bound} {change}");
        }
        let mole = |roles: &[&str]| {
            let id = format!("mole{}", world.clock.now().unix());
            input(json!({"id": id, "company": "acme", "roles": roles}))
        };
        world.clock.advance(Span::from_seconds(1));
        let made = service.create_owner(&by, mole(&["administrator"])).await;
        assert_eq!(status(made), wanted, "{bound}: an administrator");
        world.clock.advance(Span::from_seconds(1));
        let licensed = input(json!({"contexts": "all", "reason": bound}));
        let done = service.update_company(&by, &"acme".parse().unwrap(), &licensed).await;
        assert_eq!(status(done), wanted, "{bound}: a licence");
        let back = input(json!({"contexts": ["stock"]}));
        service.update_company(&world.by, &"acme".parse().unwrap(), &back).await.unwrap();
        assert_eq!(status(service.may_export(&by, true)), wanted, "{bound}: digests");
        // It stops people, and does not let them go on.
        assert_eq!(status(service.block_owner(&by, &uma, "").await), 200, "{bound}");
        assert_eq!(status(service.unblock_owner(&by, &uma, "").await), wanted, "{bound}");
        service.unblock_owner(&world.by, &uma, "").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn w15_a_bound_program_leaves_no_token_with_more_than_it_has() {
    let world = world().await;
    let service = &world.service;
    let wide = json!({"owner": "alice", "name": "wide", "flags": -1, "lifetime": "2h"});
    let wide = world.create(wide).await.unwrap().id;
    let theirs = json!({"owner": "bob", "name": "theirs", "company": "other"});
    let theirs = world.create(theirs).await.unwrap().id;
    for (bound, id, change) in [
        (json!({"contexts": ["stock"]}), wide, json!({"expires_at": null})),
        (json!({"items": ["10"]}), wide, json!({"name": "other"})),
        (json!({"company": "acme"}), theirs, json!({"flags": -1})),
        (json!({"company": "acme"}), theirs, json!({"name": "other"})),
    ] {
        let (by, _) = world.program_of("root", bound.clone()).await;
        let done = service.update_token(&by, id, &input(change.clone())).await;
        assert_eq!(status(done), 403, "{bound} {change}");
        // To end what is not its own is to give nobody anything, but not of another company.
        let paused = service.disable_token(&by, id, "").await;
        assert_eq!(status(paused), if id == theirs { 403 } else { 200 }, "{bound}");
    }
    let (by, _) = world.program_of("root", json!({"company": "acme"})).await;
    assert_eq!(status(service.block_owner(&by, &owner_id("bob"), "").await), 403);
    assert_eq!(status(service.block_owner(&by, &owner_id("uma"), "").await), 200);
}

/// Nobody grants more than they have, by no way around.
#[tokio::test(flavor = "multi_thread")]
async fn roles_of_upstreams_and_ceilings_are_not_got_round() {
    let world = world().await;
    let service = &world.service;
    for body in [
        json!({"id": "dev", "roles": ["developer", "cashier"], "company": "acme"}),
        json!({"id": "boss", "roles": ["company-administrator"], "company": "acme", "ceiling": 0x200}),
        json!({"id": "carl", "company": "acme"}),
        json!({"id": "small", "company": "acme", "ceiling": 0x200, "roles": ["clerk"]}),
    ] {
        world.owner(body).await.unwrap();
    }
    let (dev, boss) = (world.person_of("dev").await, world.person_of("boss").await);
    for (id, role, wanted) in [("one", "cashier", 200), ("two", "clerk", 403)] {
        let body = json!({"id": id, "kind": "service", "parent": "dev", "company": "acme",
            "roles": [role]});
        assert_eq!(status(service.create_owner(&dev, input(body)).await), wanted, "{role}");
    }
    let change = |roles: &[&str]| input(json!({"roles": roles}));
    let small = owner_id("small");
    assert_eq!(
        status(service.update_owner(&boss, &small, &change(&["clerk", "cashier"])).await),
        403
    );
    let kept = service.update_owner(&boss, &small, &change(&["clerk"])).await;
    assert_eq!(status(kept), 200, "what others gave stays");
    let password = Some("correct horse battery");
    for (id, wanted) in [("carl", 403), ("small", 200)] {
        let given = service.set_password(&boss, &owner_id(id), None, password).await;
        assert_eq!(status(given), wanted, "{id}: whoever has it acts up to that ceiling");
    }
    // What a company is licensed for is not told to others.
    let bob = world.person_of("bob").await;
    let asked = json!({"owner": "bob", "name": "x", "company": "acme", "contexts": ["hub"],
        "context_params": {"hub": {"market": "north"}}});
    let error = service.create_token(&bob, input(asked)).await.err().unwrap();
    assert!(error.status() == 403 && !error.to_string().contains("stock"), "{error}");
}

#[tokio::test]
async fn a_token_that_has_not_begun_does_not_begin_by_its_rotation() {
    let world = world().await;
    let begin = NOW.plus(Span::from_days(30));
    let body = json!({"owner": "alice", "name": "later", "not_before": begin.to_string(),
        "lifetime": "10d"});
    let id = world.create(body).await.unwrap().id;
    let rotated = world.service.rotate_token(&world.by, id, input(json!({}))).await.unwrap();
    let successor = rotated.token;
    assert_eq!(successor.not_before, begin);
    assert_eq!(successor.expires_at, Some(begin.plus(Span::from_days(10))), "as long a life");
}

/// What it may not end one by one it does not end with others.
#[tokio::test(flavor = "multi_thread")]
async fn a_bound_program_ends_no_tokens_of_another_company_in_bulk() {
    let world = world().await;
    let service = &world.service;
    for (owner, name) in [("bob", "theirs"), ("uma", "ours")] {
        world.create(json!({"owner": owner, "name": name})).await.unwrap();
    }
    let (by, own) = world.program_of("root", json!({"company": "acme"})).await;
    let filter = json!({"state": "active"});
    let plan = service.plan_revocation(&by, &input(json!({ "filter": filter }))).await.unwrap();
    assert_eq!((plan.tokens, plan.not_yours), (2, 1), "{plan:?}");
    let act = input(json!({"filter": filter, "confirm": plan.confirm}));
    assert_eq!(service.revoke_many(&by, &act).await.unwrap().revoked, 2);
    let alive = service.tokens(&world.by, &input(filter)).await.unwrap().entries;
    let names: Vec<_> = alive.iter().map(|token| token.name.as_str()).collect();
    assert_eq!(names, ["theirs"]);
    assert!(service.token(&world.by, own.id).await.unwrap().ended.is_some());
}
