//! The states of a token, and what its parts refuse.

use super::*;

const MADE: Timestamp = Timestamp::from_unix(1_800_000_000);

fn token() -> Token {
    Token {
        id: TokenId::new(MADE.unix() * 1_000, [7; 10]),
        digest: Digest::of(b"secret"),
        hint: "cret".to_owned(),
        name: "a token".to_owned(),
        app: String::new(),
        description: String::new(),
        owner: "alice".parse().unwrap(),
        company: None,
        created_by: Actor::Local(0),
        created_at: MADE,
        not_before: after(100),
        expires_at: Some(after(1_000)),
        idle_ttl: Span::from_seconds(500),
        flags: Flags::NONE,
        contexts: Contexts::All,
        items: Items::All,
        params: None,
        context_params: BTreeMap::new(),
        conditions: Conditions::default(),
        limits: Default::default(),
        disabled: None,
        rotated_from: None,
        family: None,
        rotated_to: None,
        retire_after_use: None,
        ended: None,
        revision: Revision::NONE.next(),
    }
}

const fn after(seconds: u64) -> Timestamp {
    MADE.plus(Span::from_seconds(seconds))
}

fn act() -> Act {
    Act { at: after(200), by: Actor::System, reason: String::new() }
}

#[test]
fn x3_a_life_to_the_second() {
    let token = token();
    for (at, last_use, state) in [
        (0, None, State::Pending),
        (99, None, State::Pending),
        (100, None, State::Active),
        (599, None, State::Active),
        (600, None, State::IdleExpired),
        (600, Some(101), State::Active),
        (601, Some(101), State::IdleExpired),
        (999, Some(999), State::Active),
        (1_000, Some(999), State::Expired),
        (1_000, None, State::Expired),
    ] {
        assert_eq!(token.state(last_use.map(after), after(at)), state, "{last_use:?} at {at}");
    }
}

#[test]
fn x3_a_pause_hides_youth_and_never_hides_an_end() {
    let mut token = token();
    token.disabled = Some(act());
    for (at, state) in [
        (0, State::Disabled),
        (300, State::Disabled),
        (600, State::IdleExpired),
        (1_000, State::Expired),
    ] {
        assert_eq!(token.state(None, after(at)), state, "at {at}");
    }
}

#[test]
fn x3_an_end_is_final_whatever_the_clock_says() {
    let ends = [
        (End::Revoked, State::Revoked),
        (End::Expired, State::Expired),
        (End::IdleExpired, State::IdleExpired),
    ];
    for (how, state) in ends {
        let mut token = token();
        token.ended = Some(Ended { how, act: act() });
        token.disabled = Some(act());
        for at in [0, 300, 5_000] {
            assert_eq!(token.state(Some(after(at)), after(at)), state, "at {at}");
        }
        assert!(state.is_final());
    }
}

#[test]
fn the_deadline_is_the_sooner_of_the_two() {
    let mut life = token().life();
    assert_eq!(life.deadline(None), Some(after(600)));
    assert_eq!(life.deadline(Some(after(50))), Some(after(600)));
    assert_eq!(life.deadline(Some(after(700))), Some(after(1_000)));
    life.expires_at = None;
    assert_eq!(life.deadline(Some(after(700))), Some(after(1_200)));
    life.idle_ttl = Span::ZERO;
    assert_eq!(life.deadline(None), None);
}

#[test]
fn a_record_survives_json_and_hides_what_is_sealed() {
    let mut token = token();
    token.params = Some("{ \"a\" :1}".to_owned());
    let sealed = BTreeMap::from([("bot".to_owned(), ParamValue::Sealed("c2VhbGVk".to_owned()))]);
    token.context_params.insert("telegram".parse().unwrap(), sealed);
    token.ended = Some(Ended { how: End::Revoked, act: act() });
    let json = serde_json::to_string(&token).unwrap();
    assert_eq!(serde_json::from_str::<Token>(&json).unwrap(), token);
    assert!(!format!("{token:?}").contains("c2VhbGVk"));
}
