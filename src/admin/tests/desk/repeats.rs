//! Idempotency keys (draft-ietf-httpapi-idempotency-key-header-07): one act for one key.

use axum::body::Body;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;

use super::*;
use crate::admin::repeat::{self, Once};

struct Robot<'f> {
    face: &'f Face,
    bearer: String,
}

impl Robot<'_> {
    async fn ask(&self, line: &str, key: &str, body: Value) -> Got {
        let fields = [("authorization", self.bearer.as_str()), ("idempotency-key", key)];
        self.face.ask(line, &fields, body).await
    }
}

impl Face {
    async fn robot(&self, name: &str) -> Robot<'_> {
        let body = json!({"owner": "root", "name": name, "flags": -1});
        Robot { face: self, bearer: format!("Bearer {}", self.token(body).await) }
    }

    /// How many changes there were.
    async fn events(&self) -> usize {
        let events = self.world.service.events(&self.world.by, None, None, 1_000).await.unwrap();
        events.entries.len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_does_nothing_twice() {
    let face = Face::new().await;
    let robot = face.robot("one").await;
    let made = robot.ask("POST /tokens", "a", json!({"owner": "alice", "name": "x"})).await;
    let rotate = format!("POST /tokens/{}/rotate", made.body["token"]["id"].as_str().unwrap());
    for (line, body) in [
        ("POST /users", json!({"id": "bob"})),
        ("POST /companies", json!({"id": "acme"})),
        ("POST /tokens", json!({"owner": "alice", "name": "y"})),
        (&rotate, json!({"grace": "1h"})),
    ] {
        let key = format!("\"{}\"", line.len());
        let before = face.events().await;
        let first = robot.ask(line, &key, body.clone()).await;
        assert_eq!(first.status, 201, "{line}: {}", first.body);
        let done = face.events().await;
        assert!(done > before);
        for _ in 0..2 {
            let again = robot.ask(line, &key, body.clone()).await;
            assert_eq!((again.status, &again.body), (201, &first.body), "{line}");
            for name in [header::LOCATION, header::ETAG, header::CONTENT_TYPE] {
                assert_eq!(again.headers[&name], first.headers[&name], "{line}");
            }
            assert_eq!(again.headers[header::CACHE_CONTROL], "no-store");
        }
        let other = robot.ask(line, &key, json!({"name": "another"})).await;
        assert_eq!(
            (other.status, &other.body["type"]),
            (422, &json!("urn:tollgate:problem:other-request"))
        );
        assert_eq!(face.events().await, done, "{line}");
    }
}

/// Row F1: a secret is told for some minutes to whoever did not hear it, and the rest for a day.
#[tokio::test(flavor = "multi_thread")]
async fn f1_a_secret_is_not_told_for_long() {
    let face = Face::new().await;
    let robot = face.robot("one").await;
    let body = json!({"owner": "alice", "name": "x"});
    let first = robot.ask("POST /tokens", "k", body.clone()).await;
    let told = async |seconds| {
        face.world.clock.advance(Span::from_seconds(seconds));
        robot.ask("POST /tokens", "k", body.clone()).await
    };
    assert_eq!(told(599).await.body, first.body);
    let later = told(1).await;
    assert_eq!((later.status, later.body.get("secret")), (201, None));
    assert_eq!(later.body["token"], first.body["token"]);
    let next = told(86_400).await;
    assert!(
        next.body["secret"].is_string() && next.body["token"]["id"] != first.body["token"]["id"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_of_one_caller_and_failures_free_them() {
    let face = Face::new().await;
    let (one, two) = (face.robot("one").await, face.robot("two").await);
    let body = || json!({"owner": "alice", "name": "x"});
    let ids = [&one, &two, &one].map(|robot| robot.ask("POST /tokens", "k", body()));
    let mut made = Vec::new();
    for got in ids {
        made.push(got.await.body["token"]["id"].clone());
    }
    assert!(
        made[0] != made[1] && made[0] == made[2],
        "of each token its own, of the same owner too"
    );

    let taken = json!({"id": "alice"});
    assert_eq!(one.ask("POST /users", "u", taken).await.status, 409, "there is one already");
    assert_eq!(one.ask("POST /users", "u", json!({"id": "bob"})).await.status, 201);
    for bad in ["", "\"\"", "a b", "a\\b", &"x".repeat(256)] {
        let got = one.ask("POST /users", bad, json!({"id": "carol"})).await;
        assert_eq!(
            (got.status, &got.body["type"]),
            (400, &json!("urn:tollgate:problem:bad-request"))
        );
    }
    // Whoever is not let in any more hears nothing again.
    face.world.service.block_owner(&face.world.by, &owner_id("root"), "").await.unwrap();
    assert_eq!(one.ask("POST /tokens", "k", body()).await.status, 401);
}

/// A client that leaves is the one that asks again: the act is done all the same, and once.
#[tokio::test(flavor = "multi_thread")]
async fn an_act_outlives_its_client() {
    let world = World::new().await;
    let handles = Arc::new(stage::handles(&world, None));
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let act = {
        let (begun, gate) = (Arc::clone(&begun), Arc::clone(&gate));
        move || async move {
            begun.add_permits(1);
            drop(gate.acquire().await);
            (StatusCode::CREATED, "{}")
        }
    };
    let once = from_fn_with_state(Once::new(&handles), repeat::once);
    let router = axum::Router::new().route("/", post(act).layer(once));
    let ask = async || {
        let mut request = Request::post("/").header("idempotency-key", "k");
        request.extensions_mut().unwrap().insert(world.by.clone());
        let request = request.body(Body::empty()).unwrap();
        TowerToHyperService::new(router.clone()).call(request).await.unwrap().status()
    };
    tokio::select! {
        status = ask() => panic!("{status}"),
        // It leaves while the act is under way.
        begun = begun.acquire() => begun.unwrap().forget(),
    }
    let again = tokio::time::timeout(std::time::Duration::from_secs(10), ask());
    assert_eq!(again.await.expect("it did not begin anew"), 409);
    gate.add_permits(1);
    let status = loop {
        match ask().await {
            StatusCode::CONFLICT => tokio::task::yield_now().await,
            status => break status,
        }
    };
    assert_eq!((status, begun.available_permits()), (StatusCode::CREATED, 0), "it began once");
}
