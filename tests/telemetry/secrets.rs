//! sec-L1 and row X4: a secret is in no log, metric or answer, whatever becomes of its request.

use http::Request;
use serde_json::json;
use tollgate::domain::time::Span;

use crate::support::client::Client;
use crate::support::http2;
use crate::support::upstream::{Step, Upstream, ok};
use crate::{Stage, everything};

#[test]
fn sec_l1_and_x4_no_secret_in_anything_that_is_written_or_answered() {
    let everything = everything();
    let upstream = Upstream::scripted(|seen| {
        let line = seen.line();
        if line.contains("garbage") {
            vec![Step::Send(b"garbage\r\n\r\n".to_vec())]
        } else if line.contains("reset") {
            vec![Step::Reset]
        } else {
            ok("ok")
        }
    });
    let stage = Stage::before(upstream, tollgate::telemetry::Format::Json);
    let gateway = &stage.gateway;
    let mut made = Vec::new();
    for more in [json!({}), json!({ "lifetime": "60s" }), json!({ "idle_ttl": "30s" })] {
        let mut body = json!({ "owner": "alice", "name": "t" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        made.push(gateway.token(body));
    }
    let (revoked, disabled) = (stage.token(), stage.token());
    gateway.revoke(revoked.id);
    gateway.disable(disabled.id);
    made.extend([revoked, disabled]);
    for imported in ["0f8fad5b-d9cb-469f-a165-70867728950e", "c2VjcmV0IG9mIGFub3RoZXI=="] {
        let import = json!({ "owner": "alice", "name": "old", "secret": imported });
        made.push(gateway.token(import));
    }
    let nobodys = "tg_ABCDEFGHIJKLMNOPQRSTUVWXYZabcd000000".to_owned();
    let mut secrets: Vec<String> = made.into_iter().map(|token| token.secret).collect();
    secrets.push(nobodys);

    let mut answers = String::new();
    for round in 0..2 {
        for secret in &secrets {
            answers += &ask_everything(&stage, secret);
        }
        if round == 0 {
            gateway.clock().advance(Span::from_seconds(61));
        }
    }
    // What a client is told was recorded; now what operators are told.
    let mut admin = Client::connect(gateway.admin());
    answers += &admin.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").text();
    gateway.ask("GET /any/last-of-all HTTP/1.1\r\nHost: erp.example\r\n\r\n");
    let access = stage.kept.once(|text| text.contains("last-of-all"));
    tracing::trace!("last of all");
    let logs = everything.once(|text| text.contains("\"last of all\""));
    assert!(logs.contains("\"target\":\"h2") && logs.len() > 10_000, "the logs were not loud");
    assert!(access.lines().count() > 50 && access.contains("[redacted]"));
    for secret in &secrets {
        for (what, text) in [("access log", &access), ("logs", &logs), ("answers", &answers)] {
            let place = text.find(secret.as_str()).map(|at| &text[at.saturating_sub(200)..]);
            assert_eq!(place.map(|text| &text[..200.min(text.len())]), None, "in the {what}");
        }
    }
}

/// Requests that end in every way, with the secret in every place. Gives everything that was answered.
fn ask_everything(stage: &Stage, secret: &str) -> String {
    let mut answered = String::new();
    let bearer = format!("Authorization: Bearer {secret}\r\n");
    let host = "Host: erp.example\r\n";
    let portal = "Host: portal.example\r\n";
    for (line, head) in [
        ("GET /any/x HTTP/1.1", format!("{host}{bearer}")),
        ("GET /sales HTTP/1.1", format!("{host}{bearer}")),
        ("GET /nowhere HTTP/1.1", format!("{host}{bearer}")),
        ("GET /any/garbage HTTP/1.1", format!("{host}{bearer}")),
        ("GET /any/reset HTTP/1.1", format!("{host}{bearer}")),
        ("GET /any/x HTTP/1.1", format!("{host}{bearer}{bearer}")),
        ("GET /any/x HTTP/1.1", format!("{host}Authorization: Bearer {secret} x\r\n")),
        ("GET /any/x HTTP/1.1", format!("{host}Authorization: Bearer  {secret}\r\n")),
        ("GET /any/x HTTP/1.1", format!("{host}Authorization: {secret}\r\n")),
        ("GET /any/x HTTP/1.1", format!("{host}{bearer}Expect: {secret}\r\n")),
        ("GET /any/x HTTP/1.1", format!("{host}{bearer}Cookie: t={secret}\r\n")),
        ("GET /any/../x HTTP/1.1", format!("{host}{bearer}")),
        ("GET /any/x HTTP/1.1", format!("Host: {secret}@erp.example\r\n{bearer}")),
        ("TRACE /any/x HTTP/1.1", format!("{host}{bearer}")),
        ("GET /any/x NONSENSE", format!("{host}{bearer}")),
        ("GET /any/x HTTP/1.1", format!("{host}{bearer}Transfer-Encoding: gzip\r\n")),
        ("POST /any/x HTTP/1.1", format!("{host}{bearer}Content-Length: -1\r\n")),
        ("GET /x HTTP/1.1", format!("{portal}X-Token: {secret}\r\n")),
        ("GET /reset HTTP/1.1", format!("{portal}X-Token: {secret}\r\n")),
        ("GET /x HTTP/1.1", format!("{portal}X-Token: {secret}, {secret}\r\n")),
        ("GET /x HTTP/1.1", format!("{portal}{bearer}X-Token: x{secret}\r\n")),
    ] {
        let answer = stage.gateway.ask(format!("{line}\r\n{head}\r\n"));
        answered += &String::from_utf8_lossy(&answer.head);
        answered += &answer.text();
    }
    let query = format!("GET /any/x?access_token={secret} HTTP/1.1\r\n{host}\r\n");
    answered += &stage.gateway.ask(query).text();
    let (first, rest) = secret.split_at(1);
    let escaped = format!("/any/%{:02X}{rest}", first.as_bytes()[0]);
    for path in [
        format!("/any/{secret}/x"),
        format!("/{secret}"),
        format!("/%00/{secret}"),
        format!("/any/x/../{secret}"),
        escaped,
    ] {
        let answer = stage.gateway.ask(format!("GET {path} HTTP/1.1\r\n{host}{bearer}\r\n"));
        answered += &answer.text();
    }
    let mut client = http2::Client::connect(stage.gateway.public());
    for (host, path) in [
        ("erp.example", "/any/x"),
        ("erp.example", "/sales"),
        ("erp.example", "/any/reset"),
        ("erp.example", "/any/%00"),
        ("portal.example", "/x"),
    ] {
        let request = Request::post(format!("http://{host}{path}"))
            .header("authorization", format!("Bearer {secret}"))
            .header("x-token", secret)
            .header("x-other", secret);
        if let Ok(answer) = client.try_ask(request.body(Default::default()).unwrap()) {
            answered += &answer.text();
        }
    }
    answered
}
