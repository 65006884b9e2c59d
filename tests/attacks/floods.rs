//! Floods of frames over HTTP/2, in their quick form (sec-D1, sec-D3): each ends its connection, or its
//! stream, and nobody else's. hyper and h2 set these bounds; that they hold here is shown. `cargo bench
//! --bench floods` has their long form.

use std::time::Duration;

use tollgate::clock::instant;
use tollgate::domain::refusal::Refusal;

use crate::support::PATIENCE;
use crate::support::frames::{
    self, ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, PING,
    RST_STREAM, WINDOW_UPDATE,
};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream, ok};

const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

/// In the order in which it is dropped: a gateway waits for connections that are open.
pub(crate) struct Stage {
    honest: Frames,
    pub(crate) upstream: Upstream,
    pub(crate) gateway: Gateway,
    pub(crate) secret: String,
    number: u32,
}

pub(crate) fn stage() -> Stage {
    Stage::before(Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/never") => vec![Step::Stall],
        _ => ok("ok"),
    }))
}

impl Stage {
    pub(crate) fn before(upstream: Upstream) -> Self {
        let gateway = Gateway::transparent(upstream.address());
        let secret = gateway.any_token();
        let honest = Frames::connect(gateway.public(), 1 << 16);
        Self { honest, upstream, gateway, secret, number: 1 }
    }

    pub(crate) fn connect(&self) -> Frames {
        Frames::connect(self.gateway.public(), 1 << 16)
    }

    /// Asks as honest clients do, one on a connection that it has kept all the time.
    pub(crate) fn others_are_served(&mut self) {
        let found = self.gateway.ask(self.gateway.get("/honest", &self.secret));
        assert_eq!(found.status, 200);
        let stream = self.number;
        self.number += 2;
        self.honest.get(stream, "/honest", &self.secret);
        assert_eq!(self.honest.next_on(stream).status(), Some(200));
        while !self.honest.next_on(stream).ends() {}
    }

    fn refused(&self, refusal: Refusal) -> u64 {
        self.gateway.counted(|core| core.refusals.of(refusal))
    }

    /// Connections that were closed for a flood.
    pub(crate) fn flooded(&self) -> u64 {
        self.gateway.counted(|core| core.floods.value())
    }

    /// Connections that were ended for requests which led to nothing.
    fn given_up(&self) -> u64 {
        self.gateway.counted(|core| core.request_floods.value())
    }
}

/// Whether a connection is ended, and with which reason, if it says so.
pub(crate) fn is_ended(frames: &mut Frames) -> Option<u32> {
    let begun = instant();
    let mut reason = None;
    while let Some(frame) = frames.next() {
        if frame.kind == GOAWAY {
            reason = Some(frame.reason());
        }
        assert!(begun.elapsed() < PATIENCE, "it goes on");
    }
    reason
}

/// A request that is reset at once.
fn reset(stage: &Stage, number: u32) -> Vec<u8> {
    let stream = 2 * number + 1;
    let block = frames::block("GET", "/never", &stage.secret, &[]);
    let head = frames::frame(HEADERS, END_HEADERS | END_STREAM, stream, &block);
    [head, frames::frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
}

/// Waits until all that was sent is read, which the answer to a ping tells; false if the connection is over instead.
fn is_read(frames: &mut Frames) -> bool {
    frames.send(PING, 0, 0, &[7; 8]);
    while let Some(frame) = frames.next_unanswered() {
        match (frame.kind, frame.flags) {
            (PING, ACK) if frame.payload == [7; 8] => return true,
            (PING, 0) => drop(frames.send(PING, ACK, 0, &frame.payload)),
            _ => {}
        }
    }
    false
}

/// Nothing is sent behind those that are too many, so that these and no others end it.
#[test]
fn sec_d1_rapid_reset_ends_the_connection() {
    let mut stage = stage();
    // h2 bears twenty that it has not handed on yet (`limits.resets`), 40 frames.
    let mut frames = stage.connect();
    frames.send_bytes(&(0..21).flat_map(|number| reset(&stage, number)).collect::<Vec<_>>());
    assert_eq!(is_ended(&mut frames), Some(ENHANCE_YOUR_CALM));
    assert_eq!(stage.given_up(), 0);
    // One by one each is handed on before it is reset, and counts as given up: behind a hundred, 200 frames, the client is told to
    // make no more, and behind twice as many it is cut off.
    let mut frames = stage.connect();
    let made = (0..1_000).position(|number| {
        frames.send_bytes(&reset(&stage, number));
        !is_read(&mut frames)
    });
    assert!(made.is_some_and(|made| (100..=201).contains(&made)), "{made:?} requests");
    assert_eq!(stage.given_up(), 1);
    stage.others_are_served();
}

/// Sends requests that reach the upstream, ends each of them there before it is answered, and gives how many that were when
/// the connection was over.
fn given_up(stage: &Stage, end: impl Fn(&mut Frames, u32)) -> usize {
    let mut frames = stage.connect();
    let block = frames::block("POST", "/never", &stage.secret, &[("content-length", "3")]);
    for number in 0..2_000_u32 {
        let (stream, begun) = (2 * number + 1, instant());
        frames.send(HEADERS, END_HEADERS, stream, &block);
        while stage.upstream.seen().len() <= number as usize {
            if frames.closes_within(Duration::from_millis(1)) {
                return stage.upstream.take().len();
            }
            assert!(begun.elapsed() < PATIENCE, "the connection stands still after {number}");
        }
        end(&mut frames, stream);
    }
    panic!("the connection goes on");
}

/// Rapid reset that waits until its requests have cost something, and streams that the gateway has to reset itself
/// (CVE-2025-8671).
#[test]
fn sec_d1_requests_that_are_given_up_again_and_again_end_the_connection() {
    type Way = fn(&mut Frames, u32);
    const LARGEST: [u8; 4] = 0x7fff_ffff_u32.to_be_bytes();
    let ways: [(&str, Way); 4] = [
        ("reset", |frames, stream| {
            frames.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        }),
        ("too much room", |frames, stream| {
            frames.send(WINDOW_UPDATE, 0, stream, &LARGEST);
            frames.send(WINDOW_UPDATE, 0, stream, &LARGEST);
        }),
        ("more than its length", |frames, stream| {
            frames.send(DATA, 0, stream, b"four");
        }),
        ("trailers without an end", |frames, stream| {
            frames.send(HEADERS, END_HEADERS, stream, &frames::field("x", "y"));
        }),
    ];
    for (what, way) in ways {
        let mut stage = stage();
        let made = given_up(&stage, way);
        assert!((100..=300).contains(&made), "{what}: {made} requests");
        assert_eq!(stage.given_up(), 1, "{what}");
        stage.others_are_served();
    }
}

#[test]
fn sec_d1_who_gives_up_some_requests_keeps_the_connection() {
    let mut stage = stage();
    let mut frames = stage.connect();
    let never = frames::block("GET", "/never", &stage.secret, &[]);
    for number in 0..300 {
        let stream = 6 * number + 1;
        frames.send(HEADERS, END_HEADERS | END_STREAM, stream, &never);
        stage.upstream.wait_for(1);
        stage.upstream.take();
        frames.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        for honest in [stream + 2, stream + 4] {
            frames.get(honest, "/x", &stage.secret);
            assert_eq!(frames.next_on(honest).status(), Some(200), "{number}");
            while !frames.next_on(honest).ends() {}
        }
        stage.upstream.take();
    }
    drop(frames);
    assert_eq!(stage.given_up(), 0);
    stage.others_are_served();
}

#[test]
fn sec_d1_a_head_without_an_end_ends_the_connection() {
    for piece in [&b""[..], &frames::field("x", "y")] {
        let mut stage = stage();
        let block = frames::block("GET", "/x", &stage.secret, &[]);
        let behind = |count: usize, last: u8| {
            let mut frames = stage.connect();
            frames.send(HEADERS, END_STREAM, 1, &block);
            frames.send_bytes(&frames::frame(CONTINUATION, 0, 1, piece).repeat(count - 1));
            frames.send(CONTINUATION, last, 1, piece);
            frames
        };
        // h2 bears five for a head of 16 KiB (`limits.head`).
        assert_eq!(behind(5, END_HEADERS).reply(1).status, Some(200));
        stage.upstream.take();
        assert_eq!(is_ended(&mut behind(6, 0)), Some(ENHANCE_YOUR_CALM));
        stage.others_are_served();
        assert!(!stage.upstream.take().iter().any(|seen| seen.line().contains("/x")));
    }
}

#[test]
fn sec_d1_empty_frames_of_a_body_end_the_connection() {
    let mut stage = stage();
    let mut frames = stage.connect();
    frames.send(HEADERS, END_HEADERS, 1, &frames::block("POST", "/x", &stage.secret, &[]));
    // h2 bears a hundred on each connection.
    let empty = frames::frame(DATA, 0, 1, b"");
    frames.send_bytes(&empty.repeat(100));
    assert!(is_read(&mut frames));
    frames.send_bytes(&empty);
    assert_eq!(is_ended(&mut frames), Some(ENHANCE_YOUR_CALM));
    stage.others_are_served();
}

#[test]
fn sec_d3_a_head_that_grows_when_it_is_unpacked_ends_the_connection() {
    let mut stage = stage();
    let mut frames = stage.connect();
    let mut block = frames::block("GET", "/x", &stage.secret, &[]);
    // A field that is put into the table of HPACK (RFC 7541 section 6.2.1), and then named by a byte each
    // time: 3 KB of frames, 10 MB of head.
    let mut large = frames::field("x", "y".repeat(3_000));
    large[0] = 0x40;
    block.extend(large);
    block.extend([0xbe; 3_500]);
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &block);
    is_ended(&mut frames);
    stage.others_are_served();
    assert!(!stage.upstream.take().iter().any(|seen| seen.line().contains("/x")));
}

#[test]
fn sec_d3_a_head_has_the_bounds_of_http1() {
    let mut stage = stage();
    let mut frames = stage.connect();
    // Names other than those of the head itself: `host`, `:path` and so on are among the 100.
    let many = |count: usize| -> Vec<u8> {
        let own = frames::block("GET", "/x", &stage.secret, &[]);
        let more = (1..count).flat_map(|number| frames::field(format!("x{number}"), "y"));
        own.into_iter().chain(more).collect()
    };
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &many(100));
    assert_eq!(frames.next_on(1).status(), Some(200));
    while !frames.next_on(1).ends() {}
    frames.send(HEADERS, END_HEADERS | END_STREAM, 3, &many(101));
    let reply = frames.reply(3);
    assert_eq!((reply.status, reply.whole), (Some(431), true));
    assert_eq!(stage.refused(Refusal::HeadTooLarge), 1);
    // By the bytes: RFC 9113 section 6.5.2 counts 32 for each field. What is larger by far the library answers.
    let own = frames::block("GET", "/x", &stage.secret, &[]);
    let names = [":method", ":scheme", ":authority", ":path", "authorization", "x"].concat();
    let values = ["GET", "http", "a.example", "/x", "Bearer ", &stage.secret].concat();
    let room = (16 << 10) - names.len() - values.len() - 6 * 32;
    let rows =
        [(room, 200, 1), (room + 1, 431, 2), (30_000, 431, 3), (40_000, 431, 3), (60_000, 431, 3)];
    for (stream, (length, status, counted)) in (5..).step_by(2).zip(rows) {
        let large = [&own[..], &frames::field("x", "y".repeat(length))].concat();
        let mut parts = large.chunks(10_000).peekable();
        frames.send(HEADERS, END_STREAM, stream, parts.next().unwrap());
        while let Some(part) = parts.next() {
            let ends = if parts.peek().is_none() { END_HEADERS } else { 0 };
            frames.send(CONTINUATION, ends, stream, part);
        }
        let reply = frames.reply(stream);
        assert_eq!((reply.status, reply.whole), (Some(status), true), "{length}");
        assert_eq!(stage.refused(Refusal::HeadTooLarge), counted, "{length}");
    }
    // The connection is as good as before.
    frames.get(101, "/x", &stage.secret);
    assert_eq!(frames.next_on(101).status(), Some(200));
    stage.others_are_served();
    let arrived = stage.upstream.take();
    assert_eq!(arrived.iter().filter(|seen| seen.line().contains("/x")).count(), 3);
}

#[test]
fn sec_d1_a_connection_has_128_streams_at_a_time() {
    let mut stage = stage();
    let mut frames = stage.connect();
    for number in 0..129 {
        frames.get(2 * number + 1, "/never", &stage.secret);
    }
    let refused = frames.next_on(2 * 128 + 1);
    assert_eq!((refused.kind, refused.reason()), (RST_STREAM, REFUSED_STREAM));
    stage.others_are_served();
}

/// Each of these bounds is the operator's to set, for connections that come after a reload.
#[test]
fn sec_d1_bounds_of_http2_are_those_of_the_configuration() {
    let upstream = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/never") => vec![Step::Stall],
        _ => ok("ok"),
    });
    let gateway = Gateway::limited("streams = 3, frames = 100", upstream.address());
    let secret = gateway.any_token();
    let connect = || Frames::connect(gateway.public(), 1 << 16);
    let mut frames = connect();
    for number in 0..4 {
        frames.get(2 * number + 1, "/never", &secret);
    }
    let refused = frames.next_on(7);
    assert_eq!((refused.kind, refused.reason()), (RST_STREAM, REFUSED_STREAM));
    let mut frames = connect();
    // Beside the settings that open it and are confirmed.
    let ping = frames::frame(PING, 0, 0, &[0; 8]);
    frames.send_bytes(&ping.repeat(90));
    frames.get(1, "/x", &secret);
    assert_eq!(frames.next_on(1).status(), Some(200));
    while !frames.next_on(1).ends() {}
    frames.send_bytes(&ping.repeat(200));
    is_ended(&mut frames);
    assert_eq!(gateway.counted(|core| core.floods.value()), 1);
    // Resets by far more than a client has by default.
    for (resets, ends) in [(1, true), (10_000, false)] {
        let gateway = Gateway::limited(&format!("resets = {resets}"), upstream.address());
        let secret = gateway.any_token();
        let mut frames = Frames::connect(gateway.public(), 1 << 16);
        let block = frames::block("GET", "/x", &secret, &[]);
        let reset = |stream: u32| {
            let head = frames::frame(HEADERS, END_HEADERS | END_STREAM, stream, &block);
            [head, frames::frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
        };
        let all: Vec<_> = (0..100).flat_map(|number| reset(2 * number + 1)).collect();
        frames.send_bytes(&all);
        frames.get(201, "/x", &secret);
        let next = std::iter::from_fn(|| frames.next()).find(|frame| frame.stream == 201);
        assert_eq!(next.is_none(), ends, "{resets}: {next:?}");
    }
}
