//! `/api/v1/companies`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::etag::Tagged;
use crate::admin::extract::{Body, By, Id, Params};
use crate::admin::problem::Problem;
use crate::admin::tokens::PAGE_ENTRIES;
use crate::domain::id::Slug;
use crate::service::input::{CompanyChange, NewCompany, Reason};
use crate::service::view::{CompanyChanged, CompanyView};

/// Which page of the list.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    #[serde(default)]
    after: Option<Slug>,
    #[serde(default)]
    limit: Option<usize>,
}

/// A page of the list.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CompanyPage {
    /// Those on record, in alphabetical order.
    pub companies: Vec<CompanyView>,
    /// What to ask for `after`; none at the end.
    pub next: Option<Slug>,
}

type Handle = State<Arc<Handles>>;

pub(super) async fn list(
    State(handles): Handle,
    By(by): By,
    Params(which): Params<Which>,
) -> Result<Json<CompanyPage>, Problem> {
    let limit = which.limit.unwrap_or(PAGE_ENTRIES);
    let page = handles.service.companies(&by, which.after.as_ref(), limit).await?;
    Ok(Json(CompanyPage { companies: page.entries, next: page.next }))
}

pub(super) async fn create(
    State(handles): Handle,
    By(by): By,
    Body(input): Body<NewCompany>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Tagged<CompanyView>), Problem> {
    let company = handles.service.create_company(&by, input).await?;
    let location = format!("/api/v1/companies/{}", company.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Tagged(company)))
}

pub(super) async fn show(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<Slug>,
) -> Result<Tagged<CompanyView>, Problem> {
    Ok(Tagged(handles.service.company(&by, &id).await?))
}

pub(super) async fn update(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<Slug>,
    Body(change): Body<CompanyChange>,
) -> Result<Tagged<CompanyChanged>, Problem> {
    Ok(Tagged(handles.service.update_company(&by, &id, &change).await?))
}

pub(super) async fn block(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<Slug>,
    Body(Reason { reason }): Body<Reason>,
) -> Result<Tagged<CompanyChanged>, Problem> {
    let mut changed = handles.service.block_company(&by, &id, &reason).await?;
    handles.people.sessions.end_all_of_company(&id);
    if changed.changed {
        changed.stopped = handles.service.stopping_of_company(&by, &id).await.ok();
    }
    Ok(Tagged(changed))
}

pub(super) async fn unblock(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<Slug>,
    Body(Reason { reason }): Body<Reason>,
) -> Result<Tagged<CompanyChanged>, Problem> {
    Ok(Tagged(handles.service.unblock_company(&by, &id, &reason).await?))
}
