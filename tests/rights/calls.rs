//! Every call of `/api/v1`.

use super::*;
use crate::support::routes;

/// Whom each column is: the machine; sessions of an administrator, a company administrator, a developer, the user's
/// superior, a user, an auditor, a company's auditor and a user of another company; programs of the administrator and
/// of the user; an application's token, a dead one, and nobody.
fn table() -> Vec<Row> {
    let none = || json!({});
    let mut rows = many();
    rows.extend([
        // --------------------------------------------------------------- MRBDLAWVOPpA:Dn
        row("GET /api/v1/tokens", About::All, none(), "yyyyyyyyyyy-11"),
        row("GET /api/v1/users", About::All, none(), "yyyyyyyyyyy-11"),
        row(
            "POST /api/v1/users",
            About::All,
            json!({"id": "NEW", "company": "acme"}),
            "yyy------y--11",
        ),
        row("GET /api/v1/users/{id}", About::Alice, none(), "yyy0yyyy0yy-11"),
        row("PATCH /api/v1/users/{id}", About::User, json!({"name": "y"}), "yyy000--0y0-11"),
        row("POST /api/v1/users/{id}/block", About::User, none(), "yyy000--0y0-11"),
        row("POST /api/v1/users/{id}/unblock", About::Blocked, none(), "yyy000--0y0-11"),
        row(
            "POST /api/v1/users/{id}/password",
            About::User,
            json!({"password": "correct horse battery"}),
            "yyy000--0y0-11",
        ),
        row("GET /api/v1/companies", About::All, none(), "yyyyyyyyyyy-11"),
        row("POST /api/v1/companies", About::All, json!({"id": "NEW"}), "yy-------y--11"),
        row("GET /api/v1/companies/{id}", About::Acme, none(), "yyy000yy0y0-11"),
        row("PATCH /api/v1/companies/{id}", About::Acme, json!({"name": "y"}), "yy-000--0y0-11"),
        row("PATCH /api/v1/companies/{id}", About::Other, json!({"name": "y"}), "yy0000-00y0-11"),
        row("POST /api/v1/companies/{id}/block", About::Other, none(), "yy0000-00y0-11"),
        row("POST /api/v1/companies/{id}/unblock", About::Other, none(), "yy0000-00y0-11"),
        // Not by its own administrator.
        row("POST /api/v1/companies/{id}/unblock", About::Acme, none(), "yy-000--0y0-11"),
    ]);
    rows.push(row("GET /api/v1/contexts", About::All, none(), "yyyyyyyyyyy-11"));
    rows.extend(machine());
    rows.extend(on_tokens());
    rows
}

/// Who sees and minds the tokens of a user: themselves, their superior, and whoever looks after all of them or their
/// company; not the superior of another, and no subordinate.
const ON_TOKENS: [(&str, &str, &str); 3] = [
    //         MRBDLAWVOPpA:Dn   MRBDLAWVOPpA:Dn
    ("alice", "yyy0yyyy0yy-11", "yyy0yy--0yy-11"),
    ("lead", "yyy0y0yy0y0-11", "yyy0y0--0y0-11"),
    ("dev", "yyyy00yy0y0-11", "yyyy00--0y0-11"),
];

/// Every call on a token, of each of them.
fn on_tokens() -> Vec<Row> {
    let none = || json!({});
    let explain = || json!({"method": "GET", "url": "http://a/", "token": "ID"});
    let mut rows = Vec::new();
    for (owner, sees, minds) in ON_TOKENS {
        let (one, paused) = (About::Token(owner), About::Paused(owner, owner));
        rows.extend([
            row("GET /api/v1/tokens/{id}", one, none(), sees),
            row("GET /api/v1/tokens/{id}/usage", one, none(), sees),
            row("GET /api/v1/history", one, json!("?token=ID"), sees),
            row("POST /api/v1/explain", one, explain(), sees),
            row("DELETE /api/v1/tokens/{id}", one, none(), minds),
            row("PATCH /api/v1/tokens/{id}", one, json!({"name": "y"}), minds),
            row("POST /api/v1/tokens/{id}/rotate", one, json!({"grace": "1h"}), minds),
            row("POST /api/v1/tokens/{id}/revoke", one, none(), minds),
            row("POST /api/v1/tokens/{id}/disable", one, none(), minds),
            row("POST /api/v1/tokens/{id}/enable", paused, none(), minds),
        ]);
    }
    let new = |owner: &str| json!({"owner": owner, "name": "x"});
    rows.extend([
        row("POST /api/v1/tokens", About::All, new("alice"), "yyy-yy---yy-11"),
        row("POST /api/v1/tokens", About::All, new("lead"), "yyy-y----y--11"),
        row("POST /api/v1/tokens", About::All, new("dev"), "yyyy-----y--11"),
        // What a superior stopped the user does not start.
        row(
            "POST /api/v1/tokens/{id}/enable",
            About::Paused("alice", "lead"),
            none(),
            "yyy0y---0y--11",
        ),
        // With the word of their own preview: what is not theirs to end is not among it.
        row("POST /api/v1/bulk/revoke", About::Token("alice"), json!("preview"), "yyy0yy000yy-11"),
        row("POST /api/v1/bulk/revoke", About::Token("lead"), json!("preview"), "yyy0y0000y0-11"),
        row("POST /api/v1/bulk/revoke", About::Token("dev"), json!("preview"), "yyyy00000y0-11"),
    ]);
    rows
}

fn many() -> Vec<Row> {
    let none = || json!({});
    vec![
        row("POST /api/v1/tokens/import", About::All, json!({"lines": []}), "yy-------y--11"),
        row("POST /api/v1/tokens/export", About::All, none(), "yyyyyyyyyyy-11"),
        row("POST /api/v1/tokens/export", About::All, json!({"digests": true}), "yy-------y--11"),
        row(
            "POST /api/v1/bulk/revoke/preview",
            About::All,
            json!({"filter": {"state": "active"}}),
            "yyyyyyyyyyy-11",
        ),
        row(
            "POST /api/v1/leaks",
            About::All,
            json!({"secrets": ["x".repeat(20)]}),
            "yy-------y--11",
        ),
    ]
}

fn machine() -> Vec<Row> {
    let none = || json!({});
    let reason = || json!({"reason": "looked at another", "confirmed": true});
    vec![
        // Without more, each sees what is about those whom they see.
        row("GET /api/v1/history", About::All, none(), "yyyyyyyyyyy-11"),
        row("GET /api/v1/history", About::All, json!("?kind=token&by=alice"), "yyyyyyyyyyy-11"),
        row("GET /api/v1/history", About::Acme, json!("?company=acme"), "yyy000yy0y0-11"),
        row("GET /api/v1/history", About::All, json!("?user=alice"), "yyy0yyyy0yy-11"),
        row("GET /api/v1/history/head", About::All, none(), "yy----y--y--11"),
        row("GET /api/v1/history/verify", About::All, none(), "yy----y--y--11"),
        row("GET /api/v1/overview", About::All, none(), "yyyyyyyyyyy-11"),
        row("GET /api/v1/webhooks", About::All, none(), "yy----y--y--11"),
        row("GET /api/v1/webhooks/{name}/deliveries", About::Webhook, none(), "yy----y--y--11"),
        row("POST /api/v1/webhooks/{name}/test", About::Webhook, none(), "yy-------y--11"),
        row("GET /api/v1/status", About::All, none(), "yy----y--y--11"),
        row("GET /api/v1/clock", About::All, none(), "yy----y--y--11"),
        // What is the operator's alone, whatever somebody is in the desk.
        row("POST /api/v1/clock/mark", About::All, reason(), "y-----------11"),
        row("POST /api/v1/clock/trust", About::All, json!({"reason": "x"}), "y-----------11"),
        row("POST /api/v1/reload", About::All, none(), "y-----------11"),
        row("POST /api/v1/backup", About::All, none(), "y-----------11"),
    ]
}

/// What anybody may ask, with or without being known.
const ANYBODY: [&str; 4] = [
    "GET /api/v1/openapi.json",
    "POST /api/v1/leaks/report",
    "POST /api/v1/session",
    "DELETE /api/v1/session",
];

#[test]
fn every_call_by_everybody() {
    let world = World::new(false);
    let known = |(method, path): &Route| !ANYBODY.contains(&format!("{method} {path}").as_str());
    let of_known = routes::calls().into_iter().filter(known).collect();
    hold(&world, &table(), of_known, |world, asker, row| {
        let (id, _) = world.about(row.about);
        let line = row.line.replace("{id}", &id).replace("{name}", &id);
        if row.sent == "preview" {
            return by_preview(world, asker, &id);
        }
        let sent = row.sent.to_string().replace("\"NEW\"", &json!(world.name()).to_string());
        let sent = sent.replace("\"ID\"", &json!(id).to_string());
        let sent: Value = serde_json::from_str(&sent).unwrap();
        // Of a call that is asked with a query.
        let query = sent.as_str().unwrap_or_default().replace("ID", &id);
        let (status, said) = world.call(asker, &format!("{line}{query}"), &sent);
        letter(status, &format!("{line} by {}: {said}", asker.name))
    });
    let listed = |name: &str| {
        let asker = world.askers.iter().find(|asker| asker.name == name).unwrap();
        let (_, list) = world.call(asker, "GET /api/v1/tokens?limit=1000", &json!({}));
        let owners = list["tokens"].as_array().unwrap().iter().map(|one| one["owner"].to_string());
        owners.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(listed("lead"), ["\"alice\"", "\"lead\""], "a superior's list");
    assert_eq!(listed("alice"), ["\"alice\""], "a subordinate's");
    let nobody = world.askers.last().unwrap();
    for line in ANYBODY {
        let body = match line {
            "POST /api/v1/session" => json!({"user": "alice", "password": support::desk::GOOD}),
            "POST /api/v1/leaks/report" => json!({"secrets": ["nothing-of-ours-at-all"]}),
            _ => json!({}),
        };
        let (status, said) = world.call(nobody, line, &body);
        assert!((200..300).contains(&status), "{line}: {status} {said}");
    }
}

/// All tokens of `alice` with this name are ended, by whoever is shown that one fits.
fn by_preview(world: &World, asker: &Asker, id: &str) -> char {
    let list = world.program.succeed(&["token", "show", id, "--json"], "");
    let token: Value = serde_json::from_str(&list).unwrap();
    let filter = json!({"text": token["name"], "state": "active"});
    let preview = "POST /api/v1/bulk/revoke/preview";
    let (status, plan) = world.call(asker, preview, &json!({ "filter": filter }));
    if status != 200 {
        return letter(status, &plan.to_string());
    }
    let act = json!({"filter": filter, "confirm": plan["confirm"]});
    let (status, done) = world.call(asker, "POST /api/v1/bulk/revoke", &act);
    assert_eq!(status, 200, "{done}");
    let ended =
        !world.program.succeed(&["token", "show", id, "--json"], "").contains("\"ended\":null");
    assert_eq!(done["revoked"] == 1, ended, "{done}");
    if ended { 'y' } else { '0' }
}
