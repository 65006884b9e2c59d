//! Row F5: a context that a company is not licensed for, or that left the configuration, is closed
//! from the next request on, to general tokens too; and what changes about an owner holds as soon.

use serde_json::{Value, json};

use super::Stage;
use crate::support::client::Client;
use crate::support::gateway::Made;

/// Connections that stay open, enough of them that every core has some.
struct Crowd(Vec<Client>);

impl Crowd {
    fn of(stage: &Stage, token: &Made) -> Self {
        let mut crowd = Self(Vec::new());
        let served = || {
            let cores = &stage.gateway.app().shared().counters.cores;
            cores.iter().map(|core| core.cache_hits.value() + core.cache_misses.value())
        };
        let before: Vec<_> = served().collect();
        while crowd.0.len() < 8 || served().zip(&before).any(|(after, before)| after == *before) {
            let mut client = Client::connect(stage.gateway.public());
            assert_eq!(client.ask(get("/any", token)).status, 200);
            crowd.0.push(client);
        }
        crowd
    }

    /// What every one of them is answered.
    fn status(&mut self, path: &str, token: &Made) -> u16 {
        let mut all = self.0.iter_mut().map(|client| client.ask(get(path, token)).status);
        let first = all.next().unwrap();
        assert!(all.all(|status| status == first), "cores differ");
        first
    }
}

fn get(path: &str, token: &Made) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: erp.example\r\nAuthorization: Bearer {}\r\n\r\n",
        token.secret
    )
}

/// What the upstream was last told that the token reaches.
fn told(stage: &Stage) -> Option<String> {
    stage.upstream.take().pop().unwrap().value("x-tollgate-contexts")
}

#[test]
fn f5_a_licence_that_is_taken_closes_its_context_at_once_on_every_core_and_after_a_restart() {
    let mut stage = Stage::new();
    let (chosen, general) =
        (stage.token(&json!({})), stage.token(&json!({ "contexts": "all", "name": "g" })));
    stage.gateway.try_owner(json!({ "id": "bob", "company": "other" })).unwrap();
    let (of_other, of_none) = (stage.token(&json!({ "owner": "bob", "contexts": "all" })), {
        stage.gateway.try_owner(json!({ "id": "carol" })).unwrap();
        stage.token(&json!({ "owner": "carol", "contexts": "all" }))
    });
    let mut crowd = Crowd::of(&stage, &chosen);
    let check = |stage: &Stage, crowd: &mut Crowd, status: u16, row: &str| {
        for token in [&chosen, &general] {
            assert_eq!(crowd.status("/stock", token), status, "{row}");
            assert_eq!(crowd.status("/any", token), 200, "{row}: nothing else is closed");
        }
        for token in [&of_other, &of_none] {
            assert_eq!(crowd.status("/stock", token), 200, "{row}: of another company");
        }
        assert_eq!(stage.open().status("/stock", &general.secret), status, "{row}, anew");
    };
    check(&stage, &mut crowd, 200, "a company that is not on record");
    stage.gateway.company(&json!({ "id": "acme", "contexts": ["sales"] }));
    check(&stage, &mut crowd, 403, "on record without it");
    for contexts in [json!("all"), json!(["stock"]), json!(["sales", "stock"])] {
        stage.gateway.update_company("acme", &json!({ "contexts": contexts }));
        check(&stage, &mut crowd, 200, "given");
        stage.gateway.update_company("acme", &json!({ "contexts": [] }));
        check(&stage, &mut crowd, 403, "taken");
    }
    drop(crowd);
    stage.gateway.restart();
    let mut crowd = Crowd::of(&stage, &chosen);
    check(&stage, &mut crowd, 403, "after a restart");
    stage.gateway.update_company("acme", &json!({ "contexts": ["stock"] }));
    check(&stage, &mut crowd, 200, "given back");
}

#[test]
fn f5_a_refusal_for_a_licence_is_insufficient_scope_and_explain_names_the_licence() {
    let stage = Stage::new();
    stage.gateway.company(&json!({ "id": "acme", "contexts": ["sales"] }));
    let token = stage.token(&json!({ "contexts": "all" }));
    let said = stage.open().get("/stock", &format!("Authorization: Bearer {}\r\n", token.secret));
    assert_eq!(said.status, 403);
    let challenge = "Bearer realm=\"erp\", error=\"insufficient_scope\", scope=\"stock\"";
    assert_eq!(said.challenge.as_deref(), Some(challenge));
    let detail = "The company of the access token is not licensed for this context";
    assert_eq!(said.json()["detail"], detail);
    let question = json!({ "method": "GET", "url": "http://erp.example/stock", "token": token.id });
    let (_, told) = stage.gateway.local("/explain", &question);
    let steps = told["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["check"] == "licence").unwrap();
    assert_eq!(step["outcome"], "refused");
    let compared = "asked: stock, the company `acme` is licensed for: [sales]";
    assert_eq!(step["compared"], compared);
}

#[test]
fn f5_the_upstream_hears_of_no_context_that_is_closed() {
    let stage = Stage::new();
    let (chosen, general) =
        (stage.token(&json!({})), stage.token(&json!({ "contexts": "all", "name": "g" })));
    let mut line = stage.open();
    let mut heard = |token: &Made| {
        assert_eq!(line.status("/any", &token.secret), 200);
        told(&stage).unwrap()
    };
    assert_eq!((&*heard(&chosen), &*heard(&general)), ("sales,stock", "*"));
    stage.gateway.company(&json!({ "id": "acme", "contexts": ["stock"] }));
    assert_eq!((&*heard(&chosen), &*heard(&general)), ("stock", "stock"));
    stage.gateway.update_company("acme", &json!({ "contexts": [] }));
    assert_eq!((&*heard(&chosen), &*heard(&general)), ("", ""));
    stage.gateway.update_company("acme", &json!({ "contexts": "all" }));
    stage.reconfigure("[contexts.sales]\ntitle = \"Sales\"\n", "");
    assert_eq!((&*heard(&chosen), &*heard(&general)), ("stock", "*"));
}

#[test]
fn f5_a_context_that_leaves_the_configuration_opens_nothing_and_can_come_back() {
    let stage = Stage::new();
    let with = "{ path = \"/list\", items = \"upstream\" }";
    let asks = "{ path = \"/list\", items = \"upstream\", context = \"sales\" }";
    stage.reconfigure(with, asks);
    let (chosen, general) =
        (stage.token(&json!({})), stage.token(&json!({ "contexts": "all", "name": "g" })));
    let mut crowd = Crowd::of(&stage, &chosen);
    assert_eq!(crowd.status("/list", &chosen), 200);
    // A rule cannot go on asking for it.
    let text = std::fs::read_to_string(stage.gateway.source()).unwrap();
    let gone = "[contexts.sales]\ntitle = \"Sales\"\n";
    std::fs::write(stage.gateway.source(), text.replace(gone, "")).unwrap();
    let refused = stage.gateway.app().reloader().reload().unwrap_err();
    assert!(format!("{refused:?}").contains("sales"), "{refused:?}");
    assert_eq!(crowd.status("/list", &chosen), 200, "such a file changes nothing");
    // Its rule goes with it, and so nothing opens that path: not for what tokens hold, nor for all.
    std::fs::write(stage.gateway.source(), text.replace(gone, "").replace(&format!("{asks},"), ""))
        .unwrap();
    stage.gateway.app().reloader().reload().unwrap();
    for token in [&chosen, &general] {
        assert_eq!(crowd.status("/list", token), 403);
    }
    let refused =
        stage.gateway.try_token(json!({ "owner": "alice", "name": "x", "contexts": ["sales"] }));
    let refused = refused.err().unwrap();
    assert!(refused.starts_with("`contexts`: there is no context `sales`"), "{refused}");
    stage.gateway.update(chosen.id, &json!({ "name": "renamed" }));
    std::fs::write(stage.gateway.source(), text).unwrap();
    stage.gateway.app().reloader().reload().unwrap();
    for token in [&chosen, &general] {
        assert_eq!(crowd.status("/list", token), 200, "what tokens hold was kept");
    }
}

#[test]
fn a_blocked_company_stops_all_its_tokens_at_once_and_is_answered_like_an_unknown_token() {
    let mut stage = Stage::new();
    stage.gateway.company(&json!({ "id": "acme" }));
    let token = stage.token(&json!({}));
    stage.gateway.try_owner(json!({ "id": "bob" })).unwrap();
    let other = stage.token(&json!({ "owner": "bob" }));
    let mut crowd = Crowd::of(&stage, &token);
    for _ in 0..3 {
        stage.gateway.block_company("acme");
        assert_eq!(crowd.status("/any", &token), 401);
        assert_eq!(crowd.status("/any", &other), 200);
        stage.gateway.unblock_company("acme");
        assert_eq!(crowd.status("/any", &token), 200);
    }
    stage.gateway.block_company("acme");
    let mut line = stage.open();
    let mut said = |secret: &str| {
        let said = line.get("/any", &format!("Authorization: Bearer {secret}\r\n"));
        (said.status, said.challenge, said.text)
    };
    let unknown = said("0f8fad5b-d9cb-469f-a165-70867728950e");
    assert_eq!(said(&token.secret), unknown, "X1");
    drop(crowd);
    stage.gateway.restart();
    assert_eq!(stage.open().status("/any", &token.secret), 401, "X8");
}

#[test]
fn w7_what_an_owner_may_changes_with_the_next_request_of_its_tokens() {
    let mut stage = Stage::new();
    let token = stage.token(&json!({}));
    let mut crowd = Crowd::of(&stage, &token);
    for (path, change, status) in [
        ("/clerk", json!({ "roles": ["buyer"] }), 403),
        ("/clerk", json!({ "roles": ["buyer", "clerk"] }), 200),
        ("/clerk", json!({ "roles": null }), 403),
        ("/clerk", json!({ "roles": ["clerk"] }), 200),
        ("/view", json!({ "ceiling": 0x100 }), 403),
        ("/view", json!({ "ceiling": ["online", "view"] }), 200),
        ("/view", json!({ "ceiling": 0 }), 403),
        ("/view", json!({ "ceiling": -1 }), 200),
        ("/acme", json!({ "company": "other", "name": "Alice" }), 200),
        ("/view", json!({ "ceiling": 0x100, "roles": [] }), 403),
    ] {
        stage.gateway.update_owner("alice", &change);
        assert_eq!(crowd.status(path, &token), status, "{change}");
    }
    drop(crowd);
    stage.gateway.restart();
    let mut line = stage.open();
    for (path, status) in [("/view", 403), ("/clerk", 403), ("/acme", 200)] {
        assert_eq!(line.status(path, &token.secret), status, "{path}, after a restart (X8)");
    }
}

/// What REST answers: the status, and the field at fault or the revision.
#[test]
fn companies_are_made_and_listed_over_rest() {
    let stage = Stage::new();
    let post = |path: &str, body: Value| stage.gateway.local(path, &body);
    let (status, made) = post("/companies", json!({ "id": "acme", "contexts": ["stock"] }));
    assert_eq!((status, &made["contexts"], &made["revision"]), (201, &json!(["stock"]), &json!(1)));
    let (status, again) = post("/companies", json!({ "id": "acme" }));
    assert_eq!(
        (status, again["detail"].as_str()),
        (409, Some("there is a company `acme` already"))
    );
    let (status, bad) = post("/companies", json!({ "id": "b", "contexts": ["nowhere"] }));
    assert_eq!((status, &bad["field"]), (400, &json!("contexts")));
    let (status, unlicensed) =
        post("/tokens", json!({ "owner": "alice", "name": "x", "contexts": ["sales"] }));
    assert_eq!((status, &unlicensed["field"]), (400, &json!("contexts")));
    let (status, blocked) = post("/companies/acme/block", json!({ "reason": "unpaid" }));
    assert_eq!((status, &blocked["company"]["blocked"]["reason"]), (200, &json!("unpaid")));
    let (status, _) = post("/companies/nobody/block", json!({}));
    assert_eq!(status, 404);
}
