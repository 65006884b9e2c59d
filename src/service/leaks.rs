//! Secrets that somebody found where they do not belong: the tokens that they are of end at once. A secret is
//! looked up by its digest, and stands in no answer, no event and no log.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::event::{Actor, EventKind};
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::secret::{self, Digest, SECRET_BYTES, Secret, is_plausible};
use crate::domain::token::{Act, End, Ended, Token};
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::{ATTEMPTS, Service, check, known};
use crate::store::{Change, Record, StoreError};

/// The most secrets that an administrator reports at once.
pub const OF_A_REPORT: usize = 1_000;

/// The most secrets that a stranger reports at once.
pub const OF_A_STRANGER: usize = 100;

/// The secrets in a line that somebody reports: our own, whatever stands about them; in a line without one, every
/// word may be one of another form, and so may what stands in it behind the name of a parameter or between quotes.
pub fn secrets_in(line: &str) -> Vec<&str> {
    let own: Vec<_> = secret::own_in(line).collect();
    if !own.is_empty() {
        return own;
    }
    let apart = |c: char| c == ',' || c == ';' || c.is_whitespace();
    // Nothing longer is a secret, and is told as unknown all the same.
    let bounded = |word| str::get(word, ..SECRET_BYTES.end() + 1).unwrap_or(word);
    let words = || line.split(apart).filter(|word| !word.is_empty());
    let found: Vec<_> = words().flat_map(parts).map(bounded).collect();
    // What cannot be one is told as unknown all the same.
    if found.is_empty() { words().map(bounded).collect() } else { found }
}

/// What may be a secret in a word: the word itself, else what in it stands between characters that no secret has, or
/// behind a `=`. None, if it has such characters and nothing else in it is as long as a secret.
fn parts(word: &str) -> Vec<&str> {
    if is_plausible(word.as_bytes()) || !word.contains(|c| c == '=' || AROUND.contains(&c)) {
        return vec![word];
    }
    let pieces = word.split(AROUND.as_slice()).flat_map(|piece| {
        // A secret may end with `=`, and has none before that.
        let body = piece.trim_end_matches('=').len();
        let last = piece.get(..body).and_then(|body| body.rfind('=')).map_or(0, |at| at + 1);
        let (named, value) = piece.split_at(last);
        named.split('=').chain([value])
    });
    pieces.filter(|piece| is_plausible(piece.as_bytes())).collect()
}

/// Characters that no secret has and that stand about one, as in JSON, in addresses and in programs.
const AROUND: [char; 13] = ['&', '?', '"', '\'', ':', '{', '}', '(', ')', '[', ']', '<', '>'];

/// The same of the next line of a report, without those that stand in a line before: each is told once.
pub fn new_in<'l>(line: &'l str, seen: &mut HashSet<Digest>) -> Vec<&'l str> {
    let mut found = secrets_in(line);
    found.retain(|text| seen.insert(Digest::of(text.as_bytes())));
    found
}

/// What somebody wrote beside secrets, without them: to be shown and kept.
pub fn said(reason: &str, secrets: &[Secret]) -> String {
    secret::redact(&known::without(reason, secrets)).into_owned()
}

/// What became of one reported secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LeakLine {
    /// Whether it is of a token, and what that was.
    pub outcome: LeakOutcome,
    /// The token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TokenId>,
    /// Whom it acted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerId>,
}

/// What a reported secret turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeakOutcome {
    /// Of a token, which this report ended.
    Ended,
    /// Of a token, which the same report would end if it were not only tried.
    WouldEnd,
    /// Of a token that had been ended before.
    WasEnded,
    /// One that stands in the same report before, where it is told what becomes of its token.
    Repeated,
    /// Of none.
    Unknown,
}

impl LeakOutcome {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::WouldEnd => "would end",
            Self::WasEnded => "had ended already",
            Self::Repeated => "stands there before",
            Self::Unknown => "unknown",
        }
    }
}

impl Service {
    /// Ends the tokens of these secrets, and says what became of each, in their order; what would become of them
    /// if it is only `tried`.
    ///
    /// # Errors
    /// Too many, or a store that refuses: those before the one at fault have ended.
    pub async fn leaked(
        &self,
        by: &Caller,
        reason: &str,
        secrets: &[Secret],
        tried: bool,
    ) -> Result<Vec<LeakLine>, ServiceError> {
        by.administers()?;
        check::line("reason", reason, check::REASON_CHARS)?;
        few(secrets, OF_A_REPORT)?;
        // Also those that are of no token, or of none any more.
        let reason = said(reason, secrets);
        self.end_leaked(&by.actor, &reason, secrets, tried).await
    }

    /// Ends the tokens of secrets that a stranger reports. What became of them is for the history alone; whoever
    /// has a secret could do with its token what they like, and to end it is the least of that.
    ///
    /// # Errors
    /// Too many, or a store that refuses.
    pub async fn leaked_to(
        &self,
        stranger: IpAddr,
        secrets: &[Secret],
    ) -> Result<(), ServiceError> {
        few(secrets, OF_A_STRANGER)?;
        let reason = format!("reported from {stranger}");
        self.end_leaked(&Actor::System, &reason, secrets, false).await.map(|_| ())
    }

    async fn end_leaked(
        &self,
        actor: &Actor,
        reason: &str,
        secrets: &[Secret],
        tried: bool,
    ) -> Result<Vec<LeakLine>, ServiceError> {
        let (mut lines, mut met) = (Vec::with_capacity(secrets.len()), BTreeSet::new());
        for secret in secrets {
            let known = is_plausible(secret.expose().as_bytes());
            let held = if known { self.store().held(&secret.digest()).await? } else { None };
            lines.push(match held {
                None => LeakLine { outcome: LeakOutcome::Unknown, id: None, owner: None },
                Some(held) => LeakLine {
                    outcome: match (tried, &held.token.ended) {
                        // A secret that stands there twice ends its token once.
                        _ if !met.insert(held.token.id) => LeakOutcome::Repeated,
                        (true, None) => LeakOutcome::WouldEnd,
                        (true, Some(_)) => LeakOutcome::WasEnded,
                        _ => self.end_one_leaked(actor, reason, held.token.id).await?,
                    },
                    id: Some(held.token.id),
                    owner: Some(held.token.owner.clone()),
                },
            });
        }
        Ok(lines)
    }

    async fn end_one_leaked(
        &self,
        actor: &Actor,
        reason: &str,
        id: TokenId,
    ) -> Result<LeakOutcome, ServiceError> {
        let mut attempts = ATTEMPTS;
        loop {
            let held = self.token_record(id).await?;
            if held.ended.is_some() {
                return Ok(LeakOutcome::WasEnded);
            }
            let (at, kept) = (self.at().await?, self.kept(reason).await);
            let act = Act { at, by: actor.clone(), reason: kept };
            let mut token = Token::clone(&held);
            token.ended = Some(Ended { how: End::Leaked, act });
            token.revision = held.revision.next();
            let record = Record::Token(Arc::new(token));
            let change = Change { record, expected: held.revision, unused_since: None };
            let kind = EventKind::TokenLeaked;
            attempts -= 1;
            match self.commit_as(actor.clone(), kind, reason, vec![change], &held).await {
                Err(StoreError::Conflict { .. }) if attempts > 0 => {}
                outcome => return Ok(outcome.map(|()| LeakOutcome::Ended)?),
            }
        }
    }
}

/// Refuses a report that is too long.
///
/// # Errors
/// Always the same, whatever the secrets are.
pub fn few(secrets: &[Secret], most: usize) -> Result<(), ServiceError> {
    if (1..=most).contains(&secrets.len()) {
        return Ok(());
    }
    let problem = format_args!("a report has 1 to {most} secrets, not {}", secrets.len());
    Err(ServiceError::field("secrets", problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_in_what_is_pasted() {
        let fill = |bytes: &mut [u8]| {
            bytes.fill(b'7');
            Ok::<_, ()>(())
        };
        let own = Secret::issue(fill).unwrap().expose().to_owned();
        let logged = format!("GET /?key=\"{own}\" 200, Bearer {own}");
        assert_eq!(secrets_in(&logged), [&own; 2]);
        assert_eq!(secrets_in(" one-of-another-form;two \t"), ["one-of-another-form", "two"]);
        let (uuid, padded) = ("0f8fad5b-d9cb-469f-a165-70867728950e", "bnVtYmVy/G9uZSB0b2tlbg==");
        for text in [uuid, padded] {
            for about in [
                text.to_owned(),
                format!("?token={text}&a=1"),
                format!("\"GET /?a=b=&token={text}\" 200\r"),
                format!("{{\"token\":\"{text}\",\"n\":1}}"),
                format!("{{'token': '{text}'}}"),
                format!("key:{text}"),
                format!("f(token=<{text}>)[0]"),
            ] {
                let found = secrets_in(&about);
                assert!(found.contains(&text), "{about}: {found:?}");
            }
        }
        assert_eq!(secrets_in(&format!("?token={uuid}&a=1")), [uuid]);
        assert_eq!(secrets_in("a=b"), ["a=b"], "told as unknown");
        let mut seen = HashSet::new();
        assert_eq!(new_in(&format!("x={uuid}"), &mut seen), [uuid]);
        assert!(new_in(uuid, &mut seen).is_empty(), "it is told once");
        let damaged = &own[..own.len() - 1];
        assert_eq!(secrets_in(damaged), [damaged]);
        assert_eq!(secrets_in(&"x".repeat(10_000))[0].len(), SECRET_BYTES.end() + 1);
        assert!(secrets_in(" ,\t").is_empty());
    }
}
