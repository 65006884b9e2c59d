//! Whose tokens are stopped, as lists ask for it.

use std::collections::BTreeSet;

use crate::domain::id::{OwnerId, Slug};
use crate::store::Record;

/// Those whose tokens are stopped.
#[derive(Clone, Debug, Default)]
pub(super) struct Stopped {
    pub(super) owners: BTreeSet<OwnerId>,
    pub(super) companies: BTreeSet<Slug>,
}

impl Stopped {
    /// Takes it over as the record says it.
    pub(super) fn note(&mut self, record: &Record) {
        match record {
            Record::Owner(owner) if owner.blocked.is_some() => {
                self.owners.insert(owner.id.clone());
            }
            Record::Owner(owner) => {
                self.owners.remove(&owner.id);
            }
            Record::Company(company) if company.blocked.is_some() => {
                self.companies.insert(company.id.clone());
            }
            Record::Company(company) => {
                self.companies.remove(&company.id);
            }
            Record::Token(_) => {}
        }
    }
}
