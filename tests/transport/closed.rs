//! What cannot be read opens nothing (sec-F2): a hello in pieces, and files that are gone or broken when they are read
//! anew. Both over HTTP/1.1 and over HTTP/2.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use tollgate::config::{self, Environment};
use tollgate::domain::secret::Digest;

use crate::files::Files;
use crate::support::PATIENCE;
use crate::support::frames::{self, END_HEADERS, END_STREAM, Frame, HEADERS, SETTINGS};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Upstream, ok};
use crate::tls::Stream;

/// Both versions of HTTP, as TLS names them.
const PROTOCOLS: [&str; 2] = ["http/1.1", "h2"];

/// A gateway that asks every client for a certificate, and two certificates that it shows.
struct Stage {
    files: Files,
    upstream: Upstream,
    gateway: Gateway,
    secret: String,
    /// The thumbprint of the second one.
    shown: Digest,
}

fn stage() -> Stage {
    let (files, upstream) = (Files::new(), Upstream::scripted(|_| ok("ok")));
    files.make("a", &["a.example"]);
    files.make("one", &["one"]);
    let shown = files.make("b", &["b.example"]);
    fs::copy(files.path("ca.pem"), files.path("clients.pem")).unwrap();
    let more = format!(
        "tls.client_ca = {:?}\ntls.client_certificates = \"required\"",
        files.path("clients.pem")
    );
    let (gateway, secret) = files.gateway(&["a", "b"], &more, &upstream);
    Stage { files, upstream, gateway, secret, shown }
}

impl Stage {
    /// A client of this protocol with the certificate of this name, or without one.
    fn client(&self, protocol: &str, certificate: Option<&str>) -> Arc<ClientConfig> {
        let mut config = self.files.client();
        if let Some(name) = certificate {
            let path = |kind: &str| self.files.path(&format!("{name}.{kind}"));
            let chain = CertificateDer::from_pem_file(path("pem")).unwrap();
            let key = PrivateKeyDer::from_pem_file(path("key")).unwrap();
            let mut roots = rustls::RootCertStore::empty();
            roots.add(self.files.ca.der().clone()).unwrap();
            let builder = ClientConfig::builder_with_provider(Arc::clone(config.crypto_provider()));
            let builder = builder.with_safe_default_protocol_versions().unwrap();
            let builder = builder.with_root_certificates(roots);
            config = builder.with_client_auth_cert(vec![chain], key).unwrap();
        }
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Arc::new(config)
    }

    /// The status of a request whose hello comes in records of `size` bytes; none where nothing is answered.
    fn ask(&self, client: &Arc<ClientConfig>, size: usize, secret: &str) -> Option<u16> {
        let session = ClientConnection::new(Arc::clone(client), "b.example".try_into().unwrap());
        let (mut session, mut hello) = (session.unwrap(), Vec::new());
        session.write_tls(&mut hello).unwrap();
        let (header, body) = hello.split_at(5);
        let mut socket = TcpStream::connect(self.gateway.public()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        for part in body.chunks(size) {
            let length = u16::try_from(part.len()).unwrap().to_be_bytes();
            socket.write_all(&[&header[..3], &length, part].concat()).ok()?;
        }
        while session.is_handshaking() {
            session.complete_io(&mut socket).ok()?;
        }
        assert_eq!(Digest::of(&session.peer_certificates().unwrap()[0]), self.shown, "{size}");
        assert_eq!(session.alpn_protocol(), Some(&*client.alpn_protocols[0]), "{size}");
        let is_http2 = session.alpn_protocol() == Some(b"h2");
        let stream = StreamOwned::new(session, socket);
        // Within TLS 1.3 a client hears only now that its handshake was refused.
        if is_http2 { over_http2(stream, secret) } else { over_http1(stream, secret) }
    }

    /// Whoever has neither a certificate nor a token is refused, and others are served as ever.
    fn is_closed(&self, row: &str) {
        for protocol in PROTOCOLS {
            let row = format!("{row}, {protocol}");
            let with = self.client(protocol, Some("one"));
            let without = self.client(protocol, None);
            assert_eq!(self.ask(&without, usize::MAX, &self.secret), None, "{row}");
            let wrong = self.ask(&with, usize::MAX, "wrong-wrong-wrong-wrong");
            assert_eq!(wrong, Some(401), "{row}");
            assert!(self.upstream.take().is_empty(), "{row}");
            assert_eq!(self.ask(&with, usize::MAX, &self.secret), Some(200), "{row}");
            assert_eq!(self.upstream.take().len(), 1, "{row}");
        }
    }
}

fn over_http1(mut stream: Stream, secret: &str) -> Option<u16> {
    let request = format!(
        "GET /x HTTP/1.1\r\nHost: b.example\r\nAuthorization: Bearer {secret}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    std::str::from_utf8(answer.get(9..12)?).unwrap().parse().ok()
}

fn over_http2(mut stream: Stream, secret: &str) -> Option<u16> {
    let bearer = format!("Bearer {secret}");
    let head: Vec<u8> = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "b.example"),
        (":path", "/x"),
        ("authorization", &bearer),
    ]
    .iter()
    .flat_map(|(name, value)| frames::field(name, value))
    .collect();
    let settings = frames::frame(SETTINGS, 0, 0, b"");
    let head = frames::frame(HEADERS, END_HEADERS | END_STREAM, 1, &head);
    stream.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &*settings, &*head].concat()).ok()?;
    loop {
        let mut begin = [0; 9];
        stream.read_exact(&mut begin).ok()?;
        let [a, b, c, kind, flags, ..] = begin;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload).ok()?;
        if kind == HEADERS {
            return Frame { kind, flags, stream: 1, payload }.status();
        }
    }
}

#[test]
fn sec_f2_a_hello_in_pieces_is_judged_as_a_whole_one() {
    let stage = stage();
    for protocol in PROTOCOLS {
        let (with, without) = (stage.client(protocol, Some("one")), stage.client(protocol, None));
        for size in [1, 2, 5, 64, usize::MAX] {
            let row = format!("{size}, {protocol}");
            assert_eq!(stage.ask(&with, size, &stage.secret), Some(200), "{row}");
            assert_eq!(stage.upstream.take().len(), 1, "{row}");
            assert_eq!(stage.ask(&without, size, &stage.secret), None, "{row}");
            assert!(stage.upstream.take().is_empty(), "{row}");
        }
    }
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Gone,
    Folder,
    Text(&'static str),
    Cut,
}

fn harm(path: &PathBuf, harm: Harm) {
    let before = fs::read(path).unwrap();
    fs::remove_file(path).unwrap();
    match harm {
        Harm::Gone => {}
        Harm::Folder => fs::create_dir(path).unwrap(),
        Harm::Text(text) => fs::write(path, text).unwrap(),
        Harm::Cut => fs::write(path, &before[..before.len() / 2]).unwrap(),
    }
}

#[test]
fn sec_f2_what_cannot_be_read_leaves_what_was_good() {
    let stage = stage();
    let source = stage.gateway.source().to_owned();
    stage.is_closed("before");
    let path = |name: &str| stage.files.path(name);
    for file in [path("clients.pem"), path("b.pem"), path("b.key"), source.clone()] {
        let good = fs::read(&file).unwrap();
        for harmed in [Harm::Gone, Harm::Folder, Harm::Text("nonsense"), Harm::Cut, Harm::Text("")]
        {
            // An empty configuration is one, in which nothing is open.
            if file == source && matches!(harmed, Harm::Text("")) {
                continue;
            }
            let row = format!("{}: {harmed:?}", file.display());
            harm(&file, harmed);
            let problem = stage.gateway.app().reloader().reload();
            assert!(problem.is_err(), "{row} was taken");
            stage.is_closed(&row);
            let started = config::load(&source, &Environment::process());
            assert!(started.is_err(), "{row}: a gateway would start with it");
            let _ = fs::remove_dir(&file);
            fs::write(&file, &good).unwrap();
        }
        stage.gateway.app().reloader().reload().unwrap();
        stage.is_closed("once it is good again");
    }
}

#[test]
fn sec_f2_a_rule_that_cannot_be_read_opens_nothing() {
    let stage = stage();
    let source = stage.gateway.source();
    let good = fs::read_to_string(source).unwrap();
    for rules in [
        "rules = [{ path = \"/{*rest}\", public = \"yes\" }]",
        "rules = [{ path = \"/{*rest}\", public = true }, { path = \"/{*rest}\" }]",
        "rules = [{ path = \"/{*rest}\", context = \"nobody-has-it\" }]",
        "rules = [{ path = \"/{*rest}\", publik = true }]",
        "rules = [{ path = \"/{*rest}\", public = true }",
    ] {
        let begin = good.rfind("rules = ").unwrap();
        fs::write(source, format!("{}{rules}\n", &good[..begin])).unwrap();
        assert!(stage.gateway.app().reloader().reload().is_err(), "{rules}");
        stage.is_closed(rules);
    }
}
