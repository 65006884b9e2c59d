//! Upstreams that say more than they were asked, or something else (sec-S13, sec-S9, sec-F3): whoever asks next, over
//! whatever version, gets the answer to their own request.

use super::table::{Stage, http2};
use crate::support::client::Client;
use crate::support::frames::{Frames, Reply};
use crate::support::upstream::{Seen, Step, Upstream, ok};
use crate::support::{PATIENCE, wait_until};

const POISON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

/// What an upstream says on `/public/bad`, behind how much of which there may be an answer, and the status of that.
const BAD: [(&str, &str, u16); 16] = [
    ("two answers", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", 200),
    ("more than its length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbadXXXX", 200),
    ("a body behind none", "HTTP/1.1 204 No Content\r\n\r\nXXXX", 204),
    (
        "a body behind an unchanged one",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nbad",
        304,
    ),
    (
        "something behind the last chunk",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n",
        200,
    ),
    ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nbad", 502),
    ("a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nbad", 502),
    (
        "a coding that is none",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n",
        502,
    ),
    (
        "an unasked change of protocol",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        502,
    ),
    ("no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", 502),
    ("an older HTTP", "<html></html>\r\n\r\n", 502),
    ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 502),
    ("a field in two lines", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 3\r\n\r\nbad", 502),
    ("a NUL", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 3\r\n\r\nbad", 502),
    ("zeros", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n", 502),
    ("no status", "HTTP/1.1 \r\n\r\n", 502),
];

fn stage(bad: String) -> Stage {
    Stage::before(Upstream::scripted(move |seen| match seen.line() {
        line if line.contains("/bad") => {
            vec![Step::TakeBody, Step::Send(bad.clone().into_bytes()), Step::Stall]
        }
        _ => ok("good"),
    }))
}

fn head(stage: &Stage, path: &str) -> (String, Vec<u8>) {
    let (line, lines) =
        (format!("GET {path} HTTP/1.1"), format!("Host: a.example\r\n{}", stage.auth()));
    (format!("{line}\r\n{lines}\r\n"), http2(&line, &lines).unwrap())
}

/// A client of each version, whose connections go on.
struct Clients {
    http1: Client,
    frames: Frames,
    stream: u32,
}

impl Clients {
    fn of(stage: &Stage) -> Self {
        let public = stage.gateway.public();
        Self { http1: Client::connect(public), frames: Frames::connect(public, 1 << 16), stream: 1 }
    }

    fn over_http2(&mut self, head: &[u8], body: Option<&[u8]>) -> Reply {
        let stream = self.stream;
        self.stream += 2;
        self.frames.ask(stream, head, body, &[])
    }

    /// Asks on these connections, and on new ones: each gets its own answer, and nobody the poison.
    fn get_their_own(&mut self, stage: &Stage, row: &str) {
        let (text, fields) = head(stage, "/public/good");
        for turn in 0..3 {
            assert_eq!(stage.gateway.ask(&text).text(), "good", "{row}, turn {turn}");
            assert_eq!(self.http1.ask(&text).text(), "good", "{row}, turn {turn}");
            let reply = self.over_http2(&fields, None);
            assert_eq!((reply.status, &reply.body[..]), (Some(200), &b"good"[..]), "{row}");
        }
    }
}

#[test]
fn sec_s13_what_an_upstream_says_unasked_reaches_nobody() {
    for (row, bad, status) in BAD {
        let stage = stage(format!("{bad}{POISON}{POISON}"));
        let mut clients = Clients::of(&stage);
        let (text, fields) = head(&stage, "/public/bad");
        for _ in 0..2 {
            clients.http1.send(&text);
            let answer =
                clients.http1.answer_to("GET").unwrap_or_else(|| panic!("{row}: no answer"));
            assert_eq!(answer.status, status, "{row}: {}", answer.text());
            let reply = clients.over_http2(&fields, None);
            assert_eq!(reply.status, Some(status), "{row}, over HTTP/2");
            for body in [answer.body, reply.body] {
                assert!(status == 502 || body == b"bad" || body.is_empty(), "{row}: {body:?}");
            }
            // Each time on a connection of its own, which is let go.
            clients.get_their_own(&stage, row);
        }
        let seen = stage.upstream.take();
        let of_bad = |seen: &&Seen| seen.line().contains("/bad");
        for bad in seen.iter().filter(of_bad) {
            let later = seen
                .iter()
                .filter(|one| one.connection == bad.connection && one.number > bad.number);
            assert_eq!(later.count(), 0, "{row}: the connection was used again");
        }
    }
}

/// What stands on an idle connection belongs to nobody.
#[test]
fn sec_s13_an_answer_on_an_idle_connection_is_nobodys() {
    let upstream = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/late") => {
            let good = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate".to_vec();
            vec![Step::Send(good), Step::Wait, Step::Send(POISON.into()), Step::Close]
        }
        _ => ok("good"),
    });
    let stage = Stage::before(upstream);
    let mut clients = Clients::of(&stage);
    for turn in 0..4 {
        let (text, fields) = head(&stage, "/public/late");
        if turn % 2 == 0 {
            assert_eq!(clients.http1.ask(&text).text(), "late");
        } else {
            assert_eq!(clients.over_http2(&fields, None).body, b"late");
        }
        let open = stage.upstream.open();
        stage.upstream.go_on();
        // It is there before anybody asks for something else: behind that it would be an answer.
        wait_until("nothing unasked was said", PATIENCE, || stage.upstream.open() < open);
        clients.get_their_own(&stage, "late");
    }
}

#[test]
fn sec_s13_interim_answers_without_end_are_no_answer() {
    for (count, status) in [(100, 200), (101, 502), (5_000, 502)] {
        let flood = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n".repeat(count);
        let bad = format!("{flood}HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad");
        let stage = Stage::before(Upstream::scripted(move |seen| match seen.line() {
            line if line.contains("/bad") => vec![Step::Send(bad.clone().into_bytes())],
            _ => ok("good"),
        }));
        let (text, fields) = head(&stage, "/public/bad");
        assert_eq!(stage.gateway.ask(&text).status, status, "{count}");
        let mut clients = Clients::of(&stage);
        assert_eq!(clients.over_http2(&fields, None).status, Some(status), "{count}");
        clients.get_their_own(&stage, "interim answers");
    }
}

/// An upstream that answers without the body that it was offered, and keeps its connection open.
#[test]
fn sec_s9_an_answer_instead_of_a_go_ahead_leaves_nothing_for_the_next() {
    for (said, status) in
        [("401 Unauthorized", 401), ("413 Content Too Large", 413), ("200 OK", 200)]
    {
        let answer = format!("HTTP/1.1 {said}\r\nContent-Length: 3\r\n\r\nbad");
        let stage = Stage::before(Upstream::scripted(move |seen| match seen.line() {
            line if line.contains("/bad") => {
                vec![Step::Send(answer.clone().into_bytes()), Step::Stall]
            }
            _ => ok("good"),
        }));
        let smuggled =
            format!("GET /public/smuggled HTTP/1.1\r\nHost: a.example\r\n{}\r\n", stage.auth());
        let lines = format!(
            "Host: a.example\r\n{}Expect: 100-continue\r\nContent-Length: {}\r\n",
            stage.auth(),
            smuggled.len()
        );
        let line = "POST /public/bad HTTP/1.1";
        let mut clients = Clients::of(&stage);
        for _ in 0..2 {
            let mut client = Client::connect(stage.gateway.public());
            client.send(format!("{line}\r\n{lines}\r\n"));
            assert_eq!(client.answer_to("POST").unwrap().status, status, "{said}");
            // What is sent all the same is a body or nothing.
            client.send(&smuggled);
            let fields = http2(line, &lines).unwrap();
            let reply = clients.over_http2(&fields, Some(smuggled.as_bytes()));
            assert_eq!(reply.status, Some(status), "{said}");
            clients.get_their_own(&stage, said);
        }
        assert!(
            !stage.upstream.take().iter().any(|seen| seen.line().contains("smuggled")),
            "{said}"
        );
    }
    let stage = Stage::new();
    for expected in ["x", "100-continue, x", "100-continued", ""] {
        let lines = format!("Host: a.example\r\nExpect: {expected}\r\n");
        for (status, seen) in stage.request_both("GET /public/x HTTP/1.1", &lines) {
            assert_eq!((status, seen.len()), (417, 0), "{expected:?}");
        }
    }
}

/// sec-F3: hostile bytes cost one connection; neither the process nor a core is worse for it.
#[test]
fn sec_f3_hostile_bytes_from_both_sides_cost_one_connection_each() {
    let stage = Stage::before(Upstream::scripted(|seen| {
        let number = seen.number;
        let noise: Vec<u8> = (0..3_000).map(|at| noise(number, at)).collect();
        let begins = [
            &b""[..],
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 1",
        ];
        match seen.line() {
            line if line.contains("/bad") => {
                vec![Step::Send([begins[number % 4], &noise].concat()), Step::Close]
            }
            _ => ok("good"),
        }
    }));
    let (text, fields) = head(&stage, "/public/bad");
    let begins: [&[u8]; 5] = [
        b"",
        b"GET /public/",
        text.as_bytes(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    for number in 0..200 {
        let noise: Vec<u8> = (0..2_000).map(|at| noise(number, at)).collect();
        let mut client = Client::connect(stage.gateway.public());
        client.send([begins[number % begins.len()], &noise].concat());
        client.finish();
        drop(client.rest());
        let mut frames = Frames::connect(stage.gateway.public(), 1 << 16);
        drop(frames.ask(1, &fields, None, &[]));
        frames.send_bytes(&noise);
    }
    let (text, _) = head(&stage, "/public/good");
    for _ in 0..20 {
        assert_eq!(stage.gateway.ask(&text).text(), "good");
    }
    wait_until("a connection stays", PATIENCE, || {
        stage.gateway.counted(|core| core.open.value()) == 0
    });
    assert_eq!(stage.gateway.counted(|core| core.under_way.value()), 0);
}

/// Bytes without a pattern, the same in each run.
fn noise(number: usize, at: usize) -> u8 {
    let mixed = (number as u64 * 3_001 + at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as u8 ^ (mixed >> 23) as u8
}
