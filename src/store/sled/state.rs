//! What a batch of the index says of the whole index.

use super::keys;

/// How far the index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The last event applied.
    pub(super) applied: u64,
    /// How many batches were written.
    pub(super) batches: u64,
    pub(super) sums: Sums,
    /// How many tokens there are, ended ones too. The next one gets this number as its slot among the last
    /// uses; since no token is ever erased, the same history gives the same slots.
    pub(super) tokens: u64,
}

/// For each part of the keys, the sum of the weights of its entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums([u64; keys::PARTS]);

impl Sums {
    pub(super) fn add(&mut self, key: &[u8], weight: u64) {
        if let Some(sum) = self.0.get_mut(keys::part(key)) {
            *sum = sum.wrapping_add(weight);
        }
    }

    /// By their parts.
    pub(super) fn each(&self) -> impl Iterator<Item = u64> {
        self.0.into_iter()
    }

    pub(super) fn total(&self) -> u64 {
        self.each().fold(0, u64::wrapping_add)
    }
}

impl State {
    /// As it is written.
    pub(super) fn words(&self) -> Vec<u8> {
        let Self { applied, batches, tokens, sums } = self;
        let words = [*applied, *batches, *tokens].into_iter().chain(sums.each());
        words.flat_map(u64::to_be_bytes).collect()
    }

    /// Reads it back. The oldest format has one sum, and counts no tokens.
    pub(super) fn parse(payload: &[u8]) -> Option<Self> {
        let (words, []) = payload.as_chunks::<8>() else { return None };
        let words: Vec<u64> = words.iter().map(|word| u64::from_be_bytes(*word)).collect();
        let mut sums = Sums::default();
        let (applied, batches, tokens) = match words.as_slice() {
            [applied, batches, sum] => {
                sums.add(&[], *sum);
                (*applied, *batches, 0)
            }
            [applied, batches, tokens, each @ ..] => {
                sums = Sums(each.try_into().ok()?);
                (*applied, *batches, *tokens)
            }
            _ => return None,
        };
        Some(Self { applied, batches, sums, tokens })
    }
}
