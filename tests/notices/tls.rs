//! Over TLS, with certificates that only the operator trusts.

use super::support::tls::{authority, server};
use super::*;

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
