//! A hasher for keys that are as random as a hash could make them.

use std::hash::{BuildHasherDefault, Hasher};

/// Digests are as random as a hash could make them: their first eight bytes are taken as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct DigestHasher(u64);

/// Makes a [`DigestHasher`].
pub type BuildDigestHasher = BuildHasherDefault<DigestHasher>;

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, head: u64) {
        self.0 = head;
    }
}
