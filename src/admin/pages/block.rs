//! The question before a user or a company is blocked or unblocked, and the page after it.

use axum::response::Response;

use super::fault::Fault;
use super::form::refused;
use super::visit::Visit;
use super::{done_at, page_with};
use crate::admin::Handles;
use crate::domain::id::{OwnerId, Slug};
use crate::service::{Caller, ServiceError};
use crate::web::frame::Frame;
use crate::web::pages::block::Block;
use crate::web::wrongs::Wrongs;

/// Who is blocked or unblocked.
#[derive(Clone, Copy)]
pub(super) enum Whom<'a> {
    /// A user or a service.
    User(&'a OwnerId),
    /// A company.
    Company(&'a Slug),
}

impl Whom<'_> {
    /// The path of their page.
    fn path(self) -> String {
        match self {
            Self::User(id) => format!("/users/{id}"),
            Self::Company(id) => format!("/companies/{id}"),
        }
    }
}

/// The form with how many tokens stop, or go on.
pub(super) async fn form(
    handles: &Handles,
    (by, frame): (&Caller, Frame),
    whom: Whom<'_>,
    typed: (Wrongs, &str),
) -> Result<Block, Fault> {
    let service = &handles.service;
    Ok(match whom {
        Whom::User(id) => {
            let user = service.owner(by, id).await?;
            Block::user(frame, typed, &user, service.stopping(by, id).await?)
        }
        Whom::Company(id) => {
            let company = service.company(by, id).await?;
            Block::company(frame, typed, &company, service.stopping_of_company(by, id).await?)
        }
    })
}

/// The page after a block or its end, or the form with why not. `outcome` says whether something changed.
pub(super) async fn decided(
    handles: &Handles,
    visit: Visit,
    whom: Whom<'_>,
    outcome: Result<bool, ServiceError>,
    what: &str,
) -> Result<Response, Fault> {
    let (status, wrongs) = match outcome {
        Ok(changed) => return Ok(done_at(&whom.path(), changed, what)),
        Err(error) => refused(&visit.frame, error)?,
    };
    let Visit { by, frame, typed, .. } = visit;
    let typed = (wrongs, typed.one("reason"));
    Ok(page_with(status, &form(handles, (&by, frame), whom, typed).await?))
}
