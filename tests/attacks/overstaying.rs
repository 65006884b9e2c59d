//! Connections that have brought as many requests as they may: each is told in the words of its protocol, and nothing of
//! it is lost (RFC 9112 section 9.6, RFC 9113 section 6.8).

use crate::support::client::Client;
use crate::support::frames::{self, END_HEADERS, END_STREAM, Frame, Frames, GOAWAY, HEADERS};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream, ok};

const NO_ERROR: u32 = 0;

/// In the order in which it is dropped.
struct Stage {
    upstream: Upstream,
    gateway: Gateway,
    secret: String,
}

fn stage(most: u32) -> Stage {
    let upstream = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/slow") => [vec![Step::Wait], ok("late")].concat(),
        _ => ok("ok"),
    });
    let gateway =
        Gateway::limited(&format!("requests_per_connection = {most}"), upstream.address());
    let secret = gateway.any_token();
    Stage { upstream, gateway, secret }
}

impl Stage {
    fn frames(&self) -> Frames {
        Frames::connect(self.gateway.public(), 1 << 16)
    }
}

/// Takes all that comes until the connection ends: the streams that ended, and why the client is to leave.
fn drained(frames: &mut Frames) -> (Vec<u32>, Vec<u32>) {
    let (mut ended, mut reasons) = (Vec::new(), Vec::new());
    while let Some(frame) = frames.next() {
        if frame.kind == GOAWAY {
            reasons.push(frame.reason());
        } else if frame.ends() {
            ended.push(frame.stream);
        }
    }
    (ended, reasons)
}

#[test]
fn the_last_answer_of_http1_says_that_it_is() {
    let stage = stage(3);
    // Whatever becomes of it is a request.
    for last in [stage.gateway.get("/x", &stage.secret), stage.gateway.get("/x", "nobody's")] {
        let mut client = Client::connect(stage.gateway.public());
        for _ in 0..2 {
            let answer = client.ask(stage.gateway.get("/x", &stage.secret));
            assert_eq!((answer.status, answer.values("connection").len()), (200, 0));
        }
        let answer = client.ask(last);
        assert_eq!(answer.value("connection").as_deref(), Some("close"), "{}", answer.status);
        assert!(answer.whole && client.is_closed());
    }
    // What stands behind it is not taken, and costs nobody the answers before it.
    let mut client = Client::connect(stage.gateway.public());
    client.send(stage.gateway.get("/x", &stage.secret).repeat(200));
    for _ in 0..3 {
        let answer = client.answer();
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    }
    assert!(client.is_closed());
    assert_eq!(stage.upstream.take().len(), 2 + 1 + 2 + 3);
}

#[test]
fn clients_of_http2_are_told_and_lose_nothing() {
    let stage = stage(3);
    let mut frames = stage.frames();
    frames.get(1, "/slow", &stage.secret);
    stage.upstream.wait_for(1);
    frames.get(3, "/x", &stage.secret);
    assert_eq!(frames.next_on(3).status(), Some(200));
    frames.get(5, "/x", &stage.secret);
    let mut came = Vec::new();
    while !came.iter().any(|frame: &Frame| frame.kind == GOAWAY) {
        came.push(frames.next().expect("it was not told"));
    }
    assert_eq!(came.pop().unwrap().reason(), NO_ERROR);
    // What is under way is finished, the first of all as well.
    stage.upstream.go_on();
    let (mut ended, reasons) = drained(&mut frames);
    ended.extend(came.iter().filter(|frame| frame.ends()).map(|frame| frame.stream));
    assert!(ended.contains(&1) && ended.contains(&5), "{ended:?}");
    assert!(reasons.iter().all(|reason| *reason == NO_ERROR));

    // What was sent before its client could know.
    let mut frames = stage.frames();
    let streams = (0..100).map(|nth| 2 * nth + 1);
    let block = frames::block("GET", "/x", &stage.secret, &[]);
    let head = |stream| frames::frame(HEADERS, END_HEADERS | END_STREAM, stream, &block);
    frames.send_bytes(&streams.clone().flat_map(head).collect::<Vec<u8>>());
    let (mut ended, reasons) = drained(&mut frames);
    ended.sort_unstable();
    assert_eq!(ended, streams.collect::<Vec<_>>());
    assert!(!reasons.is_empty() && reasons.iter().all(|reason| *reason == NO_ERROR));
}

/// A client that does not answer the ping behind a GOAWAY is never told which stream is the last, and could go on.
#[test]
fn a_client_of_http2_that_goes_on_is_ended() {
    let stage = stage(3);
    let mut frames = stage.frames();
    let mut streams = (0..).map(|nth| 2 * nth + 1);
    let answered = streams.position(|stream| {
        frames.get(stream, "/x", &stage.secret);
        loop {
            match frames.next_unanswered() {
                None => return true,
                Some(frame) if frame.stream == stream && frame.ends() => return false,
                Some(_) => {}
            }
        }
    });
    let answered = answered.unwrap();
    assert!((4..1_000).contains(&answered), "{answered}");
    assert_eq!(stage.gateway.ask(stage.gateway.get("/x", &stage.secret)).status, 200);
}

#[test]
fn zero_is_as_many_as_come() {
    let stage = stage(0);
    let mut client = Client::connect(stage.gateway.public());
    let mut frames = stage.frames();
    for nth in 0..20 {
        let answer = client.ask(stage.gateway.get("/x", &stage.secret));
        assert_eq!((answer.status, answer.values("connection").len()), (200, 0));
        frames.get(2 * nth + 1, "/x", &stage.secret);
        assert_eq!(frames.next_on(2 * nth + 1).status(), Some(200));
    }
}
