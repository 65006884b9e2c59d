//! When tokens end, by time or by idleness: in each list of them, and on the first page.

use super::*;
use crate::domain::time::{Span, Timestamp};
use crate::web::language::Language;

const DAY: u64 = 86_400;

/// What a row says of its token's end: when, if at all, and why.
type End = (Option<Timestamp>, String);

/// The text of a piece of a page.
fn text(html: &str) -> String {
    let parts = html.split('<').enumerate();
    let parts =
        parts.map(|(at, part)| if at == 0 { part } else { part.split_once('>').unwrap().1 });
    parts.collect::<String>().trim().to_owned()
}

/// The tokens of a table with what each row says of the end, in its order.
fn rows(page: &str) -> Vec<(String, End)> {
    let rows = page.split("<th role=\"rowheader\" scope=\"row\"><a href=\"/tokens/").skip(1);
    let row = |row: &str| {
        let row = row.split("</tr>").next().unwrap();
        let name = row.split("<bdi>").nth(1).unwrap().split("</bdi>").next().unwrap();
        let cell = row.rsplit("<td role=\"cell\"").next().unwrap().split_once('>').unwrap().1;
        let when = cell.split("datetime=\"").nth(1).map(|rest| rest.split('"').next().unwrap());
        let why = text(cell).rsplit("· ").next().unwrap().to_owned();
        (name.to_owned(), (when.map(|when| when.parse().unwrap()), why))
    };
    rows.map(row).collect()
}

fn names(page: &str) -> Vec<String> {
    rows(page).into_iter().map(|(name, _)| name).collect()
}

/// The part of the first page about what ends soon.
fn soon(page: &str) -> &str {
    page.split("<h2 id=\"soon\">").nth(1).unwrap().split("</section>").next().unwrap()
}

impl Face {
    /// A token that never ends, but for what `more` says.
    async fn ending(&self, owner: &str, name: &str, more: serde_json::Value) -> TokenId {
        let mut body = json!({"owner": owner, "name": name, "lifetime": 0, "idle_ttl": 0});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.token(body).await.0
    }
}

/// "Every list shows the date on which a token will end by time or by idleness."
#[tokio::test(flavor = "multi_thread")]
async fn e9_every_list_says_when_each_token_ends() {
    let face = Face::new().await;
    let now = face.world.clock.now();
    let days = |days: u64| now.plus(Span::from_days(days));
    let pending = json!({"not_before": days(5), "lifetime": 20 * DAY, "idle_ttl": 2 * DAY});
    for (name, more) in [
        ("never", json!({})),
        ("by-time", json!({"lifetime": 10 * DAY})),
        ("by-idleness", json!({"idle_ttl": 5 * DAY})),
        ("idle-first", json!({"lifetime": 10 * DAY, "idle_ttl": 3 * DAY})),
        ("time-first", json!({"lifetime": 3 * DAY, "idle_ttl": 10 * DAY})),
        ("both-at-once", json!({"lifetime": 4 * DAY, "idle_ttl": 4 * DAY})),
        ("not-begun", pending),
        ("expired", json!({"lifetime": "1h"})),
        ("lapsed", json!({"idle_ttl": "2h"})),
    ] {
        face.ending("alice", name, more).await;
    }
    let ended = face.ending("alice", "revoked", json!({"lifetime": 9 * DAY})).await;
    let used =
        json!({"owner": "root", "name": "used", "flags": -1, "lifetime": 0, "idle_ttl": 3 * DAY});
    let (_, secret) = face.token(used).await;
    face.world.clock.advance(Span::from_days(1));
    face.world.service.revoke_token(&face.world.by, ended, "").await.unwrap();
    let bearer = format!("Bearer {secret}");
    assert_eq!(face.ask("GET /api/v1/tokens", &[("authorization", &bearer)], "").await.status, 200);
    let root = face.sign_in("root").await;
    for (language, [time, idleness, never, over]) in [
        (Language::English, ["by time", "by idleness", "never", "ended"]),
        (Language::Russian, ["по сроку", "если не использовать", "бессрочно", "завершён"]),
        (Language::Portuguese, ["por prazo", "por falta de uso", "nunca", "encerrado"]),
    ] {
        let mut wanted = [
            ("used", Some(days(4)), idleness),
            ("revoked", Some(days(1)), over),
            ("lapsed", Some(now.plus(Span::from_seconds(7_200))), over),
            ("expired", Some(now.plus(Span::from_seconds(3_600))), over),
            ("not-begun", Some(days(7)), idleness),
            ("both-at-once", Some(days(4)), time),
            ("time-first", Some(days(3)), time),
            ("idle-first", Some(days(3)), idleness),
            ("by-idleness", Some(days(5)), idleness),
            ("by-time", Some(days(10)), time),
            ("never", None, never),
        ]
        .map(|(name, at, why)| (name.to_owned(), (at, why.to_owned())));
        wanted.sort();
        let of = async |path: &str| {
            let mut rows = rows(&root.get_in(path, language.tag()).await.text);
            rows.sort();
            rows
        };
        assert_eq!(of("/tokens").await, wanted, "{language:?}: the list");
        let mut left = wanted.to_vec();
        left.retain(|(_, (_, why))| why != over);
        let would_end = of("/tokens/revoke?state=active,pending").await;
        assert_eq!(would_end, left, "{language:?}: the preview of an end of many");
        left.retain(|(_, (at, _))| at.is_some());
        assert_eq!(of("/").await, left, "{language:?}: the first page");
    }
}

/// The first page holds what ends within two weeks by time or by idleness, the soonest first, of what its reader sees.
#[tokio::test(flavor = "multi_thread")]
async fn e9_the_first_page_tells_each_reader_what_ends_soon() {
    let face = Face::new().await;
    for body in [
        json!({"id": "boss", "roles": ["company-administrator"], "company": "acme"}),
        json!({"id": "dev", "roles": ["developer"], "company": "acme"}),
        json!({"id": "robot", "kind": "service", "parent": "dev", "company": "acme"}),
        json!({"id": "ann", "company": "acme"}),
        json!({"id": "kid", "parent": "ann", "company": "acme"}),
        json!({"id": "watcher", "roles": ["auditor"]}),
        json!({"id": "reviewer", "roles": ["auditor"], "company": "acme"}),
        json!({"id": "eve", "company": "other"}),
    ] {
        face.user(body).await;
    }
    let edge = face.world.clock.now().plus(Span::from_seconds(7_200)).plus(Span::from_days(14));
    face.ending("root", "roots", json!({"lifetime": 6 * DAY})).await;
    let paused = face.ending("ann", "anns", json!({"idle_ttl": 2 * DAY})).await;
    face.ending("ann", "edge", json!({ "expires_at": edge, "lifetime": null })).await;
    face.ending("eve", "eves", json!({"lifetime": 5 * DAY})).await;
    face.ending("dev", "devs", json!({"lifetime": 4 * DAY, "idle_ttl": 9 * DAY})).await;
    face.ending("robot", "robots", json!({"lifetime": 9 * DAY, "idle_ttl": 3 * DAY})).await;
    face.ending("kid", "kids", json!({"lifetime": DAY})).await;
    // Not these: later, never, and over in each way.
    let behind = edge.plus(Span::from_seconds(1));
    face.ending("ann", "just-later", json!({ "expires_at": behind, "lifetime": null })).await;
    face.ending("ann", "later", json!({"lifetime": 30 * DAY, "idle_ttl": 15 * DAY})).await;
    face.ending("bob", "never", json!({})).await;
    face.ending("kid", "expired", json!({"lifetime": "1h"})).await;
    face.ending("kid", "lapsed", json!({"idle_ttl": "1h"})).await;
    let ended = face.ending("ann", "revoked", json!({"lifetime": DAY})).await;
    face.world.service.revoke_token(&face.world.by, ended, "").await.unwrap();
    // A pause puts off no end.
    face.world.service.disable_token(&face.world.by, paused, "").await.unwrap();
    face.world.clock.advance(Span::from_seconds(7_200));
    let all = ["kids", "anns", "robots", "devs", "eves", "roots", "edge"];
    let of_acme = ["kids", "anns", "robots", "devs", "edge"];
    for (reader, wanted) in [
        ("root", &all[..]),
        ("watcher", &all),
        ("boss", &of_acme),
        ("reviewer", &of_acme),
        ("dev", &["robots", "devs"]),
        ("ann", &["kids", "anns", "edge"]),
        ("kid", &["kids"]),
        ("eve", &["eves"]),
        ("bob", &[]),
    ] {
        let reading = face.sign_in(reader).await;
        let page = reading.get("/").await.text;
        let soon = soon(&page);
        assert_eq!(names(soon), wanted, "{reader}");
        assert_eq!(
            soon.contains("No token ends in the next two weeks."),
            wanted.is_empty(),
            "{reader}"
        );
        // The list that it leads to has all of them.
        let Some(link) = soon.split("<p class=\"all\"><a href=\"").nth(1) else {
            assert!(wanted.is_empty(), "{reader}");
            continue;
        };
        let mut listed = names(&reading.get(link.split('"').next().unwrap()).await.text);
        listed.retain(|name| name != "just-later");
        let mut wanted = wanted.to_vec();
        listed.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(listed, wanted, "{reader}'s list");
    }
}

/// Of many, the soonest are named.
#[tokio::test(flavor = "multi_thread")]
async fn e9_the_first_page_names_the_soonest_of_many() {
    let face = Face::new().await;
    for hour in [7, 3, 10, 1, 9, 2, 12, 8, 5, 4, 11, 6] {
        let (name, hours) = (format!("{hour}"), format!("{hour}h"));
        let by = if hour % 2 == 0 { "lifetime" } else { "idle_ttl" };
        face.ending("alice", &name, json!({ by: hours })).await;
    }
    let alice = face.sign_in("alice").await;
    let page = alice.get("/").await.text;
    assert_eq!(names(soon(&page)), ["1", "2", "3", "4", "5", "6", "7", "8"]);
}
