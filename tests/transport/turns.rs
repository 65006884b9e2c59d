//! Those who wait for one another at an upstream of HTTP/2, and whom nobody may blame for the time that others took.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::endpoints::{gateway, metric, urls};
use crate::support::frames::{END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, field, frame};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream};
use crate::support::{PATIENCE, wait_until};
use crate::windows::{HTTP2, OK, Server, serve, whole};

/// Which request is the next that is answered, and how.
fn status(client: &mut Frames) -> (u32, Option<u16>) {
    let head = loop {
        let frame = client.next().unwrap();
        if frame.kind == HEADERS {
            break frame;
        }
    };
    (head.stream, head.status())
}

/// Whoever connects may have more time for it than those who wait beside.
#[test]
fn an_api_that_is_hasty_does_not_wait_as_long_as_another_that_connects() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, came) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
    let counted = Arc::clone(&came);
    thread::spawn(move || {
        // Nobody hears anything.
        let _held: Vec<_> =
            listener.incoming().inspect(|_| _ = counted.fetch_add(1, Ordering::SeqCst)).collect();
    });
    let api = |name: &str, connect: &str| {
        format!(
            "[[apis]]\nname = \"{name}\"\npath = \"/{name}\"\nrules = [{{ path = \"/{name}\" }}]\n\
             upstream = [\"http://{address}\", {{ url = \"http://127.0.0.1:9\", weight = 0 }}]\n\
             upstream_http2 = true\nupstream_connect_timeout = \"{connect}\"\nupstream_eject_after = 1\n"
        )
    };
    let gateway = Gateway::start(&(api("hasty", "500ms") + &api("a", "5m")));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    assert!(client.get(1, "/a", &secret));
    wait_until("nobody was asked", PATIENCE, || came.load(Ordering::SeqCst) == 1);
    assert!(client.get(3, "/hasty", &secret));
    assert_eq!(status(&mut client), (3, Some(504)), "the other goes on");
    assert_eq!(metric(&gateway, "upstream_ejections_total", address), "0", "it did not connect");
}

/// Each needs a session of its own, and they are made one after the other: the last waits for longer than one may take.
#[test]
fn whoever_stands_in_a_line_that_moves_is_patient() {
    const EACH: Duration = Duration::from_secs(1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // As one does that is far away. It takes one at a time (SETTINGS_MAX_CONCURRENT_STREAMS), and answers none.
            thread::spawn(move || {
                thread::sleep(EACH);
                serve(stream.unwrap(), &[0, 3, 0, 0, 0, 1], |_| (), |_| Vec::new())
            });
        }
    });
    let (gateway, secret) = gateway(
        &format!("\"http://{address}\""),
        &format!(
            "{HTTP2}\nupstream_connect_timeout = \"2500ms\"\nupstream_response_timeout = \"9s\""
        ),
    );
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    for stream in [1, 3, 5, 7] {
        assert!(client.get(stream, "/x", &secret));
    }
    wait_until("one has given up", PATIENCE, || {
        gateway.counted(|core| core.connected.value()) == 4
    });
}

/// What the library resets by itself it counts, and ends the session of those who have more than 1,024 (RFC 9113 section 8.1.1).
#[test]
fn answers_that_break_the_protocol_end_no_session_for_others() {
    const EACH: u32 = 1_300;
    let server = Server::start(&[], |connection, head| {
        // A length, and no body.
        let head_of_more = [OK, &field("content-length", "5")].concat();
        match (connection, head.stream) {
            (0, 1) => Vec::new(),
            (_, stream) => frame(HEADERS, END_HEADERS | END_STREAM, stream, &head_of_more),
        }
    });
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    client.give_room(0, 1 << 20);
    client.get(1, "/waits", &secret);
    wait_until("it goes out", PATIENCE, || !server.heard(HEADERS).is_empty());
    for stream in (1..=EACH).map(|nth| 2 * nth + 1) {
        client.get(stream, "/x", &secret);
        assert_eq!(status(&mut client), (stream, Some(502)), "and not the one that waits");
    }
    let ended = server.heard(GOAWAY).iter().filter(|(_, frame)| frame.reason() != 0).count();
    assert_eq!(ended, 0);
    server.say(0, &whole(&server.heard(HEADERS)[0].1));
    assert_eq!(client.next_on(1).status(), Some(200));
}

/// Half of the time for all of it went by before an endpoint had all of the request.
#[test]
fn a_client_that_sends_slowly_is_no_fault_of_an_endpoint() {
    let all = [(); 2].map(|()| Upstream::scripted(|_| vec![Step::TakeBody, Step::Stall]));
    let (gateway, secret) = gateway(
        &urls(&[&all[0], &all[1]]),
        "upstream_timeout = \"4s\"\nupstream_eject_after = 1\nupstream_eject_time = \"1h\"",
    );
    let mut client = gateway.begin_post("/x", &secret, 4);
    client.send("bo");
    thread::sleep(Duration::from_millis(2_500));
    client.send("dy");
    assert_eq!(client.answer_to("POST").unwrap().status, 504);
    for one in &all {
        assert_eq!(metric(&gateway, "upstream_ejections_total", one.address()), "0");
    }
}
