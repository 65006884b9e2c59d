//! Making the files anew.

use super::{Changed, Inside, Summaries, Trust};
use crate::store::StoreError;

impl Summaries {
    /// Empties the files. A start that finds them so does not trust them.
    pub(in crate::store::sled) fn begin(&self) -> Result<(), StoreError> {
        self.empty(Trust::Growing)
    }

    /// The same where there is no token yet.
    pub(in crate::store::sled) fn begin_empty(&self) -> Result<(), StoreError> {
        self.empty(Trust::Whole)
    }

    fn empty(&self, trust: Trust) -> Result<(), StoreError> {
        let mut salt = [0; 4];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| StoreError::Failed {
            doing: "making a file for summaries".to_owned(),
            cause: "no randomness".to_owned(),
        })?;
        let mut inside = self.alone();
        let times = inside.times.wrapping_add(1);
        *inside = Inside {
            trust,
            times,
            salt: u32::from_le_bytes(salt),
            rows: 0,
            end: 0,
            live: 0,
            zones: Vec::new(),
        };
        let emptied = self.rows.set_len(0).and_then(|()| self.texts.set_len(0));
        emptied.map_err(|error| {
            inside.trust = Trust::None;
            super::uses::failed(&self.path, "emptying", &error)
        })
    }

    /// Writes the rows of some tokens that are read while nobody else writes; none are the end. Answers whether
    /// there may be more.
    pub(in crate::store::sled) fn go_on(
        &self,
        read: impl FnOnce() -> Result<Vec<Changed>, StoreError>,
    ) -> Result<bool, StoreError> {
        let mut inside = self.alone();
        if inside.trust != Trust::Growing {
            return Ok(false);
        }
        let tokens = read()?;
        if tokens.is_empty() {
            tracing::info!("summaries of {} tokens were made anew", inside.rows);
            inside.trust = Trust::Whole;
            return Ok(false);
        }
        let written = self.put(&mut inside, &tokens);
        written.map_err(|error| super::uses::failed(&self.path, "writing", &error))?;
        Ok(true)
    }
}
