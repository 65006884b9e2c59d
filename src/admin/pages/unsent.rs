//! What was typed into a form whose session ended meanwhile: nothing of it is done, and none of it is lost. It
//! comes back in the form, to the same person, once they have signed in; secrets never do.

use axum::http::StatusCode;
use axum::response::Response;

use super::address::own_path;
use super::{page_with, seen_at};
use crate::admin::Handles;
use crate::config::Settings;
use crate::domain::id::{OwnerId, Slug};
use crate::domain::time::Timestamp;
use crate::web::carried::{Carried, Carrier};
use crate::web::frame::Frame;
use crate::web::pages::sign::SignIn;
use crate::web::sessions::Session;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// Whether the form at a path, which is one of this server, is one that takes long to fill in, and can be shown again.
fn comes_back(path: &str) -> bool {
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let place = own_path(path).is_some()
        && matches!(parts.first(), Some(&"tokens" | &"users" | &"companies"));
    place && matches!(parts.as_slice(), [_, "new"] | [_, _, "edit"])
}

/// What may be shown again of what was typed: neither the word of the session nor a secret.
fn shown_again(typed: Typed, settings: &Settings) -> Typed {
    typed.only(|name| match name.strip_prefix("param.") {
        Some(rest) => is_open_param(rest, settings),
        None => !matches!(name, "csrf" | "as" | "fit"),
    })
}

/// Whether a parameter, such as `hub.market`, is there and no secret.
fn is_open_param(name: &str, settings: &Settings) -> bool {
    let param = name.split_once('.').and_then(|(context, name)| {
        let context = settings.contexts.get(&context.parse::<Slug>().ok()?)?;
        context.params.get(name)
    });
    param.is_some_and(|param| !param.secret)
}

/// The page for signing in that carries the form; none for one that does not come back.
pub(super) fn carried(
    handles: &Handles,
    frame: Frame,
    path: &str,
    typed: Typed,
) -> Option<Response> {
    // Anybody may send this: whoever they name must be one who could sign in.
    let user: OwnerId = typed.said("as").filter(|_| comes_back(path))?.parse().ok()?;
    let typed = shown_again(typed, &handles.service.settings());
    let sealed = handles.people.carrier.seal(&user, path, &typed, handles.service.now())?;
    let frame = Frame { done: Some("sign-in-kept"), path: "/sign-in".to_owned(), ..frame };
    let (wrongs, next) = (Wrongs::default(), path.to_owned());
    let sign_in = SignIn { frame, wrongs, user: user.to_string(), next, kept: sealed };
    Some(page_with(StatusCode::UNAUTHORIZED, &sign_in))
}

/// Where whoever has signed in goes on: at the form that was carried, if they typed it, else at `next`.
pub(super) fn goes_on(handles: &Handles, session: &Session, sealed: &str, next: &str) -> Response {
    let (people, now) = (&handles.people, handles.service.now());
    match opened(&people.carrier, sealed, &session.owner, now) {
        Some(form) => kept(handles, session, (&form.path, &form.typed), "form-kept"),
        None => seen_at(next, None),
    }
}

/// The form that was sealed. Where it leads is asked again: anybody may have had it sealed.
fn opened(carrier: &Carrier, sealed: &str, user: &OwnerId, now: Timestamp) -> Option<Carried> {
    carrier.open(sealed, user, now).filter(|form| comes_back(&form.path))
}

/// To the form that was sent with the word of another session of the same person; none for any other, which is
/// refused (sec-W1).
pub(super) fn again(
    handles: &Handles,
    session: &Session,
    path: &str,
    typed: &Typed,
) -> Option<Response> {
    let theirs = typed.said("csrf").is_some() && typed.one("as") == session.owner.as_str();
    if !theirs || !comes_back(path) {
        return None;
    }
    let typed = shown_again(typed.clone(), &handles.service.settings());
    Some(kept(handles, session, (path, &typed), "form-again"))
}

/// Keeps what was typed for the form, and leads there.
fn kept(
    handles: &Handles,
    session: &Session,
    (path, typed): (&str, &Typed),
    what: &str,
) -> Response {
    let text = format!("{path}\n{}", *typed.written());
    let now = handles.service.now();
    let number = handles.people.forms.keep((&session.owner, &session.csrf), &text, false, now);
    seen_at(&format!("{path}?kept={number}"), Some(what))
}

/// What was kept for the form at `path`, as its query says. It stays, so that the page can be loaded again.
pub(super) fn look(
    handles: &Handles,
    session: &Session,
    path: &str,
    query: &Typed,
) -> Option<Typed> {
    let number = query.said("kept")?.parse().ok()?;
    let text = handles.people.forms.look(&session.csrf, number, handles.service.now())?;
    let (of, form) = text.split_once('\n')?;
    Typed::parse(form).filter(|_| of == path)
}

/// The page that a form stands on which is sent to `path`.
pub(super) fn page_of(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("/tokens", "revoke")) => "/tokens",
        Some((page, "disable" | "enable" | "password" | "test" | "go")) => page,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_take_long_come_back() {
        for (path, back) in [
            ("/tokens/new", true),
            ("/users/alice/edit", true),
            ("/companies/new", true),
            ("/tokens/import", false),
            ("/account/password", false),
            ("/users/new/edit", true),
            ("/look/new", false),
            ("//tokens/new", false),
            ("tokens/new", false),
            ("/users/a\n/edit", false),
            ("/users/\\evil.example/edit", false),
        ] {
            assert_eq!(comes_back(path), back, "{path}");
        }
        assert_eq!(page_of("/users/alice/password"), "/users/alice");
        assert_eq!(page_of("/tokens/import/go"), "/tokens/import");
        assert_eq!(page_of("/tokens/x/revoke"), "/tokens/x/revoke");
        assert_eq!(page_of("/tokens/revoke"), "/tokens");
    }

    #[test]
    fn sec_w3_a_sealed_form_leads_to_forms_of_this_server_alone() {
        let (carrier, now) = (Carrier::default(), Timestamp::from_unix(1_000));
        let alice = "alice".parse().unwrap();
        let leads = |path: &str| {
            let sealed = carrier.seal(&alice, path, &Typed::default(), now).unwrap();
            opened(&carrier, &sealed, &alice, now).is_some()
        };
        assert!(leads("/tokens/new"));
        for path in ["//evil.example/x", "https://evil.example/", "//tokens/new", "/account"] {
            assert!(!leads(path), "{path}");
        }
    }
}
