//! Acts over TCP: who is let in, and what other sites and old cookies cannot do.

use axum::http::{HeaderMap, Request, header};

use super::stage::GOOD;
use super::*;
use crate::domain::time::Span;
use crate::service::tests::{input, owner_id};

mod repeats;
mod tags;

/// What is served over TCP, over a store of its own.
struct Face {
    world: World,
    router: axum::Router,
}

/// An answer.
struct Got {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Got {
    fn cookie(&self) -> String {
        let line = self.headers[header::SET_COOKIE].to_str().unwrap();
        line.split(';').next().unwrap().to_owned()
    }
}

impl Face {
    /// With `root`, an administrator, and `alice`, a user, who both have a password.
    async fn new() -> Self {
        let (world, router) = stage::stage(stage::people(&["alice"])).await;
        Self { world, router }
    }

    async fn ask(&self, line: &str, fields: &[(&str, &str)], body: Value) -> Got {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        request = request.header("content-type", "application/json");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (head, body) = stage::send(&self.router, request, body.to_string()).await;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Got { status: head.status.as_u16(), headers: head.headers, body }
    }

    async fn sign_in(&self, user: &str, password: &str) -> Got {
        self.ask("POST /session", &[], json!({"user": user, "password": password})).await
    }

    async fn token(&self, body: Value) -> String {
        stage::token(&self.world, body).await.1
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_acts_and_signs_out() {
    let face = Face::new().await;
    let refused = face.ask("GET /tokens", &[], json!({})).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"Tollgate\"");

    let wrong = face.sign_in("alice", "not this one at all").await;
    let nobody = face.sign_in("nobody", GOOD).await;
    assert_eq!((wrong.status, &wrong.body), (401, &nobody.body), "nobody learns which was wrong");
    assert!(!wrong.headers.contains_key(header::SET_COOKIE));

    let signed_in = face.sign_in("alice", GOOD).await;
    assert_eq!(signed_in.status, 200);
    let line = signed_in.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["__Host-tollgate=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
        assert!(line.contains(part), "{line}");
    }
    let (cookie, csrf) = (signed_in.cookie(), signed_in.body["csrf_token"].as_str().unwrap());
    let act = [("cookie", cookie.as_str()), ("x-csrf-token", csrf)];

    let made = face.ask("POST /tokens", &act, json!({"owner": "alice", "name": "ci"})).await;
    assert_eq!((made.status, &made.body["token"]["created_by"]), (201, &json!("owner:alice")));
    // Row E1: whoever may not hand out a token of another gets none.
    let other = face.ask("POST /tokens", &act, json!({"owner": "root", "name": "ci"})).await;
    assert_eq!(
        (other.status, &other.body["type"]),
        (403, &json!("urn:tollgate:problem:forbidden"))
    );
    let list = face.ask("GET /tokens", &act[..1], json!({})).await;
    assert_eq!(list.body["tokens"].as_array().unwrap().len(), 1);
    let status = face.ask("GET /status", &act[..1], json!({})).await;
    assert_eq!(status.status, 403);

    let out = face.ask("DELETE /session", &act, json!({})).await;
    assert_eq!(out.status, 204);
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    let stale = face.ask("GET /tokens", &act[..1], json!({})).await;
    assert_eq!(stale.status, 401, "sec-W3: a cookie of before is dead");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_w1_another_site_causes_nothing() {
    let face = Face::new().await;
    let signed_in = face.sign_in("root", GOOD).await;
    let (cookie, csrf) = (signed_in.cookie(), signed_in.body["csrf_token"].as_str().unwrap());
    let body = json!({"id": "bob"});
    for (fields, status) in [
        (&[("x-csrf-token", csrf), ("origin", "http://evil.example")][..], 403),
        (&[("x-csrf-token", csrf), ("origin", "null")], 403),
        (&[("x-csrf-token", csrf), ("sec-fetch-site", "cross-site")], 403),
        (&[("x-csrf-token", csrf), ("sec-fetch-site", "same-site")], 403),
        (&[("x-csrf-token", "guess")], 403),
        (&[], 403),
        (&[("x-csrf-token", csrf), ("origin", "https://desk.example")], 201),
    ] {
        let fields = [&[("cookie", cookie.as_str())], fields].concat();
        let got = face.ask("POST /users", &fields, body.clone()).await;
        assert_eq!(got.status, status, "{fields:?}");
    }
    let foreign = [("origin", "http://evil.example")];
    let sign_in = face.ask("POST /session", &foreign, json!({"user": "root", "password": GOOD}));
    assert_eq!(sign_in.await.status, 403, "nor signs anybody in");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_w3_sessions_are_new_and_end_with_what_they_rest_on() {
    let face = Face::new().await;
    let first = face.sign_in("alice", GOOD).await.cookie();
    let fields = [("cookie", first.as_str())];
    let again = face
        .ask("POST /session", &fields, json!({"user": "alice", "password": GOOD}))
        .await
        .cookie();
    assert_ne!(first, again);
    assert_eq!(face.ask("GET /tokens", &fields, json!({})).await.status, 401, "the one before");
    let fields = [("cookie", again.as_str())];
    let two = format!("{first}; {again}");
    assert_eq!(face.ask("GET /tokens", &[("cookie", &two)], json!({})).await.status, 401);
    let seen = async || face.ask("GET /tokens", &fields, json!({})).await.status;
    assert_eq!(seen().await, 200);
    let (service, by) = (&face.world.service, &face.world.by);
    service.block_owner(by, &owner_id("alice"), "").await.unwrap();
    assert_eq!(seen().await, 401, "a block");
    service.unblock_owner(by, &owner_id("alice"), "").await.unwrap();
    let robot = face.token(json!({"owner": "root", "name": "robot", "flags": -1})).await;
    let robot = format!("Bearer {robot}");
    for act in ["block", "unblock"] {
        let line = format!("POST /users/alice/{act}");
        let done = face.ask(&line, &[("authorization", &robot)], json!({})).await;
        assert_eq!(done.status, 200, "{act}");
        assert_eq!(seen().await, 401, "after {act}: it does not come back");
    }
    let anew = face.sign_in("alice", GOOD).await.cookie();
    let fields = [("cookie", anew.as_str())];
    let seen = async || face.ask("GET /tokens", &fields, json!({})).await.status;
    assert_eq!(seen().await, 200);
    face.world.clock.advance(Span::from_seconds(3_600));
    assert_eq!(seen().await, 401, "an hour of quiet");
    let fresh = face.sign_in("alice", GOOD).await.cookie();
    let other = Some("another good password");
    service.set_password(by, &owner_id("alice"), None, other).await.unwrap();
    let fields = [("cookie", fresh.as_str())];
    assert_eq!(face.ask("GET /tokens", &fields, json!({})).await.status, 401, "a new password");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_token_with_all_flags_administrates() {
    let face = Face::new().await;
    let all = face.token(json!({"owner": "root", "name": "robot", "flags": -1})).await;
    let some = face.token(json!({"owner": "root", "name": "app", "flags": 0x300})).await;
    let own =
        face.token(json!({"owner": "alice", "name": "own", "flags": -1, "lifetime": 60})).await;
    let ask = async |secret: &str, line: &str, body: Value| {
        let line_of = format!("Bearer {secret}");
        face.ask(line, &[("authorization", &line_of)], body).await
    };
    assert_eq!(ask(&all, "GET /status", json!({})).await.status, 200);
    assert_eq!(ask(&some, "GET /status", json!({})).await.status, 403);
    assert_eq!(ask("tg_nothing", "GET /status", json!({})).await.status, 401);
    assert_eq!(ask("two words", "GET /status", json!({})).await.status, 401);
    let made = ask(&all, "POST /users", json!({"id": "bob"})).await;
    assert_eq!((made.status, &made.body["created_by"]), (201, &json!("owner:root")));
    assert_eq!(ask(&all, "POST /backup", json!({})).await.status, 403, "that is the machine's");
    assert_eq!(ask(&own, "GET /status", json!({})).await.status, 403, "its owner is a user");
    // Row W15: nothing that it makes lives longer than itself.
    let longer = ask(&own, "POST /tokens", json!({"owner": "alice", "name": "x"})).await;
    assert_eq!((longer.status, &longer.body["field"]), (403, &json!("lifetime")));
    let body = json!({"owner": "alice", "name": "x", "lifetime": 30});
    assert_eq!(ask(&own, "POST /tokens", body).await.status, 201);
    let used = face.world.service.tokens(&face.world.by, &input(json!({"owner": "root"}))).await;
    let used = used.unwrap().entries;
    let robot = used.iter().find(|token| token.name == "robot").unwrap();
    assert_eq!(robot.last_use.as_ref().unwrap().api, "tollgate", "its use is noted");
    face.world.clock.advance(Span::from_seconds(60));
    assert_eq!(ask(&own, "GET /tokens", json!({})).await.status, 401, "it has expired");
    face.world.service.block_owner(&face.world.by, &owner_id("root"), "").await.unwrap();
    assert_eq!(ask(&all, "GET /status", json!({})).await.status, 401, "its owner is blocked");
}

/// RFC 8705 section 3, where nobody is asked for a certificate: a token that is bound to one is no token here. Its twin,
/// which is not bound, is let in.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_bound_to_a_certificate_does_not_administrate() {
    let face = Face::new().await;
    let free = json!({"owner": "root", "name": "robot", "flags": -1});
    let mut bound = free.clone();
    bound["conditions"] = json!({"certificate": "ab".repeat(32)});
    let (free, bound) = (face.token(free).await, face.token(bound).await);
    let ask = async |secret: &str| {
        let bearer = format!("Bearer {secret}");
        face.ask("GET /tokens", &[("authorization", &bearer)], json!({})).await
    };
    assert_eq!(ask(&free).await.status, 200);
    assert_eq!(ask(&bound).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_is_throttled() {
    let face = Face::new().await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(face.sign_in("alice", "not this one at all").await.status);
    }
    assert_eq!(statuses[..11], [401; 11]);
    let late = face.sign_in("alice", GOOD).await;
    assert_eq!((statuses[11], late.status), (429, 429), "also with the right one");
    let wait: u64 = late.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    face.world.clock.advance(Span::from_seconds(wait));
    assert_eq!(face.sign_in("alice", GOOD).await.status, 200);
}

/// Whoever has a session of somebody else does not find out their password in it.
#[tokio::test(flavor = "multi_thread")]
async fn guessing_at_the_present_password_is_throttled_as_signing_in_is() {
    let face = Face::new().await;
    let signed_in = face.sign_in("alice", GOOD).await;
    let (cookie, csrf) = (signed_in.cookie(), signed_in.body["csrf_token"].as_str().unwrap());
    let act = [("cookie", cookie.as_str()), ("x-csrf-token", csrf)];
    let change = async |present: &str, password: &str| {
        let body = json!({"present": present, "password": password});
        face.ask("POST /users/alice/password", &act, body).await
    };
    for _ in 0..30 {
        assert_eq!(change(GOOD, "short").await.status, 400, "that is no guess");
    }
    let mut statuses = Vec::new();
    for _ in 0..22 {
        statuses.push(change("not this one at all", "another good password").await.status);
    }
    assert_eq!((&statuses[..21], statuses[21]), (&[400; 21][..], 429));
    let late = change(GOOD, "another good password").await;
    assert_eq!(late.body["type"], "urn:tollgate:problem:too-many-failures");
    assert_eq!((late.status, &late.headers[header::RETRY_AFTER]), (429, &"1".parse().unwrap()));
    assert_eq!(face.sign_in("alice", GOOD).await.status, 429, "it is one count");
    let root = face.sign_in("root", GOOD).await;
    assert_eq!(root.status, 200, "nobody else waits");
    let csrf = root.body["csrf_token"].as_str().unwrap().to_owned();
    let (cookie, body) = (root.cookie(), json!({"password": "another good password"}));
    let act_of_root = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    let given = face.ask("POST /users/alice/password", &act_of_root, body).await;
    assert_eq!(given.status, 200, "nor whoever needs to show none");
    face.world.clock.advance(Span::from_seconds(1));
    assert_eq!(face.sign_in("alice", "another good password").await.status, 200);
}

/// sec-W1, sec-T1: whoever finds a secret can report it without being known, and learns nothing by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_reports_a_leak_is_told_nothing() {
    let face = Face::new().await;
    let mut secrets = Vec::new();
    for _ in 0..2 {
        secrets.push(face.token(json!({"owner": "alice", "name": "ci"})).await);
    }
    let alive = async || {
        let list = input(json!({"owner": "alice", "state": "active"}));
        face.world.service.tokens(&face.world.by, &list).await.unwrap().entries.len()
    };
    let made_up = "tg_0000000000000000000000000000003Cbbpz".to_owned();
    for body in [
        json!({"secrets": [secrets[0]]}),
        json!([{"token": secrets[1], "type": "tollgate", "url": "https://example.com/x"}]),
        json!({"secrets": [made_up]}),
        json!([{"token": "nothing"}]),
    ] {
        let got = face.ask("POST /leaks/report", &[], body).await;
        assert_eq!((got.status, got.body), (202, Value::Null));
        assert!(
            got.headers.iter().all(|(name, _)| name == "cache-control" || name == "content-length")
        );
    }
    for _ in 0..10_000 {
        if alive().await == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(alive().await, 0, "both have ended");
    // The text of a secret is repeated in no refusal.
    for body in [json!({"secrets": secrets[0]}), json!([secrets[0]]), json!(secrets[0])] {
        let got = face.ask("POST /leaks/report", &[], body).await;
        assert_eq!(got.status, 400);
        assert!(!got.body.to_string().contains(&secrets[0]), "{}", got.body);
    }
    let many = json!({"secrets": vec![made_up; 101]});
    assert_eq!(face.ask("POST /leaks/report", &[], many).await.status, 400);
    let few = json!({"secrets": ["nothing"]});
    let known = face.ask("POST /leaks", &[], few.clone()).await;
    assert_eq!(known.status, 401, "what became of them is for administrators");
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(face.ask("POST /leaks/report", &[], few.clone()).await.status);
    }
    assert_eq!(statuses, [202, 202, 202, 202, 202, 202, 429, 429], "ten and one an hour at once");
}
