//! Every call of `/api/v1`.

use super::*;
use crate::support::routes;

/// Whom each column is: the machine; sessions of an administrator, a company administrator, a developer, a user, an
/// auditor, a company's auditor and a user of another company; programs of the administrator and of the user; an
/// application's token, a dead one, and nobody.
fn table() -> Vec<Row> {
    let none = || json!({});
    let mut rows = many();
    rows.extend([
        // -------------------------------------------------------------------- MRBDAWVO PpAD n
        row("GET /api/v1/tokens", About::All, none(), "yyyyyyyyyy-11"),
        row(
            "POST /api/v1/tokens",
            About::All,
            json!({"owner": "alice", "name": "x"}),
            "yyy-y---yy-11",
        ),
        row("GET /api/v1/tokens/{id}", About::Token, none(), "yyy0yyy0yy-11"),
        row("GET /api/v1/tokens/{id}/usage", About::Token, none(), "yyy0yyy0yy-11"),
        row("DELETE /api/v1/tokens/{id}", About::Token, none(), "yyy0y--0yy-11"),
        row("PATCH /api/v1/tokens/{id}", About::Token, json!({"name": "y"}), "yyy0y--0yy-11"),
        row(
            "POST /api/v1/tokens/{id}/rotate",
            About::Token,
            json!({"grace": "1h"}),
            "yyy0y--0yy-11",
        ),
        row("POST /api/v1/tokens/{id}/revoke", About::Token, none(), "yyy0y--0yy-11"),
        row("POST /api/v1/tokens/{id}/disable", About::Token, none(), "yyy0y--0yy-11"),
        row("POST /api/v1/tokens/{id}/enable", About::Paused, none(), "yyy0y--0yy-11"),
        row("GET /api/v1/users", About::All, none(), "yyyyyyyyyy-11"),
        row(
            "POST /api/v1/users",
            About::All,
            json!({"id": "NEW", "company": "acme"}),
            "yyy-----y--11",
        ),
        row("GET /api/v1/users/{id}", About::Alice, none(), "yyy0yyy0yy-11"),
        row("PATCH /api/v1/users/{id}", About::User, json!({"name": "y"}), "yyy00--0y0-11"),
        row("POST /api/v1/users/{id}/block", About::User, none(), "yyy00--0y0-11"),
        row("POST /api/v1/users/{id}/unblock", About::Blocked, none(), "yyy00--0y0-11"),
        row(
            "POST /api/v1/users/{id}/password",
            About::User,
            json!({"password": "correct horse battery"}),
            "yyy00--0y0-11",
        ),
        row("GET /api/v1/companies", About::All, none(), "yyyyyyyyyy-11"),
        row("POST /api/v1/companies", About::All, json!({"id": "NEW"}), "yy------y--11"),
        row("GET /api/v1/companies/{id}", About::Acme, none(), "yyy00yy0y0-11"),
        row("PATCH /api/v1/companies/{id}", About::Acme, json!({"name": "y"}), "yy-00--0y0-11"),
        row("PATCH /api/v1/companies/{id}", About::Other, json!({"name": "y"}), "yy000-00y0-11"),
        row("POST /api/v1/companies/{id}/block", About::Other, none(), "yy000-00y0-11"),
        row("POST /api/v1/companies/{id}/unblock", About::Other, none(), "yy000-00y0-11"),
        // Not by its own administrator.
        row("POST /api/v1/companies/{id}/unblock", About::Acme, none(), "yy-00--0y0-11"),
    ]);
    rows.push(row("GET /api/v1/contexts", About::All, none(), "yyyyyyyyyy-11"));
    rows.extend(machine());
    rows
}

fn many() -> Vec<Row> {
    let none = || json!({});
    vec![
        row("POST /api/v1/tokens/import", About::All, json!({"lines": []}), "yy------y--11"),
        row("POST /api/v1/tokens/export", About::All, none(), "yyyyyyyyyy-11"),
        row("POST /api/v1/tokens/export", About::All, json!({"digests": true}), "yy------y--11"),
        row(
            "POST /api/v1/bulk/revoke/preview",
            About::All,
            json!({"filter": {"state": "active"}}),
            "yyyyyyyyyy-11",
        ),
        // With the word of their own preview: what is not theirs to end is not among it.
        row("POST /api/v1/bulk/revoke", About::Token, json!("preview"), "yyy0y000yy-11"),
        row(
            "POST /api/v1/leaks",
            About::All,
            json!({"secrets": ["x".repeat(20)]}),
            "yy------y--11",
        ),
    ]
}

fn machine() -> Vec<Row> {
    let none = || json!({});
    let reason = || json!({"reason": "looked at another", "confirmed": true});
    vec![
        // Without more, each sees what is about those whom they see.
        row("GET /api/v1/history", About::All, none(), "yyyyyyyyyy-11"),
        row("GET /api/v1/history", About::All, json!("?kind=token&by=alice"), "yyyyyyyyyy-11"),
        row("GET /api/v1/history", About::Token, json!("?token=ID"), "yyy0yyy0yy-11"),
        row("GET /api/v1/history", About::Acme, json!("?company=acme"), "yyy00yy0y0-11"),
        row("GET /api/v1/history", About::All, json!("?user=alice"), "yyy0yyy0yy-11"),
        row("GET /api/v1/history/head", About::All, none(), "yy---y--y--11"),
        row("GET /api/v1/history/verify", About::All, none(), "yy---y--y--11"),
        row(
            "POST /api/v1/explain",
            About::Token,
            json!({"method": "GET", "url": "http://a/", "token": "ID"}),
            "yyy0yyy0yy-11",
        ),
        row("GET /api/v1/overview", About::All, none(), "yyyyyyyyyy-11"),
        row("GET /api/v1/webhooks", About::All, none(), "yy---y--y--11"),
        row("GET /api/v1/webhooks/{name}/deliveries", About::Webhook, none(), "yy---y--y--11"),
        row("POST /api/v1/webhooks/{name}/test", About::Webhook, none(), "yy------y--11"),
        row("GET /api/v1/status", About::All, none(), "yy---y--y--11"),
        row("GET /api/v1/clock", About::All, none(), "yy---y--y--11"),
        // What is the operator's alone, whatever somebody is in the desk.
        row("POST /api/v1/clock/mark", About::All, reason(), "y----------11"),
        row("POST /api/v1/clock/trust", About::All, json!({"reason": "x"}), "y----------11"),
        row("POST /api/v1/reload", About::All, none(), "y----------11"),
        row("POST /api/v1/backup", About::All, none(), "y----------11"),
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
