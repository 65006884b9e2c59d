//! Who is called, who may ask, and what is told to nobody.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;

use super::*;
use support::client;

/// Far more than anybody takes.
const LONG: usize = 1 << 30;

/// What the system takes of it, at the most, that nobody has asked for.
const MUCH: usize = 64 << 20;

#[test]
fn sec_f1_an_inner_target_is_refused_and_the_delivery_log_says_so() {
    let receiver = Receiver::start();
    let port = receiver.upstream.address().port();
    let urls = [
        format!("http://127.0.0.1:{port}/hook"),
        format!("http://localhost:{port}/hook"),
        format!("http://[::ffff:127.0.0.1]:{port}/hook"),
        format!("https://2130706433:{port}/hook"),
        "https://169.254.169.254/latest/meta-data".to_owned(),
    ];
    let name = |nth: usize| format!("hook-{nth}");
    let webhooks: Vec<_> =
        urls.iter().enumerate().map(|(nth, url)| receiver.webhook_at(&name(nth), url)).collect();
    let closed = settings(&webhooks, "http://127.0.0.1:9").replace("127.0.0.0/8", "10.0.0.0/8");
    let gateway = Gateway::start(&closed);
    gateway.owner("alice");
    revoked(&gateway, "ci");
    for nth in 0..urls.len() {
        let tried = tried(&gateway, &name(nth), 1);
        assert_eq!(tried[0]["outcome"], "retry", "{tried:?}");
        let error = tried[0]["error"].as_str().unwrap();
        assert!(nth == 3 || error.contains("egress.allow"), "{error}");
        let (status, test) = gateway.local(&format!("/webhooks/{}/test", name(nth)), &json!({}));
        assert_eq!((status, &test["outcome"]), (200, &json!("given_up")), "{test}");
    }
    assert_eq!(receiver.upstream.connections(), 0);
}

#[test]
fn sec_f1_a_redirect_is_not_followed() {
    let inner = Upstream::start();
    let location = format!(
        "HTTP/1.1 307 X\r\nLocation: http://{}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        inner.address()
    );
    let receiver = Receiver::scripted(move |_| answer(&location));
    let gateway = gateway(&[receiver.webhook("chat")]);
    revoked(&gateway, "ci");
    let tried = tried(&gateway, "chat", 1);
    assert_eq!((&tried[0]["outcome"], &tried[0]["status"]), (&json!("retry"), &json!(307)));
    assert_eq!(inner.connections(), 0);
}

#[test]
fn a_test_is_one_call_whose_outcome_is_the_answer() {
    let receiver = Receiver::scripted(|seen| status(if seen.number == 0 { 200 } else { 500 }));
    let only = receiver.webhook("chat") + "notices = [\"token.leaked\"]\n";
    let gateway = gateway(&[only]);
    let (status, first) = gateway.local("/webhooks/chat/test", &json!({}));
    assert_eq!(
        (status, &first["outcome"], &first["kind"]),
        (200, &json!("delivered"), &json!("test"))
    );
    let told = receiver.told(1);
    assert_eq!(
        (&told[0].body["type"], &told[0].body["data"]["webhook"]),
        (&json!("test"), &json!("chat"))
    );
    assert_eq!(told[0].body["data"]["actor"], first_actor());
    let (_, second) = gateway.local("/webhooks/chat/test", &json!({}));
    assert_eq!((&second["outcome"], &second["status"]), (&json!("given_up"), &json!(500)));
    assert_ne!(first["notice"], second["notice"]);
    assert_eq!(deliveries(&gateway, "chat"), [second, first]);
    assert_eq!(webhook(&gateway, "chat")["waiting"], 0, "a test is not tried again");
    for path in ["/webhooks/none/test", "/webhooks/No%20name/test"] {
        let (status, problem) = gateway.local(path, &json!({}));
        assert!([400, 404].contains(&status), "{problem}");
    }
}

fn first_actor() -> Value {
    json!(format!("local:{}", rustix::process::geteuid().as_raw()))
}

#[test]
fn administrators_and_auditors_see_webhooks_and_the_former_try_them() {
    let receiver = Receiver::start();
    let gateway = gateway(&[receiver.webhook("chat")]);
    for (id, roles) in [
        ("root", json!(["administrator"])),
        ("boss", json!(["company-administrator"])),
        ("dev", json!(["developer"])),
        ("watcher", json!(["auditor"])),
        ("anybody", json!([])),
    ] {
        gateway.try_owner(json!({"id": id, "roles": roles})).unwrap();
        let secret = gateway.token(json!({"owner": id, "name": "admin", "flags": -1})).secret;
        for line in ["GET /webhooks", "GET /webhooks/chat/deliveries", "POST /webhooks/chat/test"] {
            let (method, path) = line.split_once(' ').unwrap();
            let answer = client::ask(
                gateway.admin(),
                format!(
                    "{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\
                     Content-Type: application/json\r\nAuthorization: Bearer {secret}\r\n\r\n"
                ),
            );
            let wanted = match id {
                "root" => 200,
                "watcher" if method == "GET" => 200,
                _ => 403,
            };
            assert_eq!(answer.status, wanted, "{line} by {id}: {}", answer.text());
        }
    }
    assert_eq!(receiver.told(1).len(), 1);
}

/// Secrets of tokens and of webhooks are in no notice, no file, and no answer.
#[test]
fn sec_l1_no_secret_is_told_or_kept() {
    let receiver = Receiver::scripted(|seen| status(if seen.number == 0 { 500 } else { 200 }));
    let gateway = gateway(&[receiver.webhook("chat")]);
    let made = token(&gateway, "ci");
    gateway.update(made.id, &json!({"flags": -1}));
    gateway.revoke(made.id);
    receiver.told(2);
    tried(&gateway, "chat", 2);
    let mut texts = vec![gateway.read("/webhooks").1.to_string()];
    texts.extend(deliveries(&gateway, "chat").iter().map(Value::to_string));
    texts.extend(receiver.upstream.seen().iter().map(|seen| {
        let whole = [&seen.head[..], &seen.body].concat();
        String::from_utf8(whole).unwrap()
    }));
    let journal = gateway.folder().join("data/deliveries");
    let mode = std::fs::metadata(&journal).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let mut folders = vec![gateway.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                texts.push(
                    String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned(),
                );
            }
        }
    }
    for text in texts {
        assert!(!text.contains(SECRET) && !text.contains(&made.secret), "{text}");
    }
}

/// A receiver that says `head` to each notice, and then `more` as long as anybody listens; how much that was is told.
fn endless(head: &'static str, more: &'static str) -> (SocketAddr, mpsc::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut went) = (stream.unwrap(), 0);
            let _ = stream.read(&mut [0; 65_536]);
            let more = more.repeat(65_536 / more.len());
            let mut open = stream.write_all(head.as_bytes()).is_ok();
            while open && went < LONG {
                open = stream.write_all(more.as_bytes()).is_ok();
                went += more.len();
            }
            if tell.send(went).is_err() {
                return;
            }
        }
    });
    (address, told)
}

/// No more of an answer is read than its head, no more of that than a head may have, and few interim answers before it.
#[test]
fn sec_d4_the_answer_of_a_webhook_may_have_no_end() {
    for (row, head, more, outcome) in [
        ("a length", "HTTP/1.1 200 X\r\nContent-Length: 1000000000000\r\n\r\n", "x", "delivered"),
        (
            "chunks",
            "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n",
            "1\r\nx\r\n",
            "delivered",
        ),
        ("no length", "HTTP/1.1 200 X\r\n\r\n", "x", "delivered"),
        ("no length, refused", "HTTP/1.1 503 X\r\n\r\n", "x", "retry"),
        ("a line of a head", "HTTP/1.1 200 X\r\nX: ", "x", "retry"),
        ("lines of a head", "HTTP/1.1 200 X\r\n", "X: x\r\n", "retry"),
        ("heads before it", "", "HTTP/1.1 102 X\r\n\r\n", "retry"),
    ] {
        let (address, told) = endless(head, more);
        let receiver = Receiver::start();
        let gateway = gateway(&[receiver.webhook_at("chat", &format!("http://{address}/hook"))]);
        revoked(&gateway, "ci");
        let tried = tried(&gateway, "chat", 1);
        assert_eq!(tried[0]["outcome"], outcome, "{row}: {tried:?}");
        let went = told.recv_timeout(PATIENCE).unwrap();
        assert!(went < MUCH, "{row}: {went} bytes of one answer went out");
    }
}
