//! What is told of a token without its record: who asks about every token, to count them or to end many, reads
//! no million records.

use std::ops::Range;

use super::usage::UseKey;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::domain::token::{Course, End, Token};

/// A token at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Which one.
    pub id: TokenId,
    /// Whose it is.
    pub owner: OwnerKey,
    /// Its company, as that of a key; zero for none.
    pub(super) company: u64,
    /// What says where in its life it is. A leak of its secret is told as a revocation.
    pub course: Course,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The moment by which it is judged as used last, also of a use that waits in memory.
    pub used: Option<Timestamp>,
    /// Whether its owner or its company is blocked.
    pub blocked: bool,
}

/// Stands for an owner: two are alike only if it is the same one. One owner may have several keys, since the
/// salt is another one once summaries were made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnerKey {
    salt: u32,
    hash: u64,
}

impl OwnerKey {
    pub(super) const fn new(salt: u32, hash: u64) -> Self {
        Self { salt, hash }
    }

    /// Whether it stands for this owner.
    pub fn is_of(self, owner: &OwnerId) -> bool {
        salted(self.salt, owner.as_str()) == self.hash
    }
}

impl Glance {
    /// Whether it is of this company, or of none.
    pub fn is_of_company(&self, company: Option<&Slug>) -> bool {
        self.company == company.map_or(0, |id| salted(self.owner.salt, id.as_str()))
    }

    /// What a record tells, of a token that was used last at `used`.
    pub(super) fn of(token: &Token, salt: u32, used: Option<Timestamp>, blocked: bool) -> Self {
        let course = token.course();
        let ended = course.ended.map(|how| if how == End::Leaked { End::Revoked } else { how });
        Self {
            id: token.id,
            owner: OwnerKey::new(salt, salted(salt, token.owner.as_str())),
            company: token.company.as_ref().map_or(0, |id| salted(salt, id.as_str())),
            course: Course { ended, ..course },
            ended_at: token.ended.as_ref().map(|ended| ended.act.at),
            used,
            blocked,
        }
    }
}

/// 64 bits of SHA-256 over a salt and a name, of which no two are alike that anybody could find, since the salt
/// is random; never zero.
pub(super) fn salted(salt: u32, name: &str) -> u64 {
    let digest = Digest::of(&[&salt.to_le_bytes()[..], name.as_bytes()].concat());
    digest.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)).max(1)
}

/// Uses that are not yet written down. A store asks for them before it looks at its own, since a use leaves the
/// memory only after the store has it.
pub trait PendingUses: Send + Sync {
    /// The newest of a token.
    fn newest(&self, of: UseKey) -> Option<Timestamp>;

    /// Passes on those of the tokens with these slots, each with the number of its slot; more than one of a token.
    fn each(&self, slots: Range<u64>, pass: &mut dyn FnMut(u64, Timestamp));
}

/// Nothing waits.
impl PendingUses for () {
    fn newest(&self, _: UseKey) -> Option<Timestamp> {
        None
    }

    fn each(&self, _: Range<u64>, _: &mut dyn FnMut(u64, Timestamp)) {}
}
