//! Row F5: the client certificate that a token is bound to, through the forms.

use super::edits::{body, sent, view, with};
use super::*;
use crate::config::settings::TlsSettings;
use crate::tls::{Clients, Files, Least, Options, Server};

const FIELD: &str = "id=\"certificate\"";

/// Serves TLS, and asks clients for certificates where `asks`.
fn serve_tls(face: &Face, asks: bool) {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let [chain, key] = ["chain", "key"].map(|name| folder.path().join(name));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let clients = asks.then(|| Clients { ca: chain.clone(), required: false });
    let certificates = vec![Files { chain, key }];
    let server = Server::load(Options { certificates, clients, least: Least::Tls12 }).unwrap();
    face.world.reload(|settings| settings.tls = Some(TlsSettings { server, admin: false }));
}

/// The "certificate binding: set here": with `tls.client_ca` the form of a new token asks for one.
#[tokio::test(flavor = "multi_thread")]
async fn f5_a_token_is_bound_by_the_form_where_clients_are_asked_for_certificates() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let (other, _) = face.token(json!({"owner": "alice", "name": "other"})).await;
    let edit = format!("/tokens/{other}/edit");
    for asks in [None, Some(false), Some(true)] {
        if let Some(asks) = asks {
            serve_tls(&face, asks);
        }
        for page in ["/tokens/new", edit.as_str()] {
            let there = root.get(page).await.text.contains(FIELD);
            assert_eq!(there, asks == Some(true), "{page} {asks:?}");
        }
    }
    let fields = sent(&root.get("/tokens/new").await.text);
    let fields = with(&fields, &[("owner", "alice"), ("name", "ci"), ("access", "all")]);
    let typed = |certificate: &str| {
        assert!(fields.contains("&certificate=&"), "{fields}");
        fields.replace("&certificate=&", &format!("&certificate={certificate}&"))
    };
    let wrong = root.post("/tokens/new", &typed("ab")).await;
    assert!(wrong.status == 400 && wrong.text.contains("<a href=\"#certificate\">"));
    assert!(
        wrong.text.contains("<details class=\"card bounds\" open>") && wrong.text.contains(FIELD)
    );
    let made = async |certificate: &str| {
        let place = root.post("/tokens/new", &typed(certificate)).await.place().to_owned();
        let id = place.split('/').nth(2).unwrap().parse().unwrap();
        view(&face, id).await.conditions.certificate.map(|bound| bound.to_hex())
    };
    assert_eq!(made("").await, None);
    assert_eq!(made(&"Cd".repeat(32)).await, Some("cd".repeat(32)));
    let fields = sent(&root.get(&edit).await.text);
    root.post(&edit, &with(&fields, &[("certificate", &"ab".repeat(32))])).await;
    let bound = view(&face, other).await.conditions.certificate.unwrap();
    assert_eq!(bound.to_hex(), "ab".repeat(32));
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_a_certificate_is_shown_exchanged_and_taken_away() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let (one, other) = ("ab".repeat(32), "CD".repeat(32));
    let bound = json!({"networks": ["10.0.0.0/8"], "certificate": one});
    let (id, _) = face.token(json!({"owner": "alice", "name": "ci", "conditions": bound})).await;
    let held = async || view(&face, id).await.conditions;
    let path = format!("/tokens/{id}/edit");
    assert!(root.get(&format!("/tokens/{id}")).await.text.contains(&one));
    let fields = sent(&root.get(&path).await.text);
    assert!(fields.contains(&("certificate".to_owned(), one.clone())), "{fields:?}");
    assert_eq!(
        root.post(&path, &body(&fields)).await.place(),
        format!("/tokens/{id}?done=nothing")
    );
    let wrong = root.post(&path, &with(&fields, &[("certificate", "ab")])).await;
    assert!(
        wrong.status == 400 && wrong.text.contains("<a href=\"#certificate\">"),
        "{}",
        wrong.text
    );
    root.post(&path, &with(&fields, &[("certificate", &other)])).await;
    assert_eq!(held().await.certificate.unwrap().to_hex(), other.to_lowercase());
    let fields = sent(&root.get(&path).await.text);
    root.post(&path, &with(&fields, &[("certificate", "")])).await;
    let after = held().await;
    assert!(after.certificate.is_none() && after.networks.len() == 1, "the networks stay");
    assert!(!root.get(&path).await.text.contains(FIELD), "nobody can show one");
}
