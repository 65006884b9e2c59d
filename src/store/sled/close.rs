//! Closing: everything on disk, and the next start spared from looking.

use super::checkpoint;
use super::index::Index;
use super::shared::{self, Access};
use super::stamp;
use super::upkeep;
use super::write::Writer;
use crate::store::StoreError;
use crate::store::holder::Doing;

/// Closes the index and lets go of the folder. A store that cannot be closed well is still whole: the next
/// start doubts its index until that was read.
pub(super) fn close(writer: Writer) -> Result<(), StoreError> {
    let Writer { shared, log, state, mut upkeep } = writer;
    upkeep.lock.tell(Doing::Closing);
    upkeep.renewal = None;
    upkeep.building = None;
    let open = shared.change(Access::Closed);
    let synced = upkeep.keeper.stop();
    let Some(Ok(index)) = open.map(shared::sole) else { return Ok(()) };
    upkeep.space.make_room();
    let age = shared.uses.begin_generation();
    let uses = shared.uses.sync();
    let certain = !index.is_damaged() && index.doubts().is_none();
    let trusted = synced && uses.is_ok() && certain;
    index.sync()?;
    let path = index.path().to_owned();
    drop(index);
    if trusted && let Ok(age) = age {
        // sled notes where its pages are only when it opens. Without this the next start would go through
        // all that was written since, and sled passes over damage there in silence.
        drop(Index::open(&path, shared.options.cache_bytes)?);
        Index::sync_files(&path)?;
        let stamp = stamp::take(&path).ok().map(|stamp| stamp.sum);
        let mut last = upkeep::checkpoint(&shared, &log, &state, stamp);
        last.seen.uses = age;
        shared.summaries.sync(age.generation);
        checkpoint::write(&shared.options.folder, &last)?;
    }
    let (lines, syncs) = (shared.probe.lines(), shared.probe.syncs());
    tracing::debug!("the store is closed; it made {lines} events durable with {syncs} syncs");
    drop(log);
    drop(upkeep.lock);
    uses
}
