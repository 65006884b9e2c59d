//! Bringing in tokens of another system, by their secrets or by digests of them, and saying of each line what
//! became of it. One line that is refused stops no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::task::JoinSet;

use crate::domain::event::{Event, EventKind};
use crate::domain::flags::Flags;
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::owner::{Owner, OwnerKind};
use crate::domain::secret::{self, Digest, Secret};
use crate::domain::time::Timestamp;
use crate::domain::token::{Act, Revision, Token};
use crate::service::caller::Caller;
use crate::service::create;
use crate::service::error::ServiceError;
use crate::service::input::{NewOwner, NewToken};
use crate::service::{Service, check};
use crate::store::{Change, Commit, Record, StoreError, Subject};

/// The most lines of one batch.
pub const LINES: usize = 500;

/// How many new tokens are on their way to the disk at once: one sync serves all of them.
const AT_ONCE: usize = 64;

/// Some lines.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportBatch {
    /// Only say what would become of each.
    #[serde(default)]
    pub dry_run: bool,
    /// Make owners that are not there, instead of refusing their lines.
    #[serde(default)]
    pub create_owners: bool,
    /// Each as the body that makes a token, with `digest` instead of `secret` if only that is known, and
    /// `hint`, `created_at` and `state` as an export has them.
    #[schema(value_type = Vec<serde_json::Value>)]
    #[serde(default)]
    pub lines: Vec<Box<RawValue>>,
}

/// What became of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Imported {
    /// In a word.
    pub outcome: ImportOutcome,
    /// The new token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TokenId>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What became of a line, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportOutcome {
    /// There is a new token; without `id` there would be.
    Good,
    /// Something is wrong with the line.
    Refused,
    /// The store failed, at this line or before it: bring it in again.
    NotTried,
}

/// What a line says beside what makes any token.
#[derive(Default)]
struct Extras {
    digest: Option<Digest>,
    hint: Option<String>,
    created_at: Option<Timestamp>,
    disabled: bool,
}

/// Parts of an export that say nothing about a new token.
const TOLD_ONLY: [&str; 2] = ["id", "last_used_at"];

impl Service {
    /// Makes a token of each line, or says why not.
    ///
    /// # Errors
    /// Not an administrator, too many lines, or a clock that is behind.
    pub async fn import(
        &self,
        by: &Caller,
        batch: &ImportBatch,
    ) -> Result<Vec<Imported>, ServiceError> {
        by.administers()?;
        if batch.lines.len() > LINES {
            let problem = format_args!("at most {LINES} lines at a time");
            return Err(ServiceError::field("lines", problem));
        }
        let now = self.moment().await?;
        let (mut told, mut seen) = (BTreeMap::new(), BTreeSet::new());
        let mut running = JoinSet::new();
        let mut failed = false;
        for (number, line) in batch.lines.iter().enumerate() {
            if running.len() >= AT_ONCE
                && let Some(Ok((number, outcome))) = running.join_next().await
            {
                failed |= tell(&mut told, number, outcome);
            }
            if failed {
                break;
            }
            match self.line(by, batch, line, now, &mut seen).await {
                Err(error) => failed |= tell(&mut told, number, Err(error)),
                Ok(_) if batch.dry_run => failed |= tell(&mut told, number, Ok(None)),
                Ok(token) => {
                    let (id, commit) = (token.id, commit(by, token, now));
                    let cache = Arc::clone(&self.cache);
                    running.spawn(async move {
                        let written = cache.commit(commit).await;
                        (number, written.map(|_| Some(id)).map_err(ServiceError::from))
                    });
                }
            }
        }
        while let Some(joined) = running.join_next().await {
            if let Ok((number, outcome)) = joined {
                tell(&mut told, number, outcome);
            }
        }
        let not_tried = Imported { outcome: ImportOutcome::NotTried, id: None, problem: None };
        let line = |number| told.remove(&number).unwrap_or_else(|| not_tried.clone());
        Ok((0..batch.lines.len()).map(line).collect())
    }

    /// The token that a line makes.
    async fn line(
        &self,
        by: &Caller,
        batch: &ImportBatch,
        line: &RawValue,
        now: Timestamp,
        seen: &mut BTreeSet<Digest>,
    ) -> Result<Token, ServiceError> {
        let (input, extras) = read(line)?;
        let (digest, hint) = match (&input.secret, extras.digest) {
            (Some(_), Some(_)) => {
                return Err(ServiceError::field("digest", "give a secret or a digest, not both"));
            }
            (Some(text), None) => {
                let secret = create::given(text)?;
                (secret.digest(), secret.hint())
            }
            (None, Some(digest)) => (digest, extras.hint.clone().unwrap_or_default()),
            (None, None) => {
                return Err(ServiceError::field("secret", "a secret or a digest is needed"));
            }
        };
        check::line("hint", &hint, 4)?;
        if seen.contains(&digest) || self.store().held(&digest).await?.is_some() {
            return Err(StoreError::DuplicateSecret.into());
        }
        if extras.created_at.is_some_and(|created| created > now) {
            return Err(ServiceError::field("created_at", "this is in the future"));
        }
        let Some(id) = &input.owner else {
            return Err(ServiceError::field("owner", "a token acts for a user: name one"));
        };
        let (owner, new) = match self.store().owner(id).await? {
            Some(owner) => (owner, false),
            None if batch.create_owners => (Arc::new(stub(id, by, now)), true),
            None => return Err(ServiceError::NoOwner(id.clone())),
        };
        let company = input.company.clone().or_else(|| owner.company.clone());
        let company = (self.company_of(company.as_ref()).await?, company);
        let settings = self.settings();
        let mut token =
            self.draft((by, now), &input, (&owner, &company), &settings, (digest, hint))?;
        // Of its uses before nobody knows: it counts as idle from now on.
        token.not_before = token.not_before.max(now);
        token.created_at = extras.created_at.unwrap_or(now);
        token.disabled = extras.disabled.then(|| Act {
            at: now,
            by: by.actor.clone(),
            reason: "disabled when it was imported".to_owned(),
        });
        if new && !batch.dry_run {
            // Last, so that a line which is refused leaves nobody behind.
            let owner = NewOwner { id: Some(id.clone()), ..NewOwner::default() };
            self.create_owner(by, owner).await?;
        }
        seen.insert(digest);
        Ok(token)
    }
}

/// What the secret of a line is known by, as far as the line says; for who brings in more lines than one batch has.
pub fn digest_of(line: &RawValue) -> Option<Digest> {
    #[derive(Deserialize)]
    struct Known {
        secret: Option<String>,
        digest: Option<Digest>,
    }
    let Known { secret, digest } = serde_json::from_str(line.get()).ok()?;
    secret.map(|text| Secret::new(text).digest()).or(digest)
}

/// Notes what became of a line, and says whether the next ones would fail too.
fn tell(
    told: &mut BTreeMap<usize, Imported>,
    number: usize,
    outcome: Result<Option<TokenId>, ServiceError>,
) -> bool {
    let (outcome, id, problem) = match outcome {
        Ok(id) => (ImportOutcome::Good, id, None),
        Err(error) if error.status() >= 500 => {
            (ImportOutcome::NotTried, None, Some(error.to_string()))
        }
        Err(error) => {
            let text = secret::redact(&error.to_string()).into_owned();
            (ImportOutcome::Refused, None, Some(text))
        }
    };
    told.insert(number, Imported { outcome, id, problem });
    outcome == ImportOutcome::NotTried
}

fn commit(by: &Caller, token: Token, now: Timestamp) -> Commit {
    let subjects = vec![Subject::Owner(token.owner.clone())];
    let event = Event {
        at: now,
        effective_at: now,
        actor: by.actor.clone(),
        kind: EventKind::TokenCreated,
        reason: "imported".to_owned(),
        many: None,
    };
    let record = Record::Token(Arc::new(token));
    let change = Change { record, expected: Revision::NONE, unused_since: None };
    Commit { event, changes: vec![change], subjects }
}

/// An owner as it would be made.
fn stub(id: &OwnerId, by: &Caller, now: Timestamp) -> Owner {
    Owner {
        id: id.clone(),
        kind: OwnerKind::default(),
        name: id.as_str().to_owned(),
        email: None,
        company: None,
        parent: None,
        roles: [].into(),
        ceiling: Flags::UNLIMITED,
        password: None,
        blocked: None,
        created_by: by.actor.clone(),
        created_at: now,
        revision: Revision::NONE,
    }
}

/// What a line says. Free parameters stay byte for byte as they are.
fn read(line: &RawValue) -> Result<(NewToken, Extras), ServiceError> {
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
    };
    match take::<String>(&mut fields, "state")?.as_deref() {
        None | Some("active" | "pending" | "blocked") => {}
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
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}
