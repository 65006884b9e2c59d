//! Rotated tokens whose secrets were shown after their end, until the upkeep writes that down.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;

use super::{Cache, Entry};

/// How many are kept until the next look: whoever shows more at once is told of by these.
const TOKENS: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct Reused(Mutex<BTreeMap<TokenId, IpAddr>>);

impl Reused {
    fn held(&self) -> MutexGuard<'_, BTreeMap<TokenId, IpAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    /// Notes that a token was refused, where it has a successor and is over. Called for refusals alone, and
    /// takes a lock for such tokens alone.
    pub fn note_refused(&self, entry: &Entry, refusal: Refusal, address: IpAddr) {
        if entry.rotated {
            self.note_rotated_refused(entry.id, refusal, address);
        }
    }

    /// The same for a token that has a successor.
    pub fn note_rotated_refused(&self, id: TokenId, refusal: Refusal, address: IpAddr) {
        let over = matches!(refusal, Refusal::Revoked | Refusal::Expired | Refusal::IdleExpired);
        if !over {
            return;
        }
        let mut held = self.reused.held();
        if held.len() < TOKENS {
            held.entry(id).or_insert(address);
        }
    }

    /// Rotated tokens that were shown after their end, and whence, since this was last asked.
    pub fn take_reused(&self) -> BTreeMap<TokenId, IpAddr> {
        std::mem::take(&mut *self.reused.held())
    }
}
