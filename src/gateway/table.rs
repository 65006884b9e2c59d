//! A core's own table in front of the cache: without locks, and right because each record says itself
//! whether it still holds.
//!
//! A look touches one cache line for the place and then the record. With many tokens in use both are cold
//! memory, and a line that has to be fetched costs more than everything that is done with it.

use std::cell::RefCell;
use std::sync::Arc;

use crate::cache::Entry;
use crate::domain::secret::Digest;

/// The places of one cache line.
const WAYS: usize = 4;

/// The lines that are made together, when the first of them is used: a table for many records costs
/// nothing before there are many.
const PAGE_LINES: usize = 64;

/// The most pages that a table has: 64 MiB, for some three million records.
const PAGES_MAX: usize = 1 << 14;

/// Records by their digest. Each has its place in one line; when that is full, the oldest goes.
#[derive(Debug)]
pub(super) struct Table {
    pages: RefCell<Vec<Option<Box<Page>>>>,
}

#[derive(Debug)]
struct Page([Line; PAGE_LINES]);

#[derive(Debug, Default)]
#[repr(align(64))]
struct Line([Option<Place>; WAYS]);

/// A record, and a part of its digest that the place does not follow from.
#[derive(Debug)]
struct Place {
    entry: Arc<Entry>,
    tag: u32,
}

impl Table {
    /// A table for about as many records as the cache holds.
    pub(super) fn new(records: u64) -> Self {
        let wanted = usize::try_from(records).unwrap_or(usize::MAX) / (WAYS - 1) / PAGE_LINES;
        let pages = wanted.clamp(1, PAGES_MAX).next_power_of_two();
        Self { pages: RefCell::new(std::iter::repeat_with(|| None).take(pages).collect()) }
    }

    /// The record of `digest`, if it is here and still holds.
    pub(super) fn find(&self, digest: &Digest) -> Option<Arc<Entry>> {
        let pages = self.pages.borrow();
        let (page, line, tag) = place_of(digest, pages.len());
        let Line(places) = pages.get(page)?.as_ref()?.0.get(line)?;
        let mut alike = places.iter().flatten().filter(|place| place.tag == tag);
        let place = alike.find(|place| place.entry.digest == *digest)?;
        place.entry.is_valid().then(|| Arc::clone(&place.entry))
    }

    /// Gives a record its place.
    pub(super) fn put(&self, entry: &Arc<Entry>) {
        let mut pages = self.pages.borrow_mut();
        let (page, line, tag) = place_of(&entry.digest, pages.len());
        let Some(page) = pages.get_mut(page) else { return };
        let Page(lines) = &mut **page
            .get_or_insert_with(|| Box::new(Page(std::array::from_fn(|_| Line::default()))));
        let Some(Line(places)) = lines.get_mut(line) else { return };
        let same = |place: &Option<Place>| {
            place.as_ref().is_none_or(|place| {
                (place.tag == tag && place.entry.digest == entry.digest) || !place.entry.is_valid()
            })
        };
        // The newest stands first, so that the last is the oldest.
        let end = places.iter().position(same).unwrap_or(WAYS - 1);
        if let Some(moved) = places.get_mut(..=end) {
            moved.rotate_right(1);
        }
        if let Some(first) = places.first_mut() {
            *first = Some(Place { entry: Arc::clone(entry), tag });
        }
    }
}

/// The page of a digest, its line there, and its tag. The number of pages is a power of two.
fn place_of(digest: &Digest, pages: usize) -> (usize, usize, u32) {
    let (head, rest) = digest.as_bytes().split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
    let head = u32::from_le_bytes(*head) as usize;
    let page = (head / PAGE_LINES) & pages.wrapping_sub(1);
    (page, head % PAGE_LINES, rest.first_chunk::<4>().map_or(0, |tag| u32::from_le_bytes(*tag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_until_it_no_longer_holds() {
        let table = Table::new(1_000_000);
        let (one, other) = (Entry::sample(1), Entry::sample(2));
        assert!(table.find(&one.digest).is_none());
        table.put(&one);
        assert!(Arc::ptr_eq(&table.find(&one.digest).unwrap(), &one));
        assert!(table.find(&other.digest).is_none());
        one.sample_over();
        assert!(table.find(&one.digest).is_none());
        let again = Entry::sample(1);
        table.put(&again);
        assert!(Arc::ptr_eq(&table.find(&one.digest).unwrap(), &again));
    }

    #[test]
    fn the_oldest_of_a_full_line_goes_unless_one_no_longer_holds() {
        let table = Table::new(1);
        let line = |entry: &Arc<Entry>| place_of(&entry.digest, 1).1;
        let mut alike = (0..).map(Entry::sample).filter(|entry| line(entry) == 7);
        let five: Vec<_> = alike.by_ref().take(WAYS + 1).collect();
        five.iter().for_each(|entry| table.put(entry));
        let found = || five.iter().map(|entry| table.find(&entry.digest).is_some());
        assert_eq!(found().collect::<Vec<_>>(), [false, true, true, true, true]);
        five[3].sample_over();
        table.put(&five[0]);
        assert_eq!(found().collect::<Vec<_>>(), [true, true, true, false, true]);
        table.put(&five[0]);
        assert_eq!(found().filter(|found| *found).count(), WAYS, "nobody has two places");
    }

    #[test]
    fn the_memory_grows_with_the_records() {
        let table = Table::new(100_000_000);
        let pages = || table.pages.borrow().iter().flatten().count();
        assert_eq!((table.pages.borrow().len(), pages()), (PAGES_MAX, 0));
        table.put(&Entry::sample(1));
        assert_eq!(pages(), 1);
    }
}
