//! Upstreams behind a Unix socket.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::support::client::Client;
use crate::support::gateway::Gateway;
use crate::support::{PATIENCE, position, wait_until};

/// Answers with the length of each body; to `/early` before it has read the body, and then closes. Counts its
/// connections.
fn serve(path: &Path) -> Arc<AtomicUsize> {
    let (listener, count) = (UnixListener::bind(path).unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            thread::spawn(|| answer(stream.unwrap()));
        }
    });
    count
}

fn answer(mut stream: UnixStream) -> Option<()> {
    let mut read = Vec::new();
    loop {
        let head_end = loop {
            match position(&read, b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => more(&mut stream, &mut read)?,
            }
        };
        let head = String::from_utf8(read.drain(..head_end).collect()).unwrap().to_lowercase();
        if head.contains("/early") {
            stream.write_all(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n").unwrap();
            return None;
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().unwrap());
        while read.len() < length {
            more(&mut stream, &mut read)?;
        }
        read.drain(..length);
        let text = length.to_string();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        stream.write_all(head.as_bytes()).ok()?;
    }
}

fn more(stream: &mut UnixStream, read: &mut Vec<u8>) -> Option<()> {
    let mut some = [0; 65_536];
    let length = stream.read(&mut some).ok().filter(|length| *length > 0)?;
    read.extend_from_slice(&some[..length]);
    Some(())
}

fn in_front_of(upstream: &str) -> (Gateway, String) {
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\nupstream = \"{upstream}\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n"
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    (gateway, secret)
}

#[test]
fn requests_and_uploads_go_through_a_socket_that_is_kept_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let connections = serve(&path);
    let (gateway, secret) = in_front_of(&format!("unix:{}", path.display()));
    let mut client = Client::connect(gateway.public());
    for length in [0, 5, 3_000_000, 1] {
        let head = format!(
            "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\nContent-Length: {length}\r\n\r\n"
        );
        client.send(head + &"x".repeat(length));
        let found = client.answer();
        assert_eq!((found.status, found.text()), (200, length.to_string()));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[test]
fn an_answer_that_comes_before_the_end_of_an_upload_is_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    serve(&path);
    let (gateway, secret) = in_front_of(&format!("unix:{}", path.display()));
    for _ in 0..5 {
        let mut client = gateway.begin_post("/early", &secret, 1_000_000);
        client.send("begin");
        assert_eq!(client.answer().status, 413);
        // What is left is taken or refused, and nobody waits for it for ever.
        let _ = (&mut client.stream()).write_all(&[b'x'; 999_995]);
        assert!(client.is_closed() || gateway.ask(gateway.get("/", &secret)).status == 200);
    }
}

#[test]
fn a_socket_that_nobody_listens_at_is_502() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let (gateway, secret) = in_front_of(&format!("unix:{}", path.display()));
    assert_eq!(gateway.ask(gateway.get("/", &secret)).status, 502);
    drop(UnixListener::bind(&path).unwrap());
    assert_eq!(gateway.ask(gateway.get("/", &secret)).status, 502);
    std::fs::remove_file(&path).unwrap();
    serve(&path);
    assert_eq!(gateway.ask(gateway.get("/", &secret)).status, 200);
}

/// A full queue is waited for, as it is over TCP, and blames nobody.
#[test]
fn a_socket_that_takes_connections_slowly_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slow.sock");
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    socket.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    socket.listen(1).unwrap();
    let (gateway, secret) = in_front_of(&format!("unix:{}", path.display()));
    let mut clients = [(); 12].map(|()| Client::connect(gateway.public()));
    for client in &mut clients {
        client.send(gateway.get("/x", &secret));
    }
    wait_until("all wait", PATIENCE, || gateway.counted(|core| core.under_way.value()) == 12);
    let listener = UnixListener::from(std::os::fd::OwnedFd::from(socket));
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(|| answer(stream.unwrap()));
        }
    });
    for client in &mut clients {
        assert_eq!(client.answer().status, 200);
    }
}
