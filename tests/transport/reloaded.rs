//! What lasts is judged by the rules in force: after a reload by those that the same request would meet then.

use std::sync::mpsc::Receiver;

use serde_json::json;

use tollgate::domain::refusal::Refusal;

use crate::streams::{BOUND, ticker};
use crate::support::client::Client;
use crate::support::gateway::{Gateway, Made};
use crate::support::steps::Steps;
use crate::websockets::{Talk, code, frame, open, talker};

/// The lines that a reload may change, but for the upstream of the first API.
const TEXT: &str = "flags = { view = 1 }\n\
    contexts = { stock = {}, sales = {} }\n\
    [[apis]]\nname = \"a\"\nupstream = \"http://UPSTREAM\"\nrules = [\n\
    { name = \"other\", path = \"/talk/other\" },\n\
    { path = \"/talk\" },\n\
    ]\n\
    [[apis]]\nname = \"events\"\npath = \"/events\"\nupstream = \"http://EVENTS\"\nrules = [\n\
    { path = \"/events\" },\n\
    ]\n";

const RULE: &str = "{ path = \"/talk\" }";

struct Stage {
    gateway: Gateway,
    talks: Receiver<Talk>,
    made: Made,
}

impl Stage {
    fn new() -> Self {
        Self::with(TEXT)
    }

    /// With other lines, and a token of a company for the context `sales`.
    fn with(text: &str) -> Self {
        let (address, talks) = talker(b"");
        let text = text.replace("UPSTREAM", &address.to_string());
        let gateway = Gateway::start(&text.replace("EVENTS", &ticker().to_string()));
        gateway.owner("somebody");
        let token = json!({
            "owner": "somebody", "name": "any", "company": "acme", "contexts": ["sales"],
        });
        let made = gateway.token(token);
        Self { gateway, talks, made }
    }

    fn open(&self) -> (Client, Talk) {
        let (mut client, mut talk) = open(&self.gateway, &self.talks, &self.made.secret);
        talk.send(&frame("hello"));
        assert_eq!(client.read_to("hello"), frame("hello"));
        (client, talk)
    }

    /// Puts other lines in force.
    fn change(&self, from: &str, to: &str) {
        let source = self.gateway.source();
        let text = std::fs::read_to_string(source).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        std::fs::write(source, text.replace(from, to)).unwrap();
        self.gateway.app().reloader().reload().unwrap();
    }

    /// Waits until whatever was open before was looked at again.
    fn look(&self) {
        let made = self.gateway.token(json!({ "owner": "somebody", "name": "short" }));
        let mut events = Client::connect(self.gateway.public());
        events.send(self.gateway.get("/events", &made.secret));
        // Two looks at this one begin later than one at any that was there.
        for _ in 0..2 * 25 {
            events.read_to("and the second\n\n");
        }
    }
}

fn is_over(what: &str, client: &mut Client, refusal: Refusal) {
    let begun = Steps::begin();
    let close = client.rest();
    assert!(begun.elapsed() < BOUND, "{what}: {:?}", begun.elapsed());
    assert_eq!(code(&close), Some(1008), "{what}: {close:?}");
    assert_eq!(String::from_utf8_lossy(&close[4..]), refusal.detail(), "{what}");
}

fn goes_on(what: &str, (client, talk): &mut (Client, Talk)) {
    talk.send(&frame("still"));
    assert_eq!(client.read_to("still"), frame("still"), "{what}");
}

#[test]
fn a_reload_that_asks_for_more_ends_what_has_not_got_it() {
    use Refusal::{ContextMissing, FlagsMissing, NoRule, RoleMissing, WrongCompany};
    let api = "[[apis]]\nname = \"a\"\n";
    for (what, from, to, refusal) in [
        ("a context", RULE, "{ path = \"/talk\", context = \"stock\" }", ContextMissing),
        ("a flag", RULE, "{ path = \"/talk\", flags = [\"view\"] }", FlagsMissing),
        ("a role", RULE, "{ path = \"/talk\", roles = [\"clerk\"] }", RoleMissing),
        ("a company", RULE, "{ path = \"/talk\", company = \"other\" }", WrongCompany),
        ("no rule any more", &format!("{RULE},"), "", NoRule),
        ("its methods", RULE, "{ path = \"/talk\", methods = [\"POST\"] }", NoRule),
        (
            "a narrower rule",
            RULE,
            "{ path = \"/{*rest}\" }, { path = \"/talk\", context = \"stock\" }",
            ContextMissing,
        ),
        ("its API has another name", "name = \"a\"", "name = \"b\"", NoRule),
        ("its API has another host", api, &format!("{api}host = \"b.example\"\n"), NoRule),
        // Whoever may have been named was not read by these rules.
        ("its API speaks otherwise", api, &format!("{api}dialect = \"focco\"\n"), NoRule),
    ] {
        let stage = Stage::new();
        let mut open = stage.open();
        stage.change(from, to);
        is_over(what, &mut open.0, refusal);
    }
}

#[test]
fn a_reload_that_leaves_the_right_ends_nothing() {
    for (what, from, to) in [
        ("another rule", "\"/talk/other\"", "\"/talk/other\", context = \"stock\""),
        ("another rule goes", "{ name = \"other\", path = \"/talk/other\" },", ""),
        (
            "its place and its name",
            RULE,
            "{ path = \"/talk/third\" }, { name = \"x\", path = \"/talk\" }",
        ),
        (
            "what the token has",
            RULE,
            "{ path = \"/talk\", context = \"sales\", company = \"acme\" }",
        ),
        ("a wider rule in its place", RULE, "{ path = \"/{*rest}\", methods = [\"GET\"] }"),
        ("everybody may", RULE, "{ path = \"/talk\", public = true }"),
    ] {
        let stage = Stage::new();
        let mut open = stage.open();
        stage.change(from, to);
        stage.look();
        goes_on(what, &mut open);
        assert_eq!(stage.gateway.counted(|core| core.cut_by_token.value()), 0, "{what}");
        // It was looked at, and is still its token's.
        stage.gateway.revoke(stage.made.id);
        is_over(what, &mut open.0, Refusal::Revoked);
    }
}

#[test]
fn each_reload_is_followed_and_the_token_as_it_is_then() {
    let stage = Stage::new();
    let mut open = stage.open();
    let asks = "{ path = \"/talk\", context = \"stock\" }";
    stage.gateway.update(stage.made.id, &json!({ "contexts": ["stock"] }));
    stage.change(RULE, asks);
    stage.look();
    goes_on("it has the context by now", &mut open);
    stage.change(asks, "{ path = \"/talk\", context = \"sales\" }");
    is_over("and not the next", &mut open.0, Refusal::ContextMissing);
}

#[test]
fn a_stream_of_events_ends_between_two_events_when_a_reload_closes_its_rule() {
    let stage = Stage::new();
    let mut events = Client::connect(stage.gateway.public());
    events.send(stage.gateway.get("/events", &stage.made.secret));
    events.wait_for("second\n\n");
    stage.change("{ path = \"/events\" }", "{ path = \"/events\", context = \"stock\" }");
    let begun = Steps::begin();
    let answer = events.answer();
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert!(answer.whole && answer.text().ends_with("and the second\n\n"), "{}", answer.text());
    assert_eq!(events.ask(stage.gateway.get("/events", &stage.made.secret)).status, 403);
}

#[test]
fn what_nobody_was_asked_for_ends_when_somebody_is_asked() {
    let public = "{ path = \"/talk\", public = true }";
    let stage = Stage::with(&TEXT.replace(RULE, public));
    let anonymous = |stage: &Stage| {
        let mut client = Client::connect(stage.gateway.public());
        let asks = crate::websockets::handshake("x").replace("Authorization: Bearer x\r\n", "");
        client.send(asks);
        let head = String::from_utf8(client.read_to("\r\n\r\n")).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        (client, stage.talks.recv_timeout(crate::support::PATIENCE).unwrap())
    };
    let mut open = anonymous(&stage);
    stage.change("\"/talk/other\"", "\"/talk/other\", context = \"stock\"");
    stage.look();
    goes_on("another rule", &mut open);
    stage.change(public, RULE);
    is_over("closed", &mut open.0, Refusal::CredentialMissing);
}
