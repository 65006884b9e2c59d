//! Everything that a decision is made from, owned, so that tests can change one thing at a time.

use std::net::IpAddr;

use super::{Case, CompanyTerms, Facts, OwnerTerms, Standing, Terms, decide};
use crate::domain::conditions::{Conditions, Window};
use crate::domain::flags::Flags;
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::Slug;
use crate::domain::refusal::Refusal;
use crate::domain::rule::{ItemRule, Requirement};
use crate::domain::secret::Digest;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::Life;

/// One second of 2026 (a Friday, 12:00:00 UTC), at which the scenes play.
pub(super) const NOON: Timestamp = Timestamp::from_unix(1_795_176_000);

/// A case with everything that it borrows.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) standing: Standing,
    pub(super) terms: Terms,
    pub(super) owner: OwnerTerms,
    pub(super) tenant: Option<CompanyTerms>,
    pub(super) rule: Option<Requirement>,
    pub(super) address: IpAddr,
    pub(super) certificate: Option<Digest>,
    pub(super) subject: Option<&'static str>,
    pub(super) last_use: Option<Timestamp>,
    pub(super) item: Option<String>,
    pub(super) company: Option<String>,
    pub(super) lacks: Option<&'static str>,
    pub(super) now: Timestamp,
}

impl Scene {
    /// A request that meets every kind of demand, and is permitted.
    pub(super) fn permitted() -> Self {
        let conditions = Conditions {
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            windows: vec![Window::new(vec![1, 2, 3, 4, 5], 480, 1_080, 0).unwrap()],
            certificate: Some(Digest::of(b"mine")),
        };
        let standing = Standing {
            life: Life {
                created_at: ago(86_400),
                not_before: ago(3_600),
                expires_at: Some(NOON.plus(Span::from_days(1))),
                idle_ttl: Span::from_days(100),
            },
            ended: None,
            disabled: false,
        };
        let terms = Terms {
            flags: flags(0x700),
            contexts: Contexts::set([slug("sales"), slug("stock")]),
            items: Items::set(["10", "11"]).unwrap(),
            company: Some(slug("acme")),
            conditions: Some(Box::new(conditions)),
        };
        let roles = [slug("buyer"), slug("clerk")].into();
        Self {
            standing,
            terms,
            owner: OwnerTerms { blocked: false, ceiling: flags(0x300), roles },
            tenant: Some(CompanyTerms {
                blocked: false,
                licensed: Contexts::set([slug("shop"), slug("stock")]),
            }),
            rule: Some(Requirement {
                context: Some(slug("stock")),
                flags: flags(0x300),
                roles: [slug("clerk")].into(),
                subjects: ["CN=robot".into(), "CN=ci,O=Acme".into()].into(),
                company: Some(slug("acme")),
                of_a_company: true,
                items: ItemRule::Named,
                scope: "stock".into(),
            }),
            address: "10.1.2.3".parse().unwrap(),
            certificate: Some(Digest::of(b"mine")),
            subject: Some("CN=ci,O=Acme"),
            last_use: Some(ago(60)),
            item: Some("10".to_owned()),
            company: Some("acme".to_owned()),
            lacks: None,
            now: NOON,
        }
    }

    pub(super) fn case(&self) -> Case<'_> {
        Case {
            standing: self.standing,
            terms: &self.terms,
            owner: &self.owner,
            company: self.tenant.as_ref(),
            rule: self.rule.as_ref(),
            facts: Facts {
                address: self.address,
                certificate: self.certificate,
                subject: self.subject,
                last_use: self.last_use,
                item: self.item.as_deref(),
                company: self.company.as_deref(),
                lacks: self.lacks,
            },
            now: self.now,
        }
    }

    pub(super) fn decide(&self) -> Result<(), Refusal> {
        decide(&self.case())
    }

    /// What the rule asks, to be changed.
    pub(super) fn rule(&mut self) -> &mut Requirement {
        self.rule.get_or_insert_default()
    }

    /// What its company may, to be changed.
    pub(super) fn tenant(&mut self) -> &mut CompanyTerms {
        let open = CompanyTerms { blocked: false, licensed: Contexts::All };
        self.tenant.get_or_insert(open)
    }

    /// The conditions of the token, to be changed.
    pub(super) fn conditions(&mut self) -> &mut Conditions {
        self.terms.conditions.get_or_insert_default()
    }
}

/// A moment before noon.
pub(super) fn ago(seconds: u64) -> Timestamp {
    Timestamp::from_unix(NOON.unix() - seconds)
}

pub(super) fn slug(name: &str) -> Slug {
    name.parse().unwrap()
}

pub(super) fn flags(bits: i64) -> Flags {
    Flags::from_bits(bits).unwrap()
}
