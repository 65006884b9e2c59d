//! All owners in short: who stands below whom, who belongs to which company, and what a search asks of each. It is
//! what the lists of everybody but those who see everything are made of. Read from all owners once, and kept up with
//! each that changes; some 300 bytes for each.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use tokio::sync::MutexGuard;

use crate::domain::id::{OwnerId, Slug};
use crate::domain::owner::{Owner, OwnerKind};
use crate::service::caller::Caller;
use crate::service::rights::GENERATIONS;
use crate::service::{PAGE_ENTRIES, Service};
use crate::store::StoreError;
use crate::store::query::folded;

/// All owners, with those who have them as their parent.
#[derive(Debug, Default)]
pub(super) struct Family {
    /// What the changes of owners were at when this was right; none before it was read.
    epoch: Option<u64>,
    cards: BTreeMap<OwnerId, Card>,
    below: HashMap<OwnerId, BTreeSet<OwnerId>>,
    /// Companies and roles, which many owners share.
    shared: HashSet<Slug>,
}

/// An owner in short.
#[derive(Debug)]
pub(super) struct Card {
    parent: Option<OwnerId>,
    pub(super) company: Option<Slug>,
    pub(super) kind: OwnerKind,
    pub(super) blocked: bool,
    pub(super) roles: Box<[Slug]>,
    /// Its id, its name and its address in small letters, one in a line.
    pub(super) text: Box<str>,
}

/// Whom somebody sees.
#[derive(Debug)]
pub(super) enum Sight {
    All,
    /// Those of a company, and these.
    Company(Slug, BTreeSet<OwnerId>),
    /// These alone.
    Some(BTreeSet<OwnerId>),
}

impl Family {
    /// Takes an owner over as the record now is.
    fn put(&mut self, owner: &Owner) {
        let mut card = Card::of(owner);
        for slug in card.company.iter_mut().chain(card.roles.iter_mut()) {
            *slug = self.share(slug);
        }
        let (id, parent) = match self.cards.entry(owner.id.clone()) {
            Entry::Vacant(place) => (place.key().clone(), None),
            Entry::Occupied(place) => (place.key().clone(), place.get().parent.clone()),
        };
        if parent != card.parent {
            if let Some(siblings) = parent.and_then(|parent| self.below.get_mut(&parent)) {
                siblings.remove(&id);
            }
            if let Some(parent) = &card.parent {
                self.below.entry(parent.clone()).or_default().insert(id.clone());
            }
        }
        self.cards.insert(id, card);
    }

    fn share(&mut self, slug: &Slug) -> Slug {
        match self.shared.get(slug) {
            Some(known) => known.clone(),
            None => {
                self.shared.insert(slug.clone());
                slug.clone()
            }
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

    /// Whom `by` sees: the same as [`Caller::sees`] says of each.
    pub(super) fn sight(&self, by: &Caller) -> Sight {
        if by.sees_all() {
            return Sight::All;
        }
        let own = by.owner().map(|me| self.from(me)).unwrap_or_default();
        match by.watched_company() {
            Some(company) => Sight::Company(company.clone(), own),
            None => Sight::Some(own),
        }
    }

    /// Those within sight behind `after`, in alphabetical order.
    pub(super) fn seen<'a>(
        &'a self,
        sight: &'a Sight,
        after: Option<&OwnerId>,
    ) -> Box<dyn Iterator<Item = (&'a OwnerId, &'a Card)> + 'a> {
        let from = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let all = |from| self.cards.range::<OwnerId, _>(from);
        match sight {
            Sight::All => Box::new(all(from)),
            Sight::Company(company, own) => Box::new(all(from).filter(move |(id, card)| {
                card.company.as_ref() == Some(company) || own.contains(*id)
            })),
            Sight::Some(own) => {
                let own = own.range::<OwnerId, _>(from);
                Box::new(own.filter_map(|id| self.cards.get_key_value(id)))
            }
        }
    }
}

impl Card {
    /// Of an owner.
    pub(super) fn of(owner: &Owner) -> Self {
        let email = owner.email.as_deref().unwrap_or_default();
        Self {
            parent: owner.parent.clone(),
            company: owner.company.clone(),
            kind: owner.kind,
            blocked: owner.blocked.is_some(),
            roles: owner.roles.iter().cloned().collect(),
            text: folded(&format!("{}\n{}\n{email}", owner.id, owner.name)).into(),
        }
    }
}

impl Service {
    /// Those whom `by`, who does not see everything, sees.
    pub(super) async fn seen_by(&self, by: &Caller) -> Result<BTreeSet<OwnerId>, StoreError> {
        let family = self.family().await?;
        let sight = family.sight(by);
        Ok(match sight {
            Sight::Some(own) => own,
            sight => family.seen(&sight, None).map(|(id, _)| id.clone()).collect(),
        })
    }

    /// All owners as they are now. One reads for all who ask.
    pub(super) async fn family(&self) -> Result<MutexGuard<'_, Family>, StoreError> {
        let mut family = self.family.lock().await;
        let changed = self.cache.owners_changed(family.epoch.unwrap_or_default());
        match changed.owners.filter(|_| family.epoch.is_some()) {
            Some(owners) => {
                // Where it breaks off, the same ones are read again.
                for id in owners {
                    if let Some(owner) = self.store().owner(&id).await? {
                        family.put(&owner);
                    }
                }
            }
            None => {
                let (mut anew, mut after) = (Family::default(), None);
                loop {
                    let page = self.store().owners(after.as_ref(), PAGE_ENTRIES).await?;
                    page.entries.iter().for_each(|owner| anew.put(owner));
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                *family = anew;
            }
        }
        family.epoch = Some(changed.epoch);
        Ok(family)
    }
}
