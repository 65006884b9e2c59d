//! What a check held a client certificate against, in words for operators.

use crate::domain::decision::Case;
use crate::gateway::plan::ApiPlan;
use crate::tls::{ClientCertificate, Refused};

/// Whether the API asks for a certificate, whether one is shown, and why its handshake would fail.
pub(super) fn certificate(
    api: &ApiPlan,
    shown: Option<&ClientCertificate>,
    untimely: Option<Refused>,
) -> String {
    let fate = match (untimely, shown) {
        (Some(Refused::Early), Some(shown)) => Some(format!(
            "its time begins at {}: the handshake fails, and nothing is answered",
            shown.starts_at
        )),
        (Some(_), Some(shown)) => Some(format!(
            "its time was over at {}: the handshake fails, and nothing is answered",
            shown.expires_at
        )),
        _ => None,
    };
    let shown = match shown {
        None => "none is shown".to_owned(),
        Some(shown) if shown.subject.is_empty() => {
            format!(
                "shown is one without a subject, with the thumbprint {}",
                shown.thumbprint.to_hex()
            )
        }
        Some(shown) => {
            format!(
                "shown is `{}`, with the thumbprint {}",
                shown.subject,
                shown.thumbprint.to_hex()
            )
        }
    };
    let shown = match fate {
        Some(fate) => [shown, fate].join("; "),
        None => shown,
    };
    match api.needs_certificate {
        true => format!("its API requires one; {shown}"),
        false => format!("its API requires none; {shown}"),
    }
}

/// The certificate that the token is bound to, and the one that is shown.
pub(super) fn presenter(case: &Case<'_>) -> String {
    let Some(asked) = &case.terms.conditions else { return "no condition".to_owned() };
    match (asked.certificate, case.facts.certificate) {
        (None, _) => "it is not bound".to_owned(),
        (Some(bound), None) => {
            format!("it is bound to the certificate {}, and none is shown", bound.to_hex())
        }
        (Some(bound), Some(shown)) => {
            format!(
                "it is bound to the certificate {}, and shown is {}",
                bound.to_hex(),
                shown.to_hex()
            )
        }
    }
}

/// The subjects that the rule asks for, and the one of the certificate.
pub(super) fn subject(case: &Case<'_>) -> String {
    let asked = case.rule.map_or(&[][..], |rule| &rule.subjects);
    if asked.is_empty() {
        return "the rule asks for none".to_owned();
    }
    let quoted: Vec<_> = asked.iter().map(|one| format!("`{one}`")).collect();
    let asked = quoted.join(", ");
    match case.facts.subject.filter(|shown| !shown.is_empty()) {
        Some(shown) => format!("asked is one of [{asked}], shown is `{shown}`"),
        None => format!("asked is one of [{asked}], and none is shown"),
    }
}
