//! Making a token with the form, and the one page that shows its secret.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;

use super::example::example;
use super::fault::Fault;
use super::form::refused;
use super::new_token::token;
use super::token_form::{self, filled};
use super::visit::{Id, Visit};
use super::{Handle, all, company, page, page_with, seen_at};
use crate::admin::Handles;
use crate::admin::explain::Ground;
use crate::config::Settings;
use crate::domain::id::{Slug, TokenId};
use crate::service::Caller;
use crate::service::create::Created;
use crate::service::tokens::Presented;
use crate::web::frame::Frame;
use crate::web::pages::parts::Ends;
use crate::web::pages::tokens::ShownOnce;
use crate::web::sessions::Session;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

pub(super) async fn form(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, owner, frame, typed, unsent, .. } = visit;
    makes_tokens(&frame)?;
    // A link may come with an owner and a company.
    let owner = typed.said("owner").unwrap_or(owner.id.as_str());
    let fresh = || {
        let typed = Typed::default().with("owner", owner).with("company", typed.one("company"));
        // Only what it needs: areas are opened one by one, unless somebody says otherwise.
        typed.with("access", "chosen")
    };
    let typed = unsent.unwrap_or_else(fresh);
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
    let settings = service.settings();
    let (typed, misnamed) = meant(&handles, &by, &frame, typed).await?;
    let unknown = company::unknown(&handles, &by, &typed).await?;
    let (status, wrongs) = if typed.has("fit") {
        // Only to see what fits the owner that was typed.
        (StatusCode::OK, misnamed)
    } else {
        let tried = match misnamed.all.is_empty() {
            true => tried(&handles, (&by, &frame), &typed).await,
            false => Err((StatusCode::BAD_REQUEST, misnamed)),
        };
        match (tried, &unknown) {
            (Err((status, first)), _) => {
                let found = all_wrong(&handles, (&by, &frame), first, &typed).await;
                (status, found)
            }
            (Ok(()), Some(_)) => (StatusCode::OK, Wrongs::default()),
            (Ok(()), None) => match token(&frame, &typed, &settings) {
                Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs),
                Ok(input) => match service.create_token(&by, input).await {
                    Ok(created) => return Ok(shown_once(&handles, &session, created)),
                    Err(error) => token_form::refused(&frame, &error),
                },
            },
        }
    };
    let mut form = filled(&handles, &by, frame, (typed, wrongs), None).await?;
    form.unknown_company = unknown;
    Ok(page_with(status, &form))
}

/// Whether a token could be made so, or what is wrong first.
async fn tried(
    handles: &Handles,
    (by, frame): (&Caller, &Frame),
    typed: &Typed,
) -> Result<(), (StatusCode, Wrongs)> {
    let service = &handles.service;
    match token(frame, typed, &service.settings()) {
        Err(wrongs) => Err((StatusCode::BAD_REQUEST, wrongs)),
        Ok(input) => {
            let tried = service.try_token(by, &input).await;
            tried.map_err(|error| token_form::refused(frame, &error))
        }
    }
}

/// All that is wrong, of which `first` was found.
async fn all_wrong(
    handles: &Handles,
    (by, frame): (&Caller, &Frame),
    first: Wrongs,
    typed: &Typed,
) -> Wrongs {
    let settings = handles.service.settings();
    let neutral = |typed, place: &str| neutral(typed, place, by, &settings);
    let tried = |typed: Typed| async move { tried(handles, (by, frame), &typed).await };
    all::all_wrong(first, typed, neutral, tried).await
}

/// To the page that shows the secret.
fn shown_once(handles: &Handles, session: &Session, created: Created) -> Response {
    let id = created.token.id;
    if let Some(secret) = created.secret {
        handles.people.once.keep(id, &session.csrf, secret, handles.service.now());
    }
    seen_at(&format!("/tokens/{id}/secret"), None)
}

/// The form without one of its mistakes, so that the others come to light.
fn neutral(typed: Typed, place: &str, by: &Caller, settings: &Settings) -> Option<Typed> {
    let without = |typed: Typed, names: &[&str]| typed.only(|name| !names.contains(&name));
    Some(match place {
        "" => return None,
        "name" => typed.instead("name", "x"),
        // What is wrong by the owner cannot be told without one.
        "owner" => {
            let typed = without(typed, &["company", "context", "access", "flag", "unlimited"]);
            typed.instead("owner", by.owner()?.to_string())
        }
        "expiry" | "expires_on" => without(typed, &["expiry", "expires_on"]),
        "contexts" => without(typed, &["access", "context"]),
        "flags" => without(typed, &["flag", "unlimited"]),
        "windows" => typed.only(|name| !name.starts_with("window-")),
        param if param.starts_with("param.") => {
            let (context, name) = param.split_once('.')?.1.split_once('.')?;
            let context = settings.contexts.get(&context.parse::<Slug>().ok()?)?;
            let good = context.params.get(name)?.choices.first().map_or("x", String::as_str);
            typed.instead(param, good)
        }
        // Limits have parts.
        place => typed.only(|name| {
            name.strip_prefix(place).is_none_or(|rest| !(rest.is_empty() || rest.starts_with('.')))
        }),
    })
}

/// What was typed, with the id of the owner where their name was typed.
async fn meant(
    handles: &Handles,
    by: &Caller,
    frame: &Frame,
    typed: Typed,
) -> Result<(Typed, Wrongs), Fault> {
    let found = match typed.said("owner") {
        Some(text) => handles.service.owner_meant(by, text).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(id)) => Ok((typed.instead("owner", id.as_str()), Wrongs::default())),
        Ok(None) => Ok((typed, Wrongs::default())),
        Err(error) => Ok((typed, refused(frame, error)?.1)),
    }
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
    let ground = Ground::of(&handles, &by, Some(&Presented::Id(id))).await?;
    let example = example(&handles, &ground, &headers);
    let before = match token.rotated_from {
        Some(old) => {
            let view = handles.service.token(&by, old).await?;
            Some((old.to_string(), Ends::of(&frame, &view)))
        }
        None => None,
    };
    // Last, so that nothing fails once it is taken. Whoever only looks ahead, as browsers do, does not use it up.
    let looks = method == Method::GET && !headers.contains_key("sec-purpose");
    let secret = looks
        .then(|| handles.people.once.take(id, &session.csrf, handles.service.now()))
        .flatten()
        .map(|secret| secret.expose().to_owned());
    let (name, lacks) = (token.name, token.lacks);
    Ok(page(&ShownOnce { frame, id: id.to_string(), name, secret, example, lacks, before }))
}
