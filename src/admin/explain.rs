//! `/api/v1/explain`: why a request would go through, or where it would stop.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, Uri};
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::extract::{Body, By};
use crate::admin::problem::Problem;
use crate::config::Settings;
use crate::domain::id::TokenId;
use crate::domain::left::Left;
use crate::domain::moment;
use crate::domain::refusal::Refusal;
use crate::domain::secret::Secret;
use crate::gateway::explain::{Credential, Explanation, Moment, Question, explain};
use crate::gateway::snapshot::Snapshot;
use crate::gateway::targets::Targets;
use crate::service::tokens::Presented;
use crate::service::view::TokenView;
use crate::service::{Caller, ServiceError};
use crate::store::Held;
use crate::telemetry::counters::Counters;
use crate::tls::ClientCertificate;

/// A request that nobody sends, with a token by its id or by its secret.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainRequest {
    pub(super) method: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) token: Option<TokenId>,
    #[serde(default)]
    pub(super) secret: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) address: Option<IpAddr>,
    #[serde(default)]
    pub(super) company: Option<String>,
    /// The certificate that the client has shown (PEM): who signed it is taken as checked, and its time is looked at.
    #[serde(default)]
    pub(super) certificate: Option<String>,
}

/// The answer, and the token that it is about.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Explained {
    /// What was found, step by step.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// None if there is no such token.
    pub token: Option<TokenView>,
}

pub(super) async fn show(
    State(handles): State<Arc<Handles>>,
    By(by): By,
    Body(asked): Body<ExplainRequest>,
) -> Result<Json<Explained>, Problem> {
    Ok(Json(explained(&handles, &by, asked).await?))
}

/// A method and an address, as they are meant by whoever pasted them into the place of the address: the line of a log,
/// such as `GET /x HTTP/1.1`, a command of curl, or an address without `http://`.
pub(super) fn pasted(method: &str, url: &str) -> (String, String) {
    let words: Vec<_> = url.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
    let is_method = |word: &str| METHODS.contains(&word) || word == method && !method.is_empty();
    let (method, url) = match words.as_slice() {
        ["curl", rest @ ..] => {
            let named = rest.iter().zip(rest.iter().skip(1));
            let named = named.filter(|(option, _)| matches!(**option, "-X" | "--request"));
            let said = named.map(|(_, method)| *method).next();
            let is_address =
                |word: &&&str| word.starts_with("http://") || word.starts_with("https://");
            match rest.iter().find(is_address) {
                Some(address) => (said.unwrap_or(method), *address),
                None => (said.unwrap_or(method), url.trim()),
            }
        }
        [said, address] if is_method(said) => (*said, *address),
        [said, address, version] if is_method(said) && version.starts_with("HTTP/") => {
            (*said, *address)
        }
        [address] => (method, *address),
        _ => (method, url.trim()),
    };
    let is_bare = !url.is_empty()
        && !url.contains("://")
        && !url.contains(char::is_whitespace)
        && !url.starts_with(['/', '*', '?']);
    (method.to_owned(), if is_bare { format!("http://{url}") } else { url.to_owned() })
}

/// Methods that are offered, and known in what is pasted.
pub(super) const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// The answer to a question.
///
/// # Errors
/// A value that cannot be, or a store that cannot be read.
pub(super) async fn explained(
    handles: &Handles,
    by: &Caller,
    asked: ExplainRequest,
) -> Result<Explained, ServiceError> {
    let bad = |field: &str, problem: &str| ServiceError::field(field, problem);
    let (method, url) = pasted(&asked.method, &asked.url);
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| bad("method", "this is not a method such as `GET`"))?;
    let url = url
        .parse::<Uri>()
        .map_err(|_| bad("url", "this is not an address such as `http://host/path`"))?;
    let (presented, credential) = match (asked.token, asked.secret) {
        (Some(_), Some(_)) => return Err(bad("secret", "give an id or a secret, not both")),
        (Some(id), None) => (Some(Presented::Id(id)), Credential::Named),
        (None, Some(text)) => {
            let secret = Secret::new(text);
            (Some(Presented::Secret(secret.clone())), Credential::Secret(secret))
        }
        (None, None) => (None, Credential::None),
    };
    let address = asked.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let certificate = asked.certificate.map(|pem| ClientCertificate::of_pem(pem.as_bytes()));
    let certificate = certificate.transpose().map_err(|problem| bad("certificate", problem))?;
    let question =
        Question { method, url, address, credential, company: asked.company, certificate };
    let ground = Ground::of(handles, by, presented.as_ref()).await?;
    let explanation = ground.explain(&question);
    let Ground { held, left, settings, moment, .. } = ground;
    let now = moment.wall;
    let token = held.map(|held| {
        let company = held.company.as_deref().is_some_and(|company| company.blocked.is_some());
        let blocked = held.owner.blocked.is_some() || company;
        let view = TokenView::new(&held.token, blocked, held.last_use, &settings.flags, now);
        view.with_left(left)
    });
    Ok(Explained { explanation, token })
}

/// What questions about a token are answered from.
pub(super) struct Ground {
    pub(super) held: Option<Held>,
    left: Option<Left>,
    snapshot: Arc<Snapshot>,
    pub(super) settings: Arc<Settings>,
    moment: Moment,
}

impl Ground {
    /// With this token, as far as the caller sees it.
    pub(super) async fn of(
        handles: &Handles,
        by: &Caller,
        presented: Option<&Presented>,
    ) -> Result<Self, ServiceError> {
        let service = &handles.service;
        let held = match presented {
            Some(presented) => match (service.presented(by, presented).await?, presented) {
                (None, Presented::Id(id)) => return Err(ServiceError::NoToken(*id)),
                (held, _) => held,
            },
            None => None,
        };
        let (settings, now) = (service.settings(), service.now());
        let (snapshot, judged) = match &handles.shared {
            Some(shared) => (shared.snapshot.load_full(), shared.now()),
            None => {
                // As a server that was started now would judge.
                let judged = moment::judged(now, service.mark().await?.mark);
                // Compiled for this question alone: its counters and connections are nobody's.
                let snapshot = Snapshot::new(&settings, &Counters::new(1), &Targets::default(), 0);
                (snapshot, judged.map_err(|_| Refusal::CannotDecide))
            }
        };
        let left = match &held {
            Some(held) => service.left(&held.token).await?,
            None => None,
        };
        Ok(Self { held, left, snapshot, settings, moment: Moment { wall: now, judged } })
    }

    /// The answer to one question about it.
    pub(super) fn explain(&self, question: &Question) -> Explanation {
        let found = (self.held.as_ref(), self.left.as_ref());
        explain(question, found, &self.snapshot, &self.settings.flags, self.moment)
    }
}

#[cfg(test)]
mod tests {
    use super::pasted;

    /// The "paste a method and URL".
    #[test]
    fn what_is_pasted_is_a_method_and_an_address() {
        let whole = "http://localhost/api/hub/x?a=1";
        for (text, wanted) in [
            (whole, ("PUT", whole)),
            ("localhost/api/hub/x?a=1", ("PUT", whole)),
            ("localhost:8080", ("PUT", "http://localhost:8080")),
            ("/api/hub/x", ("PUT", "/api/hub/x")),
            ("GET http://localhost/api/hub/x?a=1", ("GET", whole)),
            (" POST localhost/api/hub/x?a=1 ", ("POST", whole)),
            ("DELETE /api/hub/x HTTP/1.1", ("DELETE", "/api/hub/x")),
            ("\"GET /api/hub/x HTTP/2.0\"", ("GET", "/api/hub/x")),
            ("curl 'http://localhost/api/hub/x?a=1'", ("PUT", whole)),
            ("curl -sX POST http://localhost/api/hub/x?a=1", ("PUT", whole)),
            ("curl -X POST -H 'X-Token: a' http://localhost/api/hub/x?a=1", ("POST", whole)),
            // What is none is refused as it is.
            ("of nothing known", ("PUT", "of nothing known")),
            ("", ("PUT", "")),
        ] {
            let (method, url) = pasted("PUT", text);
            assert_eq!((method.as_str(), url.as_str()), wanted, "{text}");
        }
    }
}
