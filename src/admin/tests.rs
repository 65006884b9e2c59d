//! The API over the real socket, and the administrative address over real TCP.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::problem::Problem;
use super::public::{self, Watch};
use super::socket::{self, SocketError};
use super::{Handles, Reload, api};
use crate::config::{Environment, Settings, parse};
use crate::service::tests::World;

mod desk;
mod pages;
mod stage;

/// One request over `stream`: the status, the head, and the body.
async fn ask(
    mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin,
    head: &str,
    body: &str,
) -> (u16, String, String) {
    let length = body.len();
    let text = format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
}

/// A server on a socket in a folder of its own.
struct Local {
    folder: tempfile::TempDir,
    task: tokio::task::JoinHandle<()>,
    stop: tokio::sync::oneshot::Sender<()>,
}

impl Local {
    async fn start(reload: Option<Reload>) -> Self {
        let (folder, world) = (tempfile::tempdir().unwrap(), World::new().await);
        let handles = Handles { reload, ..stage::handles(&world, None) };
        let socket = socket::bind(&folder.path().join("s")).unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            socket.serve(api::router(Arc::new(handles)), 8, stopped).await;
            // Its folder goes when nothing holds the store any more, which would write it anew.
            drop(world);
        });
        Self { folder, task, stop }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("s")
    }

    async fn ask(&self, line: &str, body: &str) -> (u16, Value) {
        let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json");
        let stream = UnixStream::connect(self.path()).await.unwrap();
        let (status, head, body) = ask(stream, &head, body).await;
        assert!(head.contains("cache-control: no-store"), "{head}");
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_token_lives_and_ends_over_the_socket() {
    let local = Local::start(None).await;
    assert_eq!(mode(&local.path()), 0o600);
    let (status, user) = local.ask("POST /api/v1/users", r#"{"id":"alice"}"#).await;
    assert_eq!((status, &user["id"]), (201, &json!("alice")));

    let body = r#"{"owner":"alice","name":"ci","params":{ "a":1 }}"#;
    let (status, created) = local.ask("POST /api/v1/tokens", body).await;
    assert_eq!((status, &created["token"]["params"]), (201, &json!({"a": 1})));
    let secret = created["secret"].as_str().unwrap();
    let id = created["token"]["id"].as_str().unwrap();
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(created["token"]["created_by"], json!(format!("local:{uid}")));

    let (_, page) = local.ask("GET /api/v1/tokens?owner=alice&limit=1", "").await;
    assert_eq!((&page["tokens"][0]["id"], &page["next"]), (&json!(id), &Value::Null));
    assert!(!page.to_string().contains(secret));

    let change = local.ask(&format!("PATCH /api/v1/tokens/{id}"), r#"{"name":"cd"}"#).await;
    assert_eq!((change.0, &change.1["changed"]), (200, &json!(true)));
    for changed in [true, false] {
        let (status, end) = local.ask(&format!("POST /api/v1/tokens/{id}/revoke"), "").await;
        assert_eq!((status, &end["changed"]), (200, &json!(changed)));
    }
    let (_, blocked) = local.ask("POST /api/v1/users/alice/block", r#"{"reason":"left"}"#).await;
    assert_eq!(blocked["user"]["blocked"]["reason"], "left");
    let (_, history) = local.ask(&format!("GET /api/v1/history?token={id}"), "").await;
    let kinds: Vec<_> = history["events"].as_array().unwrap().iter().map(|e| &e["kind"]).collect();
    assert_eq!(kinds, ["token.revoked", "token.updated", "token.created"]);
    let (_, status) = local.ask("GET /api/v1/status", "").await;
    assert_eq!((&status["position"], &status["store"]), (&json!(5), &json!("ready")));
}

#[tokio::test]
async fn companies_and_users_are_changed_over_the_socket() {
    let local = Local::start(None).await;
    let (status, made) = local.ask("POST /api/v1/companies", r#"{"id":"acme"}"#).await;
    assert_eq!((status, &made["contexts"]), (201, &json!("all")));
    let change = r#"{"contexts":[],"revision":1,"reason":"unpaid"}"#;
    let (status, changed) = local.ask("PATCH /api/v1/companies/acme", change).await;
    assert_eq!((status, &changed["company"]["contexts"]), (200, &json!([])));
    assert_eq!(local.ask("PATCH /api/v1/companies/acme", change).await.0, 409);
    let (_, shown) = local.ask("GET /api/v1/companies/acme", "").await;
    assert_eq!(shown, changed["company"]);
    local.ask("POST /api/v1/companies", r#"{"id":"b"}"#).await;
    let (_, page) = local.ask("GET /api/v1/companies?limit=1", "").await;
    assert_eq!(json!([page["companies"][0]["id"], page["next"]]), json!(["acme", "acme"]));
    let (_, page) = local.ask("GET /api/v1/companies?after=acme", "").await;
    assert_eq!(json!([page["companies"][0]["id"], page["next"]]), json!(["b", null]));

    local.ask("POST /api/v1/users", r#"{"id":"alice"}"#).await;
    let change = r#"{"company":"acme","roles":["clerk"]}"#;
    let (status, changed) = local.ask("PATCH /api/v1/users/alice", change).await;
    assert_eq!((status, &changed["changed"]), (200, &json!(true)));
    let (_, history) = local.ask("GET /api/v1/history?company=acme", "").await;
    let kinds: Vec<_> = history["events"].as_array().unwrap().iter().map(|e| &e["kind"]).collect();
    assert_eq!(kinds, ["owner.updated", "company.updated", "company.created"]);
    let both = local.ask("GET /api/v1/history?company=acme&user=alice", "").await;
    assert_eq!(both.0, 400);
}

#[tokio::test]
async fn e2_problems_name_the_field() {
    let local = Local::start(None).await;
    local.ask("POST /api/v1/users", r#"{"id":"alice"}"#).await;
    let id = "/api/v1/tokens/0190b6f2-5c1e-7abc-8def-0123456789ab";
    for (line, body, status, kind, field) in [
        ("POST /api/v1/tokens", r#"{"owner":"alice"}"#, 400, "bad-field", json!("name")),
        ("POST /api/v1/tokens", r#"{"name":"ci"}"#, 400, "bad-field", json!("owner")),
        ("POST /api/v1/tokens", r#"{"expires_at":"x"}"#, 400, "bad-field", json!("expires_at")),
        ("POST /api/v1/tokens", r#"{"items":[]}"#, 400, "bad-field", json!("items")),
        ("POST /api/v1/tokens", r#"{"nmae":"x"}"#, 400, "bad-field", json!("nmae")),
        ("POST /api/v1/tokens", "{", 400, "bad-request", Value::Null),
        ("POST /api/v1/tokens", "{} {}", 400, "bad-request", Value::Null),
        ("POST /api/v1/users", r#"{"id":"Alice"}"#, 400, "bad-field", json!("id")),
        ("POST /api/v1/users", r#"{"id":"alice"}"#, 409, "exists", Value::Null),
        ("PATCH /api/v1/users/alice", r#"{"parent":"alice"}"#, 400, "bad-field", json!("parent")),
        ("PATCH /api/v1/users/bob", "{}", 404, "not-found", Value::Null),
        ("POST /api/v1/companies", r#"{"id":"A"}"#, 400, "bad-field", json!("id")),
        ("POST /api/v1/companies", r#"{"contexts":["x"]}"#, 400, "bad-field", json!("id")),
        (
            "POST /api/v1/companies",
            r#"{"id":"a","contexts":["x"]}"#,
            400,
            "bad-field",
            json!("contexts"),
        ),
        ("PATCH /api/v1/companies/a", "{}", 404, "not-found", Value::Null),
        ("GET /api/v1/tokens?after=forged", "", 400, "bad-field", json!("after")),
        ("GET /api/v1/tokens?limit=x", "", 400, "bad-field", json!("limit")),
        ("GET /api/v1/tokens?cursor=forged", "", 400, "bad-field", json!("cursor")),
        ("GET /api/v1/tokens?state=alive", "", 400, "bad-field", json!("state")),
        ("GET /api/v1/tokens?ends_before=soon", "", 400, "bad-field", json!("ends_before")),
        ("GET /api/v1/tokens/1", "", 400, "bad-field", json!("id")),
        (&format!("GET {id}"), "", 404, "not-found", Value::Null),
        ("GET /api/v2", "", 404, "not-found", Value::Null),
        ("DELETE /api/v1/tokens", "", 405, "no-such-method", Value::Null),
        ("POST /api/v1/reload", "", 409, "no-server", Value::Null),
        ("POST /api/v1/backup", r#"{"to":"here"}"#, 400, "bad-field", json!("to")),
    ] {
        let (found, problem) = local.ask(line, body).await;
        let expected = json!([status, format!("urn:tollgate:problem:{kind}"), field]);
        assert_eq!(json!([found, problem["type"], problem["field"]]), expected, "{line} {body}");
        assert_eq!(problem["status"], json!(status));
    }
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(300 * 1_024));
    assert_eq!(local.ask("POST /api/v1/tokens", &long).await.0, 413);
}

#[tokio::test]
async fn sec_w1_only_json_is_taken() {
    let local = Local::start(None).await;
    for kind in ["", "\r\nContent-Type: text/plain", "\r\nContent-Type: application/json-no"] {
        let stream = UnixStream::connect(local.path()).await.unwrap();
        let head = format!("POST /api/v1/users HTTP/1.1\r\nHost: localhost{kind}");
        let (status, head, _) = ask(stream, &head, r#"{"id":"mallory"}"#).await;
        assert_eq!(status, 415);
        assert!(head.contains("content-type: application/problem+json"), "{head}");
    }
    assert_eq!(local.ask("GET /api/v1/users/mallory", "").await.0, 404);
}

#[tokio::test]
async fn a_reload_tells_the_mistakes() {
    let report = || {
        let text = b"[listen]\npublik = 1\n[limits]\nheaders = 0\n";
        parse(Path::new("t.toml"), text, &Environment::default()).unwrap_err()
    };
    let refuse = move || Err(Box::new(Problem::bad_config(&report())));
    let local = Local::start(Some(Arc::new(refuse))).await;
    let (status, problem) = local.ask("POST /api/v1/reload", "").await;
    assert_eq!(status, 422);
    assert!(problem["detail"].as_str().unwrap().contains("--> t.toml:4:11"), "{problem}");
    let mistakes = problem["mistakes"].as_array().unwrap();
    assert_eq!(mistakes.len(), 2, "{problem}");
    assert_eq!(mistakes[0]["kind"], "UnknownKey");
    for (mistake, place) in mistakes.iter().zip([(2, 1), (4, 11)]) {
        assert_eq!((&mistake["line"], &mistake["column"]), (&json!(place.0), &json!(place.1)));
        assert_eq!(mistake["file"], "t.toml");
        assert!(mistake["message"].is_string() && mistake["hint"].is_string(), "{mistake}");
    }
    let local = Local::start(Some(Arc::new(|| Ok(())))).await;
    assert_eq!(local.ask("POST /api/v1/reload", "").await.0, 204);
}

#[tokio::test]
async fn a_dead_socket_is_replaced_a_living_one_is_not() {
    let local = Local::start(None).await;
    assert!(matches!(socket::bind(&local.path()), Err(SocketError::InUse(_))));
    let (path, folder) = (local.path(), local.folder);
    drop(local.stop);
    local.task.await.unwrap();
    assert!(!path.exists(), "a server that stops takes its socket away");

    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let socket = socket::bind(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    drop(socket);
    assert!(!path.exists(), "so does one that never served");

    std::fs::write(&path, "mine").unwrap();
    assert!(matches!(socket::bind(&path), Err(SocketError::NotASocket(_))));
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}

#[tokio::test]
async fn whoever_waits_at_the_local_socket_when_its_server_ends_is_answered() {
    let local = Local::start(None).await;
    let path = local.path();
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(UnixStream::connect(&path).await.unwrap());
    }
    drop(local.stop);
    let request = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for mut stream in waiting {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    local.task.await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn sec_w2_metrics_and_health_answer_known_hosts_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let watch = Watch {
        metrics: Arc::new(|| Some(("text/plain; version=0.0.4", "up 1\n".to_owned()))),
        ready: Arc::new(|| {
            let refused = Some("the disk is full".to_owned());
            public::Readiness { refused, store: "broken", clock: Some("trusted") }
        }),
        hosts: Arc::new(["gateway.example".to_owned()]),
        tls: None,
        settings: {
            let settings = Arc::new(Settings::defaults(&Environment::default()).unwrap());
            Arc::new(move || Arc::clone(&settings))
        },
        desk: Default::default(),
    };
    let server = tokio::spawn(public::serve(listener, 8, watch, std::future::pending()));
    let get = async |path: &str, host: &str| {
        let head = format!("GET {path} HTTP/1.1{host}");
        ask(TcpStream::connect(address).await.unwrap(), &head, "").await
    };
    for host in ["localhost", "LOCALHOST.:80", "127.0.0.1:8081", "[::1]:1", "gateway.example"] {
        let (status, _, body) = get("/metrics", &format!("\r\nHost: {host}")).await;
        assert_eq!((status, body.as_str()), (200, "up 1\n"), "{host}");
    }
    for host in ["\r\nHost: evil.example", "\r\nHost: localhost.evil.example", "\r\nHost: "] {
        assert_eq!(get("/metrics", host).await.0, 421, "{host}");
    }
    let two = "\r\nHost: localhost\r\nHost: evil.example";
    assert_eq!(get("/metrics", two).await.0, 421);
    let host = "\r\nHost: localhost";
    assert_eq!(get("/health", host).await.0, 200);
    for path in ["/metrics", "/health", "/ready"] {
        let head = format!("POST {path} HTTP/1.1{host}");
        let (status, head, body) = ask(TcpStream::connect(address).await.unwrap(), &head, "").await;
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &problem["status"]), (405, &json!(405)), "RFC 9457: {body}");
        assert!(head.contains("allow: get,head"), "RFC 9110, section 15.5.6: {head}");
    }
    let (status, _, body) = get("/ready", host).await;
    let wanted = json!({
        "ready": false, "reason": "the disk is full", "store": "broken", "clock": "trusted"
    });
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (503, wanted));
    assert_eq!(get("/api/v1/tokens", host).await.0, 503, "acts are served once the store is open");
    server.abort();
}
