//! Connections on which nothing moves give back all but their socket, and their clients notice nothing of it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{ClientConnection, StreamOwned};

use crate::files::Files;
use crate::support::client::Client;
use crate::support::frames::{Frames, GOAWAY};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Upstream, ok};
use crate::support::{PATIENCE, wait_until};
use crate::tls::{answer, connect};

fn gateway(limits: &str, upstream: &Upstream) -> (Gateway, String) {
    let gateway = Gateway::limited(limits, upstream.address());
    let secret = gateway.any_token();
    (gateway, secret)
}

fn rest(gateway: &Gateway, count: u64) {
    wait_until("other connections rest", PATIENCE, || {
        gateway.counted(|core| core.resting.value()) == count
    });
}

fn open(gateway: &Gateway, count: u64) {
    wait_until("other connections are open", PATIENCE, || {
        gateway.counted(|core| core.open.value()) == count
    });
}

#[test]
fn what_rests_goes_on_with_whatever_comes() {
    let upstream = Upstream::scripted(|_| ok("an answer"));
    let (gateway, secret) = gateway("", &upstream);
    let get = gateway.get("/any", &secret);
    let mut clients: Vec<_> = (0..8).map(|_| Client::connect(gateway.public())).collect();
    for client in &mut clients {
        assert_eq!(client.ask(&get).text(), "an answer");
    }
    rest(&gateway, 8);
    let post = get.replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nabc");
    for sent in [get.clone(), format!("\r\n{get}"), post.clone(), format!("{post}{get}")] {
        let client = &mut clients[0];
        client.send(&sent);
        for _ in 0..sent.matches("Host:").count() {
            assert_eq!(client.answer().status, 200, "{sent}");
        }
        rest(&gateway, 8);
    }
    assert_eq!(upstream.take().len(), 8 + 5);
    // A byte of the next head wakes it, and it has the time of a head.
    let (first, others) = get.split_at(1);
    clients[1].send(first);
    rest(&gateway, 7);
    clients[1].send(others);
    assert_eq!(clients[1].answer().status, 200);
    // What came along with a request is the beginning of the next one, whenever its rest comes.
    clients[2].send(format!("{get}{}", &get[..20]));
    assert_eq!(clients[2].answer().status, 200);
    rest(&gateway, 7);
    clients[2].send(&get[20..]);
    assert_eq!(clients[2].answer().status, 200);
    rest(&gateway, 8);
    // Fields are spelled as they came, whatever was before.
    clients[3].send(get.replace("Host:", "hOsT:"));
    assert_eq!(clients[3].answer().status, 200);
    assert!(upstream.take().pop().unwrap().names().contains(&"hOsT".to_owned()));
    // A client that leaves is gone.
    clients.pop();
    open(&gateway, 7);
    clients.truncate(1);
    open(&gateway, 1);
}

#[test]
fn what_rests_is_closed_in_its_time() {
    let upstream = Upstream::start();
    let (gateway, secret) = gateway("idle_timeout = \"2s\", head_timeout = \"1s\"", &upstream);
    let mut silent = Client::connect(gateway.public());
    let mut idle = Client::connect(gateway.public());
    assert_eq!(idle.ask(gateway.get("/any", &secret)).status, 200);
    rest(&gateway, 1);
    assert!(silent.is_closed() && idle.is_closed());
    open(&gateway, 0);
    rest(&gateway, 0);
}

/// RFC 9113 section 6.8: what crosses the end on its way was not looked at. RFC 8446 section 6.1: nothing was cut off.
#[test]
fn whoever_lies_idle_is_told_that_it_ends() {
    let (files, upstream) = (Files::new(), Upstream::scripted(|_| ok("ok")));
    files.make("a", &["a.example"]);
    let (gateway, secret) = gateway("idle_timeout = \"1s\"", &upstream);
    let mut frames = Frames::connect(gateway.public(), 1 << 16);
    assert!(frames.get(1, "/x", &secret));
    while !frames.next_on(1).ends() {}
    let mut told = Vec::new();
    while let Some(frame) = frames.next() {
        told.push((frame.kind, frame.payload));
    }
    // It has not looked at anything behind the first stream, and nothing is wrong.
    assert_eq!(told.last(), Some(&(GOAWAY, vec![0, 0, 0, 1, 0, 0, 0, 0])), "{told:?}");
    let (gateway, secret) = files.gateway(&["a"], "limits.idle_timeout = \"2s\"", &upstream);
    let mut stream = connect(gateway.public(), &Arc::new(files.client()), "a.example").unwrap();
    assert!(answer(&mut stream, &secret).starts_with("HTTP/1.1 200 OK\r\n"));
    rest(&gateway, 1);
    // Without that word this would be an error.
    assert_eq!(stream.read(&mut [0; 9]).unwrap(), 0);
}

/// Its keys stay, so that it goes on without another handshake.
#[test]
fn within_tls_it_rests_too() {
    let (files, upstream) = (Files::new(), Upstream::scripted(|_| ok("ok")));
    files.make("a", &["a.example"]);
    let (gateway, secret) = files.gateway(&["a"], "", &upstream);
    let config = Arc::new(files.client());
    let mut stream = connect(gateway.public(), &config, "a.example").unwrap();
    for _ in 0..3 {
        assert!(answer(&mut stream, &secret).starts_with("HTTP/1.1 200 OK\r\n"));
        rest(&gateway, 1);
    }
    assert_eq!(gateway.counted(|core| core.shaken.value()), 1);
    drop(stream);
    open(&gateway, 0);
    // A request may come in one breath with the end of the handshake, and so be read before anything is asked for.
    let socket = TcpStream::connect(gateway.public()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let session = ClientConnection::new(config, "a.example".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(session, socket);
    stream.conn.writer().write_all(gateway.get("/x", &secret).as_bytes()).unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
}
