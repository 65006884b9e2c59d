//! Sessions of HTTP/2 that all end at once, of an upstream that starts anew: what they had goes out on a new one.

use crate::endpoints::{gateway, metric};
use crate::support::frames::{ACK, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, PING, frame};
use crate::support::gateway::Gateway;
use crate::support::{PATIENCE, wait_until};
use crate::windows::{FEW, HTTP2, OK, Server, whole};

/// A server whose first connections take two requests at a time, and answer them when they are told to.
fn holding(connections: usize) -> Server {
    Server::start(FEW, move |connection, head| match connection < connections {
        true => Vec::new(),
        false => whole(head),
    })
}

fn answer(server: &Server, connection: usize, stream: u32) {
    server.say(connection, &frame(HEADERS, END_HEADERS | END_STREAM, stream, OK));
}

fn under_way(gateway: &Gateway, count: u64) {
    wait_until("it never began or ended", PATIENCE, || {
        gateway.counted(|core| core.under_way.value()) == count
    });
}

/// On which connection each request came.
fn connections(server: &Server) -> Vec<usize> {
    server.heard(HEADERS).iter().map(|(connection, _)| *connection).collect()
}

/// The library knows of each session that it takes no more only once it was asked to send something on it.
#[test]
fn rfc9113_6_8_what_all_sessions_give_back_goes_out_on_a_new_one_and_nobody_is_blamed() {
    const SESSIONS: usize = 4;
    let (server, spare) = (holding(SESSIONS), holding(0));
    let urls = format!("{}, {{ url = {}, weight = 0 }}", server.url(), spare.url());
    let (gateway, secret) = gateway(&urls, &format!("{HTTP2}\nupstream_eject_after = 1"));
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    for turn in 0..2 * SESSIONS {
        assert!(client.get(u32::try_from(2 * turn + 1).unwrap(), "/x", &secret));
        server.wait_for(HEADERS, turn + 1);
    }
    for session in 0..SESSIONS {
        // Another one is under way, and there is room for one more.
        answer(&server, session, 1);
        let first = u32::try_from(4 * session + 1).unwrap();
        assert_eq!(client.next_on(first).status(), Some(200));
    }
    under_way(&gateway, SESSIONS as u64);
    for session in 0..SESSIONS {
        let leaves = frame(GOAWAY, 0, 0, &[0, 0, 0, 3, 0, 0, 0, 0]);
        server.say(session, &[leaves, frame(PING, 0, 0, b"is heard")].concat());
    }
    wait_until("not all have heard of it", PATIENCE, || {
        let pings = server.heard(PING);
        pings.iter().filter(|(_, ping)| ping.flags & ACK != 0).count() == SESSIONS
    });
    assert!(client.get(99, "/x", &secret));
    assert_eq!(client.next_on(99).status(), Some(200));
    assert_eq!(connections(&server), [0, 0, 1, 1, 2, 2, 3, 3, 4]);
    assert_eq!(metric(&gateway, "upstream_ejections_total", server.address()), "0");
}

#[test]
fn what_breaks_with_its_session_goes_out_on_a_new_one_and_on_no_older() {
    let server = holding(2);
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    for turn in 0..3 {
        assert!(client.get(2 * turn + 1, "/x", &secret));
        server.wait_for(HEADERS, turn as usize + 1);
    }
    for stream in [1, 3] {
        answer(&server, 0, stream);
        assert_eq!(client.next_on(stream).status(), Some(200));
    }
    under_way(&gateway, 1);
    assert!(client.get(7, "/x", &secret));
    server.wait_for(HEADERS, 4);
    server.cut(0);
    server.wait_for(HEADERS, 5);
    assert_eq!(connections(&server), [0, 0, 1, 0, 2]);
    assert_eq!(client.next_on(7).status(), Some(200));
}
