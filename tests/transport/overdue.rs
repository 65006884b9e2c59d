//! Certificates of clients whose time comes while their sessions and connections go on. Real time is the library's in a full
//! handshake, so that they end in another century; the gateway's clock is set.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use tollgate::clock::instant;
use tollgate::domain::refusal::Refusal;
use tollgate::domain::time::Timestamp;
use tollgate::telemetry::count::Count;
use tollgate::telemetry::counters::CertificateCounts;

use crate::certificates::Stage;
use crate::files::Files;
use crate::support::PATIENCE;
use crate::tls::connect;

/// The first second of the year 2100.
pub(crate) const CENTURY: u64 = 4_102_444_800;

/// How clients connect that show a certificate of this name, each with sessions of its own.
pub(crate) fn client(
    stage: &Stage,
    name: &str,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    showing(&stage.files, name, version)
}

/// The same for any files.
pub(crate) fn showing(
    files: &Files,
    name: &str,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let file = |end: &str| files.path(&format!("{name}.{end}"));
    let chain = vec![CertificateDer::from_pem_file(file("pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(files.ca.der().clone()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider().into();
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// The status of a request for `b.example`, which needs a certificate and no token.
pub(crate) fn ask(stream: &mut crate::tls::Stream) -> Option<String> {
    // A connection that ended may say so here already.
    let _ = stream.write_all(b"GET /open HTTP/1.1\r\nHost: b.example\r\n\r\n");
    let (mut answer, mut some) = (Vec::new(), [0; 4_096]);
    while !answer.ends_with(b"\r\n\r\nok") && !answer.trim_ascii_end().ends_with(b"}") {
        match stream.read(&mut some) {
            Ok(length) if length > 0 => answer.extend_from_slice(&some[..length]),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&answer[9..12]).into_owned())
}

/// What becomes of a new connection: how its handshake went, and the status of its request.
fn come(stage: &Stage, config: &Arc<ClientConfig>) -> Option<(HandshakeKind, String)> {
    let mut stream = connect(stage.gateway.public(), config, "b.example").ok()?;
    let status = ask(&mut stream)?;
    Some((stream.conn.handshake_kind().unwrap(), status))
}

/// sec-G2: who has shown a certificate once does not go on without end by resuming the session.
#[test]
fn sec_g2_no_session_outlives_the_certificate_of_its_client() {
    use HandshakeKind::{Full, Resumed};
    let good = |kind| Some((kind, "200".to_owned()));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let stage = Stage::new("h2c = false");
        stage.files.make_until("short", &[], 2_100);
        let (short, long) = (client(&stage, "short", version), client(&stage, "ci", version));
        for config in [&short, &long] {
            assert_eq!(come(&stage, config), good(Full), "{version:?}");
            assert_eq!(come(&stage, config), good(Resumed), "{version:?}");
        }
        stage.gateway.clock().set(Timestamp::from_unix(CENTURY));
        assert_eq!(come(&stage, &short), good(Resumed), "its last second, {version:?}");
        stage.gateway.clock().set(Timestamp::from_unix(CENTURY + 1));
        let failed = || stage.gateway.counted(|core| core.unshaken.value());
        for tries in 1..=2 {
            assert_eq!(come(&stage, &short), None, "{version:?}");
            assert_eq!(failed(), tries, "{version:?}");
        }
        // Sessions of others are forgotten too, and begin anew.
        assert_eq!(come(&stage, &long), good(Full), "{version:?}");
        assert_eq!(come(&stage, &long), good(Resumed), "{version:?}");
    }
}

/// sec-G2: nor does who keeps the connection open.
#[test]
fn sec_g2_no_connection_outlives_the_certificate_of_its_client() {
    let stage = Stage::new("h2c = false");
    stage.files.make_until("short", &[], 2_100);
    let config = client(&stage, "short", &rustls::version::TLS13);
    let mut stream = connect(stage.gateway.public(), &config, "b.example").unwrap();
    stage.gateway.clock().set(Timestamp::from_unix(CENTURY));
    assert_eq!(ask(&mut stream).as_deref(), Some("200"), "its last second");
    assert!(stage.upstream.take_one().value("x-tollgate-certificate").is_some());
    stage.gateway.clock().set(Timestamp::from_unix(CENTURY + 1));
    assert_eq!(ask(&mut stream).as_deref(), Some("403"));
    assert_eq!(stage.gateway.counted(|core| core.refusals.of(Refusal::CertificateMissing)), 1);
    assert!(stage.upstream.seen().is_empty());
}

/// Whoever is refused in the handshake hears little: a count says why, and `explain` what would become of it.
#[test]
fn why_a_handshake_refuses_a_certificate_is_counted_and_explained() {
    let stage = Stage::new("h2c = false");
    stage.files.make_until("old", &[], 2_000);
    stage.files.make_between("early", &[], (3_000, 4_000));
    let others = Files::new();
    others.make("strange", &[]);
    for end in ["pem", "key"] {
        let name = format!("strange.{end}");
        std::fs::copy(others.path(&name), stage.files.path(&name)).unwrap();
    }
    let counts = || {
        let of = |count: fn(&CertificateCounts) -> &Count| {
            stage.gateway.counted(|core| count(&core.certificates).value())
        };
        [
            of(|all| &all.expired),
            of(|all| &all.early),
            of(|all| &all.strange),
            of(|all| &all.unfit) + of(|all| &all.missing),
        ]
    };
    for (name, wanted, said) in [
        ("old", [1, 0, 0, 0], Some("its time was over at 2000-01-01T00:00:00Z")),
        ("early", [1, 1, 0, 0], Some("its time begins at 3000-01-01T00:00:00Z")),
        ("strange", [1, 1, 1, 0], None),
    ] {
        let config = client(&stage, name, &rustls::version::TLS13);
        assert_eq!(come(&stage, &config), None, "{name}");
        // The client hears of it a moment before it is counted.
        let until = instant() + PATIENCE;
        while counts() != wanted {
            assert!(instant() < until, "{name}: {:?}", counts());
        }
        let Some(said) = said else { continue };
        let pem = std::fs::read_to_string(stage.files.path(&format!("{name}.pem"))).unwrap();
        // The first API asks for none; the handshake is the same.
        for url in ["https://a.example/x", "https://b.example/open"] {
            let told = stage.explain(url, Some(&pem));
            assert_eq!(told["permitted"], false, "{told:#}");
            assert_eq!(told["reason"], "certificate_missing", "{told:#}");
            let steps = told["steps"].as_array().unwrap();
            let step = steps.iter().find(|step| step["check"] == "certificate").unwrap();
            assert_eq!(step["outcome"], "refused");
            assert!(step["compared"].as_str().unwrap().contains(said), "{step}");
        }
    }
    assert_eq!(stage.gateway.counted(|core| core.unshaken.value()), 3);
}
