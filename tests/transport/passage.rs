//! Clients within TLS that lie idle while gateways follow one another: keys cannot move, so the gateway before passes on what
//! they say.

use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::certificates::Stage;
use crate::files::Files;
use crate::overdue::{ask, client};
use crate::streams::BOUND;
use crate::support::client::Client;
use crate::support::steps::Steps;
use crate::support::upstream::{Step, Upstream, ok};
use crate::support::{PATIENCE, wait_until};
use crate::tls::{answer, connect};

const HALF: &[u8] = b"GET /open HTTP/1.1\r\nHo";
const REST: &[u8] = b"st: b.example\r\nX: ";

#[test]
fn one_that_lies_idle_loses_nothing_and_keeps_its_certificate() {
    let mut stage = Stage::new("h2c = false");
    let config = client(&stage, "ci", &rustls::version::TLS13);
    let connect = || connect(stage.gateway.public(), &config, "b.example").unwrap();
    let (mut used, mut fresh, mut half) = (connect(), connect(), connect());
    assert_eq!(ask(&mut used).as_deref(), Some("200"));
    half.write_all(HALF).unwrap();
    let shown = stage.upstream.take_one();
    let resting = || stage.gateway.counted(|core| core.resting.value());
    wait_until("one of them rests", PATIENCE, || resting() > 0);
    let before = stage.gateway.succeed();
    assert_eq!(stage.curl("a.example", "/x", &[]).0, 200, "the successor serves");
    stage.upstream.take();
    assert!(!before.is_finished(), "it has the keys");
    half.write_all(REST).unwrap();
    half.write_all(b"y\r\n\r\n").unwrap();
    let mut rest = Vec::new();
    half.read_to_end(&mut rest).expect("it ends in good order");
    assert!(rest.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&rest));
    let _ = stage.upstream.take_one();
    for stream in [&mut used, &mut fresh] {
        assert_eq!(ask(stream).as_deref(), Some("200"));
        let seen = stage.upstream.take_one();
        for name in ["x-tollgate-certificate", "x-forwarded-proto", "x-forwarded-for"] {
            assert!(seen.value(name).is_some(), "{name}");
            assert_eq!(seen.value(name), shown.value(name));
        }
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "it was told, and closes in good order");
    }
    drop((used, fresh, half));
    before.join().unwrap().unwrap();
    assert_eq!(stage.gateway.counted(|core| core.accepted.value()), 3 + 2, "and curl's");
}

#[test]
fn one_may_lie_idle_as_long_as_before() {
    let (files, upstream) = (Files::new(), Upstream::scripted(|_| ok("ok")));
    files.make("a", &["a.example"]);
    let (mut gateway, secret) = files.gateway(&["a"], "limits.head_timeout = \"1s\"", &upstream);
    let config = Arc::new(files.client());
    let mut stream = connect(gateway.public(), &config, "a.example").unwrap();
    answer(&mut stream, &secret);
    let before = gateway.succeed();
    stream.sock.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let silent = stream.read(&mut [0]).unwrap_err();
    assert_eq!(silent.kind(), ErrorKind::WouldBlock, "it has begun no head");
    stream.sock.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(answer(&mut stream, &secret).starts_with("HTTP/1.1 200"));
    drop(stream);
    before.join().unwrap().unwrap();
}

#[test]
fn one_that_says_nothing_is_told_when_the_time_is_over() {
    let (files, upstream) = (Files::new(), Upstream::scripted(|_| ok("ok")));
    files.make("a", &["a.example"]);
    let (mut gateway, secret) =
        files.gateway(&["a"], "limits.drain_timeout = \"500ms\"", &upstream);
    let config = Arc::new(files.client());
    let mut stream = connect(gateway.public(), &config, "a.example").unwrap();
    assert!(!answer(&mut stream, &secret).contains("connection: close"));
    let begun = Steps::begin();
    gateway.succeed().join().unwrap().unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "in good order");
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn one_whose_handshake_lasts_is_answered_by_the_successor() {
    let mut stage = Stage::new("h2c = false");
    let config = client(&stage, "ci", &rustls::version::TLS13);
    let socket = std::net::TcpStream::connect(stage.gateway.public()).unwrap();
    let accepted = || stage.gateway.counted(|core| core.accepted.value());
    wait_until("it is accepted", PATIENCE, || accepted() == 1);
    let before = stage.gateway.succeed();
    assert_eq!(stage.curl("a.example", "/x", &[]).0, 200, "the successor serves");
    let name = "b.example".try_into().unwrap();
    let session = rustls::ClientConnection::new(config, name).unwrap();
    let mut stream = rustls::StreamOwned::new(session, socket);
    assert_eq!(ask(&mut stream).as_deref(), Some("200"));
    drop(stream);
    before.join().unwrap().unwrap();
}

/// It may be decided by a successor that stops as well; the gateway before it has the keys.
#[test]
fn what_is_under_way_through_it_is_finished_where_the_successor_stops() {
    let files = Files::new();
    let upstream = Upstream::scripted(|seen| match seen.number {
        0 => ok("ok"),
        _ => [vec![Step::TakeBody, Step::Wait], ok("ok")].concat(),
    });
    files.make("a", &["a.example"]);
    let (mut gateway, secret) = files.gateway(&["a"], "", &upstream);
    let config = Arc::new(files.client());
    let mut stream = connect(gateway.public(), &config, "a.example").unwrap();
    answer(&mut stream, &secret);
    let before = gateway.succeed();
    let public = gateway.public();
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| answer(&mut stream, &secret));
        upstream.wait_for(2);
        scope.spawn(|| gateway.stop());
        wait_until("it stops", PATIENCE, || std::net::TcpStream::connect(public).is_err());
        upstream.go_on();
        assert!(asks.join().unwrap().starts_with("HTTP/1.1 200"));
    });
    drop(stream);
    before.join().unwrap().unwrap();
}

/// Nobody who comes within TLS waits for those who administrate slowly.
#[test]
fn who_administrates_slowly_keeps_nobody_within_tls_waiting() {
    let (files, upstream) = (Files::new(), Upstream::scripted(|_| ok("ok")));
    files.make("a", &["a.example"]);
    let (mut gateway, secret) = files.gateway(&["a"], "", &upstream);
    let mut half = Client::connect(gateway.admin());
    half.send("GET /metrics HTTP/1.1\r\nX: ");
    let (config, public) = (Arc::new(files.client()), gateway.public());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let longest = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                let begun = Steps::begin();
                let mut stream = connect(public, &config, "a.example").unwrap();
                assert!(answer(&mut stream, &secret).starts_with("HTTP/1.1 200"));
                longest = longest.max(begun.elapsed());
            }
            longest
        });
        gateway.succeed().join().unwrap().unwrap();
        over.store(true, Ordering::Relaxed);
        let longest = longest.join().unwrap();
        assert!(longest < 3 * BOUND, "{longest:?}");
    });
}
