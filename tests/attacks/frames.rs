//! Floods of frames that ask for nothing over HTTP/2 (sec-D1, RFC 9113 section 10.5), which neither hyper nor
//! h2 bounds; and the clients that send many such frames for good reasons.

use crate::support::frames::{
    self, ACK, DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM,
    SETTINGS, WINDOW_UPDATE,
};
use crate::support::upstream::{Upstream, ok};

use super::floods::{Stage, is_ended, stage};

/// More than is borne, and little enough for the sockets to hold all that is answered.
const MANY: usize = 4_000;

/// Sends a request that is never answered, and then `frame` again and again.
fn flood(stage: &Stage, frame: &[u8]) -> Frames {
    let mut frames = stage.connect();
    frames.get(1, "/never", &stage.secret);
    stage.upstream.wait_for(1);
    let batch = frame.repeat(100);
    let mut sent = 0;
    while sent < MANY && frames.send_bytes(&batch) {
        sent += 100;
    }
    frames
}

#[test]
fn sec_d1_frames_that_ask_for_nothing_end_the_connection() {
    let window = |bytes: u32| [&[0, 4][..], &bytes.to_be_bytes()].concat();
    let settings = [window(1), window(60_000)].map(|one| frames::frame(SETTINGS, 0, 0, &one));
    for (row, frame) in [
        ("PING", frames::frame(PING, 0, 0, &[7; 8])),
        ("PING that answers nothing", frames::frame(PING, ACK, 0, &[7; 8])),
        ("SETTINGS without any", frames::frame(SETTINGS, 0, 0, b"")),
        ("SETTINGS that move every window", settings.concat()),
        ("PRIORITY of an open stream", frames::frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 16])),
        ("PRIORITY of idle streams", frames::frame(PRIORITY, 0, 9_001, &[0, 0, 0, 0, 16])),
        ("WINDOW_UPDATE", frames::frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ("WINDOW_UPDATE of a stream", frames::frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])),
        ("RST_STREAM of a stream that is over", frames::frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])),
        ("GOAWAY", frames::frame(GOAWAY, 0, 0, &[0; 8])),
        ("a kind that nobody knows", frames::frame(0x20, 0, 0, b"x")),
    ] {
        let mut stage = stage();
        let mut frames = flood(&stage, &frame);
        is_ended(&mut frames);
        assert_eq!(stage.flooded(), 1, "{row}");
        stage.others_are_served();
        assert_eq!(stage.flooded(), 1, "{row}");
    }
}

#[test]
fn sec_s3_a_length_over_http2_is_one_number() {
    let mut stage = stage();
    let (empty, zero) = (("content-length", ""), ("content-length", "0"));
    for (more, status) in [
        (&[empty][..], 400),
        (&[zero, empty], 400),
        (&[zero, zero], 400),
        (&[("content-length", "+0")], 400),
        (&[zero], 200),
    ] {
        let mut frames = stage.connect();
        let block = frames::block("POST", "/x", &stage.secret, more);
        frames.send(HEADERS, END_HEADERS, 1, &block);
        frames.send(DATA, END_STREAM, 1, b"");
        let frame = frames.next_on(1);
        // h2 resets some of them by itself.
        let found = if frame.kind == RST_STREAM { Some(400) } else { frame.status() };
        assert_eq!(found, Some(status), "{more:?}");
    }
    assert_eq!(stage.upstream.seen().len(), 1);
    stage.others_are_served();
}

/// RFC 9113 section 8.2.1: HTTP/1.1 would take the spaces off, so that what was checked would not be what is forwarded.
#[test]
fn values_over_http2_do_not_begin_or_end_with_a_space() {
    let mut stage = stage();
    for (value, status) in
        [(" a", 400), ("\ta", 400), ("a ", 400), ("a\t", 400), (" ", 400), ("", 200), ("a b", 200)]
    {
        let mut frames = stage.connect();
        let block = frames::block("GET", "/x", &stage.secret, &[("x-odd", value)]);
        frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &block);
        let head = frames.next_on(1);
        assert_eq!(head.status(), Some(status), "{value:?}");
        assert!(!frames.next_on(1).payload.is_empty(), "{value:?}: with a document");
    }
    let odd: Vec<_> = stage.upstream.seen().iter().filter_map(|seen| seen.value("x-odd")).collect();
    assert_eq!(odd, ["", "a b"]);
    stage.others_are_served();
}

#[test]
fn requests_pay_for_the_frames_around_them() {
    let stage = stage();
    let mut frames = stage.connect();
    for number in 0..500 {
        let stream = 2 * number + 1;
        frames.send(PRIORITY, 0, stream, &[0, 0, 0, 0, 16]);
        frames.get(stream, "/x", &stage.secret);
        assert_eq!(frames.next_on(stream).status(), Some(200), "request {number}");
        while !frames.next_on(stream).ends() {}
        frames.give_room(0, 2);
        frames.send(PING, 0, 0, &[7; 8]);
        frames.send(RST_STREAM, 0, stream, &[0, 0, 0, 8]);
    }
    assert_eq!(stage.flooded(), 0);
}

#[test]
fn an_answer_pays_for_the_room_that_it_is_given() {
    const LARGE: usize = 20_000_000;
    let large = "x".repeat(LARGE);
    let stage = Stage::before(Upstream::scripted(move |_| ok(&large)));
    let mut frames = stage.connect();
    frames.get(1, "/large", &stage.secret);
    let (mut taken, mut over) = (0, false);
    while !over {
        let frame = frames.next_on(1);
        over = frame.ends();
        if frame.kind == DATA && !frame.payload.is_empty() {
            taken += frame.payload.len();
            // Each part at once and by itself, as some clients do.
            let bytes = u32::try_from(frame.payload.len()).unwrap();
            frames.give_room(0, bytes);
            frames.give_room(1, bytes);
            frames.send(PING, 0, 0, &[7; 8]);
        }
    }
    assert_eq!((taken, stage.flooded()), (LARGE, 0));
}
