//! Floods over HTTP/1.1 in their quick form (sec-D1, sec-D2, sec-D3): each request gets its answer, nothing of
//! it reaches an upstream, and an honest client is served all the while. `cargo bench --bench floods` has
//! their long form, with memory and times.

use tollgate::clock::instant;

use crate::support::PATIENCE;
use crate::support::client::Client;
use crate::support::gateway::{FREELY, Gateway};
use crate::support::upstream::Upstream;

const ROUNDS: usize = 100;

struct Stage {
    honest: Client,
    upstream: Upstream,
    gateway: Gateway,
    secret: String,
}

fn stage() -> Stage {
    let upstream = Upstream::start();
    let limits = format!("head_timeout = \"1s\", {FREELY}");
    let gateway = Gateway::limited(&limits, upstream.address());
    let secret = gateway.any_token();
    let honest = Client::connect(gateway.public());
    let mut stage = Stage { honest, upstream, gateway, secret };
    stage.honest_is_served();
    stage
}

impl Stage {
    fn honest_is_served(&mut self) {
        let request = self.gateway.get("/honest", &self.secret);
        assert_eq!(self.honest.ask(request).status, 200);
    }

    /// Waits until no connection but the honest one is left.
    fn all_are_gone(&self, row: &str) {
        let begun = instant();
        while self.gateway.counted(|core| core.open.value()) > 1 {
            assert!(begun.elapsed() < PATIENCE, "{row}: connections stay open");
            std::thread::yield_now();
        }
    }

    fn only_honest_ones_arrived(&self, row: &str) {
        assert!(self.upstream.take().iter().all(|seen| seen.line().contains("/honest")), "{row}");
    }
}

#[test]
fn sec_d1_floods_of_bad_heads_are_answered_and_closed() {
    let mut stage = stage();
    let auth = format!("Host: a\r\nAuthorization: Bearer {}\r\n", stage.secret);
    for (row, head, status) in [
        ("no HTTP", "\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), 400),
        ("no version", format!("GET /x\r\n{auth}\r\n"), 400),
        ("a field without a name", format!("GET /x HTTP/1.1\r\n{auth}: y\r\n\r\n"), 400),
        ("a bare CR", format!("GET /x HTTP/1.1\r\n{auth}X: a\rb\r\n\r\n"), 400),
        ("a dot segment", format!("GET /a/../x HTTP/1.1\r\n{auth}\r\n"), 400),
        ("101 fields", format!("GET /x HTTP/1.1\r\n{auth}{}\r\n", "X: y\r\n".repeat(99)), 431),
        ("20 kB", format!("GET /x HTTP/1.1\r\n{auth}X: {}\r\n\r\n", "y".repeat(20_000)), 431),
    ] {
        for _ in 0..ROUNDS {
            let mut client = Client::connect(stage.gateway.public());
            client.send(&head);
            // What was sent beyond the limit and never read may take the answer with it.
            let answer = client.answer_to("GET");
            assert!(
                answer.as_ref().is_none_or(|found| found.status == status),
                "{row}: {answer:?}"
            );
            assert!(answer.is_some() || status == 431, "{row}: no answer");
            assert!(client.is_closed(), "{row}: it goes on");
            stage.honest_is_served();
        }
        stage.all_are_gone(row);
        stage.only_honest_ones_arrived(row);
    }
}

/// What it is called, the token of each request, and the status.
type Kind<'a> = (&'a str, &'a dyn Fn(usize) -> String, u16);

#[test]
fn sec_d1_floods_of_tokens_that_are_none_are_answered() {
    let mut stage = stage();
    let address = stage.gateway.public();
    let whole = stage.secret.clone();
    let kinds: [Kind<'_>; 4] = [
        ("not one byte of a token", &|n| "\u{fc}".repeat(n + 1), 400),
        ("too short for a token", &|n| format!("{n}"), 401),
        ("nobody's, each another", &|n| format!("7b1d0a52-52a7-4d4d-9f0e-{n:012x}"), 401),
        ("ours, but for the end", &|n| format!("{}{n}", &whole[..whole.len() - 3]), 401),
    ];
    for (row, token, status) in kinds {
        let mut flood = Client::connect(address);
        for number in 0..ROUNDS {
            let request = stage.gateway.get("/x", &token(number));
            flood.send(request.repeat(10));
            for _ in 0..10 {
                assert_eq!(flood.answer().status, status, "{row} {number}");
            }
            stage.honest_is_served();
        }
        stage.only_honest_ones_arrived(row);
    }
}

#[test]
fn sec_d2_many_heads_that_drip_are_all_ended() {
    let mut stage = stage();
    let connect = || {
        let mut client = Client::connect(stage.gateway.public());
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n");
        client
    };
    let mut slow: Vec<_> = (0..300).map(|_| connect()).collect();
    let begun = instant();
    while !slow.is_empty() {
        slow.retain_mut(|client| {
            client.send("X: y\r\n");
            !client.closes_within(std::time::Duration::from_millis(1))
        });
        stage.honest_is_served();
        assert!(begun.elapsed() < PATIENCE, "{} are still open", slow.len());
    }
    stage.only_honest_ones_arrived("heads that drip");
}

/// RFC 9112 section 2.2 lets a line end with a line feed alone. What stands behind it is a line to every check, and reaches the
/// upstream as one.
#[test]
fn sec_s5_a_bare_line_feed_ends_a_line_and_is_written_as_one() {
    let stage = stage();
    stage.upstream.take();
    let auth = format!("Host: a\nAuthorization: Bearer {}\n", stage.secret);
    let ask = |text: String| {
        let mut client = Client::connect(stage.gateway.public());
        client.send(text);
        client.finish();
        let answer = client.answer_to("GET").map(|answer| answer.status);
        assert!(client.is_closed());
        (answer, stage.upstream.take())
    };
    let smuggled = "X-A: b\nX-Tollgate-Owner: root\nX-Real-IP: 127.0.0.9\nX-B: c\n";
    let (status, seen) = ask(format!("GET /x HTTP/1.1\n{auth}{smuggled}\n"));
    assert_eq!((status, seen.len()), (Some(200), 1));
    let head = String::from_utf8_lossy(&seen[0].head);
    assert!(head.lines().count() > 4 && head.matches('\n').count() == head.matches("\r\n").count());
    let value = |name| seen[0].value(name).unwrap_or_default();
    assert_eq!((&*value("x-a"), &*value("x-b")), ("b", "c"), "{head}");
    assert!(!head.contains("root") && !head.contains("127.0.0.9"), "{head}");
    for (row, lines, wanted) in [
        ("a second token", "X-A: b\nAuthorization: Bearer x\n", Some(400)),
        ("a second host", "X-A: b\nHost: other\n", Some(400)),
        ("two lengths", "Content-Length: 3\r\nX-A: b\nContent-Length: 4\n", Some(400)),
        ("a framing that is none", "X-A: b\nTransfer-Encoding: xchunked\n", Some(400)),
    ] {
        let (status, seen) = ask(format!("POST /x HTTP/1.1\r\n{auth}{lines}\nabc"));
        assert_eq!((status, seen.len()), (wanted, 0), "{row}");
    }
}
