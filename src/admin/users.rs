//! `/api/v1/users`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::etag::Tagged;
use crate::admin::extract::{Body, By, Id, Params};
use crate::admin::problem::Problem;
use crate::admin::session;
use crate::domain::id::{OwnerId, Slug};
use crate::domain::role::Role;
use crate::service::Caller;
use crate::service::input::{NewOwner, OwnerChange, Patch, Reason};
use crate::service::owner_list::OwnerList;
use crate::service::view::{OwnerChanged, OwnerMade, OwnerView};

/// A page of the list.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserPage {
    /// In alphabetical order.
    pub users: Vec<OwnerView>,
    /// What to ask for `after`; none at the end.
    pub next: Option<OwnerId>,
}

type Handle = State<Arc<Handles>>;

pub(super) async fn list(
    State(handles): Handle,
    By(by): By,
    Params(asked): Params<OwnerList>,
) -> Result<Json<UserPage>, Problem> {
    let page = handles.service.owners(&by, &asked).await?;
    Ok(Json(UserPage { users: page.entries, next: page.next }))
}

pub(super) async fn create(
    State(handles): Handle,
    By(by): By,
    Body(input): Body<NewOwner>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Tagged<OwnerMade>), Problem> {
    let user = handles.service.create_owner(&by, input).await?;
    let warnings = doubts(&handles, &by, user.company.as_ref(), &user.roles).await;
    let location = format!("/api/v1/users/{}", user.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Tagged(OwnerMade { user, warnings })))
}

pub(super) async fn show(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<OwnerId>,
) -> Result<Tagged<OwnerView>, Problem> {
    Ok(Tagged(handles.service.owner(&by, &id).await?))
}

pub(super) async fn update(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<OwnerId>,
    Body(change): Body<OwnerChange>,
) -> Result<Tagged<OwnerChanged>, Problem> {
    let mut changed = handles.service.update_owner(&by, &id, &change).await?;
    // Of what was not named, nobody asked.
    let company = changed.user.company.as_ref().filter(|_| !matches!(change.company, Patch::Keep));
    let named: &[Slug] = match change.roles {
        Patch::Set(_) => &changed.user.roles,
        _ => &[],
    };
    changed.warnings = doubts(&handles, &by, company, named).await;
    Ok(Tagged(changed))
}

/// What of a user may be a slip. It was written all the same, so that nothing fails here.
async fn doubts(
    handles: &Handles,
    by: &Caller,
    company: Option<&Slug>,
    roles: &[Slug],
) -> Vec<String> {
    let service = &handles.service;
    let mut doubts = Vec::new();
    if let Some(company) = company
        && let Ok(true) = service.misses_company(by, company).await
    {
        doubts.push(format!("the company `{company}` is not on record: was another one meant?"));
    }
    let settings = service.settings();
    let rules = || settings.apis.iter().flat_map(|api| api.rules.iter());
    let is_known = |role: &Slug| {
        Role::named(role).is_some() || rules().any(|rule| rule.requirement.roles.contains(role))
    };
    let unknown = roles.iter().filter(|role| !is_known(role));
    doubts.extend(unknown.map(|role| {
        format!("no rule of the configuration asks for the role `{role}`, and it means nothing by itself")
    }));
    doubts
}

pub(super) async fn block(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<OwnerId>,
    Body(Reason { reason }): Body<Reason>,
) -> Result<Tagged<OwnerChanged>, Problem> {
    let mut changed = handles.service.block_owner(&by, &id, &reason).await?;
    handles.people.sessions.end_all_of(&id);
    if changed.changed {
        changed.stopped = handles.service.stopping(&by, &id).await.ok();
    }
    Ok(Tagged(changed))
}

pub(super) async fn unblock(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<OwnerId>,
    Body(Reason { reason }): Body<Reason>,
) -> Result<Tagged<OwnerChanged>, Problem> {
    Ok(Tagged(handles.service.unblock_owner(&by, &id, &reason).await?))
}

/// A new password.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// The one before, of whoever changes their own.
    #[serde(default)]
    present: Option<String>,
    /// None takes it away.
    password: Option<String>,
}

pub(super) async fn set_password(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<OwnerId>,
    Body(NewPassword { present, password }): Body<NewPassword>,
) -> Result<Tagged<OwnerChanged>, Problem> {
    let (present, password) = (present.as_deref(), password.as_deref());
    Ok(Tagged(session::set_password(&handles, &by, &id, present, password).await?))
}
