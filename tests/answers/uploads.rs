//! Uploads and answers that go on beside each other, and answers that do not wait for the upload.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::client::Client;
use crate::support::frames::{self, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, RST_STREAM};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream, ok};
use crate::support::wait_until;

/// More than the sockets of both sides and the gateway between them hold.
const LONG: usize = 48 << 20;

const STEP: Duration = Duration::from_millis(100);
/// Something is ended in time if it ends within this; the machine may be busy.
const GRACE: Duration = Duration::from_secs(9);

struct Stage {
    upstream: Upstream,
    gateway: Gateway,
    secret: String,
}

fn stage(limits: &str) -> Stage {
    let send = |text: &str| Step::Send(text.as_bytes().to_vec());
    let part = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nearly";
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly";
    let refusal =
        "HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\nConnection: close\r\n\r\ntoo";
    let upstream = Upstream::scripted(move |seen| match seen.line().split(' ').nth(1).unwrap() {
        "/beside" => vec![send(part), Step::TakeBody, send(" late")],
        "/before" => vec![send(whole), Step::TakeBody],
        "/refused" => vec![Step::TakeSome(1_000), send(refusal), send("big"), Step::Close],
        "/no" => vec![send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"), Step::Stall],
        "/talk" => vec![send(part), Step::Wait, send(" late"), Step::TakeBody],
        _ => ok("ok"),
    });
    let gateway = Gateway::start(&format!(
        "limits = {{ {limits} }}\n[[apis]]\nname = \"a\"\nupstream = \"http://{address}\"\n\
         rules = [{{ path = \"/{{*rest}}\" }}]\n\
         [[apis]]\nname = \"talk\"\npath = \"/talk\"\nupstream = \"http://{address}\"\n\
         upstream_stall_timeout = \"0\"\nrules = [{{ path = \"/talk\" }}]\n",
        address = upstream.address()
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    Stage { upstream, gateway, secret }
}

impl Stage {
    fn begin(&self, path: &str, length: usize) -> Client {
        self.gateway.begin_post(path, &self.secret, length)
    }

    fn taken(&self) -> usize {
        let seen = self.upstream.seen();
        seen.iter().filter(|seen| seen.complete).map(|seen| seen.body.len()).sum()
    }
}

#[test]
fn a_client_that_reads_nothing_until_it_has_sent_everything_gets_its_answer() {
    for path in ["/beside", "/before"] {
        let stage = stage("");
        let mut client = stage.begin(path, LONG);
        // Nothing of it comes out of the client before the upstream has said that it answers.
        stage.upstream.wait_for(1);
        client.send(vec![b'x'; LONG]);
        let found = client.answer_to("POST").unwrap();
        assert!(found.whole && found.text().starts_with("early"), "{path}: {found:?}");
        let what = format!("{path}: the upstream did not get all of it");
        wait_until(&what, GRACE, || stage.taken() >= LONG);
    }
}

#[test]
fn an_upload_may_go_on_for_longer_than_its_answer() {
    // It is no head that the client is slow to send, and not idle.
    let stage = stage("head_timeout = \"300ms\", idle_timeout = \"300ms\"");
    let mut client = stage.begin("/before", 800);
    assert_eq!(client.answer_to("POST").unwrap().text(), "early");
    // Longer than a limit and the tick of the core by which it may be late.
    for _ in 0..8 {
        client.send(vec![b'x'; 100]);
        std::thread::sleep(STEP);
    }
    wait_until("the upstream did not get all of it", GRACE, || stage.taken() >= 800);
}

#[test]
fn an_upload_that_stands_still_behind_its_answer_holds_no_upstream() {
    let stage = stage("stall_timeout = \"500ms\"");
    let mut frames = Frames::connect(stage.gateway.public(), 1_000);
    frames.send(HEADERS, END_HEADERS, 1, &frames::block("POST", "/before", &stage.secret, &[]));
    frames.send(DATA, 0, 1, b"x");
    while !frames.next_on(1).ends() {}
    // The answer is over; the stream is half open, and pings or other streams would keep the connection.
    wait_until("the upstream is still held", GRACE, || stage.upstream.open() == 0);
}

#[test]
fn an_upstream_that_refuses_an_upload_early_and_closes_is_heard() {
    let stage = stage("");
    for _ in 0..4 {
        let mut client = stage.begin("/refused", LONG);
        client.send(vec![b'x'; 100_000]);
        let found = client.answer_to("POST").unwrap();
        assert_eq!((found.status, found.text().as_str()), (413, "toobig"));
        // What was meant as a body is never taken for a request.
        client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(client.rest().is_empty());
        assert_eq!(stage.gateway.ask(stage.gateway.get("/x", &stage.secret)).text(), "ok");
    }
    assert!(!stage.upstream.take().iter().any(|seen| seen.line().contains("smuggled")));
}

/// RFC 9112 section 9.6: it reads once it has written everything, which takes longer than sockets hold.
#[test]
fn a_refused_client_that_writes_everything_first_gets_its_answer() {
    let stage = stage("");
    for (path, secret, status) in [("/x", "nobody", 401), ("/no/rule\\", &stage.secret, 400)] {
        let mut client = stage.gateway.begin_post(path, secret, LONG);
        let body = vec![b'x'; LONG];
        let mut stream = client.stream();
        std::io::Write::write_all(&mut stream, &body).unwrap_or_else(|e| panic!("{path} {e}"));
        let found = client.answer_to("POST").unwrap();
        assert_eq!(found.status, status, "{found:?}");
        assert_eq!(found.value("connection").as_deref(), Some("close"), "{found:?}");
    }
}

/// A short one is there with its head, and no reason to close.
#[test]
fn a_refused_client_that_sends_little_keeps_its_connection() {
    let stage = stage("");
    let mut client = Client::connect(stage.gateway.public());
    for _ in 0..3 {
        client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
        let found = client.answer_to("POST").unwrap();
        assert_eq!((found.status, found.value("connection")), (401, None));
    }
    // A long one of which all was taken is none either.
    for _ in 0..2 {
        client.send(format!(
            "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: 100000\r\n\r\n",
            stage.secret
        ));
        client.send(vec![b'x'; 100_000]);
        let found = client.answer_to("POST").unwrap();
        assert_eq!((found.status, found.value("connection")), (200, None));
    }
}

/// There is nothing to write then, by which its end would be noticed.
#[test]
fn an_upstream_that_closes_when_it_has_read_all_that_came_is_heard() {
    let stage = stage("");
    let mut client = stage.begin("/refused", LONG);
    client.send(vec![b'x'; 1_000]);
    assert_eq!(client.answer_to("POST").unwrap().text(), "toobig");
    assert!(client.rest().is_empty(), "the client is told that its upload is over");
}

#[test]
fn rfc9110_10_1_1_a_refusal_instead_of_a_go_ahead_gives_back_all_that_was_held() {
    let stage = stage("idle_timeout = \"500ms\", stall_timeout = \"500ms\"");
    let shared = stage.gateway.app().shared();
    let held = || {
        let under_way: u64 = shared.counters.cores.iter().map(|core| core.under_way.value()).sum();
        (stage.upstream.open(), under_way, shared.connections.load(Ordering::SeqCst))
    };
    for path in ["/no", "/refused"] {
        let mut clients: Vec<_> =
            (0..20).map(|_| Client::connect(stage.gateway.public())).collect();
        for client in &mut clients {
            client.send(format!(
                "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\
                 Content-Length: 2000\r\nExpect: 100-continue\r\n\r\n",
                secret = stage.secret
            ));
        }
        if path == "/refused" {
            // It says so when a part of the body has come.
            clients.iter_mut().for_each(|client| client.send(vec![b'x'; 1_000]));
        }
        for client in &mut clients {
            let found = client.answer_to("POST").unwrap();
            assert!(matches!(found.status, 403 | 413), "{path}: {found:?}");
        }
        // They neither send the rest nor go away.
        wait_until(&format!("{path}: some are still held"), GRACE, || held() == (0, 0, 0));
    }
}

#[test]
fn an_early_refusal_over_http2_ends_the_stream_alone() {
    let stage = stage("");
    let mut frames = Frames::connect(stage.gateway.public(), 1 << 16);
    frames.send(HEADERS, END_HEADERS, 1, &frames::block("POST", "/refused", &stage.secret, &[]));
    frames.send(DATA, 0, 1, &[b'x'; 4_000]);
    let mut body = Vec::new();
    loop {
        let frame = frames.next_on(1);
        assert_ne!(frame.kind, RST_STREAM, "the answer comes first");
        let ends = frame.ends();
        if frame.kind == DATA {
            body.extend(frame.payload);
        }
        if ends {
            break;
        }
    }
    assert_eq!(body, b"toobig");
    frames.send(DATA, END_STREAM, 1, b"x");
    frames.get(3, "/x", &stage.secret);
    assert_eq!(frames.next_on(3).status(), Some(200));
}

#[test]
fn rfc9112_7_1_an_upload_over_http2_ends_behind_its_last_part() {
    let stage = stage("");
    let mut frames = Frames::connect(stage.gateway.public(), 1 << 16);
    for (stream, sizes) in [(1, &[5_000][..]), (3, &[5, 9_000]), (5, &[9_000, 5]), (7, &[9_000, 0])]
    {
        frames.send(HEADERS, END_HEADERS, stream, &frames::block("POST", "/x", &stage.secret, &[]));
        for (place, size) in sizes.iter().enumerate() {
            let flags = if place + 1 == sizes.len() { END_STREAM } else { 0 };
            frames.send(DATA, flags, stream, &vec![b'x'; *size]);
        }
        assert_eq!(frames.next_on(stream).status(), Some(200), "{sizes:?}");
        let seen = stage.upstream.take().remove(0);
        // With its framing: each chunk, and one end behind them all.
        let text = String::from_utf8(seen.body).unwrap();
        let data = text.split("\r\n").filter(|line| line.starts_with('x')).map(str::len);
        assert_eq!(data.sum::<usize>(), sizes.iter().sum::<usize>(), "{sizes:?}");
        assert!(text.ends_with("x\r\n0\r\n\r\n"), "{sizes:?}");
        assert_eq!(text.matches("\r\n0\r\n").count(), 1, "{sizes:?}");
    }
}

#[test]
fn rfc9113_8_1_an_upload_over_http2_that_is_reset_never_looks_complete() {
    const REASONS: [u32; 2] = [0, 8];
    let stage = stage("");
    let mut frames = Frames::connect(stage.gateway.public(), 1 << 16);
    let mut stream = 1;
    // Before its answer, and beside it.
    for (path, reason) in
        ["/x", "/beside"].into_iter().flat_map(|path| REASONS.map(|one| (path, one)))
    {
        frames.send(HEADERS, END_HEADERS, stream, &frames::block("POST", path, &stage.secret, &[]));
        frames.send(DATA, 0, stream, &[b'x'; 9_000]);
        if path == "/beside" {
            while frames.next_on(stream).kind != DATA {}
        }
        stage.upstream.wait_for(1);
        frames.send(RST_STREAM, 0, stream, &reason.to_be_bytes());
        let what = format!("{path} {reason}: the upstream is still held");
        wait_until(&what, GRACE, || stage.upstream.open() == 0);
        let seen = stage.upstream.take_one();
        let text = String::from_utf8(seen.body).unwrap();
        assert!(!seen.complete && !text.ends_with("0\r\n\r\n"), "{path} {reason}");
        stream += 2;
    }
    frames.get(stream, "/x", &stage.secret);
    assert_eq!(frames.next_on(stream).status(), Some(200));
}

#[test]
fn a_conversation_may_be_silent_on_both_sides() {
    let stage = stage("stall_timeout = \"300ms\"");
    let mut client = stage.begin("/talk", 10);
    client.send("x");
    client.wait_for("early");
    // Longer than the limit, as others show that began later and are over.
    for _ in 0..2 {
        let mut other = stage.begin("/beside", 10);
        other.send("x");
        assert!(!other.answer_to("POST").unwrap().whole);
    }
    stage.upstream.go_on();
    client.send("xxxxxxxxx");
    let found = client.answer_to("POST").unwrap();
    assert!(found.whole && found.text() == "early late", "{found:?}");
}
