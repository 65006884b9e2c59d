//! Over TLS, with certificates that only the operator trusts.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;

/// A server with a certificate for `localhost` that takes one call, and gives its bytes.
fn server(ca: &CertifiedIssuer<'static, KeyPair>) -> (u16, JoinHandle<std::io::Result<Vec<u8>>>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, ca).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider().into();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept()?;
        let tls = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = rustls::StreamOwned::new(tls, stream);
        let mut said = vec![0; 8_192];
        let length = stream.read(&mut said)?;
        said.truncate(length);
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")?;
        Ok(said)
    });
    (port, thread)
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

#[test]
fn a_certificate_is_that_of_whom_the_operator_trusts() {
    let (mine, other) = (authority(), authority());
    let receiver = Receiver::start();
    let file = receiver.secrets.path().join("ca.pem");
    std::fs::write(&file, mine.pem()).unwrap();
    let (good, taken) = server(&mine);
    let (bad, refused) = server(&other);
    let at =
        |name: &str, port| receiver.webhook_at(name, &format!("https://localhost:{port}/hook"));
    let allow = "allow = [\"127.0.0.0/8\"]";
    let trusted = format!("{allow}\nca = \"{}\"", file.display());
    let text = settings(&[at("good", good), at("bad", bad)], "http://127.0.0.1:9");
    let gateway = Gateway::start(&text.replace(allow, &trusted));
    let (_, test) = gateway.local("/webhooks/good/test", &json!({}));
    assert_eq!((&test["outcome"], &test["status"]), (&json!("delivered"), &json!(204)), "{test}");
    let said = taken.join().unwrap().unwrap();
    assert!(said.starts_with(b"POST /hook HTTP/1.1\r\n"));
    let (_, test) = gateway.local("/webhooks/bad/test", &json!({}));
    assert_eq!(test["outcome"], "given_up");
    assert!(test["error"].as_str().unwrap().contains("certificate"), "{test}");
    assert!(refused.join().unwrap().is_err(), "nothing is sent to it");
}
