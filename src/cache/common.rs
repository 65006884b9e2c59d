//! What is read on every request and is the same for many tokens: apart from the record, so that a
//! million records are small.

use crate::domain::decision::{OwnerTerms, Terms};
use crate::domain::grant::Items;

/// What a token may do, and what its owner may.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Common {
    /// What a decision reads of the token.
    pub terms: Terms,
    /// What a decision reads of the owner.
    pub owner: OwnerTerms,
}

impl Common {
    /// Whether other tokens can be expected to have the same.
    pub(super) fn is_common(&self) -> bool {
        self.terms.items == Items::All
    }
}
