//! What is held of a token: the part that decisions and upstreams need, flat and small.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::domain::decision::{OwnerTerms, Standing, Terms};
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::owner::Owner;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::domain::token::{End, Life};
use crate::store::{Held, UseSlot};

use super::claims::Claims;
use super::common::Common;
use super::company::CompanyEntry;
use super::interned::Interned;
use super::meter::Limited;

/// A token in memory. It is never changed: a change clears its flag, and the next look loads it
/// anew. What a request reads stands together, for with many tokens in use every place that has to
/// be fetched costs; what most tokens have like many others is held once, and stays in the
/// processor's cache.
#[derive(Debug)]
#[repr(C)]
pub struct Entry {
    valid: AtomicBool,
    /// Whether its idleness was found again after it was read anew.
    idle_confirmed: AtomicBool,
    disabled: bool,
    /// Whether it is a successor: its first use may begin the end of another.
    pub(super) succeeds: bool,
    /// Whether its time is over some while after its successor was used.
    pub(super) retires: bool,
    /// Whether it has a successor.
    pub(super) rotated: bool,
    ended: Option<End>,
    /// When it was last used, as far as this record has seen. It stands in the first line of
    /// memory with the counts of the `Arc`, so that a request writes to that line alone.
    pub last_seen: LastSeen,
    /// The lookup key.
    pub digest: Digest,
    /// The public id.
    pub id: TokenId,
    life: Life,
    /// What it may do, and what its owner and its company may.
    pub common: Arc<Common>,
    /// How much it may be used; none for most tokens.
    pub limited: Option<Box<Limited>>,
    /// Where the store keeps its last use.
    pub(super) slot: Option<UseSlot>,
    /// Whom it acts for.
    pub owner: Arc<OwnerEntry>,
    /// What only the upstream is told.
    pub claims: Claims,
}

/// With the two counts of its `Arc` a record fills a block of 192 bytes, three lines of memory.
const _: () = assert!(size_of::<Entry>() == 176);

impl Entry {
    pub(super) fn new(
        held: &Held,
        (owner, company): (Arc<OwnerEntry>, Option<Arc<CompanyEntry>>),
        last_seen: LastSeen,
        (interned, limited): (&Interned, Option<Box<Limited>>),
    ) -> Self {
        let token = &held.token;
        let Standing { life, ended, disabled } = Standing::from(&**token);
        let common = Common::new(Terms::from(&**token), owner.terms.clone(), company);
        Self {
            valid: AtomicBool::new(true),
            idle_confirmed: AtomicBool::new(false),
            disabled,
            succeeds: token.rotated_from.is_some(),
            retires: token.retire_after_use.is_some(),
            rotated: token.rotated_to.is_some(),
            ended,
            digest: token.digest,
            id: token.id,
            life,
            last_seen,
            common: interned.share(common),
            limited,
            slot: held.slot,
            owner,
            claims: Claims::new(token),
        }
    }

    /// Where in its life it is.
    pub const fn standing(&self) -> Standing {
        Standing { life: self.life, ended: self.ended, disabled: self.disabled }
    }

    /// Whether this is still what the store holds. Once false, it stays so.
    pub fn is_valid(&self) -> bool {
        self.is_current() && self.owner.is_valid() && self.common.is_valid()
    }

    /// The same of the token alone, for whoever knows that no owner and no company was changed.
    pub fn is_current(&self) -> bool {
        self.valid.load(Ordering::Acquire)
    }

    /// Whether a verdict of idleness may rest on a last use that is older than the one in the
    /// store. It may not where the end is on record, or where the record was read anew for this
    /// question before.
    pub fn idleness_is_doubtful(&self) -> bool {
        self.ended.is_none() && !self.idle_confirmed.load(Ordering::Relaxed)
    }

    /// The record was read anew, and the token is idle still.
    pub fn confirm_idleness(&self) {
        self.idle_confirmed.store(true, Ordering::Relaxed);
    }

    /// Begins to fetch all that a request reads of it. With many tokens in use none of it is near
    /// the processor, and its lines come together in the time that the first one takes.
    pub fn fetch(&self) {
        std::hint::black_box((self.life.created_at, self.claims.ends()));
    }

    pub(super) fn invalidate(&self) {
        self.valid.store(false, Ordering::SeqCst);
    }
}

/// An owner in memory, shared by all its tokens, so that blocking clears one flag and not a
/// thousand.
#[derive(Debug)]
pub struct OwnerEntry {
    valid: AtomicBool,
    /// Its name.
    pub id: OwnerId,
    /// What a decision reads.
    pub terms: OwnerTerms,
}

impl OwnerEntry {
    pub(super) fn new(owner: &Owner) -> Self {
        Self { valid: AtomicBool::new(true), id: owner.id.clone(), terms: OwnerTerms::from(owner) }
    }

    pub(super) fn is_valid(&self) -> bool {
        self.valid.load(Ordering::Acquire)
    }

    pub(super) fn invalidate(&self) {
        self.valid.store(false, Ordering::SeqCst);
    }
}

/// When a token was last used, to the second; zero stands for never.
#[derive(Debug, Default)]
pub struct LastSeen(AtomicU64);

impl LastSeen {
    pub(super) fn new(at: Option<Timestamp>) -> Self {
        Self(AtomicU64::new(at.map_or(0, Timestamp::unix)))
    }

    /// When, if ever.
    pub fn at(&self) -> Option<Timestamp> {
        let unix = self.0.load(Ordering::Relaxed);
        (unix != 0).then(|| Timestamp::from_unix(unix))
    }

    /// Notes a use at `now`. True for the one caller in each second that has to write it down; the
    /// others have read one word and written nothing.
    pub(super) fn advance(&self, now: Timestamp) -> Option<FirstUse> {
        let seen = self.0.load(Ordering::Relaxed);
        if seen >= now.unix() {
            return None;
        }
        let order = Ordering::Relaxed;
        self.0
            .compare_exchange(seen, now.unix(), order, order)
            .is_ok()
            .then_some(FirstUse(seen == 0))
    }
}

/// Whether a use was the first of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FirstUse(pub(super) bool);

#[cfg(test)]
impl Entry {
    /// Sample number `n`, for the tests of those who hold records.
    pub(crate) fn sample(n: u64) -> Arc<Self> {
        use crate::store::sample;
        let owner = Arc::new(sample::owner("alice"));
        let entry = Arc::new(OwnerEntry::new(&owner));
        let token = Arc::new(sample::token(n, "alice"));
        let held = Held { token, owner, company: None, last_use: None, slot: None };
        Arc::new(Self::new(&held, (entry, None), LastSeen::default(), (&Interned::default(), None)))
    }

    /// Sample number `n`, of a company.
    pub(crate) fn sample_in(n: u64, company: &crate::domain::company::Company) -> Arc<Self> {
        use crate::store::sample;
        let owner = Arc::new(sample::owner("alice"));
        let owners = Arc::new(OwnerEntry::new(&owner));
        let tenant = Arc::new(CompanyEntry::new(&company.id, Some(company)));
        let company = Some(Arc::new(company.clone()));
        let held = Held {
            token: Arc::new(sample::token(n, "alice")),
            owner,
            company,
            last_use: None,
            slot: None,
        };
        let of = (owners, Some(tenant));
        Arc::new(Self::new(&held, of, LastSeen::default(), (&Interned::default(), None)))
    }

    /// Ends the validity of its company, as a change would.
    pub(crate) fn sample_company_over(&self) {
        if let Some(company) = &self.common.company {
            company.invalidate();
        }
    }

    /// Ends its validity, as a change would.
    pub(crate) fn sample_over(&self) {
        self.invalidate();
    }
}

#[cfg(test)]
impl OwnerEntry {
    /// Ends its validity, as a change would.
    pub(crate) fn sample_over(&self) {
        self.invalidate();
    }
}
