//! Who stands below whom, and who belongs to which company: what the lists of everybody but those who see
//! everything are made of. Read from all owners, and kept until one of them changes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::id::{OwnerId, Slug};
use crate::domain::owner::Owner;
use crate::service::caller::Caller;
use crate::service::rights::GENERATIONS;
use crate::service::{PAGE_ENTRIES, Service};
use crate::store::StoreError;

/// All owners by their parents and their companies.
#[derive(Debug, Default)]
pub(super) struct Family {
    /// What the changes of owners were at when this was read.
    epoch: u64,
    below: HashMap<OwnerId, Vec<OwnerId>>,
    of_company: HashMap<Slug, Vec<OwnerId>>,
}

impl Family {
    fn add(&mut self, owner: &Owner) {
        if let Some(parent) = &owner.parent {
            self.below.entry(parent.clone()).or_default().push(owner.id.clone());
        }
        if let Some(company) = &owner.company {
            self.of_company.entry(company.clone()).or_default().push(owner.id.clone());
        }
    }

    /// An owner and all below, as far as `Service::generations` looks.
    fn from(&self, me: &OwnerId) -> BTreeSet<OwnerId> {
        let (mut all, mut last) = (BTreeSet::from([me.clone()]), vec![me.clone()]);
        for _ in 0..GENERATIONS {
            let below = last.iter().filter_map(|id| self.below.get(id)).flatten();
            // Nobody stands below themselves, but a history that was repaired may say so.
            last = below.filter(|id| all.insert((*id).clone())).cloned().collect();
        }
        all
    }
}

impl Service {
    /// Those whom `by`, who does not see everything, sees: the same as [`Caller::sees`] says of each.
    pub(super) async fn seen_by(&self, by: &Caller) -> Result<BTreeSet<OwnerId>, StoreError> {
        let family = self.family().await?;
        let mut seen = by.owner().map(|me| family.from(me)).unwrap_or_default();
        let of_company = by.watched_company().and_then(|company| family.of_company.get(company));
        seen.extend(of_company.into_iter().flatten().cloned());
        Ok(seen)
    }

    async fn family(&self) -> Result<Arc<Family>, StoreError> {
        // One reads for all who ask.
        let mut kept = self.family.lock().await;
        let epoch = self.cache.owners_epoch();
        if let Some(family) = kept.as_ref().filter(|family| family.epoch == epoch) {
            return Ok(Arc::clone(family));
        }
        let (mut family, mut after) = (Family { epoch, ..Family::default() }, None);
        loop {
            let page = self.store().owners(after.as_ref(), PAGE_ENTRIES).await?;
            page.entries.iter().for_each(|owner| family.add(owner));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(Arc::clone(kept.insert(Arc::new(family))))
    }
}
