//! Answers over HTTP/2 that their clients ask for and do not read (the slow reader of sec-D2): flow
//! control holds them back where no write to the socket is ever pending.

use std::time::Duration;

use tollgate::clock::instant;

use crate::support::client::Client;
use crate::support::frames::{DATA, Frames, HEADERS, PING, RST_STREAM};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream, ok};
use crate::support::{PATIENCE, wait_until};

/// The limit is a second, and is kept if a stream ends within this; the machine may be busy.
const GRACE: Duration = Duration::from_secs(9);
/// More than the system takes on both sides of a connection.
const LARGE: usize = 12_000_000;

struct Stage {
    upstream: Upstream,
    gateway: Gateway,
    secret: String,
}

fn stage() -> Stage {
    stage_within("1s")
}

/// With so long for what is not taken.
fn stage_within(limit: &str) -> Stage {
    let large = format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n{}", "x".repeat(LARGE));
    let upstream = Upstream::scripted(move |seen| match seen.line() {
        line if line.contains("/large") => {
            vec![Step::TakeBody, Step::Send(large.clone().into_bytes())]
        }
        _ => ok("ok"),
    });
    let limits = format!("idle_timeout = \"1s\", stall_timeout = \"{limit}\"");
    let gateway = Gateway::limited(&limits, upstream.address());
    let secret = gateway.any_token();
    Stage { upstream, gateway, secret }
}

impl Stage {
    fn connect(&self, window: u32) -> Frames {
        Frames::connect(self.gateway.public(), window)
    }

    fn cut(&self) -> u64 {
        self.gateway.counted(|core| core.cut_by_client.value())
    }

    fn under_way(&self) -> u64 {
        self.gateway.counted(|core| core.under_way.value())
    }
}

/// Waits until a stream is reset, and says how many bytes of its answer came before.
fn bytes_until_reset(frames: &mut Frames, stream: u32) -> usize {
    let begun = instant();
    let mut bytes = 0;
    loop {
        let frame = frames.next_on(stream);
        match frame.kind {
            RST_STREAM => return bytes,
            DATA => bytes += frame.payload.len(),
            _ => {}
        }
        assert!(!frame.ends(), "it came to its end");
        assert!(begun.elapsed() < GRACE, "it was never reset");
    }
}

/// Connections to this port from that one, as the system has them (proc(5)): also those that nobody has open any more.
fn known_to_the_system(port: u16, client: u16) -> bool {
    let all = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let ends = [port, client].map(|port| format!(":{port:04X}"));
    all.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        ends.iter().all(|end| words.next().is_some_and(|word| word.ends_with(end)))
    })
}

#[test]
fn sec_d2_what_a_client_leaves_unread_is_not_left_to_the_system() {
    let stage = stage();
    let mut client = Client::connect(stage.gateway.public());
    client.send(stage.gateway.get("/large", &stage.secret));
    let port = client.stream().local_addr().unwrap().port();
    wait_until("the answer is cut", PATIENCE, || stage.cut() == 1);
    wait_until("the system goes on with what is unread", PATIENCE, || {
        !known_to_the_system(stage.gateway.public().port(), port)
    });
}

#[test]
fn sec_d2_a_stream_without_room_is_reset_and_its_connection_goes_on() {
    let stage = stage();
    let mut frames = stage.connect(0);
    frames.get(1, "/large", &stage.secret);
    assert_eq!(bytes_until_reset(&mut frames, 1), 0);
    assert_eq!(stage.cut(), 1, "its upstream was let go");
    // The connection is as good as before.
    frames.get(3, "/small", &stage.secret);
    frames.give_room(3, 100);
    assert_eq!(frames.next_on(3).status(), Some(200));
    assert_eq!(frames.next_on(3).payload, b"ok");
}

#[test]
fn sec_d2_room_for_a_part_does_not_hold_the_rest() {
    let stage = stage();
    // One byte would do to make hyper take a part of any size.
    let mut frames = stage.connect(1);
    frames.get(1, "/large", &stage.secret);
    assert_eq!(bytes_until_reset(&mut frames, 1), 1);
    assert_eq!(stage.cut(), 1);
}

#[test]
fn sec_d2_many_streams_without_room_are_all_reset_and_others_are_served() {
    let stage = stage();
    let (mut stalled, mut honest) = (stage.connect(0), stage.connect(1 << 20));
    let streams: Vec<u32> = (0..50).map(|number| 2 * number + 1).collect();
    for stream in &streams {
        stalled.get(*stream, "/large", &stage.secret);
    }
    stage.upstream.wait_for(streams.len());
    let begun = instant();
    let mut number = 1;
    // A refusal that nobody reads is held no longer than an answer.
    stalled.get(201, "/large", "nonsense");
    while stage.under_way() > 0 {
        honest.get(number, "/small", &stage.secret);
        assert_eq!(honest.next_on(number).status(), Some(200));
        while !honest.next_on(number).ends() {}
        let found = stage.gateway.ask(stage.gateway.get("/small", &stage.secret));
        assert_eq!(found.status, 200);
        number += 2;
        assert!(begun.elapsed() < GRACE, "{} are still held", stage.under_way());
    }
    assert_eq!(stage.cut(), 50);
}

#[test]
fn an_answer_that_is_read_slowly_comes_to_its_end() {
    let stage = stage_within("3s");
    let mut frames = stage.connect(0);
    frames.get(1, "/large", &stage.secret);
    assert_eq!(frames.next_on(1).kind, HEADERS);
    let begun = instant();
    let (mut bytes, mut due) = (0, 0);
    // At first quickly, so that parts grow as large as they can be; then in steps, each far within the
    // limit, of which a large part needs so many that it takes longer than the limit.
    for (room, pause_ms) in [(1_000_000, 0)].into_iter().chain([(8_000, 350); 12]) {
        frames.give_room(0, room);
        frames.give_room(1, room);
        due += room as usize;
        while bytes < due {
            let frame = frames.next_on(1);
            assert_eq!(frame.kind, DATA, "it was ended after {bytes} bytes");
            bytes += frame.payload.len();
        }
        std::thread::sleep(Duration::from_millis(pause_ms));
    }
    assert!(begun.elapsed() > Duration::from_secs(4), "that shows nothing");
    frames.give_room(0, 1 << 24);
    frames.give_room(1, 1 << 24);
    loop {
        let frame = frames.next_on(1);
        assert_eq!(frame.kind, DATA, "it was ended after {bytes} bytes");
        bytes += frame.payload.len();
        if frame.ends() {
            break;
        }
    }
    assert_eq!(bytes, LARGE);
    assert_eq!(stage.cut(), 0);
}

#[test]
fn sec_d2_pings_do_not_keep_a_connection() {
    let stage = stage();
    let mut frames = stage.connect(1);
    frames.get(1, "/small", &stage.secret);
    assert_eq!(frames.next_on(1).status(), Some(200));
    // One byte of the answer finds room; the rest is left in the hands of HTTP/2, out of our sight.
    let begun = instant();
    while !frames.closes_within(Duration::from_millis(100)) {
        frames.send(PING, 0, 0, b"12345678");
        assert!(begun.elapsed() < GRACE, "it is still open");
    }
    let found =
        Client::connect(stage.gateway.public()).ask(stage.gateway.get("/small", &stage.secret));
    assert_eq!(found.status, 200);
}
