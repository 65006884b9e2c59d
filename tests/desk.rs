//! The desk where tokens are handed out, through the real program: over TCP with a session.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "desk/attacks.rs"]
mod attacks;
#[path = "desk/changes.rs"]
mod changes;
#[path = "desk/sessions.rs"]
mod sessions;
mod support;
#[path = "desk/texts.rs"]
mod texts;

use serde_json::json;

use support::client::{Answer, Client};
use support::desk::{GOOD, Person, people};
use support::program::Program;
use support::upstream::Upstream;

/// A gateway before nothing, with `root`, an administrator, and `alice`.
fn desk() -> Program {
    desk_with("h2c = false", "")
}

fn desk_with(listen: &str, more: &str) -> Program {
    let api = "[[apis]]\nname = \"api\"\nupstream = \"http://127.0.0.1:9\"\n\
               rules = [{ path = \"/{*rest}\" }]\n";
    let program = Program::start_with(listen, &format!("{more}{api}"));
    people(&program, &[("root", &["--role", "administrator"]), ("alice", &[])]);
    program
}

/// A gateway before `upstream`, with an administrator and a user who may sign in.
fn program(upstream: &Upstream) -> Program {
    let program = Program::start(&format!(
        "[[apis]]\nname = \"api\"\nupstream = \"http://{}\"\n[[apis.rules]]\npath = \"/{{*rest}}\"\n",
        upstream.address(),
    ));
    people(&program, &[("root", &["--role", "administrator"]), ("alice", &[])]);
    program
}

fn use_of(client: &mut Client, secret: &str) -> Answer {
    client.ask(format!("GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\r\n"))
}

/// Rows E1, E3, E4, E8 and E9: from the first sign-in to the end of a token.
#[test]
fn e8_a_token_is_made_used_and_ended_over_a_session() {
    let upstream = Upstream::start();
    let program = program(&upstream);
    let (root, alice) = (Person::sign_in(&program, "root"), Person::sign_in(&program, "alice"));
    let mut client = Client::connect(program.public());

    let made = root.ask("POST /tokens", json!({"owner": "alice", "name": "one"}));
    assert_eq!(made.status, 201, "{}", made.text());
    let (id, secret) = (made.json()["token"]["id"].clone(), made.json()["secret"].clone());
    let (id, secret) = (id.as_str().unwrap(), secret.as_str().unwrap());
    let other = alice.ask("POST /tokens", json!({"owner": "alice", "name": "two"})).json();
    let other = other["secret"].as_str().unwrap();
    let refused = alice.ask("POST /tokens", json!({"owner": "root", "name": "three"}));
    assert_eq!(refused.status, 403, "row E1");

    assert_eq!(use_of(&mut client, secret).status, 200);
    assert_eq!(upstream.take_one().value("x-tollgate-owner").as_deref(), Some("alice"), "row E4");
    let list = alice.ask("GET /tokens", json!({})).text();
    assert!(list.contains("\"one\"") && list.contains("\"two\"") && !list.contains(secret));

    let end = alice.ask(&format!("POST /tokens/{id}/revoke"), json!({"reason": "done"}));
    assert_eq!(end.status, 200, "{}", end.text());
    assert_eq!(use_of(&mut client, secret).status, 401, "row E8: on the open connection too");
    assert_eq!(use_of(&mut client, other).status, 200, "row E3: the other lives on");
    let history = root.ask(&format!("GET /history?token={id}"), json!({})).json();
    let actors: Vec<_> =
        history["events"].as_array().unwrap().iter().map(|event| event["actor"].clone()).collect();
    assert!(actors.contains(&json!("owner:alice")) && actors.contains(&json!("owner:root")));
    // Rows E6 and E7: a block stops the tokens and is lifted for them; sessions end with it for good (sec-W3).
    for (act, status) in [("block", 401), ("unblock", 200)] {
        assert_eq!(root.ask(&format!("POST /users/alice/{act}"), json!({})).status, 200);
        assert_eq!(use_of(&mut client, other).status, status, "{act}");
        assert_eq!(alice.ask("GET /tokens", json!({})).status, 401, "{act}");
    }
    let alice = Person::sign_in(&program, "alice");
    assert_eq!(alice.ask("GET /tokens", json!({})).status, 200);
    for text in [program.printed(), std::fs::read(program.source()).unwrap()] {
        assert!(!text.windows(GOOD.len()).any(|part| part == GOOD.as_bytes()), "sec-L1");
    }
}

/// Rotation through the gateway: nobody is refused meanwhile, and the old one ends when it was said to.
#[test]
fn a_token_is_rotated_without_an_outage() {
    let upstream = Upstream::start();
    let program = program(&upstream);
    let alice = Person::sign_in(&program, "alice");
    let mut client = Client::connect(program.public());
    let made = alice.ask("POST /tokens", json!({"owner": "alice", "name": "one"})).json();
    let (id, first) = (made["token"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let rotate = |id: &str, grace: &str| {
        let answer = alice.ask(&format!("POST /tokens/{id}/rotate"), json!({"grace": grace}));
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    };
    let rotated = rotate(id, "1h");
    let second = rotated["secret"].as_str().unwrap();
    assert_eq!(use_of(&mut client, first).status, 200);
    assert_eq!(use_of(&mut client, second).status, 200);
    let last = rotate(rotated["token"]["id"].as_str().unwrap(), "0");
    let refused = use_of(&mut client, second);
    assert!(refused.status == 401 && refused.text().contains("expired"), "{}", refused.text());
    assert_eq!(use_of(&mut client, last["secret"].as_str().unwrap()).status, 200);
}

/// A token and its successors draw on one meter: rotating makes no new requests.
#[test]
fn a_rotated_family_never_passes_its_limits() {
    let upstream = Upstream::start();
    let program = program(&upstream);
    let root = Person::sign_in(&program, "root");
    let mut client = Client::connect(program.public());
    for limits in [json!({"uses": 4}), json!({"quotas": {"month": 4}})] {
        let body = json!({"owner": "alice", "name": "few", "limits": limits});
        let made = root.ask("POST /tokens", body).json();
        let (mut id, mut secrets) = (made["token"]["id"].clone(), vec![made["secret"].clone()]);
        let mut permitted = 0;
        for _ in 0..3 {
            let secret = secrets.last().unwrap().as_str().unwrap();
            permitted += usize::from(use_of(&mut client, secret).status == 200);
            let rotate = format!("POST /tokens/{}/rotate", id.as_str().unwrap());
            let rotated = root.ask(&rotate, json!({"grace": "1h"})).json();
            assert_eq!(rotated["token"]["limits"], limits, "{rotated}");
            for of in ["token", "old"] {
                let left = &rotated[of]["left"];
                let requests = [&left["uses"], &left["quotas"]["month"]["requests"]];
                assert!(requests.contains(&&json!(4 - permitted)), "{of} {left}");
            }
            id = rotated["token"]["id"].clone();
            secrets.push(rotated["secret"].clone());
        }
        for _ in 0..2 {
            for secret in &secrets {
                permitted +=
                    usize::from(use_of(&mut client, secret.as_str().unwrap()).status == 200);
            }
        }
        assert_eq!(permitted, 4, "over all of them");
        if limits.get("uses").is_some() {
            let rotate = format!("POST /tokens/{}/rotate", id.as_str().unwrap());
            let refused = root.ask(&rotate, json!({}));
            assert_eq!((refused.status, &refused.json()["field"]), (400, &json!("limits.uses")));
        }
    }
}

/// Row E1: where nobody serves themselves, administrators alone make tokens, from a reload on, and of a refused
/// one nothing is written. What others have they see, narrow and end.
#[test]
fn e1_without_self_service_administrators_alone_make_tokens() {
    let upstream = Upstream::start();
    let program = program(&upstream);
    for (user, role) in [("boss", "company-administrator"), ("dev", "developer")] {
        program.succeed(&["user", "add", user, "--role", role, "--company", "acme"], "");
        program.succeed(&["user", "password", user], &format!("{GOOD}\n"));
    }
    let person = |user| Person::sign_in(&program, user);
    let (root, boss, dev, alice) = (person("root"), person("boss"), person("dev"), person("alice"));
    let make = |by: &Person, owner: &str| {
        by.ask("POST /tokens", json!({"owner": owner, "name": "one", "items": ["1", "2"]}))
    };
    let (mine, hers) = (make(&dev, "dev").json(), make(&alice, "alice").json());
    let own = std::fs::read_to_string(program.source()).unwrap();
    let reload = |tokens: &str| {
        std::fs::write(program.source(), own.clone() + tokens).unwrap();
        program.succeed(&["reload"], "");
    };
    reload("[tokens]\nself_service = false\n");
    let written = || {
        let history = root.ask("GET /history?limit=1", json!({})).json();
        history["events"][0]["position"].clone()
    };
    let before = written();
    assert!(before.is_u64(), "{before}");
    for (by, owner, made) in [(&dev, "dev", &mine), (&alice, "alice", &hers)] {
        let id = made["token"]["id"].as_str().unwrap();
        let refused = make(by, owner);
        let told = refused.text();
        assert!(refused.status == 403 && told.contains("tokens.self_service"), "{told}");
        let rotated = by.ask(&format!("POST /tokens/{id}/rotate"), json!({}));
        assert_eq!(rotated.status, 403, "{}", rotated.text());
        let wider = by.ask(&format!("PATCH /tokens/{id}"), json!({"items": "all"}));
        assert_eq!((wider.status, &wider.json()["field"]), (403, &json!("items")));
    }
    assert_eq!(written(), before, "nothing was written");
    assert_eq!(make(&root, "alice").status, 201);
    assert_eq!(make(&boss, "dev").status, 201, "within the own company");
    assert_eq!(make(&boss, "alice").status, 403, "of another");
    let id = hers["token"]["id"].as_str().unwrap();
    assert_eq!(alice.ask(&format!("GET /tokens/{id}"), json!({})).status, 200);
    let less = alice.ask(&format!("PATCH /tokens/{id}"), json!({"items": ["1"]}));
    assert_eq!(less.status, 200, "{}", less.text());
    assert_eq!(alice.ask(&format!("POST /tokens/{id}/revoke"), json!({})).status, 200);
    reload("");
    assert_eq!(make(&alice, "alice").status, 201);
}
