//! Several entries, neighbours in the order of their keys, in one value of sled.
//!
//! A payload has the beginning that all keys share, and then each entry: what is left of its key, and its own
//! payload. Lengths come first, seven bits to a byte.

use std::ops::Range;

use ::sled::IVec;

/// A chunk is divided when its entries cost more than this; what one costs is its bytes and [`ENTRY`].
const MOST: usize = 1_536;
/// What an entry costs beside its bytes, so that a chunk has not too many small ones: a change of one writes the
/// whole chunk anew.
const ENTRY: usize = 48;

/// sled looks to the left of a page for its neighbour by a key that ends with these bytes, and gives up where a
/// page begins behind it and before the next. So no chunk begins with a key that has them, see `packed`.
const NOT_IN_KEYS: [u8; 4] = [u8::MAX; 4];

/// Entries that lie together.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk(IVec);

/// One of them: what is left of its key, its payload, and where that stands.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    suffix: &'a [u8],
    payload: &'a [u8],
    at: usize,
}

impl Chunk {
    /// The chunk of a payload, which verified.
    pub(super) const fn new(payload: IVec) -> Self {
        Self(payload)
    }

    /// The payload under a key.
    ///
    /// # Errors
    /// The chunk does not read as one.
    pub(super) fn find(&self, key: &[u8]) -> Result<Option<IVec>, &'static str> {
        let (prefix, entries) = self.split()?;
        let Some(wanted) = key.strip_prefix(prefix) else { return Ok(None) };
        for entry in entries {
            let entry = entry?;
            if entry.suffix == wanted {
                return Ok(Some(self.0.subslice(entry.at, entry.payload.len())));
            }
        }
        Ok(None)
    }

    /// All keys with their payloads, in order.
    ///
    /// # Errors
    /// As [`Chunk::find`].
    pub(super) fn entries(&self) -> Result<Vec<(Vec<u8>, IVec)>, &'static str> {
        let (prefix, entries) = self.split()?;
        let whole = |entry: Result<Entry<'_>, _>| {
            let Entry { suffix, payload, at } = entry?;
            Ok(([prefix, suffix].concat(), self.0.subslice(at, payload.len())))
        };
        entries.map(whole).collect()
    }

    fn split(&self) -> Result<(&[u8], Entries<'_>), &'static str> {
        let mut entries = Entries { bytes: &self.0, at: 0 };
        if self.0.is_empty() {
            return Ok((&[], entries));
        }
        let prefix = entries.number().and_then(|length| entries.some(length));
        Ok((prefix.ok_or("the chunk is cut short")?, entries))
    }
}

/// Goes through the entries of a chunk.
#[derive(Debug)]
struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Entries<'a> {
    fn number(&mut self) -> Option<usize> {
        let mut number = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            number |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn some(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn entry(&mut self) -> Option<Entry<'a>> {
        let (suffix, payload) = (self.number()?, self.number()?);
        let suffix = self.some(suffix)?;
        Some(Entry { suffix, at: self.at, payload: self.some(payload)? })
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.at < self.bytes.len()).then(|| self.entry().ok_or("the chunk is cut short"))
    }
}

/// The payload of a chunk of these entries, which are in order.
pub(super) fn pack(entries: &[(Vec<u8>, IVec)]) -> Vec<u8> {
    let (Some((first, _)), Some((last, _))) = (entries.first(), entries.last()) else {
        return Vec::new();
    };
    let shared = alike(first, last);
    let mut packed = Vec::with_capacity(entries.iter().map(cost).sum());
    put_number(&mut packed, shared);
    packed.extend_from_slice(first.get(..shared).unwrap_or_default());
    for (key, payload) in entries {
        let suffix = key.get(shared..).unwrap_or_default();
        put_number(&mut packed, suffix.len());
        put_number(&mut packed, payload.len());
        packed.extend_from_slice(suffix);
        packed.extend_from_slice(payload);
    }
    packed
}

fn put_number(into: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        into.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    into.push(number.to_le_bytes()[0]);
}

/// Divides the entries of a chunk that has grown; with each piece but the first comes the key at which it
/// begins. Where all that is new came `behind` the rest, as records and deadlines do, pieces are full, since
/// hardly anything will come between; else they are alike, so that there is room in each.
pub(super) fn divide(
    entries: &[(Vec<u8>, IVec)],
    behind: bool,
) -> Vec<(Option<Vec<u8>>, Range<usize>)> {
    let all: usize = entries.iter().map(cost).sum();
    let wanted = if behind { MOST } else { all / all.div_ceil(MOST).max(1) };
    let (mut pieces, mut begin, mut from) = (Vec::new(), None, 0);
    let (mut has, mut last): (_, Option<&Vec<u8>>) = (0, None);
    for (at, entry) in entries.iter().enumerate() {
        let cost = cost(entry);
        if all > MOST
            && has + cost / 2 > wanted
            && let Some(key) = last.and_then(|last| between(last, &entry.0))
        {
            pieces.push((begin.replace(key), from..at));
            (from, has) = (at, 0);
        }
        (has, last) = (has + cost, Some(&entry.0));
    }
    pieces.push((begin, from..entries.len()));
    pieces
}

fn cost((key, payload): &(Vec<u8>, IVec)) -> usize {
    key.len() + payload.len() + ENTRY
}

/// The shortest key behind one and not behind the next; none if no chunk may begin with it.
fn between(one: &[u8], next: &[u8]) -> Option<Vec<u8>> {
    let key = next.get(..=alike(one, next))?;
    let usable = !key.windows(NOT_IN_KEYS.len()).any(|bytes| bytes == NOT_IN_KEYS);
    usable.then(|| key.to_vec())
}

fn alike(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop};

    use super::*;

    type Map = std::collections::BTreeMap<Vec<u8>, Vec<u8>>;

    fn of(map: &Map) -> Vec<(Vec<u8>, IVec)> {
        map.iter().map(|(key, payload)| (key.clone(), payload.as_slice().into())).collect()
    }

    proptest::proptest! {
        #[test]
        fn what_is_packed_is_found_and_nothing_else(
            map in prop::collection::btree_map(
                prop::collection::vec(0..4_u8, 0..5),
                prop::collection::vec(any::<u8>(), 0..300),
                0..12,
            ),
            other in prop::collection::vec(0..4_u8, 0..5),
        ) {
            let entries = of(&map);
            let packed = pack(&entries);
            let chunk = Chunk::new(packed.as_slice().into());
            assert_eq!(chunk.entries().unwrap(), entries);
            for key in map.keys().chain([&other]) {
                let wanted = map.get(key).map(|payload| IVec::from(payload.as_slice()));
                assert_eq!(chunk.find(key).unwrap(), wanted);
            }
            // Cut anywhere, it is fewer entries or an error.
            for end in 0..packed.len() {
                let cut = Chunk::new(packed[..end].into());
                assert!(cut.entries().is_err() || cut.entries().unwrap().len() < entries.len());
            }
        }

        #[test]
        fn pieces_have_all_entries_and_begin_where_no_other_ends(
            map in prop::collection::btree_map(
                prop::collection::vec(prop::sample::select(vec![0, 1, u8::MAX]), 0..12),
                prop::collection::vec(any::<u8>(), 0..900),
                1..60,
            ),
            behind: bool,
        ) {
            let entries = of(&map);
            let pieces = divide(&entries, behind);
            assert!(pieces[0].0.is_none() && pieces[0].1.start == 0);
            assert_eq!(pieces.last().unwrap().1.end, entries.len());
            let all: usize = entries.iter().map(cost).sum();
            assert!(pieces.len() == 1 || all > MOST);
            for pair in pieces.windows(2) {
                let [(_, left), (begin, right)] = pair else { panic!("{pair:?}") };
                assert_eq!(left.end, right.start);
                let begin = begin.as_ref().unwrap();
                assert!(entries[left.end - 1].0 < *begin && *begin <= entries[right.start].0);
                assert!(!begin.windows(4).any(|bytes| bytes == [0xff; 4]), "{begin:?}");
            }
        }
    }

    #[test]
    fn records_that_are_appended_fill_their_chunks_and_others_leave_room() {
        let entry = |n: u32| (n.to_be_bytes().to_vec(), IVec::from(vec![0; 100]));
        let entries: Vec<_> = (0..1_000).map(entry).collect();
        let each = MOST / cost(&entries[0]);
        let pieces = divide(&entries, true);
        assert!(pieces.iter().rev().skip(1).all(|(_, piece)| piece.len().abs_diff(each) <= 1));
        let pieces = divide(&entries[..=each], false);
        let lengths: Vec<_> = pieces.iter().map(|(_, piece)| piece.len()).collect();
        assert!(lengths.len() == 2 && lengths[0].abs_diff(lengths[1]) <= 1, "{lengths:?}");
    }
}
