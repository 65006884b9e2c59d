//! Programs that administrate: they show a token that may do everything, and do what its owner may.

use std::net::IpAddr;
use std::sync::Arc;

use crate::cache::{At, Entry, Limited, Seat, Taken};
use crate::domain::decision::{self, Case, CompanyTerms, Facts, OwnerTerms, Standing, Terms};
use crate::domain::flags::Flags;
use crate::domain::left::Left;
use crate::domain::limits::{Limit, Limits};
use crate::domain::refusal::Refusal;
use crate::domain::rule::{ItemRule, Requirement};
use crate::domain::secret::{self, Secret};
use crate::domain::time::Timestamp;
use crate::service::Service;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;

/// What the history of last uses calls this API.
pub const API: &str = "tollgate";

/// Why a program is not let in.
#[derive(Debug)]
pub enum NotLetIn {
    /// Its token is refused, as it would be at the gate.
    Refused(Refusal),
    /// Its token was used as much as it may be, here and at the gate: which limit is met, all limits, and
    /// what is left of them.
    Limited(Limit, Box<(Limits, Left)>),
    /// That could not be found out.
    Failed(ServiceError),
}

/// A program that is let in.
#[derive(Debug)]
pub struct Program {
    /// As whom it asks.
    pub caller: Caller,
    /// Of a token that has limits: held until its request is over.
    pub seat: Option<Seat>,
}

impl Service {
    /// The program that shows `credential`: only one with the flags -1 may manage tokens.
    ///
    /// # Errors
    /// A token that is refused as it would be at the gate, or a store that cannot be read.
    pub async fn program(&self, credential: &str, address: IpAddr) -> Result<Program, NotLetIn> {
        if !secret::is_plausible(credential.as_bytes()) {
            return Err(NotLetIn::Refused(Refusal::Unknown));
        }
        let failed = |error| NotLetIn::Failed(ServiceError::Store(error));
        let digest = Secret::new(credential.to_owned()).digest();
        let held = self.store().held(&digest).await.map_err(failed)?;
        let held = held.ok_or(NotLetIn::Refused(Refusal::Unknown))?;
        // A token may be of another company than its owner, who comes in by no way.
        if self.is_stopped_with_company(&held.owner).await.map_err(failed)? {
            return Err(NotLetIn::Refused(Refusal::CompanyBlocked));
        }
        let now = self.moment().await.map_err(NotLetIn::Failed)?;
        let last_use = self.cache.last_use(&held.token).await.map_err(failed)?;
        let rule = Requirement {
            flags: Flags::UNLIMITED,
            items: ItemRule::Upstream,
            ..Requirement::default()
        };
        decision::decide(&Case {
            standing: Standing::from(&*held.token),
            terms: &Terms::from(&*held.token),
            owner: &OwnerTerms::from(&*held.owner),
            company: held.company.as_deref().map(CompanyTerms::from).as_ref(),
            rule: Some(&rule),
            facts: Facts {
                address,
                certificate: None,
                subject: None,
                last_use: last_use.map(|last| last.at),
                item: None,
                company: None,
                lacks: None,
            },
            now,
        })
        .map_err(|refusal| {
            if held.token.rotated_to.is_some() {
                self.cache.note_rotated_refused(held.token.id, refusal, address);
            }
            NotLetIn::Refused(refusal)
        })?;
        let entry = self.cache.load(&digest).await;
        let entry = entry.map_err(|_| NotLetIn::Refused(Refusal::CannotDecide))?;
        // Gone meanwhile.
        let entry = entry.ok_or(NotLetIn::Refused(Refusal::Unknown))?;
        let seat = match &entry.limited {
            // Last, as at the gate, so that only what is permitted counts.
            Some(limited) => Some(self.take(limited, now).await?),
            None => None,
        };
        self.note_use(&entry, now, address);
        Ok(Program { caller: Caller::program(&held.owner, &held.token), seat })
    }

    /// Counts a request of a program towards the limits of its token, with those at the gate.
    async fn take(&self, limited: &Limited, now: Timestamp) -> Result<Seat, NotLetIn> {
        let at = At { now, uptime_ns: self.uptime_ns() };
        let taken = match limited.take(at) {
            Taken::Unreserved => {
                let taken = self.cache.take(limited, at).await;
                taken.map_err(|_| NotLetIn::Refused(Refusal::CannotDecide))?
            }
            taken => taken,
        };
        match taken {
            Taken::Seat(seat) => Ok(seat),
            Taken::Refused(limit) => {
                let told = Box::new((limited.limits.clone(), limited.left(at)));
                Err(NotLetIn::Limited(limit, told))
            }
            Taken::Unreserved => Err(NotLetIn::Refused(Refusal::CannotDecide)),
        }
    }

    fn note_use(&self, entry: &Arc<Entry>, now: Timestamp, address: IpAddr) {
        let number = self.cache.api_number(&Arc::from(API));
        self.cache.touch(entry, now, address, number);
    }
}
