//! What a notice says, as JSON. Never a secret, a digest or a sealed value: what is told is named here,
//! field by field.

use std::net::IpAddr;

use serde::Serialize;

use crate::domain::company::Company;
use crate::domain::event::Actor;
use crate::domain::grant::Contexts;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::notice::NoticeKind;
use crate::domain::owner::Owner;
use crate::domain::time::Timestamp;
use crate::domain::token::{End, Token};

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    /// The same in all attempts, and of no other notice.
    pub(super) id: String,
    pub(super) kind: NoticeKind,
    /// The event that it tells of; none for a test.
    pub(super) event: Option<u64>,
    /// Which one of the notices of this event it is.
    pub(super) nth: usize,
    pub(super) about: About,
    pub(super) body: String,
}

/// Which token and which owner a notice is about; neither for a test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct About {
    pub(super) token: Option<TokenId>,
    pub(super) owner: Option<OwnerId>,
}

/// The whole body.
#[derive(Serialize)]
pub(super) struct Payload<'a> {
    pub(super) r#type: NoticeKind,
    pub(super) timestamp: Timestamp,
    pub(super) data: Data<'a>,
}

/// What is said about what happened.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<TokenPart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<OwnerPart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) company: Option<CompanyPart<'a>>,
    pub(super) actor: &'a Actor,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) days_left: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) widened: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) webhook: Option<&'a Slug>,
}

impl<'a> Data<'a> {
    /// What it is about.
    pub(super) fn about(&self) -> About {
        let token = self.token.as_ref();
        let owner = token.map(|token| token.owner).or(self.owner.as_ref().map(|owner| owner.id));
        About { token: token.map(|token| token.id), owner: owner.cloned() }
    }

    /// With who did it alone.
    pub(super) const fn by(actor: &'a Actor) -> Self {
        Self {
            event: None,
            token: None,
            owner: None,
            company: None,
            actor,
            reason: "",
            days_left: None,
            address: None,
            widened: Vec::new(),
            webhook: None,
        }
    }
}

/// A token.
#[derive(Serialize)]
pub(super) struct TokenPart<'a> {
    id: TokenId,
    name: &'a str,
    owner: &'a OwnerId,
    company: Option<&'a Slug>,
    hint: &'a str,
    ends_at: Option<Timestamp>,
    /// `expiry`, `idleness`, `revocation` or `leak`.
    ends_by: Option<&'static str>,
}

impl<'a> TokenPart<'a> {
    /// With its end on record, or else by time.
    pub(super) fn new(token: &'a Token) -> Self {
        let (ends_at, ends_by) = match &token.ended {
            Some(ended) => (Some(ended.act.at), Some(by(ended.how))),
            None => (token.expires_at, token.expires_at.map(|_| by(End::Expired))),
        };
        Self {
            id: token.id,
            name: &token.name,
            owner: &token.owner,
            company: token.company.as_ref(),
            hint: &token.hint,
            ends_at,
            ends_by,
        }
    }

    /// With the end that a warning tells of.
    pub(super) fn ending(token: &'a Token, at: Timestamp, how: End) -> Self {
        Self { ends_at: Some(at), ends_by: Some(by(how)), ..Self::new(token) }
    }
}

const fn by(how: End) -> &'static str {
    match how {
        End::Revoked => "revocation",
        End::Leaked => "leak",
        End::Expired => "expiry",
        End::IdleExpired => "idleness",
    }
}

/// An owner.
#[derive(Serialize)]
pub(super) struct OwnerPart<'a> {
    id: &'a OwnerId,
    name: &'a str,
    company: Option<&'a Slug>,
    roles: Vec<&'a Slug>,
    ceiling: i64,
}

impl<'a> OwnerPart<'a> {
    pub(super) fn new(owner: &'a Owner) -> Self {
        Self {
            id: &owner.id,
            name: &owner.name,
            company: owner.company.as_ref(),
            roles: owner.roles.iter().collect(),
            ceiling: owner.ceiling.bits(),
        }
    }
}

/// A company.
#[derive(Serialize)]
pub(super) struct CompanyPart<'a> {
    id: &'a Slug,
    name: &'a str,
    contexts: &'a Contexts,
}

impl<'a> CompanyPart<'a> {
    pub(super) fn new(company: &'a Company) -> Self {
        Self { id: &company.id, name: &company.name, contexts: &company.contexts }
    }
}
