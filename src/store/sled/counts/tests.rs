//! The file of counts: what was answered is there, and damage never gives anybody a request.

use super::*;
use crate::clock::Clock;
use crate::store::{Opener, sample};

fn options(folder: &Path) -> Options {
    Options {
        folder: folder.to_owned(),
        opener: Opener::Server,
        cache_bytes: 1 << 20,
        reserve_bytes: 0,
        segment_bytes: 1 << 20,
        always_read_bytes: 0,
        clock: Clock::system(),
    }
}

fn spent(uses: u64) -> Spent {
    let quotas =
        [1, 2, 3, 4].map(|n| InPeriod { begin: Timestamp::from_unix(n), requests: n * uses });
    Spent { uses, quotas }
}

#[test]
fn what_was_written_is_there_after_the_file_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (sample::token(1, "a").id, sample::token(2, "a").id);
    let counts = Counts::open(&options(folder.path()), Timestamp::EPOCH).unwrap();
    assert_eq!(counts.read(7, one).unwrap(), Spent::default());
    counts.write(7, one, spent(5)).unwrap();
    counts.write(7, one, spent(6)).unwrap();
    counts.write(600, other, spent(9)).unwrap();
    drop(counts);
    let counts = Counts::open(&options(folder.path()), Timestamp::EPOCH).unwrap();
    assert_eq!(counts.read(7, one).unwrap(), spent(6));
    assert_eq!(counts.read(7, other).unwrap(), Spent::default(), "a slot of somebody else");
    let mut all = Vec::new();
    let take = |token, spent| {
        all.push((token, spent));
        Ok(())
    };
    counts.each(take).unwrap();
    assert_eq!(all, [(one, spent(6)), (other, spent(9))]);
}

#[test]
fn no_changed_bit_gives_anybody_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let token = sample::token(1, "a").id;
    let counts = Counts::open(&options(folder.path()), Timestamp::EPOCH).unwrap();
    counts.write(3, token, spent(5)).unwrap();
    let whole = std::fs::read(folder.path().join("counts")).unwrap();
    for bit in 0..SLOT_BYTES * 8 {
        let mut bytes = whole.clone();
        bytes[3 * SLOT_BYTES + bit / 8] ^= 1 << (bit % 8);
        std::fs::write(folder.path().join("counts"), bytes).unwrap();
        let read = counts.read(3, token);
        assert!(matches!(read, Err(StoreError::Damaged { .. })), "bit {bit}: {read:?}");
    }
    std::fs::write(folder.path().join("counts"), whole).unwrap();
    // At another place it is not the slot of that place.
    let bytes = std::fs::read(folder.path().join("counts")).unwrap();
    let moved = [&bytes[SLOT_BYTES..], &bytes[..SLOT_BYTES]].concat();
    std::fs::write(folder.path().join("counts"), moved).unwrap();
    assert!(counts.read(2, token).is_err());
}

#[test]
fn writes_of_many_threads_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let counts = Counts::open(&options(folder.path()), Timestamp::EPOCH).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let counts = &counts;
            scope.spawn(move || {
                let token = sample::token(thread, "a").id;
                (1..=20).for_each(|n| counts.write(thread, token, spent(n)).unwrap());
            });
        }
    });
    for thread in 0..8 {
        assert_eq!(counts.read(thread, sample::token(thread, "a").id).unwrap(), spent(20));
    }
}
