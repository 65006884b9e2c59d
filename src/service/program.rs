//! Programs that administrate: they show a token that may do everything, and do what its owner may.

use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::decision::{self, Case, CompanyTerms, Facts, OwnerTerms, Standing, Terms};
use crate::domain::flags::Flags;
use crate::domain::refusal::Refusal;
use crate::domain::rule::{ItemRule, Requirement};
use crate::domain::secret::{self, Digest, Secret};
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
    /// That could not be found out.
    Failed(ServiceError),
}

impl Service {
    /// The program that shows `credential`: only one with the flags -1 may manage tokens.
    ///
    /// # Errors
    /// A token that is refused as it would be at the gate, or a store that cannot be read.
    pub async fn program(&self, credential: &str, address: IpAddr) -> Result<Caller, NotLetIn> {
        if !secret::is_plausible(credential.as_bytes()) {
            return Err(NotLetIn::Refused(Refusal::Unknown));
        }
        let failed = |error| NotLetIn::Failed(ServiceError::Store(error));
        let digest = Secret::new(credential.to_owned()).digest();
        let held = self.store().held(&digest).await.map_err(failed)?;
        let held = held.ok_or(NotLetIn::Refused(Refusal::Unknown))?;
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
                last_use: last_use.map(|last| last.at),
                item: None,
                company: None,
            },
            now,
        })
        .map_err(|refusal| {
            if held.token.rotated_to.is_some() {
                self.cache.note_rotated_refused(held.token.id, refusal, address);
            }
            NotLetIn::Refused(refusal)
        })?;
        self.note_use(&digest, address).await.map_err(NotLetIn::Failed)?;
        Ok(Caller::program(&held.owner, &held.token))
    }

    async fn note_use(&self, digest: &Digest, address: IpAddr) -> Result<(), ServiceError> {
        let now = self.moment().await?;
        let Ok(Some(entry)) = self.cache.load(digest).await else { return Ok(()) };
        let number = self.cache.api_number(&Arc::from(API));
        self.cache.touch(&entry, now, address, number);
        Ok(())
    }
}
