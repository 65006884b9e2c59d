//! Nobody grants more than they have: a token stays within its maker and its owner.

use crate::domain::conditions::Conditions;
use crate::domain::flags::Flags;
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::Slug;
use crate::domain::limits::Limits;
use crate::domain::owner::Owner;
use crate::domain::time::{Span, Timestamp};
use crate::service::caller::{Grants, Tenant};
use crate::service::error::ServiceError;

fn allowed(
    holds: bool,
    field: &'static str,
    problem: impl FnOnce() -> String,
) -> Result<(), ServiceError> {
    if holds { Ok(()) } else { Err(ServiceError::NotAllowed { field, problem: problem() }) }
}

/// Access level (rows W13 and W15).
pub(super) fn flags(maker: &Grants, owner: &Owner, wanted: Flags) -> Result<(), ServiceError> {
    allowed(owner.ceiling.contains(wanted), "flags", || {
        format!("{wanted} is more than {}, the ceiling of `{}`", owner.ceiling, owner.id)
    })?;
    allowed(maker.flags.contains(wanted), "flags", || {
        format!("{wanted} is more than your own level {}", maker.flags)
    })
}

/// Areas.
pub(super) fn contexts(maker: &Grants, wanted: &Contexts) -> Result<(), ServiceError> {
    allowed(wanted.within(&maker.contexts), "contexts", || {
        "these are more contexts than you may use yourself".to_owned()
    })
}

/// Objects (row W15).
pub(super) fn items(maker: &Grants, wanted: &Items) -> Result<(), ServiceError> {
    allowed(wanted.within(&maker.items), "items", || {
        "these are more items than you may use yourself".to_owned()
    })
}

/// How much a token may be used: whoever is limited makes none that is limited less. Of the limits each is
/// compared by itself; that two tokens may be used twice as much is for whoever may make tokens at all.
pub(super) fn limits(maker: &Grants, wanted: &Limits) -> Result<(), ServiceError> {
    allowed(wanted.within(&maker.limits), "limits", || {
        "these are less strict than the limits that you have yourself".to_owned()
    })
}

/// From where, when and by whom: what a program is bound by binds what it makes, changes or rotates, itself
/// among it.
pub(super) fn conditions(maker: &Grants, wanted: &Conditions) -> Result<(), ServiceError> {
    allowed(wanted.within(&maker.conditions), "conditions", || {
        "these are less strict than the networks, windows or certificate that bind you yourself"
            .to_owned()
    })
}

/// A password of an owner: whoever knows it acts as that owner, up to its ceiling.
pub(super) fn password(maker: &Grants, owner: &Owner) -> Result<(), ServiceError> {
    allowed(maker.flags.contains(owner.ceiling), "password", || {
        format!("`{}` may have {}, and your own level is {}", owner.id, owner.ceiling, maker.flags)
    })
}

/// The tenant: that of the owner and of the maker, where they have one.
pub(super) fn company(
    maker: &Grants,
    owner: &Owner,
    wanted: Option<&Slug>,
) -> Result<(), ServiceError> {
    let within = |bound: Option<&Slug>| bound.is_none() || bound == wanted;
    allowed(within(owner.company.as_ref()), "company", || {
        let company = owner.company.as_ref().map_or("", Slug::as_str);
        format!("`{}` belongs to the company `{company}`", owner.id)
    })?;
    tenant("company", maker, wanted)
}

/// The most that an owner's tokens may have.
pub(super) fn ceiling(maker: &Grants, wanted: Flags) -> Result<(), ServiceError> {
    allowed(maker.flags.contains(wanted), "ceiling", || {
        format!("your own level is {}", maker.flags)
    })
}

/// The tenant of somebody or something else than a token: one that the maker may act for.
pub(super) fn tenant(
    field: &'static str,
    maker: &Grants,
    wanted: Option<&Slug>,
) -> Result<(), ServiceError> {
    allowed(maker.company.includes(wanted), field, || match &maker.company {
        Tenant::Only(Some(company)) => format!("you may act for the company `{company}` alone"),
        Tenant::Only(None) | Tenant::Any => "you may act for no company".to_owned(),
    })
}

/// The end (row W15).
pub(super) fn end(
    field: &'static str,
    maker: &Grants,
    wanted: Option<Timestamp>,
) -> Result<(), ServiceError> {
    let Some(latest) = maker.until else { return Ok(()) };
    allowed(wanted.is_some_and(|end| end <= latest), field, || {
        format!("it must end by {latest}, when your own access ends")
    })
}

/// How long it may lie unused: whoever ends by idleness makes nothing that idles longer, or for ever.
pub(super) fn idle_ttl(maker: &Grants, wanted: Span) -> Result<(), ServiceError> {
    let bound = maker.idle_ttl;
    let within = bound.is_zero() || (!wanted.is_zero() && wanted <= bound);
    allowed(within, "idle_ttl", || {
        format!("it may lie unused for {bound} at the most, as you may yourself")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Actor;
    use crate::domain::owner::OwnerKind;
    use crate::domain::token::Revision;
    use crate::service::Caller;

    fn bits(bits: i64) -> Flags {
        Flags::from_bits(bits).unwrap()
    }

    fn owner(ceiling: i64, company: Option<&str>) -> Owner {
        Owner {
            id: "alice".parse().unwrap(),
            kind: OwnerKind::User,
            name: "Alice".to_owned(),
            email: None,
            company: company.map(|name| name.parse().unwrap()),
            parent: None,
            roles: [].into(),
            ceiling: bits(ceiling),
            password: None,
            blocked: None,
            created_by: Actor::System,
            created_at: Timestamp::EPOCH,
            revision: Revision(1),
        }
    }

    fn maker() -> Grants {
        Grants {
            flags: bits(0x300),
            contexts: Contexts::set(["stock".parse().unwrap()]),
            items: Items::set(["10"]).unwrap(),
            company: Tenant::Only(Some("acme".parse().unwrap())),
            until: Some(Timestamp::from_unix(1_000)),
            idle_ttl: Span::from_days(30),
            limits: Limits { uses: Some(5), ..Limits::NONE },
            conditions: Conditions::NONE,
        }
    }

    #[test]
    fn w13_flags_never_exceed_the_owner() {
        let local = Caller::local(0).grants;
        assert!(flags(&local, &owner(0x300, None), bits(0x200)).is_ok());
        assert!(flags(&local, &owner(-1, None), bits(-1)).is_ok());
        let error = flags(&local, &owner(0x300, None), bits(-1)).unwrap_err();
        assert_eq!(error.to_string(), "`flags`: -1 is more than 0x300, the ceiling of `alice`");
        assert_eq!(error.status(), 403);
    }

    #[test]
    fn w15_nothing_exceeds_the_maker() {
        let (maker, owner) = (maker(), owner(-1, None));
        assert!(flags(&maker, &owner, bits(0x100)).is_ok());
        assert!(flags(&maker, &owner, bits(0x400)).is_err());
        assert!(contexts(&maker, &Contexts::set(["stock".parse().unwrap()])).is_ok());
        assert!(contexts(&maker, &Contexts::All).is_err());
        assert!(items(&maker, &Items::set(["10"]).unwrap()).is_ok());
        assert!(items(&maker, &Items::set(["11"]).unwrap()).is_err());
        assert!(items(&maker, &Items::All).is_err());
        assert!(end("expires_at", &maker, Some(Timestamp::from_unix(1_000))).is_ok());
        assert!(end("expires_at", &maker, Some(Timestamp::from_unix(1_001))).is_err());
        assert!(end("expires_at", &maker, None).is_err());
        assert!(idle_ttl(&maker, Span::from_days(30)).is_ok());
        assert!(idle_ttl(&maker, Span::from_days(31)).is_err());
        assert!(idle_ttl(&maker, Span::ZERO).is_err());
        assert!(limits(&maker, &Limits { uses: Some(5), ..Limits::NONE }).is_ok());
        assert!(limits(&maker, &Limits { uses: Some(6), ..Limits::NONE }).is_err());
        assert!(limits(&maker, &Limits::NONE).is_err());
    }

    #[test]
    fn f6_a_token_stays_in_the_company_of_its_owner_and_maker() {
        let acme: Slug = "acme".parse().unwrap();
        let other: Slug = "other".parse().unwrap();
        let local = Caller::local(0).grants;
        assert!(company(&local, &owner(-1, None), None).is_ok());
        assert!(company(&local, &owner(-1, None), Some(&other)).is_ok());
        assert!(company(&local, &owner(-1, Some("acme")), Some(&acme)).is_ok());
        assert!(company(&local, &owner(-1, Some("acme")), Some(&other)).is_err());
        assert!(company(&local, &owner(-1, Some("acme")), None).is_err());
        assert!(company(&maker(), &owner(-1, None), Some(&other)).is_err());
        assert!(company(&maker(), &owner(-1, None), Some(&acme)).is_ok());
    }
}
