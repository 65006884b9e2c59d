//! Making a token with the form, and the one page that shows its secret.

use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;

use super::fault::Fault;
use super::new_token::token;
use super::token_form::{self, filled};
use super::visit::Visit;
use super::{Handle, page, page_with, seen_at};
use crate::admin::Handles;
use crate::admin::extract::Id;
use crate::domain::id::TokenId;
use crate::web::frame::Frame;
use crate::web::pages::parts::Ends;
use crate::web::pages::tokens::ShownOnce;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

pub(super) async fn form(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, owner, frame, typed, .. } = visit;
    makes_tokens(&frame)?;
    // A link may come with an owner and a company.
    let owner = typed.said("owner").unwrap_or(owner.id.as_str());
    let typed = Typed::default().with("owner", owner).with("company", typed.one("company"));
    let form = filled(&handles, &by, frame, (typed, Wrongs::default()), None).await?;
    Ok(page(&form))
}

/// Shows no form to those who could send it for nobody.
fn makes_tokens(frame: &Frame) -> Result<(), Fault> {
    if frame.makes_tokens() { Ok(()) } else { Err(Fault::of(StatusCode::FORBIDDEN, "forbidden")) }
}

pub(super) async fn make(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, session, frame, typed, .. } = visit;
    makes_tokens(&frame)?;
    let service = &handles.service;
    if typed.has("fit") {
        // Only to see what fits the owner that was typed.
        let typed = (typed, Wrongs::default());
        return Ok(page(&filled(&handles, &by, frame, typed, None).await?));
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
            Err(error) => token_form::refused(&frame, &error),
        },
    };
    let form = filled(&handles, &by, frame, (typed, wrongs), None).await?;
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
    let (name, lacks) = (token.name, token.lacks);
    Ok(page(&ShownOnce { frame, id: id.to_string(), name, secret, url, lacks, before }))
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
