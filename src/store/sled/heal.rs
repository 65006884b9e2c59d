//! Opening an index again that failed while the store was running, from the history that did not.

use super::checkpoint::{self, Seen};
use super::index::{Index, State};
use super::open;
use super::replay::{Replay, ReplayError};
use super::shared::Shared;
use crate::history::{self, Lines, Mark};
use crate::store::StoreError;

/// Opens the index, or a new one if it is not whole, and brings it up to `until`.
pub(super) fn reopen(shared: &Shared, until: Mark) -> Result<(Index, State), StoreError> {
    shared.index_fault()?;
    let options = &shared.options;
    let known = checkpoint::read(&options.folder);
    let found = known.map_or(Ok(None), |known| open::trusted(options, &known))?;
    let (index, state, basis) = match (found, known) {
        (Some((index, state)), Some(known)) => (index, state, known),
        (_, _) => {
            // What is in memory is newer, also where an operator has taken a mark back.
            let seen = checkpoint::seen(&options.folder, known.as_ref());
            let seen = Seen { high_water: shared.high_water(), ..seen };
            let basis = open::start_anew(options, seen)?;
            (Index::open(&options.index(), options.cache_bytes)?, State::default(), basis)
        }
    };
    let mut replay = Replay::new(&index, state, &shared.uses);
    let mut lines = Lines::from(&options.history(), basis.mark.next)?;
    while let Some(raw) = lines.next_line()? {
        let checked = history::check(raw.bytes).map_err(|what| StoreError::Damaged {
            place: options.history().display().to_string(),
            what: what.to_owned(),
            hint: "check it with `tollgate history verify`".to_owned(),
        })?;
        if checked.seq > until.head.seq {
            break;
        }
        let (place, line) = (raw.place, raw.bytes);
        replay.take(place, checked, line).map_err(|ReplayError(error)| error)?;
    }
    let state = replay.finish()?;
    if state.applied != until.head.seq {
        let what = format!("it ends at event {} of {}", state.applied, until.head.seq);
        let place = options.history().display().to_string();
        let hint = "check it with `tollgate history verify`".to_owned();
        return Err(StoreError::Damaged { place, what, hint });
    }
    index.sync()?;
    Ok((index, state))
}
