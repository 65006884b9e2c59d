//! From the oldest layout, which kept last uses in the index under `U` and knew no slots: its
//! index is not trusted but built anew, and its last uses are carried over.
//!
//! The old index waits under another name until its uses are in their file and durable; while it is there,
//! a start carries them over once more, so that a crash half-way loses nothing. Until then every token
//! counts as used at the moment of the upgrade.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::aside;
use super::checkpoint::Checkpoint;
use super::index::Index;
use super::state::State;
use super::uses::{self, Entry, Uses};
use super::value::{self, OLDER_FORMAT};
use super::{entry, keys};
use crate::domain::time::Timestamp;
use crate::history;
use crate::store::{LastUse, StoreError};

/// Last uses then.
const USES: u8 = b'U';

/// How many last uses are carried at a time.
const PIECE: usize = 32_768;

/// An index of the old layout.
#[derive(Debug)]
pub(super) struct Old {
    path: PathBuf,
    /// None if it cannot be opened any more.
    index: Option<Index>,
    /// How far it was.
    pub(super) applied: u64,
    /// The floor that it had; none if it is not known to be whole.
    floor: Option<Timestamp>,
}

/// Sets an index of the old layout aside, or finds one that was.
pub(super) fn find(
    folder: &Path,
    cache_bytes: u64,
    known: Option<&Checkpoint>,
) -> Result<Option<Old>, StoreError> {
    let (index, path) = (folder.join("index"), folder.join("index.old"));
    let there = index.join("db").is_file();
    let older = match known {
        Some(known) => known.oldest().is_some(),
        // Then it is one if it reads as one.
        None => there && !uses::exists(folder) && is_old(&index, cache_bytes),
    };
    if older && there {
        let renamed = fs::rename(&index, &path);
        renamed.map_err(|error| failed(&path, "moving the old index to", &error))?;
        history::sync_folder(folder)?;
    }
    if !path.exists() {
        return Ok(None);
    }
    tracing::info!("carrying last uses over from `{}`", path.display());
    let mut old = Old { path, index: None, applied: 0, floor: None };
    match old.examine(cache_bytes, known.filter(|known| known.oldest().is_some())) {
        Ok(()) => {}
        // The next start may find it whole.
        Err(error @ (StoreError::Full { .. } | StoreError::Locked { .. })) => return Err(error),
        Err(error) => tracing::error!("{error}; tokens that lie idle count as used now"),
    }
    Ok(Some(old))
}

fn is_old(index: &Path, cache_bytes: u64) -> bool {
    let index = Index::open(index, cache_bytes);
    index.and_then(|index| index.state_as(OLDER_FORMAT)).is_ok_and(|state| state.is_some())
}

impl Old {
    fn examine(&mut self, cache_bytes: u64, known: Option<&Checkpoint>) -> Result<(), StoreError> {
        let index = Index::open(&self.path, cache_bytes)?;
        let state = index.state_as(OLDER_FORMAT)?.unwrap_or_default();
        self.applied = state.applied;
        let reaches = |known: &&Checkpoint| {
            let State { applied, batches, .. } = state;
            batches >= known.batches && applied >= known.mark.head.seq
        };
        // sled passes over damage in silence: without the sum, uses might be missing.
        if let Some(known) = known.filter(reaches)
            && index.is_whole_as(OLDER_FORMAT, &state)?
        {
            self.floor = known.oldest();
        }
        self.index = Some(index);
        Ok(())
    }

    /// Carries the last uses over into their file, for the tokens of the new index, and forgets the old
    /// one.
    /// `anew` says that there was no file before: then the floor of the old index holds.
    pub(super) fn carry(mut self, into: &Index, uses: &Uses, anew: bool) -> Result<(), StoreError> {
        let mut count = 0_usize;
        let mut after = None;
        while let Some(index) = &self.index {
            let found = match index.list_raw(&[USES], after.as_deref(), PIECE) {
                Ok(found) => found,
                Err(error) => {
                    tracing::error!("{error}; tokens that lie idle count as used now");
                    self.floor = None;
                    break;
                }
            };
            let mut piece = Vec::with_capacity(found.len());
            for (key, raw) in &found {
                let payload = value::open_as(OLDER_FORMAT, key, raw).ok();
                let last = payload.and_then(|payload| read_use(&payload));
                let (Some(token), Some(last)) = (keys::trailing_token(key), last) else { continue };
                if let Some(head) = entry::head(into, token)? {
                    piece.push((head.slot, token, last));
                }
            }
            count = count.saturating_add(piece.len());
            let numbers = uses.numbers(piece.iter().map(|(_, _, last)| &last.api))?;
            let entries = piece.iter().zip(numbers).map(|((slot, token, last), api)| {
                let last = Some(uses::Stored { at: last.at, address: last.address, api });
                Entry { slot: *slot, token: *token, last, first: None }
            });
            uses.note(entries.collect())?;
            after = found.last().map(|(key, _)| key.to_vec());
            if found.len() < PIECE {
                break;
            }
        }
        uses.sync()?;
        if let Some(floor) = self.floor {
            uses.set_floor(if anew { floor } else { floor.max(uses.floor()) })?;
        }
        drop(self.index);
        let gone = if self.floor.is_some() {
            fs::remove_dir_all(&self.path)
        } else {
            // For whoever wants to look into it.
            aside::set_aside(&self.path).map(|_| ())
        };
        gone.map_err(|error| failed(&self.path, "removing", &error))?;
        tracing::info!("carried {count} last uses over from `{}`", self.path.display());
        Ok(())
    }
}

/// A last use as it was stored: seconds, the kind and bytes of the address, the API.
fn read_use(payload: &[u8]) -> Option<LastUse> {
    let (at, rest) = payload.split_first_chunk::<8>()?;
    let at = Timestamp::from_unix(u64::from_be_bytes(*at));
    let (address, api) = match rest.split_first()? {
        (4, rest) => {
            let (octets, api) = rest.split_first_chunk::<4>()?;
            (IpAddr::from(*octets), api)
        }
        (6, rest) => {
            let (octets, api) = rest.split_first_chunk::<16>()?;
            (IpAddr::from(*octets), api)
        }
        _ => return None,
    };
    Some(LastUse { at, address, api: std::str::from_utf8(api).ok()?.into() })
}

fn failed(path: &Path, doing: &str, error: &std::io::Error) -> StoreError {
    StoreError::Failed { doing: format!("{doing} `{}`", path.display()), cause: error.to_string() }
}
