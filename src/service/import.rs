//! Bringing in tokens of another system, by their secrets or by digests of them, and saying of each line what
//! became of it. One line that is refused stops no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::task::JoinSet;

use crate::domain::event::{Event, EventKind};
use crate::domain::flags::Flags;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::left::Spent;
use crate::domain::owner::{Owner, OwnerKind};
use crate::domain::secret::{self, Digest, Secret};
use crate::domain::time::Timestamp;
use crate::domain::token::{Act, Revision, Token};
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::input::NewOwner;
use crate::service::{Service, check, import_line, known};
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
    /// The company of the owners that are made; without it each is of that of the first line that makes it.
    #[serde(default)]
    pub company: Option<Slug>,
    /// Each as the body that makes a token, with `digest` instead of `secret` if only that is known, and
    /// `hint`, `created_at`, `state`, `blocked`, `uses_left` and `quotas_used` as an export has them.
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

/// What the lines before made, or would.
#[derive(Default)]
struct Before {
    /// What the secrets of all lines are known by, also of those to come: none of them stands in a record.
    brought: BTreeSet<Digest>,
    secrets: BTreeSet<Digest>,
    owners: BTreeMap<OwnerId, Arc<Owner>>,
}

impl Before {
    fn owner(&self, id: &OwnerId) -> Option<Arc<Owner>> {
        self.owners.get(id).map(Arc::clone)
    }
}

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
        let brought = batch.lines.iter().filter_map(|line| digest_of(line)).collect();
        let before = Before { brought, ..Before::default() };
        let (mut told, mut before) = (BTreeMap::new(), before);
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
            match self.line(by, batch, line, now, &mut before).await {
                Err(error) => failed |= tell(&mut told, number, Err(error)),
                Ok(_) if batch.dry_run => failed |= tell(&mut told, number, Ok(None)),
                Ok((token, spent)) => {
                    let (id, commit) = (token.id, commit(by, token, now));
                    let cache = Arc::clone(&self.cache);
                    running.spawn(async move {
                        let written = match spent {
                            None => cache.commit(commit).await,
                            Some(spent) => cache.commit_spent(commit, id, spent).await,
                        };
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

    /// The token that a line makes, and what of its limits was used already.
    async fn line(
        &self,
        by: &Caller,
        batch: &ImportBatch,
        line: &RawValue,
        now: Timestamp,
        before: &mut Before,
    ) -> Result<(Token, Option<Spent>), ServiceError> {
        let (input, extras) = import_line::read(line)?;
        let (digest, hint) = extras.known_by(&input)?;
        check::line("hint", &hint, check::HINT_CHARS)?;
        if before.secrets.contains(&digest) || self.store().held(&digest).await?.is_some() {
            return Err(StoreError::DuplicateSecret.into());
        }
        if extras.created_at.is_some_and(|created| created > now) {
            return Err(ServiceError::field("created_at", "this is in the future"));
        }
        let Some(id) = &input.owner else {
            return Err(ServiceError::field("owner", "a token acts for a user: name one"));
        };
        let (owner, new) = match self.store().owner(id).await?.or_else(|| before.owner(id)) {
            Some(owner) => (owner, false),
            None if batch.create_owners => {
                let company = batch.company.as_ref().or(input.company.as_ref());
                (Arc::new(stub(id, company, extras.blocked, by, now)), true)
            }
            None => return Err(ServiceError::NoOwner(id.clone())),
        };
        let company = input.company.clone().or_else(|| owner.company.clone());
        let company = (self.company_of(company.as_ref()).await?, company);
        let stopped = owner.blocked.is_some()
            || company.0.as_ref().is_some_and(|company| company.blocked.is_some());
        if extras.blocked && !stopped {
            return Err(not_blocked(id));
        }
        let settings = self.settings();
        let mut token =
            self.draft((by, now), &input, (&owner, &company), &settings, (digest, hint))?;
        let tenant = known::of_tenant(owner.company.as_ref());
        let mut texts = known::of_token(&token);
        let known_before = if new { Vec::new() } else { tenant };
        if new {
            texts.push(("owner", owner.id.as_str()));
        }
        self.hold_no_secret(texts, known_before, &before.brought).await?;
        // Of its uses before nobody knows: it counts as idle from now on.
        token.not_before = token.not_before.max(now);
        token.created_at = extras.created_at.unwrap_or(now);
        token.disabled = extras.disabled.then(|| Act {
            at: now,
            by: by.actor.clone(),
            reason: "disabled when it was imported".to_owned(),
        });
        let spent = extras.spent(&token.limits, now)?;
        if new {
            // Last, so that a line which is refused leaves nobody behind.
            self.make_owner(by, batch, &owner, before).await?;
        }
        before.secrets.insert(digest);
        Ok((token, spent))
    }

    /// Makes the owner of a line, or notes that there would be one.
    async fn make_owner(
        &self,
        by: &Caller,
        batch: &ImportBatch,
        owner: &Arc<Owner>,
        before: &mut Before,
    ) -> Result<(), ServiceError> {
        if batch.dry_run {
            before.owners.insert(owner.id.clone(), Arc::clone(owner));
            return Ok(());
        }
        let (id, company) = (Some(owner.id.clone()), owner.company.clone());
        self.create_owner(by, NewOwner { id, company, ..NewOwner::default() }).await?;
        match &owner.blocked {
            // Before the token is there.
            Some(act) => self.block_owner(by, &owner.id, &act.reason).await.map(drop),
            None => Ok(()),
        }
    }
}

/// Said of the token of an owner that is blocked where it comes from: here it would work.
fn not_blocked(owner: &OwnerId) -> ServiceError {
    let problem = format_args!(
        "this token was stopped with its owner or its company, and here it would work: block `{owner}` first, or \
         say the state `active` or `disabled`"
    );
    ServiceError::field("state", problem)
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
fn stub(id: &OwnerId, company: Option<&Slug>, blocked: bool, by: &Caller, now: Timestamp) -> Owner {
    let reason = "blocked where it was imported from".to_owned();
    Owner {
        id: id.clone(),
        kind: OwnerKind::default(),
        name: id.as_str().to_owned(),
        email: None,
        company: company.cloned(),
        parent: None,
        roles: [].into(),
        ceiling: Flags::UNLIMITED,
        password: None,
        blocked: blocked.then(|| Act { at: now, by: by.actor.clone(), reason }),
        created_by: by.actor.clone(),
        created_at: now,
        revision: Revision::NONE,
    }
}
