//! Tables of what is allowed and what is denied, the order of the checks, and lives to the second.

use std::sync::Arc;

use super::CHECKS;
use super::scene::{NOON, Scene, ago, flags, slug};
use crate::domain::conditions::Window;
use crate::domain::flags::Flags;
use crate::domain::grant::{Contexts, Items};
use crate::domain::refusal::Refusal;
use crate::domain::rule::{ItemRule, Requirement};
use crate::domain::secret::Digest;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::End;

type Twist = fn(&mut Scene);

/// What spoils a permitted request, by the reason that it must then be refused for, in the order of
/// the checks.
const SPOILERS: [(Refusal, Twist); 19] = [
    (Refusal::Revoked, |scene| scene.standing.ended = Some(End::Revoked)),
    (Refusal::Disabled, |scene| scene.standing.disabled = true),
    (Refusal::OwnerBlocked, |scene| scene.owner.blocked = true),
    (Refusal::CompanyBlocked, |scene| scene.tenant().blocked = true),
    (Refusal::NotYetActive, |scene| {
        scene.standing.life.not_before = scene.now.plus(Span::from_seconds(1));
    }),
    (Refusal::Expired, |scene| scene.standing.life.expires_at = Some(scene.now)),
    (Refusal::IdleExpired, |scene| {
        // A pending token cannot lie idle; one that the sweeper ended may have been made pending.
        if scene.standing.life.not_before > scene.now {
            scene.standing.ended = Some(End::IdleExpired);
        }
        scene.standing.life.idle_ttl = Span::from_seconds(60);
    }),
    (Refusal::WrongPresenter, |scene| scene.certificate = None),
    (Refusal::AddressNotAllowed, |scene| scene.address = "192.0.2.1".parse().unwrap()),
    (Refusal::TimeNotAllowed, |scene| {
        scene.conditions().windows = vec![Window::new(vec![6, 7], 0, 1_440, 0).unwrap()];
    }),
    (Refusal::NoRule, |scene| scene.rule = None),
    (Refusal::SubjectNotAllowed, |scene| scene.subject = Some("CN=ci")),
    (Refusal::RoleMissing, |scene| scene.owner.roles = Arc::default()),
    (Refusal::WrongCompany, |scene| scene.company = Some("other".to_owned())),
    (Refusal::ContextMissing, |scene| scene.terms.contexts = Contexts::set([slug("sales")])),
    (Refusal::ContextUnlicensed, |scene| scene.tenant().licensed = Contexts::set([slug("shop")])),
    (Refusal::ParameterMissing, |scene| scene.lacks = Some("bot_token")),
    (Refusal::FlagsMissing, |scene| scene.terms.flags = flags(0x100)),
    (Refusal::ItemNotAllowed, |scene| scene.item = Some("12".to_owned())),
];

#[test]
fn the_checks_stand_in_the_order_of_the_contract() {
    let names: Vec<_> = CHECKS.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "not revoked",
            "not disabled",
            "owner not blocked",
            "company not blocked",
            "active",
            "not expired",
            "not idle",
            "presenter",
            "address",
            "time",
            "rule",
            "subject",
            "roles",
            "company",
            "context",
            "licence",
            "parameters",
            "flags",
            "items",
        ]
    );
    assert_eq!(Scene::permitted().decide(), Ok(()));
}

#[test]
fn each_spoiler_alone_fails_its_own_check_and_no_other() {
    for (place, (refusal, spoil)) in SPOILERS.iter().enumerate() {
        let mut scene = Scene::permitted();
        spoil(&mut scene);
        assert_eq!(scene.decide(), Err(*refusal));
        for (other, (name, check)) in CHECKS.iter().enumerate() {
            // Without a rule nothing says that the request names its item.
            let too = other == place || (*refusal == Refusal::NoRule && *name == "items");
            assert_eq!(check(&scene.case()).is_err(), too, "{refusal:?} and `{name}`");
        }
    }
}

#[test]
fn of_two_failing_checks_the_earlier_gives_the_reason() {
    let mut cannot_both_fail = Vec::new();
    for (earlier, (reason, spoil)) in SPOILERS.iter().enumerate() {
        for (also, (_, check)) in SPOILERS.iter().zip(&CHECKS).skip(earlier + 1) {
            let mut scene = Scene::permitted();
            spoil(&mut scene);
            also.1(&mut scene);
            if check(&scene.case()).is_ok() || CHECKS[earlier].1(&scene.case()).is_ok() {
                cannot_both_fail.push((*reason, also.0));
                continue;
            }
            assert_eq!(scene.decide(), Err(*reason), "with {:?}", also.0);
        }
    }
    // Without a rule nothing is asked; of the rest every pair was tried.
    let nothing_asked = [
        Refusal::SubjectNotAllowed,
        Refusal::RoleMissing,
        Refusal::ContextMissing,
        Refusal::ContextUnlicensed,
        Refusal::FlagsMissing,
    ];
    assert_eq!(cannot_both_fail, nothing_asked.map(|asked| (Refusal::NoRule, asked)));
}

/// One thing about a permitted request is changed: what is answered then.
const ANSWERS: [(&str, Twist, Result<(), Refusal>); 32] = [
    (
        "w12: a higher bit holds no lower one",
        |s| s.terms.flags = flags(0x1000),
        Err(Refusal::FlagsMissing),
    ),
    ("w13: -1 under a ceiling that has the bits", |s| s.terms.flags = Flags::UNLIMITED, Ok(())),
    (
        "w13: -1 under a lower ceiling",
        |s| {
            s.terms.flags = Flags::UNLIMITED;
            s.owner.ceiling = flags(0x100);
        },
        Err(Refusal::FlagsMissing),
    ),
    (
        "w14: only -1 is -1",
        |s| {
            s.terms.flags = flags(i64::MAX);
            s.owner.ceiling = Flags::UNLIMITED;
            s.rule().flags = Flags::UNLIMITED;
        },
        Err(Refusal::FlagsMissing),
    ),
    (
        "w14: -1 under -1",
        |s| {
            s.terms.flags = Flags::UNLIMITED;
            s.owner.ceiling = Flags::UNLIMITED;
            s.rule().flags = Flags::UNLIMITED;
        },
        Ok(()),
    ),
    (
        "no flags where none are asked",
        |s| {
            s.terms.flags = Flags::NONE;
            s.rule().flags = Flags::NONE;
        },
        Ok(()),
    ),
    ("f4: general access", |s| s.terms.contexts = Contexts::All, Ok(())),
    (
        "f4: no context at all",
        |s| s.terms.contexts = Contexts::set([]),
        Err(Refusal::ContextMissing),
    ),
    (
        "f5: general access of a company without the licence",
        |s| {
            s.terms.contexts = Contexts::All;
            s.tenant().licensed = Contexts::set([slug("sales")]);
        },
        Err(Refusal::ContextUnlicensed),
    ),
    ("f5: a company that is not on record", |s| s.tenant = None, Ok(())),
    ("f5: a company that is licensed for all", |s| s.tenant().licensed = Contexts::All, Ok(())),
    (
        "f5: no licence at all where no context is asked",
        |s| {
            s.tenant().licensed = Contexts::set([]);
            s.rule().context = None;
        },
        Ok(()),
    ),
    (
        "no context where none is asked",
        |s| {
            s.terms.contexts = Contexts::set([]);
            s.rule().context = None;
        },
        Ok(()),
    ),
    (
        "w16: all items, whichever is named",
        |s| {
            s.terms.items = Items::All;
            s.item = Some("99".to_owned());
        },
        Ok(()),
    ),
    (
        "w16: all items, none named",
        |s| {
            s.terms.items = Items::All;
            s.item = None;
        },
        Ok(()),
    ),
    ("w16: some items, none named", |s| s.item = None, Err(Refusal::ItemNotAllowed)),
    (
        "w16: some items, a prefix named",
        |s| s.item = Some("1".to_owned()),
        Err(Refusal::ItemNotAllowed),
    ),
    (
        "w16: some items, and the upstream filters",
        |s| {
            s.rule().items = ItemRule::Upstream;
            s.item = Some("99".to_owned());
        },
        Ok(()),
    ),
    (
        "w16: some items, and a rule that cannot tell",
        |s| s.rule().items = ItemRule::Closed,
        Err(Refusal::ItemNotAllowed),
    ),
    ("f6: no company in the request", |s| s.company = None, Ok(())),
    (
        "f6: a token without company, asked by the request",
        |s| {
            s.terms.company = None;
            s.rule().company = None;
        },
        Err(Refusal::WrongCompany),
    ),
    (
        "f6: a token without company, asked by the rule",
        |s| {
            s.terms.company = None;
            s.company = None;
        },
        Err(Refusal::WrongCompany),
    ),
    (
        "f6: no company anywhere",
        |s| {
            s.terms.company = None;
            s.company = None;
            s.rule().company = None;
            s.rule().of_a_company = false;
        },
        Ok(()),
    ),
    (
        "f6: a token without company, where it must have one",
        |s| {
            s.terms.company = None;
            s.company = None;
            s.rule().company = None;
        },
        Err(Refusal::WrongCompany),
    ),
    (
        "f6: a token of any company, where it must have one",
        |s| {
            s.company = None;
            s.rule().company = None;
        },
        Ok(()),
    ),
    (
        "one role of two",
        |s| s.rule().roles = [slug("clerk"), slug("boss")].into(),
        Err(Refusal::RoleMissing),
    ),
    (
        "another certificate",
        |s| s.certificate = Some(Digest::of(b"theirs")),
        Err(Refusal::WrongPresenter),
    ),
    ("a certificate that nobody asked for", |s| s.conditions().certificate = None, Ok(())),
    ("no certificate at all", |s| s.subject = None, Err(Refusal::SubjectNotAllowed)),
    ("a subject that nobody asked for", |s| s.rule().subjects = Box::default(), Ok(())),
    ("no conditions", |s| s.terms.conditions = None, Ok(())),
    (
        "a rule that asks nothing, and a token limited to items",
        |s| s.rule = Some(Requirement::default()),
        Err(Refusal::ItemNotAllowed),
    ),
];

#[test]
fn what_is_allowed_and_what_is_denied() {
    for (name, twist, expected) in ANSWERS {
        let mut scene = Scene::permitted();
        twist(&mut scene);
        assert_eq!(scene.decide(), expected, "{name}");
    }
}

/// What is answered `seconds` after the token was made.
fn after(scene: &Scene, seconds: u64) -> Result<(), Refusal> {
    let mut scene = scene.clone();
    scene.terms.conditions = None;
    scene.now = scene.standing.life.created_at.plus(Span::from_seconds(seconds));
    scene.decide()
}

fn made_now() -> Scene {
    let mut scene = Scene::permitted();
    scene.standing.life.created_at = NOON;
    scene.standing.life.not_before = NOON;
    scene.standing.life.expires_at = None;
    scene.last_use = None;
    scene
}

#[test]
fn w3_a_token_begins_in_its_first_second() {
    let mut scene = made_now();
    scene.standing.life.not_before = NOON.plus(Span::from_seconds(3_600));
    assert_eq!(after(&scene, 3_599), Err(Refusal::NotYetActive));
    assert_eq!(after(&scene, 3_600), Ok(()));
}

#[test]
fn w4_a_token_is_over_when_its_time_is() {
    let mut scene = made_now();
    scene.standing.life.expires_at = Some(NOON.plus(Span::from_seconds(60)));
    assert_eq!(after(&scene, 59), Ok(()));
    assert_eq!(after(&scene, 60), Err(Refusal::Expired));
    assert_eq!(after(&scene, u64::MAX), Err(Refusal::Expired));
}

#[test]
fn w5_without_a_limit_it_never_ends() {
    let mut scene = made_now();
    scene.standing.life.idle_ttl = Span::ZERO;
    assert_eq!(after(&scene, u64::MAX), Ok(()));
}

#[test]
fn w6_a_hundred_days_of_idleness_end_it() {
    const DAY: u64 = 86_400;
    let mut scene = made_now();
    assert_eq!(after(&scene, 100 * DAY - 1), Ok(()));
    assert_eq!(after(&scene, 100 * DAY), Err(Refusal::IdleExpired));
    // A use on day 99 begins the count anew.
    scene.last_use = Some(NOON.plus(Span::from_days(99)));
    assert_eq!(after(&scene, 199 * DAY - 1), Ok(()));
    assert_eq!(after(&scene, 199 * DAY), Err(Refusal::IdleExpired));
    // A token that begins later is not idle before.
    scene.last_use = None;
    scene.standing.life.not_before = NOON.plus(Span::from_days(200));
    assert_eq!(after(&scene, 300 * DAY - 1), Ok(()));
    assert_eq!(after(&scene, 300 * DAY), Err(Refusal::IdleExpired));
}

#[test]
fn what_has_ended_stays_ended_whatever_the_clock_says() {
    for (end, refusal) in [
        (End::Expired, Refusal::Expired),
        (End::IdleExpired, Refusal::IdleExpired),
        (End::Leaked, Refusal::Revoked),
    ] {
        let mut scene = Scene::permitted();
        scene.standing.ended = Some(end);
        scene.now = ago(30);
        assert_eq!(scene.decide(), Err(refusal));
    }
}

#[test]
fn a_clock_at_the_end_of_time_permits_nothing_that_can_end() {
    let mut scene = Scene::permitted();
    scene.terms.conditions = None;
    scene.now = Timestamp::MAX;
    assert_eq!(scene.decide(), Err(Refusal::Expired));
    scene.standing.life.expires_at = None;
    assert_eq!(scene.decide(), Err(Refusal::IdleExpired));
}
