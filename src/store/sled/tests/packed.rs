//! Entries that lie packed in sled, against a plain map, and read while they change.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::{any, prop};

use crate::store::sled::draft::Draft;
use crate::store::sled::index::Index;
use crate::store::sled::state::{State, Sums};
use crate::store::sled::{keys, value};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

fn index() -> (Index, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Index::open(folder.path(), 1 << 20).unwrap(), folder)
}

/// Keys of all kinds, close together, some with the bytes that sled's pages must not begin with.
fn key(kind: usize, number: u32) -> Vec<u8> {
    let kind = b"BDLOST"[kind % 6];
    let bytes = number.to_be_bytes().map(|byte| if byte % 4 == 3 { u8::MAX } else { byte });
    [&[kind][..], &[bytes[3] % 16 * 8, u8::MAX, u8::MAX], &bytes, &bytes[2..]].concat()
}

fn check(index: &Index, map: &Map, state: &State) {
    assert!(index.is_whole(state).unwrap());
    for (key, payload) in map {
        assert_eq!(index.read(key).unwrap().as_deref(), Some(payload.as_slice()), "{key:?}");
        let next = [key.as_slice(), &[0]].concat();
        assert_eq!(index.read(&next).unwrap(), None);
    }
    let pairs = |found: Vec<(::sled::IVec, ::sled::IVec)>| {
        found.iter().map(|(key, payload)| (key.to_vec(), payload.to_vec())).collect::<Vec<_>>()
    };
    for kind in b"BDLOST" {
        // Digests are never listed: they have sixteen rooms.
        let prefixes =
            (0..16).map(|n| vec![*kind, n * 8]).chain((*kind != b'D').then(|| vec![*kind]));
        for prefix in prefixes {
            let of = |key: &&Vec<u8>| key.starts_with(&prefix);
            let wanted: Vec<&Vec<u8>> = map.keys().filter(of).collect();
            let middle = wanted.get(wanted.len() / 2).map(|key| key.as_slice());
            let last = wanted.last().map(|key| key.as_slice());
            let listed = pairs(index.list(&prefix, middle, last, 20).unwrap());
            let between = |key: &[u8]| Some(key) > middle && Some(key) < last;
            let wanted = map.iter().filter(|(key, _)| of(key) && between(key)).take(20);
            assert!(listed.iter().map(|(key, payload)| (key, payload)).eq(wanted), "{prefix:?}");
            let Some(last) = last else { continue };
            let listed = pairs(index.list_back(&prefix, last, 20).unwrap());
            let wanted = map.iter().rev().filter(|(key, _)| of(key) && key.as_slice() < last);
            assert!(listed.iter().map(|(key, payload)| (key, payload)).eq(wanted.take(20)));
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    #[test]
    fn they_are_what_a_plain_map_has(
        batches in prop::collection::vec(
            prop::collection::vec((0..6_usize, 0..3_000_u32, any::<u16>(), 0..5_u8), 1..400),
            1..8,
        ),
    ) {
        let (index, _folder) = index();
        let (mut state, mut map) = (State::default(), Map::new());
        for batch in batches {
            let mut draft = Draft::new(&index, &state);
            for (kind, number, bytes, removed) in batch {
                let key = key(kind, number);
                if removed == 0 {
                    map.remove(&key);
                    draft.delete(key);
                } else {
                    let payload = vec![removed; usize::from(bytes % 700)];
                    draft.put(key.clone(), &payload);
                    assert_eq!(draft.read(&key).unwrap().unwrap(), payload);
                    map.insert(key, payload);
                }
            }
            state = draft.write(state.applied + 1, &state).unwrap();
            check(&index, &map, &state);
        }
        let mut draft = Draft::new(&index, &state);
        map.keys().for_each(|key| draft.delete(key.clone()));
        state = draft.write(state.applied + 1, &state).unwrap();
        check(&index, &Map::new(), &state);
        assert_eq!(state.sums.total(), 0);
        assert_eq!(index.db().len(), 1, "an empty chunk is left beside the state");
    }
}

/// The sums of what is there.
fn sums(index: &Index) -> Sums {
    let mut sums = Sums::default();
    for (at, raw) in index.db().iter().map(Result::unwrap).filter(|(at, _)| at != keys::STATE) {
        sums.add(&at, value::weight(&at, &raw));
    }
    sums
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    /// After a crash: some chunks are as they were some batches ago, or not there, or there again.
    #[test]
    fn whatever_is_wrong_the_sums_stay_as_far_from_it(
        numbers in prop::collection::vec((0..3_u32, 0..600_u32, 0..5_u8), 200..900),
        older in prop::collection::vec(any::<bool>(), 1..60),
    ) {
        let (index, _folder) = index();
        let mut state = State::default();
        let mut copies: Vec<BTreeMap<_, _>> = Vec::new();
        let size = numbers.len() / 6;
        for (batch, numbers) in numbers.chunks(size).enumerate() {
            if batch == 3 {
                let now: BTreeMap<_, _> = index.db().iter().map(Result::unwrap).collect();
                let mut older = older.iter().cycle();
                let before = &copies[1];
                for at in now.keys().chain(before.keys()).filter(|at| *at != keys::STATE) {
                    match before.get(at) {
                        Some(raw) if *older.next().unwrap() => drop(index.db().insert(at, raw).unwrap()),
                        None if *older.next().unwrap() => drop(index.db().remove(at).unwrap()),
                        _ => {}
                    }
                }
            } else if batch < 3 {
                copies.push(index.db().iter().map(Result::unwrap).collect());
            }
            let mut draft = Draft::new(&index, &state);
            for (kind, number, removed) in numbers {
                let key = [&b"BTO"[*kind as usize..][..1], &number.to_be_bytes()[2..]].concat();
                match removed {
                    0 => draft.delete(key),
                    _ => draft.put(key, &[*removed; 200]),
                }
            }
            let distance = |sums: Sums, state: &State| -> Vec<u64> {
                sums.each().zip(state.sums.each()).map(|(one, other)| one.wrapping_sub(other)).collect()
            };
            let before = distance(sums(&index), &state);
            state = draft.write(1, &state).unwrap();
            assert_eq!(distance(sums(&index), &state), before);
        }
    }
}

/// What stays is found by every read, with a payload that is never older than one that was there before the read
/// began; what is removed for good is not found again. Both by single reads and by lists.
#[test]
fn readers_miss_nothing_and_see_nothing_again_while_chunks_are_divided_and_go() {
    const STAYS: u32 = 40;
    const ROUNDS: u32 = if cfg!(debug_assertions) { 300 } else { 3_000 };
    let (index, _folder) = index();
    let (index, done, written) = (&index, &AtomicBool::new(false), &AtomicU64::new(0));
    // Between two that stay, others come and go: each batch adds 25 in every gap, or removes those.
    let stays = |n: u32| [&b"T"[..], &(n * 100).to_be_bytes()].concat();
    let comes = |n: u32, round: u32| {
        [&b"T"[..], &(n * 100 + 1 + round % 97).to_be_bytes(), &round.to_be_bytes()].concat()
    };
    let number = |payload: &[u8]| u64::from_be_bytes(*payload.first_chunk().unwrap());
    let put_all = |state: &State, round: u32| {
        let mut draft = Draft::new(index, state);
        for n in 0..STAYS {
            let payload = [&u64::from(round).to_be_bytes()[..], &[0; 90]].concat();
            draft.put(stays(n), &payload);
            for back in 0..25 {
                match (round / 25) % 2 {
                    0 => draft.put(comes(n, round * 25 + back), &payload),
                    _ => draft.delete(comes(n, (round - 25) * 25 + back)),
                }
            }
        }
        draft.write(u64::from(round), state).unwrap()
    };
    let mut state = put_all(&State::default(), 0);
    std::thread::scope(|scope| {
        let one = || {
            let mut n = 0;
            while !done.load(Ordering::Acquire) {
                n = (n + 7) % STAYS;
                let before = written.load(Ordering::Acquire);
                let found = index.read(&stays(n)).unwrap().expect("it is there");
                assert!(number(&found) >= before, "an old one");
                let round = u32::try_from(before).unwrap();
                // What came in the last period but one is gone for good.
                if let Some(gone) = (round / 50 * 50).checked_sub(25) {
                    let key = comes(n, (gone - 25) * 25);
                    assert!(index.read(&key).unwrap().is_none(), "it is back");
                }
            }
        };
        let all = |back: bool| {
            while !done.load(Ordering::Acquire) {
                let before = written.load(Ordering::Acquire);
                let mut found = if back {
                    index.list_back(b"T", b"U", usize::MAX).unwrap()
                } else {
                    index.list(b"T", None, None, usize::MAX).unwrap()
                };
                if back {
                    found.reverse();
                }
                assert!(found.is_sorted_by(|one, next| one.0 < next.0));
                let staying = found.iter().filter(|(key, _)| key.len() == 5);
                assert!(staying.clone().map(|(key, _)| key.to_vec()).eq((0..STAYS).map(stays)));
                assert!(staying.clone().all(|(_, payload)| number(payload) >= before));
            }
        };
        scope.spawn(one);
        scope.spawn(move || all(false));
        scope.spawn(move || all(true));
        for round in 1..ROUNDS {
            state = put_all(&state, round);
            written.store(round.into(), Ordering::Release);
        }
        done.store(true, Ordering::Release);
    });
    assert!(index.is_whole(&state).unwrap());
}

/// As sled fails on it: the page on the left begins between a page and what sled takes for its predecessor.
#[test]
fn no_chunk_begins_where_sled_gives_up() {
    let (index, _folder) = index();
    let mut state = State::default();
    let mut all = Vec::new();
    for n in 0..600_u32 {
        // A run of ids around the end of 2^32 milliseconds.
        let at = 0x0012_ffff_ffff_u64 + u64::from(n / 300);
        all.push([&b"T"[..], &at.to_be_bytes()[2..], &n.to_be_bytes()].concat());
    }
    for keys in all.chunks(20) {
        let mut draft = Draft::new(&index, &state);
        keys.iter().for_each(|key| draft.put(key.clone(), &[7; 400]));
        state = draft.write(1, &state).unwrap();
    }
    for key in &all {
        assert!(index.read(key).unwrap().is_some());
        assert!(index.read(&[key.as_slice(), &[0]].concat()).unwrap().is_none());
    }
    let back = index.list_back(b"T", b"U", usize::MAX).unwrap();
    assert!(back.iter().rev().map(|(key, _)| key.to_vec()).eq(all));
    assert!(
        index.db().iter().keys().all(|at| !at.unwrap().windows(4).any(|four| four == [0xff; 4]))
    );
    assert!(keys::room(&[b'T', 9]) == [b'T'] && !index.is_damaged());
}
