//! Who reads a page, and the frame around what they are shown.

use std::sync::Arc;

use axum::http::{HeaderMap, Uri, header};

use super::{address, small_cookie};
use crate::admin::{Handles, access};
use crate::domain::owner::Owner;
use crate::domain::secret;
use crate::service::{Caller, ServiceError};
use crate::web::frame::{Frame, Reader, Theme};
use crate::web::language::Language;
use crate::web::sessions::Session;

/// The name of the cookie that holds the language, and that of the light.
pub(super) const LANGUAGE: &str = "tollgate-language";
pub(super) const THEME: &str = "tollgate-theme";

/// The frame of a page for whoever asks, also for nobody.
pub(super) async fn frame(handles: &Handles, headers: &HeaderMap, at: &Uri) -> Frame {
    let mut frame = plain_frame(handles, headers, at);
    if let Ok(Some((session, owner))) = person(handles, headers).await {
        frame.reader = Some(reader(handles, &Caller::person(&owner), &owner, &session));
        frame.query = address::clean(at.query().unwrap_or_default());
    }
    frame
}

/// The same for somebody who is not known, or not yet.
pub(super) fn plain_frame(handles: &Handles, headers: &HeaderMap, at: &Uri) -> Frame {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|field| field.to_str().ok());
    let chosen = small_cookie(headers, LANGUAGE).and_then(Language::tagged);
    Frame {
        language: chosen.unwrap_or_else(|| Language::accepted(accepted.unwrap_or_default())),
        theme: small_cookie(headers, THEME).and_then(Theme::of_word).unwrap_or_default(),
        is_form: false,
        reader: None,
        // Nobody leads back to where a secret stood by mistake.
        path: secret::redact(at.path()).into_owned(),
        // Nor to what a stranger has in an address, such as a password by mistake.
        query: String::new(),
        done: None,
        now: handles.service.now(),
    }
}

pub(super) fn reader(handles: &Handles, by: &Caller, owner: &Owner, session: &Session) -> Reader {
    Reader {
        id: owner.id.to_string(),
        name: owner.name.clone(),
        watches: by.watches().is_ok(),
        sees_companies: by.sees_companies(),
        makes_users: by.makes_owners(),
        administers: by.administers().is_ok(),
        makes_tokens: by.makes_tokens(&handles.service.settings().tokens),
        ends_tokens: by.ends_tokens().is_ok(),
        csrf: session.csrf.clone(),
    }
}

pub(super) async fn person(
    handles: &Handles,
    headers: &HeaderMap,
) -> Result<Option<(Session, Arc<Owner>)>, ServiceError> {
    let Some((_, session)) = access::session(handles, headers) else { return Ok(None) };
    let owner = handles.service.signed_in_still(&session.owner).await?;
    let owner = owner.filter(|owner| session.holds_for(owner));
    Ok(owner.map(|owner| (session, owner)))
}
