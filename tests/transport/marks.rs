//! The mark for which an upstream's fields are written (`upstream/lines.rs`) is no upstream's to send.

use socket2::{Domain, Socket, Type};

use crate::support::client::{Client, ask};
use crate::support::frames::{END_HEADERS, END_STREAM, HEADERS, field, frame};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Upstream, answer};
use crate::support::{PATIENCE, wait_until};
use crate::windows::{HTTP2, OK, Server};

/// So many heads are more than the systems take of what a client does not read.
const MANY: usize = 100;

/// How many answers of the first API's upstream have come.
fn answered(gateway: &Gateway) -> usize {
    let text = ask(gateway.admin(), "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").text();
    let begin = "tollgate_upstream_response_seconds_count{api=\"a\"} ";
    // There is no line before the first.
    text.lines().find_map(|line| line.strip_prefix(begin)?.parse().ok()).unwrap_or_default()
}

/// sec-S13: heads that wait for their client stand in one place, and none gets the fields of another.
#[test]
fn sec_s13_an_upstream_of_http2_cannot_send_the_mark() {
    let fields = [field("tollgate-fields", ""), field("x-long", "x".repeat(12_000))].concat();
    let head = [OK, &field("content-length", "0"), &fields].concat();
    let forger = Server::start(&[], move |_, asked| {
        frame(HEADERS, END_HEADERS | END_STREAM, asked.stream, &head)
    });
    let honest = Upstream::scripted(|_| {
        answer("HTTP/1.1 200 OK\r\nTollgate-Fields: \r\nX-Of: another\r\nContent-Length: 0\r\n\r\n")
    });
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\npath = \"/a\"\nupstream = {}\n{HTTP2}\nrules = [{{ path = \"/a\" }}]\n\
         [[apis]]\nname = \"b\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/b\" }}]\n",
        forger.url(),
        honest.address()
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.connect(&gateway.public().into()).unwrap();
    let mut client = Client::over(socket.into());
    let head = gateway.get("/a", &secret).replace("GET", "POST");
    let head = head.replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n");
    for turn in 1..=MANY {
        // The next request is read once this one is over, whether or not its answer has gone out.
        client.send(format!("{head}x"));
        wait_until("an answer never came", PATIENCE, || answered(&gateway) == turn);
        client.send("x");
    }
    client.send(gateway.get("/b", &secret));
    honest.wait_for(1);
    for turn in 0..MANY {
        let answer = client.answer_to("POST").unwrap();
        let of = (answer.status, answer.value("x-of"), answer.value("tollgate-fields"));
        assert_eq!(of, (200, None, None), "{turn}");
        assert_eq!(answer.value("x-long").map(|value| value.len()), Some(12_000), "{turn}");
    }
    // To those of HTTP/1.1 it means nothing.
    let last = client.answer();
    assert_eq!(last.values("x-of"), ["another"]);
    assert_eq!(last.values("tollgate-fields"), [""]);
}
