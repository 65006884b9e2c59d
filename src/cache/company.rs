//! What is held of a company: one flag for all its tokens.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::company::Company;
use crate::domain::decision::CompanyTerms;
use crate::domain::grant::Contexts;
use crate::domain::id::Slug;

/// A company in memory, shared by all its tokens: also one that is not on record, since it may be at
/// any moment.
#[derive(Debug)]
pub struct CompanyEntry {
    valid: AtomicBool,
    id: Slug,
    /// What a decision reads.
    pub terms: CompanyTerms,
}

impl CompanyEntry {
    pub(super) fn new(id: &Slug, company: Option<&Company>) -> Self {
        let terms = company
            .map_or(CompanyTerms { blocked: false, licensed: Contexts::All }, CompanyTerms::from);
        Self { valid: AtomicBool::new(true), id: id.clone(), terms }
    }

    pub(super) fn is_valid(&self) -> bool {
        self.valid.load(Ordering::Acquire)
    }

    pub(super) fn invalidate(&self) {
        self.valid.store(false, Ordering::SeqCst);
    }
}

/// Two of the same company are not alike: one of them no longer holds.
impl PartialEq for CompanyEntry {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for CompanyEntry {}

impl Hash for CompanyEntry {
    fn hash<H: Hasher>(&self, to: &mut H) {
        self.id.hash(to);
    }
}
