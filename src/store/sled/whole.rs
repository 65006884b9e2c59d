//! Whether an index is whole: every entry is read, by as many threads as there are cores.
//!
//! The running sum does not depend on the order, so that the keys are divided into pieces, and each thread
//! takes the next piece when it is done with one.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread;

use ::sled::{Db, IVec, Iter, Result};

use super::{keys, value};

/// Into how many pieces the keys of one kind are divided: enough that no thread waits long for the last.
const PIECES: u64 = 64;
/// More threads wait for the disk and for one another.
const THREADS_MAX: usize = 16;

/// From a key on, up to another one or the end.
type Piece = (IVec, Option<IVec>);

/// What all entries are together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The sum of their weights, but for that of the state.
    pub(super) sum: u64,
    /// Whether the value of one of them does not verify.
    pub(super) bad: bool,
}

/// Reads every entry, whose values are of a format.
pub(super) fn read(db: &Db, format: u8) -> Result<Found> {
    let waiting = Mutex::new(pieces(db)?);
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let work = || {
        let mut found = Found::default();
        while let Some(piece) = next() {
            let (from, to) = piece;
            add(between(db, &from, to.as_deref()), format, &mut found)?;
        }
        Ok(found)
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(found) => all = all.and_then(|all| Ok(all.with(found?))),
                // As if it had been met here, where it is caught.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

impl Found {
    const fn with(self, other: Self) -> Self {
        Self { sum: self.sum.wrapping_add(other.sum), bad: self.bad || other.bad }
    }
}

/// Reads `most` entries at the most, from a key on up to another one or the end; answers with what they are
/// together, and where to go on if that was not all.
pub(super) fn read_some(
    db: &Db,
    from: &[u8],
    to: Option<&[u8]>,
    most: usize,
) -> Result<(Found, Option<Vec<u8>>)> {
    let mut found = Found::default();
    let last = add(between(db, from, to).take(most), value::FORMAT, &mut found)?;
    // The next key that there can be.
    let next = last.filter(|(_, count)| *count == most).map(|(key, _)| [&key[..], &[0]].concat());
    Ok((found, next))
}

fn between(db: &Db, from: &[u8], to: Option<&[u8]>) -> Iter {
    match to {
        Some(to) => db.range(from..to),
        None => db.range(from..),
    }
}

/// Adds entries to what was found; answers with the last one's key, and how many there were.
fn add(
    entries: impl Iterator<Item = Result<(IVec, IVec)>>,
    format: u8,
    found: &mut Found,
) -> Result<Option<(IVec, usize)>> {
    let mut last = None;
    for (count, entry) in (1..).zip(entries) {
        let (key, raw) = entry?;
        found.bad |= value::open_as(format, &key, &raw).is_err();
        if key != keys::STATE {
            found.sum = found.sum.wrapping_add(value::weight(&key, &raw));
        }
        last = Some((key, count));
    }
    Ok(last)
}

/// All keys in pieces, without a gap between two. Keys of one kind, which begin alike, are divided as if
/// they lay evenly between the first and the last one.
fn pieces(db: &Db) -> Result<VecDeque<Piece>> {
    let mut starts = vec![IVec::from(&[][..])];
    let mut from = Vec::new();
    while let Some(first) = db.range(from..).next() {
        let (first, _) = first?;
        let Some(kind) = first.first().copied() else {
            from = vec![0];
            continue;
        };
        let Some(last) = db.scan_prefix([kind]).next_back() else { break };
        starts.extend(divide(&first, &last?.0));
        match kind.checked_add(1) {
            Some(next) => from = vec![next],
            None => break,
        }
    }
    let ends = starts.iter().skip(1).cloned().map(Some).chain([None]);
    Ok(starts.iter().cloned().zip(ends).collect())
}

/// Keys from `first` on, in ascending order, that divide what lies between the two.
fn divide(first: &IVec, last: &IVec) -> Vec<IVec> {
    let same = first.iter().zip(last.iter()).take_while(|(one, other)| one == other).count();
    let (low, high) = (word(first, same), word(last, same));
    let step = high.saturating_sub(low) / PIECES;
    let mut starts = vec![first.clone()];
    if step > 0 {
        let prefix = first.get(..same).unwrap_or_default();
        let begin = |piece: u64| low.saturating_add(step.saturating_mul(piece)).to_be_bytes();
        starts.extend((1..PIECES).map(|piece| [prefix, &begin(piece)].concat().into()));
    }
    starts
}

/// Eight bytes of a key as a number, zeros where it ends.
fn word(key: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    for (byte, found) in bytes.iter_mut().zip(key.iter().skip(at)) {
        *byte = *found;
    }
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{any, prop};

    use super::*;

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn every_entry_is_read_once(
            keys in prop::collection::btree_map(prop::collection::vec(any::<u8>(), 0..12), 0..9_u8, 0..200),
            alike in prop::collection::btree_set(any::<u32>(), 0..200),
        ) {
            let mut entries: BTreeMap<Vec<u8>, u8> = keys;
            entries.extend(alike.iter().map(|n| ([&b"Talike"[..], &n.to_be_bytes()].concat(), 1)));
            let folder = tempfile::tempdir().unwrap();
            let db = ::sled::Config::new().path(folder.path()).open().unwrap();
            let mut wanted = Found::default();
            for (key, number) in &entries {
                let value = value::seal(key, &[*number]);
                wanted.sum = wanted.sum.wrapping_add(value::weight(key, &value));
                db.insert(key, value).unwrap();
            }
            assert_eq!(read(&db, value::FORMAT).unwrap(), wanted);
            let pieces = pieces(&db).unwrap();
            assert!(pieces.iter().zip(pieces.iter().skip(1)).all(|(one, next)| one.1.as_ref() == Some(&next.0)));
            assert!(pieces.iter().all(|(from, to)| to.as_ref().is_none_or(|to| from <= to)));
        }
    }
}
