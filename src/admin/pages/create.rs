//! Making a token with the form, and the one page that shows its secret.

use std::sync::Arc;

use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::form::as_body;
use super::visit::Visit;
use super::{Handle, page, page_with, seen_at};
use crate::admin::Handles;
use crate::admin::extract::Id;
use crate::config::Settings;
use crate::domain::id::TokenId;
use crate::service::input::NewToken;
use crate::service::{Caller, ServiceError};
use crate::web::frame::Frame;
use crate::web::pages::create::{Choice, Create, param_field, place};
use crate::web::pages::parts::Ends;
use crate::web::pages::tokens::ShownOnce;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// How many owners are offered by name; others are typed.
const OWNERS_OFFERED: usize = 100;

pub(super) async fn form(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, owner, frame, typed, .. } = visit;
    // A link may come with an owner.
    let owner = typed.said("owner").unwrap_or(owner.id.as_str());
    let typed = Typed::default().with("owner", owner);
    let form = filled(&handles, &by, frame, (typed, Wrongs::default())).await?;
    Ok(page(&form))
}

pub(super) async fn make(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, session, frame, typed, .. } = visit;
    let service = &handles.service;
    let (status, wrongs) = match token(&frame, &typed, &service.settings()) {
        Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs),
        Ok(input) => match service.create_token(&by, input).await {
            Ok(created) => {
                let id = created.token.id;
                if let Some(secret) = created.secret {
                    handles.people.once.keep(id, &session.csrf, secret, service.now());
                }
                return Ok(seen_at(&format!("/tokens/{id}/secret"), None));
            }
            Err(error) => refused(&frame, &error),
        },
    };
    let form = filled(&handles, &by, frame, (typed, wrongs)).await?;
    Ok(page_with(status, &form))
}

/// Shown once: to the session that made the token, at its first look, and never again (row F1).
pub(super) async fn secret(
    State(handles): Handle,
    Id(id): Id<TokenId>,
    method: Method,
    headers: HeaderMap,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, session, frame, .. } = visit;
    let token = handles.service.token(&by, id).await?;
    // Whoever only looks ahead, as browsers do, does not use it up.
    let looks = method == Method::GET && !headers.contains_key("sec-purpose");
    let secret = looks
        .then(|| handles.people.once.take(id, &session.csrf, handles.service.now()))
        .flatten()
        .map(|secret| secret.expose().to_owned());
    let url = example_url(&handles, &headers);
    let before = match token.rotated_from {
        Some(old) => {
            let view = handles.service.token(&by, old).await?;
            Some((old.to_string(), Ends::of(&frame, &view)))
        }
        None => None,
    };
    Ok(page(&ShownOnce { frame, id: id.to_string(), name: token.name, secret, url, before }))
}

/// Something to try a token with: this gateway, by the name that the reader knows its host by.
fn example_url(handles: &Handles, headers: &HeaderMap) -> String {
    let settings = handles.service.settings();
    let served = handles.server.as_ref().map_or(settings.listen.public, |server| server.public);
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let asked = asked.and_then(|host| host.parse::<Authority>().ok());
    let named = settings.apis.iter().find_map(|api| api.host.clone());
    let host = named.or_else(|| asked.map(|host| host.host().to_owned()));
    let path = settings.apis.first().map_or("/", |api| api.path.as_str());
    let host = host.unwrap_or_else(|| served.ip().to_string());
    format!("http://{host}:{}{path}", served.port())
}

fn refused(frame: &Frame, error: &ServiceError) -> (StatusCode, Wrongs) {
    // Not 404: it is the form that is shown, and one of its fields that is wrong.
    if matches!(error, ServiceError::NoOwner(_)) {
        let wrongs = Wrongs::field(frame, "owner", &error.to_string(), place);
        return (StatusCode::BAD_REQUEST, wrongs);
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Wrongs::refused(frame, error, place))
}

async fn filled(
    handles: &Arc<Handles>,
    by: &Caller,
    frame: Frame,
    typed: (Typed, Wrongs),
) -> Result<Create, Fault> {
    let owners = handles.service.owners(by, None, OWNERS_OFFERED).await?;
    let only = owners.entries.len() == 1 && owners.next.is_none();
    let choice = |owner: crate::service::view::OwnerView| Choice {
        id: owner.id.to_string(),
        name: owner.name,
    };
    let offered = owners.entries.into_iter().map(choice).collect();
    Ok(Create::new(frame, typed, &handles.service.settings(), &by.grants, (offered, only)))
}

/// What was typed, as the body of the act in `/api/v1/tokens`: it is read and checked as that is.
fn token(frame: &Frame, typed: &Typed, settings: &Settings) -> Result<NewToken, Wrongs> {
    let mut body = Map::new();
    for field in ["name", "owner", "app", "company", "description"] {
        if let Some(text) = typed.said(field) {
            body.insert(field.to_owned(), json!(text));
        }
    }
    match typed.one("expiry") {
        "" => {}
        "never" => drop(body.insert("lifetime".to_owned(), json!(0))),
        "date" => match typed.said("expires_on") {
            Some(date) => drop(body.insert("expires_at".to_owned(), json!(date))),
            None => return Err(Wrongs::one(frame, "expires_on", "wrong-expires-on")),
        },
        lifetime => drop(body.insert("lifetime".to_owned(), json!(lifetime))),
    }
    let chosen: Vec<_> = typed.all("context").collect();
    if typed.one("access") == "chosen" {
        body.insert("contexts".to_owned(), json!(chosen));
        body.insert("context_params".to_owned(), context_params(typed, &chosen, settings));
    }
    let flags: Vec<_> = typed.all("flag").collect();
    if typed.has("unlimited") {
        body.insert("flags".to_owned(), json!(-1));
    } else if !flags.is_empty() {
        body.insert("flags".to_owned(), json!(flags));
    }
    let (items, networks) = (typed.words("items"), typed.words("networks"));
    if !items.is_empty() {
        body.insert("items".to_owned(), json!(items));
    }
    if !networks.is_empty() {
        let networks: Vec<_> = networks.into_iter().map(whole).collect();
        body.insert("conditions".to_owned(), json!({"networks": networks}));
    }
    as_body(frame, Value::Object(body), place)
}

/// An address alone stands for itself: the act wants networks.
fn whole(network: &str) -> String {
    match network.parse::<std::net::IpAddr>() {
        Ok(address) => ipnet::IpNet::from(address).to_string(),
        Err(_) => network.to_owned(),
    }
}

/// Values for the contexts that are chosen. What stands in fields of others is left out.
fn context_params(typed: &Typed, chosen: &[&str], settings: &Settings) -> Value {
    let mut all = Map::new();
    for (name, context) in &settings.contexts {
        if !chosen.contains(&name.as_str()) {
            continue;
        }
        let mut values = Map::new();
        for param in context.params.keys() {
            let text = typed.one(&param_field(name.as_str(), param));
            if !text.is_empty() {
                values.insert(param.clone(), json!(text));
            }
        }
        if !values.is_empty() {
            all.insert(name.to_string(), Value::Object(values));
        }
    }
    Value::Object(all)
}
