//! Certificates of clients whose signers are others after a reload, or at a successor: connections and what goes on with them.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use rustls::ClientConfig;
use tollgate::domain::refusal::Refusal;
use tollgate::domain::time::Timestamp;

use crate::certificates::Stage;
use crate::files::Files;
use crate::overdue::{CENTURY, ask, client, showing};
use crate::streams::{BOUND, ticker};
use crate::support::PATIENCE;
use crate::support::client::Client;
use crate::support::gateway::Gateway;
use crate::support::http2;
use crate::support::steps::Steps;
use crate::support::tls::{Authority, authority};
use crate::support::upstream::Upstream;
use crate::tls::{Stream, answer, connect};
use crate::websockets::{code, frame, handshake, talker};

/// From now on these sign certificates of clients.
fn write(files: &Files, signers: &[&Authority]) {
    let text: Vec<_> = signers.iter().map(|one| one.pem()).collect();
    std::fs::write(files.path("ca.pem"), text.concat()).unwrap();
}

fn put(gateway: &Gateway, files: &Files, signers: &[&Authority]) {
    write(files, signers);
    gateway.app().reloader().reload().unwrap();
}

/// sec-G2: nor does who keeps the connection open outlive who signed its certificate, over either version.
#[test]
fn sec_g2_no_connection_outlives_who_vouched_for_its_client() {
    let stage = Stage::new("h2c = false");
    let config = client(&stage, "ci", &rustls::version::TLS13);
    let mut first = connect(stage.gateway.public(), &config, "b.example").unwrap();
    let mut second = ClientConfig::clone(&config);
    second.alpn_protocols = vec![b"h2".to_vec()];
    let mut second =
        http2::Client::connect_within(stage.gateway.public(), Arc::new(second), "b.example");
    let mut statuses = |what: &str, told: usize, wanted: [u16; 2]| {
        let first = ask(&mut first).unwrap().parse::<u16>().unwrap();
        let second = second.get("https://b.example/open", None).status;
        assert_eq!([first, second], wanted, "{what}");
        let seen = stage.upstream.take();
        assert_eq!(seen.len(), told, "{what}");
        assert!(seen.iter().all(|seen| seen.value("x-tollgate-certificate").is_some()), "{what}");
    };
    let (own, other) = (&stage.files.ca, authority());
    statuses("at first", 2, [200, 200]);
    put(&stage.gateway, &stage.files, &[&other, own]);
    statuses("another beside it", 2, [200, 200]);
    put(&stage.gateway, &stage.files, &[&other]);
    statuses("another in its place", 0, [403, 403]);
    statuses("and again", 0, [403, 403]);
    assert_eq!(stage.gateway.counted(|core| core.refusals.of(Refusal::CertificateMissing)), 4);
    put(&stage.gateway, &stage.files, &[own]);
    statuses("it is back", 2, [200, 200]);
}

/// What an API asks for that needs none goes on, and its upstream hears of none.
#[test]
fn a_certificate_that_nobody_vouches_for_is_not_told() {
    let stage = Stage::new("h2c = false");
    let config = client(&stage, "ci", &rustls::version::TLS13);
    let mut stream = connect(stage.gateway.public(), &config, "a.example").unwrap();
    for (signer, told) in [(&stage.files.ca, true), (&authority(), false)] {
        put(&stage.gateway, &stage.files, &[signer]);
        assert!(answer(&mut stream, &stage.secret).starts_with("HTTP/1.1 200"));
        let seen = stage.upstream.take_one();
        for name in ["x-tollgate-certificate", "x-tollgate-certificate-subject"] {
            assert_eq!(seen.value(name).is_some(), told, "{name}");
        }
    }
}

/// `client_certificates = "required"` holds for connections that came in by one, whatever their API asks for.
#[test]
fn where_nobody_comes_in_without_one_nobody_stays_without_one() {
    let (files, upstream) = (Files::new(), Upstream::start());
    files.make("a", &["a.example"]);
    files.make("ci", &[]);
    files.make_until("short", &[], 2_100);
    let more = format!(
        "tls.client_ca = {:?}\ntls.client_certificates = \"required\"",
        files.path("ca.pem")
    );
    let (gateway, secret) = files.gateway(&["a"], &more, &upstream);
    let connect = |name: &str| {
        let config = showing(&files, name, &rustls::version::TLS13);
        connect(gateway.public(), &config, "a.example").unwrap()
    };
    let status = |stream: &mut Stream| answer(stream, &secret)[9..12].to_owned();
    let (mut long, mut short) = (connect("ci"), connect("short"));
    assert_eq!([&mut long, &mut short].map(status), ["200", "200"]);
    put(&gateway, &files, &[&authority()]);
    assert_eq!([&mut long, &mut short].map(status), ["403", "403"]);
    put(&gateway, &files, &[&files.ca]);
    assert_eq!([&mut long, &mut short].map(status), ["200", "200"]);
    // The token is over by then, which nobody asks about without a certificate.
    gateway.clock().set(Timestamp::from_unix(CENTURY + 1));
    assert_eq!([&mut long, &mut short].map(status), ["401", "403"]);
}

/// Nor does who came in before one was needed.
#[test]
fn where_nobody_comes_in_without_one_any_more_nobody_stays_without_one() {
    let (files, upstream) = (Files::new(), Upstream::start());
    files.make("a", &["a.example"]);
    let more = format!(
        "tls.client_ca = {:?}\ntls.client_certificates = \"optional\"",
        files.path("ca.pem")
    );
    let (gateway, secret) = files.gateway(&["a"], &more, &upstream);
    let config = Arc::new(files.client());
    let mut stream = connect(gateway.public(), &config, "a.example").unwrap();
    let mut status = || answer(&mut stream, &secret)[9..12].to_owned();
    assert_eq!(status(), "200");
    let text = std::fs::read_to_string(gateway.source()).unwrap();
    std::fs::write(gateway.source(), text.replace("\"optional\"", "\"required\"")).unwrap();
    gateway.app().reloader().reload().unwrap();
    assert_eq!(status(), "403");
    std::fs::write(gateway.source(), text).unwrap();
    gateway.app().reloader().reload().unwrap();
    assert_eq!(status(), "200");
}

/// Nor does what goes on that began before one was needed; without TLS nobody is asked.
#[test]
fn a_stream_of_who_shows_none_ends_once_one_is_needed() {
    let files = Files::new();
    files.make("a", &["a.example"]);
    let path = |name: &str| files.path(name);
    let text = |needed: &str| {
        format!(
            "tls = {{ client_ca = {:?}, client_certificates = \"{needed}\", \
             certificates = [{{ chain = {:?}, key = {:?} }}] }}\n\
             [[apis]]\nname = \"events\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/events\" }}]\n",
            path("ca.pem"),
            path("a.pem"),
            path("a.key"),
            ticker(),
        )
    };
    let gateway = Gateway::start_with("plain = \"127.0.0.1:0\"", &text("optional"));
    gateway.owner("somebody");
    let request = gateway.get("/events", &gateway.any_token());
    let config = Arc::new(files.client());
    let mut secure = connect(gateway.public(), &config, "a.example").unwrap();
    secure.write_all(request.as_bytes()).unwrap();
    let mut byte = [0];
    secure.read_exact(&mut byte).unwrap();
    let mut plain = Client::connect(gateway.plain());
    plain.send(&request);
    let two_looks = |plain: &mut Client| {
        for _ in 0..2 * 25 {
            plain.read_to("and the second\n\n");
        }
    };
    two_looks(&mut plain);
    let written = std::fs::read_to_string(gateway.source()).unwrap();
    let written = written.replace("\"optional\"", "\"required\"");
    std::fs::write(gateway.source(), written).unwrap();
    gateway.app().reloader().reload().unwrap();
    let begun = Steps::begin();
    let (mut rest, mut some) = (Vec::new(), [0; 4_096]);
    while !rest.ends_with(b"0\r\n\r\n") {
        let length = secure.read(&mut some).unwrap();
        assert!(length > 0, "it ends in good order");
        rest.extend_from_slice(&some[..length]);
    }
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert_eq!(gateway.counted(|core| core.cut_by_token.value()), 1);
    two_looks(&mut plain);
}

/// What goes on ends with whoever vouched for its client, also where nothing asks for a certificate: its upstream was told.
#[test]
fn a_websocket_ends_when_nobody_vouches_for_its_client_any_more() {
    let files = Files::new();
    files.make("a", &["a.example"]);
    files.make("ci", &[]);
    let (address, talks) = talker(b"");
    let path = |name: &str| files.path(name);
    let gateway = Gateway::start_with(
        "plain = \"127.0.0.1:0\"",
        &format!(
            "tls = {{ client_ca = {:?}, certificates = [{{ chain = {:?}, key = {:?} }}] }}\n\
             [[apis]]\nname = \"a\"\nupstream = \"http://{address}\"\nrules = [{{ path = \"/talk\" }}]\n\
             [[apis]]\nname = \"events\"\npath = \"/events\"\nupstream = \"http://{}\"\n\
             rules = [{{ path = \"/events\" }}]\n",
            path("ca.pem"),
            path("a.pem"),
            path("a.key"),
            ticker(),
        ),
    );
    gateway.owner("somebody");
    let secret = gateway.any_token();
    let config = showing(&files, "ci", &rustls::version::TLS13);
    let mut stream = connect(gateway.public(), &config, "a.example").unwrap();
    stream.write_all(handshake(&secret).as_bytes()).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    let mut talk = talks.recv_timeout(PATIENCE).unwrap();
    put(&gateway, &files, &[&authority(), &files.ca]);
    // Two looks at this one begin later than one at the other.
    let mut events = Client::connect(gateway.plain());
    events.send(gateway.get("/events", &secret));
    for _ in 0..2 * 25 {
        events.read_to("and the second\n\n");
    }
    talk.send(&frame("still"));
    let mut came = frame("still");
    stream.read_exact(&mut came).unwrap();
    assert_eq!(came, frame("still"));
    put(&gateway, &files, &[&authority()]);
    let begun = Steps::begin();
    let mut rest = Vec::new();
    // It may end without a word of TLS.
    let _ = stream.read_to_end(&mut rest);
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert_eq!(code(&rest), Some(1008), "{rest:?}");
    assert_eq!(String::from_utf8_lossy(&rest[4..]), Refusal::CertificateMissing.detail());
    events.read_to("and the second\n\n");
}

/// A successor goes by its own settings, whatever the gateway was told that has the keys.
#[test]
fn a_successor_asks_those_who_sign_certificates_by_its_own_settings() {
    for (is_kept, status) in [(true, "200"), (false, "403")] {
        let mut stage = Stage::new("h2c = false");
        let config = client(&stage, "ci", &rustls::version::TLS13);
        let mut stream = connect(stage.gateway.public(), &config, "b.example").unwrap();
        assert_eq!(ask(&mut stream).as_deref(), Some("200"));
        let other = authority();
        let all = [&other, &stage.files.ca];
        write(&stage.files, if is_kept { &all } else { &all[..1] });
        let before = stage.gateway.succeed();
        assert_eq!(stage.curl("a.example", "/x", &[]).0, 200, "the successor serves");
        stage.upstream.take();
        assert_eq!(ask(&mut stream).as_deref(), Some(status));
        let told = stage
            .upstream
            .take()
            .iter()
            .map(|seen| seen.value("x-tollgate-certificate-subject"))
            .collect::<Vec<_>>();
        assert_eq!(told, if is_kept { vec![Some("CN=ci".to_owned())] } else { vec![] });
        drop(stream);
        before.join().unwrap().unwrap();
    }
}
