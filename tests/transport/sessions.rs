//! Sessions of HTTP/2: to whom they lead, and what does not end them for others.

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use crate::endpoints::{gateway, metric};
use crate::support::client::Client;
use crate::support::frames::{
    DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, RST_STREAM, block, field, frame,
};
use crate::support::gateway::Gateway;
use crate::support::http2;
use crate::support::upstream::{Upstream, ok};
use crate::unseen::{Act, Server as Told};
use crate::windows::{HTTP2, NARROW, OK, Server, begun, whole};

/// Small enough that the library counts each as more than it holds.
const CRUMB: &[u8] = b"x";
const CRUMBS: usize = 100_000;

fn reload(gateway: &Gateway, from: &str, to: &str) {
    let text = fs::read_to_string(gateway.source()).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(gateway.source(), text.replace(from, to)).unwrap();
    gateway.app().reloader().reload().unwrap();
}

/// An endpoint's number is given to another one once nobody has it, and connections are found by that.
#[test]
fn after_reloads_requests_go_where_the_file_says_and_not_where_a_session_is_open() {
    let servers = [(); 3].map(|()| Server::start(&[], |_, head| whole(head)));
    let (gateway, secret) = gateway(&servers[0].url(), HTTP2);
    let mut clients = [(); 4].map(|()| Client::connect(gateway.public()));
    for (number, server) in servers.iter().enumerate() {
        if let Some(before) = number.checked_sub(1) {
            reload(&gateway, &servers[before].url(), &server.url());
        }
        for client in &mut clients {
            assert_eq!(client.ask(gateway.get("/x", &secret)).status, 200);
        }
        assert_eq!(server.heard(HEADERS).len(), 4, "{number}");
    }
}

/// What its upstream sent ahead in small parts takes nothing from the others of its session.
#[test]
fn answers_in_small_parts_that_nobody_reads_end_no_session() {
    let server = Server::start(&[], |_, head| {
        if head.stream > 12 {
            return whole(head);
        }
        let mut bytes = frame(HEADERS, END_HEADERS, head.stream, OK);
        for _ in 0..CRUMBS {
            bytes.extend(frame(DATA, 0, head.stream, CRUMB));
        }
        bytes
    });
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let mut client = Frames::connect(gateway.public(), 0);
    for stream in [1, 3, 5, 7, 9, 11, 13] {
        client.get(stream, "/x", &secret);
        assert_eq!(client.next_on(stream).status(), Some(200), "{stream}");
    }
    assert_eq!((server.open(), server.heard(GOAWAY).len()), (1, 0));
    client.give_room(11, u32::try_from(CRUMB.len() * CRUMBS).unwrap());
    let (mut came, all) = (0, 65_535);
    while came < all {
        let part = client.next_on(11);
        assert_eq!(part.kind, DATA);
        came += part.payload.len();
    }
}

/// Where that is far too much the library ends the session (it counts 128 MB): nobody is left out for it, and who only waits is
/// asked for again.
#[test]
fn a_session_that_too_much_lies_unread_on_is_no_fault_of_its_upstream() {
    const STREAMS: [u32; 4] = [1, 3, 5, 7];
    let server = Server::start(&[], |connection, head| {
        if connection > 0 {
            return whole(head);
        }
        if head.stream != 9 {
            return frame(HEADERS, END_HEADERS, head.stream, OK);
        }
        // In turn, so that no two of them become one.
        let turn = STREAMS.map(|stream| frame(DATA, 0, stream, CRUMB)).concat();
        turn.repeat((128 << 20) / (200 * STREAMS.len()))
    });
    let more = format!("{HTTP2}\nupstream_eject_after = 1");
    let (gateway, secret) = gateway(&server.url(), &more);
    let mut client = Frames::connect(gateway.public(), 0);
    for stream in STREAMS {
        client.get(stream, "/x", &secret);
        assert_eq!(client.next_on(stream).status(), Some(200), "{stream}");
    }
    client.get(9, "/x", &secret);
    assert_eq!(client.reply(9).status, Some(200));
    assert_eq!((server.heard(GOAWAY).len(), server.heard(HEADERS).len()), (1, 6));
    assert_eq!(gateway.counted(|core| core.retried.value()), 1);
    assert_eq!(metric(&gateway, "upstream_ejections_total", server.address()), "0");
}

/// What still comes of exchanges that were given up the library counts, and bears so much (1,024) in the life of a session.
#[test]
fn clients_that_give_up_answers_end_no_session_for_others() {
    const EACH: u32 = 1_300;
    // Late by far more than the library remembers by itself, and twice.
    let late = |stream: u32| {
        let those = [60, 120].into_iter().filter_map(move |before| stream.checked_sub(2 * before));
        those.flat_map(|one| frame(DATA, 0, one, CRUMB))
    };
    let server = Server::start(&[], move |_, head| {
        let mut bytes = frame(HEADERS, END_HEADERS, head.stream, OK);
        bytes.extend(late(head.stream));
        bytes
    });
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    for stream in (0..EACH).map(|nth| 2 * nth + 1) {
        client.get(stream, "/x", &secret);
        assert_eq!(client.next_on(stream).status(), Some(200));
        client.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
    }
    let ended = server.heard(GOAWAY).iter().filter(|(_, frame)| frame.reason() != 0).count();
    assert_eq!(ended, 0);
}

/// The library ends the session for that in the same way.
#[test]
fn a_head_without_an_end_is_a_fault_of_its_upstream() {
    let bad = Server::start(&[], |_, head| {
        let name_and_value = field("x-much", "x".repeat(4_000));
        // Put by for later (RFC 7541 section 6.2.1), and named a hundred times.
        let much = [&[0x40], &name_and_value[1..], &[0xbe; 100]].concat();
        frame(HEADERS, END_HEADERS | END_STREAM, head.stream, &[OK, &much].concat())
    });
    let good = Server::start(&[], |_, head| whole(head));
    let urls = format!("{}, {}", bad.url(), good.url());
    let (gateway, secret) = gateway(&urls, &format!("{HTTP2}\nupstream_eject_after = 1"));
    let statuses: Vec<_> =
        (0..20).map(|_| gateway.ask(gateway.get("/x", &secret)).status).collect();
    assert!(statuses.iter().filter(|status| **status == 502).count() <= 2, "{statuses:?}");
    assert!(!bad.heard(HEADERS).is_empty());
    assert_eq!(metric(&gateway, "upstream_ejections_total", bad.address()), "1");
}

/// RFC 9113 section 6.1: parts may be empty, and a server that writes such is well.
#[test]
fn answers_with_empty_parts_end_no_session() {
    let server = Server::start(&[], |_, head| {
        let on = |kind, flags, payload: &[u8]| frame(kind, flags, head.stream, payload);
        let empty = on(DATA, 0, b"").repeat(3);
        let begin = on(HEADERS, END_HEADERS, OK);
        [begin, empty.clone(), on(DATA, 0, b"o"), empty, on(DATA, END_STREAM, b"k")].concat()
    });
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    for stream in (0..100).map(|nth| 2 * nth + 1) {
        client.get(stream, "/x", &secret);
        let reply = client.reply(stream);
        assert_eq!((reply.status, &*reply.body, reply.whole), (Some(200), &b"ok"[..], true));
    }
    assert_eq!((server.open(), server.heard(GOAWAY).len()), (1, 0));
}

/// Nor does an upload in small parts that waits for its upstream: it keeps to its window, as it has to.
#[test]
fn an_upload_in_small_parts_that_nobody_takes_ends_no_connection() {
    let server = Server::start(NARROW, begun);
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    // The window is known with the first answer.
    client.get(1, "/x", &secret);
    assert_eq!(client.reply(1).status, Some(200));
    client.send(HEADERS, END_HEADERS, 3, &block("POST", "/x", &secret, &[]));
    let part = frame(DATA, 0, 3, &[b'x'; 25]);
    assert!(client.send_bytes(&part.repeat((512 << 10) / 25)));
    client.get(5, "/x", &secret);
    assert_eq!(client.reply(5).status, Some(200));
    client.send(RST_STREAM, 0, 3, &8_u32.to_be_bytes());
    client.get(7, "/x", &secret);
    assert_eq!(client.reply(7).status, Some(200));
}

/// RFC 9113 section 8.1: an answer whose end came is whole, whatever becomes of its session, and of the upload.
#[test]
fn an_early_answer_is_whole_although_its_upstream_leaves_behind_it() {
    for _ in 0..10 {
        let server = Told::start(|_| Act::SayAndLeave);
        let (gateway, secret) = gateway(&server.url(), HTTP2);
        let mut client = Frames::connect(gateway.public(), 1 << 16);
        client.send(HEADERS, END_HEADERS, 1, &block("POST", "/x", &secret, &[]));
        let reply = client.reply(1);
        assert_eq!((reply.status, &*reply.body, reply.whole), (Some(200), &b"body"[..], true));
        assert_eq!(gateway.counted(|core| core.cut_by_upstream.value()), 0);
        assert_eq!(metric(&gateway, "upstream_ejections_total", server.address()), "0");
    }
}

/// RFC 9110 section 9.2.2, over HTTP/2: what is safe goes out again where the connection broke, and nothing else does.
#[test]
fn what_is_safe_is_sent_again_where_a_session_breaks() {
    let (broken, good) = (Told::start(|_| Act::Close), Told::start(|_| Act::Answer));
    let urls = format!("{}, {}", broken.url(), good.url());
    let more = format!("{HTTP2}\nupstream_eject_after = 0");
    let (gateway, secret) = gateway(&urls, &more);
    // No more of them than each core may send again at first.
    for _ in 0..3 {
        let answer = Client::connect(gateway.public()).ask(gateway.get("/x", &secret));
        assert_eq!(answer.status, 200);
    }
    let post = || {
        let mut client = gateway.begin_post("/x", &secret, 0);
        client.answer_to("POST").unwrap().status
    };
    assert!((0..20).any(|_| post() == 502), "it may have been acted on");
}

#[test]
fn a_head_that_clients_may_send_goes_to_an_upstream_of_http2_as_well() {
    let server = Server::start(&[], |_, head| whole(head));
    let gateway = Gateway::start(&format!(
        "limits = {{ headers = 1_000, head = \"64KiB\" }}\n[[apis]]\nname = \"a\"\nupstream = {}\n{HTTP2}\n\
         rules = [{{ path = \"/{{*rest}}\" }}]\n",
        server.url()
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    let many: String = (0..900).map(|nth| format!("x-{nth}: 1\r\n")).collect();
    let request = gateway.get("/x", &secret).replace("\r\n\r\n", &format!("\r\n{many}\r\n"));
    assert_eq!(gateway.ask(request).status, 200);
}

/// RFC 9110 section 8.6: over HTTP/1.1 a server may ask for a length where there could be a body.
#[test]
fn a_request_without_a_body_over_http2_says_so_to_an_upstream_of_http1() {
    let upstream = Upstream::scripted(|_| ok("ok"));
    let gateway = Gateway::transparent(upstream.address());
    let secret = gateway.any_token();
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    for (stream, method, said) in [
        (1, "POST", Some("0")),
        (3, "PUT", Some("0")),
        (5, "PATCH", Some("0")),
        (7, "GET", None),
        (9, "DELETE", None),
    ] {
        let block = block(method, "/x", &secret, &[]);
        assert_eq!(client.ask(stream, &block, None, &[]).status, Some(200), "{method}");
        let seen = upstream.take_one();
        assert_eq!(seen.value("content-length").as_deref(), said, "{method}");
        assert_eq!(seen.value("transfer-encoding"), None);
    }
}

/// RFC 9113 section 8.7, where each session ends with its first request: no more tries than where the request is refused.
#[test]
fn whoever_leaves_before_each_request_is_asked_a_few_times() {
    let server = Told::start(|_| Act::Leave(0));
    let good = Upstream::scripted(|_| ok("ok"));
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\nupstream = {}\n{HTTP2}\nrules = [{{ path = \"/{{*rest}}\" }}]\n\
         [[apis]]\nname = \"b\"\npath = \"/b\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/b\" }}]\n",
        server.url(),
        good.address()
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    for _ in 0..2 * 200 {
        // Each core may do many things twice.
        assert_eq!(gateway.ask(gateway.get("/b", &secret)).status, 200);
    }
    let mut client = gateway.begin_post("/x", &secret, 3);
    client.send("abc");
    assert_eq!(client.answer_to("POST").unwrap().status, 502);
    assert_eq!(gateway.counted(|core| core.retried.value()), 2);
}

#[test]
fn one_silent_client_of_http2_holds_no_stop_up() {
    let upstream = Upstream::start();
    let mut gateway = Gateway::limited("drain_timeout = \"2m\"", upstream.address());
    let secret = gateway.any_token();
    let mut asked = Frames::connect(gateway.public(), 1 << 16);
    asked.get(1, "/x", &secret);
    assert_eq!(asked.reply(1).status, Some(200));
    let silent = Frames::connect(gateway.public(), 1 << 16);
    let begun = tollgate::clock::instant();
    gateway.stop();
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    drop((asked, silent));
}

/// RFC 9110 section 6.5: also behind a body whose length was said.
#[test]
fn trailers_behind_a_body_of_known_length_go_on() {
    let server = Server::start(&[], |_, head| {
        let on = |kind, flags, payload: &[u8]| frame(kind, flags, head.stream, payload);
        let begin = [OK, &field("content-length", "2"), &field("trailer", "x-sum")].concat();
        let begin = [on(HEADERS, END_HEADERS, &begin), on(DATA, 0, b"ok")].concat();
        [begin, on(HEADERS, END_HEADERS | END_STREAM, &field("x-sum", "1"))].concat()
    });
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let answer = http2::Client::connect(gateway.public()).get("http://a/x", Some(&secret));
    assert_eq!((answer.status, &*answer.text()), (200, "ok"));
    assert_eq!(answer.trailers.keys().collect::<Vec<_>>(), ["x-sum"]);
}

/// RFC 9113 section 6.1: an end may come by itself, and some servers send it so. Nobody is reset for that, nor said to have left.
#[test]
fn an_answer_whose_end_comes_behind_it_is_whole() {
    let held = Mutex::new(0);
    let server = Server::start(&[], move |_, head| {
        // The end of the one before.
        let before = std::mem::replace(&mut *held.lock().unwrap(), head.stream);
        let end = if before > 0 { frame(DATA, END_STREAM, before, b"") } else { Vec::new() };
        let begin = [OK, &field("content-length", "2")].concat();
        let begin = frame(HEADERS, END_HEADERS, head.stream, &begin);
        let body = if head.stream == 21 { Vec::new() } else { frame(DATA, 0, head.stream, b"ok") };
        [end, begin, body].concat()
    });
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let mut client = Client::connect(gateway.public());
    for _ in 0..10 {
        assert_eq!(client.ask(gateway.get("/x", &secret)).text(), "ok");
    }
    client.send(gateway.get("/x", &secret).replace("GET ", "HEAD "));
    let answer = client.answer_to("HEAD").unwrap();
    assert_eq!((answer.status, answer.value("content-length").as_deref()), (200, Some("2")));
    assert_eq!(client.ask(gateway.get("/x", &secret)).text(), "ok");
    assert_eq!((server.open(), server.heard(RST_STREAM).len()), (1, 0));
    assert_eq!(gateway.counted(|core| core.cut_by_client.value()), 0);
}

#[test]
fn an_answer_whose_end_never_comes_is_whole_for_a_client_of_http2_too() {
    let server = Server::start(&[], |_, head| {
        let begin = [OK, &field("content-length", "2")].concat();
        let on = |kind, flags, payload: &[u8]| frame(kind, flags, head.stream, payload);
        [on(HEADERS, END_HEADERS, &begin), on(DATA, 0, b"ok")].concat()
    });
    let more = format!("{HTTP2}\nupstream_stall_timeout = \"1s\"");
    let (gateway, secret) = gateway(&server.url(), &more);
    let answer = http2::Client::connect(gateway.public()).get("http://a/x", Some(&secret));
    assert_eq!((answer.status, &*answer.text()), (200, "ok"));
    assert_eq!(gateway.counted(|core| core.cut_by_upstream.value()), 0);
}

/// Nor do those whose heads come in two reads, however many there are.
#[test]
fn empty_parts_end_no_session_however_they_are_read() {
    const PARTS: usize = 2_500;
    let server = Server::start(&[], |_, head| {
        let on = |kind, flags, payload: &[u8]| frame(kind, flags, head.stream, payload);
        let parts = [on(DATA, 0, &[b'x'; 100]), on(DATA, 0, b"")].concat().repeat(PARTS);
        [on(HEADERS, END_HEADERS, OK), parts, on(DATA, END_STREAM, b"")].concat()
    });
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let mut client = Client::connect(gateway.public());
    for _ in 0..12 {
        let answer = client.ask(gateway.get("/x", &secret));
        assert_eq!((answer.whole, answer.body.len()), (true, 100 * PARTS));
    }
    assert_eq!((server.open(), server.heard(GOAWAY).len()), (1, 0));
}

/// Whose body breaks off or is too long is told so, and no upstream is blamed for it.
#[test]
fn a_body_that_its_client_sends_wrong_is_no_fault_of_an_upstream_of_http2() {
    let servers = [(); 2].map(|()| Told::start(|_| Act::Answer));
    let urls = format!("{}, {}", servers[0].url(), servers[1].url());
    let more = format!("{HTTP2}\nbody_limit = 3\nupstream_eject_after = 1");
    let (gateway, secret) = gateway(&urls, &more);
    let chunked = "transfer-encoding: chunked";
    for (row, line, body, status) in [
        ("no chunk", chunked, "1\r\nZ\r\n-1\r\n", 400),
        ("cut off", chunked, "1\r\nZ\r\n", 400),
        ("too long", chunked, "2\r\nZZ\r\n2\r\nZZ\r\n0\r\n\r\n", 413),
        ("less than it says", "content-length: 3", "Z", 400),
    ] {
        let mut client = Client::connect(gateway.public());
        client.send(format!(
            "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n{line}\r\n\r\n{body}"
        ));
        client.finish();
        assert_eq!(client.answer_to("POST").map(|answer| answer.status), Some(status), "{row}");
    }
    // Over HTTP/2 to its end: what is cut off there has nobody who would read an answer.
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    let reply = client.ask(1, &block("POST", "/x", &secret, &[]), Some(b"ZZZZ"), &[]);
    assert_eq!(reply.status, Some(413));
    for server in &servers {
        assert_eq!(metric(&gateway, "upstream_ejections_total", server.address()), "0");
    }
    assert_eq!(gateway.ask(gateway.get("/x", &secret)).status, 200);
}
