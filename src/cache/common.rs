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
    /// The company, on record or not; none for a token that is of none.
    pub(super) company: Option<Arc<CompanyEntry>>,
    /// Whether the company closes anything to its tokens. While it does not, as most, nothing of it
    /// is read.
    pub(super) is_limited: bool,
}

/// With the two counts of its `Arc` it takes two lines of memory.
const _: () = assert!(size_of::<Common>() == 112);

impl Common {
    pub(super) fn new(terms: Terms, owner: OwnerTerms, company: Option<Arc<CompanyEntry>>) -> Self {
        let is_limited = company.as_ref().is_some_and(|company| !company.terms.is_open());
        Self { terms, owner, company, is_limited }
    }

    /// What a decision reads of the company; none where it closes nothing.
    pub fn company(&self) -> Option<&CompanyTerms> {
        if self.is_limited { self.company.as_ref().map(|company| &company.terms) } else { None }
    }

    /// Whether the company is as it was.
    pub(super) fn is_valid(&self) -> bool {
        self.company.as_ref().is_none_or(|company| company.is_valid())
    }

    /// Whether other tokens can be expected to have the same.
    pub(super) fn is_common(&self) -> bool {
        self.terms.items == Items::All
    }
}
