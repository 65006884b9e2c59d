//! What a line of an import says: the body that makes a token, and what only an export knows of one.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::domain::left::{InPeriod, Spent};
use crate::domain::limits::Limits;
use crate::domain::period::Period;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::service::create;
use crate::service::error::ServiceError;
use crate::service::export::QuotaUsed;
use crate::service::input::NewToken;
use crate::service::unread;

/// What a line says beside what makes any token.
#[derive(Default)]
pub(super) struct Extras {
    digest: Option<Digest>,
    hint: Option<String>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) disabled: bool,
    /// Whether its owner or its company was.
    pub(super) blocked: bool,
    uses_left: Option<u64>,
    quotas_used: BTreeMap<Period, QuotaUsed>,
}

impl Extras {
    /// By what its secret is known, and the hint.
    pub(super) fn known_by(&self, input: &NewToken) -> Result<(Digest, String), ServiceError> {
        match (&input.secret, self.digest) {
            (Some(_), Some(_)) => {
                Err(ServiceError::field("digest", "give a secret or a digest, not both"))
            }
            (Some(text), None) => {
                let secret = create::given(text)?;
                Ok((secret.digest(), secret.hint()))
            }
            (None, Some(digest)) => Ok((digest, self.hint.clone().unwrap_or_default())),
            (None, None) => Err(ServiceError::field("secret", "a secret or a digest is needed")),
        }
    }

    /// What of these limits was used already; none where nothing was.
    pub(super) fn spent(
        &self,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Option<Spent>, ServiceError> {
        let mut spent = Spent::default();
        if let Some(left) = self.uses_left {
            let most = limits.uses.unwrap_or_default();
            spent.uses = most.checked_sub(left).ok_or_else(|| {
                let problem = format_args!("{left} is more than the limit `uses` of {most}");
                ServiceError::field("uses_left", problem)
            })?;
        }
        if let Some(none) = self.quotas_used.keys().find(|of| !limits.quotas.contains_key(*of)) {
            let problem = format_args!("the token has no quota in each {none}");
            return Err(ServiceError::field("quotas_used", problem));
        }
        for (place, period) in spent.quotas.iter_mut().zip(Period::ALL) {
            let Some(used) = self.quotas_used.get(&period) else { continue };
            // In a period that has ended meanwhile it is nothing any more.
            if period.begin(used.since) == period.begin(now) {
                *place = InPeriod { begin: period.begin(now), requests: used.requests };
            }
        }
        Ok((spent != Spent::default()).then_some(spent))
    }
}

/// Parts of an export that say nothing about a new token.
const TOLD_ONLY: [&str; 2] = ["id", "last_used_at"];

/// What a line says. Free parameters stay byte for byte as they are.
pub(super) fn read(line: &RawValue) -> Result<(NewToken, Extras), ServiceError> {
    let bad = |error: serde_json::Error| ServiceError::field("line", plain(&error));
    let mut fields: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(line.get()).map_err(bad)?;
    for name in TOLD_ONLY {
        fields.remove(name);
    }
    let mut extras = Extras {
        digest: take(&mut fields, "digest")?,
        hint: take(&mut fields, "hint")?,
        created_at: take(&mut fields, "created_at")?,
        disabled: false,
        blocked: take(&mut fields, "blocked")?.unwrap_or(false),
        uses_left: take(&mut fields, "uses_left")?,
        quotas_used: take(&mut fields, "quotas_used")?.unwrap_or_default(),
    };
    match take::<String>(&mut fields, "state")?.as_deref() {
        None | Some("active" | "pending") => {}
        Some("blocked") => extras.blocked = true,
        Some("disabled") => extras.disabled = true,
        Some("expired" | "idle_expired" | "revoked") => {
            return Err(ServiceError::field(
                "state",
                "this token has ended: it stays where it was",
            ));
        }
        Some(_) => return Err(ServiceError::field("state", "there is no such state")),
    }
    let text = serde_json::to_string(&fields).map_err(bad)?;
    let mut reader = serde_json::Deserializer::from_str(&text);
    let input = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        let field = if matches!(field.as_str(), "." | "?") { "line".to_owned() } else { field };
        ServiceError::field(field, plain(error.inner()))
    })?;
    Ok((input, extras))
}

fn take<T: serde::de::DeserializeOwned>(
    fields: &mut BTreeMap<String, Box<RawValue>>,
    name: &str,
) -> Result<Option<T>, ServiceError> {
    let Some(raw) = fields.remove(name) else { return Ok(None) };
    serde_json::from_str(raw.get()).map_err(|error| ServiceError::field(name, plain(&error)))
}

/// Without a place, which is of a text that nobody has seen.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    unread::plain(text.strip_suffix(&place).unwrap_or(&text))
}
