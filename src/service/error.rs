//! Why an act is refused or failed: a closed set, told apart by what its caller can do about it.
//! `admin` turns each into a problem document, `cli` into an exit code.

use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Revision, State};
use crate::store::StoreError;
use crate::store::sealed::{KeyError, SealError};

/// What is wrong with a text that holds a secret, however good it is otherwise.
pub const SECRET_HERE: &str =
    "the secret of a token stands here, and this is kept and shown for ever";

/// A refused or failed act. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A value that cannot be, or one that is missing.
    #[error("`{field}`: {problem}")]
    Field {
        /// Where it stands in the request, such as `context_params.telegram.bot_token`.
        field: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// More than its maker or its owner has.
    #[error("`{field}`: {problem}")]
    NotAllowed {
        /// Where it stands in the request.
        field: &'static str,
        /// Whose limit it is, and which.
        problem: String,
    },
    /// An act that is not theirs to do.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such token.
    #[error("there is no token {0}")]
    NoToken(TokenId),
    /// There is no such owner.
    #[error("there is no user `{0}`")]
    NoOwner(OwnerId),
    /// There is no such webhook.
    #[error("there is no webhook `{0}`")]
    NoWebhook(Slug),
    /// There is no such company on record; tokens may name it all the same.
    #[error("there is no company `{0}` on record")]
    NoCompany(Slug),
    /// A company is never put on record twice.
    #[error("there is a company `{0}` already")]
    CompanyExists(Slug),
    /// An owner is never made twice.
    #[error("there is a user `{0}` already")]
    OwnerExists(OwnerId),
    /// Every end is final.
    #[error("token {id} is {}: an end is final, make a new token instead", state.as_str())]
    Ended {
        /// Which token.
        id: TokenId,
        /// How it ended.
        state: State,
    },
    /// A token has one successor.
    #[error("token {id} has a successor already: rotate {successor} instead")]
    Rotated {
        /// Which token.
        id: TokenId,
        /// Its successor.
        successor: TokenId,
    },
    /// It is not at the revision at which alone it was to be changed (RFC 9110 section 15.5.13).
    #[error("{what} is at revision {}, which is none of those that the change is for", found.0)]
    Changed {
        /// The record.
        what: String,
        /// Its revision.
        found: Revision,
    },
    /// An act on many tokens would do something else than what was shown.
    #[error(
        "{shown} tokens were shown, and what fits now is not the same ({now} tokens): nothing was done"
    )]
    NotAsShown {
        /// How many were shown.
        shown: usize,
        /// How many fit now and have not ended.
        now: usize,
    },
    /// Nothing can be said of tokens, and nothing granted: what has expired could seem alive.
    #[error(
        "the wall clock shows {wall}, {} s behind the {mark} that it has shown before",
        behind.seconds()
    )]
    ClockBehind {
        /// What the clock shows.
        wall: Timestamp,
        /// What it has shown before.
        mark: Timestamp,
        /// How far it is behind.
        behind: Span,
    },
    /// The history is not the one that it should be.
    #[error("{0}")]
    History(String),
    /// Too many passwords were wrong: nobody looks at another one before that time is over.
    #[error("too many passwords were wrong; try again in {} s", .0.seconds())]
    TooManyFailures(Span),
    /// Too many passwords wait to be looked at.
    #[error("too many passwords are being looked at; try again in a moment")]
    Busy,
    /// The machine gives no random numbers.
    #[error("no random numbers could be had from the system")]
    NoEntropy,
    /// A secret parameter needs a master key, and there is none.
    #[error("a secret parameter cannot be kept: {0}")]
    NoMasterKey(#[from] KeyError),
    /// A secret parameter could not be encrypted.
    #[error("a secret parameter cannot be kept: {0}")]
    NotSealed(#[from] SealError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ServiceError {
    /// Names the field at fault.
    pub fn field(field: impl Into<String>, problem: impl ToString) -> Self {
        Self::Field { field: field.into(), problem: problem.to_string() }
    }

    /// The field at fault, where there is one.
    pub fn at_field(&self) -> Option<&str> {
        match self {
            Self::Field { field, .. } => Some(field),
            Self::NotAllowed { field, .. } => Some(field),
            Self::Store(StoreError::DuplicateSecret) => Some("secret"),
            _ => None,
        }
    }

    /// The revision that there is, where another was wanted.
    pub const fn revision(&self) -> Option<Revision> {
        match self {
            Self::Changed { found, .. } => Some(*found),
            _ => None,
        }
    }

    /// How long to wait before it is asked again, where that is known.
    pub const fn wait(&self) -> Option<Span> {
        match self {
            Self::TooManyFailures(wait) => Some(*wait),
            Self::Busy => Some(Span::from_seconds(1)),
            _ => None,
        }
    }

    /// The way out, where the message does not tell it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ClockBehind { .. } => Some(
                "set the clock right; if it is right and was wrong before, see `tollgate clock \
                 --help`"
                    .to_owned(),
            ),
            Self::NoMasterKey(error) => Some(error.remedy()),
            Self::NotAsShown { .. } => Some("look at the preview again".to_owned()),
            _ => None,
        }
    }

    /// The status of an answer over HTTP.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Field { .. } => 400,
            Self::NotAllowed { .. } | Self::Forbidden(_) => 403,
            Self::NoToken(_) | Self::NoOwner(_) | Self::NoCompany(_) | Self::NoWebhook(_) => 404,
            Self::OwnerExists(_)
            | Self::CompanyExists(_)
            | Self::Ended { .. }
            | Self::Rotated { .. }
            | Self::NotAsShown { .. }
            | Self::History(_) => 409,
            Self::Changed { .. } => 412,
            Self::TooManyFailures(_) => 429,
            Self::ClockBehind { .. }
            | Self::Busy
            | Self::NoEntropy
            | Self::NoMasterKey(_)
            | Self::NotSealed(_) => 503,
            Self::Store(error) => match error {
                StoreError::Conflict { .. }
                | StoreError::DuplicateSecret
                | StoreError::Taken { .. } => 409,
                StoreError::Full { .. } => 507,
                StoreError::ReadOnly(_)
                | StoreError::Locked { .. }
                | StoreError::NotData { .. }
                | StoreError::Cut { .. }
                | StoreError::Damaged { .. }
                | StoreError::Exhausted { .. }
                | StoreError::Failed { .. }
                | StoreError::Closed => 503,
            },
        }
    }

    /// The last part of the problem's type (RFC 9457 section 3.1.1), stable.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Field { .. } => "bad-field",
            Self::NotAllowed { .. } => "not-allowed",
            Self::Forbidden(_) => "forbidden",
            Self::NoToken(_) | Self::NoOwner(_) | Self::NoCompany(_) | Self::NoWebhook(_) => {
                "not-found"
            }
            Self::OwnerExists(_) | Self::CompanyExists(_) => "exists",
            Self::Ended { .. } => "ended",
            Self::Rotated { .. } => "rotated",
            Self::Changed { .. } => "changed",
            Self::NotAsShown { .. } => "not-as-shown",
            Self::ClockBehind { .. } => "clock-behind",
            Self::History(_) => "other-history",
            Self::TooManyFailures(_) => "too-many-failures",
            Self::Busy => "busy",
            Self::NoEntropy | Self::NoMasterKey(_) | Self::NotSealed(_) => "unavailable",
            Self::Store(error) => match error {
                StoreError::Conflict { .. } => "conflict",
                StoreError::DuplicateSecret => "duplicate-secret",
                StoreError::Taken { .. } => "exists",
                StoreError::Full { .. } => "disk-full",
                StoreError::ReadOnly(_) => "read-only",
                StoreError::Locked { .. } => "locked",
                StoreError::Damaged { .. } | StoreError::Cut { .. } => "damaged",
                StoreError::NotData { .. }
                | StoreError::Exhausted { .. }
                | StoreError::Failed { .. }
                | StoreError::Closed => "unavailable",
            },
        }
    }

    /// The problem's title: the same for every occurrence of its kind.
    pub fn title(&self) -> &'static str {
        match self.kind() {
            "bad-field" => "A value is missing or wrong",
            "not-allowed" => "More than may be granted",
            "forbidden" => "Not yours to do",
            "not-found" => "Not found",
            "exists" => "It exists already",
            "clock-behind" => "The wall clock is behind",
            "other-history" => "This is another history",
            "ended" => "The token has ended",
            "rotated" => "It has a successor",
            "conflict" | "changed" => "Somebody changed it meanwhile",
            "not-as-shown" => "This is not what was shown",
            "too-many-failures" | "busy" => "Try again later",
            "duplicate-secret" => "Another token has this secret",
            "disk-full" => "The disk is full",
            "read-only" => "Changes are refused",
            "locked" => "The folder is in use",
            "damaged" => "The store is damaged",
            _ => "The store is unavailable",
        }
    }
}
