//! Which secrets stood in a file before, however long it is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::domain::secret::Digest;

/// How many are remembered: some 60 MB.
pub const REMEMBERED: usize = 1_000_000;

/// The first lines of secrets, by half of their digests: enough to tell any two apart.
#[derive(Debug, Default)]
pub struct Repeats(HashMap<[u8; 16], u64>);

impl Repeats {
    /// The line in which a secret stood first, if that is another one than `line`.
    pub fn first(&mut self, digest: &Digest, line: u64) -> Option<u64> {
        let full = self.is_full();
        let half = digest.half().try_into().ok()?;
        match self.0.entry(half) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(place) if !full => {
                place.insert(line);
                None
            }
            Entry::Vacant(_) => None,
        }
    }

    /// Whether no further one is remembered.
    pub fn is_full(&self) -> bool {
        self.0.len() >= REMEMBERED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_first_line_and_memory_is_bounded() {
        let mut repeats = Repeats::default();
        let digest = |number: u64| Digest::of(&number.to_be_bytes());
        assert_eq!(repeats.first(&digest(1), 7), None);
        assert_eq!((repeats.first(&digest(1), 9), repeats.first(&digest(2), 9)), (Some(7), None));
        for number in 3..REMEMBERED as u64 + 100 {
            repeats.first(&digest(number), number);
        }
        assert!(repeats.is_full() && repeats.0.len() == REMEMBERED);
        assert_eq!(repeats.first(&digest(1), 8), Some(7), "the first ones are known still");
    }
}
