//! Whoever shows one token after the other that is nobody's is answered ever later, and then refused for a while (429):
//! by the address of the client, over both versions of HTTP. Nobody else waits for it, and no token that is in use is
//! locked out (sec-C4).

use std::time::Duration;

use http::Request;
use http_body_util::Full;
use serde_json::json;
use tollgate::clock::instant;
use tollgate::domain::refusal::Refusal;
use tollgate::domain::time::Span;

use crate::support::client::Client;
use crate::support::frames::{self, END_HEADERS, END_STREAM, Frames, HEADERS};
use crate::support::gateway::{Gateway, START};
use crate::support::http2;
use crate::support::upstream::Upstream;
use crate::support::{PATIENCE, wait_until};

/// Four at once, up to twelve late.
const LIMITS: &str = "limits.failures = { slow_after = 4, refuse_after = 12, refuse_for = \"1m\", \
                      longest_delay = \"80ms\" }";

/// The same in no time.
const QUICK: &str = "limits.failures = { slow_after = 4, refuse_after = 12, refuse_for = \"1m\", \
                     longest_delay = \"1ms\" }";

/// In the order in which it is dropped.
struct Stage {
    _upstream: Upstream,
    gateway: Gateway,
}

impl Stage {
    fn new(more: &str) -> Self {
        let upstream = Upstream::start();
        let gateway = Gateway::start(&format!(
            "{more}\n[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\nrules = [\n\
             {{ path = \"/x\" }}, {{ path = \"/open\", public = true }}]\n",
            upstream.address()
        ));
        gateway.owner("somebody");
        Self { _upstream: upstream, gateway }
    }

    fn from(&self, source: &str) -> Client {
        Client::connect_from(source, self.gateway.public())
    }

    fn http2_from(&self, source: &str) -> http2::Client {
        http2::Client::connect_from(source, self.gateway.public())
    }

    /// The status of one request on a connection of its own.
    fn status(&self, source: &str, secret: &str) -> u16 {
        self.from(source).ask(self.gateway.get("/x", secret)).status
    }

    /// Tries tokens, each another one, until the address is refused; says how many were answered before.
    fn guess_until_refused(&self, source: &str) -> u32 {
        let mut client = self.from(source);
        let tried = (0..1_000).find(|number| {
            let answer = client.ask(self.gateway.get("/x", &guess(*number)));
            assert!(matches!(answer.status, 401 | 429), "{}", answer.status);
            answer.status == 429
        });
        tried.expect("it was never refused")
    }

    fn loads(&self) -> u64 {
        self.gateway.app().shared().cache.counts.loads.read().count()
    }

    fn late(&self) -> u64 {
        self.gateway.counted(|core| core.failures_late.value())
    }

    fn refused(&self) -> u64 {
        self.gateway.counted(|core| core.refusals.of(Refusal::TooManyFailures))
    }

    fn wait(&self, seconds: u64) {
        self.gateway.clock().advance(Span::from_seconds(seconds));
        self.gateway.wait_for_upkeep();
    }
}

/// A token that could be one and is nobody's.
fn guess(number: u32) -> String {
    format!("7b1d0a52-52a7-4d4d-9f0e-{number:012x}")
}

fn request(secret: &str) -> Request<Full<bytes::Bytes>> {
    let request = Request::get("http://a.example/x");
    request.header("authorization", format!("Bearer {secret}")).body(Full::default()).unwrap()
}

/// Whatever it is that opens nothing, over both versions.
fn are_refused(stage: &Stage, one: &mut Client, other: &mut http2::Client) {
    for number in 12..20 {
        let answer = one.ask(stage.gateway.get("/x", &guess(number)));
        assert_eq!((answer.status, answer.value("retry-after").as_deref()), (429, Some("60")));
        assert_eq!(answer.value("content-type").as_deref(), Some("application/problem+json"));
        assert_eq!(answer.value("cache-control").as_deref(), Some("no-store"));
        assert!(answer.values("www-authenticate").is_empty());
        let answer = other.ask(request(&guess(100 + number)));
        assert_eq!((answer.status, answer.value("retry-after").as_deref()), (429, Some("60")));
        assert_eq!(stage.status("127.0.0.2", &guess(number)), 429);
    }
}

#[test]
fn sec_c4_guesses_are_answered_ever_later_and_then_refused() {
    let stage = Stage::new(LIMITS);
    let (known, cold, later) =
        (stage.gateway.any_token(), stage.gateway.any_token(), stage.gateway.any_token());
    let mut honest = stage.from("127.0.0.2");
    assert_eq!(honest.ask(stage.gateway.get("/x", &known)).status, 200);
    let (mut one, mut other) = (stage.from("127.0.0.2"), stage.http2_from("127.0.0.2"));
    for number in 0..12_u32 {
        let begun = instant();
        let status = match number % 2 {
            0 => one.ask(stage.gateway.get("/x", &guess(number))).status,
            _ => other.ask(request(&guess(number))).status,
        };
        let least = Duration::from_millis(20) * (number + 1).saturating_sub(4).min(4);
        assert_eq!(status, 401, "{number}");
        assert!(begun.elapsed() >= least, "{number}: {:?} of {least:?}", begun.elapsed());
        assert_eq!(honest.ask(stage.gateway.get("/x", &known)).status, 200);
    }
    assert_eq!((stage.late(), stage.refused()), (8, 0));
    // The store is asked for none of them.
    let loads = stage.loads();
    are_refused(&stage, &mut one, &mut other);
    assert_eq!(stage.status("127.0.0.2", &cold), 429, "it might be one more guess");
    // But for the one that was too many.
    assert_eq!(stage.loads(), loads + 1);
    // What is in memory passes, whatever core it comes to, and what needs no token does.
    for _ in 0..20 {
        assert_eq!(stage.status("127.0.0.2", &known), 200);
        assert_eq!(stage.http2_from("127.0.0.2").ask(request(&known)).status, 200);
    }
    assert_eq!(one.ask("GET /open HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    // So does everything from elsewhere, which brings a token into memory.
    assert_eq!(stage.status("127.0.0.3", &guess(1_000)), 401);
    assert_eq!(stage.status("127.0.0.3", &cold), 200);
    assert_eq!(stage.status("127.0.0.2", &cold), 200);
    let counted = stage.gateway.counted(|core| core.failures_shut_out.value());
    assert_eq!((stage.refused(), counted), (8 * 3 + 1, 1));
    stage.wait(59);
    assert_eq!(one.ask(stage.gateway.get("/x", &later)).status, 429);
    stage.wait(1);
    assert_eq!(one.ask(stage.gateway.get("/x", &later)).status, 200);
    assert_eq!(one.ask(stage.gateway.get("/x", &guess(2_000))).status, 401, "it may try again");
}

#[test]
fn nobody_waits_for_the_answer_that_somebody_else_gets_late() {
    let stage = Stage::new(
        "limits.failures = { slow_after = 1, longest_delay = \"10s\", refuse_after = 0 }",
    );
    let good = stage.gateway.any_token();
    assert_eq!(stage.status("127.0.0.2", &guess(0)), 401);
    let mut slowed = stage.from("127.0.0.2");
    slowed.send(stage.gateway.get("/x", &guess(1)));
    let mut over_http2 = stage.http2_from("127.0.0.2");
    over_http2.begin(request(&guess(2)));
    wait_until("none is answered late", PATIENCE, || stage.late() == 2);
    for _ in 0..20 {
        assert_eq!(stage.status("127.0.0.2", &good), 200);
        assert_eq!(over_http2.ask(request(&good)).status, 200, "on the same connection");
    }
    let under_way = || stage.gateway.counted(|core| core.under_way.value());
    wait_until("both wait, and nobody else", PATIENCE, || under_way() == 2);
    // A client that leaves takes its answer with it.
    drop((slowed, over_http2));
    wait_until("it waits for nobody", PATIENCE, || under_way() == 0);
}

/// Where an API lets a token stand elsewhere (sec-A3), guesses count there, too.
#[test]
fn sec_c4_guesses_in_a_cookie_or_an_address_are_refused_alike() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&format!(
        "{QUICK}\n[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\ntoken_cookie = \"t\"\n\
         token_query = \"t\"\nrules = [{{ path = \"/x\" }}]\n",
        upstream.address()
    ));
    for (source, in_cookie) in [("127.0.0.2", true), ("127.0.0.3", false)] {
        let mut client = Client::connect_from(source, gateway.public());
        for number in 0..14 {
            let guess = guess(number);
            let request = match in_cookie {
                true => format!("GET /x HTTP/1.1\r\nHost: a\r\nCookie: t={guess}\r\n\r\n"),
                false => format!("GET /x?t={guess} HTTP/1.1\r\nHost: a\r\n\r\n"),
            };
            let wanted = if number < 12 { 401 } else { 429 };
            assert_eq!(client.ask(request).status, wanted, "{source} {number}");
        }
    }
}

/// A program that nobody tends asks with the same dead token again and again, and others of its site are none the worse.
#[test]
fn sec_c4_a_program_with_a_dead_token_locks_nobody_out() {
    let stage = Stage::new(QUICK);
    let made = |body: serde_json::Value| {
        let mut all = json!({ "owner": "somebody", "name": "x", "flags": -1 });
        all.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        stage.gateway.token(all)
    };
    stage.gateway.owner("blocked");
    let (revoked, disabled) = (made(json!({})), made(json!({})));
    let unborn = made(json!({ "not_before": START.plus(Span::from_days(1)).to_string() }));
    let blocked = made(json!({ "owner": "blocked" }));
    stage.gateway.revoke(revoked.id);
    stage.gateway.disable(disabled.id);
    stage.gateway.block("blocked");
    let dead = [&revoked, &disabled, &unborn, &blocked].map(|made| made.secret.clone());
    let dead = dead.into_iter().chain([guess(0), "mistyped".to_owned()]);
    for (nth, secret) in dead.enumerate() {
        let (source, before) = (format!("127.0.1.{}", nth + 1), stage.late());
        let mut client = stage.from(&source);
        for _ in 0..50 {
            assert_eq!(client.ask(stage.gateway.get("/x", &secret)).status, 401, "{nth}");
        }
        // X1: whatever is wrong with it, it is told alike and as late.
        assert_eq!(stage.late() - before, 46, "{nth}");
        assert_eq!(stage.status(&source, &stage.gateway.any_token()), 200, "{nth}");
    }
    assert_eq!(stage.refused(), 0);
}

/// Who shows a live secret, or none, does not guess.
#[test]
fn what_is_no_guess_does_not_count() {
    let stage = Stage::new(QUICK);
    let made = |body: serde_json::Value| {
        let mut all = json!({ "owner": "somebody", "name": "x" });
        all.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        stage.gateway.token(all).secret
    };
    let expired = made(json!({ "lifetime": "60s" }));
    let elsewhere = made(json!({ "conditions": { "networks": ["203.0.113.0/24"] } }));
    stage.wait(61);
    let get = |secret: &str| stage.gateway.get("/x", secret);
    let mut client = stage.from("127.0.0.2");
    for _ in 0..30 {
        for (request, status) in [
            (get(&expired), 401),
            (get(&elsewhere), 403),
            (get("two words"), 400),
            ("GET /x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 401),
            ("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 401),
        ] {
            assert_eq!(client.ask(&request).status, status, "{request}");
        }
    }
    assert_eq!(stage.late(), 0);
    // And is told the same while the address is refused.
    assert_eq!(stage.guess_until_refused("127.0.0.2"), 12);
    assert_eq!(client.ask(get(&expired)).status, 401);
}

/// sec-H4: it is the client whom a trusted proxy names that is refused, and neither the proxy nor its other clients.
#[test]
fn sec_h4_behind_a_trusted_proxy_it_is_the_client_who_is_refused() {
    let stage = Stage::new(&format!(
        "{QUICK}\nproxies = {{ trusted = [\"127.0.0.5\"], header = \"forwarded\" }}"
    ));
    let (mut one, mut other) = (stage.from("127.0.0.5"), stage.http2_from("127.0.0.5"));
    let mut ask = |client: &str, number: u32| {
        let line = match client {
            "" => String::new(),
            client => format!("Forwarded: for=\"{client}\"\r\n"),
        };
        let get = stage.gateway.get("/x", &guess(number));
        let first = one.ask(get.replace("Host:", &format!("{line}Host:"))).status;
        let mut again = request(&guess(10_000 + number));
        if !client.is_empty() {
            let value = format!("for=\"{client}\"").parse().unwrap();
            again.headers_mut().insert("forwarded", value);
        }
        (first, other.ask(again).status)
    };
    for number in 0..6 {
        assert_eq!(ask("203.0.113.9", number), (401, 401));
    }
    for number in 6..9 {
        assert_eq!(ask("203.0.113.9", number), (429, 429));
        assert_eq!(ask("203.0.113.10", number % 6), (401, 401), "another client");
    }
    // A network of IPv6 is one client.
    for number in 0..6 {
        assert_eq!(ask(&format!("[2001:db8::{number:x}]"), number), (401, 401));
    }
    assert_eq!(ask("[2001:db8::99]", 6), (429, 429));
    assert_eq!(ask("[2001:db8:0:1::1]", 6), (401, 401));
    // Nor is what comes of the proxy itself.
    for number in 0..30 {
        assert_eq!(ask("", number), (401, 401));
    }
    // Whoever is not believed is one client, whatever it says.
    let mut liar = stage.from("127.0.0.6");
    for number in 0..14_u32 {
        let get = stage.gateway.get("/x", &guess(number));
        let line = format!("Forwarded: for=198.51.100.{number}\r\nHost:");
        let status = liar.ask(get.replace("Host:", &line)).status;
        assert_eq!(status, if number < 12 { 401 } else { 429 }, "{number}");
    }
}

#[test]
fn many_addresses_are_refused_one_by_one() {
    let stage = Stage::new(QUICK);
    let good = stage.gateway.any_token();
    let mut honest = stage.from("127.0.0.2");
    for nth in 0..200 {
        assert_eq!(stage.guess_until_refused(&format!("127.2.{nth}.1")), 12);
        assert_eq!(honest.ask(stage.gateway.get("/x", &good)).status, 200);
    }
    assert_eq!(stage.refused(), 200);
    assert_eq!(stage.status("127.0.0.2", &stage.gateway.any_token()), 200);
}

/// Answers that wait are memory: there are 1,024 of them for each core at the most, of which there are two.
#[test]
fn few_answers_wait_and_more_are_refused() {
    const CONNECTIONS: usize = 20;
    let stage = Stage::new(
        "limits.failures = { slow_after = 1, longest_delay = \"10s\", refuse_after = 0 }",
    );
    let good = stage.gateway.any_token();
    assert_eq!(stage.status("127.0.0.2", &guess(0)), 401);
    let (block, begun) = (frames::block("GET", "/x", &guess(0), &[]), instant());
    let mut flood: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let mut frames = Frames::from("127.0.0.2", stage.gateway.public(), 1 << 16);
            let head =
                |nth: u32| frames::frame(HEADERS, END_HEADERS | END_STREAM, 2 * nth + 1, &block);
            frames.send_bytes(&(0..128).flat_map(head).collect::<Vec<u8>>());
            frames
        })
        .collect();
    let all = u64::try_from(CONNECTIONS * 128).unwrap();
    wait_until("some have no answer and do not wait", PATIENCE, || {
        stage.late() + stage.refused() >= all
    });
    // Unless this machine took so long that some had waited for long enough.
    let in_time = begun.elapsed() < Duration::from_secs(10);
    assert!(stage.refused() >= all - 2 * 1_024 || !in_time, "{} are refused", stage.refused());
    assert_eq!(stage.status("127.0.0.2", &good), 200);
    flood.clear();
    wait_until("they wait for nobody", PATIENCE, || {
        stage.gateway.counted(|core| core.under_way.value()) == 0
    });
    let (late, refused) = (stage.late(), stage.refused());
    let mut slowed = stage.from("127.0.0.2");
    slowed.send(stage.gateway.get("/x", &guess(0)));
    wait_until("there is room again", PATIENCE, || stage.late() > late);
    assert_eq!(stage.refused(), refused);
}

#[test]
fn a_reload_changes_it_for_the_next_request() {
    let stage = Stage::new(QUICK);
    let cold = stage.gateway.any_token();
    assert_eq!(stage.guess_until_refused("127.0.0.2"), 12);
    let mut client = stage.from("127.0.0.2");
    assert_eq!(client.ask(stage.gateway.get("/x", &cold)).status, 429);
    let text = std::fs::read_to_string(stage.gateway.source()).unwrap();
    let off = text.replace("slow_after = 4, refuse_after = 12", "slow_after = 0, refuse_after = 0");
    std::fs::write(stage.gateway.source(), off).unwrap();
    stage.gateway.app().reloader().reload().unwrap();
    let late = stage.late();
    assert_eq!(client.ask(stage.gateway.get("/x", &cold)).status, 200);
    for number in 0..300 {
        assert_eq!(client.ask(stage.gateway.get("/x", &guess(number))).status, 401);
    }
    assert_eq!(stage.late(), late);
}
