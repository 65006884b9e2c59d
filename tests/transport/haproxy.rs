//! HAProxy before the gateway, which we did not write: by the PROXY protocol, and by the headers of a proxy (sec-H4).

use crate::stage::{FAR, Stage};
use crate::support::client::Client;
use crate::support::http2;
use crate::support::process::Haproxy;
use crate::support::upstream::Seen;
use crate::support::{PATIENCE, wait_until};

/// What a client says of itself, to no avail.
const CLAIMS: &str = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nForwarded: for=203.0.113.9;proto=https\r\n";

/// What HAProxy says to us of a client that opened a connection from `FAR`.
const ANNOUNCED: &[u8] = b"PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n";

/// Both versions of HTTP, of a connection that the gateway is told of by version 2, with a checksum and other TLVs.
#[test]
fn sec_h4_haproxy_announces_the_clients_of_connections() {
    let stage = Stage::new("proxies.proxy_protocol = [\"127.0.0.1\"]");
    let id = "unique-id-format %[uuid]";
    let told = "send-proxy-v2 proxy-v2-options crc32c,unique-id";
    let to = stage.program.public();
    // It announces its own clients, or those that somebody before it announces to it.
    let first = Haproxy::start("tcp", "", id, to, told);
    let second = Haproxy::start("tcp", "accept-proxy", id, to, told);
    for (haproxy, header, secrets, peer) in [
        (&first, &b""[..], [&stage.near, &stage.far], "127.0.0.2"),
        (&second, ANNOUNCED, [&stage.far, &stage.near], FAR),
    ] {
        for (secret, status) in secrets.into_iter().zip([200, 403]) {
            let mut client = Client::connect_from("127.0.0.2", haproxy.address());
            client.send(header);
            for _ in 0..2 {
                let answer = client.ask(stage.head("/x/y", secret, CLAIMS));
                assert_eq!(answer.status, status, "{peer}");
            }
        }
        for seen in stage.upstream.take() {
            told_of(&seen, peer);
        }
        wait_until("no line names it", PATIENCE, || stage.logs(peer));
    }
    let mut client = http2::Client::connect_from("127.0.0.3", first.address());
    assert_eq!(stage.ask_http2(&mut client, &stage.near, CLAIMS), 200);
    told_of(&stage.upstream.take_one(), "127.0.0.3");
    assert_eq!(stage.metric("", "tollgate_connections_unannounced_total"), 0);
    // Where it says nothing it is closed, and where nobody is listed it has no say.
    let silent = Haproxy::start("tcp", "", "", to, "");
    let mut client = Client::connect(silent.address());
    client.send(stage.head("/x/y", &stage.near, ""));
    assert!(client.is_closed());
    stage.reconfigure("proxies.proxy_protocol = [\"127.0.0.1\"]", "");
    let mut client = Client::connect(second.address());
    client.send(ANNOUNCED);
    assert_eq!(client.ask(stage.head("/x/y", &stage.far, "")).status, 400);
}

/// Its health checks announce nobody (`LOCAL`), and are answered.
#[test]
fn sec_h4_health_checks_of_haproxy_are_its_own() {
    let stage = Stage::new("proxies.proxy_protocol = [\"127.0.0.1\"]");
    let check = "send-proxy-v2 check inter 20ms\n option httpchk GET /open HTTP/1.1\\r\\nHost:\\ a";
    let _haproxy = Haproxy::start("tcp", "", "", stage.program.public(), check);
    for seen in stage.upstream.wait_for(3) {
        told_of(&seen, "127.0.0.1");
    }
    assert_eq!(stage.metric("", "tollgate_connections_unannounced_total"), 0);
}

/// As `docs/operating.md` has it, over HTTP/1.1 and over HTTP/2 to the gateway, with each of both headers.
#[test]
fn sec_h4_haproxy_names_the_clients_of_requests() {
    let stage = Stage::new("proxies.trusted = [\"127.0.0.1\"]");
    let usual = "option forwardfor\n http-request set-header X-Forwarded-Proto http";
    let other = "http-request add-header Forwarded for=%[src];proto=http";
    for (header, fields) in [("x-forwarded-for", usual), ("forwarded", other)] {
        if header == "forwarded" {
            let trusted = "proxies.trusted = [\"127.0.0.1\"]";
            stage.reconfigure(trusted, &format!("{trusted}\nproxies.header = \"forwarded\""));
        }
        for version in ["", "proto h2"] {
            let to = stage.program.public();
            let haproxy = Haproxy::start("http", "accept-proxy", fields, to, version);
            for (begin, secrets, peer) in [
                (&b"PROXY UNKNOWN\r\n"[..], [&stage.near, &stage.far], "127.0.0.2"),
                (ANNOUNCED, [&stage.far, &stage.near], FAR),
            ] {
                for (secret, status) in secrets.into_iter().zip([200, 403]) {
                    let mut client = Client::connect_from("127.0.0.2", haproxy.address());
                    client.send(begin);
                    let answer = client.ask(stage.head("/x/y", secret, CLAIMS));
                    assert_eq!(answer.status, status, "{header} {version} {peer}");
                }
                told_of(&stage.upstream.take_one(), &format!("{peer}, 127.0.0.1"));
            }
        }
    }
}

/// The upstream was told of this chain, and of nothing that the client claimed.
fn told_of(seen: &Seen, chain: &str) {
    assert_eq!(seen.values("x-forwarded-for"), [chain]);
    assert_eq!(seen.values("x-forwarded-proto"), ["http"], "{chain}");
    assert!(seen.values("forwarded").is_empty(), "{chain}");
}
