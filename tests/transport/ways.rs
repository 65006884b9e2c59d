//! Ways to an upstream beside a plain connection: within TLS, through a Unix socket, and in a session of HTTP/2. Health checks
//! and WebSockets go them as requests do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::endpoints::{gateway, metric};
use crate::files::Files;
use crate::streams::BOUND;
use crate::support::recorder::{Recorder, Told};
use crate::support::relay::Relay;
use crate::support::steps::Steps;
use crate::support::upstream::{Upstream, answer};
use crate::support::{PATIENCE, wait_until};
use crate::websockets::{code, frame, open, talker};

/// What stands between the gateway and an upstream.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Between {
    Nothing,
    Tls,
    Socket,
}

/// A way to an upstream.
struct Way {
    url: String,
    /// How it is called in metrics, and whom it is asked for.
    name: String,
    host: String,
    lines: String,
    _relay: Option<Relay>,
}

impl Way {
    /// One to this address.
    fn to(upstream: SocketAddr, between: Between, http2: bool, files: &Files) -> Self {
        let protocol = if http2 { "h2" } else { "http/1.1" };
        let lines = if http2 { "upstream_http2 = true\n" } else { "" };
        match between {
            Between::Nothing => {
                let (url, name) = (format!("\"http://{upstream}\""), upstream.to_string());
                Self { url, host: name.clone(), name, lines: lines.to_owned(), _relay: None }
            }
            Between::Tls => {
                let (relay, port) = Relay::within_tls(&files.ca, protocol, upstream);
                let name = format!("localhost:{port}");
                let lines = format!("{lines}upstream_ca = {:?}\n", files.path("ca.pem"));
                let url = format!("\"https://{name}\"");
                Self { url, host: name.clone(), name, lines, _relay: Some(relay) }
            }
            Between::Socket => {
                let path = files.path(&format!("{protocol}.sock").replace('/', "-"));
                let relay = Some(Relay::at_socket(&path, upstream));
                let name = format!("unix:{}", path.display());
                let (url, host) = (format!("{name:?}"), "localhost".to_owned());
                Self { url, name, host, lines: lines.to_owned(), _relay: relay }
            }
        }
    }
}

/// Where an upstream is, whether it is well, and what it was asked since the last time.
type Checked = (SocketAddr, Arc<AtomicBool>, Box<dyn Fn() -> Vec<Told>>);

/// An upstream that answers 503 to checks unless it is well.
fn checked(http2: bool) -> Checked {
    let well = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&well);
    let status = move |told: &Told| match told.target.starts_with("/health") {
        true if !asked.load(Ordering::SeqCst) => 503,
        _ => 200,
    };
    if http2 {
        let upstream = Recorder::scripted(status);
        return (upstream.address(), well, Box::new(move || upstream.take()));
    }
    let upstream = Upstream::scripted(move |seen| {
        answer(&format!("HTTP/1.1 {} \r\nContent-Length: 2\r\n\r\nok", status(&seen.into())))
    });
    let address = upstream.address();
    (address, well, Box::new(move || upstream.take().iter().map(Told::from).collect()))
}

#[test]
fn checks_go_the_way_that_requests_go() {
    let files = Files::new();
    for (between, http2) in [
        (Between::Tls, false),
        (Between::Socket, false),
        (Between::Nothing, true),
        (Between::Tls, true),
        (Between::Socket, true),
    ] {
        let row = format!("{between:?}, HTTP/2: {http2}");
        let (upstream, well, asked) = checked(http2);
        let way = Way::to(upstream, between, http2, &files);
        let check =
            "health = { path = \"/health?all\", interval = \"50ms\", failures = 2, successes = 2 }";
        let (gateway, secret) = gateway(&way.url, &format!("{}{check}", way.lines));
        let is_up = |wanted: &str| {
            let what = format!("{row}: it never is {wanted}");
            wait_until(&what, PATIENCE, || metric(&gateway, "upstream_up", &way.name) == wanted);
        };
        for is_well in [false, true, false] {
            well.store(is_well, Ordering::SeqCst);
            is_up(if is_well { "1" } else { "0" });
            let checks = asked();
            assert!(!checks.is_empty(), "{row}");
            for check in checks {
                assert_eq!((&*check.method, &*check.target), ("GET", "/health?all"), "{row}");
                assert_eq!(check.authority, way.host, "{row}");
                assert_eq!(check.value("user-agent"), Some("tollgate-health"), "{row}");
                assert_eq!(check.value("authorization"), None, "{row}");
            }
            // There is no other.
            assert_eq!(gateway.ask(gateway.get("/x", &secret)).status, 200, "{row}");
            let requests = asked().into_iter().filter(|told| told.target == "/x").count();
            assert_eq!(requests, 1, "{row}");
        }
    }
}

/// Row X1.
#[test]
fn a_websocket_within_tls_or_through_a_socket_ends_with_its_token() {
    let files = Files::new();
    for between in [Between::Tls, Between::Socket] {
        let (upstream, talks) = talker(b"");
        let way = Way::to(upstream, between, false, &files);
        let (gateway, _) = gateway(&way.url, &way.lines);
        let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
        let (mut client, mut talk) = open(&gateway, &talks, &made.secret);
        talk.send(&frame("to the client"));
        assert_eq!(client.read_to("to the client"), frame("to the client"), "{between:?}");
        // Masked with nothing.
        let said = [&[0x81, 0x80 | 4, 0, 0, 0, 0][..], b"back"].concat();
        client.send(&said);
        assert_eq!(talk.read(said.len()), said, "{between:?}");
        assert_eq!(gateway.counted(|core| core.tunnels.value()), 1, "{between:?}");
        gateway.revoke(made.id);
        let begun = Steps::begin();
        assert_eq!(code(&client.rest()), Some(1008), "{between:?}");
        assert!(begun.elapsed() < BOUND, "{between:?}: {:?}", begun.elapsed());
        assert_eq!(talk.rest().first(), Some(&0x88), "{between:?}: its upstream is told");
    }
}
