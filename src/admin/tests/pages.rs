//! The pages over the router: what each reader sees, what forms do, and what other sites cannot.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::json;

use crate::admin::extract::Peer;
use crate::admin::{Handles, api};
use crate::domain::id::TokenId;
use crate::service::tests::{World, input, owner_id};

mod acts;
mod bulk;
mod edits;
mod forms;
mod tenants;
mod transfer;
mod views;

const GOOD: &str = "correct horse battery";

/// What is served over TCP, over a store of its own.
struct Face {
    world: World,
    router: axum::Router,
}

/// An answer.
struct Got {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Got {
    fn field(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where a 303 leads.
    fn place(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.text);
        self.field(header::LOCATION)
    }
}

/// Somebody in a browser.
struct Person<'f> {
    face: &'f Face,
    cookie: String,
    csrf: String,
}

impl Face {
    /// With `root`, an administrator, `alice` and `bob`, users, who all have a password.
    async fn new() -> Self {
        let world = World::new().await;
        for (id, roles) in
            [("root", json!(["administrator"])), ("alice", json!([])), ("bob", json!([]))]
        {
            let owner = input(json!({"id": id, "roles": roles}));
            world.service.create_owner(&world.by, owner).await.unwrap();
            let id = owner_id(id);
            world.service.set_password(&world.by, &id, None, Some(GOOD)).await.unwrap();
        }
        let handles = Handles {
            service: Arc::clone(&world.service),
            reload: None,
            server: None,
            shared: None,
            notices: None,
            people: Default::default(),
        };
        Self { router: api::over_tcp(Arc::new(handles)), world }
    }

    async fn ask(&self, line: &str, fields: &[(&str, &str)], body: &str) -> Got {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request =
            Request::builder().method(method).uri(path).header("host", "desk.example");
        if method == "POST" {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        let address = Some("192.0.2.7".parse().unwrap());
        request.extensions_mut().insert(Peer { uid: None, address });
        let answer = TowerToHyperService::new(self.router.clone()).call(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, 1 << 22).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Got { status: head.status.as_u16(), headers: head.headers, text }
    }

    async fn sign_in(&self, user: &str) -> Person<'_> {
        let body = format!("user={user}&password={}", GOOD.replace(' ', "+"));
        let got = self.ask("POST /sign-in", &[], &body).await;
        assert_eq!(got.place(), "/");
        let cookie = got.field(header::SET_COOKIE).split(';').next().unwrap().to_owned();
        let mut person = Person { face: self, cookie, csrf: String::new() };
        let page = person.get("/account").await.text;
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap();
        person.csrf = csrf.split('"').next().unwrap().to_owned();
        person
    }

    async fn token(&self, body: serde_json::Value) -> (TokenId, String) {
        let made = self.world.service.create_token(&self.world.by, input(body)).await.unwrap();
        (made.token.id, made.secret.unwrap().expose().to_owned())
    }
}

impl Person<'_> {
    async fn get(&self, path: &str) -> Got {
        self.face.ask(&format!("GET {path}"), &[("cookie", &self.cookie)], "").await
    }

    /// A page in a language.
    async fn get_in(&self, path: &str, language: &str) -> Got {
        let cookie = format!("{}; tollgate-language={language}", self.cookie);
        self.face.ask(&format!("GET {path}"), &[("cookie", &cookie)], "").await
    }

    async fn post(&self, path: &str, fields: &str) -> Got {
        let origin = ("origin", "https://desk.example");
        let body = format!("csrf={}&{fields}", self.csrf);
        self.face.ask(&format!("POST {path}"), &[("cookie", &self.cookie), origin], &body).await
    }
}
