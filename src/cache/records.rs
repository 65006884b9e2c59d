//! The records in memory, bounded and evicted by moka.
//!
//! moka takes some 320 bytes for each of its entries, more than a record. So its entries are groups
//! of about [`GROUP`] records, chosen by their digests: what moka knows of use it knows of a group,
//! and a group goes as a whole. Where all room is taken a group does not grow: of its records the
//! one whose last use is the oldest goes.
//!
//! A record that is no longer held must say so, for cores keep it in tables of their own. A group
//! that is evicted is closed under its lock: what it held is invalid from then on, and it takes
//! nothing more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moka::notification::RemovalCause;
use moka::ops::compute::Op;

use crate::domain::secret::Digest;

use super::{Entry, spread};
use crate::domain::hasher::BuildDigestHasher;

/// How many records a group has where as many are in use as there is room for.
const GROUP: u64 = 16;
/// By how many places a group grows, so that few lie empty.
const PLACES: usize = 4;

/// The fewest groups, so that small caches evict single records. In tests even they hold several.
const GROUPS_MIN: u64 = if cfg!(test) { 8 } else { 1_024 };

/// Records by their digest.
#[derive(Debug)]
pub(super) struct Records {
    groups: moka::sync::Cache<u64, Arc<Group>, BuildDigestHasher>,
    /// How many groups there can be.
    numbers: u64,
    most: u64,
}

#[derive(Debug, Default)]
struct Group(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    members: Vec<Member>,
    closed: bool,
}

/// A record, and a part of its digest by which it is told from others of its group without being
/// read: it may be in cold memory, and most who ask for a record that is not held are nobody.
#[derive(Debug)]
struct Member {
    tag: u64,
    entry: Arc<Entry>,
}

impl Records {
    /// Room for `most` records.
    pub(super) fn new(most: u64) -> Self {
        let weight = |_: &u64, group: &Arc<Group>| {
            u32::try_from(group.lock().members.len()).unwrap_or(u32::MAX).max(1)
        };
        let groups = moka::sync::Cache::builder()
            .max_capacity(most)
            .weigher(weight)
            .eviction_listener(|_, group: Arc<Group>, cause| {
                // What replaces a group is the same with one record more.
                if cause != RemovalCause::Replaced {
                    group.close();
                }
            })
            .build_with_hasher(BuildDigestHasher::default());
        Self { groups, numbers: (most / GROUP).max(GROUPS_MIN), most }
    }

    /// The record of a digest.
    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<Entry>> {
        let group = self.groups.get(&self.number_of(digest))?;
        let held = group.lock();
        let tag = tag_of(digest);
        let mut alike = held.members.iter().filter(|member| member.tag == tag);
        alike.find(|member| member.entry.digest == *digest).map(|member| Arc::clone(&member.entry))
    }

    /// Takes a record in, in the place of an older one of the same digest.
    pub(super) fn insert(&self, entry: &Arc<Entry>) {
        let number = self.number_of(&entry.digest);
        let full = self.groups.weighted_size() >= self.most;
        self.groups.entry(number).and_compute_with(|current| {
            let current = current.map(moka::Entry::into_value);
            let open = current.filter(|group| group.add(entry, full));
            Op::Put(open.unwrap_or_else(|| {
                let group = Arc::<Group>::default();
                group.add(entry, full);
                group
            }))
        });
    }

    /// Ends the validity of a record, if it is held.
    pub(super) fn forget(&self, digest: &Digest) {
        if let Some(group) = self.groups.get(&self.number_of(digest)) {
            group.lock().drop_all_of(digest);
        }
    }

    /// Waits until the records of every group that is being evicted say that they no longer hold.
    pub(super) fn settle(&self) {
        self.groups.run_pending_tasks();
    }

    /// How many records there are, about.
    pub(super) fn count(&self) -> u64 {
        self.groups.weighted_size()
    }

    /// Spreads digests evenly over the numbers, by their first eight bytes.
    fn number_of(&self, digest: &Digest) -> u64 {
        let head = digest.as_bytes().first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        let product = u128::from(head) * u128::from(self.numbers);
        // A product's upper half fits.
        spread(u64::try_from(product >> u64::BITS).unwrap_or_default())
    }
}

impl Group {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False if the group is closed. Where all room is taken, a group does not grow: the member
    /// whose last use is the oldest goes, so that a walk through many tokens takes the place of few
    /// that are in use.
    fn add(&self, entry: &Arc<Entry>, full: bool) -> bool {
        let mut held = self.lock();
        if !held.closed {
            held.drop_all_of(&entry.digest);
            if full {
                held.drop_oldest();
            }
            let (tag, entry) = (tag_of(&entry.digest), Arc::clone(entry));
            if held.members.len() == held.members.capacity() {
                held.members.reserve_exact(PLACES);
            }
            held.members.push(Member { tag, entry });
        }
        !held.closed
    }

    fn close(&self) {
        let mut held = self.lock();
        held.closed = true;
        held.members.drain(..).for_each(|member| member.entry.invalidate());
    }
}

impl Held {
    fn drop_oldest(&mut self) {
        let used = |(_, member): &(usize, &Member)| member.entry.last_seen.at();
        if let Some((oldest, _)) = self.members.iter().enumerate().min_by_key(used) {
            self.members.swap_remove(oldest).entry.invalidate();
        }
    }

    fn drop_all_of(&mut self, digest: &Digest) {
        let tag = tag_of(digest);
        self.members.retain(|Member { tag: of, entry }| {
            let other = *of != tag || entry.digest != *digest;
            if !other {
                entry.invalidate();
            }
            other
        });
    }
}

/// Bytes that do not choose the group.
fn tag_of(digest: &Digest) -> u64 {
    digest.as_bytes().last_chunk().map_or(0, |tail| u64::from_le_bytes(*tail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    #[test]
    fn a_record_is_held_until_it_is_forgotten_or_replaced() {
        let records = Records::new(100);
        let (one, again) = (Entry::sample(1), Entry::sample(1));
        records.insert(&one);
        assert!(Arc::ptr_eq(&records.get(&one.digest).unwrap(), &one));
        records.insert(&again);
        assert!(Arc::ptr_eq(&records.get(&one.digest).unwrap(), &again));
        assert!(!one.is_current() && again.is_current());
        records.forget(&one.digest);
        assert!(!again.is_current() && records.get(&one.digest).is_none());
    }

    #[test]
    fn what_is_evicted_no_longer_holds_and_what_is_held_does() {
        let records = Records::new(2_000);
        let all: Vec<_> = (0..20_000).map(Entry::sample).collect();
        for entry in &all {
            records.insert(entry);
        }
        records.settle();
        assert!(records.count() <= 2_000, "{}", records.count());
        let held: Vec<_> = all.iter().map(|entry| records.get(&entry.digest).is_some()).collect();
        let valid: Vec<_> = all.iter().map(|entry| entry.is_current()).collect();
        assert_eq!(held, valid);
        let count = u64::try_from(held.iter().filter(|held| **held).count()).unwrap();
        assert!(count == records.count() && count > 500, "{count}");
    }

    #[test]
    fn a_walk_through_many_tokens_leaves_most_of_those_in_use() {
        let records = Records::new(2_000);
        let all: Vec<_> = (0..6_000).map(Entry::sample).collect();
        let (mine, others) = all.split_at(2_000);
        let (used, unused) = mine.split_at(1_000);
        mine.iter().for_each(|entry| records.insert(entry));
        for entry in used {
            entry.last_seen.advance(Timestamp::from_unix(1_000_000));
        }
        records.settle();
        for entry in others {
            records.insert(entry);
            records.settle();
        }
        let left = |entries: &[Arc<Entry>]| {
            entries.iter().filter(|entry| records.get(&entry.digest).is_some()).count()
        };
        assert!(left(used) > 950 && left(unused) < 900, "{} {}", left(used), left(unused));
        assert!(records.count() <= 2_000, "{}", records.count());
    }

    #[test]
    fn as_many_records_as_there_is_room_for_are_held() {
        let records = Records::new(20_000);
        let all: Vec<_> = (0..20_000).map(Entry::sample).collect();
        for entry in &all {
            records.insert(entry);
        }
        records.settle();
        assert!(all.iter().all(|entry| records.get(&entry.digest).is_some()));
        let groups = records.groups.entry_count();
        assert!(groups <= 20_000 / GROUP, "{groups}");
    }
}
