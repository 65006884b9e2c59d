//! TLS for clients: versions, names, certificates of clients, resumption, reload, and what is no handshake.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rcgen::KeyPair;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
use serde_json::json;
use tollgate::clock::instant;
use tollgate::domain::secret::Digest;

use crate::files::Files;
use crate::support::client::Client;
use crate::support::gateway::Gateway;
use crate::support::program::Program;
use crate::support::upstream::{Upstream, ok};
use crate::support::{PATIENCE, wait_until};

impl Files {
    /// A gateway with these certificates in front of an upstream, and a token that opens it.
    pub(crate) fn gateway(
        &self,
        names: &[&str],
        more: &str,
        upstream: &Upstream,
    ) -> (Gateway, String) {
        let certificate = |name: &&str| {
            let (chain, key) =
                (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")));
            format!("{{ chain = {chain:?}, key = {key:?} }}")
        };
        let certificates: Vec<_> = names.iter().map(certificate).collect();
        let gateway = Gateway::start(&format!(
            "limits.handshake_timeout = \"300ms\"\ntls.certificates = [{}]\n{more}\n[[apis]]\nname = \"a\"\n\
             upstream = \"http://{}\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
            certificates.join(", "),
            upstream.address(),
        ));
        gateway.owner("somebody");
        let secret = gateway.any_token();
        (gateway, secret)
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.der().clone()).unwrap();
        ClientConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// What curl says: its exit code, and status, version of HTTP.
    pub(crate) fn curl(
        &self,
        gateway: &Gateway,
        name: &str,
        secret: &str,
        more: &[&str],
    ) -> (i32, String) {
        let port = gateway.public().port();
        let output = Command::new("curl")
            .args(["--silent", "--output", "/dev/null", "--max-time", "30", "--noproxy", "*"])
            .args(["--write-out", "%{http_code} %{http_version}", "--cacert"])
            .arg(self.path("ca.pem"))
            .args(["--resolve", &format!("{name}:{port}:127.0.0.1")])
            .args(["--header", &format!("Authorization: Bearer {secret}")])
            .args(more)
            .arg(format!("https://{name}:{port}/x"))
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }
}

/// A client's end of a connection.
pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Opens a connection for HTTP/1.1.
pub(crate) fn connect(
    public: SocketAddr,
    config: &Arc<ClientConfig>,
    name: &str,
) -> std::io::Result<Stream> {
    let socket = TcpStream::connect(public).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = name.to_owned().try_into().unwrap();
    let session = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut stream = StreamOwned::new(session, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// One request of HTTP/1.1 on an open connection; the first line of its answer.
fn ask(stream: &mut Stream, secret: &str) -> String {
    answer(stream, secret).lines().next().unwrap().to_owned()
}

/// The same with all of the answer.
pub(crate) fn answer(stream: &mut Stream, secret: &str) -> String {
    let request =
        format!("GET /x HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {secret}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let (mut answer, mut some) = (Vec::new(), [0; 4_096]);
    while !answer.ends_with(b"\r\n\r\nok") && !answer.trim_ascii_end().ends_with(b"}") {
        let length = stream.read(&mut some).unwrap();
        assert!(length > 0, "it closed behind {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&some[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn upstream() -> Upstream {
    Upstream::scripted(|_| ok("ok"))
}

#[test]
fn curl_speaks_both_protocols_over_both_versions() {
    let (files, upstream) = (Files::new(), upstream());
    files.make("a", &["a.example"]);
    let (gateway, secret) = files.gateway(&["a"], "", &upstream);
    // One that asks for HTTP/1.0 offers it alone.
    for (http, version) in [("--http1.0", "1"), ("--http1.1", "1.1"), ("--http2", "2")] {
        for tls in [&["--tlsv1.2", "--tls-max", "1.2"][..], &["--tlsv1.3"]] {
            let with = [&[http], tls].concat();
            let (code, said) = files.curl(&gateway, "a.example", &secret, &with);
            assert_eq!((code, said), (0, format!("200 {version}")), "{with:?}");
            let (code, said) = files.curl(&gateway, "a.example", "wrong", &with);
            assert_eq!((code, said), (0, format!("401 {version}")), "{with:?}");
        }
    }
    for seen in upstream.seen() {
        assert_eq!(seen.value("x-forwarded-proto").unwrap(), "https");
    }
    assert_eq!(gateway.counted(|core| core.shaken.value()), 12);
}

#[test]
fn clients_are_shown_the_certificate_of_the_name_that_they_ask_for() {
    let (files, upstream) = (Files::new(), upstream());
    files.make("a", &["a.example"]);
    files.make("b", &["*.b.example", "B.example"]);
    let (gateway, secret) = files.gateway(&["a", "b"], "", &upstream);
    for name in ["a.example", "A.example", "b.example", "x.b.example"] {
        assert_eq!(files.curl(&gateway, name, &secret, &[]).0, 0, "{name}");
    }
    // Whoever asks for another name is shown the first, and does not trust it.
    for name in ["c.example", "x.y.b.example", "x.a.example"] {
        assert_eq!(files.curl(&gateway, name, &secret, &[]).0, 60, "{name}");
        assert_eq!(files.curl(&gateway, name, &secret, &["--insecure"]).0, 0, "{name}");
    }
}

#[test]
fn the_oldest_version_is_what_the_file_says() {
    let (files, upstream) = (Files::new(), upstream());
    files.make("a", &["a.example"]);
    let (gateway, secret) = files.gateway(&["a"], "tls.min_version = \"1.3\"", &upstream);
    assert_eq!(files.curl(&gateway, "a.example", &secret, &["--tls-max", "1.2"]).0, 35);
    assert_eq!(files.curl(&gateway, "a.example", &secret, &[]).0, 0);
}

/// RFC 8705 section 3: a token that is bound to a certificate opens nothing without it.
#[test]
fn a_bound_token_needs_its_certificate() {
    let (files, upstream) = (Files::new(), upstream());
    files.make("a", &["a.example"]);
    let (bound, _) = (files.make("one", &["one"]), files.make("two", &["two"]));
    let other = Files::new();
    other.make("three", &["three"]);
    let ca = format!("tls.client_ca = {:?}", files.path("ca.pem"));
    let (gateway, free) = files.gateway(&["a"], &ca, &upstream);
    let made = gateway
        .token(json!({"owner": "somebody", "name": "bound", "conditions": {"certificate": bound}}));
    let with = |of: &Files, name: &str, secret: &str| {
        let (pem, key) = (of.path(&format!("{name}.pem")), of.path(&format!("{name}.key")));
        let more = ["--cert", pem.to_str().unwrap(), "--key", key.to_str().unwrap()];
        files.curl(&gateway, "a.example", secret, &more)
    };
    assert_eq!(with(&files, "one", &made.secret), (0, "200 2".to_owned()));
    assert_eq!(with(&files, "two", &made.secret), (0, "401 2".to_owned()));
    let without = files.curl(&gateway, "a.example", &made.secret, &[]);
    assert_eq!(without, (0, "401 2".to_owned()));
    assert_eq!(with(&files, "two", &free), (0, "200 2".to_owned()));
    // One that nobody we trust has signed is refused with the handshake.
    assert_ne!(with(&other, "three", &free).0, 0);
    let (strict, secret) =
        files.gateway(&["a"], &format!("{ca}\ntls.client_certificates = \"required\""), &upstream);
    assert_ne!(files.curl(&strict, "a.example", &secret, &[]).0, 0);
}

/// The desk has the same certificates, HTTP/1 alone, and asks nobody for a certificate.
#[test]
fn the_administrative_address_speaks_tls_where_it_is_asked_to() {
    let (files, upstream) = (Files::new(), upstream());
    files.make("a", &["localhost"]);
    let more = format!(
        "tls.admin = true\ntls.client_ca = {:?}\ntls.client_certificates = \"required\"",
        files.path("ca.pem")
    );
    let (gateway, _) = files.gateway(&["a"], &more, &upstream);
    let port = gateway.admin().port();
    for (http, version) in [("--http1.0", "1"), ("--http1.1", "1.1"), ("--http2", "1.1")] {
        let output = Command::new("curl")
            .args(["--silent", "--max-time", "30", "--noproxy", "*", http, "--cacert"])
            .arg(files.path("ca.pem"))
            .args(["--resolve", &format!("localhost:{port}:127.0.0.1")])
            .args(["--write-out", " %{http_code} %{http_version}"])
            .arg(format!("https://localhost:{port}/health"))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("alive\n 200 {version}"));
    }
    let mut plain = Client::connect(gateway.admin());
    plain.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(plain.answer_to("GET").is_none(), "nothing is answered without TLS");
}

#[test]
fn a_session_goes_on_where_it_ended_also_after_a_reload() {
    let (files, upstream) = (Files::new(), upstream());
    files.make("a", &["a.example"]);
    let (gateway, secret) = files.gateway(&["a"], "", &upstream);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut config = files.client();
        config.resumption = rustls::client::Resumption::in_memory_sessions(8);
        let provider = Arc::clone(config.crypto_provider());
        let mut roots = RootCertStore::empty();
        roots.add(files.ca.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = Arc::new(config);
        let kind = |gateway: &Gateway| {
            let mut stream = connect(gateway.public(), &config, "a.example").unwrap();
            assert_eq!(ask(&mut stream, &secret), "HTTP/1.1 200 OK");
            stream.conn.handshake_kind().unwrap()
        };
        assert_eq!(kind(&gateway), HandshakeKind::Full, "{version:?}");
        assert_eq!(kind(&gateway), HandshakeKind::Resumed, "{version:?}");
        gateway.app().reloader().reload().unwrap();
        assert_eq!(kind(&gateway), HandshakeKind::Resumed, "{version:?}");
    }
    assert_eq!(gateway.counted(|core| core.resumed.value()), 4);
}

#[test]
fn a_new_certificate_is_shown_once_its_files_change_and_connections_go_on() {
    let (files, upstream) = (Files::new(), upstream());
    files.make("a", &["a.example"]);
    let (gateway, secret) = files.gateway(&["a"], "", &upstream);
    let config = Arc::new(files.client());
    let shown = || {
        let stream = connect(gateway.public(), &Arc::new(files.client()), "a.example").unwrap();
        Digest::of(&stream.conn.peer_certificates().unwrap()[0])
    };
    let mut open = connect(gateway.public(), &config, "a.example").unwrap();
    assert_eq!(ask(&mut open, &secret), "HTTP/1.1 200 OK");
    let renewed = files.make("a", &["a.example"]);
    assert_ne!(shown(), renewed, "nobody has read it yet");
    gateway.app().reloader().reload().unwrap();
    assert_eq!(shown(), renewed);
    assert_eq!(ask(&mut open, &secret), "HTTP/1.1 200 OK", "on the connection of before");
    // Files that do not fit change nothing.
    std::fs::write(files.path("a.key"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let problem = gateway.app().reloader().reload().unwrap_err();
    assert!(problem.detail.contains("is not the key of the certificate beside it"), "{problem:?}");
    assert_eq!(shown(), renewed);
}

/// Nobody tells the program: it watches the files that its configuration names.
#[test]
fn files_of_certificates_are_watched() {
    let (files, upstream) = (Files::new(), upstream());
    files.make("a", &["a.example"]);
    let program = Program::start(&format!(
        "tls.certificates = [{{ chain = {:?}, key = {:?} }}]\n[[apis]]\nname = \"a\"\n\
         upstream = \"http://{}\"\nrules = [{{ path = \"/{{*rest}}\", public = true }}]\n",
        files.path("a.pem"),
        files.path("a.key"),
        upstream.address(),
    ));
    let config = Arc::new(files.client());
    let mut open = connect(program.public(), &config, "a.example").unwrap();
    assert_eq!(ask(&mut open, "none"), "HTTP/1.1 200 OK");
    // Twice: the first time must not be the last.
    for _ in 0..2 {
        let renewed = files.make("a", &["a.example"]);
        wait_until("it is never shown", PATIENCE, || {
            let config = Arc::new(files.client());
            let stream = connect(program.public(), &config, "a.example").unwrap();
            Digest::of(&stream.conn.peer_certificates().unwrap()[0]) == renewed
        });
    }
    assert_eq!(ask(&mut open, "none"), "HTTP/1.1 200 OK", "on the connection of before");
}

/// sec-F2: a hello in pieces is a hello; what is none, or comes too slowly, is nobody.
#[test]
fn what_is_no_handshake_ends_soon_and_is_counted() {
    let (files, upstream) = (Files::new(), upstream());
    files.make("a", &["a.example"]);
    let (gateway, _) = files.gateway(&["a"], "", &upstream);
    let closes = |first: &[u8]| {
        let mut stream = TcpStream::connect(gateway.public()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let begun = instant();
        stream.write_all(first).unwrap();
        let mut rest = Vec::new();
        // A reset ends it, too.
        let _ = stream.read_to_end(&mut rest);
        // The limit that is set, and not that of ten seconds which holds by default.
        assert!(begun.elapsed() < Duration::from_secs(8), "{first:?}: {:?}", begun.elapsed());
        rest
    };
    let plain = closes(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert!(!plain.starts_with(b"HTTP/"), "nothing is answered without TLS");
    closes(b"");
    closes(&[0x16, 3, 1, 2, 0, 1]);
    assert_eq!(gateway.counted(|core| core.unshaken.value()), 3);
    assert!(upstream.seen().is_empty());
    let session = ClientConnection::new(Arc::new(files.client()), "a.example".try_into().unwrap());
    let (mut session, mut hello) = (session.unwrap(), Vec::new());
    session.write_tls(&mut hello).unwrap();
    let mut socket = TcpStream::connect(gateway.public()).unwrap();
    // As two records, the first of one byte.
    let (header, body) = hello.split_at(5);
    let record = |part: &[u8]| {
        let length = u16::try_from(part.len()).unwrap().to_be_bytes();
        [&header[..3], &length, part].concat()
    };
    socket.write_all(&record(&body[..1])).unwrap();
    socket.write_all(&record(&body[1..])).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut socket).unwrap();
    }
    wait_until("it never counted", PATIENCE, || gateway.counted(|core| core.shaken.value()) == 1);
}
