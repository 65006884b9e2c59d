//! What an event of the history means to others: none, one or several notices.

use crate::domain::event::{Actor, EventKind};
use crate::domain::notice::NoticeKind;
use crate::domain::role::Role;
use crate::domain::secret::Digest;
use crate::domain::token::End;
use crate::notices::payload::{CompanyPart, Data, Notice, OwnerPart, Payload, TokenPart};
use crate::service::{Service, ServiceError, reuse, warn, widening};
use crate::store::{Record, Recorded, StoreError, Subject};

/// What there is to tell of an event.
///
/// # Errors
/// A store that cannot be read.
pub(super) async fn of(
    service: &Service,
    recorded: &Recorded,
) -> Result<Vec<Notice>, ServiceError> {
    let mut told = Told { recorded, notices: Vec::new() };
    match recorded.event.kind {
        EventKind::TokenExpiresSoon => told.warned(service, End::Expired).await?,
        EventKind::TokenIdlesOutSoon => told.warned(service, End::IdleExpired).await?,
        EventKind::TokenReused => told.reused(service).await?,
        EventKind::TokenRevoked => told.revoked(service).await?,
        EventKind::TokenLeaked => told.leaked(service).await?,
        EventKind::TokenUpdated | EventKind::OwnerUpdated | EventKind::CompanyUpdated => {
            told.widened(service).await?;
        }
        EventKind::TokenCreated | EventKind::OwnerCreated => told.made(service)?,
        _ => {}
    }
    Ok(told.notices)
}

struct Told<'a> {
    recorded: &'a Recorded,
    notices: Vec<Notice>,
}

impl Told<'_> {
    fn add(&mut self, kind: NoticeKind, data: Data<'_>) -> Result<(), ServiceError> {
        let Recorded { position, event, line, .. } = self.recorded;
        let data = Data { event: Some(position.0), ..data };
        let about = data.about();
        let body = serde_json::to_string(&Payload { r#type: kind, timestamp: event.at, data });
        let body = body.map_err(|error| StoreError::Failed {
            doing: format!("telling of event {}", position.0),
            cause: error.to_string(),
        })?;
        let nth = self.notices.len();
        // With the hash of the line, for after a restore another event can have this number.
        let hash: String = Digest::of(line.as_bytes()).to_hex().chars().take(16).collect();
        let id = format!("evt_{}_{nth}_{hash}", position.0);
        self.notices.push(Notice { id, kind, event: Some(position.0), nth, about, body });
        Ok(())
    }

    async fn warned(&mut self, service: &Service, how: End) -> Result<(), ServiceError> {
        let event = &self.recorded.event;
        let kind =
            if how == End::Expired { NoticeKind::ExpiresSoon } else { NoticeKind::IdlesOutSoon };
        for subject in &self.recorded.subjects {
            let Subject::Token(id) = subject else { continue };
            let Some(token) = service.token_told_of(*id).await? else { continue };
            let data = Data {
                token: Some(TokenPart::ending(&token, event.effective_at, how)),
                days_left: Some(warn::days_left(event.at, event.effective_at)),
                ..Data::by(&event.actor)
            };
            self.add(kind, data)?;
        }
        Ok(())
    }

    async fn reused(&mut self, service: &Service) -> Result<(), ServiceError> {
        let event = &self.recorded.event;
        for subject in &self.recorded.subjects {
            let Subject::Token(id) = subject else { continue };
            let Some(token) = service.token_told_of(*id).await? else { continue };
            let address = reuse::address_of(&event.reason);
            let token = Some(TokenPart::new(&token));
            self.add(NoticeKind::Reused, Data { token, address, ..Data::by(&event.actor) })?;
        }
        Ok(())
    }

    /// Whoever ends their own token knows of it.
    async fn revoked(&mut self, service: &Service) -> Result<(), ServiceError> {
        let event = &self.recorded.event;
        for written in service.written(self.recorded).await? {
            let Record::Token(token) = &written.after else { continue };
            let theirs = match &event.actor {
                Actor::Owner(id) => *id == token.owner,
                Actor::System => true,
                Actor::Local(_) => false,
            };
            if !theirs {
                let (token, reason) = (Some(TokenPart::new(token)), event.reason.as_str());
                let data = Data { token, reason, ..Data::by(&event.actor) };
                self.add(NoticeKind::Revoked, data)?;
            }
        }
        Ok(())
    }

    /// Whose token it is has to hear of it, whoever found it.
    async fn leaked(&mut self, service: &Service) -> Result<(), ServiceError> {
        let event = &self.recorded.event;
        for written in service.written(self.recorded).await? {
            let Record::Token(token) = &written.after else { continue };
            let (token, reason) = (Some(TokenPart::new(token)), event.reason.as_str());
            self.add(NoticeKind::Leaked, Data { token, reason, ..Data::by(&event.actor) })?;
        }
        Ok(())
    }

    /// Somebody new may manage others: a token with all flags, or a user with a role that has a meaning here.
    fn made(&mut self, service: &Service) -> Result<(), ServiceError> {
        let recorded = self.recorded;
        let data = || Data::by(&recorded.event.actor);
        for record in service.made(self.recorded)? {
            let (token, owner) = match &record {
                Record::Token(token) if token.flags.is_unlimited() => {
                    (Some(TokenPart::new(token)), None)
                }
                Record::Owner(owner) if Role::ALL.iter().any(|role| role.is_of(owner)) => {
                    (None, Some(OwnerPart::new(owner)))
                }
                _ => continue,
            };
            let widened = vec![if token.is_some() { "flags" } else { "roles" }];
            self.add(NoticeKind::Widened, Data { token, owner, widened, ..data() })?;
        }
        Ok(())
    }

    /// Somebody may do more than before.
    async fn widened(&mut self, service: &Service) -> Result<(), ServiceError> {
        let event = &self.recorded.event;
        let data = || Data { reason: &event.reason, ..Data::by(&event.actor) };
        for written in service.written(self.recorded).await? {
            match (&written.before, &written.after) {
                (Some(Record::Token(before)), Record::Token(after)) => {
                    let widened = widening::widened(before, after);
                    let token = Some(TokenPart::new(after));
                    if !widened.is_empty() {
                        self.add(NoticeKind::Widened, Data { token, widened, ..data() })?;
                    }
                }
                (Some(Record::Owner(before)), Record::Owner(after)) => {
                    let mut widened = widening::widened_owner(before, after);
                    let by_themselves = event.actor == Actor::Owner(after.id.clone());
                    if after.password.is_some()
                        && after.password != before.password
                        && !by_themselves
                    {
                        widened.push("password");
                    }
                    let owner = Some(OwnerPart::new(after));
                    if !widened.is_empty() {
                        self.add(NoticeKind::Widened, Data { owner, widened, ..data() })?;
                    }
                }
                (Some(Record::Company(before)), Record::Company(after)) => {
                    let widened = widening::widened_company(before, after);
                    let company = Some(CompanyPart::new(after));
                    if !widened.is_empty() {
                        self.add(NoticeKind::Widened, Data { company, widened, ..data() })?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
