//! The written form of events and records: versioned JSON, the same in the history and in the index.
//!
//! A record is written once and copied from the event into the index byte for byte. An older version is
//! upgraded when it is read from the history; the index never holds one, because an index of an older
//! format is rebuilt.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Commit, Position, Record, Recorded, Subject};
use crate::domain::event::{Actor, Event, EventKind, Many};
use crate::domain::id::{BadName, BadTokenId, OwnerId, Slug, TokenId};
use crate::domain::time::Timestamp;
use crate::domain::token::Revision;

mod sieve;
mod upgrade;

pub use sieve::Sieve;

/// The version of records that this program writes.
pub const RECORD_VERSION: u8 = 1;

/// Text that is not an event of ours, although its checksum is right.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// It is not the JSON that was expected.
    #[error("it is not an event: {0}")]
    Json(#[from] serde_json::Error),
    /// Written by a newer program.
    #[error("it has version {0}, and this program knows versions up to {RECORD_VERSION}")]
    Version(u8),
    /// A token id that is none.
    #[error(transparent)]
    TokenId(#[from] BadTokenId),
    /// The id of an owner or of a company that is none.
    #[error(transparent)]
    Name(#[from] BadName),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Token,
    Owner,
    Company,
}

#[derive(Serialize)]
struct Body<'a> {
    v: u8,
    at: Timestamp,
    effective_at: Timestamp,
    actor: &'a Actor,
    kind: EventKind,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    many: Option<&'a Many>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    changes: &'a [ChangeOut<'a>],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<Named>,
}

#[derive(Serialize)]
struct ChangeOut<'a> {
    #[serde(flatten)]
    named: Named,
    revision: Revision,
    record: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
struct Named {
    r#type: Kind,
    id: String,
}

#[derive(Deserialize)]
struct Line<'a> {
    seq: u64,
    #[serde(default)]
    v: u8,
    at: Timestamp,
    effective_at: Timestamp,
    actor: Actor,
    kind: EventKind,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    many: Option<Many>,
    #[serde(borrow, default)]
    changes: Vec<ChangeIn<'a>>,
    #[serde(default)]
    subjects: Vec<Named>,
}

#[derive(Deserialize)]
struct ChangeIn<'a> {
    r#type: Kind,
    id: String,
    #[serde(borrow)]
    record: &'a RawValue,
}

/// A record and its written form.
#[derive(Clone, Debug)]
pub struct Written {
    /// The record.
    pub record: Record,
    /// Its JSON, in the version of this program.
    pub json: Box<str>,
}

/// A commit in the form in which it is appended and applied.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The members of the event's object, without braces.
    pub body: String,
    /// The changed records.
    pub records: Vec<Written>,
}

/// Writes a commit down.
///
/// # Errors
/// A value that JSON cannot hold.
pub fn encode(commit: &Commit) -> Result<Encoded, CodecError> {
    let mut records = Vec::with_capacity(commit.changes.len());
    let mut raws = Vec::with_capacity(commit.changes.len());
    for change in &commit.changes {
        let raw = match &change.record {
            Record::Token(token) => serde_json::value::to_raw_value(&**token)?,
            Record::Owner(owner) => serde_json::value::to_raw_value(&**owner)?,
            Record::Company(company) => serde_json::value::to_raw_value(&**company)?,
        };
        records.push(Written { record: change.record.clone(), json: raw.get().into() });
        raws.push(raw);
    }
    let changes: Vec<_> = records
        .iter()
        .zip(&raws)
        .map(|(written, raw)| ChangeOut {
            named: Named::from(&written.record.subject()),
            revision: written.record.revision(),
            record: raw,
        })
        .collect();
    let Event { at, effective_at, actor, kind, reason, many } = &commit.event;
    let body = serde_json::to_string(&Body {
        v: RECORD_VERSION,
        at: *at,
        effective_at: *effective_at,
        actor,
        kind: *kind,
        reason,
        many: many.as_ref(),
        changes: &changes,
        subjects: commit.subjects.iter().map(Named::from).collect(),
    })?;
    let body = body.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    Ok(Encoded { body: body.to_owned(), records })
}

/// An event as it is applied to the index.
#[derive(Debug)]
pub struct Decoded {
    /// Who did what, when and why.
    pub event: Event,
    /// The changed records, upgraded to the version of this program.
    pub records: Vec<Written>,
    /// What it is about, the changed records first.
    pub subjects: Vec<Subject>,
}

/// Reads a whole line with its records.
///
/// # Errors
/// The line is not an event of a known version.
pub fn decode(line: &[u8]) -> Result<Decoded, CodecError> {
    let line: Line<'_> = serde_json::from_slice(line)?;
    let mut records = Vec::with_capacity(line.changes.len());
    for change in &line.changes {
        records.push(change.written(line.v)?);
    }
    let (event, subjects) = line.split()?;
    Ok(Decoded { event, records, subjects })
}

/// Reads a whole line for people, without its records.
///
/// # Errors
/// The line is not an event of a known version.
pub fn recorded(text: &str) -> Result<Recorded, CodecError> {
    let line: Line<'_> = serde_json::from_str(text)?;
    let position = Position(line.seq);
    let (event, subjects) = line.split()?;
    Ok(Recorded { position, event, subjects, line: text.into() })
}

/// The record that a line wrote of `subject`, if it wrote one. The others of an act on many are passed over.
///
/// # Errors
/// The line is not an event of a known version.
pub fn record_of(line: &str, subject: &Subject) -> Result<Option<Record>, CodecError> {
    #[derive(Deserialize)]
    struct Changes<'a> {
        #[serde(default)]
        v: u8,
        #[serde(borrow, default)]
        changes: Vec<ChangeIn<'a>>,
    }
    let (Changes { v, changes }, named) = (serde_json::from_str(line)?, Named::from(subject));
    let change = changes.iter().find(|one| one.r#type == named.r#type && one.id == named.id);
    change.map(|change| Ok(change.written(v)?.record)).transpose()
}

/// Whose the tokens are that a line writes: their records say so.
///
/// # Errors
/// The line is not an event of a known version.
pub fn owners_of(line: &str) -> Result<Vec<(TokenId, OwnerId)>, CodecError> {
    #[derive(Deserialize)]
    struct Changes {
        #[serde(default)]
        changes: Vec<Change>,
    }
    #[derive(Deserialize)]
    struct Change {
        r#type: Kind,
        id: String,
        record: Owned,
    }
    #[derive(Deserialize)]
    struct Owned {
        #[serde(default)]
        owner: Option<OwnerId>,
    }
    let Changes { changes } = serde_json::from_str(line)?;
    let tokens = changes.into_iter().filter(|change| change.r#type == Kind::Token);
    let owned = tokens.filter_map(|change| Some((change.id, change.record.owner?)));
    owned.map(|(id, owner)| Ok((id.parse()?, owner))).collect()
}

impl ChangeIn<'_> {
    /// Its record, of a line of version `v`.
    fn written(&self, v: u8) -> Result<Written, CodecError> {
        let json = upgrade::record(v, self.r#type == Kind::Token, self.record.get())?;
        let record = match self.r#type {
            Kind::Token => Record::Token(Arc::new(serde_json::from_str(&json)?)),
            Kind::Owner => Record::Owner(Arc::new(serde_json::from_str(&json)?)),
            Kind::Company => Record::Company(Arc::new(serde_json::from_str(&json)?)),
        };
        Ok(Written { record, json: json.into() })
    }
}

impl Line<'_> {
    fn split(self) -> Result<(Event, Vec<Subject>), CodecError> {
        if self.v > RECORD_VERSION {
            return Err(CodecError::Version(self.v));
        }
        let changed = self.changes.iter().map(|change| (change.r#type, &change.id));
        let named = self.subjects.iter().map(|named| (named.r#type, &named.id));
        let subjects = changed.chain(named).map(|(kind, id)| {
            Ok(match kind {
                Kind::Token => Subject::Token(id.parse()?),
                Kind::Owner => Subject::Owner(id.parse()?),
                Kind::Company => Subject::Company(id.parse()?),
            })
        });
        let subjects = subjects.collect::<Result<_, CodecError>>()?;
        let Self { at, effective_at, actor, kind, reason, many, .. } = self;
        Ok((Event { at, effective_at, actor, kind, reason, many }, subjects))
    }
}

impl From<&Subject> for Named {
    fn from(subject: &Subject) -> Self {
        match subject {
            Subject::Token(id) => Self { r#type: Kind::Token, id: TokenId::to_string(id) },
            Subject::Owner(id) => Self { r#type: Kind::Owner, id: OwnerId::to_string(id) },
            Subject::Company(id) => Self { r#type: Kind::Company, id: Slug::to_string(id) },
        }
    }
}

impl Record {
    /// What the record is about.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Token(token) => Subject::Token(token.id),
            Self::Owner(owner) => Subject::Owner(owner.id.clone()),
            Self::Company(company) => Subject::Company(company.id.clone()),
        }
    }

    /// How often it was changed, with this change.
    pub fn revision(&self) -> Revision {
        match self {
            Self::Token(token) => token.revision,
            Self::Owner(owner) => owner.revision,
            Self::Company(company) => company.revision,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::{commit, owner, token};

    #[test]
    fn of_an_act_on_many_the_record_of_one_is_found() {
        let (one, two) = (token(1, "alice"), token(2, "alice"));
        let records = [
            Record::Owner(Arc::new(owner("alice"))),
            Record::Token(Arc::new(one.clone())),
            Record::Token(Arc::new(two)),
        ];
        let body = encode(&commit(EventKind::TokenCreated, records.clone())).unwrap().body;
        let line = format!("{{\"seq\":7,\"prev\":\"00\",{body},\"crc\":\"00000000\"}}");
        for record in records {
            assert_eq!(record_of(&line, &record.subject()).unwrap(), Some(record));
        }
        let other = Subject::Token(token(3, "alice").id);
        assert_eq!(record_of(&line, &other).unwrap(), None);
        // A user may be called like a token.
        let named = Subject::Owner(one.id.to_string().parse().unwrap());
        assert_eq!(record_of(&line, &named).unwrap(), None);
    }
}
