//! Notices by webhook, through a running gateway and a real receiver that checks each signature.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

#[path = "notices/crash.rs"]
mod crash;
#[path = "notices/delivery.rs"]
mod delivery;
#[path = "notices/guard.rs"]
mod guard;
#[path = "notices/kinds.rs"]
mod kinds;

#[path = "notices/tls.rs"]
mod tls;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate::domain::id::TokenId;
use tollgate::domain::time::Span;

use support::gateway::{Gateway, Made};
use support::upstream::{Seen, Step, Upstream, answer};
use support::{PATIENCE, wait_until};

/// What the receivers of these tests sign with: text, for which nothing else is likely to be taken.
const SECRET: &str = "a-secret-that-nobody-may-ever-read";

/// A webhook on this machine.
struct Receiver {
    upstream: Upstream,
    secrets: TempDir,
}

/// A notice as it came, with its signature checked.
#[derive(Clone, Debug)]
struct Told {
    id: String,
    body: Value,
}

impl Receiver {
    fn start() -> Self {
        Self::scripted(|_| status(200))
    }

    fn scripted(script: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let secrets = tempfile::tempdir().unwrap();
        write_secret(&secrets.path().join("secret"));
        Self { upstream: Upstream::scripted(script), secrets }
    }

    /// The settings of a webhook `name` that calls it.
    fn webhook(&self, name: &str) -> String {
        self.webhook_at(name, &format!("http://{}/hook", self.upstream.address()))
    }

    fn webhook_at(&self, name: &str, url: &str) -> String {
        let secret = self.secrets.path().join("secret");
        format!(
            "[[webhooks]]\nname = \"{name}\"\nurl = \"{url}\"\nsecret = \"file:{}\"\n",
            secret.display()
        )
    }

    /// What came so far, once as much has come, in an order that is not promised.
    fn told(&self, count: usize) -> Vec<Told> {
        let whole = || self.upstream.seen().iter().filter(|seen| seen.complete).count();
        wait_until("a notice did not come", PATIENCE, || whole() >= count);
        // One that is on its way still is not whole.
        self.upstream.seen().iter().filter(|seen| seen.complete).map(checked).collect()
    }
}

fn write_secret(file: &Path) {
    std::fs::write(file, format!("{SECRET}\n")).unwrap();
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(file, private).unwrap();
}

/// What receivers do with each notice (Standard Webhooks).
fn checked(seen: &Seen) -> Told {
    assert_eq!(seen.line(), "POST /hook HTTP/1.1");
    assert_eq!(seen.value("content-type").as_deref(), Some("application/json"));
    let id = seen.value("webhook-id").unwrap();
    let at = seen.value("webhook-timestamp").unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signed = [format!("{id}.{at}.").as_bytes(), &seen.body].concat();
    let wanted = format!("v1,{}", STANDARD.encode(hmac::sign(&key, &signed)));
    assert_eq!(seen.value("webhook-signature"), Some(wanted));
    assert!(!seen.holds(SECRET));
    Told { id, body: serde_json::from_slice(&seen.body).unwrap() }
}

fn status(status: u16) -> Vec<Step> {
    answer(&format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
}

/// A gateway in front of nothing with these webhooks, on this machine alone, and a user `alice`.
fn gateway(webhooks: &[String]) -> Gateway {
    let gateway = Gateway::start(&settings(webhooks, "http://127.0.0.1:9"));
    gateway.owner("alice");
    gateway
}

fn settings(webhooks: &[String], upstream: &str) -> String {
    format!(
        "[egress]\nallow = [\"127.0.0.0/8\"]\n[contexts.stock]\n{}[[apis]]\nname = \"shop\"\nupstream = \"{upstream}\"\n\
         rules = [{{ path = \"/{{*rest}}\" }}]\n",
        webhooks.concat()
    )
}

fn token(gateway: &Gateway, name: &str) -> Made {
    gateway.token(json!({"owner": "alice", "name": name}))
}

/// Ends a token of alice's as somebody else, which is what most of these tests tell of.
fn revoked(gateway: &Gateway, name: &str) -> TokenId {
    let id = token(gateway, name).id;
    gateway.revoke(id);
    id
}

/// What the API says of the deliveries to a webhook, newest first.
fn deliveries(gateway: &Gateway, webhook: &str) -> Vec<Value> {
    let (status, answer) = gateway.read(&format!("/webhooks/{webhook}/deliveries"));
    assert_eq!(status, 200, "{answer}");
    answer["deliveries"].as_array().unwrap().clone()
}

/// Waits until so many attempts are on record, and gives them.
fn tried(gateway: &Gateway, webhook: &str, count: usize) -> Vec<Value> {
    let enough = || deliveries(gateway, webhook).len() >= count;
    wait_until("an attempt was not made", PATIENCE, enough);
    deliveries(gateway, webhook)
}

/// What the API says of one webhook.
fn webhook(gateway: &Gateway, name: &str) -> Value {
    let (status, answer) = gateway.read("/webhooks");
    assert_eq!(status, 200, "{answer}");
    let all = answer["webhooks"].as_array().unwrap();
    all.iter().find(|webhook| webhook["name"] == name).cloned().unwrap_or_default()
}

fn advance(gateway: &Gateway, seconds: u64) {
    gateway.clock().advance(Span::from_seconds(seconds));
}
