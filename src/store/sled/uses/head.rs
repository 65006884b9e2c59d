//! What is known of the file of last uses as a whole, in a small file beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::sled::small::{self, Found};

const FORMAT: u8 = 1;

/// The head of the file; on disk before any slot relies on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    format: u8,
    /// Part of every checksum, so that slots of another file do not verify.
    pub(super) salt: u32,
    /// How many slots the file has at least, all of which verify.
    pub(super) slots: u64,
    /// Tokens that lie idle count as used at this moment at least.
    pub(super) floor: Timestamp,
    /// Whether the slots know which events tell of first uses, of all events that were in the index when
    /// this became true.
    pub(super) linked: bool,
    /// The names of APIs by their numbers, from 1 on; 0 stands for a name that is not known. Only added
    /// to, since any slot may have any number.
    apis: Vec<Arc<str>>,
}

pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("uses.head")
}

impl Head {
    pub(super) fn new(floor: Timestamp) -> Result<Self, StoreError> {
        let mut salt = [0; 4];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| StoreError::Failed {
            doing: "making a file for last uses".to_owned(),
            cause: "no randomness".to_owned(),
        })?;
        let salt = u32::from_le_bytes(salt);
        Ok(Self { format: FORMAT, salt, slots: 0, floor, linked: false, apis: Vec::new() })
    }

    pub(super) fn read(folder: &Path) -> Found<Self> {
        match small::read::<Self>(&path(folder)) {
            Found::Whole(head) if head.format != FORMAT => Found::Damaged,
            found => found,
        }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), StoreError> {
        small::write(&path(folder), self)
    }

    /// The name behind a number; none for a number that was never given out.
    pub(super) fn api(&self, number: u16) -> Option<Arc<str>> {
        match usize::from(number).checked_sub(1) {
            None => Some("".into()),
            Some(at) => self.apis.get(at).cloned(),
        }
    }

    /// The highest number that was given out; zero for none.
    pub(super) fn newest_number(&self) -> u16 {
        u16::try_from(self.apis.len()).unwrap_or(u16::MAX)
    }

    /// The number of a name; none if it has none yet.
    pub(super) fn number(&self, api: &Arc<str>) -> Option<u16> {
        if api.is_empty() {
            return Some(0);
        }
        let same = |known: &Arc<str>| Arc::ptr_eq(known, api) || known == api;
        let at = self.apis.iter().position(same)?;
        u16::try_from(at.saturating_add(1)).ok()
    }

    /// Gives a number to a name. When all numbers are taken, the name counts as not known.
    pub(super) fn add(&mut self, api: &Arc<str>) -> u16 {
        let Ok(number) = u16::try_from(self.apis.len().saturating_add(1)) else { return 0 };
        self.apis.push(Arc::clone(api));
        number
    }
}
