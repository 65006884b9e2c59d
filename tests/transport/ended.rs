//! Whatever ends the right of a token to what it is doing ends its streams, of each kind and in its own way.

use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use http::Request;
use serde_json::{Value, json};

use tollgate::domain::refusal::Refusal;
use tollgate::domain::secret::Digest;
use tollgate::domain::time::Span;

use crate::streams::{BOUND, endless, ticker};
use crate::support::client::Client;
use crate::support::gateway::{Gateway, Made};
use crate::support::http2;
use crate::support::steps::Steps;
use crate::support::{PATIENCE, wait_until};
use crate::websockets::{Talk, code, frame, open, talker};

const EVENT_END: &str = "and the second\n\n";

/// Each takes its server a twenty-fifth of a second: within so many a stream is looked at twice at least.
const LOOKS_EVENTS: usize = 50;

/// A message of gRPC (gRPC over HTTP/2, "Requests"), in two halves.
const MESSAGE: [&[u8]; 2] = [b"\0\0\0\0\x0bhel", b"lo, you!"];

/// One stream of each kind, of one token.
struct Streams {
    websocket: (Client, Talk),
    events: Client,
    call: thread::JoinHandle<http2::Answer>,
}

/// A gateway before an API for each kind of stream.
struct Stage {
    gateway: Gateway,
    talks: Receiver<Talk>,
}

fn api(name: &str, upstream: SocketAddr) -> String {
    format!(
        "[[apis]]\nname = \"{name}\"\npath = \"/{name}\"\nupstream = \"http://{upstream}\"\nrules = [{{ \
         path = \"/{name}\", context = \"stock\", flags = [\"view\"], roles = [\"clerk\"] }}]\n"
    )
}

impl Stage {
    fn new() -> Self {
        let (address, talks) = talker(b"");
        let apis = [
            api("talk", address),
            api("events", ticker()),
            api("call", endless("application/grpc", MESSAGE)),
        ];
        let gateway = Gateway::start(&format!(
            "[flags]\nview = 1\nedit = 2\n[contexts.stock]\n[contexts.sales]\n{}",
            apis.concat()
        ));
        gateway.company(&json!({ "id": "acme" }));
        for id in ["somebody", "another"] {
            gateway.try_owner(json!({ "id": id, "roles": ["clerk"] })).unwrap();
        }
        Self { gateway, talks }
    }

    /// A token that opens all of it, changed by `more`.
    fn token(&self, more: &Value) -> Made {
        let mut body = json!({
            "owner": "somebody", "name": "any", "company": "acme", "contexts": ["stock"], "flags": 1,
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.gateway.token(body)
    }

    fn begin(&self, secret: &str) -> Streams {
        let (mut client, mut talk) = open(&self.gateway, &self.talks, secret);
        talk.send(&frame("hello"));
        assert_eq!(client.read_to("hello"), frame("hello"));
        let mut events = Client::connect(self.gateway.public());
        events.send(self.gateway.get("/events", secret));
        events.wait_for(EVENT_END);
        let connected = || self.gateway.counted(|core| core.connected.value());
        let before = connected();
        let call = Request::post("http://a.example/call")
            .header("authorization", format!("Bearer {secret}"))
            .header("content-type", "application/grpc")
            .body(http_body_util::Full::default())
            .unwrap();
        let mut caller = http2::Client::connect(self.gateway.public());
        let call = thread::spawn(move || caller.ask(call));
        wait_until("the call never began", PATIENCE, || connected() > before);
        Streams { websocket: (client, talk), events, call }
    }
}

impl Streams {
    /// All of them end for this reason, soon after `begun`.
    fn end(self, what: &str, refusal: Refusal, begun: &Steps, bound: Duration) {
        let Self { websocket: (mut client, mut talk), mut events, call } = self;
        let (close, answer) = thread::scope(|scope| {
            let in_time = |kind: &str| {
                let took = begun.elapsed();
                assert!(took < bound, "{what}: {kind} after {took:?}");
            };
            let events = scope.spawn(move || {
                let answer = events.answer();
                in_time("the stream of events");
                answer
            });
            let call = scope.spawn(move || {
                let answer = call.join().unwrap();
                in_time("the call");
                answer
            });
            let close = client.rest();
            in_time("the WebSocket");
            let answer = events.join().unwrap();
            assert!(
                answer.whole && answer.text().ends_with(EVENT_END),
                "{what}: {}",
                answer.text()
            );
            (close, call.join().unwrap())
        });
        assert_eq!(code(&close), Some(1008), "{what}: {close:?}");
        let told = String::from_utf8_lossy(&close[4..]);
        assert_eq!(told, refusal.detail(), "{what}");
        talk.rest();
        assert_eq!(answer.body.len() % MESSAGE.concat().len(), 0, "{what}: whole messages");
        let status = match refusal.status() {
            401 => "16",
            403 => "7",
            _ => "14",
        };
        assert_eq!(answer.trailers["grpc-status"], status, "{what}");
        assert_eq!(answer.trailers["grpc-message"], refusal.detail(), "{what}");
    }
}

/// The streams of a token with these changes end once that was done; another token's go on.
fn ends(what: &str, more: &Value, refusal: Refusal, end: impl Fn(&Gateway, &Made)) {
    ends_within(BOUND, what, more, refusal, end);
}

fn ends_within(
    bound: Duration,
    what: &str,
    more: &Value,
    refusal: Refusal,
    end: impl Fn(&Gateway, &Made),
) {
    let stage = Stage::new();
    let (made, stays) =
        (stage.token(more), stage.token(&json!({ "owner": "another", "company": null })));
    let (mut kept, mut kept_talk) = open(&stage.gateway, &stage.talks, &stays.secret);
    let streams = stage.begin(&made.secret);
    end(&stage.gateway, &made);
    streams.end(what, refusal, &Steps::begin(), bound);
    kept_talk.send(&frame("still"));
    assert_eq!(kept.read_to("still"), frame("still"), "{what}: others go on");
    assert_eq!(stage.gateway.counted(|core| core.cut_by_token.value()), 3, "{what}");
}

fn advance(gateway: &Gateway, seconds: u64) {
    gateway.clock().advance(Span::from_seconds(seconds));
}

/// The clock begins on a Friday noon.
#[test]
fn streams_end_when_the_hours_or_the_days_of_their_token_are_over() {
    let window = |from: u16, until: u16| {
        json!({ "conditions": { "windows": [
            { "days": [5], "from_minute": from, "until_minute": until },
        ] } })
    };
    ends("hours", &window(600, 780), Refusal::TimeNotAllowed, |gateway, _| advance(gateway, 3_600));
    ends("days", &window(0, 1_440), Refusal::TimeNotAllowed, |gateway, _| {
        advance(gateway, 12 * 3_600);
    });
}

#[test]
fn streams_end_when_their_token_expires_or_is_revoked() {
    let lifetime = json!({ "lifetime": "3000s" });
    ends("expired", &lifetime, Refusal::Expired, |gateway, _| advance(gateway, 3_000));
    ends("revoked", &json!({}), Refusal::Revoked, |gateway, made| gateway.revoke(made.id));
}

#[test]
fn streams_end_when_the_company_of_their_token_is_blocked_or_loses_its_licence() {
    ends("blocked", &json!({}), Refusal::CompanyBlocked, |gateway, _| {
        gateway.block_company("acme");
    });
    ends("unlicensed", &json!({}), Refusal::ContextUnlicensed, |gateway, _| {
        gateway.update_company("acme", &json!({ "contexts": ["sales"] }));
    });
}

#[test]
fn streams_end_when_their_token_loses_what_their_rule_asks_for() {
    let none = json!({});
    ends("context", &none, Refusal::ContextMissing, |gateway, made| {
        gateway.update(made.id, &json!({ "contexts": ["sales"] }));
    });
    ends("flag", &none, Refusal::FlagsMissing, |gateway, made| {
        gateway.update(made.id, &json!({ "flags": 2 }));
    });
    ends("network", &none, Refusal::AddressNotAllowed, |gateway, made| {
        gateway.update(made.id, &json!({ "conditions": { "networks": ["192.0.2.0/24"] } }));
    });
}

#[test]
fn streams_end_when_the_owner_of_their_token_is_blocked_or_may_less() {
    let none = json!({});
    ends("blocked", &none, Refusal::OwnerBlocked, |gateway, _| gateway.block("somebody"));
    ends("ceiling", &none, Refusal::FlagsMissing, |gateway, _| {
        gateway.update_owner("somebody", &json!({ "ceiling": 2 }));
    });
    ends("role", &none, Refusal::RoleMissing, |gateway, _| {
        gateway.update_owner("somebody", &json!({ "roles": [] }));
    });
}

/// Row X7. The record was changed, as far as memory knows, and the store cannot tell how: that is looked at twice.
#[test]
fn x7_streams_end_when_their_record_cannot_be_read_anew() {
    let bound = BOUND + Duration::from_millis(500);
    ends_within(bound, "unreadable", &json!({}), Refusal::CannotDecide, |gateway, made| {
        let cache = std::sync::Arc::clone(&gateway.app().shared().cache);
        let digest = Digest::of(made.secret.as_bytes());
        gateway.app().control().block_on(async move {
            cache.store().close().await.unwrap();
            assert!(cache.reload(&digest).await.is_err());
        });
    });
}

/// Whoever finishes them has no store any more: the successor is asked for the record.
#[test]
fn streams_that_the_gateway_before_finishes_outlive_changes_and_end_for_the_same_reasons() {
    type Ends = fn(&Gateway, &Made);
    let ends: [(Refusal, Ends); 3] = [
        (Refusal::Revoked, |gateway, made| gateway.revoke(made.id)),
        (Refusal::OwnerBlocked, |gateway, _| gateway.block("somebody")),
        (Refusal::FlagsMissing, |gateway, made| gateway.update(made.id, &json!({ "flags": 2 }))),
    ];
    for (refusal, end) in ends {
        let what = format!("{refusal:?}");
        let mut stage = Stage::new();
        let made = stage.token(&json!({}));
        let mut streams = stage.begin(&made.secret);
        // Read meanwhile, so that the others stay as they are.
        let mut events = Client::connect(stage.gateway.public());
        events.send(stage.gateway.get("/events", &made.secret));
        let before = stage.gateway.succeed();
        stage.gateway.update(made.id, &json!({ "name": "another name" }));
        stage.gateway.update_owner("somebody", &json!({ "email": "somebody@a.example" }));
        for _ in 0..LOOKS_EVENTS {
            events.read_to(EVENT_END);
        }
        let (client, talk) = &mut streams.websocket;
        talk.send(&frame("still"));
        assert_eq!(client.read_to("still"), frame("still"), "{what}");
        assert!(!streams.call.is_finished() && !before.is_finished(), "{what}");
        end(&stage.gateway, &made);
        streams.end(&what, refusal, &Steps::begin(), BOUND);
        before.join().unwrap().unwrap();
    }
}

/// A request is counted when it begins; what lasts has its place by then.
#[test]
fn limits_that_others_use_up_end_no_stream() {
    for limits in [
        json!({ "quotas": { "hour": 3, "day": 3 } }),
        json!({ "uses": 3 }),
        json!({ "rate": { "requests": 3, "per": "hour" } }),
    ] {
        let stage = Stage::new();
        let gateway = &stage.gateway;
        let (made, other) = (stage.token(&json!({ "limits": limits })), stage.token(&json!({})));
        let mut streams = stage.begin(&made.secret);
        assert_eq!(gateway.ask(gateway.get("/events", &made.secret)).status, 429, "{limits}");
        // Nor does a limit that is lower than what was used already.
        gateway.update(made.id, &json!({ "limits": { "uses": 1 } }));
        let mut events = Client::connect(gateway.public());
        events.send(gateway.get("/events", &other.secret));
        for _ in 0..LOOKS_EVENTS {
            events.read_to(EVENT_END);
        }
        assert_eq!(gateway.counted(|core| core.cut_by_token.value()), 0, "{limits}");
        let (client, talk) = &mut streams.websocket;
        talk.send(&frame("still"));
        assert_eq!(client.read_to("still"), frame("still"), "{limits}");
        gateway.revoke(made.id);
        streams.end("revoked", Refusal::Revoked, &Steps::begin(), BOUND);
    }
}
