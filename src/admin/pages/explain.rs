//! Why a request would go through, or where it would stop.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::form::{as_body, own, refused};
use super::visit::Visit;
use super::{Handle, page, page_with};
use crate::admin::explain::{ExplainRequest, Explained, METHODS, explained, pasted};
use crate::web::frame::Frame;
use crate::web::pages::explain::{Answer, Explain, StepRow};
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

pub(super) async fn form(visit: Visit) -> Result<Response, Fault> {
    let Visit { frame, typed, .. } = visit;
    let wrongs = Wrongs::default();
    Ok(page(&Explain { frame, wrongs, typed, answer: None, methods: METHODS }))
}

/// Answered at once and not with a redirect: nothing was changed, and a secret has no place in a URL.
pub(super) async fn answer(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    // So that the form shows what was asked.
    let (method, url) = pasted(typed.one("method"), typed.one("url"));
    let typed = typed.instead("method", method).instead("url", url);
    let (status, wrongs, answer) = match as_body::<ExplainRequest>(&frame, question(&typed), own) {
        Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs, None),
        Ok(asked) => match explained(&handles, &by, asked).await {
            Ok(found) => (StatusCode::OK, Wrongs::default(), Some(told(&frame, found))),
            Err(error) => {
                let (status, wrongs) = refused(&frame, error)?;
                (status, wrongs, None)
            }
        },
    };
    Ok(page_with(status, &Explain { frame, wrongs, typed, answer, methods: METHODS }))
}

fn question(typed: &Typed) -> Value {
    let mut body = Map::new();
    // Always there, so that an empty one is a mistake of its field.
    body.insert("method".to_owned(), json!(typed.one("method")));
    body.insert("url".to_owned(), json!(typed.one("url").trim()));
    for field in ["token", "secret", "address", "certificate"] {
        if let Some(text) = typed.said(field) {
            body.insert(field.to_owned(), json!(text));
        }
    }
    Value::Object(body)
}

fn told(frame: &Frame, found: Explained) -> Answer {
    let Explained { explanation, token } = found;
    let step = |step: crate::gateway::explain::Step| {
        StepRow::new(frame, &step.check, &step.compared, step.outcome)
    };
    Answer {
        permitted: explanation.permitted,
        status: explanation.status,
        reason: explanation.reason,
        api: explanation.api,
        rule: explanation.rule,
        steps: explanation.steps.into_iter().map(step).collect(),
        token: token.map(|token| (token.id.to_string(), token.name)),
    }
}
