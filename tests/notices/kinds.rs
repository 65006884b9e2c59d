//! What is told of: warnings, reuse, wider rights, ends by others.

use super::*;
use support::client::Client;
use support::desk::{cookie, send};

fn types(told: &[Told]) -> Vec<&str> {
    told.iter().map(|told| told.body["type"].as_str().unwrap()).collect()
}

#[test]
fn ends_that_are_near_are_told_with_the_days_that_are_left() {
    let receiver = Receiver::start();
    let gateway = gateway(&[receiver.webhook("chat")]);
    gateway.token(json!({"owner": "alice", "name": "by time", "lifetime": "20d"}));
    gateway.token(json!({"owner": "alice", "name": "by idleness", "idle_ttl": "21d"}));
    for days in [6, 1, 10, 1, 1, 1] {
        advance(&gateway, days * 86_400);
        gateway.wait_for_upkeep();
    }
    let mut told = receiver.told(6);
    // Calls go side by side: one may overtake another.
    told.sort_by_key(|told| told.body["data"]["event"].as_u64());
    let said = |of: &str| -> Vec<(String, u64)> {
        let of = told.iter().filter(|told| told.body["data"]["token"]["name"] == of);
        of.map(|told| {
            let days = told.body["data"]["days_left"].as_u64().unwrap();
            (told.body["type"].as_str().unwrap().to_owned(), days)
        })
        .collect()
    };
    let wanted = |kind: &str| [14, 3, 1].map(|days| (kind.to_owned(), days));
    assert_eq!(said("by time"), wanted("token.expires_soon"));
    assert_eq!(said("by idleness"), wanted("token.idles_out_soon"));
    let first = &told[0].body;
    let token = &first["data"]["token"];
    assert_eq!(
        (&token["ends_at"], &token["ends_by"]),
        (&json!("2026-12-10T12:00:00Z"), &json!("expiry"))
    );
    assert_eq!(first["data"]["actor"], "system");
}

#[test]
fn the_reuse_of_a_rotated_token_is_told_with_its_address_and_its_family_goes_on() {
    let (receiver, upstream) = (Receiver::start(), Upstream::start());
    let url = format!("http://{}", upstream.address());
    let gateway = Gateway::start(&settings(&[receiver.webhook("chat")], &url));
    gateway.owner("alice");
    let old = token(&gateway, "ci");
    let (status, rotated) =
        gateway.local(&format!("/tokens/{}/rotate", old.id), &json!({"grace": "1h"}));
    assert_eq!(status, 201, "{rotated}");
    let new = rotated["secret"].as_str().unwrap();
    let mut client = Client::connect(gateway.public());
    let mut asked = |secret: &str| client.ask(gateway.get("/x", secret)).status;
    assert_eq!([asked(&old.secret), asked(new)], [200, 200], "no reuse within the grace");
    advance(&gateway, 3_600);
    assert_eq!([asked(&old.secret), asked(new)], [401, 200]);
    let told = receiver.told(1);
    assert_eq!(types(&told), ["token.reused"]);
    let data = &told[0].body["data"];
    assert_eq!((&data["token"]["id"], &data["address"]), (&json!(old.id), &json!("127.0.0.1")));
    // Ended by the sweeper, as by the clock; and not more than once an hour.
    advance(&gateway, 10);
    gateway.wait_for_upkeep();
    assert_eq!([asked(&old.secret), asked(new)], [401, 200]);
    advance(&gateway, 3_590);
    gateway.wait_for_upkeep();
    assert_eq!([asked(&old.secret), asked(new)], [401, 200]);
    assert_eq!(types(&receiver.told(2)), ["token.reused", "token.reused"]);
}

#[test]
fn wider_rights_are_told_and_narrower_ones_are_not() {
    let receiver = Receiver::start();
    let gateway = gateway(&[receiver.webhook("chat")]);
    let body = json!({"owner": "alice", "name": "ci", "flags": 1, "items": ["1", "2"],
        "contexts": [], "lifetime": "30d"});
    let id = gateway.token(body).id;
    for (change, widened) in [
        (json!({"name": "other"}), None),
        (json!({"items": ["1"]}), None),
        (json!({"lifetime": "20d"}), None),
        (json!({"flags": 0}), None),
        (json!({"idle_ttl": "10d"}), None),
        (json!({"idle_ttl": "11d"}), Some(json!(["idle_ttl"]))),
        (json!({"idle_ttl": 0}), Some(json!(["idle_ttl"]))),
        (json!({"flags": 3, "items": ["1", "3"]}), Some(json!(["items", "flags"]))),
        (json!({"contexts": "all", "expires_at": null}), Some(json!(["contexts", "expires_at"]))),
        (json!({"items": "all"}), Some(json!(["items"]))),
        (json!({"conditions": {"networks": ["10.0.0.0/8"]}, "limits": {"uses": 9}}), None),
        (json!({"conditions": null}), Some(json!(["conditions"]))),
        (json!({"limits": {"uses": 10}}), Some(json!(["limits"]))),
    ] {
        let before = receiver.upstream.seen().len();
        gateway.update(id, &change);
        let Some(widened) = widened else { continue };
        let told = receiver.told(before + 1);
        assert_eq!(told.len(), before + 1, "{change}: {told:?}");
        let last = &told[before].body;
        assert_eq!((&last["type"], &last["data"]["widened"]), (&json!("rights.widened"), &widened));
        assert_eq!(last["data"]["token"]["id"], json!(id));
    }
}

/// A token that may begin sooner than was said can do more; one that waits for longer, or has begun, can not.
#[test]
fn an_earlier_beginning_is_told_and_a_later_one_is_not() {
    let receiver = Receiver::start();
    let gateway = gateway(&[receiver.webhook("chat")]);
    let body = json!({"owner": "alice", "name": "ci", "not_before": "2026-12-01T00:00:00Z",
        "expires_at": "2027-02-01T00:00:00Z"});
    let id = gateway.token(body).id;
    for (begins, wider) in [
        ("2026-12-10T00:00:00Z", false),
        ("2026-12-09T23:59:59Z", true),
        ("2027-01-01T00:00:00Z", false),
        ("2026-11-25T00:00:00Z", true),
    ] {
        let before = receiver.upstream.seen().len();
        gateway.update(id, &json!({"not_before": begins, "reason": "asked for"}));
        if !wider {
            continue;
        }
        let told = receiver.told(before + 1);
        assert_eq!(told.len(), before + 1, "{begins}: {told:?}");
        let body = &told[before].body;
        assert_eq!(
            (&body["type"], &body["data"]["widened"]),
            (&json!("rights.widened"), &json!(["not_before"]))
        );
        assert_eq!(
            (&body["data"]["token"]["id"], &body["data"]["reason"]),
            (&json!(id), &json!("asked for"))
        );
    }
}

/// Whoever knows a password that they set for somebody else can act as them.
#[test]
fn a_password_that_somebody_else_set_is_told_and_ones_own_is_not() {
    let receiver = Receiver::start();
    let gateway = gateway(&[receiver.webhook("chat")]);
    let (given, own) = ("given by somebody else", "chosen by herself alone");
    let set = |password: Value| {
        let (status, answer) =
            gateway.local("/users/alice/password", &json!({ "password": password }));
        assert_eq!(status, 200, "{answer}");
    };
    set(json!(given));
    // She takes another one at once, in a session of her own.
    let admin = gateway.admin();
    let signed_in = send(admin, "POST /session", "", &json!({"user": "alice", "password": given}));
    let (cookie, answer) = (cookie(&signed_in), signed_in.json());
    let csrf = answer["csrf_token"].as_str().unwrap();
    let fields = format!("Cookie: {cookie}\r\nX-CSRF-Token: {csrf}\r\nOrigin: http://{admin}\r\n");
    let change = json!({"present": given, "password": own});
    let changed = send(admin, "POST /users/alice/password", &fields, &change);
    assert_eq!(changed.status, 200, "{}", changed.text());
    // To take it away gives nobody anything; another one that is given does.
    set(json!(null));
    set(json!(given));
    gateway.update_owner("alice", &json!({"name": "Alice", "ceiling": 1}));
    gateway.update_owner("alice", &json!({"ceiling": 3}));
    receiver.told(3);
    // Events are read in their order, so that none waits behind the last.
    let none_waits = || webhook(&gateway, "chat")["waiting"] == 0;
    wait_until("a notice waits for ever", PATIENCE, none_waits);
    let told = receiver.told(3);
    let mut widened: Vec<_> = told
        .iter()
        .map(|one| {
            let data = &one.body["data"];
            assert!(!one.body.to_string().contains(given), "sec-L1");
            format!("{} {} {}", one.body["type"], data["owner"]["id"], data["widened"])
        })
        .collect();
    widened.sort_unstable();
    let wanted = ["ceiling", "password", "password"];
    assert_eq!(widened, wanted.map(|what| format!("\"rights.widened\" \"alice\" [\"{what}\"]")));
    let by = told.iter().map(|one| one.body["data"]["actor"].as_str().unwrap());
    assert!(by.clone().all(|actor| actor.starts_with("local:")), "{:?}", by.collect::<Vec<_>>());
}

/// Whoever comes to administer, or gets it at once, can do more than any token.
#[test]
fn somebody_who_comes_to_administer_is_told_of() {
    let receiver = Receiver::start();
    let gateway = gateway(&[receiver.webhook("chat")]);
    gateway.try_owner(json!({"id": "chief", "roles": ["administrator"]})).unwrap();
    gateway.try_owner(json!({"id": "clerk"})).unwrap();
    gateway.update_owner("clerk", &json!({"name": "A clerk"}));
    gateway.update_owner("clerk", &json!({"roles": ["administrator"]}));
    gateway.update_owner("clerk", &json!({"roles": []}));
    gateway.update_owner("clerk", &json!({"ceiling": 1}));
    gateway.update_owner("clerk", &json!({"ceiling": 3}));
    let told = receiver.told(3);
    let mut told: Vec<_> = told
        .iter()
        .map(|one| {
            format!(
                "{} {} {}",
                one.body["type"], one.body["data"]["owner"]["id"], one.body["data"]["widened"]
            )
        })
        .collect();
    // Each is sent for itself.
    told.sort_unstable();
    let wanted = [("chief", "roles"), ("clerk", "ceiling"), ("clerk", "roles")];
    let wanted = wanted.map(|(id, what)| format!("\"rights.widened\" \"{id}\" [\"{what}\"]"));
    assert_eq!(told, wanted);
}

/// A wider licence lets all tokens of a company do more.
#[test]
fn a_wider_licence_is_told_and_a_narrower_one_is_not() {
    let receiver = Receiver::start();
    let gateway = gateway(&[receiver.webhook("chat")]);
    gateway.company(&json!({"id": "acme", "contexts": ["stock"]}));
    for (contexts, wider) in
        [(json!([]), false), (json!(["stock"]), true), (json!("all"), true), (json!([]), false)]
    {
        let before = receiver.upstream.seen().len();
        let change = json!({"contexts": contexts, "reason": "bought"});
        gateway.update_company("acme", &change);
        if !wider {
            continue;
        }
        let told = receiver.told(before + 1);
        assert_eq!(told.len(), before + 1, "{contexts}: {told:?}");
        let Told { body, .. } = &told[before];
        assert_eq!(
            (&body["type"], &body["data"]["widened"]),
            (&json!("rights.widened"), &json!(["contexts"]))
        );
        let company = json!({"id": "acme", "name": "acme", "contexts": contexts});
        assert_eq!(
            (&body["data"]["company"], &body["data"]["reason"]),
            (&company, &json!("bought"))
        );
    }
}

#[test]
fn whoever_ends_their_own_token_is_not_told_of_it() {
    let receiver = Receiver::start();
    let gateway = gateway(&[receiver.webhook("chat")]);
    let own = gateway.token(json!({"owner": "alice", "name": "own", "flags": -1}));
    let request = format!(
        "POST /api/v1/tokens/{}/revoke HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\
         Content-Type: application/json\r\nAuthorization: Bearer {}\r\n\r\n",
        own.id, own.secret
    );
    assert_eq!(support::client::ask(gateway.admin(), request).status, 200);
    // Nor of what the sweeper does.
    gateway.token(json!({"owner": "alice", "name": "short", "lifetime": "60s"}));
    advance(&gateway, 100);
    gateway.wait_for_upkeep();
    let id = revoked(&gateway, "by another");
    let told = receiver.told(2);
    assert_eq!(types(&told), ["rights.widened", "token.revoked"], "a token that manages others");
    let about = told.iter().map(|one| &one.body["data"]["token"]["id"]);
    assert_eq!(about.collect::<Vec<_>>(), [&json!(own.id), &json!(id)]);
}

#[test]
fn a_webhook_is_told_of_what_it_asks_for() {
    let (some, all) = (Receiver::start(), Receiver::start());
    let some_kinds = some.webhook("some") + "notices = [\"rights.widened\", \"token.reused\"]\n";
    let gateway = gateway(&[some_kinds, all.webhook("all")]);
    revoked(&gateway, "one");
    let id = gateway.token(json!({"owner": "alice", "name": "two", "flags": 0})).id;
    gateway.update(id, &json!({"flags": 3}));
    assert_eq!(types(&some.told(1)), ["rights.widened"]);
    let told = all.told(2);
    let mut told = types(&told);
    told.sort_unstable();
    assert_eq!(told, ["rights.widened", "token.revoked"]);
    assert_eq!(webhook(&gateway, "some")["notices"], json!(["token.reused", "rights.widened"]));
}

#[test]
fn a_leak_is_told_of_whoever_reported_it() {
    let receiver = Receiver::start();
    let gateway = gateway(&[receiver.webhook("chat")]);
    let leaked = gateway.token(json!({"owner": "alice", "name": "ci"}));
    let body = json!({ "secrets": [leaked.secret] }).to_string();
    let request = format!(
        "POST /api/v1/leaks/report HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
         Content-Type: application/json\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(support::client::ask(gateway.admin(), request).status, 202);
    let told = &receiver.told(1)[0].body;
    assert_eq!(
        (&told["type"], &told["data"]["token"]["id"]),
        (&json!("token.leaked"), &json!(leaked.id))
    );
    assert_eq!(told["data"]["token"]["ends_by"], "leak");
    assert!(!told.to_string().contains(leaked.secret.as_str()));
}
