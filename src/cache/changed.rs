//! Which owners changed of late, so that what is made of all owners is kept up without reading them all again.

use std::collections::{BTreeSet, VecDeque};

use crate::domain::id::OwnerId;

use super::Cache;

/// How many changes are known; whoever looks after more of them reads all owners.
const KNOWN: usize = if cfg!(test) { 4 } else { 4_096 };

/// The last changes, each with the epoch that it began.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// All changes after this epoch are here.
    from: u64,
    all: VecDeque<(u64, OwnerId)>,
}

/// What became of the owners since an epoch.
#[derive(Debug)]
pub struct OwnersChanged {
    /// The epoch up to which this tells.
    pub epoch: u64,
    /// Whose records may be others than before; none if that is not known any more.
    pub owners: Option<BTreeSet<OwnerId>>,
}

impl Changed {
    pub(super) fn note(&mut self, epoch: u64, id: OwnerId) {
        if self.all.len() >= KNOWN
            && let Some((oldest, _)) = self.all.pop_front()
        {
            self.from = oldest;
        }
        self.all.push_back((epoch, id));
    }

    fn since(&self, epoch: u64) -> Option<BTreeSet<OwnerId>> {
        let later = self.all.iter().rev().take_while(|(at, _)| *at > epoch);
        (epoch >= self.from).then(|| later.map(|(_, id)| id.clone()).collect())
    }
}

impl Cache {
    /// Whose records changed after `epoch`. Who reads them now reads what was acknowledged up to the epoch that is
    /// answered, or something newer.
    pub fn owners_changed(&self, epoch: u64) -> OwnersChanged {
        // Under the lock under which the epoch is moved on.
        let owners = self.owners();
        OwnersChanged { epoch: self.owners_epoch(), owners: owners.changed.since(epoch) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_changes_are_known_and_what_was_before_is_not_guessed() {
        let mut changed = Changed::default();
        let id = |n: u64| format!("owner-{n}").parse::<OwnerId>().unwrap();
        let known = |changed: &Changed, epoch| changed.since(epoch).map(|all| all.len());
        assert_eq!(known(&changed, 0), Some(0));
        // Companies move the epoch on too, and are not noted.
        for epoch in [1, 3, 4, 7] {
            changed.note(epoch, id(epoch));
        }
        assert_eq!(known(&changed, 0), Some(4));
        assert_eq!(changed.since(3), Some([id(4), id(7)].into()));
        assert_eq!(known(&changed, 9), Some(0));
        changed.note(8, id(7));
        assert_eq!(known(&changed, 0), None, "the first one is forgotten");
        assert_eq!(changed.since(1), Some([id(3), id(4), id(7)].into()));
    }
}
