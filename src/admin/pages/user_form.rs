//! The form for a user: a new one, and one that is changed.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::form::{PAGE_ENTRIES, as_body, refused};
use super::visit::{Id, Visit};
use super::{Handle, page, page_with, seen_at};
use crate::admin::Handles;
use crate::domain::id::OwnerId;
use crate::domain::role::Role;
use crate::service::input::{NewOwner, OwnerChange};
use crate::service::view::OwnerView;
use crate::service::{Caller, ServiceError};
use crate::web::frame::Frame;
use crate::web::pages::choices::Choice;
use crate::web::pages::users::UserForm;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

pub(super) async fn form(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, .. } = visit;
    if !by.makes_owners() {
        return Err(Fault::of(StatusCode::FORBIDDEN, "forbidden"));
    }
    let mut typed = Typed::default();
    if !by.grants.flags.is_unlimited() {
        typed = typed.with("ceiling", "chosen");
    }
    Ok(page(&filled(&handles, (&by, frame), (typed, Wrongs::default()), None).await?))
}

pub(super) async fn make(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let (status, wrongs) = match as_body::<NewOwner>(&frame, user(&typed), place) {
        Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs),
        Ok(input) => match handles.service.create_owner(&by, input).await {
            Ok(made) => return Ok(seen_at(&format!("/users/{}", made.id), Some("user-created"))),
            Err(error) => wrong(&frame, error)?,
        },
    };
    Ok(page_with(status, &filled(&handles, (&by, frame), (typed, wrongs), None).await?))
}

pub(super) async fn edit(
    State(handles): Handle,
    Id(id): Id<OwnerId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, .. } = visit;
    let held = handles.service.owner(&by, &id).await?;
    if !handles.service.offers_change(&by, &id).await? {
        return Err(Fault::of(StatusCode::FORBIDDEN, "forbidden"));
    }
    let typed = (as_typed(&held), Wrongs::default());
    Ok(page(&filled(&handles, (&by, frame), typed, Some(&held)).await?))
}

pub(super) async fn change(
    State(handles): Handle,
    Id(id): Id<OwnerId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let held = handles.service.owner(&by, &id).await?;
    let body = changes(&typed, &held);
    let (status, wrongs) = match as_body::<OwnerChange>(&frame, body, place) {
        Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs),
        Ok(change) => match handles.service.update_owner(&by, &id, &change).await {
            Ok(done) => {
                let what = match (done.changed, done.left_behind) {
                    (_, Some(_)) => "user-left",
                    (true, None) => "user-changed",
                    (false, None) => "nothing",
                };
                return Ok(seen_at(&format!("/users/{id}"), Some(what)));
            }
            Err(error) => wrong(&frame, error)?,
        },
    };
    Ok(page_with(status, &filled(&handles, (&by, frame), (typed, wrongs), Some(&held)).await?))
}

async fn filled(
    handles: &Handles,
    (by, frame): (&Caller, Frame),
    typed: (Typed, Wrongs),
    held: Option<&OwnerView>,
) -> Result<UserForm, Fault> {
    let companies = handles.service.companies(by, None, PAGE_ENTRIES).await?.entries.into_iter();
    let companies = companies.map(|one| Choice { id: one.id.to_string(), name: one.name });
    let settings = handles.service.settings();
    Ok(UserForm::new(frame, typed, held, (&settings, &by.grants), companies.collect()))
}

fn wrong(frame: &Frame, error: ServiceError) -> Result<(StatusCode, Wrongs), Fault> {
    let at = |status, field: &str| {
        let mut wrongs = Wrongs::refused(frame, &error, place);
        wrongs.all.iter_mut().for_each(|wrong| wrong.place = field.to_owned());
        Ok((status, wrongs))
    };
    match &error {
        ServiceError::OwnerExists(_) => at(StatusCode::CONFLICT, "id"),
        ServiceError::NoOwner(_) => {
            let wrongs = Wrongs::field(frame, "parent", &error.to_string(), place);
            Ok((StatusCode::BAD_REQUEST, wrongs))
        }
        _ => refused(frame, error),
    }
}

fn place(field: &str) -> Option<String> {
    field.split(['.', '[']).next().map(str::to_owned)
}

/// What was typed, as the body of the act in `/api/v1/users`.
fn user(typed: &Typed) -> Value {
    let mut body = Map::new();
    for field in ["id", "name", "email", "company", "parent", "kind"] {
        if let Some(text) = typed.said(field) {
            body.insert(field.to_owned(), json!(text));
        }
    }
    body.insert("roles".to_owned(), json!(roles(typed)));
    if let Some(ceiling) = ceiling(typed) {
        body.insert("ceiling".to_owned(), ceiling);
    }
    Value::Object(body)
}

fn roles(typed: &Typed) -> BTreeSet<&str> {
    typed.all("role").chain(typed.words("more_roles")).collect()
}

fn ceiling(typed: &Typed) -> Option<Value> {
    match typed.one("ceiling") {
        "all" => Some(json!(-1)),
        "chosen" => Some(json!(typed.all("ceiling_flag").collect::<Vec<_>>())),
        _ => None,
    }
}

/// The form of a user as they are.
fn as_typed(held: &OwnerView) -> Typed {
    let mut typed = Typed::default()
        .with("revision", held.revision.0.to_string())
        .with("name", held.name.clone())
        .with("email", held.email.clone().unwrap_or_default())
        .with("company", held.company.as_ref().map(ToString::to_string).unwrap_or_default())
        .with("parent", held.parent.as_ref().map(ToString::to_string).unwrap_or_default());
    let mut more = Vec::new();
    for role in &held.roles {
        match Role::named(role) {
            Some(_) => typed = typed.with("role", role.to_string()),
            None => more.push(role.to_string()),
        }
    }
    typed = typed.with("more_roles", more.join(" "));
    if held.ceiling.is_unlimited() {
        return typed.with("ceiling", "all");
    }
    let flags = held.ceiling_names.iter();
    flags.fold(typed.with("ceiling", "chosen"), |typed, flag| typed.with("ceiling_flag", flag))
}

/// What was typed and is not so already, as the body of the act in `/api/v1/users/{id}`: what stays is not
/// checked again, and need not be the changer's to give.
fn changes(typed: &Typed, held: &OwnerView) -> Value {
    let mut body = Map::new();
    body.insert("revision".to_owned(), json!(typed.one("revision").parse::<u64>().ok()));
    body.insert("reason".to_owned(), json!(typed.one("reason").trim()));
    let before = as_typed(held);
    for field in ["name", "email", "company", "parent"] {
        if typed.said(field) != before.said(field) {
            // A name cannot be cleared, which the act says best.
            let empty = (field == "name").then_some("");
            body.insert(field.to_owned(), json!(typed.said(field).or(empty)));
        }
    }
    if roles(typed) != roles(&before) {
        body.insert("roles".to_owned(), json!(roles(typed)));
    }
    let flags = |typed: &Typed| match typed.one("ceiling") {
        "chosen" => Some(typed.all("ceiling_flag").map(str::to_owned).collect::<BTreeSet<_>>()),
        _ => None,
    };
    if flags(typed) != flags(&before)
        && let Some(ceiling) = ceiling(typed)
    {
        body.insert("ceiling".to_owned(), ceiling);
    }
    Value::Object(body)
}
