//! `WWW-Authenticate` as RFC 6750 section 3 has it, written once when the settings are compiled.

use http::HeaderValue;

use crate::domain::refusal::Refusal;

/// The challenges of one API.
#[derive(Debug)]
pub struct Challenges {
    missing: HeaderValue,
    malformed: HeaderValue,
    in_target: HeaderValue,
    invalid: HeaderValue,
    expired: HeaderValue,
    presenter: HeaderValue,
    insufficient: HeaderValue,
}

impl Challenges {
    /// For the API `realm`, whose name needs no escapes.
    pub(super) fn new(realm: &str) -> Self {
        let of = |refusal: Refusal| challenge(realm, refusal, "");
        Self {
            missing: of(Refusal::CredentialMissing),
            malformed: of(Refusal::CredentialMalformed),
            in_target: of(Refusal::CredentialInTarget),
            invalid: of(Refusal::Unknown),
            expired: of(Refusal::Expired),
            presenter: of(Refusal::WrongPresenter),
            insufficient: of(Refusal::NoRule),
        }
    }

    /// The challenge of a rule's 403s.
    pub(super) fn insufficient(realm: &str, scope: &str) -> HeaderValue {
        challenge(realm, Refusal::ContextMissing, scope)
    }

    /// The challenge that a refusal carries, if its status asks for one; a rule's own is not among
    /// them.
    pub(super) fn of(&self, refusal: Refusal) -> Option<&HeaderValue> {
        match (refusal, refusal.status()) {
            (Refusal::CredentialMissing, _) => Some(&self.missing),
            (Refusal::CredentialMalformed, _) => Some(&self.malformed),
            (Refusal::CredentialInTarget, _) => Some(&self.in_target),
            (Refusal::Expired | Refusal::IdleExpired, _) => Some(&self.expired),
            (Refusal::WrongPresenter, _) => Some(&self.presenter),
            // No token helps.
            (Refusal::OriginNotAllowed | Refusal::CertificateMissing, _) => None,
            (_, 401) => Some(&self.invalid),
            (_, 403) => Some(&self.insufficient),
            _ => None,
        }
    }
}

fn challenge(realm: &str, refusal: Refusal, scope: &str) -> HeaderValue {
    let mut text = format!("Bearer realm=\"{realm}\"");
    if let Some(error) = refusal.challenge_error() {
        text.push_str(&format!(", error=\"{error}\""));
        if refusal.status() != 403 {
            text.push_str(&format!(", error_description=\"{}\"", refusal.detail()));
        }
    }
    if !scope.is_empty() {
        text.push_str(&format!(", scope=\"{scope}\""));
    }
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
}
