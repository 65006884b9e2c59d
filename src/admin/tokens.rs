//! `/api/v1/tokens`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::etag::{Revised, Tagged};
use crate::admin::extract::{Body, By, Id, Params};
use crate::admin::problem::Problem;
use crate::domain::id::TokenId;
use crate::domain::token::Revision;
use crate::service::input::{NewToken, Reason, Rotation, TokenChange};
use crate::service::list::TokenList;
use crate::service::rotate::Rotated;
use crate::service::usage::{TokenUsage, UsageQuestion};
use crate::service::view::{TokenChanged, TokenView};

pub(super) use crate::service::list::USUAL_ENTRIES as PAGE_ENTRIES;

/// A page of the list.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenPage {
    /// Newest first, unless the question said otherwise.
    pub tokens: Vec<TokenView>,
    /// What to ask for as `cursor`, with the same question; none at the end.
    pub next: Option<String>,
}

/// A new token with its secret, which is never told again.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenCreated {
    /// The token.
    pub token: TokenView,
    /// None if the caller brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A token and its successor, with the secret of the latter, which is never told again.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenRotated {
    /// The successor.
    pub token: TokenView,
    /// None if the caller brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The old one, with its end.
    pub old: TokenView,
}

impl Revised for TokenCreated {
    fn revision(&self) -> Revision {
        self.token.revision
    }
}

/// Of the successor, which is what the answer's place leads to (RFC 9110 section 15.3.2).
impl Revised for TokenRotated {
    fn revision(&self) -> Revision {
        self.token.revision
    }
}

type Handle = State<Arc<Handles>>;

pub(super) async fn list(
    State(handles): Handle,
    By(by): By,
    Params(asked): Params<TokenList>,
) -> Result<Json<TokenPage>, Problem> {
    let page = handles.service.tokens(&by, &asked).await?;
    Ok(Json(TokenPage { tokens: page.entries, next: page.next }))
}

pub(super) async fn create(
    State(handles): Handle,
    By(by): By,
    Body(input): Body<NewToken>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Tagged<TokenCreated>), Problem> {
    let created = handles.service.create_token(&by, input).await?;
    let location = format!("/api/v1/tokens/{}", created.token.id);
    let secret = created.secret.map(|secret| secret.expose().to_owned());
    let body = TokenCreated { token: created.token, secret };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Tagged(body)))
}

pub(super) async fn show(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<TokenId>,
) -> Result<Tagged<TokenView>, Problem> {
    Ok(Tagged(handles.service.token(&by, id).await?))
}

pub(super) async fn usage(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<TokenId>,
    Params(asked): Params<UsageQuestion>,
) -> Result<Json<TokenUsage>, Problem> {
    Ok(Json(handles.service.token_usage(&by, id, asked).await?))
}

pub(super) async fn update(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<TokenId>,
    Body(change): Body<TokenChange>,
) -> Result<Tagged<TokenChanged>, Problem> {
    Ok(Tagged(handles.service.update_token(&by, id, &change).await?))
}

pub(super) async fn rotate(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<TokenId>,
    Body(input): Body<Rotation>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Tagged<TokenRotated>), Problem> {
    let Rotated { token, secret, old } = handles.service.rotate_token(&by, id, input).await?;
    let location = format!("/api/v1/tokens/{}", token.id);
    let secret = secret.map(|secret| secret.expose().to_owned());
    let body = TokenRotated { token, secret, old };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Tagged(body)))
}

/// What programs call deleting: the token ends for good and stays on record. There is no body for a reason.
pub(super) async fn delete(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<TokenId>,
) -> Result<Tagged<TokenChanged>, Problem> {
    Ok(Tagged(handles.service.revoke_token(&by, id, "").await?))
}

pub(super) async fn revoke(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<TokenId>,
    Body(Reason { reason }): Body<Reason>,
) -> Result<Tagged<TokenChanged>, Problem> {
    Ok(Tagged(handles.service.revoke_token(&by, id, &reason).await?))
}

pub(super) async fn disable(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<TokenId>,
    Body(Reason { reason }): Body<Reason>,
) -> Result<Tagged<TokenChanged>, Problem> {
    Ok(Tagged(handles.service.disable_token(&by, id, &reason).await?))
}

pub(super) async fn enable(
    State(handles): Handle,
    By(by): By,
    Id(id): Id<TokenId>,
    Body(Reason { reason }): Body<Reason>,
) -> Result<Tagged<TokenChanged>, Problem> {
    Ok(Tagged(handles.service.enable_token(&by, id, &reason).await?))
}
