//! Companies, and what is licensed to them.

use super::*;
use crate::domain::grant::Contexts;
use crate::service::caller::Tenant;
use crate::service::view::{CompanyChanged, CompanyView};
use crate::store::Subject;

impl World {
    async fn company(&self, body: Value) -> Result<CompanyView, ServiceError> {
        self.service.create_company(&self.by, input(body)).await
    }

    async fn update_company(&self, id: &str, body: Value) -> Result<CompanyChanged, ServiceError> {
        self.service.update_company(&self.by, &id.parse().unwrap(), &input(body)).await
    }
}

fn set(names: &[&str]) -> Contexts {
    Contexts::set(names.iter().map(|name| name.parse().unwrap()))
}

#[tokio::test]
async fn a_company_is_put_on_record_once_and_changed_from_its_revision() {
    let world = World::new().await;
    let made = world.company(json!({"id": "acme", "contexts": ["stock"]})).await.unwrap();
    assert_eq!((made.name.as_str(), &made.contexts), ("acme", &set(&["stock"])));
    assert_eq!(made, world.service.company(&world.by, &made.id).await.unwrap());
    let error = world.company(json!({"id": "acme"})).await.unwrap_err();
    assert_eq!((error.status(), error.kind()), (409, "exists"));
    let open = world.company(json!({"id": "open", "name": "Open"})).await.unwrap();
    assert_eq!(open.contexts, Contexts::All);

    let change = json!({"contexts": [], "reason": "unpaid", "revision": 1});
    let changed = world.update_company("acme", change.clone()).await.unwrap();
    assert_eq!((changed.changed, changed.company.revision.0), (true, 2));
    let stale = world.update_company("acme", change).await.unwrap_err();
    assert_eq!((stale.status(), stale.kind()), (409, "conflict"));
    let same = world.update_company("acme", json!({"contexts": [], "name": "acme"})).await.unwrap();
    assert_eq!((same.changed, same.company.revision.0), (false, 2));

    let about = Subject::Company(made.id);
    let events = world.service.events(&world.by, Some(&about), None, 9).await.unwrap().entries;
    assert_eq!(events.len(), 2);
    let newest = serde_json::to_value(&events[0]).unwrap();
    assert_eq!(newest["kind"], "company.updated");
    assert_eq!((&newest["reason"], &newest["companies"]), (&json!("unpaid"), &json!(["acme"])));
    let change = json!([{"field": "contexts", "from": ["stock"], "to": []}]);
    assert_eq!(newest["changes"], change, "X2");
    assert_eq!(serde_json::to_value(&events[1]).unwrap()["kind"], "company.created");
}

#[tokio::test]
async fn bad_companies_name_their_field_and_change_nothing() {
    let world = World::new().await;
    for (body, field) in [
        (json!({}), "id"),
        (json!({"id": "a", "name": " "}), "name"),
        (json!({"id": "a", "name": "\u{202e}"}), "name"),
        (json!({"id": "a", "contexts": ["nowhere"]}), "contexts"),
    ] {
        let error = world.company(body.clone()).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (400, Some(field)), "{body}");
    }
    assert!(world.kinds().await.is_empty());
    world.company(json!({"id": "a"})).await.unwrap();
    for (body, field) in [
        (json!({"name": null}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"contexts": null}), "contexts"),
        (json!({"contexts": ["stock", "nowhere"]}), "contexts"),
        (json!({"reason": "a\nb"}), "reason"),
    ] {
        let error = world.update_company("a", body.clone()).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (400, Some(field)), "{body}");
    }
    assert_eq!(problem(world.update_company("b", json!({})).await).0, 404);
    let unknown = Subject::Company("b".parse().unwrap());
    assert_eq!(problem(world.service.events(&world.by, Some(&unknown), None, 9).await).0, 404);
    assert_eq!(world.kinds().await, ["company.created"]);
}

#[tokio::test]
async fn f5_an_unknown_or_unlicensed_context_cannot_be_chosen() {
    let world = World::with_alice().await;
    world.company(json!({"id": "acme", "contexts": ["hub"]})).await.unwrap();
    world.owner(json!({"id": "bob", "company": "acme"})).await.unwrap();
    let market = json!({"hub": {"market": "north"}});
    let stock = json!({"owner": "bob", "name": "x", "contexts": ["stock"]});
    let error = world.create(stock.clone()).await.unwrap_err();
    assert_eq!((error.status(), error.at_field()), (400, Some("contexts")));
    let text = "`contexts`: the company `acme` is not licensed for `stock`; it is only for `hub`";
    assert_eq!(error.to_string(), text);
    // Also where the token names the company, and not its owner.
    let named = json!({"owner": "alice", "name": "x", "contexts": ["stock"], "company": "acme"});
    assert_eq!(problem(world.create(named).await).0, 400);
    let unknown = json!({"owner": "bob", "name": "x", "contexts": ["nowhere"]});
    assert_eq!(world.create(unknown).await.unwrap_err().at_field(), Some("contexts"));

    // General access is general within the licence, parameters of what is closed are not taken.
    let general = json!({"owner": "bob", "name": "x"});
    let general = world.create(general).await.unwrap();
    let hub = json!({"owner": "bob", "name": "x", "contexts": ["hub"], "context_params": market});
    let hub = world.create(hub).await.unwrap();
    world.update_company("acme", json!({"contexts": ["stock"]})).await.unwrap();
    let error = world.update(general.id, json!({"context_params": market})).await.unwrap_err();
    assert_eq!((error.status(), error.at_field()), (400, Some("context_params.hub")));
    let both = json!({"contexts": ["hub", "stock"]});
    let error = world.update(hub.id, both.clone()).await.unwrap_err();
    assert_eq!((error.status(), error.at_field()), (400, Some("contexts")));
    // What it holds already stops nobody from renaming it, or from taking it away.
    world.update(hub.id, json!({"name": "renamed"})).await.unwrap();
    world.update(hub.id, json!({"contexts": ["stock"]})).await.unwrap();
    world.create(stock).await.unwrap();
    world.update_company("acme", json!({"contexts": "all"})).await.unwrap();
    let both = json!({"contexts": ["hub", "stock"], "context_params": market});
    world.update(hub.id, both).await.unwrap();
    world.update_company("acme", json!({"contexts": []})).await.unwrap();
    let error = world.update(general.id, json!({"contexts": ["stock"]})).await.unwrap_err();
    assert!(error.to_string().ends_with("it is for none"), "{error}");
}

#[tokio::test]
async fn a_blocked_company_shows_in_its_tokens_and_who_blocked_it_first_stays_on_record() {
    let world = World::with_alice().await;
    world.company(json!({"id": "acme"})).await.unwrap();
    let acme = "acme".parse().unwrap();
    let of_acme = json!({"owner": "alice", "name": "x", "company": "acme"});
    let (token, other) = (world.create(of_acme.clone()).await.unwrap(), world.token().await);
    for (reason, changed) in [("unpaid", true), ("again", false)] {
        let blocked = world.service.block_company(&world.by, &acme, reason).await.unwrap();
        assert_eq!(blocked.changed, changed);
        assert_eq!(blocked.company.blocked.unwrap().reason, "unpaid");
    }
    assert!(world.service.token(&world.by, token.id).await.unwrap().blocked);
    assert!(world.create(of_acme).await.unwrap().blocked);
    assert!(!world.service.token(&world.by, other.id).await.unwrap().blocked);
    let page = world.service.tokens(&world.by, &input(json!({}))).await.unwrap();
    assert_eq!(page.entries.len(), 3);
    assert!(page.entries.iter().all(|token| token.blocked == token.company.is_some()));
    for (state, wanted) in [("blocked", 2), ("active", 1)] {
        let page = world.service.tokens(&world.by, &input(json!({ "state": state }))).await;
        assert_eq!(page.unwrap().entries.len(), wanted, "E9: {state}");
    }
    for changed in [true, false] {
        let back = world.service.unblock_company(&world.by, &acme, "").await.unwrap();
        assert_eq!((back.changed, back.company.blocked), (changed, None));
    }
    assert_eq!(world.service.token(&world.by, token.id).await.unwrap(), token);
    let nobody = world.service.block_company(&world.by, &"b".parse().unwrap(), "").await;
    assert_eq!(problem(nobody).0, 404);
}

#[tokio::test]
async fn who_may_act_for_one_company_alone_changes_no_other() {
    let world = World::new().await;
    world.company(json!({"id": "acme", "contexts": ["hub"]})).await.unwrap();
    world.company(json!({"id": "other"})).await.unwrap();
    let mut by = Caller::local(7);
    by.grants.company = Tenant::Only(Some("acme".parse().unwrap()));
    by.grants.contexts = set(&["stock"]);
    let (acme, other) = ("acme".parse().unwrap(), "other".parse().unwrap());
    let update = async |id, body| world.service.update_company(&by, id, &input(body)).await;
    assert_eq!(problem(update(&other, json!({"name": "mine"})).await).0, 403);
    assert_eq!(problem(world.service.block_company(&by, &other, "").await).0, 403);
    let made = world.service.create_company(&by, input(json!({"id": "third"}))).await;
    assert_eq!(problem(made).0, 403);
    assert_eq!(problem(update(&acme, json!({"contexts": "all"})).await).0, 403, "W15");
    update(&acme, json!({"contexts": ["stock"], "name": "Acme"})).await.unwrap();
}

#[tokio::test]
async fn companies_are_listed_page_by_page() {
    let world = World::new().await;
    for id in ["c", "a", "b"] {
        world.company(json!({ "id": id })).await.unwrap();
    }
    let page = world.service.companies(&world.by, None, 2).await.unwrap();
    let names: Vec<_> = page.entries.iter().map(|company| company.id.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let rest = world.service.companies(&world.by, page.next.as_ref(), 2).await.unwrap();
    assert_eq!((rest.entries[0].id.as_str(), rest.next), ("c", None));
}

/// Its people come in as little as its tokens, by no way; those of no company go on.
#[tokio::test(flavor = "multi_thread")]
async fn the_people_of_a_blocked_company_do_not_come_in() {
    let world = World::new().await;
    let (service, acme) = (&world.service, "acme".parse().unwrap());
    world.company(json!({"id": "acme"})).await.unwrap();
    world.company(json!({"id": "other"})).await.unwrap();
    let password = "correct horse battery";
    for (id, body) in [
        ("boss", json!({"company": "acme", "roles": ["company-administrator"]})),
        ("chief", json!({"company": "acme", "roles": ["administrator"]})),
        ("bob", json!({"company": "other"})),
        ("root", json!({"roles": ["administrator"]})),
        ("alice", json!({"company": "nowhere"})),
    ] {
        let mut body = body;
        body["id"] = json!(id);
        world.owner(body).await.unwrap();
        service.set_password(&world.by, &owner_id(id), None, Some(password)).await.unwrap();
    }
    let flags = json!({"owner": "boss", "name": "robot", "flags": -1});
    let robot = service.create_token(&world.by, input(flags)).await.unwrap().secret.unwrap();
    let comes_in = async |id: &str| {
        let signs = service.signed_in(id, password).await.unwrap().is_some();
        let stays = service.signed_in_still(&owner_id(id)).await.unwrap().is_some();
        assert_eq!(signs, stays, "{id}");
        signs
    };
    let address = "192.0.2.1".parse().unwrap();
    let program = async || service.program(robot.expose(), address).await.is_ok();
    let all = ["boss", "chief", "bob", "root", "alice"];
    for (blocked, who) in [(false, "yyyyy"), (true, "--yyy"), (false, "yyyyy")] {
        let done = match blocked {
            true => service.block_company(&world.by, &acme, "unpaid").await,
            false => service.unblock_company(&world.by, &acme, "").await,
        };
        assert_eq!(done.unwrap().company.blocked.is_some(), blocked);
        let mut row = String::new();
        for id in all {
            row.push(if comes_in(id).await { 'y' } else { '-' });
        }
        assert_eq!((row.as_str(), program().await), (who, !blocked), "{blocked}");
    }
    // A token that is older than its owner's company is of none.
    service
        .update_owner(&world.by, &owner_id("boss"), &input(json!({"company": null})))
        .await
        .unwrap();
    let older = json!({"owner": "boss", "name": "older", "flags": -1});
    let older = service.create_token(&world.by, input(older)).await.unwrap().secret.unwrap();
    service
        .update_owner(&world.by, &owner_id("boss"), &input(json!({"company": "acme"})))
        .await
        .unwrap();
    assert!(service.program(older.expose(), address).await.is_ok());
    service.block_company(&world.by, &acme, "").await.unwrap();
    assert!(service.program(older.expose(), address).await.is_err());
    let [boss, chief] = [world.person_of("boss").await, world.person_of("chief").await];
    for by in [&boss, &chief] {
        let undone = service.unblock_company(by, &acme, "").await;
        assert_eq!(undone.is_ok(), by == &chief, "whoever administrates a company lifts nothing");
        let own = problem(service.block_company(by, &acme, "").await);
        assert_eq!(own.0, 403, "nobody blocks their own company");
    }
}

/// What a company is licensed for is told to its own people. A superior in another one takes contexts away from a
/// token, gives none, and learns nothing of that company: what it is licensed for is answered as what it is not.
#[tokio::test]
async fn f5_what_a_company_is_licensed_for_is_told_to_its_own_people() {
    let world = World::new().await;
    world.reload(|settings| {
        let sales = crate::config::settings::Context { title: String::new(), params: [].into() };
        settings.contexts.insert("sales".parse().unwrap(), sales);
    });
    world.owner(json!({"id": "carol", "company": "other"})).await.unwrap();
    world.owner(json!({"id": "bob", "company": "acme", "parent": "carol"})).await.unwrap();
    let by = async |who: &str| {
        Caller::person(&world.service.owner_record(&owner_id(who)).await.unwrap())
    };
    let (carol, bob) = (by("carol").await, by("bob").await);
    let make = async |contexts: Value| {
        let body = json!({"owner": "bob", "name": "x", "contexts": contexts});
        world.create(body).await.unwrap().id
    };
    let mut made = Vec::new();
    for _ in ["stock", "sales"] {
        made.push([
            make(json!([])).await,
            make(json!(["sales", "stock"])).await,
            make(json!("all")).await,
        ]);
    }
    world.company(json!({"id": "acme", "contexts": ["stock"]})).await.unwrap();
    for (context, [none, both, general]) in ["stock", "sales"].into_iter().zip(made) {
        let given = json!({"context_params": {context: {"a": "b"}}});
        let (chosen, alone) =
            (json!({ "contexts": [context] }), "you may act for the company `other` alone");
        for (id, change, refused) in [
            (none, &chosen, Some("contexts")),
            (none, &json!({"contexts": "all"}), Some("contexts")),
            (both, &given, Some("context_params")),
            (general, &given, Some("context_params")),
            (both, &chosen, None),
            (general, &chosen, None),
        ] {
            let outcome = world.service.update_token(&carol, id, &input(change.clone())).await;
            match refused {
                Some(field) => {
                    let text = format!("`{field}`: {alone}");
                    assert_eq!(problem(outcome), (403, text), "{context}: {change}");
                }
                None => drop(outcome.unwrap()),
            }
        }
        if context == "sales" {
            for (change, field) in [(&chosen, "contexts"), (&given, "context_params.sales")] {
                let told = world.service.update_token(&bob, none, &input(change.clone())).await;
                let text = format!(
                    "`{field}`: the company `acme` is not licensed for `sales`; it is only for `stock`"
                );
                assert_eq!(problem(told), (400, text));
            }
        }
    }
}
