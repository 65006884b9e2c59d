//! A core's own table in front of the cache: without locks, and right because each record says
//! itself whether it still holds.
//!
//! A look reads one cache line for the place, and then the record. With many tokens in use both are
//! cold memory, and a line that has to be fetched costs more than what is done with it; an owner's
//! own flag, and its company's, are therefore read only after some owner or company was changed.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::cache::{Cache, Entry};
use crate::domain::secret::Digest;

/// The places of one cache line.
const WAYS: usize = 4;

/// How many lines a table begins with, and how many it has at the most: 64 MiB, for some three
/// million records.
const LINES: (usize, usize) = (1 << 10, 1 << 20);

/// By how much a table grows that has become too small.
const GROWTH: usize = 4;

/// Records by their digest. Each has its place in one line; when that is full, the oldest goes.
#[derive(Debug)]
pub(super) struct Table {
    /// As many as a power of two.
    lines: RefCell<Vec<Line>>,
    lines_max: usize,
    /// How many records went, for others, since the table last grew.
    displaced: Cell<usize>,
}

#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct Line([Option<Place>; WAYS]);

#[derive(Clone, Debug)]
struct Place {
    entry: Arc<Entry>,
    /// The beginning of its digest, whose last bits are the number of its line.
    tag: u32,
    /// Which change to owners and companies was the last when its own were last seen to hold; the
    /// low bits of it.
    owners: u32,
}

impl Table {
    /// A table for about as many records as the cache holds. It is small until there are many.
    pub(super) fn new(records: u64) -> Self {
        let wanted = usize::try_from(records).unwrap_or(usize::MAX) / (WAYS - 1);
        let lines_max = wanted.clamp(LINES.0, LINES.1).next_power_of_two();
        let lines = RefCell::new(vec![Line::default(); LINES.0]);
        Self { lines, lines_max, displaced: Cell::new(0) }
    }

    /// The record of `digest`, if it is here and still holds.
    pub(super) fn find(&self, digest: &Digest, cache: &Cache) -> Option<Arc<Entry>> {
        let mut lines = self.lines.borrow_mut();
        let tag = tag_of(digest);
        let at = tag as usize & lines.len().wrapping_sub(1);
        let mut alike = lines.get_mut(at)?.0.iter_mut().flatten().filter(|place| place.tag == tag);
        let place = alike.find(|place| {
            place.entry.fetch();
            place.entry.digest == *digest
        })?;
        let owners = low_bits(cache.owners_epoch());
        if place.owners != owners && place.entry.is_valid() {
            place.owners = owners;
        }
        let holds = place.owners == owners && place.entry.is_current();
        holds.then(|| Arc::clone(&place.entry))
    }

    /// Gives a record its place. It was seen to hold after `owners_epoch` was read.
    pub(super) fn put(&self, entry: &Arc<Entry>, owners_epoch: u64) {
        let mut lines = self.lines.borrow_mut();
        let (tag, owners) = (tag_of(&entry.digest), low_bits(owners_epoch));
        if put(&mut lines, Place { entry: Arc::clone(entry), tag, owners }) {
            return;
        }
        self.displaced.set(self.displaced.get().saturating_add(1));
        if self.displaced.get() > lines.len() / GROWTH && lines.len() < self.lines_max {
            self.displaced.set(0);
            let grown = lines.len().saturating_mul(GROWTH).min(self.lines_max);
            let before = std::mem::replace(&mut *lines, vec![Line::default(); grown]);
            for place in
                before.into_iter().flat_map(|Line(places)| places.into_iter().rev().flatten())
            {
                put(&mut lines, place);
            }
        }
    }
}

/// Gives a record its place; false if another one that holds had to go for it.
fn put(lines: &mut [Line], new: Place) -> bool {
    let at = new.tag as usize & lines.len().wrapping_sub(1);
    let Some(Line(places)) = lines.get_mut(at) else { return true };
    let same = |place: &Place| place.tag == new.tag && place.entry.digest == new.entry.digest;
    let known = places.iter().position(|place| place.as_ref().is_some_and(same));
    let free = known.or_else(|| {
        let over = |place: &Place| !place.entry.is_current();
        places.iter().position(|place| place.as_ref().is_none_or(over))
    });
    // The newest stands first, so that the last is the oldest.
    if let Some(moved) = places.get_mut(..=free.unwrap_or(WAYS - 1)) {
        moved.rotate_right(1);
    }
    if let Some(first) = places.first_mut() {
        *first = Some(new);
    }
    free.is_some()
}

fn tag_of(digest: &Digest) -> u32 {
    digest.as_bytes().first_chunk::<4>().map_or(0, |head| u32::from_le_bytes(*head))
}

const fn low_bits(epoch: u64) -> u32 {
    (epoch & 0xffff_ffff) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        cache: Arc<Cache>,
        _runtime: tokio::runtime::Runtime,
        _folder: tempfile::TempDir,
    }

    fn world() -> World {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let cache = runtime.block_on(Cache::sample(folder.path()));
        World { cache, _runtime: runtime, _folder: folder }
    }

    #[test]
    fn a_record_is_found_until_it_no_longer_holds() {
        let (table, world) = (Table::new(1_000_000), world());
        let find = |entry: &Entry| table.find(&entry.digest, &world.cache);
        let (one, other) = (Entry::sample(1), Entry::sample(2));
        assert!(find(&one).is_none());
        table.put(&one, 0);
        assert!(Arc::ptr_eq(&find(&one).unwrap(), &one));
        assert!(find(&other).is_none());
        one.sample_over();
        assert!(find(&one).is_none());
        let again = Entry::sample(1);
        table.put(&again, 0);
        assert!(Arc::ptr_eq(&find(&one).unwrap(), &again));
    }

    #[test]
    fn an_owner_that_changed_ends_what_holds_by_him() {
        let (table, world) = (Table::new(1_000_000), world());
        let entry = Entry::sample(1);
        table.put(&entry, world.cache.owners_epoch());
        entry.owner.sample_over();
        world.cache.sample_owners_changed();
        assert!(table.find(&entry.digest, &world.cache).is_none());
        assert!(table.find(&entry.digest, &world.cache).is_none(), "nor at the second look");
    }

    #[test]
    fn f5_a_company_that_changed_ends_what_holds_by_it_and_nothing_else() {
        let (table, world) = (Table::new(1_000_000), world());
        let acme = crate::store::sample::company("acme", &["stock"]);
        let (mine, other) = (Entry::sample_in(1, &acme), Entry::sample(2));
        table.put(&mine, world.cache.owners_epoch());
        table.put(&other, world.cache.owners_epoch());
        mine.sample_company_over();
        assert!(
            table.find(&mine.digest, &world.cache).is_some(),
            "nobody looks at it before the epoch says so"
        );
        world.cache.sample_owners_changed();
        for _ in 0..2 {
            assert!(table.find(&mine.digest, &world.cache).is_none());
            assert!(table.find(&other.digest, &world.cache).is_some());
        }
    }

    #[test]
    fn the_oldest_of_a_full_line_goes_unless_one_no_longer_holds() {
        let (table, world) = (Table::new(1), world());
        let line = |entry: &Arc<Entry>| tag_of(&entry.digest) as usize % LINES.0;
        let mut alike = (0..).map(Entry::sample).filter(|entry| line(entry) == 7);
        let five: Vec<_> = alike.by_ref().take(WAYS + 1).collect();
        five.iter().for_each(|entry| table.put(entry, 0));
        let found = || five.iter().map(|entry| table.find(&entry.digest, &world.cache).is_some());
        assert_eq!(found().collect::<Vec<_>>(), [false, true, true, true, true]);
        five[3].sample_over();
        table.put(&five[0], 0);
        assert_eq!(found().collect::<Vec<_>>(), [true, true, true, false, true]);
        table.put(&five[0], 0);
        assert_eq!(found().filter(|found| *found).count(), WAYS, "nobody has two places");
    }

    #[test]
    fn a_table_grows_with_the_records_and_loses_few_of_them() {
        let (table, world) = (Table::new(30_000), world());
        let all: Vec<_> = (0..20_000).map(Entry::sample).collect();
        assert_eq!(table.lines.borrow().len(), LINES.0);
        all.iter().for_each(|entry| table.put(entry, 0));
        assert_eq!(table.lines.borrow().len(), table.lines_max);
        all.iter().for_each(|entry| table.put(entry, 0));
        let found = all.iter().filter(|entry| table.find(&entry.digest, &world.cache).is_some());
        assert!(found.count() > 19_000);
    }
}
