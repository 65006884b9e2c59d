//! Opening a data folder: which index can be trusted, what it lacks, and what must be built anew.

use std::fs;
use std::os::fd::OwnedFd;

use super::anew;
use super::checkpoint::{self, Checkpoint, Seen};
use super::counts::Counts;
use super::folder;
use super::index::Index;
use super::lock::{self, Lock};
use super::options::Options;
use super::private;
use super::replay::{Replay, ReplayError};
use super::space::Space;
use super::stamp;
use super::state::State;
use super::summaries::Summaries;
use super::upgrade;
use super::uses::{self, Means, Uses};
use crate::domain::time::Timestamp;
use crate::history::{self, Checked, Log, Mark, Recovered};
use crate::store::StoreError;

/// A data folder that is ready for use.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) lock: Lock,
    pub(super) space: Space,
    pub(super) log: Log,
    pub(super) index: Index,
    pub(super) state: State,
    pub(super) uses: Uses,
    pub(super) counts: Counts,
    pub(super) summaries: Summaries,
    pub(super) high_water: Timestamp,
}

/// Opens a data folder, creating what is not there. Its lock may be held already.
pub(super) fn open(options: &Options, held: Option<OwnedFd>) -> Result<Opened, StoreError> {
    folder::enter(options)?;
    let lock = lock::take(&options.folder, options.opener.role(), held)?;
    open_locked(options, lock, false)
}

/// Opens a data folder with an index that is built from the history, whatever the old one said, and
/// goes on from what the history holds; answers with how many events it lacks that were known. A
/// history that is damaged changes nothing, nor does one that lacks events, unless that `may` be.
pub(super) fn open_anew(options: &Options, may: bool) -> Result<(Opened, u64), StoreError> {
    folder::enter(options)?;
    let missing = |error: std::io::Error| StoreError::Failed {
        doing: format!("reading `{}`", options.history().display()),
        cause: error.to_string(),
    };
    fs::read_dir(options.history()).map_err(missing)?;
    let lock = lock::take(&options.folder, options.opener.role(), None)?;
    let left = history::check_all(&options.history()).map_err(|error| match error.into() {
        StoreError::Damaged { place, what, .. } => {
            let hint = "nothing was changed, and the index that is there may still answer; restore the \
                        data folder from a backup";
            StoreError::Damaged { place, what, hint: hint.to_owned() }
        }
        error => error,
    })?;
    let known = checkpoint::read(&options.folder).map_or(0, |known| known.mark.head.seq);
    let known = known.max(applied(options));
    if known > left && !may {
        return Err(StoreError::Cut { path: options.folder.display().to_string(), known, left });
    }
    Ok((open_locked(options, lock, true)?, known.saturating_sub(left)))
}

fn open_locked(options: &Options, lock: Lock, asked: bool) -> Result<Opened, StoreError> {
    private::look_after(options);
    let space = Space::new(&options.folder, options.reserve_bytes);
    space.make_room();
    // Begun before this start, and not finished.
    anew::remove(&options.next_index())?;
    let mut known = checkpoint::read(&options.folder);
    let mut seen = checkpoint::seen(&options.folder, known.as_ref());
    let counts = open_counts(options, &mut known, &mut seen)?;
    let old = upgrade::find(&options.folder, options.cache_bytes, known.as_ref())?;
    let uses::Opened { uses, anew } = open_uses(options, known.as_ref(), seen, old.is_some())?;
    let (found, durable) = match known {
        // Events may be missing: that is why it is asked for.
        _ if asked => (None, 0),
        Some(known) => {
            let found = trusted(options, &known, old.is_some())?;
            let applied = found.as_ref().map_or(0, |found| found.state.applied);
            (found, known.mark.head.seq.max(applied))
        }
        None => (None, forgotten(options)),
    };
    let durable = durable.max(old.as_ref().filter(|_| !asked).map_or(0, |old| old.applied));
    let (found, from) = match (found, known) {
        (Some(found), Some(known)) => (found, known.mark),
        (_, _) => (Found::anew(options)?, Mark::START),
    };
    // A new index holds what the history says; whether they do is not known.
    let kept = known.filter(|_| !found.beside).map(|known| known.seen.uses.generation);
    let summaries = Summaries::open(&options.folder, kept)?;
    let since = known.map_or(0, |known| known.mark.head.seq);
    let how = Recovered {
        // A new file of last uses learns from the whole history which events tell of first uses.
        from: if uses.is_linked() { from } else { Mark::START },
        durable,
        unclean: asked || known.is_none_or(|known| known.closed.is_none()),
        segment_bytes: options.segment_bytes,
    };
    let (found, log, events) = bring_up(found, options, how, &uses, (&summaries, since))?;
    if found.beside {
        summaries.distrust("the index was lost");
    }
    if found.state.tokens == 0 && !found.doubtful {
        summaries.begin_empty()?;
    }
    summaries.expect(found.state.tokens);
    if found.beside || events > 0 {
        // A checkpoint follows, and the next start goes on from that.
        summaries.sync(seen.uses.generation);
    }
    let found = found.settle(options, log.mark(), seen)?;
    if !found.doubtful {
        // Else not, by a number of tokens that may be too small.
        uses.trim(found.state.tokens)?;
    }
    uses.set_linked()?;
    let Found { index, state, .. } = found;
    if let Some(old) = old {
        old.carry(&index, &uses, anew)?;
    }
    // Not from the moments of events: one that was written by a clock that stood ahead would keep
    // every request waiting until that moment comes.
    let high_water = seen.high_water;
    let opened = Opened { lock, space, log, index, state, uses, counts, summaries, high_water };
    if events > 0 {
        tracing::info!("carried {events} events from the history into the index");
        opened.index.sync()?;
        checkpoint::write(&options.folder, &opened.checkpoint(seen))?;
    }
    opened.space.keep_reserve();
    Ok(opened)
}

/// Opens the file of counts. That it was lost is on disk before there is a new one.
fn open_counts(
    options: &Options,
    known: &mut Option<Checkpoint>,
    seen: &mut Seen,
) -> Result<Counts, StoreError> {
    if seen.counts.is_some() && !Counts::exists(options) {
        tracing::error!(
            "`{}` has lost its counts: tokens with limits on their uses count as used up, and \
             their quotas come back with the next period",
            options.folder.display()
        );
        seen.counts = Some(options.clock.now().max(seen.high_water));
        match known {
            Some(known) => {
                known.seen = *seen;
                checkpoint::write(&options.folder, known)?;
            }
            None => checkpoint::write_seen(&options.folder, *seen)?,
        }
    }
    Counts::open(options, seen.counts.unwrap_or(Timestamp::EPOCH))
}

/// Puts the events that an index lacks into it, or into a new one if it is bad; answers with the
/// open history, and how many they were.
fn bring_up(
    mut found: Found,
    options: &Options,
    how: Recovered,
    uses: &Uses,
    summaries: (&Summaries, u64),
) -> Result<(Found, Log, u64), StoreError> {
    match carry(&mut found, options, how, uses, summaries) {
        Ok((log, events)) => Ok((found, log, events)),
        Err(error) if found.is_bad() => {
            tracing::error!("{error}; building the index from the history");
            drop(found);
            let how = Recovered { from: Mark::START, ..how };
            bring_up(Found::anew(options)?, options, how, uses, summaries)
        }
        Err(error) => {
            found.give_up(options);
            Err(error)
        }
    }
}

fn carry(
    found: &mut Found,
    options: &Options,
    how: Recovered,
    uses: &Uses,
    (summaries, since): (&Summaries, u64),
) -> Result<(Log, u64), StoreError> {
    let mut replay = Replay::new(&found.index, found.state, uses);
    if summaries.is_whole() {
        replay = replay.telling(summaries, since);
    }
    let take = |place, checked: Checked<'_>, line: &[u8]| replay.take(place, checked, line);
    let log = history::recover(&options.history(), how, take);
    let log = log.map_err(|ReplayError(error)| error)?;
    let events = replay.events;
    found.is_at(replay.finish()?);
    Ok((log, events))
}

fn open_uses(
    options: &Options,
    known: Option<&Checkpoint>,
    seen: Seen,
    carried: bool,
) -> Result<uses::Opened, StoreError> {
    let index = options.index().exists();
    let tokens = index || history::exists(&options.history());
    // A history with nothing beside it comes out of a backup.
    let bare = known.is_none() && !index;
    let means = Means {
        clock: options.clock.clone(),
        high_water: seen.high_water,
        tokens,
        expected: carried || bare,
        age: seen.uses,
    };
    uses::open(&options.folder, means)
}

impl Opened {
    /// The present state; true on disk once the index was synced.
    fn checkpoint(&self, seen: Seen) -> Checkpoint {
        Checkpoint::at(self.log.mark(), self.state.batches, seen)
    }
}

/// An index to begin with.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) index: Index,
    pub(super) state: State,
    /// Whether entries of it may be missing, or older than its state says.
    pub(super) doubtful: bool,
    /// Whether it is a new one, beside the one whose place it is to take.
    beside: bool,
}

impl Found {
    /// A new one.
    pub(super) fn anew(options: &Options) -> Result<Self, StoreError> {
        let index = anew::begin(options)?;
        Ok(Self { index, state: State::default(), doubtful: false, beside: true })
    }

    /// Puts a new one, which holds the history up to `mark`, in its place.
    pub(super) fn settle(
        self,
        options: &Options,
        mark: Mark,
        seen: Seen,
    ) -> Result<Self, StoreError> {
        if !self.beside {
            return Ok(self);
        }
        let Self { index, state, .. } = self;
        index.sync()?;
        drop(index);
        checkpoint::write(&options.folder, &Checkpoint::at(mark, state.batches, seen))?;
        let index = anew::exchange(options, &state)?;
        Ok(Self { index, state, doubtful: false, beside: false })
    }

    /// Removes a new one that cannot be finished.
    pub(super) fn give_up(self, options: &Options) {
        let beside = self.beside;
        drop(self);
        if beside && let Err(error) = anew::remove(&options.next_index()) {
            tracing::warn!("{error}");
        }
    }

    /// Notes how far it was brought up. From here on it answers for what is not doubtful.
    pub(super) fn is_at(&mut self, state: State) {
        self.state = state;
        if self.doubtful {
            self.index.doubt(&state.sums);
        }
    }

    /// Whether damage was met in one that a crash left, so that another one must be built.
    pub(super) fn is_bad(&self) -> bool {
        self.doubtful && self.index.is_damaged()
    }
}

/// Opens the index if it is what the checkpoint says, or later. One that was closed is read whole
/// for that, unless it is large and its files are as they were; so is every one, if that is
/// `asked`. One that a crash left is doubtful.
pub(super) fn trusted(
    options: &Options,
    known: &Checkpoint,
    asked: bool,
) -> Result<Option<Found>, StoreError> {
    let path = options.index();
    if known.older.is_some() {
        tracing::info!("the index is of an earlier layout; building it from the history");
        return Ok(None);
    }
    if !path.join("db").is_file() {
        tracing::error!("`{}` is not there; building it from the history", path.display());
        return Ok(None);
    }
    let stamp = stamp::take(&path).ok();
    let untouched = stamp.is_some_and(|stamp| known.closed == Some(stamp.sum));
    let small = stamp.is_some_and(|stamp| stamp.bytes <= options.always_read_bytes);
    if known.closed.is_some() {
        // From here on the index may differ from the checkpoint.
        checkpoint::write(&options.folder, &Checkpoint { closed: None, ..*known })?;
    }
    let examine = || {
        let index = Index::open(&path, options.cache_bytes)?;
        let state = index.state()?;
        let far = if known.closed.is_some() {
            state.batches == known.batches && state.applied == known.mark.head.seq
        } else {
            state.batches >= known.batches && state.applied >= known.mark.head.seq
        };
        let doubtful = known.closed.is_none() && !asked;
        let trusted =
            far && ((untouched && !small && !asked) || doubtful || index.is_whole(&state)?);
        Ok(trusted.then_some(Found { index, state, doubtful, beside: false }))
    };
    match examine() {
        Ok(Some(found)) => Ok(Some(found)),
        Ok(None) => {
            tracing::error!("`{}` lacks changes; building it from the history", path.display());
            Ok(None)
        }
        // Neither is mended by building anew.
        Err(error @ (StoreError::Full { .. } | StoreError::Locked { .. })) => Err(error),
        Err(error) => {
            tracing::error!("{error}; building the index from the history");
            Ok(None)
        }
    }
}

/// Without a checkpoint the index is not trusted, but it still tells how far the history must go.
fn forgotten(options: &Options) -> u64 {
    if !options.index().join("db").is_file() {
        return 0;
    }
    tracing::error!(
        "`{}` has no checkpoint; building the index from the history",
        options.folder.display()
    );
    applied(options)
}

/// The last event that the index has, if it can tell.
fn applied(options: &Options) -> u64 {
    if !options.index().join("db").is_file() {
        return 0;
    }
    let state = Index::open(&options.index(), options.cache_bytes).and_then(|index| index.state());
    state.map_or(0, |state| state.applied)
}
