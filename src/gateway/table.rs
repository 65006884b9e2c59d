//! A core's own table in front of the cache: small, without locks, and right because each record says
//! itself whether it still holds.

use std::cell::RefCell;

use crate::domain::secret::Digest;

/// A table with one place for each digest; whoever comes later takes the place.
#[derive(Debug)]
pub(super) struct Table<T> {
    places: RefCell<Vec<Option<T>>>,
}

impl<T: Clone> Table<T> {
    /// A table of `size` places, rounded up to a power of two.
    pub(super) fn new(size: usize) -> Self {
        Self { places: RefCell::new(vec![None; size.next_power_of_two()]) }
    }

    /// What stands in the place of `digest`, if `is_it`.
    pub(super) fn find(&self, digest: &Digest, is_it: impl FnOnce(&T) -> bool) -> Option<T> {
        let places = self.places.borrow();
        let place = places.get(place_of(digest, places.len()))?.as_ref()?;
        is_it(place).then(|| place.clone())
    }

    /// Takes the place of `digest`.
    pub(super) fn put(&self, digest: &Digest, value: T) {
        let mut places = self.places.borrow_mut();
        let at = place_of(digest, places.len());
        if let Some(place) = places.get_mut(at) {
            *place = Some(value);
        }
    }
}

fn place_of(digest: &Digest, size: usize) -> usize {
    let (head, _) = digest.as_bytes().split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    // The size is a power of two.
    usize::try_from(u64::from_le_bytes(*head) & (size as u64).wrapping_sub(1)).unwrap_or(0)
}
