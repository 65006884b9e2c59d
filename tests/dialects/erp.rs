//! Rows F4 to F9: a server of FoccoERP.

use std::fs;

use serde_json::{Value, json};

use super::{Stage, example};
use crate::support::client::{Answer, Client};
use crate::support::desk::{Person, people};
use crate::support::program::Program;
use crate::support::upstream::Upstream;

const HOST: &str = "erp.example.com";
pub(crate) const STOCK: &str = "/api/Entities/Manufatura.Estoque.Item";
const PRODUCTION: &str = "/api/Entities/Manufatura.Producao.Ordem";
const HUB: &str = "/api/hub/orders";
const TELEGRAM: &str = "/api/telegram/send";
const BOT: &str = "8123456789:AAE-a-very-secret-bot-token";
/// Of the context that the example leaves out.
const MORE: &str = "[contexts.telegram.params.bot_token]\nsecret = true\nrequired = true\n\
                    header = \"X-Bot\"\n[[apis.rules]]\npath = \"/api/telegram/{*rest}\"\n\
                    context = \"telegram\"\n";

const RULE: &str =
    "[[apis.rules]]\nname = \"stock\"\npath = \"/api/Entities/Manufatura.Estoque.{rest}\"\n";

/// A server of the companies 1 and 2 with `robot`, a service of the company 1.
fn erp() -> Stage {
    erp_of(Program::start)
}

pub(crate) fn erp_of(start: impl Fn(&str) -> Program) -> Stage {
    let stage = Stage::before(Upstream::start(), |upstream| {
        start(&(example("focco", "[contexts.stock]\n", upstream) + MORE))
    });
    people(&stage.program, &[("robot", &["--service", "--company", "1"])]);
    stage
}

impl Stage {
    /// What a client gets, on a connection of its own, for what has two readings closes it.
    pub(crate) fn get(&mut self, path: &str, secret: &str, more: &str) -> Answer {
        self.client = Client::connect(self.program.public());
        let lines = format!("Authorization: Bearer {secret}\r\n{more}");
        self.ask("GET", HOST, path, &lines)
    }

    /// `text` of its file is replaced.
    fn rewrite(&self, text: &str, by: &str) {
        let config = fs::read_to_string(self.program.source()).unwrap();
        assert!(config.contains(text), "{text}: {config}");
        fs::write(self.program.source(), config.replace(text, by)).unwrap();
    }
}

pub(crate) fn field(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json()["field"].clone())
}

#[test]
fn f4_general_access_opens_every_context_and_personal_access_the_chosen_ones() {
    let mut stage = erp();
    let root = Person::sign_in(&stage.program, "root");
    let token = |contexts: Value, params: Value| {
        let body =
            json!({"owner": "robot", "name": "x", "contexts": contexts, "context_params": params});
        root.token(body).1
    };
    let shop = || json!({"hub": {"marketplace": "shopee"}});
    let both = json!({"hub": {"marketplace": "shopee"}, "telegram": {"bot_token": BOT}});
    for (contexts, params, [stock, production, hub, telegram]) in [
        (json!("all"), both, [200, 200, 200, 200]),
        (json!(["stock"]), json!({}), [200, 403, 403, 403]),
        (json!(["hub", "production"]), shop(), [403, 200, 200, 403]),
        (json!([]), json!({}), [403, 403, 403, 403]),
    ] {
        let secret = token(contexts.clone(), params);
        for (path, wanted) in
            [(STOCK, stock), (PRODUCTION, production), (HUB, hub), (TELEGRAM, telegram)]
        {
            let answer = stage.get(path, &secret, "");
            assert_eq!(answer.status, wanted, "{contexts} {path}: {}", answer.text());
        }
    }
    assert_eq!(stage.upstream.take().len(), 7, "nothing that was refused went through");
}

#[test]
fn f5_contexts_are_those_that_are_configured_and_licensed() {
    let mut stage = erp();
    let root = Person::sign_in(&stage.program, "root");
    let make = |contexts: &[&str]| {
        root.ask("POST /tokens", json!({"owner": "robot", "name": "x", "contexts": contexts}))
    };
    assert_eq!(field(&make(&["telepathy"])), (400, json!("contexts")));
    root.ask("POST /companies", json!({"id": "1", "contexts": ["stock", "production"]}));
    assert_eq!(field(&make(&["hub"])), (400, json!("contexts")), "not licensed");
    let form = root.page("/tokens/new?owner=robot").text();
    assert!(form.contains("context-stock") && !form.contains("context-hub"), "{form}");

    let chosen = make(&["stock", "production"]).json();
    let general = root.token(json!({"owner": "robot", "name": "all", "contexts": "all"})).1;
    let all = [chosen["secret"].as_str().unwrap(), &general];
    let check = |stage: &mut Stage, [stock, production]: [u16; 2], when: &str| {
        for secret in all {
            assert_eq!(stage.get(STOCK, secret, "").status, stock, "{when}");
            assert_eq!(stage.get(PRODUCTION, secret, "").status, production, "{when}");
        }
    };
    check(&mut stage, [200, 200], "at first");
    let licence = |contexts: Value| root.ask("PATCH /companies/1", json!({ "contexts": contexts }));
    assert_eq!(licence(json!(["production"])).status, 200);
    check(&mut stage, [403, 200], "without the licence");
    licence(json!(["stock", "production"]));
    check(&mut stage, [200, 200], "with it again");
    // A context that leaves the configuration. A file whose rules go on asking for it changes nothing.
    let gone = "[contexts.stock]\ntitle = \"Estoque\"\n";
    stage.rewrite(gone, "");
    assert!(!stage.program.run(&["reload"], "").status.success());
    check(&mut stage, [200, 200], "after a file with a mistake");
    let rule = format!("{RULE}context = \"stock\"\n");
    stage.rewrite(&rule, "");
    stage.program.succeed(&["reload"], "");
    check(&mut stage, [403, 200], "without the context, for general tokens too");
    assert_eq!(field(&make(&["stock"])), (400, json!("contexts")));
    assert!(!root.page("/tokens/new?owner=robot").text().contains("context-stock"));
    // What a token holds is kept: with the context, its rule opens again.
    stage.rewrite("[contexts.production]", &format!("{gone}[contexts.production]"));
    stage.rewrite(
        "[[apis.rules]]\nname = \"production\"",
        &format!("{rule}[[apis.rules]]\nname = \"production\""),
    );
    stage.program.succeed(&["reload"], "");
    check(&mut stage, [200, 200], "with it again");
}

#[test]
fn f6_a_company_names_itself_or_nobody() {
    let mut stage = erp();
    people(&stage.program, &[("stray", &["--service"])]);
    let (id, mine) = stage.token("robot", &["--contexts", "stock"], "");
    let (_, of_none) = stage.token("stray", &["--contexts", "stock"], "");
    for (secret, more, status) in [
        (&mine, "", 200),
        (&mine, "X-EMPR-ID: 1\r\n", 200),
        (&mine, "x-empr-id: 1\r\n", 200),
        (&mine, "X-EMPR-ID: 2\r\n", 403),
        (&mine, "X-EMPR-ID: 01\r\n", 403),
        (&mine, "X-EMPR-ID: 1\r\nX-EMPR-ID: 2\r\n", 400),
        (&of_none, "", 403),
        (&of_none, "X-EMPR-ID: 1\r\n", 403),
    ] {
        assert_eq!(stage.get(STOCK, secret, more).status, status, "{more}");
    }
    let seen = stage.upstream.take();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|seen| seen.values("x-empr-id") == ["1"]), "{seen:?}");
    let url = format!("http://{HOST}{STOCK}");
    let question = ["explain", "--token", &id, "--company", "2", "GET", &url, "--json"];
    let told: Value = serde_json::from_str(&stage.program.succeed(&question, "")).unwrap();
    assert_eq!((&told["reason"], &told["dialect"]), (&json!("wrong_company"), &json!("focco")));
}

#[test]
fn f7_parameters_go_with_their_context_and_a_secret_one_is_never_shown_again() {
    let mut stage = erp();
    let root = Person::sign_in(&stage.program, "root");
    let make = |contexts: Value, params: Value| {
        let body =
            json!({"owner": "robot", "name": "x", "contexts": contexts, "context_params": params});
        root.ask("POST /tokens", body)
    };
    let (hub, bot) =
        (json!({"hub": {"marketplace": "shopee"}}), json!({"telegram": {"bot_token": BOT}}));
    for (contexts, params, at) in [
        (json!(["stock"]), hub.clone(), "context_params.hub"),
        (json!(["stock"]), bot.clone(), "context_params.telegram"),
        (json!(["hub"]), json!({}), "context_params.hub.marketplace"),
        (json!(["telegram"]), json!({}), "context_params.telegram.bot_token"),
        (
            json!(["hub"]),
            json!({"hub": {"marketplace": "a-shop-around-the-corner"}}),
            "context_params.hub.marketplace",
        ),
        (
            json!(["hub"]),
            json!({"hub": {"marketplace": "shopee", "x": "y"}}),
            "context_params.hub.x",
        ),
    ] {
        let answer = make(contexts.clone(), params.clone());
        let (status, at_field) = field(&answer);
        let at_field = at_field.as_str().unwrap_or_default();
        assert!(
            status == 400 && at_field.starts_with(at),
            "{contexts} {params}: {}",
            answer.text()
        );
        assert!(!answer.text().contains(BOT));
    }
    let both = json!({"hub": {"marketplace": "shopee"}, "telegram": {"bot_token": BOT}});
    let made = make(json!(["stock", "hub", "telegram"]), both);
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["token"]["id"].as_str().unwrap().to_owned();
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    for path in [STOCK, HUB, TELEGRAM] {
        assert_eq!(stage.get(path, &secret, "X-Bot: mine\r\nX-Marketplace: mine\r\n").status, 200);
    }
    let told: Vec<_> = stage.upstream.take();
    let told: Vec<_> =
        told.iter().map(|seen| (seen.value("x-marketplace"), seen.value("x-bot"))).collect();
    let (shop, bot) = (Some("shopee".to_owned()), Some(BOT.to_owned()));
    assert_eq!(told, [(None, None), (shop, None), (None, bot)], "each on its own routes alone");

    let at = format!("/tokens/{id}");
    let shown = [
        made.text(),
        root.ask(&format!("GET {at}"), json!({})).text(),
        root.ask("GET /tokens", json!({})).text(),
        root.ask("POST /tokens/export", json!({})).text(),
        root.ask(&format!("GET /history?token={id}"), json!({})).text(),
        root.page(&at).text(),
        root.page(&format!("{at}/edit")).text(),
        stage.program.succeed(&["token", "show", &id], ""),
    ];
    for text in shown {
        assert!(!text.contains(BOT), "{text}");
    }
    let page = root.page(&at).text();
    assert!(page.contains("shopee"), "what is no secret is shown: {page}");
}

/// A general token is made without parameters of areas that it may never enter; where they are required, it does not.
#[test]
fn f7_a_general_token_without_a_required_parameter_does_not_enter_its_context() {
    let mut stage = erp();
    let root = Person::sign_in(&stage.program, "root");
    let (id, secret) = root.token(json!({"owner": "robot", "name": "geral", "contexts": "all"}));
    let shown = root.ask(&format!("GET /tokens/{id}"), json!({})).json();
    assert_eq!(shown["lacks"], json!(["hub.marketplace", "telegram.bot_token"]), "it is told");
    assert!(root.page(&format!("/tokens/{id}")).text().contains("telegram.bot_token"));
    assert!(stage.program.succeed(&["token", "show", &id], "").contains("telegram.bot_token"));
    for (path, status) in [(STOCK, 200), (HUB, 403), (TELEGRAM, 403)] {
        let got = stage.get(path, &secret, "X-Bot: mine\r\nX-Marketplace: mine\r\n");
        assert_eq!(got.status, status, "{path}: {}", got.text());
    }
    assert_eq!(stage.upstream.take().len(), 1, "nothing else reached it");
    let url = format!("http://{HOST}{TELEGRAM}");
    let told = stage.program.succeed(&["explain", "--token", &id, "GET", &url, "--json"], "");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["reason"], "parameter_missing");
    let steps = told["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["check"] == "parameters").unwrap();
    assert_eq!(step["compared"], "required: [bot_token], the token has no `bot_token`");
    let given = json!({"context_params": {"telegram": {"bot_token": BOT}}});
    assert_eq!(root.ask(&format!("PATCH /tokens/{id}"), given).status, 200);
    assert_eq!(stage.get(TELEGRAM, &secret, "").status, 200, "with its next request");
    assert_eq!(stage.get(HUB, &secret, "").status, 403, "the other one is still missing");
}

#[test]
fn f8_a_revoked_token_is_refused_at_once_and_its_end_is_on_record() {
    let mut stage = erp();
    let root = Person::sign_in(&stage.program, "root");
    let (id, secret) = stage.token("robot", &["--contexts", "stock"], "");
    let lines = format!("Authorization: Bearer {secret}\r\n");
    assert_eq!(stage.ask("GET", HOST, STOCK, &lines).status, 200);
    let end =
        root.ask(&format!("POST /tokens/{id}/revoke"), json!({"reason": "contrato encerrado"}));
    assert_eq!(end.status, 200);
    assert_eq!(stage.ask("GET", HOST, STOCK, &lines).status, 401, "the open connection");
    let history = root.ask(&format!("GET /history?token={id}"), json!({})).json();
    let event = &history["events"][0];
    assert_eq!(
        [&event["kind"], &event["actor"], &event["reason"]],
        ["token.revoked", "owner:root", "contrato encerrado"]
    );
    assert!(event["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{event}");
    let ended = root.ask(&format!("GET /tokens/{id}"), json!({})).json()["ended"].clone();
    assert_eq!([&ended["by"], &ended["at"]], [&event["actor"], &event["at"]], "{ended}");
    let page = root.page(&format!("/tokens/{id}")).text();
    assert!(page.contains("contrato encerrado") && page.contains("state-revoked"));
}

#[test]
fn f9_the_detail_shows_everything_but_the_secret() {
    let stage = erp();
    let root = Person::sign_in(&stage.program, "root");
    let (id, secret) = root.token(json!({"owner": "robot", "name": "coletor", "lifetime": "30d",
        "description": "Pedido de compras", "contexts": ["stock"]}));
    let shown = root.ask(&format!("GET /tokens/{id}"), json!({})).json();
    let day = shown["expires_at"].as_str().unwrap()[..10].to_owned();
    assert_eq!(
        [
            &shown["name"],
            &shown["description"],
            &shown["company"],
            &shown["contexts"],
            &shown["state"]
        ],
        [
            &json!("coletor"),
            &json!("Pedido de compras"),
            &json!("1"),
            &json!(["stock"]),
            &json!("active")
        ]
    );
    let page = root.page(&format!("/tokens/{id}")).text();
    let printed = stage.program.succeed(&["token", "show", &id], "");
    for text in [&page, &printed] {
        for part in ["coletor", "Pedido de compras", "robot", "stock", &day] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    assert!(page.contains("state-active"), "{page}");
    assert!(printed.contains("active"), "{printed}");
    for text in [&page, &printed, &shown.to_string()] {
        assert!(!text.contains(&secret[3..33]), "{text}");
    }
}
