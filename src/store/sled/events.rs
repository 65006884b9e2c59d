//! Events: lists of them, and searches, from the lines of the history.

use std::path::Path;

use super::shared::Shared;
use super::{entry, keys, read};
use crate::history::{self, Backwards, Place};
use crate::store::{EventFilter, Page, Position, Recorded, Searched, StoreError, Subject, codec};

/// How many bytes of the history one search goes through.
const STRETCH: u64 = if cfg!(test) { 4 << 10 } else { 16 << 20 };

/// How many events about one subject one search looks at.
const OF_SUBJECT: usize = 500;

/// As how many bytes the place of one of them counts, which is read by itself.
const PLACE_BYTES: u64 = 32 << 10;

/// Events that every read sees, newest first.
pub(super) fn events(
    shared: &Shared,
    subject: Option<&Subject>,
    before: Option<Position>,
    limit: usize,
) -> Result<Page<Recorded, Position>, StoreError> {
    let newest = shared.applied().saturating_add(1);
    let before = before.map_or(newest, |before| before.0.min(newest));
    let wanted = limit.saturating_add(1);
    let lines = match subject {
        None => latest(shared, before, wanted)?,
        Some(subject) => about(shared, subject, before, wanted)?,
    };
    let recorded: Result<_, StoreError> =
        lines.into_iter().map(|line| decoded(shared, &line)).collect();
    read::page(recorded?, limit, |event: &Recorded| event.position)
}

/// Events that a filter wants, of a bounded part of those that every read sees.
pub(super) fn search(
    shared: &Shared,
    (subject, filter, before, limit): &(Option<Subject>, EventFilter, Option<Position>, usize),
) -> Result<Searched, StoreError> {
    let (before, limit) = (*before, *limit);
    let Some(subject) = subject else { return search_all(shared, filter, before, limit) };
    let page = events(shared, Some(subject), before, OF_SUBJECT)?;
    let mut searched = Searched { next: page.next, ..Searched::default() };
    for recorded in page.entries {
        let length = u64::try_from(recorded.line.len()).unwrap_or_default();
        searched.bytes = searched.bytes.saturating_add(length.max(PLACE_BYTES));
        let position = recorded.position;
        if filter.matches(&recorded.event) {
            searched.found.push(recorded);
        }
        if searched.found.len() == limit {
            searched.next = (position > Position(1)).then_some(position);
            break;
        }
    }
    Ok(searched)
}

fn search_all(
    shared: &Shared,
    filter: &EventFilter,
    before: Option<Position>,
    limit: usize,
) -> Result<Searched, StoreError> {
    shared.index()?;
    let newest = shared.applied().saturating_add(1);
    let before = before.map_or(newest, |before| before.0.min(newest));
    let mut back = Backwards::before(&shared.options.history(), before)?;
    let mut searched = Searched::default();
    let sieve = codec::Sieve::new(filter);
    while let Some((seq, _, line)) = back.next_line()? {
        searched.next = (seq > 1).then_some(Position(seq));
        let length = u64::try_from(line.len()).unwrap_or_default();
        searched.bytes = searched.bytes.saturating_add(length);
        if sieve.may_pass(&line) {
            let recorded = decoded(shared, &line)?;
            searched.found.extend(filter.matches(&recorded.event).then_some(recorded));
        }
        if searched.found.len() == limit || searched.bytes >= STRETCH {
            return Ok(searched);
        }
    }
    searched.next = None;
    Ok(searched)
}

fn decoded(shared: &Shared, line: &[u8]) -> Result<Recorded, StoreError> {
    let damaged = |what: String| StoreError::Damaged {
        place: shared.options.history().display().to_string(),
        what,
        hint: "check it with `tollgate history verify`".to_owned(),
    };
    let text = std::str::from_utf8(line).map_err(|error| damaged(error.to_string()))?;
    codec::recorded(text).map_err(|error| damaged(error.to_string()))
}

fn latest(shared: &Shared, before: u64, wanted: usize) -> Result<Vec<Vec<u8>>, StoreError> {
    shared.index()?;
    let mut back = Backwards::before(&shared.options.history(), before)?;
    let mut lines = Vec::new();
    while lines.len() < wanted {
        let Some((_, _, line)) = back.next_line()? else { break };
        lines.push(line);
    }
    Ok(lines)
}

fn about(
    shared: &Shared,
    subject: &Subject,
    before: u64,
    wanted: usize,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let index = shared.whole_index()?;
    // By number; the one that tells of the first use is found by that alone.
    let mut events: Vec<(u64, Option<Place>)> = Vec::new();
    if let Subject::Token(id) = subject
        && let Some(head) = entry::head(&index, *id)?
    {
        let (latest, place) = head.latest;
        events.push((latest, Some(place)));
        events.extend(shared.uses.read(head.slot, *id)?.first.map(|first| (first, None)));
    }
    let end = keys::subject_event(subject, before);
    for (key, payload) in index.list_back(&keys::subject(subject), &end, wanted)? {
        let event = keys::trailing_seq(&key).zip(entry::read_place(&payload).map(Some));
        events.push(event.ok_or_else(|| index.damage(&key, "it is not the place of an event"))?);
    }
    events.retain(|(seq, _)| *seq < before);
    events.sort_unstable_by_key(|(seq, place)| std::cmp::Reverse((*seq, place.is_some())));
    events.dedup_by_key(|(seq, _)| *seq);
    events.truncate(wanted);
    let folder = shared.options.history();
    let line = |(seq, place): (u64, Option<Place>)| match place {
        Some(place) => Ok(history::line_at(&folder, place, seq)?),
        None => numbered(&folder, seq),
    };
    events.into_iter().map(line).collect()
}

/// The line of an event whose place is not known.
fn numbered(folder: &Path, seq: u64) -> Result<Vec<u8>, StoreError> {
    let found = Backwards::before(folder, seq.saturating_add(1))?.next_line()?;
    let line = found.filter(|(found, ..)| *found == seq).map(|(_, _, line)| line);
    line.ok_or_else(|| StoreError::Damaged {
        place: folder.display().to_string(),
        what: format!("event {seq} is not there"),
        hint: "check it with `tollgate history verify`".to_owned(),
    })
}
