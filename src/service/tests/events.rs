//! Events that are asked for by their kind, by who did it, and by when.

use super::*;
use crate::service::events::EventList;
use crate::store::{Position, Subject};

/// A question, of the fields that say something.
fn asked(fields: &[(&str, &str)]) -> EventList {
    let of = |name: &str| {
        let field = fields.iter().find(|(field, _)| *field == name);
        field.map(|(_, text)| (*text).to_owned())
    };
    EventList { kind: of("kind"), by: of("by"), since: of("since"), until: of("until") }
}

/// The numbers of the events that fit, over all pages of so many.
async fn found(
    world: &World,
    subject: Option<&Subject>,
    fields: &[(&str, &str)],
    limit: usize,
) -> Vec<u64> {
    let (mut found, mut before): (Vec<u64>, Option<Position>) = (Vec::new(), None);
    loop {
        let asked = asked(fields);
        let page = world.service.events_like(&world.by, subject, (&asked, before), limit).await;
        let page = page.unwrap();
        assert!(page.entries.len() <= limit);
        found.extend(page.entries.iter().map(|event| event.position));
        before = page.next;
        if before.is_none() {
            return found;
        }
    }
}

#[tokio::test]
async fn events_are_found_by_kind_by_whom_and_by_when() {
    let world = World::with_alice().await;
    let hour = Span::from_seconds(3_600);
    let mut ids = Vec::new();
    for _ in 0..3 {
        world.clock.advance(hour);
        ids.push(world.token().await.id);
    }
    let alice = world.service.owner_record(&owner_id("alice")).await.unwrap();
    let alice = Caller::person(&alice);
    world.clock.advance(Span::from_days(3));
    world.service.revoke_token(&alice, ids[0], "mine").await.unwrap();
    world.service.block_owner(&world.by, &owner_id("alice"), "left").await.unwrap();
    // 1: alice is made; 2, 3, 4: her tokens; 5: she revokes one; 6: she is blocked.
    let begin = NOW.plus(hour).plus(hour);
    let (since, until) = (begin.to_string(), begin.plus(hour).to_string());
    let (token, owner) = (Subject::Token(ids[0]), Subject::Owner(owner_id("alice")));
    for (subject, fields, wanted) in [
        (None, vec![], vec![6, 5, 4, 3, 2, 1]),
        (None, vec![("kind", "token")], vec![5, 4, 3, 2]),
        (None, vec![("kind", "token.revoked, owner.blocked")], vec![6, 5]),
        (None, vec![("by", "alice")], vec![5]),
        (None, vec![("by", "local:1000"), ("kind", "owner")], vec![6, 1]),
        (None, vec![("by", "system")], vec![]),
        (None, vec![("since", &*since)], vec![6, 5, 4, 3]),
        (None, vec![("until", &*since)], vec![2, 1]),
        (None, vec![("since", &*since), ("until", &*until)], vec![3]),
        (None, vec![("until", "1999-01-01")], vec![]),
        (None, vec![("since", "2999-01-01")], vec![]),
        (None, vec![("until", "2999-01-01"), ("kind", "owner.created")], vec![1]),
        (Some(&token), vec![("kind", "token.revoked")], vec![5]),
        (Some(&token), vec![("until", &*since)], vec![2]),
        (Some(&owner), vec![("kind", "owner")], vec![6, 1]),
    ] {
        for limit in [1, 2, 100] {
            assert_eq!(found(&world, subject, &fields, limit).await, wanted, "{fields:?} {limit}");
        }
    }
    let wrong = (&asked(&[("kind", "tokens")]), None);
    let error = world.service.events_like(&world.by, None, wrong, 9).await.unwrap_err();
    assert_eq!((error.status(), error.at_field()), (400, Some("kind")));
    let revoked = asked(&[("kind", "token.revoked")]);
    let all = world.service.events_like(&alice, None, (&revoked, None), 9).await.unwrap();
    assert_eq!(all.entries.iter().map(|event| event.position).collect::<Vec<_>>(), [5]);
    let bob = world.owner(json!({"id": "bob"})).await.unwrap().id;
    let bob = Caller::person(&world.service.owner_record(&bob).await.unwrap());
    let none = world.service.events_like(&bob, None, (&revoked, None), 9).await.unwrap();
    assert!(none.entries.is_empty(), "a filter opens nothing");
    let own = world.service.events_like(&alice, Some(&token), (&revoked, None), 9).await.unwrap();
    assert_eq!(own.entries.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_finds_nothing_for_long_says_where_to_go_on() {
    let world = World::with_alice().await;
    let boss = json!({"id": "boss", "roles": ["company-administrator"], "company": "acme"});
    world.owner(boss).await.unwrap();
    let boss = Caller::person(&world.service.owner_record(&owner_id("boss")).await.unwrap());
    let token = world.token().await.id;
    for n in 0..5_200 {
        world.update(token, json!({"name": format!("name {n}")})).await.unwrap();
    }
    // Whose they are is asked of each that fits, and costs more.
    let either = asked(&[("kind", "owner.created, token.updated")]);
    let first = world.service.events_like(&boss, None, (&either, None), 9).await.unwrap();
    assert!(first.entries.is_empty());
    let next = (&either, Some(first.next.expect("there is more")));
    let second = world.service.events_like(&boss, None, next, 9).await.unwrap();
    assert_eq!((second.entries.len(), second.next), (1, None));
    let asked = asked(&[("kind", "owner.created")]);
    let all = world.service.events_like(&world.by, None, (&asked, None), 9).await.unwrap();
    assert_eq!((all.entries.len(), all.next), (2, None), "at once");
    // A time long ago is found without looking at what came since.
    let long_ago = EventList { until: Some(NOW.plus(Span::from_seconds(1)).to_string()), ..asked };
    let found = world.service.events_like(&world.by, None, (&long_ago, None), 9).await.unwrap();
    assert_eq!((found.entries.len(), found.next), (2, None));
}

#[tokio::test]
async fn contexts_tell_what_tokens_carry_and_what_is_opened() {
    let world = World::new().await;
    let contexts = world.service.contexts();
    let names: Vec<_> = contexts.iter().map(|context| context.id.as_str()).collect();
    assert_eq!(names, ["hub", "stock"]);
    let market = &contexts[0].params["market"];
    assert!(market.required && !market.secret && market.choices == ["north"]);
    assert!(contexts.iter().all(|context| context.opens.is_empty()), "no rule asks for one");
}

/// The gateway ends tokens of several users in one event: each of them sees their own.
#[tokio::test]
async fn of_an_event_about_several_each_sees_their_part() {
    let world = World::with_alice().await;
    for body in [
        json!({"id": "boss", "roles": ["company-administrator"], "company": "acme"}),
        json!({"id": "carol", "company": "acme"}),
    ] {
        world.owner(body).await.unwrap();
    }
    let mut ids = Vec::new();
    for owner in ["alice", "carol", "boss"] {
        let body = json!({"owner": owner, "name": "ci", "lifetime": "1d"});
        ids.push(world.create(body).await.unwrap().id);
    }
    world.clock.advance(Span::from_days(2));
    assert_eq!(world.service.sweep(world.clock.now(), None).await.unwrap().ended, 3);
    let expired = asked(&[("kind", "token.expired")]);
    for (who, tokens) in [("alice", &ids[..1]), ("carol", &ids[1..2]), ("boss", &ids[1..])] {
        let by = Caller::person(&world.service.owner_record(&owner_id(who)).await.unwrap());
        let page = world.service.events_like(&by, None, (&expired, None), 9).await.unwrap();
        let mut seen = page.entries.first().expect(who).tokens.clone();
        let mut tokens = tokens.to_vec();
        seen.sort();
        tokens.sort();
        assert_eq!(seen, tokens, "{who}");
        assert_eq!(page.entries[0].users.len(), tokens.len(), "{who}");
    }
    let all = world.service.events_like(&world.by, None, (&expired, None), 9).await.unwrap();
    assert_eq!(all.entries[0].tokens.len(), 3);
}

/// What was changed of somebody in another company's time is not for those of this one.
#[tokio::test]
async fn of_somebody_who_left_or_came_a_company_sees_that_and_no_more() {
    let world = World::new().await;
    for body in [
        json!({"id": "boss", "roles": ["company-administrator"], "company": "acme"}),
        json!({"id": "rival", "roles": ["auditor"], "company": "other"}),
        json!({"id": "carol", "company": "acme", "email": "c@acme.example"}),
    ] {
        world.owner(body).await.unwrap();
    }
    let carol = owner_id("carol");
    let update = async |by: &Caller, body: Value| {
        world.service.update_owner(by, &carol, &input(body)).await.unwrap();
    };
    let person =
        async |id: &str| Caller::person(&world.service.owner_record(&owner_id(id)).await.unwrap());
    let (boss, rival) = (person("boss").await, person("rival").await);
    update(&boss, json!({"name": "Carol A", "reason": "asked"})).await;
    let moved =
        json!({"company": "other", "email": "c@other.example", "name": "Carol", "reason": "sold"});
    update(&world.by, moved).await;
    let newest = async |by: &Caller, subject: Option<Subject>, nth: usize| {
        let page = world.service.events(by, subject.as_ref(), None, 9).await.unwrap();
        serde_json::to_value(&page.entries[nth]).unwrap()
    };
    let acme = Subject::Company("acme".parse().unwrap());
    for subject in [None, Some(acme)] {
        let left = newest(&boss, subject, 0).await;
        let out = json!([{"field": "company", "from": "acme", "to": null}]);
        assert_eq!((&left["changes"], &left["companies"]), (&out, &json!(["acme"])));
        assert_eq!((&left["reason"], &left["kind"]), (&Value::Null, &json!("owner.updated")));
        assert!(!left.to_string().contains("other"), "{left}");
    }
    // By those whose company it is now, and by her name in the company before.
    for (nth, changes) in [
        (0, json!([{"field": "company", "from": null, "to": "other"}])),
        (1, Value::Null),
        (2, Value::Null),
    ] {
        let came = newest(&rival, Some(Subject::Owner(carol.clone())), nth).await;
        assert_eq!((&came["changes"], &came["reason"]), (&changes, &Value::Null), "{came}");
        assert!(!came.to_string().contains("acme"), "{came}");
    }
    update(&world.by, json!({"name": "Carol O", "reason": "married"})).await;
    let since = newest(&rival, None, 0).await;
    assert_eq!(
        (&since["reason"], &since["changes"][0]["to"]),
        (&json!("married"), &json!("Carol O"))
    );
    // She herself, and whoever sees everything, see all of it.
    for by in [&person("carol").await, &world.by] {
        let all = newest(by, Some(Subject::Owner(carol.clone())), 1).await;
        assert_eq!((all["changes"].as_array().unwrap().len(), &all["reason"]), (3, &json!("sold")));
    }
}
