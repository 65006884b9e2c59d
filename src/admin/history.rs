//! `/api/v1/history`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::extract::{By, Params};
use crate::admin::problem::Problem;
use crate::admin::tokens::PAGE_ENTRIES;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::secret::Digest;
use crate::service::events::EventList;
use crate::service::history::{EventView, HeadView, VerifiedView};
use crate::store::{Position, Subject};

/// Which events.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// About this token alone.
    #[serde(default)]
    token: Option<TokenId>,
    /// About this user and the user's tokens alone.
    #[serde(default)]
    user: Option<OwnerId>,
    /// About this company alone.
    #[serde(default)]
    company: Option<Slug>,
    /// Kinds, separated by commas: `token.revoked`, or `token` for all kinds about tokens.
    #[serde(default)]
    kind: Option<String>,
    /// Who did it: a user, `system`, or `local:` and the number of a user of the machine.
    #[serde(default)]
    by: Option<String>,
    /// It was written down then or later.
    #[serde(default)]
    since: Option<String>,
    /// It was written down before.
    #[serde(default)]
    until: Option<String>,
    /// Those with a smaller number than this alone.
    #[serde(default)]
    before: Option<u64>,
    /// The most entries.
    #[serde(default)]
    limit: Option<usize>,
}

/// A page of the history.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EventPage {
    /// Newest first.
    pub events: Vec<EventView>,
    /// What to ask for `before`; none at the beginning of the history.
    pub next: Option<u64>,
}

/// A head that was kept elsewhere.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    #[serde(default)]
    position: Option<u64>,
    #[serde(default)]
    hash: Option<Digest>,
}

pub(super) async fn head(
    State(handles): State<Arc<Handles>>,
    By(by): By,
) -> Result<Json<HeadView>, Problem> {
    by.watches()?;
    Ok(Json(handles.service.head().await?))
}

pub(super) async fn verify(
    State(handles): State<Arc<Handles>>,
    By(by): By,
    Params(kept): Params<Kept>,
) -> Result<Json<VerifiedView>, Problem> {
    by.watches()?;
    let kept = match (kept.position, kept.hash) {
        (Some(position), Some(hash)) => Some(HeadView { position, hash }),
        (None, None) => None,
        _ => return Err(Problem::bad_request("give `position` and `hash`, or neither")),
    };
    Ok(Json(handles.service.verify(kept).await?))
}

pub(super) async fn list(
    State(handles): State<Arc<Handles>>,
    By(by): By,
    Params(which): Params<Which>,
) -> Result<Json<EventPage>, Problem> {
    let asked = [
        which.token.map(Subject::Token),
        which.user.map(Subject::Owner),
        which.company.map(Subject::Company),
    ];
    let mut asked = asked.into_iter().flatten();
    let (subject, None) = (asked.next(), asked.next()) else {
        let problem = "ask for a `token`, for a `user` or for a `company`, not for several";
        return Err(Problem::bad_request(problem));
    };
    let limit = which.limit.unwrap_or(PAGE_ENTRIES);
    let before = which.before.map(Position);
    let Which { kind, by: who, since, until, .. } = which;
    let asked = EventList { kind, by: who, since, until };
    let page = handles.service.events_like(&by, subject.as_ref(), (&asked, before), limit).await?;
    Ok(Json(EventPage { events: page.entries, next: page.next.map(|position| position.0) }))
}
