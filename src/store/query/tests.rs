//! What each filter means, one by one.

use super::*;
use crate::domain::time::Span;
use crate::store::sample::{NOW, owner_id, revoked, token};

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Span::from_seconds(seconds))
}

fn holds(filter: &TokenFilter, token: &Token) -> bool {
    filter.matches(token, None, false, NOW)
}

fn open() -> TokenFilter {
    TokenFilter::default()
}

#[test]
fn text_is_found_in_four_places_in_any_case() {
    let made = Token {
        name: "Nightly ΟΔΟΣ".to_owned(),
        app: "Warehouse".to_owned(),
        description: "first\nSecond".to_owned(),
        ..token(1, "alice")
    };
    let finds = |text: &str| holds(&TokenFilter { text: Some(text.to_owned()), ..open() }, &made);
    for text in ["night", "LY ο", "οδοσ", "Σ", "ware", "t\nsec", "ALICE", "alice"] {
        assert!(finds(text), "{text}");
    }
    for text in ["nightlywarehouse", "house\nfirst", "1234", "alicf"] {
        assert!(!finds(text), "{text}");
    }
    let named = |name: &str| holds(&TokenFilter { name: Some(name.to_owned()), ..open() }, &made);
    assert!(named("NIGHTLY οδος") || named("nightly ΟΔΟΣ"));
    assert!(!named("nightly"), "a name is compared as a whole");
}

#[test]
fn contexts_flags_hint_and_tenant() {
    let slug = |text: &str| text.parse::<Slug>().unwrap();
    let bits = |bits| Flags::from_bits(bits).unwrap();
    let made = Token {
        contexts: Contexts::set([slug("stock")]),
        flags: bits(0x300),
        company: Some(slug("acme")),
        hint: "aB1_".to_owned(),
        ..token(1, "alice")
    };
    let general = Token { contexts: Contexts::All, ..made.clone() };
    let context = |name| TokenFilter { context: Some(slug(name)), ..open() };
    assert!(holds(&context("stock"), &made) && !holds(&context("sales"), &made));
    assert!(holds(&context("sales"), &general), "all contexts hold each");
    for (wanted, found) in [(0x300, true), (0x100, true), (0, true), (0x301, false), (-1, false)] {
        assert_eq!(holds(&TokenFilter { flags: bits(wanted), ..open() }, &made), found, "{wanted}");
    }
    for (hint, found) in [("aB1_", true), ("ab1_", false), ("B1_", false)] {
        assert_eq!(holds(&TokenFilter { hint: Some(hint.to_owned()), ..open() }, &made), found);
    }
    let company = |name| TokenFilter { company: Some(slug(name)), ..open() };
    assert!(holds(&company("acme"), &made) && !holds(&company("other"), &made));
    assert!(!holds(&company("acme"), &token(2, "alice")));
    let owners = |names: &[&str]| {
        let owners = Some(names.iter().map(|name| owner_id(name)).collect());
        holds(&TokenFilter { owners, ..open() }, &made)
    };
    assert!(owners(&["alice", "bob"]) && !owners(&["bob"]) && !owners(&[]));
}

#[test]
fn times_begin_with_their_second_and_end_before_it() {
    let made = Token { expires_at: Some(later(50)), ..token(1, "alice") };
    let created = |from, end| {
        holds(&TokenFilter { created_from: from, created_before: end, ..open() }, &made)
    };
    assert!(created(Some(NOW), None) && created(None, Some(later(1))));
    assert!(!created(Some(later(1)), None) && !created(None, Some(NOW)));
    let expires = |end| holds(&TokenFilter { expires_before: Some(end), ..open() }, &made);
    assert!(expires(later(51)) && !expires(later(50)));
    let never = Token { expires_at: None, ..made };
    assert!(!holds(&TokenFilter { expires_before: Some(Timestamp::MAX), ..open() }, &never));
}

#[test]
fn the_end_by_idleness_moves_with_uses_and_what_has_ended_does_not_end() {
    let made = Token { idle_ttl: Span::from_seconds(100), ..token(1, "alice") };
    let ends = |token: &Token, used, end, now| {
        let filter = TokenFilter { ends_before: Some(end), ..open() };
        filter.matches(token, used, false, now)
    };
    assert!(ends(&made, None, later(101), NOW) && !ends(&made, None, later(100), NOW));
    assert!(!ends(&made, Some(later(30)), later(130), NOW));
    assert!(ends(&made, Some(later(30)), later(131), NOW));
    assert!(!ends(&made, None, Timestamp::MAX, later(100)), "it is over");
    assert!(!ends(&revoked(&made), None, Timestamp::MAX, NOW));
    let used =
        |wanted, at| TokenFilter { used: Some(wanted), ..open() }.matches(&made, at, false, NOW);
    assert!(used(Used::Never, None) && !used(Used::Never, Some(NOW)));
    assert!(used(Used::Before(NOW), None) && used(Used::Before(later(1)), Some(NOW)));
    assert!(!used(Used::Before(NOW), Some(NOW)));
}

#[test]
fn a_rotated_token_is_in_use_from_the_second_of_its_successor_until_it_is_over() {
    let successor = TokenId::new(later(10).unix() * 1_000 + 700, [7; 10]);
    let made = token(1, "alice");
    let rotated =
        Token { rotated_to: Some(successor), expires_at: Some(later(50)), ..made.clone() };
    let both = |token: &Token, used, now| {
        [Rotated::Any, Rotated::InUse].map(|rotated| {
            let filter = TokenFilter { rotated: Some(rotated), ..open() };
            filter.matches(token, used, false, now)
        })
    };
    for (used, wanted) in [
        (None, [true, false]),
        (Some(later(9)), [true, false]),
        (Some(later(10)), [true, true]),
        (Some(later(40)), [true, true]),
    ] {
        assert_eq!(both(&rotated, used, later(45)), wanted, "{used:?}");
    }
    assert_eq!(both(&rotated, Some(later(40)), later(50)), [false; 2], "it is over");
    assert_eq!(both(&revoked(&rotated), Some(later(40)), later(45)), [false; 2]);
    assert_eq!(both(&made, Some(later(40)), later(45)), [false; 2]);
}

#[test]
fn active_is_what_can_be_used_and_blocked_what_its_owner_stops() {
    use crate::domain::event::Actor;
    use crate::domain::limits::Limits;
    use crate::domain::token::Act;
    let act = Act { at: NOW, by: Actor::System, reason: String::new() };
    let active = token(1, "alice");
    let paused = Token { disabled: Some(act), ..active.clone() };
    let pending = Token { not_before: later(5), ..active.clone() };
    let expired = Token { expires_at: Some(NOW), ..active.clone() };
    let limits = Limits { uses: Some(7), ..Limits::NONE };
    let limited = Token { limits, ..active.clone() };
    for (token, blocked, wanted) in [
        (&active, false, "active"),
        (&active, true, "blocked"),
        (&paused, false, "disabled"),
        (&paused, true, "disabled blocked"),
        (&pending, true, "pending blocked"),
        (&expired, true, "expired"),
        (&revoked(&active), true, "revoked"),
        (&limited, false, "active used_up"),
        (&limited, true, "blocked used_up"),
        (&revoked(&limited), false, "revoked"),
    ] {
        let holds = |(name, standing): &(&'static str, Standing)| {
            assert_eq!((standing.as_str(), name.parse()), (*name, Ok(*standing)));
            let filter = TokenFilter { standings: Some([*standing].into()), ..open() };
            filter.matches(token, None, blocked, NOW).then_some(*name)
        };
        let names: Vec<_> = STANDINGS.iter().filter_map(holds).collect();
        assert_eq!(names.join(" "), wanted);
    }
    let idle = TokenFilter { standings: Some([Standing::IdleExpired].into()), ..open() };
    assert!(idle.matches(&active, None, true, NOW.plus(active.idle_ttl)));
    let none = TokenFilter { standings: Some([].into()), ..open() };
    assert!(!holds(&none, &active));
}
