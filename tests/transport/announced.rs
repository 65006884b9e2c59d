//! The PROXY protocol: listed senders announce for whom they open a connection, and must (sec-H4).

use std::io::{Read as _, Write as _};
use std::net::{Ipv6Addr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};
use tollgate::clock::instant;

use crate::files::Files;
use crate::stage::{FAR, Stage, is};
use crate::support::client::{Client, ask};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Upstream, ok};
use crate::support::{PATIENCE, wait_until};

const LISTED: &str = "proxies.proxy_protocol = [\"127.0.0.1\"]";

const UNANNOUNCED: &str = "tollgate_connections_unannounced_total";

/// Version 2 of the header, for `TCP` over IPv4 from `FAR` unless `more` says otherwise.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, rest].concat()
}

fn far_v4() -> Vec<u8> {
    vec![203, 0, 113, 9, 127, 0, 0, 1, 0x12, 0x67, 0, 80]
}

fn line() -> Vec<u8> {
    format!("PROXY TCP4 {FAR} 127.0.0.1 4711 80\r\n").into_bytes()
}

#[test]
fn a_listed_sender_says_for_whom_a_connection_is() {
    let stage = Stage::new(LISTED);
    let tlvs = [&far_v4()[..], &[0x04, 0, 100], &[0; 100]].concat();
    for header in [line(), binary(0x21, 0x11, &far_v4()), binary(0x21, 0x11, &tlvs)] {
        let shown = header.escape_ascii().to_string();
        // In one piece with what follows: none of that is lost, nor of the request behind it.
        let head = stage.head("/x/y", &stage.far, "");
        let mut client = Client::connect(stage.program.public());
        client.send([&header[..], head.as_bytes(), head.as_bytes()].concat());
        assert!(is(client.answer_to("GET"), 200) && is(client.answer_to("GET"), 200), "{shown}");
        for seen in stage.upstream.take() {
            assert_eq!(seen.values("x-forwarded-for"), [FAR], "{shown}");
        }
        // What the client says of itself counts no more than before.
        let claim = stage.head("/x/y", &stage.near, "X-Forwarded-For: 127.0.0.1\r\n");
        assert_eq!(client.ask(claim).status, 403, "{shown}");
        // Byte by byte.
        let mut client = Client::connect(stage.program.public());
        for byte in &header {
            client.send([*byte]);
        }
        assert_eq!(client.ask(&head).status, 200, "{shown}");
        // HTTP/2 behind it, which is known by what it begins with.
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
        let mut client = Client::connect(stage.program.public());
        client.send([&header[..], preface.as_bytes()].concat());
        let mut first = [0; 9];
        client.stream().read_exact(&mut first).unwrap();
        assert_eq!(first[3], 4, "SETTINGS come first (RFC 9113 section 3.4): {shown}");
    }
    assert_eq!(stage.last_use(&stage.far_id).as_deref(), Some(FAR));
    wait_until("no line names it", PATIENCE, || stage.logs(FAR));
    let six: Ipv6Addr = "2001:db8::7".parse().unwrap();
    let addresses = [&six.octets()[..], &[0; 20]].concat();
    let mut client = Client::connect(stage.program.public());
    client.send(binary(0x21, 0x21, &addresses));
    assert_eq!(client.ask(stage.head("/open", "", "")).status, 400, "there is no token");
    client = Client::connect(stage.program.public());
    client.send(binary(0x21, 0x21, &addresses));
    assert_eq!(client.ask("GET /open HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    let seen = stage.upstream.take().pop().unwrap();
    assert_eq!(seen.values("x-forwarded-for"), ["2001:db8::7"]);
    assert_eq!(stage.metric("", UNANNOUNCED), 0);
}

#[test]
fn a_sender_that_speaks_for_itself_or_does_not_know_is_who_it_is() {
    let stage = Stage::new(LISTED);
    for header in [
        b"PROXY UNKNOWN\r\n".to_vec(),
        format!("PROXY UNKNOWN {FAR} 127.0.0.1 4711 80\r\n").into_bytes(),
        binary(0x20, 0x00, &[]),
        binary(0x20, 0x11, &far_v4()),
        binary(0x21, 0x00, &[1, 2, 3]),
        binary(0x21, 0x31, &[0; 216]),
    ] {
        for (secret, status) in [(&stage.far, 403), (&stage.near, 200)] {
            let mut client = Client::connect(stage.program.public());
            client.send(&header);
            let answer = client.ask(stage.head("/x/y", secret, ""));
            assert_eq!(answer.status, status, "{}", header.escape_ascii());
        }
    }
}

/// Nothing but a header begins a connection of theirs: whoever could reach that port without one would be the sender.
#[test]
fn sec_h4_what_is_no_header_ends_the_connection_and_is_counted() {
    let stage = Stage::new(LISTED);
    let head = stage.head("/x/y", &stage.near, "");
    let far = format!("{FAR} 127.0.0.1 4711 80\r\n");
    let bad: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        format!("PROXY  TCP4 {far}").into_bytes(),
        format!("PROXY TCP6 {far}").into_bytes(),
        format!("proxy TCP4 {far}").into_bytes(),
        format!("PROXY TCP4 {FAR} 127.0.0.1 4711 080\r\n").into_bytes(),
        format!("PROXY TCP4 {FAR} 127.0.0.1 4711\r\n").into_bytes(),
        format!("PROXY TCP4 {FAR} 127.0.0.1 4711 80\n").into_bytes(),
        format!("PROXY UNKNOWN {}\r\n", "x".repeat(100)).into_bytes(),
        format!("PROXY UNKNOWN {}", "x".repeat(4_000)).into_bytes(),
        binary(0x21, 0x11, &far_v4()[..11]),
        binary(0x21, 0x12, &far_v4()),
        binary(0x22, 0x11, &far_v4()),
        binary(0x11, 0x11, &far_v4()),
        binary(0x21, 0x11, &[0; 513]),
        binary(0x21, 0x11, &[0; 65_535]),
    ];
    for (nth, header) in bad.iter().enumerate() {
        let mut client = Client::connect(stage.program.public());
        client.send([&header[..], head.as_bytes()].concat());
        assert!(client.answer_to("GET").is_none(), "{}", header.escape_ascii());
        wait_until("it is not counted", PATIENCE, || {
            stage.metric("", UNANNOUNCED) == nth as u64 + 1
        });
    }
    assert!(stage.upstream.seen().is_empty());
    let logged = String::from_utf8(stage.program.logged()).unwrap();
    assert!(logged.contains("does not begin with a header of the PROXY protocol"), "{logged}");
    // A second header is not one.
    let mut client = Client::connect(stage.program.public());
    client.send([line(), line()].concat());
    assert_eq!(client.ask(head).status, 400);
}

/// sec-D2: a header has as long as a head.
#[test]
fn sec_d2_a_header_that_does_not_come_is_not_waited_for() {
    let stage = Stage::new(&format!("{LISTED}\nlimits.head_timeout = \"300ms\""));
    let (begun, second) = (instant(), binary(0x21, 0x11, &far_v4()));
    let first = line();
    for said in [&b""[..], &first[..20], &first[..first.len() - 1], &second[..13], &second[..27]] {
        let mut client = Client::connect(stage.program.public());
        client.send(said);
        assert!(client.is_closed(), "{}", said.escape_ascii());
    }
    assert!(begun.elapsed() >= Duration::from_millis(5 * 250));
    // A drop now and then gains nothing.
    let mut client = Client::connect(stage.program.public());
    let mut drops = client.stream().try_clone().unwrap();
    let dripping = thread::spawn(move || {
        first.iter().take(30).all(|byte| {
            thread::sleep(Duration::from_millis(50));
            drops.write_all(&[*byte]).is_ok()
        })
    });
    assert!(client.is_closed());
    assert!(!dripping.join().unwrap(), "it was read to its end");
    // And whoever leaves amid it is gone at once.
    client = Client::connect(stage.program.public());
    client.send(&second[..20]);
    client.finish();
    assert!(client.is_closed());
    wait_until("it is not counted", PATIENCE, || stage.metric("", UNANNOUNCED) == 7);
}

#[test]
fn sec_h4_from_anybody_else_a_header_is_none() {
    for (more, source) in [("", "127.0.0.1"), (LISTED, "127.0.0.2")] {
        let stage = Stage::new(more);
        for header in [line(), binary(0x21, 0x11, &far_v4())] {
            let mut client = Client::connect_from(source, stage.program.public());
            client.send([&header[..], stage.head("/x/y", &stage.far, "").as_bytes()].concat());
            let answer = client.answer_to("GET");
            assert!(answer.is_none_or(|answer| answer.status == 400), "{more}");
            let mut client = Client::connect_from(source, stage.program.public());
            let answer = client.ask(stage.head("/x/y", &stage.near, ""));
            assert_eq!(answer.status, 200, "{more}: it needs none");
        }
        assert!(!stage.logs(FAR));
        assert_eq!(stage.upstream.take().len(), 2);
    }
}

/// A balancer of connections before a proxy of requests before us.
#[test]
fn sec_h4_who_is_announced_may_be_a_trusted_proxy() {
    let stage = Stage::new(&format!("{LISTED}\nproxies.trusted = [\"10.0.0.0/8\"]"));
    for (source, status) in [("10.0.0.7", 200), ("198.51.100.1", 403)] {
        let mut client = Client::connect(stage.program.public());
        client.send(format!("PROXY TCP4 {source} 127.0.0.1 4711 80\r\n"));
        let head = stage.head("/x/y", &stage.far, "X-Forwarded-For: 203.0.113.9\r\n");
        assert_eq!(client.ask(head).status, status, "{source}");
    }
    let seen = stage.upstream.take().pop().unwrap();
    assert_eq!(seen.values("x-forwarded-for"), ["203.0.113.9, 10.0.0.7"]);
}

#[test]
fn the_desk_is_announced_to_where_that_is_asked_for() {
    let stage = Stage::new(&format!("{LISTED}\nproxies.proxy_protocol_admin = true"));
    let admin = stage.program.admin();
    let tokens = format!(
        "GET /api/v1/tokens HTTP/1.1\r\nHost: {admin}\r\nAuthorization: Bearer {}\r\n\r\n",
        stage.far
    );
    for header in [line(), binary(0x21, 0x11, &far_v4())] {
        let answer = ask(admin, [&header[..], tokens.as_bytes()].concat());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let itself = [&b"PROXY UNKNOWN\r\n"[..], tokens.as_bytes()].concat();
    assert_eq!(ask(admin, itself).status, 403);
    for bad in [&b""[..], b"PROXY TCP4\r\n", &binary(0x22, 0x11, &far_v4())] {
        let mut client = Client::connect(admin);
        client.send([bad, tokens.as_bytes()].concat());
        assert!(client.answer_to("GET").is_none(), "{}", bad.escape_ascii());
    }
    let mut other = Client::connect_from("127.0.0.2", admin);
    assert_eq!(other.ask(&tokens).status, 403, "it needs none");
    assert_eq!(stage.metric("PROXY UNKNOWN\r\n", "tollgate_connections_open"), 0);
    stage.reconfigure("proxies.proxy_protocol_admin = true", "");
    assert_eq!(ask(admin, &tokens).status, 403, "there is none any more");
}

/// It comes before TLS, from curl and with an address that is not the sender's.
#[test]
fn a_header_comes_before_tls() {
    let (files, upstream) = (Files::new(), Upstream::scripted(|_| ok("ok")));
    files.make("a", &["a.example"]);
    let (gateway, secret) =
        files.gateway(&["a"], "proxies.proxy_protocol = [\"127.0.0.1\"]", &upstream);
    let port = gateway.public().port();
    for (http, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let output = Command::new("curl")
            .args(["--silent", "--output", "/dev/null", "--max-time", "30", "--noproxy", "*", http])
            .args(["--write-out", "%{http_code} %{http_version}", "--haproxy-protocol", "--cacert"])
            .arg(files.path("ca.pem"))
            .args(["--resolve", &format!("a.example:{port}:127.0.0.1")])
            .args(["--header", &format!("Authorization: Bearer {secret}")])
            .arg(format!("https://a.example:{port}/x"))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("200 {version}"));
    }
    assert_ne!(files.curl(&gateway, "a.example", &secret, &[]).0, 0, "without one");
    assert_eq!(gateway.counted(|core| core.unannounced.value()), 1);
    upstream.take();
    let mut socket = TcpStream::connect(gateway.public()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(&binary(0x21, 0x11, &far_v4())).unwrap();
    let name = "a.example".try_into().unwrap();
    let session = ClientConnection::new(Arc::new(files.client()), name).unwrap();
    let mut stream = StreamOwned::new(session, socket);
    stream.write_all(gateway.get("/x", &secret).as_bytes()).unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let seen = upstream.take_one();
    assert_eq!(seen.values("x-forwarded-for"), [FAR]);
    assert_eq!(seen.values("x-forwarded-proto"), ["https"]);
}

/// Whoever stands in the same networks as the sender is one of many, too; the sender itself is not.
#[test]
fn clients_that_are_announced_are_counted_wherever_they_are() {
    let upstream = Upstream::scripted(|_| ok("ok"));
    let gateway = Gateway::start(&format!(
        "limits.connections_per_address = 3\nproxies.proxy_protocol = [\"127.0.0.0/8\"]\n\
         [[apis]]\nname = \"a\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/x\", public = true }}]\n",
        upstream.address()
    ));
    let ask = |header: &str| {
        let mut client = Client::connect(gateway.public());
        client.send(format!("{header}\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"));
        let status = client.answer_to("GET").map(|answer| answer.status);
        (status, client)
    };
    for (header, let_in) in [
        ("PROXY TCP4 127.9.9.9 127.0.0.1 4711 80", 3),
        ("PROXY TCP4 192.0.2.7 127.0.0.1 4711 80", 3),
        ("PROXY UNKNOWN", 6),
    ] {
        let all = [(); 6].map(|()| ask(header));
        let served = all.iter().filter(|(status, _)| *status == Some(200)).count();
        assert_eq!(served, let_in, "{header}");
    }
    assert_eq!(gateway.counted(|core| core.crowding.value()), 6);
}
