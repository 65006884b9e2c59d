//! The pages over the router: what each reader sees, what forms do, and what other sites cannot.

use axum::http::{HeaderMap, Request, header};
use serde_json::json;

use super::stage::{self, GOOD};
use crate::domain::id::TokenId;
use crate::service::tests::{World, input, owner_id};

mod acts;
mod bulk;
mod certificates;
mod chain;
mod clashes;
mod edits;
mod ends;
mod forms;
mod history;
mod languages;
mod leaks;
mod makers;
mod lists;
mod notices;
mod params;
mod secrets;
mod slips;
mod tenants;
mod transfer;
mod unsent;
mod views;

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
        Self::over(World::new().await).await
    }

    /// The same in a store that there is.
    async fn over(world: World) -> Self {
        let (world, router) = stage::stage_in(world, stage::people(&["alice", "bob"])).await;
        Self { world, router }
    }

    /// One more who has a password.
    async fn user(&self, body: serde_json::Value) {
        stage::user(&self.world, body).await;
    }

    async fn ask(&self, line: &str, fields: &[(&str, &str)], body: &str) -> Got {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        if method == "POST" {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (head, body) = stage::send(&self.router, request, body.to_owned()).await;
        let text = String::from_utf8(body).unwrap();
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
        stage::token(&self.world, body).await
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
