//! Every act by every role, to everybody: what `rights` says as a table.

use super::*;
use crate::domain::role::Role;
use crate::service::owner_list::OwnerList;
use crate::store::Subject;

mod administrators;
mod tokens;

/// Those who ask, in the order of the columns.
const CALLERS: [&str; 7] = ["root", "boss", "dev", "alice", "watcher", "reviewer", "bob"];

/// An outcome: done, forbidden, or not there as far as they can tell.
fn letter<T>(result: Result<T, ServiceError>) -> char {
    match result.map_err(|error| error.status()) {
        Ok(_) => 'y',
        Err(403) => '-',
        Err(404) => '0',
        Err(other) => panic!("{other}"),
    }
}

async fn world() -> World {
    let world = World::new().await;
    for body in [
        json!({"id": "root", "roles": ["administrator"]}),
        json!({"id": "chief", "roles": ["administrator"], "company": "acme"}),
        json!({"id": "boss", "roles": ["company-administrator"], "company": "acme"}),
        json!({"id": "dev", "roles": ["developer"], "company": "acme"}),
        json!({"id": "robot", "kind": "service", "parent": "dev", "company": "acme"}),
        json!({"id": "alice", "roles": ["cashier"], "company": "acme"}),
        json!({"id": "junior", "parent": "alice", "company": "acme"}),
        json!({"id": "grandchild", "parent": "junior", "company": "acme"}),
        json!({"id": "cuckoo", "parent": "alice", "roles": ["company-administrator"], "company": "acme"}),
        json!({"id": "watcher", "roles": ["auditor"]}),
        json!({"id": "reviewer", "roles": ["auditor"], "company": "acme"}),
        json!({"id": "bob", "company": "other"}),
    ] {
        world.owner(body).await.unwrap();
    }
    world
}

impl World {
    async fn person(&self, id: &str) -> Caller {
        Caller::person(&self.service.owner_record(&owner_id(id)).await.unwrap())
    }

    /// How an act ends for each of those who ask.
    async fn row(&self, act: impl AsyncFn(Caller) -> char) -> String {
        let mut row = String::new();
        for id in CALLERS {
            row.push(act(self.person(id).await).await);
        }
        row
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_on_owners_by_every_role() {
    let world = world().await;
    let service = &world.service;
    for (owner, sees, minds) in [
        ("chief", "yy00yy0", "y-00--0"),
        ("dev", "yyy0yy0", "yy-0--0"),
        ("robot", "yyy0yy0", "yyy0--0"),
        ("alice", "yy0yyy0", "yy0---0"),
        ("junior", "yy0yyy0", "yy0---0"),
        ("bob", "y000y0y", "y000-0-"),
    ] {
        let id = owner_id(owner);
        let record = service.owner_record(&id).await.unwrap();
        let row = world.row(async |by| letter(service.owner(&by, &id).await)).await;
        assert_eq!(row, sees, "seeing {owner}");
        let subject = Subject::Owner(id.clone());
        let row = world.row(async |by| letter(service.events(&by, Some(&subject), None, 9).await));
        assert_eq!(row.await, sees, "its events");
        let row = world.row(async |by| letter(service.block_owner(&by, &id, "").await)).await;
        assert_eq!(row, minds, "blocking it");
        let row = world.row(async |by| letter(service.unblock_owner(&by, &id, "").await)).await;
        assert_eq!(row, minds, "unblocking it");
        let change = || input(json!({"name": "somebody", "company": record.company.clone()}));
        let row = world.row(async |by| letter(service.update_owner(&by, &id, &change()).await));
        assert_eq!(row.await, minds, "changing it");
        let row = world.row(async |by| {
            let password = Some("correct horse battery");
            match service.set_password(&by, &id, None, password).await {
                // It is their own, and they have not shown the present one.
                Err(error) if error.at_field() == Some("present") => 'p',
                outcome => letter(outcome),
            }
        });
        let mut own = minds.to_owned();
        if let Some(place) = CALLERS.iter().position(|caller| *caller == owner) {
            own.replace_range(place..=place, "p");
        }
        assert_eq!(row.await, own, "giving it a password");
    }
    let nobody = owner_id("boss");
    let own = service.block_owner(&world.person("boss").await, &nobody, "").await;
    assert_eq!(letter(own), '-', "nobody blocks themselves");
}

/// Who may mind an owner makes no more of it than they could make.
#[tokio::test(flavor = "multi_thread")]
async fn w15_owners_are_changed_within_what_the_changer_has() {
    let world = world().await;
    let service = &world.service;
    for (owner, back, change, makers) in [
        ("robot", json!({"roles": []}), json!({"roles": ["cashier"]}), "y--0--0"),
        ("robot", json!({"roles": []}), json!({"roles": ["developer"]}), "yyy0--0"),
        ("robot", json!({"roles": []}), json!({"roles": ["auditor"]}), "yy-0--0"),
        ("robot", json!({"roles": []}), json!({"roles": ["company-administrator"]}), "yy-0--0"),
        ("robot", json!({"roles": []}), json!({"roles": ["administrator"]}), "y--0--0"),
        ("alice", json!({"roles": []}), json!({"roles": ["administrator"]}), "y-0---0"),
        (
            "boss",
            json!({"roles": ["company-administrator"]}),
            json!({"roles": ["administrator"]}),
            "y-00--0",
        ),
        ("alice", json!({"company": "acme"}), json!({"company": "other"}), "y-0---0"),
        ("alice", json!({"company": "acme"}), json!({"company": null}), "y-0---0"),
        ("robot", json!({"company": "acme"}), json!({"company": "other"}), "y--0--0"),
        ("robot", json!({"parent": "dev"}), json!({"parent": "boss"}), "yy00--0"),
        ("robot", json!({"parent": "dev"}), json!({"parent": "bob"}), "y000--0"),
    ] {
        let id = owner_id(owner);
        let row = world.row(async |by| {
            let outcome = letter(service.update_owner(&by, &id, &input(change.clone())).await);
            service.update_owner(&world.by, &id, &input(back.clone())).await.unwrap();
            outcome
        });
        assert_eq!(row.await, makers, "{owner} {change}");
    }
}

/// Row E1: where nobody serves themselves, what an owner's tokens may is given by administrators alone.
#[tokio::test(flavor = "multi_thread")]
async fn e1_owners_are_widened_by_those_who_hand_out() {
    let world = world().await;
    let service = &world.service;
    let robot = owner_id("robot");
    let back = || input(json!({"ceiling": 0x600, "roles": ["cashier"]}));
    service
        .update_owner(
            &world.by,
            &owner_id("dev"),
            &input(json!({"roles": ["developer", "cashier"]})),
        )
        .await
        .unwrap();
    for (self_service, wider, narrower) in
        [(true, "yyy0--0", "yyy0--0"), (false, "yy-0--0", "yyy0--0")]
    {
        world.reload(|settings| settings.tokens.self_service = self_service);
        for (change, makers) in [
            (json!({"ceiling": -1}), wider),
            (json!({"ceiling": 0x700}), wider),
            (json!({"roles": ["cashier", "developer"]}), wider),
            (json!({"ceiling": 0x200}), narrower),
            (json!({"roles": []}), narrower),
            (json!({"name": "Robot", "ceiling": 0x600}), narrower),
        ] {
            service.update_owner(&world.by, &robot, &back()).await.unwrap();
            let row = world.row(async |by| {
                let outcome =
                    letter(service.update_owner(&by, &robot, &input(change.clone())).await);
                service.update_owner(&world.by, &robot, &back()).await.unwrap();
                outcome
            });
            assert_eq!(row.await, makers, "{self_service} {change}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_on_companies_by_every_role() {
    let world = world().await;
    let service = &world.service;
    for (company, sees, minds) in [("acme", "yy00yy0", "y-00--0"), ("other", "y000y00", "y000-00")]
    {
        let id = company.parse().unwrap();
        let row = world.row(async |by| {
            let made = service.create_company(&by, input(json!({ "id": company }))).await;
            letter(made)
        });
        assert_eq!(row.await, "y------", "putting {company} on record");
        let row = world.row(async |by| letter(service.company(&by, &id).await));
        assert_eq!(row.await, sees, "seeing {company}");
        let about = Subject::Company(id.clone());
        let row = world.row(async |by| letter(service.events(&by, Some(&about), None, 9).await));
        assert_eq!(row.await, sees, "its events");
        let row = world.row(async |by| letter(service.stopping_of_company(&by, &id).await));
        assert_eq!(row.await, sees, "how many of its tokens stop");
        let change = || input(json!({"contexts": "all"}));
        let row = world.row(async |by| letter(service.update_company(&by, &id, &change()).await));
        assert_eq!(row.await, minds, "licensing it");
        let row = world.row(async |by| letter(service.block_company(&by, &id, "").await));
        assert_eq!(row.await, minds, "blocking it");
        let row = world.row(async |by| letter(service.unblock_company(&by, &id, "").await));
        assert_eq!(row.await, minds, "unblocking it");
    }
    // What a company is licensed for is told to whoever hands out tokens of an owner of it.
    let change = input(json!({"contexts": ["stock"]}));
    service.update_company(&world.by, &"acme".parse().unwrap(), &change).await.unwrap();
    for (owner, told) in [("alice", "yy-y---"), ("dev", "yyy----"), ("bob", "-------")] {
        let row = world.row(async |by| {
            let fits = service.fits(&by, &owner_id(owner), None).await.unwrap();
            if fits.contexts == crate::domain::grant::Contexts::All { '-' } else { 'y' }
        });
        assert_eq!(row.await, told, "licences of the company of {owner}");
    }
    let row = world.row(async |by| {
        let page = service.companies(&by, None, 9).await.unwrap();
        char::from_digit(u32::try_from(page.entries.len()).unwrap(), 10).unwrap()
    });
    assert_eq!(row.await, "2100210", "the list");
    let boss = world.person("boss").await;
    let behind = service.companies(&boss, Some(&"acme".parse().unwrap()), 9).await.unwrap();
    assert!(behind.entries.is_empty() && behind.next.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_made_within_what_their_maker_has() {
    let world = world().await;
    let service = &world.service;
    for (nth, (body, makers)) in [
        (json!({"company": "acme"}), "yy-----"),
        (json!({"company": "other"}), "y------"),
        (json!({}), "y------"),
        (json!({"company": "acme", "roles": ["developer"]}), "yy-----"),
        (json!({"company": "acme", "roles": ["company-administrator"]}), "yy-----"),
        (json!({"company": "acme", "roles": ["administrator"]}), "y------"),
        (json!({"company": "acme", "roles": ["auditor"]}), "yy-----"),
        (json!({"company": "acme", "kind": "service", "parent": "dev"}), "yyy----"),
        (
            json!({"company": "acme", "kind": "service", "parent": "dev", "roles": ["auditor"]}),
            "yy-----",
        ),
        (json!({"company": "other", "kind": "service", "parent": "dev"}), "y------"),
        (json!({"company": "acme", "kind": "user", "parent": "dev"}), "yy-----"),
    ]
    .into_iter()
    .enumerate()
    {
        let row = world.row(async |by| {
            let mut body = body.clone();
            body["id"] = format!("new-{nth}-{}", by.owner().unwrap()).into();
            let made = service.create_owner(&by, input(body)).await;
            // A parent that they cannot see is not there.
            letter(made).to_string().replace('0', "-").remove(0)
        });
        assert_eq!(row.await, makers, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_what_may_be_seen() {
    let world = world().await;
    let service = &world.service;
    for (by, owners) in [
        ("root", 12),
        ("watcher", 12),
        ("boss", 9),
        ("reviewer", 9),
        ("alice", 4),
        ("dev", 2),
        ("bob", 1),
    ] {
        let (by, mut after, mut seen) = (world.person(by).await, None, 0);
        loop {
            let page = service.owners(&by, &OwnerList::page(after, 2)).await.unwrap();
            assert!(page.entries.len() <= 2);
            seen += page.entries.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, owners, "{by:?}");
    }
    let row = world.row(async |by| letter(service.events(&by, None, None, 9).await)).await;
    assert_eq!(row, "yyyyyyy", "each sees a part, which `tests/events.rs` looks at");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overview_counts_what_may_be_seen() {
    let world = world().await;
    for owner in ["chief", "alice", "bob"] {
        world.create(json!({"owner": owner, "name": "one"})).await.unwrap();
    }
    let mut rows = [String::new(), String::new()];
    for id in CALLERS {
        let by = world.person(id).await;
        let tokens = world.service.token_counts(&by).await.unwrap().all;
        let owners = world.service.owner_counts(&by).await.unwrap().all;
        for (row, count) in rows.iter_mut().zip([tokens, owners]) {
            row.push_str(&format!("{count} "));
        }
    }
    assert_eq!(rows, ["3 2 0 1 3 2 1 ", "12 9 2 4 12 9 1 "]);
}

/// Whoever takes the role from all others keeps it; the operator of the machine may take it from anybody.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_the_role_of_an_administrator_from_themselves() {
    let world = world().await;
    let service = &world.service;
    let (root, chief) = (world.person("root").await, owner_id("chief"));
    for roles in [json!([]), json!(null), json!(["auditor"])] {
        let (own, change) = (owner_id("root"), input(json!({ "roles": roles })));
        let error = service.update_owner(&root, &own, &change).await.unwrap_err();
        assert_eq!((error.status(), error.at_field()), (403, Some("roles")));
        assert!(error.to_string().contains("from themselves"), "{error}");
    }
    let more = input(json!({"roles": ["administrator", "auditor"]}));
    service.update_owner(&root, &owner_id("root"), &more).await.unwrap();
    let none = || input(json!({"roles": []}));
    service.update_owner(&root, &chief, &none()).await.unwrap();
    // What a company administrator or a user has is their own to leave, if they may change themselves at all.
    let boss = world.person("boss").await;
    service.update_owner(&boss, &owner_id("boss"), &none()).await.unwrap();
    service.update_owner(&world.by, &owner_id("root"), &none()).await.unwrap();
}
