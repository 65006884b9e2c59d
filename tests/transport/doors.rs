//! Doors with and without TLS at once: `listen.public` and `listen.plain`.

use std::net::TcpListener;

use tollgate::app::{self, AppError};
use tollgate::clock::Clock;
use tollgate::config::{self, Environment};
use tollgate::domain::refusal::Refusal;

use crate::certificates::Stage;
use crate::support::client::{Client, ask};
use crate::support::http2;

const LISTEN: &str = "h2c = true\nplain = \"127.0.0.1:0\"";

#[test]
fn clients_come_in_with_and_without_tls_at_once() {
    let stage = Stage::new(LISTEN);
    let (gateway, plain) = (&stage.gateway, stage.gateway.plain());
    // Many, so that each core has some by either door.
    for _ in 0..8 {
        assert_eq!(stage.curl("a.example", "/x", &[]).0, 200);
        assert_eq!(ask(plain, gateway.get("/x", &stage.secret)).status, 200);
        let mut client = http2::Client::connect(plain);
        assert_eq!(client.get("http://a.example/x", Some(&stage.secret)).status, 200);
    }
    let schemes: Vec<_> =
        stage.upstream.take().iter().map(|seen| seen.value("x-forwarded-proto").unwrap()).collect();
    // curl asks twice, over each version of HTTP.
    assert_eq!(schemes, ["https", "https", "http", "http"].repeat(8));
    assert_eq!(gateway.counted(|core| core.shaken.value()), 16);
    // Neither speaks what the other does.
    let mut client = Client::connect(gateway.public());
    client.send(gateway.get("/x", &stage.secret));
    assert!(client.answer_to("GET").is_none(), "nothing is answered without TLS");
    let mut client = Client::connect(plain);
    client.send([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3]);
    assert_eq!(client.answer().status, 400);
    assert!(stage.upstream.seen().is_empty());
}

/// sec-G2: the door without TLS leads round no certificate either.
#[test]
fn sec_g2_without_tls_nobody_has_shown_a_certificate() {
    let stage = Stage::new(LISTEN);
    for path in ["/x", "/open"] {
        let request = stage.gateway.get(path, &stage.secret).replace("a.example", "b.example");
        assert_eq!(ask(stage.gateway.plain(), request).status, 403, "{path}");
    }
    let refused = stage.gateway.counted(|core| core.refusals.of(Refusal::CertificateMissing));
    assert_eq!(refused, 2);
    assert!(stage.upstream.seen().is_empty());
}

#[test]
fn a_door_that_somebody_else_has_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("tollgate.toml");
    let text = format!(
        "listen = {{ public = \"127.0.0.1:0\", admin = \"127.0.0.1:0\", plain = \"{}\" }}\n",
        taken.local_addr().unwrap()
    );
    let settings = config::parse(&source, text.as_bytes(), &Environment::default());
    let settings = settings.unwrap_or_else(|report| panic!("{report}"));
    match app::start(settings, None, Clock::held(crate::support::gateway::START), None) {
        Err(AppError::Listen { key, .. }) => assert_eq!(key, "listen.plain"),
        other => panic!("{other:?}"),
    }
}
