//! A batch: what it changes of the entries, and what that makes of the chunks.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ::sled::{Batch, IVec};

use super::chunk;
use super::index::Index;
use super::packed::PlaceOf;
use super::state::State;
use super::summaries::Changed;
use super::{keys, value};
use crate::domain::token::Token;
use crate::store::StoreError;

/// Writes that are seen together or not at all.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    index: &'a Index,
    writes: BTreeMap<Vec<u8>, Option<IVec>>,
    tokens: u64,
    /// The tokens that it changes, with their slots, in the order of the changes.
    changed: Vec<Changed>,
    places: Places,
}

/// Where entries belong, by their keys, as it was found before the batch.
pub(super) type Places = HashMap<Vec<u8>, PlaceOf>;

impl<'a> Draft<'a> {
    pub(super) fn new(index: &'a Index, state: &State) -> Self {
        Self::knowing(index, state, Places::new())
    }

    /// A draft that knows where some of its entries belong.
    pub(super) fn knowing(index: &'a Index, state: &State, places: Places) -> Self {
        let (writes, changed) = (BTreeMap::new(), Vec::new());
        Self { index, writes, tokens: state.tokens, changed, places }
    }

    /// The slot of a new token.
    pub(super) const fn next_slot(&mut self) -> u64 {
        let slot = self.tokens;
        self.tokens = self.tokens.saturating_add(1);
        slot
    }

    /// Notes a token that is changed.
    pub(super) fn note(&mut self, slot: u64, token: &Arc<Token>) {
        self.changed.push((slot, Arc::clone(token)));
    }

    /// Hands out what was noted.
    pub(super) fn take_changed(&mut self) -> Vec<Changed> {
        std::mem::take(&mut self.changed)
    }

    pub(super) const fn index(&self) -> &'a Index {
        self.index
    }

    /// The payload under a key, as the batch leaves it.
    pub(super) fn read(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        match self.writes.get(key) {
            Some(written) => Ok(written.clone()),
            None => self.index.read(key),
        }
    }

    pub(super) fn put(&mut self, key: Vec<u8>, payload: &[u8]) {
        self.writes.insert(key, Some(payload.into()));
    }

    pub(super) fn delete(&mut self, key: Vec<u8>) {
        self.writes.insert(key, None);
    }

    /// How many entries the batch has so far.
    pub(super) fn len(&self) -> usize {
        self.writes.len()
    }

    /// Writes the batch, and says in it that events up to `applied` are in the index.
    pub(super) fn write(self, applied: u64, state: &State) -> Result<State, StoreError> {
        let Self { index, writes, tokens, places, .. } = self;
        let mut packing = Packing { index, places, chunks: HashMap::new() };
        packing.pack(writes.into_iter().collect())?;
        let (mut sums, mut batch) = (state.sums, Batch::default());
        for (at, Written { old, new }) in packing.chunks {
            if let Some(old) = old {
                sums.add(&at, value::weight(&at, &old).wrapping_neg());
            }
            match new {
                Some(new) => {
                    sums.add(&at, value::weight(&at, &new));
                    batch.insert(at, new);
                }
                None => batch.remove(at),
            }
        }
        let state = State { applied, batches: state.batches.wrapping_add(1), sums, tokens };
        batch.insert(keys::STATE, value::seal(keys::STATE, &state.words()));
        index.apply(batch)?;
        Ok(state)
    }
}

/// Makes changes of chunks out of changes of entries.
struct Packing<'a> {
    index: &'a Index,
    places: Places,
    chunks: HashMap<IVec, Written>,
}

/// What the index has in a place, whatever that is, and what is written there.
struct Written {
    old: Option<IVec>,
    new: Option<IVec>,
}

/// A key with its payload, or without one if the entry goes.
type Change = (Vec<u8>, Option<IVec>);

/// Changes in the order of their keys.
type Changes = Vec<Change>;

impl Packing<'_> {
    fn pack(&mut self, changes: Changes) -> Result<(), StoreError> {
        let mut places = Vec::with_capacity(changes.len());
        if let (Some((first, _)), Some((last, _))) = (changes.first(), changes.last()) {
            self.places(&changes, self.find(first)?, self.find(last)?, &mut places)?;
        }
        let mut groups: Vec<(PlaceOf, Changes)> = Vec::new();
        for (found, change) in places.into_iter().zip(changes) {
            match groups.last_mut() {
                Some((last, changes)) if last.0 == found.0 => changes.push(change),
                _ => groups.push((found, vec![change])),
            }
        }
        groups.into_iter().try_for_each(|(found, changes)| self.rewrite(found, changes))
    }

    /// The chunk in which a key belongs.
    fn find(&self, key: &[u8]) -> Result<PlaceOf, StoreError> {
        self.places.get(key).map_or_else(|| self.index.place_of(key), |place| Ok(place.clone()))
    }

    /// Where each change belongs. Where the `first` and the `last` belong to the same chunk, all between do, so
    /// that records which are appended cost two lookups.
    fn places(
        &self,
        changes: &[Change],
        first: PlaceOf,
        last: PlaceOf,
        into: &mut Vec<PlaceOf>,
    ) -> Result<(), StoreError> {
        let half = changes.len() / 2;
        if first.0 == last.0 {
            into.extend(std::iter::repeat_n(first, changes.len()));
        } else if let (Some((key, _)), true) = (changes.get(half), changes.len() > 2) {
            let middle = self.find(key)?;
            self.places(changes.get(..=half).unwrap_or_default(), first, middle.clone(), into)?;
            into.pop();
            self.places(changes.get(half..).unwrap_or_default(), middle, last, into)?;
        } else {
            into.extend([first, last]);
        }
        Ok(())
    }

    fn rewrite(&mut self, (at, raw): PlaceOf, changes: Changes) -> Result<(), StoreError> {
        let chunk = raw.as_ref().map(|raw| self.index.open_chunk(&at, raw)).transpose()?;
        let entries = chunk.unwrap_or_default().entries();
        let mut entries = entries.map_err(|what| self.index.damage(&at, what))?;
        let behind = match (entries.last(), changes.first()) {
            (Some((last, _)), Some((first, _))) => last < first,
            _ => true,
        };
        if !change(&mut entries, changes) {
            return Ok(());
        }
        if entries.is_empty() {
            self.chunks.insert(at, Written { old: raw, new: None });
            return Ok(());
        }
        for (begin, piece) in chunk::divide(&entries, behind) {
            // In a new place there is something where a chunk is an older one, from before it was divided.
            let (key, old) = match begin {
                None => (at.clone(), raw.clone()),
                Some(key) => (key.as_slice().into(), self.index.raw(&key)?),
            };
            let sealed = value::seal(&key, &chunk::pack(entries.get(piece).unwrap_or_default()));
            self.chunks.insert(key, Written { old, new: Some(sealed) });
        }
        Ok(())
    }
}

/// Makes changes to entries in order; answers whether that makes a difference.
fn change(entries: &mut Vec<(Vec<u8>, IVec)>, changes: Changes) -> bool {
    let mut different = false;
    for (key, payload) in changes {
        let place = entries.binary_search_by(|(found, _)| found.cmp(&key));
        let old = place.ok().and_then(|at| entries.get_mut(at));
        match (place, payload, old) {
            (_, Some(payload), Some((_, old))) => {
                different |= *old != payload;
                *old = payload;
            }
            (Ok(at), None, _) => {
                different = true;
                entries.remove(at);
            }
            (Err(at), Some(payload), _) => {
                different = true;
                entries.insert(at, (key, payload));
            }
            _ => {}
        }
    }
    different
}
