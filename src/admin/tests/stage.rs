//! What tests of acts and of pages over TCP stand on: a store with people in it, what is served over it, and one
//! request.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::response::Parts;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};

use crate::admin::extract::Peer;
use crate::admin::{Handles, api};
use crate::domain::id::TokenId;
use crate::notices::Notices;
use crate::service::tests::{World, input, owner_id};

/// The password of everybody.
pub(super) const GOOD: &str = "correct horse battery";

/// A store with `people` in it, and what is served over TCP.
pub(super) async fn stage(people: Value) -> (World, Router) {
    stage_in(World::new().await, people).await
}

/// The same in a store that there is.
pub(super) async fn stage_in(world: World, people: Value) -> (World, Router) {
    for body in people.as_array().unwrap() {
        user(&world, body.clone()).await;
    }
    let router = served(&world, None);
    (world, router)
}

/// Somebody who can sign in.
pub(super) async fn user(world: &World, body: Value) {
    let id = owner_id(body["id"].as_str().unwrap());
    world.service.create_owner(&world.by, input(body)).await.unwrap();
    world.service.set_password(&world.by, &id, None, Some(GOOD)).await.unwrap();
}

/// Everything that is served over TCP.
pub(super) fn served(world: &World, notices: Option<Arc<Notices>>) -> Router {
    api::over_tcp(Arc::new(handles(world, notices)))
}

/// What acts are done through where there is no server.
pub(super) fn handles(world: &World, notices: Option<Arc<Notices>>) -> Handles {
    Handles {
        service: Arc::clone(&world.service),
        reload: None,
        server: None,
        shared: None,
        notices,
        people: Default::default(),
    }
}

/// One request to `desk.example`, and its answer.
pub(super) async fn send(router: &Router, request: Builder, body: String) -> (Parts, Vec<u8>) {
    let mut request = request.header("host", "desk.example").body(Body::from(body)).unwrap();
    let address = Some("192.0.2.7".parse().unwrap());
    request.extensions_mut().insert(Peer { uid: None, address });
    let answer = TowerToHyperService::new(router.clone()).call(request).await.unwrap();
    let (head, body) = answer.into_parts();
    (head, to_bytes(body, 1 << 22).await.unwrap().to_vec())
}

/// A new token, with its secret.
pub(super) async fn token(world: &World, body: Value) -> (TokenId, String) {
    let made = world.service.create_token(&world.by, input(body)).await.unwrap();
    (made.token.id, made.secret.unwrap().expose().to_owned())
}

/// `root`, an administrator, and users.
pub(super) fn people(users: &[&str]) -> Value {
    let mut all = vec![json!({"id": "root", "roles": ["administrator"]})];
    all.extend(users.iter().map(|id| json!({ "id": id })));
    json!(all)
}
