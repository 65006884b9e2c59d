//! Tests of the whole room, on real files.

use std::fs;
use std::path::Path;

use super::probe::Fault;
use super::*;

const SMALL: u64 = 1_000;

fn open(folder: &Path, from: Mark, durable: u64) -> Result<(Log, Vec<u64>), HistoryError> {
    let how = Recovered { from, durable, unclean: true, segment_bytes: SMALL };
    let mut seen = Vec::new();
    let log = recover(folder, how, |_, checked, _| {
        seen.push(checked.seq);
        Ok::<(), HistoryError>(())
    })?;
    Ok((log, seen))
}

fn body(n: u64) -> String {
    format!("\"n\":{n},\"padding\":\"{}\"", "x".repeat(50))
}

fn fill(folder: &Path, batches: u64) -> (Log, Vec<Place>) {
    let (mut log, _) = open(folder, Mark::START, 0).unwrap();
    let mut places = Vec::new();
    for n in 0..batches {
        let bodies = [body(2 * n + 1), body(2 * n + 2)];
        places.extend(log.append(bodies.iter().map(String::as_str)).unwrap());
    }
    (log, places)
}

fn last_segment(folder: &Path) -> PathBuf {
    segment::path(folder, *segment::list(folder).unwrap().last().unwrap())
}

/// A segment of four lines: its file, what is in it, and where its last line stands.
fn filled(folder: &Path) -> (PathBuf, Vec<u8>, Place) {
    let (log, places) = fill(folder, 2);
    drop(log);
    let path = last_segment(folder);
    let whole = fs::read(&path).unwrap();
    (path, whole, places[3])
}

#[test]
fn what_was_appended_is_read_again_from_any_mark() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = fill(folder.path(), 10);
    let mark = log.mark();
    log.append([body(21).as_str()]).unwrap();
    assert_eq!(log.probe().syncs(), 11, "one fdatasync for each batch");
    assert!(segment::list(folder.path()).unwrap().len() > 3);
    let end = log.mark();
    drop(log);
    let (log, seen) = open(folder.path(), Mark::START, 21).unwrap();
    assert_eq!((seen, log.mark()), ((1..=21).collect(), end));
    let (log, seen) = open(folder.path(), mark, 21).unwrap();
    assert_eq!((seen, log.mark()), (vec![21], end));
    let report = verify(folder.path()).unwrap();
    assert_eq!((report.head, head(folder.path()).unwrap()), (end.head, end.head));
}

#[test]
fn a_torn_last_line_is_cut_wherever_it_is_torn() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole, last) = filled(folder.path());
    let start = usize::try_from(last.offset).unwrap();
    for end in start..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let (mut log, seen) = open(folder.path(), Mark::START, 3).unwrap();
        assert_eq!(seen, [1, 2, 3]);
        assert_eq!(log.append([body(4).as_str()]).unwrap(), [last]);
        assert_eq!(verify(folder.path()).unwrap().head.seq, 4);
        // What was known to be durable is never taken for a torn end.
        fs::write(&path, &whole[..end]).unwrap();
        let refused = open(folder.path(), Mark::START, 4);
        assert!(matches!(
            refused,
            Err(HistoryError::Damaged { .. } | HistoryError::Behind { found: 3, expected: 4, .. })
        ));
    }
}

#[test]
fn a_last_line_that_never_reached_the_disk_is_cut_and_a_changed_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole, last) = filled(folder.path());
    let start = usize::try_from(last.offset).unwrap();
    for from in [start, start + 20, whole.len() - 1] {
        let mut zeros = whole.clone();
        zeros[from..].fill(0);
        fs::write(&path, &zeros).unwrap();
        assert_eq!(open(folder.path(), Mark::START, 3).unwrap().1, [1, 2, 3], "zeros from {from}");
    }
    for at in start..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        let refused = open(folder.path(), Mark::START, 3);
        assert!(matches!(refused, Err(HistoryError::Damaged { .. })), "byte {at}");
    }
}

#[test]
fn a_bad_line_before_the_end_names_its_file_and_offset() {
    let folder = tempfile::tempdir().unwrap();
    let (log, places) = fill(folder.path(), 10);
    drop(log);
    let place = places[4];
    let path = segment::path(folder.path(), place.segment);
    let mut bytes = fs::read(&path).unwrap();
    bytes[usize::try_from(place.offset).unwrap() + 30] ^= 1;
    fs::write(&path, bytes).unwrap();
    let named = format!("`{}` is damaged at byte {}: ", path.display(), place.offset);
    let opened = open(folder.path(), Mark::START, 0).unwrap_err().to_string();
    assert!(opened.starts_with(&named), "{opened}");
    let verified = verify(folder.path()).unwrap_err().to_string();
    assert!(verified.starts_with(&named), "{verified}");
    let mut back = Backwards::from_end(folder.path()).unwrap();
    let walked = std::iter::from_fn(|| back.next_line().transpose()).find_map(Result::err).unwrap();
    assert!(walked.to_string().starts_with(&named), "{walked}");
}

#[test]
fn a_line_that_was_removed_replaced_or_swapped_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = fill(folder.path(), 2);
    drop(log);
    let path = last_segment(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let mut forged = Vec::new();
    let first = line::seal(&Head::EMPTY, "\"n\":\"forged\"", &mut forged);
    assert_eq!(first.seq, 1);
    let forged = String::from_utf8(forged).unwrap();
    for tampered in [
        [lines[0], lines[1], lines[3]].join("\n"),
        [lines[0], lines[2], lines[1], lines[3]].join("\n"),
        [forged.trim_end(), lines[1], lines[2], lines[3]].join("\n"),
        [lines[1], lines[2], lines[3]].join("\n"),
    ] {
        fs::write(&path, tampered + "\n").unwrap();
        assert!(matches!(verify(folder.path()), Err(HistoryError::Damaged { .. })));
        assert!(matches!(open(folder.path(), Mark::START, 0), Err(HistoryError::Damaged { .. })));
    }
}

#[test]
fn a_missing_segment_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = fill(folder.path(), 10);
    let mark = log.mark();
    drop(log);
    let segments = segment::list(folder.path()).unwrap();
    let path = segment::path(folder.path(), segments[1]);
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(verify(folder.path()).is_err());
    assert!(open(folder.path(), Mark::START, 0).is_err());
    fs::write(&path, bytes).unwrap();
    fs::remove_file(last_segment(folder.path())).unwrap();
    assert!(open(folder.path(), mark, 0).is_err());
    assert!(open(folder.path(), Mark::START, 20).is_err(), "fewer events than were written");
}

#[test]
fn lines_are_read_backwards_and_by_place() {
    let folder = tempfile::tempdir().unwrap();
    let (log, places) = fill(folder.path(), 12);
    for before in [1, 2, 7, 8, 24, 25, u64::MAX] {
        let mut back = Backwards::before(folder.path(), before).unwrap();
        let mut seqs = Vec::new();
        while let Some((seq, place, bytes)) = back.next_line().unwrap() {
            assert_eq!(place, places[usize::try_from(seq).unwrap() - 1]);
            assert_eq!(line_at(folder.path(), place, seq).unwrap(), bytes);
            seqs.push(seq);
        }
        let newest = log.mark().head.seq.min(before - 1);
        assert_eq!(seqs, (1..=newest).rev().collect::<Vec<_>>(), "before {before}");
    }
    assert!(line_at(folder.path(), places[3], 5).is_err());
}

#[test]
fn an_unfinished_line_is_passed_over_when_reading_backwards() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = fill(folder.path(), 3);
    let path = last_segment(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{\"seq\":7,\"pr");
    fs::write(&path, bytes).unwrap();
    assert_eq!(head(folder.path()).unwrap(), log.mark().head);
    let report = verify(folder.path()).unwrap();
    assert_eq!((report.head, report.unfinished_bytes), (log.mark().head, 12));
}

#[test]
fn a_full_disk_loses_nothing_and_writing_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = fill(folder.path(), 2);
    log.probe().fail(Some(Fault::NoSpace));
    let before = fs::read(last_segment(folder.path())).unwrap();
    let full = log.append([body(5).as_str()]);
    assert!(matches!(full, Err(HistoryError::Full { .. })), "{full:?}");
    assert_eq!(fs::read(last_segment(folder.path())).unwrap(), before);
    log.probe().fail(None);
    log.append([body(5).as_str()]).unwrap();
    assert_eq!(verify(folder.path()).unwrap().head.seq, 5);
}

#[test]
fn a_segment_that_cannot_be_opened_for_want_of_descriptors_is_opened_later() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = fill(folder.path(), 2);
    log.probe().fail(Some(Fault::Open));
    let (mut made, mut refused) = (0, 0);
    while refused < 3 {
        match log.append([body(5).as_str()]) {
            Ok(_) => made += 1,
            // It has come to the end of its segment.
            Err(HistoryError::Exhausted { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
        assert!(made < 10_000, "no segment ends");
    }
    assert_eq!(log.refused(), None);
    log.probe().fail(None);
    log.append([body(5).as_str()]).unwrap();
    assert_eq!(verify(folder.path()).unwrap().head.seq, 4 + made + 1);
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = fill(folder.path(), 2);
    log.probe().fail(Some(Fault::Sync));
    assert!(matches!(log.append([body(5).as_str()]), Err(HistoryError::Refused(_))));
    log.probe().fail(None);
    assert!(matches!(log.append([body(5).as_str()]), Err(HistoryError::Refused(_))));
    assert!(log.refused().unwrap().contains("could not be synced"));
    assert_eq!(verify(folder.path()).unwrap().head.seq, 4, "the refused event does not come back");
}
