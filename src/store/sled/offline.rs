//! What is done to a data folder that nobody has open: its index built anew, or all of it made of a
//! backup.

use std::path::Path;

use super::{Options, SledStore, notes, open, portable, read};
use crate::domain::event::{Actor, Event, EventKind};
use crate::store::backup::{self, Item, Summary};
use crate::store::{Commit, NotedUse, Position, Repaired, Store, StoreError};

/// How many last uses are taken out of a backup at a time.
const USES: usize = 32_768;

/// Builds the index anew from the history, whatever the index said. Where the history lacks events
/// that were known, it needs the word of somebody that they are lost, which it then puts on record.
///
/// For a thread of a runtime that may block.
pub(in crate::store) fn repair(
    options: Options,
    word: Option<Actor>,
) -> Result<Repaired, StoreError> {
    let now = options.clock.now();
    let (opened, lost) = open::open_anew(&options, word.is_some())?;
    let store = SledStore::over(options, opened)?;
    let left = store.shared.applied();
    if let (Some(actor), true) = (word, lost > 0) {
        let reason = format!("{} events were known, {left} were left", left.saturating_add(lost));
        let kind = EventKind::HistoryCut;
        let event = Event { at: now, effective_at: now, actor, kind, reason, many: None };
        let commit = Commit { event, changes: Vec::new(), subjects: Vec::new() };
        tokio::runtime::Handle::current().block_on(store.commit(commit))?;
    }
    store.close_now()?;
    Ok(Repaired { left: Position(left), lost })
}

/// Makes a data folder of a backup.
pub(in crate::store) fn restore(from: &Path, options: Options) -> Result<Summary, StoreError> {
    let summary = backup::verify(from)?;
    portable::check_empty(&options.folder)?;
    let folder = options.folder.clone();
    let fill = || {
        portable::write_history(from, &options)?;
        let store = SledStore::open(options)?;
        store.take_uses(from)?;
        store.shared.raise_high_water(summary.high_water);
        store.close_now()
    };
    fill().inspect_err(|_| portable::empty(&folder))?;
    Ok(summary)
}

impl SledStore {
    /// Takes the last uses and the counts of requests out of a backup.
    fn take_uses(&self, from: &Path) -> Result<(), StoreError> {
        let mut uses = Vec::with_capacity(USES);
        let note = |uses: &mut Vec<_>| notes::write(&self.shared, &std::mem::take(uses), &[]);
        backup::read(from, |item| match item {
            Item::Event(_) => Ok(()),
            Item::Use(token, last) => {
                uses.push(NotedUse { of: token.into(), last, first: false });
                if uses.len() < USES { Ok(()) } else { note(&mut uses) }
            }
            Item::Spent(token, spent) => {
                let slot = read::slot(&*self.shared.index()?, token.into())?;
                slot.map_or(Ok(()), |slot| self.shared.counts.put(slot, token, spent))
            }
        })?;
        self.shared.counts.sync_all()?;
        note(&mut uses)
    }
}
