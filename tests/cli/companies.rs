//! Companies and changes of users, at the command line and without a server.

use crate::Place;

use serde_json::json;

#[test]
fn f5_companies_are_added_licensed_and_blocked() {
    let place = Place::with_alice();
    let added = place.ok(&["company", "add", "acme", "--name", "Acme", "--contexts", "orders"]);
    assert_eq!(added, "company acme added\n");
    place.ok(&["company", "add", "open"]);
    let list = place.ok(&["company", "list"]);
    assert!(list.contains("acme  Acme  active  orders\n"), "{list}");
    assert!(list.contains("open  open  active  all\n"), "{list}");
    place.ok(&["user", "add", "bob", "--company", "acme"]);
    let create = ["token", "create", "--owner", "bob", "--name", "ci", "--contexts", "orders"];
    place.ok(&create);

    let took = ["company", "update", "acme", "--contexts", "", "--reason", "unpaid"];
    assert_eq!(place.ok(&took), "company acme updated\n");
    assert_eq!(place.ok(&took), "company acme was so already\n");
    let (code, problem) = place.refused(&create);
    assert_eq!((code, &problem["field"]), (2, &json!("contexts")));
    let shown = place.ok(&["company", "show", "acme"]);
    assert!(shown.contains("licensed for  none"), "{shown}");
    let history = place.ok(&["history", "--company", "acme"]);
    assert!(history.contains("company.updated  company acme"), "{history}");
    assert!(history.contains("unpaid; contexts: orders -> none"), "{history}");
    place.ok(&["company", "update", "acme", "--contexts", "all", "--revision", "2"]);
    let (_, stale) =
        place.refused(&["company", "update", "acme", "--name", "x", "--revision", "2"]);
    assert_eq!(stale["type"], "urn:tollgate:problem:conflict");

    let blocked = place.ok(&["company", "block", "acme", "--reason", "left"]);
    assert_eq!(blocked, "company acme blocked: 1 token stopped\n");
    assert!(place.ok(&["company", "list"]).contains("acme  Acme  blocked  all"));
    assert!(place.ok(&["token", "list"]).contains("active, user or company blocked"));
    assert_eq!(place.json(&["company", "block", "acme"])["changed"], json!(false));
    assert!(place.ok(&["company", "unblock", "acme"]).ends_with("unblocked\n"));
    let page = place.json(&["company", "list", "--limit", "1"]);
    assert_eq!((&page["companies"][0]["id"], &page["next"]), (&json!("acme"), &json!("acme")));
    for (arguments, told) in [
        (&["company", "update", "acme"][..], "nothing to change"),
        (&["company", "update", "acme", "--contexts", "all,orders"], "`all` stands alone"),
        (&["history", "--company", "acme", "--user", "bob"], "cannot be used with"),
    ] {
        let outcome = place.run(arguments);
        assert!(outcome.code == 2 && outcome.err.contains(told), "{arguments:?}: {}", outcome.err);
    }
}

#[test]
fn users_are_searched_and_lists_go_on_where_they_ended() {
    let place = Place::with_alice();
    place.ok(&[
        "user",
        "add",
        "bob",
        "--company",
        "acme",
        "--role",
        "developer",
        "--name",
        "Bob Ross",
    ]);
    place.ok(&["user", "add", "printer", "--service", "--company", "acme"]);
    place.ok(&["user", "block", "printer"]);
    let found = |arguments: &[&str]| {
        let list = place.json(&[&["user", "list"], arguments].concat());
        let ids = list["users"].as_array().unwrap().iter();
        ids.map(|user| user["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    for (arguments, wanted) in [
        (&["--text", "ROSS"][..], "bob"),
        (&["--company", "acme"], "bob printer"),
        (&["--company", "acme", "--kind", "user"], "bob"),
        (&["--state", "blocked"], "printer"),
        (&["--state", "active", "--kind", "service"], ""),
        (&["--role", "developer"], "bob"),
    ] {
        assert_eq!(found(arguments), wanted, "{arguments:?}");
    }
    let first = place.run(&["user", "list", "--company", "acme", "--limit", "1"]);
    assert!(first.out.contains("bob") && first.err.contains("add `--after bob`"), "{first:?}");
    assert_eq!(found(&["--company", "acme", "--limit", "1", "--after", "bob"]), "printer");
    assert_eq!(found(&["--company", "acme", "--all"]), "bob printer");
    let odd = place.run(&["user", "list", "--kind", "robot"]);
    assert!(odd.code == 2 && odd.err.contains("user, service"), "{odd:?}");
    // Tokens, by the id of one and by a state that its meter knows.
    let created = place.json(&["token", "create", "--owner", "bob", "--name", "ci", "--uses", "1"]);
    let id = created["token"]["id"].as_str().unwrap();
    assert!(place.ok(&["token", "list", "--text", id]).contains("ci"));
    assert_eq!(place.json(&["token", "list", "--state", "used_up"])["tokens"], json!([]));
}

#[test]
fn users_are_changed_and_told_of_tokens_that_stay_behind() {
    let place = Place::with_alice();
    place.ok(&["user", "add", "boss"]);
    let update = [
        "user",
        "update",
        "alice",
        "--name",
        "Alice B",
        "--email",
        "a@example.com",
        "--company",
        "acme",
        "--parent",
        "boss",
        "--role",
        "a,b",
        "--ceiling",
        "view,0x100",
    ];
    assert_eq!(place.ok(&update), "user alice updated\n");
    assert_eq!(place.ok(&update), "user alice was so already\n");
    let shown = place.json(&["user", "show", "alice"]);
    assert_eq!(
        json!([shown["name"], shown["email"], shown["company"], shown["parent"]]),
        json!(["Alice B", "a@example.com", "acme", "boss"])
    );
    assert_eq!((&shown["roles"], &shown["ceiling"]), (&json!(["a", "b"]), &json!(0x300)));
    let (_, circle) = place.refused(&["user", "update", "boss", "--parent", "alice"]);
    assert_eq!(circle["field"], "parent");

    place.token();
    let moved = place.run(&["user", "update", "alice", "--company", "other"]);
    assert_eq!((moved.code, moved.out.as_str()), (0, "user alice updated\n"));
    assert!(moved.err.contains("1 of its tokens are not of `other`"), "{}", moved.err);
    let cleared = place.json(&[
        "user",
        "update",
        "alice",
        "--company",
        "",
        "--parent",
        "",
        "--email",
        "",
        "--role",
        "",
    ]);
    let user = &cleared["user"];
    assert_eq!(json!([user["company"], user["parent"], user["email"]]), json!([null, null, null]));
    assert_eq!((&user["roles"], &cleared["left_behind"]["tokens"]), (&json!([]), &json!(1)));
    let outcome = place.run(&["user", "update", "alice"]);
    assert!(outcome.code == 2 && outcome.err.contains("nothing to change"), "{}", outcome.err);
}

/// Row F5: what comes back with the configuration is not lost meanwhile.
#[test]
fn f5_contexts_that_left_the_configuration_are_kept_and_told() {
    let place = Place::with_alice();
    let config = place.path("tollgate.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\n[contexts.winter]\n")).unwrap();
    place.ok(&["company", "add", "acme", "--contexts", "winter"]);
    let (id, _) = place.token();
    place.ok(&["token", "update", &id, "--contexts", "winter"]);
    std::fs::write(&config, text).unwrap();
    let told = "not in the configuration, opens nothing until it is back: winter";
    for what in ["company", "token"] {
        let id = if what == "token" { id.as_str() } else { "acme" };
        assert!(place.ok(&[what, "show", id]).contains(told), "{what}");
        place.ok(&[what, "update", id, "--contexts", "orders,winter"]);
        let shown = place.json(&[what, "show", id]);
        assert_eq!(shown["contexts"], json!(["orders", "winter"]), "{what}");
        assert_eq!(shown["absent_contexts"], json!(["winter"]), "{what}");
        place.ok(&[what, "update", id, "--contexts", "orders"]);
        let (code, _) = place.refused(&[what, "update", id, "--contexts", "winter"]);
        assert_eq!(code, 2, "nobody is given what there is not");
    }
}

#[test]
fn slips_in_companies_and_roles_are_told() {
    let place = Place::with_alice();
    place.ok(&["company", "add", "acme"]);
    let add = ["user", "add", "bob", "--role", "adminstrator", "--company", "acmee"];
    let told = place.run(&add);
    assert_eq!((told.code, told.out.as_str()), (0, "user bob added\n"));
    assert!(told.err.contains("the company `acmee` is not on record"), "{told:?}");
    assert!(told.err.contains("no rule of the configuration asks for the role `adminstrator`"));
    let role = place.json(&["user", "update", "bob", "--role", "cashier"]);
    assert_eq!(role["warnings"].as_array().unwrap().len(), 1, "{role}");
    let well = place.run(&["user", "add", "carol", "--role", "developer", "--company", "acme"]);
    assert_eq!((well.code, well.err.as_str()), (0, ""));
    place.token();
    let blocked = place.ok(&["user", "block", "alice"]);
    assert_eq!(blocked, "user alice blocked: 1 token stopped\n");
    assert_eq!(place.ok(&["user", "block", "alice"]), "user alice was blocked already\n");
}
