//! What is held of a token: the part that decisions and upstreams need, flat and small.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use smallvec::SmallVec;

use crate::domain::decision::{OwnerTerms, Terms};
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::owner::Owner;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::domain::token::{ParamValue, Token};
use crate::store::{Held, UseSlot};

/// What stays readable in a text: letters, digits and what RFC 3986 leaves unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A token in memory. It is never changed: a change clears its flag, and the next look loads it anew.
/// What a request reads stands together, for with many tokens in use every place that has to be fetched
/// costs.
#[derive(Debug)]
#[repr(C)]
pub struct Entry {
    valid: AtomicBool,
    /// Whether its idleness was found again after it was read anew.
    idle_confirmed: AtomicBool,
    /// The lookup key.
    pub digest: Digest,
    /// The public id.
    pub id: TokenId,
    /// What a decision reads.
    pub terms: Terms,
    /// What a decision reads of the owner.
    pub owner_terms: OwnerTerms,
    /// When it was last used, as far as this record has seen.
    pub last_seen: LastSeen,
    /// Where the store keeps that.
    pub(super) slot: Option<UseSlot>,
    /// What only the upstream is told.
    pub told: Told,
    /// Whom it acts for.
    pub owner: Arc<OwnerEntry>,
}

/// What only the upstream is told.
#[derive(Debug)]
pub struct Told {
    /// The owner's id, and behind it the token's name; short ones stand right here.
    text: SmallVec<[u8; 48]>,
    owner_bytes: usize,
    /// None for most tokens.
    params: Option<Box<Params>>,
}

/// What a token carries for its upstreams.
#[derive(Debug)]
pub struct Params {
    /// Its free parameters, as they were given.
    pub free: Option<Box<str>>,
    /// Its context parameters; secret ones still sealed.
    pub by_context: Box<[ContextParam]>,
}

impl Told {
    fn new(token: &Token) -> Self {
        let name = utf8_percent_encode(&token.name, ENCODED);
        let mut by_context = Vec::new();
        for (context, params) in &token.context_params {
            for (name, value) in params {
                let (context, name) = (context.clone(), name.as_str().into());
                by_context.push(ContextParam { context, name, value: value.clone() });
            }
        }
        let some = token.params.is_some() || !by_context.is_empty();
        let params = some.then(|| {
            let free = token.params.as_deref().map(Into::into);
            Box::new(Params { free, by_context: by_context.into() })
        });
        Self {
            text: SmallVec::from_slice(format!("{}{name}", token.owner).as_bytes()),
            owner_bytes: token.owner.as_str().len(),
            params,
        }
    }

    /// The owner's id.
    pub fn owner(&self) -> &[u8] {
        self.text.get(..self.owner_bytes).unwrap_or_default()
    }

    /// The token's name, percent-encoded.
    pub fn name(&self) -> &[u8] {
        self.text.get(self.owner_bytes..).unwrap_or_default()
    }

    /// What the token carries for its upstreams; none for most tokens.
    pub fn params(&self) -> Option<&Params> {
        self.params.as_deref()
    }
}

/// The value of a parameter that a context defines.
#[derive(Debug)]
pub struct ContextParam {
    /// The context.
    pub context: Slug,
    /// The parameter's name.
    pub name: Box<str>,
    /// Its value.
    pub value: ParamValue,
}

impl Entry {
    pub(super) fn new(
        held: &Held,
        terms: Terms,
        owner: Arc<OwnerEntry>,
        last_seen: LastSeen,
    ) -> Self {
        let token = &held.token;
        Self {
            valid: AtomicBool::new(true),
            idle_confirmed: AtomicBool::new(false),
            digest: token.digest,
            id: token.id,
            terms,
            owner_terms: owner.terms.clone(),
            last_seen,
            slot: held.slot,
            told: Told::new(token),
            owner,
        }
    }

    /// Whether this is still what the store holds. Once false, it stays so.
    pub fn is_valid(&self) -> bool {
        self.is_current() && self.owner.is_valid()
    }

    /// The same of the token alone, for whoever knows that no owner was changed.
    pub fn is_current(&self) -> bool {
        self.valid.load(Ordering::Acquire)
    }

    /// Whether a verdict of idleness may rest on a last use that is older than the one in the store. It
    /// may not where the end is on record, or where the record was read anew for this question before.
    pub fn idleness_is_doubtful(&self) -> bool {
        self.terms.ended.is_none() && !self.idle_confirmed.load(Ordering::Relaxed)
    }

    /// The record was read anew, and the token is idle still.
    pub fn confirm_idleness(&self) {
        self.idle_confirmed.store(true, Ordering::Relaxed);
    }

    pub(super) fn invalidate(&self) {
        self.valid.store(false, Ordering::SeqCst);
    }
}

/// An owner in memory, shared by all its tokens, so that blocking clears one flag and not a thousand.
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
        let token = Arc::new(sample::token(n, "alice"));
        let terms = Terms::from(&*token);
        let entry = OwnerEntry::new(&owner);
        let held = Held { token, owner, last_use: None, slot: None };
        Arc::new(Self::new(&held, terms, Arc::new(entry), LastSeen::default()))
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
