//! Every page, and every form that one sends.

use super::*;
use crate::support::routes;

/// Whom each column is: sessions of an administrator, a company administrator, a developer, the user's superior, a user,
/// an auditor, a company's auditor and a user of another company; the administrator's program, and nobody.
fn table() -> Vec<Row> {
    let none = || json!("");
    let mut rows = forms();
    rows.extend(on_tokens());
    rows.extend([
        // ------------------------------------------------- RBDLAWVOPn
        row("GET /", About::All, none(), "yyyyyyyy>>"),
        row("GET /now", About::All, none(), "y----y-->>"),
        row("GET /contexts", About::All, none(), "yyyyyyyy>>"),
        row("GET /tokens", About::All, none(), "yyyyyyyy>>"),
        row("GET /tokens/new", About::All, none(), "yyyyy--y>>"),
        row("GET /tokens/import", About::All, none(), "y------->>"),
        row("GET /tokens/export", About::All, none(), "yyyyyyyy>>"),
        row("GET /tokens/leaked", About::All, none(), "y------->>"),
        row("GET /tokens/revoke", About::All, json!("?owner=alice"), "yy0yy--0>>"),
        row("GET /owners", About::All, none(), "yyyyyyyy>>"),
        row("GET /users", About::All, none(), "yyyyyyyy>>"),
        row("GET /users/new", About::All, none(), "yyy----->>"),
        row("GET /users/{id}", About::Alice, none(), "yy0yyyy0>>"),
        row("GET /users/{id}/edit", About::User, none(), "yy000--0>>"),
        row("GET /users/{id}/block", About::User, none(), "yy000--0>>"),
        row("GET /users/{id}/unblock", About::Blocked, none(), "yy000--0>>"),
        row("GET /companies", About::All, none(), "yyyyyyyy>>"),
        row("GET /companies/new", About::All, none(), "y------->>"),
        row("GET /companies/{id}", About::Acme, none(), "yy000yy0>>"),
        row("GET /companies/{id}/edit", About::Acme, none(), "y-000--0>>"),
        row("GET /companies/{id}/block", About::Acme, none(), "y------->>"),
        row("GET /companies/{id}/unblock", About::Acme, none(), "y------->>"),
        row("GET /notices", About::All, none(), "y----y-->>"),
        row("GET /notices/{name}", About::Webhook, none(), "y----y-->>"),
        row("GET /account", About::All, none(), "yyyyyyyy>>"),
        // Without more, each sees what is about themselves.
        row("GET /history", About::All, none(), "yyyyyyyy>>"),
        row("GET /history", About::Acme, json!("?company=acme"), "yy000yy0>>"),
        row("GET /history/check", About::All, none(), "y----y-->>"),
        row("GET /explain", About::All, none(), "yyyyyyyy>>"),
    ]);
    rows
}

/// Every page and form about a token: of a user with a superior, of that superior, and of somebody beside them.
fn on_tokens() -> Vec<Row> {
    let none = || json!("");
    let mut rows = Vec::new();
    for (owner, sees, minds) in [
        //         RBDLAWVOPn    RBDLAWVOPn
        ("alice", "yy0yyyy0>>", "yy0yy--0>>"),
        ("lead", "yy0y0yy0>>", "yy0y0--0>>"),
        ("dev", "yyy00yy0>>", "yyy00--0>>"),
    ] {
        let (one, paused) = (About::Token(owner), About::Paused(owner, owner));
        let explain = json!("method=GET&url=http%3A%2F%2Fa%2F&token=ID");
        rows.extend([
            row("GET /tokens/{id}", one, none(), sees),
            row("GET /tokens/{id}/secret", one, none(), sees),
            row("GET /history", one, json!("?token=ID"), sees),
            row("POST /explain", one, explain, sees),
            row("GET /tokens/{id}/edit", one, none(), minds),
            row("GET /tokens/{id}/rotate", one, none(), minds),
            row("GET /tokens/{id}/revoke", one, none(), minds),
            row("POST /tokens/{id}/edit", one, json!("name=y"), minds),
            row("POST /tokens/{id}/disable", one, none(), minds),
            row("POST /tokens/{id}/enable", paused, none(), minds),
            row("POST /tokens/{id}/rotate", one, json!("grace=3600"), minds),
            row("POST /tokens/{id}/revoke", one, none(), minds),
        ]);
    }
    let new = |owner: &str| json!(format!("owner={owner}&name=x&expiry=30d"));
    rows.extend([
        row("POST /tokens/new", About::All, new("alice"), "yy-yy--->>"),
        row("POST /tokens/new", About::All, new("lead"), "yy-y---->>"),
        row("POST /tokens/new", About::All, new("dev"), "yyy----->>"),
        // What a superior stopped the user does not start.
        row("POST /tokens/{id}/enable", About::Paused("alice", "lead"), none(), "yy0y---0>>"),
    ]);
    rows
}

fn forms() -> Vec<Row> {
    let none = || json!("");
    vec![
        row("POST /tokens/find", About::All, json!("text=tg_"), "yyyyyyyy>>"),
        row(
            "POST /tokens/import",
            About::All,
            json!("text=owner%2Cname%2Csecret%0A"),
            "x------->>",
        ),
        row("POST /tokens/import/go", About::All, json!("draft=7"), "x------->>"),
        row("POST /tokens/leaked", About::All, json!("secrets=xxxxxxxxxxxxxxxxxxxx"), "y------->>"),
        row("POST /tokens/revoke", About::All, json!("owner=alice&confirm=x"), "xx0xx--0>>"),
        row("POST /users/new", About::All, json!("id=NEW&kind=user&company=acme"), "yy------>>"),
        row("POST /users/{id}/edit", About::User, json!("name=y&company=acme"), "yy000--0>>"),
        row("POST /users/{id}/block", About::User, none(), "yy000--0>>"),
        row("POST /users/{id}/unblock", About::Blocked, none(), "yy000--0>>"),
        row(
            "POST /users/{id}/password",
            About::User,
            json!("password=correct+horse+battery"),
            "yy000--0>>",
        ),
        row("POST /companies/new", About::All, json!("id=NEW"), "y------->>"),
        row("POST /companies/{id}/edit", About::Acme, json!("name=y&access=all"), "y-000--0>>"),
        row("POST /companies/{id}/block", About::Other, none(), "y0000-00>>"),
        row("POST /companies/{id}/unblock", About::Other, none(), "y0000-00>>"),
        row("POST /notices/{name}/test", About::Webhook, none(), "y------->>"),
        // One's own, and they have not shown the present one.
        row(
            "POST /account/password",
            About::All,
            json!("present=x&password=y&again=y"),
            "xxxxxxxx>>",
        ),
    ]
}

/// What anybody may ask; the last ends the session of whoever does.
const ANYBODY: [&str; 5] =
    ["GET /sign-in", "POST /sign-in", "POST /look", "GET /assets/{name}", "POST /sign-out"];

#[test]
fn every_page_by_everybody() {
    let world = World::new(true);
    let known = |(method, path): &Route| !ANYBODY.contains(&format!("{method} {path}").as_str());
    let of_known = routes::pages().into_iter().filter(known).collect();
    hold(&world, &table(), of_known, |world, asker, row| {
        let (id, _) = world.about(row.about);
        let line = row.line.replace("{id}", &id).replace("{name}", &id);
        let sent = row.sent.as_str().unwrap().replace("NEW", &world.name()).replace("ID", &id);
        let (line, sent) = match sent.strip_prefix('?') {
            Some(query) => (format!("{line}?{query}"), String::new()),
            None => (line, sent),
        };
        let got = world.page(asker, &line, &sent);
        let place = got.value("location").unwrap_or_default();
        if got.status == 303 {
            return if place.starts_with("/sign-in") { '>' } else { 'y' };
        }
        letter(got.status, &format!("{line} by {}", asker.name))
    });
    let nobody = world.askers.last().unwrap();
    assert_eq!(world.page(nobody, "GET /sign-in", "").status, 200);
    assert_eq!(world.page(nobody, "POST /sign-in", "user=x&password=y").status, 401);
    assert_eq!(world.page(nobody, "POST /look", "theme=dark").status, 303);
    assert_eq!(world.page(nobody, "GET /assets/none", "").status, 404);
    for asker in &world.askers {
        let out = world.page(asker, "POST /sign-out", "");
        assert_eq!(out.status, 303, "{}", asker.name);
        let after = world.page(asker, "GET /", "");
        assert_eq!(after.status, 303, "{}: nobody is signed in any more", asker.name);
    }
}
