//! What waits in vain on a session of HTTP/2 is given back, and goes out once.

use crate::endpoints::{gateway, metric};
use crate::support::frames::{
    END_HEADERS, END_STREAM, Frame, Frames, HEADERS, RST_STREAM, WINDOW_UPDATE, block, frame,
};
use crate::support::{PATIENCE, wait_until};
use crate::windows::{HTTP2, Server, whole};

/// SETTINGS_MAX_CONCURRENT_STREAMS of three, and SETTINGS_INITIAL_WINDOW_SIZE of 16 bytes.
const SETTINGS: &[u8] = &[0, 3, 0, 0, 0, 3, 0, 4, 0, 0, 0, 16];

/// What is waited for: nobody answers the third.
fn acts(connection: usize, head: &Frame) -> Vec<u8> {
    if (connection, head.stream) == (0, 5) { Vec::new() } else { whole(head) }
}

/// RFC 9110 section 9.2.2: the library may have the head of such a request already, and sends it as soon as there is room, though
/// it was taken back: what may not be sent twice is not sent elsewhere.
#[test]
fn rfc9110_9_2_2_what_a_session_may_still_send_goes_out_twice_only_where_it_may() {
    for (method, status) in [("DELETE", 502), ("GET", 200)] {
        let server = Server::start(SETTINGS, acts);
        let more = format!("{HTTP2}\nupstream_eject_after = 1");
        let (gateway, secret) = gateway(&server.url(), &more);
        let mut client = Frames::connect(gateway.public(), 1 << 16);
        let head = block("POST", "/x", &secret, &[("content-length", "1000")]);
        for stream in [1, 3] {
            let reply = client.ask(stream, &head, Some(&[b'x'; 1_000]), &[]);
            assert_eq!(reply.status, Some(200));
        }
        client.get(5, "/x", &secret);
        server.wait_for(HEADERS, 3);
        // The ends of the two bodies wait for room, and the library counts them.
        client.send(HEADERS, END_HEADERS | END_STREAM, 7, &block(method, "/x", &secret, &[]));
        assert_eq!(client.next_on(7).status(), Some(status), "{method}");
        let room = 1_000_u32.to_be_bytes();
        server.say(0, &frame(WINDOW_UPDATE, 0, 1, &room));
        let late = || server.heard(RST_STREAM).iter().any(|(_, frame)| frame.stream == 7);
        wait_until("the library keeps it", PATIENCE, late);
        let heads = server.heard(HEADERS);
        let on = |number| heads.iter().filter(|(connection, _)| *connection == number).count();
        let elsewhere = usize::from(method == "GET");
        assert_eq!((on(0), on(1)), (4, elsewhere), "{method}");
        assert_eq!(metric(&gateway, "upstream_ejections_total", server.address()), "0");
    }
}
