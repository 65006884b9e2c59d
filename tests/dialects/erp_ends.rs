//! Rows F2 and F3: how tokens of a FoccoERP server end, and that what is dead stays.

use serde_json::{Value, json};

use super::erp::{STOCK, erp_of, field};
use crate::support::desk::{Person, kinds};
use crate::support::program::Program;
use crate::support::{PATIENCE, wait_until};

#[test]
fn f2_a_name_is_needed_an_end_is_not_and_none_lies_in_the_past() {
    let mut stage = erp_of(|more| Program::start_at("2026-03-01T12:00:00Z", more));
    let root = Person::sign_in(&stage.program, "root");
    let made = |more: Value| {
        let mut body = json!({"owner": "robot", "name": "integração"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        root.ask("POST /tokens", body)
    };
    assert_eq!(field(&made(json!({"name": ""}))), (400, json!("name")));
    let before = kinds(&stage.program).len();
    for (end, at) in [
        ("2026-03-01T12:00:00Z", "expires_at"),
        ("2026-03-01T11:59:59Z", "expires_at"),
        ("1999-01-01T00:00:00Z", "expires_at"),
        ("2026-03-01T13:00:00+02:00", "expires_at"),
    ] {
        assert_eq!(field(&made(json!({"expires_at": end}))), (400, json!(at)), "{end}");
        let create = ["token", "create", "--owner", "robot", "--name", "x", "--until", end];
        assert_eq!(stage.program.run(&create, "").status.code(), Some(2), "{end}");
    }
    let over = json!({"not_before": "2026-02-01T00:00:00Z", "lifetime": "1d"});
    assert_eq!(field(&made(over)), (400, json!("lifetime")), "over before it began");
    let page = root.form("/tokens/new", "owner=robot&name=x&expiry=date&expires_on=2026-02-28");
    assert_eq!(page.status, 400, "{}", page.text());
    assert_eq!(kinds(&stage.program).len(), before);

    let next = made(json!({"expires_at": "2026-03-01T12:00:01Z"}));
    assert_eq!(next.status, 201, "{}", next.text());
    let id = next.json()["token"]["id"].as_str().unwrap().to_owned();
    let change = json!({"expires_at": "2026-03-01T12:00:00Z"});
    let changed = root.ask(&format!("PATCH /tokens/{id}"), change);
    assert_eq!(field(&changed), (400, json!("expires_at")), "nor by a change");

    let never = made(json!({"idle_ttl": 0})).json();
    assert_eq!(never["token"]["expires_at"], json!(null), "none means never");
    let secret = never["secret"].as_str().unwrap().to_owned();
    stage.program.set_clock("2046-03-01T12:00:00Z");
    wait_until("the clock is seen", PATIENCE, || {
        let clock = stage.program.succeed(&["clock", "--json"], "");
        clock.contains("2046-03-01")
    });
    assert_eq!(stage.get(STOCK, &secret, "").status, 200, "twenty years on");
}

#[test]
fn f3_dead_tokens_stay_in_list_and_history_with_all_fields_for_ever() {
    let mut stage = erp_of(|more| Program::start_at("2026-03-01T12:00:00Z", more));
    let root = Person::sign_in(&stage.program, "root");
    let body = |name: &str| {
        json!({"owner": "robot", "name": name, "app": "erp", "description": "de quem, e por quê",
            "contexts": ["stock", "hub"], "context_params": {"hub": {"marketplace": "vtex"}},
            "lifetime": "1h", "idle_ttl": "1h", "items": ["7"], "params": {"a": 1}})
    };
    let (expires, _) = root.token(body("expires"));
    let (revoked, _) = root.token(body("revoked"));
    let show = |id: &str| {
        let shown: Value =
            serde_json::from_str(&stage.program.succeed(&["token", "show", id, "--json"], ""))
                .unwrap();
        shown
    };
    let before = [show(&expires), show(&revoked)];
    root.ask(&format!("POST /tokens/{revoked}/revoke"), json!({"reason": "encerrado"}));
    stage.program.set_clock("2026-03-01T13:00:00Z");
    wait_until("it has expired", PATIENCE, || show(&expires)["state"] == "expired");
    // No call erases anything, whatever it is called.
    let document: Value = serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap();
    let calls = document["paths"].as_object().unwrap().iter();
    let deleting = calls.filter(|(_, methods)| methods.get("delete").is_some());
    let mut paths: Vec<_> = deleting.map(|(path, _)| path.replace("/api/v1", "")).collect();
    paths.retain(|path| path != "/session");
    paths.extend(
        ["/tokens/{id}", "/users/robot", "/companies/1", "/history", "/tokens"].map(str::to_owned),
    );
    for path in paths {
        for id in [&expires, &revoked] {
            for method in ["DELETE", "PUT"] {
                root.ask(&format!("{method} {}", path.replace("{id}", id)), json!({}));
                assert_eq!(show(&expires)["state"], "expired", "{method} {path}");
                assert_eq!(show(&revoked)["state"], "revoked", "{method} {path}");
            }
        }
    }
    // Nor does time, the upkeep, or a restart: the machine was off for years.
    let program = &stage.program;
    program.set_clock("2036-03-01T12:00:00Z");
    let list = || program.succeed(&["token", "list", "--json", "--limit", "1000"], "");
    wait_until("years later", PATIENCE, || {
        program.succeed(&["clock", "--json"], "").contains("2036-03-01")
    });
    let old = list();
    stage.program.crash(|| ());
    let program = &stage.program;
    let list = || program.succeed(&["token", "list", "--json", "--limit", "1000"], "");
    assert_eq!(list(), old);
    for (was, state) in before.iter().zip(["expired", "revoked"]) {
        let id = was["id"].as_str().unwrap();
        let now = program.succeed(&["token", "show", id, "--json"], "");
        let now: Value = serde_json::from_str(&now).unwrap();
        assert_eq!(now["state"], state, "{now}");
        let of_its_end = ["state", "ended", "revision", "idle_at"];
        for (field, value) in was.as_object().unwrap() {
            assert!(of_its_end.contains(&field.as_str()) || now[field] == *value, "{field}: {now}");
        }
        assert!(list().contains(id), "{id}");
        let history = program.succeed(&["history", "--token", id], "");
        assert!(history.contains("token.created"), "{history}");
    }
    program.succeed(&["history", "verify"], "");
    // Nor does a backup leave them out.
    let path = |name: &str| program.folder().join(name).display().to_string();
    let (backup, restored) = (path("backup"), path("restored"));
    program.succeed(&["backup", &backup], "");
    program.succeed(&["restore", &backup, "--data", &restored], "");
    let kept = program.succeed(&["history", "--json", "--data", &restored], "");
    for token in &before {
        assert!(kept.contains(token["id"].as_str().unwrap()), "{kept}");
    }
}
