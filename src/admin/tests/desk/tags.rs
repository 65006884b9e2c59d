//! Entity tags, and changes that are made from what somebody saw (RFC 9110 section 13).

use super::*;

/// Each record, and what changes it.
const ACTS: [(&str, &str, &str); 11] = [
    ("/tokens/ONE", "PATCH /tokens/ONE", r#"{"name":"other"}"#),
    ("/tokens/ONE", "POST /tokens/ONE/disable", "{}"),
    ("/tokens/ONE", "POST /tokens/ONE/enable", "{}"),
    ("/tokens/ONE", "POST /tokens/ONE/revoke", "{}"),
    ("/tokens/TWO", "DELETE /tokens/TWO", "{}"),
    ("/users/bob", "PATCH /users/bob", r#"{"name":"Robert"}"#),
    ("/users/bob", "POST /users/bob/block", "{}"),
    ("/users/bob", "POST /users/bob/unblock", "{}"),
    ("/companies/acme", "PATCH /companies/acme", r#"{"name":"Acme"}"#),
    ("/companies/acme", "POST /companies/acme/block", "{}"),
    ("/companies/acme", "POST /companies/acme/unblock", "{}"),
];

fn tag(got: &Got) -> String {
    got.headers[header::ETAG].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_made_from_what_was_seen() {
    let face = Face::new().await;
    let secret = face.token(json!({"owner": "root", "name": "robot", "flags": -1})).await;
    let bearer = format!("Bearer {secret}");
    let ask = async |line: &str, if_match: &str, body: &str| {
        let mut fields = vec![("authorization", bearer.as_str())];
        if !if_match.is_empty() {
            fields.push(("if-match", if_match));
        }
        face.ask(line, &fields, serde_json::from_str(body).unwrap()).await
    };
    for (line, body) in [
        ("POST /users", r#"{"id":"bob"}"#),
        ("POST /companies", r#"{"id":"acme"}"#),
        ("POST /tokens", r#"{"owner":"bob","name":"one"}"#),
        ("POST /tokens", r#"{"owner":"bob","name":"two"}"#),
    ] {
        let made = ask(line, "", body).await;
        assert_eq!((made.status, tag(&made).as_str()), (201, "\"1\""), "{line}: {}", made.body);
    }
    let list = ask("GET /tokens?owner=bob&order=oldest", "", "{}").await;
    assert!(!list.headers.contains_key(header::ETAG), "a list is no record");
    let ids = [0, 1].map(|nth: usize| list.body["tokens"][nth]["id"].as_str().unwrap().to_owned());
    let named = |text: &str| text.replace("ONE", &ids[0]).replace("TWO", &ids[1]);

    for (record, act, body) in ACTS {
        let (record, act) = (named(record), named(act));
        let seen = ask(&format!("GET {record}"), "", "{}").await;
        let now = tag(&seen);
        for stale in ["\"0\"", "\"99\", \"x\"", &format!("W/{now}")] {
            let refused = ask(&act, stale, body).await;
            assert_eq!(refused.status, 412, "{act} from {stale}");
            assert_eq!(tag(&refused), now, "the one that there is");
            assert_eq!(refused.headers[header::CONTENT_TYPE], "application/problem+json");
            assert_eq!(refused.body["type"], "urn:tollgate:problem:changed");
            assert_eq!(format!("\"{}\"", refused.body["revision"]), now);
        }
        assert_eq!(ask(&act, "1", body).await.status, 400, "no tag");
        let same = ask(&format!("GET {record}"), "", "{}").await;
        assert_eq!(tag(&same), now, "nothing was done");
        let done = ask(&act, &format!("\"77\", {now}"), body).await;
        assert_eq!((done.status, &done.body["changed"]), (200, &json!(true)), "{act}");
        assert_ne!(tag(&done), now);
        let again = ask(&act, &now, body).await;
        assert_eq!(again.status, 412, "{act}: from before itself");
        let again = ask(&act, "*", body).await;
        assert_eq!((again.status, &again.body["changed"]), (200, &json!(false)), "{act}");
    }
    let nowhere = ask("POST /users/nobody/block", "\"1\"", "{}").await;
    assert_eq!(nowhere.status, 404, "what is refused anyhow is refused so (section 13.2.1)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_and_a_password_are_made_from_what_was_seen() {
    let face = Face::new().await;
    let secret = face.token(json!({"owner": "root", "name": "robot", "flags": -1})).await;
    let bearer = format!("Bearer {secret}");
    let fields = |tag: &'static str| [("authorization", bearer.as_str()), ("if-match", tag)];
    let made = face.ask("POST /tokens", &fields("*"), json!({"owner": "alice", "name": "x"})).await;
    let id = made.body["token"]["id"].as_str().unwrap().to_owned();
    let rotate = format!("POST /tokens/{id}/rotate");
    assert_eq!(face.ask(&rotate, &fields("\"2\""), json!({})).await.status, 412);
    let rotated = face.ask(&rotate, &fields("\"1\""), json!({})).await;
    assert_eq!((rotated.status, tag(&rotated).as_str()), (201, "\"1\""), "the successor's");
    let password = json!({"password": "another good password"});
    let line = "POST /users/alice/password";
    assert_eq!(face.ask(line, &fields("\"1\""), password.clone()).await.status, 412);
    let set = face.ask(line, &fields("\"2\""), password).await;
    assert_eq!((set.status, tag(&set).as_str()), (200, "\"3\""));
}

/// The gate's answer at the administrative address: a token's own limits, with the same fields.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_beyond_its_limits_is_answered_429() {
    let face = Face::new().await;
    let body = json!({"owner": "root", "name": "robot", "flags": -1, "limits": {"uses": 2}});
    let bearer = format!("Bearer {}", face.token(body).await);
    let fields = [("authorization", bearer.as_str())];
    for status in [200, 200, 429] {
        let got = face.ask("GET /status", &fields, json!({})).await;
        assert_eq!(got.status, status);
        if status == 429 {
            assert_eq!(got.body["type"], "urn:tollgate:problem:limited");
            assert_eq!(got.headers["ratelimit"], "\"uses\";r=0");
            assert_eq!(got.headers["ratelimit-policy"], "\"uses\";q=2");
            assert_eq!(got.headers[header::RETRY_AFTER], "86400");
        }
    }
}
