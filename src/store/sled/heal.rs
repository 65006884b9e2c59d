//! Opening an index again that failed while the store was running, from the history that did not.

use super::checkpoint::{self, Seen};
use super::index::Index;
use super::open::{self, Found};
use super::replay::{Replay, ReplayError};
use super::shared::Shared;
use super::state::State;
use crate::history::{self, Lines, Mark, Place};
use crate::store::StoreError;

/// Opens the index, or a new one if it cannot be trusted, and brings it up to `until`.
pub(super) fn reopen(shared: &Shared, until: Mark) -> Result<(Index, State), StoreError> {
    shared.index_fault()?;
    let options = &shared.options;
    let known = checkpoint::read(&options.folder);
    // What is in memory is newer, also where an operator has taken a mark back.
    let seen = checkpoint::seen(&options.folder, known.as_ref());
    let seen = Seen { high_water: shared.high_water(), ..seen };
    let found = known.map_or(Ok(None), |known| open::trusted(options, &known, false))?;
    let (found, from) = match (found, known) {
        (Some(found), Some(known)) => (found, known.mark.next),
        (_, _) => (Found::anew(options)?, Place::START),
    };
    let found = bring_up(found, shared, from, until)?;
    // They are not trusted; nor are they after this checkpoint.
    shared.summaries.sync(seen.uses.generation);
    let found = found.settle(options, until, seen)?;
    Ok((found.index, found.state))
}

fn bring_up(
    mut found: Found,
    shared: &Shared,
    from: Place,
    until: Mark,
) -> Result<Found, StoreError> {
    match carry(&mut found, shared, from, until) {
        Ok(()) => Ok(found),
        Err(error) if found.is_bad() && !shared.is_closing() => {
            tracing::error!("{error}; building the index from the history");
            drop(found);
            bring_up(Found::anew(&shared.options)?, shared, Place::START, until)
        }
        Err(error) => {
            found.give_up(&shared.options);
            Err(error)
        }
    }
}

fn carry(found: &mut Found, shared: &Shared, from: Place, until: Mark) -> Result<(), StoreError> {
    let history = shared.options.history();
    let damaged = |what: String| StoreError::Damaged {
        place: history.display().to_string(),
        what,
        hint: "check it with `tollgate history verify`".to_owned(),
    };
    let mut replay = Replay::new(&found.index, found.state, &shared.uses);
    let mut lines = Lines::from(&history, from)?;
    while let Some(raw) = lines.next_line()? {
        if shared.is_closing() {
            return Err(StoreError::Closed);
        }
        let checked = history::check(raw.bytes).map_err(|what| damaged(what.to_owned()))?;
        if checked.seq > until.head.seq {
            break;
        }
        let (place, line) = (raw.place, raw.bytes);
        replay.take(place, checked, line).map_err(|ReplayError(error)| error)?;
    }
    let state = replay.finish()?;
    if state.applied != until.head.seq {
        return Err(damaged(format!("it ends at event {} of {}", state.applied, until.head.seq)));
    }
    found.index.sync()?;
    found.is_at(state);
    Ok(())
}
