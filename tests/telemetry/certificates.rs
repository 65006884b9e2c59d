//! The end of the certificates that clients and upstreams are shown, as a metric and as a warning a day.

use std::path::Path;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use tollgate::domain::time::Span;

use crate::everything;
use crate::support::client::ask;
use crate::support::gateway::Gateway;

/// A certificate for `name` that ends at the beginning of this day, as the value of a key.
fn certificate(
    folder: &Path,
    (file, name): (&str, &str),
    (year, month, day): (i32, u8, u8),
) -> String {
    let kind = if file.contains("ed25519") { &PKCS_ED25519 } else { &PKCS_ECDSA_P256_SHA256 };
    let key = KeyPair::generate_for(kind).unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(year, month, day);
    let made = params.self_signed(&key).unwrap();
    let [chain, keys] = ["pem", "key"].map(|end| folder.join(format!("{file}.{end}")));
    std::fs::write(&chain, made.pem()).unwrap();
    std::fs::write(&keys, key.serialize_pem()).unwrap();
    format!("{{ chain = {chain:?}, key = {keys:?} }}")
}

const FAMILY: &str = "tollgate_tls_certificate_expiry_timestamp_seconds";

fn series(name: &str, file: &Path, to: &str, end: u64) -> String {
    let file = file.display();
    format!("{FAMILY}{{certificate=\"{name}\",file=\"{file}\",shown_to=\"{to}\"}} {end}")
}

/// What the metrics have of certificates.
fn all_series(gateway: &Gateway) -> Vec<String> {
    let head = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", gateway.admin());
    let text = ask(gateway.admin(), head).text();
    let family = |line: &&str| line.starts_with(&format!("{FAMILY}{{"));
    let mut all: Vec<_> = text.lines().filter(family).map(str::to_owned).collect();
    all.sort_unstable();
    all
}

const SOON: &str = "a certificate will soon be over";

fn gateway(certificates: &[String]) -> Gateway {
    Gateway::start_with(
        "h2c = false",
        &format!("tls.certificates = [{}]\n", certificates.join(", ")),
    )
}

/// How often the log told this of a certificate, once it has told `mark`.
fn told(what: &str, name: &str, mark: &str) -> usize {
    let has = |line: &str, what: &str| line.contains(what) && line.contains(name);
    let text = everything().once(|text| text.lines().any(|line| has(line, mark)));
    text.lines().filter(|line| has(line, what)).count()
}

#[test]
fn the_end_of_each_certificate_is_a_metric_also_of_two_for_one_name() {
    let folder = tempfile::tempdir().unwrap();
    let make = |file, name| certificate(folder.path(), (file, name), (2_100, 1, 1));
    let all =
        [make("ecdsa", "two.example"), make("ed25519", "two.example"), make("c", "c.example")];
    // One that is named twice is one.
    let gateway = gateway(&[&all[..], &all[..1]].concat());
    let wanted = [("c.example", "c"), ("two.example", "ecdsa"), ("two.example", "ed25519")];
    let wanted = wanted.map(|(name, file)| {
        let file = folder.path().join(format!("{file}.pem"));
        series(name, &file, "clients", 4_102_444_800)
    });
    assert_eq!(all_series(&gateway), wanted);
}

#[test]
fn a_certificate_that_will_soon_be_over_is_told_once_a_day_whatever_is_reloaded() {
    everything();
    // Tests begin on November 20.
    let (folder, name) = (tempfile::tempdir().unwrap(), "soon-over.example");
    let make = |file, name, day| certificate(folder.path(), (file, name), (2_026, 12, day));
    let gateway = gateway(&[make("soon", name, 1), make("later", "late-over.example", 31)]);
    assert_eq!(told(SOON, name, "\"days\":10"), 1);
    for _ in 0..3 {
        gateway.app().reloader().reload().unwrap();
    }
    // Another certificate in its place is told of at once.
    make("soon", name, 3);
    gateway.app().reloader().reload().unwrap();
    assert_eq!(told(SOON, name, "\"days\":12"), 2, "not with each reload");
    gateway.clock().advance(Span::from_days(1));
    assert_eq!(told(SOON, name, "\"days\":11"), 3, "again on the next day");
    gateway.clock().advance(Span::from_days(12));
    assert_eq!(told(SOON, name, "a certificate is over"), 3);
    gateway.app().reloader().reload().unwrap();
    gateway.clock().advance(Span::from_days(20));
    assert_eq!(told(SOON, "late-over.example", "\"days\":7"), 1);
}

#[test]
fn the_end_of_a_certificate_that_upstreams_are_shown_is_told_as_well() {
    everything();
    let (folder, name) = (tempfile::tempdir().unwrap(), "shown.example");
    let make = |day| certificate(folder.path(), ("shown", name), (2_026, 12, day));
    make(1);
    let [chain, key] = ["pem", "key"].map(|end| folder.path().join(format!("shown.{end}")));
    let api = |name: &str| {
        format!(
            "[[apis]]\nname = \"{name}\"\npath = \"/{name}\"\nupstream = \"https://127.0.0.1:9\"\n\
             upstream_ca = {chain:?}\nupstream_certificate = {chain:?}\nupstream_key = {key:?}\n\
             rules = [{{ path = \"/{name}\" }}]\n"
        )
    };
    let gateway = Gateway::start(&["a", "b"].map(api).concat());
    assert_eq!(told(SOON, name, "\"days\":10"), 1, "two APIs show the same");
    let wanted = |end| [series(name, &chain, "upstreams", end)];
    assert_eq!(all_series(&gateway), wanted(1_796_083_200));
    make(3);
    gateway.app().reloader().reload().unwrap();
    assert_eq!(told(SOON, name, "\"days\":12"), 2, "another one is told of at once");
    assert_eq!(all_series(&gateway), wanted(1_796_256_000));
    gateway.clock().advance(Span::from_days(1));
    assert_eq!(told(SOON, name, "\"days\":11"), 3, "again on the next day");
    gateway.clock().advance(Span::from_days(12));
    assert_eq!(told(SOON, name, "a certificate is over: upstreams refuse it"), 3);
}

/// At the default level, and once in a while however many there are.
#[test]
fn a_client_without_its_certificate_is_told_once_in_a_while_and_always_counted() {
    everything();
    let folder = tempfile::tempdir().unwrap();
    let pair = certificate(folder.path(), ("c", "c.example"), (2_100, 1, 1));
    let ca = folder.path().join("c.pem");
    let gateway = Gateway::start_with(
        "h2c = false",
        &format!(
            "tls = {{ client_ca = {ca:?}, client_certificates = \"required\", certificates = [{pair}] }}\n"
        ),
    );
    let port = gateway.public().port();
    for _ in 0..3 {
        // Who comes by TLS 1.3 may take the handshake for done and hear of it in the first answer.
        let output = std::process::Command::new("curl")
            .args([
                "--silent",
                "--insecure",
                "--max-time",
                "30",
                "--noproxy",
                "*",
                "--tls-max",
                "1.2",
            ])
            .arg(format!("https://127.0.0.1:{port}/"))
            .output()
            .unwrap();
        assert!(!output.status.success(), "{output:?}");
    }
    let until = tollgate::clock::instant() + crate::support::PATIENCE;
    let counted = || gateway.counted(|core| core.certificates.missing.value());
    while counted() < 3 {
        assert!(tollgate::clock::instant() < until, "{}", counted());
    }
    let head = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", gateway.admin());
    let text = ask(gateway.admin(), head).text();
    let series = "tollgate_tls_client_certificates_refused_total{reason=\"missing\"} 3";
    assert!(text.lines().any(|line| line == series), "{text}");
    const REFUSED: &str = "the certificate of a client is refused";
    let level = |line: &str| line.contains(REFUSED) && line.contains("WARN");
    let log = everything().once(|text| text.lines().any(level));
    let lines: Vec<_> = log.lines().filter(|line| line.contains(REFUSED)).collect();
    assert!(lines.len() == 1 && lines[0].contains("it showed none"), "{lines:?}");
}
