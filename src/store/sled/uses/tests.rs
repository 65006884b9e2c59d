//! The file by itself: against a model, torn, flipped, zeroed, cut.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::{Strategy, any, prop};

use super::{Age, Entry, Known, Means, Opened, Stored, Uses, open};
use crate::clock::Clock;
use crate::domain::id::TokenId;
use crate::domain::time::{Span, Timestamp};
use crate::store::LastUse;
use crate::store::sample::NOW;

const LATER: Timestamp = Timestamp::from_unix(NOW.unix() + 1_000_000);

fn id(slot: u64) -> TokenId {
    TokenId::new(1_700_000_000_000 + slot, [3; 10])
}

/// Opens at a moment; at none, a folder without tokens.
fn open_at(folder: &Path, now: Option<Timestamp>) -> Opened {
    let clock = Clock::held(now.unwrap_or(LATER));
    let (high_water, tokens) = (Timestamp::EPOCH, now.is_some());
    open(folder, Means { clock, high_water, tokens, expected: true, age: Age::default() }).unwrap()
}

fn note(uses: &Uses, noted: &[(u64, u64, &str, Option<u64>)]) {
    let names: Vec<Arc<str>> = noted.iter().map(|(_, _, api, _)| Arc::from(*api)).collect();
    let numbers = uses.numbers(names.iter()).unwrap();
    let entry = |((slot, at, _, first), api): (&(u64, u64, &str, Option<u64>), u16)| {
        let last = Some(Stored { at: at_second(*at), address: address(*at), api });
        Entry { slot: *slot, token: id(*slot), last, first: *first }
    };
    uses.note(noted.iter().zip(numbers).map(entry).collect()).unwrap();
}

fn at_second(at: u64) -> Timestamp {
    NOW.plus(Span::from_seconds(at))
}

/// An address for each moment, of either kind.
fn address(at: u64) -> std::net::IpAddr {
    if at.is_multiple_of(2) {
        [10, 0, 0, at.to_le_bytes()[0]].into()
    } else {
        [at as u16; 8].into()
    }
}

fn known(at: u64, api: &str, first: Option<u64>) -> Known {
    let last = LastUse { at: at_second(at), address: address(at), api: api.into() };
    Known { last: Some(last.into()), first }
}

const APIS: [&str; 4] = ["erp", "shop", "", "bank"];

/// One note: slot, second, API, and the event of a first use.
fn noted() -> impl Strategy<Value = (u64, u64, &'static str, Option<u64>)> {
    // Neighbours in a page, in the next, far away, and beyond the first growth of the file.
    let slot = prop::sample::select(vec![0, 1, 2, 63, 64, 65, 200, 9_000, 16_383, 16_384, 40_000]);
    let first = prop::option::weighted(0.2, 1..1_000_u64);
    (slot, 0..50_u64, prop::sample::select(APIS.to_vec()), first)
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn notes_read_back_as_a_model_says(
        batches in prop::collection::vec((prop::collection::vec(noted(), 0..30), any::<bool>()), 1..12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut uses = open_at(folder.path(), None).uses;
        let mut model: BTreeMap<u64, Known> = BTreeMap::new();
        for (batch, reopen) in batches {
            let mut batch = batch;
            // Of the same second, which one counts is open.
            batch.sort_by_key(|(slot, at, ..)| (*slot, *at));
            batch.dedup_by_key(|(slot, at, ..)| (*slot, *at));
            note(&uses, &batch);
            for (slot, at, api, first) in batch {
                let entry = model.entry(slot).or_default();
                if entry.last.as_ref().is_none_or(|last| last.at < at_second(at)) {
                    entry.last = known(at, api, None).last;
                }
                entry.first = entry.first.or(first);
            }
            if reopen {
                uses.sync().unwrap();
                drop(uses);
                let opened = open_at(folder.path(), Some(LATER));
                assert!(!opened.anew);
                uses = opened.uses;
            }
            for slot in [0, 1, 2, 3, 63, 64, 65, 66, 200, 9_000, 16_383, 16_384, 40_000, 90_000] {
                let wanted = model.get(&slot).cloned().unwrap_or_default();
                assert_eq!(uses.read(slot, id(slot)).unwrap(), wanted, "slot {slot}");
            }
        }
    }
}

#[test]
fn no_flipped_bit_is_taken_for_a_use_and_neighbours_do_not_suffer() {
    let folder = tempfile::tempdir().unwrap();
    let uses = open_at(folder.path(), None).uses;
    note(&uses, &[(0, 5, "erp", Some(3)), (1, 6, "shop", None), (2, 7, "erp", None)]);
    drop(uses);
    let path = folder.path().join("uses");
    let whole = fs::read(&path).unwrap();
    for at in 0..128 {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[64 + at] ^= 1 << bit;
            fs::write(&path, &bytes).unwrap();
            let uses = open_at(folder.path(), Some(LATER)).uses;
            let damaged = 1 + u64::try_from(at / 64).unwrap();
            for (slot, wanted) in [(1, known(6, "shop", None)), (2, known(7, "erp", None))] {
                let found = uses.read(slot, id(slot)).unwrap();
                let last = found.last.clone().map(|last| last.at);
                assert!(
                    if slot == damaged { last == Some(LATER) } else { found == wanted },
                    "bit {bit} of byte {at}: {found:?}"
                );
            }
            assert_eq!(uses.read(0, id(0)).unwrap(), known(5, "erp", Some(3)));
        }
    }
}

#[test]
fn a_damaged_slot_is_written_anew_and_a_later_use_replaces_it() {
    let folder = tempfile::tempdir().unwrap();
    let uses = open_at(folder.path(), None).uses;
    note(&uses, &[(0, 5, "erp", None), (1, 6, "erp", None), (64, 7, "erp", None)]);
    let path = folder.path().join("uses");
    let mut bytes = fs::read(&path).unwrap();
    // A page of zeros, as some disks leave it.
    bytes[..4_096].fill(0);
    fs::write(&path, bytes).unwrap();
    let at = |slot| uses.read(slot, id(slot)).unwrap().last.map(|last| last.at);
    assert_eq!((at(0), at(1), at(64)), (Some(LATER), Some(LATER), Some(at_second(7))));
    assert!(uses.is_dirty());
    // A use that is noted before it is mended is older than the damage, as far as anybody knows.
    note(&uses, &[(1, 8, "erp", None)]);
    assert_eq!(at(1), Some(LATER));
    uses.sync().unwrap();
    drop(uses);
    let uses = open_at(folder.path(), Some(LATER.plus(Span::from_seconds(50)))).uses;
    let at = |slot| uses.read(slot, id(slot)).unwrap().last.map(|last| last.at);
    assert_eq!((at(0), at(1)), (Some(LATER), Some(LATER)), "as it was met first");
    note(&uses, &[(0, 2_000_000, "erp", None)]);
    assert_eq!(at(0), Some(at_second(2_000_000)));
}

#[test]
fn another_tokens_slot_and_another_files_slot_are_damage() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for folder in &folders {
        note(&open_at(folder.path(), None).uses, &[(0, 5, "erp", None)]);
    }
    let uses = open_at(folders[0].path(), Some(LATER)).uses;
    assert_eq!(uses.read(0, id(9)).unwrap().last.unwrap().at, LATER);
    fs::copy(folders[1].path().join("uses"), folders[0].path().join("uses")).unwrap();
    let uses = open_at(folders[0].path(), Some(LATER)).uses;
    assert_eq!(uses.read(0, id(0)).unwrap().last.unwrap().at, LATER);
    assert_eq!(uses.read(7, id(7)).unwrap().last.unwrap().at, LATER, "never used there");
}

#[test]
fn a_file_that_is_cut_or_lost_its_head_is_made_anew_with_a_floor() {
    for what in ["cut", "gone", "headless", "bad head"] {
        let folder = tempfile::tempdir().unwrap();
        note(&open_at(folder.path(), None).uses, &[(0, 5, "erp", None)]);
        let (path, head) = (folder.path().join("uses"), folder.path().join("uses.head"));
        match what {
            "cut" => fs::File::options().write(true).open(&path).unwrap().set_len(4_096).unwrap(),
            "gone" => fs::remove_file(&path).unwrap(),
            "headless" => fs::remove_file(&head).unwrap(),
            _ => {
                let mut bytes = fs::read(&head).unwrap();
                bytes[9] ^= 1;
                fs::write(&head, bytes).unwrap();
            }
        }
        for start in 0..2 {
            let opened = open_at(folder.path(), Some(at_second(100 + start)));
            assert_eq!(opened.anew, start == 0, "{what}");
            assert_eq!(opened.uses.floor(), at_second(100), "{what}");
        }
    }
}

#[test]
fn slots_beyond_the_tokens_are_blank_after_a_trim() {
    let folder = tempfile::tempdir().unwrap();
    let uses = open_at(folder.path(), None).uses;
    let noted: Vec<_> = [0, 5, 6, 16_384, 50_000].map(|slot| (slot, 5, "erp", None)).to_vec();
    note(&uses, &noted);
    uses.trim(6).unwrap();
    for (slot, ..) in noted {
        let wanted = if slot < 6 { known(5, "erp", None) } else { Known::default() };
        assert_eq!(uses.read(slot, id(slot)).unwrap(), wanted, "{slot}");
    }
    assert_eq!(uses.read(6, id(77)).unwrap(), Known::default(), "for whoever comes");
}

#[test]
fn after_a_failed_sync_everything_counts_as_used_then() {
    let folder = tempfile::tempdir().unwrap();
    let uses = open_at(folder.path(), None).uses;
    note(&uses, &[(0, 5, "erp", None)]);
    uses.sync_fails.store(true, std::sync::atomic::Ordering::Release);
    for _ in 0..2 {
        assert!(uses.sync().is_err() && uses.is_dirty());
        assert_eq!(uses.floor(), Timestamp::EPOCH);
        // Reading and writing go on.
        note(&uses, &[(1, 6, "erp", None)]);
        assert_eq!(uses.read(1, id(1)).unwrap(), known(6, "erp", None));
    }
    uses.sync_fails.store(false, std::sync::atomic::Ordering::Release);
    uses.sync().unwrap();
    assert!(!uses.is_dirty());
    assert_eq!(uses.floor(), LATER);
    drop(uses);
    assert_eq!(open_at(folder.path(), Some(LATER)).uses.floor(), LATER);
}
