//! The dialect `focco`: each request is for the company of its token, whatever the client says.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;

use super::explained::explain;
use super::{Line, Said, Stage};
use crate::support::PATIENCE;
use crate::support::client::Client;
use crate::support::gateway::{Gateway, Made};
use crate::support::upstream::Seen;

const APIS: &str = r#"
[contexts.stock]
[contexts.sales]

[[apis]]
name = "erp"
dialect = "focco"
host = "erp.example"
path = "/api"
upstream = "http://UPSTREAM"
rules = [
    { path = "/api/any" },
    { path = "/api/stock", context = "stock" },
    { path = "/api/sales", context = "sales" },
    { path = "/api/labels", public = true },
]
"#;

/// A company, as FoccoERP numbers them.
fn stage() -> Stage {
    let stage = Stage::with(APIS);
    stage.gateway.try_owner(json!({ "id": "erp", "company": "1" })).unwrap();
    stage
}

fn token(stage: &Stage, contexts: &serde_json::Value) -> Made {
    stage.gateway.token(json!({ "owner": "erp", "name": "t", "contexts": contexts, "flags": -1 }))
}

fn get(line: &mut Line, path: &str, token: &Made, more: &str) -> Said {
    let lines: String = more
        .split('|')
        .filter(|more| !more.is_empty())
        .fold(format!("Authorization: Bearer {}\r\n", token.secret), |lines, more| {
            lines + more + "\r\n"
        });
    line.get(path, &lines)
}

/// Fields that an upstream could take for the company.
fn companies(seen: &Seen) -> Vec<(String, String)> {
    let fold = |name: &str| name.to_lowercase().replace(['_', '.'], "-");
    let alike = seen.names().into_iter().filter(|name| fold(name) == "x-empr-id");
    alike.map(|name| (name.clone(), seen.value(&name).unwrap_or_default())).collect()
}

#[test]
fn f6_the_upstream_is_told_the_tokens_company_alone() {
    let stage = stage();
    let (token, mut line) = (token(&stage, &json!("all")), stage.open());
    for more in [
        "",
        "X-EMPR-ID: 1",
        "x-empr-id:   1  ",
        "X_EMPR_ID: 2",
        "X.Empr.Id: 2|x_empr-id: 2",
        "X-EMPR-ID: 1|X_Empr_Id: 2",
        "Connection: X-EMPR-ID",
        "Connection: X-EMPR-ID|X-EMPR-ID: 2",
        "Connection: x_empr_id|X_EMPR_ID: 2",
    ] {
        assert_eq!(get(&mut line, "/api/any", &token, more).status, 200, "{more}");
        for seen in stage.upstream.take() {
            assert_eq!(companies(&seen), [("X-EMPR-ID".to_owned(), "1".to_owned())], "{more}");
            assert_eq!(seen.values("x-tollgate-company"), ["1"], "{more}");
        }
    }
}

#[test]
fn f6_another_company_is_refused() {
    let stage = stage();
    let (token, mut line) = (token(&stage, &json!("all")), stage.open());
    for company in ["2", "01", "1.", "10", "acme", "ACME"] {
        let said = get(&mut line, "/api/any", &token, &format!("X-EMPR-ID: {company}"));
        assert_eq!(said.status, 403, "{company}");
        assert_eq!(said.content_type.as_deref(), Some("application/problem+json"));
        assert_eq!(said.json()["detail"], "The access token belongs to another company");
        let challenge = "Bearer realm=\"erp\", error=\"insufficient_scope\"";
        assert_eq!(said.challenge.as_deref(), Some(challenge));
    }
    assert!(stage.upstream.take().is_empty());
}

#[test]
fn f6_x5_a_company_that_is_repeated_or_unreadable_is_refused() {
    let stage = stage();
    let (token, mut line) = (token(&stage, &json!("all")), stage.open());
    for more in [
        "X-EMPR-ID: 1|X-EMPR-ID: 1",
        "X-EMPR-ID: 1|x-empr-id: 2",
        "X-EMPR-ID:",
        "X-EMPR-ID: 1, 2",
        "X-EMPR-ID: 1 2",
        "X-EMPR-ID: \"1\"",
        "X-EMPR-ID: caf\u{e9}",
    ] {
        for path in ["/api/any", "/api/labels"] {
            let said = get(&mut line, path, &token, more);
            assert_eq!(said.status, 400, "{more}: {said:?}");
            let detail = "The request must name at most one company, in one word";
            assert_eq!(said.json()["detail"], detail, "{more}");
        }
    }
    assert!(stage.upstream.take().is_empty());
}

#[test]
fn f6_a_token_without_a_company_acts_for_none() {
    let stage = stage();
    stage.gateway.owner("nobody");
    let body = json!({ "owner": "nobody", "name": "t", "contexts": "all", "flags": -1 });
    let (token, mut line) = (stage.gateway.token(body), stage.open());
    for more in ["", "X-EMPR-ID: 1", "X_EMPR_ID: 1"] {
        let said = get(&mut line, "/api/any", &token, more);
        assert_eq!(said.status, 403, "{more}");
        assert_eq!(said.json()["detail"], "The access token belongs to another company");
    }
    assert!(stage.upstream.take().is_empty());
    assert_eq!(line.get("/api/labels", "X-EMPR-ID: 1\r\nX_EMPR_ID: 1\r\n").status, 200);
    for seen in stage.upstream.take() {
        assert!(companies(&seen).is_empty(), "nobody was asked, so nobody is told of");
    }
}

#[test]
fn f4_general_access_reaches_every_context_and_personalised_the_chosen() {
    let stage = stage();
    let (general, some) = (token(&stage, &json!("all")), token(&stage, &json!(["stock"])));
    let mut line = stage.open();
    for (token, path, status) in [
        (&general, "/api/stock", 200),
        (&general, "/api/sales", 200),
        (&some, "/api/stock", 200),
        (&some, "/api/sales", 403),
    ] {
        assert_eq!(get(&mut line, path, token, "X-EMPR-ID: 1").status, status, "{path}");
    }
    let told: Vec<_> = stage.upstream.take().iter().map(companies).collect();
    assert_eq!(told, vec![[("X-EMPR-ID".to_owned(), "1".to_owned())]; 6]);
}

#[test]
fn f5_a_context_that_the_configuration_lost_opens_to_nobody() {
    let stage = stage();
    let unknown = json!({ "owner": "erp", "name": "t", "contexts": ["hub"] });
    let refused = stage.gateway.try_token(unknown).unwrap_err();
    assert!(refused.contains("`hub`"), "{refused}");
    let (general, some) = (token(&stage, &json!("all")), token(&stage, &json!(["sales"])));
    let mut line = stage.open();
    for token in [&general, &some] {
        assert_eq!(get(&mut line, "/api/sales", token, "").status, 200);
    }
    stage.upstream.take();
    let text = std::fs::read_to_string(stage.gateway.source()).unwrap();
    let rule = "    { path = \"/api/sales\", context = \"sales\" },\n";
    let text = text.replace("[contexts.sales]\n", "").replace(rule, "");
    std::fs::write(stage.gateway.source(), text).unwrap();
    stage.gateway.app().reloader().reload().unwrap();
    for token in [&general, &some] {
        assert_eq!(get(&mut line, "/api/sales", token, "").status, 403);
    }
    assert!(stage.upstream.take().is_empty());
}

#[test]
fn f8_a_revoked_token_is_refused_at_once() {
    let stage = stage();
    let (token, mut line) = (token(&stage, &json!("all")), stage.open());
    assert_eq!(get(&mut line, "/api/any", &token, "").status, 200);
    stage.gateway.revoke(token.id);
    assert_eq!(get(&mut line, "/api/any", &token, "").status, 401);
}

#[test]
fn f6_no_trailer_names_a_company() {
    let stage = stage();
    let token = token(&stage, &json!("all"));
    let mut client = Client::connect(stage.gateway.public());
    client.send(format!(
        "POST /api/any HTTP/1.1\r\nHost: erp.example\r\nAuthorization: Bearer {}\r\nTE: trailers\r\n\
         Transfer-Encoding: chunked\r\nTrailer: X-EMPR-ID, x_empr_id\r\n\r\n\
         3\r\nabc\r\n0\r\nX-EMPR-ID: 222\r\nx_empr_id: 222\r\n\r\n",
        token.secret
    ));
    assert_eq!(client.answer().status, 200);
    let seen = stage.upstream.take_one();
    assert!(!seen.holds("222") && seen.values("trailer").is_empty(), "{seen:?}");
}

/// A server of HTTP/2 that tells which fields came behind the body of its one request.
fn listens_for_trailers() -> (SocketAddr, Receiver<Option<HeaderMap>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    let serve = async move {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |request: Request<Incoming>| {
            let tell = tell.clone();
            async move {
                let came = request.into_body().collect().await.unwrap();
                let _ = tell.send(came.trailers().cloned());
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            }
        });
        let _ = Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(move || runtime.block_on(serve));
    (address, told)
}

/// The same where the upstream speaks HTTP/2, which has trailers that nothing announces.
#[test]
fn f6_no_trailer_names_a_company_over_http2_either() {
    let (address, told) = listens_for_trailers();
    let apis = APIS.replace("UPSTREAM", &address.to_string());
    let gateway = Gateway::start(&apis.replace("dialect", "upstream_http2 = true\ndialect"));
    gateway.try_owner(json!({ "id": "erp", "company": "1" })).unwrap();
    let token = json!({ "owner": "erp", "name": "t", "contexts": "all", "flags": -1 });
    let mut client = Client::connect(gateway.public());
    client.send(format!(
        "POST /api/any HTTP/1.1\r\nHost: erp.example\r\nAuthorization: Bearer {}\r\n\
         Transfer-Encoding: chunked\r\n\r\n\
         3\r\nabc\r\n0\r\nX-EMPR-ID: 222\r\nx_empr_id: 222\r\nContent-Type: a/b\r\nX-Sum: 1\r\n\r\n",
        gateway.token(token).secret
    ));
    assert_eq!(client.answer().status, 200);
    let came = told.recv_timeout(PATIENCE).unwrap().unwrap();
    assert_eq!(came.keys().collect::<Vec<_>>(), ["x-sum"]);
}

#[test]
fn f6_explain_tells_what_the_gateway_answers() {
    let stage = stage();
    stage.gateway.owner("nobody");
    let made = |owner: &str| {
        let body = json!({ "owner": owner, "name": "t", "contexts": "all", "flags": -1 });
        stage.gateway.token(body)
    };
    let (token, stray) = (made("erp"), made("nobody"));
    let mut line = stage.open();
    for (token, path, company, reason) in [
        (&token, "/api/any", None, None),
        (&token, "/api/any", Some("1"), None),
        (&token, "/api/any", Some("2"), Some("wrong_company")),
        (&token, "/api/any", Some("1, 2"), Some("bad_company")),
        (&token, "/api/any", Some("caf\u{e9}"), Some("bad_company")),
        (&token, "/api/labels", Some("2"), None),
        (&token, "/api/labels", Some("1 2"), Some("bad_company")),
        (&token, "/api/nowhere", Some("2"), Some("no_rule")),
        (&stray, "/api/any", None, Some("wrong_company")),
        (&stray, "/api/any", Some("1"), Some("wrong_company")),
    ] {
        let url = format!("http://erp.example{path}");
        for credential in [("token", token.id.to_string()), ("secret", token.secret.clone())] {
            let mut question = json!({ "method": "GET", "url": url, "company": company });
            question[credential.0] = json!(credential.1);
            let told = explain(&stage.gateway, &question);
            assert_eq!(told["reason"].as_str(), reason, "{told:#}");
            assert_eq!(told["dialect"], "focco");
            let more = company.map_or_else(String::new, |name| format!("X-EMPR-ID: {name}"));
            let status = get(&mut line, path, token, &more).status;
            assert_eq!(told["status"].as_u64().unwrap_or(200), u64::from(status), "{told:#}");
        }
    }
    let question = json!({ "method": "GET", "url": "http://erp.example/api/any",
        "token": token.id, "company": "2" });
    let told = explain(&stage.gateway, &question);
    let steps = told["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["check"] == "company").unwrap();
    assert_eq!(step["compared"], "asked: any, named: 2, the token's: 1");
}
