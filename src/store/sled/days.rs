//! How many requests of each token there were on each day, for people to look at: a file for each day, with
//! eight bytes for each token, which have the numbers of the slots of last uses.
//!
//! | bytes of a slot | what |
//! | --- | --- |
//! | 0..4 | requests that were permitted |
//! | 4..8 | requests that were refused |
//!
//! Nothing is judged by these numbers. They have no checksum, so that a write of which a power loss leaves
//! half makes no other number doubtful, and nobody waits until they are on disk. A day on which few tokens
//! were used takes little room: what nobody wrote is a hole in the file.

use std::fs::{self, File};
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::counts::failed;
use super::private;
use crate::domain::day::{Day, Requests};
use crate::store::{StoreError, UseSlot};

const SLOT_BYTES: usize = 8;

/// Adds to the requests of a day of some tokens whose slots are near each other.
pub(super) fn add(
    folder: &Path,
    day: Day,
    counts: &[(UseSlot, Requests)],
) -> Result<(), StoreError> {
    let Some(slots) = range(counts) else { return Ok(()) };
    let (path, first) = (path(folder, day), *slots.start());
    let file = create(&path).map_err(|error| failed(&path, "opening", &error))?;
    let mut bytes = read(&file, slots).map_err(|error| failed(&path, "reading", &error))?;
    for (slot, more) in counts {
        let at = usize::try_from(slot.number().saturating_sub(first)).unwrap_or(usize::MAX);
        if let Some(place) = bytes.as_chunks_mut::<SLOT_BYTES>().0.get_mut(at) {
            *place = encode(decode(*place).plus(*more));
        }
    }
    let wrote = file.write_all_at(&bytes, offset(first));
    wrote.map_err(|error| failed(&path, "writing", &error))
}

/// The requests of a token on some days, in their order.
pub(super) fn of(
    folder: &Path,
    slot: u64,
    days: RangeInclusive<Day>,
) -> Result<Vec<Requests>, StoreError> {
    let on = |day| {
        let path = path(folder, day);
        let read = File::open(&path).and_then(|file| read(&file, slot..=slot));
        match read {
            Ok(bytes) => Ok(bytes.first_chunk().map_or(Requests::NONE, |slot| decode(*slot))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Requests::NONE),
            Err(error) => Err(failed(&path, "reading", &error)),
        }
    };
    days.start().to(*days.end()).map(on).collect()
}

/// Removes the days before `first`, and says how many there were.
pub(super) fn forget(folder: &Path, first: Day) -> Result<usize, StoreError> {
    let kept = kept(folder);
    let entries = match fs::read_dir(&kept) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(failed(&kept, "reading", &error)),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(|error| failed(&kept, "reading", &error))?;
        // What is not named as a day was not made here.
        let day = entry.file_name().to_str().and_then(|name| name.parse::<Day>().ok());
        if day.is_some_and(|day| day < first) {
            let path = entry.path();
            fs::remove_file(&path).map_err(|error| failed(&path, "removing", &error))?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn kept(folder: &Path) -> PathBuf {
    folder.join("days")
}

fn path(folder: &Path, day: Day) -> PathBuf {
    kept(folder).join(day.to_string())
}

fn create(path: &Path) -> io::Result<File> {
    let mut how = File::options();
    let how = how.read(true).write(true).create(true).truncate(false).mode(0o600);
    match how.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), private::create_folder)?;
            how.open(path)
        }
        opened => opened,
    }
}

/// From the first slot to the last.
fn range(counts: &[(UseSlot, Requests)]) -> Option<RangeInclusive<u64>> {
    let slots = counts.iter().map(|(slot, _)| slot.number());
    Some(slots.clone().min()?..=slots.max()?)
}

/// Slots that nobody wrote are zeros, also behind the end of the file.
fn read(file: &File, slots: RangeInclusive<u64>) -> io::Result<Vec<u8>> {
    let many = slots.end().saturating_sub(*slots.start()).saturating_add(1);
    let mut bytes = vec![0; usize::try_from(many).unwrap_or_default().saturating_mul(SLOT_BYTES)];
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset(*slots.start()).saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

const fn offset(slot: u64) -> u64 {
    slot.saturating_mul(SLOT_BYTES as u64)
}

fn encode(requests: Requests) -> [u8; SLOT_BYTES] {
    let both = u64::from(requests.refused) << u32::BITS | u64::from(requests.permitted);
    both.to_le_bytes()
}

fn decode(bytes: [u8; SLOT_BYTES]) -> Requests {
    let [a, b, c, d, e, f, g, h] = bytes;
    Requests {
        permitted: u32::from_le_bytes([a, b, c, d]),
        refused: u32::from_le_bytes([e, f, g, h]),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::domain::time::Timestamp;

    fn requests(permitted: u32, refused: u32) -> Requests {
        Requests { permitted, refused }
    }

    #[test]
    fn requests_add_up_day_by_day_and_slots_keep_apart() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let today = Day::of(Timestamp::from_unix(2_000_000_000));
        let slots = [3, 1_000, 7].map(UseSlot::new);
        let counts = |n: u32| slots.map(|slot| (slot, requests(n, slot.number() as u32)));
        add(folder, today, &counts(5)).unwrap();
        add(folder, today, &counts(6)).unwrap();
        add(folder, today.back(2), &[(slots[2], requests(1, u32::MAX))]).unwrap();
        add(folder, today.back(2), &[(slots[2], requests(1, u32::MAX))]).unwrap();
        add(folder, today, &[]).unwrap();
        let of = |slot| of(folder, slot, today.back(2)..=today).unwrap();
        assert_eq!(of(3), [Requests::NONE, Requests::NONE, requests(11, 6)]);
        assert_eq!(of(7), [requests(2, u32::MAX), Requests::NONE, requests(11, 14)]);
        assert_eq!(of(1_000)[2], requests(11, 2_000));
        for unused in [0, 4, 999, 1_001, 1 << 40] {
            assert_eq!(of(unused), [Requests::NONE; 3]);
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&kept(folder)), mode(&path(folder, today))), (0o700, 0o600));
    }

    #[test]
    fn days_that_are_forgotten_are_gone_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let today = Day::of(Timestamp::from_unix(2_000_000_000));
        assert_eq!(forget(folder, today).unwrap(), 0);
        for day in today.back(4).to(today) {
            add(folder, day, &[(UseSlot::new(0), requests(1, 0))]).unwrap();
        }
        fs::write(kept(folder).join("notes"), "of somebody else").unwrap();
        assert_eq!(forget(folder, today.back(1)).unwrap(), 3);
        let left = of(folder, 0, today.back(4)..=today).unwrap();
        assert_eq!(left.iter().map(|on| on.permitted).collect::<Vec<_>>(), [0, 0, 0, 1, 1]);
        assert!(kept(folder).join("notes").exists());
    }
}
