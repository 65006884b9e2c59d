//! What holds of every decision, whatever it is made from: a dead token is never permitted, and a
//! restriction never opens anything.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof};
use proptest::sample::{select, subsequence};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::scene::{Scene, flags, slug};
use super::{CompanyTerms, OwnerTerms, Standing, Terms};
use crate::domain::conditions::{Conditions, Window};
use crate::domain::flags::Flags;
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::Slug;
use crate::domain::rule::{ItemRule, Requirement};
use crate::domain::secret::Digest;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{End, Life};

const CASES: u32 = 4_096;

/// Few values of everything, so that they often meet.
fn moments() -> impl Strategy<Value = Timestamp> {
    (0_u64..12).prop_map(|hour| Timestamp::from_unix(hour * 3_600))
}

fn some_flags() -> impl Strategy<Value = Flags> {
    prop_oneof![(0_i64..8).prop_map(flags), Just(Flags::UNLIMITED)]
}

fn slugs(names: &'static [&'static str]) -> impl Strategy<Value = Vec<Slug>> {
    subsequence(names, 0..=names.len()).prop_map(|names| names.into_iter().map(slug).collect())
}

fn companies() -> impl Strategy<Value = Option<Slug>> {
    of(select(vec![slug("acme"), slug("other")]))
}

fn contexts() -> impl Strategy<Value = Contexts> {
    prop_oneof![Just(Contexts::All), slugs(&["sales", "stock"]).prop_map(Contexts::set)]
}

fn items() -> impl Strategy<Value = Items> {
    let some = subsequence(vec!["1", "2", "3"], 1..=3);
    prop_oneof![Just(Items::All), some.prop_map(|ids| Items::set(ids).unwrap())]
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let networks = subsequence(vec!["10.0.0.0/8", "10.1.0.0/16", "::/0"], 0..=2);
    let window = |(day, from)| Window::new(vec![day], from, from + 180, 0).unwrap();
    let windows =
        vec((select(vec![3_u8, 4, 5]), select(vec![0_u16, 60, 240])).prop_map(window), 0..2);
    let certificate = of(Just(Digest::of(b"mine")));
    (networks, windows, certificate).prop_map(|(networks, windows, certificate)| Conditions {
        networks: networks.into_iter().map(|net| net.parse().unwrap()).collect(),
        windows,
        certificate,
    })
}

fn lives() -> impl Strategy<Value = Life> {
    let idle =
        prop_oneof![Just(Span::ZERO), (1_u64..12).prop_map(|h| Span::from_seconds(h * 3_600))];
    (moments(), moments(), of(moments()), idle).prop_map(
        |(created_at, not_before, expires_at, idle_ttl)| Life {
            created_at,
            not_before,
            expires_at,
            idle_ttl,
        },
    )
}

fn standings() -> impl Strategy<Value = Standing> {
    let end = select(vec![End::Revoked, End::Leaked, End::Expired, End::IdleExpired]);
    let ended = prop_oneof![4 => Just(None), 1 => end.prop_map(Some)];
    let disabled = prop_oneof![4 => Just(false), 1 => Just(true)];
    (lives(), ended, disabled).prop_map(|(life, ended, disabled)| Standing {
        life,
        ended,
        disabled,
    })
}

fn terms() -> impl Strategy<Value = Terms> {
    let conditions = of(conditions().prop_map(Box::new));
    (some_flags(), contexts(), items(), companies(), conditions).prop_map(
        |(flags, contexts, items, company, conditions)| Terms {
            flags,
            contexts,
            items,
            company,
            conditions,
        },
    )
}

fn owners() -> impl Strategy<Value = OwnerTerms> {
    let blocked = prop_oneof![4 => Just(false), 1 => Just(true)];
    (blocked, some_flags(), slugs(&["boss", "clerk"]))
        .prop_map(|(blocked, ceiling, roles)| OwnerTerms { blocked, ceiling, roles: roles.into() })
}

fn tenants() -> impl Strategy<Value = Option<CompanyTerms>> {
    let blocked = prop_oneof![4 => Just(false), 1 => Just(true)];
    of((blocked, contexts()).prop_map(|(blocked, licensed)| CompanyTerms { blocked, licensed }))
}

fn item_rules() -> impl Strategy<Value = ItemRule> {
    select(vec![ItemRule::Closed, ItemRule::Named, ItemRule::Upstream])
}

fn rules() -> impl Strategy<Value = Requirement> {
    let context = of(select(vec![slug("sales"), slug("stock")]));
    let roles = slugs(&["boss", "clerk"]);
    let company = (companies(), prop_oneof![Just(false), Just(true)]);
    let subjects = subsequence(vec!["CN=a", "CN=b"], 0..=2);
    (context, (0_i64..4).prop_map(flags), roles, subjects, company, item_rules()).prop_map(
        |(context, flags, roles, subjects, (company, of_a_company), items)| Requirement {
            context,
            flags,
            roles: roles.into(),
            subjects: subjects.into_iter().map(Into::into).collect(),
            company,
            of_a_company,
            items,
            scope: Box::default(),
        },
    )
}

fn scenes() -> impl Strategy<Value = Scene> {
    let rule = prop_oneof![1 => Just(None), 9 => rules().prop_map(Some)];
    let address = select(vec!["10.1.2.3", "10.2.2.3", "192.0.2.1", "::1"]);
    let item = of(select(vec!["1", "2", "9"]));
    let company = of(select(vec!["acme", "other"]));
    let certificate = of(select(vec![Digest::of(b"mine"), Digest::of(b"theirs")]));
    let certificate = (certificate, of(select(vec!["CN=a", "CN=b"])));
    let token = (standings(), terms(), tenants());
    (token, owners(), rule, address, certificate, of(moments()), item, company, moments()).prop_map(
        |(token, owner, rule, address, certificate, last_use, item, company, now)| {
            let (standing, terms, tenant) = token;
            let (certificate, subject) = certificate;
            Scene {
                standing,
                terms,
                owner,
                tenant,
                rule,
                address: address.parse().unwrap(),
                certificate,
                subject,
                last_use,
                item: item.map(str::to_owned),
                company: company.map(str::to_owned),
                lacks: None,
                now,
            }
        },
    )
}

/// One thing less in the token's favour. The second scene only lends its values.
type Restriction = fn(&mut Scene, &Scene);

/// Everything that narrows what a token may do.
///
/// A later activation is not among them, for it moves the idle deadline as well.
const RESTRICTIONS: [(&str, Restriction); 28] = [
    ("end", |scene, other| scene.standing.ended = scene.standing.ended.or(other.standing.ended)),
    ("disable", |scene, _| scene.standing.disabled = true),
    ("block", |scene, _| scene.owner.blocked = true),
    ("expire sooner", |scene, other| {
        let (mine, theirs) = (scene.standing.life.expires_at, other.standing.life.expires_at);
        scene.standing.life.expires_at = mine.into_iter().chain(theirs).min();
    }),
    ("idle sooner", |scene, other| {
        let spans = [scene.standing.life.idle_ttl, other.standing.life.idle_ttl];
        let sooner = spans.into_iter().filter(|span| !span.is_zero()).min();
        scene.standing.life.idle_ttl = sooner.unwrap_or_default();
    }),
    ("used longer ago", |scene, other| scene.last_use = scene.last_use.min(other.last_use)),
    ("fewer flags", |scene, other| scene.terms.flags = scene.terms.flags.within(other.terms.flags)),
    ("lower ceiling", |scene, other| {
        scene.owner.ceiling = scene.owner.ceiling.within(other.owner.ceiling);
    }),
    ("fewer contexts", |scene, other| {
        let names = ["sales", "stock"].map(slug);
        let both = |name: &Slug| {
            scene.terms.contexts.contains(name) && other.terms.contexts.contains(name)
        };
        scene.terms.contexts = Contexts::set(names.into_iter().filter(both));
    }),
    ("take licences", |scene, other| {
        let theirs = other.tenant.as_ref().map_or(Contexts::All, |tenant| tenant.licensed.clone());
        let mine = &mut scene.tenant().licensed;
        let both = |name: &Slug| mine.contains(name) && theirs.contains(name);
        *mine = Contexts::set(["sales", "stock"].map(slug).into_iter().filter(both));
    }),
    ("take all licences", |scene, _| scene.tenant().licensed = Contexts::set([])),
    ("block the company", |scene, _| scene.tenant().blocked = true),
    ("fewer items", |scene, other| {
        let both = |id: &&str| scene.terms.items.contains(id) && other.terms.items.contains(id);
        let left = Items::set(["1", "2", "3"].into_iter().filter(both));
        scene.terms.items = left.unwrap_or_else(|_| scene.terms.items.clone());
    }),
    ("lack a parameter", |scene, _| scene.lacks = Some("market")),
    ("leave the company", |scene, _| scene.terms.company = None),
    ("bind to a certificate", |scene, _| {
        scene.conditions().certificate.get_or_insert(Digest::of(b"mine"));
    }),
    ("lose the certificate", |scene, _| scene.certificate = None),
    ("have no subject", |scene, _| scene.subject = None),
    ("ask a subject", |scene, other| {
        if let (Some(rule), Some(theirs)) = (&mut scene.rule, &other.rule) {
            let all = if rule.subjects.is_empty() { &theirs.subjects } else { &rule.subjects };
            rule.subjects = all.first().into_iter().cloned().collect();
        }
    }),
    ("fewer networks", |scene, other| {
        let theirs = other.terms.conditions.clone().unwrap_or_default().networks;
        let mine = &mut scene.conditions().networks;
        if mine.is_empty() {
            *mine = theirs;
        } else {
            mine.truncate(1);
        }
    }),
    ("fewer windows", |scene, other| {
        let theirs = other.terms.conditions.clone().unwrap_or_default().windows;
        let mine = &mut scene.conditions().windows;
        if mine.is_empty() {
            *mine = theirs;
        } else {
            mine.truncate(1);
        }
    }),
    ("fewer roles", |scene, other| {
        let both = scene.owner.roles.iter().filter(|role| other.owner.roles.contains(role));
        scene.owner.roles = both.cloned().collect();
    }),
    ("take the rule away", |scene, _| scene.rule = None),
    ("ask a context", |scene, other| {
        let asked = other.rule.as_ref().and_then(|rule| rule.context.clone());
        if let Some(rule) = &mut scene.rule {
            rule.context = rule.context.take().or(asked);
        }
    }),
    ("ask more flags", |scene, other| {
        if let (Some(rule), Some(theirs)) = (&mut scene.rule, &other.rule) {
            rule.flags = rule.flags.union(theirs.flags);
        }
    }),
    ("ask more roles", |scene, other| {
        if let (Some(rule), Some(theirs)) = (&mut scene.rule, &other.rule) {
            rule.roles = rule.roles.iter().chain(&theirs.roles).cloned().collect();
        }
    }),
    ("ask a company", |scene, other| {
        let asked = other.rule.as_ref().and_then(|rule| rule.company.clone());
        if let Some(rule) = &mut scene.rule {
            rule.company = rule.company.take().or(asked);
            rule.of_a_company = true;
        }
        scene.company = scene.company.take().or_else(|| other.company.clone());
    }),
    ("look at items more closely", |scene, _| {
        if let Some(rule) = &mut scene.rule {
            rule.items = match rule.items {
                ItemRule::Upstream => ItemRule::Named,
                ItemRule::Named | ItemRule::Closed => ItemRule::Closed,
            };
        }
    }),
];

/// Whether the token lives, told from its record in other words than the checks use.
fn lives_now(scene: &Scene) -> bool {
    let Life { created_at, not_before, expires_at, idle_ttl } = scene.standing.life;
    let last_sign =
        [Some(created_at), Some(not_before), scene.last_use].into_iter().max().flatten();
    let idle_for = scene.now.since(last_sign.unwrap_or_default());
    scene.standing.ended.is_none()
        && !scene.standing.disabled
        && !scene.owner.blocked
        && scene.tenant.as_ref().is_none_or(|tenant| !tenant.blocked)
        && not_before <= scene.now
        && expires_at.is_none_or(|expiry| scene.now < expiry)
        && (idle_ttl.is_zero() || idle_for < idle_ttl)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_dead_token_is_never_permitted(scene in scenes()) {
        prop_assert!(lives_now(&scene) || scene.decide().is_err());
    }

    #[test]
    fn a_living_token_is_permitted_what_asks_nothing(scene in scenes()) {
        let mut scene = scene;
        scene.terms.conditions = None;
        scene.company = None;
        // Whatever the company is licensed for: the rule asks for no context.
        scene.rule = Some(Requirement { items: ItemRule::Upstream, ..Requirement::default() });
        prop_assert_eq!(lives_now(&scene), scene.decide().is_ok());
    }

    #[test]
    fn a_restriction_never_permits_what_was_refused(scene in scenes(), other in scenes()) {
        for (name, restrict) in RESTRICTIONS {
            let mut narrower = scene.clone();
            restrict(&mut narrower, &other);
            prop_assert!(
                narrower.decide().is_err() || scene.decide().is_ok(),
                "{name} opened {scene:?}"
            );
        }
    }
}
