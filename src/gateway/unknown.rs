//! Digests that a core has found to be nobody's, so that a secret that is tried again costs no look
//! into what cores share, and as much time as one that is known (row X1).

use std::cell::RefCell;
use std::time::Duration;

use crate::cache::Cache;
use crate::domain::secret::Digest;

use super::alarm::Alarms;

/// How many lines there are, as many as a power of two; 2 MiB.
const LINES: usize = 1 << 15;

/// Digests that nobody has. Each says itself whether that still holds: any change to a digest of
/// its shard ends it, and so does time.
#[derive(Debug, Default)]
pub(super) struct UnknownDigests(RefCell<Vec<Line>>);

/// The places of one cache line, the newest first. Whoever comes later takes the place of the
/// older.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct Line([UnknownDigest; 2]);

#[derive(Clone, Copy, Debug, Default)]
struct UnknownDigest {
    /// The first half of its digest: nobody can make another secret whose digest begins so.
    head: u128,
    epoch: u64,
    /// Zero where there is none.
    until_ms: u64,
}

impl UnknownDigests {
    /// Whether nobody has this secret, as was found in the epoch that holds now.
    pub(super) fn knows(&self, digest: &Digest, cache: &Cache, alarms: &Alarms) -> bool {
        let (lines, head) = (self.0.borrow(), head_of(digest));
        let Some(Line(places)) = lines.get(line_of(head)) else { return false };
        places.iter().any(|stranger| {
            stranger.head == head
                && stranger.until_ms > alarms.now_ms()
                && stranger.epoch == cache.epoch(digest)
        })
    }

    /// Remembers a digest that was looked for in vain after `epoch` was read.
    pub(super) fn remember(&self, digest: &Digest, epoch: u64, alarms: &Alarms, ttl: Duration) {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let (until_ms, head) = (alarms.now_ms().saturating_add(ttl_ms), head_of(digest));
        let mut lines = self.0.borrow_mut();
        // A core that meets no stranger needs no memory for them.
        lines.resize(LINES, Line::default());
        if let Some(Line([newest, older])) = lines.get_mut(line_of(head)) {
            if newest.head != head {
                *older = *newest;
            }
            *newest = UnknownDigest { head, epoch, until_ms };
        }
    }
}

fn head_of(digest: &Digest) -> u128 {
    digest.as_bytes().first_chunk().map_or(0, |head| u128::from_le_bytes(*head))
}

fn line_of(head: u128) -> usize {
    usize::try_from(head % LINES as u128).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(line: u16, number: u8) -> Digest {
        let mut bytes = [number; 32];
        bytes[..2].copy_from_slice(&line.to_le_bytes());
        Digest::from_bytes(bytes)
    }

    #[tokio::test]
    async fn a_line_remembers_the_two_newest_until_their_shard_changes_or_their_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, alarms) = (Cache::sample(folder.path()).await, Alarms::new());
        let (unknown, ttl) = (UnknownDigests::default(), Duration::from_secs(3_600));
        let knows = |number| unknown.knows(&digest(7, number), &cache, &alarms);
        let remember = |number, epoch, ttl| {
            unknown.remember(&digest(7, number), epoch, &alarms, ttl);
        };
        assert!(!knows(1));
        for number in 1..=3 {
            remember(number, cache.epoch(&digest(7, number)), ttl);
            remember(number, cache.epoch(&digest(7, number)), ttl);
        }
        assert_eq!([1, 2, 3].map(knows), [false, true, true]);
        assert!(!unknown.knows(&digest(8, 3), &cache, &alarms));
        remember(3, cache.epoch(&digest(7, 3)) + 1, ttl);
        assert_eq!([2, 3].map(knows), [true, false], "of another epoch");
        remember(2, cache.epoch(&digest(7, 2)), Duration::ZERO);
        assert!(!knows(2), "its time is over");
    }
}
