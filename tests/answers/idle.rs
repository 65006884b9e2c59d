//! Idle connections to upstreams: closed when the time of their API is over, and when a reload takes
//! their endpoint away; and what a reload takes away is forgotten.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tollgate::clock::instant;

use crate::support::PATIENCE;
use crate::support::gateway::Gateway;

const OPEN: &str = "rules = [{ path = \"/{*rest}\", public = true }]";

fn api(name: &str, address: SocketAddr, more: &str) -> String {
    format!("[[apis]]\nname = \"{name}\"\nupstream = \"http://{address}\"\n{more}\n{OPEN}\n")
}

/// The upstream's end of the connection that one request was sent on, which then lies idle.
fn idle_connection(gateway: &Gateway, listener: &TcpListener) -> TcpStream {
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| gateway.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status);
        let mut stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        assert_eq!(asked.join().unwrap(), 204);
        stream
    })
}

/// How long it takes until the gateway closes a connection.
fn closed_after(mut stream: TcpStream) -> Duration {
    let begun = instant();
    match stream.read(&mut [0]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("it stays open: {other:?}"),
    }
    begun.elapsed()
}

fn reload(gateway: &Gateway, from: &str, to: &str) {
    let text = std::fs::read_to_string(gateway.source()).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(gateway.source(), text.replace(from, to)).unwrap();
    gateway.app().reloader().reload().unwrap();
}

#[test]
fn an_idle_connection_is_closed_when_the_time_of_its_api_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let gateway = Gateway::start(&api("a", address, "upstream_idle_timeout = \"1s\""));
    let took = closed_after(idle_connection(&gateway, &listener));
    assert!(took >= Duration::from_millis(500), "{took:?}");
}

#[test]
fn an_idle_connection_is_closed_soon_after_a_reload_takes_its_endpoint_away() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let gateway = Gateway::start(&api("a", address, "upstream_idle_timeout = \"1h\""));
    let stream = idle_connection(&gateway, &listener);
    reload(&gateway, &address.to_string(), "127.0.0.1:1");
    closed_after(stream);
}

#[test]
fn reloads_leave_nothing_behind_of_what_they_take_away() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let block = |round: usize| {
        // Nobody listens at the other address.
        let mut text = api(&format!("api-{round}-"), address, "host = \"a.example\"");
        let other = SocketAddr::from(([127, 0, 1, 1], 1_000 + u16::try_from(round).unwrap()));
        write!(text, "{}", api(&format!("other-{round}-"), other, "host = \"b.example\"")).unwrap();
        text
    };
    let gateway = Gateway::start(&block(0));
    for round in 0..200 {
        if round > 0 {
            reload(&gateway, &block(round - 1), &block(round));
        }
        assert_eq!(gateway.ask("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n").status, 502);
    }
    let counters = &gateway.app().shared().counters;
    let names = || {
        let rules = counters.rules().into_iter().map(|((api, _), _)| api);
        let upstreams = counters.upstreams().into_iter().map(|(api, _)| api);
        let all: Vec<_> = rules.chain(upstreams).collect();
        all.into_iter().filter(|api| !api.contains("-199-") && **api != *"none").collect::<Vec<_>>()
    };
    let begun = instant();
    while !names().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "{:?}", names());
    }
    let metrics = crate::support::client::ask(
        gateway.admin(),
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    let series = metrics.text().lines().filter(|line| line.contains("api=\"other-")).count();
    assert!((1..40).contains(&series), "{}", metrics.text());
}
