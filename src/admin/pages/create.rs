//! Making a token with the form, and the one page that shows its secret.

use std::sync::Arc;

use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;

use super::fault::Fault;
use super::new_token::token;
use super::visit::Visit;
use super::{Handle, page, page_with, seen_at};
use crate::admin::Handles;
use crate::admin::extract::Id;
use crate::domain::grant::Contexts;
use crate::domain::id::TokenId;
use crate::service::{Caller, ServiceError};
use crate::web::frame::Frame;
use crate::web::pages::create::{Choice, Create, Offered, place};
use crate::web::pages::parts::Ends;
use crate::web::pages::tokens::ShownOnce;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// How many owners are offered by name; others are typed.
const OWNERS_OFFERED: usize = 100;

pub(super) async fn form(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, owner, frame, typed, .. } = visit;
    // A link may come with an owner and a company.
    let owner = typed.said("owner").unwrap_or(owner.id.as_str());
    let typed = Typed::default().with("owner", owner).with("company", typed.one("company"));
    let form = filled(&handles, &by, frame, (typed, Wrongs::default())).await?;
    Ok(page(&form))
}

pub(super) async fn make(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, session, frame, typed, .. } = visit;
    let service = &handles.service;
    if typed.has("fit") {
        // Only to see what fits the owner that was typed.
        return Ok(page(&filled(&handles, &by, frame, (typed, Wrongs::default())).await?));
    }
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
    let owners = (owners.entries.into_iter().map(choice).collect(), only);
    let companies = handles.service.companies(by, None, OWNERS_OFFERED).await?.entries.into_iter();
    let companies = companies.map(|one| Choice { id: one.id.to_string(), name: one.name });
    let (owner, company) = (typed.0.one("owner").parse(), typed.0.one("company").parse());
    let licensed = match owner {
        Ok(owner) => handles.service.licensed_contexts(by, &owner, company.ok().as_ref()).await?,
        Err(_) => (Contexts::All, None),
    };
    let offered = Offered { owners, companies: companies.collect(), licensed };
    Ok(Create::new(frame, typed, &handles.service.settings(), &by.grants, offered))
}
