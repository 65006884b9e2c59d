//! Between a data folder and a backup.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::folder;
use super::options::Options;
use super::shared::Shared;
use crate::history::{self, HistoryError, Mark, Recovered, Walk};
use crate::store::backup::{self, Item, Writing};
use crate::store::{Position, StoreError};

/// How many events are taken at a time.
const PIECE: usize = 1_000;

/// Writes everything that is visible now, while the store goes on. Each event is checked before it
/// is passed on, so that damage is told of the file that has it, and not of the backup.
pub(super) fn back_up(
    shared: &Shared,
    into: Box<dyn Write + Send>,
) -> Result<Position, StoreError> {
    let newest = shared.applied();
    // Not held: a new index may have to take its place meanwhile.
    drop(shared.index()?);
    let mut writing = Writing::begin(into, shared.options.clock.now())?;
    match fill(shared, &mut writing, newest) {
        Ok(()) => writing.finish(shared.high_water()).map(|_| Position(newest)),
        Err(error) => {
            writing.fail(&error);
            Err(error)
        }
    }
}

fn fill(shared: &Shared, writing: &mut Writing, newest: u64) -> Result<(), StoreError> {
    let mut walk = Walk::from(&shared.options.history(), Mark::START)?;
    for seq in 1..=newest {
        writing.event(seq, walk.next_line(newest)?.bytes)?;
    }
    shared.uses.each(|token, last| writing.last_use(token, last))?;
    shared.counts.each(|token, spent| writing.spent(token, spent))
}

/// Refuses a folder that holds anything.
pub(super) fn check_empty(folder: &Path) -> Result<(), StoreError> {
    let refuse = |cause: String| StoreError::Failed {
        doing: format!("restoring into `{}`", folder.display()),
        cause,
    };
    match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(refuse(error.to_string())),
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(StoreError::Taken {
                doing: format!("restoring into `{}`", folder.display()),
                cause: "the folder is not empty; name another one".to_owned(),
            }),
            None => Ok(()),
        },
    }
}

/// Takes away what was put into a folder that was empty.
pub(super) fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        if let Err(error) = removed {
            tracing::warn!("cannot remove `{}`: {error}", path.display());
        }
    }
}

/// Writes the events of a backup as a history; the lines come out byte for byte as they were.
pub(super) fn write_history(from: &Path, options: &Options) -> Result<(), StoreError> {
    let how = Recovered {
        from: Mark::START,
        durable: 0,
        unclean: false,
        segment_bytes: options.segment_bytes,
    };
    folder::enter(options)?;
    let mut log = history::recover(&options.history(), how, |_, _, _| Ok::<(), HistoryError>(()))?;
    let mut bodies: Vec<String> = Vec::with_capacity(PIECE);
    let summary = backup::read(from, |item| {
        if let Item::Event(checked) = item {
            bodies.push(checked.body.to_owned());
            if bodies.len() == PIECE {
                log.append(bodies.iter().map(String::as_str))?;
                bodies.clear();
            }
        }
        Ok(())
    })?;
    log.append(bodies.iter().map(String::as_str))?;
    let head = log.mark().head;
    if head.seq != summary.events || head.hash != *summary.head.as_bytes() {
        return Err(StoreError::Failed {
            doing: format!("writing `{}`", options.history().display()),
            cause: "it does not come out as it was".to_owned(),
        });
    }
    Ok(())
}
