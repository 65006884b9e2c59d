//! Secrets where they do not belong: what somebody mistypes, pastes, or has a program send.

use serde_json::{Value, json};

use super::heard::Life;
use crate::support::client;
use crate::support::desk::{Person, send, sent, typed};
use crate::support::routes;

/// Puts a secret of our own form, and a password, where others are wanted.
pub(super) fn ask_oddly(life: &mut Life, root: &Person, secret: &str) {
    in_paths_and_queries(life, root, secret);
    in_bodies(life, root, secret);
    in_forms(life, root, secret);
    in_texts(life, root, secret);
    // One that was brought in looks like any word.
    in_texts(life, root, "7b1d0a52-52a7-4d4d-9f0e-2f5b8a1c0001");
    in_heads(life, root, secret);
    in_commands(life, secret);
}

fn in_paths_and_queries(life: &mut Life, root: &Person, secret: &str) {
    for (method, path) in routes::calls().into_iter().chain(routes::pages()) {
        let at = path.replace("{id}", secret).replace("{name}", secret);
        let at = if at == path { format!("{at}/{secret}") } else { at };
        let queries = [
            format!("text={secret}&owner={secret}&company={secret}"),
            format!("cursor={secret}&after={secret}&before={secret}"),
            format!("limit={secret}"),
            format!("{secret}={secret}"),
            format!("position={secret}&hash={secret}"),
        ];
        let mut targets: Vec<_> = queries.map(|query| format!("{path}?{query}")).into();
        targets.push(at);
        for target in targets {
            let fields = format!(
                "Cookie: {}\r\nX-CSRF-Token: {}\r\nContent-Type: application/json\r\n",
                root.cookie, root.csrf
            );
            if target.contains("/session") || target.contains("{") {
                continue;
            }
            let got = sent(life.program.admin(), &format!("{method} {target}"), &fields, "{}");
            life.hear(&format!("{method} {target}").replace(secret, "SECRET"), got);
        }
    }
}

fn in_bodies(life: &mut Life, root: &Person, secret: &str) {
    let fields = [
        "owner",
        "company",
        "api",
        "expires_at",
        "lifetime",
        "flags",
        "contexts",
        "items",
        "conditions",
        "limits",
        "context_params",
        "id",
        "email",
        "roles",
        "parent",
        "ceiling",
        "filter",
        "confirm",
        "method",
        "url",
        "user",
        "token",
        "secrets",
        "grace",
        "lines",
        "format",
        "present",
    ];
    let calls = routes::acts(routes::calls());
    for (method, path) in calls.into_iter().filter(|(_, path)| !path.ends_with("/session")) {
        let path = path.replace("/api/v1", "").replace("{id}", "alice").replace("{name}", "chat");
        let mut bodies: Vec<Value> = vec![json!(secret), json!([secret]), json!({secret: secret})];
        for field in fields {
            bodies.push(json!({field: secret}));
            bodies.push(json!({field: {secret: secret}}));
            bodies.push(json!({"owner": "alice", "name": "x", field: [secret]}));
        }
        for body in bodies {
            let line = format!("{method} {path}");
            let got = root.ask(&line, body.clone());
            let made = got.status == 201;
            let said = format!("{line} {body}").replace(secret, "SECRET");
            assert!(!made || got.json().get("secret").is_none(), "{said}");
            life.hear(&said, got);
        }
    }
    // What is no JSON at all.
    for text in [format!("{{\"owner\": {secret}"), secret.to_owned(), format!("owner={secret}")] {
        let fields = format!(
            "Cookie: {}\r\nX-CSRF-Token: {}\r\nContent-Type: application/json\r\n",
            root.cookie, root.csrf
        );
        let got = sent(life.program.admin(), "POST /api/v1/tokens", &fields, &text);
        life.hear("no JSON", got);
    }
}

/// What is typed into a form is shown again where it was typed, but for fields of secrets.
fn in_forms(life: &mut Life, root: &Person, secret: &str) {
    for (path, fields) in [
        ("/tokens/leaked", format!("secrets={secret}&reason=x")),
        ("/tokens/import/go", format!("draft={secret}")),
        ("/account/password", format!("present={secret}&password={secret}&again={secret}x")),
        ("/users/alice/password", format!("password={secret}%0A")),
        ("/tokens/new", format!("owner=alice&name=&expiry=30d&param.telegram.bot_token={secret}")),
        ("/sign-out", format!("csrf={secret}")),
        ("/look", format!("back=//{secret}&language={secret}&theme={secret}")),
    ] {
        // A leak would end it, and it is needed.
        let fields = if path == "/tokens/leaked" {
            format!("secrets={}&reason=x", typed("tg_"))
        } else {
            fields
        };
        if path != "/sign-out" {
            life.form(root, path, &fields);
        }
    }
}

/// What is kept and shown for ever takes no secret; of a reason it is taken out, so that nothing delays an end.
fn in_texts(life: &mut Life, root: &Person, secret: &str) {
    let own = secret.starts_with("tg_");
    for field in ["name", "app", "description", "params", "items", "owner"] {
        if field == "owner" && !own {
            // It is asked for as an owner, and told as that.
            continue;
        }
        let text = format!("it is {secret}");
        let value = match field {
            "params" => json!({ "a": text }),
            "items" => json!([secret]),
            "owner" => json!(secret),
            _ => json!(text),
        };
        let mut body = json!({"owner": "alice", "name": "x"});
        body[field] = value;
        let got = life.ask(root, "POST /tokens", body.clone());
        assert!([400, 404].contains(&got.status), "{field}: {}", got.text());
        let got = life.ask(root, "POST /tokens/import", json!({"lines": [body]}));
        assert_eq!(got.json()["lines"][0]["outcome"], "refused", "{field}");
    }
    for (line, body) in [
        ("POST /users", json!({ "id": secret })),
        ("POST /users", json!({"id": "bob", "name": secret})),
        ("POST /users", json!({"id": "bob", "email": format!("{secret}@example.com")})),
        ("POST /companies", json!({"id": "other", "name": secret})),
        ("PATCH /users/alice", json!({ "name": secret })),
        ("PATCH /companies/acme", json!({ "name": secret })),
    ] {
        let got = life.ask(root, line, body);
        assert_eq!(got.status, 400, "{line}: {}", got.text());
    }
    let body = json!({"owner": "alice", "name": "told of"});
    let (id, _) = life.shown("told of", &root.ask("POST /tokens", body));
    let reason = json!({"reason": format!("{secret} stands in a chat")});
    for act in ["disable", "enable", "rotate", "revoke"] {
        let got = root.ask(&format!("POST /tokens/{id}/{act}"), reason.clone());
        assert!([200, 201].contains(&got.status), "{act}: {}", got.text());
        match act {
            "rotate" => drop(life.shown("successor", &got)),
            _ => drop(life.hear(act, got)),
        }
    }
    for line in [
        "/users/alice/block",
        "/users/alice/unblock",
        "/companies/acme/block",
        "/companies/acme/unblock",
    ] {
        let got = life.ask(root, &format!("POST {line}"), reason.clone());
        assert_eq!(got.status, 200, "{line}");
    }
    let told = life.ask(root, &format!("GET /history?token={id}"), json!({})).text();
    assert!(told.contains("[redacted] stands in a chat"), "{told}");
}

fn in_heads(life: &mut Life, root: &Person, secret: &str) {
    let password = "third Pässword of/root+&%";
    let basic = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("root:{password}"))
    };
    let (admin, public) = (life.program.admin(), life.program.public());
    for fields in [
        format!("Authorization: Basic {basic}\r\n"),
        format!("Authorization: {secret}\r\n"),
        format!("Authorization: Token {secret}\r\n"),
        format!("Authorization: Bearer {secret}, Bearer {secret}\r\n"),
        format!("Authorization: Bearer {secret}\r\nAuthorization: Bearer {secret}\r\n"),
        format!("X-Token: {secret}\r\nX-Api-Key: {secret}\r\n"),
        format!("Cookie: __Host-tollgate={secret}\r\n"),
        format!("Cookie: {}\r\nX-CSRF-Token: {secret}\r\n", root.cookie),
        format!("Cookie: {}; token={secret}\r\n", root.cookie),
        format!("Referer: http://a/?token={secret}\r\nUser-Agent: {secret}\r\n"),
        format!("If-Match: {secret}\r\nIf-None-Match: \"{secret}\"\r\n"),
        format!("Origin: http://{secret}\r\nX-Forwarded-For: {secret}\r\n"),
        format!("Content-Encoding: {secret}\r\nAccept-Language: {secret}\r\n"),
        format!("Idempotency-Key: {secret}\r\n"),
        format!("Idempotency-Key: {secret} {secret}\r\n"),
    ] {
        for line in [
            "GET /api/v1/tokens",
            "POST /api/v1/tokens",
            "PATCH /api/v1/users/alice",
            "GET /tokens",
        ] {
            let got =
                sent(admin, line, &format!("Content-Type: application/json\r\n{fields}"), "{}");
            life.hear(&format!("{line} with odd fields"), got);
        }
        let got = client::ask(public, format!("GET /any/x HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        life.hear("the gateway with odd fields", got);
    }
    for host in [secret.to_owned(), format!("{secret}.example"), format!("a:{secret}")] {
        for address in [admin, public] {
            let got =
                client::ask(address, format!("GET /{secret} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
            life.hear("a secret as a host", got);
        }
    }
    let got = send(admin, "POST /session", "", &json!({"user": secret, "password": secret}));
    life.hear("a secret as a password", got);
    let got = send(admin, "POST /session", "", &json!({"user": password, "password": "x"}));
    life.hear("a password as a user", got);
    let query = format!("user=root&password={}", typed(password));
    let got = sent(admin, &format!("GET /sign-in?{query}"), "", "");
    life.hear("a password in the query", got);
}

fn in_commands(life: &mut Life, secret: &str) {
    for arguments in [
        &["token", "show", secret][..],
        &["token", "revoke", secret],
        &["token", "rotate", secret],
        &["token", "update", secret, "--name", "x"],
        &["token", "create", "--owner", secret, "--name", "x"],
        &["token", "create", "--owner", "alice", "--name", "x", "--contexts", secret],
        &["token", "create", "--owner", "alice", "--name", "x", "--lifetime", secret],
        &["token", "create", "--owner", "alice", "--name", "x", "--flags", secret],
        &["token", "list", "--owner", secret],
        &["token", "list", "--cursor", secret],
        &["user", "show", secret],
        &["user", "block", secret],
        &["company", "show", secret],
        &["history", "--token", secret],
        &["history", "--user", secret],
        &["history", "verify", "--against", secret],
        &["explain", "--token", secret, "GET", "http://a/x"],
        &["webhook", "test", secret],
    ] {
        let told = life.program.run(arguments, "");
        assert!(!told.status.success(), "{arguments:?}");
        let told = [told.stdout, told.stderr].concat();
        life.keep(&arguments.join(" ").replace(secret, "SECRET"), told);
    }
    let _ =
        life.run(&["token", "import", "-"], &format!("owner,name,secret\n{secret},x,{secret}\n"));
}
