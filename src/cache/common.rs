//! What is read on every request and is the same for many tokens: apart from the record, so that a
//! million records are small.

use std::sync::Arc;

use crate::domain::decision::{CompanyTerms, OwnerTerms, Terms};
use crate::domain::grant::Items;

use super::company::CompanyEntry;

/// What a token may do, and what its owner and its company may.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Common {
    /// What a decision reads of the token.
    pub terms: Terms,
    /// What a decision reads of the owner.
    pub owner: OwnerTerms,
    /// What a decision reads of the company: a copy, so that a request follows no pointer for it.
    pub company: CompanyTerms,
    /// Where it is known whether that copy still holds; none for a token without a company.
    pub(super) source: Option<Arc<CompanyEntry>>,
}

impl Common {
    /// Whether the company is as it was.
    pub(super) fn is_valid(&self) -> bool {
        self.source.as_ref().is_none_or(|company| company.is_valid())
    }

    /// Whether other tokens can be expected to have the same.
    pub(super) fn is_common(&self) -> bool {
        self.terms.items == Items::All
    }
}
